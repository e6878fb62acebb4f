"""A hub on a cluster whose quorum has nothing for a while of what was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hub_messages import alert
from hubs import TestHub, verdict
from riak_server import RiakServer

from core.alerts import Wanted, listed
from core.messaging.keeping import Standstill
from core.store.riak import Pace, RiakStore
from operations.setup import SAMPLE_PARTY


@pytest.fixture
def server() -> Iterator[RiakServer]:
    """Give a Riak node of ours."""
    node = RiakServer()
    yield node
    node.down()


@pytest.fixture
def hub(server: RiakServer) -> Iterator[TestHub]:
    """Give a hub on it."""
    store = RiakStore((server.address,), Pace(deadline_seconds=5.0))
    yield TestHub(store)
    store.close()


def test_an_alert_that_is_done_again_by_one_who_did_not_see_it_done_is_listed_once(
    hub: TestHub, server: RiakServer
) -> None:
    sent = alert()
    hub.receive(sent)
    found = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert found is not None
    hub.work()
    hub.clock.forward(16)

    server.keeping.forgets = True
    with suppress(Standstill):
        hub.courier._handle(*found)
    server.keeping.forgets = False

    places = [place for place in server.keeping.held if place[1] == b"alert"]
    assert [len({copy.value for copy in server.keeping.held[one].copies}) for one in places] == [1]
    assert [one.alert.device for one in listed(hub.store, Wanted())] == ["Front desk"]
    hub.work()
    assert [verdict(content) for _, content in hub.posted] == [("AA", None)]
