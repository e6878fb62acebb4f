"""How messages end: whoever was promised a word gets it, once for each time, and nobody else."""

from __future__ import annotations

from ebxml_messages import TO_PARTY_MSH, new_id
from ebxml_signals import acknowledgment, header_of, message_error
from hub_messages import BETWEEN_PARTIES, alert, application_ack, ehr_request, forwarded, itk_trunk
from hubs import CONTRACTS, TestHub, contract, verdict
from msgspec.structs import replace
from wrapped_messages import OTHER_ASID, OTHER_PARTY, Route

from adapters import courier, polling, tms
from adapters.courier import HttpReply, Unreachable
from adapters.reading import Sent
from adapters.services import Service
from core import transfers
from core.directory import Actor
from core.values.messaging import Content, Outcome
from operations.setup import SAMPLE_CLIENT, SAMPLE_PARTY

SILENT = HttpReply(202, b"")


def dead(endpoint: str, _content: Content) -> HttpReply:
    """Answer as a network in which the other practice is away."""
    if "other" in endpoint:
        raise Unreachable("nobody there")
    return SILENT


def told(hub: TestHub) -> list[str]:
    """Give what the sample practice was told, by action."""
    return [header_of(one.body).action for place, one in hub.posted if "sample" in place]


def pass_time(hub: TestHub, minutes: int = 8) -> None:
    """Let the hub work once a minute."""
    for _ in range(minutes):
        hub.work()
        hub.clock.forward(60)


def test_a_warning_is_no_word_of_the_message() -> None:
    def reply(_endpoint: str, content: Content) -> HttpReply:
        warning = message_error(header_of(content.body), "Inconsistent", "mind this")
        return HttpReply(200, warning.replace(b'severity="Error"', b'severity="Warning"'))

    hub = TestHub(reply=reply)
    hub.receive(forwarded())
    assert Outcome.SENT in {one.outcome for one in hub.work()}
    assert hub.work() == []


def test_each_failure_is_told_also_the_second() -> None:
    hub = TestHub(reply=dead)
    sent = ehr_request()
    hub.receive(sent)
    pass_time(hub, 4)
    assert told(hub).count("MessageError") == 1
    assert hub.receive(sent).outcome == "duplicate"
    pass_time(hub, 4)
    assert told(hub).count("MessageError") == 2


def test_a_receiver_that_refuses_is_not_tried_again_and_the_sender_learns() -> None:
    def reply(endpoint: str, content: Content) -> HttpReply:
        if "other" in endpoint:
            refused = message_error(header_of(content.body), "SecurityFailure", "go away")
            return HttpReply(200, refused)
        return SILENT

    hub = TestHub(reply=reply)
    sent = ehr_request()
    hub.receive(sent)
    pass_time(hub)
    assert sum("other" in place for place, _ in hub.posted) == 1
    assert told(hub) == ["Acknowledgment", "MessageError"]
    _, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert message.why == "refused by its receiver: SecurityFailure"


def test_the_end_partys_refusal_is_passed_on_to_the_letter() -> None:
    refusal = b""

    def reply(endpoint: str, content: Content) -> HttpReply:
        nonlocal refusal
        if "other" in endpoint:
            refusal = message_error(header_of(content.body), "Inconsistent", "no such mailbox")
            return HttpReply(200, refusal)
        return SILENT

    hub = TestHub(reply=reply)
    hub.receive(itk_trunk())
    pass_time(hub, 3)
    (passed,) = [one for place, one in hub.posted if "sample" in place]
    assert passed.body == refusal


def test_a_contract_of_the_end_party_with_sync_reply_is_the_receivers_to_acknowledge() -> None:
    made = replace(
        contract(OTHER_PARTY, "ebs", "PRSC_IN070000UK08"),
        actor=Actor.TO_PARTY_MSH,
        sync_reply=True,
    )
    hub = TestHub(contracts=(*CONTRACTS, made), reply=dead)
    sent = forwarded("ebs", "PRSC_IN070000UK08", ack_actor=TO_PARTY_MSH)
    sent = replace(sent, sync_actor="http://schemas.xmlsoap.org/soap/actor/next")
    answered = hub.receive(sent)
    assert (answered.status, answered.body) == (202, b"")
    pass_time(hub, 4)
    assert told(hub) == []
    hub.reply = lambda _place, content: HttpReply(202, acknowledgment(header_of(content.body)))
    hub.receive(sent)
    hub.work()
    hub.work()
    assert told(hub) == ["Acknowledgment"]


