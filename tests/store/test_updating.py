"""Who wins an update, on each home (docs/decisions/0018-who-wins-an-update.md)."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from serving import SAMPLE_ASID, SAMPLE_PARTY, core_on
from updating import PATIENT, World, somebody, world

from core.audit import accesses_to, prove
from core.demographics.claiming import ATTEMPTS, Claims, claiming, read_change
from core.demographics.records import PATIENTS
from core.demographics.updates import UpdateRecord
from core.errors import SerialChangeNumberStale, StoreError
from core.store.port import Store
from core.values.changes import ChangeList, ItemChange, Kind, Mode, Single, SingleChange
from core.values.demographics import Name, Patient, RelatedPerson
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import registry

WRITERS, EACH = 16, 6


def briefly(attempt: int) -> None:
    """Wait as between attempts, but not for long."""
    time.sleep(0.004 * 2**attempt * random.random())  # noqa: S311 - no secret


def made_in(store: Store, patient: Patient) -> World:
    """Give the world of a store with somebody in it, where nobody waits for long."""
    made = world(patient, store=store)
    return replace(
        made, changing=replace(made.changing, claims=replace(made.changing.claims, pause=briefly))
    )


def kin(name: str) -> ItemChange:
    """Give a change that leaves its mark: a related person of that name."""
    return ItemChange(Mode.ADDED, RelatedPerson("16", name=Name(family=name)))


def write_on(made: World, patient: Patient, writer: int) -> list[str]:
    """Change the record again and again, each time as it stood; give the marks that were made."""
    marks = []
    for turn in range(EACH):
        mark = f"W{writer}T{turn}"
        scn = made.read(patient.nhs_number).serial_change_number
        while True:
            try:
                made.update(kin(mark), scn=scn, message=mark, number=patient.nhs_number)
                marks.append(mark)
            except SerialChangeNumberStale:
                pass
            except StoreError:
                continue  # Nothing was decided: the same message again.
            break
    return marks


def test_of_many_who_update_one_patient_as_many_succeed_as_numbers_are_gained(
    store: Store,
) -> None:
    patient = somebody()
    made = made_in(store, patient)
    with ThreadPoolExecutor(WRITERS) as threads:
        given = list(threads.map(lambda one: write_on(made, patient, one), range(WRITERS)))
    marks = [mark for some in given for mark in some]
    after = made.read(patient.nhs_number)
    assert marks, "somebody wins"
    assert after.serial_change_number - patient.serial_change_number == len(marks)
    known = [one.name.family for one in after.related_persons if one.name]
    assert sorted(known[len(patient.related_persons) :]) == sorted(marks), "nothing is lost"
    told = [
        read_change(store, patient.nhs_number, number)
        for number in range(patient.serial_change_number + 1, after.serial_change_number + 1)
    ]
    assert sorted(one.message_id for one in told if one) == sorted(marks), "each has its number"


def test_of_two_updates_from_one_number_one_is_made_and_the_other_refused(store: Store) -> None:
    patient = somebody()
    made = world(patient, store=store)
    made = replace(made, changing=replace(made.changing, claims=Claims(store, store.apply)))

    def act(mark: str) -> str | None:
        while True:
            try:
                made.update(kin(mark), message=mark, number=patient.nhs_number)
            except SerialChangeNumberStale:
                return None
            except StoreError:
                continue
            return mark

    with ThreadPoolExecutor(2) as threads:
        winners = [one for one in threads.map(act, ("A", "B")) if one]
    assert len(winners) == 1
    after = made.read(patient.nhs_number)
    assert after.serial_change_number == 8
    assert after.related_persons[-1].name == Name(family=winners[0])


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_writer_that_dies_anywhere_loses_nothing(store: Store, done: int) -> None:
    patient = somebody()
    elsewhere = world(patient)
    renamed = ItemChange(Mode.ALTERED, replace(PATIENT.names[0], family="FIELD"))
    expected = elsewhere.update(renamed, number=patient.nhs_number)
    change = read_change(elsewhere.store, patient.nhs_number, 8)
    assert change is not None
    writes = claiming(change, patient)
    assert len(writes) == 3, "the claim, an index, the record"
    made = made_in(store, patient)
    store.apply(writes[:done])

    with pytest.raises(SerialChangeNumberStale):
        made.update(
            SingleChange(Mode.ALTERED, Single.GENDER, "1"), message="m2", number=patient.nhs_number
        )
    assert made.read(patient.nhs_number) == expected
    assert made.update(renamed, number=patient.nhs_number) == expected, "its message, again"
    after = made.update(
        SingleChange(Mode.ALTERED, Single.GENDER, "1"),
        scn=8,
        message="m3",
        number=patient.nhs_number,
    )
    assert after == replace(
        expected, gender="1", serial_change_number=9, recorded_at=after.recorded_at
    )


def test_one_message_that_two_workers_do_at_once_is_done_once(store: Store) -> None:
    patient = somebody()
    made = made_in(store, patient)

    def act(_worker: int) -> Patient:
        while True:
            try:
                return made.update(kin("ONCE"), number=patient.nhs_number)
            except StoreError:
                continue

    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(act, range(4)))
    assert len(set(given)) == 1
    assert made.read(patient.nhs_number).serial_change_number == 8


def test_a_record_under_many_changes_keeps_one_fact(store: Store) -> None:
    patient = somebody()
    made = made_in(store, patient)
    for scn in range(7, 7 + ATTEMPTS):
        gender = SingleChange(Mode.ALTERED, Single.GENDER, "1")
        made.update(gender, scn=scn, message=f"m{scn}", number=patient.nhs_number)
    record = store.record(PATIENTS, patient.nhs_number)
    assert record is not None
    assert len(record.facts) == 1


def test_the_audit_tells_of_as_many_updates_as_numbers_were_gained(exclusive: Store) -> None:
    patient = somebody()
    made = world(patient, store=exclusive)
    core = core_on(exclusive)
    activity = registry.INTERACTIONS[0].interaction_id
    outcomes = []

    def act(writer: int) -> None:
        caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), activity, f"m{writer}")
        for turn in range(EACH):
            scn = made.read(patient.nhs_number).serial_change_number
            asked = ChangeList(patient.nhs_number, scn, Kind.CHANGE, (kin(f"W{writer}T{turn}"),))
            try:
                core.perform(UpdateRecord(asked, f"W{writer}T{turn}", SAMPLE_ASID), by=caller)
            except SerialChangeNumberStale:
                outcomes.append("SerialChangeNumberStale")
            else:
                outcomes.append("done")

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(act, range(WRITERS)))
    told = [entry.outcome for _, _, entry in accesses_to(exclusive, patient.nhs_number)]
    assert sorted(told) == sorted(outcomes)
    gained = made.read(patient.nhs_number).serial_change_number - patient.serial_change_number
    assert gained == outcomes.count("done")
    assert prove(exclusive).breaks == []
