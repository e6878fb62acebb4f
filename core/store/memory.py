"""The store in memory, for tests: it keeps bytes, and siblings where writers raced.

It behaves as a Riak bucket with `allow_mult` does: a write carries the context of the copies it
has seen and replaces those only; copies it has not seen stay beside it until a read merges them.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from typing import Any, TypeVar

from core.errors import Duplicate, StoreError, StoreFull
from core.store import codec, facts
from core.store.port import (
    Bucket,
    Change,
    Document,
    Documents,
    Note,
    Page,
    Put,
    Record,
    Span,
    Write,
    by_journal,
    refuse_oversize,
)

S = TypeVar("S")
F = TypeVar("F")

_Place = tuple[str, str]


class MemoryStore:
    """Everything in dictionaries, behind one lock."""

    is_exclusive = True

    def __init__(self, *, limit_bytes: int | None = None) -> None:
        self._lock = threading.RLock()
        self._siblings: dict[_Place, dict[int, bytes]] = {}
        self._documents: dict[_Place, bytes] = {}
        self._entries: dict[_Place, list[tuple[str, str]]] = {}
        self._terms: dict[_Place, Mapping[str, tuple[str, ...]]] = {}
        self._next = 0
        self._room = limit_bytes
        self.away = False
        """A test sets this: every call then fails as when no node answers."""

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        values, _ = self._copies(bucket.name, key)
        if len(values) == 1:
            return codec.decode_state(bucket, values[0])
        record = facts.merge(bucket, [codec.decode(bucket, value) for value in values])
        return record.state if record else None

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        values, _ = self._copies(bucket.name, key)
        return facts.merge(bucket, [codec.decode(bucket, value) for value in values])

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Add what `change` gives, alone with the record."""
        with self._lock:
            values, context = self._copies(bucket.name, key)
            record = facts.merge(bucket, [codec.decode(bucket, value) for value in values])
            after = facts.changed(bucket, record, change)
            if after is None:
                if record is None:
                    raise StoreError("a change that adds nothing was asked of no record")
                return record
            self.put(bucket, key, after, context)
            return after

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Do many updates."""
        for key, change in changes:
            self.update(bucket, key, change)

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes and note them, all or nothing, alone with the store.

        A test that plays a cluster has the notes kept after the writes, as there.
        """
        together = notes if self.is_exclusive else ()
        with self._lock:
            undo: list[Callable[[], None]] = []
            try:
                records = self._done(writes, undo)
                for journal, texts in by_journal(together):
                    self._done([journal.page(texts, self.document)], undo)
                    journal.stands()
            except BaseException:
                for step in reversed(undo):
                    step()
                raise
        for note in () if self.is_exclusive else notes:
            note.journal.keep(note.text)
        return records

    def _done(
        self, writes: Iterable[Write], undo: list[Callable[[], None]]
    ) -> list[Record[Any, Any]]:
        """Do writes, each after its undoing is known."""
        records = []
        for one in writes:
            undo.append(self._undoing(one))
            if isinstance(one, Put):
                self.write_once(one.documents, one.document)
            else:
                records.append(self.update(one.bucket, one.key, one.change))
                one.require(records[-1].state)
        return records

    def _undoing(self, write: Write) -> Callable[[], None]:
        """Give what puts a place back as it stands now."""
        kept: Any
        if isinstance(write, Put):
            place, kept = (write.documents.name, write.document.key), self._documents
        else:
            place, kept = (write.bucket.name, write.key), self._siblings
        standing, terms = copy(kept.get(place)), self._terms.get(place, {})

        def undo() -> None:
            if standing is None:
                kept.pop(place, None)
            else:
                kept[place] = standing
            self._index(place, terms)

        return undo

    def put(
        self, bucket: Bucket[S, F], key: str, record: Record[S, F], context: frozenset[int]
    ) -> None:
        """Write one copy that has seen the copies of `context`: the step under `update`."""
        value = codec.encode(bucket, record)
        with self._lock:
            self._take_room(value)
            copies = self._siblings.setdefault((bucket.name, key), {})
            for seen in context:
                copies.pop(seen, None)
            self._next += 1
            copies[self._next] = value
            self._index((bucket.name, key), bucket.terms(record.state))

    def context(self, bucket: Bucket[S, F], key: str) -> frozenset[int]:
        """Give the causal context of the copies that stand now."""
        return self._copies(bucket.name, key)[1]

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document; the same again is nothing, another raises `Duplicate`."""
        self._answer()
        place = (documents.name, document.key)
        with self._lock:
            standing = self._documents.get(place)
            if standing is not None:
                if standing != document.value:
                    raise Duplicate(f"another document stands in {documents.name}")
                return
            self._take_room(document.value)
            self._documents[place] = document.value
            self._index(place, document.terms)

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None."""
        self._answer()
        return self._documents.get((documents.name, key))

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index entries within the span."""
        self._answer()
        with self._lock:
            entries = self._entries.get((kind.name, span.index), [])
            begin = bisect_left(entries, (span.start, ""))
            if after is not None:
                term, _, key = after.partition("\x00")
                begin = bisect_left(entries, (term, key + "\x00"))
            found = []
            for entry in entries[begin : begin + limit + 1]:
                if entry[0] > span.end:
                    break
                found.append(entry)
        more = len(found) > limit
        found = found[:limit]
        return Page(tuple(found), f"{found[-1][0]}\x00{found[-1][1]}" if more else None)

    def moment(self) -> AbstractContextManager[object]:
        """Do nothing: nothing is cheaper here."""
        return nullcontext()

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterable[str]:
        """Give every key of a kind."""
        places = self._documents if isinstance(kind, Documents) else self._siblings
        return [key for name, key in list(places) if name == kind.name]

    def ready(self) -> None:
        """Return unless a test has taken the store away."""
        self._answer()

    def faults(self) -> tuple[str, ...]:
        """Memory lacks nothing."""
        return ()

    def close(self) -> None:
        """Hold nothing back."""

    def _copies(self, name: str, key: str) -> tuple[list[bytes], frozenset[int]]:
        self._answer()
        with self._lock:
            copies = self._siblings.get((name, key), {})
            return list(copies.values()), frozenset(copies)

    def _answer(self) -> None:
        if self.away:
            raise StoreError("the store in memory was taken away by a test")

    def _take_room(self, value: bytes) -> None:
        self._answer()
        refuse_oversize(value)
        if self._room is not None:
            if len(value) > self._room:
                raise StoreFull("the store in memory is at its limit")
            self._room -= len(value)

    def _index(self, place: _Place, terms: Mapping[str, tuple[str, ...]]) -> None:
        name, key = place
        for index, old in self._terms.get(place, {}).items():
            for term in old:
                self._entries[(name, index)].remove((term, key))
        self._terms[place] = terms
        for index, new in terms.items():
            entries = self._entries.setdefault((name, index), [])
            for term in new:
                insort(entries, (term, key))
