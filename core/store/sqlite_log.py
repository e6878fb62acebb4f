"""The embedded store's log on its disk: flushed by whoever wrote, side by side with others.

Why that is ours to do, and what a flush that fails means, is decision 0030
(docs/decisions/0030-who-waits-for-the-disk.md).
"""

from __future__ import annotations

import os
import queue
from pathlib import Path
from typing import Final

from core.errors import StoreError, StoreFull

MAX_FLUSHES: Final = 8
"""How many threads of a process wait for the disk at once, at most."""


class Log:
    """A log that SQLite writes; threads share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptors: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lost = ""

    def open(self) -> None:
        """Open it, once it is there; raise `StoreError` where that cannot be."""
        try:
            for _ in range(MAX_FLUSHES):
                self._descriptors.put(os.open(self.path, os.O_RDONLY))
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be opened ({error}): check its owner, and how many files a "
                "process may have open"
            ) from error

    def flush(self) -> None:
        """Return once the log, as it is by now, is on the disk.

        Where it cannot be brought there, nobody knows any more what the disk holds: the system
        forgets what it could not write. It tells each descriptor of the log so once, and not one
        that is opened later; so all were opened at first, and each is used by one at a time.
        """
        descriptor = self._descriptors.get()
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._lost = f"{self.path} did not reach its disk ({error.strerror})"
        finally:
            self._descriptors.put(descriptor)
        self.require_sound()

    def require_sound(self) -> None:
        """Return where no flush has failed; raise `StoreFull` from then on."""
        if self._lost:
            raise StoreFull(
                f"{self._lost}: check that the disk works and has room, and start again"
            )

    def close(self) -> None:
        """Let go of it; nobody may be flushing."""
        while not self._descriptors.empty():
            os.close(self._descriptors.get())
