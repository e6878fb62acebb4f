"""NHS numbers to give out: each writer owns ranges of its own, and no number is given twice.

A *range* is a thousand first-nine-digits that start at a round thousand. A writer (one life of one
process) claims it by a document that can be written once, and gives its numbers out of memory. What
it has not given when it ends is abandoned with it: a claim is never taken up again, not even by
the writer that wrote it. So nothing but the claim must be exclusive, and that it is on every store:
of two documents under one key one at most is kept (docs/decisions/0007, 0020).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Struct

from core.demographics.records import PATIENTS
from core.errors import Duplicate, NumbersExhausted, StoreError
from core.store.port import Bucket, Change, Document, Documents, Store
from core.values.identity import NhsNumber, check_digit

RANGE: Final = 1_000
"""Numbers in a range, some 91 of a hundred with a check digit. Claims of all releases and of all
configurations must agree on it: it may never change."""

MAX_CLAIMS: Final = 2_000
"""Ranges that others have and one request may look at: a cursor that was lost is passed so."""

MAX_TAKEN: Final = 5_000
"""Numbers that patients have already and one request may look at; the next one goes on there."""


class Span(Struct, frozen=True):
    """Numbers from one to another, both included, by their first nine digits."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """How a person writes it."""
        return f"{self.first:09d}-{self.last:09d}"

    @property
    def ranges(self) -> range:
        """The ranges that it touches, by number."""
        return range(self.first // RANGE, self.last // RANGE + 1)


Pool = tuple[Span, ...]

SYNTHETIC: Final[Pool] = (Span(999_000_000, 999_999_999),)
"""The numbers that no person is ever given, for tests."""


def pool_of(text: str) -> Pool:
    """Give the pool that spans with commas between them name; raise `ValueError` with the cure."""
    spans = tuple(_span(one.strip()) for one in text.split(","))
    for one, other in pairwise(sorted(spans, key=lambda span: span.first)):
        if other.first <= one.last:
            raise ValueError(f"{one.name} and {other.name} overlap: give each number once")
    return spans


def _span(text: str) -> Span:
    first, dash, last = text.partition("-")
    if not dash or not all(
        len(one) == 9 and one.isascii() and one.isdigit() for one in (first, last)
    ):
        raise ValueError(
            f"{text!r} is no span of numbers: write the first nine digits of the first and the "
            "last number, as 999000000-999999999"
        )
    if last < first:
        raise ValueError(f"{text} ends before it begins: write the lower number first")
    return Span(int(first), int(last))


class Claim(Struct, frozen=True):
    """Who has a range and since when; `claim` is of this one act, and of no other."""

    writer: str
    claim: str
    at: str


RANGES: Final = Documents("number-range")


class Reached(Struct, frozen=True):
    """The fact that ranges were claimed up to this one."""

    reached: int


def _highest(facts: Mapping[str, Reached]) -> Mapping[str, Reached]:
    key = max(facts, key=lambda one: facts[one].reached)
    return {key: facts[key]}


CURSORS: Final[Bucket[Reached, Reached]] = Bucket(
    name="number-cursor",
    fact=Reached,
    state=Reached,
    fold=lambda facts: max(facts.values(), key=lambda fact: fact.reached),
    whole=lambda fact: fact,
    keep=_highest,
)
"""How far each span is claimed, so that a free range is found without looking at those that are
not. It only saves looking: where it is behind, claims are refused until a free range is met."""


class Maker(Struct, frozen=True):
    """What a claim is made with: the time, and ids that nothing else has."""

    at: str
    new_id: Callable[[], str]


class Numbers:
    """What gives out numbers in one process; its threads share it."""

    def __init__(self, pool: Pool = SYNTHETIC, *, writer: str = "") -> None:
        self._pool = pool
        self._writer = writer
        self._one_at_a_time = threading.Lock()
        self._left: Iterator[NhsNumber] = iter(())

    def take(self, store: Store, maker: Maker) -> NhsNumber:
        """Give a number that nobody was given and no record stands under.

        Raises `NumbersExhausted` where the pool has none; `StoreError` where none was found in
        good time, and trying again goes on from there.
        """
        for _ in range(MAX_TAKEN):
            number = self._next(store, maker)
            if store.read(PATIENTS, number) is None:
                return number
        raise StoreError(
            f"the next {MAX_TAKEN} numbers of demographics.number_pool stand in the store already: "
            "the search goes on with the next request; name a span with free numbers"
        )

    def _next(self, store: Store, maker: Maker) -> NhsNumber:
        with self._one_at_a_time:
            number = next(self._left, None)
            while number is None:
                self._left = _numbers(self._claimed(store, maker))
                number = next(self._left, None)
            return number

    def _claimed(self, store: Store, maker: Maker) -> Span:
        """Give a range that is this process's from now on, as far as it is in the pool."""
        for span in self._pool:
            cursor = store.read(CURSORS, span.name)
            start = span.ranges.start if cursor is None else cursor.reached + 1
            number = self._first_free(range(start, span.ranges.stop), store, maker)
            if number is not None:
                store.update(CURSORS, span.name, _reaching(number))
                return Span(max(span.first, number * RANGE), min(span.last, number * RANGE + 999))
        raise NumbersExhausted(
            "no number is left: add a span to demographics.number_pool (facade/spine.toml)"
        )

    def _first_free(self, ranges: range, store: Store, maker: Maker) -> int | None:
        """Give the number of the first range that nobody else has; None where all have an owner."""
        number = ranges.start
        for _ in range(MAX_CLAIMS):
            if number >= ranges.stop:
                return None
            claim = Claim(self._writer, maker.new_id(), maker.at)
            try:
                store.write_once(RANGES, Document(f"{number:06d}", msgspec.json.encode(claim)))
            except Duplicate:
                number += 1 if store.document(RANGES, f"{number:06d}") else _aside(claim)
            else:
                return number
        raise StoreError(f"{MAX_CLAIMS} ranges of numbers in a row have an owner: try again")


def carry_over(source: Store, target: Store) -> int:
    """Claim in a store every range that is claimed in another, and give how many were not.

    The other is what stood in its place: numbers that were given there since are not given again.
    """
    carried = 0
    for key in source.keys(RANGES):
        value = source.document(RANGES, key)
        if value is not None and target.document(RANGES, key) is None:
            target.write_once(RANGES, Document(key, value))
            carried += 1
    for name in source.keys(CURSORS):
        cursor = source.read(CURSORS, name)
        if cursor is not None:
            target.update(CURSORS, name, _reaching(cursor.reached))
    return carried


def _reaching(number: int) -> Change[Reached, Reached]:
    return lambda _record: {f"{number:06d}": Reached(number)}


def _aside(claim: Claim) -> int:
    """Give how far to step from a range that two wanted and neither has.

    Two that step alike would meet again; what is stepped over is abandoned.
    """
    return 1 + hashlib.sha256(f"{claim.writer}|{claim.claim}".encode()).digest()[0] % 4


def _numbers(span: Span) -> Iterator[NhsNumber]:
    """Give the numbers of a span; first nine digits that no check digit fits are left out."""
    for nine in range(span.first, span.last + 1):
        digit = check_digit(f"{nine:09d}")
        if digit is not None:
            yield NhsNumber(f"{nine:09d}{digit}")
