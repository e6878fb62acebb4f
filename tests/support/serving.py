"""Cores on a store, the command line, and facades served by processes of their own."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from core.audit import Audit
from core.context import Context
from core.directory import Directory, Party, System, list_entries
from core.door import Core
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from legacy_contracts import registry
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

NOW = datetime(2014, 8, 25, 9, 30, 0, tzinfo=UTC)


def fixed_context() -> Context:
    """Give a clock that stands still and ids that count."""
    numbers = itertools.count(1)
    return Context(now=lambda: NOW, new_id=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}")


def core_on(store: Store, context: Context | None = None) -> Core:
    """Give a core on a store, with the sample party allowed everything."""
    list_entries(
        store,
        [Party(PartyKey(SAMPLE_PARTY), "Sample practice", (SAMPLE_CLIENT,))],
        [
            System(
                Asid(SAMPLE_ASID),
                PartyKey(SAMPLE_PARTY),
                "Sample system",
                registry.ACTIVITIES,
            )
        ],
        at="2014-01-01",
        import_id="test",
    )
    context = context or fixed_context()
    return Core(
        store=store,
        context=context,
        directory=Directory(store, time.monotonic),
        audit=Audit(store, writer="test", now=lambda: context.now().isoformat()),
    )


class Served(Struct, frozen=True):
    """A facade served by a group of processes of its own: its folder, its ports, its log."""

    folder: Path
    port: int
    admin_port: int
    process: subprocess.Popen[bytes]
    log: Path


def spine(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line and give how it went."""
    return subprocess.run(
        [sys.executable, "-m", "operations.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
        timeout=120,
    )


def free_ports(count: int) -> list[int]:
    """Give ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(folder: Path, **environ: str) -> Served:
    """Serve a prepared folder and wait until it is ready."""
    port, admin_port = free_ports(2)
    settings = {
        "SPINE_SERVER_HOST": "127.0.0.1",
        "SPINE_SERVER_PORT": str(port),
        "SPINE_ADMIN_PORT": str(admin_port),
        **environ,
    }
    log = folder.parent / f"{folder.name}-{port}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "operations.cli"),
                *("serve", "--config", str(folder / "spine.toml")),
            ],
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    served = Served(folder, port, admin_port, process, log)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        if is_ready(served):
            return served
        time.sleep(0.05)
    stop(served)
    pytest.fail(f"the server was not ready in 30 seconds: {log.read_text()}")


@contextmanager
def serving(folder: Path, **environ: str) -> Iterator[Served]:
    """Serve a prepared folder for a while."""
    served = start(folder, **environ)
    try:
        yield served
    finally:
        stop(served)


def is_ready(served: Served) -> bool:
    """Say whether a facade answers and its store too."""
    url = f"http://127.0.0.1:{served.admin_port}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=1) as got:
            return bool(got.status == 200)
    except OSError:
        return False


def workers(served: Served, count: int = 2) -> list[int]:
    """Give the ids of the processes that answer, once so many are there."""
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = [int(one) for one in children.read_text().split()]
        if len(found) >= count:
            return found
        time.sleep(0.02)
    pytest.fail(f"there were no {count} processes in time: {served.log.read_text()}")


def stop(served: Served) -> None:
    """Stop a served facade in order, or kill it."""
    served.process.terminate()
    try:
        served.process.wait(timeout=40)
    finally:
        if served.process.poll() is None:
            os.killpg(served.process.pid, signal.SIGKILL)
            served.process.wait()
