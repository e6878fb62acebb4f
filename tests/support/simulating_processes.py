"""The processes of the simulation: gateways that take messages in, workers that deliver them.

Both are the code of the facade and the adapters, on injected ports: a store that fails, a clock
that jumps, a network that loses. A worker is the real `Deliverer`, its threads stepped by the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

import pytest
from hubs import ADDRESSES, US
from msgspec import Struct, field
from simulating_store import Cluster, Port
from simulating_world import BatonLock, Fibre, Process, World
from tms_scripts import POLLED

from adapters import endings, pipeline, polling, receiving
from adapters.courier import Courier, Post
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from adapters.reading import Sent
from core.audit import Audit
from core.context import Context
from core.directory import Directory
from core.door import Core
from core.errors import CoreError, StoreError
from core.messaging.keeping import iso, later
from core.messaging.records import IN_FLIGHT, MESSAGES
from core.messaging.schedule import Limits
from core.messaging.sharing import KEY, SHARING
from core.store import turns
from core.store.memory import MemoryStore
from core.store.turns import _Waiting
from core.values.messaging import Standing, Way
from facade import delivery
from facade.delivery import Deliverer, Pace
from legacy_contracts.errors import Fault

LEASE_SECONDS: Final = 40.0
POST_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 10.0
"""How often a worker looks, at the longest: slower than in earnest, and its lease by as much."""
THREADS: Final = 2


def ourselves(world: World, truth: MemoryStore, process: Process) -> Ourselves:
    """Give a process its core: an audit chain, a memory of the directory, a clock of its own."""
    store = Port(world, truth, process)
    context = Context(lambda: world.now(process), world.new_id)
    audit: Any = Audit(
        store,
        writer=f"{process.name}-{world.new_id()[:8]}",
        now=lambda: iso(context.now()),
    )
    audit._turn = BatonLock(world)
    directory = Directory(store, lambda: world.elapsed)
    return Ourselves(Core(store, context, directory, audit), context, US)


class Gateway:
    """A process that takes messages in."""

    def __init__(self, world: World, truth: MemoryStore, name: str) -> None:
        self._world = world
        self.process = Process(name)
        self._us = ourselves(world, truth, self.process)
        self._answering = 0

    def answer(self, sent: Sent, path: str) -> Answered:
        """Give the HTTP answer, as the facade does; a fault of ours is noted as wrong."""
        if path == POLLED:
            return self._safely(lambda: polling.take(sent, self._us))
        return self._safely(lambda: receiving.receive(sent, ADDRESSES[path], self._us))

    def fetch(self, poll_id: str, name: str) -> Answered:
        """Give the answer that is kept under an id to whoever has a certificate of this name."""
        return self._safely(lambda: polling.poll(poll_id, (name,), self._us))

    def stop(self) -> None:
        """End in order: what is being answered is, then the audit is ended."""
        while self._answering:
            self._world.sleep(0.1)
        ended_in_order(self._world, self._us)

    def _safely(self, answer: Callable[[], Answered]) -> Answered:
        self._answering += 1
        try:
            answered = answer()
        except StoreError as error:
            self._world.note(f"store failed: {error}")
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self._world.wrong(f"answer failed: {type(error).__name__}: {error}")
        else:
            self._world.note(f"answers {answered.status} {answered.outcome}")
            return answered
        finally:
            self._answering -= 1
        return pipeline.faulted(Fault("SYSTEM_FAILURE"), "unknown")


def ended_in_order(world: World, us: Ourselves) -> None:
    """End a process's audit, as the facade does: where the store fails, its end is looked for."""
    try:
        us.core.end()
    except StoreError as error:
        world.note(f"the audit is not ended: {error}")
    world.struck["stopped"] += 1
    world.note("stopped in order")


class Operator:
    """Somebody who looks at one message once, and sends it again or puts it away by hand."""

    def __init__(self, world: World, truth: MemoryStore, name: str) -> None:
        self._world = world
        self._truth = truth
        self.process = Process(name)
        self._us = ourselves(world, truth, self.process)
        self.done: list[tuple[str, str]] = []
        """What was done and audited, each as command and key."""

    def act(self) -> None:
        """Do one thing by hand, and audit it, as the commands of `spine messages` do."""
        failed, under_way = self._found(Standing.FAILED), self._found(*IN_FLIGHT)
        keys = failed or under_way
        if not keys:
            return
        key = self._world.chance.choice(keys)
        try:
            self._act(key, again=bool(failed) and self._world.chance.random() < 0.7)
        except StoreError as error:
            self._world.note(f"store failed: {error}")

    def _found(self, *standings: Standing) -> list[str]:
        """Give what is forwarded and stands so."""
        found = []
        for key in sorted(self._truth.keys(MESSAGES)):
            message = self._truth.read(MESSAGES, key)
            if message and message.standing in standings and message.accepted.way is Way.FORWARD:
                found.append(key)
        return found

    def _act(self, key: str, *, again: bool) -> None:
        core, outcome = self._us.core, "done"
        command = "ResendMessage" if again else "CloseMessage"
        self._world.note(f"{command} {key}")
        try:
            if again:
                core.hub.send_again(key, later(self._us.context.now(), 120), "somebody")
            else:
                endings.closed(key, "on paper", "somebody", self._us)
        except CoreError as error:
            outcome = str(error)
        core.by_hand(command, key, operator="somebody", outcome=outcome)
        if outcome == "done":
            self._world.struck[command] += 1
            self.done.append((command, key))


