"""What to try next: due messages, lane by lane, so that no receiver waits for another.

A lane is a queue of its own: one of a receiver's, the only one of an ordered receiver, one of a
sender's where the work is ours. The index is read page by page and whole lanes are stepped over, so
finding work costs by the number of lanes that have any, never by the number of messages in them. A
lane whose receiver fails is left alone for a while, and then tried with one message.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from core.messaging.keeping import iso
from core.messaging.records import BY_END, BY_LANE, MESSAGES, ORDERED, OURS, SHARDS, shard_of
from core.store.port import Page, Span, Store
from core.values.messaging import Outcome

PAGE: Final = 64
_LAST: Final = "~"
"""After every time, and before no lane: what ends the terms of a lane, or of a part."""
_ENDED: Final = "!"
"""What the lanes of what is only to be given up begin with: that needs no receiver."""
ENDED_SECONDS: Final = 1.0
"""How often it is looked for."""
ORDERED_SECONDS: Final = 0.25
"""How long an ordered lane waits before it looks whether its first message is acknowledged."""


class Limits(Struct, frozen=True):
    """How much is done at once: of one lane, for all that fail, and kept at hand.

    A lane whose receiver fails rests so long, and twice as long each time, up to the longest.
    """

    per_lane: int = 4
    failing: int = 4
    held_per_lane: int = PAGE
    held: int = 4096
    rest_seconds: float = 0.5
    longest_rest_seconds: float = 30.0


class _Lane(Struct):
    waiting: deque[str] = field(default_factory=deque)
    busy: int = 0
    failures: int = 0
    rests_until: float = 0.0


class Schedule:
    """One worker's list of what it will try, refilled from the store; threads share it."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._held: dict[str, str] = {}
        self._turn: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._first_part = 0
        self._ended_at: float | None = None

    def refill(self, store: Store, parts: frozenset[int], now: datetime) -> int:
        """Take in what is due in these parts, another part first each time; give how much."""
        before = len(self._held)
        ordered = sorted(parts, key=lambda part: (part - self._first_part) % SHARDS)
        self._first_part += 1
        if self._ended_at is None or self._clock() - self._ended_at >= ENDED_SECONDS:
            self._ended_at = self._clock()
            for part, key in _ended(store, ordered, iso(now), self._is_in_hand):
                self._hold(key, f"{_ENDED}{part}")
        for lane, keys in _due(store, ordered, iso(now), self._room):
            for key in keys:
                self._hold(key, lane)
        return len(self._held) - before

    def take(self) -> str | None:
        """Give the key of a message to try now, lanes in turn; None where there is none.

        It is in the caller's hands until `finish`.
        """
        with self._lock:
            for _ in range(len(self._turn)):
                name, _nothing = self._turn.popitem(last=False)
                lane = self._lanes[name]
                if lane.waiting:
                    self._turn[name] = None
                if lane.waiting and self._may_start(name, lane):
                    lane.busy += 1
                    return lane.waiting.popleft()
        return None

    def finish(self, key: str, outcome: Outcome | None, retry_seconds: float) -> None:
        """Take a message out of hand; a failure lets its lane rest, no longer than it waits."""
        with self._lock:
            name = self._held.pop(key)
            lane = self._lanes[name]
            lane.busy -= 1
            if outcome is Outcome.FAILED:
                self._rest(lane, retry_seconds)
            elif outcome is not None:
                lane.failures = 0
            elif name.endswith(ORDERED):
                lane.rests_until = self._clock() + ORDERED_SECONDS
            if not (lane.busy or lane.waiting or lane.rests_until > self._clock()):
                self._drop(name)

    def _rest(self, lane: _Lane, retry_seconds: float) -> None:
        """Leave a lane alone for a while, and give back what it holds but one to try it with."""
        lane.failures += 1
        rest = self._limits.rest_seconds * 2.0 ** min(lane.failures - 1, 16)
        longest = min(self._limits.longest_rest_seconds, retry_seconds)
        lane.rests_until = self._clock() + min(rest, longest)
        while len(lane.waiting) > 1:
            del self._held[lane.waiting.pop()]

    def drop_waiting(self, parts: frozenset[int]) -> None:
        """Let go of what waits in parts that are no more this worker's."""
        with self._lock:
            for name, lane in list(self._lanes.items()):
                if _part_of(name) not in parts:
                    for key in lane.waiting:
                        del self._held[key]
                    lane.waiting.clear()
                    if not lane.busy:
                        self._drop(name)

    def busy_parts(self) -> frozenset[int]:
        """Give the parts that have a message in somebody's hands."""
        with self._lock:
            return frozenset(_part_of(name) for name, lane in self._lanes.items() if lane.busy)

    def in_hand(self) -> int:
        """Give how many messages are being tried."""
        with self._lock:
            return sum(lane.busy for lane in self._lanes.values())

    def _drop(self, name: str) -> None:
        del self._lanes[name]
        self._turn.pop(name, None)

    def _hold(self, key: str, name: str) -> None:
        with self._lock:
            if key in self._held and not self._leaves(key, name):
                return
            lane = self._lanes.setdefault(name, _Lane())
            lane.waiting.append(key)
            self._held[key] = name
            self._turn.setdefault(name)

    def _leaves(self, key: str, name: str) -> bool:
        """Take what only waits out of its lane, where it is now only to be given up."""
        lane = self._lanes[self._held[key]]
        if not _is_ended(name) or _is_ended(self._held[key]) or key not in lane.waiting:
            return False
        lane.waiting.remove(key)
        return True

    def _may_start(self, name: str, lane: _Lane) -> bool:
        if _is_ended(name):
            return True
        if lane.rests_until > self._clock():
            return False
        if lane.failures:
            return not lane.busy and self._failing() < self._limits.failing
        # What is ours to do waits for no receiver.
        return OURS in name or lane.busy < self._most(name)

    def _most(self, name: str) -> int:
        return 1 if name.endswith(ORDERED) else self._limits.per_lane

    def _failing(self) -> int:
        return sum(lane.busy for lane in self._lanes.values() if lane.failures)

    def _room(self, name: str) -> int:
        """Give how many more messages of a lane are of use now.

        A lane that fails needs one to try it with; of an ordered one only the first may go.
        """
        with self._lock:
            lane = self._lanes.get(name, _NONE)
            if len(self._held) >= self._limits.held or lane.rests_until > self._clock():
                return 0
            if name.endswith(ORDERED) or lane.failures:
                return 0 if lane.busy or lane.waiting else 1
            # What is in hand is still due, and comes first in the index.
            if len(lane.waiting) > self._limits.per_lane:
                return 0
            return lane.busy + len(lane.waiting) + self._limits.held_per_lane

    def _is_in_hand(self, key: str) -> bool:
        with self._lock:
            name = self._held.get(key)
            return name is not None and (_is_ended(name) or key not in self._lanes[name].waiting)


