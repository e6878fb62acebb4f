"""What the hub asks of an ebXML header: one table for each form that a contract may demand.

Names, order and oddities are those of the Spine 2 validators (tms-rules.md 2.1 to 2.3), named at
each table. Which form applies is said by the contract of service and interaction, not by the
address (tms-rules.md 2.2). A missing element breaks the rule that counts it and each of the rules
on its attributes; attributes count in their namespace only; mustUnderstand is asked nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from legacy_contracts.envelopes.soap import FRAME
from legacy_contracts.hl7.rules import Group, Rule, Rules, once


class Form(StrEnum):
    """Which reliability a contract demands of a message, and so which validator asks it."""

    RELIABLE = "reliable"
    EXPRESS = "express"
    FORWARD_INTERMEDIARY = "forward, each hop acknowledges"
    FORWARD_END_PARTY = "forward, the end party acknowledges"
    FORWARD_NONE = "forward, nobody acknowledges"


TO_PARTY_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
NEXT_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:nextMSH"
NEXT_ACTOR: Final = "http://schemas.xmlsoap.org/soap/actor/next"

HEADER: Final = "/soap:Envelope/soap:Header[1]"
MANIFEST: Final = "/soap:Envelope/soap:Body[1]/eb:Manifest"

_BODY: Final = "/soap:Envelope/soap:Body[1]"
_MESSAGE: Final = "eb:MessageHeader[1]"
_VERSION: Final = f"{_MESSAGE}/@eb:version"

_ELIMINATION: Final = "DUPLICATE_ELIMINATION_INCONSISTENT_WITH_CONTRACT"
_ACK_REQUESTED: Final = "ACK_REQUESTED_INCONSISTENT_WITH_CONTRACT"
_SYNC_REPLY: Final = "SYNCREPLY_INCONSISTENT_WITH_CONTRACT"
_SYNC_REPLY_VERSION: Final = "SYNCREPLY_VERSION_INVALID"
_HEADER_VERSION: Final = "INVALID_MESSAGE_HEADER_VERSION"
_MANIFEST_REFERENCE: Final = "INVALID_MANIFEST_REFERENCE"
_ACK_INVALID: Final = "EBXML_ACK_INVALID"

_FIELDS: Final = Group(
    HEADER,
    tuple(
        Rule(once(f"{_MESSAGE}/{path}"), "MESSAGE_NOT_WELL_FORMED")
        for path in (
            "eb:From[1]/eb:PartyId",
            "eb:To[1]/eb:PartyId",
            "eb:CPAId",
            "eb:ConversationId",
            "eb:Service",
            "eb:Action",
            "eb:MessageData",
            "eb:MessageData/eb:MessageId",
            "eb:MessageData/eb:Timestamp",
        )
    ),
)


def _ack_requested(actor: str, version: str, signed: str, other_actor: str) -> tuple[Rule, ...]:
    """Give the rules on AckRequested's attributes, with the names that this validator has."""
    return (
        Rule("eb:AckRequested/@eb:version = '2.0'", version),
        Rule("eb:AckRequested/@eb:signed = 'false'", signed),
        Rule(f"eb:AckRequested/@soap:actor = '{actor}'", other_actor),
    )


def _acknowledged_by(actor: str) -> tuple[Rule, ...]:
    return _ack_requested(
        actor,
        "ACK_REQUESTED_VERSION_INVALID",
        "ACK_REQUESTED_SIGNED_INVALID",
        "ACK_REQUESTED_ACTOR_INVALID",
    )


_LENIENT_VERSION: Final = Rule(f"not({_VERSION}) or {_VERSION} = '2.0'", _HEADER_VERSION)

_ONE_REFERENCE: Final = Group(
    _BODY,
    (
        Rule("count(eb:Manifest[@eb:version != '2.0']) = 0", _MANIFEST_REFERENCE),
        Rule("count(eb:Manifest/eb:Reference) = 1", _MANIFEST_REFERENCE),
        Rule(
            "string-length(substring-after(eb:Manifest[1]/eb:Reference[1]/@xlink:href, ':')) > 0",
            _MANIFEST_REFERENCE,
        ),
    ),
)

_ANY_REFERENCES: Final = Group(
    _BODY,
    (Rule("count(eb:Manifest) = 0 or eb:Manifest/@eb:version = '2.0'", _MANIFEST_REFERENCE),),
)

