"""One suite for every home of the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import Duplicate, StoreFull
from core.store.memory import MemoryStore
from core.store.port import Bucket, Change, Document, Documents, Span, Store
from core.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Counted:
    """A fact for these tests."""

    amount: int


@dataclass(frozen=True, slots=True)
class Total:
    """What such facts fold to."""

    amount: int
    facts: int


TOTALS: Bucket[Total, Counted] = Bucket(
    name="total",
    fact=Counted,
    state=Total,
    fold=lambda facts: Total(sum(f.amount for f in facts.values()), len(facts)),
    terms=lambda total: {"amount_bin": (f"{total.amount:06d}",)},
)
PAPERS = Documents("paper")

Maker = Callable[..., Store]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.db")
    yield made
    made.close()


def add(message_id: str, amount: int = 1) -> Change[Total, Counted]:
    return lambda _record: {message_id: Counted(amount)}


def test_what_was_never_written_is_none(store: Store) -> None:
    assert store.read(TOTALS, "a") is None
    assert store.record(TOTALS, "a") is None
    assert store.document(PAPERS, "a") is None


def test_an_update_adds_a_fact_and_gives_the_state(store: Store) -> None:
    store.update(TOTALS, "a", add("m1", 2))
    record = store.update(TOTALS, "a", add("m2", 3))
    assert record.state == Total(5, 2)
    assert store.read(TOTALS, "a") == Total(5, 2)
    assert store.record(TOTALS, "a") == record


def test_the_same_fact_again_changes_nothing(store: Store) -> None:
    store.update(TOTALS, "a", add("m1", 2))
    assert store.update(TOTALS, "a", add("m1", 2)).state == Total(2, 1)


def test_a_change_that_refuses_leaves_the_record(store: Store) -> None:
    store.update(TOTALS, "a", add("m1"))

    def refuse(_record: object) -> dict[str, Counted]:
        raise Duplicate("no")

    with pytest.raises(Duplicate):
        store.update(TOTALS, "a", refuse)
    assert store.read(TOTALS, "a") == Total(1, 1)


def test_many_updates_are_all_there(store: Store) -> None:
    store.update_many(TOTALS, [(f"k{n}", add("m", n)) for n in range(50)])
    assert store.read(TOTALS, "k49") == Total(49, 1)
    assert sorted(store.keys(TOTALS)) == sorted(f"k{n}" for n in range(50))


def test_a_document_is_written_once(store: Store) -> None:
    store.write_once(PAPERS, Document("p", b"first"))
    store.write_once(PAPERS, Document("p", b"first"))
    with pytest.raises(Duplicate):
        store.write_once(PAPERS, Document("p", b"second"))
    assert store.document(PAPERS, "p") == b"first"


def test_five_megabytes_come_back_whole(store: Store) -> None:
    value = bytes(range(256)) * 20_000
    store.write_once(PAPERS, Document("big", value))
    assert store.document(PAPERS, "big") == value


def test_index_entries_are_found_exactly_and_by_range_in_pages(store: Store) -> None:
    store.update_many(TOTALS, [(f"k{n:03d}", add("m", n)) for n in range(30)])
    exact = store.find(TOTALS, Span("amount_bin", "000007", "000007"), limit=10)
    assert exact.entries == (("000007", "k007"),)
    assert exact.after is None

    seen: list[str] = []
    after = None
    while True:
        page = store.find(TOTALS, Span("amount_bin", "000005", "000024"), limit=7, after=after)
        seen += [key for _, key in page.entries]
        after = page.after
        if after is None:
            break
    assert seen == [f"k{n:03d}" for n in range(5, 25)]


def test_an_index_follows_its_record(store: Store) -> None:
    store.update(TOTALS, "a", add("m1", 1))
    store.update(TOTALS, "a", add("m2", 1))
    assert store.find(TOTALS, Span("amount_bin", "000001", "000001"), limit=5).entries == ()
    assert store.find(TOTALS, Span("amount_bin", "000002", "000002"), limit=5).entries == (
        ("000002", "a"),
    )


def test_many_threads_lose_nothing(store: Store) -> None:
    def work(worker: int) -> None:
        for n in range(20):
            store.update(TOTALS, "shared", add(f"{worker}/{n}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(TOTALS, "shared") == Total(160, 160)


def fill(store: Store) -> int:
    """Write until the store is full; give the number of the document it refused."""
    for number in range(1000):
        try:
            store.write_once(PAPERS, Document(f"p{number}", bytes(1000)))
        except StoreFull:
            return number
    pytest.fail("the store was never full")


def test_a_full_store_refuses_and_stays_whole(tmp_path: Path) -> None:
    for small in (
        MemoryStore(limit_bytes=20_000),
        SqliteStore(tmp_path / "small.db", limit_bytes=100_000),
    ):
        written = fill(small)
        assert small.document(PAPERS, f"p{written}") is None
        assert small.document(PAPERS, f"p{written - 1}") == bytes(1000)
        assert small.faults() == ()
        small.close()
