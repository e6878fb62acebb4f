"""A try that was cut short after its message was admitted: the next one goes on from there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ebxml_messages import Message, new_id
from hub_messages import alert, ehr_request
from hubs import TestHub, verdict
from msgspec import Struct
from msgspec.structs import replace
from simulating_store import Cluster
from wrapped_messages import OTHER_ASID, OTHER_PARTY

from adapters import endings, handling, reading
from adapters.courier import Courier, HttpReply
from core import transfers
from core.alerts import Wanted, listed
from core.directory import Directory, System, list_entries
from core.messaging.keeping import key_of
from core.transfers import Stage, Transfer
from core.values.identity import Asid, PartyKey
from core.values.messaging import Content


class Died(BaseException):
    """The process that tries is no more."""


class Meanwhile(Struct):
    """What happens, once, between the two halves of the next update on a cluster."""

    act: Callable[[], object] | None = None

    def __call__(self) -> None:
        """Let it happen."""
        act, self.act = self.act, None
        if act is not None:
            act()


def key(message: Message) -> str:
    """Give the key that a message is kept under."""
    return key_of(PartyKey(message.from_party), message.message_id)


def die(_endpoint: str, _content: Content) -> HttpReply:
    """End the process while it posts."""
    raise Died


def cut_short(hub: TestHub, message: Message) -> None:
    """Let a message be admitted and noted, and its try die while it posts."""
    hub.receive(message)
    reply, hub.reply = hub.reply, die
    with pytest.raises(Died):
        hub.courier.attempt(key(message))
    hub.reply = reply


def withdraw(hub: TestHub) -> None:
    """Let the system of the other practice take nothing any more, and every process know it."""
    party = hub.us.core.directory.party(PartyKey(OTHER_PARTY))
    assert party is not None
    nothing = System(Asid(OTHER_ASID), PartyKey(OTHER_PARTY), "Other", ())
    list_entries(hub.store, [party], [nothing], at="2014-02-02", import_id="withdrawn")
    core = replace(hub.us.core, directory=Directory(hub.store, lambda: 0.0))
    hub.us = replace(hub.us, core=core)
    hub.courier = Courier(hub.us, hub.courier.post, "another")


def told(hub: TestHub) -> list[str]:
    """Give what the sample practice's messages were answered, once the hub has posted it."""
    hub.work()
    return [verdict(content)[0] for place, content in hub.posted if "sample" in place]


def two_with_one_payload() -> tuple[TestHub, Meanwhile, Message, Message]:
    """Give a hub on a cluster that has taken in two messages with one payload id, in order."""
    meanwhile = Meanwhile()
    hub = TestHub(Cluster(meanwhile))
    first = alert()
    second = replace(first, message_id=new_id())
    hub.receive(first)
    hub.clock.forward(1)
    hub.receive(second)
    return hub, meanwhile, first, second


def only_transfer(hub: TestHub) -> Transfer:
    """Give the one transfer that there is."""
    ((_, transfer),) = transfers.listed(hub.store)
    return transfer


def test_a_message_noted_and_then_rejected_is_under_way_no_more() -> None:
    # On a cluster a message is opened when it is first tried, not as it is kept.
    hub = TestHub(Cluster(Meanwhile()))
    sent = ehr_request()
    cut_short(hub, sent)
    assert only_transfer(hub).under_way == 1
    withdraw(hub)

    hub.courier.attempt(key(sent))

    rejected = hub.us.core.hub.required(key(sent))
    assert rejected.why == "rejected: COMM_FUNC_RCV_NOT_ALLOWED"
    transfer = only_transfer(hub)
    assert (transfer.under_way, transfer.stage, transfer.code) == (0, Stage.FAILED, "not delivered")


def test_a_message_that_was_never_noted_and_is_rejected_makes_no_transfer() -> None:
    hub = TestHub()
    withdraw(hub)
    sent = ehr_request()
    hub.receive(sent)

    hub.courier.attempt(key(sent))

    assert hub.us.core.hub.required(key(sent)).why == "rejected: COMM_FUNC_RCV_NOT_ALLOWED"
    assert list(transfers.listed(hub.store)) == []


