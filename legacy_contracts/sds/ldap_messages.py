"""What LDAP clients send (RFC 4511 4): bytes to frozen requests, within limits.

What is no message at all raises `Malformed`; a message whose request cannot be taken gives a
`Refusal` in its place, with the code that its own answer is to carry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.filters import Filter
from legacy_contracts.sds.ldap_ber import Reader
from legacy_contracts.sds.ldap_codes import ANSWERED_BY, Malformed, Refused, Result, Scope, Tag
from legacy_contracts.sds.ldap_filters import FilterLimits, read_filter

_SIMPLE: Final = 0x80
_SASL: Final = 0xA3
_CONTROLS: Final = 0xA0
_EXTENDED_NAME: Final = 0x80
_EXTENDED_VALUE: Final = 0x81
_MAX_ATTRIBUTES: Final = 1000
_MAX_CONTROLS: Final = 32


class Control(Struct, frozen=True):
    """What a client asks beside its request (RFC 4511 4.1.11)."""

    oid: str
    critical: bool
    value: bytes | None


class Bind(Struct, frozen=True):
    """Who the client says it is: a name and a password, or a SASL mechanism (RFC 4511 4.2)."""

    version: int
    name: str
    mechanism: str | None
    credentials: bytes


class Unbind(Struct, frozen=True):
    """The client is done (RFC 4511 4.3)."""


class Search(Struct, frozen=True):
    """What is looked for, where, and how much of it is wanted (RFC 4511 4.5.1)."""

    base: str
    scope: Scope
    size_limit: int
    time_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...]


class Compare(Struct, frozen=True):
    """Whether an entry has a value (RFC 4511 4.10)."""

    entry: str
    attribute: str
    value: bytes


class Abandon(Struct, frozen=True):
    """A request whose answer is no longer wanted (RFC 4511 4.11)."""

    message_id: int


class Extended(Struct, frozen=True):
    """An operation that RFC 4511 does not know itself (4.12)."""

    oid: str
    value: bytes | None


class Change(Struct, frozen=True):
    """An add, a modify, a delete or a rename: never done here, so not read further."""


class Refusal(Struct, frozen=True):
    """A request that cannot be taken, and what it is to be told."""

    code: Result
    text: str


Request = Bind | Unbind | Search | Compare | Abandon | Extended | Change | Refusal


class Message(Struct, frozen=True):
    """A request with its id, the tag that its answer has (None: it has none), its controls."""

    message_id: int
    request: Request
    answered_by: Tag | None
    controls: tuple[Control, ...] = ()


def read_message(data: bytes, limits: FilterLimits) -> Message:
    """Give the message that the bytes are; raise `Malformed` where they are none."""
    outer = Reader(data)
    inside = outer.inside(ber.SEQUENCE)
    outer.end()
    message_id = inside.number()
    if message_id < 0:
        raise Malformed("a message id is negative")
    tag = _tag(inside.next_tag())
    request = _request(inside, tag, limits)
    controls = _controls(inside.inside(_CONTROLS)) if inside.next_tag() == _CONTROLS else ()
    # What a later version may put after the controls is passed over (RFC 4511 4.1.1).
    while inside:
        inside.skip()
    return Message(message_id, request, ANSWERED_BY.get(tag), controls)


def _tag(tag: int) -> Tag:
    if tag not in _READERS:
        raise Malformed(f"0x{tag & 0xFF:02x} is the tag of no request")
    return Tag(tag)


def _request(message: Reader, tag: Tag, limits: FilterLimits) -> Request:
    try:
        return _READERS[tag](message, limits)
    except Refused as refused:
        return Refusal(refused.code, refused.text)


def _bind(message: Reader, _limits: FilterLimits) -> Request:
    inside = message.inside(Tag.BIND_REQUEST)
    version, name = inside.number(), inside.text()
    tag = inside.next_tag()
    if version != 3:
        raise Refused(Result.PROTOCOL_ERROR, "only LDAP version 3 is spoken here")
    if tag == _SIMPLE:
        password = inside.octets(_SIMPLE)
        inside.end()
        return Bind(version, name, None, password)
    if tag != _SASL:
        raise Refused(Result.AUTH_METHOD_NOT_SUPPORTED, "only simple binds and SASL are known")
    sasl = inside.inside(_SASL)
    mechanism = sasl.text()
    credentials = sasl.octets() if sasl else b""
    sasl.end()
    return Bind(version, name, mechanism, credentials)


def _unbind(message: Reader, _limits: FilterLimits) -> Request:
    if message.octets(Tag.UNBIND_REQUEST):
        raise Malformed("an unbind request holds something")
    return Unbind()


def _search(message: Reader, limits: FilterLimits) -> Request:
    inside = message.inside(Tag.SEARCH_REQUEST)
    base = inside.text()
    scope, aliases = inside.number(ber.ENUMERATED), inside.number(ber.ENUMERATED)
    size, seconds = inside.number(), inside.number()
    types_only = inside.boolean()
    wanted = read_filter(inside, limits)
    attributes = _attributes(inside.inside())
    inside.end()
    if scope not in Scope.__members__.values() or not 0 <= aliases <= 3:
        raise Refused(Result.PROTOCOL_ERROR, "the scope or the dereferencing is none of RFC 4511")
    if size < 0 or seconds < 0:
        raise Refused(Result.PROTOCOL_ERROR, "a size or time limit is negative")
    return Search(base, Scope(scope), size, seconds, types_only, wanted, attributes)


def _attributes(inside: Reader) -> tuple[str, ...]:
    names: list[str] = []
    while inside:
        names.append(inside.text())
        if len(names) > _MAX_ATTRIBUTES:
            raise Refused(
                Result.ADMIN_LIMIT_EXCEEDED, f"more than {_MAX_ATTRIBUTES} attributes are asked for"
            )
    return tuple(names)


def _compare(message: Reader, _limits: FilterLimits) -> Request:
    inside = message.inside(Tag.COMPARE_REQUEST)
    entry, assertion = inside.text(), inside.inside()
    attribute, value = assertion.text(), assertion.octets()
    assertion.end()
    inside.end()
    return Compare(entry, attribute, value)


def _abandon(message: Reader, _limits: FilterLimits) -> Request:
    return Abandon(message.number(Tag.ABANDON_REQUEST))


def _extended(message: Reader, _limits: FilterLimits) -> Request:
    inside = message.inside(Tag.EXTENDED_REQUEST)
    oid = inside.text(_EXTENDED_NAME)
    value = inside.octets(_EXTENDED_VALUE) if inside else None
    inside.end()
    return Extended(oid, value)


def _change(message: Reader, _limits: FilterLimits) -> Request:
    message.skip()
    return Change()


_READERS: Final[dict[int, Callable[[Reader, FilterLimits], Request]]] = {
    Tag.BIND_REQUEST: _bind,
    Tag.UNBIND_REQUEST: _unbind,
    Tag.SEARCH_REQUEST: _search,
    Tag.COMPARE_REQUEST: _compare,
    Tag.ABANDON_REQUEST: _abandon,
    Tag.EXTENDED_REQUEST: _extended,
    Tag.MODIFY_REQUEST: _change,
    Tag.ADD_REQUEST: _change,
    Tag.DELETE_REQUEST: _change,
    Tag.RENAME_REQUEST: _change,
}


def _controls(inside: Reader) -> tuple[Control, ...]:
    controls: list[Control] = []
    while inside:
        control = inside.inside()
        oid = control.text()
        critical = control.boolean() if control.next_tag() == ber.BOOLEAN else False
        value = control.octets() if control else None
        control.end()
        controls.append(Control(oid, critical, value))
        if len(controls) > _MAX_CONTROLS:
            raise Malformed(f"a message has more than {_MAX_CONTROLS} controls")
    return tuple(controls)
