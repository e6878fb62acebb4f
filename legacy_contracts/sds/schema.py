"""The schema of the directory: its classes of entries, and how schemas are written down.

The subschema entry, the check of an LDIF and the schema file for slapd are all made from these
tables. The classes are those of the real server (attribute_types.py says where they are public)
with one difference: what the real directory requires for its own book-keeping (who asked for an
entry, who approved it, which product it is) is allowed here and not required, and so is what an
entry leaves to its party. docs/decisions/0022-one-directory.md tells why.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from legacy_contracts.sds import attribute_types
from legacy_contracts.sds.attribute_types import NHS_ATTRIBUTES, OUR_OWN, AttributeType

NHS_CLASSES: Final = f"{NHS_ATTRIBUTES}2.0."


class ClassKind(StrEnum):
    """What a class is for."""

    ABSTRACT = "ABSTRACT"
    STRUCTURAL = "STRUCTURAL"
    AUXILIARY = "AUXILIARY"


class ObjectClass(Struct, frozen=True):
    """A class of entries: what one must have, and may have beside that of the class above it."""

    name: str
    oid: str
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    sup: str = "top"
    kind: ClassKind = ClassKind.STRUCTURAL


_ADDRESS: Final = (
    *("seeAlso", "businessCategory", "x121Address", "registeredAddress", "destinationIndicator"),
    *("preferredDeliveryMethod", "telephoneNumber", "internationaliSDNNumber"),
    *("facsimileTelephoneNumber", "street", "postOfficeBox", "postalCode", "postalAddress"),
    *("physicalDeliveryOfficeName", "st", "l", "description"),
)
_OFFICE: Final = tuple(
    one for one in _ADDRESS if one not in ("seeAlso", "businessCategory", "description")
)
_EMPLOYED: Final = (
    *("businessCategory", "carLicense", "departmentNumber", "displayName", "employeeNumber"),
    *("employeeType", "givenName", "homePhone", "homePostalAddress", "initials", "labeledURI"),
    *("mail", "manager", "mobile", "o", "pager", "roomNumber", "secretary", "uid"),
    "preferredLanguage",
)
# nhsOrg and its neighbours require the first line of these; this directory lists organisations of
# which a file says a code and a name.
_DESCRIBED: Final = (
    *("nhsOrgType", "nhsOrgTypeCode", "postalAddress", "postalCode", "l"),
    *("nhsOrgSubType", "nhsCountry", "nhsParentOrgCode", "nhsOrgOpenDate", "nhsOrgCloseDate"),
    *("nhsSyntheticIndicator", "nhsNN4BName", "nhsNN4BCode", "nhsOCSPredecessor"),
    *("nhsOCSSuccessor", "nhsAltOrgNames", "telephoneNumber", "facsimileTelephoneNumber", "mail"),
)
_JOINED: Final = ("nhsSHAcode", "nhsPCTCode", "nhsDHSCcode", "nhsJoinDate", "nhsLeftDate")
_ACCREDITED: Final = (
    *("nhsRequestorURP", "nhsDateRequested", "nhsApproverURP", "nhsDateApproved"),
    *("nhsProductKey", "nhsProductName", "nhsProductVersion", "nhsMhsManufacturerOrg"),
)
_NAMED: Final = ("givenName", "nhsMiddleNames", "initials", "displayName", "mail")

CLASSES: Final = (
    ObjectClass("top", "2.5.6.0", ("objectClass",), sup="", kind=ClassKind.ABSTRACT),
    ObjectClass("organization", "2.5.6.4", ("o",), _ADDRESS),
    ObjectClass("organizationalUnit", "2.5.6.5", ("ou",), _ADDRESS),
    ObjectClass("person", "2.5.6.6", ("sn", "cn"), ("telephoneNumber", "seeAlso", "description")),
    ObjectClass("organizationalPerson", "2.5.6.7", (), ("title", "ou", *_OFFICE), sup="person"),
    ObjectClass(
        "inetOrgPerson", "2.16.840.1.113730.3.2.2", (), _EMPLOYED, sup="organizationalPerson"
    ),
    ObjectClass(
        "nhsOrg",
        f"{NHS_CLASSES}61",
        ("uniqueIdentifier", "o", "nhsIDCode"),
        (*_DESCRIBED, *_JOINED, "labeledURI"),
        sup="organization",
    ),
    ObjectClass(
        "nhsSite",
        f"{NHS_CLASSES}62",
        ("uniqueIdentifier", "ou", "nhsIDCode"),
        (*_DESCRIBED, *_JOINED),
        sup="organizationalUnit",
    ),
    ObjectClass(
        "nhsDept",
        f"{NHS_CLASSES}63",
        ("uniqueIdentifier", "ou"),
        ("nhsIDCode", *_DESCRIBED),
        sup="organizationalUnit",
    ),
    ObjectClass(
        "nhsGPPractice",
        f"{NHS_CLASSES}64",
        ("uniqueIdentifier", "o", "nhsIDCode"),
        (*_DESCRIBED, *_JOINED, "labeledURI"),
        sup="organization",
    ),
    ObjectClass(
        "nhsPerson",
        f"{NHS_CLASSES}65",
        ("uid", "cn", "sn"),
        (
            *("nhsPersonStatus", *_NAMED, "personalTitle", "nhsSupPrescriber", "nhsPrinOcc"),
            *("nhsRPSGB", "nhsGMC", "nhsGDP", "nhsRCN", "nhsConsultant", "nhsGMP", "nhsGDC"),
            *("nhsNMC", "nhsOCSPRCode", "nhsTelUID"),
        ),
        sup="inetOrgPerson",
    ),
    ObjectClass(
        "nhsOrgPerson",
        f"{NHS_CLASSES}66",
        ("uniqueIdentifier", "uid", "cn", "sn", "nhsIDCode"),
        (
            *("o", *_NAMED, "nhsSiteCodes", "nhsDeptCodes", "nhsSiteNames", "nhsRoles"),
            *("nhsOrgCloseDate", "nhsGNC", "nhsOrgOpenDate", "nhsCountry", "nhsAlertMethod"),
            *("nhsAlertBlock", "nhsAltAlertRecipient", "nhsOrgMail"),
        ),
        sup="inetOrgPerson",
    ),
    ObjectClass(
        "nhsOrgPersonRole",
        f"{NHS_CLASSES}67",
        ("uniqueIdentifier", "nhsJobRole"),
        (
            *("nhsJobRoleCode", "nhsIDCode", "nhsAreaOfWorkCodes", "nhsBusinessFunctionsCodes"),
            *("nhsWorkGroupsCodes", "nhsAreaOfWork", "nhsBusinessFunctions", "nhsWorkGroups"),
            *("nhsOrgCloseDate", "nhsOrgOpenDate"),
        ),
    ),
    ObjectClass(
        "nhsAs",
        f"{NHS_CLASSES}107",
        ("uniqueIdentifier", "nhsMHSPartyKey"),
        (
            *("nhsIDCode", "nhsAsSvcIA", "description", "nhsAsClient", "nhsAsCategoryBag"),
            *("nhsAsACF", "nhsTempUid", *_ACCREDITED),
        ),
    ),
    ObjectClass(
        "nhsMhs",
        f"{NHS_CLASSES}108",
        ("uniqueIdentifier", "nhsMHSPartyKey", "nhsMhsSvcIA", "nhsMhsCPAId"),
        (
            *("nhsIDCode", "nhsMHsSN", "nhsMHsIN", "nhsMHSEndPoint", "nhsMHSIsAuthenticated"),
            *("nhsMhsFQDN", "nhsDNSApprover", "nhsDateDNSApproved", "nhsEPInteractionType"),
            *("nhsContractPropertyTemplateKey", "nhsMHSPersistDuration", "nhsMHSRetries"),
            *("nhsMHSRetryInterval", "nhsMhsIPAddress", "nhsMhsNetwork", "nhsMhsSinCode"),
            *("nhsMHSServiceDescription", "nhsMHSSyncReplyMode", "nhsMHSAckRequested"),
            *("nhsMHSDuplicateElimination", "nhsMHSActor", "spineOrdered", *_ACCREDITED),
        ),
    ),
    # Ours: the real directory has no entry for a message handler as a whole.
    ObjectClass(
        "spineParty",
        f"{OUR_OWN}.0.1",
        ("nhsMHSPartyKey", "cn"),
        (
            *("nhsIDCode", "nhsMHSEndPoint", "spineCertificateName", "spineAcknowledgments"),
            "description",
        ),
    ),
)

ATTRIBUTES: Final = {
    name.lower(): one for one in attribute_types.ALL for name in (one.name, *one.aliases)
}
_BY_NAME: Final = {one.name.lower(): one for one in CLASSES}


def attribute(name: str) -> AttributeType | None:
    """Give the attribute type with a name, or None; names have no case."""
    return ATTRIBUTES.get(name.lower())


def object_class(name: str) -> ObjectClass | None:
    """Give the class with a name, or None; names have no case."""
    return _BY_NAME.get(name.lower())


def lineage(name: str) -> Iterator[ObjectClass]:
    """Give a class and those above it, itself first."""
    one = object_class(name)
    while one is not None:
        yield one
        one = object_class(one.sup)


@lru_cache(maxsize=256)
def bounds(classes: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Give the names, in lower case, of what an entry of some classes must have, and may have."""
    above = [one for name in classes for one in lineage(name)]
    must = frozenset(_lower(name) for one in above for name in one.must)
    return must, must | frozenset(_lower(name) for one in above for name in one.may)


