"""Records and documents on Riak: siblings are merged here and seen by nobody else.

A record is got, changed, and put with the causal context it was got with. Writers that race leave
siblings beside each other; a read merges them and puts the one record back. What a racing writer
is told is docs/decisions/0007-conditional-updates.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, TypeVar

from core.errors import CoreError, Duplicate, StoreError
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
    refuse_oversize,
)
from core.store.riak import bucket_types
from core.store.riak.cluster import Cluster, Copy, Pace, Place, Standing, Value
from core.store.riak.nodes import Address

S = TypeVar("S")
F = TypeVar("F")

WRITERS: Final = 8
"""Updates that `update_many` has under way at once: two cores' worth of waiting for Riak."""

DOCUMENT: Final = "application/octet-stream"
WITHDRAWAL: Final = "application/vnd.spine.withdrawal"
"""The content type of a notice that a document is not kept; its content is that one's SHA-256."""

_CANARY: Final = Place(bucket_types.RECORDS, "ready", "ready")


class RiakStore:
    """A store on the cluster at these addresses; make it after the fork, one for each process."""

    is_exclusive = False

    def __init__(self, addresses: tuple[Address, ...], pace: Pace | None = None) -> None:
        self._cluster = Cluster(addresses, pace or Pace())
        self._mending = threading.Lock()

    @property
    def gets(self) -> int:
        """Gets sent to the cluster so far."""
        return self._cluster.counts.gets

    @property
    def puts(self) -> int:
        """Puts sent to the cluster so far."""
        return self._cluster.counts.puts

    @property
    def queries(self) -> int:
        """Index queries and listings of keys sent to the cluster so far."""
        return self._cluster.counts.queries

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        standing = self._look(_record_place(bucket, key))
        if len(standing.copies) == 1:
            return codec.decode_state(bucket, standing.copies[0].content)
        record = self._mended(bucket, key, standing)
        return record.state if record else None

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        return self._mended(bucket, key, self._look(_record_place(bucket, key)))

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Add what `change` gives, and give the record with all that stands beside it by then.

        The change sees every fact that a quorum had; one that is written at the same moment it
        may not see, nor be seen by. Both are kept.
        """
        place = _record_place(bucket, key)
        standing, before, after = self._changed(bucket, place, (change,))
        if after is before:
            return after
        stands = self._cluster.put_and_read(place, _value(bucket, after), standing.context)
        return (_merged(bucket, stands) if len(stands.copies) > 1 else None) or after

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Do many updates, several at once; those of one key in turn, with one put."""
        by_key: dict[str, list[Change[S, F]]] = {}
        for key, change in changes:
            by_key.setdefault(key, []).append(change)
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="riak") as writers:
            done = [writers.submit(self._apply, bucket, key, by_key[key]) for key in by_key]
            try:
                for one in done:
                    one.result()
            except BaseException:
                writers.shutdown(cancel_futures=True)
                raise

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes one after the other, then note them: where one fails, those stand."""
        records = []
        for one in writes:
            if isinstance(one, Put):
                self.write_once(one.documents, one.document)
            else:
                records.append(self.update(one.bucket, one.key, one.change))
                one.require(records[-1].state)
        for note in notes:
            note.journal.keep(note.text)
        return records

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document; the same again is nothing, another raises `Duplicate`.

        Of documents that differ and race one at most is kept: whoever finds another beside its
        own withdraws its own, so both may.
        """
        refuse_oversize(document.value)
        place = Place(bucket_types.DOCUMENTS, documents.name, document.key)
        value = Value(document.value, DOCUMENT, _pairs(document.terms))
        there = self._cluster.put_new(place, value)
        entered = there is not None
        if there is None:
            there = self._look(place)
            if not _not_withdrawn(there):
                there, entered = self._cluster.put_and_read(place, value, there.context), True
        if any(copy.content != document.value for copy in _not_withdrawn(there)):
            if entered:
                notice = Value(_digest(document.value), WITHDRAWAL, frozenset())
                self._cluster.put(place, notice, None)
            raise Duplicate(f"another document stands in {documents.name}")

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None.

        Two stand only where a writer died before it withdrew its own: the one put first is given.
        """
        copies = _not_withdrawn(self._look(Place(bucket_types.DOCUMENTS, documents.name, key)))
        return min(copies, key=lambda copy: (copy.put_at, copy.content)).content if copies else None

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index entries within the span.

        A full page names a next one, which may turn out to be empty.
        """
        place = Place(_type_of(kind), kind.name, span.index)
        return Page(*self._cluster.find(place, (span.start, span.end), limit=limit, after=after))

    def moment(self) -> AbstractContextManager[object]:
        """Do nothing: a cluster has no moment."""
        return nullcontext()

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterator[str]:
        """Give every key of a kind: a walk of the whole cluster, which a request never makes."""
        return self._cluster.keys(_type_of(kind), kind.name)

    def ready(self) -> None:
        """Get a key that nobody writes: a node that answers `ping` may not serve yet."""
        self._cluster.get(_CANARY)

    def faults(self) -> tuple[str, ...]:
        """Name the bucket types that are missing or wrong, with the commands that cure it."""
        faults: list[str] = []
        for name in (bucket_types.RECORDS, bucket_types.DOCUMENTS):
            properties = self._cluster.properties(name)
            if properties is None:
                faults.append(f"bucket type {name} is missing: {bucket_types.commands(name)}")
            else:
                faults += bucket_types.wrong(name, properties)
        return tuple(faults)

    def close(self) -> None:
        """Close the connections."""
        self._cluster.close()

    def _look(self, place: Place) -> Standing:
        """Give what stands at a place; where nothing seems to, ask every replica."""
        if not place.key:
            return Standing()
        standing = self._cluster.get(place)
        return standing if standing.copies else self._cluster.get_from_any(place)

    def _apply(self, bucket: Bucket[S, F], key: str, changes: list[Change[S, F]]) -> None:
        place = _record_place(bucket, key)
        standing, before, after = self._changed(bucket, place, changes)
        if after is not before:
            self._cluster.put(place, _value(bucket, after), standing.context)

    def _changed(
        self, bucket: Bucket[S, F], place: Place, changes: Iterable[Change[S, F]]
    ) -> tuple[Standing, Record[S, F] | None, Record[S, F]]:
        """Give what stands at a place, the record that it is, and the record after changes.

        Where one refuses because nothing seems to stand there, every replica is asked before that
        is believed: what was acknowledged is not told to be absent.
        """
        standing = self._cluster.get(place)
        before = _merged(bucket, standing)
        try:
            return standing, before, _after(bucket, before, changes)
        except CoreError:
            if before is not None:
                raise
            standing = self._cluster.get_from_any(place)
            before = _merged(bucket, standing)
            if before is None:
                raise
        return standing, before, _after(bucket, before, changes)

    def _mended(self, bucket: Bucket[S, F], key: str, standing: Standing) -> Record[S, F] | None:
        """Give the one record; where siblings stood, put it in their place.

        One thread at a time does, and a failure to is no failure of the read.
        """
        record = _merged(bucket, standing)
        if record and len(standing.copies) > 1 and self._mending.acquire(blocking=False):
            try:
                with contextlib.suppress(StoreError):
                    self._cluster.put(
                        _record_place(bucket, key), _value(bucket, record), standing.context
                    )
            finally:
                self._mending.release()
        return record


