"""A message that comes again gets the same answer and has no second effect, whoever is asked.

Another process of the server, another server on another node of the store, one that was started
after the first and its node were killed: what one acknowledged, all do, in the same words but for
their time.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import faulting_parties
import http_sender
import pytest
import shared_homes
from ebxml_messages import NEXT_MSH, Message, new_id
from ebxml_signals import header_of
from faulting_ledger import ANSWER
from faulting_parties import Practice
from http_sender import HttpAnswer
from hub_messages import alert, ehr_request
from hubs import verdict
from mhs import Mhs
from msgspec import Struct
from msgspec.structs import replace
from receiving import Got
from serving import Served, serving, spine, start, workers
from shared_homes import Home
from wire_requests import SPINE_ASID, SPINE_PARTY
from wrapped_messages import Route

from core import alerts
from core.values.messaging import Content
from facade import config as configs
from facade import wiring

PROCESSES = 4
"""Of a server: two that answer, two that deliver."""
ALERT_ID = re.compile(r'<effectiveTime [^>]*/><id root="([^"]*)"')
DELIVERY = {"SPINE_DELIVERY_POST_SECONDS": "3", "SPINE_DELIVERY_LEASE_SECONDS": "5"}
"""A dead worker's share goes to others within seconds."""


class Field(Struct, frozen=True):
    """A folder that servers share, a store that they share, two practices with their handlers."""

    folder: Path
    home: Home
    sender: Practice
    receiver: Practice
    mhs: dict[Practice, Mhs]

    def server(self, url: str) -> contextlib.AbstractContextManager[Served]:
        """Serve for a while on the store at a URL."""
        return serving(self.folder, SPINE_STORE_URL=url, **DELIVERY)

    def send(self, served: Served, message: Message) -> HttpAnswer:
        """Give a server's answer, asked again as senders do where nothing was decided."""
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = http_sender.send(served.port, message, self.sender.files.client)
                if answer.status != 500:
                    return answer
            assert time.monotonic() < deadline, "a server never decided"
            time.sleep(0.2)

    def alert(self) -> Message:
        """Give an alert of the sender's to the hub."""
        route = Route(
            self.sender.party, SPINE_PARTY, "S9999999A9911000", self.sender.asid, SPINE_ASID
        )
        return alert(route, message_id=new_id())

    def to_receiver(self) -> Message:
        """Give a message of the sender's that the hub passes on."""
        one, other = self.sender, self.receiver
        route = Route(one.party, other.party, other.cpa_id, one.asid, other.asid)
        made = ehr_request(route, message_id=new_id())
        return replace(made, time_to_live=None, ack_actor=NEXT_MSH)

    def answers(self, message: Message) -> list[Got]:
        """Give the hub's answers to an alert, of each that has an id of its own the first."""
        got = [one for one in self.mhs[self.sender].requests if ANSWER.encode() in one.body]
        mine = [one for one in got if header_of(one.body).ref_to == message.message_id]
        return list({one.message_id: one for one in mine}.values())

    def bodies(self, message: Message) -> set[bytes]:
        """Give what the receiver was brought under a message's id."""
        got = self.mhs[self.receiver].requests
        return {one.body for one in got if one.message_id == message.message_id}

    def alerts_kept(self, message: Message) -> int:
        """Give how often an alert is kept."""
        found = ALERT_ID.search(message.payload)
        assert found is not None
        environ = {**os.environ, "SPINE_STORE_URL": self.home.last}
        config = configs.load(self.folder / "spine.toml", environ)
        with contextlib.closing(wiring.open_store(config)) as store:
            kept = alerts.listed(store, alerts.Wanted())
            return sum(one.alert.alert_id == found[1] for one in kept)


@pytest.fixture(params=shared_homes.names())
def field(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Field]:
    """Give each home in turn, with two practices that no other run has."""
    folder = tmp_path / "data"
    assert spine("init", "--quiet", str(folder)).returncode == 0
    tag = random.SystemRandom().randrange(1 << 32)
    _, *both = faulting_parties.practices(folder, tag)[:3]
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(shared_homes.home(request.param))
        mhs = {one: stack.enter_context(Mhs(one.files)) for one in both}
        listed = folder / "parties.toml"
        listed.write_text(faulting_parties.directory(mhs), encoding="utf-8")
        imported = spine(
            *("directory", "import", str(listed), "--config", str(folder / "spine.toml")),
            SPINE_STORE_URL=home.first,
        )
        assert imported.returncode == 0, imported.stderr
        yield Field(folder, home, *both, mhs)
        assert [one for receiver in mhs.values() for one in receiver.troubles] == []


def said(answer: HttpAnswer) -> tuple[int, bytes]:
    """Give an answer but for its time."""
    assert header_of(answer.body).action == "Acknowledgment"
    return answer.status, re.sub(rb"Timestamp>[^<]*<", b"Timestamp><", answer.body)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until a condition holds, and no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def verdict_of(got: Got) -> tuple[str, str | None]:
    """Give an application acknowledgement's type, and the code of its detail where it has one."""
    content_type = got.header("Content-Type")
    assert content_type is not None
    return verdict(Content(got.body, content_type, ""))


def kill(served: Served) -> None:
    """Kill a server and all its processes at one stroke."""
    os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait()


@pytest.mark.slow
def test_a_message_that_comes_again_has_the_same_answer_from_any_node(field: Field) -> None:
    settled = [field.alert(), field.to_receiver()]
    begun = [field.alert(), field.to_receiver()]
    again = replace(settled[0], message_id=new_id())

    with field.server(field.home.other) as other:
        one = start(field.folder, SPINE_STORE_URL=field.home.first, **DELIVERY)
        try:
            first = {sent.message_id: said(field.send(one, sent)) for sent in settled}
            for sent in settled:
                assert said(field.send(other, sent)) == first[sent.message_id]
            until(lambda: field.answers(settled[0]) and field.bodies(settled[1]))
            for pid in workers(one, PROCESSES):
                os.kill(pid, signal.SIGKILL)
            for sent in settled:
                assert said(field.send(one, sent)) == first[sent.message_id]
            first |= {sent.message_id: said(field.send(one, sent)) for sent in begun}
        finally:
            kill(one)
        field.home.kill_node()
        for sent in (*settled, *begun):
            assert said(field.send(other, sent)) == first[sent.message_id]

        with field.server(field.home.last) as last:
            for sent in (*settled, *begun):
                assert said(field.send(last, sent)) == first[sent.message_id]
            assert said(field.send(last, again)) not in first.values()
            until(lambda: field.answers(again) and field.answers(begun[0]))
            until(lambda: field.bodies(begun[1]))

    for alerted, passed_on in (settled, begun):
        assert [verdict_of(got) for got in field.answers(alerted)] == [("AA", None)]
        assert field.alerts_kept(alerted) == 1
        assert field.bodies(passed_on) == {passed_on.bytes()}
    assert [verdict_of(got) for got in field.answers(again)] == [("AR", "202")]
