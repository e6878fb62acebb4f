"""The mini services: every code of every operation by the rule that leads to it, and by faults."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from lxml import etree
from msgspec.structs import replace
from schemas import SmspSchemas
from smsp_asking import (
    BY_NUMBER,
    BY_SEARCH,
    DETAILS,
    NUMBER,
    VERIFY,
    Asked,
    Service,
    payload,
    root_of,
    service_with,
)
from smsp_cases import CASES, EDITH, Case

from adapters import smsp
from core.audit import Access, Audit, read_page
from core.errors import PatternTooShort, StoreError
from core.store.port import Store
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts.smsp.codes import GIVEN, Code
from legacy_contracts.smsp.operations import OPERATIONS
from legacy_contracts.smsp.requests import Unanswerable
from operations import recordings

PEOPLE: Final = recordings.records(Path(__file__).parents[2] / "fixtures/records/smsp.toml")
HL7: Final = {"h": "urn:hl7-org:v3"}


@pytest.fixture(scope="module")
def service() -> Service:
    return service_with(*PEOPLE)


def asked_of(service: Service, case: Case) -> smsp.Answered:
    """Give the answer of a case; another certificate is that of a party without a system."""
    operation = OPERATIONS[case.operation]
    caller = service.caller(operation)
    if case.certificate_name != "client.spine.test":
        caller = Caller(PartyKey("T88888-9900002"), Asid("990000000003"), operation.name, "m")
    body = payload(case.operation, case.asked)
    return smsp.answered(service.core, operation, body, caller)


def texts(root: etree._Element, path: str) -> list[str]:
    """Give the texts, or attributes, at a path."""
    found: Any = root.xpath(path, namespaces=HL7)
    return [one if isinstance(one, str) else one.text or "" for one in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_question_gets_its_code(service: Service, case: Case) -> None:
    given = asked_of(service, case)
    assert (given.code, given.fault) == (case.code, None)
    root = root_of(given)
    assert etree.QName(root).localname == OPERATIONS[case.operation].response_element
    assert texts(root, "h:value/@code") == [case.code]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", Code)
def test_the_table_of_codes_says_which_a_rule_gives(operation: str, code: Code) -> None:
    by_rule = {one.code for one in CASES if one.operation == operation}
    assert (code in by_rule) == (operation in GIVEN[code].by)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_answer_is_right_by_its_official_schema(
    service: Service, case: Case, mini_services: SmspSchemas
) -> None:
    assert mini_services.complaints(root_of(asked_of(service, case))) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_request_of_ours_is_right_by_its_official_schema_unless_that_is_the_case(
    case: Case, mini_services: SmspSchemas
) -> None:
    complaints = mini_services.complaints(etree.fromstring(payload(case.operation, case.asked)))
    by_value = {Code.NOT_NEW_STYLE, Code.INPUT_NOT_VALID}
    assert not complaints or case.code in by_value


class _Broken:
    """A core in which one thing goes wrong, whatever is asked of it."""

    def __init__(self, service: Service, error: Exception) -> None:
        self.context = service.core.context
        self.directory = service.core.directory
        self._error = error

    def perform(self, _command: object, **_by: object) -> NoReturn:
        raise self._error


FAULTS: Final = {
    Code.DEMOGRAPHICS_FAILED: PatternTooShort("a refusal that no code names"),
    Code.FROM_LOCAL_STORE: Unanswerable(Code.FROM_LOCAL_STORE, "there is no such store"),
    Code.NOT_CONNECTED: StoreError("the store is gone"),
    Code.FAILED: RuntimeError("a bug"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("code", FAULTS)
def test_what_no_rule_gives_is_given_when_something_breaks(
    service: Service, operation: str, code: Code, mini_services: SmspSchemas
) -> None:
    asked = next(one.asked for one in CASES if one.operation == operation)
    row = OPERATIONS[operation]
    broken: Any = _Broken(service, FAULTS[code])
    given = smsp.answered(broken, row, payload(operation, asked), service.caller(row))
    assert given.code is code
    assert (given.fault is not None) == (code is Code.FAILED)
    assert b"bug" not in given.payload
    assert mini_services.complaints(root_of(given)) == ()


def test_every_code_is_reached_by_a_rule_or_by_a_fault() -> None:
    by_rule = {code for code, row in GIVEN.items() if row.by}
    assert by_rule.isdisjoint(FAULTS)
    assert by_rule | FAULTS.keys() == set(Code)


class _Gone(Audit):
    """An audit whose store takes no writes any more."""

    def record(self, entry: Access, store: Store | None = None) -> None:  # noqa: ARG002
        raise StoreError("gone")


def test_what_cannot_be_audited_is_not_shown(service: Service) -> None:
    audit = _Gone(service.core.store, writer="gone", now=lambda: "")
    gone = replace(service, core=replace(service.core, audit=audit))
    given = gone.ask(DETAILS, Asked("19500203", nhs_number="9990000018"))
    assert given.code is Code.NOT_CONNECTED
    assert texts(root_of(given), "//h:patient") == []


def audited(service: Service) -> list[Access]:
    """Give what the audit says, first to last."""
    pages = (read_page(service.core.store, "test", number) for number in count())
    return [
        one
        for page in takewhile(lambda page: page is not None, pages)
        for one in (page.entries if page else ())
        if isinstance(one, Access)
    ]


def test_every_question_is_audited_with_whom_it_asked_for_and_whom_it_told_of() -> None:
    service = service_with(*PEOPLE)
    service.ask(BY_NUMBER, Asked("19500203", nhs_number="9990000026"))
    service.ask(VERIFY, Asked("19500204", nhs_number="9990000018"))
    service.ask(DETAILS, Asked("19500203", local="H123456"))
    service.ask(VERIFY, Asked("195002", nhs_number="9990000018"))
    assert [(one.activity, one.command, one.outcome, one.patients) for one in audited(service)] == [
        (BY_NUMBER, "CrossCheck", "NumberSuperseded", ("9990000026", "9990000018")),
        (VERIFY, "CrossCheck", "NotVerified", ("9990000018",)),
        (DETAILS, "Identify", "done", ("9990000018",)),
        (VERIFY, VERIFY, "SMSP-0001", ()),
    ]


def test_why_an_answer_is_what_it_is_names_no_value_of_the_request(service: Service) -> None:
    for case in CASES:
        why = asked_of(service, case).why or ""
        said = (case.asked.family, case.asked.given, case.asked.nhs_number, case.asked.birth_date)
        assert not any(one and one in why for one in said), case.id


def test_details_are_shown_as_the_published_form_has_them(service: Service) -> None:
    given = service.ask(BY_NUMBER, replace(EDITH, gender=None, postcode=None))
    root = root_of(given)
    assert texts(root, "//h:patient/h:id/@extension") == ["9990000018", "H123456"]
    assert texts(root, "//h:patient/h:name/h:prefix") == ["MRS"]
    assert texts(root, "//h:patient/h:name/h:given") == ["EDITH", "ROSE"]
    assert texts(root, "//h:patient/h:name/h:family") == ["O'CARTER & DAY"]
    assert texts(root, "//h:patient/h:addr/@use") == ["H", "TMP", "PST"]
    assert {len(one) for one in _lines(root)} == {5}
    assert texts(root, "//h:patient/h:telecom/@use") == ["H", "MC", "H"]
    assert texts(root, "//h:gPPractice//h:id/@extension") == ["A99001"]
    assert texts(root, "//h:gPPractice//h:name") == ["HIGH STREET SURGERY"]
    assert texts(root, "//h:gPPractice/h:addr/h:streetAddressLine") == [
        *("HIGH STREET SURGERY", "1 HIGH STREET", "", "LEEDS", "")
    ]
    assert texts(root, "//h:gPPractice/h:telecom/@value") == ["tel:01632960000"]


def _lines(root: etree._Element) -> Iterator[list[str]]:
    for address in root.iterfind(".//h:addr", HL7):
        yield texts(address, "h:streetAddressLine")


@pytest.mark.parametrize("operation", [DETAILS, BY_NUMBER])
def test_a_restricted_patient_is_shown_without_a_place(service: Service, operation: str) -> None:
    root = root_of(service.ask(operation, Asked("19610716", nhs_number="9990000042")))
    assert texts(root, "//h:patient/h:id/@extension") == ["9990000042"]
    assert texts(root, "//h:patient/h:name/h:family") == ["HIDDEN"]
    for place in ("addr", "telecom", "gPPractice"):
        assert texts(root, f"//h:{place}") == []


def test_of_who_died_the_date_is_shown_and_no_practice(service: Service) -> None:
    root = root_of(service.ask(DETAILS, Asked("19380101", nhs_number="9990000050")))
    assert texts(root, "//h:birthTime/@value") == ["19380101"]
    assert texts(root, "//h:deceasedTime/@value") == ["20140110"]
    assert texts(root, "//h:gPPractice") == []


def test_a_practice_that_the_directory_does_not_know_is_shown_by_its_code(
    service: Service,
) -> None:
    root = root_of(service.ask(DETAILS, Asked("19900909", nhs_number="9990000069")))
    assert texts(root, "//h:gPPractice//h:id/@extension") == ["Z99999"]
    assert texts(root, "//h:gPPractice//h:name") == []


@pytest.mark.parametrize("operation", [DETAILS, BY_NUMBER])
def test_the_number_that_replaced_one_is_told_where_the_details_agree(
    service: Service, operation: str
) -> None:
    agreeing = service.ask(operation, Asked("19500203", nhs_number="9990000026"))
    other = service.ask(operation, Asked("19500204", nhs_number="9990000026"))
    assert texts(root_of(agreeing), "//h:patient/h:id/@extension") == ["9990000018"]
    assert texts(root_of(agreeing), "//h:patient/h:name") == []
    assert texts(root_of(other), "//h:patient") == []


def test_a_number_that_was_replaced_is_not_called_valid(service: Service) -> None:
    root = root_of(service.ask(VERIFY, Asked("19500203", nhs_number="9990000026")))
    assert texts(root, "//h:validIdentifier") == []


def test_a_number_that_is_right_is_called_valid(service: Service) -> None:
    root = root_of(service.ask(VERIFY, Asked("19500203", nhs_number="9990000018")))
    assert texts(root, "//h:validIdentifier/h:value/@value") == ["true"]
    assert texts(root, "//h:validIdentifier//h:id/@extension") == ["9990000018"]


def test_what_another_hospital_calls_a_patient_is_not_shown(service: Service) -> None:
    for operation in (DETAILS, BY_NUMBER, NUMBER, BY_SEARCH):
        asked = next(
            one.asked
            for one in CASES
            if one.operation == operation and one.code is Code.SUCCESS and one.asked.local is None
        )
        assert b"OTHER-1" not in service.ask(operation, asked).payload


def test_a_local_identifier_that_nobody_holds_comes_back_as_it_was_asked(
    service: Service,
) -> None:
    asked = Asked("19900909", nhs_number="9990000069", local="H000001")
    root = root_of(service.ask(DETAILS, asked))
    assert texts(root, "//h:patient/h:id/@extension") == ["9990000069", "H000001"]


def test_parameters_may_come_in_another_order(service: Service) -> None:
    """As the SoapUI project of TimCoates/SMSPMock sends them: the name before the gender."""
    body = payload(BY_SEARCH, replace(EDITH, nhs_number=None)).decode()
    start, gender = body.index("<Person.Gender>"), body.index("</Person.Gender>")
    moved = body[start : gender + len("</Person.Gender>")]
    other = body.replace(moved, "").replace("</queryEvent>", f"{moved}</queryEvent>")
    assert service.send(BY_SEARCH, other.encode()).code is Code.SUCCESS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<queryEvent>", "<queryEvent/><queryEvent>"),
        ("getPatientDetailsRequest-v1-0", "getNHSNumberRequest-v1-0"),
        ("urn:hl7-org:v3", "urn:hl7-org:v2"),
        ("<Person.NHSNumber>", "<Person.NHSNumber/><Person.NHSNumber>"),
        ("<family>", "<family>X</family><family>"),
        ("<queryEvent>", "<queryEvent"),
        ('extension="9990000018"', 'extension=""'),
        ('extension="9990000018"', ""),
    ],
)
def test_a_payload_that_is_not_in_order_is_not_valid(service: Service, old: str, new: str) -> None:
    body = payload(DETAILS, EDITH).decode()
    assert old in body
    assert service.send(DETAILS, body.replace(old, new).encode()).code is Code.INPUT_NOT_VALID


@pytest.mark.parametrize("operation", [BY_NUMBER, DETAILS])
def test_the_code_may_name_the_operation(service: Service, operation: str) -> None:
    """As elementechemlyn/smsp-adaptor sends it."""
    body = payload(operation, Asked("19500203", nhs_number="9990000018")).decode()
    named = body.replace(f'code="{OPERATIONS[operation].code}"', f'code="{operation}"')
    assert named != body
    assert service.send(operation, named.encode()).code is Code.SUCCESS


def test_an_optional_parameter_may_be_empty(service: Service) -> None:
    body = payload(DETAILS, Asked("19500203", nhs_number="9990000018")).decode()
    empty = body.replace("</queryEvent>", "<Person.Name/></queryEvent>")
    assert service.send(DETAILS, empty.encode()).code is Code.SUCCESS


def test_the_payload_of_one_operation_is_not_another_s(service: Service) -> None:
    given = service.send(VERIFY, payload(BY_NUMBER, Asked("19500203", nhs_number="9990000018")))
    assert given.code is Code.INPUT_NOT_VALID


def test_who_may_not_ask_is_told_that_first(service: Service) -> None:
    caller = Caller(PartyKey("T88888-9900002"), Asid("990000000003"), VERIFY, "m")
    row = OPERATIONS[VERIFY]
    body = payload(VERIFY, Asked("195002", nhs_number="1"))
    assert smsp.answered(service.core, row, body, caller).code is Code.NOT_ALLOWED
    assert service.send(VERIFY, body).code is Code.INPUT_NOT_VALID


def test_a_number_is_judged_after_the_rest_of_the_request(service: Service) -> None:
    assert service.ask(VERIFY, Asked("195002", nhs_number="1")).code is Code.INPUT_NOT_VALID
    assert service.ask(VERIFY, Asked("19500203", nhs_number="1")).code is Code.NOT_NEW_STYLE
