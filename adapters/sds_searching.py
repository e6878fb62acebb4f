"""Searches of the directory: from a base and a filter to entries, by the store's indexes.

A search is a plan (ranges of indexes) that is walked step by step: each candidate is a step, and
each step tells where to go on, so that whoever walks may stop for a limit, and come back later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from adapters import sds
from adapters.sds_planning import EVERYTHING, KINDS, Range, Ranges, cost, ranges
from core.directory import Party
from core.directory.finding import By, FindEntries, Found, Kind
from core.directory.rows import Row
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.filters import Filter, Or, matches
from legacy_contracts.sds.ldap_codes import Refused, Result, Scope
from legacy_contracts.sds.ldap_names import Name, read_name

Finding = Callable[[FindEntries], Found]
"""What finds rows: the core, with who asks."""

PAGE: Final = 200
"""How many candidates are read at once."""

_ROOT: Final = read_name(sds.ROOT)
_PEOPLE: Final = read_name(sds.PEOPLE)
_SERVICES: Final = read_name(sds.SERVICES)
_ORGANISATIONS: Final = read_name(sds.ORGANISATIONS)
_PARTIES: Final = read_name(sds.PARTIES)
_CONTAINERS: Final = {read_name(one.dn): one for one in sds.CONTAINERS}

_STANDING: Final = {
    Kind.SYSTEM: _SERVICES,
    Kind.CONTRACT: _SERVICES,
    Kind.PARTY: _PARTIES,
    Kind.ORGANISATION: _ORGANISATIONS,
    Kind.PERSON: _PEOPLE,
    Kind.MEMBERSHIP: _PEOPLE,
    Kind.ROLE_PROFILE: _PEOPLE,
}
"""Where entries of each kind stand; those of people's at any depth below."""
_BELOW_PEOPLE: Final = (Kind.MEMBERSHIP, Kind.ROLE_PROFILE)

_NAMED: Final = (
    (_SERVICES, ("uniqueidentifier",), Kind.SYSTEM, By.KEY),
    (_SERVICES, ("uniqueidentifier",), Kind.CONTRACT, By.IDENTIFIER),
    (_ORGANISATIONS, ("uniqueidentifier",), Kind.ORGANISATION, By.KEY),
    (_PARTIES, ("nhsmhspartykey",), Kind.PARTY, By.KEY),
    (_PEOPLE, ("uid",), Kind.PERSON, By.KEY),
    (_PEOPLE, ("uniqueidentifier", "uid"), Kind.MEMBERSHIP, By.KEY),
    (_PEOPLE, ("uniqueidentifier", "uid"), Kind.ROLE_PROFILE, By.KEY),
    (_PEOPLE, ("uniqueidentifier", "uniqueidentifier", "uid"), Kind.ROLE_PROFILE, By.KEY),
)
"""What the parts of a name below a container are called, and where such an entry is found."""


class Query(Struct, frozen=True):
    """What is looked for: a filter, from a base, so far."""

    base: Name
    scope: Scope
    filter: Filter


class Mark(Struct, frozen=True):
    """Where to go on: the place in the plan, the store's own mark, the candidates after it."""

    place: int = 0
    after: str | None = None
    passed: int = 0


START: Final = Mark()


class Step(Struct, frozen=True):
    """A candidate that was looked at: the entry where it is one that was looked for."""

    entry: Entry | None
    mark: Mark


class Plan(Struct, frozen=True):
    """How a search is walked: entries that are known already, then ranges."""

    query: Query
    known: tuple[Entry, ...]
    ranges: Ranges

    @property
    def is_indexed(self) -> bool:
        """Say whether an index serves all of it."""
        return not any(one.is_everything for one in self.ranges)


def entry_named(name: Name, finding: Finding) -> Entry | None:
    """Give the entry that has a name, or None."""
    if name in _CONTAINERS:
        return _CONTAINERS[name]
    for container, parts, kind, by in _NAMED:
        depth = len(parts)
        told = name.parts[:depth]
        if name.parts[depth:] != container.parts or not _is_called(told, parts):
            continue
        found = finding(FindEntries(kind, by, told[0][0][1], told[0][0][1]))
        for shown in found.rows:
            entry = sds.entry_of(shown)
            if read_name(entry.dn) == name:
                return entry
    return None


def _is_called(told: tuple[tuple[tuple[str, str], ...], ...], parts: tuple[str, ...]) -> bool:
    return tuple(tuple(attribute for attribute, _ in part) for part in told) == tuple(
        (one,) for one in parts
    )


