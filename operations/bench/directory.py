"""What a directory of national size costs: how long it takes to load, what one read of it costs."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Final

from core.context import Context
from core.directory import Directory
from core.directory.finding import By, Kind, exactly, find
from core.store.sqlite import SqliteStore
from operations import importing, national
from operations.bench.measuring import Bench, Report

SEED: Final = 2014
MOST_SECONDS: Final = 120
READS: Final = 2_000


def measure(report: Report, bench: Bench, organisations: int = national.ORGANISATIONS) -> None:
    """Measure a table of so many organisations, in a store of its own."""
    folder = bench.config.parent
    source = folder / "national.ldif"
    bench.say(f"a directory of {organisations} organisations")
    with source.open("w", encoding="utf-8") as target:
        target.writelines(national.as_ldif(organisations, SEED))
    with closing(SqliteStore(folder / "national.db")) as store:
        entries, seconds = loaded(source, store, bench.context)
        report.most(f"directory of {entries} entries: import", seconds, "s", MOST_SECONDS)
        report.note("  rate", entries / seconds, "entries/s")
        _read(report, store, organisations)
    source.unlink()


def loaded(source: Path, store: SqliteStore, context: Context) -> tuple[int, float]:
    """Import a file into an empty store; give how many entries it has and how long it took."""
    started = time.perf_counter()
    with importing.spooling() as spool, source.open("rb") as lines:
        checked = importing.read(lines, store, spool)
        if checked.faults:
            raise AssertionError(checked.faults[0])
        importing.write(checked, store, context)
    return checked.counts.total(), time.perf_counter() - started


def _read(report: Report, store: SqliteStore, organisations: int) -> None:
    """Measure what a message handler asks: the systems and the contracts of an organisation."""
    codes = [national.code_of(number * 7919 % organisations) for number in range(READS)]
    directory = Directory(store, time.monotonic)
    for kind in (Kind.SYSTEM, Kind.CONTRACT):
        started = time.process_time()
        for code in codes:
            find(exactly(kind, By.ORGANISATION, code), store, directory)
        spent = (time.process_time() - started) / READS * 1000
        report.note(f"  {kind}s of an organisation", spent, "ms CPU")
