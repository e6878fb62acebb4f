"""What the directory says of itself: its root (RFC 4512 5.1) and its schema (4.2)."""

from __future__ import annotations

from functools import cache
from typing import Final

from msgspec import Struct

from adapters import sds
from adapters.sds_selecting import SUBSCHEMA
from legacy_contracts.sds import attribute_types, matching, operational, schema
from legacy_contracts.sds.entry import Attributes, Entry
from legacy_contracts.sds.ldap_codes import (
    ABSOLUTE_FILTERS,
    ALL_OPERATIONAL,
    MANAGE_DSA_IT,
    PAGED_RESULTS,
    START_TLS,
    WHO_AM_I,
)

_BY_CLASS: Final = "1.3.6.1.4.1.4203.1.5.2"
"""`@class` asks for the attributes of a class (RFC 4529)."""

CONTROLS: Final = (PAGED_RESULTS, MANAGE_DSA_IT)
"""The controls that are taken; the second changes nothing, for there are no referrals here."""

_SYNTAXES: Final = (
    ("3", "Attribute Type Description"),
    ("7", "Boolean"),
    ("12", "DN"),
    ("14", "Delivery Method"),
    ("15", "Directory String"),
    ("16", "DIT Content Rule Description"),
    ("17", "DIT Structure Rule Description"),
    ("22", "Facsimile Telephone Number"),
    ("24", "Generalized Time"),
    ("26", "IA5 String"),
    ("27", "INTEGER"),
    ("30", "Matching Rule Description"),
    ("31", "Matching Rule Use Description"),
    ("34", "Name And Optional UID"),
    ("35", "Name Form Description"),
    ("36", "Numeric String"),
    ("37", "Object Class Description"),
    ("38", "OID"),
    ("40", "Octet String"),
    ("41", "Postal Address"),
    ("44", "Printable String"),
    ("50", "Telephone Number"),
    ("54", "LDAP Syntax Description"),
    ("58", "Substring Assertion"),
)
"""The syntaxes of RFC 4517 3.3 that attributes and rules here have."""


_ATTRIBUTES: Final = tuple(
    map(schema.described_attribute, (*attribute_types.ALL, *operational.ATTRIBUTES))
)
_CLASSES: Final = tuple(map(schema.described_class, (*schema.CLASSES, *operational.CLASSES)))


class Offered(Struct, frozen=True):
    """What a connection may still do: be made TLS, and bind by its certificate."""

    start_tls: bool
    external: bool


class About(Struct, frozen=True):
    """An entry that is no row: what users see of it, and what is operational."""

    entry: Entry
    operational: Attributes


def root(offered: Offered) -> About:
    """Give the root of the directory, which tells clients what the server can do."""
    extensions = (WHO_AM_I, START_TLS) if offered.start_tls else (WHO_AM_I,)
    own: Attributes = (
        ("structuralObjectClass", ("top",)),
        ("namingContexts", (sds.ROOT,)),
        ("supportedControl", CONTROLS),
        ("supportedExtension", extensions),
        ("supportedFeatures", (ALL_OPERATIONAL, _BY_CLASS, ABSOLUTE_FILTERS)),
        ("supportedLDAPVersion", ("3",)),
        ("supportedSASLMechanisms", ("EXTERNAL",) if offered.external else ()),
        ("entryDN", ("",)),
        ("subschemaSubentry", (SUBSCHEMA,)),
    )
    said = tuple((name, values) for name, values in own if values)
    return About(Entry("", (("objectClass", ("top",)),)), said)


@cache
def subschema() -> About:
    """Give the schema as an entry, as clients read it before they search."""
    user: Attributes = (
        ("objectClass", ("top", "subentry", "subschema", "extensibleObject")),
        ("cn", ("Subschema",)),
    )
    own: Attributes = (
        ("structuralObjectClass", ("subentry",)),
        ("ldapSyntaxes", tuple(_syntax(number, name) for number, name in _SYNTAXES)),
        ("matchingRules", tuple(map(_rule, matching.RULES))),
        ("attributeTypes", _ATTRIBUTES),
        ("objectClasses", _CLASSES),
        ("entryDN", (SUBSCHEMA,)),
        ("subschemaSubentry", (SUBSCHEMA,)),
    )
    return About(Entry(SUBSCHEMA, user), own)


def _syntax(number: str, name: str) -> str:
    return f"( {attribute_types.SYNTAXES}{number} DESC '{name}' )"


def _rule(one: matching.MatchingRule) -> str:
    return f"( {one.oid} NAME '{one.name}' SYNTAX {one.syntax} )"
