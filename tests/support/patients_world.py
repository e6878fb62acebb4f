"""A hub on a store whose process can be killed, systems of two parties, and what they get told."""

from __future__ import annotations

import itertools
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import newcomers
import old_trace_messages
import old_update_messages as old
import pushed_traces
import smsp_asking
import update_messages as made
from creation_messages import ALLOCATIONS, BIRTHS
from ebxml_messages import Message
from hubs import CONTRACTS, ENDPOINTS, NAMES, Clock, TestHub, contract, ours, payload_of
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from remembered import OPERATOR
from schemas import Schemas, hl7_message
from wire_requests import OLDEST, SPINE_ASID, SPINE_PARTY, Details, Frame, request
from wrapped_messages import OTHER_ASID, OTHER_PARTY, Route

from adapters import pipeline, smsp
from adapters.courier import Courier
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered, Request
from core.audit import Access, Audit, read_page
from core.context import Context
from core.demographics.numbers import Numbers
from core.directory import ContractProperties, Directory, System, list_entries
from core.door import Core
from core.messaging.keeping import iso
from core.store.port import Store
from core.values.identity import Asid, Caller, PartyKey, operator_named
from legacy_contracts import registry
from legacy_contracts.smsp.operations import OPERATIONS
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

REFUSAL: Final = "MCCI_IN010000UK13"
QUERY_REFUSAL: Final = "QUQI_IN010000UK14"
_OLD_TRACES: Final = {old_trace_messages.INTERACTION: old_trace_messages.ANSWER}
TRACES: Final = {**pushed_traces.ANSWERS, **_OLD_TRACES}
"""The traces that a message answers, and which one does."""

SENT: Final = (*made.UPDATES, *old.ANSWERS)
"""The updates that take part: all there are."""

ANSWERS: Final = {
    **dict.fromkeys(("PRPA_IN000205UK03", "PRPA_IN000205UK05"), "PRPA_IN000206UK01"),
    **made.ANSWERS,
    **old.ANSWERS,
    "PRPA_IN000200UK03": "PRPA_IN000201UK01",
    "PRPA_IN000200UK04": "PRPA_IN000201UK01",
    "PRPA_IN040000UK30": "PRPA_IN060000UK30",
    "PRPA_IN040000UK15": "PRPA_IN060000UK14",
}
"""Which interaction says that an update, an allocation or a birth was done (pds.md 2)."""

DUPLICATES: Final = {
    "PRPA_IN000205UK03": "PRPA_IN000207UK03",
    "PRPA_IN000205UK05": "PRPA_IN000207UK05",
}
"""Which one says who a child may be already."""

SECOND_ASID: Final = "990000000004"
SYSTEMS: Final = {
    SAMPLE_ASID: SAMPLE_PARTY,
    SECOND_ASID: SAMPLE_PARTY,
    OTHER_ASID: OTHER_PARTY,
}
"""Each system that reads and writes, and whose it is."""

REFUSALS: Final = frozenset({REFUSAL, old.REFUSAL})
SCHEMALESS: Final = frozenset(
    {*old.ANSWERED, old_trace_messages.ANSWER, old_trace_messages.REFUSAL}
)
"""MIM 2.3 was published without schemas (pds.md 0)."""

_REASONS: Final = {
    False: ".//{*}justifyingDetectedIssueEvent/{*}code",
    True: ".//{*}PdsFailureResponse/{*}value",
}
"""Where an answer says what was refused, by whether it is of MIM 2.3."""

WRITES: Final = frozenset({"apply", "update", "update_many", "write_once"})
PERSIST_SECONDS: Final = ours("pds", REFUSAL).persist_seconds
QUEUEING: Final = frozenset({"Accept", "Admit"})


class Killed(BaseException):
    """The process was killed: nothing catches it."""


