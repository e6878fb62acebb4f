"""Filters as people write them (RFC 4515), read; and written, so that one can be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from legacy_contracts.sds import filters
from legacy_contracts.sds.filters import Filter
from legacy_contracts.sds.ldap_codes import Malformed

_ITEM: Final = re.compile(
    r"\s*(?P<attribute>[A-Za-z0-9][A-Za-z0-9.;-]*)?(?P<dn>:dn)?(?::(?P<rule>[A-Za-z0-9.-]+))?"
    r"(?P<kind>:=|>=|<=|~=|=)(?P<value>[^()]*)"
)
_HEX: Final = re.compile(rb"\\([0-9A-Fa-f]{2})")
_MOST_DEEP: Final = 64
Compared = filters.Equality | filters.AtLeast | filters.AtMost | filters.Approx

_SEVERAL: Final[dict[str, type[filters.And | filters.Or]]] = {"&": filters.And, "|": filters.Or}
_COMPARED: Final[dict[str, type[Compared]]] = {
    "=": filters.Equality,
    ">=": filters.AtLeast,
    "<=": filters.AtMost,
    "~=": filters.Approx,
}
_SIGNS: Final = {kind: sign for sign, kind in _COMPARED.items()}


def read_text(text: str) -> Filter:
    """Give the filter that a text is; raise `Malformed`, which says where it is none."""
    found, at = _filter(text, _opened(text, 0), 0)
    if text[at:].strip():
        raise Malformed(f"something follows the filter at character {at + 1}")
    return found


def _opened(text: str, at: int) -> int:
    at = _past_spaces(text, at)
    if text[at : at + 1] != "(":
        raise Malformed(f"a ( is missing at character {at + 1}")
    return at + 1


def _past_spaces(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _closed(text: str, at: int) -> int:
    at = _past_spaces(text, at)
    if text[at : at + 1] != ")":
        raise Malformed(f"a ) is missing at character {at + 1}")
    return at + 1


def _filter(text: str, at: int, depth: int) -> tuple[Filter, int]:
    """Give the filter that begins after a bracket, and the place after the one that ends it."""
    if depth > _MOST_DEEP:
        raise Malformed(f"the filter is more than {_MOST_DEEP} deep")
    at = _past_spaces(text, at)
    sign = text[at : at + 1]
    if sign in _SEVERAL:
        terms, at = _terms(text, at + 1, depth)
        return _SEVERAL[sign](terms), at
    if sign == "!":
        term, at = _filter(text, _opened(text, at + 1), depth + 1)
        return filters.Not(term), _closed(text, at)
    item = _ITEM.match(text, at)
    if item is None:
        raise Malformed(f"no filter begins at character {at + 1}")
    return _item(item), _closed(text, item.end())


def _terms(text: str, at: int, depth: int) -> tuple[tuple[Filter, ...], int]:
    terms: list[Filter] = []
    while text[(at := _past_spaces(text, at)) : at + 1] == "(":
        term, at = _filter(text, at + 1, depth + 1)
        terms.append(term)
    return tuple(terms), _closed(text, at)


def _item(item: re.Match[str]) -> Filter:
    attribute, kind, value = item["attribute"], item["kind"], item["value"]
    if kind == ":=":
        if attribute is None and item["rule"] is None:
            raise Malformed("an extensible filter names no rule and no attribute")
        return filters.Extensible(item["rule"], attribute, _octets(value), item["dn"] is not None)
    if attribute is None or item["rule"] or item["dn"]:
        raise Malformed(f"{item[0].strip()} is not attribute{kind}value")
    if kind == "=" and "*" in value:
        return _starred(attribute, value)
    return _COMPARED[kind](attribute, _octets(value))


def _starred(attribute: str, value: str) -> Filter:
    if value == "*":
        return filters.Present(attribute)
    first, *middle, last = (_octets(piece) for piece in value.split("*"))
    if not all(middle) or not (first or last or middle):
        raise Malformed(f"{attribute}={value} has two * with nothing between them")
    return filters.Substrings(attribute, first or None, tuple(middle), last or None)


def _octets(value: str) -> bytes:
    octets = value.encode()
    if b"\\" in _HEX.sub(b"", octets):
        raise Malformed(f"{value}: a backslash stands before two hexadecimal digits, or is \\5c")
    return _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), octets)


def written(term: Filter) -> str:
    """Give a filter as text."""
    return f"({_WRITTEN[type(term)](term)})"


def _starred_text(term: filters.Substrings) -> str:
    pieces = (term.initial or b"", *term.middle, term.final or b"")
    return f"{term.attribute}={'*'.join(map(_text, pieces))}"


def _extensible_text(term: filters.Extensible) -> str:
    named = f"{term.attribute or ''}{':dn' if term.in_dn else ''}"
    return f"{named}{':' + term.rule if term.rule else ''}:={_text(term.value)}"


def _compared_text(term: Compared) -> str:
    return f"{term.attribute}{_SIGNS[type(term)]}{_text(term.value)}"


_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    filters.And: lambda term: f"&{''.join(map(written, term.terms))}",
    filters.Or: lambda term: f"|{''.join(map(written, term.terms))}",
    filters.Not: lambda term: f"!{written(term.term)}",
    filters.Present: lambda term: f"{term.attribute}=*",
    filters.Substrings: _starred_text,
    filters.Extensible: _extensible_text,
    filters.Unrecognised: lambda _term: "?=undefined",
    **dict.fromkeys(_COMPARED.values(), _compared_text),
}


def _text(octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return "".join(f"\\{octet:02x}" for octet in octets)
    return "".join(f"\\{ord(one):02x}" if one in "\\*()\0" else one for one in text)
