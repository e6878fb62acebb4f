"""A message that was acknowledged is opened: its payload's wrapper, its systems, its own id.

What is wrong here is answered by an application acknowledgement with AR, one error (tms-rules.md
1.1), sent to the sender as a message of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lxml import etree
from msgspec import Struct

from adapters.agreement import form_of, terms_of_answer
from adapters.ourselves import Ourselves
from core.demographics.dates import stamped
from core.errors import Duplicate, NotAllowed
from core.messaging.hub import Admit
from core.messaging.keeping import Outgoing, derived_id
from core.messaging.records import Message
from core.store.port import Write
from core.values.identity import Asid, Caller, PartyKey, Person
from core.values.messaging import Content, Envelope, Way
from legacy_contracts import xml
from legacy_contracts.envelopes import ebxml, mime
from legacy_contracts.envelopes.ebxml_rules import Form
from legacy_contracts.envelopes.mime import OutPart
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import Fault, MalformedMessage
from legacy_contracts.hl7 import payload
from legacy_contracts.hl7.payload import Fields
from legacy_contracts.hl7.pushed import Ack
from legacy_contracts.hl7.rules import Rules, uuid_in
from legacy_contracts.tms import application

LARGE: Final = 100_000
"""Bytes from which a forwarded payload is read without its content: only the wrapper is asked."""


class Opened(Struct, frozen=True):
    """A message's payload: the root, what its wrapper says, and who sends it."""

    root: etree._Element
    fields: Fields
    caller: Caller


class Rejected(Exception):
    """The payload's wrapper is refused; `fields` as far as it could be read."""

    def __init__(self, fault: Fault, fields: Fields | None) -> None:
        self.fault = fault
        self.fields = fields
        super().__init__(fault.name)


Noting = Callable[[Any, Fields], tuple[Write, ...]]
"""Gives what else is to be written when a payload is admitted: of its root and its fields."""


def _nothing(_root: etree._Element, _fields: Fields) -> tuple[Write, ...]:
    return ()


class Opening(Struct, frozen=True):
    """How payloads are opened: what their wrappers are asked, and what is noted of them."""

    rules: Rules
    noting: Noting = _nothing

    @property
    def names_parties(self) -> bool:
        """Say whether devices are parties in place of systems, as in the oldest generation."""
        return self.rules is payload.MIM_2_3


def opened(key: str, message: Message, part: mime.Part, how: Opening, us: Ourselves) -> Opened:
    """Give what a message's payload says once it may be acted upon.

    Raises `Rejected` where its wrapper, its systems or its id are refused.
    """
    root = _read(part, message.accepted.way)
    fields = payload.fields(root)
    faults = how.rules.faults(root)
    if faults:
        raise Rejected(faults[0], fields)
    if how.names_parties:
        caller = _party(message, fields, root)
        _require_parties(fields, message.accepted.envelope)
    else:
        caller = _caller(message, fields, root)
        _require_systems(fields, message, us)
    _admit(Admit(key, message, fields.message_id, how.noting(root, fields)), fields, caller, us)
    return Opened(root, fields, caller)


def _read(part: mime.Part, way: Way) -> etree._Element:
    try:
        content = part.decoded()
        if way is Way.FORWARD and len(content) > LARGE:
            return payload.opened(content, part.charset)
        return xml.parse(content, charset=part.charset)
    except MalformedMessage as error:
        raise Rejected(Fault("HL7_VALIDATION_ERROR"), None) from error


def _caller(message: Message, fields: Fields, root: etree._Element) -> Caller:
    envelope = message.accepted.envelope
    person = payload.person(root)
    return Caller(
        party_key=envelope.sender,
        asid=Asid(fields.from_asid),
        activity=envelope.activity,
        message_id=envelope.message_id,
        person=Person(*person) if person else None,
    )


def _party(message: Message, fields: Fields, root: etree._Element) -> Caller:
    envelope = message.accepted.envelope
    person = payload.person_2_3(root)
    return Caller(
        party_key=envelope.sender,
        asid=None,
        activity=envelope.activity,
        message_id=envelope.message_id,
        person=Person(*person) if person else None,
        named_party=PartyKey(fields.from_party),
    )


