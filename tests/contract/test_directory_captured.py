"""What the real directory says, in and out of ours: its entries, and its own schema."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from corpus import Corpus
from directories import as_set, directory_of, entries_in, exported, imported

from adapters import sds
from core.directory.finding import By, Kind, exactly, find
from core.store.memory import MemoryStore
from core.values.identity import PartyKey
from legacy_contracts.sds import ldif, schema
from legacy_contracts.sds.attribute_types import NHS_ATTRIBUTES
from legacy_contracts.sds.entry import Entry

PSIS = "urn:nhs:names:services:psis"


def told_by(captured: Corpus, name: str) -> Any:  # noqa: ANN401 - whatever stands in the file
    """Give a file of the real directory's answers."""
    return json.loads(captured.text(f"sds/mhs-adaptor/{name}"))


@pytest.fixture
def entries(captured: Corpus) -> list[Entry]:
    """Give the entries that were captured."""
    return [
        Entry(one["dn"], tuple((name, tuple(values)) for name, values in one["raw"].items()))
        for one in told_by(captured, "my_real_server_entries.json")["entries"]
    ]


@pytest.fixture
def table(entries: list[Entry]) -> MemoryStore:
    """Give a table with them."""
    store = MemoryStore()
    imported(store, "".join(map(ldif.written, entries)))
    return store


def test_real_entries_come_back_as_they_came(entries: list[Entry], table: MemoryStore) -> None:
    assert len(entries) == 2
    assert entries_in(exported(table)) == as_set(entries)


def test_the_hub_works_with_a_real_entry(
    captured: Corpus, entries: list[Entry], table: MemoryStore
) -> None:
    key = PartyKey(entries[1].first("nhsMHSPartyKey"))
    contract = directory_of(table).contract(key, PSIS, "MCCI_IN010000UK13")
    assert contract is not None

    reliability = told_by(captured, "reliability.json")
    assert contract.ack_requested == (reliability["nhsMHSAckRequested"] == "always")
    assert contract.retries == reliability["nhsMHSRetries"]
    assert (contract.retry_seconds, contract.persist_seconds) == (60.0, 300.0)
    assert contract.endpoint == entries[1].first("nhsMHSEndPoint")
    assert directory_of(table).party_of([entries[1].first("nhsMhsFQDN")]) == key


def test_a_real_entry_is_found_by_what_message_handlers_ask(
    entries: list[Entry], table: MemoryStore
) -> None:
    directory = directory_of(table)
    for entry, kind in zip(entries, (Kind.SYSTEM, Kind.CONTRACT), strict=True):
        for by, term in (
            (By.ORGANISATION, entry.first("nhsIDCode")),
            (By.PARTY, entry.first("nhsMHSPartyKey")),
            (By.INTERACTION, entry.first("nhsAsSvcIA") or entry.first("nhsMhsSvcIA")),
        ):
            found = find(exactly(kind, by, term), table, directory).rows
            assert as_set(map(sds.entry_of, found)) == as_set([entry])


def test_attribute_types_are_those_of_the_real_schema(captured: Corpus) -> None:
    told = _definitions(captured, "attributeTypes")
    for one in schema.ATTRIBUTES.values():
        if one.oid.startswith(NHS_ATTRIBUTES):
            real = told[one.name.lower()]
            assert real.split()[1] == one.oid
            # Where the real one has no rule ours has one, and so of order and substrings.
            assert _word(real, "EQUALITY") in {"", one.equality}
            assert not _word(real, "ORDERING") + _word(real, "SUBSTR")
            assert _word(real, "SYNTAX") == one.syntax
            assert ("SINGLE-VALUE" in real) == one.single


def test_classes_allow_all_that_the_real_ones_do_but_secrets(captured: Corpus) -> None:
    told = _definitions(captured, "objectClasses")
    for one in schema.CLASSES:
        if not one.oid.startswith(NHS_ATTRIBUTES):
            continue
        real = told[one.name.lower()]
        must, may = schema.bounds((one.name.lower(),))
        assert real.split()[1] == one.oid
        assert _word(real, "SUP") == one.sup
        real_must = {_plain(name) for name in _names(real, "MUST")}
        assert must - {"objectclass"} <= real_must | _above(one.sup)
        assert real_must | {_plain(name) for name in _names(real, "MAY")} - {"nhspusecret"} <= may


def _above(name: str) -> set[str]:
    return set(schema.bounds((name.lower(),))[0])


def _plain(name: str) -> str:
    known = schema.attribute(name)
    return known.name.lower() if known else name.lower()


def _definitions(captured: Corpus, kind: str) -> dict[str, str]:
    """Give the definitions of the real schema by name."""
    definitions = told_by(captured, "my_real_server_schema.json")["raw"][kind]
    return {
        name.lower(): one
        for one in definitions
        for name in re.findall(r"'([^']+)'", one.partition(" DESC ")[0])
    }


def _word(definition: str, keyword: str) -> str:
    found = re.search(rf" {keyword} (\S+)", definition)
    return found[1] if found else ""


def _names(definition: str, keyword: str) -> list[str]:
    found = re.search(rf" {keyword} (?:\( ([^)]*)\)|(\S+))", definition)
    return re.split(r"[ $]+", (found[1] or found[2]).strip()) if found else []
