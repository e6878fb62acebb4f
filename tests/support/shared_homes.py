"""Homes of a store that several servers share, each through a node of its own; one node can die."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct
from riak_server import Keeping, RiakServer

CLUSTER: Final = "SPINE_TEST_RIAK"
KILL_NODE: Final = "SPINE_TEST_RIAK_KILL"
START_NODE: Final = "SPINE_TEST_RIAK_START"
ADDRESSES: Final = tuple(one for one in os.environ.get(CLUSTER, "").split(",") if one)
COMMANDS: Final = tuple(os.environ.get(one, "") for one in (KILL_NODE, START_NODE))

NOT_NAMED: Final = (
    f"set {CLUSTER}=host:port,host:port,host:port and the commands that kill a node, and start it "
    f"and wait for it, {KILL_NODE} and {START_NODE}"
)


class Home(Struct, frozen=True):
    """A store: how the first server reaches it, how another, how one that starts last."""

    first: str
    other: str
    last: str
    kill_node: Callable[[], None]
    """Kill a node at one stroke; of the embedded store there is none."""


def names() -> tuple[str, ...]:
    """Give the homes there are: a real cluster only where several nodes of one are named."""
    return ("sqlite", "riak", *(("cluster",) if len(ADDRESSES) > 1 else ()))


@contextlib.contextmanager
def home(name: str) -> Iterator[Home]:
    """Give a home for a while; a node that was killed is started again after."""
    with _HOMES[name]() as made:
        yield made


@contextlib.contextmanager
def _embedded() -> Iterator[Home]:
    yield Home(*("sqlite:spine.db",) * 3, kill_node=lambda: None)


@contextlib.contextmanager
def _nodes_of_ours() -> Iterator[Home]:
    """Give two nodes of ours on one keeping: the first one dies, the other one has it all."""
    keeping = Keeping()
    one, other = RiakServer(keeping), RiakServer(keeping)
    urls = [f"127.0.0.1:{node.address[1]}" for node in (one, other)]
    try:
        yield Home(*(f"riak://{url}" for url in (*urls, ",".join(urls))), kill_node=one.down)
    finally:
        one.down()
        other.down()


@contextlib.contextmanager
def _cluster() -> Iterator[Home]:
    first, *others = ADDRESSES
    killed: list[str] = []

    def kill() -> None:
        if all(COMMANDS):
            killed.append(COMMANDS[0])
            subprocess.run(shlex.split(COMMANDS[0]), check=True)

    try:
        urls = (first, ",".join(others), ",".join(ADDRESSES))
        yield Home(*(f"riak://{url}" for url in urls), kill_node=kill)
    finally:
        if killed:
            subprocess.run(shlex.split(COMMANDS[1]), check=True)


_HOMES: Final = {"sqlite": _embedded, "riak": _nodes_of_ours, "cluster": _cluster}