class Mortal:
    """A store as one process sees it; the process can be killed before or after a write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writes_left: int | None = None
        self.is_after = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a store has
        found = getattr(self.store, name)
        return self._deadly(found) if name in WRITES else found

    def _deadly(self, write: Callable[..., object]) -> Callable[..., object]:
        def done(*arguments: object) -> object:
            if self.writes_left is None:
                return write(*arguments)
            self.writes_left -= 1
            if self.writes_left < 0 and not self.is_after:
                raise Killed
            result = write(*arguments)
            if self.writes_left < 0:
                raise Killed
            return result

        return done


class Reply(Struct, frozen=True):
    """What a system got for its message: the interaction, and the texts of a refusal."""

    message_id: str
    interaction: str
    refused_for: frozenset[str]
    scn: int | None
    nhs_number: str | None
    candidates: tuple[Any, ...] = ()


@dataclass(slots=True)
class World:
    """Systems and their hub: what is sent, what comes back, what the audit has of it."""

    store: Store
    official: Schemas | None = None
    mortal: Mortal = field(init=False)
    hub: TestHub = field(init=False)
    lives: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    ids: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret
    acknowledged: dict[str, tuple[Message, Answered, datetime]] = field(default_factory=dict)
    audited: dict[str, int] = field(default_factory=dict)
    answers: int = 0

    def __post_init__(self) -> None:
        self.mortal = Mortal(self.store)
        self.hub = TestHub(store=self.mortal, clock=Clock(), contracts=_contracts())
        activities = (*registry.ACTIVITIES, *(one.interaction for one in self.hub.contracts))
        systems = [
            System(Asid(asid), PartyKey(party), f"System {asid}", activities)
            for asid, party in SYSTEMS.items()
        ]
        list_entries(self.store, [], systems, at="2014-01-02", import_id="systems")
        self.live_again()

    def live_again(self) -> None:
        """Start the process, with nothing but what the store has."""
        self.mortal.writes_left = None
        life = f"life{next(self.lives)}"
        self.audited[life] = 0
        hub = self.hub
        context = Context(hub.clock, self.new_id)
        core = Core(
            store=self.mortal,
            context=context,
            directory=Directory(self.mortal, lambda: 0.0),
            audit=Audit(self.mortal, writer=life, now=lambda: iso(hub.clock())),
            numbers=Numbers(writer=life),
        )
        hub.us = Ourselves(core, context, PartyKey(SPINE_PARTY))
        hub.courier = Courier(hub.us, hub._post, life)

    def new_id(self) -> str:
        """Give an id that no other has, the same in the same run."""
        return str(uuid.UUID(int=self.ids.getrandbits(128), version=4)).upper()

    def ask(self, asid: str, interaction: str, details: Details) -> Answered:
        """Give the answer to a system's query."""
        party = SYSTEMS[asid]
        frame = Frame(message_id=self.new_id(), hl7_id=self.new_id(), from_asid=asid)
        sent = Request(
            request(interaction, details, replace(frame, from_party=party)),
            charset=None,
            soap_action=None,
            certificate_names=(NAMES[party],),
        )
        answered = pipeline.answer(sent, self.hub.us.core, self.hub.us.context)
        if interaction not in OLDEST:
            self.require_right(hl7_message(answered.body))
        return answered

    def serve(self, asid: str, service: str, asked: smsp_asking.Asked) -> smsp.Answered:
        """Give the answer of a mini service to a system."""
        caller = Caller(PartyKey(SYSTEMS[asid]), Asid(asid), service, self.new_id())
        body = smsp_asking.payload(service, asked)
        return smsp.answered(self.hub.us.core, OPERATIONS[service], body, caller)

    def require_right(self, message: etree._Element) -> None:
        """Return if the official schema says nothing against a message, where there is one."""
        if self.official is not None and etree.QName(message).localname not in SCHEMALESS:
            assert self.official.complaints(message) == ()

    def route(self, asid: str) -> Route:
        """Give the way from a system to the hub."""
        return Route(SYSTEMS[asid], SPINE_PARTY, "S9999999A9999901", asid, SPINE_ASID)

    def hand_in(self, message: Message) -> Answered:
        """Give the acknowledgment of a message: the same again, where it came before."""
        answered = self.hub.receive(message)
        now = self.hub.clock()
        sent = self.acknowledged.setdefault(message.message_id, (message, answered, now))
        first = sent[1]
        assert (answered.status, _timeless(answered)) == (first.status, _timeless(first))
        return answered

    def is_remembered(self, message: Message) -> bool:
        """Say whether a message that came is known again: the persist duration of its contract."""
        *_, came = self.acknowledged[message.message_id]
        return (self.hub.clock() - came).total_seconds() < PERSIST_SECONDS

    def send(self, *messages: Message) -> list[Reply]:
        """Hand in messages and give what comes back, in the order in which it was done."""
        for message in messages:
            assert self.hand_in(message).status == 202
        return self.work()

    def answer_to(self, message: Message) -> etree._Element:
        """Give the message that answers a query which asks for one."""
        received = self.hub.receive(message)
        assert received.status == 202, received.body
        self.hub.work()
        self.hub.work()
        (posted,) = self.hub.posted[self.answers :]
        self.answers = len(self.hub.posted)
        endpoint, content = posted
        assert endpoint == ENDPOINTS[message.from_party]
        answer = payload_of(content)
        self.require_right(answer)
        return answer

    def work(self) -> list[Reply]:
        """Let the worker do all there is, and give what it sent back."""
        self.hub.work()
        self.hub.work()
        new, self.answers = self.hub.posted[self.answers :], len(self.hub.posted)
        return [self._reply(endpoint, payload_of(content)) for endpoint, content in new]

    def _reply(self, endpoint: str, answer: etree._Element) -> Reply:
        self.require_right(answer)
        (ref,) = answer.iterfind(".//{*}messageRef/{*}id")
        message, *_ = self.acknowledged[ref.get("root")]
        assert endpoint == ENDPOINTS[message.from_party]
        interaction = etree.QName(answer).localname
        refusals = {old.REFUSAL} if message.action in old.ANSWERS else {REFUSAL}
        done = {ANSWERS[message.action], DUPLICATES.get(message.action)}
        assert interaction in refusals | done
        codes = answer.iterfind(_REASONS[interaction in old.ANSWERED])
        scn = answer.find(".//{*}pertinentSerialChangeNumber/{*}value")
        whose = answer.find(".//{*}patientRole/{*}id")
        return Reply(
            ref.get("root"),
            interaction,
            frozenset(one.get("displayName") for one in codes),
            None if scn is None else int(scn.get("value")),
            None if whose is None else whose.get("extension"),
            newcomers.candidates(answer),
        )

    def operator(self) -> Caller:
        """Give the operator, about to do something."""
        return operator_named(OPERATOR, self.new_id())

    def accesses(self) -> Counter[tuple[Any, ...]]:
        """Give what the audit tells of patients' records since it was asked last."""
        return Counter(
            (one.command, f"{one.party_key}/{one.asid or one.user}", one.patients, one.outcome)
            for one in self._entries()
            if one.command not in QUEUEING
        )

    def _entries(self) -> Iterator[Access]:
        for life in self.audited:
            while (page := read_page(self.store, life, self.audited[life])) is not None:
                self.audited[life] += 1
                yield from page.entries


