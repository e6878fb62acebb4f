"""The processes of a run with faults: started, started again as a supervisor does, and killed."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final, Self

from msgspec import Struct, field

_AGAIN_SECONDS: Final = 0.3
"""How long a supervisor waits before it starts again what has ended."""
_STOP_SECONDS: Final = 60
_LIVES: Final = (0.5, 3.0)
"""How long after a kill the next one comes, at least and at most."""
_PARTS: Final = 0.8
"""How many kills are of one process among others."""
_NODE_RESTS: Final = 20.0
_NODE_AWAY: Final = (1.0, 5.0)
_COMMAND_SECONDS: Final = 300.0
_BAD_WORDS: Final = ("Traceback", '"delivery.failed"', '"answer.failed"', '"request.failed"')
"""What stands in no log of ours, however it is killed."""


class Process(Struct):
    """One process, and a log that all its lives write."""

    name: str
    arguments: tuple[str, ...]
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0

    def keep(self) -> None:
        """Start it where it is not there, but not at once where it has just begun to be."""
        if self.is_there() or time.monotonic() - self.started_at < _AGAIN_SECONDS:
            return
        self.started_at = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "operations.cli", *self.arguments],
                env={**os.environ, **self.environ},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def is_there(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def own(self) -> tuple[int, ...]:
        """Give its id, where it runs."""
        return (self.process.pid,) if self.process is not None and self.is_there() else ()

    def children(self) -> list[int]:
        """Give the ids of the processes that it made."""
        if self.process is None:
            return []
        place = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            return [int(one) for one in place.read_text().split()]
        return []

    def end(self) -> int:
        """Tell it to stop and give its exit code; what does not stop is killed with all its own."""
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


class Supervised(Struct):
    """All processes of a hub, looked after by a thread; a context manager that ends them."""

    every: tuple[Process, ...]
    exits: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look_after, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join()
        self.exits += [one.end() for one in self.every]

    def _look_after(self) -> None:
        while not self._over.wait(0.05):
            for one in self.every:
                one.keep()

    def faults(self) -> list[str]:
        """Name what the logs say and should not, and every end that was none in order."""
        said = Counter(
            f"{one.name} logged {word.strip(chr(34))}: {line.strip()[:200]}"
            for one in self.every
            for line in one.log.read_text(errors="replace").splitlines()
            for word in _BAD_WORDS
            if word in line
        )
        ends = [f"a process ended with {code}" for code in self.exits if code]
        return [*(f"{what} ({times} times)" for what, times in said.most_common(10)), *ends]


class Node(Struct, frozen=True):
    """The commands that kill a node of the cluster, and start it and wait until it answers."""

    kill: str
    start: str


class Killer(Struct):
    """Kills at random: processes that answer or deliver, the one that watches over them, or all."""

    every: tuple[Process, ...]
    """The server is the first."""
    chance: random.Random
    node: Node | None = None
    kills: Counter[str] = field(default_factory=Counter)
    _node_since: float = field(default_factory=time.monotonic)

    def run(self, seconds: float) -> None:
        """Kill again and again for so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(self.chance.uniform(*_LIVES), left))
            if time.monotonic() < until:
                self._kill_one()

    def _kill_one(self) -> None:
        rested = time.monotonic() - self._node_since > _NODE_RESTS
        if self.node is not None and rested:
            self._kill_node(self.node)
            return
        victims = self._parts() if self.chance.random() < _PARTS else self._wholes()
        if not victims:
            return
        name, pids = self.chance.choice(victims)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills[name] += 1

    def _parts(self) -> list[tuple[str, tuple[int, ...]]]:
        """Give the processes that do the work: those of a server, and those that deliver beside."""
        below = [(f"child of {one.name}", pid) for one in self.every for pid in one.children()]
        beside = [(one.name, pid) for one in self.every[1:] for pid in one.own()]
        return [(name, (pid,)) for name, pid in (*below, *beside)]

    def _wholes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Give the server, and all processes at one stroke."""
        every = tuple(pid for one in self.every for pid in (*one.own(), *one.children()))
        return [(self.every[0].name, self.every[0].own()), ("all", every)]

    def _kill_node(self, node: Node) -> None:
        _command(node.kill)
        self.kills["node"] += 1
        time.sleep(self.chance.uniform(*_NODE_AWAY))
        _command(node.start)
        self._node_since = time.monotonic()


def _command(command: str) -> None:
    """Run a command about a node; raise with what it said where it fails or does not end."""
    done = subprocess.run(
        shlex.split(command),
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: exit {done.returncode}: {done.stdout.strip()}")
