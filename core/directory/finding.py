"""What clients of the directory ask: rows of one kind, by an index, page by page, never a scan.

An index names every way in that some client needs. What none of them serves can be had by `KEY`
from end to end, a page at a time; whoever offers that to others sets the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, TypeGuard

from msgspec import Struct

from core.directory.kept import (
    CONTRACTS,
    ENTRIES,
    IDENTIFIERS,
    KEYS,
    MEMBERSHIPS,
    NAMES,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    PLACES,
    ROLE_PROFILES,
    RUNNERS,
    SERVICES,
    SYSTEMS,
    UNPLACED,
    USERS,
    Listed,
    folded,
)
from core.directory.reading import Directory
from core.directory.rows import ContractProperties, Party, Row, System
from core.store.port import Bucket, Page, Span, Store
from core.values.identity import PartyKey

LAST: Final = "\U0010ffff"
"""After every term: the end of an open range, and of a prefix's."""
MOST: Final = 1000
"""How many rows one page has at most."""


class Kind(StrEnum):
    """A kind of row that clients are shown."""

    ORGANISATION = "organisation"
    PERSON = "person"
    MEMBERSHIP = "membership"
    ROLE_PROFILE = "role profile"
    PARTY = "party"
    SYSTEM = "system"
    CONTRACT = "contract"


class By(StrEnum):
    """An index of a kind; `INDEXES` tells which kind has which."""

    KEY = "key"
    """A row's own: code, user id, ASID, party key; a contract's is `party|service:interaction`."""
    IDENTIFIER = "identifier"
    """A contract's own identifier."""
    ORGANISATION = "organisation"
    """The ODS code that a row is for; of systems and contracts one code at a time."""
    PARTY = "party"
    """The party key of a system or a contract."""
    INTERACTION = "interaction"
    """`service:interaction` of a system or a contract."""
    NAME = "name"
    """The name of an organisation, a person, a system."""
    USER = "user"
    """The user's id of a membership or a role profile."""


BUCKETS: Final = {
    Kind.ORGANISATION: ORGANISATIONS,
    Kind.PERSON: PEOPLE,
    Kind.MEMBERSHIP: MEMBERSHIPS,
    Kind.ROLE_PROFILE: ROLE_PROFILES,
    Kind.PARTY: PARTIES,
    Kind.SYSTEM: SYSTEMS,
    Kind.CONTRACT: CONTRACTS,
}

INDEXES: Final = {
    Kind.ORGANISATION: {By.KEY: KEYS, By.NAME: NAMES},
    Kind.PERSON: {By.KEY: KEYS, By.NAME: NAMES},
    Kind.MEMBERSHIP: {By.KEY: KEYS, By.USER: USERS, By.ORGANISATION: PLACES},
    Kind.ROLE_PROFILE: {By.KEY: KEYS, By.USER: USERS, By.ORGANISATION: PLACES},
    Kind.PARTY: {By.KEY: ENTRIES, By.ORGANISATION: PLACES},
    Kind.SYSTEM: {
        By.KEY: KEYS,
        By.PARTY: RUNNERS,
        By.ORGANISATION: PLACES,
        By.INTERACTION: SERVICES,
        By.NAME: NAMES,
    },
    Kind.CONTRACT: {
        By.KEY: KEYS,
        By.IDENTIFIER: IDENTIFIERS,
        By.PARTY: KEYS,
        By.ORGANISATION: PLACES,
        By.INTERACTION: SERVICES,
    },
}
"""The indexes of each kind, as the store names them."""


class FindEntries(Struct, frozen=True):
    """Find rows of a kind whose term in an index lies from `first` to `last`, both included.

    Terms are compared without case. A `last` of `first + LAST` is a prefix; "" to `LAST` is all.
    `after` is what an earlier answer gave to go on from.
    """

    kind: Kind
    by: By
    first: str
    last: str
    limit: int = MOST
    after: str | None = None


class Shown(Struct, frozen=True):
    """A row as clients see it: what it leaves to its party (organisation, endpoint) beside it."""

    row: Row
    party: Party | None = None


class Found(Struct, frozen=True):
    """Rows, each once, and what to ask the next ones with; None at the end."""

    rows: tuple[Shown, ...]
    after: str | None = None


def exactly(kind: Kind, by: By, term: str, *, limit: int = MOST) -> FindEntries:
    """Give what finds the rows with one term."""
    return FindEntries(kind, by, term, term, limit)


