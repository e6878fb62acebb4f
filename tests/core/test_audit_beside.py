"""What a command writes and the audit of it: both are there, or neither."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from totals import Counted, add, totals_named

from core import audit
from core.audit import Access, Audit
from core.errors import Duplicate, StoreError
from core.store import sqlite_statements
from core.store.memory import MemoryStore
from core.store.port import Store, Update
from core.store.sqlite import SqliteStore

ENTRY = Access("2014", "P", "A", "X", "Admit", "done", "m")
TOTALS = totals_named("beside")


def refusing(_record: object) -> Mapping[str, Counted]:
    """Refuse, whatever stands."""
    raise Duplicate("no")


@pytest.fixture(params=["memory", "sqlite"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give each store that is alone with its writes."""
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.db")
    yield store
    store.close()


def audited(store: Store, writer: str = "w") -> list[str]:
    """Give the message ids that a chain tells of; the chain must prove."""
    assert audit.prove(store).breaks == []
    found = []
    page = 0
    while (read := audit.read_page(store, writer, page)) is not None:
        found += [entry.message_id for entry in read.entries]
        page += 1
    return found


def test_writes_and_their_entry_are_both_there(kept: Store) -> None:
    chain = Audit(kept, writer="w", now=lambda: "2014")
    (record,) = chain.beside(ENTRY, [Update(TOTALS, "a", add("m", 3))])
    assert record.state.amount == 3
    assert kept.read(TOTALS, "a") == record.state
    assert audited(kept) == ["m"]


def test_a_write_that_refuses_has_no_entry(kept: Store) -> None:
    chain = Audit(kept, writer="w", now=lambda: "2014")
    writes = [Update(TOTALS, "a", add("m", 3)), Update(TOTALS, "b", refusing)]
    with pytest.raises(Duplicate):
        chain.beside(ENTRY, writes)
    assert kept.read(TOTALS, "a") is None
    assert audited(kept) == []


def test_what_is_required_of_the_outcome_undoes_the_write_and_its_entry(kept: Store) -> None:
    def require(_state: object) -> None:
        raise Duplicate("another stands beside it")

    chain = Audit(kept, writer="w", now=lambda: "2014")
    with pytest.raises(Duplicate):
        chain.beside(ENTRY, [Update(TOTALS, "a", add("m", 3), require)])
    assert kept.read(TOTALS, "a") is None
    assert audited(kept) == []


def test_many_threads_write_and_are_audited_each_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    chain = Audit(store, writer="w", now=lambda: "2014")

    def work(worker: int) -> None:
        for number in range(25):
            entry = replace(ENTRY, message_id=f"{worker}/{number}")
            change = refusing if number % 5 == 0 else add(entry.message_id, 1)
            try:
                chain.beside(entry, [Update(TOTALS, "a", change)])
            except Duplicate:
                chain.record(replace(entry, outcome="Duplicate"))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = store.read(TOTALS, "a")
    assert total is not None
    assert total.facts == 8 * 20
    everything = {f"{worker}/{number}" for worker in range(8) for number in range(25)}
    found = audited(store)
    assert (len(found), set(found)) == (200, everything)
    store.close()


def test_a_transaction_that_fails_leaves_no_write_and_no_entry_and_the_chain_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(tmp_path / "s.db")
    chain = Audit(store, writer="w", now=lambda: "2014")
    chain.record(replace(ENTRY, message_id="before"))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_statements, "put_entries", full)
        with pytest.raises(StoreError):
            chain.beside(ENTRY, [Update(TOTALS, "a", add("m", 3))])
    assert chain.failing
    assert store.read(TOTALS, "a") is None
    chain.beside(replace(ENTRY, message_id="after"), [Update(TOTALS, "a", add("m", 3))])
    assert not chain.failing
    assert audited(store) == ["before", "after"]
    store.close()


def test_a_page_that_stands_though_its_answer_was_lost_keeps_its_place(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    chain = Audit(store, writer="w", now=lambda: "2014")
    chain.record(replace(ENTRY, message_id="before"))
    # Its transaction is durable, and nobody says so.
    store.apply([chain.page((replace(ENTRY, message_id="unsure"),), store.document)])
    chain.record(replace(ENTRY, message_id="after"))
    assert audited(store) == ["before", "unsure", "after"]
    store.close()


def test_a_chain_ends_in_order_at_a_page_that_stands_though_its_answer_was_lost(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "s.db")
    chain = Audit(store, writer="w", now=lambda: "2014")
    chain.record(replace(ENTRY, message_id="before"))
    store.apply([chain.page((replace(ENTRY, message_id="unsure"),), store.document)])
    chain.end()
    assert audited(store) == ["before", "unsure"]
    store.close()


def test_two_chains_of_one_name_are_found_out_and_undo_no_refusal_of_the_core(
    tmp_path: Path,
) -> None:
    store = SqliteStore(tmp_path / "s.db")
    Audit(store, writer="w", now=lambda: "2014").record(ENTRY)
    other = Audit(store, writer="w", now=lambda: "2015")
    with pytest.raises(StoreError, match="another writer"):
        other.beside(replace(ENTRY, message_id="x"), [Update(TOTALS, "a", add("m", 3))])
    assert store.read(TOTALS, "a") is None
    store.close()
