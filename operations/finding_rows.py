"""Which entries of the directory a person asked for, and the shortest way to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import ClassVar, Final

from msgspec import Struct

from core.directory import (
    ContractProperties,
    Directory,
    Party,
    Row,
    System,
    key_of,
)
from core.directory.finding import (
    BUCKETS,
    LAST,
    By,
    FindEntries,
    Found,
    Kind,
    find,
    in_order,
)
from core.store.port import Store

_SHORT: Final = (Kind.ORGANISATION, Kind.PERSON, Kind.SYSTEM)


class Wanted(Struct, frozen=True):
    """What a person asked for; nothing at all means everything, by party."""

    KINDS: ClassVar = {one.value.replace(" ", "-"): one for one in Kind}

    kind: str | None = None
    organisation: str | None = None
    party: str | None = None
    interaction: str | None = None
    name: str | None = None
    after: str | None = None
    limit: int | None = None

    @property
    def is_everything(self) -> bool:
        """Say whether nothing in particular was asked for."""
        return self == Wanted()

    def fault(self) -> str:
        """Say what cannot be asked for, nothing where all can."""
        if self.interaction is not None and ":" not in self.interaction:
            return (
                f"--interaction {self.interaction} is not in full: write it as service:interaction"
            )
        if self.after is not None and self.kind is None:
            return "--after goes on within one kind: say --kind too"
        if not self.kinds:
            which = "" if self.kind is None else f" of --kind {self.kind}"
            return f"no entry{which} has all that was asked for: leave a filter out"
        return ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that have what is asked for."""
        kinds = tuple(Kind) if self.kind is None else (self.KINDS[self.kind],)
        return tuple(one for one in kinds if all(one in _HAVE[by] for by, _ in self._asked()))

    def _asked(self) -> list[tuple[By, str]]:
        """Give the filters that were said, the one that finds least first."""
        filters = (
            (By.PARTY, self.party),
            (By.ORGANISATION, self.organisation),
            (By.INTERACTION, self.interaction),
            (By.NAME, self.name),
        )
        return [(by, value) for by, value in filters if value is not None]

    def rows(self, store: Store) -> Iterator[Row]:
        """Give the rows that were asked for, one after the other."""
        found = (row for kind in self.kinds for row in self._of_kind(store, kind))
        return islice(found, self.limit)

    def _of_kind(self, store: Store, kind: Kind) -> Iterator[Row]:
        asked = self._asked()
        if not asked:
            yield from in_order(store, BUCKETS[kind], self.after or "")
            return
        directory = Directory(store, time.monotonic)
        by, value = asked[0]
        rows = _found(store, directory, FindEntries(kind, by, value, _end(by, value)))
        if self.after is not None:
            rows = islice(dropwhile(lambda row: key_of(row) != self.after, rows), 1, None)
        yield from (
            row for row in rows if all(_has(row, one, text, directory) for one, text in asked[1:])
        )


_HAVE: Final = {
    By.PARTY: (Kind.SYSTEM, Kind.CONTRACT),
    By.ORGANISATION: (
        *(Kind.PARTY, Kind.SYSTEM, Kind.CONTRACT, Kind.MEMBERSHIP, Kind.ROLE_PROFILE),
    ),
    By.INTERACTION: (Kind.SYSTEM, Kind.CONTRACT),
    By.NAME: _SHORT,
}


def _end(by: By, value: str) -> str:
    return value + LAST if by is By.NAME else value


def _found(store: Store, directory: Directory, command: FindEntries) -> Iterator[Row]:
    after: str | None = None
    while True:
        page: Found = find(
            FindEntries(command.kind, command.by, command.first, command.last, after=after),
            store,
            directory,
        )
        yield from (one.row for one in page.rows)
        if page.after is None:
            return
        after = page.after


def _has(row: Row, by: By, value: str, directory: Directory) -> bool:
    """Say whether a row has what a filter says."""
    value = value.casefold()
    if by is By.NAME:
        return str(getattr(row, "name", "")).casefold().startswith(value)
    if by is By.INTERACTION:
        full = (
            (f"{row.service}:{row.interaction}",)
            if isinstance(row, ContractProperties)
            else getattr(row, "interactions", ())
        )
        return value in {one.casefold() for one in full}
    code = str(getattr(row, "organisation", ""))
    if not code and isinstance(row, System | ContractProperties):
        party: Party | None = directory.party(row.party_key)
        code = party.organisation if party else ""
    return code.casefold() == value
