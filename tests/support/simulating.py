"""The hub, its store, its network and its clock in one process under one seed, struck by faults.

A seed is a world: two gateways, two or three workers, two practices, some messages, and which
faults strike where. While they do, everything may go wrong; then they stop, the clock runs until
nothing is left to do, and what was promised must hold (simulating_judge.py). A seed that fails is
its number and nothing else: `make simulate SEED=…` runs it alone and shows what happened.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from typing import Final

import click
import hub_messages
from batches import sent
from ebxml_messages import Message, under
from hubs import CONTRACTS, list_directory
from msgspec import Struct, field
from msgspec.structs import replace
from simulating_judge import Rest, judge, shared_pages
from simulating_parties import Network, Practice
from simulating_processes import Gateway, Operator, Worker, delivering_in
from simulating_store import Cluster
from simulating_world import Process, World, Wrong
from tms_scripts import NOT_FOUND, POLLED, batch
from wrapped_messages import OTHER_PARTY

from core.directory import ContractProperties
from core.messaging.records import BY_END, MESSAGES
from core.store.memory import MemoryStore
from core.store.port import Span
from core.values.messaging import Standing
from operations.setup import SAMPLE_PARTY

SEEDS_PER_TASK: Final = 25
LONGEST: Final = 4_000.0
"""Simulated seconds after which a world that has not come to rest is judged as it is."""
ORDERED: Final = "POLB_IN020005UK01"
BY_HAND: Final = "by-hand"
STAYS_AWAY: Final = 0.15
AWAY_SECONDS: Final = 800.0
"""How often a receiver comes back only when its messages must long have been given up."""
_ID: Final = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_PARTIES: Final = (SAMPLE_PARTY, OTHER_PARTY)
_IN_FLIGHT: Final = Span(BY_END, "", "~")


class Outcome(Struct, frozen=True):
    """How a seed went: what is wrong, what struck, how messages ended, what happened."""

    seed: int
    wrongs: tuple[str, ...]
    struck: Counter[str]
    ends: Counter[str]
    trace: tuple[tuple[float, str, str], ...]

    def told(self) -> str:
        """Give what happened, a line for each step."""
        return "\n".join(f"{at:10.4f} {who:28} {what}" for at, who, what in self.trace)


class Tally(Struct):
    """How many seeds went: how often each fault struck, each end was met, and what failed."""

    struck: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count in what others found."""
        self.struck += other.struck
        self.ends += other.ends
        self.failed = sorted([*self.failed, *other.failed], key=lambda one: one.seed)


@cache
def _templates() -> tuple[tuple[Message, int], ...]:
    """Give each kind of message that is sent, and how often it is, in comparison.

    A batch asks for one patient whom nobody knows: it is answered, item by item, by a refusal.
    """
    request = hub_messages.ehr_request()
    express = replace(
        hub_messages.forwarded("ebs", "PRSC_IN040000UK08", ack_actor=None),
        duplicate_elimination=None,
    )
    kinds = (
        (hub_messages.alert(), 3),
        (replace(hub_messages.alert(), path=POLLED), 1),
        (batch(sent(NOT_FOUND)), 1),
        (replace(batch(sent(NOT_FOUND)), path=POLLED), 1),
        (hub_messages.forwarded(), 3),
        (request, 2),
        (hub_messages.ehr_extract(request), 2),
        (hub_messages.itk_trunk(), 2),
        (express, 1),
    )
    return tuple((_numbered(message), often) for message, often in kinds)


@cache
def _ordered() -> Message:
    """Give a message of the kind that its receiver takes in order only."""
    return _numbered(hub_messages.forwarded("pat", ORDERED))


def _contracts() -> Iterator[ContractProperties]:
    for one in CONTRACTS:
        yield replace(one, ordered=one.interaction == ORDERED)


