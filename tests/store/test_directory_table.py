"""A directory goes in, is found in, and comes out of every home of the store alike."""

from __future__ import annotations

from typing import Any

import pytest
from directories import directory_of, entries_in, exported, imported

from core.directory.finding import By, Kind, exactly, find, starting
from core.store.port import Store
from operations import national


@pytest.fixture
def table(store: Store) -> Store:
    """Give a home with ten organisations; a real cluster holds what others left there."""
    imported(store, "".join(national.as_ldif(10, 1)))
    return store


def test_every_index_finds_the_same_in_every_home(table: Store) -> None:
    code = national.code_of(3)
    (system,) = found(table, Kind.SYSTEM, By.ORGANISATION, code.lower())
    contracts = found(table, Kind.CONTRACT, By.ORGANISATION, code)
    assert len(contracts) == 4
    assert found(table, Kind.SYSTEM, By.PARTY, system.party_key) == [system]
    assert set(found(table, Kind.CONTRACT, By.PARTY, system.party_key)) == set(contracts)
    (person,) = found(table, Kind.PERSON, By.KEY, "555100000003")
    assert person in found(table, Kind.PERSON, By.NAME, person.name.upper())
    assert len(found(table, Kind.ROLE_PROFILE, By.USER, person.user)) == 1
    (organisation,) = found(table, Kind.ORGANISATION, By.KEY, code)
    directory = directory_of(table)
    begun = find(starting(Kind.ORGANISATION, By.NAME, organisation.name[:5]), table, directory)
    assert organisation in [one.row for one in begun.rows]


def found(table: Store, kind: Kind, by: By, term: str) -> list[Any]:
    """Give the rows with a term."""
    return [one.row for one in find(exactly(kind, by, term), table, directory_of(table)).rows]


def test_what_went_in_comes_out_of_every_home(table: Store) -> None:
    said = entries_in("".join(national.as_ldif(10, 1)))
    assert said.items() <= entries_in(exported(table)).items()


def test_what_is_deleted_is_found_no_more_in_any_home(table: Store) -> None:
    dn = "uniqueIdentifier=200000000003,ou=services,o=nhs"

    imported(table, f"dn: {dn}\nchangetype: delete\n")

    assert found(table, Kind.SYSTEM, By.KEY, "200000000003") == []
    assert dn.lower() not in entries_in(exported(table))
