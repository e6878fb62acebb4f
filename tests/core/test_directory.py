"""The directory as the core reads it: contracts, organisations, and what it does not look up."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from typing import Any

import pytest
from hubs import contract
from msgspec.structs import replace

from core.directory import (
    CACHE_SECONDS,
    CONTRACTS,
    MAX_KEY,
    Acknowledging,
    Actor,
    ContractProperties,
    Directory,
    Listed,
    Organisation,
    Party,
    contract_key,
    contracts_of,
    is_contracted,
    list_contracts,
    list_entries,
    list_organisations,
    parties_of,
)
from core.store import codec
from core.store.memory import MemoryStore
from core.store.port import Bucket, Documents, Record
from core.values.identity import PartyKey

PARTY = Party(PartyKey("A12345-0000001"), "Hill", ("hill.test",), organisation="A12345")
CONTRACT = replace(contract(PARTY.party_key, "", "ASK", "S1"), service="urn:x:transfers")


class Unscanned(MemoryStore):
    """A store that no request may list."""

    def keys(self, kind: Bucket[Any, Any] | Documents) -> Iterable[str]:
        """Refuse to list."""
        raise AssertionError(kind.name)


def listed(*contracts: ContractProperties) -> Unscanned:
    store = Unscanned()
    list_contracts(store, contracts, at="2014-01", import_id="1")
    return store


def test_a_contract_is_found_by_receiver_service_and_interaction() -> None:
    directory = Directory(listed(CONTRACT), time.monotonic)

    assert directory.contract(PARTY.party_key, "urn:x:transfers", "ASK") == CONTRACT
    assert directory.contract(PARTY.party_key, "urn:x:transfers", "TELL") is None
    assert directory.contract(PARTY.party_key, "urn:x:other", "ASK") is None
    assert directory.contract(PartyKey("B12345-0000001"), "urn:x:transfers", "ASK") is None


def test_other_names_that_join_to_the_same_key_find_nothing() -> None:
    directory = Directory(listed(CONTRACT), time.monotonic)

    assert directory.contract(PARTY.party_key, "urn:x", "transfers:ASK") is None


@pytest.mark.parametrize("name", ["x" * (MAX_KEY + 1), ""])
def test_a_name_that_cannot_be_listed_is_not_looked_up(name: str) -> None:
    store = MemoryStore()
    store.away = True
    directory = Directory(store, time.monotonic)

    assert directory.organisation(name) is None
    assert directory.party(PartyKey(name)) is None
    assert directory.contract(PARTY.party_key, "s", "x" * MAX_KEY) is None


def test_a_contract_is_remembered_for_some_seconds_and_then_seen_again() -> None:
    store, now = listed(CONTRACT), itertools.count(0.0, CACHE_SECONDS * 0.6)
    directory = Directory(store, now.__next__)
    asked = (PARTY.party_key, CONTRACT.service, CONTRACT.interaction)
    before = directory.contract(*asked)

    changed = replace(CONTRACT, retries=5)
    list_contracts(store, [changed], at="2014-02", import_id="2")

    assert directory.contract(*asked) == before
    assert directory.contract(*asked) == changed


def test_a_partys_contracts_are_found_without_a_scan_however_many() -> None:
    many = [replace(CONTRACT, interaction=f"ASK{number:04d}") for number in range(1203)]
    other = replace(CONTRACT, party_key=PartyKey("A12345-00000010"))
    store = listed(*many, other)

    assert contracts_of(store, PARTY.party_key) == tuple(many)
    assert contracts_of(store, other.party_key) == (other,)
    assert contracts_of(store, PartyKey("A12345")) == ()


def test_an_interaction_is_contracted_when_any_party_agreed_on_it() -> None:
    store = listed(CONTRACT)

    assert is_contracted(store, "ASK")
    assert not is_contracted(store, "AS")
    assert not is_contracted(store, "TELL")


def test_an_organisation_has_the_parties_that_last_named_it() -> None:
    store, second = Unscanned(), replace(PARTY, party_key=PartyKey("A12345-0000002"))
    list_organisations(store, [Organisation("A12345", "Hill")], at="2014-01", import_id="1")
    list_entries(store, [PARTY, second], [], at="2014-01", import_id="1")
    assert parties_of(store, "A12345") == (PARTY.party_key, second.party_key)

    list_entries(store, [replace(second, organisation="")], [], at="2014-02", import_id="2")

    assert parties_of(store, "A12345") == (PARTY.party_key,)
    found = Directory(store, time.monotonic).organisation("A12345")
    assert found == Organisation("A12345", "Hill")


def test_entries_come_back_from_their_stored_form_as_they_were() -> None:
    party = replace(PARTY, endpoint="https://h/", acknowledgments=Acknowledging.POSTED)
    listed = Listed("2014", party=party, contract=replace(CONTRACT, ordered=True))
    record = Record(facts={"1": listed}, state=listed)

    read = codec.decode(CONTRACTS, codec.encode(CONTRACTS, record))

    assert read.state == listed
    assert read.state.contract is not None
    assert read.state.contract.actor is Actor.NEXT_MSH
    assert isinstance(read.state.contract.retry_seconds, float)


def test_an_entry_that_was_written_before_there_were_contracts_is_read() -> None:
    earlier = (
        b'{"v":1,"f":{"1":{"at":"2014","party":{"party_key":"A12345-0000001","name":"Hill",'
        b'"certificate_names":["hill.test"],"asids":[]},"system":null,"certificate":null}}}'
    )
    party = codec.decode(CONTRACTS, earlier).state.party
    assert party == replace(PARTY, organisation="")


def test_a_contracts_key_names_party_service_and_interaction() -> None:
    assert contract_key("P", "urn:s", "I") == "P|urn:s:I"
