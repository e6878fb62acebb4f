"""Synthetic requests for every demographics interaction, as a well-behaved client sends them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

SPINE_ASID: Final = "990000000002"
SPINE_PARTY: Final = "YES-0000806"
MESSAGE_ID: Final = "3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A11"
HL7_ID: Final = "9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"
"""The HL7 message's own id: a client may give it another than the envelope's."""

NHS_NUMBER_ROOT: Final = "2.16.840.1.113883.2.1.4.1"
_SPINE_CODES: Final = "2.16.840.1.113883.2.1.3.2.4"


class Kind(StrEnum):
    """What an interaction asks for."""

    TRACE = "simple trace"
    RETRIEVAL = "retrieval"
    CROSS_CHECK = "cross-check"
    CONFIRMATION = "confirmation"


KINDS: Final[Mapping[str, Kind]] = {
    "QUPA_IN010000UK01": Kind.TRACE,
    "QUPA_IN010000UK13": Kind.TRACE,
    "QUPA_IN010000UK32": Kind.TRACE,
    "QUPA_IN000005UK01": Kind.TRACE,
    "QUPA_IN000005UK03": Kind.TRACE,
    "QUPA_IN040000UK01": Kind.RETRIEVAL,
    "QUPA_IN040000UK14": Kind.RETRIEVAL,
    "QUPA_IN040000UK32": Kind.RETRIEVAL,
    "QUPA_IN000008UK02": Kind.RETRIEVAL,
    "QUPA_IN000008UK05": Kind.RETRIEVAL,
    "QUPA_IN000014UK01": Kind.CROSS_CHECK,
    "QUPA_IN000014UK03": Kind.CROSS_CHECK,
    "QUPA_IN060000UK01": Kind.CONFIRMATION,
    "QUPA_IN060000UK13": Kind.CONFIRMATION,
    "QUPA_IN060000UK30": Kind.CONFIRMATION,
    "QUPA_IN000016UK02": Kind.CONFIRMATION,
    "QUPA_IN000016UK04": Kind.CONFIRMATION,
}
"""Which interaction asks for what (pds.md 1.1), told apart here and not by our registry."""

OLDEST: Final = frozenset({"QUPA_IN010000UK01", "QUPA_IN040000UK01", "QUPA_IN060000UK01"})
"""MIM 2.3: an envelope of its own, no WS-Addressing and no schema."""


class Details(Struct, frozen=True):
    """What a query asks with; each kind of query takes the part that it has room for."""

    nhs_number: str = "9990000018"
    number_root: str = NHS_NUMBER_ROOT
    history: str = "0"
    items: tuple[str, ...] = ("person.allData",)
    gender: str = "1"
    birth_time: str = "19700101"
    family: str | None = "SMITH"
    given: tuple[str, ...] = ()
    deceased_time: str | None = None
    postcode: str | None = None
    paf_key: str | None = None


class Frame(Struct, frozen=True):
    """Who asks whom, and under which ids; the oldest generation names parties, not systems."""

    message_id: str = MESSAGE_ID
    hl7_id: str = HL7_ID
    to_asid: str = SPINE_ASID
    from_asid: str = SAMPLE_ASID
    to_party: str = SPINE_PARTY
    from_party: str = SAMPLE_PARTY
    with_person: bool = True


def request(interaction_id: str, details: Details, frame: Frame | None = None) -> bytes:
    """Give the bytes of a request, value before meaning or after as its generation has it."""
    query = _QUERIES[KINDS[interaction_id]](details, value_first=_is_old(interaction_id))
    if interaction_id in OLDEST:
        return _in_old_soap(interaction_id, query, frame or Frame())
    return enveloped(interaction_id, query, frame or Frame())


def enveloped(interaction_id: str, query: str, frame: Frame) -> bytes:
    """Give a query's parameters in the transmission wrapper and the SOAP envelope."""
    return in_soap(interaction_id, _message(interaction_id, query, frame), frame)


