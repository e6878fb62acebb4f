"""A server's life after its start: it loses processes, and is told to stop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from peers import Reader, asked, audited, connected, http, message
from serving import Served, free_ports, is_ready, start, stop, workers

from core import audit
from core.store.sqlite import SqliteStore


@pytest.fixture
def facade(sample_folder: Path, tmp_path: Path) -> Iterator[Served]:
    """Give a facade that a test may stop."""
    running = start(Path(shutil.copytree(sample_folder, tmp_path / "data")))
    yield running
    if running.process.poll() is None:
        os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()


def breaks(folder: Path) -> list[str]:
    store = SqliteStore(folder / "spine.db")
    try:
        return audit.prove(store).breaks
    finally:
        store.close()


def refuses_connections(facade: Served) -> bool:
    try:
        socket.create_connection(("127.0.0.1", facade.port), timeout=1).close()
    except OSError:
        return True
    return False


def test_a_request_begun_before_sigterm_is_answered_and_then_the_server_ends(
    facade: Served,
) -> None:
    message_id = "5E0B5C2D-0000-4000-8000-000000000001"
    raw = http(message(message_id))
    with connected(facade) as begun, connected(facade) as idle:
        idle.sendall(http(message()))
        assert Reader(idle).answer() is not None
        begun.sendall(raw[:-1000])
        time.sleep(0.5)
        facade.process.terminate()
        deadline = time.monotonic() + 5
        while not refuses_connections(facade) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert refuses_connections(facade)
        begun.sendall(raw[-1000:])
        answer = Reader(begun).answer()

    assert answer is not None
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert facade.process.wait(timeout=10) == 0
    assert message_id in audited(facade.folder)
    assert breaks(facade.folder) == []
    assert "Traceback" not in facade.log.read_text()


TOLD_TO_STOP_WHILE_MADE = """
import os, pathlib, signal, sys
from facade import config, server

first = pathlib.Path(sys.argv[2])
load_config = server._Gunicorn.load_config

def with_hook(self):
    load_config(self)
    self.cfg.set("post_fork", told)

def told(_arbiter, _worker):
    if not first.exists():
        first.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGTERM)

server._Gunicorn.load_config = with_hook
server.serve(config.load(pathlib.Path(sys.argv[1])))
"""


def test_a_process_told_to_stop_while_it_is_made_stops(sample_folder: Path, tmp_path: Path) -> None:
    port, admin_port = free_ports(2)
    first = tmp_path / "first"
    process = subprocess.Popen(
        [sys.executable, "-c", TOLD_TO_STOP_WHILE_MADE, str(sample_folder / "spine.toml"), first],
        env={**os.environ, "SPINE_SERVER_PORT": f"{port}", "SPINE_ADMIN_PORT": f"{admin_port}"},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 15
        while not is_over(first) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert is_over(first)
    finally:
        process.terminate()
        assert process.wait(timeout=15) == 0


def is_over(first: Path) -> bool:
    """Say whether the process whose id is in a file was there and is no more."""
    return first.exists() and bool(pid := first.read_text()) and not Path(f"/proc/{pid}").exists()


def test_peers_that_stall_do_not_keep_a_server_from_ending(facade: Served) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", facade.port)))
            sock.sendall(b"\x16\x03\x01")
        for _ in range(10):
            stack.enter_context(connected(facade))
        facade.process.terminate()
        assert facade.process.wait(timeout=8) == 0


def test_a_killed_process_is_replaced_and_the_service_goes_on(facade: Served) -> None:
    before = workers(facade)
    for victim in before:
        os.kill(victim, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while victim in workers(facade) and time.monotonic() < deadline:
            time.sleep(0.05)
        answer = asked(facade, http(message()))
        assert answer is not None
        assert answer.status == 200
    assert not set(workers(facade)) & set(before)
    assert is_ready(facade)
    assert breaks(facade.folder) == []


def test_a_server_that_ends_leaves_nothing_behind(facade: Served) -> None:
    folder = metrics_folder(facade)
    assert folder.is_dir()
    facade.process.terminate()
    assert facade.process.wait(timeout=10) == 0
    assert not folder.exists()


def test_what_a_killed_server_left_is_removed_by_the_next(facade: Served) -> None:
    folder = metrics_folder(facade)
    os.killpg(facade.process.pid, signal.SIGKILL)
    facade.process.wait()
    assert folder.is_dir()
    stop(start(facade.folder))
    assert not folder.exists()


def metrics_folder(facade: Served) -> Path:
    """Give where the processes keep what they count: files that they map once they have begun."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        mapped = Path(f"/proc/{workers(facade)[0]}/maps").read_text().splitlines()
        for line in mapped:
            if "spine-metrics-" in line:
                return Path(line.split()[-1]).parent
        time.sleep(0.05)
    raise AssertionError("no process has begun to count")
