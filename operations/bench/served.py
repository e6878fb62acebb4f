"""A served facade as the bench sees it: started, watched from outside, stopped."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

READY_SECONDS: Final = 60
_LINE: Final = re.compile(r"^(spine_\w+?)(?:_total)?(?:\{(.*)\})? ([0-9.e+-]+)$", re.MULTILINE)


class Watched(Struct, frozen=True):
    """A running server: where it answers, and its processes."""

    port: int
    admin_port: int
    pid: int

    def metrics(self) -> dict[tuple[str, str], float]:
        """Give its counts by name and labels."""
        url = f"http://127.0.0.1:{self.admin_port}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        return {(name, labels): float(value) for name, labels, value in _LINE.findall(text)}

    def cpu_seconds(self) -> float:
        """Give the CPU that all its processes have used."""
        return sum(_cpu(pid) for pid in self._processes())

    def memory(self) -> tuple[int, int]:
        """Give the resident memory of its largest process now and at its peak, in MiB."""
        sizes = [_memory(pid) for pid in self._processes()]
        return max(now for now, _ in sizes), max(peak for _, peak in sizes)

    def resident(self) -> dict[int, tuple[int, int]]:
        """Give the resident memory of each process now and at its peak, in bytes."""
        return {pid: _sizes(pid) for pid in self._processes()}

    def own_memory(self) -> int:
        """Give the bytes that its processes hold for themselves: of a mapped file nothing."""
        return sum(_size(pid, "RssAnon") for pid in self._processes())

    def forget_peaks(self) -> None:
        """Let the peaks of memory begin anew with what is resident now."""
        for pid in self._processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def _processes(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [self.pid, *(int(pid) for pid in children.split())]


@contextmanager
def settings(values: Mapping[str, str]) -> Iterator[None]:
    """Let variables override the configuration, here and in what is started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def delivering(config: Path) -> Iterator[Watched]:
    """Deliver with a configuration in a process of its own, and stop in the end."""
    command = [sys.executable, "-m", "operations.cli", "deliver", "--config", str(config)]
    environ = {**os.environ, "SPINE_LOG_LEVEL": "error"}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield Watched(0, 0, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


@contextmanager
def serving(config: Path, ports: tuple[int, int], *arguments: str) -> Iterator[Watched]:
    """Serve with a configuration on two free ports, and stop in the end."""
    environ = {
        **os.environ,
        "SPINE_SERVER_HOST": "127.0.0.1",
        "SPINE_SERVER_PORT": str(ports[0]),
        "SPINE_ADMIN_PORT": str(ports[1]),
        "SPINE_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", *(arguments or ("operations.cli", "serve")), "--config"]
    process = subprocess.Popen([*command, str(config)], env=environ, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        _await(process, ports[0])
        yield Watched(ports[0], ports[1], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        listening = Path("/proc/net/tcp").read_text(encoding="ascii")
        if f":{port:04X} 00000000:0000 0A" in listening:
            time.sleep(1.0)
            return
        time.sleep(0.05)
    raise TimeoutError("the server to measure did not start")


def _cpu(pid: int) -> float:
    """Give the seconds that a process's threads have run: the scheduler's own count, no ticks."""
    run = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            run += int(task.read_text(encoding="ascii").split()[0])
    return run / 1e9


def _memory(pid: int) -> tuple[int, int]:
    now, peak = _sizes(pid)
    return now // 2**20, peak // 2**20


def _sizes(pid: int) -> tuple[int, int]:
    """Give the resident memory of a process now and at its peak, in bytes."""
    return _size(pid, "VmRSS"), _size(pid, "VmHWM")


def _size(pid: int, what: str) -> int:
    """Give one of a process's sizes in bytes; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(rf"^{what}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
