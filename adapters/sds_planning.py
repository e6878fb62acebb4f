"""Which rows can be what a filter looks for: ranges of the store's indexes, for each kind of row.

A range tells the term of the filter that it stands for. Rows of a range are candidates: whoever
walks it still asks the term, and the whole filter. So a plan may find too much, and never too
little. What no index serves is a walk over everything of its kind, which others limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from core.directory.finding import LAST, By, Kind
from legacy_contracts.sds import filters, matching, schema
from legacy_contracts.sds.filters import (
    And,
    Approx,
    AtLeast,
    AtMost,
    Equality,
    Filter,
    Or,
    Present,
    Substrings,
)

EVERYTHING: Final = And(())
"""True of every entry."""


class Range(Struct, frozen=True):
    """Rows of a kind whose term lies from `first` to `last`, as candidates of a `term`."""

    kind: Kind
    by: By
    first: str
    last: str
    term: Filter

    @property
    def is_everything(self) -> bool:
        """Say whether this is every row of its kind: a walk, served by no index."""
        return self.by is By.KEY and self.first == "" and self.last == LAST


Ranges = tuple[Range, ...]


class KindOfEntry(Struct, frozen=True):
    """What entries of a kind are: the classes they may have, the attributes that have indexes."""

    classes: tuple[str, ...]
    indexes: tuple[tuple[str, By], ...]


KINDS: Final = {
    Kind.SYSTEM: KindOfEntry(
        ("nhsAs",),
        (
            ("uniqueIdentifier", By.KEY),
            ("nhsIDCode", By.ORGANISATION),
            ("nhsMHSPartyKey", By.PARTY),
            ("nhsAsSvcIA", By.INTERACTION),
            ("description", By.NAME),
        ),
    ),
    Kind.CONTRACT: KindOfEntry(
        ("nhsMhs",),
        (
            ("uniqueIdentifier", By.IDENTIFIER),
            ("nhsMHSPartyKey", By.PARTY),
            ("nhsIDCode", By.ORGANISATION),
            ("nhsMhsSvcIA", By.INTERACTION),
        ),
    ),
    Kind.PARTY: KindOfEntry(
        ("spineParty",), (("nhsMHSPartyKey", By.KEY), ("nhsIDCode", By.ORGANISATION))
    ),
    Kind.ORGANISATION: KindOfEntry(
        ("nhsOrg", "nhsSite", "nhsDept", "nhsGPPractice"),
        (("uniqueIdentifier", By.KEY), ("nhsIDCode", By.KEY), ("o", By.NAME), ("ou", By.NAME)),
    ),
    Kind.PERSON: KindOfEntry(("nhsPerson",), (("uid", By.KEY), ("cn", By.NAME))),
    Kind.MEMBERSHIP: KindOfEntry(
        ("nhsOrgPerson",),
        (("uniqueIdentifier", By.KEY), ("uid", By.USER), ("nhsIDCode", By.ORGANISATION)),
    ),
    Kind.ROLE_PROFILE: KindOfEntry(
        ("nhsOrgPersonRole",), (("uniqueIdentifier", By.KEY), ("nhsIDCode", By.ORGANISATION))
    ),
}
"""The kinds of rows that have entries, those that clients ask for first."""

_RANKS: Final = {
    By.KEY: 0,
    By.IDENTIFIER: 0,
    By.USER: 1,
    By.PARTY: 2,
    By.ORGANISATION: 2,
    By.NAME: 3,
    By.INTERACTION: 4,
}
"""How few rows a term of an index leads to, fewest first."""
_WALK: Final = 1000

_ALLOWED: Final = {
    kind: schema.bounds(told.classes)[1] | {"objectclass"} for kind, told in KINDS.items()
}
_CLASSES: Final = {
    kind: frozenset(above for name in told.classes for above in matching.classes_over(name))
    for kind, told in KINDS.items()
}
_INDEXES: Final = {
    kind: {name.lower(): by for name, by in told.indexes} for kind, told in KINDS.items()
}
_PREFIXED: Final = frozenset({By.KEY, By.NAME, By.USER})


def walk(kind: Kind) -> Range:
    """Give the range of everything of a kind."""
    return Range(kind, By.KEY, "", LAST, EVERYTHING)


def ranges(term: Filter, kind: Kind) -> Ranges:
    """Give ranges that hold every row of a kind that a filter may be true of; none: it never is."""
    return _PLANS[type(term)](term, kind)


def cost(found: Ranges) -> int:
    """Give what a plan costs, for comparing: a walk most, a key least, nothing nothing."""
    return sum(_WALK if one.is_everything else 1 + _RANKS[one.by] for one in found)


def _narrowest(term: And, kind: Kind) -> Ranges:
    plans = [ranges(one, kind) for one in term.terms]
    agreed = _agreed(term.terms) if kind is Kind.CONTRACT and all(plans) else ()
    return min((*plans, agreed or (walk(kind),)), key=cost)


def _agreed(terms: tuple[Filter, ...]) -> Ranges:
    """Give the one contract that a party has for an interaction, where a filter names both."""
    asked = {
        known.name: text
        for one in terms
        if isinstance(one, Equality)
        and (known := matching.attribute_of(one.attribute)) is not None
        and (text := _text(one.value)) is not None
    }
    party, interaction = asked.get("nhsMHSPartyKey"), asked.get("nhsMhsSvcIA")
    if party is None or interaction is None:
        return ()
    key = f"{party.strip()}|{interaction.strip()}"
    return (Range(Kind.CONTRACT, By.KEY, key, key, And(terms)),)


def _together(term: Or, kind: Kind) -> Ranges:
    found = tuple(one for each in term.terms for one in ranges(each, kind))
    return (walk(kind),) if any(one.is_everything for one in found) else found


def _equal(term: Equality | Approx, kind: Kind) -> Ranges:
    known = matching.attribute_of(term.attribute)
    text = _text(term.value)
    if known is None or text is None or not _may_have(term.attribute, kind):
        return ()
    if known.name == "objectClass":
        asked = matching.class_named(text)
        return (walk(kind),) if asked in _CLASSES[kind] else ()
    rules = matching.rules_of(term.attribute)
    if rules is None or rules.equality is None:
        return ()
    by = _INDEXES[kind].get(known.name.lower())
    return (Range(kind, by, text, text, term),) if by is not None else (walk(kind),)


def _starting(term: Substrings, kind: Kind) -> Ranges:
    known = matching.attribute_of(term.attribute)
    rules = matching.rules_of(term.attribute)
    if known is None or rules is None or rules.substrings is None:
        return ()
    if not _may_have(term.attribute, kind):
        return ()
    by = _INDEXES[kind].get(known.name.lower())
    text = _text(term.initial or b"")
    if by not in _PREFIXED or not text or not text.strip():
        return (walk(kind),)
    return (Range(kind, by, text, text + LAST, term),)


def _may_have(attribute: str, kind: Kind) -> bool:
    """Say whether an entry of the kind may have an attribute, or one that is a kind of it."""
    return not matching.spelt(attribute).isdisjoint(_ALLOWED[kind])


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _present(term: Present, kind: Kind) -> Ranges:
    return (walk(kind),) if _may_have(term.attribute, kind) else ()


def _ordered(term: AtLeast | AtMost, kind: Kind) -> Ranges:
    rules = matching.rules_of(term.attribute)
    is_ordered = rules is not None and rules.ordering is not None
    return (walk(kind),) if is_ordered and _may_have(term.attribute, kind) else ()


def _anything(_term: Filter, kind: Kind) -> Ranges:
    return (walk(kind),)


def _nothing(_term: Filter, _kind: Kind) -> Ranges:
    return ()


_PLANS: Final[dict[type, Callable[[Any, Kind], Ranges]]] = {
    And: _narrowest,
    Or: _together,
    filters.Not: _anything,
    filters.Extensible: _anything,
    Equality: _equal,
    Approx: _equal,
    Substrings: _starting,
    Present: _present,
    AtLeast: _ordered,
    AtMost: _ordered,
    filters.Unrecognised: _nothing,
}
