"""Siblings, tombstones and absence on Riak, and how many operations each call costs."""

from __future__ import annotations

import hashlib

import pytest
from riak_server import Copy, RiakServer
from totals import Counted, Total, add

from core.errors import Duplicate, NotFound
from core.store import codec, facts
from core.store.port import Bucket, Document, Documents, Record, Span
from core.store.riak import RiakStore
from core.store.riak.store import DOCUMENT, WITHDRAWAL

Totals = Bucket[Total, Counted]


def copy_of(totals: Totals, **amounts: int) -> Copy:
    """Give a record as another writer would have put it."""
    record = facts.folded(totals, {key: Counted(amount) for key, amount in amounts.items()})
    terms = tuple(
        (index.encode(), term.encode())
        for index, some in totals.terms(record.state).items()
        for term in some
    )
    return Copy(0, codec.encode(totals, record), b"application/json", terms, False, 0.0)  # noqa: FBT003


def document(content: bytes, *, put_at: float = 0.0, content_type: str = DOCUMENT) -> Copy:
    """Give a document, or a withdrawal, as another writer would have put it."""
    return Copy(0, content, content_type.encode(), (), False, put_at)  # noqa: FBT003


def beside(server: RiakServer, kind: Totals | Documents, key: str, *copies: Copy) -> None:
    """Put copies beside each other, none having seen another."""
    bucket_type = b"spine_documents" if isinstance(kind, Documents) else b"spine_records"
    for one in copies:
        server.keeping.put((bucket_type, kind.name.encode(), key.encode()), one, 0)


def copies_at(server: RiakServer, totals: Totals, key: str) -> int:
    return len(server.keeping.held[(b"spine_records", totals.name.encode(), key.encode())].copies)


def counts(riak: RiakStore) -> tuple[int, int, int]:
    return riak.gets, riak.puts, riak.queries


