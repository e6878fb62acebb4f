"""Work that waits is done together: whoever comes first does it for all who wait.

A write that is durable waits for a disk, and one wait serves many: what arrives while some work is
done is done next, in one go, by the first of those who brought it. So nobody waits in a line of
those who are done, and nothing is delayed for company that may not come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

from msgspec import Struct, field

W = TypeVar("W")


class _Waiting(Struct, Generic[W]):
    """Work on its way: `woken` is let go when it is done, or when its bringer is to do it."""

    work: W
    woken: threading.Lock = field(default_factory=threading.Lock)
    done: bool = False
    error: Exception | None = None


def _nothing_more() -> None:
    """Leave what was done as it is."""


class Turns(Generic[W]):
    """Does work in batches: `perform` gives an error, or None, for each piece of a batch.

    An error that `perform` raises is every piece's. `ready` is what has to be held meanwhile: the
    batch is chosen only then, so what arrives during a long wait for it is done at once too.
    `settle` makes final what was done, before anybody is told; the next batch is performed
    meanwhile.
    """

    def __init__(
        self,
        perform: Callable[[tuple[W, ...]], Sequence[Exception | None]],
        *,
        limit: int,
        ready: Callable[[], AbstractContextManager[None]] = nullcontext,
        settle: Callable[[], None] = _nothing_more,
    ) -> None:
        self._perform = perform
        self._settle = settle
        self._limit = limit
        self._ready = ready
        self._queue: list[_Waiting[W]] = []
        self._queued = threading.Lock()
        self._busy = False

    def take(self, work: W) -> None:
        """Return when the work is done; raise its error."""
        waiting = _Waiting(work)
        waiting.woken.acquire()
        with self._queued:
            self._queue.append(waiting)
            first, self._busy = not self._busy, True
        if not first:
            waiting.woken.acquire()
        if not waiting.done:
            self._do_queue()
        if waiting.error is not None:
            raise waiting.error

    def _do_queue(self) -> None:
        """Do what waits, wake who waited, and wake the first of those who came meanwhile."""
        batch: list[_Waiting[W]] = []
        errors: Sequence[Exception | None] = ()
        try:
            with self._ready():
                batch = self._taken()
                errors = self._perform(tuple(one.work for one in batch))
        except Exception as error:  # noqa: BLE001 - it reaches everyone whose work it was
            batch = batch or self._taken()
            errors = [error] * len(batch)
        finally:
            batch = batch or self._taken()
            self._pass_on()
            self._tell(batch, errors or [RuntimeError("the work was not done")] * len(batch))

    def _tell(self, batch: list[_Waiting[W]], errors: Sequence[Exception | None]) -> None:
        """Make final what was done, and wake everyone."""
        unsettled: Exception | None = RuntimeError("the work was not settled")
        try:
            if None in errors:
                self._settle()
            unsettled = None
        except Exception as error:  # noqa: BLE001 - it reaches everyone whose work it was
            unsettled = error
        finally:
            for one, failed in zip(batch, errors, strict=True):
                one.error, one.done = failed or unsettled, True
                one.woken.release()

    def _taken(self) -> list[_Waiting[W]]:
        with self._queued:
            batch, self._queue = self._queue[: self._limit], self._queue[self._limit :]
        return batch

    def _pass_on(self) -> None:
        """Let the first who waits work; nobody works where nobody waits."""
        with self._queued:
            following = self._queue[0] if self._queue else None
            self._busy = following is not None
        if following is not None:
            following.woken.release()
