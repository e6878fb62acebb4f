"""What a person wants of a record: as it is drawn, and as a message says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remembered import Wish

NO_SUCH_ID: Final = "zzzzzz"

Held = Mapping[str, tuple[str, str]]
"""What a system knows of a record's items: their thing and use, by object id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A wish as it is drawn: `choice` takes one of a thing's values, `which` one of its items."""

    thing: str
    mode: str
    choice: int
    which: int


@dataclass(frozen=True, slots=True)
class Said:
    """A wish as an update says it: in which section, and which rules of messages it breaks."""

    section: str
    text: str
    wish: Wish
    broken: frozenset[str] = frozenset()
