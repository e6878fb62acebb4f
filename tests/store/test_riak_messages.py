"""Whole messages on Riak: what one costs, and what a client is told when the cluster is away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree
from msgspec import Struct
from peers import asked, http, message
from riak_server import RiakServer
from serving import Served, core_on, is_ready, spine, start

from core.context import system_context
from core.demographics.queries import Retrieve
from core.store.riak import RiakStore
from core.values.identity import Asid, Caller, PartyKey
from operations import loading, patients
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

CALLER = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), "QUPA_IN000008UK02", "M1")


class OnRiak(Struct, frozen=True):
    """A facade on two nodes of a cluster."""

    facade: Served
    nodes: tuple[RiakServer, RiakServer]

    def ask(self) -> tuple[int, str]:
        """Give the status and the first error code of an answer to a retrieval."""
        answer = asked(self.facade, http(message()))
        assert answer is not None
        codes = etree.fromstring(answer.body).findall(".//{*}errorCode")
        return answer.status, "".join(code.text for code in codes)


@pytest.fixture
def on_riak(tmp_path: Path) -> Iterator[OnRiak]:
    """Give a facade that was set up and loaded on Riak by its own commands."""
    first = RiakServer()
    nodes = (first, RiakServer(first.keeping))
    url = "riak://" + ",".join(f"{host}:{port}" for host, port in (n.address for n in nodes))
    folder = tmp_path / "data"
    config = ("--config", str(folder / "spine.toml"))
    for command in (
        ("init", str(folder)),
        ("load", *config, "--patients", "3"),
        ("check", *config),
    ):
        done = spine(*command, SPINE_STORE_URL=url)
        assert done.returncode == 0, done.stderr
    facade = start(folder, SPINE_STORE_URL=url)
    yield OnRiak(facade, nodes)
    os.killpg(facade.process.pid, signal.SIGKILL)
    facade.process.wait()
    for node in nodes:
        node.down()


def eventually(true: Callable[[], bool]) -> bool:
    """Say whether something becomes true within some seconds."""
    until = time.monotonic() + 10
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_retrieval_is_one_get_and_a_share_of_one_put(riak: RiakStore) -> None:
    some = list(patients.population(10, 2014))
    loading.load(riak, some, source="test", at="2014", progress=lambda _: None)
    core = core_on(riak, system_context())
    core.perform(Retrieve(some[0].nhs_number), by=CALLER)

    gets, puts = riak.gets, riak.puts
    for patient in some:
        assert core.perform(Retrieve(patient.nhs_number), by=CALLER).patient.names
    assert (riak.gets - gets, riak.puts - puts) == (10, 10)

    gets, puts = riak.gets, riak.puts
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda n: core.perform(Retrieve(some[n % 10].nhs_number), by=CALLER), range(200)
            )
        )
    assert riak.gets - gets == 200
    assert riak.puts - puts < 150, "requests that come together share a put"


def test_a_client_is_answered_while_one_node_is_up_and_told_to_try_again_when_none_is(
    on_riak: OnRiak,
) -> None:
    assert on_riak.ask() == (200, "")
    on_riak.nodes[0].down()
    assert on_riak.ask() == (200, "")
    on_riak.nodes[1].down()
    assert on_riak.ask() == (500, "200")
    assert not is_ready(on_riak.facade)
    on_riak.nodes[0].up()
    assert eventually(lambda: is_ready(on_riak.facade))
    assert on_riak.ask() == (200, "")
