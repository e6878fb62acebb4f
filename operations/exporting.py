"""The table as a file: LDIF for a directory server, TOML for people; each imports again.

Rows are read from the store one after the other, in the order of their keys, so that two exports
of one table are the same file and a large table takes little memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from adapters import sds
from core.directory import (
    CONTRACTS,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    ROLE_PROFILES,
    SYSTEMS,
    Acknowledging,
    Attributes,
    ContractProperties,
    Listed,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
)
from core.directory.finding import Shown
from core.store.port import Bucket, Store
from core.values.identity import is_asid
from legacy_contracts.sds import durations, ldif

TABLE: Final = (
    ORGANISATIONS,
    PEOPLE,
    MEMBERSHIPS,
    ROLE_PROFILES,
    PARTIES,
    SYSTEMS,
    CONTRACTS,
)
"""Every kind of row: what others stand under before them."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def rows(store: Store, bucket: Bucket[Listed, Listed]) -> Iterator[Row]:
    """Give every row of a kind by key, those too that an earlier release listed."""
    for key in sorted(store.keys(bucket)):
        listed = store.read(bucket, key)
        if listed is not None and listed.row is not None:
            yield listed.row


def as_ldif(store: Store) -> Iterator[str]:
    """Give the table as LDIF, an entry at a time.

    As slapd's own tools write it, without the line that says the version: `slapadd` takes none.
    """
    for container in sds.CONTAINERS:
        yield ldif.written(container)
    for bucket in TABLE:
        for row in rows(store, bucket):
            if not (isinstance(row, Party) and row.derived):
                yield ldif.written(sds.entry_of(shown(store, row)))


def shown(store: Store, row: Row) -> Shown:
    """Give a row with its party, where it may leave something to it."""
    if not isinstance(row, System | ContractProperties):
        return Shown(row)
    listed = store.read(PARTIES, row.party_key)
    return Shown(row, listed.party if listed else None)


def as_toml(store: Store) -> Iterator[str]:
    """Give the table as TOML, a table at a time."""
    for bucket in TABLE:
        for row in rows(store, bucket):
            yield _table(*_WRITTEN[type(row)](row), row.attributes)


_Fields = Mapping[str, Any]


def _table(place: str, fields: _Fields, attributes: Attributes) -> str:
    """Give a table with its fields, those that say nothing left out, and its attributes."""
    lines = [place, *(f"{name} = {_value(one)}" for name, one in fields.items() if one != "")]
    if attributes:
        said = (f"{_key(name)} = {_value(values)}" for name, values in attributes)
        lines.append(f"attributes = {{ {', '.join(said)} }}")
    return "".join((*(f"{line}\n" for line in lines), "\n"))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    # A basic string of TOML escapes what JSON escapes, and DEL, which JSON does not.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _optional(fields: _Fields, defaults: _Fields) -> dict[str, Any]:
    """Give fields without those that say what is so where nothing is said."""
    return {name: one for name, one in fields.items() if one != defaults.get(name)}


def _organisation(row: Organisation) -> tuple[str, _Fields]:
    return f"[organisation.{_key(row.ods_code)}]", {"name": row.name}


def _person(row: Person) -> tuple[str, _Fields]:
    return f"[person.{_key(row.user)}]", {"name": row.name, "family_name": row.family_name}


def _membership(row: Membership) -> tuple[str, _Fields]:
    fields = {"person": row.user, "organisation": row.organisation, "name": row.name}
    return f"[membership.{_key(row.identifier)}]", fields


def _role_profile(row: RoleProfile) -> tuple[str, _Fields]:
    return f"[role_profile.{_key(row.identifier)}]", {
        "person": row.user,
        "membership": row.membership,
        "organisation": row.organisation,
        "job_role": row.job_role,
        "job_role_code": row.job_role_code,
    }


def _party(row: Party) -> tuple[str, _Fields]:
    fields = {
        "name": row.name,
        "certificate_names": row.certificate_names,
        "organisation": row.organisation,
        "endpoint": row.endpoint,
        "acknowledgments": row.acknowledgments.value,
        "derived": row.derived,
    }
    unsaid = {"acknowledgments": Acknowledging.REQUESTED.value, "derived": False}
    return f"[party.{_key(row.party_key)}]", _optional(fields, unsaid)


def _system(row: System) -> tuple[str, _Fields]:
    return f"[system.{_key(row.asid)}]", {
        "name": row.name,
        "party": row.party_key,
        "organisation": row.organisation,
        "unnameable": "" if is_asid(row.asid) else True,
        "interactions": row.interactions or row.activities,
    }


def _contract(row: ContractProperties) -> tuple[str, _Fields]:
    fields = {
        "party": row.party_key,
        "service": row.service,
        "interactions": (row.interaction,),
        "cpa_id": row.cpa_id,
        "identifier": row.identifier,
        "organisation": row.organisation,
        "endpoint": row.endpoint,
        "ack_requested": sds.ALWAYS[row.ack_requested],
        "duplicate_elimination": sds.ALWAYS[row.duplicate_elimination],
        "sync_reply": sds.SYNC_REPLY[row.sync_reply],
        "actor": row.actor.value,
        "retries": row.retries,
        "retry_interval": durations.written(row.retry_seconds),
        "persist_duration": durations.written(row.persist_seconds),
        "ordered": row.ordered,
    }
    return "[[contract]]", _optional(fields, {"ordered": False})


_WRITTEN: Final[Mapping[type, Callable[[Any], tuple[str, _Fields]]]] = {
    Organisation: _organisation,
    Person: _person,
    Membership: _membership,
    RoleProfile: _role_profile,
    Party: _party,
    System: _system,
    ContractProperties: _contract,
}
