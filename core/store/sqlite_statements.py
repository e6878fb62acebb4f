"""What the embedded store says to SQLite: its tables, its statements, few at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, TypeVar

R = TypeVar("R")

SCHEMA_VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE value (
    kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (kind, key)
);
CREATE TABLE entry (
    kind TEXT NOT NULL, name TEXT NOT NULL, term TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (kind, name, term, key)
) WITHOUT ROWID;
"""

_GET: Final = "SELECT value FROM value WHERE kind = ? AND key = ?"
_GET_SMALL: Final = (
    "SELECT rowid, CASE WHEN length(value) <= ? THEN value END FROM value "
    "WHERE kind = ? AND key = ?"
)
_PUT_ROOM: Final = (
    "INSERT INTO value (kind, key, value) VALUES (?, ?, zeroblob(?)) "
    "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value RETURNING rowid"
)
FIND: Final = (
    "SELECT term, key FROM entry WHERE kind = ? AND name = ? AND term <= ? "
    "AND (term, key) > (?, ?) ORDER BY term, key LIMIT ?"
)

LARGE: Final = 200_000
"""From this size on a value is read and written piece by piece: SQLite would copy it whole."""
_PIECE: Final = 65_536

_FEW: Final = 8
_TOGETHER: Final = (32, 16, _FEW)
"""How many rows one statement writes: few sizes, so that each is compiled once; or up to a few."""

Place = tuple[str, str]
"""Where a value stands: its kind and its key."""
Entry = tuple[str, str, str, str]
"""A row of the index: kind, name, term, key."""


def get(connection: sqlite3.Connection, place: Place) -> bytes | None:
    """Give the value at a place, or None."""
    row = connection.execute(_GET, place).fetchone()
    return None if row is None else row[0]


def get_many(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[Place, bytes | None]:
    """Give the values at places, None for those where there is none."""
    found: dict[Place, bytes | None] = dict.fromkeys(places)
    for some in _in_groups(list(found)):
        cells = [cell for place in some for cell in place]
        for kind, key, value in connection.execute(_get_some(len(some)), cells).fetchall():
            found[kind, key] = value
    return found


def get_document(reader: sqlite3.Connection, place: Place) -> bytes | None:
    """Give a value that may be large, or None."""
    row = reader.execute(_GET_SMALL, (LARGE, *place)).fetchone()
    if row is None or row[1] is not None:
        return None if row is None else row[1]
    with reader.blobopen("value", "value", row[0], readonly=True) as blob:
        return blob.read()


def put_values(writer: sqlite3.Connection, values: Mapping[Place, bytes]) -> None:
    """Write values, new ones and those that replace others."""
    small = []
    for (kind, key), value in values.items():
        if len(value) <= LARGE:
            small.append((kind, key, value))
        else:
            _put_large(writer, (kind, key), value)
    for some in _in_groups(small):
        writer.execute(_put(len(some)), [cell for row in some for cell in row])


def put_entries(writer: sqlite3.Connection, entries: Mapping[Entry, bool]) -> None:
    """Write rows of the index, and take out those that are not to be there."""
    for some in _in_groups([entry for entry, is_there in entries.items() if not is_there]):
        writer.execute(_unindex(len(some)), [cell for row in some for cell in row])
    for some in _in_groups([entry for entry, is_there in entries.items() if is_there]):
        writer.execute(_index(len(some)), [cell for row in some for cell in row])


def rows(place: Place, terms: Mapping[str, tuple[str, ...]]) -> list[Entry]:
    """Give a value's index entries as rows."""
    kind, key = place
    return [(kind, name, term, key) for name, some in terms.items() for term in some]


def _put_large(writer: sqlite3.Connection, place: Place, value: bytes) -> None:
    (row,) = writer.execute(_PUT_ROOM, (*place, len(value))).fetchone()
    view = memoryview(value)
    with writer.blobopen("value", "value", row) as blob:
        for at in range(0, len(view), _PIECE):
            blob.write(view[at : at + _PIECE])


def _in_groups(some: list[R]) -> Iterator[list[R]]:
    """Give rows in groups as large as statements write at once."""
    at = 0
    while at < len(some):
        left = len(some) - at
        size = left if left <= _FEW else next(size for size in _TOGETHER if size <= left)
        yield some[at : at + size]
        at += size


@lru_cache(maxsize=_FEW + len(_TOGETHER))
def _put(count: int) -> str:
    places = ", ".join(["(?, ?, ?)"] * count)
    return (
        f"INSERT INTO value (kind, key, value) VALUES {places} "  # noqa: S608 - question marks
        "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
    )


@lru_cache(maxsize=_FEW + len(_TOGETHER))
def _index(count: int) -> str:
    places = ", ".join(["(?, ?, ?, ?)"] * count)
    return f"INSERT OR IGNORE INTO entry (kind, name, term, key) VALUES {places}"  # noqa: S608


@lru_cache(maxsize=_FEW + len(_TOGETHER))
def _unindex(count: int) -> str:
    row = "(kind = ? AND name = ? AND term = ? AND key = ?)"
    return f"DELETE FROM entry WHERE {' OR '.join([row] * count)}"  # noqa: S608 - question marks


@lru_cache(maxsize=_FEW + len(_TOGETHER))
def _get_some(count: int) -> str:
    places = ", ".join(["(?, ?)"] * count)
    # For a list of pairs SQLite reads the whole table; each of a joined list it looks up.
    return (
        f"SELECT value.kind, value.key, value FROM (VALUES {places}) AS asked "  # noqa: S608
        "CROSS JOIN value ON value.kind = asked.column1 AND value.key = asked.column2"
    )
