"""The oracles of these tests are trusted no further than shown here: comparer, reader, trees."""

from __future__ import annotations

from typing import Final

import pytest
import reading
import reading_register
from asking import details_of, spine_with
from canonical import differences
from lxml import etree
from msgspec.structs import replace
from rich_patients import ASKED, FULL
from schemas import hl7_message
from trees import check, tree

from core.values.demographics import (
    Death,
    DonorPreference,
    PaperRecord,
    Patient,
    RelatedPerson,
    RelatedRole,
)

_MESSAGE: Final = (
    '<a:answer xmlns:a="urn:hl7-org:v3" xmlns:s="urn:some">'
    '<a:id root="1" extension="2"/><s:note>text</s:note><a:line/><a:line>x</a:line>'
    '<a:name use="L"><a:given>ADA</a:given><a:given>MAY</a:given>'
    "<a:family>SMITH</a:family></a:name>"
    "</a:answer>"
)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("a:", "other:"),
        ('root="1" extension="2"', 'extension="2" root="1"'),
        ("<a:line/>", "\n  <a:line></a:line>\n  <!-- a remark --><?and more?>"),
        ("<a:family>SMITH</a:family>", ""),
    ],
    ids=["prefixes", "the order of attributes", "space and remarks", "the order of name parts"],
)
def test_what_does_not_count_is_no_difference(was: str, now: str) -> None:
    changed = _MESSAGE.replace(was, now).replace("xmlns:a=", f"xmlns:{now[:-1]}=", was == "a:")
    if not now:
        changed = changed.replace('use="L">', f'use="L">{was}')
    assert differences(etree.fromstring(_MESSAGE), etree.fromstring(changed)) == ()


@pytest.mark.parametrize(
    ("was", "now", "where"),
    [
        ('extension="2"', 'extension="3"', "/answer/id/@extension"),
        ('extension="2"', "", "/answer/id/@extension"),
        ('extension="2"', 'extension="2" more="1"', "/answer/id/@more"),
        (">text<", "> text<", "/answer/note/text()"),
        ("<a:line/>", "<a:line> </a:line>", "/answer/line/text()"),
        ("<a:line/>", "stray<a:line/>", "/answer/text()"),
        ("<a:line/><a:line>x</a:line>", "<a:line>x</a:line><a:line/>", "/answer/line/text()"),
        ("<a:line/>", "", "/answer/line"),
        ("s:note", "a:note", "/answer/note"),
        (
            '<a:id root="1" extension="2"/><s:note>text</s:note>',
            "<s:note>text</s:note>",
            "/answer/id",
        ),
        (
            "<a:given>ADA</a:given><a:given>MAY",
            "<a:given>MAY</a:given><a:given>ADA",
            "/answer/name",
        ),
    ],
)
def test_what_counts_is_a_difference(was: str, now: str, where: str) -> None:
    found = differences(etree.fromstring(_MESSAGE), etree.fromstring(_MESSAGE.replace(was, now)))
    assert found
    assert found[0].path.startswith(where)


_MOVED: Final = '<a:id root="1" extension="2"/>'


def test_order_counts() -> None:
    moved = _MESSAGE.replace(_MOVED, "").replace("</a:answer>", f"{_MOVED}</a:answer>")
    assert differences(etree.fromstring(_MESSAGE), etree.fromstring(moved)) != ()


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        ("<r><id/><b/></r>", None),
        ("<r><id/><addr/><addr/><c/></r>", None),
        ("<r><b/></r>", "/r/id: 0 times"),
        ("<r><id/></r>", "/r/b|c: 0 times"),
        ("<r><id/><b/><c/></r>", "/r/b|c: 2 times"),
        ("<r><id/><addr/><addr/><addr/><b/></r>", "/r/addr: 3 times"),
        ("<r><addr/><id/><b/></r>", "/r/id: 0 times"),
        ("<r><id/><b/><other/></r>", "/r: no place for other"),
        ("<r><id/><b><x/></b></r>", "/r/b|c: no place for x"),
        ("<s/>", "/r: is s"),
    ],
)
def test_a_tree_says_what_is_wrong(xml: str, complaint: str | None) -> None:
    found = check(tree("r(id addr{0,2} b|c(d?(e)))"), etree.fromstring(xml)).complaints
    assert found[:1] == (() if complaint is None else (complaint,))


