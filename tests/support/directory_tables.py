"""Tables of the directory for tests: of some rows, and any small one that hypothesis makes."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from msgspec import Struct

from adapters import sds
from core.directory import (
    Actor,
    ContractProperties,
    Directory,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    System,
    identifier_of,
    list_contracts,
    list_entries,
    list_organisations,
    list_rows,
)
from core.directory.finding import FindEntries, Found, Kind, everything, find
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from legacy_contracts.sds.entry import Entry

CODES: Final = ("A81001", "a81001", "B82", "ß1", "Y  9")
NAMES: Final = (
    "The Surgery",
    "the  surgery",
    "THE SURGERY ",
    "\uff33t Mary",
    "St Mary's",
    "Straße",
    "x",
)
PARTIES: Final = ("A81001-0000001", "YES-0000806", "B82-0000002")
SERVICES: Final = ("urn:nhs:names:services:gp2gp", "urn:nhs:names:services:pds")
INTERACTIONS: Final = ("RCMR_IN010000UK05", "QUPA_IN000008UK02", "rcmr_in010000uk05")
USERS: Final = ("555000001", "555000002", "Ab1")
ASIDS: Final = ("200000000115", "200000000116", "999000000117")


class Table(Struct, frozen=True):
    """A directory in a store of its own."""

    store: Store
    directory: Directory

    def find(self, command: FindEntries) -> Found:
        """Give a page of rows."""
        return find(command, self.store, self.directory)

    def entries(self) -> list[Entry]:
        """Give every entry that there is."""
        rows = (shown for kind in Kind for shown in everything(kind, self.find))
        return [*sds.CONTAINERS, *map(sds.entry_of, rows)]


class Rows(Struct, frozen=True):
    """What a table lists."""

    organisations: tuple[Organisation, ...] = ()
    people: tuple[Person, ...] = ()
    memberships: tuple[Membership, ...] = ()
    role_profiles: tuple[RoleProfile, ...] = ()
    parties: tuple[Party, ...] = ()
    systems: tuple[System, ...] = ()
    contracts: tuple[ContractProperties, ...] = ()


def table(rows: Rows) -> Table:
    """Give a directory that lists some rows."""
    store = MemoryStore()
    at = {"at": "2014-01", "import_id": "1"}
    list_organisations(store, rows.organisations, **at)
    for people in (rows.people, rows.memberships, rows.role_profiles):
        list_rows(store, people, **at)
    list_entries(store, rows.parties, rows.systems, **at)
    list_contracts(store, rows.contracts, **at)
    return Table(store, Directory(store, lambda: 0.0))


def contract(party: str, service: str, interaction: str, **said: str) -> ContractProperties:
    """Give a contract with the usual properties."""
    return ContractProperties(
        party_key=PartyKey(party),
        service=service,
        interaction=interaction,
        cpa_id=said.pop("cpa_id", "S1"),
        endpoint=said.pop("endpoint", ""),
        ack_requested=True,
        duplicate_elimination=True,
        sync_reply=False,
        actor=Actor.TO_PARTY_MSH,
        retries=2,
        retry_seconds=60.0,
        persist_seconds=300.0,
        **said,
    )


_full_names = [f"{service}:{one}" for service in SERVICES for one in INTERACTIONS]
_organisation = st.builds(Organisation, st.sampled_from(CODES), st.sampled_from(NAMES))
_person = st.builds(Person, st.sampled_from(USERS), st.sampled_from(NAMES))
_membership = st.builds(
    Membership,
    st.sampled_from(("m1", "M1", "m2")),
    st.sampled_from(USERS),
    st.sampled_from(CODES),
    st.sampled_from(NAMES),
)
_role = st.builds(
    RoleProfile,
    st.sampled_from(("r1", "R1", "r2")),
    st.sampled_from(USERS),
    st.sampled_from(("Clerk", "Doctor")),
    st.just("S0030"),
    st.sampled_from(CODES),
    st.sampled_from(("", "m1", "m2")),
)
_party = st.builds(
    Party,
    st.sampled_from(PARTIES).map(PartyKey),
    st.sampled_from(NAMES),
    st.just(()),
    organisation=st.sampled_from(("", *CODES)),
    endpoint=st.sampled_from(("", "https://one.test/x")),
    derived=st.booleans(),
)
_system = st.builds(
    System,
    st.sampled_from(ASIDS).map(Asid),
    st.sampled_from(PARTIES).map(PartyKey),
    st.sampled_from(NAMES),
    st.just(()),
    st.lists(st.sampled_from(_full_names), max_size=3, unique=True).map(tuple),
    st.sampled_from(("", *CODES)),
)
_contract = st.builds(
    lambda party, service, interaction, said: contract(party, service, interaction, **said),
    st.sampled_from(PARTIES),
    st.sampled_from(SERVICES),
    st.sampled_from(INTERACTIONS),
    st.fixed_dictionaries(
        {
            "identifier": st.sampled_from(("", "S9", "s9", "S10")),
            "organisation": st.sampled_from(("", *CODES)),
        }
    ),
)


def _some(
    strategy: st.SearchStrategy[object], key: object
) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=4, unique_by=key).map(tuple)


def _key(text: str) -> str:
    """Give an id as names compare it: two entries may not have one name."""
    return " ".join(text.split()).casefold()


ROWS: Final = st.builds(
    Rows,
    _some(_organisation, lambda one: _key(one.ods_code)),
    _some(_person, lambda one: _key(one.user)),
    _some(_membership, lambda one: _key(one.identifier)),
    _some(_role, lambda one: _key(one.identifier)),
    _some(_party, lambda one: one.party_key),
    _some(_system, lambda one: one.asid),
    _some(
        _contract,
        (
            lambda one: (one.party_key, _key(f"{one.service}:{one.interaction}")),
            lambda one: _key(identifier_of(one)),
        ),
    ),
)
"""Any small table: codes and names that differ in case and spaces alone among them."""
