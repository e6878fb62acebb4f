"""What a transaction will write, drafted before any of it is written.

Each piece of work drafts its writes, and sees those that were drafted before it as if they stood; a
draft that fails is thrown away and has touched nothing. What is left is written in few statements:
while one runs, other threads of the process take the interpreter, and every statement saved is a
wait saved for all who wait for the transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import Duplicate, StoreError
from core.store import codec, facts
from core.store import sqlite_statements as statements
from core.store.port import Document, Documents, Put, Record, Update, Write, refuse_oversize
from core.store.sqlite_statements import Entry, Place


class Draft:
    """Writes that are not made yet, on top of another draft's or of what stands."""

    def __init__(self, connection: sqlite3.Connection, below: Draft | None = None) -> None:
        self._connection = connection
        self._below = below
        self._known: Mapping[Place, bytes | None] = {}
        self.values: dict[Place, bytes] = {}
        self.entries: dict[Entry, bool] = {}

    def look_up(self, places: Iterable[Place]) -> None:
        """Read at once what will be asked for."""
        self._known = statements.get_many(self._connection, places)

    def above(self) -> Draft:
        """Give a draft on top of this one."""
        return Draft(self._connection, self)

    def do(self, write: Write) -> Record[Any, Any] | None:
        """Draft a write; give the record that stands then, None for a document."""
        if isinstance(write, Put):
            self.put(write.documents, write.document)
            return None
        return self.update(write)

    def put(self, documents: Documents, document: Document) -> None:
        """Draft a document; the same again is nothing, another raises `Duplicate`."""
        refuse_oversize(document.value)
        place = documents.name, document.key
        standing = self.get(place)
        if standing is None:
            self.values[place] = document.value
            self._index(place, {}, document.terms)
        elif standing != document.value:
            raise Duplicate(f"another document stands in {documents.name}")

    def update(self, write: Update) -> Record[Any, Any]:
        """Draft what a change adds to a record; give the record that stands then."""
        bucket, place = write.bucket, (write.bucket.name, write.key)
        value = self.get(place)
        foreseen = write.foreseen
        if foreseen is not None and foreseen.holds(value):
            record, after = foreseen.before, foreseen.after
        else:
            record = None if value is None else codec.decode(bucket, value)
            after = facts.changed(bucket, record, write.change)
        if after is not None:
            encoded = codec.encode(bucket, after)
            refuse_oversize(encoded)
            self.values[place] = encoded
            terms = bucket.terms(record.state) if record else {}
            self._index(place, terms, bucket.terms(after.state))
        stands = after or record
        if stands is None:
            raise StoreError("a change that adds nothing was asked of no record")
        write.require(stands.state)
        return stands

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes as they stand once this is written, or None."""
        return self.get((documents.name, key))

    def join(self) -> None:
        """Make this draft part of the one below it."""
        if self._below is not None:
            self._below.values.update(self.values)
            self._below.entries.update(self.entries)

    def write(self) -> None:
        """Write what was drafted."""
        statements.put_values(self._connection, self.values)
        statements.put_entries(self._connection, self.entries)

    def get(self, place: Place) -> bytes | None:
        """Give the value that stands at a place once this is written, or None."""
        drafted = self.values.get(place)
        if drafted is not None:
            return drafted
        if self._below is not None:
            return self._below.get(place)
        if place in self._known:
            return self._known[place]
        return statements.get(self._connection, place)

    def _index(
        self,
        place: Place,
        old: Mapping[str, tuple[str, ...]],
        new: Mapping[str, tuple[str, ...]],
    ) -> None:
        if old != new:
            self.entries.update(dict.fromkeys(statements.rows(place, old), False))
            self.entries.update(dict.fromkeys(statements.rows(place, new), True))
