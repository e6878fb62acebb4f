"""`spine directory`: organisations, parties, systems, contracts, and what each may do."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from core import directory as directories
from core.context import system_context
from core.directory import ContractProperties, Organisation, Party, System
from core.store.port import Store
from core.values.identity import PartyKey
from operations import listing
from operations.cli.opening import (
    config_option,
    fail,
    fail_all,
    json_option,
    opened,
    opened_existing,
    read_config,
    say_json,
)
from operations.listing import Listing, ListingError

_SILENT: Final = ("attributes", "derived", "identifier", "interactions")
"""Fields of rows that are told only where they hold something."""
_ALWAYS: Final = {True: "always", False: "never"}
_SYNC_REPLY: Final = {True: "MSHSignalsOnly", False: "None"}


@click.group()
def directory() -> None:
    """Organisations, parties, systems, contracts, and what each may do."""


@directory.command("import", epilog="Example:  spine directory import parties.toml")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def import_(path: Path, file: Path) -> None:
    """Write the entries of FILE (TOML) into the store.

    Entries that are not in the file stay as they are. A running facade sees the change within
    seconds.
    """
    with opened(read_config(path)) as store:
        read = import_file(store, file)
    click.echo(f"imported {file}: {_counted(read)}")


def import_file(store: Store, file: Path) -> Listing:
    """Write a file's entries into the store and give them; its faults end the command."""
    try:
        read = listing.read(file, store)
    except ListingError as error:
        fail_all(error.faults)
    if taken := _taken_names(store, read):
        fail_all(taken)
    _write(store, read)
    return read


def _write(store: Store, read: Listing) -> None:
    """Write entries as one import; those that let callers in come last."""
    context = system_context()
    at, import_id = context.now().isoformat(timespec="microseconds"), context.new_id()
    directories.list_organisations(store, read.organisations, at=at, import_id=import_id)
    directories.list_contracts(store, read.contracts, at=at, import_id=import_id)
    directories.list_entries(store, read.parties, read.systems, at=at, import_id=import_id)


def _counted(listed: Listing) -> str:
    """Give how many entries of each kind there are, in words."""
    return (
        f"organisations: {len(listed.organisations)}, contracts: {len(listed.contracts)}, "
        f"parties: {len(listed.parties)}, systems: {len(listed.systems)}"
    )


def _taken_names(store: Store, read: Listing) -> tuple[str, ...]:
    """Name the certificate names that prove another party of the store, one fault each."""
    listed = directories.Directory(store, time.monotonic)
    keys = {party.party_key for party in read.parties}
    owners = [
        (party, name, listed.party_of((name,)))
        for party in read.parties
        for name in party.certificate_names
    ]
    return tuple(
        f"[party.{party.party_key}]: certificate name {name} is party {owner}'s in the store: "
        f"import [party.{owner}] without it first"
        for party, name, owner in owners
        if owner is not None and owner != party.party_key and owner not in keys
    )


@directory.command("list", epilog="Example:  spine directory list")
@config_option
@json_option
def list_(path: Path, *, as_json: bool) -> None:
    """List every party with its certificate names, its systems and its contracts."""
    with opened_existing(read_config(path)) as store:
        listed = Listing(
            parties=listing.parties(store),
            systems=listing.systems(store),
            organisations=listing.organisations(store),
            contracts=listing.contracts(store),
        )
    if as_json:
        say_json(
            {
                kind: [_told(one) for one in rows]
                for kind, rows in (
                    ("parties", listed.parties),
                    ("systems", listed.systems),
                    ("organisations", listed.organisations),
                    ("contracts", listed.contracts),
                )
            }
        )
        return
    for line in _listed_lines(listed):
        click.echo(line)
    click.echo(_counted(listed), err=True)


