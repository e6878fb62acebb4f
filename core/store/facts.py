"""How facts become a record: union, then fold. Commutative, associative, idempotent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from core.store.port import Bucket, Change, Record

S = TypeVar("S")
F = TypeVar("F")


def union(copies: Iterable[Record[S, F]]) -> dict[str, F]:
    """Give the facts of all copies; a message id stands for one fact.

    Should two copies hold different ones under an id, all orders of merging choose the same.
    """
    facts: dict[str, F] = {}
    for copy in copies:
        for key, fact in copy.facts.items():
            known = facts.setdefault(key, fact)
            if known != fact:
                facts[key] = max(known, fact, key=repr)
    return dict(sorted(facts.items()))


def merge(bucket: Bucket[S, F], copies: list[Record[S, F]]) -> Record[S, F] | None:
    """Give the one record that copies grown apart amount to, or None where there is none."""
    if not copies:
        return None
    if len(copies) == 1:
        return copies[0]
    return folded(bucket, union(copies))


def folded(bucket: Bucket[S, F], facts: Mapping[str, F]) -> Record[S, F]:
    """Give the record that the facts amount to."""
    ordered = dict(sorted(bucket.keep(facts).items()))
    return Record(facts=ordered, state=bucket.fold(ordered))


def changed(
    bucket: Bucket[S, F], record: Record[S, F] | None, change: Change[S, F]
) -> Record[S, F] | None:
    """Give the record after a change, or None where the change adds nothing new."""
    known = record.facts if record else {}
    added = {key: fact for key, fact in change(record).items() if key not in known}
    if not added:
        return None
    return folded(bucket, {**known, **added})
