"""What public answers and tables of the directory say, in the directory's own attributes.

Each kind of file is read into attributes by a table, and an answer of ours is written back into
that kind by the same table: a FHIR resource by its own shape, the JSON of the route lookup of
integration-adaptor-mhs by name, the cache and the reference file of SpineTools by their own names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree
from msgspec import Struct
from msgspec.structs import replace

from adapters import sds_rows
from core.directory import ContractProperties, System
from legacy_contracts.sds import durations
from legacy_contracts.sds.ldif import Record

Said = Mapping[str, tuple[str, ...]]
"""What is said of an entry: the values of each attribute."""

_CONTRACT: Final = {
    "nhsMhsCPAId": ("S9999999A9999911",),
    "nhsMhsSvcIA": ("urn:nhs:names:services:pds:X",),
}
"""What a contract must have, where a file says only the rest."""

DEVICE: Final = "nhsAs"
ENDPOINT: Final = "nhsMhs"

_SYSTEMS: Final = {
    "nhsSpineASID": "uniqueIdentifier",
    "nhsMHSId": "uniqueIdentifier",
    "nhsMhsPartyKey": "nhsMHSPartyKey",
    "nhsMhsFQDN": "nhsMhsFQDN",
    "nhsMhsCPAId": "nhsMhsCPAId",
}
_REFERENCES: Final = {
    ("Extension-SDS-ManufacturingOrganisation", "Device"): "nhsMhsManufacturerOrg",
    ("Extension-SDS-NhsServiceInteractionId", "Device"): "nhsAsSvcIA",
    ("Extension-SDS-NhsServiceInteractionId", "Endpoint"): "nhsMhsSvcIA",
}


def said_by(resource: Mapping[str, Any]) -> Said:
    """Give what a Device or an Endpoint says, each thing by the attribute that it comes from."""
    said: dict[str, list[str]] = {}
    for name, value in (*_identified(resource), *_extended(resource), *_related(resource)):
        said.setdefault(name, []).append(str(value))
    return {name: tuple(values) for name, values in said.items()}


def _identified(resource: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for one in resource.get("identifier", ()):
        yield _SYSTEMS[one["system"].rpartition("/")[2]], one["value"]


def _extended(resource: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for one in resource.get("extension", ()):
        for inner in one.get("extension", ()):
            yield inner["url"], next(value for name, value in inner.items() if name != "url")
        if "valueReference" in one:
            name = _REFERENCES[one["url"].rpartition("/")[2], resource["resourceType"]]
            yield name, one["valueReference"]["identifier"]["value"]


def _related(resource: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for member, name in (("owner", "nhsAsClient"), ("managingOrganization", "nhsIDCode")):
        if member in resource:
            yield name, resource[member]["identifier"]["value"]
    if "address" in resource:
        yield "nhsMHSEndPoint", resource["address"]


class Read(Struct, frozen=True):
    """A row that was read out of a file, and how many of its values no field could hold."""

    row: System | ContractProperties
    otherwise: int


def row_of(kind: str, said: Said) -> Read:
    """Give the row that says all this; what an import would refuse, it says beside its fields."""
    fixed = {
        "objectClass": ("top", kind),
        "uniqueIdentifier": ("S9999999A9999911",),
        "nhsMHSPartyKey": ("T99999-9900011",),
        "nhsIDCode": ("T99999",),
        **(_CONTRACT if kind == ENDPOINT else {}),
        **said,
    }
    dn = f"uniqueIdentifier={fixed['uniqueIdentifier'][0]},ou=services,o=nhs"
    # A file that has a line for each attribute, so that a fault says whose it is.
    source = "\n".join(("dn:", *(f"{name}:" for name in fixed))).encode()
    _, faults = sds_rows.read(Record(1, dn, tuple(fixed.items()), source=source))
    refused = {one.line for one in faults}
    beside = tuple(one for line, one in enumerate(fixed.items(), 2) if line in refused)
    rest = tuple(one for line, one in enumerate(fixed.items(), 2) if line not in refused)
    row, faults = sds_rows.read(Record(1, dn, rest))
    assert isinstance(row, System | ContractProperties), [str(one) for one in faults]
    known = {name.lower() for name, _ in beside}
    kept = tuple(one for one in row.attributes if one[0].lower() not in known)
    return Read(replace(row, attributes=(*kept, *beside)), len(beside))


def devices_and_endpoints(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the resources of a searchset without their ids, which each answer has of its own."""
    return [
        {name: value for name, value in one["resource"].items() if name != "id"}
        for one in bundle.get("entry", ())
    ]


