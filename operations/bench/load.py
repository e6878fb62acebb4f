"""The load: a few processes of blocking clients over mutual TLS, as cheap as Python allows."""

from __future__ import annotations

import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from operations.sending import ClientFiles

READ: Final = 65536
_LENGTH: Final = b"content-length: "


def is_patient(head: bytes, data: bytes) -> bool:
    """Say whether an answer is a success that carries a patient."""
    return head.startswith(b"http/1.1 200") and b'typeCode="AA"' in data


def is_verified(head: bytes, data: bytes) -> bool:
    """Say whether an answer says that a number is its patient's."""
    return head.startswith(b"http/1.1 200") and b'code="SMSP-0000"' in data


def is_acknowledgment(head: bytes, data: bytes) -> bool:
    """Say whether an answer says that a message is kept, in an acknowledgment or without."""
    return head.startswith(b"http/1.1 202") and (
        b":Acknowledgment " in data or b"content-length: 0\r\n" in head + b"\r\n"
    )


class Target(Struct, frozen=True):
    """Where to send: address, path, the client's files; as what, and which answers are good.

    Where there are `more` files, the connections take turns to be one client or another.
    """

    host: str
    port: int
    path: str
    files: ClientFiles
    content_type: str = "text/xml"
    is_good: Callable[[bytes, bytes], bool] = is_patient
    more: tuple[ClientFiles, ...] = ()

    def of_client(self, number: int) -> Target:
        """Give where the client with a number sends, as whom."""
        everyone = (self.files, *self.more)
        return replace(self, files=everyone[number % len(everyone)])


class Shape(Struct, frozen=True):
    """How the load looks: processes, connections in each, seconds, connections kept or not."""

    processes: int
    connections: int
    seconds: float
    keep_alive: bool = True


class Tally(Struct):
    """What a load measured: seconds of each answer, and answers that were not successes."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    elapsed: float = 0.0

    def percentile(self, share: float) -> float:
        """Give the time within which that share of the answers came, in milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0

    @property
    def rate(self) -> float:
        """Give the answers in a second."""
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0


Bodies = Callable[[int], Iterator[bytes]]
"""Gives what client number n sends, one after the other, without end."""


def run(target: Target, shape: Shape, bodies: Bodies) -> Tally:
    """Send for the shape's seconds and give what was measured."""
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[tuple[list[float], int]] = context.Queue()
    processes = [
        context.Process(target=_process, args=(target, shape, bodies, number, queue))
        for number in range(shape.processes)
    ]
    tally = Tally()
    started = time.perf_counter()
    for process in processes:
        process.start()
    for _ in processes:
        seconds, failed = queue.get()
        tally.seconds += seconds
        tally.failed += failed
    tally.elapsed = min(time.perf_counter() - started, shape.seconds)
    for process in processes:
        process.join()
    return tally


def once(target: Target, body: bytes) -> None:
    """Send one message on a connection of its own; raise `OSError` where it is not taken."""
    with next(_connections(target, _context(target))) as connection:
        connection.sendall(_request(_head(target, keep_alive=False), body))
        if not target.is_good(*_answer(connection)):
            raise ConnectionError("the message was not taken")


def _process(
    target: Target,
    shape: Shape,
    bodies: Bodies,
    number: int,
    queue: multiprocessing.Queue[tuple[list[float], int]],
) -> None:
    tallies = [Tally() for _ in range(shape.connections)]
    deadline = time.perf_counter() + shape.seconds
    clients = range(number * shape.connections, (number + 1) * shape.connections)
    threads = [
        threading.Thread(
            target=_client,
            args=(target.of_client(client), shape, bodies(client), tally, deadline),
        )
        for client, tally in zip(clients, tallies, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(
        ([second for tally in tallies for second in tally.seconds], sum(t.failed for t in tallies))
    )


def _client(
    target: Target, shape: Shape, bodies: Iterator[bytes], tally: Tally, deadline: float
) -> None:
    head = _head(target, keep_alive=shape.keep_alive)
    connections = _connections(target, _context(target))
    connection = next(connections)
    for body in bodies:
        now = time.perf_counter()
        if now >= deadline:
            break
        try:
            if not shape.keep_alive:
                connection.close()
                connection = next(connections)
            connection.sendall(_request(head, body))
            good = target.is_good(*_answer(connection))
        except OSError:
            good = False
            connection = next(connections)
        tally.seconds.append(time.perf_counter() - now)
        tally.failed += not good
    connection.close()


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(target.files.ca))
    context.load_cert_chain(str(target.files.certificate), str(target.files.key))
    return context


def _connections(target: Target, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    while True:
        plain = socket.create_connection((target.host, target.port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield context.wrap_socket(plain, server_hostname="localhost")


def _head(target: Target, *, keep_alive: bool) -> bytes:
    """Give the head of every request, up to the length of its body."""
    lines = (
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.host}",
        f"Content-Type: {target.content_type}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        "Content-Length: ",
    )
    return "\r\n".join(lines).encode()


def _request(head: bytes, body: bytes) -> bytes:
    return b"%s%d\r\n\r\n%s" % (head, len(body), body)


def _answer(connection: ssl.SSLSocket) -> tuple[bytes, bytes]:
    """Read one answer whole; give its head in lower case, and all of it."""
    data = connection.recv(READ)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data = _more(connection, data)
    head = data[:end].lower()
    length = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r", 1)[0])
    while len(data) < end + 4 + length:
        data = _more(connection, data)
    return head, data


def _more(connection: ssl.SSLSocket, data: bytes) -> bytes:
    read = connection.recv(READ)
    if not read:
        raise ConnectionResetError("the server closed the connection")
    return data + read
