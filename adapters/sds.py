"""The directory's rows as LDAP entries, and entries as rows.

An entry is made from its row and kept nowhere: what the row has a field for is written from the
field, and `attributes` of the row holds what the entry says beyond that, or otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from adapters import gp2gp
from core.directory import (
    Acknowledging,
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    System,
    identifier_of,
)
from core.directory.finding import Shown
from legacy_contracts import ns, registry
from legacy_contracts.sds import durations
from legacy_contracts.sds.dn import escaped
from legacy_contracts.sds.entry import Attributes, Entry
from legacy_contracts.smsp.operations import OPERATIONS

ROOT: Final = "o=nhs"
ORGANISATIONS: Final = f"ou=organisations,{ROOT}"
PEOPLE: Final = f"ou=people,{ROOT}"
SERVICES: Final = f"ou=services,{ROOT}"
PARTIES: Final = f"ou=parties,{ROOT}"
"""Ours: the real directory has no entry for a message handler as a whole."""

CONTAINERS: Final = (
    Entry(ROOT, (("objectClass", ("top", "organization")), ("o", ("nhs",)))),
    *(
        Entry(
            f"ou={name},{ROOT}",
            (("objectClass", ("top", "organizationalUnit")), ("ou", (name,))),
        )
        for name in ("organisations", "people", "services", "parties")
    ),
)
"""The entries that others stand under; they say nothing else."""

ALWAYS: Final = {True: "always", False: "never"}
SYNC_REPLY: Final = {True: "MSHSignalsOnly", False: "None"}
ACTOR: Final = "urn:oasis:names:tc:ebxml-msg:actor:"

_SERVICES_OF: Final = {
    **{one.name: one.action for one in OPERATIONS.values()},
    **{
        interaction_id: f"{ns.SERVICES}{service}:{interaction_id}"
        for service, interaction_id in (
            *((row.service, row.interaction_id) for row in registry.INTERACTIONS),
            *((row.service, row.interaction_id) for row in registry.HUB_INTERACTIONS),
        )
    },
}


SHORT_NAMES: Final = frozenset(
    service.removeprefix(ns.SERVICES)
    for service in (gp2gp.SERVICE, *(full.rpartition(":")[0] for full in _SERVICES_OF.values()))
    if service.startswith(ns.SERVICES)
)
"""Services whose names people shorten, and are told to write in full."""


def full_name(activity: str) -> str:
    """Give an interaction that is built here as the directory names it, any other as it is."""
    return _SERVICES_OF.get(activity, activity)


def entry_of(shown: Shown) -> Entry:
    """Give the entry that clients are shown of a row."""
    dn, said = _DERIVED[type(shown.row)](shown.row, shown.party)
    return Entry(dn, merged(said, shown.row.attributes))


def host_of(row: ContractProperties) -> str:
    """Give the host that a contract's party is reached at, as its certificate names it."""
    for name, values in row.attributes:
        if name.lower() == "nhsmhsfqdn":
            return values[0] if values else ""
    return _host(row.endpoint)


@lru_cache(maxsize=1024)
def _host(endpoint: str) -> str:
    return urlsplit(endpoint).hostname or "" if endpoint else ""


@lru_cache(maxsize=4096)
def _lower(name: str) -> str:
    return name.lower()


def merged(said: Mapping[str, tuple[str, ...]], further: Attributes) -> Attributes:
    """Give attributes with those that are said otherwise; what has no values is not said."""
    found = {_lower(name): (name, values) for name, values in said.items()}
    found |= {_lower(name): (name, values) for name, values in further}
    return tuple((name, values) for name, values in found.values() if values)


_Derived = tuple[str, Mapping[str, tuple[str, ...]]]


