"""Who delivers what: every part has one worker at a time, and none for long without one."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import NOW

from core.messaging.keeping import iso
from core.messaging.records import SHARDS
from core.messaging.sharing import KEY, SHARING, Division, Said, Shift
from core.store import facts
from core.store.memory import MemoryStore
from core.store.port import Record

IDLE = frozenset(range(SHARDS))
"""Nothing is in hand, and nothing is taken from what must be let go."""

NOTHING: frozenset[int] = frozenset()
LEASE = 15.0


def test_one_worker_has_everything_once_a_second_look_shows_it() -> None:
    store, shift = MemoryStore(), Shift("a", LEASE)
    assert shift.renew(store, NOW, IDLE) == NOTHING
    assert len(shift.renew(store, NOW + timedelta(seconds=1), IDLE)) == SHARDS


def test_a_second_worker_gets_its_share_and_no_part_has_two() -> None:
    store, one, two = MemoryStore(), Shift("a", LEASE), Shift("b", LEASE)
    owned: dict[str, frozenset[int]] = {}
    for second in range(6):
        for shift in (one, two):
            owned[shift.worker] = shift.renew(store, NOW + timedelta(seconds=second), IDLE)
            assert not owned.get("a", NOTHING) & owned.get("b", NOTHING)
    assert {len(parts) for parts in owned.values()} == {SHARDS // 2}


def test_a_part_in_hand_is_let_go_once_it_is_not() -> None:
    store, one, two = MemoryStore(), Shift("a", LEASE), Shift("b", LEASE)
    one.renew(store, NOW, IDLE)
    one.renew(store, NOW, IDLE)
    two.renew(store, NOW, IDLE)
    # It takes nothing new in the parts that it should let go, and keeps them while it is busy.
    assert len(one.renew(store, NOW, NOTHING)) == SHARDS // 2
    assert two.renew(store, NOW, IDLE) == NOTHING
    one.renew(store, NOW, IDLE)
    two.renew(store, NOW, IDLE)
    assert len(two.renew(store, NOW, IDLE)) == SHARDS // 2


def test_a_dead_workers_parts_are_free_when_its_time_is_over() -> None:
    store, one, two = MemoryStore(), Shift("a", LEASE), Shift("b", LEASE)
    one.renew(store, NOW, IDLE)
    almost = NOW + timedelta(seconds=LEASE - 1)
    for _ in range(2):
        assert two.renew(store, almost, IDLE) == NOTHING
    over = NOW + timedelta(seconds=LEASE)
    two.renew(store, over, IDLE)
    assert len(two.renew(store, over, IDLE)) == SHARDS


def test_a_worker_that_ends_lets_go_at_once() -> None:
    store, one, two = MemoryStore(), Shift("a", LEASE), Shift("b", LEASE)
    one.renew(store, NOW, IDLE)
    one.end(store, NOW)
    two.renew(store, NOW, IDLE)
    assert len(two.renew(store, NOW, IDLE)) == SHARDS


def test_one_that_comes_back_under_its_name_goes_on_at_once() -> None:
    store = MemoryStore()
    Shift("a", LEASE).renew(store, NOW, IDLE)
    assert len(Shift("a", LEASE).renew(store, NOW, IDLE)) == SHARDS


def test_the_record_does_not_grow() -> None:
    store, shift = MemoryStore(), Shift("a", LEASE)
    for second in range(200):
        shift.renew(store, NOW + timedelta(seconds=second), IDLE)
    record = store.record(SHARING, KEY)
    assert record is not None
    assert len(record.facts) == SHARDS + 1


SAID = st.builds(
    Said,
    worker=st.sampled_from(["", "a", "b"]),
    number=st.integers(1, 3),
    part=st.sampled_from([None, 0, 1]),
    until=st.just(iso(NOW)),
)


@given(st.lists(st.lists(SAID, max_size=6), min_size=1, max_size=4), st.randoms())
def test_copies_that_grew_apart_amount_to_one(
    copies: list[list[Said]], chance: random.Random
) -> None:
    def record(said: list[Said]) -> Record[Division, Said]:
        found = {f"{one.part}/{one.number}/{one.worker}": one for one in said}
        return facts.folded(SHARING, found)

    records = [record(one) for one in copies if one]
    if not records:
        return
    whole = record([said for one in copies for said in one])
    chance.shuffle(records)
    assert facts.merge(SHARING, records) == whole


@pytest.mark.parametrize("seed", range(20))
def test_no_part_ever_has_two_that_may_take_from_it(seed: int) -> None:
    chance, store = random.Random(seed), MemoryStore()  # noqa: S311 - a seed, not a secret
    shifts = [Shift(name, LEASE) for name in ("a", "b", "c")]
    may: dict[str, tuple[frozenset[int], float]] = {}
    for tick in range(300):
        now = NOW + timedelta(seconds=tick)
        shift = chance.choice(shifts)
        if chance.random() < 0.05:
            continue
        if chance.random() < 0.03:
            shift.end(store, now)
            may.pop(shift.worker, None)
            continue
        may[shift.worker] = shift.renew(store, now, IDLE), tick + LEASE
        live = [parts for parts, until in may.values() if until > tick]
        assert sum(map(len, live)) == len(frozenset().union(*live))
