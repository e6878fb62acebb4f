"""The directory as people read it: written from a TOML file, listed from the store."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.directory import (
    CONTRACTS,
    MAX_KEY,
    ORGANISATIONS,
    PARTIES,
    SYSTEMS,
    Acknowledging,
    Actor,
    ContractProperties,
    Listed,
    Organisation,
    Party,
    System,
    contract_key,
    is_contracted,
)
from core.store.port import Bucket, Store
from core.values.identity import Asid, PartyKey, is_asid
from legacy_contracts import ns, registry
from operations.entries import Entry, listed, of_kind

EVERYTHING: Final = "*"

_KINDS: Final = ("organisation", "party", "system", "contract")
_ODS_CODE: Final = re.compile(r"[A-Za-z0-9]+")
_INTERACTION: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SERVICE: Final = re.compile(r"[!-~]+:[!-~]+")

_PARTY_FIELDS: Final = ("name", "certificate_names", "organisation", "endpoint", "acknowledgments")
_CONTRACT_FIELDS: Final = (
    *("party", "service", "interactions", "cpa_id", "endpoint"),
    *("ack_requested", "duplicate_elimination", "sync_reply", "actor"),
    *("retries", "retry_interval", "persist_duration", "ordered"),
)
# The words of the national directory's attributes (nhsMHSAckRequested and its neighbours).
_ALWAYS: Final = {"always": True, "never": False}
_SYNC_REPLY: Final = {"MSHSignalsOnly": True, "None": False}
_ACTORS: Final = {
    **{one.value: one for one in Actor},
    **{f"urn:oasis:names:tc:ebxml-msg:actor:{one.value}": one for one in Actor},
}
_ACKNOWLEDGING: Final = {one.value: one for one in Acknowledging}
# Where the file says nothing: what a real entry of the national directory says (public in
# NHSDigital/integration-adaptor-mhs, my_real_server_entries.json; transport.md 1.2).
_RETRIES: Final = 2
_RETRY_INTERVAL: Final = "PT1M"
_PERSIST_DURATION: Final = "PT5M"


class ListingError(Exception):
    """The file is wrong: every fault, each with its place and cure."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Listing:
    """What a file lists."""

    parties: tuple[Party, ...]
    systems: tuple[System, ...]
    organisations: tuple[Organisation, ...] = ()
    contracts: tuple[ContractProperties, ...] = ()


def read(path: Path, store: Store | None = None) -> Listing:
    """Give what a file lists; raise `ListingError` with every fault there is.

    What the file names and does not list may stand in the store, where one is given.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ListingError((f"{path} cannot be read: {error}",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ListingError((f"{path} is not TOML: {error}",)) from error
    faults: list[str] = []
    found = _listing(tables, faults)
    faults += _names_nothing(found, store)
    faults += [
        f"[{name}] is not known: use [organisation.ODS], [party.KEY], [system.ASID], [[contract]]"
        for name in tables
        if name not in _KINDS
    ]
    faults += _shared_certificates(found.parties)
    faults += _listed_twice(found.contracts)
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


def organisations(store: Store) -> tuple[Organisation, ...]:
    """Give every organisation in the store, by ODS code."""
    listed = (store.read(ORGANISATIONS, key) for key in sorted(store.keys(ORGANISATIONS)))
    return tuple(one.organisation for one in listed if one and one.organisation)


def contracts(store: Store) -> tuple[ContractProperties, ...]:
    """Give every contract in the store, by party, service and interaction."""
    listed = (store.read(CONTRACTS, key) for key in sorted(store.keys(CONTRACTS)))
    return tuple(one.contract for one in listed if one and one.contract)


def entry(store: Store, key: str) -> Party | System | Organisation | None:
    """Give the system, the party or the organisation with a key, or None."""
    system, party = store.read(SYSTEMS, key), store.read(PARTIES, key)
    organisation = store.read(ORGANISATIONS, key)
    return (
        (system.system if system else None)
        or (party.party if party else None)
        or (organisation.organisation if organisation else None)
    )


def _listing(tables: Mapping[str, Any], faults: list[str]) -> Listing:
    """Give what the tables list, whatever is wrong with it: the faults say what is."""
    contracts = tuple(
        contract for one in listed(tables, "contract", faults) for contract in _contracts(one)
    )
    grants = (
        *registry.ACTIVITIES,
        *(contract.interaction for contract in contracts),
    )
    return Listing(
        parties=tuple(_party(*one) for one in of_kind(tables, "party", faults)),
        systems=tuple(
            _system(*one, tuple(dict.fromkeys(grants))) for one in of_kind(tables, "system", faults)
        ),
        organisations=tuple(_organisation(*one) for one in of_kind(tables, "organisation", faults)),
        contracts=contracts,
    )


def _organisation(code: str, entry: Entry) -> Organisation:
    entry.refuse_unknown(("name", "attributes"))
    if not _ODS_CODE.fullmatch(code) or len(code) > MAX_KEY:
        entry.note("an ODS code has letters and digits only: correct it")
    return Organisation(code, entry.text("name"), entry.named_texts("attributes"))


def _party(key: str, entry: Entry) -> Party:
    entry.refuse_unknown(_PARTY_FIELDS)
    names = entry.texts("certificate_names")
    for one in (key, *names):
        if not 0 < len(one) <= MAX_KEY:
            entry.note(f"a party key, or a certificate name, has 1 to {MAX_KEY} characters")
    return Party(
        PartyKey(key),
        entry.text("name"),
        names,
        organisation=entry.optional_text("organisation"),
        endpoint=entry.url("endpoint"),
        acknowledgments=entry.choice("acknowledgments", _ACKNOWLEDGING, Acknowledging.REQUESTED),
    )


def _system(asid: str, entry: Entry, everything: tuple[str, ...]) -> System:
    entry.refuse_unknown(("name", "party", "interactions"))
    if not is_asid(asid):
        entry.note("an ASID has 12 digits: correct it")
    party, granted = PartyKey(entry.text("party")), entry.texts("interactions")
    if EVERYTHING in granted:
        granted = tuple(dict.fromkeys((*everything, *granted)))
    return System(
        Asid(asid),
        party,
        entry.text("name"),
        tuple(one for one in granted if one != EVERYTHING),
    )


def _contracts(entry: Entry) -> tuple[ContractProperties, ...]:
    """Give a table's contracts: one for each of its interactions."""
    entry.refuse_unknown(_CONTRACT_FIELDS)
    agreed = ContractProperties(
        party_key=PartyKey(entry.text("party")),
        service=_service(entry),
        interaction="",
        cpa_id=entry.text("cpa_id"),
        endpoint=entry.url("endpoint"),
        ack_requested=entry.choice("ack_requested", _ALWAYS, default=True),
        duplicate_elimination=entry.choice("duplicate_elimination", _ALWAYS, default=True),
        sync_reply=entry.choice("sync_reply", _SYNC_REPLY, default=True),
        actor=entry.choice("actor", _ACTORS, Actor.TO_PARTY_MSH),
        retries=entry.count("retries", _RETRIES),
        retry_seconds=entry.seconds("retry_interval", _RETRY_INTERVAL),
        persist_seconds=entry.seconds("persist_duration", _PERSIST_DURATION),
        ordered=entry.flag("ordered"),
    )
    _note_contradictions(entry, agreed)
    return tuple(replace(agreed, interaction=one) for one in _interactions(entry, agreed))


