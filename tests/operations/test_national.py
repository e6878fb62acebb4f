"""The synthetic national directory: repeatable, right, and as large as it says."""

from __future__ import annotations

from pathlib import Path

from commanding import done, made_folder
from directories import directory_of, entries_in, exported, imported

from core.context import system_context
from core.directory.finding import By, Kind, exactly, find
from core.store.memory import MemoryStore
from operations import national, standing
from operations.bench import directory
from operations.bench.measuring import Bench, Report


def small(seed: int = 1) -> str:
    """Give a table of forty organisations."""
    return "".join(national.as_ldif(40, seed))


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    assert small() == small()
    assert small() != small(2)


def test_it_has_seven_and_a_half_entries_for_each_organisation(store: MemoryStore) -> None:
    checked = imported(store, small())

    assert checked.notes == []
    assert checked.counts.total() == 40 * 7.5
    assert list(standing.faults(store)) == []
    assert entries_in(exported(store)) == entries_in(small())


def test_every_organisation_has_its_system_and_its_contracts(store: MemoryStore) -> None:
    imported(store, small())
    table = directory_of(store)
    for number in range(40):
        code = national.code_of(number)
        counts = [
            len(find(exactly(kind, By.ORGANISATION, code), store, table).rows)
            for kind in (Kind.SYSTEM, Kind.CONTRACT)
        ]
        assert counts == [1, 4]


def test_the_command_prints_it(tmp_path: Path) -> None:
    config = made_folder(tmp_path / "data")
    printed = done("directory", "generate", "--organisations", "40", "--seed", "1")
    assert printed == small()
    source = tmp_path / "national.ldif"
    source.write_text(printed)
    said = done("directory", "import", "--config", str(config), str(source))
    assert said.endswith("organisations: 40, contracts: 160, parties: 40, systems: 40\n")


def test_the_bench_measures_the_import_against_two_minutes(tmp_path: Path) -> None:
    report = Report()
    bench = Bench(tmp_path / "spine.toml", system_context(), lambda _step: None)

    directory.measure(report, bench, 40)

    first = report.rows[0]
    assert (first.what, first.target, first.met) == (
        "directory of 300 entries: import",
        "<= 120",
        True,
    )
    assert [row.unit for row in report.rows] == ["s", "entries/s", "ms CPU", "ms CPU"]
