"""A message handler as every party runs one: it receives over mutual TLS and behaves as told.

What it does with a request is a `receiving.Behaviour`. Every request is recorded before anything is
done with it, so a test counts deliveries whatever came of them.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import math
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import http_sender
from ebxml_messages import INTERMEDIARY
from ebxml_signals import SIGNAL_ACTION, header_of
from http_sender import HttpAnswer
from msgspec import Struct, field
from msgspec.structs import replace
from peers import authority_of, client, now
from receiving import Behave, Behaviour, Got, acknowledge

from operations import certificates
from operations.sending import ClientFiles


class PartyFiles(Struct, frozen=True):
    """A party's two certificates: the one it receives with and the one it sends with."""

    server: ClientFiles
    client: ClientFiles


def party_files(folder: Path, name: str) -> PartyFiles:
    """Issue a party's certificates under the authority that `spine init` made in a folder."""
    authority = authority_of(folder)
    issued = certificates.issue(
        authority,
        "localhost",
        server=True,
        valid=certificates.validity(now()),
        addresses=("127.0.0.1", "::1"),
    )
    stem = folder / f"mhs-{name}"
    certificates.write_private(stem.with_suffix(".pem"), issued.certificate)
    certificates.write_private(stem.with_suffix(".key"), issued.key)
    server = ClientFiles(folder / "tls/ca.pem", stem.with_suffix(".pem"), stem.with_suffix(".key"))
    return PartyFiles(server, client(folder, authority, name))


class Mhs(Struct):
    """A message handler on a port of its own; use it as a context manager.

    `behave` and `hub_port` may be changed at any time. `troubles` is what went wrong inside, and
    stays empty; `handshakes_refused` counts peers without a certificate of ours.
    """

    files: PartyFiles
    behave: Behave = acknowledge
    hub_port: int | None = None
    hub_path: str = INTERMEDIARY
    port: int = 0
    handshakes_refused: int = 0
    troubles: list[BaseException] = field(default_factory=list)
    _got: list[Got] = field(default_factory=list)
    _taken: Counter[str] = field(default_factory=Counter)
    _deliveries: Counter[str] = field(default_factory=Counter)
    _posted: list[HttpAnswer] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _posting: list[threading.Thread] = field(default_factory=list)
    _server: _Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before where there was one."""
        assert self._server is None
        self._stopping.clear()
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening: the port refuses connections, and what hangs ends."""
        server, self._server = self._server, None
        if server is None:
            return
        self._stopping.set()
        server.shutdown()
        server.cut_connections()
        server.server_close()
        for one in self._posting:
            one.join(10)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Be down for a while: connections are refused, and the port stays the same."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def url(self, path: str = "/inbound") -> str:
        """Give the address that the directory names for this party."""
        return f"https://localhost:{self.port}{path}"

    @property
    def requests(self) -> tuple[Got, ...]:
        """Give everything received, in its order."""
        with self._changed:
            return tuple(self._got)

    @property
    def posted(self) -> tuple[HttpAnswer, ...]:
        """Give what the hub answered to the signals that were posted to it."""
        with self._changed:
            return tuple(self._posted)

    def received(self, message_id: str) -> int:
        """Give how often a message was delivered."""
        with self._changed:
            return self._deliveries[message_id]

    def taken(self, message_id: str) -> int:
        """Give how often a message was taken in, as far as this side is concerned."""
        with self._changed:
            return self._taken[message_id]

    def wait_for(self, count: int = 1, *, seconds: float = 15) -> tuple[Got, ...]:
        """Give everything received once there are so many, and fail when there are not in time."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self._got) >= count, seconds)
            assert there, f"{len(self._got)} requests of {count} came in {seconds} seconds"
            return tuple(self._got)

    def wait_for_posted(self, count: int = 1, *, seconds: float = 15) -> tuple[HttpAnswer, ...]:
        """Give the hub's answers to posted signals once there are so many."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self._posted) >= count, seconds)
            assert there, f"{len(self._posted)} signals of {count} were answered"
            return tuple(self._posted)

    def record(self, got: Got) -> Got:
        """Record a request and give it with its number among the deliveries of its message."""
        with self._changed:
            self._deliveries[got.message_id] += 1
            got = replace(got, nth=self._deliveries[got.message_id])
            self._got.append(got)
            self._changed.notify_all()
        return got

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until this handler stops."""
        self._stopping.wait(None if math.isinf(seconds) else seconds)

    def finish(self, got: Got, behaviour: Behaviour) -> None:
        """Count a message that was taken in, and post what is to be posted."""
        if behaviour.taken:
            with self._changed:
                self._taken[got.message_id] += 1
        if behaviour.posts:
            thread = threading.Thread(target=self._post, args=(behaviour,), daemon=True)
            self._posting.append(thread)
            thread.start()

    def _post(self, behaviour: Behaviour) -> None:
        self.pause(behaviour.post_after)
        assert self.hub_port is not None, "say where the hub is: mhs.hub_port"
        for one in behaviour.posts:
            action = SIGNAL_ACTION + header_of(one).action
            headers = (("SOAPaction", action), ("Content-Type", "text/xml"))
            try:
                answered = http_sender.post(
                    self.hub_port, self.hub_path, headers, one, files=self.files.client
                )
            except (OSError, http.client.HTTPException) as error:
                self.troubles.append(error)
                continue
            with self._changed:
                self._posted.append(answered)
                self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    """Gives each connection a thread, in which its TLS handshake happens too."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, mhs: Mhs) -> None:
        self.mhs = mhs
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(mhs.files.server.certificate, mhs.files.server.key)
        self.tls.load_verify_locations(mhs.files.server.ca)
        self.tls.verify_mode = ssl.CERT_REQUIRED
        self.numbers = itertools.count(1)
        self._open: set[ssl.SSLSocket] = set()
        super().__init__(("127.0.0.1", mhs.port), _Handler)

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def finish_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Answer the requests of one connection."""
        assert isinstance(request, socket.socket)
        request.settimeout(60)
        try:
            sock = self.tls.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            self.mhs.handshakes_refused += 1
            return
        self._open.add(sock)
        try:
            with sock, contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                _Handler(sock, client_address, self)
        finally:
            self._open.discard(sock)

    def cut_connections(self) -> None:
        """Wake every thread that waits on a connection."""
        for one in tuple(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong for the test to see, rather than print it."""
        del request, client_address
        error = sys.exception()
        if error is not None:
            self.mhs.troubles.append(error)


