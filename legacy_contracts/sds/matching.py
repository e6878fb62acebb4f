"""How values of attributes are compared: the matching rules of RFC 4517, by name and by OID.

A rule prepares a value, and prepared values are equal, or come one after the other, where the rule
says so. What is no value of the rule's syntax is prepared to None, and compares as undefined.
Spaces and case are folded as RFC 4518 tells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from msgspec import Struct

from legacy_contracts.sds import attribute_types, ldap_names, schema
from legacy_contracts.sds.attribute_types import AttributeType
from legacy_contracts.sds.ldap_codes import Refused

Prepare = Callable[[str], Any]
"""Gives a value as it is compared, or None where it is none of the syntax."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_TIME: Final = re.compile(
    r"([0-9]{4})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])"
    r"(?:([0-5][0-9])([0-5][0-9]|60)?)?(?:[.,][0-9]+)?(Z|[+-](?:[01][0-9]|2[0-3])(?:[0-5][0-9])?)",
    re.ASCII,
)
_MAX_DIGITS: Final = 400


class Pattern(Struct, frozen=True):
    """The pieces of a substring filter, prepared: what a value begins with, holds, ends with."""

    initial: str
    middle: tuple[str, ...]
    final: str

    def fits(self, value: str) -> bool:
        """Say whether a prepared value has the pieces, in order and apart."""
        if not value.startswith(self.initial):
            return False
        at = len(self.initial)
        for piece in self.middle:
            found = value.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return len(value) - len(self.final) >= at and value.endswith(self.final)


class Rules(Struct, frozen=True):
    """The rules of an attribute; None where it has none of a kind."""

    equality: Prepare | None
    ordering: Prepare | None
    substrings: Prepare | None


class MatchingRule(Struct, frozen=True):
    """A rule as the subschema names it: its OID, the syntax of what is asked, how it prepares."""

    name: str
    oid: str
    syntax: str
    prepare: Prepare


