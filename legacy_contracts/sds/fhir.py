"""Device and Endpoint: the directory's entries as FHIR resources, and the set of those found.

Shapes, systems and the order of members are those of NHSDigital/spine-directory-service-api
(request/fhir_json_mapper.py), whose answers clients parse. An attribute that an entry lacks, or
that is empty, is left out, as there; where one value is expected, the first is given, where the
reference fails over a second.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.fhir_asking import FHIR_JSON, ODS_CODE, PARTY_KEY, SERVICE_ID

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int"
Resource: TypeAlias = Mapping[str, Json]

ASID: Final = "https://fhir.nhs.uk/Id/nhsSpineASID"
MHS_ID: Final = "https://fhir.nhs.uk/Id/nhsMHSId"

_EXTENSION: Final = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-"
_INTERACTION: Final = f"{_EXTENSION}NhsServiceInteractionId"
_MANUFACTURER: Final = f"{_EXTENSION}ManufacturingOrganisation"
_RELIABILITY: Final = f"{_EXTENSION}ReliabilityConfiguration"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"

_DEVICE_IDENTIFIERS: Final = ((ASID, "uniqueIdentifier"), (PARTY_KEY, "nhsMHSPartyKey"))
_ENDPOINT_IDENTIFIERS: Final = (
    ("https://fhir.nhs.uk/Id/nhsMhsFQDN", "nhsMhsFQDN"),
    (PARTY_KEY, "nhsMHSPartyKey"),
    ("https://fhir.nhs.uk/Id/nhsMhsCPAId", "nhsMhsCPAId"),
    (MHS_ID, "uniqueIdentifier"),
)
_RELIABILITY_VALUES: Final = (
    ("nhsMHSSyncReplyMode", "valueString"),
    ("nhsMHSRetryInterval", "valueString"),
    ("nhsMHSRetries", "valueInteger"),
    ("nhsMHSPersistDuration", "valueString"),
    ("nhsMHSDuplicateElimination", "valueString"),
    ("nhsMHSAckRequested", "valueString"),
    ("nhsMHSActor", "valueString"),
)
_MAX_INTEGER: Final = 2**31 - 1
"""FHIR's integer has 32 bits."""


def device(entry: Entry) -> Resource:
    """Give an accredited system as a Device."""
    manufacturer = entry.first("nhsMhsManufacturerOrg")
    owner = entry.first("nhsAsClient")
    extensions = [
        *([_refers(_MANUFACTURER, ODS_CODE, manufacturer)] if manufacturer else []),
        *(_refers(_INTERACTION, SERVICE_ID, one) for one in entry.values("nhsAsSvcIA") if one),
    ]
    return {
        "resourceType": "Device",
        "id": _id("Device", entry.dn),
        **_unless_empty("identifier", _identifiers(entry, _DEVICE_IDENTIFIERS)),
        **_unless_empty("extension", extensions),
        **({"owner": {"identifier": _identifier(ODS_CODE, owner)}} if owner else {}),
    }


def endpoints(entry: Entry, *, through: str = "") -> tuple[Resource, ...]:
    """Give a message handler's contract as an Endpoint for each address, or one without any.

    What goes `through` an intermediary has its address, and no other.
    """
    own = tuple(one for one in entry.values("nhsMHSEndPoint") if one)
    addresses = (through,) if through else own or ("",)
    return tuple(_endpoint(entry, place, one) for place, one in enumerate(addresses))


def _endpoint(entry: Entry, place: int, address: str) -> Resource:
    organisation = entry.first("nhsIDCode")
    interaction = entry.first("nhsMhsSvcIA")
    reliability: list[Resource] = [
        {"url": name, kind: value}
        for name, kind in _RELIABILITY_VALUES
        for value in _of_kind(kind, entry.first(name))
    ]
    reliable: Resource = {"url": _RELIABILITY, "extension": reliability}
    managing: Resource = {"identifier": _identifier(ODS_CODE, organisation)}
    extensions = [
        *([reliable] if reliability else []),
        *([_refers(_INTERACTION, SERVICE_ID, interaction)] if interaction else []),
    ]
    return {
        "resourceType": "Endpoint",
        "id": _id("Endpoint", f"{entry.dn}#{place}"),
        "status": "active",
        "connectionType": _coding("endpoint-connection-type", "hl7-fhir-msg", "HL7 FHIR Messaging"),
        "payloadType": [{"coding": [_coding("endpoint-payload-type", "any", "Any")]}],
        **({"address": address} if address else {}),
        **({"managingOrganization": managing} if organisation else {}),
        **_unless_empty("identifier", _identifiers(entry, _ENDPOINT_IDENTIFIERS)),
        **_unless_empty("extension", extensions),
    }


def searchset(found: Iterable[Resource], *, bundle_id: str, base: str, asked: str) -> bytes:
    """Give what was found as a Bundle: `base` is where each resource stands, `asked` the search."""
    entries: list[Resource] = [
        {"fullUrl": f"{base}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found
    ]
    return written(
        {
            "resourceType": "Bundle",
            "id": bundle_id,
            "type": "searchset",
            "total": len(entries),
            "link": [{"relation": "self", "url": asked}],
            "entry": entries,
        }
    )


def capability(base: str) -> bytes:
    """Give what this face can do, as a CapabilityStatement; the reference has none."""
    tokens = {"Device": (*_SEARCHED, "manufacturing-organization"), "Endpoint": _SEARCHED}
    return written(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-11-25",
            "kind": "instance",
            "implementation": {"description": "Spine directory, read only", "url": base},
            "fhirVersion": "4.0.1",
            "format": [FHIR_JSON, "application/json"],
            "rest": [
                {
                    "mode": "server",
                    "resource": [
                        {
                            "type": kind,
                            "interaction": [{"code": "search-type"}],
                            "searchParam": [{"name": one, "type": "token"} for one in names],
                        }
                        for kind, names in tokens.items()
                    ],
                }
            ],
        }
    )


_SEARCHED: Final = ("organization", "identifier")


def written(resource: Resource) -> bytes:
    """Give a resource as it goes over the wire."""
    return json.dumps(resource, indent=2).encode()


def _id(kind: str, name: str) -> str:
    """Give the id of a resource: the reference draws one for each answer, ours stays the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_X500, f"{kind}:{name.lower()}")).upper()


def _of_kind(kind: str, text: str) -> tuple[str | int, ...]:
    """Give a value in its type, or nothing where it is empty or no number of that type."""
    if kind == "valueString" or not text:
        return (text,) if text else ()
    try:
        number = int(text)
    except ValueError:
        return ()
    return (number,) if abs(number) <= _MAX_INTEGER else ()


def _identifiers(entry: Entry, table: tuple[tuple[str, str], ...]) -> list[Resource]:
    return [_identifier(system, value) for system, name in table if (value := entry.first(name))]


def _identifier(system: str, value: str) -> Resource:
    return {"system": system, "value": value}


def _refers(url: str, system: str, value: str) -> Resource:
    return {"url": url, "valueReference": {"identifier": _identifier(system, value)}}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"system": f"{_TERMINOLOGY}{system}", "code": code, "display": display}


def _unless_empty(name: str, values: Sequence[Json]) -> Resource:
    return {name: values} if values else {}
