"""The attribute types that this directory knows: numbers, syntaxes, rules of comparison.

The facts are those of the real server's own subschema entry (public in
NHSDigital/integration-adaptor-mhs, my_real_server_schema.json) and of RFC 4519, 4524, 2798 and 2079
for the standard ones. What holds pictures, certificates or secrets is left out: no entry here has
it. Where the real server gives an attribute of the NHS no rule of equality, order or substrings, so
that a filter that needs one finds nothing, it has one here (docs/decisions/0023).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

SYNTAXES: Final = "1.3.6.1.4.1.1466.115.121.1."
"""Where the syntaxes of RFC 4517 stand."""
DIRECTORY_STRING: Final = f"{SYNTAXES}15"
NHS_ATTRIBUTES: Final = "1.2.826.0.1285.0."
"""Where the numbers of the NHS stand."""
OUR_OWN: Final = "2.25.314130419291090011863479003553270209419"
"""Where the numbers stand that no public source gives, and ours: under a UUID, as X.667 allows."""

EXACT: Final = "caseExactMatch"
FOLDED: Final = "caseIgnoreMatch"
SUBSTRINGS: Final = "caseIgnoreSubstringsMatch"


class AttributeType(Struct, frozen=True):
    """An attribute type; rules that it inherits are written out, and `sup` still names whence."""

    name: str
    oid: str
    syntax: str = DIRECTORY_STRING
    equality: str = ""
    ordering: str = ""
    substring: str = ""
    single: bool = False
    aliases: tuple[str, ...] = ()
    sup: str = ""
    operational: bool = False


_ORDERED_AND_PARTED: Final = {
    EXACT: ("caseExactOrderingMatch", "caseExactSubstringsMatch"),
    FOLDED: ("caseIgnoreOrderingMatch", SUBSTRINGS),
}


def _compared(name: str, oid: str, equality: str, *, single: bool) -> AttributeType:
    """Give one that is compared alike for equality, order and substrings."""
    ordering, substring = _ORDERED_AND_PARTED[equality]
    return AttributeType(name, oid, DIRECTORY_STRING, equality, ordering, substring, single)


def _nhs(name: str, number: str, equality: str = FOLDED) -> AttributeType:
    """Give one with a single value."""
    return _compared(name, NHS_ATTRIBUTES + number, equality, single=True)


def _nhs_many(name: str, number: str, equality: str = FOLDED) -> AttributeType:
    """Give one with any number of values."""
    return _compared(name, NHS_ATTRIBUTES + number, equality, single=False)


def _ours(name: str, number: int, *, single: bool) -> AttributeType:
    return _compared(name, f"{OUR_OWN}.1.{number}", FOLDED, single=single)


def _named(name: str, oid: str, *aliases: str) -> AttributeType:
    """Give a standard one that is a kind of `name`."""
    return AttributeType(
        name, oid, equality=FOLDED, substring=SUBSTRINGS, aliases=aliases, sup="name"
    )


def _text(name: str, oid: str, *aliases: str, single: bool = False) -> AttributeType:
    """Give a standard one that is compared without case."""
    return AttributeType(
        name, oid, equality=FOLDED, substring=SUBSTRINGS, single=single, aliases=aliases
    )


def _other(
    name: str, oid: str, syntax: int, rules: tuple[str, str], *aliases: str
) -> AttributeType:
    """Give a standard one with its own syntax, and rules of equality and substrings."""
    return AttributeType(name, oid, f"{SYNTAXES}{syntax}", rules[0], "", rules[1], aliases=aliases)


_TELEPHONE: Final = ("telephoneNumberMatch", "telephoneNumberSubstringsMatch")
_NUMERIC: Final = ("numericStringMatch", "numericStringSubstringsMatch")
_LIST: Final = ("caseIgnoreListMatch", "caseIgnoreListSubstringsMatch")
_DN: Final = ("distinguishedNameMatch", "")
_NO_RULES: Final = ("", "")

_STANDARD: Final = (
    _text("businessCategory", "2.5.4.15"),
    _text("carLicense", "2.16.840.1.113730.3.1.1"),
    _named("cn", "2.5.4.3", "commonName"),
    _text("departmentNumber", "2.16.840.1.113730.3.1.2"),
    _text("description", "2.5.4.13"),
    _other(
        "destinationIndicator", "2.5.4.27", 44, ("caseIgnoreMatch", "caseIgnoreSubstringsMatch")
    ),
    _text("displayName", "2.16.840.1.113730.3.1.241", single=True),
    _other("distinguishedName", "2.5.4.49", 12, _DN),
    _text("employeeNumber", "2.16.840.1.113730.3.1.3", single=True),
    _text("employeeType", "2.16.840.1.113730.3.1.4"),
    _other("facsimileTelephoneNumber", "2.5.4.23", 22, _NO_RULES, "fax"),
    _named("givenName", "2.5.4.42", "gn"),
    _other("homePhone", "0.9.2342.19200300.100.1.20", 50, _TELEPHONE, "homeTelephoneNumber"),
    _other("homePostalAddress", "0.9.2342.19200300.100.1.39", 41, _LIST),
    _named("initials", "2.5.4.43"),
    _other("internationaliSDNNumber", "2.5.4.25", 36, _NUMERIC),
    _named("l", "2.5.4.7", "localityName"),
    AttributeType("labeledURI", "1.3.6.1.4.1.250.1.57", equality=EXACT),
    _other(
        "mail",
        "0.9.2342.19200300.100.1.3",
        26,
        ("caseIgnoreIA5Match", "caseIgnoreIA5SubstringsMatch"),
        "rfc822Mailbox",
    ),
    _other("manager", "0.9.2342.19200300.100.1.10", 12, _DN),
    _other("mobile", "0.9.2342.19200300.100.1.41", 50, _TELEPHONE, "mobileTelephoneNumber"),
    _text("name", "2.5.4.41"),
    _named("o", "2.5.4.10", "organizationName"),
    _other("objectClass", "2.5.4.0", 38, ("objectIdentifierMatch", "")),
    _named("ou", "2.5.4.11", "organizationalUnitName"),
    _other("pager", "0.9.2342.19200300.100.1.42", 50, _TELEPHONE, "pagerTelephoneNumber"),
    _text("personalTitle", "0.9.2342.19200300.100.1.40"),
    _text("physicalDeliveryOfficeName", "2.5.4.19"),
    _other("postalAddress", "2.5.4.16", 41, _LIST),
    _text("postalCode", "2.5.4.17"),
    _text("postOfficeBox", "2.5.4.18"),
    AttributeType("preferredDeliveryMethod", "2.5.4.28", f"{SYNTAXES}14", single=True),
    _text("preferredLanguage", "2.16.840.1.113730.3.1.39", single=True),
    AttributeType(
        "registeredAddress",
        "2.5.4.26",
        f"{SYNTAXES}41",
        _LIST[0],
        "",
        _LIST[1],
        sup="postalAddress",
    ),
    _text("roomNumber", "0.9.2342.19200300.100.1.6"),
    _other("secretary", "0.9.2342.19200300.100.1.21", 12, _DN),
    AttributeType("seeAlso", "2.5.4.34", f"{SYNTAXES}12", _DN[0], sup="distinguishedName"),
    _named("sn", "2.5.4.4", "surname"),
    _named("st", "2.5.4.8", "stateOrProvinceName"),
    _text("street", "2.5.4.9", "streetAddress"),
    _other("telephoneNumber", "2.5.4.20", 50, _TELEPHONE),
    _named("title", "2.5.4.12"),
    _text("uid", "0.9.2342.19200300.100.1.1", "userid"),
    AttributeType("uniqueIdentifier", "0.9.2342.19200300.100.1.44", equality=FOLDED),
    _other("x121Address", "2.5.4.24", 36, _NUMERIC),
)

_NHS: Final = (
    _nhs_many("nhsAlertBlock", "2.1.20", FOLDED),
    _nhs_many("nhsAlertMethod", "2.1.19", FOLDED),
    _nhs_many("nhsAltAlertRecipient", "2.1.21", FOLDED),
    _nhs_many("nhsAltOrgNames", "1.16", FOLDED),
    _nhs("nhsApproverURP", "2.1.216"),
    _nhs_many("nhsAreaOfWork", "2.1.45", EXACT),
    _nhs_many("nhsAreaOfWorkCodes", "2.1.105", EXACT),
    _nhs_many("nhsAsACF", "2.1.121", EXACT),
    _nhs_many("nhsAsCategoryBag", "2.1.176", FOLDED),
    _nhs_many("nhsAsClient", "2.1.175", FOLDED),
    _nhs_many("nhsAsSvcIA", "2.1.122", EXACT),
    _nhs_many("nhsBusinessFunctions", "2.1.46", EXACT),
    _nhs_many("nhsBusinessFunctionsCodes", "2.1.106", EXACT),
    _nhs("nhsConsultant", "2.1.167"),
    _nhs("nhsContractPropertyTemplateKey", "2.1.223"),
    _nhs("nhsCountry", "1.2", EXACT),
    _nhs("nhsDateApproved", "2.1.217"),
    _nhs("nhsDateDNSApproved", "2.1.219"),
    _nhs("nhsDateRequested", "2.1.215"),
    _nhs_many("nhsDeptCodes", "2.1.57", EXACT),
    _nhs("nhsDHSCcode", "2.1.30"),
    _nhs("nhsDNSApprover", "2.1.218"),
    _nhs("nhsEPInteractionType", "2.1.222"),
    _nhs("nhsGDC", "2.1.169"),
    _nhs("nhsGDP", "2.1.165", EXACT),
    _nhs("nhsGMC", "2.1.164", EXACT),
    _nhs("nhsGMP", "2.1.168", EXACT),
    _nhs("nhsGNC", "2.1.125", EXACT),
    _nhs("nhsIDCode", "1.10", EXACT),
    _nhs("nhsJobRole", "2.1.44", EXACT),
    _nhs_many("nhsJobRoleCode", "2.1.104", EXACT),
    _nhs("nhsJoinDate", "2.1.36"),
    _nhs("nhsLeftDate", "2.1.37"),
    _nhs("nhsMHSAckRequested", "2.1.91"),
    _nhs_many("nhsMHSActor", "2.1.93", EXACT),
    _nhs("nhsMhsCPAId", "2.1.124", EXACT),
    _nhs("nhsMHSDuplicateElimination", "2.1.92"),
    _nhs_many("nhsMHSEndPoint", "2.1.84", EXACT),
    _nhs("nhsMhsFQDN", "2.1.224"),
    _nhs("nhsMHsIN", "2.1.127"),
    _nhs("nhsMhsIPAddress", "2.1.225"),
    _nhs("nhsMHSIsAuthenticated", "2.1.86"),
    _nhs("nhsMhsNetwork", "2.1.226"),
    _nhs("nhsMHSPartyKey", "2.1.82", FOLDED),
    _nhs("nhsMHSPersistDuration", "2.1.87"),
    _nhs("nhsMHSRetries", "2.1.88"),
    _nhs("nhsMHSRetryInterval", "2.1.89"),
    _nhs("nhsMHSServiceDescription", "2.1.85"),
    _nhs("nhsMhsSinCode", "2.1.227"),
    _nhs("nhsMHsSN", "2.1.126"),
    _nhs("nhsMhsSvcIA", "2.1.123", EXACT),
    _nhs("nhsMHSSyncReplyMode", "2.1.90"),
    _nhs("nhsMiddleNames", "2.1.111"),
    _nhs("nhsNMC", "2.1.170"),
    _nhs("nhsNN4BCode", "2.1.245"),
    _nhs("nhsNN4BName", "2.1.244"),
    _nhs_many("nhsOCSPRCode", "2.1.54"),
    _nhs_many("nhsOCSPredecessor", "2.1.52", EXACT),
    _nhs_many("nhsOCSSuccessor", "2.1.53"),
    _nhs("nhsOrgCloseDate", "2.1.33"),
    _nhs_many("nhsOrgMail", "2.1.59", FOLDED),
    _nhs("nhsOrgOpenDate", "2.1.32"),
    _nhs_many("nhsOrgSubType", "2.1.34", EXACT),
    _nhs("nhsOrgType", "1.15"),
    _nhs("nhsOrgTypeCode", "2.1.234", EXACT),
    _nhs("nhsParentOrgCode", "2.1.35"),
    _nhs("nhsPCTCode", "2.1.42", FOLDED),
    _nhs("nhsPersonStatus", "2.1.55"),
    _nhs("nhsPrinOcc", "2.1.162"),
    _nhs("nhsProductKey", "2.1.220"),
    _nhs("nhsProductName", "2.1.157", FOLDED),
    _nhs("nhsProductVersion", "2.1.158", FOLDED),
    _nhs("nhsRCN", "2.1.166"),
    _nhs("nhsRequestorURP", "2.1.214"),
    _nhs_many("nhsRoles", "1.12", FOLDED),
    _nhs("nhsRPSGB", "2.1.163"),
    _nhs("nhsSHAcode", "1.23", EXACT),
    _nhs_many("nhsSiteCodes", "2.1.56", EXACT),
    _nhs_many("nhsSiteNames", "2.1.47", FOLDED),
    _nhs("nhsSupPrescriber", "2.1.161"),
    _nhs("nhsSyntheticIndicator", "2.1.235"),
    _nhs("nhsTelUID", "2.1.115"),
    _nhs_many("nhsWorkGroups", "2.1.26", EXACT),
    _nhs_many("nhsWorkGroupsCodes", "2.1.107", EXACT),
)

_OURS: Final = (
    # Real entries have the first (public in nhsconnect/prm-repo-gp2gp-messenger,
    # 01-sds-lookup.md), and readers of real exports know the second; the subschema entry that is
    # public has neither.
    _ours("nhsMhsManufacturerOrg", 1, single=True),
    _ours("nhsTempUid", 5, single=True),
    # Ours: what the real directory has no attribute for.
    _ours("spineCertificateName", 2, single=False),
    _ours("spineAcknowledgments", 3, single=True),
    _ours("spineOrdered", 4, single=True),
)

ALL: Final = (*_STANDARD, *_NHS, *_OURS)