def in_soap(interaction_id: str, message: str, frame: Frame) -> bytes:
    """Give an HL7 message in the SOAP envelope."""
    devices = _device("hl7:", "Rcv", frame.to_asid) + _device("hl7:", "Snd", frame.from_asid)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:hl7="urn:hl7-org:v3">'
        f"<soap:Header><wsa:MessageID>uuid:{escape(frame.message_id)}</wsa:MessageID>"
        f"<wsa:Action>urn:nhs:names:services:pdsquery/{interaction_id}</wsa:Action>"
        "<wsa:To>https://spine.example/sync-service</wsa:To>"
        "<wsa:From><wsa:Address>https://client.example/</wsa:Address></wsa:From>"
        f"{devices}"
        "<wsa:ReplyTo><wsa:Address>https://client.example/</wsa:Address></wsa:ReplyTo>"
        f"</soap:Header><soap:Body>{message}</soap:Body></soap:Envelope>"
    ).encode()


def _message(interaction_id: str, query: str, frame: Frame) -> str:
    person = _person() if frame.with_person else ""
    return (
        f'<{interaction_id} xmlns="urn:hl7-org:v3"><id root={quoteattr(frame.hl7_id)}/>'
        '<creationTime value="20140825093000"/><versionCode code="V3NPfIT3.0"/>'
        f'<interactionId root="{_SPINE_CODES}.12" extension="{interaction_id}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{_device('', 'Rcv', frame.to_asid)}{_device('', 'Snd', frame.from_asid)}"
        f'<ControlActEvent classCode="CACT" moodCode="EVN">{person}'
        f"{_system(frame.from_asid)}<query>{query}</query></ControlActEvent></{interaction_id}>"
    )


_OLD_AUTHOR: Final = (
    '<author typeCode="AUT"><assignedEntity classCode="ASSIGNED">'
    '<id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/><code code="GP"/>'
    '<representedOrganization classCode="ORG" determinerCode="INSTANCE">'
    '<id root="1.2.826.0.1285.0.1.10" extension="Z99999"/></representedOrganization>'
    "</assignedEntity></author>"
)

_OLD_QUERIES: Final = {
    Kind.TRACE: "pdsTraceQuery",
    Kind.RETRIEVAL: "pdsRetrievalQuery",
    Kind.CONFIRMATION: "pdsConfirmNHSNumberQuery",
}


def _in_old_soap(interaction_id: str, query: str, frame: Frame) -> bytes:
    """Give a MIM 2.3 request: the transmission wrapper stands in the header and in the body."""
    root = f"{_SPINE_CODES}.10"
    wrapper = (
        f'<id root={quoteattr(frame.hl7_id)}/><creationTime value="20140825093000"/>'
        '<versionCode code="V3NPfIT2.0"/>'
        f'<interactionId root="{_SPINE_CODES}.12" extension="{interaction_id}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{_device('', 'Rcv', frame.to_party, root)}{_device('', 'Snd', frame.from_party, root)}"
    )
    name = _OLD_QUERIES[KINDS[interaction_id]]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns="urn:hl7-org:v3"><soap:Header>'
        f"<naspRequestHeader>{wrapper}</naspRequestHeader></soap:Header><soap:Body>"
        f'<{interaction_id}>{wrapper}<ControlActProcess classCode="CACT" moodCode="EVN">'
        f"{_OLD_AUTHOR}"
        f"<{name}>{query}</{name}></ControlActProcess></{interaction_id}>"
        "</soap:Body></soap:Envelope>"
    ).encode()


def _device(prefix: str, way: str, asid: str, root: str = "1.2.826.0.1285.0.2.0.107") -> str:
    name = f"{prefix}communicationFunction{way}"
    device = f'{prefix}device classCode="DEV" determinerCode="INSTANCE"'
    identifier = f'{prefix}id root="{root}" extension={quoteattr(asid)}'
    return f'<{name} typeCode="{way.upper()}"><{device}><{identifier}/></{prefix}device></{name}>'


