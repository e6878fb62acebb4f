"""Records merged, split and restricted by hand, and the history of each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Any

import pytest
from msgspec.structs import replace
from serving import SAMPLE_ASID, SAMPLE_PARTY, core_on
from updating import ASID, NUMBER, OTHER, PATIENT, PHONE, TODAY, World, world

from core.demographics.back_office import History, Merge, Restrict, ShowHistory, Split
from core.demographics.claiming import Claims, read_change
from core.demographics.queries import (
    MAX_SUPERSESSIONS,
    Confirm,
    CrossCheck,
    Identify,
    Retrieve,
    Trace,
    confirm,
    cross_check,
    identify,
    retrieve,
    trace,
)
from core.demographics.records import Demographics, Policy
from core.demographics.updates import Changing
from core.errors import (
    ChangeRefused,
    NotAllowed,
    NotFound,
    NumberInvalidated,
    NumberSuperseded,
    StoreError,
)
from core.store.memory import MemoryStore
from core.store.port import Put, Record, Write
from core.values.changes import ItemChange, Mode, Objection
from core.values.demographics import (
    LocalIdentifier,
    Name,
    Patient,
    Period,
    RecordStatus,
    ReplacedNumber,
    Sensitivity,
)
from core.values.identity import Asid, Caller, NhsNumber, PartyKey, operator_named
from legacy_contracts import registry
from operations.patients import numbers

LOSER = replace(
    PATIENT, nhs_number=OTHER, serial_change_number=3, names=(Name(family="FIELD", object_id="n1"),)
)
THIRD = NhsNumber("9990000034")
MERGE = Merge(OTHER, NUMBER, "m1", "jo")


def records(made: World) -> Demographics:
    return Demographics(made.store, TODAY, Policy())


def history(made: World, number: NhsNumber, limit: int = 100) -> History:
    shown = made.by_hand(ShowHistory(number, limit))
    assert isinstance(shown, History)
    return shown


def test_a_merged_number_leads_to_the_survivor_in_every_query() -> None:
    made = world(PATIENT, LOSER)
    made.by_hand(MERGE)
    found = retrieve(Retrieve(OTHER), records(made))
    assert (found.patient.nhs_number, found.superseded) == (NUMBER, OTHER)
    assert found.patient.replaced == (ReplacedNumber(OTHER, Period(TODAY)),)
    assert confirm(Confirm(OTHER), records(made)).patient.nhs_number == NUMBER
    with pytest.raises(NumberSuperseded):
        cross_check(CrossCheck(OTHER, "19500203"), records(made))
    with pytest.raises(NotFound):
        trace(Trace(gender="2", birth_date="19500203", family="FIELD"), records(made))
    assert (made.read(NUMBER).serial_change_number, made.read(OTHER).serial_change_number) == (8, 4)


def test_an_update_never_follows_a_merge() -> None:
    made = world(PATIENT, LOSER)
    made.by_hand(MERGE)
    with pytest.raises(NumberSuperseded):
        made.update(ItemChange(Mode.REMOVED, PHONE), number=OTHER, scn=4, message="m2")


def test_a_merge_that_is_done_is_done_once() -> None:
    made = world(PATIENT, LOSER)
    first = made.by_hand(MERGE)
    assert made.by_hand(replace(MERGE, message_id="m2")) == first


def test_a_split_puts_both_records_back() -> None:
    made = world(PATIENT, LOSER)
    made.by_hand(MERGE)
    made.by_hand(Split(OTHER, "m2", "jo"))
    assert made.read(NUMBER) == replace(PATIENT, serial_change_number=9)
    assert made.read(OTHER) == replace(LOSER, serial_change_number=5)
    found = trace(Trace(gender="2", birth_date="19500203", family="FIELD"), records(made))
    assert found.patient.nhs_number == OTHER


def test_numbers_that_the_loser_had_replaced_come_and_go_with_it() -> None:
    oldest = replace(LOSER, nhs_number=THIRD)
    made = world(PATIENT, LOSER, oldest)
    made.by_hand(Merge(THIRD, OTHER, "m0", "jo"))
    made.by_hand(MERGE)
    assert {one.nhs_number for one in made.read(NUMBER).replaced} == {OTHER, THIRD}
    assert retrieve(Retrieve(THIRD), records(made)).patient.nhs_number == NUMBER
    made.by_hand(Split(THIRD, "m2", "jo"))
    assert {one.nhs_number for one in made.read(NUMBER).replaced} == {OTHER}
    assert made.read(OTHER).replaced == ()
    assert retrieve(Retrieve(THIRD), records(made)).patient.nhs_number == THIRD


def test_what_organisations_call_the_loser_comes_and_goes_with_it() -> None:
    theirs = LocalIdentifier("T99999", "2.16.840.1.113883.19.5", "H1")
    own = replace(theirs, value="H2")
    made = world(
        replace(PATIENT, local_identifiers=(own,)), replace(LOSER, local_identifiers=(theirs,))
    )
    made.by_hand(MERGE)
    assert retrieve(Retrieve(NUMBER), records(made)).patient.local_identifiers == (own, theirs)
    found = identify(Identify(theirs, PATIENT.birth_time or ""), records(made))
    assert found.patient.nhs_number == NUMBER
    made.by_hand(Split(OTHER, "m2", "jo"))
    assert retrieve(Retrieve(NUMBER), records(made)).patient.local_identifiers == (own,)


def test_a_chain_of_merges_is_followed_to_its_end_and_grows_no_longer_than_it_is_followed() -> None:
    chain = [NhsNumber(one) for one in islice(numbers(), MAX_SUPERSESSIONS + 3)]
    made = world(*(replace(PATIENT, nhs_number=one, replaced=()) for one in chain))
    merges = [
        Merge(loser, survivor, f"m{place}", "jo")
        for place, (loser, survivor) in enumerate(pairwise(chain))
    ]
    last = MAX_SUPERSESSIONS - 1
    for one in merges[:last]:
        made.by_hand(one)
    with pytest.raises(ChangeRefused) as refused:
        made.by_hand(merges[last])
    assert refused.value.reason is Objection.TOO_MANY_LEAD_TO_IT
    for number in chain[: last + 1]:
        assert retrieve(Retrieve(number), records(made)).patient.nhs_number == chain[last]


def test_a_restriction_outlives_a_merge() -> None:
    made = world(PATIENT, replace(LOSER, sensitivity=Sensitivity.STOP_NOTED))
    made.by_hand(MERGE)
    assert made.read(NUMBER).sensitivity is Sensitivity.STOP_NOTED


@pytest.mark.parametrize(
    ("people", "merge", "refusal"),
    [
        ((PATIENT,), MERGE, NotFound),
        ((PATIENT, replace(LOSER, status=RecordStatus.INVALID)), MERGE, NumberInvalidated),
        ((PATIENT, replace(LOSER, superseded_by=THIRD)), MERGE, NumberSuperseded),
        ((replace(PATIENT, superseded_by=OTHER), LOSER), MERGE, NumberSuperseded),
        ((PATIENT,), replace(MERGE, loser=NUMBER), ChangeRefused),
    ],
)
def test_what_cannot_be_merged_is_refused(
    people: Iterable[Patient], merge: Merge, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        world(*people).by_hand(merge)


def test_a_number_that_was_not_replaced_is_not_split() -> None:
    with pytest.raises(ChangeRefused) as refused:
        world(PATIENT).by_hand(Split(NUMBER, "m1", "jo"))
    assert refused.value.reason is Objection.NOT_REPLACED


def test_a_restricted_record_is_withheld_until_that_is_lifted() -> None:
    made = world(PATIENT)
    made.by_hand(Restrict(NUMBER, Sensitivity.SENSITIVE, "m1", "jo"))
    assert retrieve(Retrieve(NUMBER), records(made)).limited
    made.by_hand(Restrict(NUMBER, None, "m2", "jo"))
    assert retrieve(Retrieve(NUMBER), records(made)).patient == replace(
        PATIENT, serial_change_number=9
    )


def test_history_tells_who_changed_what_back_to_what_was_loaded() -> None:
    made = world(PATIENT, LOSER)
    made.update(ItemChange(Mode.REMOVED, PHONE))
    made.by_hand(replace(MERGE, message_id="m2"))
    shown = history(made, NUMBER)
    assert [(one.serial_change_number, one.by, one.command) for one in shown.changes] == [
        (9, "jo", "Merge"),
        (8, ASID, "UpdateRecord"),
    ]
    assert shown.changes[1].noted[0]["item"]["object_id"] == "t1"
    assert [one.patient.serial_change_number for one in shown.changes] == [9, 8]
    assert shown.loaded is not None
    assert (shown.loaded.patient, shown.loaded.by) == (PATIENT, "test")
    assert [one.serial_change_number for one in history(made, NUMBER, 1).changes] == [9]


class _Cluster(MemoryStore):
    """A store that does writes one after the other, and dies after some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 1_000

    def apply(self, writes: Iterable[Write], *_note: object) -> list[Record[Any, Any]]:
        records = []
        for one in writes:
            if self.left == 0:
                raise StoreError("the writer died")
            self.left -= 1
            if isinstance(one, Put):
                self.write_once(one.documents, one.document)
            else:
                records.append(self.update(one.bucket, one.key, one.change))
        return records