def _told(row: Any) -> dict[str, Any]:  # noqa: ANN401 - any row
    """Give a row for a machine; what few entries say is left out where it is not said."""
    silent = _SILENT if isinstance(row, Party) else {*_SILENT, "organisation"}
    return {name: value for name, value in asdict(row).items() if value or name not in silent}


def _listed_lines(listed: Listing) -> Iterable[str]:
    systems: dict[PartyKey, list[System]] = defaultdict(list)
    for system in listed.systems:
        systems[system.party_key].append(system)
    services: dict[PartyKey, Counter[str]] = defaultdict(Counter)
    for contract in listed.contracts:
        services[contract.party_key][contract.service] += 1
    for organisation in listed.organisations:
        yield f"{organisation.ods_code}  {organisation.name}"
    for party in listed.parties:
        yield f"{party.party_key}  {party.name}  {', '.join(party.certificate_names)}".rstrip()
        for system in systems[party.party_key]:
            yield f"  {system.asid}  {system.name}  {len(system.activities)} interactions"
        for service, count in services[party.party_key].items():
            yield f"  {service}  {count} contracts"


@directory.command(epilog="Example:  spine directory show 990000000001")
@config_option
@click.argument("key")
@json_option
def show(path: Path, key: str, *, as_json: bool) -> None:
    """Show the party, system or organisation with KEY (a party key, an ASID or an ODS code)."""
    with opened_existing(read_config(path)) as store:
        entry = listing.entry(store, key)
        if entry is None:
            fail(f"{key} is not in the directory: see `spine directory list`")
        told, lines = _SHOWN[type(entry)](store, entry)
    if as_json:
        say_json(told)
        return
    for line in lines:
        click.echo(line)


def _party(store: Store, party: Party) -> tuple[dict[str, Any], list[str]]:
    """Give a party with its contracts, for a machine and for a person."""
    contracts = directories.contracts_of(store, party.party_key)
    told = {**_told(party), "contracts": [_told(one) for one in contracts]}
    return told, [
        f"party         {party.party_key}",
        f"name          {party.name}",
        f"organisation  {party.organisation or 'none'}",
        f"endpoint      {party.endpoint or 'none'}",
        f"acknowledged  {party.acknowledgments}",
        *(f"certificate   {name}" for name in party.certificate_names),
        *(f"system        {asid}" for asid in party.asids),
        *(f"contract      {_terms(one)}" for one in contracts),
    ]


def _terms(contract: ContractProperties) -> str:
    """Give a contract on one line."""
    return "  ".join(
        (
            f"{contract.service} {contract.interaction}",
            f"CPA {contract.cpa_id}",
            contract.endpoint or "(the party's endpoint)",
            f"ack {_ALWAYS[contract.ack_requested]} {contract.actor}",
            f"duplicate elimination {_ALWAYS[contract.duplicate_elimination]}",
            f"sync reply {_SYNC_REPLY[contract.sync_reply]}",
            f"retries {contract.retries} x {contract.retry_seconds:g} s",
            f"persist {contract.persist_seconds:g} s",
            *(["ordered"] if contract.ordered else []),
        )
    )


def _system(_store: Store, system: System) -> tuple[dict[str, Any], list[str]]:
    return _told(system), [
        f"system        {system.asid}",
        f"name          {system.name}",
        f"party         {system.party_key}",
        *(f"interaction   {one}" for one in system.activities),
    ]


def _organisation(store: Store, organisation: Organisation) -> tuple[dict[str, Any], list[str]]:
    """Give an organisation with its parties, for a machine and for a person."""
    parties = directories.parties_of(store, organisation.ods_code)
    return {**_told(organisation), "parties": parties}, [
        f"organisation  {organisation.ods_code}",
        f"name          {organisation.name}",
        *(f"party         {key}" for key in parties),
    ]


_SHOWN: Final[Mapping[type, Callable[[Store, Any], tuple[dict[str, Any], list[str]]]]] = {
    Party: _party,
    System: _system,
    Organisation: _organisation,
}
