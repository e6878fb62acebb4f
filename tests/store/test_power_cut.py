"""What a power cut leaves of an embedded store: all that was answered, and nothing by halves.

The disk is simulated: it holds of the log what it held when the last flush that is over began, and
of what was written since any sectors and no others. SQLite's own flushes are known by what it does:
it flushes the log before it copies it, the file after, and the head of a log that starts anew.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from core.store import sqlite
from core.store.port import Document, Documents, Put
from core.store.sqlite import SqliteStore

PAPERS = Documents("paper")
SECTOR = 512
LOG_HEAD = 32


class Disk:
    """A store's folder as a disk has it, whatever the system still holds back."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._chance = chance
        self._began = 0
        self._order = 0
        self._flush = threading.Lock()
        self.file = path.read_bytes()
        self.log = self._log.read_bytes()

    def fdatasync(self, _descriptor: int) -> None:
        """Stand in for the system's: slow, and several at once."""
        with self._flush:
            self._began += 1
            order, held = self._began, self._log.read_bytes()
        time.sleep(self._chance.random() * 0.004)
        with self._flush:
            if order > self._order:
                self._order, self.log = order, held

    def copied(self, store: SqliteStore) -> bytes:
        """Have the log copied into the file; give a file as a cut in the middle of it leaves it."""
        with self._flush:
            self._began += 1
            self._order, self.log = self._began, self._log.read_bytes()
        (busy, frames, copied) = store._reader().execute("PRAGMA wal_checkpoint").fetchone()
        assert (busy, frames) == (0, copied)
        before, self.file = self.file, self._path.read_bytes()
        return self._torn(before, self.file, 4096)

    def cut(self) -> bytes:
        """Give a log as a power cut may leave it now."""
        written = self._log.read_bytes()
        with self._flush:
            held = self.log
        if written[:LOG_HEAD] != held[:LOG_HEAD]:
            held = written[:LOG_HEAD] + held[LOG_HEAD:]
        return self._torn(held, written, SECTOR)

    def _torn(self, before: bytes, after: bytes, size: int) -> bytes:
        likely = self._chance.choice((0.0, 0.5, 0.95, 1.0))
        length = max(len(before), len(after))
        sectors = (
            (after if self._chance.random() < likely else before)[at : at + size]
            for at in range(0, length, size)
        )
        return b"".join(sector.ljust(size, b"\0") for sector in sectors)[:length]


class Scene(Struct):
    """Threads that write pairs into two stores on one file, and what was answered so far."""

    stores: tuple[SqliteStore, SqliteStore]
    answered: list[str]
    over: threading.Event

    def write(self, number: int, chance: random.Random) -> None:
        """Write pairs until it is over."""
        count = 0
        while not self.over.is_set():
            key = f"{number}-{count}"
            halves = (
                Put(PAPERS, Document(f"{key}-{half}", chance.randbytes(chance.randrange(3000))))
                for half in "ab"
            )
            self.stores[number % 2].apply(halves)
            self.answered.append(key)
            count += 1


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Scene]:
    """Have six threads write."""
    scene = Scene((SqliteStore(path), SqliteStore(path)), [], threading.Event())
    threads = [
        threading.Thread(target=scene.write, args=(number, random.Random(number)))  # noqa: S311 - repeatable
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    try:
        yield scene
    finally:
        scene.over.set()
        for thread in threads:
            thread.join()
        for store in scene.stores:
            store.close()


def missing(folder: Path, file: bytes, log: bytes, answered: list[str]) -> set[str]:
    """Start a store on what a cut has left; give what is not there, or only by half."""
    folder.mkdir()
    (folder / "s.db").write_bytes(file)
    (folder / "s.db-wal").write_bytes(log)
    with contextlib.closing(SqliteStore(folder / "s.db")) as store:
        assert store.faults() == ()
        keys = set(store.keys(PAPERS))
    pairs = {key.rpartition("-")[0] for key in keys}
    halves = {pair for pair in pairs if not {f"{pair}-a", f"{pair}-b"} <= keys}
    return halves | (set(answered) - pairs)


def cuts(tmp_path: Path, disk: Disk, scene: Scene, count: int) -> Iterator[set[str]]:
    """Cut the power so many times, now and then while the log is copied; give what was lost."""
    for number in range(count):
        time.sleep(0.01)
        answered = list(scene.answered)
        with scene.stores[0]._writing():
            file, log = disk.file, disk.cut()
            if number % 5 == 4:
                file = disk.copied(scene.stores[0])
                log = disk.cut()
        yield missing(tmp_path / f"{number}", file, log, answered)


def test_a_power_cut_leaves_all_that_was_answered_and_nothing_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    with contextlib.closing(SqliteStore(path)):
        disk = Disk(path, random.Random(7))  # noqa: S311 - repeatable
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    # The log is copied when it is told here, and at no other time.
    monkeypatch.setattr(sqlite, "LOG_COPIED_BYTES", 1 << 40)
    with writing(path) as scene:
        assert [lost for lost in cuts(tmp_path, disk, scene, 60) if lost] == []
    assert len(scene.answered) > 100


def test_a_disk_that_is_not_waited_for_loses_what_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.db"
    with contextlib.closing(SqliteStore(path)):
        disk = Disk(path, random.Random(7))  # noqa: S311 - repeatable
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: None)
    with writing(path) as scene:
        assert any(cuts(tmp_path, disk, scene, 20))
