"""Real public messages: each request is answered, each answer is rebuilt from the record in it.

The answers are read by `reading` and compared by `canonical`, which share no code with our
builders. What cannot be sent or rebuilt is listed with its reason; a file that is neither fails.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import pytest
import reading
from asking import details_of, spine_with
from canonical import Difference, differences
from corpus import Corpus, Entry, Outcome, is_request, numbers_in, sender_of
from lxml import etree
from msgspec.structs import replace
from pushed_traces import answered, hub_with, listed
from rich_patients import ASKED, FULL, number
from schemas import Schemas, hl7_message, only
from wire_requests import KINDS, OLDEST, SPINE_ASID, Details, Frame, Kind

from adapters.pds_tracing import REFUSALS
from core.demographics.scoring import FULL as FULL_LEVEL
from core.errors import NotFound
from core.values.demographics import Address, Name, Patient
from core.values.identity import NhsNumber
from legacy_contracts.envelopes.soap import soap_fault
from legacy_contracts.errors import TRACE_MATCH, Fault
from legacy_contracts.hl7 import payload
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Interaction
from legacy_contracts.pds import advanced_trace, pushed_query
from legacy_contracts.registry import INTERACTIONS

BODY: Final = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
UPDATE: Final = "an update's answer: asynchronous, not built here"
ELSEWHERE: Final = "another service's query"

ANSWERED: Final = {
    "pds/curl-spine/-request-body-template.xml": "200 AA",
    "pds/mhs-adaptor/QUPA_IN000008UK05.xml": "200 AA",
    "pds/mhs-adaptor/QUPA_IN040000UK32.xml": "200 AA",
    "pds/mhs-adaptor/soap_request.xml": "200 INVALID_ID",  # its body holds a word for a message
    "pds/mhs-adaptor/soap_request_with_defect.xml": "500 SOAP_MESSAGE_ID_ERROR",
    "pds/mhs-adaptor/sync.xml": "200 AA",
    "pds/mhs-adaptor/sync_message.xml": "200 AA",
    "pds/mhs-adaptor/synchronous-pattern-message.txt": "200 AA",
    "pds/pslink/RetrievalQuery--after_prolog.xml": "200 AA",
    "pds/pslink/SimpleTraceQuery--after_prolog.xml": "200 AA",
    "pds/tkw-itk-trunk/retrieval_payload.xml": "200 AA",
}
"""What every request of the corpus is answered with, when the patient that it names is known."""

PUSHED: Final = {
    "pds/mhs-adaptor/ebxml_request.mime": "INVALID_ID",
    "pds/mhs-adaptor/ebxml_request_multiple_attachments.mime": "INVALID_ID",
    "pds/mhs-adaptor/ebxml_request_one_attachment.mime": "INVALID_ID",
    "pds/mhs-adaptor/ebxml_request_one_attachment_with_document_id.mime": "INVALID_ID",
    "pds/mhs-adaptor/ebxml_request_one_attachment~2.mime": "INVALID_ID",
    "pds/mhs-adaptor/ebxml_request_one_external_attachment.mime": "INVALID_ID",
    "pds/tkw-x/QUPA_IN000006UK02_1433768910_7589C768-0DDF-11E5-82C2-4F9AE80A24B4_ebxml.http": "AA",
}
"""Advanced traces, answered by a message; an adaptor's own are elements with nothing in them."""

LISTED: Final = {
    "pds/tkw-mth/QUPA_IN000011UK02_async_template.xml": 1,
    "pds/tkw-mth/QUPA_IN000011UK02_async_template1.xml": 1,
    "pds/tkw-x/QUPA_IN000011UK02_1433768912_38F636E1-8886-4723-A70F-DFB3401551FA_ebxml.http": 0,
}
"""Answers to advanced traces, and how many of their patients show no matching level."""

NOT_REBUILT: Final = {
    "cpis/tkw-mth/QUPC_IN000006GB01_QUQI_IN010000UK14_sync_template.xml": ELSEWHERE,
    "scr/tkw-mth/QUQI_IN010000UK14_Response.xml": ELSEWHERE,
    "pds/mhs-adaptor/test_handler--pystr_0.xml": "a stub: an id and no content",
    "pds/mhs-adaptor/test_handler--pystr_1.xml": "a stub: an id and no content",
    "pds/tkw-mth/MCCI_IN010000UK13_1_template.xml": UPDATE,
    "pds/tkw-mth/MCCI_IN010000UK13_async_template.xml": UPDATE,
    "pds/tkw-mth/PRPA_IN000202UK01_async_template.xml": UPDATE,
    "pds/tkw-mth/PRPA_IN000202UK01_async_template~2.xml": UPDATE,
    "pds/tkw-mth/QUQI_IN010000UK14_sync_template~2.xml": (
        "a simple trace's code (ST004) in a cross-check's wrapper: no query is refused so"
    ),
    "pds/tkw-x/wrapped_cda.xml": "by its own remark cobbled together: a document as the content",
}

