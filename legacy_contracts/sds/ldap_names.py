"""Distinguished names as text (RFC 4514, and what RFC 1779 clients still write): read, compared.

A name is read into parts, the nearest first, each a set of (attribute, value). Names of attributes
are compared without case, values by `folded`: without case and with spaces made one, which is how
every attribute that names an entry here is compared.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from legacy_contracts.sds.ldap_codes import Refused, Result

Part = tuple[tuple[str, str], ...]
"""One part of a name: (attribute, value) pairs in order, nearly always a single one."""

_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_TYPE: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|(?:OID\.|oid\.)?[0-9]+(?:\.[0-9]+)*)\s*=\s*")
_ESCAPED: Final = frozenset(' "#+,;<=>\\')
_MAX_LENGTH: Final = 8192
_OIDS: Final = {
    "2.5.4.10": "o",
    "2.5.4.11": "ou",
    "2.5.4.3": "cn",
    "0.9.2342.19200300.100.1.1": "uid",
    "0.9.2342.19200300.100.1.44": "uniqueidentifier",
    "organizationname": "o",
    "organizationalunitname": "ou",
    "commonname": "cn",
    "userid": "uid",
}
"""The other names of the attributes that names here are made of (RFC 4519)."""


class Name(Struct, frozen=True):
    """A distinguished name as it is compared: its parts, the nearest first."""

    parts: tuple[Part, ...]

    @property
    def parent(self) -> Name:
        """The name that this one stands under; that of the root is its own."""
        return Name(self.parts[1:])

    def is_under(self, other: Name) -> bool:
        """Say whether this name is the other, or stands below it."""
        count = len(other.parts)
        return count == 0 or self.parts[-count:] == other.parts


ROOT: Final = Name(())


def folded(value: str) -> str:
    """Give a value of a name as it is compared."""
    return " ".join(value.split()).casefold()


def read_name(text: str) -> Name:
    """Give the name that a text is; raise `Refused` (34) where it is none."""
    if len(text) > _MAX_LENGTH:
        raise _invalid("it is too long")
    return Name(tuple(tuple(sorted(part)) for part in _parts(text)))


def read_parts(text: str) -> tuple[tuple[str, str], ...]:
    """Give every (attribute, value) of a name, as they are compared."""
    return tuple(pair for part in read_name(text).parts for pair in part)


def _parts(text: str) -> list[list[tuple[str, str]]]:
    parts: list[list[tuple[str, str]]] = []
    at = 0
    joined = False
    while at < len(text) or parts:
        typed = _TYPE.match(text, at)
        if typed is None:
            if not parts and not text.strip():
                return []
            raise _invalid("a part is not attribute=value")
        value, at = _value(text, typed.end())
        pair = (_canonical(typed[1]), folded(value))
        if joined:
            parts[-1].append(pair)
        else:
            parts.append([pair])
        if at >= len(text):
            return parts
        joined = text[at] == "+"
        at += 1
    return parts


def _canonical(attribute: str) -> str:
    lower = attribute.lower().removeprefix("oid.")
    return _OIDS.get(lower, lower)


def _value(text: str, at: int) -> tuple[str, int]:
    """Give a value and the place of what ends it."""
    if text[at : at + 1] == '"':
        return _quoted(text, at + 1)
    if text[at : at + 1] == "#":
        raise _invalid("a value in BER (#...) is not taken")
    octets = bytearray()
    kept = 0
    while at < len(text) and text[at] not in ",+;":
        if text[at] == "\\":
            octet, at = _escaped(text, at + 1)
            octets += octet
            kept = len(octets)
            continue
        if text[at] in '"<>\0':
            raise _invalid("a character must be escaped")
        octets += text[at].encode(errors="surrogatepass")
        kept = kept if text[at] == " " else len(octets)
        at += 1
    return _text(octets[:kept]), at


def _quoted(text: str, at: int) -> tuple[str, int]:
    octets = bytearray()
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            octet, at = _escaped(text, at + 1)
            octets += octet
        else:
            octets += text[at].encode(errors="surrogatepass")
            at += 1
    if at >= len(text):
        raise _invalid("a quotation does not end")
    at += 1
    while at < len(text) and text[at] == " ":
        at += 1
    if at < len(text) and text[at] not in ",+;":
        raise _invalid("something follows a quotation")
    return _text(octets), at


def _escaped(text: str, at: int) -> tuple[bytes, int]:
    octet = _HEX.match(text, at)
    if octet is not None:
        return bytes.fromhex(octet[0]), at + 2
    if at < len(text) and text[at] in _ESCAPED:
        return text[at].encode(), at + 1
    raise _invalid("nothing that can be escaped follows a backslash")


def _text(octets: bytes | bytearray) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise _invalid("a value is not UTF-8") from error


def _invalid(why: str) -> Refused:
    return Refused(Result.INVALID_DN_SYNTAX, f"invalid DN: {why}")
