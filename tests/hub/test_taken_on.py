"""A message between two others is opened as it is kept, in one, where the store can do that."""

from __future__ import annotations

import pytest
from ebxml_messages import Message, new_id
from hub_messages import ehr_request
from hubs import TestHub, verdict
from msgspec.structs import replace

from adapters import passing
from core import transfers
from core.audit import PAGES, read_page
from core.messaging import hub as hubs
from core.messaging.keeping import key_of
from core.messaging.records import Message as Kept
from core.values.identity import PartyKey
from core.values.messaging import Outcome


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
    monkeypatch.setattr(passing, "LARGE", 10)
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
