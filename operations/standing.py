"""What is wrong with the table as it stands in the store: each fault with its cure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from core.directory import (
    CERTIFICATES,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    ContractProperties,
    Directory,
    Listed,
    Membership,
    Party,
    RoleProfile,
    Row,
    System,
    key_of,
)
from core.directory.finding import BUCKETS, By, Kind, exactly, find
from core.store.port import Bucket, Store
from operations import same_names
from operations.exporting import rows, shown

_AGAIN: Final = "export the table and import it again"


def faults(store: Store) -> Iterator[str]:
    """Give every fault of the stored table, as it is found."""
    directory = Directory(store, time.monotonic)
    yield from _of_one_name(store)
    for kind, bucket in BUCKETS.items():
        for row in rows(store, bucket):
            yield from _CHECKS.get(type(row), _nothing)(store, row)
            if not (isinstance(row, Party) and row.derived):
                found = find(exactly(kind, By.KEY, key_of(row)), store, directory).rows
                if all(one.row != row for one in found):
                    yield (
                        f"{_what(kind, row)} was listed by an earlier release, so no client of "
                        f"the directory finds it: {_AGAIN}"
                    )


def _of_one_name(store: Store) -> Iterator[str]:
    """Name the rows that are one entry to clients, each pair once."""
    everything = (row for bucket in BUCKETS.values() for row in rows(store, bucket))
    for row, other in same_names.pairs(everything, store):
        if key_of(row) < key_of(other):
            yield f"{key_of(row)} and {key_of(other)} are one name to clients: remove one"


def _what(kind: Kind, row: Row) -> str:
    return f"{kind} {key_of(row)}"


def _nothing(_store: Store, _row: Row) -> Iterator[str]:
    return iter(())


def _is_there(store: Store, bucket: Bucket[Listed, Listed], key: str) -> bool:
    listed = store.read(bucket, key)
    return listed is not None and listed.row is not None


def _party(store: Store, row: Party) -> Iterator[str]:
    code = row.organisation
    if code and not row.derived and not _is_there(store, ORGANISATIONS, code):
        yield (
            f"party {row.party_key}: organisation {code} is not in the directory: import it, or "
            "correct the party"
        )
    for name in row.certificate_names:
        listed = store.read(CERTIFICATES, name.lower())
        certificate = listed.certificate if listed else None
        if certificate is None or certificate.party_key != row.party_key:
            owner = f"proves {certificate.party_key}" if certificate else "proves nobody"
            yield (
                f"party {row.party_key}: certificate name {name} {owner}: import the party again, "
                "or take the name out of one"
            )


def _system(store: Store, row: System) -> Iterator[str]:
    if not _is_there(store, PARTIES, row.party_key):
        yield _without_party(f"system {row.asid}", row.party_key)


def _contract(store: Store, row: ContractProperties) -> Iterator[str]:
    what = f"contract {key_of(row)}"
    if not _is_there(store, PARTIES, row.party_key):
        yield _without_party(what, row.party_key)
        return
    party = shown(store, row).party
    if not row.endpoint and party is not None and party.derived:
        yield f"{what}: neither it nor its party has an endpoint: import it with one"
    if row.retries and row.persist_seconds < row.retry_seconds:
        yield (
            f"{what}: it persists {row.persist_seconds:g} s, shorter than its retry interval "
            f"({row.retry_seconds:g} s): import it corrected"
        )


def _without_party(what: str, key: str) -> str:
    return f"{what}: party {key} is not in the directory: import it, or remove what names it"


def _membership(store: Store, row: Membership | RoleProfile) -> Iterator[str]:
    what = "membership" if isinstance(row, Membership) else "role profile"
    if not _is_there(store, PEOPLE, row.user):
        yield f"{what} {row.identifier}: person {row.user} is not in the directory: import it"
    above = row.membership if isinstance(row, RoleProfile) else ""
    if above and not _is_there(store, MEMBERSHIPS, above):
        yield f"{what} {row.identifier}: membership {above} is not in the directory: import it"


_CHECKS: Final[Mapping[type, Callable[[Store, Any], Iterator[str]]]] = {
    Party: _party,
    System: _system,
    ContractProperties: _contract,
    Membership: _membership,
    RoleProfile: _membership,
}
