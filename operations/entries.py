"""A table of a TOML file, read field by field: what is wrong is noted, each with its cure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct

from legacy_contracts.sds import durations
from legacy_contracts.sds.urls import wrong_url

T = TypeVar("T")

LONGEST: Final = 366 * 86_400
"""Seconds; a longer duration is a slip, and its end might be no date any more."""
MOST: Final = 1000
"""The highest count; a higher one is a slip."""


class Entry(Struct, frozen=True):
    """A table, where it stands in the file, and where its faults are noted."""

    place: str
    table: Mapping[str, Any]
    faults: list[str]

    def text(self, key: str) -> str:
        """Give a text that must be there."""
        value = self.table.get(key)
        if isinstance(value, str) and value:
            return value
        self.note(f'{key} is missing: write {key} = "..."')
        return ""

    def optional_text(self, key: str) -> str:
        """Give a text, or an empty one where there is none."""
        value = self.table.get(key, "")
        if isinstance(value, str):
            return value
        self.note(f'{key} is no text: write {key} = "...", or remove it')
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; an empty one is how something is taken away."""
        value = self.table.get(key)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        self.note(f'{key} is missing: write {key} = ["..."]')
        return ()

    def choice(self, key: str, choices: Mapping[str, T], default: T) -> T:
        """Give what the word stands for, or the default where there is none."""
        word = self.table.get(key)
        if word is None:
            return default
        if isinstance(word, str) and word in choices:
            return choices[word]
        known = " or ".join(f'"{one}"' for one in choices)
        self.note(f"{key} = {_shown(word)} is not known: write {known}")
        return default

    def flag(self, key: str) -> bool:
        """Give a boolean, false where there is none."""
        value = self.table.get(key, False)
        if isinstance(value, bool):
            return value
        self.note(f"{key} = {_shown(value)} is no yes or no: write true or false")
        return False

    def count(self, key: str, default: int) -> int:
        """Give a count, or the default where there is none."""
        value = self.table.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST:
            return value
        self.note(f"{key} = {_shown(value)} is no count: give one from 0 to {MOST}")
        return default

    def seconds(self, key: str, default: str) -> float:
        """Give how long an ISO 8601 duration is, or the default where there is none.

        What is no duration is not a number: it compares with nothing, and makes no second fault.
        """
        value = self.table.get(key, default)
        if isinstance(value, str) and value.startswith("-"):
            self.note(f"{key} = {_shown(value)} is negative: a duration begins with P")
            return math.nan
        length = durations.seconds_of(value) if isinstance(value, str) else None
        if length is None:
            self.note(f'{key} = {_shown(value)} is no duration: write it as "PT1M30S" or "P1D"')
            return math.nan
        if length > LONGEST:
            self.note(f"{key} = {value} is longer than {LONGEST // 86_400} days: write less")
        return length

    def url(self, key: str) -> str:
        """Give an https URL, or an empty text where there is none."""
        value = self.optional_text(key)
        if value and (why := wrong_url(value)):
            self.note(f'{key} = {_shown(value)} {why}: write "https://host/path"')
        return value

    def attributes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Give the further attributes of an entry: each a text, or a list of them."""
        table = self.table.get("attributes", {})
        if not isinstance(table, dict):
            self.note('attributes must be a table: write attributes = { name = ["..."] }')
            return ()
        found = []
        for name, value in table.items():
            values = [value] if isinstance(value, str) else value
            if isinstance(values, list) and all(isinstance(one, str) for one in values):
                found.append((name, tuple(values)))
            else:
                self.note(f'attributes.{name} is no text: write {name} = ["..."]')
        return tuple(sorted(found, key=lambda one: one[0].lower()))

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Note every key that is not known."""
        allowed = set(known)
        for key in self.table:
            if key not in allowed:
                self.note(f"{key} is not known: remove it")

    def note(self, fault: str) -> None:
        """Note a fault of this table."""
        self.faults.append(f"{self.place}: {fault}")


def of_kind(tables: Mapping[str, Any], kind: str, faults: list[str]) -> list[tuple[str, Entry]]:
    """Give each table `[kind.ID]` of a file with its id."""
    section = tables.get(kind, {})
    if not isinstance(section, dict):
        faults.append(f"{kind} must be a table: write [{kind}.ID]")
        return []
    found: list[tuple[str, Entry]] = []
    for name, table in section.items():
        if isinstance(table, dict):
            found.append((name, Entry(f"[{kind}.{name}]", table, faults)))
        else:
            faults.append(f"{kind}.{name} must be a table: write [{kind}.{name}]")
    return found


def listed(tables: Mapping[str, Any], kind: str, faults: list[str]) -> list[Entry]:
    """Give each table `[[kind]]` of a file, named by where it stands among them."""
    section = tables.get(kind, [])
    if not isinstance(section, list) or not all(isinstance(one, dict) for one in section):
        faults.append(f"{kind} must be a list of tables: write [[{kind}]]")
        return []
    return [Entry(f"[[{kind}]] {number}", table, faults) for number, table in enumerate(section, 1)]


def _shown(value: object) -> str:
    """Give a value as it may stand on one line."""
    return repr(value) if not isinstance(value, str) or not value.isprintable() else value
