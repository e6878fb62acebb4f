"""Posts to other message handlers as the Spine does: its headers, mutual TLS, a bounded time.

Names, order and values of the headers are those of a captured delivery (transport.md 1.1). Each
post has a connection of its own, as there; a TLS session that the receiver lets us resume saves
most of the handshake.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from adapters.courier import HttpReply, Unreachable
from core.values.messaging import Content

MAX_REPLY: Final = 1_000_000
"""A receiver answers with a signal; what is longer is cut off and says nothing."""
MAX_SESSIONS: Final = 1_000
_READ: Final = 65_536
_PORT: Final = 443


class Poster:
    """Posts content to addresses; threads share it."""

    def __init__(self, context: Callable[[], ssl.SSLContext], *, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._sessions: dict[tuple[str, int], tuple[ssl.SSLContext, ssl.SSLSession]] = {}

    def __call__(self, endpoint: str, content: Content) -> HttpReply:
        """Post, and give the answer; raise `Unreachable` where there is none in time."""
        until = time.monotonic() + self._seconds
        url = urlsplit(endpoint)
        place = url.hostname or "", url.port or _PORT
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            with contextlib.closing(self._connected(place, until)) as sock:
                sock.sendall(_request(url.netloc, target, content))
                reply = _parsed(_answer(sock, until))
                self._remember(place, sock)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unreachable(f"{place[0]}:{place[1]}: {_said(error)}") from error
        return reply

    def _connected(self, place: tuple[str, int], until: float) -> ssl.SSLSocket:
        context = self._context()
        kept = self._sessions.get(place)
        session = kept[1] if kept is not None and kept[0] is context else None
        plain = socket.create_connection(place, timeout=_left(until))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return context.wrap_socket(plain, server_hostname=place[0], session=session)
        except BaseException:
            plain.close()
            raise

    def _remember(self, place: tuple[str, int], sock: ssl.SSLSocket) -> None:
        if sock.session is not None:
            if len(self._sessions) >= MAX_SESSIONS:
                self._sessions = {}
            self._sessions[place] = sock.context, sock.session


def _request(host: str, target: str, content: Content) -> bytes:
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Mozilla/5.0 (compatible; pycurl)",
        "Accept-Encoding: none",
        f"Soapaction: {content.action}",
        "Accept: */*",
        "Connection: close",
        f"Content-Type: {content.content_type}",
        f"Content-Length: {len(content.body)}",
    )
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1:
        raise ValueError("a header of more than one line")
    return f"{head}\r\n\r\n".encode("latin-1", "replace") + content.body


def _answer(sock: ssl.SSLSocket, until: float) -> bytes:
    """Give the bytes of one answer, as soon as they are all there."""
    data = bytearray()
    while len(data) <= MAX_REPLY and not _is_whole(data):
        sock.settimeout(_left(until))
        read = sock.recv(_READ)
        if not read:
            break
        data += read
    return bytes(data)


def _is_whole(data: bytearray) -> bool:
    """Say whether nothing more can belong to an answer, as far as its head says so."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    reply = _response(bytes(data))
    if reply.chunked:
        return data.endswith(b"0\r\n\r\n")
    return reply.length is not None and len(data) >= end + 4 + reply.length


def _parsed(data: bytes) -> HttpReply:
    if not data:
        raise ConnectionResetError("the connection was closed without an answer")
    reply = _response(data)
    return HttpReply(reply.status, reply.read())


@dataclass(frozen=True, slots=True)
class _Given:
    """Bytes that were read, in the shape that the standard library's parser reads."""

    data: bytes

    def makefile(self, _mode: str) -> io.BytesIO:
        """Give the bytes as a file."""
        return io.BytesIO(self.data)


def _response(data: bytes) -> http.client.HTTPResponse:
    reply = http.client.HTTPResponse(cast("socket.socket", _Given(data)))
    reply.begin()
    return reply


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _said(error: BaseException) -> str:
    """Give what went wrong in one line; of an answer that is no HTTP, only that."""
    if isinstance(error, http.client.HTTPException):
        return "the answer is not HTTP"
    if isinstance(error, ssl.SSLError):
        return str(cast("Any", error).reason or type(error).__name__)
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
