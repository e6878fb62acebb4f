"""Every home of the store, each given to the same tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from riak_server import RiakServer
from totals import Counted, Total, totals_named

from core.store.memory import MemoryStore
from core.store.port import Bucket, Documents, Store
from core.store.riak import Pace, RiakStore
from core.store.sqlite import SqliteStore
from facade.config import riak_addresses

CLUSTER = os.environ.get("SPINE_TEST_RIAK", "")
NOT_NAMED = "no real Riak cluster is named: set SPINE_TEST_RIAK=host:port (docs/riak.md)"

HOMES = ("memory", "sqlite", "riak", *(("cluster",) if CLUSTER else ()))

PACE = Pace(deadline_seconds=5.0)
"""Patient enough for a busy test machine; tests of the deadline set their own."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly whether a real cluster took part."""
    if CLUSTER:
        terminalreporter.write_line(f"store tests ran on the Riak cluster {CLUSTER}", green=True)
    else:
        terminalreporter.write_line(
            f"STORE TESTS DID NOT RUN ON A REAL CLUSTER: {NOT_NAMED}", yellow=True, bold=True
        )


def cluster_store() -> RiakStore:
    """Give a store on the real cluster, whose bucket types must be in order."""
    store = RiakStore(riak_addresses(f"riak://{CLUSTER}"), PACE)
    faults = store.faults()
    if faults:
        pytest.fail(f"SPINE_TEST_RIAK={CLUSTER}: {faults}")
    return store


@pytest.fixture
def server() -> Iterator[RiakServer]:
    """Give a Riak node of ours."""
    node = RiakServer()
    yield node
    node.hangs = False
    node.down()


@pytest.fixture
def riak(server: RiakServer) -> Iterator[RiakStore]:
    """Give a store on our node."""
    store = RiakStore((server.address,), PACE)
    yield store
    store.close()


def opened(name: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give the home of that name, empty but for what other tests left on a real cluster."""
    if name == "riak":
        yield request.getfixturevalue("riak")
        return
    made: Store
    if name == "memory":
        made = MemoryStore()
    elif name == "sqlite":
        made = SqliteStore(request.getfixturevalue("tmp_path") / "s.db")
    else:
        made = cluster_store()
    yield made
    made.close()


@pytest.fixture(params=HOMES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give each home in turn."""
    yield from opened(request.param, request)


@pytest.fixture(params=HOMES[:2])
def exclusive(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give each home where a change is alone with its record."""
    yield from opened(request.param, request)


@pytest.fixture(params=HOMES[2:])
def converging(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give each home where racing changes are both kept."""
    yield from opened(request.param, request)


@pytest.fixture
def totals() -> Bucket[Total, Counted]:
    """Give a kind of record that no other test writes."""
    return totals_named(f"spine-test-total-{uuid.uuid4().hex}")


@pytest.fixture
def papers() -> Documents:
    """Give a kind of document that no other test writes."""
    return Documents(f"spine-test-paper-{uuid.uuid4().hex}")
