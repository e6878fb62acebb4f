"""multipart/related, in and out: a message is split where it lies, and nothing of it is copied.

A delimiter is a line: it begins at the body's first byte or after a line feed, and ends in CRLF,
in LF or with the body, maybe after blanks. The line end before it belongs to it, whichever it is,
so that one splitter reads the senders of CRLF, of LF alone and of both (transport.md 1.2, 1.10).
It reads as stdlib `email` does, which is its oracle in the tests. Where readers of MIME differ (a
bare carriage return as a line end, a header said twice) the message is refused: what is forwarded
must mean the same to whoever gets it.

Every search goes forward once, and what is counted is bounded, so that no bytes cost more than
their length.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from email.parser import HeaderParser
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from legacy_contracts.errors import MalformedMessage

BOUNDARY: Final = "--=_MIME-Boundary"
ROOT_ID: Final = "ebXMLHeader@spine.nhs.uk"
ID_SUFFIX: Final = "@spine.nhs.uk"
CONTENT_TYPE: Final = (
    f'multipart/related; boundary="{BOUNDARY}"; charset="UTF-8"; type="text/xml"; '
    f'start="<{ROOT_ID}>"'
)
"""What the Spine sends (transport.md 1.1, captured)."""

MAX_PARTS: Final = 1_000
MAX_CANDIDATES: Final = 10 * MAX_PARTS
"""Lines that open as a delimiter does: more of them than of parts are an attack, not a text."""

MAX_HEADER: Final = 16_384
MAX_HEADER_LINES: Final = 64

_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]", re.ASCII)
"""RFC 2046, 5.1.1: 70 characters at most, the last no space."""

_TAIL: Final = re.compile(rb"(?P<closing>--)?+[ \t]*+(?:\r?\n|\Z|(?P<bare>\r))")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_UNREADABLE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_PLAIN: Final = re.compile(rb"(?:[A-Za-z-]{1,76}: [!-~][ -~]*+\r?\n)++", re.ASCII)
_PLAIN_LINE: Final = re.compile(r"([A-Za-z-]+): ([^\r\n]*)\r?\n")
"""Header lines that need no library: a name, one space, ASCII that begins with no blank."""
_FOLD: Final = re.compile(r"\r?\n")
_PARAMETER: Final = re.compile(
    r""";\s*+([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.?)*+)"?|([^;]*+))""", re.DOTALL
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_NOT_QUOTED_PRINTABLE: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")
_ONE_LINE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_DELIMITER: Final = b"--" + BOUNDARY.encode("ascii")
_DELIMITER_LINE: Final = re.compile(rb"(?:\A|[\r\n])" + re.escape(_DELIMITER))
_BLANKS: Final = b" \t\r\n"
_CARRIAGE_RETURN: Final = b"\r"
_MULTIPART: Final = "multipart/"
_DEFAULT_TYPE: Final = "text/plain"
_DEFAULT_ENCODING: Final = "7bit"
_ID: Final = "content-id"
_TYPE: Final = "content-type"
_ENCODING: Final = "content-transfer-encoding"


class Part(Struct, frozen=True):
    """One part: what its headers say of it, and its content as it was sent.

    Headers are unfolded, and their bytes read one by one (ISO-8859-1), so that none is lost.
    """

    content_id: str
    content_type: str
    charset: str | None
    transfer_encoding: str
    headers: tuple[tuple[str, str], ...]
    content: memoryview

    def decoded(self) -> bytes:
        """Give the content without its transfer encoding; raise where it is not in that."""
        decode = _DECODERS.get(self.transfer_encoding)
        if decode is None:
            raise MalformedMessage("an unknown Content-Transfer-Encoding")
        return decode(self.content)


