"""The ebXML Message Service 2.0 header: read it, and build acknowledgments, errors and answers.

What must hold of a header that comes in is `ebxml_rules`. What goes out: the acknowledgment follows
generateebXMLAck (tms-rules.md 6.1), the error generateebXMLError (6.3), the header of a business
message the Spine's captured ones (6.2). Nothing here knows a socket, a clock or MIME.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns
from legacy_contracts.envelopes.ebxml_rules import (
    ACKNOWLEDGMENT_RULES,
    ERROR_RULES,
    HEADER,
    MANIFEST,
    NEXT_ACTOR,
    NEXT_MSH,
    TO_PARTY_MSH,
    Form,
)
from legacy_contracts.envelopes.soap import DECLARATION
from legacy_contracts.errors import MEANINGS, ContractError, Fault
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import escape, maybe_text, text_element

SIGNAL_SERVICE: Final = "urn:oasis:names:tc:ebxml-msg:service"
NOT_KNOWN: Final = "Not Known"
"""What the Spine says in place of what it could not read."""

_MESSAGE: Final = f"{HEADER}/eb:MessageHeader[1]"
_ERROR: Final = f"({HEADER}/eb:ErrorList | {HEADER}/eb:errorList)"


class Header(Struct, frozen=True):
    """What a header says, to the letter: a text is empty where the message has none."""

    from_party: str = ""
    to_party: str = ""
    cpa_id: str = ""
    conversation_id: str = ""
    service: str = ""
    action: str = ""
    message_id: str = ""
    timestamp: str = ""
    time_to_live: str = ""
    ref_to_message_id: str = ""
    sync_reply: bool = False
    ack_requested: bool = False
    ack_actor: str = ""
    duplicate_elimination: bool = False
    references: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """What the first reference points to: the text after its first colon."""
        return self.references[0].partition(":")[2] if self.references else ""


def _compiled(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=ns.PREFIXES, smart_strings=False)


_TEXTS: Final = {
    field: _compiled(f"string({path})")
    for field, path in {
        "from_party": f"{_MESSAGE}/eb:From[1]/eb:PartyId",
        "to_party": f"{_MESSAGE}/eb:To[1]/eb:PartyId",
        "cpa_id": f"{_MESSAGE}/eb:CPAId",
        "conversation_id": f"{_MESSAGE}/eb:ConversationId",
        "service": f"{_MESSAGE}/eb:Service",
        "action": f"{_MESSAGE}/eb:Action",
        "message_id": f"{_MESSAGE}/eb:MessageData[1]/eb:MessageId",
        "timestamp": f"{_MESSAGE}/eb:MessageData[1]/eb:Timestamp",
        "time_to_live": f"{_MESSAGE}/eb:MessageData[1]/eb:TimeToLive",
        "ref_to_message_id": f"{_MESSAGE}/eb:MessageData[1]/eb:RefToMessageId",
        "ack_actor": f"{HEADER}/eb:AckRequested[1]/@soap:actor",
    }.items()
}
_sync_reply = _compiled(f"boolean({HEADER}/eb:SyncReply)")
_ack_requested = _compiled(f"boolean({HEADER}/eb:AckRequested)")
_duplicate_elimination = _compiled(f"boolean({_MESSAGE}/eb:DuplicateElimination)")
_references = _compiled(f"{MANIFEST}[1]/eb:Reference")
_href = _compiled("string(@xlink:href)")
_description = _compiled("string(eb:Description)")


def header(root: etree._Element) -> Header:
    """Give what a header says, as far as it says it; nothing is refused here."""
    texts = {field: str(read(root)) for field, read in _TEXTS.items()}
    return Header(
        **texts,
        sync_reply=bool(_sync_reply(root)),
        ack_requested=bool(_ack_requested(root)),
        duplicate_elimination=bool(_duplicate_elimination(root)),
        references=references(root),
        descriptions=tuple(str(_description(one)) for one in _references(root)),
    )


def references(root: etree._Element) -> tuple[str, ...]:
    """Give what the manifest of a message points to."""
    return tuple(str(_href(one)) for one in _references(root))


class SignalKind(StrEnum):
    """What a message says that carries no business: that one arrived, or that it did not."""

    ACKNOWLEDGMENT = "Acknowledgment"
    MESSAGE_ERROR = "MessageError"


class Signal(Struct, frozen=True):
    """A signal that was received: which message it is about, and what an error said first."""

    kind: SignalKind
    header: Header
    ref_to: str
    code: str
    description: str
    severity: str


# An error list beside an acknowledgment makes it negative, as ebxmlAckValidator has it. Elements
# alone make no signal of a message with a manifest: the standard lets them ride on any message.
_KINDS: Final = (
    (
        SignalKind.MESSAGE_ERROR,
        _compiled(
            f"{_MESSAGE}/eb:Action = '{SignalKind.MESSAGE_ERROR}' or boolean({_ERROR}) and "
            f"({_MESSAGE}/eb:Action = '{SignalKind.ACKNOWLEDGMENT}' or not({MANIFEST}))"
        ),
    ),
    (
        SignalKind.ACKNOWLEDGMENT,
        _compiled(
            f"{_MESSAGE}/eb:Action = '{SignalKind.ACKNOWLEDGMENT}' or "
            f"boolean({HEADER}/eb:Acknowledgment) and not({MANIFEST})"
        ),
    ),
)
_SIGNAL_RULES: Final = {
    SignalKind.ACKNOWLEDGMENT: ACKNOWLEDGMENT_RULES,
    SignalKind.MESSAGE_ERROR: ERROR_RULES,
}
_acknowledged = _compiled(f"string({HEADER}/eb:Acknowledgment/eb:RefToMessageId)")
_error_code = _compiled(f"string({_ERROR}/eb:Error/@eb:errorCode)")
_error_severity = _compiled(f"string({_ERROR}/eb:Error/@eb:severity)")
_error_description = _compiled(f"string({_ERROR}/eb:Error/eb:Description)")


def signal_kind(root: etree._Element) -> SignalKind | None:
    """Give which signal a message is, by its action or its elements; None for any other."""
    return next((kind for kind, is_so in _KINDS if is_so(root)), None)


def signal(root: etree._Element) -> Signal:
    """Give a signal; raise `ContractError` where a message is none, or lacks its elements."""
    kind = signal_kind(root) or SignalKind.ACKNOWLEDGMENT
    faults = _SIGNAL_RULES[kind].faults(root)
    if faults:
        raise ContractError(faults)
    said = header(root)
    return Signal(
        kind=kind,
        header=said,
        ref_to=str(_acknowledged(root)) or said.ref_to_message_id,
        code=str(_error_code(root)),
        description=str(_error_description(root)),
        severity=str(_error_severity(root)),
    )


class Outgoing(Struct, frozen=True):
    """What the header of a message that goes out says; no reference where `ref_to...` is None."""

    from_party: str
    to_party: str
    cpa_id: str
    conversation_id: str
    service: str
    action: str
    message_id: str
    timestamp: str
    ref_to_message_id: str | None = None


class Attached(Struct, frozen=True):
    """What a manifest says of a part beside the payload."""

    content_id: str
    description: str


def acknowledgment(to: Header, *, message_id: str, now: str) -> bytes:
    """Give the acknowledgment of a message that was received (tms-rules.md 6.1).

    MessageData repeats the time of the message that is acknowledged. The actor is toPartyMSH for
    every message: of nextMSH, which the standard wants of an intermediary, no stylesheet knows.
    """
    answer = _signalling(to, SignalKind.ACKNOWLEDGMENT, message_id, _known(to.timestamp))
    return _enveloped(
        f'xmlns:xsi="{ns.XSI_MISSPELT}" xmlns:soap="{ns.SOAP}" xmlns:eb="{ns.EB}" '
        f'xmlns:hl7ebxml="{ns.HL7EBXML}" xmlns:xlink="{ns.XLINK}"',
        f"{_message_header(answer)}"
        f'<eb:Acknowledgment {_UNDERSTOOD} soap:actor="{TO_PARTY_MSH}">'
        f"{text_element('eb:Timestamp', now)}"
        f"{maybe_text('eb:RefToMessageId', answer.ref_to_message_id)}"
        f"{_party('eb:From', answer.from_party)}</eb:Acknowledgment>",
    )


def message_error(to: Header | None, fault: Fault, *, message_id: str, now: str) -> bytes:
    """Give the error that answers a message, None where its header could not be read (6.3)."""
    meaning = MEANINGS[fault.name]
    text = wrappers.worded(_EBXML_WORDS.get(fault.name, meaning.text), fault)
    answer = _signalling(to or Header(), SignalKind.MESSAGE_ERROR, message_id, now)
    return _enveloped(
        f'xmlns:soap="{ns.SOAP}" xmlns:eb="{ns.EB}" xmlns:xsi="{ns.XSI}"',
        f"{_message_header(answer)}"
        f'<eb:ErrorList {_UNDERSTOOD} eb:highestSeverity="Error">'
        f'<eb:Error eb:codeContext="{SIGNAL_SERVICE}:errors" eb:severity="Error" '
        f'eb:errorCode="{escape(meaning.code)}">{text_element("eb:Description", text)}</eb:Error>'
        "</eb:ErrorList>",
    )


def delivery_failure(failed: Header, *, message_id: str, now: str) -> bytes:
    """Give the error that tells a sender that its message was given up (inferred)."""
    return message_error(failed, Fault("DELIVERY_FAILURE"), message_id=message_id, now=now)


def business(answer: Outgoing, form: Form, *beside: Attached) -> bytes:
    """Give the header of a message whose payload follows, as its form demands (6.2).

    Its payload is the part with the Content-Id `{message_id}@spine.nhs.uk`; what stands `beside`
    it is named after it, by its Content-Id.
    """
    dress = _DRESSES[form]
    reference = (
        f'<eb:Reference xlink:href="cid:{escape(answer.message_id)}@spine.nhs.uk">'
        f'<eb:Schema eb:location="urn:hl7-org:v3_{escape(answer.action)}.xsd" '
        f'eb:version="{escape(answer.action[-2:])}"/>'
        f'<eb:Description xml:lang="en">{dress.description}</eb:Description>'
        '<hl7ebxml:Payload style="HL7" encoding="XML" version="3.0"/></eb:Reference>'
    )
    return _enveloped(
        f'xmlns:xsi="{ns.XSI_MISSPELT}" xmlns:soap="{ns.SOAP}" xmlns:eb="{ns.EB}" '
        f'xmlns:xlink="{ns.XLINK}"',
        _message_header(answer, dress.elimination) + dress.beside,
        f'<eb:Manifest xmlns:hl7ebxml="{ns.HL7EBXML}" eb:version="2.0">{reference}'
        f"{''.join(map(_attached, beside))}</eb:Manifest>",
    )


def _attached(one: Attached) -> str:
    return (
        f'<eb:Reference xlink:href="cid:{escape(one.content_id)}">'
        f'<eb:Description xml:lang="en">{escape(one.description)}</eb:Description></eb:Reference>'
    )


# No zone means UTC (transport.md 1.10): the Spine's own old headers leave the Z out.
_INSTANTS: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?"
    r"|(\d{14})(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


def instant(text: str) -> datetime | None:
    """Give the moment that a Timestamp or TimeToLive names, in UTC; None where it names none."""
    trimmed = text.strip()
    if _INSTANTS.fullmatch(trimmed) is None:
        return None
    if "T" not in trimmed:
        trimmed = f"{trimmed[:8]}T{trimmed[8:]}"
    try:
        moment = datetime.fromisoformat(trimmed)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_UNDERSTOOD: Final = 'eb:version="2.0" soap:mustUnderstand="1"'
_PARTY_TYPE: Final = "urn:nhs:names:partyType:ocs+serviceInstance"

_EBXML_WORDS: Final = {"SYSTEM_FAILURE": "System Failure to process message"}
"""Where an ebXML error's words are not the SOAP fault's (transport.md 1.3 and 1.6)."""


class _Dress(Struct, frozen=True):
    """What a form adds to a header: inside MessageHeader, beside it, and how it names payload."""

    elimination: str
    beside: str
    description: str = "The HL7 payload"


_ELIMINATION: Final = "<eb:DuplicateElimination/>"
_SYNC_REPLY: Final = f'<eb:SyncReply {_UNDERSTOOD} soap:actor="{NEXT_ACTOR}"/>'


def _ack_from(actor: str) -> str:
    return f'<eb:AckRequested {_UNDERSTOOD} soap:actor="{actor}" eb:signed="false"/>'


_DRESSES: Final[Mapping[Form, _Dress]] = {
    # Captured: eps-fhir-api async_*.mime, mhs-adaptor async_reliable_inbound.
    Form.RELIABLE: _Dress(_ELIMINATION, _ack_from(TO_PARTY_MSH) + _SYNC_REPLY),
    # Captured: mhs-adaptor async_express_inbound, tkw-x QUPA_IN000011UK02. The stylesheet (-NoAckR)
    # has no SyncReply and a small p; every captured answer has both so.
    Form.EXPRESS: _Dress("", _SYNC_REPLY, "The HL7 Payload"),
    # No captured one is the Spine's own: what each validator demands, and nothing more.
    Form.FORWARD_INTERMEDIARY: _Dress(_ELIMINATION, _ack_from(NEXT_MSH)),
    Form.FORWARD_END_PARTY: _Dress(_ELIMINATION, _ack_from(TO_PARTY_MSH)),
    Form.FORWARD_NONE: _Dress("", ""),
}


def _known(text: str) -> str:
    return text or NOT_KNOWN


def _signalling(to: Header, kind: SignalKind, message_id: str, timestamp: str) -> Outgoing:
    """Give what a signal's header says: the parties of the message turned round, the rest kept."""
    return Outgoing(
        from_party=_known(to.to_party),
        to_party=_known(to.from_party),
        cpa_id=_known(to.cpa_id),
        conversation_id=_known(to.conversation_id),
        service=SIGNAL_SERVICE,
        action=kind,
        message_id=message_id,
        timestamp=timestamp,
        ref_to_message_id=_known(to.message_id),
    )