def starting(kind: Kind, by: By, start: str, *, limit: int = MOST) -> FindEntries:
    """Give what finds the rows whose term begins so; all of a kind by `KEY` and ""."""
    return FindEntries(kind, by, start, start + LAST, limit)


def find(command: FindEntries, store: Store, directory: Directory) -> Found:
    """Give a page of rows; a range that a kind has no index for is a `ValueError`."""
    spans = _spans(command, store)
    limit = max(1, min(command.limit, MOST))
    keys, after = _keys(BUCKETS[command.kind], spans, (limit, command.after), store)
    listed = (store.read(BUCKETS[command.kind], key) for key in dict.fromkeys(keys))
    rows = (one.row for one in listed if one is not None)
    return Found(tuple(_shown(row, directory) for row in rows if _is_entry(row)), after)


def _is_entry(row: Row | None) -> TypeGuard[Row]:
    """Say whether clients are shown a row: one that was taken out, or is derived, is none."""
    return row is not None and not (isinstance(row, Party) and row.derived)


def _spans(command: FindEntries, store: Store) -> tuple[Span, ...]:
    """Give the spans of the store's indexes that an answer lies in."""
    index = INDEXES[command.kind].get(command.by)
    if index is None:
        raise ValueError(f"a {command.kind} is not found by {command.by}")
    first, last = folded(command.first), folded(command.last)
    if command.kind is Kind.CONTRACT and command.by is By.PARTY:
        # A contract's key begins with its party.
        first, last = f"{first}|", f"{last}|{LAST}"
    own = Span(index, first, last)
    if index != PLACES or command.kind not in (Kind.SYSTEM, Kind.CONTRACT):
        return (own,)
    if first != last:
        raise ValueError(f"a {command.kind} is found by one organisation at a time")
    return (own, *(Span(UNPLACED, key, key) for key in _parties(store, first)))


def _parties(store: Store, code: str) -> Iterator[str]:
    """Give the folded keys of an organisation's parties."""
    page: Page | None = None
    while page is None or page.after is not None:
        page = store.find(
            PARTIES, Span(PLACES, code, code), limit=MOST, after=page.after if page else None
        )
        yield from (folded(key) for _, key in page.entries)


def _keys(
    bucket: Bucket[Listed, Listed],
    spans: tuple[Span, ...],
    bounds: tuple[int, str | None],
    store: Store,
) -> tuple[list[str], str | None]:
    """Give keys of the spans, one span after the other, and where to go on."""
    limit, after = bounds
    at, rest = _place(after)
    found: list[str] = []
    while at < len(spans) and len(found) < limit:
        page = store.find(bucket, spans[at], limit=limit - len(found), after=rest)
        found += (key for _, key in page.entries)
        at, rest = (at, page.after) if page.after is not None else (at + 1, None)
    return found, f"{at} {rest or ''}" if at < len(spans) else None


def _place(after: str | None) -> tuple[int, str | None]:
    """Give the span and the store's own mark that an answer went as far as."""
    if after is None:
        return 0, None
    at, _, rest = after.partition(" ")
    if not (at.isascii() and at.isdigit()):
        raise ValueError("what to go on from is no mark of an earlier answer")
    return int(at), rest or None


def _shown(row: Row, directory: Directory) -> Shown:
    """Give a row with its party, where it may leave something to it."""
    if isinstance(row, System | ContractProperties):
        return Shown(row, directory.party(PartyKey(row.party_key)))
    return Shown(row)


Finding = Callable[[FindEntries], Found]
"""What gives whoever searches the rows: `Core.perform` with the caller in it."""


def everything(kind: Kind, finding: Finding) -> Iterator[Shown]:
    """Give every row of a kind in the order of its keys, page by page."""
    found = finding(starting(kind, By.KEY, ""))
    yield from found.rows
    while found.after is not None:
        found = finding(FindEntries(kind, By.KEY, "", LAST, MOST, found.after))
        yield from found.rows


def in_order(store: Store, bucket: Bucket[Listed, Listed], after: str = "") -> Iterator[Row]:
    """Give every row of a kind, derived parties too, in the order of keys, after one of them."""
    start = folded(after)
    mark: str | None = None
    while True:
        page = store.find(bucket, Span(KEYS, start, LAST), limit=MOST, after=mark)
        listed = (
            store.read(bucket, key) for term, key in page.entries if term > start or not start
        )
        yield from (one.row for one in listed if one is not None and one.row is not None)
        if page.after is None:
            return
        mark = page.after