class _Handler(BaseHTTPRequestHandler):
    """Reads the requests of one connection, keeps it alive, and behaves."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    connection: ssl.SSLSocket

    def do_POST(self) -> None:
        """Record the request, then do as the behaviour says."""
        mhs = self.server.mhs
        got = mhs.record(self._read())
        behaviour = mhs.behave(got)
        if behaviour.wait:
            mhs.pause(behaviour.wait)
        mhs.finish(got, behaviour)
        if behaviour.answer is None:
            self.close_connection = True
            return
        written = self._written(behaviour.answer)
        if behaviour.sent < 1:
            self.close_connection = True
            written = written[: int(len(written) * behaviour.sent)]
        self.wfile.write(written)

    def do_GET(self) -> None:
        """Do the same: a test sees that it was no POST."""
        self.do_POST()

    def setup(self) -> None:
        """Give the connection a number."""
        super().setup()
        self.number = next(self.server.numbers)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- its name there
        """Keep silent: what came is recorded."""

    def _read(self) -> Got:
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length is not None else self._chunks()
        shown = self.connection.getpeercert() or {}
        names = (str(one[1]) for one in shown.get("subjectAltName", ()) if one[0] == "DNS")
        return Got(
            self.command,
            self.path,
            tuple(self.headers.items()),
            body,
            time.monotonic(),
            header_of(body).message_id,
            0,
            self.number,
            tuple(names),
        )

    def _chunks(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return b""
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _written(self, answered: HttpAnswer) -> bytes:
        """Give an answer in one piece, so that no delay comes between its head and its body."""
        lines = [
            f"HTTP/1.1 {answered.status} {self.responses[answered.status][0]}",
            *(f"{name}: {value}" for name, value in answered.headers),
            f"Content-Length: {len(answered.body)}",
        ]
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answered.body
