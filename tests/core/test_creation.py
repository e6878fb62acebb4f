"""New records: numbers that no two messages are given, and births that are not made twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import allocating
import pytest
from msgspec import Struct
from msgspec.structs import replace

from core.demographics import numbers
from core.demographics.births import BIRTHS, birth_key, same_births
from core.demographics.claiming import Claims, read_change
from core.demographics.creation import (
    NOT_YET,
    AllocateNumber,
    Created,
    CreateRecord,
    Creating,
    PossibleDuplicates,
    allocate,
    create,
)
from core.demographics.numbers import RANGES, SYNTHETIC, Numbers, Pool, Span, pool_of
from core.demographics.records import PATIENTS, TRACES, Policy, trace_keys, writes
from core.demographics.updates import Changing
from core.errors import ChangeRefused, NumbersExhausted, StoreError
from core.store.memory import MemoryStore
from core.store.port import Put, Store, Write
from core.values.demographics import (
    Address,
    Birth,
    Death,
    Mother,
    Name,
    Patient,
    Period,
    RecordStatus,
    Sensitivity,
)
from core.values.identity import is_nhs_number

NOW = datetime(2014, 2, 20, 9, 30, tzinfo=UTC)
SOMEBODY = Patient(
    nhs_number=NOT_YET,
    gender="2",
    birth_time="201402191530",
    names=(Name(family="FRESH", given=("Nova",)),),
    addresses=(Address(lines=("", "1 Test Street", "", "Testton", ""), postcode="ZZ99 3VZ"),),
)
CHILD = replace(SOMEBODY, birth_order=1, birth=Birth(Mother("9990000018"), weight="3400"))


def creating(store: Store, pool: Pool = SYNTHETIC, *, writer: str = "w") -> Creating:
    """Give what a process of this name makes records with."""
    ids = itertools.count()
    claims = Claims(store, store.apply, lambda _attempt: None)
    changing = Changing(claims, NOW, Policy(), lambda _code: True)
    numbered = Numbers(pool, writer=writer)
    return Creating(lambda: f"{writer}-{next(ids)}", numbered, changing, store.apply)


def asked(message: str) -> AllocateNumber:
    return AllocateNumber(message, "990000000001", SOMEBODY)


def born(message: str, child: Patient = CHILD, *, ignoring: bool = False) -> CreateRecord:
    return CreateRecord(message, "990000000001", child, ignoring)


def test_a_new_record_has_a_number_a_serial_change_number_object_ids_and_who_wrote_it() -> None:
    store = MemoryStore()
    made = allocate(asked("m1"), creating(store)).patient
    assert is_nhs_number(made.nhs_number)
    assert made.nhs_number.startswith("999")
    assert made.serial_change_number == 1
    assert made.recorded_at == "20140220093000"
    items = (*made.names, *made.addresses)
    assert len({item.object_id for item in items} - {None}) == len(items)
    assert {item.provenance.system for item in items if item.provenance} == {"990000000001"}
    assert store.read(PATIENTS, made.nhs_number) == made
    told = read_change(store, made.nhs_number, 1)
    assert told is not None
    assert (told.patient, told.command, told.message_id) == (made, "AllocateNumber", "m1")
    found = [store.read(TRACES, key) for key in trace_keys(made)]
    assert [one.nhs_numbers for one in found if one] == [(made.nhs_number,)]


def test_a_message_that_is_done_again_is_given_the_same_number_by_whatever_process() -> None:
    store = MemoryStore()
    first = allocate(asked("m1"), creating(store, writer="w1"))
    assert allocate(asked("m1"), creating(store, writer="w2")) == first
    assert allocate(asked("m2"), creating(store, writer="w2")) != first
    assert len(list(store.keys(PATIENTS))) == 2


def test_a_message_that_is_done_again_gives_back_the_first_record_after_it_was_changed() -> None:
    store = MemoryStore()
    made = allocate(asked("m1"), creating(store)).patient
    changed = replace(made, serial_change_number=2, gender="1")
    store.update(PATIENTS, made.nhs_number, writes(changed, message_id="m9", at="", by=""))
    assert allocate(asked("m1"), creating(store)).patient == made
    assert store.read(PATIENTS, made.nhs_number) == changed


def test_numbers_that_stand_in_the_store_are_never_given() -> None:
    store = MemoryStore()
    every = list(numbers._numbers(Span(999_000_000, 999_000_099)))
    loaded = every[::2]
    for number in loaded:
        store.update(
            PATIENTS, number, writes(Patient(nhs_number=number), message_id="l", at="", by="")
        )
    process = creating(store)
    given = [allocate(asked(f"m{n}"), process).patient.nhs_number for n in range(30)]
    assert given == [number for number in every if number not in loaded][:30]


def test_a_pool_without_numbers_says_what_to_do_and_takes_nothing_from_who_has_one() -> None:
    store = MemoryStore()
    process = creating(store, (Span(999_000_000, 999_000_009),))
    first = allocate(asked("m0"), process)
    for n in range(1, len(list(numbers._numbers(Span(999_000_000, 999_000_009))))):
        allocate(asked(f"m{n}"), process)
    with pytest.raises(NumbersExhausted, match=r"add a span to demographics\.number_pool"):
        allocate(asked("one too many"), process)
    assert allocate(asked("m0"), process) == first


def test_the_next_span_of_a_pool_is_used_when_the_first_has_no_range_left() -> None:
    store = MemoryStore()
    pool = pool_of("999000000-999000004, 999500000-999500004")
    process = creating(store, pool)
    given = [allocate(asked(f"m{n}"), process).patient.nhs_number for n in range(7)]
    assert {number[:6] for number in given} == {"999000", "999500"}


def test_two_processes_have_no_range_in_common_and_a_later_one_takes_none_up_again() -> None:
    store = MemoryStore()
    one, other = creating(store, writer="w1"), creating(store, writer="w2")
    given = [
        allocate(asked(f"{process.numbers!r}{n}"), process).patient.nhs_number
        for n in range(40)
        for process in (one, other)
    ]
    assert len(set(given)) == 80
    assert {number[:6] for number in given} == {"999000", "999001"}
    after = creating(store, writer="w1")
    assert allocate(asked("after"), after).patient.nhs_number[:6] == "999002"


def test_a_range_is_found_without_its_cursor_too() -> None:
    store = MemoryStore()
    for n in range(3):
        allocate(asked(f"m{n}"), creating(store, writer=f"w{n}"))
    bare = MemoryStore()
    bare._documents = dict(store._documents)
    made = allocate(asked("m9"), creating(bare, writer="w9"))
    assert made.patient.nhs_number[:6] == "999003"


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("", "write the first nine digits"),
        ("999", "write the first nine digits"),
        ("9990000000-9999999999", "write the first nine digits"),
        ("999000000-99999999x", "write the first nine digits"),
        ("999999999-999000000", "write the lower number first"),
        ("999000000-999500000,999500000-999999999", "give each number once"),
    ],
)
def test_a_pool_that_is_none_is_refused_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        pool_of(text)


class Died(BaseException):
    """The process is gone."""


class OneByOne(Struct):
    """A store whose `apply` writes one after the other, as a cluster's, until it dies."""

    store: MemoryStore
    dies_at: int
    calls: int = 0

    def apply(self, given: Iterable[Write]) -> None:
        """Do writes in their order, each a call of its own."""
        for one in given:
            if isinstance(one, Put):
                self.write_once(one.documents, one.document)
            else:
                self.update(one.bucket, one.key, one.change)

    def __getattr__(self, name: str) -> Callable[..., object]:
        act = getattr(self.store, name)

        def call(*told: object) -> object:
            self._live()
            gave: object = act(*told)
            self._live()
            return gave

        return call

    def _live(self) -> None:
        if self.calls == self.dies_at:
            raise Died
        self.calls += 1