def routes(text: str) -> Said:
    """Give what an answer of the route lookup says: it has the attributes' own names."""
    found = json.loads(text)
    return {
        name: tuple(map(str, value)) if isinstance(value, list) else (str(value),)
        for name, value in found.items()
    }


def as_routes(said: Said, like: str) -> dict[str, Any]:
    """Give the same answer from attributes: the names, and the types, are those of the file."""
    return {
        name: list(said[name]) if isinstance(one, list) else type(one)(said[name][0])
        for name, one in json.loads(like).items()
    }


# SpineTools writes -1, "" and "null" for what the directory does not say; IsSynchronous, the
# service and the interaction it makes of the rest.
_CACHE: Final = {
    "Org": "nhsIDCode",
    "SvcIA": "nhsMhsSvcIA",
    "PartyKey": "nhsMHSPartyKey",
    "CPAid": "nhsMhsCPAId",
    "Url": "nhsMHSEndPoint",
    "SyncReply": "nhsMHSSyncReplyMode",
    "AckRequested": "nhsMHSAckRequested",
    "DuplicateElimination": "nhsMHSDuplicateElimination",
    "SoapActor": "nhsMHSActor",
    "Retries": "nhsMHSRetries",
    "RetryInterval": "nhsMHSRetryInterval",
    "PersistDuration": "nhsMHSPersistDuration",
}
_IN_SECONDS: Final = frozenset({"RetryInterval", "PersistDuration"})
_UNSAID: Final = ("", "null", -1)


def cached(text: str) -> Said:
    """Give what an entry of the cache of SpineTools says of a contract."""
    found = json.loads(text)
    return {
        attribute: (durations.written(found[name]) if name in _IN_SECONDS else str(found[name]),)
        if found[name] not in _UNSAID
        else ()
        for name, attribute in _CACHE.items()
    }


def as_cached(said: Said, like: str) -> dict[str, Any]:
    """Give what the cache would keep of an answer; what is not said is written as in the file."""
    found = json.loads(like)
    kept: dict[str, Any] = {}
    for name, attribute in _CACHE.items():
        value = next(iter(said.get(attribute, ())), None)
        if value is None:
            assert found[name] in _UNSAID
            kept[name] = found[name]
        elif name in _IN_SECONDS:
            kept[name] = durations.seconds_of(value)
        else:
            kept[name] = type(found[name])(value)
    return kept


_DUMP: Final = {
    "nacs": "nhsIDCode",
    "cpaid": "nhsMhsCPAId",
    "partykey": "nhsMHSPartyKey",
    "mhsactor": "nhsMHSActor",
    "syncReply": "nhsMHSSyncReplyMode",
    "dupElim": "nhsMHSDuplicateElimination",
    "ackRq": "nhsMHSAckRequested",
    "endpoint": "nhsMHSEndPoint",
}


def dumped(file: Path) -> Iterator[tuple[Said, Mapping[str, str]]]:
    """Give what each entry of a reference file of SpineTools says, and the entry."""
    for one in etree.parse(file).getroot().iter("{*}entry"):
        # One interaction ends in a line break.
        found = {str(name): str(value).strip() for name, value in one.attrib.items()}
        said = {
            attribute: (found[name],) if found[name] else () for name, attribute in _DUMP.items()
        }
        yield {**said, "nhsMhsSvcIA": (f"{found['service']}:{found['interaction']}",)}, found


def as_dumped(said: Said) -> dict[str, str]:
    """Give an entry of a reference file: what of it the directory says."""
    service = said["nhsMhsSvcIA"][0]
    return {
        **{name: next(iter(said.get(one, ())), "") for name, one in _DUMP.items()},
        "service:interaction": service,
    }
