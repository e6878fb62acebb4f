"""The captured conversations once more, over mutual TLS: a served hub, a message handler each end.

Only messages without a TimeToLive: the hub's clock here is the machine's, and their time is over.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator

import http_sender
import pytest
import receiving
from conversations import (
    Conversation,
    agreed_by,
    certificate_name,
    conversations,
    list_conversation,
)
from corpus import Corpus, Outcome
from corpus_messages import Kind, Leg
from ebxml_signals import header_of
from http_sender import HttpAnswer
from mhs import Mhs, party_files
from msgspec import Struct
from msgspec.structs import replace
from receiving import Behaviour, Got
from serving import Served, serving, spine

from core.store.sqlite import SqliteStore

ON_THE_WIRE = (Kind.HTTP, Kind.MULTIPART, Kind.ANSWER)
ARRIVED = {Kind.HTTP: 16, Kind.MULTIPART: 8}
OTHERS = {"passed on": 1, "refused": 1}
"""How many legs arrive; the one signal of a receiver, and a template with all conditions on."""


class Field(Struct, frozen=True):
    """A served hub, and the message handlers of every party."""

    served: Served
    parties: dict[str, Mhs]


def wired(captured: Corpus) -> Iterator[Conversation]:
    """Give the captured conversations that can run in one directory, those of records first.

    A system has one party, a receiver one contract for an interaction, and an id is used once.
    """
    systems: dict[str, str] = {}
    contracts: dict[tuple[str, str, str], object] = {}
    ids: set[str] = set()
    found = conversations(captured.place)
    for one in sorted(found, key=lambda one: "/prm/" not in one.name):
        legs = tuple(leg for leg in one.legs if leg.kind in ON_THE_WIRE and _is_timeless(leg))
        told = [leg for leg in legs if leg.kind is not Kind.ANSWER]
        owners = {
            asid: party
            for leg in told
            for asid, party in ((leg.from_asid, leg.from_party), (leg.to_asid, leg.to_party))
        }
        agreed = {(leg.to_party, leg.service, leg.action): agreed_by(leg) for leg in told}
        if (
            told
            and all(systems.get(asid, party) == party for asid, party in owners.items())
            and all(contracts.get(key, made) == made for key, made in agreed.items())
            and not ids & {leg.message_id for leg in told}
        ):
            systems |= {asid: party for asid, party in owners.items() if asid}
            contracts |= agreed
            ids |= {leg.message_id for leg in told}
            yield replace(one, legs=legs)


def _is_timeless(leg: Leg) -> bool:
    return not leg.header.time_to_live and bool(leg.action and leg.from_party)


@pytest.fixture(scope="module")
def found(captured: Corpus) -> tuple[Conversation, ...]:
    return tuple(wired(captured))


@pytest.fixture(scope="module")
def field(
    found: tuple[Conversation, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    """Give a hub that knows the parties of all conversations, and each party's handler."""
    folder = tmp_path_factory.mktemp("conversations") / "data"
    assert spine("init", str(folder)).returncode == 0
    together = Conversation("all", tuple(leg for one in found for leg in one.legs))
    later = {leg.header.ref_to: leg for leg in together.legs if leg.kind is Kind.ANSWER}
    with contextlib.ExitStack() as stack:
        parties = {
            key: stack.enter_context(Mhs(party_files(folder, certificate_name(key))))
            for key in together.parties
        }
        with contextlib.closing(SqliteStore(folder / "spine.db")) as store:
            list_conversation(store, together, [(key, one.url()) for key, one in parties.items()])
        served = stack.enter_context(serving(folder))
        for one in parties.values():
            one.hub_port = served.port
            one.behave = lambda got: behave(got, later)
        yield Field(served, parties)
        assert [one.troubles for one in parties.values() if one.troubles] == []


def behave(got: Got, later: dict[str, Leg]) -> Behaviour:
    """Post the captured acknowledgment where there is one; else acknowledge what asks for that."""
    if got.message_id in later:
        return Behaviour(HttpAnswer(200, (), b""), posts=(later[got.message_id].body,))
    if b"AckRequested" in got.body.partition(b":Body")[0]:
        return receiving.acknowledge(got)
    return receiving.take_in_silence(got)


def test_the_captured_conversations_arrive_over_tls(
    found: tuple[Conversation, ...], field: Field, outcomes: list[Outcome]
) -> None:
    arrived: Counter[Kind] = Counter()
    others: Counter[str] = Counter()
    for conversation in found:
        for leg in conversation.legs:
            came = _came(leg, field)
            if came == "delivered":
                arrived[leg.kind] += 1
            else:
                others[came] += 1
            outcomes.append(Outcome("hub, TLS", str(leg), came))
    assert arrived == ARRIVED
    assert others == OTHERS


def _sent(leg: Leg, field: Field) -> int:
    """Give the HTTP status of the answer to a leg: 200 is a refusal."""
    sender = field.parties[leg.from_party]
    answer = http_sender.post(
        field.served.port, leg.path, leg.headers, leg.body, files=sender.files.client
    )
    return answer.status


def _came(leg: Leg, field: Field) -> str:
    """Give what came of a leg, once something has."""
    if leg.kind is Kind.ANSWER:
        _until(lambda: any(got.body == leg.body for got in field.parties[leg.to_party].requests))
        return "passed on"
    if _sent(leg, field) != 202:
        return "refused"
    _until(lambda: bool(_deliveries(leg, field)))
    (got,) = _deliveries(leg, field)
    assert got.body == leg.body
    assert got.header("Content-Type") == leg.content_type
    assert got.header("Soapaction") == f"{leg.service}/{leg.action}"
    if agreed_by(leg).ack_requested:
        _until(lambda: _is_told(leg, field))
    return "delivered"


def _deliveries(leg: Leg, field: Field) -> list[Got]:
    got = field.parties[leg.to_party].requests
    return [one for one in got if one.message_id == leg.message_id]


def _is_told(leg: Leg, field: Field) -> bool:
    """Say whether the acknowledgment of a leg has come to its sender."""
    said = (header_of(got.body) for got in field.parties[leg.from_party].requests)
    return any((one.action, one.ref_to) == ("Acknowledgment", leg.message_id) for one in said)


def _until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.02)
