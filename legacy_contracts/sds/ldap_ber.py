"""The part of BER that LDAP uses (RFC 4511 5.1): definite lengths, one-byte tags, nothing else.

A reader never looks past the element that it was made for, so no length that lies leads out of it,
and what is inside is read by the depth of the code, not by that of the bytes.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.sds.ldap_codes import Malformed

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTETS: Final = 0x04
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG: Final = 0x80
_MOST_LENGTH_OCTETS: Final = 4
_MOST_INTEGER_OCTETS: Final = 4
"""No number of LDAP is over 2147483647 (maxInt, RFC 4511 4.1.1)."""


def measured(data: bytes | bytearray) -> int | None:
    """Give how long the element is that the bytes begin with, or None if too few are there yet.

    Raises `Malformed` for what cannot begin an element of LDAP.
    """
    if len(data) < 2:
        return None
    first = data[1]
    if first < _LONG:
        return 2 + first
    count = first - _LONG
    if not 1 <= count <= _MOST_LENGTH_OCTETS:
        raise Malformed("a length is indefinite, or of more than 4 octets")
    if len(data) < 2 + count:
        return None
    return 2 + count + int.from_bytes(data[2 : 2 + count])


class Reader:
    """Reads the elements between two places, in order; each call raises `Malformed`."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end is None else end

    def __bool__(self) -> bool:
        """Say whether an element is left."""
        return self._at < self._end

    def next_tag(self) -> int:
        """Give the tag of the next element, or -1 where none is left."""
        return self._data[self._at] if self._at < self._end else -1

    def octets(self, tag: int = OCTETS) -> bytes:
        """Give the content of the next element, which has this tag."""
        start, stop = self._span(tag)
        return self._data[start:stop]

    def inside(self, tag: int = SEQUENCE) -> Reader:
        """Give a reader of what is inside the next element, which has this tag."""
        start, stop = self._span(tag)
        return Reader(self._data, start, stop)

    def text(self, tag: int = OCTETS) -> str:
        """Give an LDAPString (RFC 4511 4.1.2)."""
        try:
            return self.octets(tag).decode()
        except UnicodeDecodeError as error:
            raise Malformed("a string is not UTF-8") from error

    def number(self, tag: int = INTEGER) -> int:
        """Give a whole number."""
        octets = self.octets(tag)
        if not 1 <= len(octets) <= _MOST_INTEGER_OCTETS:
            raise Malformed("a number has no octets, or more than 4")
        return int.from_bytes(octets, signed=True)

    def boolean(self, tag: int = BOOLEAN) -> bool:
        """Give a truth value: any octet but 0 is true, as real clients write it."""
        octets = self.octets(tag)
        if len(octets) != 1:
            raise Malformed("a truth value is not one octet")
        return octets != b"\0"

    def skip(self) -> None:
        """Pass over the next element, whatever it is."""
        self._span(self.next_tag())

    def end(self) -> None:
        """Return where nothing is left."""
        if self._at != self._end:
            raise Malformed("something follows where nothing may")

    def _span(self, tag: int) -> tuple[int, int]:
        data, at, end = self._data, self._at, self._end
        if end - at < 2:
            raise Malformed("an element is missing, or cut off")
        if data[at] != tag:
            raise Malformed(f"a tag is 0x{data[at]:02x} where 0x{tag:02x} was expected")
        length, start = data[at + 1], at + 2
        if length >= _LONG:
            whole = measured(data[at : min(end, at + 2 + _MOST_LENGTH_OCTETS)])
            if whole is None:
                raise Malformed("a length is cut off")
            start += length - _LONG
            stop = at + whole
        else:
            stop = start + length
        if stop > end:
            raise Malformed("an element is longer than what it stands in")
        self._at = stop
        return start, stop


def element(tag: int, *parts: bytes) -> bytes:
    """Give an element with this content, its length as short as can be."""
    content = b"".join(parts)
    length = len(content)
    if length < _LONG:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, _LONG | len(octets))) + octets + content


def octets(content: bytes | str, tag: int = OCTETS) -> bytes:
    """Give a string as an element."""
    return element(tag, content.encode() if isinstance(content, str) else content)


def number(value: int, tag: int = INTEGER) -> bytes:
    """Give a whole number as an element."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return element(tag, value.to_bytes(size, signed=True))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:  # noqa: FBT001 - it is what is written
    """Give a truth value as an element (TRUE is 0xff, RFC 4511 5.1)."""
    return element(tag, b"\xff" if value else b"\0")
