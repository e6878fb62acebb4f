"""An entry of a file as it is read: its attributes by name, held against the schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeVar

from msgspec import Struct, field

from legacy_contracts.sds import dn, durations, schema
from legacy_contracts.sds.ldif import Fault, Record

T = TypeVar("T")

OPERATIONAL: Final = frozenset(
    {
        *("entryuuid", "creatorsname", "createtimestamp", "modifiersname", "modifytimestamp"),
        *("etag", "structuralobjectclass", "numsubordinates", "hassubordinates", "entrydn"),
        *("subschemasubentry", "entrycsn", "contextcsn", "ds-sync-hist", "pwdchangedtime"),
    }
)
"""What a server says of its own keeping of an entry: it is not part of the table."""

LONGEST_SECONDS: Final = 366 * 86_400


class Reading(Struct):
    """An entry of a file as it is read: its attributes by name, its classes, its faults."""

    record: Record
    parts: tuple[dn.Part, ...]
    values: Mapping[str, tuple[str, ...]]
    classes: tuple[str, ...]
    faults: list[Fault] = field(default_factory=list)

    def first(self, name: str) -> str:
        """Give the first value of an attribute, an empty text where there is none."""
        values = self.values.get(name)
        return values[0] if values else ""

    def note(self, text: str, name: str = "") -> None:
        """Note what is wrong with an attribute, or with the entry as a whole."""
        line = self.record.line_of(name) if name else self.record.line
        self.faults.append(Fault(line, f"{self.record.dn}: {text}"))

    def choice(self, name: str, words: Mapping[str, T]) -> T:
        """Give what a word stands for; the entry need not say it."""
        word = self.first(name).lower()
        if word not in words:
            known = ", ".join(one for one in words if one)
            self.note(f"{spelt(name)} = {self.first(name)} is not known: write {known}", name)
            return next(iter(words.values()))
        return words[word]

    def seconds(self, name: str, unsaid: float) -> float:
        """Give how long a duration is; what is none is not a number, and noted."""
        text = self.first(name)
        length = durations.seconds_of(text) if text else unsaid
        if length is None:
            self.note(f"{spelt(name)} = {text} is no duration: write it as PT1M30S or P1D", name)
            return math.nan
        if text and length > LONGEST_SECONDS:
            self.note(f"{spelt(name)} = {text} is longer than 366 days: write less", name)
        return length


def opened(record: Record) -> tuple[Reading | None, list[Fault]]:
    """Give an entry with its attributes by the schema's names, or what is wrong with its DN."""
    try:
        parts = dn.parts_of(record.dn)
    except ValueError as error:
        return None, [Fault(record.line, f"dn {record.dn} is no name: {error}: correct it")]
    values: dict[str, tuple[str, ...]] = {}
    for name, found in record.attributes:
        values[plain(name)] = (*values.get(plain(name), ()), *found)
    for name in OPERATIONAL & values.keys():
        del values[name]
    return Reading(record, parts, values, values.get("objectclass", ())), []


@lru_cache(maxsize=4096)
def spelt(name: str) -> str:
    """Give an attribute's name as the schema spells it."""
    known = schema.attribute(name)
    return known.name if known else name


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Give the name in lower case that all names of an attribute have in common."""
    return spelt(name).lower()


def note_schema(reading: Reading) -> None:
    """Note what the schema does not allow."""
    must, may = schema.bounds(tuple(sorted(one.lower() for one in reading.classes)))
    for name, values in reading.values.items():
        if len(values) == 1 and values[0] and name in may:
            continue
        if fault := _schema_fault(name, values, may):
            reading.note(fault, name)
    for name in sorted(must - reading.values.keys()):
        reading.note(f"{spelt(name)} is missing: the class of the entry requires it")


def _schema_fault(name: str, values: tuple[str, ...], may: frozenset[str]) -> str:
    """Say what the schema has against an attribute, nothing where it has nothing."""
    known = schema.attribute(name)
    if known is None:
        return f"{name} is no attribute that is known here: remove it, or correct its name"
    if name not in may:
        return f"{known.name} is not allowed in an entry of this class: remove it"
    if known.single and len(values) > 1:
        return f"{known.name} has {len(values)} values and may have one: leave one"
    if "" in values:
        return f"{known.name} is empty: give it a value, or remove it"
    if len(values) > 1 and len(set(values)) < len(values):
        twice = next(one for one in values if values.count(one) > 1)
        return f"{known.name} = {twice} is given twice: leave one"
    return ""
