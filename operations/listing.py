"""The directory as people read it: written from a TOML file, listed from the store."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from core.directory import (
    CONTRACTS,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    SYSTEMS,
    ContractProperties,
    Listed,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    is_contracted,
)
from core.store.port import Bucket, Store
from operations import listing_tables as tables
from operations import same_names
from operations.entries import listed, of_kind

_KINDS: Final = (
    *("organisation", "person", "membership", "role_profile", "party", "system", "contract"),
)


class ListingError(Exception):
    """The file is wrong: every fault, each with its place and cure."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class Listing(Struct, frozen=True):
    """What a file lists."""

    parties: tuple[Party, ...]
    systems: tuple[System, ...]
    organisations: tuple[Organisation, ...] = ()
    contracts: tuple[ContractProperties, ...] = ()
    people: tuple[Person, ...] = ()
    memberships: tuple[Membership, ...] = ()
    role_profiles: tuple[RoleProfile, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of it, one after the other."""
        people: tuple[Row, ...] = (*self.people, *self.memberships, *self.role_profiles)
        return (*self.organisations, *people, *self.parties, *self.systems, *self.contracts)


def read(path: Path, store: Store | None = None) -> Listing:
    """Give what a file lists; raise `ListingError` with every fault there is.

    What the file names and does not list may stand in the store, where one is given.
    """
    try:
        loaded = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ListingError((f"{path} cannot be read: {error}",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ListingError((f"{path} is not TOML: {error}",)) from error
    except RecursionError as error:
        raise ListingError((f"{path} nests lists or tables too deeply: correct it",)) from error
    faults: list[str] = []
    found = _listing(loaded, faults)
    faults += _names_nothing(found, store)
    faults += [
        f"[{name}] is not known: use [organisation.ODS], [party.KEY], [system.ASID], [[contract]]"
        for name in loaded
        if name not in _KINDS
    ]
    faults += _shared_certificates(found.parties)
    faults += _listed_twice(found.contracts)
    # Only what is right has a name.
    faults += same_names.in_file(() if faults else found.rows)
    if faults:
        raise ListingError(tuple(faults))
    return found


def parties(store: Store) -> tuple[Party, ...]:
    """Give every party in the store, by party key."""
    listed = (store.read(PARTIES, key) for key in sorted(store.keys(PARTIES)))
    return tuple(one.party for one in listed if one and one.party)


def systems(store: Store) -> tuple[System, ...]:
    """Give every system in the store, by ASID."""
    listed = (store.read(SYSTEMS, key) for key in sorted(store.keys(SYSTEMS)))
    return tuple(one.system for one in listed if one and one.system)


def contracts(store: Store) -> tuple[ContractProperties, ...]:
    """Give every contract in the store, by party, service and interaction."""
    listed = (store.read(CONTRACTS, key) for key in sorted(store.keys(CONTRACTS)))
    return tuple(one.contract for one in listed if one and one.contract)


def _listing(read: Mapping[str, Any], faults: list[str]) -> Listing:
    """Give what the tables list, whatever is wrong with it: the faults say what is."""
    contracts = tuple(
        contract for one in listed(read, "contract", faults) for contract in tables.contracts(one)
    )
    return Listing(
        parties=tuple(tables.party(*one) for one in of_kind(read, "party", faults)),
        systems=tuple(tables.system(*one, contracts) for one in of_kind(read, "system", faults)),
        organisations=tuple(
            tables.organisation(*one) for one in of_kind(read, "organisation", faults)
        ),
        contracts=contracts,
        people=tuple(tables.person(*one) for one in of_kind(read, "person", faults)),
        memberships=tuple(tables.membership(*one) for one in of_kind(read, "membership", faults)),
        role_profiles=tuple(
            tables.role_profile(*one) for one in of_kind(read, "role_profile", faults)
        ),
    )


def _names_nothing(found: Listing, store: Store | None) -> list[str]:
    """Name what entries name that stands neither in the file nor in the store."""
    return [
        *_unknown_organisations(found, store),
        *_unknown_parties(found, store),
        *_unknown_people(found, store),
        *_ungranted(found, store),
    ]


def _unknown_organisations(found: Listing, store: Store | None) -> Iterator[str]:
    codes = {one.ods_code for one in found.organisations}
    for party in found.parties:
        code = party.organisation
        if not code or party.derived or code in codes or _stands(store, ORGANISATIONS, code):
            continue
        yield (
            f"[party.{party.party_key}]: organisation {code} is neither in this file nor in the "
            f"store: add [organisation.{code}]"
        )


def _unknown_parties(found: Listing, store: Store | None) -> Iterator[str]:
    """Name the parties that are not there; a system's own must be in the file with it."""
    keys = {party.party_key for party in found.parties}
    for system in found.systems:
        key = system.party_key
        if key and key not in keys:
            yield f"[system.{system.asid}]: party {key} is not in this file: add [party.{key}]"
    for key in dict.fromkeys(one.party_key for one in found.contracts):
        if key and key not in keys and not _stands(store, PARTIES, key):
            yield (
                f"[[contract]]: party {key} is neither in this file nor in the store: "
                f"add [party.{key}]"
            )


def _unknown_people(found: Listing, store: Store | None) -> Iterator[str]:
    people = {one.user for one in found.people}
    memberships = {one.identifier for one in found.memberships}
    standing: tuple[Membership | RoleProfile, ...] = (*found.memberships, *found.role_profiles)
    for one in standing:
        place = "membership" if isinstance(one, Membership) else "role_profile"
        if one.user and one.user not in people and not _stands(store, PEOPLE, one.user):
            yield (
                f"[{place}.{one.identifier}]: person {one.user} is neither in this file nor in "
                f"the store: add [person.{one.user}]"
            )
    for profile in found.role_profiles:
        key = profile.membership
        if key and key not in memberships and not _stands(store, MEMBERSHIPS, key):
            yield (
                f"[role_profile.{profile.identifier}]: membership {key} is neither in this file "
                f"nor in the store: add [membership.{key}]"
            )


def _ungranted(found: Listing, store: Store | None) -> Iterator[str]:
    """Name the interactions that no system can be granted: nothing answers or forwards them.

    One that is written in full is what the directory says of the system, whatever is built here.
    """
    bare = {one for system in found.systems for one in system.interactions if ":" not in one}
    unknown = {one for one in bare if store is None or not is_contracted(store, one)}
    for system in found.systems:
        for one in system.interactions:
            if one in unknown:
                yield (
                    f"[system.{system.asid}]: interaction {one} is not built here, and no "
                    "contract names it: see docs/interactions.md, or add a [[contract]]"
                )


def _stands(store: Store | None, bucket: Bucket[Listed, Listed], key: str) -> bool:
    listed = store.read(bucket, key) if store is not None else None
    return listed is not None and listed.row is not None


def _shared_certificates(parties: Iterable[Party]) -> list[str]:
    owners: dict[str, str] = {}
    faults = []
    for party in parties:
        for name in party.certificate_names:
            owner = owners.setdefault(name.lower(), party.party_key)
            if owner != party.party_key:
                faults.append(
                    f"certificate name {name} is of two parties: {owner}, {party.party_key}"
                )
    return faults


def _listed_twice(contracts: Iterable[ContractProperties]) -> list[str]:
    times = Counter((one.party_key, one.service, one.interaction) for one in contracts)
    return [
        f"[[contract]]: {service} {interaction} of party {party} is listed {count} times: leave one"
        for (party, service, interaction), count in times.items()
        if count > 1
    ]