class Crash(Struct, frozen=True):
    """A command that is done until a process dies, and again by another."""

    act: Callable[[Creating], Any]

    def at(self, dies_at: int) -> tuple[MemoryStore, Any] | None:
        """Give the store and the answer after a death at a point; None past the last point."""
        store = MemoryStore()
        dying: Any = OneByOne(store, dies_at)
        try:
            self.act(creating(dying, writer="w1"))
        except Died:
            living: Any = OneByOne(store, -1)
            return store, self.act(creating(living, writer="w2"))
        return None


@pytest.mark.parametrize(
    "act",
    [
        lambda process: allocate(asked("m1"), process),
        lambda process: create(born("m1"), process),
        lambda process: create(born("m1", ignoring=True), process),
    ],
    ids=["allocation", "birth", "birth-ignoring"],
)
def test_wherever_a_process_dies_the_message_has_one_number_and_one_whole_record(
    act: Callable[[Creating], Any],
) -> None:
    points = 0
    while (left := Crash(act).at(points)) is not None:
        store, made = left
        points += 1
        assert isinstance(made, Created)
        assert list(store.keys(PATIENTS)) == [made.patient.nhs_number]
        for key in trace_keys(made.patient):
            found = store.read(TRACES, key)
            assert found is not None
            assert found.nhs_numbers == (made.patient.nhs_number,)
        assert act(creating(store, writer="w3")) == made
        assert len(list(store.keys(RANGES))) <= 2
    assert points > 16, "a death before and after each of eight calls, at least"


