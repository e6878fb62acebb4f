"""The audit shows what was changed, taken out, put in, or cut off."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from core import audit
from core.audit import Access, Audit, AuditPage
from core.errors import StoreError
from core.store.memory import MemoryStore
from core.store.port import Document, Documents
from core.store.sqlite import SqliteStore

ACCESS = Access("2014", "P", "A", "X", "Retrieve", "done", "m", ("9990000018",))


def chain(store: MemoryStore, writer: str = "w", *, entries: int = 3) -> Audit:
    """Give a chain with so many entries, each on a page of its own."""
    made = Audit(store, writer=writer, now=lambda: "2014")
    for number in range(entries):
        made.record(replace(ACCESS, message_id=f"m{number}"))
    return made


def rewritten(store: MemoryStore, page: int, **fields: object) -> None:
    """Change a page behind the audit's back."""
    key = audit.page_key("w", page)
    found = audit.read_page(store, "w", page)
    assert found is not None
    changed = msgspec.json.encode(replace(found, **fields))  # type: ignore[arg-type]
    store._documents[("audit", key)] = changed


def test_an_untouched_chain_proves(store: MemoryStore) -> None:
    chain(store).end()
    assert audit.prove(store) == audit.Proof(chains=1, pages=3, entries=3)


def test_a_changed_entry_shows(store: MemoryStore) -> None:
    chain(store)
    rewritten(store, 1, entries=(replace(ACCESS, outcome="never happened"),))
    assert audit.prove(store).breaks == ["chain w, page 1 was changed"]


def test_a_page_taken_from_the_middle_shows(store: MemoryStore) -> None:
    chain(store).end()
    del store._documents[("audit", audit.page_key("w", 1))]
    assert audit.prove(store).breaks == ["chain w ended at page 2, not here"]


def test_a_last_page_cut_off_shows_by_the_chain_that_opened_after_it(store: MemoryStore) -> None:
    chain(store, "w")
    chain(store, "later", entries=1)
    del store._documents[("audit", audit.page_key("w", 2))]
    assert audit.prove(store).breaks == ["chain w stood at page 2 and no longer does"]


def test_a_chain_rewritten_from_the_start_shows_by_its_witness(store: MemoryStore) -> None:
    chain(store, "w")
    chain(store, "later", entries=1)
    forged = MemoryStore()
    chain(forged, "w", entries=2)
    Audit(forged, writer="x", now=lambda: "2014")
    for page in range(3):
        store._documents.pop(("audit", audit.page_key("w", page)))
    for page in range(2):
        key = audit.page_key("w", page)
        store._documents[("audit", key)] = forged._documents[("audit", key)]
    assert audit.prove(store).breaks == ["chain w stood at page 2 and no longer does"]


def test_many_threads_share_pages_and_lose_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    made = Audit(store, writer="w", now=lambda: "2014")

    def work(worker: int) -> None:
        for number in range(25):
            made.record(replace(ACCESS, message_id=f"{worker}/{number}"))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    proof = audit.prove(store)
    assert (proof.entries, proof.breaks) == (200, [])
    assert proof.pages == made.pages_written
    found = {entry.message_id for _, _, entry in audit.accesses_to(store, "9990000018")}
    assert found == {f"{worker}/{number}" for worker in range(8) for number in range(25)}
    store.close()


def test_a_store_that_is_away_refuses_and_what_it_refused_is_written_when_it_is_back(
    store: MemoryStore,
) -> None:
    store.is_exclusive = False  # as a cluster, which may have written it all the same
    made = chain(store, entries=1)
    store.away = True
    with pytest.raises(StoreError):
        made.record(ACCESS)
    store.away = False
    made.record(ACCESS)
    assert audit.prove(store) == audit.Proof(chains=1, pages=3, entries=3)


class _Unsure(MemoryStore):
    """A store whose first answer is lost on the way although the write was done."""

    is_exclusive = False

    lost = False

    def write_once(self, _documents: object, document: Document) -> None:
        super().write_once(audit.PAGES, document)
        if not self.lost:
            self.lost = True
            raise StoreError("the answer was lost")


def test_a_page_written_without_our_knowing_stays_in_the_chain() -> None:
    store = _Unsure()
    made = Audit(store, writer="w", now=lambda: "2014")
    with pytest.raises(StoreError):
        made.record(replace(ACCESS, message_id="unsure"))
    made.record(replace(ACCESS, message_id="after"))
    pages = [audit.read_page(store, "w", page) for page in (0, 1)]
    assert [page.entries[0].message_id for page in pages if isinstance(page, AuditPage)] == [
        "unsure",
        "after",
    ]
    assert audit.prove(store).breaks == []


class _Late(MemoryStore):
    """A store whose writes may seem to fail and land later, after others were tried."""

    is_exclusive = False

    failing = 0
    tried: tuple[Document, ...] = ()

    def write_once(self, _documents: object, document: Document) -> None:
        self.tried = (*self.tried, document)
        if self.failing:
            self.failing -= 1
            raise StoreError("no answer")
        super().write_once(audit.PAGES, document)


def test_no_other_page_ever_takes_the_place_of_one_that_may_yet_land() -> None:
    store = _Late()
    made = Audit(store, writer="w", now=lambda: "2014")
    store.failing = 2
    for message_id in ("lost", "lost too"):
        with pytest.raises(StoreError):
            made.record(replace(ACCESS, message_id=message_id))
    made.record(replace(ACCESS, message_id="after"))
    by_key: dict[str, set[bytes]] = {}
    for document in store.tried:
        by_key.setdefault(document.key, set()).add(document.value)
    assert all(len(values) == 1 for values in by_key.values())
    assert audit.prove(store).breaks == []
    assert [one.message_id for _, _, one in audit.accesses_to(store, "9990000018")] == [
        "lost",
        "after",
    ]


def test_an_ended_chain_takes_nothing_more(store: MemoryStore) -> None:
    made = chain(store)
    made.end()
    with pytest.raises(StoreError, match="ended"):
        made.record(ACCESS)
    assert audit.prove(store).breaks == []


class _Growing(MemoryStore):
    """A store in which a chain is written on while it is being proved."""

    grow: Audit | None = None

    def document(self, documents: Documents, key: str) -> bytes | None:
        found = super().document(documents, key)
        if found is None and self.grow is not None and key.startswith("w."):
            growing, self.grow = self.grow, None
            growing.record(ACCESS)
            chain(self, "x", entries=1)
        return found


def test_a_chain_that_is_written_while_it_is_proved_is_no_break() -> None:
    store = _Growing()
    made = chain(store, "w")
    chain(store, "v", entries=1)
    store.grow = made
    assert audit.prove(store).breaks == []


def test_the_end_of_a_long_chain_is_found(store: MemoryStore) -> None:
    chain(store, entries=150)
    end = audit.end_of(store, audit.Chain("w"))
    assert end is not None
    assert end.page == 149