def _person() -> str:
    return (
        '<author typeCode="AUT"><AgentPersonSDS classCode="AGNT">'
        '<id root="1.2.826.0.1285.0.2.0.67" extension="990000000067"/>'
        '<agentPersonSDS classCode="PSN" determinerCode="INSTANCE">'
        '<id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/></agentPersonSDS>'
        '<part typeCode="PART"><partSDSRole classCode="ROL">'
        '<id root="1.2.826.0.1285.0.2.1.104" extension="S0080:G0450:R5080"/>'
        "</partSDSRole></part></AgentPersonSDS></author>"
    )


def _system(asid: str) -> str:
    return (
        '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT">'
        '<agentSystemSDS classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="1.2.826.0.1285.0.2.0.107" extension={quoteattr(asid)}/>'
        "</agentSystemSDS></AgentSystemSDS></author1>"
    )


def _is_old(interaction_id: str) -> bool:
    """Say whether the id is of 2006B or before, which put the value before its meaning."""
    return interaction_id.startswith(("QUPA_IN01", "QUPA_IN04", "QUPA_IN06"))


def _parameter(name: str, value: str, *, value_first: bool) -> str:
    meant = name if value_first else name[0].upper() + name[1:]
    meaning = f"<semanticsText>{meant}</semanticsText>"
    parts = (value, meaning) if value_first else (meaning, value)
    return f"<{name}>{''.join(parts)}</{name}>"


def _identified(details: Details, *, value_first: bool) -> str:
    extension = quoteattr(details.nhs_number)
    value = f'<value root="{details.number_root}" extension={extension}/>'
    return _parameter("person.id", value, value_first=value_first)


def _born(details: Details, *, value_first: bool) -> str:
    value = f"<value value={quoteattr(details.birth_time)}/>"
    return _parameter("person.birthTime", value, value_first=value_first)


def _named(details: Details, *, value_first: bool) -> str:
    given = "".join(f"<given>{escape(one)}</given>" for one in details.given)
    family = "" if details.family is None else f"<family>{escape(details.family)}</family>"
    value = f'<value use="L">{given}{family}</value>'
    return _parameter("person.name", value, value_first=value_first)


def _placed(details: Details, *, value_first: bool) -> str:
    if details.postcode is None and details.paf_key is None:
        return ""
    postcode = f"<postalCode>{escape(details.postcode)}</postalCode>" if details.postcode else ""
    key = f"<addressKey>{escape(details.paf_key)}</addressKey>" if details.paf_key else ""
    value = f'<value use="H">{postcode}{key}</value>'
    return _parameter("person.address", value, value_first=value_first)


def _trace(details: Details, *, value_first: bool) -> str:
    gender = f"<value code={quoteattr(details.gender)}/>"
    died = ""
    if details.deceased_time is not None:
        value = f"<value value={quoteattr(details.deceased_time)}/>"
        died = _parameter("person.deceasedTime", value, value_first=value_first)
    return (
        _placed(details, value_first=value_first)
        + _parameter("person.administrativeGenderCode", gender, value_first=value_first)
        + _born(details, value_first=value_first)
        + died
        + _named(details, value_first=value_first)
    )


def _retrieval(details: Details, *, value_first: bool) -> str:
    indicator = f'<value code={quoteattr(details.history)} codeSystem="{_SPINE_CODES}.17.36"/>'
    items = "".join(
        f"<retrievalItem><semanticsText>{escape(one)}</semanticsText></retrievalItem>"
        for one in details.items
    )
    return (
        _parameter("historicDataIndicator", indicator, value_first=value_first)
        + _identified(details, value_first=value_first)
        + items
    )


def _cross_check(details: Details, *, value_first: bool) -> str:
    name = ""
    if details.family is not None or details.given:
        name = _named(details, value_first=value_first)
    return (
        _born(details, value_first=value_first)
        + _identified(details, value_first=value_first)
        + name
    )


_QUERIES: Final = {
    Kind.TRACE: _trace,
    Kind.RETRIEVAL: _retrieval,
    Kind.CROSS_CHECK: _cross_check,
    Kind.CONFIRMATION: _identified,
}
