"""Backup while serving, and restore: all or nothing, verified, the audit still proven.

The records travel as an embedded store, whatever store they come from (operations/archive.py). An
embedded store is copied as it stands at one moment and replaced by one rename; a cluster is read,
and filled, key by key.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from msgspec import Struct
from msgspec.structs import asdict, replace

from core.demographics import numbers
from core.errors import StoreError
from core.store.port import Document, Documents, Store
from facade.config import Config
from facade.wiring import open_store
from operations import archive, copying, proving
from operations.archive import BackupError, Label
from operations.copying import Progress
from operations.places import on_file, sqlite_file

RESTORES: Final = Documents("restore")
"""Which backups were begun to be restored into a cluster, and which are wholly there."""


@runtime_checkable
class CopiesItself(Protocol):
    """A store that can copy itself, as it stands at one moment, into an embedded store's file."""

    def copy_to(self, target: Path, progress: Callable[[int, int], None]) -> None:
        """Copy into a new file; `progress` is told how much is done, of how much."""
        ...


class Contents(Struct, frozen=True):
    """What a backup, or a store after a restore, holds; and where the store before it went.

    `ranges_carried` counts the ranges of NHS numbers that only the store before it knew to be
    claimed; None where there was none that could be asked.
    """

    counts: Mapping[str, int]
    audit_entries: int
    audit_breaks: tuple[str, ...]
    put_aside: Path | None = None
    ranges_carried: int | None = None


def as_table(contents: Contents) -> dict[str, Any]:
    """Give the contents as JSON takes them."""
    aside = contents.put_aside
    return {**asdict(contents), "put_aside": None if aside is None else str(aside)}


def make(
    config: Config, store: Store, file: Path, *, made: tuple[str, str], progress: Progress
) -> Contents:
    """Copy a store into a new file and give what it holds; `made` is the backup's id and time.

    Raises `BackupError`, and `StoreError` where the store fails.
    """
    if file.exists():
        raise BackupError(f"{file} is there already: name another file")
    if config.store_url.startswith("memory"):
        raise BackupError("store.url is memory: a store in memory keeps nothing to back up")
    with _scratch(file.parent) as folder:
        database = folder / archive.STORE
        _copy(config, store, database, progress)
        contents = _contents(config, database)
        label = Label(
            id=made[0],
            form=archive.FORM,
            made=made[1],
            release=metadata.version("spine-facade"),
            counts=dict(contents.counts),
            audit_entries=contents.audit_entries,
            audit_breaks=contents.audit_breaks,
        )
        archive.pack(database, label, file, _stage("Packing", progress))
    return contents


def restore(
    config: Config, file: Path, *, aside: bool, now: dt.datetime, progress: Progress
) -> Contents:
    """Put a backup's records into the configured store and give what it holds then.

    A store that has data is refused; with `aside`, an embedded one is kept under another name.
    Raises `BackupError`, and `StoreError` where the store fails.
    """
    target = sqlite_file(config)
    with _scratch(config.home if target is None else target.parent) as folder:
        database = folder / archive.STORE
        label = archive.unpack(file, database, _stage("Reading", progress))
        contents = _verified(config, database, label, file)
        if target is None:
            _fill_cluster(config, database, label, progress)
            return contents
        if not aside:
            _refuse_data(config, target)
        carried = _carried_over(config, target, database) if aside else None
        put_aside = _put_in_place(database, target, now)
        return replace(contents, put_aside=put_aside, ranges_carried=carried)


def _copy(config: Config, store: Store, database: Path, progress: Progress) -> None:
    if isinstance(store, CopiesItself):
        store.copy_to(database, _stage("Copying", progress))
        return
    with _opened(on_file(config, database)) as copied:
        copying.copy(store, copied, progress)


def _contents(config: Config, database: Path) -> Contents:
    """Give what a copy holds; raise `BackupError` where it is damaged."""
    with _opened(on_file(config, database)) as copied:
        faults = copied.faults()
        if faults:
            raise BackupError(f"the store is damaged ({faults[0]}): it was not copied")
        proof = proving.prove(copied)
        return Contents(copying.counts(copied), proof.entries, tuple(proof.breaks))


