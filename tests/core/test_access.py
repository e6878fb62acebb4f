"""Who may do what: certificate, party, system, and what an import takes away again."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from core import access
from core.directory import Directory, Party, System, list_entries
from core.errors import NotAllowed
from core.store.memory import MemoryStore
from core.values.identity import Asid, Caller, PartyKey

PARTY = Party(PartyKey("T99999-9900001"), "Practice", ("client.test",))
SYSTEM = System(Asid("990000000001"), PARTY.party_key, "System", ("A",))
CALLER = Caller(PARTY.party_key, SYSTEM.asid, "A", "m")
BY_PARTY = replace(CALLER, asid=None, named_party=PARTY.party_key)


def directory(*imports: tuple[Party, System]) -> Directory:
    """Give the directory after some imports."""
    store = MemoryStore()
    for number, (party, system) in enumerate(imports):
        list_entries(store, [party], [system], at=f"2014-{number:02d}", import_id=str(number))
    return Directory(store, time.monotonic)


@pytest.mark.parametrize("caller", [CALLER, BY_PARTY])
def test_who_is_listed_may(caller: Caller) -> None:
    access.authorise(caller, directory((PARTY, SYSTEM)))


@pytest.mark.parametrize(
    "caller",
    [
        replace(CALLER, party_key=PartyKey("T99999-9900002")),
        replace(CALLER, party_key=PartyKey("")),
        replace(CALLER, asid=Asid("990000000002")),
        replace(CALLER, activity="B"),
        replace(BY_PARTY, named_party=PartyKey("T99999-9900002")),
        replace(BY_PARTY, activity="B"),
    ],
)
def test_who_is_not_may_not(caller: Caller) -> None:
    with pytest.raises(NotAllowed):
        access.authorise(caller, directory((PARTY, SYSTEM)))


def test_a_reason_repeats_nothing_that_is_no_id() -> None:
    caller = replace(CALLER, asid=Asid("MRS EDITH CARTER 9990000018"))
    with pytest.raises(NotAllowed) as refused:
        access.authorise(caller, directory((PARTY, SYSTEM)))
    assert "CARTER" not in str(refused.value)
    assert "27 characters" in str(refused.value)


def test_a_name_that_a_later_import_leaves_out_proves_nothing_any_more() -> None:
    found = directory((PARTY, SYSTEM), (replace(PARTY, certificate_names=("new.test",)), SYSTEM))
    assert found.party_of(("client.test",)) is None
    assert found.party_of(("NEW.test",)) == PARTY.party_key


def test_a_system_is_closed_by_giving_it_nothing_to_do() -> None:
    closed = directory((PARTY, SYSTEM), (PARTY, replace(SYSTEM, activities=())))
    for caller in (CALLER, BY_PARTY):
        with pytest.raises(NotAllowed):
            access.authorise(caller, closed)


def test_a_second_import_leaves_a_party_its_earlier_systems() -> None:
    other = replace(SYSTEM, asid=Asid("990000000002"), activities=("B",))
    access.authorise(BY_PARTY, directory((PARTY, SYSTEM), (PARTY, other)))
