"""A receiving message handler as cheap as Python allows: a process that acknowledges everything."""

from __future__ import annotations

import contextlib
import multiprocessing
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_int64
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from msgspec import Struct

from legacy_contracts.envelopes import ebxml
from operations.sending import ClientFiles

THREADS: Final = 8
_READ: Final = 65536
_ID: Final = "00000000-0000-4000-8000-000000000000"
_MESSAGE_ID: Final = re.compile(rb"<eb:MessageId>([^<]+)</eb:MessageId>")
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")
_SECONDS_TO_BEGIN: Final = 30.0

_SIGNAL: Final = ebxml.acknowledgment(
    ebxml.Header(message_id=_ID, timestamp="2014-08-25T09:30:00Z"),
    message_id="11111111-1111-4111-8111-111111111111",
    now="2014-08-25T09:30:00Z",
)
_ANSWER: Final = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: text/xml\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(_SIGNAL)).encode() + b"\r\n\r\n" + _SIGNAL
)
_TAKEN: Final = b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Receiver(Struct, frozen=True):
    """A running receiver: where it listens, how many messages came, how many different ones.

    Signals are acknowledged by nobody, and counted apart.
    """

    port: int
    received: Synchronized[int]
    different: Synchronized[int]
    signals: Synchronized[int]

    def wait_for(self, count: int, seconds: float) -> int:
        """Wait until so many different messages came, or no longer; give how many did."""
        until = time.monotonic() + seconds
        while self.different.value < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.different.value


@contextmanager
def receiving(files: ClientFiles) -> Iterator[Receiver]:
    """Receive with a certificate in a process of its own, on a free port, and end with the block.

    To be entered before this process has threads: it forks.
    """
    fork = multiprocessing.get_context("fork")
    counts = (fork.Value(c_int64) for _ in range(3))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        receiver = Receiver(listener.getsockname()[1], *counts)
        process = fork.Process(target=_receive, args=(listener, files, receiver), daemon=True)
        process.start()
    try:
        yield receiver
    finally:
        process.terminate()
        process.join()


def _receive(listener: socket.socket, files: ClientFiles, receiver: Receiver) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 1
    seen: set[bytes] = set()
    threads = [
        threading.Thread(target=_answer_all, args=(listener, context, receiver, seen))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answer_all(
    listener: socket.socket, context: ssl.SSLContext, receiver: Receiver, seen: set[bytes]
) -> None:
    while True:
        plain, _ = listener.accept()
        plain.settimeout(_SECONDS_TO_BEGIN)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as sock:
            message_id = _answered(sock)
            with receiver.received.get_lock():
                if message_id is None:
                    receiver.signals.value += 1
                    continue
                seen.add(message_id)
                receiver.received.value += 1
                receiver.different.value = len(seen)


def _answered(sock: ssl.SSLSocket) -> bytes | None:
    """Read one message whole, acknowledge it, and give its id; None where it is a signal."""
    data = bytearray(sock.recv(_READ))
    while not _is_whole(data):
        read = sock.recv(_READ)
        if not read:
            raise ConnectionResetError("the message was not sent whole")
        data += read
    if b"<eb:Manifest" not in data:
        sock.sendall(_TAKEN)
        return None
    found = _MESSAGE_ID.search(data)
    message_id = bytes(found[1]) if found else b""
    sock.sendall(_ANSWER.replace(_ID.encode(), message_id))
    return message_id


def _is_whole(data: bytearray) -> bool:
    end = data.find(b"\r\n\r\n")
    length = _LENGTH.search(data, 0, end + 2) if end >= 0 else None
    return length is not None and len(data) >= end + 4 + int(length[1])