# No retrieval of any generation has words for these (pds.md A.3, A.4, A.11).
_KEPT: Final = replace(
    FULL, ethnic_group=None, birth=None, death=Death("20140801", "2"), registered_by=None
)
_UNSAID_IN_2008: Final = replace(
    _KEPT, consents=tuple(replace(one, comments=None) for one in FULL.consents)
)


def _as_before_2008b(patient: Patient) -> Patient:
    """Give a record without what only 2008B has words for (pds.md A.3, A.4)."""
    return replace(
        patient,
        blood_donor=None,
        organ_donor=None,
        identifiers=(),
        entitlement=None,
        registered=None,
        care_provisions=tuple(
            replace(one, registered=None, payment=None) for one in patient.care_provisions
        ),
        past_registrations=(),
        notified=None,
        recorded_at=None,
    )


def _as_2008a_says(patient: Patient) -> Patient:
    """Give a record as 2008A says it: nothing of who removed a person, and not its newest codes."""
    said = _as_before_2008b(patient)
    removal = replace(said.removal, authority=None, told_at=None, provenance=None)
    papers = tuple(
        replace(one, transfer=None if one.transfer == "HL" else one.transfer)
        for one in said.paper_records
    )
    return replace(said, removal=removal, paper_records=papers)


def _as_2008b_says(patient: Patient) -> Patient:
    """Give a record as 2008B says it: consents of donors, transfers, details with the practice."""
    practice, *others = patient.care_provisions
    return replace(
        patient,
        blood_donor=DonorPreference("1", "20140801"),
        organ_donor=DonorPreference("2", "20140801"),
        care_provisions=(replace(practice, registered=patient.registered), *others),
        registered=None,
        paper_records=(
            PaperRecord("SP", "U", provenance=patient.paper_records[0].provenance),
            PaperRecord("HL", "N"),
        ),
        recorded_at=patient.notified.gender,
    )


def _as_2006b_says(patient: Patient) -> Patient:
    """Give a record without what 2006B has no words for (pds.md A.11)."""
    return replace(
        patient,
        names=tuple(replace(one, provenance=None) for one in patient.names),
        addresses=tuple(replace(one, provenance=None) for one in patient.addresses),
        telecoms=tuple(replace(one, provenance=None) for one in patient.telecoms),
        care_provisions=tuple(replace(one, provenance=None) for one in patient.care_provisions),
        related_persons=tuple(_related_in_2006b(one) for one in patient.related_persons),
        birthplace=None,
        registration=None,
        removal=None,
        paper_records=(),
    )


def _related_in_2006b(one: RelatedPerson) -> RelatedPerson:
    name, address = one.name, one.address
    return replace(
        one,
        name=replace(name, object_id=None, provenance=None) if name else None,
        address=replace(address, object_id=None, provenance=None) if address else None,
        telecoms=tuple(replace(each, object_id=None, provenance=None) for each in one.telecoms),
        provenance=None,
    )


def _as_mim_3_1_says(patient: Patient) -> Patient:
    """Give a record without what MIM 3.1 has no words for besides (pds.md 1.8)."""
    said = _as_2006b_says(patient)
    personal = {RelatedRole.CARER: RelatedRole.PERSONAL}
    return replace(
        said,
        related_persons=tuple(
            replace(one, call_back=None, role=personal.get(one.role, one.role))
            for one in said.related_persons
        ),
    )


@pytest.mark.parametrize(
    ("interaction_id", "said"),
    [
        ("QUPA_IN040000UK01", _as_mim_3_1_says(_as_before_2008b(_KEPT))),
        ("QUPA_IN040000UK14", _as_mim_3_1_says(_as_before_2008b(_KEPT))),
        ("QUPA_IN040000UK32", _as_2006b_says(_as_before_2008b(_KEPT))),
        ("QUPA_IN000008UK02", _as_2008a_says(_UNSAID_IN_2008)),
        ("QUPA_IN000008UK05", _as_2008b_says(_UNSAID_IN_2008)),
    ],
)
def test_a_whole_record_can_be_read_back_from_a_retrieval(
    interaction_id: str, said: Patient
) -> None:
    answered = spine_with([FULL]).ask(interaction_id, details_of(FULL))
    assert reading_register.patient(hl7_message(answered.body)) == said


def test_a_bare_record_can_be_read_back() -> None:
    bare = Patient(ASKED)
    answered = spine_with([bare]).ask("QUPA_IN000008UK02", details_of(bare))
    assert reading.patient(hl7_message(answered.body)) == bare
