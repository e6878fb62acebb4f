"""The bench: every measurement in one run, each beside its target, as a table and as JSON."""

from __future__ import annotations

import os
import platform
import random
import sqlite3
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, repeat
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from core.context import Context, system_context
from core.demographics import queries
from core.demographics.queries import Trace
from core.demographics.records import Demographics, Policy
from core.errors import CoreError
from core.store.port import Store
from core.values.demographics import Patient, RecordStatus
from facade import config as configs
from facade.wiring import open_store
from operations import loading, patients, sending, setup, verifying
from operations.bench import directory, hub, inside, ldap, load, served, tracing, updates
from operations.bench.load import Shape
from operations.bench.measuring import Bench, Report, free_ports, list_directory, measured
from operations.bench.served import Watched
from operations.verifying import Person

HUB: Final = "hub"
UPDATES: Final = "updates"
TRACING: Final = "tracing"
DIRECTORY: Final = "directory"
LDAP: Final = "ldap"
PARTS: Final = (HUB, UPDATES, TRACING, DIRECTORY, LDAP)
"""The parts that can be measured alone: hub, updates, advanced trace, directory, LDAP."""

SEED: Final = 2014
SAMPLE: Final = 4000
"""How many different patients the load asks for."""

KEPT: Final = Shape(processes=2, connections=8, seconds=15.0)
NEW: Final = Shape(processes=2, connections=4, seconds=5.0, keep_alive=False)
FLAT_REQUESTS: Final = 200_000
FLAT_GROWTH_MIB: Final = 8
VERIFIED: Final = 0.7
"""What part of the retrieval's rate in the same run verifyNHSNumber must reach."""
LOAD_RATE: Final = 900_000 / (9 * 60)


def run(count: int, riak: str | None, only: str | None, say: Callable[[str], None]) -> Report:
    """Measure everything with so many patients; on a cluster too where one is named.

    Where one part is named, measure that alone.
    """
    report = Report()
    say(_measured_on())
    with tempfile.TemporaryDirectory(prefix="spine-bench-") as folder:
        home = Path(folder)
        setup.make_folder(home, system_context().now())
        bench = Bench(home / "spine.toml", system_context(), say)
        if only is None:
            _queries(report, bench, count, riak)
        if only in {None, TRACING}:
            tracing.measure(report, bench, count)
        if only in {None, DIRECTORY}:
            directory.measure(report, bench)
        if only in {None, HUB}:
            hub.measure(report, bench, riak)
        if only in {None, UPDATES}:
            updates.measure(report, bench)
        if only in {None, LDAP}:
            ldap.measure(report, bench)
    return report


def _measured_on() -> str:
    """Give what the figures depend on beside the code."""
    return (
        f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()} "
        f"({platform.python_compiler()}), {ssl.OPENSSL_VERSION}, SQLite {sqlite3.sqlite_version}"
    )


def _queries(report: Report, bench: Bench, count: int, riak: str | None) -> None:
    bench.say("in process")
    _inside(report)
    bench.say("the bare server")
    _ceiling(report, bench)
    _embedded(report, bench, count)
    if riak is not None:
        _cluster(report, bench, riak)


def _inside(report: Report) -> None:
    one = inside.measure()
    report.note("elements of the fixed answer", one.elements, "elements")
    report.most("one answer in process, median", one.answer, "ms CPU", 0.33)
    report.most("  of it building", one.building, "ms CPU", 0.15)


def _ceiling(report: Report, bench: Bench) -> None:
    body = sending.retrieval(next(patients.numbers()), bench.context)
    with served.serving(bench.config, free_ports(), "operations.bench.echo") as echo:
        shape = Shape(KEPT.processes, KEPT.connections, 5.0)
        tally = load.run(bench.target(echo.port), shape, lambda _client: repeat(body))
    report.note("bare WSGI echo on the same server", tally.rate, "requests/s")


