"""Any request gets an answer with a code; of one patient, all services say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asking import details_of, spine_with
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace
from smsp_asking import (
    BY_NUMBER,
    DETAILS,
    NUMBER,
    VERIFY,
    Asked,
    Service,
    payload,
    root_of,
    service_with,
)
from smsp_cases import CASES

from core.values.demographics import Patient, RecordStatus
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS
from operations import patients

PEOPLE: Final = tuple(patients.population(1000, 7))
SERVICE: Final = service_with(*PEOPLE)
BODIES: Final = tuple((one.operation, payload(one.operation, one.asked)) for one in CASES)
HL7: Final = {"h": "urn:hl7-org:v3"}

OTHER_TEXTS: Final = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "&", "<x/>", "]]>", "*", "9" * 5000, "\U0001f600", "0", "-1"]),
)


def is_answered(service: Service, operation: str, body: bytes) -> bool:
    """Say whether a body gets a whole answer of the operation, with no fault of ours behind it."""
    answered = service.send(operation, body)
    root = root_of(answered)
    name = etree.QName(root).localname
    return (
        name == OPERATIONS[operation].response_element
        and root.xpath("string(h:value/@code)", namespaces=HL7) == answered.code
        and answered.code in set(Code)
        and answered.fault is None
    )


@given(st.sampled_from(BODIES), st.integers(0, 5000), st.integers(0, 60), st.binary(max_size=20))
def test_a_payload_with_bytes_cut_out_and_put_in_is_answered(
    asked: tuple[str, bytes], at: int, gone: int, new: bytes
) -> None:
    operation, body = asked
    place = at % (len(body) + 1)
    assert is_answered(SERVICE, operation, body[:place] + new + body[place + gone :])


Change = Callable[[etree._Element, str], None]


def _drop(node: etree._Element, _text: str) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def _twice(node: etree._Element, _text: str) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.append(etree.fromstring(etree.tostring(node, with_tail=False)))


def _said_otherwise(node: etree._Element, text: str) -> None:
    safe = "".join(one for one in text if one >= " " and not "\ud800" <= one <= "\udfff")
    safe = safe.replace("\ufffe", "").replace("\uffff", "")
    for name in node.attrib:
        node.set(name, safe)
    if not len(node):
        node.text = safe


def _moved(node: etree._Element, _text: str) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.insert(0, node)


def _renamed(node: etree._Element, _text: str) -> None:
    node.tag = f"{{urn:hl7-org:v3}}{etree.QName(node).localname}X"


CHANGES: Final[tuple[Change, ...]] = (_drop, _twice, _said_otherwise, _moved, _renamed)


@given(
    st.sampled_from(BODIES),
    st.lists(
        st.tuples(st.sampled_from(CHANGES), st.integers(0, 60), OTHER_TEXTS), min_size=1, max_size=4
    ),
)
def test_a_payload_with_elements_changed_is_answered(
    asked: tuple[str, bytes], changes: list[tuple[Change, int, str]]
) -> None:
    operation, body = asked
    root = etree.fromstring(body)
    for change, number, text in changes:
        nodes = list(root.iter())
        change(nodes[number % len(nodes)], text)
    assert is_answered(SERVICE, operation, etree.tostring(root))


@given(st.sampled_from(BODIES), st.sampled_from(tuple(OPERATIONS)))
def test_the_payload_of_any_operation_is_answered_by_any(
    asked: tuple[str, bytes], operation: str
) -> None:
    assert is_answered(SERVICE, operation, asked[1])


PDS: Final = spine_with(PEOPLE)
RETRIEVAL: Final = "QUPA_IN000008UK02"
ACTIVE: Final = tuple(one for one in PEOPLE if one.status is RecordStatus.ACTIVE)
OTHERS: Final = tuple(one for one in PEOPLE if one.status is not RecordStatus.ACTIVE)
SAME: Final = (
    "h:name/h:family/text()",
    "h:name/h:prefix/text()",
    "h:birthTime/@value",
    "h:deceasedTime/@value",
    "h:addr/h:postalCode/text()",
    "h:telecom/@value",
)
"""What both show of a patient, wherever each has it."""


def retrieved(patient: Patient) -> etree._Element | None:
    """Give what a national retrieval says of a patient; None where it is refused."""
    answered = PDS.ask(RETRIEVAL, replace(details_of(patient), history="0"))
    root = etree.fromstring(answered.body)
    return root if answered.outcome == "AA" else None


def shown(root: etree._Element, path: str) -> list[str]:
    """Give the values at a path, wherever it is."""
    return [str(one) for one in root.xpath(path, namespaces=HL7)]


@given(st.one_of(st.sampled_from(ACTIVE), st.sampled_from(OTHERS)))
def test_a_retrieval_and_the_mini_services_agree_on_whether_a_number_stands(
    patient: Patient,
) -> None:
    born = patient.birth_time or "19500101"
    codes = {
        SERVICE.ask(one, Asked(born, nhs_number=patient.nhs_number)).code
        for one in (VERIFY, BY_NUMBER, DETAILS)
    }
    root = retrieved(patient)
    if root is None:
        assert codes == {Code.INVALIDATED}
    elif patient.superseded_by is not None:
        assert codes == {Code.SUPERSEDED}
        assert shown(root, "//h:patientRole/h:id/@extension")[:1] == [patient.superseded_by]
    else:
        assert codes == {Code.SUCCESS}


@given(st.sampled_from(ACTIVE))
def test_a_retrieval_and_the_mini_services_show_the_same_patient(patient: Patient) -> None:
    born = patient.birth_time or ""
    ours = root_of(SERVICE.ask(DETAILS, Asked(born, nhs_number=patient.nhs_number)))
    theirs = retrieved(patient)
    assert theirs is not None
    if patient.sensitivity is not None:
        assert shown(ours, "//h:addr") == shown(ours, "//h:telecom") == []
        return
    assert shown(ours, "//h:name/h:family/text()") == [patient.names[0].family]
    for path in SAME:
        assert set(shown(ours, f"//h:patient//{path}")) <= set(shown(theirs, f"//{path}")), path


@given(st.sampled_from(ACTIVE), st.booleans())
def test_who_is_found_by_details_is_who_a_trace_finds(patient: Patient, with_given: bool) -> None:  # noqa: FBT001
    name = patient.names[0]
    asked = Asked(
        patient.birth_time,
        gender=patient.gender,
        family=name.family,
        given=name.given[0] if with_given else None,
    )
    given_name = {"given": (name.given[0],)} if with_given else {}
    traced = PDS.ask("QUPA_IN000005UK01", replace(details_of(patient), **given_name))
    answered = SERVICE.ask(NUMBER, asked)
    if answered.code is Code.SUCCESS:
        assert traced.outcome == "AA"
        (number,) = shown(root_of(answered), "//h:patient/h:id/@extension")
        assert number.encode() in traced.body
    else:
        assert answered.code is Code.MULTIPLE_MATCHES
        assert traced.outcome == "MULTIPLE_MATCHES"
