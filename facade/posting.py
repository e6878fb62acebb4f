"""Posts to other message handlers as the Spine does: its headers, mutual TLS, a bounded time.

Names, order and values of the headers are those of a captured delivery (transport.md 1.1). Each
post has a connection of its own, as there; a TLS session that the receiver lets us resume saves
most of the handshake. All of a post but the resolution of the name is over in the time it may take.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, cast
from urllib.parse import urlsplit

from msgspec import Struct

from adapters.courier import HttpReply, Unreachable
from core.values.messaging import Content

MAX_REPLY: Final = 1_000_000
"""A receiver answers with a signal; what is longer is cut off and says nothing."""
MAX_SESSIONS: Final = 1_000
_SENT_AT_ONCE: Final = 65_536
_HEAD: Final = 8_192
_PLAIN: Final = re.compile(
    rb"HTTP/1\.[01] (?P<status>(?!204|304)[2-5]\d\d)(?: [\x20-\x7E]*)?\r\n"
    rb"(?:(?!(?:transfer-encoding|content-length) *:)[\x21-\x39\x3B-\x7E]+:[\t\x20-\x7E]*\r\n)*"
    rb"content-length: *(?P<length>\d{1,7}) *\r\n"
    rb"(?:(?!(?:transfer-encoding|content-length) *:)[\x21-\x39\x3B-\x7E]+:[\t\x20-\x7E]*\r\n)*"
    rb"\r\n",
    re.IGNORECASE,
)
"""The head of an answer as nearly all are: its length said once, nothing folded, no coding.

For these the general reader takes a tenth of a millisecond, an eighth of a whole post.
"""
_PORT: Final = 443

Place = tuple[str, int]


class Poster:
    """Posts content to addresses; threads share it."""

    def __init__(self, context: Callable[[], ssl.SSLContext], *, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._sessions: dict[Place, tuple[ssl.SSLContext, ssl.SSLSession]] = {}

    def __call__(self, endpoint: str, content: Content) -> HttpReply:
        """Post, and give the answer; raise `Unreachable` where there is none in time."""
        until = time.monotonic() + self._seconds
        place = urlsplit(endpoint).hostname or ""
        try:
            with contextlib.closing(self._connected(endpoint, until)) as sock:
                _send(sock, head(endpoint, content), content.body, until)
                reply = read_reply(_Bounded(sock, until))
                self._remember(_place(endpoint), sock)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unreachable(f"{place}: {_said(error)}") from error
        return reply

    def _connected(self, endpoint: str, until: float) -> ssl.SSLSocket:
        place = _place(endpoint)
        context = self._context()
        kept = self._sessions.get(place)
        session = kept[1] if kept is not None and kept[0] is context else None
        plain = _reached(place, until)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(_left(until))
            return context.wrap_socket(plain, server_hostname=place[0], session=session)
        except BaseException:
            plain.close()
            raise

    def _remember(self, place: Place, sock: ssl.SSLSocket) -> None:
        # To ask for a session is dear: one that is still taken will do.
        if sock.session_reused:
            return
        session = sock.session
        if session is not None:
            if len(self._sessions) >= MAX_SESSIONS:
                self._sessions = {}
            self._sessions[place] = sock.context, session


def head(endpoint: str, content: Content) -> bytes:
    """Give what stands before a post's body; raise ValueError where a header is not one line."""
    url = urlsplit(endpoint)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {url.netloc}",
        "User-Agent: Mozilla/5.0 (compatible; pycurl)",
        "Accept-Encoding: none",
        f"Soapaction: {content.action}",
        "Accept: */*",
        "Connection: close",
        f"Content-Type: {content.content_type}",
        f"Content-Length: {len(content.body)}",
    )
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of more than one line")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


def read_reply(source: io.RawIOBase | bytes) -> HttpReply:
    """Give what an answer says; raise OSError, HTTPException where it says nothing."""
    reader = io.BufferedReader(io.BytesIO(source) if isinstance(source, bytes) else source, _HEAD)
    plain = _PLAIN.match(reader.peek())
    if plain is not None:
        reader.read(plain.end())
        length = int(plain["length"])
        body = reader.read(length)
        if len(body) < length:
            raise http.client.IncompleteRead(body, length - len(body))
        return HttpReply(int(plain["status"]), body)
    reply = http.client.HTTPResponse(cast("socket.socket", _Given(reader)), method="POST")
    reply.begin()
    return HttpReply(reply.status, reply.read())


class _Given(Struct, frozen=True):
    """A reader in the shape of the socket that the standard library's parser reads."""

    reader: io.BufferedIOBase

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        """Give the reader."""
        return self.reader


class _Bounded(io.RawIOBase):
    """What a socket gives until a time, and no more of it than an answer may have."""

    def __init__(self, sock: ssl.SSLSocket, until: float) -> None:
        self._sock = sock
        self._until = until
        self._room = MAX_REPLY

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Read what there is, at the latest when the time is over."""
        self._sock.settimeout(_left(self._until))
        count = self._sock.recv_into(buffer)
        self._room -= count
        if self._room < 0:
            raise ValueError("an answer that is too long")
        return count


def _place(endpoint: str) -> Place:
    url = urlsplit(endpoint)
    return url.hostname or "", url.port or _PORT


def _reached(place: Place, until: float) -> socket.socket:
    """Give a connection to the first of a name's addresses that takes one in time."""
    failure = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(*place, type=socket.SOCK_STREAM):
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(_left(until))
            plain.connect(address)
        except OSError as error:
            plain.close()
            failure = error
        else:
            return plain
    raise failure


def _send(sock: ssl.SSLSocket, head: bytes, body: bytes, until: float) -> None:
    """Send it all in time; a receiver that refuses before it has read it may have said why."""
    try:
        for piece in _pieces(head, body):
            sock.settimeout(_left(until))
            sock.sendall(piece)
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        _left(until)


def _pieces(head: bytes, body: bytes) -> Iterator[bytes | memoryview]:
    """Give a post in pieces; what is short is one, and so one record of TLS."""
    view = memoryview(body)
    yield head + view[:_SENT_AT_ONCE]
    for begin in range(_SENT_AT_ONCE, len(body), _SENT_AT_ONCE):
        yield view[begin : begin + _SENT_AT_ONCE]


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _said(error: BaseException) -> str:
    """Give what went wrong in one line; of an answer that is no HTTP, only that."""
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.HTTPException):
        return "the answer is not HTTP"
    if isinstance(error, ssl.SSLError):
        return str(cast("Any", error).reason or type(error).__name__)
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
