"""The corpus's messages as conversations through a hub of ours: who is listed, who answers what.

A conversation is the legs of one source that belong together: by their conversation id, by their
file where it holds several, or by their place in one of the source's scenarios. Where a source
leaves an id to whoever sends (a placeholder), it is bound to the conversation; else nothing in a
leg is changed. The directory says what the legs themselves say: their parties, their systems, and
contracts of the reliability that each leg asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from corpus_messages import Kind, Leg, legs
from corpus_placeholders import Own
from ebxml_messages import TO_PARTY_MSH
from ebxml_signals import header_of
from hubs import ADDRESSES, US, TestHub, acknowledging
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from serving import NOW

from adapters import receiving
from adapters.courier import HttpReply
from adapters.pipeline import Answered
from adapters.reading import Sent
from core.directory import (
    Actor,
    ContractProperties,
    Party,
    System,
    list_contracts,
    list_entries,
)
from core.store.port import Store
from core.values.identity import Asid, PartyKey, is_asid
from core.values.messaging import Content, Standing
from legacy_contracts.envelopes import mime

_SCENARIO: Final = re.compile(
    r"(?P<one>.*/(?:Scenario_\d+|index-message-with-cid|index-message|non-unique-fragment-names)"
    r"|.*postman_collection--item_\d+)[-_]"
)
"""Files of one scenario: their names begin alike (gp2gp-requesting-adaptor, Medicus)."""

_PARTS: Final = ("RCMR_IN010000UK05", "RCMR_IN030000UK06", "RCMR_IN030000UK07", "index", "COPC")
"""The order of a transfer's messages, where their names do not number them (domains.md 2.3)."""

_OWN_SYSTEM: Final = 990_000_100_000
"""From here on: a system for every party, beside those that its messages name."""


class Conversation(Struct, frozen=True):
    """Legs that belong together, in their order."""

    name: str
    legs: tuple[Leg, ...]

    @property
    def messages(self) -> tuple[Leg, ...]:
        """Give the legs that are sent to the hub."""
        return tuple(one for one in self.legs if one.kind is not Kind.ANSWER)

    @property
    def parties(self) -> tuple[str, ...]:
        """Give the parties that its messages name."""
        named = (key for one in self.messages for key in (one.from_party, one.to_party))
        return tuple(dict.fromkeys(key for key in named if key))


def conversations(corpus: Path) -> tuple[Conversation, ...]:
    """Give every leg of the corpus in its conversation."""
    found: dict[tuple[str, ...], list[Leg]] = {}
    of_file: dict[str, tuple[str, ...]] = {}
    for one in legs(corpus):
        key = of_file.setdefault(one.file, _place(one, found))
        found.setdefault(key, []).append(one)
    return tuple(_conversation(*one) for one in found.items())


def _place(leg: Leg, found: dict[tuple[str, ...], list[Leg]]) -> tuple[str, ...]:
    """Give where a leg belongs; one whose id is there already opens a conversation of its own."""
    folder = leg.file.rpartition("/")[0]
    scenario = _SCENARIO.match(leg.file)
    key = (scenario["one"],) if scenario else (folder, leg.conversation_id)
    taken = {one.message_id for one in found.get(key, ())}
    return (leg.file,) if not leg.conversation_id or leg.message_id in taken else key


def _conversation(key: tuple[str, ...], found: list[Leg]) -> Conversation:
    ordered = sorted(found, key=_turn) if len(key) == 1 and _SCENARIO.match(f"{key[0]}-") else found
    return Conversation(found[0].file, tuple(_bound(ordered)))


def _turn(leg: Leg) -> int:
    named = (leg.file, leg.action)
    if "postman" in leg.file:
        return 0
    return next(
        (turn for turn, part in enumerate(_PARTS) if any(part in one for one in named)),
        len(_PARTS),
    )


def _bound(ordered: list[Leg]) -> Iterator[Leg]:
    """Give the legs with the ids that their source leaves open: the conversation, what is meant."""
    opened = ordered[0].conversation_id
    for turn, one in enumerate(ordered):
        before = [sent for sent in ordered[:turn] if sent.from_party != one.from_party]
        own = Own(one.file)
        ids = {own.id_of("conversation"): opened}
        if before:
            ids[own.id_of("ref")] = before[-1].message_id
        body = one.body
        for left_open, bound in ids.items():
            body = body.replace(left_open.encode(), bound.encode())
        own_id = one.conversation_id
        header = replace(one.header, conversation_id=ids.get(own_id, own_id))
        yield replace(one, body=body, header=header)


def moment_of(leg: Leg) -> datetime:
    """Give the time of a leg by its own Timestamp; ours where it has none."""
    try:
        said = datetime.fromisoformat(leg.header.timestamp)
    except ValueError:
        return NOW
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def certificate_name(party: str) -> str:
    """Give the name in a party's certificate."""
    return f"{party.lower()}.corpus.test"


def agreed_by(leg: Leg) -> ContractProperties:
    """Give the contract that a leg's own reliability elements speak of (tms-rules.md 7.2)."""
    to_the_end = TO_PARTY_MSH.encode() in leg.body.partition(b":Body")[0]
    return ContractProperties(
        party_key=PartyKey(leg.to_party),
        service=leg.service,
        interaction=leg.action,
        cpa_id=leg.header.cpa_id,
        endpoint="",
        ack_requested=_has("AckRequested", leg.body),
        duplicate_elimination=_has("DuplicateElimination", leg.body),
        sync_reply=_has("SyncReply", leg.body),
        actor=Actor.TO_PARTY_MSH if to_the_end else Actor.NEXT_MSH,
        retries=2,
        retry_seconds=60.0,
        persist_seconds=14 * 86400.0,
    )


