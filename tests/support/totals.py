"""A kind of record and a kind of document for the tests of the store."""

from __future__ import annotations

from msgspec import Struct

from core.errors import Duplicate
from core.store.port import Bucket, Change, Record


class Counted(Struct, frozen=True):
    """A fact: an amount."""

    amount: int


class Total(Struct, frozen=True):
    """What such facts fold to; `first` is the fact whose message id comes first."""

    amount: int
    facts: int
    first: str


def totals_named(name: str) -> Bucket[Total, Counted]:
    """Give a kind of record under a name of its own, indexed by its amount."""
    return Bucket(
        name=name,
        fact=Counted,
        state=Total,
        fold=lambda facts: Total(sum(f.amount for f in facts.values()), len(facts), min(facts)),
        terms=lambda total: {"amount_bin": (f"{total.amount:06d}",)},
    )


def add(message_id: str, amount: int = 1) -> Change[Total, Counted]:
    """Give a change that adds an amount."""
    return lambda _record: {message_id: Counted(amount)}


def claim(message_id: str) -> Change[Total, Counted]:
    """Give a change that refuses where another fact stands already."""

    def change(record: Record[Total, Counted] | None) -> dict[str, Counted]:
        if record is not None and message_id not in record.facts:
            raise Duplicate("claimed")
        return {message_id: Counted(1)}

    return change
