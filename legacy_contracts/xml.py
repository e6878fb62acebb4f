"""The one parser of the wire: nothing outside the bytes is ever read, nothing inside expanded."""

from __future__ import annotations

import codecs
from typing import Final

from lxml import etree

from legacy_contracts.errors import MalformedMessage

MAX_ELEMENTS: Final = 200_000
"""More elements than any message of 5,000,000 bytes that a real system sends."""

_OPENING: Final = b"<"


def parse(data: bytes, *, charset: str | None = None) -> etree._Element:
    """Give the root element of a document; raise `MalformedMessage` for anything unsafe.

    `charset` is what the transport said of the bytes; it goes before what the document says.
    """
    if data.count(_OPENING) > 2 * MAX_ELEMENTS:
        raise MalformedMessage("more elements than a message may have")
    parser = etree.XMLParser(
        encoding=_known(charset),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(data, parser)  # noqa: TID251 - hardened; its one home
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage(f"not XML: {type(error).__name__}") from error
    if root.getroottree().docinfo.doctype:
        raise MalformedMessage("a DOCTYPE is refused")
    return root


def _known(charset: str | None) -> str | None:
    """Give the charset's usual name, or None for what the document itself says."""
    if charset is None:
        return None
    try:
        return codecs.lookup(charset).name
    except LookupError as error:
        raise MalformedMessage("an unknown charset") from error
