"""A store that tells each operation to whoever counts them: costs are counted, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

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
    Store,
    Write,
)

S = TypeVar("S")
F = TypeVar("F")


class CountedStore:
    """The store beneath, with `count` told the kind and bucket of every operation."""

    def __init__(self, store: Store, count: Callable[[str, str], None]) -> None:
        self.beneath = store
        self._count = count

    @property
    def is_exclusive(self) -> bool:
        """Say what the store beneath says."""
        return self.beneath.is_exclusive

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        self._count("get", bucket.name)
        return self.beneath.read(bucket, key)

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        self._count("get", bucket.name)
        return self.beneath.record(bucket, key)

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Add what `change` gives: one read and one write."""
        self._count("update", bucket.name)
        return self.beneath.update(bucket, key, change)

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Do many updates."""
        self._count("update many", bucket.name)
        self.beneath.update_many(bucket, changes)

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes, and note them."""
        writes = tuple(writes)
        for one in writes:
            if isinstance(one, Put):
                self._count("put", one.documents.name)
            else:
                self._count("update", one.bucket.name)
        for _ in notes:
            self._count("note", "audit")
        return self.beneath.apply(writes, *notes)

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document."""
        self._count("put", documents.name)
        self.beneath.write_once(documents, document)

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None."""
        self._count("get", documents.name)
        return self.beneath.document(documents, key)

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index entries within the span."""
        self._count("find", kind.name)
        return self.beneath.find(kind, span, limit=limit, after=after)

    def moment(self) -> AbstractContextManager[object]:
        """Do as the store beneath does."""
        return self.beneath.moment()

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterable[str]:
        """Give every key of a kind."""
        self._count("keys", kind.name)
        return self.beneath.keys(kind)

    def ready(self) -> None:
        """Return if the store can answer."""
        self.beneath.ready()

    def faults(self) -> tuple[str, ...]:
        """Name what is missing in the store's own set-up."""
        return self.beneath.faults()

    def close(self) -> None:
        """Let go of connections and files."""
        self.beneath.close()
