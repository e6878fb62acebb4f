"""One suite for every home of the store."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from totals import Counted, Total, add

from core.errors import Duplicate, StoreError, StoreFull
from core.store.memory import MemoryStore
from core.store.port import MAX_VALUE_BYTES, Bucket, Document, Documents, Span, Store
from core.store.sqlite import SqliteStore

Totals = Bucket[Total, Counted]


def test_what_was_never_written_is_none(store: Store, totals: Totals, papers: Documents) -> None:
    assert store.read(totals, "a") is None
    assert store.record(totals, "a") is None
    assert store.document(papers, "a") is None


def test_an_update_adds_a_fact_and_gives_the_state(store: Store, totals: Totals) -> None:
    store.update(totals, "a", add("m1", 2))
    record = store.update(totals, "a", add("m2", 3))
    assert record.state == Total(5, 2, "m1")
    assert store.read(totals, "a") == Total(5, 2, "m1")
    assert store.record(totals, "a") == record


def test_the_same_fact_again_changes_nothing(store: Store, totals: Totals) -> None:
    store.update(totals, "a", add("m1", 2))
    assert store.update(totals, "a", add("m1", 2)).state == Total(2, 1, "m1")


def test_a_change_that_refuses_leaves_the_record(store: Store, totals: Totals) -> None:
    store.update(totals, "a", add("m1"))

    def refuse(_record: object) -> dict[str, Counted]:
        raise Duplicate("no")

    with pytest.raises(Duplicate):
        store.update(totals, "a", refuse)
    assert store.read(totals, "a") == Total(1, 1, "m1")


def test_many_updates_are_all_there(store: Store, totals: Totals) -> None:
    store.update_many(totals, [(f"k{n}", add("m", n)) for n in range(50)])
    assert store.read(totals, "k49") == Total(49, 1, "m")
    assert sorted(store.keys(totals)) == sorted(f"k{n}" for n in range(50))


def test_a_document_is_written_once(store: Store, papers: Documents) -> None:
    store.write_once(papers, Document("p", b"first"))
    store.write_once(papers, Document("p", b"first"))
    with pytest.raises(Duplicate):
        store.write_once(papers, Document("p", b"second"))
    assert store.document(papers, "p") == b"first"


def test_five_megabytes_come_back_whole(store: Store, papers: Documents) -> None:
    value = bytes(range(256)) * 20_000
    store.write_once(papers, Document("big", value))
    assert store.document(papers, "big") == value


def test_index_entries_are_found_exactly_and_by_range_in_pages(
    store: Store, totals: Totals
) -> None:
    store.update_many(totals, [(f"k{n:03d}", add("m", n)) for n in range(30)])
    exact = store.find(totals, Span("amount_bin", "000007", "000007"), limit=10)
    assert exact.entries == (("000007", "k007"),)
    assert exact.after is None

    seen: list[str] = []
    after = None
    while True:
        page = store.find(totals, Span("amount_bin", "000005", "000024"), limit=7, after=after)
        seen += [key for _, key in page.entries]
        after = page.after
        if after is None:
            break
    assert seen == [f"k{n:03d}" for n in range(5, 25)]


def test_an_index_follows_its_record(store: Store, totals: Totals) -> None:
    store.update(totals, "a", add("m1", 1))
    store.update(totals, "a", add("m2", 1))
    assert store.find(totals, Span("amount_bin", "000001", "000001"), limit=5).entries == ()
    assert store.find(totals, Span("amount_bin", "000002", "000002"), limit=5).entries == (
        ("000002", "a"),
    )


def test_many_threads_lose_nothing(store: Store, totals: Totals) -> None:
    def work(worker: int) -> None:
        for n in range(20):
            store.update(totals, "shared", add(f"{worker}/{n}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(totals, "shared") == Total(160, 160, "0/0")


def test_entries_of_one_term_are_paged_in_the_order_of_their_keys(
    store: Store, papers: Documents
) -> None:
    for key in ("c", "a", "d", "b"):
        store.write_once(papers, Document(key, b"x", {"who_bin": ("one", "two")}))
    seen: list[tuple[str, str]] = []
    after = None
    while True:
        page = store.find(papers, Span("who_bin", "one", "two"), limit=2, after=after)
        assert len(page.entries) <= 2
        seen += page.entries
        after = page.after
        if after is None:
            break
    assert seen == [(term, key) for term in ("one", "two") for key in "abcd"]


@pytest.mark.parametrize("key", ["a/b", "a b|c#d?e", "100%2F", "Zoë\u2019s \U0001f600"])
def test_a_key_may_hold_any_text(store: Store, totals: Totals, papers: Documents, key: str) -> None:
    store.update(totals, key, add("m1", 3))
    store.write_once(papers, Document(key, b"x", {"who_bin": (key,)}))
    assert store.read(totals, key) == Total(3, 1, "m1")
    assert store.find(papers, Span("who_bin", key, key), limit=2).entries == ((key, key),)
    assert list(store.keys(papers)) == [key]


def test_an_empty_key_stands_for_nothing(store: Store, totals: Totals, papers: Documents) -> None:
    assert store.read(totals, "") is None
    assert store.record(totals, "") is None
    assert store.document(papers, "") is None


def test_many_updates_of_one_key_are_one_record(store: Store, totals: Totals) -> None:
    store.update_many(totals, [("a", add(f"m{n}", n)) for n in range(10)])
    assert store.read(totals, "a") == Total(45, 10, "m0")
    store.update_many(totals, [("a", add("m3")), ("a", add("m4"))])
    assert store.read(totals, "a") == Total(45, 10, "m0")


def test_a_change_that_adds_nothing_to_nothing_is_refused(store: Store, totals: Totals) -> None:
    with pytest.raises(StoreError, match="adds nothing"):
        store.update(totals, "a", lambda _record: {})
    assert store.read(totals, "a") is None


def test_a_value_over_the_limit_is_refused_and_leaves_nothing(
    store: Store, papers: Documents
) -> None:
    with pytest.raises(StoreError, match="is over"):
        store.write_once(papers, Document("big", bytes(MAX_VALUE_BYTES + 1)))
    assert store.document(papers, "big") is None


def test_a_listing_may_be_left_before_its_end(store: Store, totals: Totals) -> None:
    store.update_many(totals, [(f"k{n}", add("m")) for n in range(25)])
    assert next(iter(store.keys(totals))).startswith("k")
    assert len(list(store.keys(totals))) == 25


def test_a_store_that_lacks_nothing_says_so_and_is_ready(store: Store) -> None:
    assert store.faults() == ()
    store.ready()


def fill(store: Store, papers: Documents) -> int:
    """Write until the store is full; give the number of the document it refused."""
    for number in range(1000):
        try:
            store.write_once(papers, Document(f"p{number}", bytes(1000)))
        except StoreFull:
            return number
    pytest.fail("the store was never full")


def test_a_full_store_refuses_and_stays_whole(tmp_path: Path, papers: Documents) -> None:
    for small in (
        MemoryStore(limit_bytes=20_000),
        SqliteStore(tmp_path / "small.db", limit_bytes=100_000),
    ):
        written = fill(small, papers)
        assert small.document(papers, f"p{written}") is None
        assert small.document(papers, f"p{written - 1}") == bytes(1000)
        assert small.faults() == ()
        small.close()
