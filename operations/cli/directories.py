"""`spine directory`: parties, systems, and what each may do."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from core import directory as directories
from core.context import system_context
from core.directory import Party, System
from core.store.port import Store
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
from operations.listing import ListingError


@click.group()
def directory() -> None:
    """Parties, systems, and what each may do."""


@directory.command("import", epilog="Example:  spine directory import parties.toml")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def import_(path: Path, file: Path) -> None:
    """Write the parties and systems of FILE (TOML) into the store.

    Entries that are not in the file stay as they are. A running facade sees the change within
    seconds.
    """
    with opened(read_config(path)) as store:
        read = import_file(store, file)
    click.echo(f"imported {file}: parties: {len(read.parties)}, systems: {len(read.systems)}")


def import_file(store: Store, file: Path) -> listing.Listing:
    """Write a file's entries into the store and give them; its faults end the command."""
    try:
        read = listing.read(file)
    except ListingError as error:
        fail_all(error.faults)
    if taken := _taken_names(store, read):
        fail_all(taken)
    context = system_context()
    directories.list_entries(
        store,
        read.parties,
        read.systems,
        at=context.now().isoformat(timespec="microseconds"),
        import_id=context.new_id(),
    )
    return read


def _taken_names(store: Store, read: listing.Listing) -> tuple[str, ...]:
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
    """List every party with its certificate names and its systems."""
    with opened_existing(read_config(path)) as store:
        parties, systems = listing.parties(store), listing.systems(store)
    if as_json:
        say_json(
            {
                "parties": [asdict(party) for party in parties],
                "systems": [asdict(system) for system in systems],
            }
        )
        return
    for party in parties:
        click.echo(f"{party.party_key}  {party.name}  {', '.join(party.certificate_names)}")
        for system in systems:
            if system.party_key == party.party_key:
                count = len(system.activities)
                click.echo(f"  {system.asid}  {system.name}  {count} interactions")
    click.echo(f"parties: {len(parties)}, systems: {len(systems)}", err=True)


@directory.command(epilog="Example:  spine directory show 990000000001")
@config_option
@click.argument("key")
@json_option
def show(path: Path, key: str, *, as_json: bool) -> None:
    """Show the party or the system with KEY (a party key or an ASID)."""
    with opened_existing(read_config(path)) as store:
        entry = listing.entry(store, key)
    if entry is None:
        fail(f"{key} is not in the directory: see `spine directory list`")
    if as_json:
        say_json(asdict(entry))
        return
    for line in _lines(entry):
        click.echo(line)


def _lines(entry: Party | System) -> list[str]:
    if isinstance(entry, Party):
        return [
            f"party         {entry.party_key}",
            f"name          {entry.name}",
            *(f"certificate   {name}" for name in entry.certificate_names),
            *(f"system        {asid}" for asid in entry.asids),
        ]
    return [
        f"system        {entry.asid}",
        f"name          {entry.name}",
        f"party         {entry.party_key}",
        *(f"interaction   {one}" for one in entry.activities),
    ]
