"""Senders that change one patient at once, by messages over ebXML, each with a worker of its own.

Each is a process as far as a store can tell: a core, a hub and a courier that share nothing with
the others' but the store. All read the record before any of them writes.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, TypeVar

import telling
import update_messages as made
from ebxml_messages import Message
from hub_messages import TO_THE_HUB
from hubs import US, Clock, acknowledging, contract, list_directory, ours, payload_of
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from schemas import hl7_message
from update_messages import Asked
from wire_requests import Details, Frame, request

from adapters import pipeline, receiving
from adapters.courier import Courier, HttpReply
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered, Request
from adapters.reading import Sent
from adapters.receiving import Address
from core.audit import Audit
from core.context import Context
from core.demographics.back_office import History, ShowHistory
from core.directory import Directory
from core.door import Core
from core.errors import StoreError
from core.messaging.keeping import derived_id, iso
from core.store.port import Store
from core.values.demographics import Patient
from core.values.identity import NhsNumber, PartyKey, operator_named
from core.values.messaging import Content
from operations import loading
from operations.setup import SAMPLE_CLIENT, SAMPLE_PARTY

UPDATE: Final = "PRPA_IN000203UK03"
REFUSAL: Final = "MCCI_IN010000UK13"
QUERY: Final = "QUPA_IN000008UK02"
_PATIENCE: Final = 60.0
"""Seconds that one waits for the others: a cluster on a busy machine takes its time."""

_T = TypeVar("_T")


class Won(Struct, frozen=True):
    """An update that its sender was told is done: its mark, and the number that it was told."""

    mark: str
    message_key: str
    scn: int


class Ended(Struct, frozen=True):
    """What senders were told in a turn: who won, and what the others were refused for."""

    won: tuple[Won, ...]
    refused_for: tuple[frozenset[str], ...]


class Sender:
    """One who reads a record and changes it, with a hub and a worker of its own on the store."""

    def __init__(self, store: Store) -> None:
        clock, name = Clock(), uuid.uuid4().hex
        context = Context(clock, lambda: str(uuid.uuid4()).upper())
        audit = Audit(store, writer=f"race-{name}", now=lambda: iso(clock()))
        core = Core(
            store=store, context=context, directory=Directory(store, lambda: 0.0), audit=audit
        )
        self.us = Ourselves(core, context, US)
        self._posted: list[Content] = []
        self._courier = Courier(self.us, self._post, name)

    def _post(self, endpoint: str, content: Content) -> HttpReply:
        self._posted.append(content)
        return acknowledging(endpoint, content)

    def scn(self, number: NhsNumber) -> int:
        """Give the serial change number that a query tells."""
        frame = Frame(message_id=self.us.context.new_id(), hl7_id=self.us.context.new_id())
        sent = Request(
            request(QUERY, Details(nhs_number=number), frame),
            charset=None,
            soap_action=None,
            certificate_names=(SAMPLE_CLIENT,),
        )
        answered = pipeline.answer(sent, self.us.core, self.us.context)
        told, _ = telling.answered(hl7_message(answered.body), telling.RETRIEVALS[QUERY])
        return int(told["scn"])

    def update(self, number: NhsNumber, scn: int, mark: str) -> tuple[str, etree._Element]:
        """Send an update that leaves its mark; give its key and the answer that is posted."""
        related = made.related(UPDATE, "added").replace("FIELD", mark)
        asked = Asked({"related": related}, number, str(scn))
        message = made.update(UPDATE, asked, TO_THE_HUB, message_id=self.us.context.new_id())
        received = _decided(lambda: self._received(message))
        assert received.status == 202, received.body
        found = self.us.core.hub.latest(PartyKey(SAMPLE_PARTY), message.message_id)
        assert found is not None
        key, _ = found
        _decided(lambda: self._courier.attempt(key))
        answer = self.us.core.hub.latest(US, derived_id(key, "answer"))
        assert answer is not None, "the message was worked off without an answer"
        _decided(lambda: self._courier.attempt(answer[0]))
        return key, payload_of(self._posted[-1])

    def _received(self, message: Message) -> Answered:
        sent = Sent(message.bytes(), message.content_type, (SAMPLE_CLIENT,))
        return receiving.receive(sent, Address.RELIABLE, self.us)

    def history(self, number: NhsNumber) -> History:
        """Give the history as an operator sees it."""
        by = operator_named("jo", self.us.context.new_id())
        history = self.us.core.perform(ShowHistory(number, 10_000), by=by)
        assert isinstance(history, History)
        return history


def senders(store: Store, patient: Patient, count: int) -> list[Sender]:
    """Give senders on a store with a patient in it, whose hubs the directory knows."""
    answers = (made.ANSWERS[UPDATE], REFUSAL)
    contracts = (
        ours("pds", UPDATE),
        *(replace(contract(SAMPLE_PARTY, "pds", one), sync_reply=True) for one in answers),
    )
    list_directory(
        store, contracts, queries=(QUERY,), at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    )
    loading.load(store, [patient], source="race", at="20140101", progress=lambda _count: None)
    return [Sender(store) for _ in range(count)]


def race(racers: list[Sender], number: NhsNumber, turns: int) -> Iterator[Ended]:
    """Let all read the record and then all change it, turn by turn; give how each turn ended."""
    all_read = threading.Barrier(len(racers), timeout=_PATIENCE)

    def run(racer: Sender, mark: str) -> tuple[str, str, etree._Element]:
        scn = racer.scn(number)
        all_read.wait()
        return mark, *racer.update(number, scn, mark)

    with ThreadPoolExecutor(len(racers)) as threads:
        for turn in range(turns):
            marks = [f"W{place}T{turn}" for place in range(len(racers))]
            yield _ended(list(threads.map(run, racers, marks)))


def _ended(told: list[tuple[str, str, etree._Element]]) -> Ended:
    won, refused = [], []
    for mark, key, answer in told:
        if etree.QName(answer).localname == made.ANSWERS[UPDATE]:
            (scn,) = answer.iterfind(".//{*}pertinentSerialChangeNumber/{*}value")
            won.append(Won(mark, key, int(scn.get("value"))))
        else:
            codes = answer.iterfind(".//{*}justifyingDetectedIssueEvent/{*}code")
            refused.append(frozenset(one.get("displayName") for one in codes))
    return Ended(tuple(won), tuple(refused))


def _decided(act: Callable[[], _T]) -> _T:
    """Give what an act gives; where nothing was decided it is done again, as servers do."""
    for _ in itertools.repeat(None, 40):
        try:
            return act()
        except StoreError:
            continue
    return act()
