"""The captured ebXML headers: each is read with all its fields, the Spine's own are built again."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pytest
from canonical import differences
from corpus import Corpus, Outcome
from lxml import etree

from legacy_contracts import ns, xml
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml import Header, Outgoing
from legacy_contracts.envelopes.ebxml_rules import RULES, Form
from legacy_contracts.errors import Fault, MalformedMessage

EB: Final = f"{{{ns.EB}}}"

ENVELOPES: Final = {
    "ebxml-soap": (71, 4),
    "mime-ebxml": (47, 1),
    "http+mime-ebxml": (21, 0),
    "ebxml-ack": (5, 0),
    "ebxml-error": (5, 2),
}
"""How many files of each kind hold a header that is XML, and how many one that is not."""

FORMS: Final = {
    Form.FORWARD_INTERMEDIARY: 79,
    Form.FORWARD_END_PARTY: 15,
    Form.FORWARD_NONE: 9,
    Form.RELIABLE: 14,
    Form.EXPRESS: 4,
    None: 18,
}
"""How many captured messages keep the rules of which form; no message keeps those of two.

Of the 18 none is a real sender's: 17 are cases of adaptors' own tests (references in the reliable
form, an element left out) and one a template.
"""


def _envelope(captured: Corpus, file: str) -> etree._Element | None:
    """Give the first envelope in a file, or None where it is not XML."""
    text = (captured.place / file).read_bytes()
    found = re.search(rb"<(?:(\w[\w-]*):)?Envelope\b.*?</(?:\1:)?Envelope\s*>", text, re.DOTALL)
    assert found is not None, file
    try:
        return xml.parse(found[0])
    except MalformedMessage:
        return None


def _plainly(root: etree._Element) -> dict[str, str]:
    """Give a header's texts as another reading finds them: by local names, first come."""
    places = {
        "from_party": "From/PartyId",
        "to_party": "To/PartyId",
        "cpa_id": "CPAId",
        "conversation_id": "ConversationId",
        "service": "Service",
        "action": "Action",
        "message_id": "MessageData/MessageId",
        "timestamp": "MessageData/Timestamp",
        "time_to_live": "MessageData/TimeToLive",
        "ref_to_message_id": "MessageData/RefToMessageId",
    }
    message = next(root.iter("{*}MessageHeader"))
    return {
        field: message.findtext("/".join(f"{{*}}{step}" for step in place.split("/"))) or ""
        for field, place in places.items()
    }


