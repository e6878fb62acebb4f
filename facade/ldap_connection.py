"""One LDAP connection on its socket: bytes to messages within limits of size and of time.

A peer that breaks the protocol, takes too long, or says nothing for long is told why in a notice of
disconnection (RFC 4511 4.4.1), and let go.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from facade import logs, tls
from facade.ldap_session import Peer, Served, Session
from legacy_contracts.sds import ldap_answers
from legacy_contracts.sds.ldap_ber import SEQUENCE, measured
from legacy_contracts.sds.ldap_codes import Malformed, Result
from legacy_contracts.sds.ldap_filters import FilterLimits
from legacy_contracts.sds.ldap_messages import Message, read_message

_RECEIVE_BYTES: Final = 65_536
_LINGER_SECONDS: Final = 0.5


class Patience(Struct, frozen=True):
    """How long a peer may take, in seconds, and how large a message may be."""

    handshake: float
    message: float
    idle: float
    limit_bytes: int
    filters: FilterLimits


class Listening(Struct, frozen=True):
    """What connections of one address have in common; no context: TLS is never begun there."""

    served: Served
    patience: Patience
    context: Callable[[], ssl.SSLContext] | None
    is_tls: bool
    woken: socket.socket
    """Readable once the server stops."""


class _Over(Exception):
    """The connection ends; with a notice where a code is given."""

    def __init__(self, code: Result | None = None, text: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Connection:
    """A connection that `run` serves until either side ends it."""

    def __init__(self, sock: socket.socket, listening: Listening, number: int) -> None:
        self._sock = sock
        self._listening = listening
        self._patience = listening.patience
        self._number = number
        self._held = bytearray()

    def run(self) -> None:
        """Serve; whatever happens, the socket is closed after it and nothing is raised."""
        try:
            self._serve()
        except _Over as over:
            self._take_leave(over)
        except OSError as error:
            # Reset, timed out, or TLS that failed: there is nobody to tell.
            logs.logger().debug("ldap.gone", error=type(error).__name__)
        finally:
            with contextlib.suppress(OSError):
                self._sock.close()

    def refuse(self) -> None:
        """Tell a peer that there is no room, as far as that can be told."""
        try:
            if self._listening.is_tls:
                self._begin_tls()
            self._take_leave(_Over(Result.BUSY, "there are too many connections: try later"))
        except OSError as error:
            logs.logger().debug("ldap.gone", error=type(error).__name__)
        finally:
            with contextlib.suppress(OSError):
                self._sock.close()

    def _serve(self) -> None:
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._listening.is_tls:
            self._begin_tls()
        session = Session(self._listening.served, self._peer())
        for message in self._messages():
            for piece in session.answers(message):
                self._send(piece)
            if session.has_ended:
                return
            if session.starts_tls:
                self._start_tls(session)

    def _peer(self) -> Peer:
        is_tls = isinstance(self._sock, ssl.SSLSocket)
        names = tls.names_of(self._sock)
        return Peer(self._number, is_tls, names, self._listening.context is not None)

    def _begin_tls(self) -> None:
        context = self._listening.context
        if context is None:
            raise _Over
        self._sock.settimeout(self._patience.handshake)
        self._sock = context().wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False
        )
        try:
            self._sock.do_handshake()
        except TimeoutError:
            self._report("handshake.stalled")
            raise
        except OSError as error:
            if why := tls.refusal(error):
                self._report("handshake.refused", why=why)
            raise

    def _report(self, event: str, **what: str) -> None:
        """Note what became of a handshake: whoever is refused can be told no other way."""
        with contextlib.suppress(OSError):
            logs.logger().info(event, peer=self._sock.getpeername()[0], **what)

    def _start_tls(self, session: Session) -> None:
        if self._held:
            # What was sent before TLS began must not be taken for what was sent in it.
            raise _Over(Result.PROTOCOL_ERROR, "something was sent before TLS was established")
        self._begin_tls()
        session.secured(self._peer())

    def _messages(self) -> Iterator[Message]:
        while True:
            data = self._next()
            if data is None:
                return
            try:
                message = read_message(data, self._patience.filters)
            except Malformed as malformed:
                raise _Over(Result.PROTOCOL_ERROR, malformed.why) from malformed
            yield message

    def _next(self) -> bytes | None:
        """Give the bytes of the next message, or None where the peer has ended."""
        if not self._held and not self._receive(self._patience.idle, idle=True):
            return None
        until = time.monotonic() + self._patience.message
        while (length := self._length()) is None or len(self._held) < length:
            left = until - time.monotonic()
            if left <= 0:
                raise _Over(Result.PROTOCOL_ERROR, "a message took too long to arrive")
            if not self._receive(left, idle=False):
                return None
        data = bytes(self._held[:length])
        del self._held[:length]
        return data

    def _length(self) -> int | None:
        if self._held and self._held[0] != SEQUENCE:
            raise _Over(Result.PROTOCOL_ERROR, "what was sent is no LDAP message")
        try:
            length = measured(self._held)
        except Malformed as malformed:
            raise _Over(Result.PROTOCOL_ERROR, malformed.why) from malformed
        if length is not None and length > self._patience.limit_bytes:
            limit = self._patience.limit_bytes
            raise _Over(Result.PROTOCOL_ERROR, f"a message may have no more than {limit} bytes")
        return length

    def _receive(self, seconds: float, *, idle: bool) -> bool:
        """Take in what arrives within some time; say whether the peer goes on."""
        if not self._is_pending() and not self._wait(seconds, idle=idle):
            code, text = (
                (Result.UNAVAILABLE, "nothing was asked for too long")
                if idle
                else (Result.PROTOCOL_ERROR, "a message took too long to arrive")
            )
            raise _Over(code, text)
        self._sock.settimeout(max(min(seconds, self._patience.message), 0.001))
        try:
            received = self._sock.recv(_RECEIVE_BYTES)
        except TimeoutError:
            # A part of a TLS record came, and the rest did not.
            raise _Over(Result.PROTOCOL_ERROR, "a message took too long to arrive") from None
        self._held += received
        return bool(received)

    def _is_pending(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def _wait(self, seconds: float, *, idle: bool) -> bool:
        """Wait for the peer; between messages, for the server's end too."""
        waiting = select.poll()
        waiting.register(self._sock, select.POLLIN)
        if idle:
            waiting.register(self._listening.woken, select.POLLIN)
        ready = waiting.poll(seconds * 1000)
        if any(descriptor == self._listening.woken.fileno() for descriptor, _ in ready):
            raise _Over(Result.UNAVAILABLE, "the server stops")
        return bool(ready)

    def _send(self, piece: bytes) -> None:
        """Send a piece whole; a peer that does not take it in time is let go."""
        until = time.monotonic() + self._patience.message
        left = memoryview(piece)
        while left:
            self._sock.settimeout(max(until - time.monotonic(), 0.001))
            left = left[self._sock.send(left) :]

    def _take_leave(self, over: _Over) -> None:
        """Send the notice, and wait a moment for the peer to have read it."""
        if over.code is None:
            return
        logs.logger().info("ldap.disconnected", code=over.code.name)
        with contextlib.suppress(OSError):
            self._sock.settimeout(_LINGER_SECONDS)
            self._sock.sendall(ldap_answers.disconnection(over.code, over.text))
            plain = socket.socket.shutdown
            plain(self._sock, socket.SHUT_WR)
            # Closed with something unread, it would be reset, and the notice lost.
            until = time.monotonic() + _LINGER_SECONDS
            while time.monotonic() < until and self._sock.recv(_RECEIVE_BYTES):
                pass
