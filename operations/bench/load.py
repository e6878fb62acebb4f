"""The load: a few processes of blocking clients over mutual TLS, as cheap as Python allows."""

from __future__ import annotations

import multiprocessing
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from operations.sending import ClientFiles

READ: Final = 65536
_LENGTH: Final = b"content-length: "


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send: address, path, and the client's files."""

    host: str
    port: int
    path: str
    files: ClientFiles


@dataclass(frozen=True, slots=True)
class Shape:
    """How the load looks: processes, connections in each, seconds, connections kept or not."""

    processes: int
    connections: int
    seconds: float
    keep_alive: bool = True


@dataclass(slots=True)
class Tally:
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


Bodies = Callable[[int], list[bytes]]
"""Gives the bodies that client number n sends, over and over."""


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


def _process(
    target: Target,
    shape: Shape,
    bodies: Bodies,
    number: int,
    queue: multiprocessing.Queue[tuple[list[float], int]],
) -> None:
    tallies = [Tally() for _ in range(shape.connections)]
    deadline = time.perf_counter() + shape.seconds
    threads = [
        threading.Thread(
            target=_client,
            args=(target, shape, bodies(number * shape.connections + index), tally, deadline),
        )
        for index, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(
        ([second for tally in tallies for second in tally.seconds], sum(t.failed for t in tallies))
    )


def _client(
    target: Target, shape: Shape, bodies: list[bytes], tally: Tally, deadline: float
) -> None:
    requests = cycle([_request(target, body, keep_alive=shape.keep_alive) for body in bodies])
    context = ssl.create_default_context(cafile=str(target.files.ca))
    context.load_cert_chain(str(target.files.certificate), str(target.files.key))
    connections = _connections(target, context)
    connection = next(connections)
    while (now := time.perf_counter()) < deadline:
        try:
            if not shape.keep_alive:
                connection.close()
                connection = next(connections)
            connection.sendall(next(requests))
            good = _answer(connection)
        except OSError:
            good = False
            connection = next(connections)
        tally.seconds.append(time.perf_counter() - now)
        tally.failed += not good
    connection.close()


def _connections(target: Target, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    while True:
        plain = socket.create_connection((target.host, target.port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield context.wrap_socket(plain, server_hostname="localhost")


def _request(target: Target, body: bytes, *, keep_alive: bool) -> bytes:
    lines = (
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.host}",
        "Content-Type: text/xml",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def _answer(connection: ssl.SSLSocket) -> bool:
    """Read one answer whole; say whether it is a success that carries a patient."""
    data = connection.recv(READ)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data = _more(connection, data)
    head = data[:end].lower()
    length = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r", 1)[0])
    while len(data) < end + 4 + length:
        data = _more(connection, data)
    return head.startswith(b"http/1.1 200") and b'typeCode="AA"' in data


def _more(connection: ssl.SSLSocket, data: bytes) -> bytes:
    read = connection.recv(READ)
    if not read:
        raise ConnectionResetError("the server closed the connection")
    return data + read
