"""Gunicorn's threaded worker, where a connection takes a thread only with a request in hand.

Its own worker waits in a thread for each handshake, for each slow head and body, and in its one
loop for each peer that does not close: a few dozen stalled peers stop it. Here the loop does what
waits (handshakes, reading, closing, none of it blocking), and threads do what computes.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import select
import selectors
import signal
import socket
import ssl
import time
from enum import IntEnum
from functools import partial
from typing import Any, Final

import gunicorn.http.message
from gunicorn import http, util
from gunicorn.http.errors import InvalidChunkSize, ParseException
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker
from msgspec import Struct

from facade import logs, tls
from facade.arrival import HEAD_LIMIT, Arrival, wire_limit
from facade.threads import Threads

HELD_LIMIT: Final = 64_000_000
"""What all connections of a process may hold of requests that have not arrived whole.

Over it, the peer that holds most is let go: a thread is only for what has arrived.
"""

STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Held back while a process is made: its parent's handlers, which it has then, would lose them."""

_SWEEP_SECONDS: Final = 0.25
_NOTICE_SECONDS: Final = 1.0
_MOMENT_SECONDS: Final = 0.002
"""How long a process that has more connections than another leaves a new one to it."""
_LINGER_SECONDS: Final = 2.0
_GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_RECEIVE_BYTES: Final = 65_536
_TURN_BYTES: Final = 262_144
"""What one peer is read of at most before the others are."""
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Patience(Struct, frozen=True):
    """How long peers may take, in seconds, and how large a request may be."""

    handshake: float
    read: float
    idle: float
    limit_bytes: int


class _Request(gunicorn.http.message.Request):  # type: ignore[misc]
    """A request whose peer was already told to go on, if it wished."""

    _policy_expect_continue = False


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """Gives the parser what has arrived, in pieces, before it reads on from the socket."""

    def __init__(self, sock: socket.socket, arrival: Arrival, limit_bytes: int) -> None:
        super().__init__(sock)
        self._arrival = arrival
        self._limit = wire_limit(limit_bytes) + HEAD_LIMIT
        self.spent = 0

    def give_back(self) -> None:
        """Put what was read of the next request back to what has arrived of it."""
        self._arrival.add(self.take_buffered() + self._arrival.take(len(self._arrival)))
        self.spent = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        data: bytes = self._arrival.take(self.mxchunk) or super().chunk(size_hint)
        self.spent += len(data)
        if self.spent > self._limit:
            raise InvalidChunkSize(b"more framing than content")
        return data


class _Turn(IntEnum):
    """What a connection waits for now."""

    READ = selectors.EVENT_READ
    WRITE = selectors.EVENT_WRITE
    WHOLE = 100
    OVER = 101


class Connection(TConn):  # type: ignore[misc]
    """One peer: its handshake, what it has sent of its next request, until when it may take."""

    def __init__(self, config: Any, sock: ssl.SSLSocket, addresses: Any, limit: int) -> None:  # noqa: ANN401
        super().__init__(config, sock, *addresses)
        self.arrival = Arrival(limit)
        self.known = False
        self.closing = False
        self.deadline = 0.0
        self.parser = http.get_parser(config, sock, self.client)
        self.parser.mesg_class = _Request
        self.parser.unreader = _Unreader(sock, self.arrival, limit)
        self.initialized = True

    def receive(self) -> bool:
        """Give True once a request is in hand, False where the peer has ended.

        Raises `SSLWantReadError` or `SSLWantWriteError` when there is more to wait for.
        """
        if not self.known:
            self.sock.do_handshake()
            self.known = True
        taken = 0
        while not self.arrival.is_whole():
            if taken >= _TURN_BYTES and not self.sock.pending():
                raise ssl.SSLWantReadError("others have their turn first")
            data = self.sock.recv(_RECEIVE_BYTES)
            if not data:
                return False
            taken += len(data)
            self.arrival.add(data)
            if not self.arrival.is_whole() and self.arrival.must_be_told():
                self.sock.send(_GO_ON)
        return True

    def would_take(self) -> bool:
        """Say whether the peer takes what it is sent: answers not read would hold a thread."""
        poll = select.poll()
        poll.register(self.sock, select.POLLOUT)
        return bool(poll.poll(0))

    def say_goodbye(self) -> None:
        """Send all that was written and the end of it; the peer may still be sending."""
        self.closing = True
        self.arrival.take(len(self.arrival))
        self.sock.setblocking(False)  # noqa: FBT003 - the standard signature
        with contextlib.suppress(OSError, ValueError):
            self.sock.unwrap()
        self.sock.shutdown(socket.SHUT_WR)

    def discard(self) -> bool:
        """Throw away what still comes; give False once the peer has ended."""
        return bool(socket.socket.recv(self.sock, _RECEIVE_BYTES))