def plan(query: Query, finding: Finding) -> Plan:
    """Give how a search is walked; raise `Refused` (32) where its base is no entry.

    It then names the nearest entry above that there is.
    """
    base = entry_named(query.base, finding)
    if base is None:
        raise _no_such_object(query.base, finding)
    if query.scope is Scope.BASE:
        return Plan(query, (base,), ())
    known = tuple(entry for name, entry in _CONTAINERS.items() if is_in(name, query))
    if query.scope is Scope.SUB and query.base not in _CONTAINERS:
        known = (base, *known)
    found = tuple(one for kind in KINDS for one in _ranges(query, kind))
    return Plan(query, known, tuple(sorted(found, key=lambda one: cost((one,)))))


def _no_such_object(name: Name, finding: Finding) -> Refused:
    above = name.parent
    while above.parts:
        entry = entry_named(above, finding)
        if entry is not None:
            return Refused(Result.NO_SUCH_OBJECT, "no such entry", entry.dn)
        above = above.parent
    return Refused(Result.NO_SUCH_OBJECT, "no such entry")


def is_in(name: Name, query: Query) -> bool:
    """Say whether an entry of this name lies as far from the base as the search goes."""
    if query.scope is Scope.BASE:
        return name == query.base
    if query.scope is Scope.ONE:
        return bool(name.parts) and name.parent == query.base
    return name.is_under(query.base)


def _ranges(query: Query, kind: Kind) -> Ranges:
    """Give the ranges of a kind, where it has entries below the base at all."""
    standing = _STANDING[kind]
    below = query.base.parts
    if query.scope is Scope.ONE and query.base == _ROOT:
        return ()
    if standing.is_under(query.base):
        nested = query.scope is Scope.ONE and kind in _BELOW_PEOPLE
        return () if nested else ranges(query.filter, kind)
    if kind in _BELOW_PEOPLE and query.base.is_under(_PEOPLE):
        user = below[-len(_PEOPLE.parts) - 1][0][1]
        return _of_user(query.filter, kind, user)
    return ()


def _of_user(term: Filter, kind: Kind, user: str) -> Ranges:
    """Give the ranges of what stands below a person: all of it, where the filter tells no key."""
    own = (Range(kind, By.USER, user, user, EVERYTHING),)
    return min(ranges(term, kind), own, key=cost)


def steps(walked: Plan, finding: Finding, start: Mark = START) -> Iterator[Step]:
    """Give every candidate of a plan in order, from where an earlier walk of it ended."""
    query = walked.query
    if start.place == 0:
        for count, entry in enumerate(walked.known[start.passed :], start.passed + 1):
            fits = matches(query.filter, entry) is True
            yield Step(entry if fits else None, Mark(0, None, count))
        start = Mark(1)
    for place in range(start.place, len(walked.ranges) + 1):
        yield from _walk(walked, place, finding, start)
        start = Mark(place + 1)


def _walk(walked: Plan, place: int, finding: Finding, start: Mark) -> Iterator[Step]:
    one = walked.ranges[place - 1]
    # Each entry is given by the first range whose term is true of it, so none is given twice.
    before = Or(tuple(other.term for other in walked.ranges[: place - 1] if other.kind is one.kind))
    after, passed = start.after, start.passed
    while True:
        found = finding(FindEntries(one.kind, one.by, one.first, one.last, PAGE, after))
        for count, shown in enumerate(found.rows[passed:], passed + 1):
            entry = sds.entry_of(shown)
            fits = (
                _is_listed(shown.row)
                and matches(walked.query.filter, entry) is True
                and _is_reached(entry, one.kind, walked.query)
                and matches(one.term, entry) is True
                and not matches(before, entry)
            )
            yield Step(entry if fits else None, Mark(place, after, count))
        if found.after is None:
            return
        after, passed = found.after, 0


def _is_listed(row: Row) -> bool:
    """Say whether a row has an entry: a party that others only name has none."""
    return not (isinstance(row, Party) and row.derived)


def _is_reached(entry: Entry, kind: Kind, query: Query) -> bool:
    """Say whether an entry lies in the search; of most kinds all do, where the kind does."""
    if query.scope is Scope.SUB and _STANDING[kind].is_under(query.base):
        return True
    name = read_name(entry.dn)
    # The base itself is known already.
    return name != query.base and is_in(name, query)
