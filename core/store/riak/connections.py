"""Connections to the nodes, each operation on one within its own deadline."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import Struct, field

from core.store.riak.nodes import Address
from core.store.riak.published import Published

T = TypeVar("T")

Act = Callable[[Any, int], T]
"""One operation on the client's transport, which the node is to end within some milliseconds."""

NODES_SHARE: Final = 0.9
"""The part of a try after which the node itself gives up, so that its answer still arrives."""


class Timed:
    """A socket all of whose waits count against one deadline, set anew for each operation.

    The client's own timeout begins again with every part of an answer that arrives.
    """

    def __init__(self, sock: socket.socket, clock: Callable[[], float]) -> None:
        self._socket = sock
        self._clock = clock
        self.until = 0.0

    def sendall(self, data: bytes) -> None:
        """Send everything within the deadline."""
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def recv_into(self, view: memoryview, count: int) -> int:
        """Receive what there is within the deadline."""
        self._socket.settimeout(self._left())
        return self._socket.recv_into(view, count)

    def close(self) -> None:
        """Close the socket; whoever shares it across a fork keeps theirs."""
        self._socket.close()

    def _left(self) -> float:
        left = self.until - self._clock()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class Connection:
    """One connection to one node."""

    def __init__(
        self,
        client: tuple[Published, Any],
        address: tuple[str, int],
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        parts, owner = client
        self.address = address
        opened = socket.create_connection(address, seconds)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clock = clock
        self._socket = Timed(opened, clock)
        self.transport = parts.transport(node=owner.nodes[0], client=owner)
        self.transport._socket = self._socket  # noqa: SLF001 - else it opens one without a deadline
        self.transport._pbuf_c = parts.codec  # noqa: SLF001 - see SPOKEN
        self.transport.server_version = parts.version

    def within(self, seconds: float) -> Any:  # noqa: ANN401 - the client's transport
        """Give the transport for one operation that may take so long."""
        self._socket.until = self._clock() + seconds
        return self.transport

    def close(self) -> None:
        """Close it, whatever state it is in."""
        self._socket.close()


class _Idle(Struct, frozen=True):
    """Connections that wait for their next operation, and the process that opened them."""

    process: int = field(default_factory=os.getpid)
    connections: dict[Address, list[Connection]] = field(default_factory=dict)


class Connections:
    """As many connections as there are operations at once, kept for the next ones."""

    def __init__(
        self, client: Published, addresses: tuple[Address, ...], clock: Callable[[], float]
    ) -> None:
        self.client = client
        self.owner = client.client(nodes=[{"host": h, "pb_port": p} for h, p in addresses])
        self._clock = clock
        self._idle = _Idle()

    def use(self, act: Act[T], address: Address, seconds: float) -> T:
        """Do an operation on a kept connection, or on a new one where none is or it went stale."""
        kept = self._kept(address)
        while True:
            connection = _taken(kept)
            may_be_stale = connection is not None
            connection = connection or self.opened(address, seconds)
            try:
                answer = act(connection.within(seconds), int(seconds * NODES_SHARE * 1000))
            except BaseException as error:
                connection.close()
                if may_be_stale and _is_closed(self.client.cause(error)):
                    continue
                raise
            kept.append(connection)
            return answer

    def opened(self, address: Address, seconds: float) -> Connection:
        """Give a new connection, which the caller closes."""
        return Connection((self.client, self.owner), address, seconds, self._clock)

    def close(self) -> None:
        """Close those that are not in use."""
        dropped, self._idle = self._idle, _Idle()
        for connections in dropped.connections.values():
            while (connection := _taken(connections)) is not None:
                connection.close()

    def _kept(self, address: Address) -> list[Connection]:
        """Give this process's idle connections; those of the process it was forked from go."""
        if self._idle.process != os.getpid():
            self.close()
        return self._idle.connections.setdefault(address, [])


def _taken(kept: list[Connection]) -> Connection | None:
    """Take the connection used last, if there is one: other threads take theirs meanwhile."""
    try:
        return kept.pop()
    except IndexError:
        return None


def _is_closed(cause: BaseException) -> bool:
    """Say whether the other side has closed the connection, rather than being slow or wrong."""
    return isinstance(cause, OSError) and not isinstance(cause, TimeoutError)
