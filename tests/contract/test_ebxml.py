"""The ebXML header: each rule broken alone, headers and signals read, answers built."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import pytest
from lxml import etree

from legacy_contracts import ns
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml import Header, Outgoing, SignalKind
from legacy_contracts.envelopes.ebxml_rules import NEXT_MSH, RULES, TO_PARTY_MSH, Form
from legacy_contracts.errors import ContractError, Fault

EB: Final = f"{{{ns.EB}}}"
NOW: Final = "2026-01-02T03:04:05Z"

MALFORMED: Final = "MESSAGE_NOT_WELL_FORMED"
VERSION: Final = "INVALID_MESSAGE_HEADER_VERSION"
ELIMINATION: Final = "DUPLICATE_ELIMINATION_INCONSISTENT_WITH_CONTRACT"
ACK: Final = "ACK_REQUESTED_INCONSISTENT_WITH_CONTRACT"
SYNC: Final = "SYNCREPLY_INCONSISTENT_WITH_CONTRACT"
SYNC_VERSION: Final = "SYNCREPLY_VERSION_INVALID"
SYNC_ACTOR: Final = "SYNCREPLY_ACTOR_INVALID"
ACK_VERSION: Final = "ACK_REQUESTED_VERSION_INVALID"
ACK_SIGNED: Final = "ACK_REQUESTED_SIGNED_INVALID"
ACK_ACTOR: Final = "ACK_REQUESTED_ACTOR_INVALID"
MANIFEST: Final = "INVALID_MANIFEST_REFERENCE"

_ACK: Final = '<eb:AckRequested eb:version="2.0" eb:signed="false" S:actor="{}"/>'
_ACK_TO_PARTY: Final = _ACK.format(TO_PARTY_MSH)
_ACK_NEXT: Final = _ACK.format(NEXT_MSH)
_SYNC: Final = (
    '<eb:SyncReply eb:version="2.0" S:actor="http://schemas.xmlsoap.org/soap/actor/next"/>'
)
_ONCE: Final = "<eb:DuplicateElimination/>"
_REFERENCE: Final = '<eb:Reference x:href="cid:M-1@example"><eb:Description>it</eb:Description>'
_PARTS: Final = {
    Form.RELIABLE: (_ONCE, _ACK_TO_PARTY + _SYNC),
    Form.EXPRESS: ("", _SYNC),
    Form.FORWARD_INTERMEDIARY: (_ONCE, _ACK_NEXT),
    Form.FORWARD_END_PARTY: (_ONCE, _ACK_TO_PARTY),
    Form.FORWARD_NONE: ("", ""),
}

FIELDS: Final = (
    "<eb:PartyId>FROM-1</eb:PartyId>",
    "<eb:PartyId>TO-2</eb:PartyId>",
    "<eb:CPAId>C-1</eb:CPAId>",
    "<eb:ConversationId>V-1</eb:ConversationId>",
    "<eb:Service>urn:s</eb:Service>",
    "<eb:Action>TEST_IN000001UK01</eb:Action>",
    "<eb:MessageId>M-1</eb:MessageId>",
    f"<eb:Timestamp>{NOW}</eb:Timestamp>",
)


def sent(form: Form) -> str:
    """Give a message as a client sends it, which keeps every rule of its form."""
    from_party, to_party, cpa, conversation, service, action, message_id, timestamp = FIELDS
    inside, beside = _PARTS[form]
    return (
        f'<S:Envelope xmlns:S="{ns.SOAP}" xmlns:eb="{ns.EB}" xmlns:x="{ns.XLINK}"><S:Header>'
        f'<eb:MessageHeader eb:version="2.0"><eb:From>{from_party}</eb:From>'
        f"<eb:To>{to_party}</eb:To>{cpa}{conversation}{service}{action}<eb:MessageData>"
        f"{message_id}{timestamp}</eb:MessageData>{inside}</eb:MessageHeader>{beside}</S:Header>"
        f'<S:Body><eb:Manifest eb:version="2.0">{_REFERENCE}</eb:Reference></eb:Manifest>'
        "</S:Body></S:Envelope>"
    )


def broken(form: Form, was: str, now: str) -> tuple[str, ...]:
    """Give the faults of a message in which one thing was changed."""
    message = sent(form)
    assert message.count(was) == 1
    return tuple(
        fault.name
        for fault in RULES[form].faults(etree.fromstring(message.replace(was, now).encode()))
    )


@pytest.mark.parametrize("form", Form)
def test_a_message_of_its_form_breaks_no_rule(form: Form) -> None:
    assert RULES[form].faults(etree.fromstring(sent(form).encode())) == []


@pytest.mark.parametrize("form", Form)
def test_a_document_that_is_no_envelope_breaks_the_three_rules_of_the_frame(form: Form) -> None:
    faults = RULES[form].faults(etree.fromstring(b"<other/>"))
    assert [fault.name for fault in faults] == [MALFORMED] * 3


@pytest.mark.parametrize("form", [Form.RELIABLE, Form.EXPRESS, Form.FORWARD_INTERMEDIARY])
@pytest.mark.parametrize("field", FIELDS)
def test_each_field_stands_once_and_is_not_empty(form: Form, field: str) -> None:
    empty = re.sub(">.*<", "><", field)
    assert broken(form, field, "") == (MALFORMED,)
    assert broken(form, field, empty) == (MALFORMED,)
    assert broken(form, field, field + field) == (MALFORMED,)
    assert broken(form, field, re.sub(">.*<", "> <", field)) == ()


@pytest.mark.parametrize("form", [Form.FORWARD_END_PARTY, Form.FORWARD_NONE])
@pytest.mark.parametrize("field", FIELDS)
def test_two_of_the_forward_forms_ask_no_field(form: Form, field: str) -> None:
    assert broken(form, field, "") == ()


_NO_FIELDS: Final = (MALFORMED,) * 9
_NO_ACK: Final = (ACK_VERSION, ACK_SIGNED, ACK_ACTOR)


@pytest.mark.parametrize(
    ("form", "faults"),
    [
        (
            Form.RELIABLE,
            (
                *(*_NO_FIELDS, ELIMINATION, ACK, SYNC, SYNC_VERSION, SYNC_ACTOR),
                *(*_NO_ACK, MANIFEST, MANIFEST),
            ),
        ),
        (Form.EXPRESS, (*_NO_FIELDS, MANIFEST, MANIFEST)),
        (Form.FORWARD_INTERMEDIARY, (*_NO_FIELDS, ELIMINATION, VERSION, ACK, *_NO_ACK)),
        (Form.FORWARD_END_PARTY, (SYNC_VERSION, SYNC, *(SYNC_VERSION,) * 3)),
        (Form.FORWARD_NONE, (SYNC_VERSION,)),
    ],
)
def test_an_empty_header_breaks_every_rule_of_its_form_in_order(
    form: Form, faults: tuple[str, ...]
) -> None:
    bare = f'<S:Envelope xmlns:S="{ns.SOAP}"><S:Header/><S:Body/></S:Envelope>'
    found = RULES[form].faults(etree.fromstring(bare))
    assert tuple(fault.name for fault in found) == faults


_HEADER_VERSION: Final = '<eb:MessageHeader eb:version="2.0">'
_MANIFEST: Final = '<eb:Manifest eb:version="2.0">'
_AFTER_HEADER: Final = "</S:Header>"
_HREF: Final = 'x:href="cid:M-1@example"'


@pytest.mark.parametrize(
    ("form", "was", "now", "faults"),
    [
        (Form.RELIABLE, _HEADER_VERSION, "<eb:MessageHeader>", ()),
        (Form.RELIABLE, _HEADER_VERSION, '<eb:MessageHeader version="1.0">', ()),
        (Form.RELIABLE, _HEADER_VERSION, '<eb:MessageHeader eb:version="1.0">', (VERSION,)),
        (Form.RELIABLE, _ONCE, "", (ELIMINATION,)),
        (Form.RELIABLE, _ONCE, _ONCE * 2, (ELIMINATION,)),
        (Form.RELIABLE, _ACK_TO_PARTY, "", (ACK, ACK_VERSION, ACK_SIGNED, ACK_ACTOR)),
        (Form.RELIABLE, _ACK_TO_PARTY, _ACK_TO_PARTY * 2, (ACK,)),
        (Form.RELIABLE, _ACK_TO_PARTY, _ACK_NEXT, (ACK_ACTOR,)),
        (Form.RELIABLE, '<eb:AckRequested eb:version="2.0"', "<eb:AckRequested", (ACK_VERSION,)),
        (Form.RELIABLE, 'eb:signed="false"', 'signed="false"', (ACK_SIGNED,)),
        (Form.RELIABLE, _SYNC, "", (SYNC, SYNC_VERSION, SYNC_ACTOR)),
        (Form.RELIABLE, '<eb:SyncReply eb:version="2.0"', "<eb:SyncReply", (SYNC_VERSION,)),
        (Form.RELIABLE, "actor/next", "actor/last", (SYNC_ACTOR,)),
        (Form.RELIABLE, _MANIFEST, '<eb:Manifest eb:version="1.0">', (MANIFEST,)),
        (Form.RELIABLE, _MANIFEST, "<eb:Manifest>", ()),
        (Form.RELIABLE, f"{_REFERENCE}</eb:Reference>", "", (MANIFEST, MANIFEST)),
        (Form.RELIABLE, _REFERENCE, f"<eb:Reference/>{_REFERENCE}", (MANIFEST, MANIFEST)),
        (Form.RELIABLE, "</eb:Reference>", "</eb:Reference><eb:Reference/>", (MANIFEST,)),
        (Form.RELIABLE, _HREF, 'x:href="cid:"', (MANIFEST,)),
        (Form.RELIABLE, _HREF, 'x:href="M-1"', (MANIFEST,)),
        (Form.RELIABLE, _HREF, 'href="cid:M-1"', (MANIFEST,)),
        (Form.RELIABLE, _HREF, 'x:href="mid:M-1"', ()),
        (Form.EXPRESS, _HEADER_VERSION, '<eb:MessageHeader eb:version="1.0">', (VERSION,)),
        (Form.EXPRESS, "</eb:MessageHeader>", f"{_ONCE}</eb:MessageHeader>", (ELIMINATION,)),
        (Form.EXPRESS, _AFTER_HEADER, f"{_ACK_TO_PARTY}</S:Header>", (ACK,)),
        (Form.EXPRESS, _SYNC, "", ()),
        (Form.EXPRESS, "</eb:Reference>", "</eb:Reference><eb:Reference/>", (MANIFEST,)),
        (Form.FORWARD_INTERMEDIARY, _HEADER_VERSION, "<eb:MessageHeader>", (VERSION,)),
        (Form.FORWARD_INTERMEDIARY, _ONCE, "", (ELIMINATION,)),
        (Form.FORWARD_INTERMEDIARY, _ACK_NEXT, _ACK_TO_PARTY, (ACK_ACTOR,)),
        (Form.FORWARD_INTERMEDIARY, 'signed="false"', 'signed="true"', (ACK_SIGNED,)),
        (Form.FORWARD_INTERMEDIARY, _AFTER_HEADER, f"{_SYNC}</S:Header>", (SYNC,)),
        (Form.FORWARD_INTERMEDIARY, _MANIFEST, "<eb:Manifest>", (MANIFEST,)),
        (Form.FORWARD_INTERMEDIARY, "</eb:Reference>", "</eb:Reference><eb:Reference/>", ()),
        (Form.FORWARD_END_PARTY, _HEADER_VERSION, "<eb:MessageHeader>", (SYNC_VERSION,)),
        (Form.FORWARD_END_PARTY, _AFTER_HEADER, f"{_SYNC}</S:Header>", (SYNC,)),
        (Form.FORWARD_END_PARTY, _ACK_TO_PARTY, _ACK_TO_PARTY * 2, (SYNC,)),
        (Form.FORWARD_END_PARTY, _ACK_TO_PARTY, _ACK_NEXT, (SYNC_VERSION,)),
        (Form.FORWARD_END_PARTY, 'signed="false"', 'signed="true"', (SYNC_VERSION,)),
        (Form.FORWARD_END_PARTY, _ONCE, "", ()),
        (Form.FORWARD_END_PARTY, _MANIFEST, "<eb:Manifest>", (MANIFEST,)),
        (Form.FORWARD_NONE, _HEADER_VERSION, "<eb:MessageHeader>", (SYNC_VERSION,)),
        (Form.FORWARD_NONE, _AFTER_HEADER, f"{_SYNC}</S:Header>", (SYNC,)),
        (Form.FORWARD_NONE, _AFTER_HEADER, f"{_ACK_NEXT}</S:Header>", (SYNC,)),
        (Form.FORWARD_NONE, _MANIFEST, "<eb:Manifest>", (MANIFEST,)),
    ],
)
def test_each_rule_broken_alone_gives_its_faults_in_order(
    form: Form, was: str, now: str, faults: tuple[str, ...]
) -> None:
    assert broken(form, was, now) == faults


def test_a_header_is_read_to_the_letter() -> None:
    message = sent(Form.FORWARD_INTERMEDIARY).replace(
        f"<eb:Timestamp>{NOW}</eb:Timestamp>",
        "<eb:Timestamp>T</eb:Timestamp><eb:RefToMessageId>R</eb:RefToMessageId>"
        "<eb:TimeToLive>L</eb:TimeToLive>",
    )
    message = message.replace("</eb:Manifest>", '<eb:Reference x:href="mid:M-2"/></eb:Manifest>')
    read = ebxml.header(etree.fromstring(message))
    assert read == Header(
        from_party="FROM-1",
        to_party="TO-2",
        cpa_id="C-1",
        conversation_id="V-1",
        service="urn:s",
        action="TEST_IN000001UK01",
        message_id="M-1",
        timestamp="T",
        time_to_live="L",
        ref_to_message_id="R",
        ack_requested=True,
        ack_actor=NEXT_MSH,
        duplicate_elimination=True,
        references=("cid:M-1@example", "mid:M-2"),
        descriptions=("it", ""),
    )
    assert read.link == "M-1@example"


def test_what_is_no_header_is_read_as_an_empty_one() -> None:
    assert ebxml.header(etree.fromstring("<other/>")) == Header()
    assert Header().link == ""


RECEIVED: Final = Header(
    from_party="A&B",
    to_party="HUB-1",
    cpa_id='C"1',
    conversation_id="V-1",
    message_id="M<1",
    timestamp="2026-01-01T00:00:00Z",
)


def test_an_acknowledgment_turns_the_parties_round_and_is_read_as_one() -> None:
    built = etree.fromstring(ebxml.acknowledgment(RECEIVED, message_id="N-1", now=NOW))
    read = ebxml.signal(built)
    assert (read.kind, read.ref_to, read.code) == (SignalKind.ACKNOWLEDGMENT, "M<1", "")
    assert read.header == Header(
        from_party="HUB-1",
        to_party="A&B",
        cpa_id='C"1',
        conversation_id="V-1",
        service="urn:oasis:names:tc:ebxml-msg:service",
        action="Acknowledgment",
        message_id="N-1",
        timestamp="2026-01-01T00:00:00Z",
        ref_to_message_id="M<1",
    )
    assert built.findtext(f".//{EB}Acknowledgment/{EB}Timestamp") == NOW


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (Fault("UNKNOWN_CPA_ID"), "ValueNotRecognized", "501319:Unknown eb:CPAId"),
        (
            Fault("INVALID_TO_PARTY"),
            "ValueNotRecognized",
            "501314:Invalid To Party Type attribute",
        ),
        (
            Fault("CONTRACT_NOT_FOUND"),
            "402005",
            "An error occurred while finding the defined contract",
        ),
        (Fault("SYSTEM_FAILURE"), "200", "System Failure to process message"),
        (
            Fault("EBXML_ACK_INVALID", "why & how"),
            "300",
            "Application Exception: EBXML_ACK_INVALID - why & how",
        ),
    ],
)
def test_an_error_says_the_code_and_the_words_of_its_fault(
    fault: Fault, code: str, text: str
) -> None:
    error = ebxml.message_error(RECEIVED, fault, message_id="N-1", now=NOW)
    read = ebxml.signal(etree.fromstring(error))
    assert (read.kind, read.ref_to) == (SignalKind.MESSAGE_ERROR, "M<1")
    assert (read.code, read.description, read.severity) == (code, text, "Error")
    assert (read.header.from_party, read.header.timestamp) == ("HUB-1", NOW)


def test_an_error_about_what_could_not_be_read_says_not_known() -> None:
    error = ebxml.message_error(None, Fault(MALFORMED), message_id="N-1", now=NOW)
    read = ebxml.signal(etree.fromstring(error)).header
    said = (read.from_party, read.to_party, read.cpa_id, read.conversation_id)
    assert said == ("Not Known",) * 4
    assert read.ref_to_message_id == "Not Known"
    assert (read.message_id, read.timestamp) == ("N-1", NOW)


def test_a_sender_is_told_which_message_was_given_up() -> None:
    notice = ebxml.delivery_failure(RECEIVED, message_id="N-1", now=NOW)
    read = ebxml.signal(etree.fromstring(notice))
    assert (read.ref_to, read.code) == ("M<1", "DeliveryFailure")


def _signal_with(header: str, action: str = "Acknowledgment", body: str = "") -> etree._Element:
    return etree.fromstring(
        f'<S:Envelope xmlns:S="{ns.SOAP}" xmlns:eb="{ns.EB}"><S:Header>'
        f"<eb:MessageHeader><eb:Action>{action}</eb:Action><eb:MessageData>"
        "<eb:RefToMessageId>R-1</eb:RefToMessageId></eb:MessageData></eb:MessageHeader>"
        f"{header}</S:Header><S:Body>{body}</S:Body></S:Envelope>"
    )


_ACKED: Final = "<eb:Acknowledgment><eb:RefToMessageId>R-2</eb:RefToMessageId></eb:Acknowledgment>"
_FAILED: Final = '<eb:{0}><eb:Error eb:errorCode="E" eb:severity="Warning"/></eb:{0}>'


@pytest.mark.parametrize(
    ("header", "action", "kind", "ref_to", "code"),
    [
        (_ACKED, "Acknowledgment", SignalKind.ACKNOWLEDGMENT, "R-2", ""),
        (_ACKED, "Odd", SignalKind.ACKNOWLEDGMENT, "R-2", ""),
        ("<eb:Acknowledgment/>", "Acknowledgment", SignalKind.ACKNOWLEDGMENT, "R-1", ""),
        (_FAILED.format("ErrorList"), "MessageError", SignalKind.MESSAGE_ERROR, "R-1", "E"),
        (_FAILED.format("errorList"), "Odd", SignalKind.MESSAGE_ERROR, "R-1", "E"),
        (
            _ACKED + _FAILED.format("errorList"),
            "Acknowledgment",
            SignalKind.MESSAGE_ERROR,
            "R-2",
            "E",
        ),
        ("", "MessageError", SignalKind.MESSAGE_ERROR, "R-1", ""),
    ],
)
def test_a_signal_is_known_by_its_action_or_its_elements(
    header: str, action: str, kind: SignalKind, ref_to: str, code: str
) -> None:
    root = _signal_with(header, action)
    read = ebxml.signal(root)
    assert ebxml.signal_kind(root) is kind
    assert (read.kind, read.ref_to, read.code) == (kind, ref_to, code)


def test_a_message_with_a_manifest_is_no_signal_whatever_rides_on_it() -> None:
    ridden = _signal_with(_ACKED + _FAILED.format("ErrorList"), "Odd", "<eb:Manifest/>")
    assert ebxml.signal_kind(ridden) is None
    assert ebxml.signal_kind(etree.fromstring(sent(Form.RELIABLE).encode())) is None


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (_signal_with(""), ["Missing Acknowledgement"]),
        (_signal_with(_ACKED * 2), ["Missing Acknowledgement"]),
        (etree.fromstring("<other/>"), ["Missing Message Header", "Missing Acknowledgement"]),
        (etree.fromstring(sent(Form.RELIABLE).encode()), ["Missing Acknowledgement"]),
    ],
    ids=["no acknowledgment", "two of them", "no envelope", "a business message"],
)
def test_what_is_no_signal_is_refused(document: etree._Element, missing: list[str]) -> None:
    with pytest.raises(ContractError) as refused:
        ebxml.signal(document)
    assert [fault.name for fault in refused.value.faults] == ["EBXML_ACK_INVALID"] * len(missing)
    assert [fault.supplement for fault in refused.value.faults] == missing


ANSWER: Final = Outgoing(
    from_party="HUB-1",
    to_party="A&B",
    cpa_id="C-1",
    conversation_id="V-1",
    service="urn:s",
    action="TEST_IN000001UK07",
    message_id="M-1",
    timestamp=NOW,
)


@pytest.mark.parametrize("form", Form)
def test_a_header_that_is_built_keeps_the_rules_of_its_form(form: Form) -> None:
    root = etree.fromstring(ebxml.business(ANSWER, form))
    read = ebxml.header(root)
    assert RULES[form].faults(root) == []
    assert (read.to_party, read.link) == ("A&B", "M-1@spine.nhs.uk")
    assert root.find(f".//{EB}RefToMessageId") is None
    schema = root.find(f".//{EB}Schema")
    assert schema is not None
    assert schema.get(f"{EB}location") == "urn:hl7-org:v3_TEST_IN000001UK07.xsd"
    assert schema.get(f"{EB}version") == "07"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.6789012Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-07-02T03:04:05+01:00", datetime(2026, 7, 2, 2, 4, 5, tzinfo=UTC)),
        ("20260102030405", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (" 2026-01-02T03:04:05Z\n", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("", None),
        ("null", None),
        ("2026-01-02", None),
        ("2026-13-02T03:04:05Z", None),
        ("2026-01-02T25:04:05Z", None),
        ("2026-01-02T03:04:05+99:00", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_moment_is_read_in_every_form_that_senders_use(
    text: str, moment: datetime | None
) -> None:
    assert ebxml.instant(text) == moment
