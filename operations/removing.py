"""Rows taken out of the table: found by their DN or key, refused while others need them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from adapters import sds
from core.directory import (
    CONTRACTS,
    ORGANISATIONS,
    PARTIES,
    SYSTEMS,
    Directory,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    contracts_of,
    key_of,
    parties_of,
)
from core.directory.finding import By, Kind, exactly, find
from core.store.port import Store
from legacy_contracts.sds import dn

_KINDS: Final = (
    (Kind.SYSTEM, By.KEY),
    (Kind.PARTY, By.KEY),
    (Kind.ORGANISATION, By.KEY),
    (Kind.CONTRACT, By.IDENTIFIER),
    (Kind.ROLE_PROFILE, By.KEY),
    (Kind.MEMBERSHIP, By.KEY),
    (Kind.PERSON, By.KEY),
)


def standing(store: Store, name: str) -> Row | None:
    """Give the row with a DN, or with a key; a contract's is `party|service:interaction`."""
    for bucket in (SYSTEMS, PARTIES, ORGANISATIONS, CONTRACTS):
        listed = store.read(bucket, name)
        if listed is not None and listed.row is not None:
            return listed.row
    try:
        parts = dn.parts_of(name) if "=" in name else ()
    except ValueError:
        parts = ()
    key = parts[0][1] if parts else name
    directory = Directory(store, time.monotonic)
    for kind, by in _KINDS:
        for shown in find(exactly(kind, by, key), store, directory).rows:
            if not parts or dn.same(sds.entry_of(shown).dn, name):
                return shown.row
    return None


def needed(store: Store, rows: Iterable[Row]) -> tuple[str, ...]:
    """Name what still needs a row that is to go, a fault each."""
    gone = tuple(rows)
    going = {(type(one), key_of(one)) for one in gone}
    return tuple(
        f"{key_of(row)} cannot be taken out while {_shown(other)} needs it: take that out first"
        for row in gone
        for other in _needing(store, row)
        if (type(other), key_of(other)) not in going
    )


def _shown(row: Row) -> str:
    return key_of(row)


def _needing(store: Store, row: Row) -> Iterator[Row]:
    directory = Directory(store, time.monotonic)
    if isinstance(row, Party):
        found = find(exactly(Kind.SYSTEM, By.PARTY, row.party_key), store, directory)
        yield from (one.row for one in found.rows)
        yield from contracts_of(store, row.party_key)
    elif isinstance(row, Organisation):
        parties = (directory.party(key) for key in parties_of(store, row.ods_code))
        yield from (one for one in parties if one is not None and not one.derived)
    elif isinstance(row, Person):
        for kind in (Kind.MEMBERSHIP, Kind.ROLE_PROFILE):
            found = find(exactly(kind, By.USER, row.user), store, directory)
            yield from (one.row for one in found.rows)
    elif isinstance(row, Membership):
        found = find(exactly(Kind.ROLE_PROFILE, By.USER, row.user), store, directory)
        yield from (
            one.row
            for one in found.rows
            if isinstance(one.row, RoleProfile) and one.row.membership == row.identifier
        )
    elif isinstance(row, System):
        return