def test_a_signal_is_known_in_any_case_and_whoever_it_is_addressed_to() -> None:
    hub = TestHub(reply=lambda _place, _content: SILENT)
    sent = forwarded()
    hub.receive(sent)
    hub.work()
    signal = acknowledgment(replace(sent, from_party="YES-0000806"))
    signal = signal.replace(sent.message_id.encode(), sent.message_id.lower().encode())
    assert hub.signal(signal, by=OTHER_PARTY).outcome == "AA"
    _, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert message.standing == "done"


def test_a_signal_of_a_third_party_changes_nothing() -> None:
    hub = TestHub(reply=lambda _place, _content: SILENT)
    sent = forwarded()
    hub.receive(sent)
    hub.work()
    mine = acknowledgment(replace(sent, to_party=SAMPLE_PARTY))
    assert hub.signal(mine, by=SAMPLE_PARTY).outcome == "unrelated"
    assert hub.signal(acknowledgment(sent), by=SAMPLE_PARTY).outcome == "SECURITY_FAILURE"
    _, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert message.standing == "sent"


def test_an_end_that_comes_while_a_message_is_given_up_tells_nothing_twice() -> None:
    hub = TestHub(reply=lambda _place, _content: SILENT)
    sent = forwarded()
    hub.receive(sent)
    hub.work()
    hub.signal(acknowledgment(sent), by=OTHER_PARTY)
    key, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    before = len(hub.posted)
    late = replace(message, standing="sent")
    try:
        courier.endings.given_up(key, late, "too late", hub.us)
    except courier.Standstill:
        pass
    else:
        raise AssertionError("what has ended was ended again")
    hub.work()
    assert [header_of(one.body).action for _, one in hub.posted[before:]].count("MessageError") == 0


def test_a_message_without_ids_is_refused_in_every_form() -> None:
    hub = TestHub()
    for changed in (
        replace(itk_trunk(), message_id=""),
        replace(itk_trunk(), conversation_id=""),
        replace(itk_trunk(), message_id="M" * 300),
    ):
        assert hub.receive(changed).outcome == "MESSAGE_NOT_WELL_FORMED"


def test_what_is_ours_and_fails_again_and_again_is_answered(monkeypatch: object) -> None:
    def broken(*_arguments: object) -> tuple[str, bytes]:
        raise ZeroDivisionError

    hub = TestHub()
    service = tms.SERVICES["COMT_IN000001UK01"]
    services = {"COMT_IN000001UK01": Service(service.rules, broken)}
    monkeypatch.setattr(tms, "SERVICES", services)  # type: ignore[attr-defined]
    sent = replace(alert(), path="/clinical")
    answered = polling.take(Sent(sent.bytes(), sent.content_type, (SAMPLE_CLIENT,)), hub.us)
    place = dict(answered.headers)["Content-Location"].removeprefix("/_poll/")
    key, _ = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    for _ in range(11):
        try:
            hub.courier.attempt(key)
        except ZeroDivisionError:
            hub.courier.failed_here(key, "test.py:1 broken")
        hub.clock.forward(30)
    hub.courier.attempt(key)
    polled = polling.poll(place, (SAMPLE_CLIENT,), hub.us)
    assert polled.status == 200
    assert verdict(Content(polled.body, polled.content_type, "")) == ("AR", "1000")


def test_an_alert_that_no_store_takes_is_refused_and_not_tried_for_ever() -> None:
    hub = TestHub()
    sent = alert()
    payload = sent.payload.replace("The patient asked", '"' * 3_000_000)
    hub.receive(replace(sent, payload=payload))
    hub.work()
    hub.work()
    assert [verdict(content)[0] for _, content in hub.posted] == ["AR"]


def test_a_transfer_is_between_two_parties() -> None:
    hub = TestHub()
    request = ehr_request()
    hub.receive(request)
    hub.work()
    stranger = Route(from_party=OTHER_PARTY, to_party=SAMPLE_PARTY, from_asid=OTHER_ASID)
    assert stranger != BETWEEN_PARTIES
    (found,) = transfers.listed(hub.store)
    assert found[0] == request.conversation_id
    assert found[1].requester == SAMPLE_PARTY
    nack = application_ack(request, outcome="AE", code="06")
    hub.receive(nack)
    hub.work()
    ((_, transfer),) = transfers.listed(hub.store)
    assert (transfer.stage, transfer.code) == ("failed", "06")


def test_a_code_that_is_no_code_is_not_repeated() -> None:
    fault = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        b"<errorCode>John Smith, 1 Mill Lane</errorCode></s:Fault></s:Body></s:Envelope>"
    )
    hub = TestHub(reply=lambda _place, _content: HttpReply(500, fault))
    sent = replace(forwarded(), message_id=new_id())
    hub.receive(sent)
    hub.work()
    _, message = hub.us.core.hub.latest(SAMPLE_PARTY, sent.message_id)
    assert "Smith" not in message.why
    assert message.why.startswith("refused by its receiver: HTTP 500")
