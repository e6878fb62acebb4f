"""Filters as LDAP carries them (RFC 4511 4.5.1.7), read within limits of depth and of number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from legacy_contracts.sds import filters
from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.filters import Filter
from legacy_contracts.sds.ldap_ber import Reader
from legacy_contracts.sds.ldap_codes import Malformed, Refused, Result

_AND: Final = 0xA0
_OR: Final = 0xA1
_NOT: Final = 0xA2
_EQUALITY: Final = 0xA3
_SUBSTRINGS: Final = 0xA4
_AT_LEAST: Final = 0xA5
_AT_MOST: Final = 0xA6
_PRESENT: Final = 0x87
_APPROX: Final = 0xA8
_EXTENSIBLE: Final = 0xA9

_INITIAL: Final = 0x80
_MIDDLE: Final = 0x81
_FINAL: Final = 0x82

_RULE: Final = 0x81
_TYPE: Final = 0x82
_VALUE: Final = 0x83
_IN_DN: Final = 0x84


Compared = filters.Equality | filters.AtLeast | filters.AtMost | filters.Approx


class FilterLimits(Struct, frozen=True):
    """How deep a filter may be, and of how many terms, pieces of substrings counted too."""

    depth: int = 32
    terms: int = 1000


class _Count(Struct):
    """How much of a filter was read."""

    limits: FilterLimits
    depth: int = 0
    terms: int = field(default=0)

    def add(self) -> None:
        """Count a term; raise `Refused` where it is one too many."""
        self.terms += 1
        if self.terms > self.limits.terms:
            raise Refused(
                Result.ADMIN_LIMIT_EXCEEDED,
                f"a filter may have no more than {self.limits.terms} terms",
            )


def read_filter(reader: Reader, limits: FilterLimits) -> Filter:
    """Give the filter that comes next; raise `Malformed`, or `Refused` where it is too large."""
    return _filter(reader, _Count(limits))


def _filter(reader: Reader, count: _Count) -> Filter:
    count.add()
    tag = reader.next_tag()
    if tag not in _KINDS:
        # A choice of a later version: undefined (RFC 4511 4 and 4.5.1.7).
        reader.skip()
        return filters.Unrecognised()
    if count.depth >= count.limits.depth:
        raise Refused(
            Result.ADMIN_LIMIT_EXCEEDED,
            f"a filter may be no more than {count.limits.depth} deep",
        )
    count.depth += 1
    found = _KINDS[tag](reader, count)
    count.depth -= 1
    return found


def _several(inside: Reader, count: _Count) -> tuple[Filter, ...]:
    terms: list[Filter] = []
    while inside:
        terms.append(_filter(inside, count))
    return tuple(terms)


def _and(reader: Reader, count: _Count) -> Filter:
    return filters.And(_several(reader.inside(_AND), count))


def _or(reader: Reader, count: _Count) -> Filter:
    return filters.Or(_several(reader.inside(_OR), count))


def _not(reader: Reader, count: _Count) -> Filter:
    inside = reader.inside(_NOT)
    term = _filter(inside, count)
    inside.end()
    return filters.Not(term)


def _present(reader: Reader, _count: _Count) -> Filter:
    return filters.Present(reader.text(_PRESENT))


def _assertion(reader: Reader, tag: int) -> tuple[str, bytes]:
    inside = reader.inside(tag)
    attribute, value = inside.text(), inside.octets()
    inside.end()
    return attribute, value


def _substrings(reader: Reader, count: _Count) -> Filter:
    inside = reader.inside(_SUBSTRINGS)
    attribute, pieces = inside.text(), inside.inside()
    inside.end()
    initial = pieces.octets(_INITIAL) if pieces.next_tag() == _INITIAL else None
    middle: list[bytes] = []
    while pieces.next_tag() == _MIDDLE:
        count.add()
        middle.append(pieces.octets(_MIDDLE))
    final = pieces.octets(_FINAL) if pieces.next_tag() == _FINAL else None
    pieces.end()
    if b"" in (initial, final, *middle) or (initial is None and final is None and not middle):
        raise Refused(Result.PROTOCOL_ERROR, "a filter of substrings has an empty one, or none")
    return filters.Substrings(attribute, initial, tuple(middle), final)


def _extensible(reader: Reader, _count: _Count) -> Filter:
    inside = reader.inside(_EXTENSIBLE)
    rule = inside.text(_RULE) if inside.next_tag() == _RULE else None
    attribute = inside.text(_TYPE) if inside.next_tag() == _TYPE else None
    value = inside.octets(_VALUE)
    in_dn = inside.boolean(_IN_DN) if inside else False
    inside.end()
    if rule is None and attribute is None:
        raise Refused(Result.PROTOCOL_ERROR, "an extensible filter names no rule and no attribute")
    return filters.Extensible(rule, attribute, value, in_dn)


_KINDS: Final[dict[int, Callable[[Reader, _Count], Filter]]] = {
    _AND: _and,
    _OR: _or,
    _NOT: _not,
    _EQUALITY: lambda reader, _count: filters.Equality(*_assertion(reader, _EQUALITY)),
    _SUBSTRINGS: _substrings,
    _AT_LEAST: lambda reader, _count: filters.AtLeast(*_assertion(reader, _AT_LEAST)),
    _AT_MOST: lambda reader, _count: filters.AtMost(*_assertion(reader, _AT_MOST)),
    _PRESENT: _present,
    _APPROX: lambda reader, _count: filters.Approx(*_assertion(reader, _APPROX)),
    _EXTENSIBLE: _extensible,
}


def filter_bytes(term: Filter) -> bytes:
    """Give a filter as LDAP carries it; raise `Malformed` for what it has no way to say."""
    return _WRITERS[type(term)](term)


def _substrings_bytes(term: filters.Substrings) -> bytes:
    pieces = [ber.octets(piece, _MIDDLE) for piece in term.middle]
    if term.initial is not None:
        pieces.insert(0, ber.octets(term.initial, _INITIAL))
    if term.final is not None:
        pieces.append(ber.octets(term.final, _FINAL))
    return ber.element(_SUBSTRINGS, ber.octets(term.attribute), ber.element(ber.SEQUENCE, *pieces))


def _extensible_bytes(term: filters.Extensible) -> bytes:
    parts = [ber.octets(term.value, _VALUE)]
    if term.attribute is not None:
        parts.insert(0, ber.octets(term.attribute, _TYPE))
    if term.rule is not None:
        parts.insert(0, ber.octets(term.rule, _RULE))
    if term.in_dn:
        parts.append(ber.boolean(term.in_dn, _IN_DN))
    return ber.element(_EXTENSIBLE, *parts)


def _assertion_bytes(term: Compared) -> bytes:
    return ber.element(_ASSERTED[type(term)], ber.octets(term.attribute), ber.octets(term.value))


def _unsayable(_term: filters.Unrecognised) -> bytes:
    raise Malformed("what was not recognised cannot be said again")


_ASSERTED: Final[dict[type, int]] = {
    filters.Equality: _EQUALITY,
    filters.AtLeast: _AT_LEAST,
    filters.AtMost: _AT_MOST,
    filters.Approx: _APPROX,
}
_WRITERS: Final[dict[type, Callable[[Any], bytes]]] = {
    filters.And: lambda term: ber.element(_AND, *map(filter_bytes, term.terms)),
    filters.Or: lambda term: ber.element(_OR, *map(filter_bytes, term.terms)),
    filters.Not: lambda term: ber.element(_NOT, filter_bytes(term.term)),
    filters.Present: lambda term: ber.octets(term.attribute, _PRESENT),
    filters.Substrings: _substrings_bytes,
    filters.Extensible: _extensible_bytes,
    filters.Unrecognised: _unsayable,
    **dict.fromkeys(_ASSERTED, _assertion_bytes),
}
