"""A message is opened, or done if it is ours to do, as it is kept: in one, where the store can."""

from __future__ import annotations

import contextlib

import pytest
from ebxml_messages import Message, new_id
from hub_messages import alert, ehr_request
from hubs import TestHub, verdict
from msgspec.structs import replace

from adapters import taking
from adapters.crowd import CALM_SECONDS, FEW, Crowd
from core import alerts, transfers
from core.alerts import RaiseAlert, Wanted
from core.audit import PAGES, read_page
from core.directory import Acknowledging
from core.door import _HANDLERS
from core.messaging import hub as hubs
from core.messaging.keeping import key_of
from core.messaging.records import Message as Kept
from core.values.identity import PartyKey
from core.values.messaging import Outcome, Standing


def kept(hub: TestHub, message: Message) -> Kept:
    """Give a message as it stands."""
    return hub.us.core.hub.required(key_of(PartyKey(message.from_party), message.message_id))


def audited(hub: TestHub) -> list[tuple[str, str]]:
    """Give what the audit tells, in order: the command, how it ended."""
    pages = [read_page(hub.store, *place(key)) for key in sorted(hub.store.keys(PAGES))]
    return [(one.command, one.outcome) for page in pages if page for one in page.entries]


def place(key: str) -> tuple[str, int]:
    writer, _, number = key.rpartition(".")
    return writer, int(number)


def test_what_is_forwarded_is_opened_noted_and_audited_in_the_step_that_keeps_it() -> None:
    hub = TestHub()
    sent = ehr_request()

    hub.receive(sent)

    assert kept(hub, sent).accepted.opened
    ((_, transfer),) = transfers.listed(hub.store)
    assert transfer.under_way == 1
    assert audited(hub) == [("Accept", "done"), ("Admit", "done")]
    assert {one.outcome for one in hub.work()} == {Outcome.DONE}
    assert audited(hub) == [("Accept", "done"), ("Admit", "done")]


def test_what_is_refused_when_it_is_opened_is_kept_all_the_same_and_answered_later() -> None:
    hub = TestHub()
    first = ehr_request()
    again = replace(first, message_id=new_id())
    hub.receive(first)

    assert hub.receive(again).status == 202

    assert not kept(hub, again).accepted.opened
    hub.work()
    hub.work()
    assert kept(hub, again).why == "rejected: DUPLICATE_HL7_ID"
    answers = [content for _, content in hub.posted if content.action.endswith("UK13")]
    assert [verdict(content) for content in answers] == [("AR", "202")]


def test_a_large_message_is_opened_when_it_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "LARGE", 10)
    hub = TestHub()
    sent = ehr_request()

    hub.receive(sent)

    assert not kept(hub, sent).accepted.opened
    assert list(transfers.listed(hub.store)) == []
    hub.work()
    ((_, transfer),) = transfers.listed(hub.store)
    assert transfer.under_way == 0


def test_who_was_faster_with_the_same_message_is_acknowledged_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = TestHub()
    sent = ehr_request()
    hub.receive(sent)
    standing = kept(hub, sent)
    seen = hubs.Hub.message
    misses = iter([None])

    def late(self: hubs.Hub, key: str) -> Kept | None:
        return next(misses, seen(self, key))

    monkeypatch.setattr(hubs.Hub, "message", late)

    again = hub.receive(sent)

    assert (again.status, again.outcome) == (202, "duplicate")
    assert kept(hub, sent) == standing
    ((_, transfer),) = transfers.listed(hub.store)
    assert transfer.under_way == 1


def alerts_of(hub: TestHub) -> int:
    """Give how many alerts are kept."""
    return len(list(alerts.listed(hub.store, Wanted())))


def test_what_is_ours_to_do_is_done_answered_and_audited_in_the_step_that_keeps_it() -> None:
    hub = TestHub()
    sent = alert()

    assert hub.receive(sent).outcome == "accepted"

    assert alerts_of(hub) == 1
    assert kept(hub, sent).standing is Standing.DONE
    assert audited(hub) == [("Accept", "done"), ("Admit", "done"), ("RaiseAlert", "done")]
    assert hub.posted == []
    assert [one.outcome for one in hub.work()] == [Outcome.DONE]
    assert [verdict(content) for _, content in hub.posted] == [("AA", None)]


def test_what_is_done_as_it_is_kept_comes_again_without_effect() -> None:
    hub = TestHub()
    sent = alert()
    hub.receive(sent)

    assert hub.receive(sent).outcome == "duplicate"

    hub.work()
    assert (alerts_of(hub), len(hub.posted)) == (1, 1)


def test_what_is_refused_as_it_is_kept_is_answered_so() -> None:
    hub = TestHub()
    first = alert()
    hub.receive(first)

    hub.receive(replace(first, message_id=new_id()))

    hub.work()
    assert sorted(verdict(content)[0] for _, content in hub.posted) == ["AA", "AR"]
    assert alerts_of(hub) == 1


def test_no_answer_is_posted_before_an_acknowledgment_that_is_posted_too() -> None:
    hub = TestHub(acknowledgments=Acknowledging.POSTED)
    hub.receive(alert())
    assert alerts_of(hub) == 0
    hub.work()
    hub.work()
    assert [content.action.rpartition("/")[2] for _, content in hub.posted] == [
        "Acknowledgment",
        "MCCI_IN010000UK13",
    ]


def test_where_many_come_at_once_what_they_ask_is_left_to_the_workers() -> None:
    hub = TestHub()
    now = 100.0
    hub.us = replace(hub.us, crowd=Crowd(lambda: now))
    with contextlib.ExitStack() as others:
        for _ in range(FEW):
            others.enter_context(hub.us.crowd.joined())
        assert hub.receive(alert()).outcome == "accepted"
    assert alerts_of(hub) == 0
    # And for a while after.
    hub.receive(alert())
    assert alerts_of(hub) == 0
    now += CALM_SECONDS
    hub.receive(alert())
    assert alerts_of(hub) == 1
    hub.work()
    assert alerts_of(hub) == 3


def test_a_fault_of_ours_as_a_message_is_taken_on_is_its_workers_to_meet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = TestHub()
    sent = alert()
    with monkeypatch.context() as broken:
        broken.delitem(_HANDLERS, RaiseAlert)
        assert (answered := hub.receive(sent)).status == 202, answered
    assert kept(hub, sent).standing is Standing.WAITING
    assert (alerts_of(hub), audited(hub)) == (0, [("Accept", "done")])
    hub.work()
    assert alerts_of(hub) == 1
