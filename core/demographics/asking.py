"""What an advanced trace asks: its details, and how they are read before anything is looked for.

Punctuation and wildcards are those of the old service (docs/tracing.md): `*` stands for any
characters, though never among the first two; punctuation after them counts as a wildcard, and among
them it turns the search into one by sound.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.demographics.blocking import day, squeezed
from core.errors import DetailsMissing, PatternTooShort
from core.values.identity import NhsNumber

WILDCARD: Final = "*"
_FIXED: Final = 2
"""How many characters of a pattern must be given."""


class Search(StrEnum):
    """How names are compared: by their letters, or by their sound."""

    ALPHANUMERIC = "alphanumeric"
    ALGORITHMIC = "algorithmic"


class Dates(Struct, frozen=True):
    """From one date to another, both included, each as partial as it was given; None is open."""

    low: str | None = None
    high: str | None = None

    def has(self, time: str | None) -> bool:
        """Say whether a date lies within: digit by digit, so one known in part may lie before."""
        if time is None:
            return False
        date = day(time)
        return (self.low or "") <= date and (
            self.high is None or date[: len(self.high)] <= self.high
        )

    @property
    def is_open(self) -> bool:
        """Say whether nothing is asked."""
        return not self.low and not self.high


def exactly(date: str) -> Dates:
    """Give one date; of a partial one, all that it may be."""
    return Dates(day(date), day(date))


def between(low: str | None, high: str | None) -> Dates:
    """Give a range of dates, whose times of day do not count."""
    return Dates(day(low) if low else None, day(high) if high else None)


class AdvancedTrace(Struct, frozen=True):
    """Find the patients with these details, best first; what is empty or None is not asked.

    A number is enough, and then all that counts. `history` also compares and shows what is closed
    or replaced; `ignore_history` compares nothing of it, where the search would.
    """

    search: Search
    family: str | None = None
    given: tuple[str, ...] = ()
    birth: Dates = Dates()
    gender: str | None = None
    death: Dates = Dates()
    postcode: str | None = None
    lines: tuple[str, ...] = ()
    paf_key: str | None = None
    practice: str | None = None
    nhs_number: NhsNumber | None = None
    old_number: str | None = None
    history: bool = False
    ignore_history: bool = False

    @property
    def by_place(self) -> bool:
        """Say whether it asks where somebody is."""
        return bool(self.postcode or any(self.lines) or self.paf_key or self.practice)

    @property
    def compares_history(self) -> bool:
        """Say whether what is closed or replaced is compared."""
        always = self.search is Search.ALGORITHMIC
        return (self.history or always) and not self.ignore_history

    @property
    def can_match_by_sound(self) -> bool:
        """Say whether family, given name and birth date are given (pds.md 5.1)."""
        return bool(self.family and self.given and not self.birth.is_open)

    @property
    def can_match_by_place(self) -> bool:
        """Say whether a name, birth date, gender and a whole postcode are given (pds.md 5.1)."""
        return bool(
            (self.family or self.given)
            and not self.birth.is_open
            and self.gender
            and self.postcode
            and WILDCARD not in self.postcode
        )


def read(asked: AdvancedTrace) -> AdvancedTrace:
    """Give the search as it is to be done; raise where it lacks what it needs, or is too wide."""
    tidy = replace(
        asked,
        family=tidied(asked.family or "") or None,
        given=tuple(filter(None, map(tidied, asked.given))),
        postcode=squeezed(asked.postcode or "") or None,
        lines=tuple(filter(None, map(tidied, asked.lines))),
    )
    if tidy.search is Search.ALPHANUMERIC:
        tidy = _as_patterns(tidy)
    if tidy.search is Search.ALPHANUMERIC:
        if tidy.family is None or tidy.birth.is_open:
            raise DetailsMissing("family name and date of birth")
    elif not (tidy.can_match_by_sound or tidy.can_match_by_place):
        raise DetailsMissing("two of family name, given name and postcode, and date of birth")
    return tidy


def tidied(name: str) -> str:
    """Give a name as names are compared: case and runs of spaces do not count."""
    return " ".join(name.upper().split())


def _as_patterns(asked: AdvancedTrace) -> AdvancedTrace:
    """Give an alphanumeric search with punctuation as wildcards, or as one by sound."""
    names = (*((asked.family,) if asked.family else ()), *asked.given)
    patterns = (*names, *((asked.postcode,) if asked.postcode else ()))
    if any(WILDCARD in pattern[:_FIXED] for pattern in patterns):
        raise PatternTooShort("a wildcard stands among the first two characters")
    if any(_is_punctuation(letter) for name in names for letter in name[:_FIXED]):
        return replace(asked, search=Search.ALGORITHMIC)
    return replace(
        asked,
        family=asked.family and _without_punctuation(asked.family),
        given=tuple(map(_without_punctuation, asked.given)),
    )


def _without_punctuation(name: str) -> str:
    return "".join([WILDCARD if _is_punctuation(letter) else letter for letter in name])


def _is_punctuation(letter: str) -> bool:
    return not (letter.isalnum() or letter in (" ", WILDCARD))