REFUSED: Final = {
    "pds/tkw-mth/QUQI_IN010000UK14_sync_template.xml": Kind.TRACE,
    "pds/tkw-mth/QUPA_IN000014UK01_QUQI_IN010000UK14_sync_template.xml": Kind.CROSS_CHECK,
}
"""Refusals, which do not say whose they are; every query of the kind is refused so."""

NOBODY_LISTED: Final = "pds/tkw-mth/QUQI_IN010000UK14_async_template.xml"

_OTHERS_SAY: Final = "other captured answers of this interaction say what ours says"
_ADAPTED: Final = (
    "an adaptor's own (its author is PDS_ADAPTOR); the schema and the Spine's have it not"
)

KNOWN_DIFFERENCES: Final = {
    ("QUPA_IN000007UK01_sync_template.xml", "ControlActEvent/reason"): (
        "no advice that it matched; the other two templates of this interaction have it"
    ),
    ("QUPA_IN000009UK03_sync_template_sensitive_response.xml", "versionCode/@code"): _OTHERS_SAY,
    ("QUPA_IN030000UK32_sync_InvalidMsg.xml", "subject/@contextConductionInd"): _ADAPTED,
    ("QUPA_IN030000UK32_sync_InvalidMsg.xml", "patientRole/subjectOf1"): (
        "a matching level, which belongs to the advanced trace that shares the tree"
    ),
    ("QUPA_IN050000UK32_sync_template.xml", "versionCode/@code"): _OTHERS_SAY,
    ("QUPA_IN050000UK32_sync_template.xml", "subject/@contextConductionInd"): _ADAPTED,
}
"""Where a template and our answer differ (file, last two steps of the path), and why."""

NO_EXAMPLE: Final = frozenset(
    {
        "QUPA_IN010000UK01",
        "QUPA_IN010000UK13",
        "QUPA_IN040000UK01",
        "QUPA_IN040000UK14",
        "QUPA_IN000014UK03",
        "QUPA_IN060000UK01",
        "QUPA_IN060000UK13",
        "QUPA_IN060000UK30",
        "QUPA_IN000016UK02",
        "QUPA_IN000016UK04",
    }
)
"""Interactions of whose answers the corpus has none; the schemas alone speak for them."""

_ROWS: Final = {row.reply.interaction_id: row for row in INTERACTIONS}
_REFUSALS: Final = frozenset(row.refusal_id for row in INTERACTIONS)


def test_every_request_is_answered(captured: Corpus, outcomes: list[Outcome]) -> None:
    came = {}
    for entry in captured.entries():
        if is_request(entry):
            body = captured.request(entry)
            known = [
                replace(FULL, nhs_number=NhsNumber(each)) for each in numbers_in(body) or (ASKED,)
            ]
            answered = spine_with(known, asids=[sender_of(body)]).send(body)
            came[entry.file] = f"{answered.status} {answered.outcome}"
    outcomes += [Outcome("request", file, how) for file, how in came.items()]
    assert came == ANSWERED
    assert Counter(came.values()) == {
        "200 AA": 9,
        "200 INVALID_ID": 1,
        "500 SOAP_MESSAGE_ID_ERROR": 1,
    }


def test_a_request_to_a_patient_who_is_not_known_is_refused(captured: Corpus) -> None:
    came: Counter[str] = Counter()
    for entry in captured.entries():
        if is_request(entry) and ANSWERED[entry.file] == "200 AA":
            body = captured.request(entry)
            came[spine_with([], asids=[sender_of(body)]).send(body).outcome] += 1
    assert came == {"NO_MATCH": 9}


def test_the_answers_to_real_requests_are_right(captured: Corpus, official: Schemas) -> None:
    complaints = {}
    for entry in captured.entries():
        if is_request(entry) and ANSWERED[entry.file].startswith("200"):
            body = captured.request(entry)
            known = [
                replace(FULL, nhs_number=NhsNumber(each)) for each in numbers_in(body) or (ASKED,)
            ]
            answered = spine_with(known, asids=[sender_of(body)]).send(body)
            complaints[entry.file] = official.complaints(hl7_message(answered.body))
    assert complaints
    assert {file: found for file, found in complaints.items() if found} == {}


