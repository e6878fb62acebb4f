"""A message through the hub: kept once, acknowledged, delivered or answered, ended in words."""

from __future__ import annotations

from ebxml_messages import Message, new_id, under
from ebxml_signals import acknowledgment, header_of
from hub_messages import alert, ehr_request, forwarded, itk_trunk
from hubs import US, TestHub, verdict
from lxml import etree
from wrapped_messages import OTHER_PARTY

from adapters.courier import HttpReply, Unreachable
from core import alerts
from core.alerts import Wanted
from core.values.messaging import Content, Outcome
from operations.setup import SAMPLE_PARTY

EB = "{http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd}"


def error_of(body: bytes) -> tuple[str, str]:
    error = etree.fromstring(body).find(f".//{EB}Error")
    return error.get(f"{EB}errorCode"), error.findtext(f"{EB}Description")


def test_an_alert_is_acknowledged_kept_and_answered() -> None:
    hub = TestHub()
    sent = alert()

    answered = hub.receive(sent)

    acknowledged = header_of(answered.body)
    assert (answered.status, acknowledged.action) == (202, "Acknowledgment")
    assert acknowledged.ref_to == sent.message_id
    assert [one.alert.device for one in alerts.listed(hub.store, Wanted())] == ["Front desk"]
    assert [one.outcome for one in hub.work()] == [Outcome.DONE]
    ((endpoint, content),) = hub.posted
    assert endpoint == "https://sample.spine.test/inbound"
    assert verdict(content) == ("AA", None)
    assert header_of(content.body).ref_to == sent.message_id


def test_a_duplicate_gets_the_same_acknowledgment_and_has_no_second_effect() -> None:
    hub = TestHub()
    sent = alert()
    first = hub.receive(sent)
    hub.work()
    hub.clock.forward(10)

    again = hub.receive(sent)

    one, other = header_of(first.body), header_of(again.body)
    assert (one.message_id, one.ref_to) == (other.message_id, other.ref_to)
    assert first.body != again.body
    assert again.outcome == "duplicate"
    hub.work()
    hub.work()
    assert len(list(alerts.listed(hub.store, Wanted()))) == 1
    assert len(hub.posted) == 1


def test_the_same_hl7_id_in_another_message_is_rejected_with_202() -> None:
    hub = TestHub()
    sent = alert()
    hub.receive(sent)
    hub.work()
    hub.work()

    hub.receive(Message(**{**fields(sent), "message_id": new_id()}))
    hub.work()
    hub.work()

    assert [verdict(content) for _, content in hub.posted] == [("AA", None), ("AR", "202")]
    assert len(list(alerts.listed(hub.store, Wanted()))) == 1


def fields(message: Message) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__slots__}


def test_a_forwarded_message_arrives_to_the_letter() -> None:
    hub = TestHub()
    sent = ehr_request()

    answered = hub.receive(sent)

    # No SyncReply: 202 and nothing, the acknowledgment is posted back.
    assert (answered.status, answered.body) == (202, b"")
    hub.work()
    by_endpoint = dict(hub.posted)
    forwarded_content = by_endpoint["https://other.spine.test/inbound"]
    assert forwarded_content.body == sent.bytes()
    assert forwarded_content.content_type == sent.content_type
    acknowledged = header_of(by_endpoint["https://sample.spine.test/inbound"].body)
    assert (acknowledged.action, acknowledged.ref_to) == ("Acknowledgment", sent.message_id)


def test_a_dead_receiver_ends_in_a_delivery_failure() -> None:
    def reply(endpoint: str, _content: Content) -> HttpReply:
        if "other" in endpoint:
            raise Unreachable("nobody there")
        return HttpReply(200, b"")

    hub = TestHub(reply=reply)
    sent = ehr_request()
    hub.receive(sent)
    for _ in range(8):
        hub.work()
        hub.clock.forward(60)

    tries = [endpoint for endpoint, _ in hub.posted if "other" in endpoint]
    assert len(tries) == 3
    told = [content for endpoint, content in hub.posted if "sample" in endpoint]
    assert [header_of(one.body).action for one in told] == ["Acknowledgment", "MessageError"]
    assert error_of(told[1].body)[0] == "DeliveryFailure"
    assert header_of(told[1].body).ref_to == sent.message_id


def test_an_acknowledgment_that_is_posted_later_ends_the_tries() -> None:
    hub = TestHub(reply=lambda _endpoint, _content: HttpReply(200, b""))
    sent = forwarded()
    hub.receive(sent)
    hub.work()
    key, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert message.standing == "sent"

    answered = hub.signal(acknowledgment(sent), by=OTHER_PARTY)

    assert (answered.status, answered.body) == (200, b"")
    assert hub.us.core.hub.message(key).standing == "done"
    hub.clock.forward(120)
    assert hub.work() == []


def test_the_end_partys_word_is_passed_on_to_the_sender() -> None:
    hub = TestHub()
    sent = itk_trunk()
    answered = hub.receive(sent)
    assert (answered.status, answered.body) == (202, b"")
    hub.work()
    hub.work()

    told = [content for endpoint, content in hub.posted if "sample" in endpoint]
    assert len(told) == 1
    said = header_of(told[0].body)
    assert (said.action, said.ref_to, said.from_party) == (
        "Acknowledgment",
        sent.message_id,
        OTHER_PARTY,
    )


def test_a_message_of_another_party_is_refused() -> None:
    hub = TestHub()
    refused = hub.receive(alert(), by=OTHER_PARTY)
    assert refused.status == 200
    assert error_of(refused.body)[0] == "SecurityFailure"
    assert hub.work() == []


def test_our_own_messages_are_known_by_our_party() -> None:
    hub = TestHub()
    hub.receive(under(alert(), new_id()))
    hub.work()
    hub.work()
    assert header_of(hub.posted[0][1].body).from_party == US


def test_a_message_that_was_given_up_and_comes_again_is_tried_again() -> None:
    alive = False

    def reply(endpoint: str, content: Content) -> HttpReply:
        if "other" in endpoint and not alive:
            raise Unreachable("nobody there")
        return HttpReply(202, acknowledgment(header_of(content.body)))

    hub = TestHub(reply=reply)
    sent = forwarded()
    hub.receive(sent)
    for _ in range(4):
        hub.work()
        hub.clock.forward(60)
    _, failed = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert failed.standing == "failed"

    alive = True
    assert hub.receive(sent).outcome == "duplicate"
    hub.work()

    _, arrived = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert arrived.standing == "done"