def _spaced(text: str) -> str:
    """Give a text with its spaces made one, none at the ends (RFC 4518 2.6.1)."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.split())


def _exact(text: str) -> str | None:
    return (_spaced(text) or " ") if text else None


def _ignoring_case(text: str) -> str | None:
    return (_spaced(text).casefold() or " ") if text else None


def _without(characters: str) -> Prepare:
    removed = str.maketrans("", "", characters)

    def prepare(text: str) -> str | None:
        return _spaced(text).casefold().translate(removed) if text else None

    return prepare


def _integer(text: str) -> int | None:
    whole = _INTEGER.fullmatch(text)
    return int(text) if whole and len(text) <= _MAX_DIGITS else None


def _boolean(text: str) -> bool | None:
    return {"TRUE": True, "FALSE": False}.get(text.upper())


def _time(text: str) -> datetime | None:
    """Give a GeneralizedTime (RFC 4517 3.3.13) in UTC; fractions are left out."""
    written = _TIME.fullmatch(text)
    if written is None:
        return None
    year, month, day, hour = (int(written[group]) for group in range(1, 5))
    minute, second = int(written[5] or 0), min(int(written[6] or 0), 59)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=_zone(written[7]))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(written: str) -> timezone:
    if written == "Z":
        return UTC
    offset = timedelta(hours=int(written[1:3]), minutes=int(written[3:5] or 0))
    return timezone(-offset if written[0] == "-" else offset)


def _name(text: str) -> ldap_names.Name | None:
    try:
        return ldap_names.read_name(text)
    except Refused:
        return None


def _identifier(text: str) -> str | None:
    """Give an OID, or the name of one, as the name that the schema spells it with, folded."""
    known = class_named(text)
    if known is not None:
        return known
    named = attribute_of(text)
    return named.name.lower() if named else None


def _lines(text: str) -> tuple[str, ...] | None:
    return tuple(_spaced(line).casefold() for line in text.split("$")) if text else None


_STRING: Final = "1.3.6.1.4.1.1466.115.121.1.15"
_IA5: Final = "1.3.6.1.4.1.1466.115.121.1.26"
_SUBSTRING: Final = "1.3.6.1.4.1.1466.115.121.1.58"
_NUMERIC: Final = "1.3.6.1.4.1.1466.115.121.1.36"
_TELEPHONE: Final = "1.3.6.1.4.1.1466.115.121.1.50"
_WHOLE: Final = "1.3.6.1.4.1.1466.115.121.1.27"
_DATED: Final = "1.3.6.1.4.1.1466.115.121.1.24"
_numeric = _without(" ")
_telephone = _without(" -")

RULES: Final = (
    MatchingRule("objectIdentifierMatch", "2.5.13.0", "1.3.6.1.4.1.1466.115.121.1.38", _identifier),
    MatchingRule("distinguishedNameMatch", "2.5.13.1", "1.3.6.1.4.1.1466.115.121.1.12", _name),
    MatchingRule("caseIgnoreMatch", "2.5.13.2", _STRING, _ignoring_case),
    MatchingRule("caseIgnoreOrderingMatch", "2.5.13.3", _STRING, _ignoring_case),
    MatchingRule("caseIgnoreSubstringsMatch", "2.5.13.4", _SUBSTRING, _ignoring_case),
    MatchingRule("caseExactMatch", "2.5.13.5", _STRING, _exact),
    MatchingRule("caseExactOrderingMatch", "2.5.13.6", _STRING, _exact),
    MatchingRule("caseExactSubstringsMatch", "2.5.13.7", _SUBSTRING, _exact),
    MatchingRule("numericStringMatch", "2.5.13.8", _NUMERIC, _numeric),
    MatchingRule("numericStringOrderingMatch", "2.5.13.9", _NUMERIC, _numeric),
    MatchingRule("numericStringSubstringsMatch", "2.5.13.10", _SUBSTRING, _numeric),
    MatchingRule("caseIgnoreListMatch", "2.5.13.11", "1.3.6.1.4.1.1466.115.121.1.41", _lines),
    MatchingRule("caseIgnoreListSubstringsMatch", "2.5.13.12", _SUBSTRING, _ignoring_case),
    MatchingRule("booleanMatch", "2.5.13.13", "1.3.6.1.4.1.1466.115.121.1.7", _boolean),
    MatchingRule("integerMatch", "2.5.13.14", _WHOLE, _integer),
    MatchingRule("integerOrderingMatch", "2.5.13.15", _WHOLE, _integer),
    MatchingRule("telephoneNumberMatch", "2.5.13.20", _TELEPHONE, _telephone),
    MatchingRule("telephoneNumberSubstringsMatch", "2.5.13.21", _SUBSTRING, _telephone),
    MatchingRule("generalizedTimeMatch", "2.5.13.27", _DATED, _time),
    MatchingRule("generalizedTimeOrderingMatch", "2.5.13.28", _DATED, _time),
    MatchingRule("caseExactIA5Match", "1.3.6.1.4.1.1466.109.114.1", _IA5, _exact),
    MatchingRule("caseIgnoreIA5Match", "1.3.6.1.4.1.1466.109.114.2", _IA5, _ignoring_case),
    MatchingRule(
        "caseIgnoreIA5SubstringsMatch", "1.3.6.1.4.1.1466.109.114.3", _SUBSTRING, _ignoring_case
    ),
)
"""The rules that are known here (RFC 4517 4.2), each with its OID."""

_BY_NAME: Final = {key: rule for rule in RULES for key in (rule.name.lower(), rule.oid)}


def rule_named(name: str) -> MatchingRule | None:
    """Give the rule with a name or an OID, or None."""
    return _BY_NAME.get(name.lower())


def prepared(prepare: Prepare, value: bytes) -> Any:  # noqa: ANN401 - what the rule compares
    """Give a value that is asked for as it is compared, or None where it is no such value."""
    try:
        return prepare(value.decode())
    except UnicodeDecodeError:
        return None


def pattern_of(
    prepare: Prepare, initial: bytes | None, middle: tuple[bytes, ...], final: bytes | None
) -> Pattern | None:
    """Give the pieces of a substring filter as they are compared, or None where one is none."""
    pieces = [_piece(prepare, one) for one in (initial or b"", *middle, final or b"")]
    if any(one is None for one in pieces):
        return None
    first, *inner, last = (one or "" for one in pieces)
    return Pattern(first.lstrip(), tuple(inner), last.rstrip())


def _piece(prepare: Prepare, piece: bytes) -> str | None:
    """Give a piece prepared; a space at either end of it stays one, for it may be an inner one."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return None
    if not text.strip():
        return " " if text else ""
    inner: str = prepare(text)
    if inner is None or prepare in (_numeric, _telephone):
        return inner
    before, after = text[0].isspace(), text[-1].isspace()
    return f"{' ' * before}{inner}{' ' * after}"


