"""Threads that do what arrives, each thing by one of them: no more than that.

The standard library's pool makes a future of each thing, with a lock and a condition of its own.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

W = TypeVar("W")


class Threads(Generic[W]):
    """So many threads that do what is put."""

    def __init__(self, count: int, act: Callable[[W], None]) -> None:
        self._queue: queue.SimpleQueue[tuple[W, ...]] = queue.SimpleQueue()
        self._act = act
        self._threads = [
            threading.Thread(target=self._labour, name=f"request-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, work: W) -> None:
        """Have something done."""
        self._queue.put((work,))

    def shutdown(self, *, wait: bool) -> None:
        """Begin nothing more; what is being done is done, and waited for where that is asked."""
        for _ in self._threads:
            self._queue.put(())
        for thread in self._threads if wait else ():
            thread.join()

    def _labour(self) -> None:
        while taken := self._queue.get():
            # Whatever ends a request, its thread is the next one's.
            with contextlib.suppress(BaseException):
                self._act(*taken)
