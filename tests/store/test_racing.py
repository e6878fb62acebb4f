"""What racing writers are promised on each home (docs/decisions/0007-conditional-updates.md)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from totals import Counted, Total, add, claim

from core.errors import Duplicate
from core.store.port import Bucket, Change, Document, Documents, Record, Store

Totals = Bucket[Total, Counted]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do everything at once; give what each gave, or the `Duplicate` it raised."""
    start = threading.Barrier(len(acts))

    def act(one: Callable[[], Any]) -> Any:  # noqa: ANN401
        start.wait()
        try:
            return one()
        except Duplicate as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(act, acts))


def met(change: Change[Total, Counted], all_read: threading.Barrier) -> Change[Total, Counted]:
    """Give a change that waits until every racer has read, where they can get that far."""

    def waits(record: Record[Total, Counted] | None) -> Mapping[str, Counted]:
        with contextlib.suppress(threading.BrokenBarrierError):
            all_read.wait(timeout=0.5)
        return change(record)

    return waits


def race(store: Store, totals: Totals, key: str, claimants: tuple[str, ...]) -> list[Any]:
    """Let claimants claim a key, each having read it before any has written."""
    all_read = threading.Barrier(len(claimants))
    return at_once(
        *(lambda one=one: store.update(totals, key, met(claim(one), all_read)) for one in claimants)
    )


def test_of_two_conditional_changes_one_is_made_and_the_other_refused(
    exclusive: Store, totals: Totals
) -> None:
    outcomes = race(exclusive, totals, "a", ("m1", "m2"))
    refused = [one for one in outcomes if isinstance(one, Duplicate)]
    made = [one for one in outcomes if isinstance(one, Record)]
    assert (len(refused), len(made)) == (1, 1)
    assert exclusive.record(totals, "a") == made[0]


def test_of_two_conditional_changes_that_meet_both_are_kept_and_the_fold_decides(
    converging: Store, totals: Totals
) -> None:
    outcomes = race(converging, totals, "a", ("m2", "m1"))
    assert not [one for one in outcomes if isinstance(one, Duplicate)]
    assert converging.read(totals, "a") == Total(2, 2, "m1")
    assert any(set(one.facts) == {"m1", "m2"} for one in outcomes), "one at least is told of both"
    assert converging.record(totals, "a") == converging.record(totals, "a")


def test_a_conditional_change_that_comes_after_another_is_refused(
    store: Store, totals: Totals
) -> None:
    store.update(totals, "a", claim("m1"))
    assert store.update(totals, "a", claim("m1")).state == Total(1, 1, "m1")
    assert isinstance(at_once(lambda: store.update(totals, "a", claim("m2")))[0], Duplicate)
    assert store.read(totals, "a") == Total(1, 1, "m1")


def test_writers_of_one_key_lose_nothing_and_are_given_their_own(
    store: Store, totals: Totals
) -> None:
    def work(worker: int) -> list[int]:
        return [
            store.update(totals, "shared", add(f"{worker}/{n}")).facts[f"{worker}/{n}"].amount
            for n in range(10)
        ]

    given = at_once(*(lambda w=w: work(w) for w in range(8)))
    assert given == [[1] * 10] * 8
    assert store.read(totals, "shared") == Total(80, 80, "0/0")


def test_of_documents_that_race_one_at_most_is_kept_and_read(
    store: Store, papers: Documents
) -> None:
    for key in ("p0", "p1", "p2", "p3", "p4"):
        outcomes = at_once(
            *(
                lambda n=n, key=key: store.write_once(papers, Document(key, b"%d" % n))
                for n in range(8)
            )
        )
        kept = [b"%d" % n for n, one in enumerate(outcomes) if one is None]
        read = store.document(papers, key)
        assert len(kept) <= 1
        assert [read] == (kept or [None])


def test_equal_documents_that_race_are_all_kept(store: Store, papers: Documents) -> None:
    outcomes = at_once(*[lambda: store.write_once(papers, Document("p", b"same"))] * 8)
    assert outcomes == [None] * 8
    assert store.document(papers, "p") == b"same"