def _verified(config: Config, database: Path, label: Label, file: Path) -> Contents:
    """Give what a backup holds; raise `BackupError` unless that is what its label says."""
    try:
        contents = _contents(config, database)
    except (StoreError, BackupError) as error:
        raise BackupError(f"{file} cannot be restored: {error}") from error
    # A release that knew fewer kinds of records counted fewer.
    counts = {**dict.fromkeys(contents.counts, 0), **label.counts}
    told = (counts, label.audit_entries, label.audit_breaks)
    if told != (contents.counts, contents.audit_entries, contents.audit_breaks):
        raise BackupError(f"{file} does not hold what its label says: take another one")
    return contents


def _refuse_data(config: Config, target: Path) -> None:
    if not target.exists():
        return
    with _opened(config) as standing:
        if copying.has_data(standing):
            raise BackupError(
                f"{target} has data: give --replace to put it aside, or name another store.url"
            )


def _carried_over(config: Config, target: Path, database: Path) -> int | None:
    """Claim in a backup's store what the store that it replaces has claimed (decision 0020)."""
    if not target.exists():
        return None
    with (
        _opened(on_file(config, database)) as restored,
        contextlib.suppress(StoreError),
        _opened(config) as standing,
    ):
        return numbers.carry_over(standing, restored)
    return None


def _put_in_place(database: Path, target: Path, now: dt.datetime) -> Path | None:
    """Make the database the store, by one rename; give where the store before it is kept."""
    if not target.exists():
        database.chmod(0o600)
        _rename(database, target)
        return None
    _require_unused(target)
    database.chmod(target.stat().st_mode & 0o777)
    aside = target.with_name(f"{target.name}.replaced-{now:%Y%m%dT%H%M%S}")
    os.link(target, aside)
    for suffix in ("-wal", "-shm"):
        log = target.with_name(target.name + suffix)
        if log.exists():
            log.replace(aside.with_name(aside.name + suffix))
    _rename(database, target)
    return aside


def _rename(database: Path, target: Path) -> None:
    database.replace(target)
    archive.synchronise(target.parent)


def _require_unused(target: Path) -> None:
    """Raise `BackupError` where another process has the store open: only the last may end its log.

    A store that is damaged says nothing of who uses it.
    """
    with contextlib.closing(sqlite3.connect(target, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise BackupError(f"{target} is in use: stop `spine serve` first") from error


def _fill_cluster(config: Config, database: Path, label: Label, progress: Progress) -> None:
    """Copy a backup into an empty cluster, or go on with one that was begun.

    No caller is let in until the directory is there, which is copied last.
    """
    begun, done = Document(f"{label.id}.begun", b"{}"), Document(f"{label.id}.done", b"{}")
    with _opened(config) as target, _opened(on_file(config, database)) as source:
        going_on = (
            target.document(RESTORES, begun.key) is not None
            and target.document(RESTORES, done.key) is None
        )
        if not going_on and copying.has_data(target):
            raise BackupError(
                f"{config.store_url} has data, and a cluster cannot be put aside: restore into an "
                "empty one, or into an embedded store"
            )
        target.write_once(RESTORES, begun)
        copying.copy(source, target, progress)
        proof = proving.prove(target)
        if (proof.entries, tuple(proof.breaks)) != (label.audit_entries, label.audit_breaks):
            raise BackupError(f"{config.store_url} does not hold all of the audit: restore again")
        target.write_once(RESTORES, done)


@contextlib.contextmanager
def _opened(config: Config) -> Iterator[Store]:
    store = open_store(config)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Give a folder beside the target that is gone afterwards; a full disk is said in words."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".spine-backup-") as made:
            yield Path(made)
    except OSError as error:
        raise BackupError(
            f"{error.filename or folder}: {error.strerror or error}: check that {folder} exists, "
            "is writable and has room"
        ) from error


def _stage(name: str, progress: Progress) -> Callable[[int, int], None]:
    return lambda done, whole: progress(name, done, whole)
