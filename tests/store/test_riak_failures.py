"""The failures of a cluster, as the store's callers see them: late or in words, never worse."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import riak_wire
from riak_server import RiakServer
from serving import free_ports
from totals import Counted, Total, add

from core.errors import Duplicate, StoreError, StoreFull
from core.store.port import Bucket, Document, Documents, Span, Store
from core.store.riak import Pace, RiakStore

Totals = Bucket[Total, Counted]

DEADLINE = 1.0
SLACK = 0.5
"""What a busy test machine may add to a deadline."""


@pytest.fixture
def pair() -> Iterator[tuple[RiakServer, RiakServer]]:
    """Give two nodes of one cluster."""
    first = RiakServer()
    second = RiakServer(first.keeping)
    yield first, second
    for node in (first, second):
        node.hangs = node.drips = False
        node.down()


StoreOn = Callable[..., RiakStore]


@pytest.fixture
def store_on() -> Iterator[StoreOn]:
    """Give what makes stores on nodes or addresses, and close them after the test."""
    with contextlib.ExitStack() as made:

        def make(*nodes: RiakServer | tuple[str, int]) -> RiakStore:
            addresses = tuple(one if isinstance(one, tuple) else one.address for one in nodes)
            store = RiakStore(addresses, Pace(deadline_seconds=DEADLINE))
            made.callback(store.close)
            return store

        yield make


def timed(act: Callable[[], Any]) -> tuple[str, float]:
    """Give the words of the error that an act must raise, and the seconds it took to."""
    began = time.monotonic()
    with pytest.raises(StoreError) as raised:
        act()
    return str(raised.value), time.monotonic() - began


def every_call(store: Store, totals: Totals, papers: Documents) -> list[Callable[[], Any]]:
    return [
        lambda: store.read(totals, "a"),
        lambda: store.record(totals, "a"),
        lambda: store.update(totals, "a", add("m2")),
        lambda: store.update_many(totals, [("a", add("m3")), ("b", add("m3"))]),
        lambda: store.write_once(papers, Document("p", b"x")),
        lambda: store.document(papers, "p"),
        lambda: store.find(totals, Span("amount_bin", "0", "9"), limit=5),
        lambda: list(store.keys(totals)),
        store.faults,
        store.ready,
    ]


def test_a_node_that_refuses_connections_is_an_error_with_its_cure_for_every_call(
    store_on: StoreOn, server: RiakServer, totals: Totals, papers: Documents
) -> None:
    store = store_on(server)
    server.down()
    for call in every_call(store, totals, papers):
        words, seconds = timed(call)
        assert "refuses connections: start it, or correct store.url" in words
        assert seconds < DEADLINE + SLACK


def test_a_node_that_hangs_is_waited_for_no_longer_than_the_deadline(
    store_on: StoreOn, server: RiakServer, totals: Totals, papers: Documents
) -> None:
    store = store_on(server)
    store.update(totals, "a", add("m1"))
    server.hangs = True
    for call in every_call(store, totals, papers)[:3]:
        words, seconds = timed(call)
        assert "does not answer in time" in words
        assert seconds < DEADLINE + SLACK


def test_an_answer_that_drips_is_waited_for_no_longer_than_the_deadline(
    store_on: StoreOn, server: RiakServer, papers: Documents
) -> None:
    store = store_on(server)
    store.write_once(papers, Document("p", bytes(1000)))
    server.drips = True
    words, seconds = timed(lambda: store.document(papers, "p"))
    assert "does not answer in time" in words
    assert seconds < DEADLINE + SLACK


def test_beside_a_node_that_hangs_another_answers_and_the_next_calls_do_not_wait(
    store_on: StoreOn, pair: tuple[RiakServer, RiakServer], totals: Totals
) -> None:
    store = store_on(*pair)
    store.update(totals, "a", add("m1"))
    pair[0].hangs = True
    began = time.monotonic()
    for _ in range(50):
        assert store.read(totals, "a") == Total(1, 1, "m1")
    assert time.monotonic() - began < 2 * DEADLINE


@pytest.mark.parametrize("number", range(9))
def test_an_answer_cut_in_the_middle_is_asked_for_again(
    store_on: StoreOn, server: RiakServer, totals: Totals, papers: Documents, number: int
) -> None:
    store = store_on(server)
    store.update(totals, "a", add("m1"))
    store.write_once(papers, Document("p", b"x"))
    calls = [call for call in every_call(store, totals, papers) if call is not None]
    del calls[7]  # a listing is not begun again: its beginning was given already
    server.cuts = 1
    calls[number]()
    assert server.cuts == 0
    assert store.read(totals, "a") is not None
    assert store.document(papers, "p") == b"x"


def test_a_listing_cut_in_the_middle_is_an_error_and_not_a_shorter_list(
    store_on: StoreOn, server: RiakServer, totals: Totals
) -> None:
    store = store_on(server)
    store.update_many(totals, [(f"k{n}", add("m")) for n in range(25)])
    server.cuts = 1
    words, _ = timed(lambda: list(store.keys(totals)))
    assert "breaks the connection" in words


def test_a_put_whose_answer_was_lost_is_made_once(
    store_on: StoreOn, server: RiakServer, totals: Totals, papers: Documents
) -> None:
    store = store_on(server)
    store.update(totals, "a", add("m1"))

    def cut_the_put(_record: object) -> dict[str, Counted]:
        server.cuts = 1
        return {"m2": Counted(2)}

    assert store.update(totals, "a", cut_the_put).state == Total(3, 2, "m1")
    assert store.read(totals, "a") == Total(3, 2, "m1")
    server.cuts = 1
    store.write_once(papers, Document("p", b"x"))
    assert store.document(papers, "p") == b"x"
    with pytest.raises(Duplicate):
        store.write_once(papers, Document("p", b"y"))


def test_connections_that_broke_while_they_were_idle_cost_nothing_but_a_new_one(
    store_on: StoreOn, server: RiakServer, totals: Totals
) -> None:
    store = store_on(server)
    store.update(totals, "a", add("m1"))
    server.down()
    server.up()
    assert store.read(totals, "a") == Total(1, 1, "m1")
    assert store.gets == 3, "the update's, the one that met the broken connection, its repetition"


def is_asked_again(node: RiakServer) -> bool:
    """Say whether a node gets another request within some seconds."""
    asked = len(node.asked)
    until = time.monotonic() + 5
    while len(node.asked) == asked and time.monotonic() < until:
        time.sleep(0.01)
    return len(node.asked) > asked


@contextlib.contextmanager
def writing(store: Store, totals: Totals, done: dict[str, int]) -> Iterator[None]:
    """Write to each key of `done`, in a thread each, and count there what was acknowledged."""
    stop = threading.Event()

    def work(key: str) -> None:
        while not stop.is_set():
            store.update(totals, key, add(f"m{done[key]}"))
            store.read(totals, "k0")
            done[key] += 1

    with ThreadPoolExecutor(len(done)) as threads:
        working = [threads.submit(work, key) for key in done]
        try:
            yield
        finally:
            stop.set()
        for one in working:
            one.result()


def test_a_node_dies_and_comes_back_and_nobody_notices(
    store_on: StoreOn, pair: tuple[RiakServer, RiakServer], totals: Totals
) -> None:
    store = store_on(*pair)
    done = {f"k{n}": 0 for n in range(4)}
    with writing(store, totals, done):
        for node in pair:
            time.sleep(0.2)
            node.down()
            time.sleep(0.3)
            node.up()
            assert is_asked_again(node), "it was taken back"
    assert {key: store.read(totals, key).facts for key in done} == done
    assert min(done.values()) > 10


def test_when_every_node_was_away_and_one_is_back_the_store_goes_on(
    store_on: StoreOn, pair: tuple[RiakServer, RiakServer], totals: Totals
) -> None:
    store = store_on(*pair)
    store.update(totals, "a", add("m1"))
    for node in pair:
        node.down()
    for _ in range(3):
        timed(lambda: store.read(totals, "a"))
    pair[1].up()
    assert store.read(totals, "a") == Total(1, 1, "m1")


@pytest.mark.parametrize("words", ["{insufficient_vnodes,0,need,2}", "all_nodes_down"])
def test_a_node_that_is_starting_leaves_the_answer_to_another(
    store_on: StoreOn, pair: tuple[RiakServer, RiakServer], totals: Totals, words: str
) -> None:
    store = store_on(*pair)
    store.update(totals, "a", add("m1"))
    pair[0].errors.extend([words] * 100)
    for _ in range(10):
        assert store.read(totals, "a") == Total(1, 1, "m1")
    assert len(pair[0].errors) > 90, "it was left alone for a while"


@pytest.mark.parametrize(
    "words",
    [
        "timeout",
        "overload",
        "{insufficient_vnodes,0,need,2}",
        "{pw_val_unsatisfied,2,1}",
        "Unknown message code: 9",
    ],
)
def test_what_passes_is_asked_again_of_the_same_node(
    store_on: StoreOn, server: RiakServer, totals: Totals, words: str
) -> None:
    store = store_on(server)
    server.errors.extend([words, words])
    assert store.read(totals, "a") is None


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("no_type", "riak admin bucket-type create spine_records"),
        ("{too_large,53477581}", "object.size.maximum"),
        ("Permission denied: User 'x'", "riak admin security disable"),
        ("{too_many_siblings,101}", "try again"),
        ('{badmatch,{<<"9990000018">>}}', "look into that node's log"),
    ],
)
def test_what_does_not_pass_is_said_at_once_with_its_cure(
    store_on: StoreOn,
    server: RiakServer,
    totals: Totals,
    words: str,
    cure: str,
) -> None:
    store = store_on(server)
    server.errors.append(words)
    with pytest.raises(StoreError, match=cure) as raised:
        store.read(totals, "a")
    assert f"{server.address[0]}:{server.address[1]}" in str(raised.value)
    assert "9990000018" not in str(raised.value), "a patient's number is not repeated"
    assert len(server.asked) == 1


def test_a_node_whose_disk_is_full_is_a_full_store(
    store_on: StoreOn, server: RiakServer, papers: Documents
) -> None:
    store = store_on(server)
    server.errors.append("{error,enospc}")
    with pytest.raises(StoreFull, match="its disk is full: free room on it or add a node"):
        store.write_once(papers, Document("p", b"x"))


def test_an_overload_that_lasts_ends_with_the_deadline_in_words(
    store_on: StoreOn, server: RiakServer, totals: Totals
) -> None:
    store = store_on(server)
    server.errors.extend(["overload"] * 1000)
    words, seconds = timed(lambda: store.read(totals, "a"))
    assert "too busy" in words
    assert seconds < DEADLINE + SLACK


def test_an_answer_that_is_no_message_is_not_taken_for_one(
    store_on: StoreOn, server: RiakServer, totals: Totals
) -> None:
    store = store_on(server)
    store.update(totals, "a", add("m1"))
    server.garbles = 1
    assert store.read(totals, "a") == Total(1, 1, "m1")
    server.garbles = 100
    words, _ = timed(lambda: store.read(totals, "a"))
    assert "does not speak Riak's protocol buffers: correct store.url" in words


def test_a_server_that_is_not_riak_is_named_so(store_on: StoreOn, totals: Totals) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                riak_wire.receive(connection)
                connection.sendall(b"\x00\x00\x00\x09HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=answer, daemon=True).start()
    store = store_on(listener.getsockname())
    words, seconds = timed(lambda: store.read(totals, "a"))
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    assert "correct store.url" in words
    assert seconds < DEADLINE + SLACK


def test_a_name_that_is_not_known_is_said_so(store_on: StoreOn, totals: Totals) -> None:
    store = store_on(("no-such-host.invalid", 8087))
    words, _ = timed(lambda: store.read(totals, "a"))
    assert "has a name that is not known: correct store.url" in words


def test_readiness_is_a_real_get_and_not_a_ping(store_on: StoreOn, server: RiakServer) -> None:
    store = store_on(server)
    server.errors.extend(["{insufficient_vnodes,0,need,2}"] * 100)
    words, _ = timed(store.ready)
    assert "riak admin wait-for-service riak_kv" in words
    assert set(server.asked) == {riak_wire.GET}


def test_missing_bucket_types_are_named_with_the_commands_that_make_them(
    store_on: StoreOn, server: RiakServer, totals: Totals
) -> None:
    store = store_on(server)
    server.keeping.types.clear()
    assert store.faults() == tuple(
        f"bucket type {name} is missing: `riak admin bucket-type create {name} "
        '\'{"props":{"allow_mult":true,"last_write_wins":false,"n_val":3}}\'` and '
        f"`riak admin bucket-type activate {name}`"
        for name in ("spine_records", "spine_documents")
    )
    words, _ = timed(lambda: store.read(totals, "a"))
    assert "a bucket type is missing: `riak admin bucket-type create spine_records" in words


def test_bucket_types_with_wrong_properties_are_named_with_the_cure(
    store_on: StoreOn, server: RiakServer
) -> None:
    store = store_on(server)
    server.keeping.types[b"spine_records"] = {1: 1, 2: 0, 3: 0}
    server.keeping.types[b"spine_documents"] = {1: 3, 2: 1, 3: 0, 28: 1}
    update = "riak admin bucket-type update spine_records"
    keep = "which cannot be changed: empty that cluster of it, or name another cluster in store.url"
    assert list(store.faults()) == [
        f"bucket type spine_records has {wrong}: `{update} '{{\"props\":{{{right}}}}}'`"
        for wrong, right in (
            ("allow_mult = false", '"allow_mult":true'),
            ("n_val = 1", '"n_val":3'),
        )
    ] + [
        f"bucket type spine_documents has write_once = true, {keep}",
    ]


def test_threads_share_connections_and_keep_no_more_than_they_need(
    server: RiakServer, riak: RiakStore, totals: Totals
) -> None:
    for n in range(20):
        riak.update(totals, f"k{n}", add("m"))
    assert len(server._open) == 1
    threads = [threading.Thread(target=riak.read, args=(totals, "k1")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server._open) <= 8


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_store_used_before_a_fork_works_on_both_sides_of_it(
    riak: RiakStore, totals: Totals
) -> None:
    riak.update(totals, "a", add("m0"))
    child = os.fork()
    if child == 0:
        try:
            for n in range(20):
                riak.update(totals, "a", add(f"child{n}"))
            os._exit(0)
        finally:
            os._exit(1)
    for n in range(20):
        riak.update(totals, "a", add(f"parent{n}"))
    assert os.waitpid(child, 0)[1] == 0
    assert riak.read(totals, "a") == Total(41, 41, "child0")


def test_a_closed_port_is_refused_within_a_moment(totals: Totals) -> None:
    store = RiakStore((("127.0.0.1", free_ports(1)[0]),), Pace(deadline_seconds=10.0))
    _, seconds = timed(lambda: store.read(totals, "a"))
    assert seconds < 2.0, "threads are not held for the whole deadline when nothing listens"
