"""Finding patients: the rules of docs/tracing.md, one by one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from core.demographics import queries
from core.demographics.queries import CrossCheck, Retrieve, Trace
from core.demographics.records import Demographics, Policy, trace_keys
from core.errors import (
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    TooManyMatches,
)
from core.store.memory import MemoryStore
from core.values.demographics import (
    Address,
    Death,
    Name,
    NameUse,
    Patient,
    Period,
    Provenance,
    RecordStatus,
    Sensitivity,
)
from core.values.identity import NhsNumber, check_digit, is_nhs_number
from operations import loading, patients

NUMBER, OTHER, THIRD = (NhsNumber(n) for n in ("9990000018", "9990000026", "9990000034"))
PATIENT = Patient(
    NUMBER,
    gender="2",
    birth_time="19500203",
    death=Death("20140110", "1"),
    names=(
        Name(given=("EDITH", "ROSE"), family="CARTER"),
        Name(NameUse.BIRTH, given=("EDITH",), family="FIELD", period=Period(None, "19750601")),
    ),
    addresses=(
        Address(lines=("1 MILL LANE",), postcode="LS1 1AA", paf_key="1"),
        Address(lines=("2 OLD ROAD",), postcode="HU1 2BB", period=Period(None, "20091231")),
    ),
)
TRACE = Trace(gender="2", birth_date="19500203", family="Carter")


def records(*people: Patient, policy: Policy | None = None) -> Demographics:
    """Give records that hold these people, on a day in 2014."""
    store = MemoryStore()
    loading.load(store, people, source="test", at="", progress=lambda _count: None)
    return Demographics(store, "20140825", policy or Policy())


@pytest.mark.parametrize(
    "narrowed",
    [
        TRACE,
        replace(TRACE, family="  carter "),
        replace(TRACE, given=("Edith",)),
        replace(TRACE, given=("EDITH", "ROSE")),
        replace(TRACE, postcode="ls11aa"),
        replace(TRACE, paf_key="1"),
        replace(TRACE, death_date="20140110"),
    ],
)
def test_a_trace_finds_who_fits(narrowed: Trace) -> None:
    assert queries.trace(narrowed, records(PATIENT)).patient.nhs_number == NUMBER


@pytest.mark.parametrize(
    "other",
    [
        replace(TRACE, gender="1"),
        replace(TRACE, birth_date="19500204"),
        replace(TRACE, birth_date="1950"),
        replace(TRACE, family="CARTERS"),
        replace(TRACE, family="FIELD"),
        replace(TRACE, given=("ROSE",)),
        replace(TRACE, given=("EDITH", "ROSE", "MAY")),
        replace(TRACE, postcode="HU1 2BB"),
        replace(TRACE, postcode="LS1 1AA", paf_key="2"),
        replace(TRACE, death_date="20140111"),
    ],
)
def test_a_trace_finds_nobody_who_does_not_fit(other: Trace) -> None:
    with pytest.raises(NotFound):
        queries.trace(other, records(PATIENT))


def test_two_who_fit_are_too_many_until_one_more_detail_tells_them_apart() -> None:
    twin = replace(PATIENT, nhs_number=OTHER, names=(Name(given=("MAY",), family="CARTER"),))
    both = records(PATIENT, twin)
    with pytest.raises(TooManyMatches):
        queries.trace(TRACE, both)
    found = queries.trace(replace(TRACE, given=("MAY",)), both)
    assert found.patient.nhs_number == OTHER


def test_a_trace_gives_the_survivor_of_a_replaced_number() -> None:
    old = replace(PATIENT, nhs_number=OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    assert queries.trace(TRACE, records(PATIENT, old)).patient.nhs_number == NUMBER


def test_a_replaced_number_is_followed_and_said() -> None:
    first = Patient(OTHER, status=RecordStatus.SUPERSEDED, superseded_by=THIRD)
    second = Patient(THIRD, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    found = queries.retrieve(Retrieve(OTHER), records(PATIENT, first, second))
    assert (found.patient.nhs_number, found.superseded) == (NUMBER, OTHER)


def test_numbers_that_replace_each_other_lead_nowhere() -> None:
    one = Patient(NUMBER, status=RecordStatus.SUPERSEDED, superseded_by=OTHER)
    two = Patient(OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    with pytest.raises(NumberInvalidated):
        queries.retrieve(Retrieve(NUMBER), records(one, two))


@pytest.mark.parametrize("bad", ["", "999000001", "9990000019", "999000001X", "٩٩٩٠٠٠٠٠١٨"])
def test_a_number_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(NumberNotValid):
        queries.retrieve(Retrieve(NhsNumber(bad)), records(PATIENT))


def test_a_cross_check_wants_the_birth_date_and_what_else_is_sent() -> None:
    found = records(PATIENT)
    for good in (
        CrossCheck(NUMBER, "19500203"),
        CrossCheck(NUMBER, "19500203", given="edith", family="carter"),
    ):
        assert queries.cross_check(good, found).patient.nhs_number == NUMBER
    for bad in (
        CrossCheck(NUMBER, "19500204"),
        CrossCheck(NUMBER, "19500203", family="FIELD"),
        CrossCheck(NUMBER, "19500203", given="ROSE", family="CARTER"),
    ):
        with pytest.raises(NotVerified):
            queries.cross_check(bad, found)


def test_a_cross_check_does_not_follow_a_replaced_number() -> None:
    old = Patient(OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    with pytest.raises(NumberSuperseded):
        queries.cross_check(CrossCheck(OTHER, "19500203"), records(PATIENT, old))


def test_a_restricted_record_shows_nothing_that_leads_to_the_patient() -> None:
    hidden = records(replace(PATIENT, sensitivity=Sensitivity.SENSITIVE))
    retrieved = queries.retrieve(Retrieve(NUMBER, history=True), hidden)
    assert retrieved.limited
    assert retrieved.patient == Patient(NUMBER, sensitivity=Sensitivity.SENSITIVE)

    traced = queries.trace(TRACE, hidden)
    assert traced.limited
    assert traced.patient.names
    assert (traced.patient.addresses, traced.patient.telecoms) == ((), ())
    assert traced.patient.care_provisions == ()


def test_whether_a_place_finds_a_restricted_patient_is_a_setting() -> None:
    hidden = replace(PATIENT, sensitivity=Sensitivity.SENSITIVE)
    by_place = replace(TRACE, postcode="LS1 1AA")
    with pytest.raises(NotFound):
        queries.trace(by_place, records(hidden))
    allowed = records(hidden, policy=Policy(restricted_found_by_place=True))
    assert queries.trace(by_place, allowed).limited


def test_without_history_only_what_stands_today_is_shown() -> None:
    replaced = Name(family="MISTAKE", provenance=Provenance(recorded=Period("1990", "1991")))
    ends_today = Address(lines=("A",), period=Period("2000", "20140825"))
    patient = loading.identified(
        replace(
            PATIENT,
            names=(*PATIENT.names, replaced),
            addresses=(*PATIENT.addresses, ends_today),
        )
    )
    assert len({one.object_id for one in (*patient.names, *patient.addresses)}) == 6
    found = records(patient)
    current = queries.retrieve(Retrieve(NUMBER), found).patient
    assert [name.family for name in current.names] == ["CARTER"]
    assert [address.lines for address in current.addresses] == [("1 MILL LANE",), ("A",)]
    assert queries.retrieve(Retrieve(NUMBER, history=True), found).patient == patient


@pytest.mark.parametrize(("end", "stands"), [("2014", True), ("201408", True), ("2013", False)])
def test_an_end_known_in_part_is_past_when_all_of_it_is(end: str, stands: bool) -> None:  # noqa: FBT001
    patient = replace(PATIENT, addresses=(Address(lines=("A",), period=Period("2000", end)),))
    shown = queries.retrieve(Retrieve(NUMBER), records(patient)).patient
    assert bool(shown.addresses) is stands


def test_check_digits_are_those_of_the_data_dictionary() -> None:
    assert check_digit("943476591") == "9"
    assert check_digit("987654432") is not None
    assert is_nhs_number("9434765919")
    assert not is_nhs_number("9434765918")


def test_the_synthetic_population_is_repeatable_valid_and_varied() -> None:
    people = tuple(patients.population(2000, 7))
    assert people == tuple(patients.population(2000, 7))
    assert all(is_nhs_number(one.nhs_number) for one in people)
    assert all(one.nhs_number.startswith("999") for one in people)
    assert len({one.nhs_number for one in people}) == 2000
    assert {one.status for one in people} == set(RecordStatus)
    assert any(one.sensitivity for one in people)
    assert any(one.death for one in people)
    assert any(one.replaced for one in people)


def _traced(people: Iterable[Patient]) -> set[str]:
    return {key for one in people for key in trace_keys(one)}


def test_every_family_name_is_a_key_and_a_dead_number_is_none() -> None:
    assert _traced([PATIENT]) == {"19500203|CARTER|2", "19500203|FIELD|2"}
    assert _traced([Patient(OTHER, status=RecordStatus.INVALID)]) == set()
