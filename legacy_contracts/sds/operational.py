"""What the server's own attributes and classes are (RFC 4512 3.4, 4.2, 5.1; RFC 5020; RFC 3674).

No entry of the table has them. Clients check the names that they ask for against the schema that
they have read, so it must have these too.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.sds.attribute_types import SYNTAXES, AttributeType
from legacy_contracts.sds.schema import ClassKind, ObjectClass

_NAME: Final = ("12", "distinguishedNameMatch")
_TIME: Final = ("24", "generalizedTimeMatch")
_OID: Final = ("38", "objectIdentifierMatch")
_TEXT: Final = ("15", "caseIgnoreMatch")
_COMPONENT: Final = "objectIdentifierFirstComponentMatch"
_WHOLE: Final = "integerFirstComponentMatch"


def _own(
    name: str, oid: str, told: tuple[str, str] = ("15", ""), *, single: bool = False
) -> AttributeType:
    syntax, equality = told
    return AttributeType(
        name, oid, f"{SYNTAXES}{syntax}", equality, single=single, operational=True
    )


ATTRIBUTES: Final = (
    _own("createTimestamp", "2.5.18.1", _TIME, single=True),
    _own("modifyTimestamp", "2.5.18.2", _TIME, single=True),
    _own("creatorsName", "2.5.18.3", _NAME, single=True),
    _own("modifiersName", "2.5.18.4", _NAME, single=True),
    _own("subschemaSubentry", "2.5.18.10", _NAME, single=True),
    _own("structuralObjectClass", "2.5.21.9", _OID, single=True),
    _own("governingStructureRule", "2.5.21.10", ("27", "integerMatch"), single=True),
    _own("entryDN", "1.3.6.1.1.20", _NAME, single=True),
    _own("objectClasses", "2.5.21.6", ("37", _COMPONENT)),
    _own("attributeTypes", "2.5.21.5", ("3", _COMPONENT)),
    _own("matchingRules", "2.5.21.4", ("30", _COMPONENT)),
    _own("matchingRuleUse", "2.5.21.8", ("31", _COMPONENT)),
    _own("ldapSyntaxes", "1.3.6.1.4.1.1466.101.120.16", ("54", _COMPONENT)),
    _own("dITContentRules", "2.5.21.2", ("16", _COMPONENT)),
    _own("dITStructureRules", "2.5.21.1", ("17", _WHOLE)),
    _own("nameForms", "2.5.21.7", ("35", _COMPONENT)),
    _own("namingContexts", "1.3.6.1.4.1.1466.101.120.5", ("12", "")),
    _own("altServer", "1.3.6.1.4.1.1466.101.120.6", ("26", "")),
    _own("supportedExtension", "1.3.6.1.4.1.1466.101.120.7", ("38", "")),
    _own("supportedControl", "1.3.6.1.4.1.1466.101.120.13", ("38", "")),
    _own("supportedSASLMechanisms", "1.3.6.1.4.1.1466.101.120.14"),
    _own("supportedLDAPVersion", "1.3.6.1.4.1.1466.101.120.15", ("27", "")),
    _own("supportedFeatures", "1.3.6.1.4.1.4203.1.3.5", _OID),
    _own("vendorName", "1.3.6.1.1.4", _TEXT, single=True),
    _own("vendorVersion", "1.3.6.1.1.5", _TEXT, single=True),
)

CLASSES: Final = (
    ObjectClass("subentry", "2.5.17.0", ("cn",)),
    ObjectClass(
        "subschema",
        "2.5.20.1",
        (),
        (
            *("dITStructureRules", "nameForms", "dITContentRules", "objectClasses"),
            *("attributeTypes", "matchingRules", "matchingRuleUse"),
        ),
        kind=ClassKind.AUXILIARY,
    ),
    ObjectClass("extensibleObject", "1.3.6.1.4.1.1466.101.120.111", kind=ClassKind.AUXILIARY),
)