def _service(entry: Entry) -> str:
    service = entry.text("service")
    if service and not _SERVICE.fullmatch(service):
        entry.note(f'service {service!r} is no full name: write "{ns.SERVICES}NAME"')
    return service


def _interactions(entry: Entry, agreed: ContractProperties) -> tuple[str, ...]:
    named = entry.texts("interactions")
    if entry.table.get("interactions") == []:
        entry.note("interactions is empty: name one, or remove the contract")
    for one in named:
        if not _INTERACTION.fullmatch(one):
            entry.note(f"{one!r} is no interaction: write its id")
        elif len(contract_key(agreed.party_key, agreed.service, one)) > MAX_KEY:
            entry.note(f"party, service and {one} have more than {MAX_KEY} characters: shorten")
    return named


def _note_contradictions(entry: Entry, agreed: ContractProperties) -> None:
    persist, interval = agreed.persist_seconds, agreed.retry_seconds
    if persist == 0:
        entry.note("persist_duration is zero, so nothing would be sent: give a longer one")
    elif agreed.retries and persist < interval:
        entry.note(
            f"persist_duration ({persist:g} s) is shorter than retry_interval ({interval:g} s), so "
            "nothing would be sent again: lengthen it, or set retries = 0"
        )


def _names_nothing(found: Listing, store: Store | None) -> list[str]:
    """Name what entries name that stands neither in the file nor in the store."""
    return [
        *_unknown_organisations(found, store),
        *_unknown_parties(found, store),
        *_ungranted(found, store),
    ]


def _unknown_organisations(found: Listing, store: Store | None) -> Iterator[str]:
    codes = {one.ods_code for one in found.organisations}
    for party in found.parties:
        code = party.organisation
        if not code or code in codes or _stands(store, ORGANISATIONS, code):
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


def _ungranted(found: Listing, store: Store | None) -> Iterator[str]:
    """Name the interactions that no system can be granted: nothing answers or forwards them."""
    contracted = {one.interaction for one in found.contracts}
    asked = {activity for one in found.systems for activity in one.activities} - contracted
    unknown = {
        one
        for one in asked
        if one not in registry.ACTIVITIES and (store is None or not is_contracted(store, one))
    }
    for system in found.systems:
        for activity in system.activities:
            if activity in unknown:
                yield (
                    f"[system.{system.asid}]: interaction {activity} is not built here, and no "
                    "contract names it: see docs/interactions.md, or add a [[contract]]"
                )


def _stands(store: Store | None, bucket: Bucket[Listed, Listed], key: str) -> bool:
    return store is not None and store.read(bucket, key) is not None


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