def _record_place(bucket: Bucket[Any, Any], key: str) -> Place:
    return Place(bucket_types.RECORDS, bucket.name, key)


def _type_of(kind: Bucket[Any, Any] | Documents) -> str:
    return bucket_types.DOCUMENTS if isinstance(kind, Documents) else bucket_types.RECORDS


def _merged(bucket: Bucket[S, F], standing: Standing) -> Record[S, F] | None:
    """Give the one record that the copies amount to, in whatever order the node gives them."""
    contents = sorted({copy.content for copy in standing.copies})
    return facts.merge(bucket, [codec.decode(bucket, content) for content in contents])


def _after(
    bucket: Bucket[S, F], record: Record[S, F] | None, changes: Iterable[Change[S, F]]
) -> Record[S, F]:
    for change in changes:
        record = facts.changed(bucket, record, change) or record
    if record is None:
        raise StoreError("a change that adds nothing was asked of no record")
    return record


def _value(bucket: Bucket[S, F], record: Record[S, F]) -> Value:
    content = codec.encode(bucket, record)
    refuse_oversize(content)
    return Value(content, "application/json", _pairs(bucket.terms(record.state)))


def _pairs(terms: Mapping[str, tuple[str, ...]]) -> frozenset[tuple[str, str]]:
    return frozenset((index, term) for index, some in terms.items() for term in some)


def _not_withdrawn(standing: Standing) -> list[Copy]:
    """Give the documents at a place, without those whose writers withdrew them."""
    if len(standing.copies) == 1:
        return [copy for copy in standing.copies if copy.content_type != WITHDRAWAL]
    withdrawn = {copy.content for copy in standing.copies if copy.content_type == WITHDRAWAL}
    return [
        copy
        for copy in standing.copies
        if copy.content_type != WITHDRAWAL and _digest(copy.content) not in withdrawn
    ]


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