def attribute_of(description: str) -> AttributeType | None:
    """Give the attribute type of a description, its options left out, by any name or OID."""
    return _ATTRIBUTES.get(description.partition(";")[0].lower())


def rules_of(description: str) -> Rules | None:
    """Give the rules of an attribute by its description, or None where it is not known."""
    known = attribute_of(description)
    return _RULES_OF[known.name] if known else None


def spelt(description: str) -> frozenset[str]:
    """Give every name, in lower case, that values of this attribute may stand under.

    Its aliases are among them, and the attributes that are kinds of it (RFC 4512 2.5.1). With an
    option it has none: no value here has one.
    """
    known = attribute_of(description)
    return _SPELT[known.name] if known and ";" not in description else frozenset()


def goes_with(rule: MatchingRule, description: str) -> bool:
    """Say whether values of an attribute can be compared by a rule: their own are of its kind."""
    rules = rules_of(description)
    own = (rules.equality, rules.ordering, rules.substrings) if rules else ()
    return any(one is not None and _KINDS.get(one) == _KINDS[rule.prepare] for one in own)


def classes_over(name: str) -> frozenset[str]:
    """Give the names, in lower case, of a class and of those above it; its own where unknown."""
    above = frozenset(one.name.lower() for one in schema.lineage(name))
    return above or frozenset((name.lower(),))


def class_named(value: str) -> str | None:
    """Give the name, in lower case, of the class that a name or an OID tells; None for none.

    An OID that is not known is one that no entry has; a name that is not known is no value.
    """
    known = schema.object_class(value) or _CLASSES_BY_OID.get(value)
    if known is not None:
        return known.name.lower()
    return value if value[:1].isdigit() else None


def _prepare(name: str) -> Prepare | None:
    rule = rule_named(name) if name else None
    return rule.prepare if rule else None


def _kinds_of(one: AttributeType) -> frozenset[str]:
    below = [other for other in attribute_types.ALL if one.name in _lineage(other)]
    return frozenset(
        name.lower() for other in below for name in (other.name, *other.aliases, other.oid)
    )


def _lineage(one: AttributeType | None) -> list[str]:
    names: list[str] = []
    while one is not None and one.name not in names:
        names.append(one.name)
        one = schema.attribute(one.sup) if one.sup else None
    return names


_ATTRIBUTES: Final = {
    name.lower(): one for one in attribute_types.ALL for name in (one.name, *one.aliases, one.oid)
}
_CLASSES_BY_OID: Final = {one.oid: one for one in schema.CLASSES}
_RULES_OF: Final = {
    one.name: Rules(_prepare(one.equality), _prepare(one.ordering), _prepare(one.substring))
    for one in attribute_types.ALL
}
_SPELT: Final = {one.name: _kinds_of(one) for one in attribute_types.ALL}
_TEXTS: Final = (_exact, _ignoring_case, _numeric, _telephone, _lines)
_KINDS: Final[dict[Prepare, str]] = {
    **dict.fromkeys(_TEXTS, "text"),
    _integer: "whole number",
    _time: "time",
    _boolean: "truth",
    _name: "name",
    _identifier: "identifier",
}
"""Which rules may stand for one another: those whose values are of one kind (RFC 4517 4.1)."""
