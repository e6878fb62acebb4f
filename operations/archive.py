"""A backup's file: a ZIP of `store.db`, the records as an embedded store, and `backup.json`.

ZIP, because every machine reads it, and because it carries a checksum that reading it verifies.
Whatever store the records came from, the file is the same and can be restored into any other.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

FORM: Final = 1
"""The version of the file's form; another one is refused in words."""

STORE: Final = "store.db"
LABEL: Final = "backup.json"
_CHUNK: Final = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or restored: one line that says why, and the cure."""


class Label(Struct, frozen=True):
    """What a backup says of itself: its id, when it was made, what it holds."""

    id: str
    form: int
    made: str
    release: str
    counts: dict[str, int]
    audit_entries: int
    audit_breaks: tuple[str, ...]


Told = Callable[[int, int], None]
"""Told how many bytes are done, of how many."""


def pack(database: Path, label: Label, file: Path, told: Told) -> None:
    """Write a backup; `file` appears once it is whole, for its owner's eyes only."""
    if file.exists():
        raise BackupError(f"{file} is there already: name another file")
    unfinished = database.parent / "backup.zip"
    unfinished.touch(mode=0o600)
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(LABEL, msgspec.json.format(msgspec.json.encode(label)))
        with database.open("rb") as source, archive.open(STORE, "w", force_zip64=True) as member:
            _pour(source, member, database.stat().st_size, told)
    synchronise(unfinished)
    unfinished.replace(file)
    synchronise(file.parent)


def unpack(file: Path, database: Path, told: Told) -> Label:
    """Write a backup's records into a new file and give its label.

    Raises `BackupError` where it is no backup, of another form, or damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            label = msgspec.json.decode(archive.read(LABEL), type=Label)
            if label.form != FORM:
                raise BackupError(
                    f"{file} was written in form {label.form}, this release reads form {FORM}: "
                    "restore it with the release that wrote it"
                )
            size = archive.getinfo(STORE).file_size
            with archive.open(STORE) as member, database.open("wb") as target:
                _pour(member, target, size, told)
    except FileNotFoundError as error:
        raise BackupError(f"there is no file {file}") from error
    except (zipfile.BadZipFile, EOFError, KeyError, msgspec.MsgspecError, ValueError) as error:
        raise BackupError(f"{file} is not a whole backup ({error}): take another one") from error
    synchronise(database)
    return label


def synchronise(path: Path) -> None:
    """Return when a file's or folder's content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pour(source: IO[bytes], target: IO[bytes], size: int, told: Told) -> None:
    done = 0
    while chunk := source.read(_CHUNK):
        target.write(chunk)
        done += len(chunk)
        told(done, size)
