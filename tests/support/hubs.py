"""A hub in this process: a store, a directory of two practices, a worker stepped by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ebxml_messages import SERVICES, Message
from ebxml_signals import acknowledgment, header_of
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from serving import NOW
from wire_requests import SPINE_PARTY
from wrapped_messages import OTHER_ASID, OTHER_PARTY

from adapters import receiving
from adapters.courier import Attempt, Courier, HttpReply
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from adapters.reading import Sent
from adapters.receiving import Address
from core.audit import Audit
from core.context import Context
from core.directory import (
    Acknowledging,
    Actor,
    ContractProperties,
    Directory,
    Party,
    System,
    list_contracts,
    list_entries,
)
from core.door import Core
from core.messaging.keeping import iso
from core.messaging.schedule import ALL_PARTS, Limits, Schedule
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from core.values.messaging import Content
from legacy_contracts.envelopes import mime
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

US: Final = PartyKey(SPINE_PARTY)
OTHER_CLIENT: Final = "other.spine.test"
NAMES: Final = {SAMPLE_PARTY: SAMPLE_CLIENT, OTHER_PARTY: OTHER_CLIENT}
ENDPOINTS: Final = {
    SAMPLE_PARTY: "https://sample.spine.test/inbound",
    OTHER_PARTY: "https://other.spine.test/inbound",
}
FORWARDED: Final = (
    ("gp2gp", "RCMR_IN010000UK05"),
    ("gp2gp", "RCMR_IN030000UK06"),
    ("gp2gp", "RCMR_IN030000UK07"),
    ("gp2gp", "COPC_IN000001UK01"),
    ("gp2gp", "MCCI_IN010000UK13"),
    ("ebs", "PRSC_IN080000UK07"),
    ("ebs", "MCCI_IN010000UK13"),
    ("pat", "POLB_IN020005UK01"),
)


def contract(
    party: str, service: str, interaction: str, cpa_id: str = "S9999999A9999902"
) -> ContractProperties:
    """Give a contract of the intermediary form: the hub acknowledges, and delivers."""
    return ContractProperties(
        party_key=PartyKey(party),
        service=SERVICES + service,
        interaction=interaction,
        cpa_id=cpa_id,
        endpoint="",
        ack_requested=True,
        duplicate_elimination=True,
        sync_reply=False,
        actor=Actor.NEXT_MSH,
        retries=2,
        retry_seconds=60.0,
        persist_seconds=300.0,
    )


def ours(service: str, interaction: str) -> ContractProperties:
    """Give a contract of the hub itself: reliable, acknowledged in the HTTP answer."""
    made = contract(US, service, interaction, "S9999999A9999901")
    return replace(made, sync_reply=True, actor=Actor.TO_PARTY_MSH)


def end_party(made: ContractProperties) -> ContractProperties:
    """Give a contract whose receiver acknowledges to the sender."""
    return replace(made, actor=Actor.TO_PARTY_MSH)


CONTRACTS: Final = (
    ours("alerts", "COMT_IN000001UK01"),
    ours("tms", "MCCI_IN200001UK02"),
    replace(contract(SAMPLE_PARTY, "alerts", "MCCI_IN010000UK13"), sync_reply=True),
    *(contract(OTHER_PARTY, *one) for one in FORWARDED),
    *(contract(SAMPLE_PARTY, *one, "S9999999A9999903") for one in FORWARDED),
    end_party(contract(OTHER_PARTY, "itk", "COPC_IN000001GB01")),
    replace(contract(OTHER_PARTY, "ebs", "PRSC_IN040000UK08"), ack_requested=False),
)


def list_directory(
    store: Store,
    contracts: Iterable[ContractProperties] = CONTRACTS,
    acknowledgments: Acknowledging = Acknowledging.REQUESTED,
    queries: Iterable[str] = (),
    at: str = "2014-01-01",
) -> None:
    """Write the hub and two practices, which may ask these queries, into a store's directory.

    On a store that others wrote into, the import `at` the latest moment is what counts.
    """
    contracts = tuple(contracts)
    activities = tuple(dict.fromkeys((*(one.interaction for one in contracts), *queries)))
    parties = [
        Party(
            PartyKey(key),
            f"Practice {key}",
            (NAMES[key],),
            endpoint=ENDPOINTS[key],
            acknowledgments=acknowledgments,
        )
        for key in NAMES
    ]
    systems = [
        System(Asid(SAMPLE_ASID), PartyKey(SAMPLE_PARTY), "Sample", activities),
        System(Asid(OTHER_ASID), PartyKey(OTHER_PARTY), "Other", activities),
    ]
    told = {"at": at, "import_id": f"hub-{at}"}
    list_entries(store, [*parties, Party(US, "Hub", ())], systems, **told)
    list_contracts(store, contracts, **told)


class Clock(Struct):
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def acknowledging(_endpoint: str, content: Content) -> HttpReply:
    """Answer as a receiver that acknowledges everything."""
    return HttpReply(202, acknowledgment(header_of(content.body)))


@dataclass(slots=True)
class TestHub:
    """A hub whose network is a function and whose worker is stepped by hand."""

    __test__ = False

    store: Store = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=Clock)
    reply: Callable[[str, Content], HttpReply] = acknowledging
    contracts: tuple[ContractProperties, ...] = CONTRACTS
    acknowledgments: Acknowledging = Acknowledging.REQUESTED
    posted: list[tuple[str, Content]] = field(default_factory=list)
    us: Ourselves = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        list_directory(self.store, self.contracts, self.acknowledgments)
        numbers = itertools.count(1)
        context = Context(self.clock, lambda: f"00000000-0000-4000-8000-{next(numbers):012d}")
        core = Core(
            store=self.store,
            context=context,
            directory=Directory(self.store, lambda: 0.0),
            audit=Audit(self.store, writer="test", now=lambda: iso(self.clock())),
        )
        self.us = Ourselves(core, context, US)
        self.courier = Courier(self.us, self._post, "test")

    def receive(self, message: Message, *, by: str | None = None) -> Answered:
        """Give the HTTP answer to a message from its sender, or from the party `by`."""
        names = (NAMES[by or message.from_party],)
        sent = Sent(message.bytes(), message.content_type, names)
        return receiving.receive(sent, ADDRESSES[message.path], self.us)

    def signal(self, body: bytes, *, by: str) -> Answered:
        """Give the HTTP answer to a signal that a party posts."""
        sent = Sent(body, "text/xml", (NAMES[by],))
        return receiving.receive(sent, Address.FORWARD, self.us)

    def work(self) -> list[Attempt]:
        """Try all that is due now, and give how each try went."""
        done: list[Attempt] = []
        schedule = Schedule(Limits(), lambda: 0.0)
        schedule.refill(self.store, ALL_PARTS, self.clock.now)
        while (key := schedule.take()) is not None:
            tried = self.courier.attempt(key)
            schedule.finish(key, None, 0.0)
            if tried is not None:
                done.append(tried)
        return done

    def _post(self, endpoint: str, content: Content) -> HttpReply:
        self.posted.append((endpoint, content))
        return self.reply(endpoint, content)


def payload_of(content: Content) -> etree._Element:
    """Give the HL7 message of what was posted."""
    package = mime.split(content.body, content.content_type)
    return etree.fromstring(bytes(package.parts[1].content))


def verdict(content: Content) -> tuple[str, str | None]:
    """Give an application acknowledgement's type and the code of its detail or reason."""
    root = payload_of(content)
    kind = root.find("{urn:hl7-org:v3}acknowledgement").get("typeCode")
    code = next((one.get("code") for one in root.iter("{urn:hl7-org:v3}code")), None)
    return kind, code


ADDRESSES: Final = {
    "/reliablemessaging/queryrequest": Address.QUERY,
    "/reliablemessaging/reliablerequest": Address.RELIABLE,
    "/reliablemessaging/forwardreliable": Address.FORWARD,
    "/reliablemessaging/intermediary": Address.FORWARD,
}
