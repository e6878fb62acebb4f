"""How many messages a process takes on at once: few are done as they are kept (0016)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

FEW: Final = 8
CALM_SECONDS: Final = 0.25
"""With how many messages at once a process is not crowded, and how long it is after more."""


class Crowd:
    """How many messages are being taken on in a process: its threads share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._crowded_until = 0.0
        self._lock = threading.Lock()
        self.computing = threading.Lock()

    @contextlib.contextmanager
    def joined(self) -> Iterator[bool]:
        """Count one more as long as the block lasts; say whether there are few, and were lately."""
        with self._lock:
            self._count += 1
            if self._count > FEW:
                self._crowded_until = self._clock() + CALM_SECONDS
            few = self._clock() >= self._crowded_until
        try:
            yield few
        finally:
            with self._lock:
                self._count -= 1
