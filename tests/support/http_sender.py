"""The sending end of a message handler: posts over mutual TLS, on a connection that stays open."""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from typing import Final, Self

from ebxml_messages import Message
from msgspec import Struct
from peers import trusting

from operations.sending import ClientFiles

Headers = tuple[tuple[str, str], ...]
_SECONDS: Final = 60.0


class HttpAnswer(Struct, frozen=True):
    """An answer: its headers in their order and case."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Give the first header of a name, in any case."""
        return first_of(self.headers, name)


def first_of(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Give the first header of a name, in any case."""
    return next((value for one, value in headers if one.lower() == name.lower()), None)


class Sender:
    """A client that keeps its connection; a connection that was closed is opened anew.

    Nothing is sent a second time by itself: where a connection breaks, the error is the caller's,
    so that what a hub counts is what a test sent. Use it from one thread.
    """

    def __init__(self, port: int, files: ClientFiles, *, seconds: float = _SECONDS) -> None:
        self._connection = http.client.HTTPSConnection(
            "localhost", port, timeout=seconds, context=trusting(files)
        )
        self.connections = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def post(self, path: str, headers: Iterable[tuple[str, str]], body: bytes) -> HttpAnswer:
        """Post bytes under headers as they are written, and give the answer."""
        if self._connection.sock is None:
            self.connections += 1
        try:
            return self._exchange("POST", path, headers, body)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def send(self, message: Message) -> HttpAnswer:
        """Send a message to where its pattern is received."""
        return self.post(message.path, message.headers, message.bytes())

    def get(self, path: str, headers: Iterable[tuple[str, str]] = ()) -> HttpAnswer:
        """Get what stands under a path."""
        return self._exchange("GET", path, headers, None)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def _exchange(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | None
    ) -> HttpAnswer:
        connection = self._connection
        connection.putrequest(method, path, skip_accept_encoding=True)
        given = tuple(headers)
        for name, value in given:
            connection.putheader(name, value)
        if body is not None and first_of(given, "Content-Length") is None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        with connection.getresponse() as came:
            return HttpAnswer(came.status, tuple(came.getheaders()), came.read())


def post(
    port: int,
    path: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    files: ClientFiles,
) -> HttpAnswer:
    """Post bytes on a connection of their own, and give the answer."""
    with Sender(port, files) as sender:
        return sender.post(path, headers, body)


def send(port: int, message: Message, files: ClientFiles) -> HttpAnswer:
    """Send a message on a connection of its own, and give the answer."""
    with Sender(port, files) as sender:
        return sender.send(message)
