"""The directory as people read it: written from a TOML file, listed from the store."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.directory import PARTIES, SYSTEMS, Party, System
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from legacy_contracts import registry

EVERYTHING: Final = "*"


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


def read(path: Path) -> Listing:
    """Give what a file lists; raise `ListingError` with every fault there is."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ListingError((f"{path} cannot be read: {error}",)) from error
    except tomllib.TOMLDecodeError as error:
        raise ListingError((f"{path} is not TOML: {error}",)) from error
    faults: list[str] = []
    parties = [_party(*entry, faults) for entry in _entries(tables, "party", faults)]
    keys = {party.party_key for party in parties if party}
    systems = [_system(*entry, keys, faults) for entry in _entries(tables, "system", faults)]
    faults += [
        f"[{name}] is not known: use [party.KEY] and [system.ASID]"
        for name in tables
        if name not in {"party", "system"}
    ]
    faults += _shared_certificates(parties)
    if faults:
        raise ListingError(tuple(faults))
    return Listing(tuple(p for p in parties if p), tuple(s for s in systems if s))


def parties(store: Store) -> tuple[Party, ...]:
    """Give every party in the store, by party key."""
    listed = (store.read(PARTIES, key) for key in sorted(store.keys(PARTIES)))
    return tuple(one.party for one in listed if one and one.party)


def systems(store: Store) -> tuple[System, ...]:
    """Give every system in the store, by ASID."""
    listed = (store.read(SYSTEMS, key) for key in sorted(store.keys(SYSTEMS)))
    return tuple(one.system for one in listed if one and one.system)


def entry(store: Store, key: str) -> Party | System | None:
    """Give the party or the system with a key, or None."""
    party, system = store.read(PARTIES, key), store.read(SYSTEMS, key)
    return (system.system if system else None) or (party.party if party else None)


def _entries(
    tables: Mapping[str, Any], kind: str, faults: list[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    section = tables.get(kind, {})
    if not isinstance(section, dict):
        faults.append(f"{kind} must be a table: write [{kind}.ID]")
        return []
    found: list[tuple[str, Mapping[str, Any]]] = []
    for name, entry in section.items():
        if isinstance(entry, dict):
            found.append((name, entry))
        else:
            faults.append(f"{kind}.{name} must be a table: write [{kind}.{name}]")
    return found


def _party(key: str, entry: Mapping[str, Any], faults: list[str]) -> Party | None:
    place = f"[party.{key}]"
    _refuse_unknown(place, entry, {"name", "certificate_names"}, faults)
    names = _texts(place, entry, "certificate_names", faults)
    return Party(PartyKey(key), _text(place, entry, "name", faults), names)


def _system(
    asid: str, entry: Mapping[str, Any], parties: set[PartyKey], faults: list[str]
) -> System | None:
    place = f"[system.{asid}]"
    _refuse_unknown(place, entry, {"name", "party", "interactions"}, faults)
    if not (asid.isascii() and asid.isdigit() and len(asid) == 12):
        faults.append(f"{place}: an ASID has 12 digits")
    party = PartyKey(_text(place, entry, "party", faults))
    if party and party not in parties:
        faults.append(f"{place}: party {party} is not in this file: add [party.{party}]")
    listed = _texts(place, entry, "interactions", faults)
    faults += [
        f"{place}: interaction {one} is not built here: see docs/interactions.md"
        for one in listed
        if one != EVERYTHING and not registry.is_known(one)
    ]
    if EVERYTHING in listed:
        listed = tuple(row.interaction_id for row in registry.INTERACTIONS)
    return System(Asid(asid), party, _text(place, entry, "name", faults), listed)


def _text(place: str, entry: Mapping[str, Any], key: str, faults: list[str]) -> str:
    value = entry.get(key)
    if isinstance(value, str) and value:
        return value
    faults.append(f'{place}: {key} is missing: write {key} = "..."')
    return ""


def _texts(place: str, entry: Mapping[str, Any], key: str, faults: list[str]) -> tuple[str, ...]:
    """Give a list of texts; an empty one is how something is taken away."""
    value = entry.get(key)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    faults.append(f'{place}: {key} is missing: write {key} = ["..."]')
    return ()


def _refuse_unknown(
    place: str, entry: Mapping[str, Any], known: set[str], faults: list[str]
) -> None:
    faults += [f"{place}: {key} is not known: remove it" for key in entry if key not in known]


def _shared_certificates(parties: list[Party | None]) -> list[str]:
    owners: dict[str, str] = {}
    faults = []
    for party in parties:
        for name in party.certificate_names if party else ():
            owner = owners.setdefault(name.lower(), party.party_key if party else "")
            if party and owner != party.party_key:
                faults.append(
                    f"certificate name {name} is of two parties: {owner}, {party.party_key}"
                )
    return faults
