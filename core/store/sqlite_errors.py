"""What goes wrong with an embedded store's file: SQLite's errors as the store's, with the cure."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from core.errors import StoreError, StoreFull


@contextlib.contextmanager
def said(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the store's, each with its cure."""
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(path, error) from error


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """Give the store's error for one of SQLite's, with its cure."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StoreFull(f"{path} is full: free room on its disk, or raise store.limit_bytes")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"{path} cannot be opened: check that its folder exists and is writable")
    if primary == sqlite3.SQLITE_READONLY:
        return StoreError(f"{path} cannot be written: check its owner and its disk")
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreError(f"{path} is damaged ({error}): restore it with `spine restore`")
    if primary == sqlite3.SQLITE_IOERR:
        return StoreFull(
            f"{path} cannot be read or written ({error}): check that its disk works and has room"
        )
    return StoreError(f"{path}: {error}")
