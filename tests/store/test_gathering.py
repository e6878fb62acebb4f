"""What is gathered counts for who gathers it at once, and stands as one or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from totals import Counted, Total, add, claim, totals_named

from core.audit import Access, Audit, prove
from core.errors import Duplicate, ValueTooLarge
from core.store.gathering import Gathering
from core.store.memory import MemoryStore
from core.store.port import MAX_VALUE_BYTES, Document, Documents, Put, Record, Store, Update
from core.store.sqlite import SqliteStore

TOTALS = totals_named("gathered")
PAPERS = Documents("gathered-paper")
ENTRY = Access("2014", "P", "A", "X", "Update", "done", "m")


@pytest.fixture(params=["memory", "sqlite"])
def beneath(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give each store that does several writes as one."""
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.db")
    yield store
    store.close()


def refusing(_record: object) -> Mapping[str, Counted]:
    """Refuse, whatever stands."""
    raise Duplicate("no")


def test_steps_see_each_other_and_nobody_else_sees_them_before_the_end(beneath: Store) -> None:
    beneath.update(TOTALS, "a", add("m0", 1))
    gathering = Gathering(beneath)
    gathering.update(TOTALS, "a", add("m1", 2))
    gathering.write_once(PAPERS, Document("p", b"paper"))
    gathering.update_many(TOTALS, [("a", add("m2", 3)), ("b", add("m1", 9))])
    assert gathering.read(TOTALS, "a") == Total(6, 3, "m0")
    assert gathering.document(PAPERS, "p") == b"paper"
    assert (beneath.read(TOTALS, "a"), beneath.document(PAPERS, "p")) == (Total(1, 1, "m0"), None)

    gathering.commit()

    assert beneath.read(TOTALS, "a") == Total(6, 3, "m0")
    assert beneath.read(TOTALS, "b") == Total(9, 1, "m1")
    assert beneath.document(PAPERS, "p") == b"paper"


def test_a_step_that_raises_has_gathered_nothing(beneath: Store) -> None:
    gathering = Gathering(beneath)
    with pytest.raises(Duplicate):
        gathering.apply([Update(TOTALS, "a", add("m1")), Update(TOTALS, "b", refusing)])
    with pytest.raises(ValueTooLarge):
        gathering.apply(
            [
                Update(TOTALS, "a", add("m2")),
                Put(PAPERS, Document("p", bytes(MAX_VALUE_BYTES + 1))),
            ]
        )
    assert gathering.read(TOTALS, "a") is None
    gathering.commit()
    assert beneath.read(TOTALS, "a") is None


def test_a_change_is_made_once_where_its_record_stands_as_it_was_read(tmp_path: Path) -> None:
    made: list[str] = []

    def change(name: str, key: str) -> Update:
        def counted(record: Record[Total, Counted] | None) -> Mapping[str, Counted]:
            made.append(name)
            return add(name, 1)(record)

        return Update(TOTALS, key, counted)

    with contextlib.closing(SqliteStore(tmp_path / "s.db")) as store:
        store.update(TOTALS, "moved", add("m0", 5))
        store.update(TOTALS, "stands", add("m0", 5))
        gathering = Gathering(store)
        gathering.apply([change("m1", "moved"), change("m2", "stands"), change("m3", "new")])
        store.update(TOTALS, "moved", add("other", 7))
        made.clear()

        gathering.commit()

        assert made == ["m1"]
        totals = [store.read(TOTALS, key) for key in ("moved", "stands", "new")]
        assert [one.amount for one in totals if one] == [13, 6, 1]


def test_of_a_record_that_is_changed_again_each_change_sees_the_one_before_whoever_came_between(
    beneath: Store,
) -> None:
    def doubled(name: str) -> Update:
        """Add what is there by then once more."""
        return Update(
            TOTALS, "a", lambda record: add(name, record.state.amount if record else 100)(record)
        )

    gathering = Gathering(beneath)
    gathering.apply([Update(TOTALS, "a", add("m1", 2)), doubled("m2")])
    gathering.apply([doubled("m3")])
    assert gathering.read(TOTALS, "a") == Total(8, 3, "m1")
    beneath.update(TOTALS, "a", add("m0", 5))

    gathering.commit()

    # 5, then 2 more, then as much again, twice.
    assert beneath.read(TOTALS, "a") == Total(28, 4, "m0")


def test_what_is_required_of_any_change_of_a_record_is_required_of_the_last(
    beneath: Store,
) -> None:
    def little(total: Total) -> None:
        if total.amount > 10:
            raise Duplicate("too much")

    gathering = Gathering(beneath)
    gathering.apply([Update(TOTALS, "a", add("m1", 2), little)])
    gathering.apply([Update(TOTALS, "a", add("m2", 3))])
    beneath.update(TOTALS, "a", add("m0", 9))
    with pytest.raises(Duplicate):
        gathering.commit()
    assert beneath.read(TOTALS, "a") == Total(9, 1, "m0")


def test_where_others_were_faster_nothing_stands(beneath: Store) -> None:
    gathering = Gathering(beneath)
    gathering.update(TOTALS, "mine", add("m1"))
    gathering.update(TOTALS, "claimed", claim("m1"))
    beneath.update(TOTALS, "claimed", claim("other"))

    with pytest.raises(Duplicate):
        gathering.commit()

    assert beneath.read(TOTALS, "mine") is None
    assert beneath.read(TOTALS, "claimed") == Total(1, 1, "other")


def test_what_is_audited_on_the_way_is_audited_with_the_rest_or_not_at_all(
    beneath: Store,
) -> None:
    chain = Audit(beneath, writer="w", now=lambda: "2014")
    lost, kept = Gathering(beneath), Gathering(beneath)
    chain.beside(ENTRY, [Update(TOTALS, "a", claim("lost"))], lost)
    chain.beside(ENTRY, [Update(TOTALS, "a", claim("kept"))], kept)
    chain.record(ENTRY, kept)
    assert prove(beneath).entries == 0

    kept.commit()
    with pytest.raises(Duplicate):
        lost.commit()

    proof = prove(beneath)
    assert (proof.entries, proof.breaks) == (2, [])
    assert beneath.read(TOTALS, "a") == Total(1, 1, "kept")
