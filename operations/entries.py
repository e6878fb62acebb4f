"""A table of a TOML file, read field by field: what is wrong is noted, each with its cure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_DURATION: Final = re.compile(
    r"P(?=.)(?:([0-9]+)W|(?:([0-9]+)D)?(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?"
    r"(?:([0-9]+(?:\.[0-9]+)?)S)?)?)"
)
_SECONDS: Final = (604_800, 86_400, 3_600, 60, 1)
LONGEST: Final = 366 * 86_400
"""Seconds; a longer duration is a slip, and its end might be no date any more."""
MOST: Final = 1000
"""The highest count; a higher one is a slip."""


@dataclass(frozen=True, slots=True)
class Entry:
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

    def named_texts(self, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Give lists of texts by name, or none."""
        value = self.table.get(key, {})
        if isinstance(value, dict) and all(
            isinstance(some, list) and all(isinstance(one, str) for one in some)
            for some in value.values()
        ):
            return tuple((name, tuple(some)) for name, some in value.items())
        self.note(f'{key} is no table of lists of texts: write {key} = {{ name = ["..."] }}')
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
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.note(f'{key} = {_shown(value)} is no duration: write it as "PT1M30S" or "P1D"')
            return math.nan
        length = sum(
            float(part) * unit for part, unit in zip(found.groups("0"), _SECONDS, strict=True)
        )
        if length > LONGEST:
            self.note(f"{key} = {value} is longer than {LONGEST // 86_400} days: write less")
        return length

    def url(self, key: str) -> str:
        """Give an https URL, or an empty text where there is none."""
        value = self.optional_text(key)
        if value and (why := _wrong_url(value)):
            self.note(f'{key} = {_shown(value)} {why}: write "https://host/path"')
        return value

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


def _wrong_url(value: str) -> str:
    """Say what is wrong with a URL; nothing where it is an https one with a host."""
    # What urlsplit drops in silence (line ends, tabs) must not reach a request line.
    if not all("!" <= one <= "~" for one in value):
        return "holds what no URL may hold"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme != "https":
        return "is not https"
    if not host or port == 0:
        return "names no host" if not host else "names no port"
    if parts.username is not None or parts.fragment:
        return "holds more than host, port, path and query"
    return ""


def _shown(value: object) -> str:
    """Give a value as it may stand on one line."""
    return repr(value) if not isinstance(value, str) or not value.isprintable() else value
