"""The worker that delivers: takes what is due, tries it, records how it went, until told to stop.

A worker is a process. It has a name that is its own as long as it lives: the number of a lock file
in the home folder, which the system takes back from a dead process. So one that is started again
after a death goes on with the same parts at once, and others take them when its time is over.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from adapters.courier import Courier
from core.context import Context
from core.errors import StoreError
from core.messaging.records import LANES
from core.messaging.schedule import ALL_PARTS, Limits, Schedule
from core.messaging.sharing import Shift
from core.store.counted import CountedStore
from core.store.port import Store
from core.values.messaging import Outcome
from facade import logs, process, wiring
from facade.config import Config
from facade.metrics import Metrics
from facade.wiring import Spine
from facade.worker import STOPPING

RENEW_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 0.1
"""How often the store is looked at while nothing is due."""
REST_SECONDS: Final = 5.0
"""How long a lane rests at most when a try could not be recorded."""
PASS_SHARE: Final = 4
"""A look that takes long and finds nothing is followed by a rest so many times as long."""


class Slot(Struct, frozen=True):
    """A worker's number on its machine and store, its name, the lock that makes both its own."""

    number: int
    name: str
    descriptor: int


def slot(home: Path) -> Slot:
    """Give the first name on this machine and store that no living worker has."""
    number = 0
    while True:
        descriptor = os.open(home / f".deliver-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            number += 1
        else:
            place = home.stat().st_ino
            return Slot(number, f"{socket.gethostname()}-{place:x}-{number}", descriptor)


class Pace(Struct, frozen=True):
    """How a worker works: its threads, how long its parts are its own, how long a post takes."""

    threads: int
    lease_seconds: float
    post_seconds: float


class Deliverer:
    """One worker: a loop that finds work, and threads that do it."""

    def __init__(
        self, courier: Courier, pace: Pace, limits: Limits, count: Callable[[str], None]
    ) -> None:
        us = courier.us
        self._courier = courier
        self._pace = pace
        self._count = count
        self._store: Store = us.core.store
        self._context: Context = us.context
        self._shift = Shift(courier.worker, pace.lease_seconds)
        self._schedule = Schedule(limits, time.monotonic)
        self._parts: frozenset[int] = frozenset()
        self._ours_until = 0.0
        self._renewed = 0.0
        self._renewals = 0
        self.ended = False
        """Whether nothing is under way any more, so that the store may be closed."""
        self._work = threading.Condition()
        self._stopping = threading.Event()
        self._log: Any = logs.logger()

    def stop(self) -> None:
        """Take on nothing more; `run` returns once what was begun has ended."""
        self._stopping.set()

    def run(self, goes_on: Callable[[], bool]) -> None:
        """Deliver until told to stop, or as long as that says."""
        threads = [
            threading.Thread(target=self._labour, name=f"deliver-{number}", daemon=True)
            for number in range(self._pace.threads)
        ]
        for thread in threads:
            thread.start()
        while not self._stopping.is_set() and goes_on():
            began = time.monotonic()
            self._renew_in_time(began)
            found = self._refill()
            spent = time.monotonic() - began
            self._stopping.wait(IDLE_SECONDS if found else max(IDLE_SECONDS, spent * PASS_SHARE))
        self._stopping.set()
        self._finish(threads)

    def _finish(self, threads: list[threading.Thread]) -> None:
        """Wait for what is under way, still this worker's, and let go of everything."""
        with self._work:
            self._work.notify_all()
        until = time.monotonic() + self._pace.post_seconds + 1
        while time.monotonic() < until and any(thread.is_alive() for thread in threads):
            self._renew_in_time(time.monotonic())
            time.sleep(IDLE_SECONDS)
        self.ended = not any(thread.is_alive() for thread in threads)
        if not self.ended:
            return
        try:
            self._shift.end(self._store, self._context.now())
        except StoreError as error:
            self._log.error("delivery.not_ended", why=str(error))

    def _renew_in_time(self, now: float) -> None:
        """Renew once a second; at first twice at once, since a claim counts from the next look."""
        due = RENEW_SECONDS if self._renewals > 1 else IDLE_SECONDS
        if now - self._renewed >= due and self._renew(now):
            self._renewed = now
            self._renewals += 1

    def _renew(self, now: float) -> bool:
        """Say that this worker is there; one that cannot takes on nothing when its time is over.

        A part that it must give up is let go only when it was already not taken from at the look
        before, and nothing of it is in hand.
        """
        idle = ALL_PARTS - self._parts - self._schedule.busy_parts()
        try:
            parts = self._shift.renew(self._store, self._context.now(), idle)
        except StoreError as error:
            self._log.error("store.failed", why=str(error))
            return False
        self._ours_until = now + self._pace.lease_seconds - self._pace.post_seconds
        if parts != self._parts:
            self._log.info("delivery.shared", worker=self._shift.worker, parts=len(parts))
            self._schedule.drop_waiting(parts)
        self._parts = parts
        return True

    def _refill(self) -> bool:
        """Take in what is due, and wake the threads: lanes that rested may be due again too."""
        found = 0
        if self._is_ours():
            try:
                found = self._schedule.refill(self._store, self._parts, self._context.now())
            except StoreError as error:
                self._log.error("store.failed", why=str(error))
            with self._work:
                self._work.notify_all()
        return found > 0

    def _is_ours(self) -> bool:
        return time.monotonic() < self._ours_until

    def _labour(self) -> None:
        while not self._stopping.is_set():
            key = self._schedule.take() if self._is_ours() else None
            if key is not None:
                self._try(key)
                continue
            with self._work:
                self._work.wait(RENEW_SECONDS)

    def _try(self, key: str) -> None:
        """Try one message; nothing that happens ends the thread, and the message is let go of."""
        outcome: Outcome | None = None
        retry_seconds = 0.0
        try:
            tried = self._courier.attempt(key)
            if tried is not None:
                outcome, retry_seconds = tried.outcome, tried.retry_seconds
                self._count(outcome)
        except StoreError as error:
            # Nothing was recorded, so it is still due; its lane rests first.
            outcome, retry_seconds = Outcome.FAILED, REST_SECONDS
            self._log.error("store.failed", why=str(error))
        except Exception as error:  # noqa: BLE001 - the message is tried again, and then given up
            where = logs.place_of(error)
            outcome, retry_seconds = Outcome.FAILED, REST_SECONDS
            self._log.error("delivery.failed", error=type(error).__name__, where=where)
            self._fail(key, where)
        finally:
            self._schedule.finish(key, outcome, retry_seconds)

    def _fail(self, key: str, where: str) -> None:
        try:
            self._courier.failed_here(key, where.rpartition("/")[2])
        except Exception as error:  # noqa: BLE001 - the thread goes on, whatever happens
            self._log.error("delivery.failed", error=type(error).__name__, where="failed_here")


def pace_of(config: Config) -> Pace:
    """Give the pace that the configuration sets."""
    return Pace(
        threads=config.delivery_threads,
        lease_seconds=config.delivery_lease_seconds,
        post_seconds=config.delivery_post_seconds,
    )


def limits_of(config: Config) -> Limits:
    """Give the limits that the configuration sets; a receiver's is shared among its lanes."""
    failing = max(config.delivery_threads // 4, 1)
    return Limits(per_lane=config.delivery_per_receiver // LANES, failing=failing)


def deliver(config: Config, *, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Deliver in this process until told to stop (SIGTERM, SIGINT), or as long as that says."""
    logs.configure(config.log_level)
    log = logs.logger()
    counted = Metrics()
    store = CountedStore(wiring.open_store(config, gives_way=True), counted.count_operation)
    made = wiring.spine(config, store, watch=lambda _timing: None)
    own = slot(config.home)
    process.settle(own.number, pin=config.server_pin_workers)
    courier = wiring.courier(config, made, worker=own.name, report=log.warning)
    deliverer = Deliverer(courier, pace_of(config), limits_of(config), counted.count_delivery)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: deliverer.stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    deliverer.run(goes_on)
    if deliverer.ended:
        _end(made, log)
        os.close(own.descriptor)


def _end(made: Spine, log: Any) -> None:  # noqa: ANN401 - structlog's own type is Any
    try:
        made.core.end()
    except StoreError as failed:
        log.warning("audit.not_ended", why=str(failed))
    made.store.close()
