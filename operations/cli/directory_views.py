"""How entries of the directory are shown: to a person in lines, to a machine in JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import click
from msgspec import to_builtins

from core import directory as directories
from core.directory import (
    CONTRACTS,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    ROLE_PROFILES,
    SYSTEMS,
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    identifier_of,
    key_of,
)
from core.directory.finding import in_order
from core.store.port import Store
from operations.cli.opening import say_json
from operations.finding_rows import Wanted

_SILENT: Final = ("attributes", "derived", "identifier", "interactions")
"""Fields of rows that are told only where they hold something."""
_ALWAYS: Final = {True: "always", False: "never"}
_SYNC_REPLY: Final = {True: "MSHSignalsOnly", False: "None"}
_SECTIONS: Final = (
    ("parties", PARTIES),
    ("systems", SYSTEMS),
    ("organisations", ORGANISATIONS),
    ("contracts", CONTRACTS),
    ("people", PEOPLE),
    ("memberships", MEMBERSHIPS),
    ("role_profiles", ROLE_PROFILES),
)


def told(row: Row) -> dict[str, Any]:
    """Give a row for a machine; what few entries say is left out where it is not said."""
    silent = {*_SILENT, "organisation"}
    if isinstance(row, Party):
        silent.remove("organisation")
    if isinstance(row, Membership | RoleProfile):
        silent.remove("identifier")
    return {name: value for name, value in to_builtins(row).items() if value or name not in silent}


def list_grouped(store: Store, *, as_json: bool) -> None:
    """Print the whole table, an entry at a time."""
    if as_json:
        _say_sections(store)
        return
    counts: Counter[type] = Counter()
    for organisation in in_order(store, ORGANISATIONS):
        counts[Organisation] += 1
        click.echo(_line(organisation))
    for party in in_order(store, PARTIES):
        counts[Party] += 1
        click.echo(_line(party))
        if isinstance(party, Party):
            counts += _list_of_party(store, party)
    click.echo(
        f"organisations: {counts[Organisation]}, contracts: {counts[ContractProperties]}, "
        f"parties: {counts[Party]}, systems: {counts[System]}",
        err=True,
    )


def _list_of_party(store: Store, party: Party) -> Counter[type]:
    counts: Counter[type] = Counter()
    for system in _systems_of(store, party):
        counts[System] += 1
        click.echo(f"  {system.asid}  {system.name}  {len(system.activities)} interactions")
    services = Counter(one.service for one in directories.contracts_of(store, party.party_key))
    for service, count in services.items():
        click.echo(f"  {service}  {count} contracts")
    counts[ContractProperties] = services.total()
    return counts


def _systems_of(store: Store, party: Party) -> Iterator[System]:
    """Give the systems that a party runs; one that went to another party says so itself."""
    listed = (store.read(SYSTEMS, asid) for asid in party.asids)
    systems = (one.system for one in listed if one is not None)
    yield from (one for one in systems if one and one.party_key == party.party_key)


def _say_sections(store: Store) -> None:
    """Print the table as one JSON object, of which only an entry is held."""
    for number, (name, bucket) in enumerate(_SECTIONS):
        click.echo(f'{", " if number else "{"}"{name}": [', nl=False)
        for position, row in enumerate(in_order(store, bucket)):
            click.echo(f"{', ' if position else ''}{json.dumps(told(row))}", nl=False)
        click.echo("]", nl=False)
    click.echo("}")


def list_flat(store: Store, wanted: Wanted, *, as_json: bool) -> None:
    """Print the entries that were asked for, each on its line."""
    count = 0
    for row in wanted.rows(store):
        count += 1
        if as_json:
            say_json({"kind": _KIND[type(row)], **told(row)})
        else:
            click.echo(_line(row))
    click.echo(f"entries: {count}", err=True)


def _line(row: Row) -> str:
    """Give an entry on one line, its key first."""
    return "  ".join((key_of(row), *_SUMMARY[type(row)](row))).rstrip()


_KIND: Final[Mapping[type, str]] = {
    Organisation: "organisation",
    Person: "person",
    Membership: "membership",
    RoleProfile: "role-profile",
    Party: "party",
    System: "system",
    ContractProperties: "contract",
}
_SUMMARY: Final[Mapping[type, Callable[[Any], Iterable[str]]]] = {
    Organisation: lambda row: (row.name,),
    Person: lambda row: (row.name,),
    Membership: lambda row: (row.user, row.organisation),
    RoleProfile: lambda row: (row.user, row.organisation, row.job_role),
    Party: lambda row: (row.name, ", ".join(row.certificate_names)),
    System: lambda row: (row.name, row.party_key, f"{len(row.activities)} interactions"),
    ContractProperties: lambda row: (identifier_of(row), f"CPA {row.cpa_id}"),
}


def show_one(store: Store, row: Row, *, as_json: bool) -> None:
    """Print an entry with what it is made of."""
    whole, lines = _SHOWN[type(row)](store, row)
    if as_json:
        say_json(whole)
        return
    for line in (*lines, *_attributes(row)):
        click.echo(line)


def _attributes(row: Row) -> Iterator[str]:
    """Give what an entry says beyond its fields; what it does not say is said so."""
    for name, values in row.attributes:
        yield from (f"attribute     {name}: {one}" for one in values or ("(not said)",))


_Shown = tuple[dict[str, Any], list[str]]


def _party(store: Store, party: Party) -> _Shown:
    """Give a party with its contracts, for a machine and for a person."""
    contracts = directories.contracts_of(store, party.party_key)
    whole = {**told(party), "contracts": [told(one) for one in contracts]}
    return whole, [
        f"party         {party.party_key}",
        f"name          {party.name}",
        f"organisation  {party.organisation or 'none'}",
        f"endpoint      {party.endpoint or 'none'}",
        f"acknowledged  {party.acknowledgments}",
        *(["derived       from its systems and contracts"] if party.derived else []),
        *(f"certificate   {name}" for name in party.certificate_names),
        *(f"system        {one.asid}" for one in _systems_of(store, party)),
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


def _contract(_store: Store, contract: ContractProperties) -> _Shown:
    identifier = identifier_of(contract)
    return {**told(contract), "identifier": identifier}, [
        f"contract      {key_of(contract)}",
        f"identifier    {identifier}",
        f"party         {contract.party_key}",
        f"terms         {_terms(contract)}",
    ]


def _system(_store: Store, system: System) -> _Shown:
    return told(system), [
        f"system        {system.asid}",
        f"name          {system.name}",
        f"party         {system.party_key}",
        *([f"organisation  {system.organisation}"] if system.organisation else []),
        *(f"interaction   {one}" for one in system.activities),
    ]


def _organisation(store: Store, organisation: Organisation) -> _Shown:
    """Give an organisation with its parties, for a machine and for a person."""
    parties = directories.parties_of(store, organisation.ods_code)
    return {**told(organisation), "parties": parties}, [
        f"organisation  {organisation.ods_code}",
        f"name          {organisation.name}",
        *(f"party         {key}" for key in parties),
    ]


def _person(_store: Store, person: Person) -> _Shown:
    return told(person), [f"person        {person.user}", f"name          {person.name}"]


def _membership(_store: Store, row: Membership) -> _Shown:
    return told(row), [
        f"membership    {row.identifier}",
        f"person        {row.user}",
        f"organisation  {row.organisation}",
    ]


def _role_profile(_store: Store, row: RoleProfile) -> _Shown:
    return told(row), [
        f"role profile  {row.identifier}",
        f"person        {row.user}",
        f"organisation  {row.organisation or 'none'}",
        f"job role      {row.job_role}  {row.job_role_code}".rstrip(),
    ]


_SHOWN: Final[Mapping[type, Callable[[Store, Any], _Shown]]] = {
    Party: _party,
    System: _system,
    Organisation: _organisation,
    ContractProperties: _contract,
    Person: _person,
    Membership: _membership,
    RoleProfile: _role_profile,
}
