"""`spine directory`: organisations, people, parties, systems, contracts, and what each may do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from core import directory as directories
from core.context import system_context
from core.directory import (
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    System,
)
from core.errors import StoreError
from core.store.port import Store
from legacy_contracts.sds import schema as schemas
from operations import exporting, importing, listing, national, removing, same_names, standing
from operations.cli.directory_views import (
    list_flat,
    list_grouped,
    show_one,
)
from operations.cli.opening import (
    config_option,
    existing_store,
    fail,
    fail_all,
    json_option,
    opened,
    opened_existing,
    read_config,
)
from operations.finding_rows import Wanted
from operations.importing import Checked, Spool, SpoolError, spooling
from operations.listing import Listing, ListingError
from operations.same_names import Namesakes

_FORMATS: Final = {".ldif": "ldif", ".toml": "toml"}
_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(("ldif", "toml")),
    help="How the file is written; by its suffix where this is not said.",
)
_COUNTED: Final = {
    Person: "people",
    Membership: "memberships",
    RoleProfile: "role profiles",
    Organisation: "organisations",
    ContractProperties: "contracts",
    Party: "parties",
    System: "systems",
}


@click.group()
def directory() -> None:
    """Organisations, people, parties, systems, contracts, and what each may do."""


@directory.command("import", epilog="Example:  spine directory import parties.toml")
@config_option
@_format_option
@click.argument("file", type=click.Path(path_type=Path))
def import_(path: Path, file: Path, form: str | None) -> None:
    """Write the entries of FILE (LDIF or TOML) into the store.

    Entries that are not in the file stay as they are; in LDIF, "changetype: delete" takes one out.
    A file with a fault writes nothing. A running facade sees the change within seconds.
    """
    with opened(read_config(path)) as store:
        if _form(file, form) == "toml":
            counted = _counted_listing(import_file(store, file))
        else:
            counted = _import_ldif(store, file)
    click.echo(f"imported {file}: {counted}")


def import_file(store: Store, file: Path) -> Listing:
    """Write a TOML file's entries into the store and give them; its faults end the command."""
    read = _read_toml(file, store)
    if replaced := _namesakes(read, store).replaced:
        with spooling() as spool:
            gone = Checked(spool, gone=list(replaced.values()))
            importing.write(gone, store, system_context())
    _write(store, read)
    return read


def _namesakes(read: Listing, store: Store) -> Namesakes:
    """Give what the store has under the names of a TOML file's entries."""
    places = {same_names.place_of(one) for one in read.rows}
    return same_names.in_store(read.rows, store, lambda row: same_names.place_of(row) in places)


def _form(file: Path, form: str | None) -> str:
    """Give how a file is written."""
    if form is None:
        form = _FORMATS.get(file.suffix.lower())
    if form is None:
        fail_all([f"{file} ends in neither .ldif nor .toml: say --format ldif or --format toml"])
    return form


def _read_toml(file: Path, store: Store | None) -> Listing:
    try:
        read = listing.read(file, store)
    except ListingError as error:
        fail_all(error.faults)
    if store is None:
        return read
    clashing = (fault for _, fault in _namesakes(read, store).faults)
    if taken := (*_taken_names(store, read.parties), *clashing):
        fail_all(taken)
    return read


def _write(store: Store, read: Listing) -> None:
    """Write entries as one import; those that let callers in come last."""
    context = system_context()
    at, import_id = context.now().isoformat(timespec="microseconds"), context.new_id()
    for rows in (read.people, read.memberships, read.role_profiles):
        directories.list_rows(store, rows, at=at, import_id=import_id)
    directories.list_organisations(store, read.organisations, at=at, import_id=import_id)
    directories.list_contracts(store, read.contracts, at=at, import_id=import_id)
    directories.list_entries(store, read.parties, read.systems, at=at, import_id=import_id)


@contextlib.contextmanager
def _spooled() -> Iterator[Spool]:
    """Give a place where rows wait; that it cannot be written ends the command."""
    try:
        with spooling() as spool:
            yield spool
    except SpoolError as error:
        fail(str(error))


