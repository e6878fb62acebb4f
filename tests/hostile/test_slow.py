"""Peers that are slow, stalled or gone: cut off in time, and never in another's way."""

from __future__ import annotations

import contextlib
import itertools
import resource
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from peers import Reader, asked, connected, http, message
from serving import Served, serving

PATIENCE = 3.0
"""Seconds that this facade waits, for a handshake and for a request."""

STALLED = 40
PROMPT = 1.5
"""Seconds in which a well-behaved client is answered meanwhile, handshake and all."""


@pytest.fixture(scope="module")
def facade(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = Path(shutil.copytree(sample_folder, tmp_path_factory.mktemp("slow") / "data"))
    patience = {
        "SPINE_TLS_HANDSHAKE_SECONDS": str(PATIENCE),
        "SPINE_SERVER_READ_SECONDS": str(PATIENCE),
    }
    with serving(folder, **patience) as running:
        yield running


def seconds_to_answer(facade: Served) -> float:
    begun = time.monotonic()
    answer = asked(facade, http(message()))
    assert answer is not None
    assert answer.status == 200
    return time.monotonic() - begun


def nobody_is_kept_waiting(facade: Served) -> bool:
    return max(seconds_to_answer(facade) for _ in range(10)) < PROMPT


def is_closed(sock: socket.socket, seconds: float) -> bool:
    """Say whether the peer closes within some seconds, whatever it says before."""
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


HELLOS = (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")


def test_stalled_handshakes_block_nobody_and_are_cut_off(facade: Served) -> None:
    with ExitStack() as stack:
        socks = [
            stack.enter_context(socket.create_connection(("127.0.0.1", facade.port)))
            for _ in range(STALLED)
        ]
        for sock, sent in zip(socks, itertools.cycle(HELLOS), strict=False):
            sock.sendall(sent)
        time.sleep(0.2)
        assert nobody_is_kept_waiting(facade)
        assert all(is_closed(sock, PATIENCE + 3) for sock in socks)


HEAD = b"POST /sync-service HTTP/1.1\r\nHost: localhost\r\n"
WAITING = {
    "nothing": b"",
    "half a line": b"POST /sync",
    "half a head": HEAD,
    "a head": http(b"", "Content-Length: 5000"),
    "half a body": http(message(), "Content-Length: 5000")[:-1500],
    "a large body begun": http(b"x" * 200_000, "Content-Length: 4000000"),
    "half a chunk": http(b"64\r\nhalf", "Transfer-Encoding: chunked"),
    "a chunk of many": http(b"4\r\nhalf\r\n", "Transfer-Encoding: chunked"),
    "half a trailer": http(b"4\r\nhalf\r\n0\r\nX: 1\r\n", "Transfer-Encoding: chunked"),
    "an expectation": http(b"", "Expect: 100-continue", "Content-Length: 5000"),
}


def test_stalled_requests_block_nobody_and_are_cut_off(facade: Served) -> None:
    with ExitStack() as stack:
        socks = [(case, stack.enter_context(connected(facade))) for case in list(WAITING) * STALLED]
        for case, sock in socks:
            sock.sendall(WAITING[case])
        time.sleep(0.2)
        assert nobody_is_kept_waiting(facade)
        assert {case for case, sock in socks if not is_closed(sock, PATIENCE + 3)} == set()


@contextlib.contextmanager
def dripping(drops: list[tuple[ssl.SSLSocket, bytes]]) -> Iterator[None]:
    """Send some bytes on each connection, again and again."""
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.1):
            for sock, drop in drops:
                with contextlib.suppress(OSError):
                    sock.sendall(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    yield
    over.set()
    thread.join()


DRIPS = (
    (HEAD, b"X: 1\r\n"),
    (http(b"", "Content-Length: 4000000"), b"<"),
    (http(b"", "Transfer-Encoding: chunked"), b"1\r\n<\r\n"),
)


def test_a_drip_does_not_buy_time(facade: Served) -> None:
    with ExitStack() as stack:
        socks = [(stack.enter_context(connected(facade)), *drip) for drip in DRIPS * 10]
        for sock, begin, _ in socks:
            sock.sendall(begin)
        with dripping([(sock, drop) for sock, _, drop in socks]):
            begun = time.monotonic()
            assert nobody_is_kept_waiting(facade)
            assert all(is_closed(sock, PATIENCE + 3) for sock, _, _ in socks)
            assert time.monotonic() - begun < PATIENCE + 4


@pytest.mark.parametrize(
    "raw",
    [b"nonsense\r\n\r\n", http(message(), first="POST /sync-service HTTP/1.0")],
    ids=["refused", "answered"],
)
def test_peers_that_do_not_close_block_nobody(facade: Served, raw: bytes) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(connected(facade)) for _ in range(STALLED)]
        for sock in socks:
            sock.sendall(raw)
        time.sleep(0.2)
        assert nobody_is_kept_waiting(facade)


def test_peers_that_do_not_read_their_answers_block_nobody(facade: Served) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(connected(facade)) for _ in range(20)]
        for sock in socks:
            sock.settimeout(0.3)
            with contextlib.suppress(OSError):
                sock.sendall(http(message()) * 3000)
        assert nobody_is_kept_waiting(facade)


def test_peers_that_vanish_block_nobody(facade: Served) -> None:
    for _ in range(STALLED):
        with connected(facade) as sock:
            sock.sendall(WAITING["half a body"])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert nobody_is_kept_waiting(facade)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process have a file for each of some thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        pytest.skip(f"NOT RUN: this user may open {hard} files, too few to crowd a server")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 5000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_crowd_of_strangers_keeps_nobody_out(facade: Served) -> None:
    with ExitStack() as stack:
        for _ in range(2500):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", facade.port)))
            sock.sendall(b"\x16")
        assert nobody_is_kept_waiting(facade)


def test_a_slow_but_honest_client_is_answered(facade: Served) -> None:
    raw = http(message())
    with connected(facade) as sock:
        for at in range(0, len(raw), len(raw) // 8 + 1):
            sock.sendall(raw[at : at + len(raw) // 8 + 1])
            time.sleep(0.2)
        answer = Reader(sock).answer()
    assert answer is not None
    assert answer.status == 200


def open_connections(facade: Served) -> int:
    """Give how many connections the server's processes have, in whatever state."""
    own = f":{facade.port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    established, closing = "01", "08"
    states = [line.split()[3] for line in lines if line.split()[1].endswith(own)]
    return sum(state in {established, closing} for state in states)


def test_no_connection_is_left_open(facade: Served) -> None:
    assert nobody_is_kept_waiting(facade)
    deadline = time.monotonic() + PATIENCE + 5
    while open_connections(facade) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert open_connections(facade) == 0


def test_slow_peers_leave_no_traceback_in_the_log(facade: Served) -> None:
    assert nobody_is_kept_waiting(facade)
    assert "Traceback" not in facade.log.read_text()
