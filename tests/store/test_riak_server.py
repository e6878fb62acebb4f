"""Our Riak node answers as a real one does: one conversation with both, compared."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import riak_wire as wire
from msgspec import Struct, field
from riak_server import RiakServer

from facade.config import riak_addresses

CLUSTER = os.environ.get("SPINE_TEST_RIAK", "")

TYPE = b"spine_records"
MISSING = b"spine-test-no-such-type"

Said = tuple[str, Any]


def _unused_bucket() -> bytes:
    return f"spine-test-talk-{uuid.uuid4().hex}".encode()


class Talk(Struct):
    """A conversation over one connection about one bucket that nobody else uses."""

    sock: socket.socket
    bucket: bytes = field(default_factory=_unused_bucket)
    context: bytes | None = None
    """The causal context given last."""
    said: list[Said] = field(default_factory=list)

    def ask(self, name: str, code: int, *fields: wire.Field) -> wire.Fields:
        """Ask, note what is answered, as far as two nodes must agree on it."""
        answered, body = wire.ask(self.sock, code, wire.message(*fields))
        found = wire.fields(body)
        self.said.append((name, (answered, _agreed(answered, found))))
        return found

    def get(self, name: str, key: bytes, *more: wire.Field, bucket_type: bytes = TYPE) -> None:
        """Get, and keep the context."""
        base: list[wire.Field] = [(1, self.bucket), (2, key), (9, True), (13, bucket_type)]
        found = self.ask(name, wire.GET, *base, *more)
        self.context = found[2][0] if 2 in found else None

    def put(self, name: str, key: bytes, value: bytes, *more: wire.Field) -> None:
        """Put without a context unless one is among `more`, and keep what context is given."""
        pair = wire.message((1, b"tag_bin"), (2, value))
        content = wire.message((1, value), (2, b"text/plain"), (10, pair))
        kind: list[wire.Field] = [] if any(n == 16 for n, _ in more) else [(16, TYPE)]
        found = self.ask(name, wire.PUT, (1, self.bucket), (2, key), (4, content), *kind, *more)
        self.context = found[2][0] if 2 in found else self.context

    def index(self, name: str, *more: wire.Field) -> wire.Fields:
        """Ask the index; a range where no one term is asked for."""
        kind = 0 if any(n == 4 for n, _ in more) else 1
        base: list[wire.Field] = [(1, self.bucket), (2, b"tag_bin"), (3, kind), (12, TYPE)]
        return self.ask(name, wire.INDEX, *base, *more)

    def listing(self, name: str) -> None:
        """List the bucket's keys."""
        self.sock.sendall(wire.frame(wire.LIST_KEYS, wire.message((1, self.bucket), (3, TYPE))))
        keys: list[Any] = []
        done = False
        while not done:
            answer = wire.receive(self.sock)
            assert answer is not None
            found = wire.fields(answer[1])
            keys += found.get(1, [])
            done = 2 in found
        self.said.append((name, sorted(keys)))


def _agreed(code: int, found: wire.Fields) -> object:
    """Give what two nodes must agree on; not their clocks, times and tags."""
    if code in {wire.GET_ANSWER, wire.PUT_ANSWER}:
        contents = sorted(_content(wire.fields(bytes(one))) for one in found.get(1, []))
        return contents, 2 in found
    if code == wire.INDEX_ANSWER:
        pairs = [wire.fields(bytes(one)) for one in found.get(2, [])]
        entries = [(pair[1][0], pair[2][0]) for pair in pairs]
        return entries, sorted(found.get(1, [])), 3 in found
    if code == wire.PROPERTIES_ANSWER:
        properties = wire.fields(bytes(found[1][0]))
        return {number: properties.get(number, [0]) for number in (1, 2, 3, 28)}
    return found.get(1, [])


def _content(content: wire.Fields) -> tuple[object, ...]:
    pairs = [wire.fields(bytes(pair)) for pair in content.get(10, [])]
    return (
        content[1][0],
        content.get(2, [b""])[0] if 11 not in content else b"",
        sorted((pair[1][0], pair[2][0]) for pair in pairs),
        content.get(11, [0])[0],
    )


def converse(sock: socket.socket) -> list[Said]:
    """Have the whole conversation; give what was said."""
    talk = Talk(sock)
    for part in (_values, _siblings, _conditional, _tombstones, _indexes, _refusals):
        part(talk)
    return talk.said


def _values(talk: Talk) -> None:
    talk.ask("ping", wire.PING)
    talk.get("nothing", b"none")
    talk.get("nothing, of any replica", b"none", (3, 1), (6, False))
    talk.put("first put", b"a", b"one")
    talk.get("what was put", b"a")
    talk.get("its head", b"a", (8, True))
    talk.put("put over it, and read", b"a", b"two", (3, talk.context), (7, True))
    talk.get("what was put over it", b"a")


