"""Packages of our own in every form that senders write, and what stdlib `email` reads in one."""

from __future__ import annotations

import email
from typing import Final

from msgspec import Struct

CRLF: Final = b"\r\n"
LF: Final = b"\n"

ROOT: Final = b"ebXMLHeader@spine.nhs.uk"
MESSAGE: Final = b"7D1C9A40-0B5E-4C1B-9F3D-2A6E8B7C5D10@spine.nhs.uk"
ATTACHMENT: Final = b"0E4B2C6A-91D7-4F58-8A3C-6D5E7F901B22"

SPINE_BOUNDARY: Final = b"--=_MIME-Boundary"


class Written(Struct, frozen=True):
    """One part as a sender writes it: its header lines and its content."""

    headers: tuple[bytes, ...]
    content: bytes


def part(content_id: bytes, content_type: bytes, encoding: bytes, content: bytes) -> Written:
    """Give a part with the three headers in the Spine's order."""
    lines = (
        b"Content-Id: <%s>" % content_id,
        b"Content-Type: %s" % content_type,
        b"Content-Transfer-Encoding: %s" % encoding,
    )
    return Written(lines, content)


def header(*references: bytes) -> bytes:
    """Give something like an ebXML envelope, with a manifest of these references."""
    manifest = b"".join(b'<eb:Reference xlink:href="%s"/>' % one for one in references)
    return b'<?xml version="1.0"?>\n<SOAP:Envelope>\n%s\n</SOAP:Envelope>\n' % manifest


SENT: Final = (
    part(ROOT, b"text/xml; charset=UTF-8", b"8bit", header(b"cid:" + MESSAGE)),
    part(MESSAGE, b"application/xml; charset=UTF-8", b"8bit", "<a b='é'/>".encode()),
    part(ATTACHMENT, b"image/png", b"base64", b"AAECAwQF\r\nBgcICQ==\r\n"),
)


class Form(Struct, frozen=True):
    """How a sender frames its parts."""

    boundary: bytes = SPINE_BOUNDARY
    line_end: bytes = CRLF
    padding: bytes = b""
    preamble: bytes = b""
    epilogue: bytes = b""


def written(parts: tuple[Written, ...] = SENT, form: Form | None = None) -> bytes:
    """Give a body of these parts."""
    form = form or Form()
    end, dashes = form.line_end, b"--" + form.boundary
    pieces = [form.preamble]
    for one in parts:
        lines = b"".join(line + end for line in one.headers)
        pieces += [dashes, form.padding, end, lines, end, one.content, end]
    return b"".join((*pieces, dashes, b"--", form.padding, form.epilogue))


def content_type(boundary: bytes = SPINE_BOUNDARY) -> str:
    """Give the header value of a body with this boundary."""
    return f'multipart/related; boundary="{boundary.decode("ascii")}"; type="text/xml"'


def by_email(body: bytes, of_type: str) -> tuple[bytes | None, ...] | None:
    """Give what stdlib `email` finds in each part, None for a part that it reads parts in.

    None for all, where it finds a defect.
    """
    head = b"Content-Type: " + of_type.encode("latin-1") + b"\r\n\r\n"
    message = email.message_from_bytes(head + body)
    if not message.is_multipart() or message.defects:
        return None
    parts = [one for one in message.get_payload() if isinstance(one, email.message.Message)]
    if any(one.defects for one in parts):
        return None
    return tuple(_raw(one) for one in parts)


def _raw(one: email.message.Message) -> bytes | None:
    """Give a part's content as sent; what `get_payload` gives has been decoded."""
    payload = one._payload  # type: ignore[attr-defined]
    return payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else None