def _import_ldif(store: Store, file: Path) -> str:
    with _spooled() as spool:
        checked = _read_ldif(file, store, spool)
        counts = dict(checked.counts)
        counts[Party] = importing.write(checked, store, system_context())
    gone = f", taken out: {len(checked.gone)}" if checked.gone else ""
    return _counted(counts) + gone


def _read_ldif(file: Path, store: Store | None, spool: Spool) -> Checked:
    """Give what an LDIF holds, after its notes were told; its faults end the command."""
    try:
        with file.open("rb") as lines:
            checked = importing.read(lines, store, spool)
    except OSError as error:
        fail_all([f"{file} cannot be read: {error}"])
    for note in checked.notes:
        click.echo(f"note: {note}", err=True)
    faults = list(checked.faults)
    if store is not None and not faults:
        faults += _taken_names(store, checked.parties.values())
        faults += removing.needed(store, checked.gone)
    if faults:
        fail_all(faults)
    return checked


def _counted_listing(listed: Listing) -> str:
    return _counted(
        {
            Person: len(listed.people),
            Membership: len(listed.memberships),
            RoleProfile: len(listed.role_profiles),
            Organisation: len(listed.organisations),
            ContractProperties: len(listed.contracts),
            Party: len(listed.parties),
            System: len(listed.systems),
        }
    )


def _counted(counts: dict[type, int]) -> str:
    """Give how many entries of each kind there are, in words; people where there are some."""
    always = (Organisation, ContractProperties, Party, System)
    return ", ".join(
        f"{name}: {counts.get(kind, 0)}"
        for kind, name in _COUNTED.items()
        if kind in always or counts.get(kind)
    )


def _taken_names(store: Store, parties: Iterable[Party]) -> tuple[str, ...]:
    """Name the certificate names that prove another party of the store, one fault each."""
    listed = directories.Directory(store, time.monotonic)
    parties = tuple(parties)
    keys = {party.party_key for party in parties}
    owners = (
        (party, name, listed.party_of((name,)))
        for party in parties
        for name in party.certificate_names
    )
    return tuple(
        f"[party.{party.party_key}]: certificate name {name} is party {owner}'s in the store: "
        f"import [party.{owner}] without it first"
        for party, name, owner in owners
        if owner is not None and owner != party.party_key and owner not in keys
    )