_NONE: Final = _Lane()


def _is_ended(name: str) -> bool:
    return name.startswith(_ENDED)


def _part_of(name: str) -> int:
    return int(name.removeprefix(_ENDED)) if _is_ended(name) else shard_of(name)


def _ended(
    store: Store, parts: list[int], now: str, is_in_hand: Callable[[str], bool]
) -> Iterator[tuple[int, str]]:
    """Give (part, key) of what is past its time and not in hand, up to a page of each part."""
    for part in parts:
        span = Span(BY_END, f"{part:02d}|", f"{part:02d}|{now}")
        after: str | None = None
        given = 0
        while given < PAGE:
            page = store.find(MESSAGES, span, limit=PAGE, after=after)
            for _term, key in page.entries:
                if not is_in_hand(key):
                    given += 1
                    yield part, key
            after = page.after
            if after is None:
                break


def _due(
    store: Store, parts: list[int], now: str, room: Callable[[str], int]
) -> Iterator[tuple[str, list[str]]]:
    """Give each lane that has work with the keys of what is due, in order of time.

    One page shows many small lanes; where it ends inside a lane, that lane is asked by itself, and
    the next page begins after it.
    """
    for first, last in _runs(parts):
        start, end = f"{first:02d}|", f"{last:02d}|{_LAST}"
        while True:
            page = store.find(MESSAGES, Span(BY_LANE, start, end), limit=PAGE)
            places = _by_place(page, now)
            cut = None if page.after is None else [*places][-1]
            for place, keys in places.items():
                lane = place[3:]
                wanted = room(lane) if keys or place == cut else 0
                if wanted:
                    due = _asked(store, place, now, wanted) if place == cut else keys[:wanted]
                    yield lane, due
            if cut is None:
                break
            start = f"{cut}|{_LAST}"


def _runs(parts: list[int]) -> list[tuple[int, int]]:
    """Give the parts as runs of neighbours, each as its first and last: one walk serves a run."""
    runs: list[tuple[int, int]] = []
    for part in parts:
        if runs and runs[-1][1] == part - 1:
            runs[-1] = runs[-1][0], part
        else:
            runs.append((part, part))
    return runs


def _by_place(page: Page, now: str) -> dict[str, list[str]]:
    """Give where lanes stand, `part|lane`, in a page's order, each with the keys of what is due."""
    places: dict[str, list[str]] = {}
    for term, key in page.entries:
        place, when = term.rsplit("|", 1)
        keys = places.setdefault(place, [])
        if when <= now:
            keys.append(key)
    return places


def _asked(store: Store, place: str, now: str, limit: int) -> list[str]:
    """Give the keys of what is due in one lane, by where it stands."""
    page = store.find(MESSAGES, Span(BY_LANE, f"{place}|", f"{place}|{now}"), limit=limit)
    return [key for _term, key in page.entries]


ALL_PARTS: Final = frozenset(range(SHARDS))
