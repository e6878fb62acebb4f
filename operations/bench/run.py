"""The bench: every measurement in one run, each beside its target, as a table and as JSON."""

from __future__ import annotations

import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from core import demographics
from core.context import Context, system_context
from core.demographics import Demographics, Policy, Trace
from core.directory import list_entries
from core.errors import CoreError
from core.store.port import Store
from core.values.demographics import Patient, RecordStatus
from facade import config as configs
from facade.wiring import open_store
from operations import listing, loading, patients, sending, setup
from operations.bench import inside, load, served
from operations.bench.load import Shape, Tally, Target
from operations.bench.served import Watched

SEED: Final = 2014
SAMPLE: Final = 4000
"""How many different patients the load asks for."""

KEPT: Final = Shape(processes=2, connections=8, seconds=15.0)
NEW: Final = Shape(processes=2, connections=4, seconds=5.0, keep_alive=False)
FLAT_REQUESTS: Final = 200_000
FLAT_GROWTH_MIB: Final = 8
LOAD_RATE: Final = 900_000 / (9 * 60)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what, how much, and the target it met or missed, where it has one."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Report:
    """What was measured."""

    rows: list[Row] = field(default_factory=list)

    def least(self, what: str, value: float, unit: str, target: float) -> None:
        """Note a value that should be at least so much."""
        self.rows.append(Row(what, value, unit, f">= {target:g}", value >= target))

    def most(self, what: str, value: float, unit: str, target: float) -> None:
        """Note a value that should be at most so much."""
        self.rows.append(Row(what, value, unit, f"<= {target:g}", value <= target))

    def note(self, what: str, value: float, unit: str) -> None:
        """Note a value without a target."""
        self.rows.append(Row(what, value, unit))

    def table(self) -> str:
        """Give the rows for people."""
        lines = [f"{'':50} {'measured':>12}  {'unit':16} {'target':>10}"]
        for row in self.rows:
            verdict = {True: "met", False: "MISSED", None: ""}[row.met]
            lines.append(
                f"{row.what:50} {row.value:12.3f}  {row.unit:16} {row.target:>10}  {verdict}"
            )
        return "\n".join(lines)

    def json(self) -> str:
        """Give the rows for machines."""
        return json.dumps([asdict(row) for row in self.rows], indent=1)


@dataclass(frozen=True, slots=True)
class Bench:
    """What the measurements share: the folder, the store as loaded, who to ask for."""

    config: Path
    context: Context
    say: Callable[[str], None]

    def target(self, port: int) -> Target:
        """Give where a load goes."""
        tls = self.config.parent / "tls"
        files = sending.ClientFiles(tls / "ca.pem", tls / "client.pem", tls / "client.key")
        return Target("127.0.0.1", port, sending.PATH, files)


