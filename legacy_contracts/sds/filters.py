"""Filters of a directory search: what they are, and what they say of an entry (RFC 4511 4.5.1.7).

A filter is true, false or undefined of an entry: undefined where the attribute is not known, has no
rule for what is asked, or the value is not one of its syntax. Not undefined is undefined; an entry
is found only where the whole filter is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from legacy_contracts.sds import ldap_names, matching
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.matching import MatchingRule, Prepare

Truth = bool | None
"""True, false, or None: undefined."""


class And(Struct, frozen=True):
    """All of these; none is true (RFC 4526)."""

    terms: tuple[Filter, ...]


class Or(Struct, frozen=True):
    """One of these; none is false (RFC 4526)."""

    terms: tuple[Filter, ...]


class Not(Struct, frozen=True):
    """Not this."""

    term: Filter


class Present(Struct, frozen=True):
    """The entry has the attribute."""

    attribute: str


class Equality(Struct, frozen=True):
    """A value of the attribute equals this one."""

    attribute: str
    value: bytes


class Approx(Struct, frozen=True):
    """A value is about this one: here, as in slapd without a rule for it, equal to it."""

    attribute: str
    value: bytes


class AtLeast(Struct, frozen=True):
    """A value is this one or comes after it."""

    attribute: str
    value: bytes


class AtMost(Struct, frozen=True):
    """A value is this one or comes before it."""

    attribute: str
    value: bytes


class Substrings(Struct, frozen=True):
    """A value begins with, holds in this order, and ends with these; None and () are nothing."""

    attribute: str
    initial: bytes | None
    middle: tuple[bytes, ...]
    final: bytes | None


class Extensible(Struct, frozen=True):
    """A value matches by a named rule, or by the attribute's own (RFC 4511 4.5.1.7.7)."""

    rule: str | None
    attribute: str | None
    value: bytes
    in_dn: bool = False


class Unrecognised(Struct, frozen=True):
    """A kind of filter that is not known: undefined of every entry."""


Filter = (
    And
    | Or
    | Not
    | Present
    | Equality
    | Approx
    | AtLeast
    | AtMost
    | Substrings
    | Extensible
    | Unrecognised
)


def matches(term: Filter, entry: Entry) -> Truth:
    """Say whether a filter is true of an entry, false, or (None) undefined."""
    return _TESTS[type(term)](term, entry)


def _and(term: And, entry: Entry) -> Truth:
    found: Truth = True
    for one in term.terms:
        truth = matches(one, entry)
        if truth is False:
            return False
        if truth is None:
            found = None
    return found


def _or(term: Or, entry: Entry) -> Truth:
    found: Truth = False
    for one in term.terms:
        truth = matches(one, entry)
        if truth is True:
            return True
        if truth is None:
            found = None
    return found


def _not(term: Not, entry: Entry) -> Truth:
    truth = matches(term.term, entry)
    return None if truth is None else not truth


def _present(term: Present, entry: Entry) -> Truth:
    if matching.attribute_of(term.attribute) is None:
        return None
    return any(True for _ in _values(term.attribute, entry))


def _equality(term: Equality | Approx, entry: Entry) -> Truth:
    known = matching.attribute_of(term.attribute)
    if known is not None and known.name == "objectClass":
        return _of_class(term.value, entry)
    rules = matching.rules_of(term.attribute)
    prepare = rules.equality if rules else None
    return _compared(term, entry, prepare, lambda held, asked: bool(held == asked))


def _of_class(value: bytes, entry: Entry) -> Truth:
    """Say whether the entry is of a class, or of one below it, as slapd does."""
    asked = matching.prepared(matching.class_named, value)
    held = entry.values("objectClass")
    if asked is None:
        # A class that is not known is undefined, but for the few entries that are of one.
        named = matching.prepared(str.lower, value)
        return True if named in {name.lower() for name in held} else None
    return any(asked in matching.classes_over(name) for name in held)


def _at_least(term: AtLeast, entry: Entry) -> Truth:
    rules = matching.rules_of(term.attribute)
    prepare = rules.ordering if rules else None
    return _compared(term, entry, prepare, lambda held, asked: bool(held >= asked))


def _at_most(term: AtMost, entry: Entry) -> Truth:
    rules = matching.rules_of(term.attribute)
    prepare = rules.ordering if rules else None
    return _compared(term, entry, prepare, lambda held, asked: bool(held <= asked))


def _compared(
    term: Equality | Approx | AtLeast | AtMost,
    entry: Entry,
    prepare: Prepare | None,
    holds: Callable[[Any, Any], bool],
) -> Truth:
    asked = matching.prepared(prepare, term.value) if prepare else None
    if prepare is None or asked is None:
        return None
    held = (prepare(value) for value in _values(term.attribute, entry))
    return any(holds(value, asked) for value in held if value is not None)


def _substrings(term: Substrings, entry: Entry) -> Truth:
    rules = matching.rules_of(term.attribute)
    prepare = rules.substrings if rules else None
    if prepare is None:
        return None
    pattern = matching.pattern_of(prepare, term.initial, term.middle, term.final)
    if pattern is None:
        return None
    held = (prepare(value) for value in _values(term.attribute, entry))
    return any(pattern.fits(value) for value in held if value is not None)


def _extensible(term: Extensible, entry: Entry) -> Truth:
    """Say whether a value matches; what this directory has no rule for is undefined."""
    if term.rule is None and not term.in_dn:
        return _equality(Equality(term.attribute or "", term.value), entry)
    rule = matching.rule_named(term.rule) if term.rule else None
    rules = matching.rules_of(term.attribute) if term.attribute else None
    if term.attribute and (
        rules is None or (rule and not matching.goes_with(rule, term.attribute))
    ):
        return None
    prepare = rule.prepare if rule else (rules.equality if rules and not term.rule else None)
    asked = matching.prepared(prepare, term.value) if prepare else None
    if prepare is None or asked is None:
        return None
    held = (prepare(value) for value in _asked_for(term, rule, entry))
    return any(value == asked for value in held if value is not None)


def _asked_for(term: Extensible, rule: MatchingRule | None, entry: Entry) -> Iterator[str]:
    """Give the values that an extensible filter speaks of, those of the DN too where it says so."""
    if term.attribute is not None:
        yield from _values(term.attribute, entry)
    elif rule is not None:
        for name, values in entry.attributes:
            if matching.goes_with(rule, name):
                yield from values
    if term.in_dn:
        wanted = matching.spelt(term.attribute) if term.attribute else None
        for name, value in ldap_names.read_parts(entry.dn):
            if wanted is None or name in wanted:
                yield value


def _values(attribute: str, entry: Entry) -> Iterator[str]:
    wanted = matching.spelt(attribute)
    for name, values in entry.attributes:
        if name.lower() in wanted:
            yield from values


def _undefined(_term: Unrecognised, _entry: Entry) -> Truth:
    return None


_TESTS: Final[dict[type, Callable[[Any, Entry], Truth]]] = {
    And: _and,
    Or: _or,
    Not: _not,
    Present: _present,
    Equality: _equality,
    Approx: _equality,
    AtLeast: _at_least,
    AtMost: _at_most,
    Substrings: _substrings,
    Extensible: _extensible,
    Unrecognised: _undefined,
}
