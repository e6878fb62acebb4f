"""What the server says in LDAP (RFC 4511 4): results, entries, and the notice that it ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.ldap_codes import (
    NOTICE_OF_DISCONNECTION,
    PAGED_RESULTS,
    Malformed,
    Result,
    Tag,
)

_CONTROLS: Final = 0xA0
_RESPONSE_NAME: Final = 0x8A
_RESPONSE_VALUE: Final = 0x8B


def message(message_id: int, operation: bytes, controls: bytes = b"") -> bytes:
    """Give an operation as a whole message."""
    extra = ber.element(_CONTROLS, controls) if controls else b""
    return ber.element(ber.SEQUENCE, ber.number(message_id), operation, extra)


def result(tag: Tag, code: Result, text: str = "", matched: str = "", extra: bytes = b"") -> bytes:
    """Give a result (RFC 4511 4.1.9), as the operation of this tag."""
    return ber.element(
        tag, ber.number(code, ber.ENUMERATED), ber.octets(matched), ber.octets(text), extra
    )


def extended(code: Result, text: str = "", *, oid: str = "", value: bytes | None = None) -> bytes:
    """Give the answer to an extended operation, with its name and value where it has them."""
    named = ber.octets(oid, _RESPONSE_NAME) if oid else b""
    valued = ber.octets(value, _RESPONSE_VALUE) if value is not None else b""
    return result(Tag.EXTENDED_RESPONSE, code, text, extra=named + valued)


def entry(dn: str, attributes: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """Give an entry that was found, with the attributes to show of it."""
    shown = (
        ber.element(ber.SEQUENCE, ber.octets(name), ber.element(ber.SET, *map(ber.octets, values)))
        for name, values in attributes
    )
    return ber.element(Tag.SEARCH_ENTRY, ber.octets(dn), ber.element(ber.SEQUENCE, *shown))


def disconnection(code: Result, text: str) -> bytes:
    """Give the notice that the connection ends, and why (RFC 4511 4.4.1)."""
    return message(0, extended(code, text, oid=NOTICE_OF_DISCONNECTION))


def paged(cookie: bytes, size: int = 0) -> bytes:
    """Give the control that says how a paged search goes on (RFC 2696); no cookie: it ended."""
    value = ber.element(ber.SEQUENCE, ber.number(size), ber.octets(cookie))
    return ber.element(ber.SEQUENCE, ber.octets(PAGED_RESULTS), ber.octets(value))


def read_paged(value: bytes | None) -> tuple[int, bytes]:
    """Give how many entries a page is to have, and the cookie; raise `Malformed`."""
    if value is None:
        raise Malformed("the control of paged results has no value")
    outer = ber.Reader(value)
    inside = outer.inside()
    outer.end()
    size, cookie = inside.number(), inside.octets()
    inside.end()
    return size, cookie
