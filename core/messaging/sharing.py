"""Who delivers what: the lanes are divided in parts, and a part has one worker at a time.

All of it is one record. A worker says every second that it is there and until when that holds; a
part belongs to whoever claimed it last, as long as that worker is there. A claim has a number, one
above the claim it replaces, and replaces only one whose worker is gone or has let go. So on an
embedded store no part has two workers; on a cluster two that claim at the same moment both write,
the merge chooses one for all readers, and a claim counts only once a later look still shows it
(docs/decisions/0015-who-delivers-what.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from core.messaging.keeping import iso
from core.messaging.records import SHARDS
from core.store.port import Bucket, Record, Store

KEY: Final = "delivery"


class Said(Struct, frozen=True):
    """What a worker says: that it is there until a time, or that a part is its own.

    `number` is that of the claim, or of the heartbeat; `worker` is "" where a part was let go.
    """

    worker: str
    number: int
    part: int | None = None
    until: str = ""


class Division(Struct, frozen=True):
    """Which worker is there until when, and whose each part is, with the number of its claim."""

    workers: Mapping[str, str]
    parts: Mapping[int, tuple[int, str]]

    def owned(self, worker: str) -> frozenset[int]:
        """Give the parts of a worker."""
        return frozenset(part for part, (_, owner) in self.parts.items() if owner == worker)

    def present(self, at: str) -> tuple[str, ...]:
        """Give the workers that are there."""
        return tuple(sorted(one for one, until in self.workers.items() if until > at))


def _subject(said: Said) -> str:
    return f"part/{said.part}" if said.part is not None else f"worker/{said.worker}"


def _rank(said: Said) -> tuple[int, str, str]:
    """Order what is said of one subject: the greater number, then names, alike for all readers."""
    return said.number, said.worker, said.until


def _keep(facts: Mapping[str, Said]) -> Mapping[str, Said]:
    last: dict[str, tuple[str, Said]] = {}
    for key, said in facts.items():
        known = last.get(_subject(said))
        if known is None or _rank(said) > _rank(known[1]):
            last[_subject(said)] = key, said
    return dict(last.values())


def _fold(facts: Mapping[str, Said]) -> Division:
    workers = {one.worker: one.until for one in facts.values() if one.part is None}
    parts = {one.part: (one.number, one.worker) for one in facts.values() if one.part is not None}
    return Division(workers, parts)


SHARING: Final[Bucket[Division, Said]] = Bucket(
    name="sharing", fact=Said, state=Division, fold=_fold, keep=_keep
)


class Shift(Struct, frozen=True):
    """One worker's turn to say what it does: its name, how long that holds."""

    worker: str
    seconds: float

    def renew(self, store: Store, now: datetime, idle: frozenset[int]) -> frozenset[int]:
        """Say that this worker is there, take what is free, and give the parts it may take from.

        They are its own until `seconds` from now: whoever works longer without renewing has lost
        them. Of more than its share it lets go, but only of parts that are `idle`: it takes from
        them no more, and has nothing of them in hand. A part that was free is its own from the
        next time on, if that still shows it.
        """
        shown: frozenset[int] = frozenset()

        def change(record: Record[Division, Said] | None) -> Mapping[str, Said]:
            nonlocal shown
            shown = record.state.owned(self.worker) if record else frozenset()
            return self._said(record, now, idle)

        record = store.update(SHARING, KEY, change)
        own = sorted(record.state.owned(self.worker))
        return shown & frozenset(own[: self._share(record.state, now)])

    def end(self, store: Store, now: datetime) -> None:
        """Let go of everything at once, so that others need not wait."""

        def change(record: Record[Division, Said] | None) -> Mapping[str, Said]:
            division = record.state if record else Division({}, {})
            left = [_left(division, part) for part in division.owned(self.worker)]
            return _keyed([self._there(record, iso(now)), *left])

        store.update(SHARING, KEY, change)

    def _said(
        self, record: Record[Division, Said] | None, now: datetime, idle: frozenset[int]
    ) -> Mapping[str, Said]:
        division = record.state if record else Division({}, {})
        share = self._share(division, now)
        present = {*division.present(iso(now)), self.worker}
        own = sorted(division.owned(self.worker))
        left = [_left(division, part) for part in own[share:] if part in idle]
        free = [part for part in range(SHARDS) if _owner(division, part) not in present]
        taken = [
            Said(self.worker, division.parts.get(part, (0, ""))[0] + 1, part)
            for part in free[: max(share - len(own), 0)]
        ]
        there = self._there(record, iso(now + timedelta(seconds=self.seconds)))
        return _keyed([there, *left, *taken])

    def _share(self, division: Division, now: datetime) -> int:
        return math.ceil(SHARDS / len({*division.present(iso(now)), self.worker}))

    def _there(self, record: Record[Division, Said] | None, until: str) -> Said:
        facts = record.facts.values() if record else ()
        beats = [one.number for one in facts if one.part is None and one.worker == self.worker]
        return Said(self.worker, max(beats, default=0) + 1, until=until)


def _left(division: Division, part: int) -> Said:
    return Said("", division.parts[part][0] + 1, part)


def _owner(division: Division, part: int) -> str:
    return division.parts.get(part, (0, ""))[1]


def _keyed(said: list[Said]) -> Mapping[str, Said]:
    return {f"{_subject(one)}/{one.number}/{one.worker}": one for one in said}
