"""A Riak node for tests: real TCP, siblings and indexes in memory, failures to order.

What it answers is compared with a real node (tests/store/test_riak_server.py) where one is named.
`Keeping` is what a cluster keeps, `RiakServer` one node of it; two nodes may share one keeping.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable

import riak_wire as wire
from msgspec import Struct, field
from msgspec.structs import replace
from riak_wire import Fields, one

Place = tuple[bytes, bytes, bytes]

MAX_SIBLINGS = 100


class Refused(Exception):
    """The node answers with an error of these words."""


class Copy(Struct, frozen=True):
    """One sibling: its dot in the object's clock, its content, whether it is a tombstone."""

    dot: int
    value: bytes
    content_type: bytes | None
    indexes: tuple[tuple[bytes, bytes], ...]
    deleted: bool
    put_at: float


class Held(Struct, frozen=True):
    """All that stands at a place; with one actor, a context of n covers the dots up to n."""

    clock: int = 0
    copies: tuple[Copy, ...] = ()


class Keeping(Struct):
    """What a cluster keeps; bucket types by name with their properties by field number."""

    types: dict[bytes, dict[int, int]] = field(
        default_factory=lambda: {
            b"spine_records": {1: 3, 2: 1, 3: 0},
            b"spine_documents": {1: 3, 2: 1, 3: 0},
        }
    )
    held: dict[Place, Held] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    forgets: bool = False
    """Set: a quorum finds nothing, one replica still does (a node came back empty)."""

    def put(self, place: Place, copy: Copy, context: int) -> Held:
        """Replace what the context covers by a copy, beside what it does not cover."""
        with self.lock:
            before = self.held.get(place, Held())
            kept = tuple(old for old in before.copies if old.dot > context)
            if self.types[place[0]].get(2, 0) == 0:
                kept = ()
            if len(kept) >= MAX_SIBLINGS:
                raise Refused(f"{{too_many_siblings,{len(kept) + 1}}}")
            clock = before.clock + 1
            after = Held(clock, (*kept, replace(copy, dot=clock)))
            self.held[place] = after
            return after

    def of_bucket(self, bucket_type: bytes, bucket: bytes) -> list[tuple[bytes, Held]]:
        """Give the keys of a bucket with what is held there."""
        with self.lock:
            return [(p[2], held) for p, held in self.held.items() if p[:2] == (bucket_type, bucket)]