def _embedded(report: Report, bench: Bench, count: int) -> None:
    bench.say(f"loading {count} patients")
    store = _loaded(report, bench, count)
    numbers, traces, persons = _sample(store, count, bench.context)
    store.close()
    with served.serving(bench.config, free_ports()) as server:
        load.run(bench.target(server.port), Shape(2, 8, 2.0), _shared(numbers))
        bench.say("retrievals")
        sending_all = partial(load.run, bench.target(server.port), KEPT)
        tally = measured(report, server, "retrieval", lambda: sending_all(_shared(numbers)))
        report.least("retrievals over mutual TLS", tally.rate, "requests/s", 1500)
        report.most("  p99", tally.percentile(0.99), "ms", 50)
        _verifications(report, bench, server, (persons, tally.rate))
        bench.say("simple traces")
        tally = measured(report, server, "simple trace", lambda: sending_all(_shared(traces)))
        report.least("simple traces over mutual TLS", tally.rate, "requests/s", 1000)
        bench.say("new connections")
        tally = load.run(bench.target(server.port), NEW, _shared(numbers))
        report.note("retrievals, a new connection each", tally.rate, "requests/s")
        bench.say(f"memory over {FLAT_REQUESTS} requests")
        _flat(report, bench, server, numbers)


def _verifications(
    report: Report, bench: Bench, server: Watched, among: tuple[list[Person], float]
) -> None:
    """Measure verifyNHSNumber beside the rate of the retrieval in the same run."""
    persons, retrievals = among
    bench.say("verifications")
    target = replace(bench.target(server.port), path=verifying.PATH, is_good=load.is_verified)
    asked = partial(load.run, target, KEPT, partial(_asking, persons, bench.context))
    tally = measured(report, server, "verification", asked)
    report.least(
        "verifyNHSNumber over mutual TLS", tally.rate, "requests/s", round(VERIFIED * retrievals)
    )
    report.note("  of the retrieval's rate", 100 * tally.rate / max(retrievals, 1.0), "%")
    report.most("  p99", tally.percentile(0.99), "ms", 50)


def _asking(persons: list[Person], context: Context, client: int) -> Iterator[bytes]:
    """Give a client's requests, each with ids of its own: the same one twice is refused."""
    sources = [verifying.requests(one, context) for one in persons[client % 16 :: 16]]
    for source in cycle(sources):
        yield next(source)


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
    listed = bench.listing()
    list_directory(store, listed, listed.parties)


def _sample(
    store: Store, count: int, context: Context
) -> tuple[list[bytes], list[bytes], list[Person]]:
    """Give retrievals, traces that each find one patient, and whose number may be verified."""
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
    persons = [Person(one.nhs_number, one.birth_time or "") for one in chosen]
    return retrievals, traces, persons


def _is_traced(patient: Patient, records: Demographics) -> bool:
    gender, born, family = patient.gender, patient.birth_time, patient.names[0].family
    try:
        queries.trace(Trace(gender or "", born or "", family or ""), records)
    except CoreError:
        return False
    return True


def _shared(bodies: list[bytes]) -> load.Bodies:
    """Give every client its own part of the bodies."""
    return lambda client: cycle(bodies[client % 16 :: 16])


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
    with served.settings({"SPINE_STORE_URL": url}):
        store = open_store(configs.load(bench.config))
        _list(store, bench)
        loading.load(
            store,
            patients.population(2000, SEED),
            source="bench",
            at="",
            progress=lambda _count: None,
        )
        numbers = _shared(_sample(store, 2000, bench.context)[0])
        store.close()
        with served.serving(bench.config, free_ports()) as server:
            target = bench.target(server.port)
            tally = measured(
                report, server, "Riak retrieval", lambda: load.run(target, KEPT, numbers)
            )
        report.note("Riak: retrievals over mutual TLS", tally.rate, "requests/s")
        report.note("Riak:   p99", tally.percentile(0.99), "ms")