class Package(Struct, frozen=True):
    """The parts of a message in their order, and the one that speaks for all."""

    parts: tuple[Part, ...]
    root: Part

    def referenced(self, href: str) -> Part | None:
        """Give the part that a manifest's `cid:` names, or None; a `mid:` names another message."""
        scheme, _, rest = href.partition(":")
        if scheme.lower() != "cid":
            return None
        # tms-rules.md 7.4: with the Spine's suffix or without, whatever the part itself has.
        plain = unquote(rest)
        bare = plain.removesuffix(ID_SUFFIX)
        for name in (rest, plain, bare, bare + ID_SUFFIX):
            found = _named(self.parts, name) if bare else None
            if found is not None:
                return found
        return None


class OutPart(Struct, frozen=True):
    """One part to send: its Content-Id without brackets, its headers' words, its content."""

    content_id: str
    content_type: str
    transfer_encoding: str
    content: bytes


def is_multipart(content_type: str) -> bool:
    """Say whether a body of this Content-Type has parts."""
    return _media_type(content_type).startswith(_MULTIPART)


def charset_of(content_type: str) -> str | None:
    """Give the charset that a Content-Type names, or None."""
    return _parameter(content_type, "charset") or None


def split(body: bytes, content_type: str) -> Package:
    """Give the parts of a body; raise `MalformedMessage` where they cannot be told for sure.

    A `start` that names no part, like none, makes the first part the root (inferred: every
    captured sender puts it first, and names it right).
    """
    if not is_multipart(content_type):
        raise MalformedMessage("not multipart")
    boundary = _parameter(content_type, "boundary")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedMessage("no boundary, or one that is none")
    delimiter = b"--" + boundary.encode("ascii")
    parts = tuple(_part(body, begin, end) for begin, end in _pieces(body, delimiter))
    start = _without_brackets(_parameter(content_type, "start"))
    return Package(parts, (_named(parts, start) if start else None) or parts[0])


def joined(parts: tuple[OutPart, ...]) -> bytes:
    """Give a body as the Spine sends it; raise where a content would be read as several.

    No line end follows the closing delimiter (the Content-Length of a captured delivery).
    """
    pieces = []
    for part in parts:
        if _DELIMITER in part.content and _DELIMITER_LINE.search(part.content):
            raise MalformedMessage("a content that holds the boundary")
        pieces += [_DELIMITER, b"\r\n", _head(part), b"\r\n", part.content, b"\r\n"]
    return b"".join((*pieces, _DELIMITER, b"--"))


def _head(part: OutPart) -> bytes:
    """Give the header block of a part, in the Spine's order."""
    lines = (
        f"Content-Id: <{part.content_id}>",
        f"Content-Type: {part.content_type}",
        f"Content-Transfer-Encoding: {part.transfer_encoding}",
    )
    # Ids and types of a forwarded message are its sender's words.
    if not all(_ONE_LINE.fullmatch(line) for line in lines):
        raise MalformedMessage("a header that is not one line")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1")


def _candidates(body: bytes, delimiter: bytes) -> Iterator[int]:
    """Give where each line begins that opens as a delimiter does."""
    if body.startswith(delimiter):
        yield 0
    line = b"\n" + delimiter
    at = body.find(line)
    while at >= 0:
        yield at + 1
        at = body.find(line, at + len(line))


