"""The processes of the simulation: gateways that take messages in, workers that deliver them.

Both are the code of the facade and the adapters, on injected ports: a store that fails, a clock
that jumps, a network that loses. A worker is the real `Deliverer`, its threads stepped by the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from hubs import ADDRESSES, US
from simulating_store import Port
from simulating_world import Fibre, Process, World

from adapters import pipeline, receiving
from adapters.courier import Courier, Post
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from adapters.receiving import Sent
from core.audit import Access, Audit
from core.context import Context
from core.directory import Directory
from core.door import Core
from core.errors import StoreError
from core.messaging.keeping import iso
from core.messaging.schedule import Limits
from core.store.memory import MemoryStore
from core.store.port import Record, Write
from facade import delivery
from facade.delivery import Deliverer, Pace
from legacy_contracts.errors import Fault

LEASE_SECONDS: Final = 40.0
POST_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 10.0
"""How often a worker looks, at the longest: slower than in earnest, and its lease by as much."""
THREADS: Final = 2


class OneAtATime:
    """An audit whose writers wait for each other by the baton: a real lock would hold it fast."""

    def __init__(self, audit: Audit, world: World) -> None:
        self._audit = audit
        self._world = world
        self._holder: Fibre | None = None

    def record(self, entry: Access) -> None:
        """Write an entry when it is its turn."""
        self.beside(entry, ())

    def beside(self, entry: Access, writes: Iterable[Write]) -> list[Record[Any, Any]]:
        """Do some writes and write an entry when it is its turn."""
        while self._holder is not None:
            self._world.sleep(0.01)
        self._holder = self._world.current()
        try:
            return self._audit.beside(entry, writes)
        finally:
            self._holder = None

    def end(self) -> None:
        """End the chain in order."""
        self._audit.end()


def ourselves(world: World, truth: MemoryStore, process: Process) -> Ourselves:
    """Give a process its core: an audit chain, a memory of the directory, a clock of its own."""
    store = Port(world, truth, process)
    context = Context(lambda: world.now(process), world.new_id)
    audit = Audit(
        store,
        writer=f"{process.name}-{world.new_id()[:8]}",
        now=lambda: iso(context.now()),
    )
    watched: Any = OneAtATime(audit, world)
    directory = Directory(store, lambda: world.elapsed)
    return Ourselves(Core(store, context, directory, watched), context, US)


class Gateway:
    """A process that takes messages in."""

    def __init__(self, world: World, truth: MemoryStore, name: str) -> None:
        self._world = world
        self.process = Process(name)
        self._us = ourselves(world, truth, self.process)

    def answer(self, sent: Sent, path: str) -> Answered:
        """Give the HTTP answer, as the facade does; a fault of ours is noted as wrong."""
        try:
            answered = receiving.receive(sent, ADDRESSES[path], self._us)
        except StoreError as error:
            self._world.note(f"store failed: {error}")
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self._world.wrong(f"answer failed: {type(error).__name__}: {error}")
        else:
            self._world.note(f"answers {answered.status} {answered.outcome}")
            return answered
        return pipeline.faulted(Fault("SYSTEM_FAILURE"), "unknown")


@dataclass(frozen=True, slots=True)
class _Log:
    """What a worker logs goes into the trace; that a try failed by our own fault is wrong."""

    world: World

    def info(self, event: str, **more: object) -> None:
        self.world.note(f"{event} {more}")

    def error(self, event: str, **more: object) -> None:
        is_ours = event == "delivery.failed" and more.get("where") != "failed_here"
        (self.world.wrong if is_ours else self.world.note)(f"{event} {more}")


class Worker:
    """A process that delivers: started again under the same name, it has the same parts."""

    def __init__(self, world: World, truth: MemoryStore, name: str, post: Post) -> None:
        self._world = world
        self.process = Process(name)
        courier = Courier(ourselves(world, truth, self.process), post, name)
        pace = Pace(THREADS, LEASE_SECONDS, POST_SECONDS)
        limits = Limits(longest_rest_seconds=10.0)
        self._deliverer: Any = Deliverer(courier, pace, limits, lambda _outcome: None)
        self._deliverer._log = _Log(world)

    def start(self) -> None:
        """Start its fibres: one looks, the others labour, as in `Deliverer.run`."""
        start = self._world.start
        name = self.process.name
        labouring = [
            start(f"{name}/{number}", self._labour, process=self.process)
            for number in range(THREADS)
        ]
        start(f"{name}/look", lambda: self._look(labouring), process=self.process)

    def _look(self, labouring: list[Fibre]) -> None:
        deliverer = self._deliverer
        while True:
            deliverer._renew_in_time(self._world.elapsed)
            deliverer._refill()
            if len(deliverer._schedule._held) > deliverer._schedule.in_hand():
                self._world.rouse(labouring)
            self._world.sleep(1.0 + self._world.chance.random() * (LOOK_SECONDS - 1.0))

    def _labour(self) -> None:
        deliverer = self._deliverer
        while True:
            key = deliverer._schedule.take() if deliverer._is_ours() else None
            if key is None:
                self._world.rest()
                continue
            self._world.note(f"takes {key}")
            deliverer._try(key)
            self._world.maybe_switch()


@contextmanager
def delivering_in(world: World) -> Iterator[None]:
    """Let workers read the world's time, and wait as it does, while this is open."""
    earnest: Callable[..., Any] = delivery.time
    ours: Any = SimpleNamespace(monotonic=lambda: world.elapsed, sleep=world.sleep)
    delivery.time = ours
    try:
        yield
    finally:
        delivery.time = earnest
