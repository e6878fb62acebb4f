"""A cluster's operations: each one within a deadline, asked of another node where one fails.

Everything that the client raises becomes a `StoreError` here and nowhere else. An operation may
reach the cluster twice (an answer was lost, so it was asked again); whoever puts must bear that.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct

from core.errors import StoreError
from core.store.riak import troubles
from core.store.riak.connections import Act, Connections
from core.store.riak.nodes import Address, Node, Nodes
from core.store.riak.published import published

T = TypeVar("T")

ROUNDS: Final = 4
"""How often all nodes are asked before an operation fails, if the deadline lets it."""

FIRST_PAUSE: Final = 0.05
"""Seconds, at most, between the first two rounds; doubled from round to round."""

SHORTEST_TRY: Final = 0.05
LISTING_SECONDS: Final = 60.0
"""How long the next part of a list of keys may take: it walks the whole cluster."""


class Pace(Struct, frozen=True):
    """How long an operation may take, and the sources of time and chance."""

    deadline_seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Place(Struct, frozen=True):
    """Where a value stands."""

    bucket_type: str
    bucket: str
    key: str


class Value(Struct, frozen=True):
    """What to put: the bytes, their content type, their index entries (index, term)."""

    content: bytes
    content_type: str
    terms: frozenset[tuple[str, str]]


class Copy(Struct, frozen=True):
    """One of the values that stand at a place, and when it was put (seconds, the node's clock)."""

    content: bytes
    content_type: str
    put_at: float


class Standing(Struct, frozen=True):
    """All that stands at a place, and the causal context that covers it.

    Without copies there may be a context still: of what was deleted.
    """

    copies: tuple[Copy, ...] = ()
    context: Any = None


class Counts(Struct):
    """The operations sent to the cluster, each try counted."""

    gets: int = 0
    puts: int = 0
    queries: int = 0


class Cluster:
    """The nodes at some addresses; connections are opened when they are needed, and kept."""

    def __init__(self, addresses: tuple[Address, ...], pace: Pace) -> None:
        self._connections = Connections(published(), addresses, pace.clock)
        self._pace = pace
        self._nodes = Nodes(pace.clock, pace.chance, tuple(Node(one) for one in addresses))
        self._buckets: dict[tuple[str, str], Any] = {}
        self.counts = Counts()

    def get(self, place: Place) -> Standing:
        """Give what a quorum of the place's replicas holds."""
        return self._ask(self._getting(place))

    def get_from_any(self, place: Place) -> Standing:
        """Give what any one replica holds: nothing stands there only if none has anything.

        A quorum may say "not found" of what was acknowledged, for a while after a node returns
        empty-handed; so absence is asked for twice, the second time so.
        """
        return self._ask(self._getting(place, r=1, notfound_ok=False))

    def put(self, place: Place, value: Value, context: Any) -> None:  # noqa: ANN401
        """Put a value in the place of what its context covers."""
        self._ask(self._putting(place, value, context, return_body=False))

    def put_and_read(self, place: Place, value: Value, context: Any) -> Standing:  # noqa: ANN401
        """Put a value, and give all that stands there then, in one operation."""
        return self._ask(self._putting(place, value, context, return_body=True))

    def put_new(self, place: Place, value: Value) -> Standing | None:
        """Put a value where nothing stands, and give what stands then; None where something did.

        Of two that race both may be let in; the quorums of their puts overlap, so that at least
        one of them is given both values.
        """
        put = self._putting(place, value, None, if_none_match=True, return_body=True)

        def put_new(transport: Any, timeout: int) -> Standing | None:  # noqa: ANN401
            try:
                return put(transport, timeout)
            except self._connections.client.refusal as refusal:
                if "match_found" in str(refusal):
                    return None
                raise

        return self._ask(put_new)

    def find(
        self, place: Place, terms: tuple[str, str], *, limit: int, after: str | None
    ) -> tuple[tuple[tuple[str, str], ...], str | None]:
        """Give (term, key) entries of the index `place.key` in order, and how to go on."""
        bucket = self._bucket(place)

        def find(transport: Any, timeout: int) -> Any:  # noqa: ANN401
            self.counts.queries += 1
            return transport.get_index(
                bucket,
                place.key,
                *terms,
                return_terms=True,
                max_results=limit,
                continuation=after,
                timeout=timeout,
            )

        entries, onward = self._ask(find)
        return tuple((str(term), str(key)) for term, key in entries), onward

    def keys(self, bucket_type: str, bucket: str) -> Iterator[str]:
        """Give every key of a bucket, on a connection of its own that ends with the listing."""
        named = self._bucket(Place(bucket_type, bucket, ""))
        self.counts.queries += 1
        with contextlib.closing(self._ask_for(self._connections.opened)) as connection:
            milliseconds = int(LISTING_SECONDS * 1000)
            try:
                stream = connection.within(LISTING_SECONDS).stream_keys(named, milliseconds)
                for part in stream:
                    yield from [str(key, "utf-8") for key in part]
                    connection.within(LISTING_SECONDS)
            except Exception as error:
                raise self._said(connection.address, error)[1] from error

    def properties(self, bucket_type: str) -> Mapping[str, Any] | None:
        """Give a bucket type's properties; None where there is no such type that is active."""
        named = self._connections.owner.bucket_type(bucket_type)

        def properties(transport: Any, _timeout: int) -> Mapping[str, Any] | None:  # noqa: ANN401
            try:
                return dict(transport.get_bucket_type_props(named))
            except self._connections.client.refusal as refusal:
                if "Invalid bucket type" in str(refusal):
                    return None
                raise

        return self._ask(properties)

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._connections.close()

    def _getting(self, place: Place, **options: Any) -> Act[Standing]:  # noqa: ANN401
        def get(transport: Any, timeout: int) -> Standing:  # noqa: ANN401
            self.counts.gets += 1
            item = self._item(place)
            transport.get(item, timeout=timeout, **options)
            return _standing(item)

        return get

    def _putting(
        self,
        place: Place,
        value: Value,
        context: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> Act[Standing]:
        def put(transport: Any, timeout: int) -> Standing:  # noqa: ANN401
            self.counts.puts += 1
            item = self._item(place)
            item.vclock = context
            content = item.siblings[0]
            content.content_type = value.content_type
            content.encoded_data = value.content
            content.indexes = value.terms
            transport.put(item, timeout=timeout, **options)
            return _standing(item)

        return put

    def _item(self, place: Place) -> Any:  # noqa: ANN401 - the client's object
        return self._connections.client.item(
            self._connections.owner, self._bucket(place), place.key
        )

    def _bucket(self, place: Place) -> Any:  # noqa: ANN401 - the client's bucket
        named = (place.bucket_type, place.bucket)
        bucket = self._buckets.get(named)
        if bucket is None:
            bucket = self._connections.owner.bucket_type(place.bucket_type).bucket(place.bucket)
            self._buckets[named] = bucket
        return bucket

    def _ask(self, act: Act[T]) -> T:
        return self._ask_for(partial(self._connections.use, act))

    def _ask_for(self, attempt: Callable[[Address, float], T]) -> T:
        """Give what an attempt gives, of the first node with which it succeeds."""
        failure = StoreError("no riak node could be asked within store.deadline_seconds: raise it")
        for node, seconds in self._turns():
            begun = self._pace.clock()
            try:
                answer = attempt(node.address, seconds)
            except Exception as error:  # noqa: BLE001 - whatever the client raises, it failed
                trouble, failure = self._said(node.address, error)
                failure.__cause__ = error
                if trouble.of_node:
                    self._nodes.failed(node, begun=begun)
                else:
                    self._nodes.answered(node)
                if not trouble.again:
                    break
            else:
                self._nodes.answered(node)
                return answer
        raise failure

    def _turns(self) -> Iterator[tuple[Node, float]]:
        """Give nodes to try, and how long each try may take.

        That is half of what is left of the deadline, so that a node that hangs leaves time for
        another.
        """
        pace = self._pace
        until = pace.clock() + pace.deadline_seconds
        for turn in range(ROUNDS):
            if turn:
                pause = pace.chance() * FIRST_PAUSE * 2.0 ** (turn - 1)
                pace.sleep(max(min(pause, until - pace.clock()), 0.0))
            tried: list[Node] = []
            for _ in self._nodes.every:
                left = until - pace.clock()
                if left < SHORTEST_TRY:
                    return
                tried.append(self._nodes.choose(tried))
                yield tried[-1], max(left / 2, SHORTEST_TRY)

    def _said(self, address: Address, error: BaseException) -> tuple[troubles.Trouble, StoreError]:
        """Turn what the client raised into the store's own error: the one place that does."""
        cause = self._connections.client.cause(error)
        if isinstance(cause, self._connections.client.refusal):
            text = str(getattr(cause, "value", cause))
            trouble = troubles.refused(text)
            return trouble, troubles.said(address, text, trouble)
        trouble = troubles.broken(cause)
        return trouble, troubles.said(address, "", trouble)


def _standing(item: Any) -> Standing:  # noqa: ANN401 - the client's object
    """Give what an object of the client holds; what was deleted is not a copy."""
    copies = (
        Copy(bytes(one.encoded_data), one.content_type, one.last_modified or 0.0)
        for one in item.siblings
        if one.exists
    )
    return Standing(tuple(copies), item.vclock)
