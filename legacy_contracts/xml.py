"""The one parser of the wire: nothing outside the bytes is ever read, nothing inside expanded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from legacy_contracts.errors import MalformedMessage

MAX_ELEMENTS: Final = 200_000
"""More elements than any message of 5,000,000 bytes that a real system sends."""

MAX_UNPRUNED: Final = 500_000
"""How long a message may be beside its content: many times the longest wrapper ever captured."""

_PIECE: Final = 16_384
_OPENING: Final = b"<"
_UTF_8: Final = "UTF-8"
_UTF_16: Final = "UTF-16"

_CHARSETS: Final = {
    "utf-8": _UTF_8,
    "utf8": _UTF_8,
    "us-ascii": "US-ASCII",
    "ascii": "US-ASCII",
    "iso-8859-1": "ISO-8859-1",
    "latin-1": "ISO-8859-1",
    "latin1": "ISO-8859-1",
    "iso-8859-15": "ISO-8859-15",
    "windows-1252": "WINDOWS-1252",
    "cp1252": "WINDOWS-1252",
    "utf-16": _UTF_16,
    "utf-16le": "UTF-16LE",
    "utf-16be": "UTF-16BE",
}
"""The charsets that are read: each shows every `<` as that byte, so that elements can be counted.

A library's whole list would let in UTF-7 and EBCDIC, which hide them, and names with side effects.
"""

_DECLARED: Final = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""", re.ASCII
)
_SIXTEEN_BITS: Final = {
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
    b"<\x00": "UTF-16LE",
    b"\x00<": "UTF-16BE",
}


def parse(data: bytes, *, charset: str | None = None) -> etree._Element:
    """Give the root element of a document; raise `MalformedMessage` for anything unsafe.

    `charset` is what the transport said of the bytes; it goes before what the document says.
    """
    parser = etree.XMLParser(**_hardened(data, charset))
    try:
        root = etree.fromstring(data, parser)  # noqa: TID251 - hardened; its one home
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage(f"not XML: {type(error).__name__}") from error
    return _without_doctype(root)


def parse_pruned(
    data: bytes,
    prune: Callable[[etree._Element], bool],
    *,
    watched: tuple[str, ...],
    charset: str | None = None,
) -> etree._Element:
    """Give the root of what `prune` leaves of a document; raise `MalformedMessage` as `parse` does.

    `prune` is given the first element of a watched name after each piece that is read, and says
    whether the reading stands in what it prunes. More than `MAX_UNPRUNED` bytes elsewhere are
    refused, so that what is held of a message does not grow with it.
    """
    parser = etree.XMLPullParser(events=("start",), tag=watched, **_hardened(data, charset))
    place: etree._Element | None = None
    unpruned = 0
    try:
        for start in range(0, len(data), _PIECE):
            parser.feed(data[start : start + _PIECE])
            for _, element in parser.read_events():
                place = element if place is None else place
            unpruned += 0 if place is not None and prune(place) else _PIECE
            if unpruned > MAX_UNPRUNED:
                raise MalformedMessage("a longer wrapper than a message may have")
        root = parser.close()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage(f"not XML: {type(error).__name__}") from error
    return _without_doctype(root)


def _hardened(data: bytes, charset: str | None) -> dict[str, Any]:
    """Give how a document is to be parsed; raise where it is one to refuse unread."""
    if data.count(_OPENING) > 2 * MAX_ELEMENTS:
        raise MalformedMessage("more elements than a message may have")
    return {
        "encoding": _declared(data) if charset is None else _known(charset),
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "huge_tree": False,
        "remove_pis": True,
        "remove_comments": True,
    }


def _without_doctype(root: etree._Element) -> etree._Element:
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedMessage("a DOCTYPE is refused")
    return root


def _known(charset: str) -> str:
    """Give the parser's name of a charset."""
    name = _CHARSETS.get(charset.strip().lower())
    if name is None:
        raise MalformedMessage("an unknown charset")
    return name


def _declared(data: bytes) -> str:
    """Give the charset that a document says it is in, or shows by its first bytes.

    Some senders declare UTF-16, in which they held a text, and send it as UTF-8.
    """
    shown = _SIXTEEN_BITS.get(data[:2])
    if shown is not None:
        return shown
    declared = _DECLARED.match(data)
    name = _known(declared[1].decode("ascii")) if declared else _UTF_8
    return _UTF_8 if name.startswith(_UTF_16) else name