class _Log(Struct, frozen=True):
    """What a worker logs goes into the trace; that a try failed by our own fault is wrong."""

    world: World
    errors: list[str] = field(default_factory=list)

    def info(self, event: str, **more: object) -> None:
        self.world.note(f"{event} {more}")

    def error(self, event: str, **more: object) -> None:
        self.errors.append(event)
        is_ours = event == "delivery.failed" and more.get("where") != "failed_here"
        (self.world.wrong if is_ours else self.world.note)(f"{event} {more}")


class Worker:
    """A process that delivers: started again under the same name, it has the same parts."""

    def __init__(self, world: World, truth: MemoryStore, name: str, post: Post) -> None:
        self._world = world
        self.process = Process(name)
        self._truth = truth
        self._us = ourselves(world, truth, self.process)
        courier = Courier(self._us, post, name)
        pace = Pace(THREADS, LEASE_SECONDS, POST_SECONDS)
        limits = Limits(longest_rest_seconds=10.0)
        self._deliverer: Any = Deliverer(courier, pace, limits, lambda _outcome: None)
        self._log = _Log(world)
        self._deliverer._log = self._log

    def stop(self) -> None:
        """Let it take on nothing more, and end in order once what it began has ended."""
        self._deliverer.stop()

    def start(self, ended: Callable[[], None]) -> None:
        """Start its fibres: one looks, the others labour, as in `Deliverer.run`."""
        start = self._world.start
        name = self.process.name
        labouring = [
            start(f"{name}/{number}", self._labour, process=self.process)
            for number in range(THREADS)
        ]
        start(f"{name}/look", lambda: self._run(labouring, ended), process=self.process)

    def _run(self, labouring: list[Fibre], ended: Callable[[], None]) -> None:
        self._look(labouring)
        self._world.rouse(labouring)
        threads = [_Thread(self._world, fibre) for fibre in labouring]
        self._deliverer._finish(threads)
        if self._deliverer.ended:
            self._let_go()
            ended_in_order(self._world, self._us)
        ended()

    def _let_go(self) -> None:
        """Note as wrong a part that it keeps: others wait for it until its time is over."""
        division = self._truth.read(SHARING, KEY)
        kept = division.owned(self.process.name) if division else ()
        excused = isinstance(self._truth, Cluster) or "delivery.not_ended" in self._log.errors
        if kept and not excused:
            self._world.wrong(f"{self.process.name} stopped and still has {len(kept)} parts")

    def _look(self, labouring: list[Fibre]) -> None:
        deliverer = self._deliverer
        while not deliverer._stopping.is_set():
            deliverer._renew_in_time(self._world.elapsed)
            deliverer._refill()
            if len(deliverer._schedule._held) > deliverer._schedule.in_hand():
                self._world.rouse(labouring)
            self._world.sleep(1.0 + self._world.chance.random() * (LOOK_SECONDS - 1.0))

    def _labour(self) -> None:
        deliverer = self._deliverer
        while not deliverer._stopping.is_set():
            key = deliverer._schedule.take() if deliverer._is_ours() else None
            if key is None:
                self._world.rest()
                continue
            self._world.note(f"takes {key}")
            deliverer._try(key)
            self._world.maybe_switch()


class _Thread(Struct, frozen=True):
    """A fibre as a worker knows its threads."""

    world: World
    fibre: Fibre

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        return self.world.lives(self.fibre)


@contextmanager
def delivering_in(world: World) -> Iterator[None]:
    """Let workers read the world's time, and wait as it does, while this is open.

    Who writes the audit waits for its turn by the baton, so that entries of many share a page.
    """

    def waiting(work: Any) -> _Waiting[Any]:  # noqa: ANN401
        woken: Any = BatonLock(world)
        return _Waiting(work, woken)

    ours: Any = SimpleNamespace(monotonic=lambda: world.elapsed, sleep=world.sleep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "time", ours)
        patch.setattr(turns, "_Waiting", waiting)
        yield
