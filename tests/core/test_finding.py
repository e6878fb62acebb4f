"""What clients of the directory find: by every index, in any case, page by page, no scan."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest
from hubs import contract
from msgspec.structs import replace

from core.directory import (
    Directory,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    System,
    list_contracts,
    list_entries,
    list_organisations,
    list_rows,
)
from core.directory.finding import (
    LAST,
    By,
    FindEntries,
    Kind,
    everything,
    exactly,
    find,
    starting,
)
from core.store.memory import MemoryStore
from core.store.port import Bucket, Documents
from core.values.identity import Asid, PartyKey

HILL = Party(PartyKey("A12345-0000001"), "Hill", ("hill.test",), organisation="A12345")
HOST = Party(PartyKey("YGM24-0000001"), "Host", (), organisation="YGM24", derived=True)
OWN = System(Asid("100000000001"), HILL.party_key, "Hill", ("ASK",), ("urn:x:ASK", "urn:x:TELL"))
HOSTED = System(
    Asid("100000000002"), HOST.party_key, "Hosted", ("ASK",), ("urn:x:ASK",), organisation="A12345"
)
CONTRACT = replace(contract(HILL.party_key, "", "ASK", "S1"), service="urn:x")
OTHER = replace(CONTRACT, interaction="TELL", identifier="T9", organisation="B1")


class Unscanned(MemoryStore):
    """A store that no request may list."""

    def keys(self, kind: Bucket[Any, Any] | Documents) -> Iterable[str]:
        """Refuse to list."""
        raise AssertionError(kind.name)


@pytest.fixture
def store() -> Unscanned:
    store = Unscanned()
    listing = {"at": "2014-01", "import_id": "1"}
    list_organisations(store, [Organisation("A12345", "Hill practice")], **listing)
    list_rows(store, [Person("555", "Ann Hill")], **listing)
    list_rows(store, [Membership("777", "555", "A12345")], **listing)
    profile = RoleProfile("888", "555", "Clerk", "R8010", "A12345", "777")
    list_rows(store, [profile], **listing)
    list_contracts(store, [CONTRACT, OTHER], **listing)
    list_entries(store, [HILL, HOST], [OWN, HOSTED], **listing)
    return store


def found(store: Unscanned, command: FindEntries) -> list[Any]:
    directory = Directory(store, time.monotonic)
    return [one.row for one in find(command, store, directory).rows]


@pytest.mark.parametrize(
    ("kind", "by", "term", "keys"),
    [
        (Kind.ORGANISATION, By.KEY, "a12345", ["A12345"]),
        (Kind.ORGANISATION, By.NAME, "hill PRACTICE", ["A12345"]),
        (Kind.PERSON, By.KEY, "555", ["555"]),
        (Kind.MEMBERSHIP, By.USER, "555", ["777"]),
        (Kind.ROLE_PROFILE, By.KEY, "888", ["888"]),
        (Kind.ROLE_PROFILE, By.USER, "555", ["888"]),
        (Kind.ROLE_PROFILE, By.ORGANISATION, "A12345", ["888"]),
        (Kind.PARTY, By.KEY, "a12345-0000001", ["A12345-0000001"]),
        (Kind.PARTY, By.KEY, "YGM24-0000001", []),
        (Kind.PARTY, By.ORGANISATION, "A12345", ["A12345-0000001"]),
        (Kind.PARTY, By.ORGANISATION, "YGM24", []),
        (Kind.SYSTEM, By.KEY, "100000000001", ["100000000001"]),
        (Kind.SYSTEM, By.PARTY, "ygm24-0000001", ["100000000002"]),
        (Kind.SYSTEM, By.ORGANISATION, "A12345", ["100000000002", "100000000001"]),
        (Kind.SYSTEM, By.ORGANISATION, "YGM24", []),
        (Kind.SYSTEM, By.INTERACTION, "URN:X:TELL", ["100000000001"]),
        (Kind.CONTRACT, By.KEY, "a12345-0000001|urn:x:ask", ["ASK"]),
        (Kind.CONTRACT, By.PARTY, "A12345-0000001", ["ASK", "TELL"]),
        (Kind.CONTRACT, By.PARTY, "A12345-000000", []),
        (Kind.CONTRACT, By.ORGANISATION, "A12345", ["ASK"]),
        (Kind.CONTRACT, By.ORGANISATION, "B1", ["TELL"]),
        (Kind.CONTRACT, By.INTERACTION, "urn:x:TELL", ["TELL"]),
        (Kind.CONTRACT, By.IDENTIFIER, "t9", ["TELL"]),
    ],
)
def test_a_term_finds_its_rows(
    store: Unscanned, kind: Kind, by: By, term: str, keys: list[str]
) -> None:
    rows = found(store, exactly(kind, by, term))
    names = ("ods_code", "interaction", "asid", "identifier", "user", "party_key")
    assert [next(getattr(one, name) for name in names if hasattr(one, name)) for one in rows] == (
        keys
    )


def test_a_prefix_finds_what_begins_so(store: Unscanned) -> None:
    assert found(store, starting(Kind.ORGANISATION, By.NAME, "hil")) != []
    assert found(store, starting(Kind.ORGANISATION, By.NAME, "ill")) == []
    assert len(found(store, starting(Kind.CONTRACT, By.INTERACTION, "urn:x:"))) == 2


def test_what_a_row_leaves_to_its_party_stands_beside_it(store: Unscanned) -> None:
    directory = Directory(store, time.monotonic)
    (shown,) = find(exactly(Kind.SYSTEM, By.KEY, OWN.asid), store, directory).rows
    assert shown.party is not None
    assert shown.party.organisation == "A12345"


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_give_every_row_once(store: Unscanned, limit: int) -> None:
    directory = Directory(store, time.monotonic)
    for command, expected in (
        (FindEntries(Kind.SYSTEM, By.ORGANISATION, "A12345", "A12345", limit), 2),
        (FindEntries(Kind.CONTRACT, By.KEY, "", LAST, limit), 2),
    ):
        rows: list[Any] = []
        after: str | None = None
        while True:
            page = find(replace(command, after=after), store, directory)
            assert len(page.rows) <= limit
            rows += page.rows
            after = page.after
            if after is None:
                break
        assert len(rows) == len(set(rows)) == expected


def test_everything_is_given_in_the_order_of_keys(store: Unscanned) -> None:
    directory = Directory(store, time.monotonic)
    many = [Organisation(f"B{number:05d}", "x") for number in range(2500)]
    list_organisations(store, many, at="2014-02", import_id="2")
    rows = [
        one.row
        for one in everything(Kind.ORGANISATION, lambda asked: find(asked, store, directory))
    ]
    assert rows == [Organisation("A12345", "Hill practice"), *many]


def test_an_index_that_a_kind_has_not_is_refused(store: Unscanned) -> None:
    with pytest.raises(ValueError, match="a person is not found by party"):
        found(store, exactly(Kind.PERSON, By.PARTY, "x"))


def test_a_renamed_row_is_found_by_its_new_name_alone(store: Unscanned) -> None:
    list_organisations(store, [Organisation("A12345", "Dale")], at="2014-02", import_id="2")
    assert found(store, exactly(Kind.ORGANISATION, By.NAME, "hill practice")) == []
    assert found(store, exactly(Kind.ORGANISATION, By.NAME, "dale")) != []