def run(count: int, riak: str | None, say: Callable[[str], None]) -> Report:
    """Measure everything with so many patients; on a cluster too where one is named."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as folder:
        home = Path(folder)
        setup.make_folder(home, system_context().now())
        bench = Bench(home / "spine.toml", system_context(), say)
        say("in process")
        _inside(report)
        say("the bare server")
        _ceiling(report, bench)
        _embedded(report, bench, count)
        if riak is not None:
            _cluster(report, bench, riak)
    return report


def _inside(report: Report) -> None:
    measured = inside.measure()
    report.note("elements of the fixed answer", measured.elements, "elements")
    report.most("one answer in process, median", measured.answer, "ms CPU", 0.33)
    report.most("  of it building", measured.building, "ms CPU", 0.15)


def _ceiling(report: Report, bench: Bench) -> None:
    body = sending.retrieval(next(patients.numbers()), bench.context)
    with served.serving(bench.config, _ports(), "operations.bench.echo") as echo:
        shape = Shape(KEPT.processes, KEPT.connections, 5.0)
        tally = load.run(bench.target(echo.port), shape, lambda _client: [body])
    report.note("bare WSGI echo on the same server", tally.rate, "requests/s")


def _embedded(report: Report, bench: Bench, count: int) -> None:
    bench.say(f"loading {count} patients")
    store = _loaded(report, bench, count)
    numbers, traces = _sample(store, count, bench.context)
    store.close()
    with served.serving(bench.config, _ports()) as server:
        load.run(bench.target(server.port), Shape(2, 8, 2.0), _shared(numbers))
        bench.say("retrievals")
        tally = _measured(report, bench, server, ("retrieval", numbers))
        report.least("retrievals over mutual TLS", tally.rate, "requests/s", 1500)
        report.most("  p99", tally.percentile(0.99), "ms", 50)
        bench.say("simple traces")
        tally = _measured(report, bench, server, ("simple trace", traces))
        report.least("simple traces over mutual TLS", tally.rate, "requests/s", 1000)
        bench.say("new connections")
        tally = load.run(bench.target(server.port), NEW, _shared(numbers))
        report.note("retrievals, a new connection each", tally.rate, "requests/s")
        bench.say(f"memory over {FLAT_REQUESTS} requests")
        _flat(report, bench, server, numbers)


def _loaded(report: Report, bench: Bench, count: int) -> Store:
    store = open_store(configs.load(bench.config))
    _list(store, bench)
    started = time.perf_counter()
    loading.load(
        store,
        patients.population(count, SEED),
        source="bench",
        at="",
        progress=lambda _count: None,
    )
    rate = count / (time.perf_counter() - started)
    report.least("patients loaded", rate, "patients/s", round(LOAD_RATE))
    return store


def _list(store: Store, bench: Bench) -> None:
    listed = listing.read(bench.config.parent / "directory.toml")
    list_entries(store, listed.parties, listed.systems, at="", import_id="bench")


def _sample(store: Store, count: int, context: Context) -> tuple[list[bytes], list[bytes]]:
    """Give the bodies of retrievals and of traces that each find one patient."""
    dice = random.Random(SEED)  # noqa: S311 - a repeatable choice
    wanted = set(dice.sample(range(count), min(SAMPLE, count)))
    chosen = [
        one
        for index, one in enumerate(patients.population(count, SEED))
        if index in wanted and one.status is RecordStatus.ACTIVE
    ]
    records = Demographics(store, context.now().strftime("%Y%m%d"), Policy())
    retrievals = [sending.retrieval(one.nhs_number, context) for one in chosen]
    traces = [sending.simple_trace(one, context) for one in chosen if _is_traced(one, records)]
    return retrievals, traces


def _is_traced(patient: Patient, records: Demographics) -> bool:
    gender, born, family = patient.gender, patient.birth_time, patient.names[0].family
    try:
        demographics.trace(Trace(gender or "", born or "", family or ""), records)
    except CoreError:
        return False
    return True


def _shared(bodies: list[bytes]) -> load.Bodies:
    """Give every client its own part of the bodies."""
    return lambda client: bodies[client % 16 :: 16]


def _measured(
    report: Report, bench: Bench, server: Watched, what: tuple[str, list[bytes]]
) -> Tally:
    """Run one kind of load and note what a message costs."""
    name, bodies = what
    before, cpu = server.metrics(), server.cpu_seconds()
    tally = load.run(bench.target(server.port), KEPT, _shared(bodies))
    after, used = server.metrics(), server.cpu_seconds() - cpu
    count = max(len(tally.seconds), 1)
    report.note(f"{name}: p50", tally.percentile(0.5), "ms")
    report.most(f"{name}: not answered with a success", tally.failed, "requests", 0)
    report.note(f"{name}: server CPU", used / count * 1000, "ms/message")
    report.note(f"{name}: peak memory of a process", server.memory()[1], "MiB")
    for key in sorted(after):
        gained = after[key] - before.get(key, 0.0)
        if key[0] == "spine_stage_seconds" and gained:
            report.note(f"{name}: {_label(key[1])}", gained / count * 1000, "ms/message")
        elif key[0] == "spine_store_operations" and gained:
            report.note(f"{name}: {_label(key[1])}", gained / count, "ops/message")
    return tally


def _label(labels: str) -> str:
    return " ".join(part.partition("=")[2].strip('"') for part in sorted(labels.split(",")))


def _flat(report: Report, bench: Bench, server: Watched, bodies: list[bytes]) -> None:
    """Go on until so many requests were answered; memory may not have grown since a quarter."""
    sent, early = 0, 0
    while sent < FLAT_REQUESTS:
        sent += len(load.run(bench.target(server.port), KEPT, _shared(bodies)).seconds)
        if not early and sent >= FLAT_REQUESTS // 4:
            early = server.memory()[0]
    grown = server.memory()[0] - early
    report.most(f"memory grown over {sent} requests", grown, "MiB", FLAT_GROWTH_MIB)


def _cluster(report: Report, bench: Bench, url: str) -> None:
    bench.say(f"the cluster {url}")
    os.environ["SPINE_STORE_URL"] = url
    try:
        store = open_store(configs.load(bench.config))
        _list(store, bench)
        loading.load(
            store,
            patients.population(2000, SEED),
            source="bench",
            at="",
            progress=lambda _count: None,
        )
        numbers, _ = _sample(store, 2000, bench.context)
        store.close()
        with served.serving(bench.config, _ports()) as server:
            tally = _measured(report, bench, server, ("Riak retrieval", numbers))
        report.note("Riak: retrievals over mutual TLS", tally.rate, "requests/s")
        report.note("Riak:   p99", tally.percentile(0.99), "ms")
    finally:
        del os.environ["SPINE_STORE_URL"]


def _ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports: tuple[Any, Any] = (one.getsockname()[1], two.getsockname()[1])
    return ports
