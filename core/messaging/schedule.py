"""What to try next: due messages, lane by lane, so that no receiver waits for another.

A lane is a queue of its own: a receiver's, an ordered receiver's, a sender's where the work is
ours. The index is read page by page and whole lanes are stepped over, so finding work costs by the
number of lanes that have any, never by the number of messages in them. A lane whose receiver fails
is left alone for a while, and then tried with one message.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.messaging.hub import iso
from core.messaging.records import BY_END, BY_LANE, MESSAGES, SHARDS, shard_of
from core.store.port import Span, Store
from core.values.messaging import Outcome

PAGE: Final = 64
_LAST: Final = "~"
"""After every time, and before no lane: what ends the terms of a lane, or of a part."""
_ORDERED: Final = "#"
ENDED: Final = ""
"""The lane of what is only to be given up: that needs no receiver."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done at once: for one receiver, and altogether; how long a failing one rests."""

    per_lane: int = 4
    held: int = 512
    rest_seconds: float = 0.5
    longest_rest_seconds: float = 30.0


@dataclass(slots=True)
class _Lane:
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
        self._turn: deque[str] = deque()
        self._lock = threading.Lock()

    def refill(self, store: Store, parts: frozenset[int], now: datetime) -> int:
        """Take in what is due in these parts and give how many messages were taken in."""
        taken = 0
        for key in _ended(store, iso(now)):
            taken += self._hold(key, ENDED)
        for lane, key in _due(store, parts, iso(now), self._is_full):
            taken += self._hold(key, lane)
            if len(self._held) >= self._limits.held:
                break
        return taken

    def take(self) -> str | None:
        """Give the key of a message to try now, lanes in turn; None where there is none.

        It is in the caller's hands until `finish`.
        """
        with self._lock:
            for _ in range(len(self._turn)):
                name = self._turn.popleft()
                lane = self._lanes[name]
                if lane.waiting:
                    self._turn.append(name)
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
                lane.failures += 1
                rest = self._limits.rest_seconds * 2.0 ** min(lane.failures - 1, 16)
                longest = min(self._limits.longest_rest_seconds, retry_seconds)
                lane.rests_until = self._clock() + min(rest, longest)
            elif outcome is not None:
                lane.failures = 0
            if not (lane.busy or lane.waiting or lane.failures):
                self._drop(name)

    def drop_waiting(self, parts: frozenset[int]) -> None:
        """Let go of what waits in parts that are no more this worker's."""
        with self._lock:
            for name, lane in list(self._lanes.items()):
                if name != ENDED and shard_of(name) not in parts:
                    for key in lane.waiting:
                        del self._held[key]
                    lane.waiting.clear()
                    if not lane.busy:
                        self._drop(name)

    def busy_parts(self) -> frozenset[int]:
        """Give the parts that have a message in somebody's hands."""
        with self._lock:
            return frozenset(shard_of(name) for name, lane in self._lanes.items() if lane.busy)

    def in_hand(self) -> int:
        """Give how many messages are being tried."""
        with self._lock:
            return sum(lane.busy for lane in self._lanes.values())

    def _drop(self, name: str) -> None:
        del self._lanes[name]
        if name in self._turn:
            self._turn.remove(name)

    def _hold(self, key: str, name: str) -> bool:
        with self._lock:
            if key in self._held and not self._leaves(key, name):
                return False
            lane = self._lanes.setdefault(name, _Lane())
            if name.endswith(_ORDERED) and (lane.busy or lane.waiting):
                return False
            lane.waiting.append(key)
            self._held[key] = name
            if name not in self._turn:
                self._turn.append(name)
            return True

    def _leaves(self, key: str, name: str) -> bool:
        """Take what only waits out of its lane, where it is now only to be given up."""
        lane = self._lanes[self._held[key]]
        if name != ENDED or self._held[key] == ENDED or key not in lane.waiting:
            return False
        lane.waiting.remove(key)
        return True

    def _may_start(self, name: str, lane: _Lane) -> bool:
        if name == ENDED:
            return True
        alone = lane.failures or name.endswith(_ORDERED)
        return lane.busy < (1 if alone else self._limits.per_lane) and (
            lane.rests_until <= self._clock()
        )

    def _is_full(self, name: str) -> bool:
        """Say whether a lane needs no more now: it rests, or has a page waiting."""
        with self._lock:
            lane = self._lanes.get(name)
            return lane is not None and (
                len(lane.waiting) >= PAGE or lane.rests_until > self._clock()
            )


def _ended(store: Store, now: str) -> Iterator[str]:
    """Give what is past its time, a page of it: whoever finds it may say so."""
    page = store.find(MESSAGES, Span(BY_END, "", now), limit=PAGE)
    return (key for _term, key in page.entries)


def _due(
    store: Store, parts: frozenset[int], now: str, is_full: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    """Give (lane, key) of what is due, a page at most of each lane, in order of time."""
    for part in sorted(parts):
        start, end = f"{part:02d}|", f"{part:02d}|{_LAST}"
        while True:
            page = store.find(MESSAGES, Span(BY_LANE, start, end), limit=PAGE)
            lane = ""
            for term, key in page.entries:
                lane, when = term[3:].rsplit("|", 1)
                if when <= now and not is_full(lane):
                    yield lane, key
            if page.after is None:
                break
            start = f"{part:02d}|{lane}|{_LAST}"


ALL_PARTS: Final = frozenset(range(SHARDS))