def test_who_was_admitted_beside_another_on_a_cluster_stays_so_when_it_is_tried_again() -> None:
    hub, meanwhile, first, second = two_with_one_payload()
    kept = hub.us.core.hub.required(key(second))
    # Neither sees the other's use; the second's try is cut short before its end is recorded.
    part = reading.payload_in(hub.us.core.hub.body(kept), kept.accepted.content_type)
    meanwhile.act = lambda: handling._done(key(second), kept, part, hub.us)
    hub.courier.attempt(key(first))
    assert len(list(listed(hub.store, Wanted()))) == 2
    hub.clock.forward(1)

    hub.courier.attempt(key(second))

    assert told(hub) == ["AA", "AA"]
    assert len(list(listed(hub.store, Wanted()))) == 2


def test_who_saw_another_come_beside_it_on_a_cluster_is_rejected_before_it_has_an_effect() -> None:
    hub, meanwhile, first, second = two_with_one_payload()
    meanwhile.act = lambda: hub.courier.attempt(key(first))

    hub.courier.attempt(key(second))

    assert sorted(told(hub)) == ["AA", "AR"]
    assert len(list(listed(hub.store, Wanted()))) == 1


def given_up() -> tuple[TestHub, Message]:
    """Give a hub that gave a message up, and the message."""
    hub = TestHub(reply=lambda _place, _content: HttpReply(404, b""))
    sent = ehr_request()
    hub.receive(sent)
    for _ in range(4):
        hub.work()
        hub.clock.forward(61)
    return hub, sent


def test_a_transfer_whose_message_arrives_after_it_was_given_up_has_not_failed() -> None:
    hub, sent = given_up()
    assert only_transfer(hub).stage == Stage.FAILED
    hub.reply = TestHub().reply

    hub.us.core.hub.send_again(key(sent), "2014-09-01T00:00:00.000000+00:00", "somebody")
    hub.courier.attempt(key(sent))

    transfer = only_transfer(hub)
    assert (transfer.under_way, transfer.stage) == (0, Stage.REQUESTED)


def test_a_message_that_is_put_away_by_hand_is_under_way_no_more() -> None:
    hub = TestHub()
    sent = ehr_request()
    cut_short(hub, sent)
    assert only_transfer(hub).under_way == 1

    endings.closed(key(sent), "sent on paper", "somebody", hub.us)

    assert not hub.us.core.hub.required(key(sent)).in_flight
    transfer = only_transfer(hub)
    assert (transfer.under_way, transfer.stage, transfer.code) == (0, Stage.FAILED, "not delivered")


def test_closing_a_message_on_its_way_tells_its_sender_that_it_will_not_arrive() -> None:
    hub = TestHub(reply=lambda _place, _content: HttpReply(503, b""))
    sent = ehr_request()
    hub.receive(sent)
    hub.courier.attempt(key(sent))
    hub.reply = TestHub().reply

    endings.closed(key(sent), "sent on paper", "somebody", hub.us)
    hub.work()

    (notice,) = [one for _, one in hub.posted if b"DeliveryFailure" in one.body]
    assert sent.message_id.encode() in notice.body
    assert not hub.us.core.hub.required(key(sent)).in_flight


def test_closing_a_message_that_is_for_us_tells_its_sender_that_it_was_not_done() -> None:
    hub, _, first, second = two_with_one_payload()
    for one in (first, second):
        endings.closed(key(one), "not wanted", "somebody", hub.us)
    hub.work()
    assert told(hub) == ["AR", "AR"]
    assert list(listed(hub.store, Wanted())) == []


def test_closing_a_message_that_was_given_up_tells_nobody_again() -> None:
    hub, sent = given_up()
    hub.reply = TestHub().reply
    hub.work()
    before = len(hub.posted)

    endings.closed(key(sent), "sent on paper", "somebody", hub.us)
    hub.clock.forward(61)
    hub.work()

    assert len(hub.posted) == before
