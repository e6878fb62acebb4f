"""What the embedded store says to SQLite: its tables, its statements, large values in pieces."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from core.store.port import Document

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

GET: Final = "SELECT value FROM value WHERE kind = ? AND key = ?"
GET_SMALL: Final = (
    "SELECT rowid, CASE WHEN length(value) <= ? THEN value END FROM value "
    "WHERE kind = ? AND key = ?"
)
PUT: Final = (
    "INSERT INTO value (kind, key, value) VALUES (?, ?, ?) "
    "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"
)
PUT_ROOM: Final = "INSERT INTO value (kind, key, value) VALUES (?, ?, zeroblob(?))"
INDEX: Final = "INSERT OR IGNORE INTO entry (kind, name, term, key) VALUES (?, ?, ?, ?)"
UNINDEX: Final = "DELETE FROM entry WHERE kind = ? AND name = ? AND term = ? AND key = ?"
FIND: Final = (
    "SELECT term, key FROM entry WHERE kind = ? AND name = ? AND term <= ? "
    "AND (term, key) > (?, ?) ORDER BY term, key LIMIT ?"
)

LARGE: Final = 200_000
"""From this size on a document is read and written piece by piece: SQLite would copy it whole."""
_PIECE: Final = 65_536


def get_document(reader: sqlite3.Connection, kind: str, key: str) -> bytes | None:
    """Give a document's bytes, or None."""
    row = reader.execute(GET_SMALL, (LARGE, kind, key)).fetchone()
    if row is None or row[1] is not None:
        return None if row is None else row[1]
    with reader.blobopen("value", "value", row[0], readonly=True) as blob:
        return blob.read()


def put_document(writer: sqlite3.Connection, kind: str, document: Document) -> None:
    """Write a document that is not there yet, with its index entries."""
    value = document.value
    if len(value) <= LARGE:
        writer.execute(PUT, (kind, document.key, value))
    else:
        row = writer.execute(PUT_ROOM, (kind, document.key, len(value))).lastrowid
        view = memoryview(value)
        with writer.blobopen("value", "value", row or 0) as blob:
            for at in range(0, len(view), _PIECE):
                blob.write(view[at : at + _PIECE])
    writer.executemany(INDEX, rows(kind, document.key, document.terms))


def rows(
    kind: str, key: str, terms: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, str, str, str]]:
    """Give a value's index entries as rows."""
    return [(kind, name, term, key) for name, some in terms.items() for term in some]
