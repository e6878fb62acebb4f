"""Requests of LDAP as a client sends them: for measuring, for tests, and to hold the reader to."""

from __future__ import annotations

from typing import Final

from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.ldap_codes import Tag
from legacy_contracts.sds.ldap_filters import filter_bytes
from legacy_contracts.sds.ldap_messages import Bind, Control, Search

_CONTROLS: Final = 0xA0
_SIMPLE: Final = 0x80
_SASL: Final = 0xA3


def message(message_id: int, operation: bytes, controls: tuple[Control, ...] = ()) -> bytes:
    """Give an operation as a whole message."""
    extra = ber.element(_CONTROLS, *map(_control, controls)) if controls else b""
    return ber.element(ber.SEQUENCE, ber.number(message_id), operation, extra)


def _control(control: Control) -> bytes:
    critical = ber.boolean(control.critical) if control.critical else b""
    value = ber.octets(control.value) if control.value is not None else b""
    return ber.element(ber.SEQUENCE, ber.octets(control.oid), critical, value)


def bind(request: Bind) -> bytes:
    """Give a bind as an operation."""
    if request.mechanism is None:
        choice = ber.octets(request.credentials, _SIMPLE)
    else:
        told = (ber.octets(request.mechanism), ber.octets(request.credentials))
        choice = ber.element(_SASL, *told)
    return ber.element(
        Tag.BIND_REQUEST, ber.number(request.version), ber.octets(request.name), choice
    )


def search(request: Search) -> bytes:
    """Give a search as an operation; aliases are never followed."""
    return ber.element(
        Tag.SEARCH_REQUEST,
        ber.octets(request.base),
        ber.number(request.scope, ber.ENUMERATED),
        ber.number(0, ber.ENUMERATED),
        ber.number(request.size_limit),
        ber.number(request.time_limit),
        ber.boolean(request.types_only),
        filter_bytes(request.filter),
        ber.element(ber.SEQUENCE, *map(ber.octets, request.attributes)),
    )