def _one(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _organisation(row: Organisation, _party: Party | None) -> _Derived:
    classes = _said_classes(row.attributes)
    of_unit = bool({"nhssite", "nhsdept"} & {one.lower() for one in classes})
    return f"uniqueIdentifier={escaped(row.ods_code)},{ORGANISATIONS}", {
        "objectClass": ("top", "nhsOrg"),
        "uniqueIdentifier": (row.ods_code,),
        "nhsIDCode": (row.ods_code,),
        "ou" if of_unit else "o": _one(row.name),
    }


def _said_classes(attributes: Attributes) -> tuple[str, ...]:
    return next((values for name, values in attributes if name.lower() == "objectclass"), ())


def _person(row: Person, _party: Party | None) -> _Derived:
    return f"uid={escaped(row.user)},{PEOPLE}", {
        "objectClass": ("top", "person", "organizationalPerson", "inetOrgPerson", "nhsPerson"),
        "uid": (row.user,),
        "cn": _one(row.name),
        "sn": _one(row.family_name or row.name.rpartition(" ")[2]),
    }


def _membership(row: Membership, _party: Party | None) -> _Derived:
    dn = f"uniqueIdentifier={escaped(row.identifier)},uid={escaped(row.user)},{PEOPLE}"
    return dn, {
        "objectClass": ("top", "person", "organizationalPerson", "inetOrgPerson", "nhsOrgPerson"),
        "uniqueIdentifier": (row.identifier,),
        "uid": (row.user,),
        "nhsIDCode": _one(row.organisation),
        "cn": (row.name or row.user,),
        "sn": ((row.name or row.user).rpartition(" ")[2],),
    }


def _role_profile(row: RoleProfile, _party: Party | None) -> _Derived:
    above = f"uniqueIdentifier={escaped(row.membership)}," if row.membership else ""
    dn = f"uniqueIdentifier={escaped(row.identifier)},{above}uid={escaped(row.user)},{PEOPLE}"
    return dn, {
        "objectClass": ("top", "nhsOrgPersonRole"),
        "uniqueIdentifier": (row.identifier,),
        "nhsIDCode": _one(row.organisation),
        "nhsJobRole": _one(row.job_role),
        "nhsJobRoleCode": _one(row.job_role_code),
    }


def _whole_party(row: Party, _party: Party | None) -> _Derived:
    posted = row.acknowledgments is not Acknowledging.REQUESTED
    return f"nhsMHSPartyKey={escaped(row.party_key)},{PARTIES}", {
        "objectClass": ("top", "spineParty"),
        "nhsMHSPartyKey": (row.party_key,),
        "cn": _one(row.name),
        "nhsIDCode": _one(row.organisation),
        "nhsMHSEndPoint": _one(row.endpoint),
        "spineCertificateName": row.certificate_names,
        "spineAcknowledgments": (row.acknowledgments.value,) if posted else (),
    }


def _system(row: System, party: Party | None) -> _Derived:
    return f"uniqueIdentifier={escaped(row.asid)},{SERVICES}", {
        "objectClass": ("top", "nhsAs"),
        "uniqueIdentifier": (row.asid,),
        "nhsIDCode": _one(row.organisation or (party.organisation if party else "")),
        "nhsMHSPartyKey": (row.party_key,),
        "nhsAsSvcIA": row.interactions or tuple(full_name(one) for one in row.activities),
        "description": _one("" if row.name in _names(row) else row.name),
    }


def _names(row: System) -> tuple[str, ...]:
    """Give what a system is called where it has no description: its product, or its ASID."""
    products = (values for name, values in row.attributes if name.lower() == "nhsproductname")
    return (*next(products, ()), row.asid)


def _contract(row: ContractProperties, party: Party | None) -> _Derived:
    identifier = identifier_of(row)
    endpoint = row.endpoint or (party.endpoint if party else "")
    return f"uniqueIdentifier={escaped(identifier)},{SERVICES}", {
        "objectClass": ("top", "nhsMhs"),
        "uniqueIdentifier": (identifier,),
        "nhsIDCode": _one(row.organisation or (party.organisation if party else "")),
        "nhsMHSPartyKey": (row.party_key,),
        "nhsMhsSvcIA": (f"{row.service}:{row.interaction}",),
        "nhsMHsSN": (row.service,),
        "nhsMHsIN": (row.interaction,),
        "nhsMhsCPAId": _one(row.cpa_id),
        "nhsMHSEndPoint": _one(endpoint),
        # The name that its certificate has; real entries give the host of the endpoint.
        "nhsMhsFQDN": _one(_host(endpoint)),
        **_reliability(row),
    }


def _reliability(row: ContractProperties) -> dict[str, tuple[str, ...]]:
    return {
        "nhsMHSAckRequested": (ALWAYS[row.ack_requested],),
        "nhsMHSDuplicateElimination": (ALWAYS[row.duplicate_elimination],),
        "nhsMHSSyncReplyMode": (SYNC_REPLY[row.sync_reply],),
        "nhsMHSActor": (f"{ACTOR}{row.actor.value}",),
        "nhsMHSRetries": (str(row.retries),),
        "nhsMHSRetryInterval": (durations.written(row.retry_seconds),),
        "nhsMHSPersistDuration": (durations.written(row.persist_seconds),),
        "spineOrdered": ("TRUE",) if row.ordered else (),
    }


_DERIVED: Final[Mapping[type, Callable[[Any, Party | None], _Derived]]] = {
    Organisation: _organisation,
    Person: _person,
    Membership: _membership,
    RoleProfile: _role_profile,
    Party: _whole_party,
    System: _system,
    ContractProperties: _contract,
}