def _party(name: str, party: str) -> str:
    return f'<{name}><eb:PartyId eb:type="{_PARTY_TYPE}">{escape(party)}</eb:PartyId></{name}>'


def _message_header(said: Outgoing, elimination: str = "") -> str:
    return (
        f"<eb:MessageHeader {_UNDERSTOOD}>"
        f"{_party('eb:From', said.from_party)}{_party('eb:To', said.to_party)}"
        f"{text_element('eb:CPAId', said.cpa_id)}"
        f"{text_element('eb:ConversationId', said.conversation_id)}"
        f"{text_element('eb:Service', said.service)}{text_element('eb:Action', said.action)}"
        f"<eb:MessageData>{text_element('eb:MessageId', said.message_id)}"
        f"{text_element('eb:Timestamp', said.timestamp)}"
        f"{maybe_text('eb:RefToMessageId', said.ref_to_message_id)}</eb:MessageData>"
        f"{elimination}</eb:MessageHeader>"
    )


def _enveloped(declared: str, in_header: str, in_body: str = "") -> bytes:
    body = f"<soap:Body>{in_body}</soap:Body>" if in_body else "<soap:Body/>"
    return (
        f"{DECLARATION}<soap:Envelope {declared}><soap:Header>{in_header}</soap:Header>"
        f"{body}</soap:Envelope>"
    ).encode()
