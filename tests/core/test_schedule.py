"""What is tried next: lanes in turn, none waits for another, and none is scanned."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from serving import NOW

from core.messaging.hub import Hub
from core.messaging.keeping import Outgoing, later
from core.messaging.schedule import ALL_PARTS, PAGE, Limits, Schedule
from core.store.counted import CountedStore
from core.store.memory import MemoryStore
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope, Outcome, Terms

US = PartyKey("YES-0000806")
CONTENT = Content(b"<a/>", "text/xml", "a/b")


def outgoing(receiver: str, number: int, *, ordered: bool = False) -> Outgoing:
    envelope = Envelope(US, PartyKey(receiver), f"M{number:06d}", "C", "s", "i", "cpa")
    until = later(NOW, 300)
    terms = Terms(2, 60.0, until, until, acknowledged=True, ordered=ordered)
    return Outgoing(envelope, CONTENT, terms)


def filled(store: MemoryStore, receivers: dict[str, int], *, ordered: bool = False) -> None:
    """Put so many messages for each receiver into a store."""
    number = 0
    for receiver, count in receivers.items():
        for _ in range(count):
            at = NOW - timedelta(seconds=10) + timedelta(microseconds=number)
            Hub(store, lambda at=at: at).send(outgoing(receiver, number, ordered=ordered))
            number += 1


class Ticking:
    """A clock of seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def receivers_of(keys: list[str], store: MemoryStore) -> Counter[str]:
    hub = Hub(store, lambda: NOW)
    return Counter(hub.required(key).accepted.envelope.receiver for key in keys)


def taken(schedule: Schedule) -> list[str]:
    """Take all that may be tried at once."""
    keys = []
    while (key := schedule.take()) is not None:
        keys.append(key)
    return keys


def test_a_receiver_has_no_more_under_way_than_its_limit_and_none_starves() -> None:
    store = MemoryStore()
    filled(store, {"A11111-0000001": 100, "B22222-0000002": 3, "C33333-0000003": 1})
    schedule = Schedule(Limits(per_lane=4), Ticking())
    schedule.refill(store, ALL_PARTS, NOW)
    under_way = receivers_of(taken(schedule), store)
    assert under_way == {"A11111-0000001": 4, "B22222-0000002": 3, "C33333-0000003": 1}


def test_a_failing_receiver_rests_and_is_then_tried_with_one() -> None:
    store, clock = MemoryStore(), Ticking()
    filled(store, {"A11111-0000001": 10, "B22222-0000002": 10})
    schedule = Schedule(Limits(per_lane=2, rest_seconds=1.0), clock)
    schedule.refill(store, ALL_PARTS, NOW)
    for key in taken(schedule):
        failed = "A11111" in str(Hub(store, lambda: NOW).required(key).accepted.envelope.receiver)
        schedule.finish(key, Outcome.FAILED if failed else Outcome.DONE, 60.0)
    assert set(receivers_of(taken(schedule), store)) == {"B22222-0000002"}
    clock.now = 2.1
    assert receivers_of(taken(schedule), store)["A11111-0000001"] == 1


def test_a_rest_is_no_longer_than_the_contracts_interval() -> None:
    store, clock = MemoryStore(), Ticking()
    filled(store, {"A11111-0000001": 10})
    schedule = Schedule(Limits(rest_seconds=30.0), clock)
    schedule.refill(store, ALL_PARTS, NOW)
    key = schedule.take()
    assert key is not None
    schedule.finish(key, Outcome.FAILED, 2.0)
    clock.now = 2.0
    assert schedule.take() is not None


def test_an_ordered_receiver_gets_one_at_a_time_in_the_order_of_arrival() -> None:
    store = MemoryStore()
    filled(store, {"A11111-0000001": 5}, ordered=True)
    schedule = Schedule(Limits(), Ticking())
    seen = []
    for _ in range(5):
        schedule.refill(store, ALL_PARTS, NOW)
        (key,) = taken(schedule)
        seen.append(key)
        Hub(store, lambda: NOW).done(key, "acknowledged")
        schedule.finish(key, Outcome.DONE, 0.0)
    assert [key[-6:] for key in seen] == [f"{n:06d}" for n in range(5)]


def test_an_ordered_message_that_failed_is_not_overtaken() -> None:
    store, clock = MemoryStore(), Ticking()
    filled(store, {"A11111-0000001": 2}, ordered=True)
    schedule = Schedule(Limits(rest_seconds=1.0), clock)
    schedule.refill(store, ALL_PARTS, NOW)
    (first,) = taken(schedule)
    schedule.finish(first, Outcome.FAILED, 60.0)
    clock.now = 5.0
    schedule.refill(store, ALL_PARTS, NOW)
    assert taken(schedule) == [first]


def test_what_is_not_ours_is_not_taken() -> None:
    store = MemoryStore()
    filled(store, {"A11111-0000001": 3})
    schedule = Schedule(Limits(), Ticking())
    schedule.refill(store, frozenset(), NOW)
    assert taken(schedule) == []


def test_parts_that_are_lost_are_let_go_but_for_what_is_in_hand() -> None:
    store = MemoryStore()
    filled(store, {"A11111-0000001": 10})
    schedule = Schedule(Limits(per_lane=1), Ticking())
    schedule.refill(store, ALL_PARTS, NOW)
    (key,) = taken(schedule)
    schedule.drop_waiting(frozenset())
    assert schedule.in_hand() == 1
    schedule.finish(key, Outcome.DONE, 0.0)
    assert taken(schedule) == []
    assert schedule.busy_parts() == frozenset()


def test_finding_work_costs_by_lanes_and_not_by_messages() -> None:
    counts = []
    for backlog in (PAGE, 40 * PAGE):
        store, asked = MemoryStore(), Counter[str]()
        filled(store, {"A11111-0000001": backlog, "B22222-0000002": 1})

        def count(operation: str, _bucket: str, asked: Counter[str] = asked) -> None:
            asked[operation] += 1

        schedule = Schedule(Limits(), Ticking())
        schedule.refill(CountedStore(store, count), ALL_PARTS, NOW)
        counts.append(asked["find"])
        assert len(taken(schedule)) == 5
    assert counts[1] - counts[0] <= 1


def test_what_ran_out_of_time_is_taken_though_its_receiver_rests() -> None:
    store, clock = MemoryStore(), Ticking()
    filled(store, {"A11111-0000001": 3})
    schedule = Schedule(Limits(rest_seconds=1000.0, per_lane=1), clock)
    schedule.refill(store, ALL_PARTS, NOW)
    key = schedule.take()
    assert key is not None
    schedule.finish(key, Outcome.FAILED, 1000.0)
    assert schedule.take() is None
    late = NOW + timedelta(seconds=400)
    clock.now = 400.0
    schedule.refill(store, ALL_PARTS, late)
    assert len(taken(schedule)) == 3
