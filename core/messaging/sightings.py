"""What was received before: ids that are answered once, within their time.

A sighting is a record under who sent the id and the id itself, so that every process knows of it,
and a restart too, and so that one read or write finds it however many there are. It stands until
its time; after that the id may be used again, and the record keeps the last use only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from core.errors import Duplicate
from core.messaging.keeping import iso
from core.store.port import Bucket, Record, Store, Update
from core.values.identity import PartyKey


class Sighted(Struct, frozen=True):
    """The fact that an id was used: when, and until when it may not be again."""

    at: str
    until: str


def _last(facts: Mapping[str, Sighted]) -> tuple[str, Sighted]:
    return max(facts.items(), key=lambda item: (item[1].until, item[1].at, item[0]))


def _keep_last(facts: Mapping[str, Sighted]) -> Mapping[str, Sighted]:
    key, sighted = _last(facts)
    return {key: sighted}


SIGHTINGS: Final[Bucket[Sighted, Sighted]] = Bucket(
    name="sighting",
    fact=Sighted,
    state=Sighted,
    fold=lambda facts: _last(facts)[1],
    whole=lambda fact: fact,
    keep=_keep_last,
)


class Once(Struct, frozen=True):
    """The ids of a request that is answered once, and until when: whose they are says `by`."""

    ids: tuple[str, ...]
    until: datetime


def require_new(store: Store, by: PartyKey, once: Once, now: datetime) -> None:
    """Return if none of the ids stands; raise `Duplicate` if one does."""
    for identifier in once.ids:
        standing = store.read(SIGHTINGS, _key(by, identifier))
        if standing is not None and standing.until > iso(now):
            raise Duplicate("it was received before")


def sighting(by: PartyKey, once: Once, now: datetime, use: str) -> Iterable[Update]:
    """Give the writes that sight the ids, which raise `Duplicate` where one stands by then.

    `use` is an id of this one use, so that two at once are two facts.
    """
    sighted = Sighted(iso(now), iso(once.until))

    def change(record: Record[Sighted, Sighted] | None) -> Mapping[str, Sighted]:
        if record is not None and use not in record.facts and record.state.until > sighted.at:
            raise Duplicate("it was received meanwhile")
        return {use: sighted}

    return [Update(SIGHTINGS, _key(by, one), change) for one in once.ids]


def _key(by: PartyKey, identifier: str) -> str:
    """Give a key of one length: callers choose the ids.

    128 bits of the digest tell all ids apart; the rest would make each write a fifth larger.
    """
    return hashlib.sha256(f"{by}|{identifier.upper()}".encode()).hexdigest()[:32]
