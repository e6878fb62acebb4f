"""What came over the wire is read: its parts, its header, and which part is its payload."""

from __future__ import annotations

from lxml import etree
from msgspec import Struct

from legacy_contracts import xml
from legacy_contracts.envelopes import ebxml, mime
from legacy_contracts.envelopes.ebxml import Header


class Sent(Struct, frozen=True):
    """What the transport knows of a message: its bytes, what was said of them, whose they are."""

    body: bytes
    content_type: str
    certificate_names: tuple[str, ...]


class Read(Struct, frozen=True):
    """A message whose header was read; no package where it came without parts."""

    header: Header
    root: etree._Element
    package: mime.Package | None


def read_message(sent: Sent) -> Read:
    """Give a message's parts and header; raise `ContractError` where there are none to read."""
    if not mime.is_multipart(sent.content_type):
        root = xml.parse(sent.body, charset=mime.charset_of(sent.content_type))
        return Read(ebxml.header(root), root, None)
    package = mime.split(sent.body, sent.content_type)
    root = xml.parse(package.root.decoded(), charset=package.root.charset)
    return Read(ebxml.header(root), root, package)


def payload_of(read: Read) -> mime.Part | None:
    """Give the part of a message that is its payload; None where it carries none."""
    return _named(read.package, read.header.references) if read.package else None


def payload_in(body: bytes, content_type: str) -> mime.Part | None:
    """Give the part that is the payload of a message whose header was read before."""
    if not mime.is_multipart(content_type):
        return None
    package = mime.split(body, content_type)
    root = xml.parse(package.root.decoded(), charset=package.root.charset)
    return _named(package, ebxml.references(root))


def _named(package: mime.Package, references: tuple[str, ...]) -> mime.Part | None:
    """Give the part that the first reference names; where it names none here, the second part.

    Real senders of records name it by a Content-Id that they did not give it (gp2gp, Medicus).
    """
    for first in references[:1]:
        named = package.referenced(first)
        if named is not None:
            return named
    others = [part for part in package.parts if part is not package.root]
    return others[0] if others else None