@directory.command(epilog="Example:  spine directory export --ldif > directory.ldif")
@config_option
@_format_option
@click.option("--ldif", is_flag=True, help="The same as --format ldif.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def export(path: Path, form: str | None, file: Path | None, *, ldif: bool) -> None:
    """Write the whole table as LDIF or TOML, to FILE or to standard output.

    Both import again. The LDIF is what `slapadd` takes, with the schema of
    `spine directory schema`.
    """
    form = "ldif" if ldif else form
    form = _form(file, form) if file is not None else form or "toml"
    with opened_existing(read_config(path)) as store:
        texts = exporting.as_ldif(store) if form == "ldif" else exporting.as_toml(store)
        if file is None:
            for text in texts:
                click.echo(text, nl=False)
            return
        try:
            _write_whole(file, texts)
        except OSError as error:
            fail(f"{file} cannot be written: {error}")
    click.echo(f"exported {file}", err=True)


def _write_whole(file: Path, texts: Iterator[str]) -> None:
    """Write a file that is there whole or not at all; what is no file (a pipe) is written to."""
    if file.exists() and not file.is_file():
        with file.open("w", encoding="utf-8") as target:
            target.writelines(texts)
        return
    # A link stays one: what it leads to is written.
    file = file.resolve()
    unfinished = file.with_name(f".{file.name}.new")
    try:
        with unfinished.open("w", encoding="utf-8") as target:
            target.writelines(texts)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@directory.command(epilog="Example:  spine directory check parties.ldif")
@config_option
@_format_option
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(path: Path, form: str | None, file: Path | None) -> None:
    """Check FILE (LDIF or TOML) and write nothing; without FILE, the table in the store.

    What the file names and does not list may stand in the store, where there is one.
    """
    config = read_config(path)
    if file is None:
        with opened_existing(config) as store:
            _check_store(store)
        return
    try:
        existing: Store | None = existing_store(config)
    except StoreError:
        existing = None
    try:
        click.echo(f"{file} is right: {_checked(file, _form(file, form), existing)}")
    finally:
        if existing is not None:
            existing.close()


def _checked(file: Path, form: str, store: Store | None) -> str:
    if form == "toml":
        return _counted_listing(_read_toml(file, store))
    with _spooled() as spool:
        checked = _read_ldif(file, store, spool)
    return _counted(dict(checked.counts) | {Party: len({**checked.parties, **checked.runs})})


def _check_store(store: Store) -> None:
    count = 0
    for fault in standing.faults(store):
        count += 1
        click.echo(f"spine: {fault}", err=True)
    if count:
        fail(f"the directory has {count} faults")
    click.echo("the directory is right")


@directory.command(epilog="Example:  spine directory remove 990000000002")
@config_option
@click.argument("entries", nargs=-1, required=True)
def remove(path: Path, entries: tuple[str, ...]) -> None:
    """Take ENTRIES out of the table: each a key, as `list` and `show` give it, or a DN.

    A contract's key is "party|service:interaction", or its identifier.
    """
    with opened_existing(read_config(path)) as store, spooling() as spool:
        found = {name: removing.standing(store, name) for name in entries}
        absent = [name for name, row in found.items() if row is None]
        if absent:
            fail_all(
                f"{name} is not in the directory: see `spine directory list`" for name in absent
            )
        checked = Checked(spool, gone=[row for row in found.values() if row])
        if needed := removing.needed(store, checked.gone):
            fail_all(needed)
        importing.write(checked, store, system_context())
    click.echo(f"taken out: {len({same_names.place_of(one) for one in checked.gone})}")


@directory.command(epilog="Example:  spine directory schema > nhs.schema")
def schema() -> None:
    """Print the schema file that OpenLDAP's slapd needs for an exported LDIF."""
    click.echo(schemas.slapd_schema(), nl=False)


@directory.command(epilog="Example:  spine directory generate > national.ldif")
@click.option("--organisations", type=click.IntRange(1, 1_000_000), default=40_000)
@click.option("--seed", type=int, default=1, show_default=True)
def generate(organisations: int, seed: int) -> None:
    """Print a synthetic table as LDIF; as large as the national one unless told otherwise."""
    for text in national.as_ldif(organisations, seed):
        click.echo(text, nl=False)


@directory.command("list", epilog="Example:  spine directory list --kind system --party A12345-1")
@config_option
@json_option
@click.option("--kind", type=click.Choice(tuple(Wanted.KINDS)), help="Entries of one kind only.")
@click.option("--organisation", help="Those of the organisation with this ODS code.")
@click.option("--party", help="Those of the party with this key.")
@click.option("--interaction", help="Those that name this service:interaction.")
@click.option("--name", help="Those whose name begins so, in any case.")
@click.option("--limit", type=click.IntRange(1), help="How many at most.")
@click.option("--after", help="Go on after the entry with this key.")
def list_(path: Path, *, as_json: bool, limit: int | None, **filters: str | None) -> None:
    """List every party with its systems and contracts, or the entries that are asked for.

    With any filter, one line is one entry, its key first.
    """
    wanted = Wanted(limit=limit, **filters)
    if wrong := wanted.fault():
        fail_all([wrong])
    with opened_existing(read_config(path)) as store:
        if wanted.is_everything:
            list_grouped(store, as_json=as_json)
        else:
            list_flat(store, wanted, as_json=as_json)


@directory.command(epilog="Example:  spine directory show 990000000001")
@config_option
@click.argument("key")
@json_option
def show(path: Path, key: str, *, as_json: bool) -> None:
    """Show the entry with KEY.

    KEY is a party key, an ASID, an ODS code, a user's id, the id of a role profile, a contract's
    identifier, or a DN.
    """
    with opened_existing(read_config(path)) as store:
        row = removing.standing(store, key)
        if row is None:
            fail(f"{key} is not in the directory: see `spine directory list`")
        show_one(store, row, as_json=as_json)
