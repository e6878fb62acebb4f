"""What an advanced trace costs by sound, in process on the embedded store, as patients grow."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import Final

from msgspec import Struct

from core.audit import Audit
from core.context import Context
from core.demographics.asking import AdvancedTrace, Search, exactly
from core.directory import Directory, Party, System, list_entries
from core.door import Core
from core.errors import NotFound
from core.store.counted import CountedStore
from core.store.sqlite import SqliteStore
from core.values.demographics import Patient, RecordStatus
from core.values.identity import Asid, Caller, PartyKey
from operations import loading, patients
from operations.bench.measuring import Bench, Report
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

SEED: Final = 2014
FEW: Final = 10_000
SEARCHES: Final = 2_000
MOST_MS: Final = 150
MOST_GROWTH: Final = 1.2
INTERACTION: Final = "QUPA_IN000006UK02"
_BY: Final = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), INTERACTION, "bench", None)


class Cost(Struct, frozen=True):
    """What one search costs: milliseconds at the 99th of a hundred and of CPU, store operations.

    `listed` is how many patients it lists.
    """

    p99: float
    cpu: float
    operations: float
    listed: float


def measure(report: Report, bench: Bench, count: int) -> None:
    """Measure searches among few patients and among so many; their cost may not grow."""
    costs = {people: _cost(bench, people) for people in sorted({FEW, max(count, FEW)})}
    for people, cost in costs.items():
        report.most(f"advanced trace of {people}: p99", cost.p99, "ms", MOST_MS)
        report.note("  CPU", cost.cpu, "ms/search")
        report.note("  store", cost.operations, "ops/search")
        report.note("  patients listed", cost.listed, "patients/search")
    few, many = costs[min(costs)], costs[max(costs)]
    grown = f"advanced trace, {max(costs)} patients against {min(costs)}"
    report.most(f"{grown}: CPU", many.cpu / few.cpu, "times", MOST_GROWTH)
    report.most(f"{grown}: store", many.operations / few.operations, "times", MOST_GROWTH)


def _cost(bench: Bench, people: int) -> Cost:
    bench.say(f"advanced traces of {people} patients")
    store = SqliteStore(bench.config.parent / f"traced-{people}.db")
    try:
        loading.load(
            store,
            patients.population(people, SEED),
            source="bench",
            at="",
            progress=lambda _count: None,
        )
        return _searched(store, bench.context, people)
    finally:
        store.close()


def _searched(store: SqliteStore, context: Context, people: int) -> Cost:
    counted: Counter[str] = Counter()
    core = _core(CountedStore(store, lambda kind, _bucket: counted.update([kind])), context)
    asked = _asked(people)
    for one in asked[:100]:
        _listed(core, one)
    counted.clear()
    seconds, listed, cpu = [], 0, time.process_time()
    for one in asked:
        started = time.perf_counter()
        listed += _listed(core, one)
        seconds.append(time.perf_counter() - started)
    cpu = time.process_time() - cpu
    core.end()
    p99 = sorted(seconds)[len(seconds) * 99 // 100]
    operations = counted["find"] + counted["get"]
    return Cost(p99 * 1000, cpu / len(asked) * 1000, operations / len(asked), listed / len(asked))


def _core(store: CountedStore, context: Context) -> Core:
    list_entries(
        store,
        [Party(PartyKey(SAMPLE_PARTY), "Sample", (SAMPLE_CLIENT,))],
        [System(Asid(SAMPLE_ASID), PartyKey(SAMPLE_PARTY), "Sample", (INTERACTION,))],
        at="",
        import_id="bench",
    )
    audit = Audit(store, writer="bench", now=lambda: context.now().isoformat())
    return Core(store, context, Directory(store, time.monotonic), audit)


def _listed(core: Core, asked: AdvancedTrace) -> int:
    try:
        return len(core.perform(asked, by=_BY).candidates)
    except NotFound:
        return 0


def _asked(people: int) -> list[AdvancedTrace]:
    """Give what is asked: the first active patients, each by names taken for each other."""
    active = (
        one
        for one in patients.population(people, SEED)
        if one.status is RecordStatus.ACTIVE and one.names and one.addresses
    )
    return [_by_sound(one) for one in islice(active, SEARCHES)]


def _by_sound(patient: Patient) -> AdvancedTrace:
    name, address = patient.names[0], patient.addresses[0]
    return AdvancedTrace(
        Search.ALGORITHMIC,
        family=name.given[0],
        given=(name.family or "",),
        birth=exactly(patient.birth_time or ""),
        gender=patient.gender,
        postcode=address.postcode,
    )