def _timeless(answered: Answered) -> bytes:
    """Give an acknowledgment without when it was made (decision 0016: the same but for that)."""
    return re.sub(rb"(Timestamp>)[^<]*", rb"\1", answered.body)


def _express(made: ContractProperties) -> ContractProperties:
    """Give a contract under which nobody acknowledges anything."""
    never = {"ack_requested": False, "duplicate_elimination": False}
    return replace(made, sync_reply=False, **never)


def _of_traces(
    service: str, answers: Mapping[str, str], refusal: str
) -> Iterator[ContractProperties]:
    """Give the contracts of traces that a message answers: the hub's, and each party's."""
    yield from (_express(ours(service, one)) for one in answers)
    for party in dict.fromkeys(SYSTEMS.values()):
        for one in (*answers.values(), refusal):
            yield _express(contract(party, service, one))


def _contracts() -> tuple[Any, ...]:
    answers: Iterable[str] = dict.fromkeys(
        (*ANSWERS.values(), *DUPLICATES.values(), REFUSAL, old.REFUSAL)
    )
    return (
        *CONTRACTS,
        *(ours("pds", one) for one in (*SENT, *ALLOCATIONS, *BIRTHS)),
        *_of_traces("pdsquery", pushed_traces.ANSWERS, QUERY_REFUSAL),
        *_of_traces("pds", _OLD_TRACES, old_trace_messages.REFUSAL),
        *(
            replace(contract(party, "pds", one), sync_reply=True)
            for one in answers
            for party in dict.fromkeys(SYSTEMS.values())
        ),
    )