def test_a_birth_with_the_same_mother_day_and_order_is_a_possible_duplicate() -> None:
    store = MemoryStore()
    process = creating(store)
    first = create(born("m1"), process)
    assert isinstance(first, Created)
    again = create(born("m2"), process)
    assert again == PossibleDuplicates((first.patient,))
    assert list(store.keys(PATIENTS)) == [first.patient.nhs_number]
    assert create(born("m1"), process) == first, "the message that made it is given it again"


@pytest.mark.parametrize(
    "other",
    [
        replace(CHILD, birth_order=2),
        replace(CHILD, birth_time="201402181530"),
        replace(CHILD, birth=Birth(Mother("9990000026"))),
    ],
    ids=["the next of twins", "another day", "another mother"],
)
def test_a_birth_that_differs_in_one_of_the_three_is_another_child(other: Patient) -> None:
    process = creating(MemoryStore())
    create(born("m1"), process)
    assert isinstance(create(born("m2", other), process), Created)


def test_a_possible_duplicate_is_made_where_the_sender_says_so_and_then_both_are_told() -> None:
    store = MemoryStore()
    process = creating(store)
    first, second = create(born("m1"), process), create(born("m2", ignoring=True), process)
    assert isinstance(first, Created)
    assert isinstance(second, Created)
    third = create(born("m3"), process)
    assert isinstance(third, PossibleDuplicates)
    assert {one.nhs_number for one in third.candidates} == {
        first.patient.nhs_number,
        second.patient.nhs_number,
    }


def test_of_a_restricted_record_a_possible_duplicate_shows_nothing_that_leads_to_the_child() -> (
    None
):
    store = MemoryStore()
    process = creating(store)
    first = create(born("m1"), process)
    assert isinstance(first, Created)
    hidden = replace(first.patient, serial_change_number=2, sensitivity=Sensitivity.SENSITIVE)
    store.update(PATIENTS, hidden.nhs_number, writes(hidden, message_id="m8", at="", by=""))
    told = create(born("m2"), process)
    assert isinstance(told, PossibleDuplicates)
    (one,) = told.candidates
    assert (one.addresses, one.telecoms, one.birthplace, one.care_provisions) == ((), (), None, ())
    assert one.birth == Birth(Mother("9990000018"))
    assert one.nhs_number == hidden.nhs_number