def _require_systems(fields: Fields, message: Message, us: Ourselves) -> None:
    """Raise where the systems are not the parties', or not accredited for it (7.2: 506, 507)."""
    envelope, directory = message.accepted.envelope, us.core.directory
    if message.accepted.way is Way.FORWARD:
        receiver = directory.system(Asid(fields.to_asid))
        if (
            receiver is None
            or receiver.party_key != envelope.receiver
            or envelope.activity not in receiver.activities
        ):
            raise Rejected(Fault("COMM_FUNC_RCV_NOT_ALLOWED"), fields)
    sender = directory.system(Asid(fields.from_asid))
    if sender is None or sender.party_key != envelope.sender:
        raise Rejected(Fault("COMM_FUNC_SND_NOT_ALLOWED"), fields)


def _require_parties(fields: Fields, envelope: Envelope) -> None:
    """Raise where the oldest generation names other parties than the envelope does (519, 520)."""
    if fields.to_party != envelope.receiver:
        raise Rejected(Fault("INCONSISTENT_COMM_FUNC_RCV"), fields)
    if fields.from_party != envelope.sender:
        raise Rejected(Fault("INCONSISTENT_COMM_FUNC_SND"), fields)


def _admit(command: Admit, fields: Fields, caller: Caller, us: Ourselves) -> None:
    try:
        us.core.perform(command, by=caller)
    except Duplicate as error:
        raise Rejected(Fault("DUPLICATE_HL7_ID"), fields) from error
    except NotAllowed as error:
        raise Rejected(Fault("ACCESS_CONTROL_VIOLATION"), fields) from error


def rejection(key: str, message: Message, refused: Rejected, us: Ourselves) -> Outgoing:
    """Give the AR that answers a message whose payload is refused."""
    ack = acknowledging(key, message, refused.fields, us)
    return answer(key, message, (APPLICATION_ACK, application.rejected(ack, refused.fault)), us)


def acknowledging(key: str, message: Message, fields: Fields | None, us: Ourselves) -> Ack:
    """Give what an application acknowledgement of a message says beside its verdict."""
    return Ack(
        message_id=derived_id(key, "answer"),
        time=stamped(us.context.now()),
        ref_to=_named(message, fields),
        to_asid=fields.from_asid if fields else "",
        from_asid=fields.to_asid if fields else "",
    )


def _named(message: Message, fields: Fields | None) -> str:
    """Give the id by which an answer names its message: the payload's, where it has one."""
    own = uuid_in(fields.message_id) if fields else ""
    return own or message.accepted.envelope.message_id


def answer(key: str, message: Message, what: tuple[str, bytes], us: Ourselves) -> Outgoing:
    """Give the message of ours that answers one: `what` is its interaction and its payload.

    Its id is derived from the message's, so that a message handled again has the same answer. CPA
    id, conversation and RefToMessageId are the request's (tms-rules.md 6.2).
    """
    interaction_id, content = what
    sent = message.accepted.envelope
    contract = us.core.directory.contract(sent.sender, sent.service, interaction_id)
    envelope = Envelope(
        sender=us.party_key,
        receiver=sent.sender,
        message_id=derived_id(key, "answer"),
        conversation_id=sent.conversation_id,
        service=sent.service,
        activity=interaction_id,
        agreement=sent.agreement,
        ref_to=sent.message_id,
    )
    kept = message.accepted.poll_id is not None
    form = Form.RELIABLE if contract is None else form_of(contract, us.party_key)
    return Outgoing(
        envelope=envelope,
        content=packed(envelope, content, form, us),
        terms=terms_of_answer(contract, us.context.now()),
        way=Way.KEEP if kept else Way.SEND,
        answers=key,
    )


def packed(envelope: Envelope, content: bytes, form: Form, us: Ourselves) -> Content:
    """Give a message of ours as it travels: the ebXML header, then the payload."""
    header = ebxml.business(
        ebxml.Outgoing(
            from_party=envelope.sender,
            to_party=envelope.receiver,
            cpa_id=envelope.agreement,
            conversation_id=envelope.conversation_id,
            service=envelope.service,
            action=envelope.activity,
            message_id=envelope.message_id,
            timestamp=us.now(),
            ref_to_message_id=envelope.ref_to or None,
        ),
        form,
    )
    parts = (
        # A captured delivery ends the header in a line end of its own, and not the payload.
        OutPart(mime.ROOT_ID, "text/xml", "8bit", header + b"\r\n"),
        OutPart(
            f"{envelope.message_id}{mime.ID_SUFFIX}",
            "application/xml",
            "8bit",
            content,
        ),
    )
    action = f"{envelope.service}/{envelope.activity}"
    return Content(mime.joined(parts), mime.CONTENT_TYPE, action)