def _siblings(talk: Talk) -> None:
    talk.get("before a race", b"a")
    before = talk.context
    talk.put("one writer", b"a", b"three", (3, before))
    talk.put("another, with the same context", b"a", b"four", (3, before), (7, True))
    talk.get("both", b"a")
    talk.put("the merge", b"a", b"five", (3, talk.context), (7, True))
    talk.put("a late writer, with the old context", b"a", b"six", (3, before), (7, True))
    talk.put("a writer without a context", b"a", b"six", (7, True))
    talk.get("all three, two of them equal", b"a")
    for number in range(101):
        talk.put("one of many without a context", b"many", b"%d" % number)


def _conditional(talk: Talk) -> None:
    talk.put("a new key", b"new", b"one", (10, True), (7, True))
    talk.put("no new key any more", b"new", b"two", (10, True), (7, True))
    talk.get("the first of them", b"new")


def _tombstones(talk: Talk) -> None:
    talk.put("to be deleted", b"gone", b"one", (7, True))
    talk.ask("delete", wire.DELETE, (1, talk.bucket), (2, b"gone"), (4, talk.context), (13, TYPE))
    talk.get("what was deleted has a context", b"gone")
    covering = talk.context
    talk.get("and none where none is asked for", b"gone", (9, False))
    talk.put("a new key, for what was deleted is not there", b"gone", b"two", (10, True), (7, True))
    talk.get("it stands beside the tombstone", b"gone")
    talk.put("with the context it would not", b"gone", b"three", (3, talk.context), (7, True))
    talk.put("a context from before", b"gone", b"four", (3, covering), (7, True))
    talk.ask("delete of nothing", wire.DELETE, (1, talk.bucket), (2, b"none"), (13, TYPE))


def _indexes(talk: Talk) -> None:
    for key in (b"i3", b"i1", b"i2", b"i4", b"i0"):
        talk.put("an entry", key, b"term" if key < b"i3" else b"tesla")
    onward: object = None
    for number in range(4):
        found = talk.index(
            f"page {number}", (5, b"te"), (6, b"tf"), (7, True), (9, 2), (10, onward)
        )
        onward = found[3][0] if 3 in found else None
        if onward is None:
            break
    talk.index("one term, in a range", (5, b"term"), (6, b"term"), (7, True), (9, 10))
    talk.index("one term", (4, b"term"), (9, 10))
    talk.index("keys of a range", (5, b"te"), (6, b"tf"), (9, 10))
    talk.index("keys of a range, not paged", (5, b"te"), (6, b"tf"))
    talk.index("an empty range", (5, b"x"), (6, b"z"), (7, True), (9, 10))
    talk.listing("every key")


def _refusals(talk: Talk) -> None:
    talk.get("get of a missing type", b"a", (13, MISSING))
    talk.put("put of a missing type", b"a", b"one", (16, MISSING))
    talk.ask("listing of a missing type", wire.LIST_KEYS, (1, talk.bucket), (3, MISSING))
    talk.ask("properties of a missing type", wire.TYPE_PROPERTIES, (1, MISSING))
    talk.ask("properties", wire.TYPE_PROPERTIES, (1, TYPE))
    talk.get("an empty key", b"")
    talk.put("put of an empty key", b"", b"one")


@pytest.fixture
def real() -> Iterator[socket.socket]:
    """Give a connection to the real cluster."""
    if not CLUSTER:
        pytest.skip("our node was not compared with a real one: set SPINE_TEST_RIAK=host:port")
    with socket.create_connection(riak_addresses(f"riak://{CLUSTER}")[0], 10) as sock:
        yield sock


def test_our_node_says_what_a_real_one_says(server: RiakServer, real: socket.socket) -> None:
    with socket.create_connection(server.address, 10) as ours:
        expected = converse(real)
        assert converse(ours) == expected
    assert len(expected) == 150


def test_our_node_keeps_to_the_conversation_that_was_recorded(server: RiakServer) -> None:
    """What a node of OpenRiak 3.2.3 said where it matters most, so that ours cannot drift alone."""
    with socket.create_connection(server.address, 10) as ours:
        said = dict(converse(ours))
    tag = [(b"tag_bin", b"one")]
    assert said["what was put"] == (wire.GET_ANSWER, ([(b"one", b"text/plain", tag, 0)], True))
    assert said["nothing"] == (wire.GET_ANSWER, ([], False))
    assert [one[0] for one in said["both"][1][0]] == [b"four", b"three"]
    assert [one[0] for one in said["all three, two of them equal"][1][0]] == [
        b"five",
        b"six",
        b"six",
    ]
    assert said["one of many without a context"] == (wire.ERROR, [b"{too_many_siblings,101}"])
    assert said["no new key any more"] == (wire.ERROR, [b"match_found"])
    assert said["what was deleted has a context"] == (wire.GET_ANSWER, ([], True))
    assert [one[0] for one in said["it stands beside the tombstone"][1][0]] == [b"", b"two"]
    assert said["get of a missing type"] == (wire.ERROR, [b"no_type"])