def test_a_read_merges_siblings_and_puts_the_one_record_back(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    beside(server, totals, "a", copy_of(totals, m1=1), copy_of(totals, m2=2), copy_of(totals, m1=1))
    assert riak.read(totals, "a") == Total(3, 2, "m1")
    assert counts(riak) == (1, 1, 0)
    assert copies_at(server, totals, "a") == 1
    assert riak.read(totals, "a") == Total(3, 2, "m1")
    assert counts(riak) == (2, 1, 0)


def test_a_merge_that_cannot_be_put_back_is_read_all_the_same(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    beside(server, totals, "a", copy_of(totals, m1=1), copy_of(totals, m2=2))
    server.errors.extend(["", "{too_large,1}"])
    record = riak.record(totals, "a")
    assert record is not None
    assert record.state == Total(3, 2, "m1")
    assert copies_at(server, totals, "a") == 2


def test_an_update_takes_the_place_of_the_siblings_it_has_seen(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    beside(server, totals, "a", copy_of(totals, m1=1), copy_of(totals, m2=2))
    assert riak.update(totals, "a", add("m3", 3)).state == Total(6, 3, "m1")
    assert copies_at(server, totals, "a") == 1


def test_an_index_names_a_record_once_when_its_siblings_are_merged(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    beside(server, totals, "a", copy_of(totals, m1=1), copy_of(totals, m2=2))
    span = Span("amount_bin", "000000", "000009")
    assert riak.find(totals, span, limit=9).entries == (("000001", "a"), ("000002", "a"))
    riak.read(totals, "a")
    assert riak.find(totals, span, limit=9).entries == (("000003", "a"),)


def test_siblings_read_alike_in_whatever_order_they_stand(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    """Two writers gave one message id two facts, which they must not: all readers agree still."""
    beside(server, totals, "a", copy_of(totals, m1=1), copy_of(totals, m1=2))
    beside(server, totals, "b", copy_of(totals, m1=2), copy_of(totals, m1=1))
    assert riak.read(totals, "a") == riak.read(totals, "b")


def test_what_was_deleted_is_no_copy(server: RiakServer, riak: RiakStore, totals: Totals) -> None:
    tombstone = Copy(0, b"", None, (), True, 0.0)  # noqa: FBT003
    beside(server, totals, "a", tombstone)
    beside(server, totals, "b", copy_of(totals, m1=1), tombstone)
    assert riak.read(totals, "a") is None
    assert riak.read(totals, "b") == Total(1, 1, "m1")
    riak.update(totals, "a", add("m1"))
    assert copies_at(server, totals, "a") == 1, "the tombstone's context was given"


def test_absence_is_asked_of_every_replica(
    server: RiakServer, riak: RiakStore, totals: Totals, papers: Documents
) -> None:
    riak.update(totals, "a", add("m1"))
    riak.write_once(papers, Document("p", b"x"))
    server.keeping.forgets = True
    assert riak.read(totals, "a") == Total(1, 1, "m1")
    assert riak.document(papers, "p") == b"x"


def only_if_there(record: Record[Total, Counted] | None) -> dict[str, Counted]:
    """Refuse as a change of a message does: what is not there has no next event."""
    if record is None:
        raise NotFound("there is no such total")
    return {"m2": Counted(2)}


def refused(riak: RiakStore, totals: Totals) -> None:
    with pytest.raises(NotFound):
        riak.update(totals, "nowhere", only_if_there)


def test_a_change_that_refuses_absence_is_asked_again_of_every_replica(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    riak.update(totals, "a", add("m1"))
    riak.update(totals, "b", add("m1"))
    server.keeping.forgets = True
    assert riak.update(totals, "a", only_if_there).state == Total(3, 2, "m1")
    riak.update_many(totals, [("b", only_if_there), ("b", add("m3", 3))])
    assert riak.read(totals, "b") == Total(6, 3, "m1")
    assert copies_at(server, totals, "a") == copies_at(server, totals, "b") == 1
    refused(riak, totals)


def test_each_call_costs_what_it_must(riak: RiakStore, totals: Totals, papers: Documents) -> None:
    ten = [(f"k{n}", add("m")) for n in range(10)]
    span = Span("amount_bin", "0", "9")
    for name, call, cost in (
        ("update", lambda: riak.update(totals, "a", add("m1")), (1, 1, 0)),
        ("update again", lambda: riak.update(totals, "a", add("m1")), (1, 0, 0)),
        ("read", lambda: riak.read(totals, "a"), (1, 0, 0)),
        ("read of nothing", lambda: riak.read(totals, "b"), (2, 0, 0)),
        ("write once", lambda: riak.write_once(papers, Document("p", b"x")), (0, 1, 0)),
        ("write again", lambda: riak.write_once(papers, Document("p", b"x")), (1, 1, 0)),
        ("document", lambda: riak.document(papers, "p"), (1, 0, 0)),
        ("find", lambda: riak.find(totals, span, limit=5), (0, 0, 1)),
        ("refusal of nothing", lambda: refused(riak, totals), (2, 0, 0)),
        ("updates of ten", lambda: riak.update_many(totals, ten), (10, 10, 0)),
        ("ready", riak.ready, (1, 0, 0)),
    ):
        before = counts(riak)
        call()
        after = counts(riak)
        assert tuple(now - then for now, then in zip(after, before, strict=True)) == cost, name


def test_whoever_finds_another_document_beside_its_own_withdraws_it(
    server: RiakServer, riak: RiakStore, papers: Documents
) -> None:
    def another_comes_first() -> None:
        server.between = lambda: None
        riak.write_once(papers, Document("p", b"first"))

    server.between = another_comes_first
    with pytest.raises(Duplicate):
        riak.write_once(papers, Document("p", b"second"))
    assert riak.document(papers, "p") == b"first"
    with pytest.raises(Duplicate):
        riak.write_once(papers, Document("p", b"third"))


def test_a_key_whose_documents_were_all_withdrawn_is_free(
    server: RiakServer, riak: RiakStore, papers: Documents
) -> None:
    withdrawn = [
        document(hashlib.sha256(one).digest(), content_type=WITHDRAWAL) for one in (b"a", b"b")
    ]
    beside(server, papers, "p", document(b"a"), document(b"b"), *withdrawn)
    assert riak.document(papers, "p") is None
    riak.write_once(papers, Document("p", b"a"))
    assert riak.document(papers, "p") == b"a"


def test_where_a_writer_died_before_it_withdrew_the_first_document_is_read(
    server: RiakServer, riak: RiakStore, papers: Documents
) -> None:
    beside(server, papers, "p", document(b"later", put_at=20.0), document(b"first", put_at=10.0))
    assert riak.document(papers, "p") == b"first"
