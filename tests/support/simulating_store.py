"""The store as a process of the simulation sees it: one truth, and calls that may go wrong.

`Cluster` behaves as our Riak store does (docs/decisions/0007): an update reads, changes and puts,
others may put in between, and both copies stand until a read merges them; several writes are not
one. On the embedded store an update, and an `apply`, is alone with the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct, field
from simulating_world import Died, Process, World

from core.errors import StoreError
from core.store import codec, facts
from core.store.memory import MemoryStore
from core.store.port import (
    Bucket,
    Change,
    Document,
    Documents,
    Journal,
    Note,
    Page,
    Put,
    Record,
    Span,
    Write,
)
from core.store.turns import Turns

R = TypeVar("R")
SLOWEST: Final = 8.0
MAX_TOGETHER: Final = 64


class Cluster(MemoryStore):
    """The store in memory as a cluster: `between` runs between the two halves of an update."""

    is_exclusive = False

    def __init__(self, between: Callable[[], None]) -> None:
        super().__init__()
        self._between = between
        self.raced: set[tuple[str, str]] = set()
        """Where two copies stood beside each other."""

    def read(self, bucket: Bucket[Any, Any], key: str) -> Any:  # noqa: ANN401
        """Give the state of the copies together."""
        record = self.record(bucket, key)
        return record.state if record else None

    def record(self, bucket: Bucket[Any, Any], key: str) -> Record[Any, Any] | None:
        """Give the copies together, and put them back as one where they are more."""
        record, context = self._merged(bucket, key)
        if record is not None and len(context) > 1:
            super().put(bucket, key, record, context)
        return record

    def update(
        self, bucket: Bucket[Any, Any], key: str, change: Change[Any, Any]
    ) -> Record[Any, Any]:
        """Read, change, put; give what stands then."""
        record, context = self._merged(bucket, key)
        after = facts.changed(bucket, record, change)
        if after is None:
            if record is None:
                raise StoreError("a change that adds nothing was asked of no record")
            return record
        self._between()
        self.put(bucket, key, after, context)
        stands, _ = self._merged(bucket, key)
        return stands or after

    def put(
        self,
        bucket: Bucket[Any, Any],
        key: str,
        record: Record[Any, Any],
        context: frozenset[int],
    ) -> None:
        """Put a copy; the index holds the terms of every copy that stands."""
        super().put(bucket, key, record, context)
        copies, _ = self._copies(bucket.name, key)
        if len(copies) > 1:
            self.raced.add((bucket.name, key))
            self._index((bucket.name, key), _terms_of(bucket, copies))

    def _merged(
        self, bucket: Bucket[Any, Any], key: str
    ) -> tuple[Record[Any, Any] | None, frozenset[int]]:
        copies, context = self._copies(bucket.name, key)
        return facts.merge(bucket, [codec.decode(bucket, one) for one in copies]), context


def _terms_of(bucket: Bucket[Any, Any], copies: list[bytes]) -> Mapping[str, tuple[str, ...]]:
    terms: dict[str, dict[str, None]] = {}
    for one in copies:
        for index, some in bucket.terms(codec.decode(bucket, one).state).items():
            terms.setdefault(index, {}).update(dict.fromkeys(some))
    return {index: tuple(some) for index, some in terms.items()}


class _Task(Struct):
    """Writes that wait to be done with others, and the records that they give."""

    writes: tuple[Write, ...]
    notes: tuple[Note, ...]
    records: list[Record[Any, Any]] = field(default_factory=list)


def _done(truth: MemoryStore, task: _Task) -> Exception | None:
    """Do a task, or nothing of it; give what it raises."""
    try:
        task.records = truth.apply(task.writes)
    except Exception as error:  # noqa: BLE001 - it reaches whose task it was
        return error
    return None


class Port:
    """A process's way to the store: each call may be refused, lost, slow, or its last."""

    def __init__(self, world: World, truth: MemoryStore, process: Process) -> None:
        self._world = world
        self._truth = truth
        self._process = process
        self._turns: Turns[_Task] = Turns(self._apply_together, limit=MAX_TOGETHER)

    @property
    def is_exclusive(self) -> bool:
        """Say whether several writes are one here."""
        return self._truth.is_exclusive

    def _call(self, name: str, what: Callable[[], R]) -> R:
        world = self._world
        self._before(name)
        answer = what()
        if world.strikes("died"):
            world.die()
        if world.strikes("unanswered"):
            raise StoreError(f"{name}: no answer")
        return answer

    def _before(self, name: str) -> None:
        world = self._world
        world.maybe_switch()
        if not self._process.alive:
            raise Died
        if world.strikes("slow"):
            world.sleep(world.chance.random() * SLOWEST)
        if world.strikes("stalled"):
            world.stall(self._process, world.chance.choice((5.0, 20.0, 60.0)))
            world.switch()
        if world.strikes("died"):
            world.die()
        if world.elapsed < world.away_until:
            world.struck["store away"] += 1
            raise StoreError(f"{name}: the store is away")
        if world.strikes("refused"):
            raise StoreError(f"{name}: refused")

    def read(self, bucket: Bucket[Any, Any], key: str) -> Any:  # noqa: ANN401
        """Give a state."""
        return self._call("read", lambda: self._truth.read(bucket, key))

    def record(self, bucket: Bucket[Any, Any], key: str) -> Record[Any, Any] | None:
        """Give a record."""
        return self._call("record", lambda: self._truth.record(bucket, key))

    def update(
        self, bucket: Bucket[Any, Any], key: str, change: Change[Any, Any]
    ) -> Record[Any, Any]:
        """Change a record."""
        self._world.note(f"update {bucket.name} {key}")
        return self._call("update", lambda: self._truth.update(bucket, key, change))

    def update_many(
        self, bucket: Bucket[Any, Any], changes: Iterable[tuple[str, Change[Any, Any]]]
    ) -> None:
        """Change records, one by one."""
        for key, change in changes:
            self.update(bucket, key, change)

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes and note them: at once, or on a cluster one by one."""
        writes = tuple(writes)
        if not isinstance(self._truth, Cluster):
            self._world.note(f"apply {', '.join(map(_named, writes))}")
            task = _Task(writes, notes)
            self._turns.take(task)
            return task.records
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

    def _apply_together(self, tasks: tuple[_Task, ...]) -> list[Exception | None]:
        """Do what waits as the embedded store does, with the page that tells of it; or nothing."""

        def apply() -> list[Exception | None]:
            errors = [_done(self._truth, task) for task in tasks]
            done = [task for task, error in zip(tasks, errors, strict=True) if error is None]
            notes = [note for task in done for note in task.notes]
            if notes:
                page = notes[0].journal.page(tuple(one.text for one in notes), self._truth.document)
                self._truth.apply((page,))
            journals.update({id(one.journal): one.journal for one in notes})
            return errors

        journals: dict[int, Journal] = {}
        # A disk takes its time: what arrives meanwhile is done together.
        self._world.linger()
        errors = self._call("apply", apply)
        for journal in journals.values():
            journal.stands()
        return errors

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document."""
        self._world.note(f"put {documents.name} {document.key}")
        self._world.linger()
        self._call("write_once", lambda: self._truth.write_once(documents, document))

    def document(self, documents: Documents, key: str) -> bytes | None:
        """Give a document."""
        return self._call("document", lambda: self._truth.document(documents, key))

    def find(
        self,
        kind: Bucket[Any, Any] | Documents,
        span: Span,
        *,
        limit: int,
        after: str | None = None,
    ) -> Page:
        """Give a page of an index."""
        return self._call("find", lambda: self._truth.find(kind, span, limit=limit, after=after))

    def keys(self, kind: Bucket[Any, Any] | Documents) -> Iterable[str]:
        """Give every key of a kind."""
        return self._call("keys", lambda: self._truth.keys(kind))

    def ready(self) -> None:
        """Return if the store answers."""
        self._call("ready", self._truth.ready)

    def faults(self) -> tuple[str, ...]:
        """Nothing is missing."""
        return ()

    def close(self) -> None:
        """Hold nothing back."""


def _named(write: Write) -> str:
    if isinstance(write, Put):
        return f"put {write.documents.name}"
    return f"update {write.bucket.name} {write.key}"
