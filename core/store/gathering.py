"""What is written step by step, gathered and then written as one.

A step sees what the steps before it have written, as if it stood, and what one of them has read it
sees as it was read; nothing stands before `commit`.
The changes are made again then, on what the store holds by that time: where others were faster
they raise, nothing is written, and all the steps may be done anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from msgspec.structs import replace

from core.errors import Duplicate, StoreError
from core.store import facts
from core.store.port import (
    Bucket,
    Change,
    Document,
    Documents,
    Foreseen,
    Note,
    Page,
    Put,
    Record,
    Span,
    Store,
    Update,
    Write,
    refuse_oversize,
)

S = TypeVar("S")
F = TypeVar("F")

_Place = tuple[str, str]


class Gathering:
    """A store on top of one that does several writes as one; for one thread, and then let go."""

    is_exclusive = True

    def __init__(self, beneath: Store) -> None:
        self._beneath = beneath
        self._puts: list[Write] = []
        self._updates: dict[_Place, Update] = {}
        self._notes: list[Note] = []
        self._records: dict[_Place, Record[Any, Any]] = {}
        self._documents: dict[_Place, bytes] = {}
        self._read: dict[_Place, Record[Any, Any] | None] = {}

    def commit(self, *last: Write) -> None:
        """Write what was gathered, and what comes last, durably, as one.

        Raises what a change raises that no longer fits.
        """
        writes = (*self._puts, *self._updates.values(), *last)
        if writes or self._notes:
            self._beneath.apply(writes, *self._notes)

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        record = self.record(bucket, key)
        return None if record is None else record.state

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        place = bucket.name, key
        gathered = self._records.get(place)
        if gathered is not None:
            return gathered
        if place not in self._read:
            self._read[place] = self._beneath.record(bucket, key)
        return self._read[place]

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Gather what `change` gives."""
        (record,) = self.apply([Update(bucket, key, change)])
        return record

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Gather many updates."""
        self.apply([Update(bucket, key, change) for key, change in changes])

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Gather several writes and their notes: all of them, or none where one raises."""
        writes = tuple(writes)
        before = dict(self._records), dict(self._documents)
        try:
            done = [self._do(one) for one in writes]
        except BaseException:
            # What refuses a step may be another's work, which was not there when it was read.
            self._read = {}
            self._records, self._documents = before
            raise
        for write, _ in done:
            self._gather(write)
        self._notes += notes
        return [record for _, record in done if record is not None]

    def write_once(self, documents: Documents, document: Document) -> None:
        """Gather a document; the same again is nothing, another raises `Duplicate`."""
        self.apply([Put(documents, document)])

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None."""
        gathered = self._documents.get((documents.name, key))
        return self._beneath.document(documents, key) if gathered is None else gathered

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index as it stands beneath: what is gathered is not in it yet."""
        return self._beneath.find(kind, span, limit=limit, after=after)

    def moment(self) -> AbstractContextManager[object]:
        """Do nothing: what was read is read once as it is."""
        return nullcontext()

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterable[str]:
        """Give every key of a kind that stands beneath."""
        return self._beneath.keys(kind)

    def ready(self) -> None:
        """Return if the store beneath can answer."""
        self._beneath.ready()

    def faults(self) -> tuple[str, ...]:
        """Name what is missing beneath."""
        return self._beneath.faults()

    def close(self) -> None:
        """Hold nothing back: the store beneath stays open."""

    def _do(self, write: Write) -> tuple[Write, Record[Any, Any] | None]:
        """Give a write as it is to be made in the end, and the record that stands then."""
        if isinstance(write, Put):
            self._put(write.documents, write.document)
            return write, None
        standing = self.record(write.bucket, write.key)
        after = facts.changed(write.bucket, standing, write.change)
        record = after or standing
        if record is None:
            raise StoreError("a change that adds nothing was asked of no record")
        write.require(record.state)
        self._records[(write.bucket.name, write.key)] = record
        return replace(write, foreseen=Foreseen(standing, after)), record

    def _gather(self, write: Write) -> None:
        """Take a write in; of a record that is changed again there is one, which is made once."""
        if isinstance(write, Put):
            self._puts.append(write)
            return
        place = write.bucket.name, write.key
        first = self._updates.get(place)
        self._updates[place] = write if first is None else _joined(first, write)

    def _put(self, documents: Documents, document: Document) -> None:
        refuse_oversize(document.value)
        standing = self.document(documents, document.key)
        if standing is not None and standing != document.value:
            raise Duplicate(f"another document stands in {documents.name}")
        self._documents[(documents.name, document.key)] = document.value


def _joined(first: Update, then: Update) -> Update:
    """Give one update in place of two of a record, of which one follows the other."""

    def change(record: Record[Any, Any] | None) -> Mapping[str, Any]:
        between = facts.changed(first.bucket, record, first.change) or record
        return {**first.change(record), **then.change(between)}

    def require(state: Any) -> None:  # noqa: ANN401 - any state
        first.require(state)
        then.require(state)

    before, after = first.foreseen, then.foreseen
    whole = Foreseen(before.before, after.after or before.after) if before and after else None
    return Update(first.bucket, first.key, change, require, whole)
