"""What an organisation calls a patient: kept with the record, found by an index."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec.structs import replace

from core.demographics import queries
from core.demographics.queries import CrossCheck, Identify, Trace
from core.demographics.records import PATIENTS, Demographics, Policy, Written
from core.errors import NotFound, NotVerified, NumberSuperseded, TooManyMatches
from core.store import codec, facts
from core.store.memory import MemoryStore
from core.values.demographics import LocalIdentifier, Name, Patient, RecordStatus, Sensitivity
from core.values.identity import NhsNumber
from operations import loading

NUMBER, OTHER, THIRD = (NhsNumber(one) for one in ("9990000018", "9990000026", "9990000042"))
SCHEME: Final = "2.16.840.1.113883.19.5"
HOSPITAL: Final = LocalIdentifier("T99999", SCHEME, "H123")
PATIENT: Final = Patient(
    NUMBER,
    gender="2",
    birth_time="19500203",
    names=(Name(given=("EDITH",), family="CARTER"),),
    local_identifiers=(HOSPITAL, LocalIdentifier("T88888", SCHEME, "X9")),
)
ASKED: Final = Identify(HOSPITAL, "19500203")


class _Counting(MemoryStore):
    """A store that notes what is asked of it beside single records."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []
        self.reads = 0

    def find(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the port's own
        self.found.append(arguments)
        return super().find(*arguments, **named)

    def read(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        self.reads += 1
        return super().read(*arguments, **named)


def records(*people: Patient, store: MemoryStore | None = None) -> Demographics:
    """Give records that hold these people, on a day in 2014."""
    store = store or MemoryStore()
    loading.load(store, people, source="test", at="", progress=lambda _count: None)
    return Demographics(store, "20140825", Policy())


def test_a_patient_is_found_by_what_an_organisation_calls_them() -> None:
    assert queries.identify(ASKED, records(PATIENT)).patient.nhs_number == NUMBER


@pytest.mark.parametrize(
    "asked",
    [
        replace(ASKED, birth_date="19500204"),
        replace(ASKED, given="OTHER"),
        replace(ASKED, local=replace(HOSPITAL, value="h123")),
        replace(ASKED, local=replace(HOSPITAL, organisation="T88888")),
        replace(ASKED, local=replace(HOSPITAL, organisation="")),
        replace(ASKED, local=replace(HOSPITAL, scheme="1.2.3")),
        replace(ASKED, local=LocalIdentifier("T99999", "", "")),
    ],
)
def test_nobody_is_found_by_another_identifier_or_with_other_details(asked: Identify) -> None:
    with pytest.raises(NotFound):
        queries.identify(asked, records(PATIENT))


def test_one_find_and_one_record_are_read_however_many_there_are() -> None:
    store = _Counting()
    many = [
        replace(
            PATIENT,
            nhs_number=NhsNumber(f"9990{index:06d}"),
            local_identifiers=(replace(HOSPITAL, value=f"N{index}"),),
        )
        for index in range(500)
    ]
    held = records(PATIENT, *many, store=store)
    store.found.clear()
    store.reads = 0
    queries.identify(ASKED, held)
    assert (len(store.found), store.reads) == (1, 1)


def test_two_patients_that_an_organisation_calls_the_same_are_too_many() -> None:
    other = replace(PATIENT, nhs_number=OTHER)
    with pytest.raises(TooManyMatches):
        queries.identify(ASKED, records(PATIENT, other))


def test_a_number_that_was_replaced_leads_to_the_one_that_replaced_it() -> None:
    old = Patient(
        OTHER,
        status=RecordStatus.SUPERSEDED,
        superseded_by=NUMBER,
        local_identifiers=(HOSPITAL,),
    )
    survivor = replace(PATIENT, local_identifiers=())
    assert queries.identify(ASKED, records(old, survivor)).patient.nhs_number == NUMBER


def test_a_number_that_is_no_longer_in_use_leads_to_nobody() -> None:
    gone = Patient(OTHER, status=RecordStatus.INVALID, local_identifiers=(HOSPITAL,))
    with pytest.raises(NotFound):
        queries.identify(ASKED, records(gone))


def test_a_restricted_patient_is_found_and_what_organisations_call_them_is_withheld() -> None:
    found = queries.identify(ASKED, records(replace(PATIENT, sensitivity=Sensitivity.SENSITIVE)))
    assert found.limited
    assert found.patient.local_identifiers == ()


def test_an_identifier_of_the_same_scheme_that_is_not_theirs_does_not_agree() -> None:
    other = replace(HOSPITAL, value="H999")
    with pytest.raises(NotVerified):
        queries.cross_check(CrossCheck(NUMBER, "19500203", local=other), records(PATIENT))
    with pytest.raises(NotFound):
        queries.trace(Trace("2", "19500203", "CARTER", local=other), records(PATIENT))


def test_an_identifier_where_none_is_held_disagrees_with_nothing() -> None:
    other = LocalIdentifier("T77777", SCHEME, "H999")
    held = records(PATIENT)
    assert queries.cross_check(CrossCheck(NUMBER, "19500203", local=other), held).patient
    assert queries.trace(Trace("2", "19500203", "CARTER", local=other), held).patient


def test_a_trace_without_gender_finds_whoever_has_the_rest() -> None:
    held = records(PATIENT, replace(PATIENT, nhs_number=THIRD, birth_time="19500204"))
    assert queries.trace(Trace(None, "19500203", "CARTER"), held).patient.nhs_number == NUMBER


def test_a_trace_without_gender_finds_two_of_different_genders_too_many() -> None:
    held = records(PATIENT, replace(PATIENT, nhs_number=THIRD, gender="1"))
    with pytest.raises(TooManyMatches):
        queries.trace(Trace(None, "19500203", "CARTER"), held)


@pytest.mark.parametrize(("birth_date", "told"), [("19500203", NUMBER), ("19500204", None)])
def test_the_replacement_is_told_to_who_knows_the_details(
    birth_date: str, told: NhsNumber | None
) -> None:
    old = Patient(OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    with pytest.raises(NumberSuperseded) as refused:
        queries.cross_check(CrossCheck(OTHER, birth_date), records(PATIENT, old))
    assert refused.value.replacement == told


def test_what_organisations_call_a_patient_is_stored_and_read_again() -> None:
    stored = codec.encode(PATIENTS, facts.folded(PATIENTS, {"m": Written(PATIENT, "", "")}))
    assert codec.decode(PATIENTS, stored).state == PATIENT
