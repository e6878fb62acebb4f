"""What a run of systems and patients has at one moment: the world, and the model of it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import audited_rows
import patients_at_first
import remembered
from ebxml_messages import Message
from msgspec import Struct, field
from msgspec.structs import replace
from patients_world import World
from remembered import Hand, People
from schemas import Schemas, folder
from wishes import Held

from core.store.port import Store
from operations import loading


class Scene(Struct):
    """The world, what persons wrote, what systems hold of it, and what the audit must have."""

    world: World
    people: People = field(default_factory=patients_at_first.people)
    held: dict[tuple[str, str], tuple[int, Held]] = field(default_factory=dict)
    last: Message | None = None
    noted: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    may_repeat: bool = False
    """Whether a killed worker's accesses may be told twice."""
    turn: int = 0
    seen: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    @property
    def today(self) -> str:
        """The day."""
        return f"{self.world.hub.clock():%Y%m%d}"

    def hand(self, by: str) -> Hand:
        """Give somebody who writes now."""
        return Hand(by, self.world.hub.clock())

    def number(self, which: int) -> str:
        """Give one of the patients' numbers."""
        numbers = tuple(self.people)
        return numbers[which % len(numbers)]

    def holder(self, number: str) -> str:
        """Give the number whose record a number leads to."""
        return remembered.stood_for(self.people, number)

    def named(self, message: Message) -> Message:
        """Give a message under an id of this run."""
        own = self.world.new_id()
        payload = message.payload.replace(message.message_id, own)
        return replace(message, payload=payload, message_id=own, conversation_id=own)

    def note(self, command: str, who: str, numbers: tuple[str, ...], outcome: str) -> None:
        """Note an access that the audit must have."""
        self.noted[command, who, numbers, outcome] += 1

    def by_hand(self, command: str, numbers: tuple[str, ...], outcome: str) -> None:
        """Note what an operator did."""
        self.note(command, f"/{remembered.OPERATOR}", numbers, outcome)

    def require_audited(self) -> None:
        """Return if the audit has what was noted since it was asked last, and nothing else."""
        rows: Counter[tuple[Any, ...]] = Counter()
        for (*row, outcome), count in self.world.accesses().items():
            rows[*row, audited_rows.ended(tuple(row), outcome)] += count
        if self.may_repeat:
            # What a killed worker had done is done again and finds it done: a row for each time.
            assert set(rows) == set(self.noted), (rows - self.noted, self.noted - rows)
            assert all(rows[row] >= count for row, count in self.noted.items())
        else:
            assert rows == self.noted, (rows - self.noted, self.noted - rows)
        self.noted, self.may_repeat = Counter(), False


def scene_on(store: Store) -> Scene:
    """Give a scene that begins, on an empty store."""
    place = folder()
    world = World(store, _schemas(place) if place else None)
    loading.load(
        store,
        patients_at_first.LOADED,
        source="test",
        at="20140101",
        progress=lambda _count: None,
    )
    world.accesses()
    return Scene(world)


@cache
def _schemas(place: Path) -> Schemas:
    """Give the schemas of a folder, compiled once for all runs."""
    return Schemas(place)
