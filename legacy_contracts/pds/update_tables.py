"""The general updates' rules, interaction by interaction, in the order of their stylesheets.

PRPA_RM240000UK30_Stage2i5 serves 203UK03, 160000UK30, 160000UK01 and 110000UK15,
PRPA_RM000206UK06_Stage2i5 203UK06, PRPA_RM120000UK14_Stage2i5 120000UK14. A death by 100000UK14
has its notification where PRPA_RM150000UK12_Stage2i5 asks for it, and the schema too; the first of
these stylesheets names that interaction as well, and asks for it elsewhere.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds.update_rules import (
    ACT,
    BIRTH_ORDER,
    CONTACT_METHOD,
    HEALTHSPACE,
    LANGUAGE,
    MISSING,
    ONE_PERFORMER,
    ORGANISATION_PERFORMS,
    PROVIDER_RESPONSIBLE,
    PROVISION_KIND,
    REMOVED,
    REQUEST,
    SHARED_SECRET,
    SUBJECT,
    WRITTEN_FORMAT,
    addresses,
    birthplace,
    consents,
    death,
    in_order,
    in_order_or_open,
    kept,
    names,
    never,
    provisions,
    related,
    related_persons,
    role,
    telecoms,
)

_ROLE: Final = role()
_PERSON: Final = f"{_ROLE}/hl7:patientPerson[1]"
_CALL_BACK: Final = "hl7:code/@code = '6'"
_AUTHORITY: Final = f"{SUBJECT}/hl7:{REQUEST}[1]/hl7:author[1]/hl7:registeringAuthority[1]"
_KNOWN_TO_NHS: Final = "count(hl7:player/hl7:playedRelatedPatient/hl7:id)"
_NUMBERS: Final = f"(count(hl7:id[@root='{oids.NHS_NUMBER}']) + {_KNOWN_TO_NHS})"
_NOTIFICATION: Final = "hl7:subjectOf7[1]/hl7:deathNotification"
_TOLD: Final = f"{_ROLE}/{_NOTIFICATION}[1]"

_AUTHORITY_BEFORE_2008: Final = Group(
    _AUTHORITY,
    (
        never(
            "count(hl7:representedRegisteringOrganization) = 0",
            MISSING,
            "registeringAuthority.representedRegisteringOrganization",
        ),
        never(
            "hl7:code/@code = 'y' and count(hl7:assignedRegisteringPerson) = 0",
            "ASSIGNED_REG_PERSON_MISSING",
            "registeringAuthority.assignedRegisteringPerson",
        ),
        never(
            "not(hl7:code/@code = 'y') and count(hl7:assignedRegisteringPerson) > 0",
            "INVALID_ASSIGNED_REGISTERING_PERSON",
            "registeringAuthority.assignedRegisteringPerson",
        ),
    ),
)

_AUTHORITY_2008A: Final = Group(
    _AUTHORITY,
    (
        never(
            "hl7:code/@code = 'y'",
            "INVALID_REGISTERING_AUTHORITY_TYPE",
            "registeringAuthorityType.code",
        ),
        never(
            "count(hl7:assignedRegisteringPerson) > 0",
            "INVALID_ASSIGNED_REGISTERING_PERSON",
            "registeringAuthority.assignedRegisteringPerson",
        ),
        never("count(hl7:id) = 0", MISSING, "registeringAuthority.id"),
    ),
)


def death_stays(notification: str) -> Group:
    """Give interactionSpecificChecks of 160000UK01 and 100000UK14."""
    return Group(
        "/*",
        (
            never(
                f"{_PERSON}/hl7:deceasedTime[1]/@updateMode = 'removed'"
                f" or {_ROLE}/{notification}[1]/@updateMode = 'removed'",
                "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",
            ),
        ),
    )


_CONSENT: Final = f"{_ROLE}/hl7:subjectOf1/hl7:consent"

WITHOUT_DEATH: Final = Group(
    "/*",
    (
        never(f"count({_PERSON}/hl7:deceasedTime[1]) > 0", "DECEASED_TIME_NOT_SUPPORTED"),
        never(f"count({_TOLD}) > 0", "DEATH_NOTIFICATION_NOT_SUPPORTED"),
        never(f"count({_AUTHORITY}) > 0", "REGISTERING_AUTHORITY_NOT_SUPPORTED"),
        never(
            f"count({_CONSENT}[1]) > 0 and not({_CONSENT}/hl7:code/@code = '6')",
            "CONSENT_VALUE_NOT_SUPPORTED",
        ),
    ),
)
"""interactionSpecificChecks of 110000UK15: what the other two of the split updates bring."""

_PROVIDED_BEFORE_2008: Final = (PROVISION_KIND, PROVIDER_RESPONSIBLE)
_PROVIDED_2008A: Final = (PROVISION_KIND, ONE_PERFORMER, ORGANISATION_PERFORMS)


def _general(
    provided: tuple[Rule, ...], authority: Group, with_more: str, *specific: Group
) -> tuple[Group, ...]:
    ordered = in_order_or_open("hl7:useablePeriod")
    return (
        related_persons(_NUMBERS),
        addresses(ordered),
        telecoms(ordered),
        names(in_order_or_open("hl7:validTime")),
        provisions("patientCareProvision", provided),
        SHARED_SECRET,
        kept(
            f"{_PERSON}/hl7:administrativeGenderCode[1]",
            "GENDER_REMOVAL_NOT_PERMITTED",
        ),
        kept(f"{_PERSON}/hl7:birthTime[1]", "BIRTHTIME_REMOVAL_NOT_PERMITTED"),
        BIRTH_ORDER,
        *specific,
        *death(_NOTIFICATION),
        authority,
        LANGUAGE,
        WRITTEN_FORMAT,
        HEALTHSPACE,
        CONTACT_METHOD,
        consents(with_more),
        birthplace(f"{_PERSON}/hl7:birthplace[1]"),
    )


V2008A: Final = _general(_PROVIDED_2008A, _AUTHORITY_2008A, "true()")
V2006B: Final = _general(_PROVIDED_BEFORE_2008, _AUTHORITY_BEFORE_2008, _CALL_BACK)
COMBINED_3_1: Final = _general(
    _PROVIDED_BEFORE_2008,
    _AUTHORITY_BEFORE_2008,
    _CALL_BACK,
    death_stays(_NOTIFICATION),
)
GENERAL_3_1: Final = _general(
    _PROVIDED_BEFORE_2008, _AUTHORITY_BEFORE_2008, _CALL_BACK, WITHOUT_DEATH
)
_SPLIT_NOTIFICATION: Final = "hl7:subjectOf[1]/hl7:deathNotification"

DEATH_3_1: Final = (
    death_stays(_SPLIT_NOTIFICATION),
    death(_SPLIT_NOTIFICATION)[0],
    Group(
        _AUTHORITY,
        (
            never(
                "hl7:code/@code = 'y' and not(count(hl7:assignedRegisteringPerson) > 0)",
                "ASSIGNED_REG_PERSON_MISSING",
            ),
            never(
                "not(hl7:code/@code = 'y') and count(hl7:assignedRegisteringPerson) > 0",
                "INVALID_ASSIGNED_REGISTERING_PERSON",
            ),
            Rule(
                "count(hl7:representedRegisteringOrganization) = 1",
                MISSING,
                "registeringAuthority.representedRegisteringOrganization",
            ),
        ),
    ),
)
"""PRPA_RM150000UK12_Stage2i5."""

CONSENT_3_1: Final = (
    Group(
        f"{_ROLE}/hl7:subjectOf/hl7:consent",
        (
            Rule("hl7:code/@code = '4'", "INVALID_CONSENT_VALUE"),
            never(REMOVED, "CONSENT_VALUES_CANNOT_BE_REMOVED"),
            never(
                "count(hl7:pertinentInformation/hl7:pertinentSupplementaryComments) > 0 and "
                "string-length(hl7:pertinentInformation/hl7:pertinentSupplementaryComments"
                "/hl7:value) = 0",
                "SUPPLEMENTARY_COMMENTS_VALUE_MISSING",
            ),
        ),
    ),
)

_DEAD: Final = "hl7:patientPerson[1]/hl7:COCT_MT000211UK01.PartDeceasedTime"
_DEATH_ROLE: Final = "hl7:subject[1]/hl7:patientRole[1]"
_DECEASED: Final = f"{_DEATH_ROLE}/{_DEAD}"
_TOLD_OF: Final = f"{_DEATH_ROLE}/{_NOTIFICATION}"
_AUTHORITY_TOLD: Final = "hl7:responsibleParty/hl7:registeringAuthority"
_ANY_TOLD: Final = (
    "hl7:subject/hl7:PdsUpdateRequest/hl7:subject/hl7:patientRole/hl7:subjectOf7"
    "/hl7:deathNotification"
)

REMOVAL_2008B: Final = never(
    f"{_DECEASED}/@updateMode = 'removed' or {_TOLD_OF}/@updateMode = 'removed'",
    "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",
)


_TIMES: Final = f"count({_DECEASED}/hl7:partPerson/hl7:deceasedTime/@value)"
"""What deathUpdateCrossCheck counts: times of death that have a value. One that is removed has
none, which 203UK06 refuses anyhow."""

_TIMES_OR_REMOVED: Final = (
    f"count({_DECEASED}[@updateMode = 'removed' or hl7:partPerson/hl7:deceasedTime/@value])"
)
"""What is counted of who may remove a death: counted as above, nobody could (inferred)."""


def death_2008b(*first: Rule) -> Group:
    """Give deathUpdateCrossCheck of 203UK06; `first` says who may not remove a death."""
    dead, told = _TIMES if first else _TIMES_OR_REMOVED, f"count({_TOLD_OF})"
    return Group(
        f"{SUBJECT}/hl7:{REQUEST}[1]",
        (
            *first,
            Rule(f"{dead} = {told}", "INCONSISTENT_DEATH_UPDATE"),
            Rule(
                f"not({dead} = 1 and {told} = 1)"
                f" or {_DECEASED}/@updateMode = {_TOLD_OF}/@updateMode",
                "DEATH_UPDATE_MODE_INCONSISTENT",
            ),
            Rule(
                f"{told} = 0 or count({_TOLD_OF}/{_AUTHORITY_TOLD}) = 1",
                "AUTHOR_UNSPECIFIED_ON_DEATH",
            ),
        ),
    )


_PERSON_TOLD: Final = f"{_ANY_TOLD}/{_AUTHORITY_TOLD}/hl7:assignedRegisteringOrganization"

AUTHORITY_2008B: Final = Group(
    ACT,
    (
        Rule(
            f"string-length({_ANY_TOLD}/hl7:value/@code) = 0"
            f" or string-length({_ANY_TOLD}/{_AUTHORITY_TOLD}/hl7:id/@extension) > 0",
            MISSING,
            "registeringAuthority.id",
        ),
        Rule(
            f"count({_PERSON_TOLD}) = 0"
            f" or string-length({_PERSON_TOLD}/hl7:scopedAssignedPerson/hl7:id/@extension) > 0",
            MISSING,
            "scopedAssignedPerson.id",
        ),
    ),
)
"""authorCheckOutput of 203UK06, which asks as it prints: it comes last."""


def general_2008b(*removal: Rule) -> tuple[Group, ...]:
    """Give the rules of 203UK06; `removal` is what says who may not remove a death."""
    ordered = in_order("hl7:useablePeriod")
    return (
        related_persons(_KNOWN_TO_NHS),
        death_2008b(*removal),
        addresses(ordered),
        telecoms(ordered),
        names(in_order("hl7:validTime")),
        provisions("patientCareProvision", (PROVISION_KIND, ORGANISATION_PERFORMS, ONE_PERFORMER)),
        SHARED_SECRET,
        kept(
            f"{_PERSON}/hl7:COCT_MT000209UK01.PartAdminGenderCode",
            "GENDER_REMOVAL_NOT_PERMITTED",
        ),
        kept(
            f"{_PERSON}/hl7:COCT_MT000210UK01.PartBirthTime[1]",
            "BIRTHTIME_REMOVAL_NOT_PERMITTED",
        ),
        BIRTH_ORDER,
        LANGUAGE,
        WRITTEN_FORMAT,
        HEALTHSPACE,
        CONTACT_METHOD,
        consents("true()"),
        birthplace(
            f"{_PERSON}/hl7:COCT_MT000208UK01.BirthPlace[1]", " or count(hl7:subjectOf) > 0"
        ),
        AUTHORITY_2008B,
    )


V2008B: Final = general_2008b(REMOVAL_2008B)

# What is let through with a warning (PRPA_RM240000UK30_Stage2i5).
WARNED: Final = (
    Group(
        related(),
        (
            never(
                f"not({REMOVED}) and */hl7:partNextOfKin/hl7:code/@code = '2'",
                "INVALID_RELATEDPERSON_NEXTOFKIN_SUPP_INFO",
                "Value of 2 (No) is not supported for Next Of Kin",
            ),
        ),
    ),
    Group(
        _CONSENT,
        (
            never(
                f"not({REMOVED})"
                " and count(hl7:pertinentInformation/hl7:pertinentSupplementaryComments) > 0 and "
                "string-length(hl7:pertinentInformation/hl7:pertinentSupplementaryComments"
                "/hl7:value) = 0",
                "SUPPLEMENTARY_COMMENTS_VALUE_MISSING",
            ),
        ),
    ),
)