@pytest.mark.parametrize("left", range(7))
@pytest.mark.parametrize("undone", [False, True], ids=["merge", "split"])
def test_what_was_cut_short_on_a_cluster_is_finished_when_it_is_given_again(
    left: int,
    undone: bool,  # noqa: FBT001
) -> None:
    store = _Cluster()
    made = world(PATIENT, LOSER, store=store)
    if undone:
        made.by_hand(MERGE)
    command = Split(OTHER, "m2", "jo") if undone else MERGE
    store.left = left
    try:
        made.by_hand(command)
    except StoreError:
        store.left = 1_000
        made.by_hand(replace(command, message_id="m3"))
    store.left = 1_000
    merged = not undone
    assert (made.read(OTHER).superseded_by == NUMBER) is merged
    assert bool(made.read(NUMBER).replaced) is merged
    for number, scn in ((NUMBER, 8), (OTHER, 4)):
        assert made.read(number).serial_change_number == scn + undone
        assert read_change(store, number, scn) is not None


def test_who_makes_a_change_is_who_has_it_noted() -> None:
    made = world(PATIENT)
    applied: list[int] = []

    def apply(writes: Iterable[Write]) -> None:
        writes = list(writes)
        applied.append(len(writes))
        made.store.apply(writes)

    noted = Changing(
        Claims(made.store, apply), made.changing.now, made.changing.policy, made.changing.knows
    )
    World(made.store, noted).update(ItemChange(Mode.REMOVED, PHONE))
    assert applied == [2], "the claim and the record, and no index, in one"


@pytest.mark.parametrize(
    "command",
    [MERGE, Split(OTHER, "m1", "jo"), ShowHistory(NUMBER, 1)],
    ids=lambda one: type(one).__name__,
)
def test_a_system_does_not_do_what_operators_do(command: Merge | Split | ShowHistory) -> None:
    made = world(PATIENT, LOSER)
    core = core_on(made.store)
    activity = registry.INTERACTIONS[0].interaction_id
    caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), activity, "m1")
    with pytest.raises(NotAllowed):
        core.perform(command, by=caller)
    assert made.read(OTHER) == LOSER
    core.perform(MERGE, by=operator_named("jo", "m1"))
    assert made.read(OTHER).superseded_by == NUMBER