def test_every_captured_header_is_read_with_all_its_fields(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    counts: Counter[tuple[str, bool]] = Counter()
    for entry in captured.entries():
        if entry.envelope not in ENVELOPES:
            continue
        root = _envelope(captured, entry.file)
        counts[entry.envelope, root is not None] += 1
        if root is None:
            continue
        read = ebxml.header(root)
        assert {field: getattr(read, field) for field in _plainly(root)} == _plainly(root)
        hrefs = [one.get(f"{{{ns.XLINK}}}href") for one in root.iter("{*}Reference")]
        assert list(read.references) == hrefs
        assert read.ack_requested == (next(root.iter("{*}AckRequested"), None) is not None)
        assert read.sync_reply == (next(root.iter("{*}SyncReply"), None) is not None)
        marked = next(root.iter("{*}DuplicateElimination"), None) is not None
        assert read.duplicate_elimination == marked
        signal = entry.envelope in {"ebxml-ack", "ebxml-error"}
        assert (ebxml.signal_kind(root) is not None) == signal
    for kind, (read_ones, others) in ENVELOPES.items():
        assert (counts[kind, True], counts[kind, False]) == (read_ones, others)
        outcomes.append(Outcome("ebXML", kind, f"{read_ones} headers read, {others} not XML"))


def test_every_captured_message_keeps_one_form_or_is_a_test_of_an_adaptor(
    captured: Corpus,
) -> None:
    kept: Counter[Form | None] = Counter()
    for entry in captured.entries():
        if entry.envelope not in ENVELOPES:
            continue
        root = _envelope(captured, entry.file)
        if root is None or ebxml.signal_kind(root) is not None:
            continue
        forms = [form for form, rules in RULES.items() if not rules.faults(root)]
        assert len(forms) < 2
        kept[forms[0] if forms else None] += 1
        assert forms or any(name in entry.file for name in ("mhs-adaptor", "eps-fhir-api"))
    assert kept == FORMS


_SCHEMA_LOCATION: Final = f"/Envelope/@{{{ns.XSI_MISSPELT}}}schemaLocation"
ACKNOWLEDGMENTS: Final = {
    "tms/mhs-adaptor/ebxml_ack.xml": (),
    "tms/mhs-adaptor/ebxml_ack~2.xml": (),
    "tms/mhs-adaptor/ebxml_ack~3.xml": (),
    "tms/tkw-mth/ebxmlacktemplate.xml": (),
    "tms/tkw-mth/spine-ebxmlack-template.xml": (_SCHEMA_LOCATION,),
}
"""Every captured acknowledgment, and where ours differs."""


@pytest.mark.parametrize("file", ACKNOWLEDGMENTS)
def test_an_acknowledgment_is_the_captured_one(captured: Corpus, file: str) -> None:
    wanted = _filled(captured, file)
    read = ebxml.header(wanted)
    built = ebxml.acknowledgment(
        _turned(read),
        message_id=read.message_id,
        now=wanted.findtext(f".//{EB}Acknowledgment/{EB}Timestamp") or "",
    )
    found = differences(wanted, etree.fromstring(built))
    assert tuple(one.path for one in found) == ACKNOWLEDGMENTS[file]


_ERROR: Final = "/Envelope/Header/ErrorList/Error"
ERRORS: Final = {
    "tms/mhs-adaptor/ebxml_fault_single_error.xml": (
        "UNKNOWN_CPA_ID",
        (f"{_ERROR}/Description/@{{http://www.w3.org/XML/1998/namespace}}lang",),
    ),
    "tms/mhs-adaptor/ebxml_nack~2.xml": ("INVALID_TO_PARTY", (f"{_ERROR}/@{EB}codeContext",)),
}
"""Captured errors of faults that we know, and where ours (generateebXMLError) differs."""


@pytest.mark.parametrize("file", ERRORS)
def test_an_error_is_the_captured_one(captured: Corpus, file: str) -> None:
    name, known = ERRORS[file]
    wanted = _filled(captured, file)
    read = ebxml.header(wanted)
    built = ebxml.message_error(
        _turned(read), Fault(name), message_id=read.message_id, now=read.timestamp
    )
    found = differences(wanted, etree.fromstring(built))
    assert tuple(one.path for one in found) == known


SPINES_OWN: Final = {
    "eps/eps-fhir-api/async_error.mime": Form.RELIABLE,
    "eps/eps-fhir-api/async_multiple_error.mime": Form.RELIABLE,
    "eps/eps-fhir-api/async_success.mime": Form.RELIABLE,
    "eps/eps-fhir-api/cancel_error.txt": Form.RELIABLE,
    "eps/eps-fhir-api/cancel_error_dispensed.txt": Form.RELIABLE,
    "eps/eps-fhir-api/cancel_success.txt": Form.RELIABLE,
    "scr/mhs-adaptor/async_reliable_inbound.http": Form.RELIABLE,
    "scr/mhs-adaptor/async_express_inbound.mime": Form.EXPRESS,
    "scr/mhs-adaptor/async_express_inbound~2.mime": Form.EXPRESS,
    "pds/tkw-x/QUPA_IN000011UK02_1433768912_38F636E1-8886-4723-A70F-DFB3401551FA_ebxml.http": (
        Form.EXPRESS
    ),
}
"""Every captured header that the Spine itself wrote."""


@pytest.mark.parametrize("file", SPINES_OWN)
def test_the_header_of_an_answer_is_the_captured_one(captured: Corpus, file: str) -> None:
    wanted = _filled(captured, file)
    read = ebxml.header(wanted)
    answer = Outgoing(
        from_party=read.from_party,
        to_party=read.to_party,
        cpa_id=read.cpa_id,
        conversation_id=read.conversation_id,
        service=read.service,
        action=read.action,
        message_id=read.message_id,
        timestamp=read.timestamp,
        ref_to_message_id=read.ref_to_message_id,
    )
    built = etree.fromstring(ebxml.business(answer, SPINES_OWN[file]))
    assert differences(wanted, built) == ()


def _filled(captured: Corpus, file: str) -> etree._Element:
    """Give a captured header, the placeholders of its service and action filled in."""
    root = _envelope(captured, file)
    assert root is not None
    for one in root.iter(f"{EB}Service", f"{EB}Action"):
        if one.text in {"{{service}}", "{{action}}"}:
            one.text = {"{{service}}": ebxml.SIGNAL_SERVICE}.get(one.text, "Acknowledgment")
    return root


def _turned(read: Header) -> Header:
    """Give the header of the message that a signal answers."""
    return Header(
        from_party=read.to_party,
        to_party=read.from_party,
        cpa_id=read.cpa_id,
        conversation_id=read.conversation_id,
        message_id=read.ref_to_message_id,
        timestamp=read.timestamp,
    )