_FORWARD: Final = (
    # Both names are odd, and the legacy's: nothing here is said of SyncReply's version.
    Rule("eb:MessageHeader/@eb:version = '2.0'", _SYNC_REPLY_VERSION),
    Rule("count(eb:SyncReply) = 0", _SYNC_REPLY),
)

_GROUPS: Final[Mapping[Form, tuple[Group, ...]]] = {
    # ebxmlReliableValidator
    Form.RELIABLE: (
        FRAME,
        _FIELDS,
        Group(
            HEADER,
            (
                _LENIENT_VERSION,
                Rule(f"count({_MESSAGE}/eb:DuplicateElimination) = 1", _ELIMINATION),
                Rule("count(eb:AckRequested) = 1", _ACK_REQUESTED),
                Rule("count(eb:SyncReply) = 1", _SYNC_REPLY),
                Rule("eb:SyncReply/@eb:version = '2.0'", _SYNC_REPLY_VERSION),
                Rule(f"eb:SyncReply/@soap:actor = '{NEXT_ACTOR}'", "SYNCREPLY_ACTOR_INVALID"),
                *_acknowledged_by(TO_PARTY_MSH),
            ),
        ),
        _ONE_REFERENCE,
    ),
    # ebxmlAsyncExpressValidator: it does not look at SyncReply
    Form.EXPRESS: (
        FRAME,
        _FIELDS,
        Group(
            HEADER,
            (
                _LENIENT_VERSION,
                Rule(f"count({_MESSAGE}/eb:DuplicateElimination) = 0", _ELIMINATION),
                Rule("count(eb:AckRequested) = 0", _ACK_REQUESTED),
            ),
        ),
        _ONE_REFERENCE,
    ),
    # Forward-IntermediaryReliability
    Form.FORWARD_INTERMEDIARY: (
        FRAME,
        _FIELDS,
        Group(
            HEADER,
            (
                Rule(f"count({_MESSAGE}/eb:DuplicateElimination) = 1", _ELIMINATION),
                Rule(f"{_VERSION} = '2.0'", _HEADER_VERSION),
                Rule("count(eb:AckRequested) = 1", _ACK_REQUESTED),
                Rule("count(eb:SyncReply) = 0", _SYNC_REPLY),
                *_acknowledged_by(NEXT_MSH),
            ),
        ),
        _ANY_REFERENCES,
    ),
    # Forward-EndPartyReliability: it asks no field, so routing must
    Form.FORWARD_END_PARTY: (
        FRAME,
        Group(
            HEADER,
            (
                *_FORWARD,
                Rule("count(eb:AckRequested) = 1", _SYNC_REPLY),
                *_ack_requested(TO_PARTY_MSH, *(_SYNC_REPLY_VERSION,) * 3),
            ),
        ),
        _ANY_REFERENCES,
    ),
    # Forward-NoPartyReliability: the same
    Form.FORWARD_NONE: (
        FRAME,
        Group(HEADER, (*_FORWARD, Rule("count(eb:AckRequested) = 0", _SYNC_REPLY))),
        _ANY_REFERENCES,
    ),
}

RULES: Final[Mapping[Form, Rules]] = {form: Rules(groups) for form, groups in _GROUPS.items()}
"""What a message must keep to, by the form that its contract demands."""

_EVERY_HEADER: Final = "/soap:Envelope/soap:Header"

_NAMED: Final = Rule(
    f"count({_EVERY_HEADER}/eb:MessageHeader) = 1", _ACK_INVALID, "Missing Message Header"
)

ACKNOWLEDGMENT_RULES: Final = Rules(
    (
        Group(
            "",
            (
                _NAMED,
                Rule(
                    f"count({_EVERY_HEADER}/eb:Acknowledgment) = 1",
                    _ACK_INVALID,
                    "Missing Acknowledgement",
                ),
            ),
        ),
        Group(
            _EVERY_HEADER,
            (Rule("count(eb:errorList) = 0", _ACK_INVALID, "ebXML Error Discovered"),),
        ),
    )
)
"""What an acknowledgment must keep to (ebxmlAckValidator)."""

ERROR_RULES: Final = Rules((Group("", (_NAMED,)),))
"""What a MessageError must keep to: inferred, the legacy refuses every one (tms-rules.md 2.3)."""