def test_no_file_is_passed_over(captured: Corpus) -> None:
    entries = tuple(captured.entries())
    of_pds = {each.file for each in entries if each.file.startswith("pds/")}
    requests = {each.file for each in entries if each.direction == "request"} & of_pds
    assert requests | {each.file for each in entries if is_request(each)} == {*ANSWERED, *PUSHED}
    answers = {each.file for each in entries if _is_answer(each)}
    rebuilt = {each.file for each in entries if _row_of(each)} - set(NOT_REBUILT)
    assert answers == {*NOT_REBUILT, *REFUSED, *LISTED, NOBODY_LISTED, *rebuilt}
    assert of_pds <= requests | answers


def test_every_answer_is_rebuilt_from_the_record_in_it(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    unknown: dict[str, list[str]] = {}
    known = set()
    rebuilt: Counter[str] = Counter()
    for entry in captured.entries():
        row = _row_of(entry)
        if row is None or entry.file in NOT_REBUILT:
            continue
        wanted = captured.answer(entry)
        found = differences(wanted, _rebuilt(row, wanted))
        shown = [each for each in found if _place(entry, each) not in KNOWN_DIFFERENCES]
        known |= {_place(entry, each) for each in found} & set(KNOWN_DIFFERENCES)
        unknown |= {entry.file: [str(each) for each in shown]} if shown else {}
        how = "rebuilt" if not found else f"rebuilt but for {len(found)} known"
        rebuilt[how if not shown else "differs"] += 1
        why = "; ".join(KNOWN_DIFFERENCES.get(_place(entry, each), str(each)) for each in found)
        outcomes.append(Outcome("answer", entry.file, how if not shown else "differs", why))
    outcomes += [Outcome("answer", each, "not rebuilt", why) for each, why in NOT_REBUILT.items()]
    assert unknown == {}
    assert known == set(KNOWN_DIFFERENCES)
    assert rebuilt == {"rebuilt": 14, "rebuilt but for 1 known": 2, "rebuilt but for 2 known": 2}


def test_which_interactions_no_example_speaks_for(captured: Corpus) -> None:
    rows = [
        row.interaction_id
        for entry in captured.entries()
        if (row := _row_of(entry)) and entry.file not in NOT_REBUILT
    ]
    assert {row.interaction_id for row in INTERACTIONS} - set(rows) == NO_EXAMPLE


def test_a_captured_envelope_has_our_namespaces_and_prefixes(captured: Corpus) -> None:
    for name in ("sync_outbound_response.xml", "sync_outbound_response~2.xml"):
        (entry,) = [each for each in captured.entries() if each.file == f"pds/mhs-adaptor/{name}"]
        wanted = captured.answer(entry)
        assert wanted.tag == f"{{{wanted.nsmap['SOAP-ENV']}}}Envelope"
        got = _answered(_ROWS["QUPA_IN050000UK32"], wanted)
        assert (got.nsmap, got.prefix) == (wanted.nsmap, wanted.prefix)
        assert [each.tag for each in got[0]] == [each.tag for each in wanted[0]]


@pytest.mark.parametrize(("file", "kind"), REFUSED.items())
def test_a_refusal_is_rebuilt_in_every_generation(
    file: str, kind: Kind, captured: Corpus, outcomes: list[Outcome]
) -> None:
    (entry,) = [each for each in captured.entries() if each.file == file]
    wanted = captured.answer(entry)
    asked = [
        row
        for row in INTERACTIONS
        if KINDS[row.interaction_id] is kind and row.interaction_id not in OLDEST
    ]
    frame = _frame_of(wanted)
    nobody = Details(nhs_number=number(77), birth_time="19010101", family="NOBODY")
    for row in asked:
        answered = spine_with([], now=_time_of(wanted), asids=[frame.from_asid]).ask(
            row.interaction_id, nobody, frame
        )
        assert differences(wanted, _content(etree.fromstring(answered.body))) == ()
    assert asked
    outcomes.append(Outcome("answer", file, "rebuilt", f"by {len(asked)} interactions"))


def test_every_advanced_trace_is_answered(captured: Corpus, outcomes: list[Outcome]) -> None:
    came = {}
    for file in PUSHED:
        root = _payload_in(captured.text(file))
        faults = payload.NON_BATCH.faults(root)
        if faults:
            came[file] = faults[0].name
            continue
        name = Name(given=("PHILIP",), family="OLEARY")
        known = Patient(
            ASKED,
            gender="1",
            birth_time="19570108",
            names=(name,),
            addresses=(Address(postcode="DE22 3JD"),),
        )
        answer = answered(
            hub_with([known], asids=[sender_of(etree.tostring(root))]), etree.tostring(root)
        )
        assert listed(answer) == [(ASKED, "87.14")]
        came[file] = str(answer.xpath("string(//*[local-name()='acknowledgement']/@typeCode)"))
    assert came == PUSHED
    outcomes += [Outcome("request", file, how) for file, how in came.items()]


@pytest.mark.parametrize("file", LISTED)
def test_an_advanced_trace_s_answer_is_rebuilt_from_the_record_in_it(
    file: str, captured: Corpus, outcomes: list[Outcome]
) -> None:
    """The templates name another ASID as the author; that and a level they lack are known."""
    wanted = _payload_in(_bound_answer(captured, file))
    record = replace(reading.patient(wanted), nhs_number=NhsNumber(ASKED))
    for one in wanted.iterfind(".//{*}patientRole/{*}id"):
        one.set("extension", ASKED)
    frame = _frame_of(wanted)
    query = next(each for each in advanced_trace.QUERIES if each.answer_id in str(wanted.tag))
    to = Correlation("", frame.hl7_id, frame.to_asid, frame.from_asid)
    at = Moment(_text(wanted, "*[1]/@root"), f"{_time_of(wanted):%Y%m%d%H%M%S}")
    got = etree.fromstring(query.matched(to, at, ((record, FULL_LEVEL),), (TRACE_MATCH,)))
    found = [each.path.rpartition("ControlActEvent/")[2] for each in differences(wanted, got)]
    # White space alone, where a telephone has no period, is how the captured answer was laid out.
    found = [each for each in found if not each.endswith("/telecom/text()")]
    shown = [each for each in found if not each.endswith("subjectOf1")]
    assert len(found) - len(shown) == LISTED[file]
    version = f"/{query.answer_id}/versionCode/@code"
    assert shown == ([version] if LISTED[file] and version in shown else [])
    outcomes.append(Outcome("answer", file, f"rebuilt but for {len(found)} known"))


def test_an_advanced_trace_s_refusal_is_rebuilt(captured: Corpus, outcomes: list[Outcome]) -> None:
    wanted = _payload_in(_bound_answer(captured, NOBODY_LISTED))
    frame = _frame_of(wanted)
    to = Correlation("", frame.hl7_id, frame.to_asid, frame.from_asid)
    at = Moment(_text(wanted, "*[1]/@root"), f"{_time_of(wanted):%Y%m%d%H%M%S}")
    got = etree.fromstring(pushed_query.refused(to, at, REFUSALS[NotFound]))
    assert differences(wanted, got) == ()
    outcomes.append(Outcome("answer", NOBODY_LISTED, "rebuilt"))


def _bound_answer(captured: Corpus, file: str) -> str:
    (entry,) = [each for each in captured.entries() if each.file == file]
    if entry.envelope == "http+mime-ebxml":
        return captured.text(file)
    return etree.tostring(captured.answer(entry), encoding="unicode")


def _payload_in(text: str) -> etree._Element:
    """Give the HL7 message in a captured text, which may stand in MIME, ebXML and HTTP."""
    found = re.search(r"<(QU\w+_IN\d+UK\d+)[\s>].*</\1>", text, re.DOTALL)
    assert found is not None
    return etree.fromstring(found[0].encode())


def test_the_hub_s_own_refusals_are_rebuilt(captured: Corpus, outcomes: list[Outcome]) -> None:
    """A SOAP fault stands alone; an AR was captured of another service, so its words are put in."""
    fault = "tms/mhs-adaptor/soap_fault_single_error.xml"
    wanted = etree.fromstring(captured.text(fault).encode())
    assert differences(wanted, etree.fromstring(soap_fault(Fault("SYSTEM_FAILURE")))) == ()

    several = "tms/mhs-adaptor/soapfault_response_multiple_errors.xml"
    errors = etree.fromstring(captured.text(several).encode()).findall(".//{*}error")
    ours = only(etree.fromstring(soap_fault(Fault("MESSAGE_NOT_WELL_FORMED"))), ".//{*}error")
    assert differences(errors[1], ours) == ()

    refused = "eps/eps-fhir-api/sync_error.xml"
    wanted = etree.fromstring(captured.text(refused).encode())
    found = differences(wanted, etree.fromstring(_as_of_another_service(wanted)))
    assert [each.path.rpartition("MCCI_IN010000UK13/")[2] for each in found] == [
        "versionCode/@code",
        "acknowledgement/acknowledgementDetail/code/@code",
        "acknowledgement/acknowledgementDetail/code/@displayName",
    ]
    outcomes.append(Outcome("answer", fault, "rebuilt"))
    outcomes.append(Outcome("answer", several, "its second error rebuilt"))
    outcomes.append(Outcome("answer", refused, "rebuilt but for its version and its error"))


def _as_of_another_service(wanted: etree._Element) -> bytes:
    """Give our AR dressed as the service that the captured one comes from."""
    row = _ROWS["QUPA_IN000009UK03"]
    dressed = replace(
        row,
        service="mm",
        reply=replace(
            row.reply,
            wrapper="PrescriptionsResponse",
            wsa_from="https://mm.national.ncrs.nhs.uk/syncservice",
        ),
    )
    frame = _frame_of(wanted)
    to = Correlation(f"uuid:{frame.message_id}", frame.hl7_id, frame.to_asid, frame.from_asid)
    at = Moment(
        _text(wanted, "//*[local-name()='RelatesTo']/../*[1]")[len("uuid:") :], "20200812091301"
    )
    return row.envelope.wrapper_refusal(dressed, to, at, Fault("INVALID_ID"))


def _is_answer(entry: Entry) -> bool:
    """Say whether a file is an answer of demographics, or of a query like ours."""
    if not entry.direction.startswith(("response", "application ack")):
        return False
    return entry.file.startswith("pds/") or bool(set(entry.interactions) & (_REFUSALS | set(_ROWS)))


def _row_of(entry: Entry) -> Interaction | None:
    """Give the row whose success a file is, or None."""
    if not _is_answer(entry):
        return None
    return next((_ROWS[each] for each in entry.interactions if each in _ROWS), None)


def _place(entry: Entry, each: Difference) -> tuple[str, str]:
    return entry.file.rpartition("/")[2], "/".join(each.path.split("/")[-2:])


def _rebuilt(row: Interaction, wanted: etree._Element) -> etree._Element:
    """Give our answer, as much of it as the captured file holds."""
    got = _answered(row, wanted)
    return got if wanted.find(BODY) is not None else _content(got)


def _content(envelope: etree._Element) -> etree._Element:
    body = envelope.find(BODY)
    assert body is not None
    (content,) = body
    return content


def _answered(row: Interaction, wanted: etree._Element) -> etree._Element:
    """Ask for the record that a captured answer shows, under its ids and at its time."""
    record = reading.patient(wanted)
    frame = _frame_of(wanted)
    spine = spine_with(
        [record],
        now=_time_of(wanted),
        answer_id=_text(wanted, "//*[local-name()='creationTime']/../*[1]/@root"),
        asids=[frame.from_asid],
    )
    asked = details_of(record, items=_items_for(record))
    answered = spine.ask(row.interaction_id, asked, frame)
    assert answered.outcome == "AA"
    return etree.fromstring(answered.body)


def _items_for(record: Patient) -> tuple[str, ...]:
    """Give the items that a retrieval must have asked for: none, where no person was shown."""
    bare = Patient(record.nhs_number, record.serial_change_number, sensitivity=record.sensitivity)
    return () if record == bare else ("person.allData",)


def _frame_of(wanted: etree._Element) -> Frame:
    """Give who asked whom, and under which ids, as a captured answer repeats it."""
    asked_id = _text(wanted, "//*[local-name()='messageRef']/*/@root")
    related = _text(wanted, "//*[local-name()='RelatesTo']")
    way = "string(//*[local-name()='communicationFunction{}']//*/@extension)"
    return Frame(
        message_id=related[len("uuid:") :] if related else asked_id,
        hl7_id=asked_id,
        to_asid=str(wanted.xpath(way.format("Snd"))) or SPINE_ASID,
        from_asid=str(wanted.xpath(way.format("Rcv"))),
    )


def _time_of(wanted: etree._Element) -> datetime:
    written = _text(wanted, "//*[local-name()='creationTime']/@value")
    assert re.fullmatch(r"\d{14}", written)
    return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _text(element: etree._Element, path: str) -> str:
    return str(element.xpath(f"string({path})"))
