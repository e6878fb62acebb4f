"""The store as the core sees it: records that are sets of facts, and documents written once.

A *record* is a set of facts keyed by message id. Writing adds facts, never replaces them, so two
copies that grew apart are merged by union, and repeating a write changes nothing. The state that
callers read is a fold of the facts and is kept beside them, so that a read folds nothing.

A *document* is a value written once under its own id: a received message, a page of the audit.

What `update` promises differs by home (docs/decisions/0007-conditional-updates.md): on memory and
SQLite the change sees every earlier fact; on Riak two racing changes may each see the facts
without the other's, both are kept, and the fold decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, field

from core.errors import ValueTooLarge

S = TypeVar("S")
F = TypeVar("F")

MAX_VALUE_BYTES = 5_500_000
"""The largest value a store takes: a 5,000,000 byte message and what is kept around it."""


def refuse_oversize(value: bytes) -> None:
    """Raise `ValueTooLarge` for a value that no store takes."""
    if len(value) > MAX_VALUE_BYTES:
        raise ValueTooLarge(f"a value of {len(value)} bytes is over {MAX_VALUE_BYTES}")


class Record(Struct, Generic[S, F], frozen=True):
    """A key's facts by message id, and the state that they fold to.

    `source` is the stored form that it was read from, None where it was not, or not as it is.
    """

    facts: Mapping[str, F]
    state: S
    source: bytes | None = None

    def __eq__(self, other: object) -> bool:
        """Say whether both hold the same, however they came here."""
        return isinstance(other, Record) and self.facts == other.facts and self.state == other.state

    def __hash__(self) -> int:
        """Give a number that is the same for equal records."""
        return hash(frozenset(self.facts))


def _all(facts: Mapping[str, F]) -> Mapping[str, F]:
    return facts


def _no_terms(_state: Any) -> Mapping[str, tuple[str, ...]]:  # noqa: ANN401 - any state
    return {}


class Bucket(Struct, Generic[S, F], frozen=True):
    """A kind of record: its name, the types of its facts and state, how facts fold.

    `whole` gives the state where one fact is the whole state by itself (a record as it was
    loaded), so that such a record is kept once and not twice. `terms` gives the index entries.

    `keep` gives the facts that still matter, where later ones make earlier ones idle (a lease, a
    heartbeat): without it a record that is written for ever grows for ever. It must choose by a
    total order of the facts, so that copies that grew apart keep the same whatever they kept
    before: keep(keep(a) + keep(b)) = keep(a + b).
    """

    name: str
    fact: type[F]
    state: type[S]
    fold: Callable[[Mapping[str, F]], S]
    whole: Callable[[F], S | None] = field(default=lambda _fact: None)
    terms: Callable[[S], Mapping[str, tuple[str, ...]]] = _no_terms
    keep: Callable[[Mapping[str, F]], Mapping[str, F]] = _all


class Documents(Struct, frozen=True):
    """A kind of document: its name."""

    name: str


class Document(Struct, frozen=True):
    """A document to write: its key, its bytes, its index entries."""

    key: str
    value: bytes
    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Span(Struct, frozen=True):
    """The terms of one index from `start` to `end`, both included; one term when they agree."""

    index: str
    start: str
    end: str


class Page(Struct, frozen=True):
    """Some (term, key) entries in order, and what to ask the next page with; None at the end."""

    entries: tuple[tuple[str, str], ...]
    after: str | None = None


Change = Callable[["Record[S, F] | None"], Mapping[str, F]]
"""What an update adds to a record as it stands: facts by message id; none changes nothing.

