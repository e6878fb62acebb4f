"""The processes beside those that answer, to deliver and for LDAP: as many as there should be."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

from facade import logs
from facade.worker import STOPPING

NICENESS: Final = 19
"""What arrives comes first: a backlog is what the hub is for, a message refused is not."""

_SHORTEST_LIFE_SECONDS: Final = 1.0


class Deliveries:
    """Child processes that each run `deliver`, or something else; made by the one that watches.

    Its owner waits for dead children of every kind; here it is only seen that one is gone.
    """

    def __init__(
        self,
        count: int,
        deliver: Callable[[], None],
        *,
        niceness: int = NICENESS,
        name: str = "delivery",
    ) -> None:
        self._count = count
        self._name = name
        self._niceness = niceness
        self._deliver = deliver
        self._pids: set[int] = set()
        self._last_made = 0.0
        self._stopped = False

    def keep(self) -> None:
        """Start again what is gone; one that dies at once is not started without a pause."""
        self._pids = {pid for pid in self._pids if _lives(pid)}
        while not self._stopped and len(self._pids) < self._count:
            now = time.monotonic()
            if self._last_made and now - self._last_made < _SHORTEST_LIFE_SECONDS / self._count:
                return
            self._last_made = now
            self._pids.add(self._forked())

    def stop(self) -> None:
        """Tell all to end in order."""
        self._stopped = True
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait until all have ended, and kill what has not by then."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(_lives(pid) for pid in self._pids):
            time.sleep(0.02)
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _forked(self) -> int:
        # The parent's handlers, which the child has at first, would lose what it is told.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        pid = os.fork()
        if pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            return pid
        status = 1
        try:
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
                signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGCHLD, signal.SIGQUIT, signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(number, signal.SIG_DFL)
            os.nice(self._niceness)
            self._deliver()
            status = 0
        except Exception as error:  # noqa: BLE001 - a process of its own ends here
            logs.logger().error(
                f"{self._name}.ended", error=type(error).__name__, where=logs.place_of(error)
            )
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _lives(pid: int) -> bool:
    """Say whether a child still runs; one that ended and was not waited for is waited for here."""
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return False
    return ended == 0
