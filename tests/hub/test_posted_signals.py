"""Signals that parties post: known or not, of the right party or not, twice, negative, broken."""

from __future__ import annotations

from typing import Final

import pytest
from ebxml_messages import Message, element, new_id, under
from ebxml_signals import Header, acknowledgment, header_of, message_error
from hub_messages import ehr_request, itk_trunk
from hub_web import HubWeb, WebAnswer, error_of
from hubs import ENDPOINTS, NAMES, TestHub
from msgspec.structs import replace
from wrapped_messages import OTHER_PARTY

from adapters.courier import HttpReply
from core.messaging.records import Message as Kept
from core.values.identity import PartyKey
from operations.setup import SAMPLE_PARTY

HOP: Final = ehr_request()
END: Final = itk_trunk()
MALFORMED: Final = ("201", "The message is not well formed")
INSECURE: Final = ("SecurityFailure", "Message Security Checks Failed")


@pytest.fixture
def hub() -> TestHub:
    return TestHub(reply=lambda *_: HttpReply(200, b""))


@pytest.fixture
def web(hub: TestHub) -> HubWeb:
    return HubWeb(hub)


def assert_nothing_kept(hub: TestHub) -> None:
    assert hub.work() == []
    assert hub.posted == []


def signal(web: HubWeb, body: bytes, *, by: str) -> WebAnswer:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/reliablemessaging/intermediary",
        "CONTENT_TYPE": "text/xml",
        "HTTP_SOAPACTION": "urn:urn:oasis:names:tc:ebxml-msg:service/Acknowledgment",
    }
    return web.post(environ, body, names=(NAMES[by],))


def sent_and_awaited(hub: TestHub, web: HubWeb, message: Message) -> Message:
    """Give a message that the hub has delivered, and whose acknowledgment it waits for."""
    assert web.send(message).status == 202
    hub.work()
    hub.posted.clear()
    assert kept(hub, message).standing == "sent"
    return message


def kept(hub: TestHub, message: Message) -> Kept:
    found = hub.us.core.hub.latest(PartyKey(message.from_party), message.message_id)
    assert found is not None
    return found[1]


def told(hub: TestHub) -> list[Header]:
    """Give what the sender is told once all is done."""
    while hub.work():
        pass
    return [header_of(one.body) for to, one in hub.posted if to == ENDPOINTS[SAMPLE_PARTY]]


TAKEN: Final = (200, b"")


def test_a_signal_about_an_unknown_message_is_taken_and_changes_nothing(
    hub: TestHub, web: HubWeb
) -> None:
    for body in (acknowledgment(HOP), message_error(HOP)):
        answer = signal(web, body, by=OTHER_PARTY)
        assert (answer.status, answer.body) == TAKEN
    assert_nothing_kept(hub)


def test_a_signal_under_the_certificate_of_another_party_is_refused(
    hub: TestHub, web: HubWeb
) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    for body in (acknowledgment(message), message_error(message)):
        assert error_of(signal(web, body, by=SAMPLE_PARTY)) == INSECURE
    assert kept(hub, message).standing == "sent"


def test_a_signal_of_a_party_that_did_not_get_the_message_changes_nothing(
    hub: TestHub, web: HubWeb
) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    turned = replace(message, to_party=SAMPLE_PARTY)
    for body in (acknowledgment(turned), message_error(turned)):
        answer = signal(web, body, by=SAMPLE_PARTY)
        assert (answer.status, answer.body) == TAKEN
    assert kept(hub, message).standing == "sent"
    assert told(hub) == []


def test_an_acknowledgment_twice_ends_the_message_once(hub: TestHub, web: HubWeb) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    body = acknowledgment(message)
    for _ in range(2):
        answer = signal(web, body, by=OTHER_PARTY)
        assert (answer.status, answer.body) == TAKEN
        assert kept(hub, message).standing == "done"
    assert told(hub) == []


def test_an_error_after_the_acknowledgment_changes_nothing(hub: TestHub, web: HubWeb) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    signal(web, acknowledgment(message), by=OTHER_PARTY)
    answer = signal(web, message_error(message), by=OTHER_PARTY)
    assert (answer.status, answer.body) == TAKEN
    assert kept(hub, message).standing == "done"
    assert told(hub) == []


def test_an_acknowledgment_in_other_case_or_with_the_reference_in_one_place_is_known(
    hub: TestHub, web: HubWeb
) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    reference = element("eb:RefToMessageId", message.message_id).encode()
    body = acknowledgment(message)
    assert body.count(reference) == 2
    assert signal(web, body.replace(reference, b"", 1), by=OTHER_PARTY).status == 200
    assert kept(hub, message).standing == "done"


NEGATIVE: Final = {
    "a MessageError": message_error,
    "an acknowledgment with an ErrorList": lambda of: acknowledgment(of).replace(
        b"</soap:Header>", _error_list("ErrorList") + b"</soap:Header>"
    ),
}


def _error_list(name: str, severity: str = "Error") -> bytes:
    return (
        f'<eb:{name} eb:version="2.0" eb:highestSeverity="{severity}"><eb:Error '
        f'eb:errorCode="DeliveryFailure" eb:severity="{severity}"/></eb:{name}>'
    ).encode()


@pytest.mark.parametrize("name", NEGATIVE)
def test_a_negative_signal_fails_the_message_and_its_sender_is_told(
    hub: TestHub, web: HubWeb, name: str
) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    for _ in range(2):
        answer = signal(web, NEGATIVE[name](message), by=OTHER_PARTY)
        assert (answer.status, answer.body) == TAKEN
    assert kept(hub, message).standing == "failed"
    (said,) = told(hub)
    assert (said.action, said.ref_to) == ("MessageError", message.message_id)
    assert said.conversation_id == message.conversation_id
    assert b'errorCode="DeliveryFailure"' in hub.posted[-1][1].body


def test_the_end_partys_error_goes_on_to_the_sender_to_the_letter(
    hub: TestHub, web: HubWeb
) -> None:
    message = sent_and_awaited(hub, web, under(END, new_id()))
    body = message_error(message)
    signal(web, body, by=OTHER_PARTY)
    assert kept(hub, message).standing == "failed"
    assert len(told(hub)) == 1
    assert hub.posted[-1][1].body == body


def test_a_warning_beside_an_acknowledgment_changes_nothing(hub: TestHub, web: HubWeb) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    body = acknowledgment(message).replace(
        b"</soap:Header>", _error_list("ErrorList", "Warning") + b"</soap:Header>"
    )
    answer = signal(web, body, by=OTHER_PARTY)
    assert (answer.status, answer.body) == TAKEN
    assert kept(hub, message).standing == "sent"


def test_a_signal_that_is_not_whole_is_refused(hub: TestHub, web: HubWeb) -> None:
    message = sent_and_awaited(hub, web, under(HOP, new_id()))
    whole = acknowledgment(message)
    bare = whole.partition(b"<eb:Acknowledgment")[0] + whole.partition(b"</eb:Acknowledgment>")[2]
    twice = whole.replace(
        b"</soap:Header>",
        b"<eb:Acknowledgment/></soap:Header>",
    )
    for body in (bare, twice):
        code, words = error_of(signal(web, body, by=OTHER_PARTY))
        assert (code, "EBXML_ACK_INVALID" in words) == ("300", True)
    assert error_of(signal(web, whole[:-9], by=OTHER_PARTY)) == MALFORMED
    assert kept(hub, message).standing == "sent"