def test_a_possible_duplicate_is_told_as_it_stands_today_without_what_was_closed() -> None:
    store = MemoryStore()
    process = creating(store)
    first = create(born("m1"), process)
    assert isinstance(first, Created)
    (home,) = first.patient.addresses
    old = replace(home, period=Period("20140219", "20140219"))
    moved = replace(home, lines=("2 Test Street",), object_id="new")
    patient = replace(first.patient, serial_change_number=2, addresses=(old, moved))
    store.update(PATIENTS, patient.nhs_number, writes(patient, message_id="m8", at="", by=""))
    told = create(born("m2"), process)
    assert isinstance(told, PossibleDuplicates)
    assert told.candidates == (replace(patient, addresses=(moved,)),)


def test_a_record_that_is_no_longer_in_use_is_no_duplicate() -> None:
    store = MemoryStore()
    process = creating(store)
    first = create(born("m1"), process)
    assert isinstance(first, Created)
    gone = replace(first.patient, serial_change_number=2, status=RecordStatus.INVALID)
    store.update(PATIENTS, gone.nhs_number, writes(gone, message_id="m8", at="", by=""))
    assert isinstance(create(born("m2"), process), Created)


def test_a_birth_whose_maker_died_is_finished_by_the_next_who_asks_and_told_as_a_duplicate() -> (
    None
):
    """Die after the claim of the birth, before the record: nobody comes back with the message."""
    for dies_at in itertools.count():
        store = MemoryStore()
        dying: Any = OneByOne(store, dies_at)
        try:
            create(born("m1"), creating(dying, writer="w1"))
        except Died:
            told = create(born("m2"), creating(store, writer="w2"))
            standing = list(store.keys(PATIENTS))
            assert len(standing) == 1
            if isinstance(told, PossibleDuplicates):
                assert [one.nhs_number for one in told.candidates] == standing
            else:
                assert told.patient.nhs_number == standing[0]
            continue
        break


def test_the_index_of_births_leads_to_no_record_that_does_not_agree() -> None:
    store = MemoryStore()
    made = create(born("m1"), creating(store))
    assert isinstance(made, Created)
    key = birth_key(made.patient)
    assert key == "9990000018|20140219|1"
    corrected = replace(made.patient, serial_change_number=2, birth_time="201402181530")
    store.update(PATIENTS, corrected.nhs_number, writes(corrected, message_id="m8", at="", by=""))
    assert store.read(BIRTHS, key) is not None
    assert same_births(store, key) == ()


def test_the_search_stops_in_good_time_and_goes_on_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(numbers, "MAX_TAKEN", 5)
    for number in itertools.islice(numbers._numbers(Span(999_000_000, 999_000_999)), 12):
        store.update(
            PATIENTS, number, writes(Patient(nhs_number=number), message_id="l", at="", by="")
        )
    process = creating(store)
    for _ in range(2):
        with pytest.raises(StoreError, match="stand in the store already"):
            allocate(asked("m1"), process)
    assert is_nhs_number(allocate(asked("m1"), process).patient.nhs_number)


def test_of_ten_thousand_numbers_that_killed_writers_gave_none_is_given_twice(
    tmp_path: Path,
) -> None:
    verdict = allocating.run(tmp_path, 10_000, every=1_000)
    assert verdict.good, verdict
    assert verdict.allocated == 10_000
    assert verdict.kills >= 5, "a run without deaths shows nothing"
    assert verdict.power_cuts == 1
    assert verdict.abandoned >= verdict.kills // 2


@pytest.mark.parametrize(
    "record",
    [
        replace(SOMEBODY, birth_time="20140221"),
        replace(SOMEBODY, death=Death("20140218", "1")),
        replace(SOMEBODY, names=SOMEBODY.names * 2),
        replace(SOMEBODY, addresses=SOMEBODY.addresses * 2),
    ],
    ids=["born tomorrow", "dead before birth", "two usual names", "two homes"],
)
def test_a_record_that_no_update_could_make_is_not_made_and_takes_no_number(
    record: Patient,
) -> None:
    store = MemoryStore()
    with pytest.raises(ChangeRefused):
        allocate(AllocateNumber("m1", "990000000001", record), creating(store))
    assert list(store.keys(RANGES)) == []
    assert list(store.keys(PATIENTS)) == []
