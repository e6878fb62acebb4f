"""Several writes in one, writes that share a transaction, and facts that need not be kept."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from totals import Counted, Total, add, totals_named

from core.errors import Duplicate, StoreError
from core.store import facts
from core.store.port import (
    MAX_VALUE_BYTES,
    Bucket,
    Document,
    Documents,
    Put,
    Span,
    Store,
    Update,
)
from core.store.sqlite import SqliteStore
from core.store.turns import Turns

Totals = Bucket[Total, Counted]


def refusing(_record: object) -> Mapping[str, Counted]:
    """Refuse, whatever stands."""
    raise Duplicate("no")


def test_several_writes_are_all_there(store: Store, totals: Totals, papers: Documents) -> None:
    store.apply(
        [
            Put(papers, Document("p", b"paper")),
            Update(totals, "a", add("m1", 2)),
            Update(totals, "a", add("m2", 3)),
            Update(totals, "b", add("m1", 1)),
        ]
    )
    assert store.document(papers, "p") == b"paper"
    assert store.read(totals, "a") == Total(5, 2, "m1")
    assert store.read(totals, "b") == Total(1, 1, "m1")


def test_where_one_refuses_none_is_there(
    exclusive: Store, totals: Totals, papers: Documents
) -> None:
    exclusive.update(totals, "a", add("m0", 7))
    exclusive.write_once(papers, Document("old", b"stands"))

    with pytest.raises(Duplicate):
        exclusive.apply(
            [
                Put(papers, Document("new", b"paper", {"name_bin": ("new",)})),
                Put(papers, Document("old", b"stands")),
                Update(totals, "a", add("m1", 2)),
                Update(totals, "b", add("m1", 2)),
                Update(totals, "c", refusing),
            ]
        )

    assert exclusive.document(papers, "new") is None
    assert exclusive.document(papers, "old") == b"stands"
    assert exclusive.read(totals, "a") == Total(7, 1, "m0")
    assert exclusive.read(totals, "b") is None
    assert exclusive.find(papers, Span("name_bin", "", "~"), limit=9).entries == ()
    span = Span("amount_bin", "", "~")
    assert exclusive.find(totals, span, limit=9).entries == (("000007", "a"),)


def test_on_a_cluster_what_came_before_a_refusal_stands(
    converging: Store, totals: Totals, papers: Documents
) -> None:
    with pytest.raises(Duplicate):
        converging.apply([Put(papers, Document("p", b"paper")), Update(totals, "a", refusing)])
    assert converging.document(papers, "p") == b"paper"
    assert converging.read(totals, "a") is None


def test_a_write_that_fails_takes_no_other_with_it(tmp_path: Path, totals: Totals) -> None:
    store = SqliteStore(tmp_path / "s.db")
    held, go = threading.Event(), threading.Event()

    def slow(_record: object) -> Mapping[str, Counted]:
        held.set()
        go.wait(10)
        return {"m": Counted(1)}

    errors: list[type[BaseException] | None] = []

    def write(key: str, change: object) -> None:
        try:
            store.update(totals, key, change)  # type: ignore[arg-type]
        except Duplicate as error:
            errors.append(type(error))

    threads = [threading.Thread(target=write, args=("slow", slow))]
    threads[0].start()
    held.wait(10)
    # These wait while the first is written, so they share a transaction.
    for number in range(20):
        change = refusing if number % 4 == 0 else add("m", number)
        threads.append(threading.Thread(target=write, args=(f"k{number}", change)))
        threads[-1].start()
    while len(store._turns_taken._queue) < 20:
        pass
    go.set()
    for thread in threads:
        thread.join()

    assert errors == [Duplicate] * 5
    there = sorted(store.keys(totals))
    assert there == sorted(["slow", *(f"k{n}" for n in range(20) if n % 4)])
    store.close()


def test_an_oversize_write_is_refused_alone(tmp_path: Path, papers: Documents) -> None:
    store = SqliteStore(tmp_path / "s.db")
    with pytest.raises(StoreError):
        store.apply(
            [
                Put(papers, Document("small", b"s")),
                Put(papers, Document("large", bytes(MAX_VALUE_BYTES + 1))),
            ]
        )
    assert store.document(papers, "small") is None
    store.close()


def test_everyones_error_reaches_everyone() -> None:
    def perform(work: tuple[int, ...]) -> list[Exception | None]:
        if any(one < 0 for one in work):
            raise StoreError("all of it")
        return [ValueError(str(one)) if one % 2 else None for one in work]

    turns = Turns(perform, limit=8)
    turns.take(2)
    with pytest.raises(ValueError, match="3"):
        turns.take(3)
    with pytest.raises(StoreError):
        turns.take(-1)
    turns.take(4)


def test_work_that_is_broken_off_leaves_the_next_to_be_done() -> None:
    class Killed(BaseException):
        """What no `except Exception` stops."""

    def perform(work: tuple[int, ...]) -> list[Exception | None]:
        if work == (1,):
            raise Killed
        return [None for _ in work]

    turns = Turns(perform, limit=8)
    with pytest.raises(Killed):
        turns.take(1)
    turns.take(2)


def latest_only(totals: Totals) -> Totals:
    """Give a kind of record that keeps the greatest amount, and nothing else."""

    def keep(found: Mapping[str, Counted]) -> Mapping[str, Counted]:
        if not found:
            return found
        key = max(found, key=lambda one: (found[one].amount, one))
        return {key: found[key]}

    return replace(totals, keep=keep)


def test_a_record_that_is_written_for_ever_does_not_grow(store: Store, totals: Totals) -> None:
    kept = latest_only(totals)
    for number in range(1, 41):
        store.update(kept, "a", add(f"m{number:02d}", number))
    record = store.record(kept, "a")
    assert record is not None
    assert record.facts == {"m40": Counted(40)}
    assert record.state == Total(40, 1, "m40")


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)), min_size=2, max_size=4)
)
def test_copies_that_kept_less_amount_to_the_same(copies: list[dict[str, int]]) -> None:
    bucket = latest_only(totals_named(f"kept-{uuid.uuid4().hex}"))
    # One fact under one id, as everywhere.
    known: dict[str, Counted] = {}
    whole = []
    for copy in copies:
        found = {key: known.setdefault(key, Counted(amount)) for key, amount in copy.items()}
        if found:
            whole.append(facts.folded(bucket, found))
    everything = facts.folded(bucket, known) if known else None
    assert facts.merge(bucket, whole) == everything
    assert facts.merge(bucket, whole[::-1]) == everything