def _has(element: str, body: bytes) -> bool:
    """Say whether an element stands before the body of an envelope."""
    text = body.partition(b":Body")[0].decode("utf-8", "replace")
    return re.search(rf"<(?:[\w-]+:)?{element}[\s/>]", text) is not None


def list_conversation(
    store: Store, conversation: Conversation, endpoints: Iterable[tuple[str, str]]
) -> None:
    """Write into a store's directory what a conversation's messages say of its parties."""
    told = conversation.messages
    activities = tuple(dict.fromkeys(one.action for one in told))
    # Its import is the last one, whatever a sample directory says of the same systems.
    at = {"at": "2100-01-01", "import_id": "corpus"}
    by_party = dict(endpoints)
    parties = [
        Party(PartyKey(key), key, (certificate_name(key),), endpoint=by_party[key])
        for key in conversation.parties
    ]
    list_entries(store, parties, _systems(conversation, activities), **at)
    list_contracts(store, [agreed_by(one) for one in told if one.to_party], **at)


def _systems(conversation: Conversation, activities: tuple[str, ...]) -> list[System]:
    """Give a system of each party's own, and those that the messages name.

    One that both parties name for theirs is the first's: a system has one party.
    """
    owners: dict[str, str] = {}
    for one in conversation.messages:
        for asid, party in ((one.from_asid, one.from_party), (one.to_asid, one.to_party)):
            if is_asid(asid) and party:
                owners.setdefault(asid, party)
    own = {str(_OWN_SYSTEM + nth): key for nth, key in enumerate(conversation.parties)}
    return [
        System(Asid(asid), PartyKey(party), f"System of {party}", activities)
        for asid, party in {**own, **owners}.items()
    ]


def endpoint_of(party: str) -> str:
    """Give where a party receives."""
    return f"https://{certificate_name(party)}/inbound"


DELIVERED: Final = "delivered"


@dataclass(slots=True)
class Talk:
    """A conversation on its way through a hub of its own, whose clock goes by its timestamps."""

    conversation: Conversation
    early: timedelta = timedelta(0)
    hub: TestHub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = TestHub(contracts=(), reply=self._reply)
        told = self.conversation.messages
        self.hub.clock.now = moment_of(told[0]) - self.early
        endpoints = [(key, endpoint_of(key)) for key in self.conversation.parties]
        list_conversation(self.hub.store, self.conversation, endpoints)

    def come_of(self, leg: Leg) -> str:
        """Give what comes of a leg: delivered, refused with a name, rejected with a code."""
        hub = self.hub
        hub.clock.now = max(hub.clock.now, moment_of(leg) - self.early)
        hub.posted.clear()
        sent = Sent(leg.body, leg.content_type, (certificate_name(leg.from_party),))
        answered = receiving.receive(sent, ADDRESSES[leg.path], hub.us)
        while hub.work():
            pass
        if leg.kind is Kind.ANSWER:
            return self._signalled(leg, answered)
        if answered.status == 200:
            assert header_of(answered.body).action == "MessageError"
            assert not hub.posted
            return answered.outcome
        return self._rejected(leg) or self._delivered(leg, answered)

    def _reply(self, endpoint: str, content: Content) -> HttpReply:
        """Acknowledge where that was asked for, unless the receiver's own word is a later leg."""
        if header_of(content.body).message_id in self._answered_later():
            return HttpReply(200, b"")
        asked = _has("AckRequested", content.body)
        return acknowledging(endpoint, content) if asked else HttpReply(202, b"")

    def _answered_later(self) -> set[str]:
        return {one.header.ref_to for one in self.conversation.legs if one.kind is Kind.ANSWER}

    def _rejected(self, leg: Leg) -> str:
        """Give the code of the hub's own rejection, which goes to the sender alone."""
        for endpoint, content in self.hub.posted:
            said = header_of(content.body)
            if (said.from_party, said.action) == (US, "MCCI_IN010000UK13"):
                assert endpoint == endpoint_of(leg.from_party)
                assert said.ref_to == leg.message_id
                assert all(one.body != leg.body for _, one in self.hub.posted)
                return verdict(content)
        return ""

    def _delivered(self, leg: Leg, answered: Answered) -> str:
        """Give that a leg came to its receiver to the letter, once; and its sender was told."""
        sent = Content(leg.body, leg.content_type, f"{leg.service}/{leg.action}")
        assert self.hub.posted.count((endpoint_of(leg.to_party), sent)) == 1
        told = [header_of(content.body) for _, content in self.hub.posted]
        words = {
            (one.ref_to, one.conversation_id)
            for one in (*told, header_of(answered.body))
            if one.action == "Acknowledgment"
        }
        is_told = _has("AckRequested", leg.body) and leg.message_id not in self._answered_later()
        assert words == ({(leg.message_id, leg.conversation_id)} if is_told else set())
        return DELIVERED

    def _signalled(self, leg: Leg, answered: Answered) -> str:
        """Give that the receiver's word went on to the sender to the letter."""
        assert (answered.status, answered.body) == (200, b"")
        ((endpoint, content),) = self.hub.posted
        assert (endpoint, content.body) == (endpoint_of(leg.to_party), leg.body)
        found = self.hub.us.core.hub.latest(PartyKey(leg.to_party), leg.header.ref_to)
        assert found is not None
        assert found[1].standing is Standing.DONE
        return "passed on"


def verdict(content: Content) -> str:
    """Give an application acknowledgement's type and the code of its detail."""
    package = mime.split(content.body, content.content_type)
    root = etree.fromstring(bytes(package.parts[1].content))
    acknowledgement = root.find("{urn:hl7-org:v3}acknowledgement")
    assert acknowledgement is not None
    code = next(acknowledgement.iter("{urn:hl7-org:v3}code"))
    return f"{acknowledgement.get('typeCode')} {code.get('code')}"