class Worker(ThreadWorker):  # type: ignore[misc]
    """The worker; `app.patience`, `app.spread` and `app.context()` say what it needs to know."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **named)
        self._waiting: dict[Connection, None] = {}
        self._held = 0
        self._next_sweep = 0.0
        self._next_notice = 0.0
        self._gave_way_at = 0.0
        self._patience: Patience = self.app.patience
        self._log = logs.logger()

    def init_signals(self) -> None:
        """Hear from now on what was said while this process was being made."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def accept(self, listener: Any) -> None:  # noqa: ANN401
        """Take a connection and begin its handshake, unless another process is first to."""
        if self._gives_way():
            return
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._make_room()
                time.sleep(0.01)
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        try:
            sock.settimeout(0)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wrapped = self.app.context().wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        except (OSError, ValueError):
            self.nr_conns -= 1
            sock.close()
            return
        addresses = address, listener.getsockname()
        conn = Connection(self.cfg, wrapped, addresses, self._patience.limit_bytes)
        self._wait(conn, self._patience.handshake)

    def notify(self) -> None:
        """Tell the parent that this process lives, though not at each turn of the loop."""
        now = time.monotonic()
        if now >= self._next_notice:
            self._next_notice = now + _NOTICE_SECONDS
            super().notify()

    def get_thread_pool(self) -> Threads[Connection]:
        """Give the threads that do what arrives."""
        return Threads(self.cfg.threads, self._done)

    def enqueue_req(self, conn: Connection) -> None:
        """Have a request done by a thread."""
        self.tpool.put(conn)

    def _done(self, conn: Connection) -> None:
        """Do a request in a thread, and tell the loop whether its connection is kept."""
        kept = False
        try:
            kept = bool(self.handle(conn))
        finally:
            self.method_queue.defer(self.finish_request, conn, kept)

    def _gives_way(self) -> bool:
        """Let a process with fewer connections have one, for a moment: it may be busy."""
        now = time.monotonic()
        if not self.app.spread.is_ahead(self.place):
            self._gave_way_at = 0.0
            return False
        if not self._gave_way_at:
            self._gave_way_at = now
        if now - self._gave_way_at > _MOMENT_SECONDS:
            self._gave_way_at = 0.0
            return False
        time.sleep(_MOMENT_SECONDS / 8)
        return True

    def finish_request(self, conn: Connection, kept: bool) -> None:  # noqa: FBT001 - gunicorn's
        """Wait for the next request of a connection that is kept, and let others go."""
        if not kept:
            self._let_go(conn)
            return
        conn.parser.unreader.give_back()
        self._held += len(conn.arrival)
        conn.sock.setblocking(False)  # noqa: FBT003 - the standard signature
        self._wait(conn, self._time_for_next(conn))
        # Bytes that TLS has read already do not make the socket readable.
        if conn.arrival or conn.sock.pending():
            self._advance(conn)

    def _time_for_next(self, conn: Connection) -> float:
        if conn.arrival:
            return self._patience.read
        return self._patience.idle if self.alive else float(STOP_KEEPALIVE_LINGER)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Close what has waited too long; called after each turn of the loop."""
        self.app.spread.tell(self.place, self.nr_conns)
        now = time.monotonic()
        if now < self._next_sweep and not force:
            return
        self._next_sweep = now + _SWEEP_SECONDS
        self.app.context()
        for conn in [one for one in self._waiting if force or one.deadline < now]:
            if not (conn.known or conn.closing):
                self._report("handshake.stalled", conn)
            self._close(conn)

    def murder_pending(self) -> None:
        """Nothing: what waits, waits in one place."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ANN401, ARG002
        """Refuse what is not HTTP; nothing of it is repeated, on the wire or in the log."""
        theirs = isinstance(exc, (ParseException, ssl.SSLError))
        self._log.warning(
            "request.refused" if theirs else "request.failed",
            error=type(exc).__name__,
            where=logs.place_of(exc),
            peer=addr[0] if addr else None,
        )
        status, reason = (400, "Bad Request") if theirs else (500, "Internal Server Error")
        with contextlib.suppress(OSError, ValueError):
            util.write_error(client, status, reason, "")

    def _cap_keepalive(self, deadline: float) -> None:
        """Refuse new peers, and give those without a request begun until the deadline."""
        for listener in self.sockets:
            listener.close()
        for conn in self._waiting:
            if not conn.arrival:
                conn.deadline = min(conn.deadline, deadline)

    def _wait(self, conn: Connection, seconds: float) -> None:
        conn.deadline = time.monotonic() + seconds
        self._waiting[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._advance, conn))

    def _advance(self, conn: Connection, _sock: Any = None) -> None:  # noqa: ANN401
        """Go on with a connection as far as that needs no waiting."""
        held, known = len(conn.arrival), conn.known
        turn = self._turn(conn)
        self._held += len(conn.arrival) - held
        if turn is _Turn.OVER:
            self._end(conn)
        elif turn is _Turn.WHOLE:
            self._hand_over(conn)
        elif self._held > HELD_LIMIT:
            self._close(max(self._waiting, key=lambda one: len(one.arrival)))
        else:
            self.poller.modify(conn.sock, turn, partial(self._advance, conn))
            if (conn.arrival and not held) or known != conn.known:
                conn.deadline = time.monotonic() + self._patience.read

    def _turn(self, conn: Connection) -> _Turn:
        try:
            if conn.closing:
                return _Turn.READ if conn.discard() else _Turn.OVER
            if not conn.receive():
                return _Turn.OVER
            return _Turn.WHOLE if conn.would_take() else _Turn.WRITE
        except ssl.SSLWantWriteError:
            return _Turn.WRITE
        except (ssl.SSLWantReadError, BlockingIOError):
            return _Turn.READ
        except (OSError, ValueError) as error:
            why = tls.refusal(error)
            if not conn.known and why:
                self._report("handshake.refused", conn, why=why)
            return _Turn.OVER

    def _hand_over(self, conn: Connection) -> None:
        self._forget(conn)
        self.enqueue_req(conn)

    def _end(self, conn: Connection) -> None:
        """Close a connection that is over; a stranger is left the time to read why."""
        if conn.known or conn.closing:
            self._close(conn)
        else:
            self._forget(conn)
            self._let_go(conn)

    def _let_go(self, conn: Connection) -> None:
        """Close a connection whose last answer may still be under way."""
        try:
            conn.say_goodbye()
        except (OSError, ValueError):
            self.nr_conns -= 1
            util.close(conn.sock)
        else:
            self._wait(conn, _LINGER_SECONDS)

    def _make_room(self) -> None:
        """Let someone go: a stranger, whom no certificate speaks for, or who is idle longest."""
        strangers = (conn for conn in self._waiting if not conn.known)
        idle = (conn for conn in self._waiting if not conn.arrival)
        for conn in itertools.islice(itertools.chain(strangers, idle), 1):
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        util.close(conn.sock)

    def _forget(self, conn: Connection) -> None:
        del self._waiting[conn]
        self._held -= len(conn.arrival)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _report(self, event: str, conn: Connection, **what: str) -> None:
        self._log.info(event, peer=conn.client[0], **what)