def _lower(name: str) -> str:
    known = attribute(name)
    return (known.name if known else name).lower()


def described_attribute(one: AttributeType) -> str:
    """Give an attribute type as RFC 4512 (4.1.2) writes it."""
    if one.sup:
        rules = [f"SUP {one.sup}"]
    else:
        named = (("EQUALITY", one.equality), ("ORDERING", one.ordering), ("SUBSTR", one.substring))
        rules = [f"{word} {rule}" for word, rule in named if rule] + [f"SYNTAX {one.syntax}"]
    rules += ["SINGLE-VALUE"] * one.single
    rules += ["NO-USER-MODIFICATION USAGE directoryOperation"] * one.operational
    return " ".join(("(", one.oid, "NAME", _names(one.name, *one.aliases), *rules, ")"))


def described_class(one: ObjectClass) -> str:
    """Give a class as RFC 4512 (4.1.1) writes it."""
    parts = ["(", one.oid, "NAME", _names(one.name)]
    parts += [f"SUP {one.sup}"] if one.sup else []
    parts += [one.kind]
    parts += [f"MUST {_some(one.must)}"] if one.must else []
    parts += [f"MAY {_some(one.may)}"] if one.may else []
    return " ".join((*parts, ")"))


def slapd_schema() -> str:
    """Give the schema file that slapd needs beside its own core, cosine and inetorgperson."""
    ours = (NHS_ATTRIBUTES, OUR_OWN)
    lines = [
        "# The directory's own attribute types and classes, written by `spine directory schema`.",
        "# Include it after core.schema, cosine.schema and inetorgperson.schema.",
        *(
            f"attributetype {described_attribute(one)}"
            for one in attribute_types.ALL
            if one.oid.startswith(ours)
        ),
        *(f"objectclass {described_class(one)}" for one in CLASSES if one.oid.startswith(ours)),
    ]
    return "".join(f"{line}\n" for line in lines)


def _names(*names: str) -> str:
    quoted = [f"'{one}'" for one in names]
    return quoted[0] if len(quoted) == 1 else f"( {' '.join(quoted)} )"


def _some(names: tuple[str, ...]) -> str:
    unique = tuple(dict.fromkeys(names))
    return unique[0] if len(unique) == 1 else f"( {' $ '.join(unique)} )"