def _numbered(message: Message) -> Message:
    """Give a message with ids that are the same in every process."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found[0], f"00000000-0000-4000-8000-{len(numbers):012X}")

    return replace(
        message,
        message_id=_ID.sub(number, message.message_id),
        payload=_ID.sub(number, message.payload),
        attachments=tuple(
            replace(
                one,
                part=replace(
                    one.part,
                    content_id=_ID.sub(number, one.part.content_id),
                    body=_ID.sub(number, one.part.body.decode()).encode(),
                ),
            )
            for one in message.attachments
        ),
    )


class _Scenario:
    """Who is there, and what happens while faults strike."""

    def __init__(self, world: World) -> None:
        chance = world.chance
        self.world = world
        cluster = chance.random() < 0.4
        self.truth = Cluster(world.linger) if cluster else MemoryStore()
        list_directory(self.truth, _contracts(), queries=(NOT_FOUND.interaction_id,))
        self.payload_ids: dict[str, str] = {}
        self.operators: list[Operator] = []
        self._gateways: dict[str, Gateway] = {}
        self._workers: dict[str, Worker] = {}
        self.network = Network(world, lambda: list(self._gateways.values()))
        self.practices = tuple(Practice(world, self.network, party) for party in _PARTIES)
        world.on_death = self._died
        for number in range(2):
            self._begin(f"gateway-{number}")
        for number in range(chance.choice((2, 3))):
            self._begin(f"worker-{number}")
        self._plan()
        if chance.random() < 0.3:
            world.start("outage", self._outage, after=chance.random() * 100)
        calm_after = chance.choice((60.0, 200.0, 450.0))
        for _ in range(chance.choice((0, 0, 1, 3))):
            world.start("stop", self._stop, after=chance.random() * calm_after)
        for _ in range(chance.choice((0, 0, 2, 6))):
            world.start("by hand", self._act_by_hand, after=chance.random() * (calm_after + 400))
        world.start("calm", self._calm, after=calm_after)

    def _begin(self, name: str) -> None:
        if name.startswith("gateway"):
            self._gateways[name] = Gateway(self.world, self.truth, name)
        else:
            worker = Worker(self.world, self.truth, name, self.network.post)
            self._workers[name] = worker
            worker.start(lambda: self._ended(worker.process))

    def _died(self, process: Process) -> None:
        """Start what died again, after a while; who acts by hand does not come again."""
        self.world.note(f"{process.name} died")
        if not process.name.startswith(BY_HAND):
            self._begin_again(process)

    def _begin_again(self, process: Process) -> None:
        self._gateways.pop(process.name, None)
        self._workers.pop(process.name, None)
        after = self.world.chance.random() * 30
        self.world.start("restart", lambda: self._begin(process.name), after=after)

    def _ended(self, process: Process) -> None:
        """End what ended in order, with whatever of it would not end, and start it again."""
        self.world.note(f"{process.name} ended")
        self.world.kill(process)

    def _stop(self) -> None:
        """Tell a process to stop: it ends what it has begun and takes on nothing more."""
        names = sorted((*self._gateways, *self._workers))
        if not names:
            return
        name = self.world.chance.choice(names)
        self.world.note(f"{name} is told to stop")
        if name in self._workers:
            self._workers.pop(name).stop()
            return
        gateway = self._gateways.pop(name)

        def stop() -> None:
            gateway.stop()
            self._ended(gateway.process)

        self.world.start(f"{name}/stop", stop, process=gateway.process)

    def _act_by_hand(self) -> None:
        operator = Operator(self.world, self.truth, f"{BY_HAND}-{len(self.operators)}")
        self.operators.append(operator)
        self.world.start(operator.process.name, operator.act, process=operator.process)

    def _outage(self) -> None:
        seconds = self.world.chance.choice((5.0, 30.0, 120.0))
        self.world.note(f"the store is away for {seconds} s")
        self.world.away_until = self.world.elapsed + seconds

    def _calm(self) -> None:
        self.world.calm()
        for practice in self.practices:
            gone = self.world.chance.random() < STAYS_AWAY
            practice.dead_until = self.world.elapsed + AWAY_SECONDS if gone else 0.0
            self.world.note(f"{practice.party} is there from {practice.dead_until} on")

    def _plan(self) -> None:
        """Let senders send, some of them one payload under two message ids."""
        chance = self.world.chance
        kinds, weights = zip(*_templates(), strict=True)
        for _ in range(chance.randrange(3, 9)):
            made = self._new(chance.choices(kinds, weights)[0])
            after = chance.random() * chance.choice((1, 100))
            self._send(made, made.message_id, after)
            if chance.random() < 0.25 and made.ack_actor is not None:
                twin = replace(made, message_id=self.world.new_id())
                self._send(twin, made.message_id, after + chance.choice((0.0, 1.0, 30.0)))
        for _ in range(chance.choice((0, 0, 4))):
            made = self._new(_ordered())
            self._send(made, made.message_id, chance.random() * 60)

    def _new(self, template: Message) -> Message:
        made = under(template, self.world.new_id())
        return replace(made, conversation_id=self.world.new_id())

    def _send(self, message: Message, payload_id: str, after: float) -> None:
        if message.ack_actor is not None:
            self.payload_ids[message.message_id] = payload_id
        sender = next(one for one in self.practices if one.party == message.from_party)
        self.world.start(f"{sender.party}/send", lambda: sender.send(message), after=after)

    def is_at_rest(self) -> bool:
        """Say whether nothing is left to do."""
        world = self.world
        if world.elapsed > LONGEST:
            return True
        if world.calm_since is None or world.loose():
            return False
        return not self.truth.find(MESSAGES, _IN_FLIGHT, limit=1).entries


def simulate(seed: int) -> Outcome:
    """Give how a seed goes: the same for the same seed."""
    world = World(seed)
    with delivering_in(world):
        scenario = _Scenario(world)
        try:
            world.run(scenario.is_at_rest)
        except Wrong as error:
            world.wrong(str(error))
        finally:
            world.end()
    done = tuple(done for operator in scenario.operators for done in operator.done)
    rest = Rest(world, scenario.truth, scenario.practices, scenario.payload_ids, done)
    wrongs = (*world.wrongs, *judge(rest))
    if isinstance(scenario.truth, Cluster):
        world.struck["siblings"] += len(scenario.truth.raced)
    world.struck["shared pages"] += shared_pages(rest)
    ends = Counter(
        f"{one.message.accepted.way} {one.message.standing} {one.message.why.partition(':')[0]}"
        for one in rest.kept()
        if one.message.standing is Standing.DONE or one.times > 1
    )
    ends["given up"] = sum(one.message.standing is Standing.FAILED for one in rest.kept())
    return Outcome(seed, wrongs, world.struck, ends, tuple(world.trace))


def run(seeds: Iterable[int]) -> Tally:
    """Give how seeds go, one after the other; their traces are too long to be kept."""
    tally = Tally()
    for seed in seeds:
        outcome = simulate(seed)
        tally.struck += outcome.struck
        tally.ends += outcome.ends
        if outcome.wrongs:
            tally.failed.append(replace(outcome, trace=()))
    return tally


def run_all(first: int, count: int) -> Tally:
    """Give how many seeds go, on every processor; they are shown as they do."""
    tally = Tally()
    last = first + count
    spans = [
        range(start, min(start + SEEDS_PER_TASK, last))
        for start in range(first, last, SEEDS_PER_TASK)
    ]
    with (
        ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool,
        click.progressbar(length=count, label="Simulating", file=sys.stderr) as bar,
    ):
        running = {pool.submit(run, span): len(span) for span in spans}
        for done in as_completed(running):
            tally.add(done.result())
            bar.update(running.pop(done))
    return tally


@click.command()
@click.option("--seeds", default=1_000, show_default=True, help="How many seeds.")
@click.option("--first", type=int, default=0, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="The one seed to run, and to show what happens in it.")
def main(seeds: int, first: int, seed: int | None) -> None:
    """Run seeds and judge each; exit 1 where one fails."""
    if seed is not None:
        _show(seed)
        return
    began = time.monotonic()
    tally = run_all(first, seeds)
    for what, times in (*sorted(tally.struck.items()), *sorted(tally.ends.items())):
        click.echo(f"{what:40} {times:>9}")
    for outcome in tally.failed[:20]:
        click.echo(f"seed {outcome.seed}: {outcome.wrongs[0]}: make simulate SEED={outcome.seed}")
    for outcome in tally.failed[:1]:
        click.echo(simulate(outcome.seed).told(), err=True)
    click.echo(f"{len(tally.failed)} of {seeds} seeds failed, {time.monotonic() - began:.0f} s")
    sys.exit(1 if tally.failed else 0)


def _show(seed: int) -> None:
    outcome = simulate(seed)
    click.echo(outcome.told())
    for wrong in outcome.wrongs:
        click.echo(f"WRONG {wrong}")
    for fault, times in sorted(outcome.struck.items()):
        click.echo(f"{fault:40} {times:>9}")
    click.echo(f"seed {seed}: {len(outcome.wrongs)} wrong")
    sys.exit(1 if outcome.wrongs else 0)


if __name__ == "__main__":
    main()
