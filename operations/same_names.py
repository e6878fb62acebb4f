"""Entries that clients could not tell apart: two keys of the table that are one name to them.

Names have no case, and a contract is named by its identifier while its key says what it is for. An
entry is known by its name: a contract that is imported again for another party or interaction is
the same entry still, so what the table said of it before goes. What differs from another entry by
case alone is a slip, and a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from adapters import sds
from core.directory import (
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    identifier_of,
    key_of,
)
from core.directory.finding import BUCKETS, INDEXES, LAST, MOST, By, Kind, Shown
from core.directory.kept import folded
from core.store.port import Span, Store

_KINDS: Final[dict[type, Kind]] = {
    Organisation: Kind.ORGANISATION,
    Person: Kind.PERSON,
    Membership: Kind.MEMBERSHIP,
    RoleProfile: Kind.ROLE_PROFILE,
    Party: Kind.PARTY,
    System: Kind.SYSTEM,
    ContractProperties: Kind.CONTRACT,
}

Place = tuple[type, str]
"""The type of a row, and its key."""


class Namesakes(Struct, frozen=True):
    """The contracts of the store that a file replaces, and the rows of the file that clash."""

    replaced: dict[Place, ContractProperties] = field(default_factory=dict)
    faults: list[tuple[Row, str]] = field(default_factory=list)


def place_of(row: Row) -> Place:
    """Give the type of a row, and its key."""
    return type(row), key_of(row)


def in_store(rows: Iterable[Row], store: Store, leaves: Callable[[Row], bool]) -> Namesakes:
    """Give what the store has under the names of rows of a file, but for what is leaving anyway."""
    found = Namesakes()
    for row, other in pairs(rows, store):
        if leaves(other):
            continue
        if isinstance(other, ContractProperties):
            found.replaced[place_of(other)] = other
        else:
            cure = "write it as that is written, or remove that first"
            what = f"{_KINDS[type(row)]} {key_of(row)} is {key_of(other)} in the store"
            found.faults.append((row, f"{what}, since names have no case: {cure}"))
    return found


def pairs(rows: Iterable[Row], store: Store) -> Iterator[tuple[Row, Row]]:
    """Give rows whose name another row of the store has, each with that one."""
    empty = {row_type for row_type, kind in _KINDS.items() if _is_empty(store, kind)}
    for row in rows:
        if type(row) in empty or _is_nameless(row):
            continue
        kind = _KINDS[type(row)]
        name = identifier_of(row) if isinstance(row, ContractProperties) else key_of(row)
        span = Span(_index(kind), folded(name), folded(name))
        for _, key in store.find(BUCKETS[kind], span, limit=MOST).entries:
            listed = store.read(BUCKETS[kind], key) if key != key_of(row) else None
            if listed is not None and listed.row is not None:
                yield row, listed.row


def _is_empty(store: Store, kind: Kind) -> bool:
    return not store.find(BUCKETS[kind], Span(_index(kind), "", LAST), limit=1).entries


def _index(kind: Kind) -> str:
    return INDEXES[kind][By.IDENTIFIER if kind is Kind.CONTRACT else By.KEY]


def _is_nameless(row: Row) -> bool:
    """Say whether clients are shown no entry of a row."""
    return isinstance(row, Party) and row.derived


def in_file(rows: Iterable[Row]) -> Iterator[str]:
    """Name the rows of one file that have one name."""
    known: dict[str, Row] = {}
    for row in rows:
        if _is_nameless(row):
            continue
        dn = sds.entry_of(Shown(row)).dn
        other = known.setdefault(" ".join(dn.split()).casefold(), row)
        if place_of(other) != place_of(row):
            yield f"{key_of(other)} and {key_of(row)} are one name, {dn}: leave one, or rename it"
