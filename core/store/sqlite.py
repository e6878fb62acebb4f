"""The embedded store: one SQLite file that several server processes share.

Write-ahead log, flushed to the disk before a call returns: what it has returned from survives a
kill and a power cut. One writer at a time, readers never wait. Writes that threads of a process
bring at the same time share one transaction, and so one wait for the disk; one that fails is undone
alone. That wait is ours and not SQLite's, which would wait as the one writer: the next transaction
goes on meanwhile, in this process or another (docs/decisions/0030-who-waits-for-the-disk.md).
Writers of all processes take turns by a lock file, which the system takes back from a dead
process; they look for it again after a fraction of a millisecond, where SQLite's own busy handler
sleeps many times as long. The log is copied into the file by a thread of its own, so that no
request pays for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from core.errors import Duplicate, StoreError
from core.store import codec
from core.store import sqlite_statements as statements
from core.store.port import (
    Bucket,
    Change,
    Document,
    Documents,
    Journal,
    Note,
    Page,
    Put,
    Record,
    Span,
    Update,
    Write,
    by_journal,
)
from core.store.sqlite_drafts import Draft
from core.store.sqlite_errors import said, store_error
from core.store.sqlite_log import Log
from core.store.sqlite_statements import Place
from core.store.turns import Turns

S = TypeVar("S")
F = TypeVar("F")
R = TypeVar("R")

LOG_SECONDS = 2.0
LOG_COPIED_BYTES = 1_000_000
LOG_RESTARTED_BYTES = 32_000_000
"""How often the log is looked at, from what size it is copied, from what size it starts anew."""

MAX_TOGETHER = 64
"""How many writes share a transaction at most: each waits for all of them."""


_SHORTEST_PAUSE = 0.0002
_LONGEST_PAUSE = 0.002
_GIVING_WAY_PAUSE = 0.01
"""How long a writer waits at the longest before it looks again whether it is its turn."""


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Task(Struct, Generic[R]):
    """Something to write, which places it reads first, what is noted of it, what doing it gave."""

    act: Callable[[Draft], R]
    places: tuple[Place, ...] = ()
    notes: tuple[Note, ...] = ()
    gave: R | None = None


def _place(write: Write) -> Place:
    """Give where a write writes."""
    if isinstance(write, Put):
        return write.documents.name, write.document.key
    return write.bucket.name, write.key


def _noted(batch: Draft, tasks: Iterable[_Task[Any]]) -> list[Journal]:
    """Draft a page of each journal that tasks are noted in; give the journals.

    A page that is there already is another's: nothing of this transaction may stand.
    """
    noted = by_journal(note for task in tasks for note in task.notes)
    for journal, texts in noted:
        try:
            batch.do(journal.page(texts, batch.document))
        except Duplicate as error:
            raise StoreError("the journal has another writer") from error
    return [journal for journal, _ in noted]


class SqliteStore:
    """A store in one file; each thread reads on its own connection, writes take turns.

    One that `gives_way` looks less often whether it is its turn, so that others are before it.
    """

    is_exclusive = True

    def __init__(
        self,
        path: Path,
        *,
        limit_bytes: int | None = None,
        busy_seconds: float = 10.0,
        gives_way: bool = False,
    ) -> None:
        self._longest_pause = _GIVING_WAY_PAUSE if gives_way else _LONGEST_PAUSE
        self._path = path
        self._limit = limit_bytes
        self._busy = busy_seconds
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._write = threading.Lock()
        self._log = Log(path.with_name(path.name + "-wal"))
        self._turns_taken: Turns[_Task[Any]] = Turns(
            self._write_together, limit=MAX_TOGETHER, ready=self._writing, settle=self._log.flush
        )
        self._turns = path.with_name(path.name + "-lock")
        self._stopped = threading.Event()
        self._copier: threading.Thread | None = None
        self._turn = self._open_turn()
        try:
            with said(path):
                self._prepare()
                self._writer = self._connect()
                # From the first read on the file is in use: no other process ends or replaces it.
                self._writer.execute("PRAGMA user_version").fetchone()
            self._log.open()
        except StoreError:
            self.close()
            raise
        self._copier = threading.Thread(target=self._copy_log, name="checkpoint", daemon=True)
        self._copier.start()

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        value = self._get(bucket.name, key)
        return None if value is None else codec.decode_state(bucket, value)

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        value = self._get(bucket.name, key)
        return None if value is None else codec.decode(bucket, value)

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Add what `change` gives, with every earlier fact in sight."""
        (record,) = self.apply([Update(bucket, key, change)])
        return record

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Do many updates in one transaction."""
        self.apply(Update(bucket, key, change) for key, change in changes)

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes in one transaction, their notes in it too."""
        writes = tuple(writes)
        if not writes and not notes:
            return []

        def apply(draft: Draft) -> list[Record[Any, Any]]:
            done = (draft.do(one) for one in writes)
            return [record for record in done if record is not None]

        return self._written(_Task(apply, tuple(map(_place, writes)), notes))

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document; the same again is nothing, another raises `Duplicate`."""
        self.apply([Put(documents, document)])

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None."""
        reader = self._reader()
        try:
            return statements.get_document(reader, (documents.name, key))
        except sqlite3.Error as error:
            raise store_error(self._path, error) from error

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index entries within the span."""
        term, key = span.start, ""
        if after is not None:
            term, _, key = after.partition("\x00")
        with said(self._path):
            rows = (
                self._reader()
                .execute(statements.FIND, (kind.name, span.index, span.end, term, key, limit + 1))
                .fetchall()
            )
        entries = tuple((str(term), str(key)) for term, key in rows[:limit])
        more = len(rows) > limit
        return Page(entries, f"{entries[-1][0]}\x00{entries[-1][1]}" if more else None)

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """Read in one transaction: else each read after another's write begins at the root."""
        reader = self._reader()
        with said(self._path):
            reader.execute("BEGIN")
        try:
            yield
        finally:
            if reader.in_transaction:
                reader.execute("COMMIT")

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterable[str]:
        """Give every key of a kind."""
        with said(self._path):
            rows = self._reader().execute("SELECT key FROM value WHERE kind = ?", (kind.name,))
            for (key,) in rows:
                yield str(key)

    def ready(self) -> None:
        """Read one key, as a request would; where nothing can be written, it is not ready."""
        self._log.require_sound()
        self._get("ready", "ready")

    def faults(self) -> tuple[str, ...]:
        """Say whether the file is sound."""
        with said(self._path):
            rows = self._reader().execute("PRAGMA quick_check(1)").fetchall()
        if rows == [("ok",)]:
            return ()
        return (f"{self._path} is damaged ({rows[0][0]}): restore it with `spine restore`",)

    def copy_to(
        self, target: Path, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> None:
        """Copy the whole store, as it stands at one moment, into a new file.

        The open transaction holds that moment: without it every write that others make begins the
        copy again. `progress` is told how many pages are copied, of how many.
        """
        reader = self._reader()
        with said(target), contextlib.closing(sqlite3.connect(target)) as copy:
            reader.execute("BEGIN")
            try:
                reader.execute("SELECT 1 FROM value LIMIT 1").fetchall()
                reader.backup(
                    copy, pages=4096, progress=lambda _, left, all_: progress(all_ - left, all_)
                )
            finally:
                reader.execute("COMMIT")

    def close(self) -> None:
        """Close every connection; no thread may be using the store any more."""
        self._stopped.set()
        if self._copier is not None:
            # A connection that is closed while it is used takes the process with it.
            self._copier.join()
        with self._write:
            for connection in self._opened:
                connection.close()
            os.close(self._turn)
            self._log.close()

    def _prepare(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in statements.SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {statements.SCHEMA_VERSION}")
            elif version != statements.SCHEMA_VERSION:
                known = statements.SCHEMA_VERSION
                raise StoreError(
                    f"{self._path} was written in form {version}, this release knows form "
                    f"{known}: run the release that wrote it, or restore a backup"
                )
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._busy, isolation_level=None, check_same_thread=False
        )
        self._opened.append(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = -2048")
        # No mapped file: SQLite maps it anew for each read that follows another's write.
        if self._limit is not None:
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(self._limit // size, 1)}")
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with said(self._path):
                connection = self._local.connection = self._connect()
        return connection

    def _get(self, kind: str, key: str) -> bytes | None:
        # Not `said`: each read pays for it, a tenth of what it costs.
        reader = self._reader()
        try:
            return statements.get(reader, (kind, key))
        except sqlite3.Error as error:
            raise store_error(self._path, error) from error

    def _written(self, task: _Task[R]) -> R:
        """Give what a task gives, once what it wrote is durable."""
        self._turns_taken.take(task)
        return cast("R", task.gave)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the one writer, of all threads and of all processes."""
        with self._write, said(self._path), self._taking_turn():
            self._log.require_sound()
            yield

    def _write_together(self, tasks: tuple[_Task[Any], ...]) -> list[Exception | None]:
        """Do tasks in one transaction, from which one that fails is left out, and note them."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            batch = Draft(self._writer)
            batch.look_up(place for task in tasks for place in task.places)
            errors = [self._tried(task, batch) for task in tasks]
            done = (task for task, error in zip(tasks, errors, strict=True) if error is None)
            noted = _noted(batch, done)
            batch.write()
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        for journal in noted:
            journal.stands()
        return errors

    def _tried(self, task: _Task[Any], batch: Draft) -> Exception | None:
        """Do a task and give None, or leave it out and give its error.

        What made SQLite end the whole transaction is every task's.
        """
        draft = batch.above()
        try:
            with said(self._path):
                task.gave = task.act(draft)
        except Exception as error:
            if not self._writer.in_transaction:
                raise
            return error
        draft.join()
        return None

    def _open_turn(self) -> int:
        """Make the lock, and the file itself where there is none, for the owner's eyes only.

        A file that is there is left alone: closing it would end every lock that this process has
        on it, those of another store too.
        """
        try:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            return os.open(self._turns, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be opened ({error}): check that its folder exists and is "
                "writable"
            ) from error

    @contextlib.contextmanager
    def _taking_turn(self) -> Iterator[None]:
        """Hold the lock that the writers of all processes share; raise `StoreError` in the end."""
        deadline = time.monotonic() + self._busy
        pause = _SHORTEST_PAUSE
        while not _locked(self._turn):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"another process has held {self._turns} for {self._busy:g} seconds: see what "
                    "it is (`fuser`), and end it if it hangs"
                )
            time.sleep(pause)
            pause = min(pause * 1.25, self._longest_pause)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _copy_log(self) -> None:
        """Copy the log into the file now and then; start it anew once it is long and all copied.

        Nothing here waits for a reader: while one lives (a backup), the log only grows.
        """
        log = self._log.path
        while not self._stopped.wait(LOG_SECONDS):
            with contextlib.suppress(sqlite3.Error, OSError, StoreError):
                if log.stat().st_size <= LOG_COPIED_BYTES:
                    continue
                copier = self._reader()
                copier.execute("PRAGMA busy_timeout = 0")
                _, frames, copied = copier.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if frames == copied and log.stat().st_size > LOG_RESTARTED_BYTES:
                    with self._write, self._taking_turn():
                        copier.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
