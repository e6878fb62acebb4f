"""The embedded store: what only a file can get wrong."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import StoreError, StoreFull
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


def test_every_write_is_on_the_disk_before_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[Path, int]] = []
    flush = os.fdatasync

    def flushing(descriptor: int) -> None:
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append((file, file.stat().st_size))
        flush(descriptor)

    log = tmp_path / "s.db-wal"
    store = SqliteStore(tmp_path / "s.db")
    monkeypatch.setattr(os, "fdatasync", flushing)
    for number in range(3):
        store.write_once(PAPERS, Document(f"{number}", b"x"))
        # Once for each, after all of it was written to the log.
        assert flushed[number:] == [(log, log.stat().st_size)]
    store.close()


def test_what_does_not_reach_the_disk_is_not_answered_and_nothing_is_written_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "s.db")
    store.write_once(PAPERS, Document("before", b"x"))

    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", failing)
        with pytest.raises(StoreFull, match="did not reach its disk"):
            store.write_once(PAPERS, Document("lost", b"x"))
    # The system has forgotten what it could not write: a flush that succeeds now says nothing.
    with pytest.raises(StoreFull, match="start again"):
        store.write_once(PAPERS, Document("after", b"x"))
    with pytest.raises(StoreFull):
        store.ready()
    assert store.document(PAPERS, "before") == b"x"
    assert store.document(PAPERS, "after") is None
    store.close()


ENDING = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("PRAGMA journal_mode = DELETE")
"""


def test_a_loss_that_the_system_tells_one_descriptor_once_is_every_flush_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "s.db")
    told: list[int] = []
    second_over = threading.Event()
    errors: dict[str, Exception] = {}

    def failing(descriptor: int) -> None:
        if descriptor in told:
            return
        told.append(descriptor)
        if threading.current_thread().name == "first":
            # The system has told it; the thread goes on only after the other one did.
            assert second_over.wait(10)
        raise OSError(errno.EIO, "Input/output error")

    def writing() -> None:
        name = threading.current_thread().name
        try:
            store.write_once(PAPERS, Document(name, b"x"))
        except StoreFull as error:
            errors[name] = error

    monkeypatch.setattr(os, "fdatasync", failing)
    threads = [threading.Thread(target=writing, name=name) for name in ("first", "second")]
    threads[0].start()
    while not told:
        time.sleep(0.001)
    threads[1].start()
    threads[1].join()
    second_over.set()
    threads[0].join()
    assert set(errors) == {"first", "second"}
    store.close()


def test_an_open_store_is_in_use_before_anything_is_read_and_another_in_its_process_leaves_it_so(
    tmp_path: Path,
) -> None:
    def another_process_ends_its_log() -> bool:
        command = [sys.executable, "-c", ENDING, str(tmp_path / "s.db")]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    first = SqliteStore(tmp_path / "s.db")
    assert not another_process_ends_its_log()
    second = SqliteStore(tmp_path / "s.db")
    assert not another_process_ends_its_log()
    for store in (first, second):
        store.close()
    assert another_process_ends_its_log()


def test_the_next_transaction_does_not_wait_for_the_disk_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = SqliteStore(tmp_path / "s.db"), SqliteStore(tmp_path / "s.db")
    slow, written = threading.Event(), threading.Event()
    flush = os.fdatasync

    def flushing(descriptor: int) -> None:
        if threading.current_thread().name == "slow":
            slow.set()
            assert written.wait(10)
        flush(descriptor)

    monkeypatch.setattr(os, "fdatasync", flushing)
    paper = Document("slow", b"x")
    thread = threading.Thread(target=first.write_once, args=(PAPERS, paper), name="slow")
    thread.start()
    assert slow.wait(10)
    for number, store in enumerate((first, second)):
        store.write_once(PAPERS, Document(f"{number}", b"x"))
    assert thread.is_alive()
    written.set()
    thread.join()
    for store in (first, second):
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