class RiakServer:
    """One node, on a port of its own that it keeps while it is down."""

    def __init__(self, keeping: Keeping | None = None) -> None:
        self.keeping = keeping or Keeping()
        self.asked: list[int] = []
        self.errors: deque[str] = deque()
        """What the next requests are answered with; nothing for one that is served."""
        self.hangs = False
        self.drips = False
        self.cuts = 0
        self.garbles = 0
        self.between: Callable[[], None] = _nothing
        """Called between the check of a conditional put and the put: a test lets another in."""
        self._open: set[socket.socket] = set()
        self._port = 0
        self._listener: socket.socket | None = None
        self.up()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, or would."""
        return "127.0.0.1", self._port

    def up(self) -> None:
        """Listen."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(64)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Die: refuse connections and break those there are."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._open):
            _reset(connection)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while (asked := wire.receive(connection)) is not None:
                self.asked.append(asked[0])
                while self.hangs:
                    time.sleep(0.01)
                if not self._send(connection, b"".join(self._answers(*asked))):
                    break
        self._open.discard(connection)

    def _send(self, connection: socket.socket, answer: bytes) -> bool:
        if self.cuts:
            self.cuts -= 1
            connection.sendall(answer[: max(len(answer) // 2, 3)])
            _reset(connection)
            return False
        if self.garbles:
            self.garbles -= 1
            answer = answer[:5] + b"\xff" * (len(answer) - 5)
        while self.drips and answer:
            connection.sendall(answer[:1])
            answer = answer[1:]
            time.sleep(0.05)
        connection.sendall(answer)
        return True

    def _answers(self, code: int, body: bytes) -> list[bytes]:
        """Give the frames that answer a request."""
        words = self.errors.popleft() if self.errors else ""
        if words:
            return [_error(words)]
        answer = _ANSWERS.get(code)
        if answer is None:
            return [_error(f"Unknown message code: {code}")]
        try:
            return answer(self, wire.fields(body))
        except Refused as refusal:
            return [_error(str(refusal))]

    def get(self, asked: Fields) -> list[bytes]:
        """Answer a get."""
        held = self._look(self._place(asked, type_field=13), asked)
        if held is None or not held.copies:
            return [wire.frame(wire.GET_ANSWER)]
        if all(copy.deleted for copy in held.copies):
            covering = _clock(held) if one(asked, 9) else None
            return [wire.frame(wire.GET_ANSWER, wire.message((2, covering)))]
        body = wire.message(*_contents(held, bool(one(asked, 8))), (2, _clock(held)))
        return [wire.frame(wire.GET_ANSWER, body)]

    def put(self, asked: Fields) -> list[bytes]:
        """Answer a put; a conditional one checks first, and then is not alone."""
        place = self._place(asked, type_field=16)
        if one(asked, 10):
            standing = self.keeping.held.get(place)
            if standing and not all(copy.deleted for copy in standing.copies):
                raise Refused("match_found")
            self.between()
        held = self.keeping.put(place, _copy(wire.fields(_bytes(asked, 4))), _context(asked, 3))
        if not one(asked, 7):
            return [wire.frame(wire.PUT_ANSWER)]
        body = wire.message(*_contents(held, head=False), (2, _clock(held)))
        return [wire.frame(wire.PUT_ANSWER, body)]

    def delete(self, asked: Fields) -> list[bytes]:
        """Answer a delete: a tombstone takes the place of what its context covers."""
        place = self._place(asked, type_field=13)
        with self.keeping.lock:
            if place in self.keeping.held:
                covers = _context(asked, 4) if 4 in asked else self.keeping.held[place].clock
                self.keeping.put(place, Copy(0, b"", None, (), True, time.time()), covers)  # noqa: FBT003
        return [wire.frame(wire.DELETE_ANSWER)]

    def index(self, asked: Fields) -> list[bytes]:
        """Answer an index query: in order only where a page is asked for, as Riak does."""
        bucket_type = bytes(one(asked, 12) or b"default")
        name, low, high = _bytes(asked, 2), one(asked, 5), one(asked, 6)
        if one(asked, 3) == 0:
            low = high = one(asked, 4)
        entries = sorted(
            {
                (term, key)
                for key, held in self.keeping.of_bucket(bucket_type, _bytes(asked, 1))
                for copy in held.copies
                for index, term in copy.indexes
                if index == name and low <= term <= high
            }
        )
        return [wire.frame(wire.INDEX_ANSWER, _page(asked, entries))]

    def keys(self, asked: Fields) -> list[bytes]:
        """Answer a listing in parts."""
        bucket_type = bytes(one(asked, 3) or b"default")
        self._known(bucket_type, "No bucket-type named '{}'")
        found = [
            key
            for key, held in self.keeping.of_bucket(bucket_type, _bytes(asked, 1))
            if not all(copy.deleted for copy in held.copies)
        ]
        parts = [found[at : at + 10] for at in range(0, len(found), 10)]
        return [
            *(
                wire.frame(wire.LIST_KEYS_ANSWER, wire.message(*wire.repeated(1, part)))
                for part in parts
            ),
            wire.frame(wire.LIST_KEYS_ANSWER, wire.message((2, True))),
        ]

    def properties(self, asked: Fields) -> list[bytes]:
        """Answer with a bucket type's properties."""
        name = _bytes(asked, 1)
        self._known(name, 'Invalid bucket type: <<"{}">>')
        props = wire.message(*self.keeping.types[name].items())
        return [wire.frame(wire.PROPERTIES_ANSWER, wire.message((1, props)))]

    def _look(self, place: Place, asked: Fields) -> Held | None:
        from_any = one(asked, 3) == 1 and one(asked, 6) == 0
        if self.keeping.forgets and not from_any:
            return None
        return self.keeping.held.get(place)

    def _place(self, asked: Fields, *, type_field: int) -> Place:
        bucket_type = bytes(one(asked, type_field) or b"default")
        self._known(bucket_type, "no_type")
        key = _bytes(asked, 2)
        if not key:
            raise Refused("Key cannot be zero-length")
        return bucket_type, _bytes(asked, 1), key

    def _known(self, bucket_type: bytes, words: str) -> None:
        if bucket_type not in self.keeping.types:
            raise Refused(words.format(bucket_type.decode()))


_ANSWERS: dict[int, Callable[[RiakServer, Fields], list[bytes]]] = {
    wire.PING: lambda _server, _asked: [wire.frame(wire.PONG)],
    wire.SERVER_INFO: lambda _server, _asked: [
        wire.frame(wire.SERVER_INFO_ANSWER, wire.message((1, b"riak@test"), (2, b"3.2.3")))
    ],
    wire.GET: RiakServer.get,
    wire.PUT: RiakServer.put,
    wire.DELETE: RiakServer.delete,
    wire.INDEX: RiakServer.index,
    wire.LIST_KEYS: RiakServer.keys,
    wire.TYPE_PROPERTIES: RiakServer.properties,
}


def _nothing() -> None:
    """Let nobody in."""


def _error(words: str) -> bytes:
    return wire.frame(wire.ERROR, wire.message((1, words.encode()), (2, 0)))


def _bytes(asked: Fields, number: int) -> bytes:
    return bytes(one(asked, number) or b"")


def _clock(held: Held) -> bytes:
    return struct.pack("!Q", held.clock)


def _context(asked: Fields, number: int) -> int:
    clock = _bytes(asked, number)
    return struct.unpack("!Q", clock)[0] if clock else 0


def _copy(content: Fields) -> Copy:
    pairs = [wire.fields(pair) for pair in content.get(10, [])]
    unknown = [name for name in (_bytes(pair, 1) for pair in pairs) if not _is_indexed(name)]
    if unknown:
        raise Refused(f"{{precommit_fail,[{{unknown_field_type,{unknown[0].decode()}}}]}}")
    return Copy(
        dot=0,
        value=_bytes(content, 1),
        content_type=content[2][0] if 2 in content else None,
        indexes=tuple((_bytes(pair, 1), _bytes(pair, 2)) for pair in pairs),
        deleted=False,
        put_at=time.time(),
    )


def _is_indexed(name: bytes) -> bool:
    """Say whether an index has a name that says its type, as the real node demands."""
    return name.endswith((b"_bin", b"_int"))


def _contents(held: Held, head: bool) -> list[wire.Field]:  # noqa: FBT001 - the message's field
    """Give the copies as contents, the last put first."""
    return [(1, _content(copy, head)) for copy in reversed(held.copies)]


def _content(copy: Copy, head: bool) -> bytes:  # noqa: FBT001
    seconds, part = divmod(copy.put_at, 1)
    pairs = [wire.message((1, index), (2, term)) for index, term in copy.indexes]
    return wire.message(
        (1, b"" if head else copy.value),
        (2, copy.content_type),
        (5, b"vtag"),
        (7, int(seconds)),
        (8, int(part * 1e6)),
        *wire.repeated(10, pairs),
        (11, True if copy.deleted else None),
    )


def _page(asked: Fields, entries: list[tuple[bytes, bytes]]) -> bytes:
    limit, after = one(asked, 9), one(asked, 10)
    if after is not None:
        term, _, key = base64.b64decode(bytes(after)).partition(b"\x00")
        entries = [entry for entry in entries if entry > (term, key)]
    onward = None
    if limit is None:
        entries.reverse()
    elif len(entries) >= int(limit):
        entries = entries[: int(limit)]
        onward = base64.b64encode(b"\x00".join(entries[-1]))
    if one(asked, 7) and one(asked, 3) != 0:
        found = wire.repeated(2, [wire.message((1, term), (2, key)) for term, key in entries])
    else:
        found = wire.repeated(1, [key for _, key in entries])
    return wire.message(*found, (3, onward))


def _reset(connection: socket.socket) -> None:
    """Break a connection so that the other side sees a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
        connection.close()