It must be pure: a store may apply it again to a newer record."""


class Put(Struct, frozen=True):
    """A document to keep, as `write_once` does."""

    documents: Documents
    document: Document


def _as_it_is(_state: Any) -> None:  # noqa: ANN401 - any state
    """Require nothing."""


class Foreseen(Struct, frozen=True):
    """What a change came to on the record that was read before it: nothing where `after` is None.

    It holds as long as that record stands, so that nothing needs to be done twice.
    """

    before: Record[Any, Any] | None
    after: Record[Any, Any] | None

    def holds(self, value: bytes | None) -> bool:
        """Say whether the record that was read is the one whose stored form this is."""
        if self.before is None:
            return value is None
        return self.before.source is not None and self.before.source == value


class Update(Struct, frozen=True):
    """A record to change, as `update` does.

    `require` is asked of the state that stands afterwards, and raises where that is not enough:
    on a cluster another change may have come beside this one. A store may take what was `foreseen`
    where it holds, in place of making the change again.
    """

    bucket: Bucket[Any, Any]
    key: str
    change: Change[Any, Any]
    require: Callable[[Any], None] = _as_it_is
    foreseen: Foreseen | None = None


Write = Put | Update


Reading = Callable[[Documents, str], bytes | None]
"""Gives a document's bytes, or None."""


class Journal(Protocol):
    """Notes of what is done, kept on pages that follow one another: one process's own.

    A store that can writes the notes of what it writes together onto one page in the same
    transaction: it asks for the `page`, and says that it `stands` once it is durable, before it
    asks for another. Any other store has each note kept by itself, after what it tells of.
    """

    def page(self, notes: tuple[Any, ...], read: Reading) -> Put:
        """Give the write of a page with these notes, which follows the last that stands.

        `read` tells whether one that was given before stands though nobody said so.
        """
        ...

    def stands(self) -> None:
        """Take note that the page given last is durable."""
        ...

    def keep(self, note: Any) -> None:  # noqa: ANN401 - a journal's own kind of note
        """Return when a note is durable, on a page with others or alone."""
        ...


class Note(Struct, frozen=True):
    """What a journal is to hold of some writes."""

    journal: Journal
    text: Any


def by_journal(notes: Iterable[Note]) -> list[tuple[Journal, tuple[Any, ...]]]:
    """Give each journal with what it is to hold, in order."""
    journals: dict[int, tuple[Journal, list[Any]]] = {}
    for note in notes:
        _, texts = journals.setdefault(id(note.journal), (note.journal, []))
        texts.append(note.text)
    return [(journal, tuple(texts)) for journal, texts in journals.values()]


class Store(Protocol):
    """What every home of the core's data offers. Each call may raise `StoreError`."""

    @property
    def is_exclusive(self) -> bool:
        """Say whether several writes are one here, and a change sees every fact before it."""
        ...

    def read(self, bucket: Bucket[S, F], key: str) -> S | None:
        """Give the state under the key, or None."""
        ...

    def record(self, bucket: Bucket[S, F], key: str) -> Record[S, F] | None:
        """Give the facts and the state under the key, or None."""
        ...

    def update(self, bucket: Bucket[S, F], key: str, change: Change[S, F]) -> Record[S, F]:
        """Add what `change` gives, durably, and give the record that stands then.

        An exception that `change` raises leaves the record as it was and reaches the caller.
        """
        ...

    def update_many(
        self, bucket: Bucket[S, F], changes: Iterable[tuple[str, Change[S, F]]]
    ) -> None:
        """Do many updates; all are durable when this returns."""
        ...

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes in order, all durable when this returns; give the records updated.

        Where one raises, the embedded stores undo those before it; on a cluster they stand, so
        what makes the others count belongs last. The notes of them are durable too by then; they
        are written with them or after them, and where one raises they are not.
        """
        ...

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document, durably; the same again is nothing, another raises `Duplicate`."""
        ...

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document's bytes, or None."""
        ...

    def find(
        self, kind: Bucket[S, F] | Documents, span: Span, *, limit: int, after: str | None = None
    ) -> Page:
        """Give one page of the index entries within the span, ordered by term, then key."""
        ...

    def moment(self) -> AbstractContextManager[object]:
        """Have this thread read what stands as it begins, where that is cheaper, and write nothing.

        A change made on what was read is made again where that stands no more, as ever.
        """
        ...

    def keys(self, kind: Bucket[S, F] | Documents) -> Iterable[str]:
        """Give every key of a kind, in no order: for backup and checks, never for a request."""
        ...

    def ready(self) -> None:
        """Return if the store can answer a real read now; raise `StoreError` if not."""
        ...

    def faults(self) -> tuple[str, ...]:
        """Name what is missing in the store's own set-up, each with its cure."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