def _delimiters(body: bytes, delimiter: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Give where each delimiter line begins, and how it ends."""
    if _CARRIAGE_RETURN + delimiter in body:
        raise MalformedMessage("a delimiter after a bare carriage return")
    for count, at in enumerate(_candidates(body, delimiter)):
        if count == MAX_CANDIDATES:
            raise MalformedMessage("too many lines that open as a delimiter does")
        tail = _TAIL.match(body, at + len(delimiter))
        if tail is None:
            continue
        if tail["bare"]:
            raise MalformedMessage("a delimiter before a bare carriage return")
        yield at, tail


def _pieces(body: bytes, delimiter: bytes) -> list[tuple[int, int]]:
    """Give where each part begins, after its delimiter, and ends, before the next one's dashes."""
    pieces: list[tuple[int, int]] = []
    begin = None
    for at, tail in _delimiters(body, delimiter):
        if begin is not None:
            pieces.append((begin, at))
        if len(pieces) > MAX_PARTS:
            raise MalformedMessage("more parts than a message may have")
        if tail["closing"]:
            break
        begin = tail.end()
    else:
        raise MalformedMessage("no closing delimiter")
    if not pieces:
        raise MalformedMessage("no parts")
    return pieces


def _part(body: bytes, begin: int, end: int) -> Part:
    """Give the part that lies between the end of one delimiter line and the next one's dashes."""
    # The line end of the delimiter opens the blank line where a part has no headers, and that of
    # the blank line may be the next delimiter's where a part has no content.
    blank = _BLANK_LINE.search(body, begin - 1, min(end, begin + MAX_HEADER))
    if blank is None:
        raise MalformedMessage("a part without an end of its headers")
    headers = _headers(body[begin : blank.start() + 1])
    line_end = 2 if body[end - 2 : end - 1] == _CARRIAGE_RETURN else 1
    content_type = _only(headers, _TYPE)
    return Part(
        content_id=_without_brackets(_only(headers, _ID)),
        content_type=_media_type(content_type) or _DEFAULT_TYPE,
        charset=_parameter(content_type, "charset") or None,
        transfer_encoding=_only(headers, _ENCODING).lower() or _DEFAULT_ENCODING,
        headers=headers,
        content=memoryview(body)[blank.end() : max(blank.end(), end - line_end)],
    )


def _headers(block: bytes) -> tuple[tuple[str, str], ...]:
    """Give a part's headers."""
    if block.count(b"\n") > MAX_HEADER_LINES or _UNREADABLE.search(block):
        raise MalformedMessage("a part's headers are too many, or not text")
    if _PLAIN.fullmatch(block):
        return tuple(_PLAIN_LINE.findall(block.decode("ascii")))
    message = HeaderParser().parsestr(block.decode("latin-1"))
    if message.defects or message.get_unixfrom() or message.get_payload():
        raise MalformedMessage("a line of a part's headers is none")
    return tuple((name, _FOLD.sub("", value)) for name, value in message.items())


def _only(headers: tuple[tuple[str, str], ...], name: str) -> str:
    """Give a header's value, or nothing where there is none; raise where there are two."""
    values = [value.strip() for key, value in headers if key.lower() == name]
    if len(values) > 1:
        raise MalformedMessage(f"{name} is said twice")
    return values[0] if values else ""


def _media_type(content_type: str) -> str:
    """Give the media type in lower case, or nothing where it is none (RFC 2045, 5.2)."""
    name = content_type.partition(";")[0].partition("(")[0].strip().lower()
    return name if name.count("/") == 1 else ""


def _parameter(content_type: str, wanted: str) -> str:
    """Give a parameter of a Content-Type, or nothing; raise where it has two values."""
    # `email` would find it too, but looks for quotes from the start at each semicolon.
    values = {
        _ESCAPED.sub(r"\1", quoted) or token.partition("(")[0].strip()
        for name, quoted, token in _PARAMETER.findall(content_type)
        if name.lower() == wanted
    }
    if len(values) > 1:
        raise MalformedMessage(f"the {wanted} of Content-Type is said twice")
    return values.pop() if values else ""


def _without_brackets(content_id: str) -> str:
    return content_id.removeprefix("<").removesuffix(">")


def _named(parts: tuple[Part, ...], content_id: str) -> Part | None:
    """Give the first part of this Content-Id."""
    return next((part for part in parts if part.content_id == content_id), None)


def _from_base64(content: memoryview) -> bytes:
    try:
        return base64.b64decode(bytes(content).translate(None, _BLANKS), validate=True)
    except binascii.Error as error:
        raise MalformedMessage("a content that is not base64") from error


def _from_quoted_printable(content: memoryview) -> bytes:
    if _NOT_QUOTED_PRINTABLE.search(content):
        raise MalformedMessage("a content that is not quoted-printable")
    return binascii.a2b_qp(content)


_DECODERS: Final[dict[str, Callable[[memoryview], bytes]]] = {
    "7bit": bytes,
    "8bit": bytes,
    "binary": bytes,
    "base64": _from_base64,
    "quoted-printable": _from_quoted_printable,
}
