"""The embedded store: what only a file can get wrong."""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest

from core.errors import StoreError
from core.store import sqlite, sqlite_statements
from core.store.port import Document, Documents
from core.store.sqlite import SqliteStore

PAPERS = Documents("paper")


def test_a_long_reader_stops_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOG_SECONDS", 0.02)
    monkeypatch.setattr(sqlite, "LOG_RESTARTED_BYTES", 1_200_000)
    store = SqliteStore(tmp_path / "s.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM value").fetchone()
        slowest = 0.0
        for number in range(400):
            began = time.monotonic()
            store.write_once(PAPERS, Document(f"p{number}", bytes(10_000)))
            slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2
    store.close()


def test_a_long_log_starts_anew_once_nobody_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOG_SECONDS", 0.02)
    monkeypatch.setattr(sqlite, "LOG_RESTARTED_BYTES", 1_200_000)
    store = SqliteStore(tmp_path / "s.db")
    for number in range(200):
        store.write_once(PAPERS, Document(f"p{number}", bytes(10_000)))
    log, deadline = tmp_path / "s.db-wal", time.monotonic() + 10
    while log.stat().st_size > 1_200_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.stat().st_size <= 1_200_000
    assert len(list(store.keys(PAPERS))) == 200
    store.close()


def test_a_turn_that_another_process_keeps_is_waited_for_no_longer_than_said(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "s.db", busy_seconds=0.2)
    with (tmp_path / "s.db-lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="another process"):
            store.write_once(PAPERS, Document("p", b""))
    store.write_once(PAPERS, Document("p", b""))
    store.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    store.write_once(PAPERS, Document("p", b""))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    store.close()


def test_two_stores_on_one_file_write_in_turns_and_lose_nothing(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "s.db") for _ in range(2)]

    def work(store: SqliteStore, name: str) -> None:
        for number in range(50):
            store.write_once(PAPERS, Document(f"{name}{number}", b"x"))

    threads = [
        threading.Thread(target=work, args=(store, f"{index}/{thread}/"))
        for index, store in enumerate(stores)
        for thread in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(stores[0].keys(PAPERS))) == 300
    for store in stores:
        store.close()


def test_every_write_is_on_the_disk_before_it_is_answered(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    (level,) = store._writer.execute("PRAGMA synchronous").fetchone()
    (journal,) = store._writer.execute("PRAGMA journal_mode").fetchone()
    assert (level, journal) == (2, "wal")
    store.close()


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_no_statement_for_several_rows_reads_a_whole_table(tmp_path: Path, count: int) -> None:
    SqliteStore(tmp_path / "s.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        for statement, cells in (
            (sqlite_statements._get_some(count), 2),
            (sqlite_statements._unindex(count), 4),
        ):
            asked = f"EXPLAIN QUERY PLAN {statement}"
            plan = [row[3] for row in connection.execute(asked, ["x"] * cells * count)]
            assert any("SEARCH" in step for step in plan)
            assert not any(step in {"SCAN value", "SCAN entry"} for step in plan)
