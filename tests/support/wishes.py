"""What a person wants of a record: as it is drawn, and as a message says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from remembered import Wish

NO_SUCH_ID: Final = "zzzzzz"

Held = Mapping[str, tuple[str, str]]
"""What a system knows of a record's items: their thing and use, by object id."""


class Draft(Struct, frozen=True):
    """A wish as it is drawn: `choice` takes one of a thing's values, `which` one of its items."""

    thing: str
    mode: str
    choice: int
    which: int


class Said(Struct, frozen=True):
    """A wish as an update says it: in which section, and which rules of messages it breaks."""

    section: str
    text: str
    wish: Wish
    broken: frozenset[str] = frozenset()
