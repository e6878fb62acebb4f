"""Rules of the local register's updates (NHAIS): PRPA_IN000204UK03 and UK06.

The first is PRPA_RM000208UK03_Stage2i5, pattern by pattern. The second (2008B) has the request and
the elements of the general update and no stylesheet of its own: it is asked what a general update
of its release is asked, and of the register's events what the first asks of them (inferred).
"""

from __future__ import annotations

from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds.item_rules import one_of
from legacy_contracts.pds.update_rules import (
    MISSING,
    ORGANISATION_PERFORMS,
    REMOVED,
    REQUEST,
    SUBJECT,
    addresses,
    at_most_one,
    death,
    in_order,
    kept,
    names,
    never,
    provisions,
    role,
)
from legacy_contracts.pds.update_tables import general_2008b

NHAIS_REQUEST: Final = "PdsNhaisUpdateRequest"
NOTIFICATION: Final = "hl7:subjectOf1[1]/hl7:deathNotification"
EVENT: Final = "patientCareProvisionEvent"

_ROLE: Final = role(NHAIS_REQUEST)
_PERSON: Final = f"{_ROLE}/hl7:patientPerson[1]"
_FIELD: Final = "MANDATORY_FIELD_MISSING"
_ENDS: Final = (
    "(string-length(hl7:effectiveTime/hl7:low/@value)"
    " + string-length(hl7:effectiveTime/hl7:high/@value))"
)


def _agreement(patient: str, event: str, notification: str, removal: str) -> tuple[Group, ...]:
    """Give deathPriCareConsistencyCheck and reasonRemovalPrimaryCareCheck.

    `event`, `notification` and `removal` are the places of the three below the patient's role.
    """
    provided = "hl7:patientPerson/hl7:playedOtherProviderPatient/hl7:subjectOf[1]"
    coded = f"hl7:code[@codeSystem='{oids.CARE_PROVISION}'][@code='1']"
    written = f"count({provided}/hl7:{event}[not({REMOVED})]/hl7:code[@code='1']) > 0"
    added = f"{provided}/hl7:{event}[1][@updateMode='added']/{coded}"
    gone = f"{removal.replace('/', '[1]/', 1)}[{REMOVED}]"
    return (
        Group(
            patient,
            tuple(
                never(f"{written} and count({one}[not({REMOVED})]) > 0", "GP_PROVDER_RULE86")
                for one in (notification, removal)
            ),
        ),
        Group(
            patient,
            (
                Rule(
                    f"count({gone}) = 0 or count({added}) = 1",
                    "REG_REMOVAL_AND_PCP_MUTUALLY_EXCLUSIVE",
                ),
            ),
        ),
    )


def _events(registration: str, removal: str) -> tuple[Group, ...]:
    """Give nHAISRegistrationEventCheck and nHAISRemovalRegistrationEventCheck, at their places."""
    return (
        Group(
            registration,
            (
                Rule("count(hl7:code) = 1", _FIELD),
                Rule(f"{REMOVED} or (count(hl7:custodian) = 1 and {_ENDS} > 0)", _FIELD),
                never(
                    f"{REMOVED} and (count(hl7:custodian) > 0 or {_ENDS} > 0)",
                    "UNEXPECTED_DATA_IN_NHAIS_REG_EVENT",
                ),
            ),
        ),
        Group(
            removal,
            (
                Rule("count(hl7:code) = 1", _FIELD),
                Rule(f"{REMOVED} or (count(hl7:reasonCode) = 1 and {_ENDS} > 0)", _FIELD),
                never(
                    f"{REMOVED} and"
                    " (count(hl7:reasonCode) > 0 or count(hl7:effectiveTime/hl7:low) > 0)",
                    "UNEXPECTED_DATA_IN_NHAIS_REMOVAL_REG_EVENT",
                ),
            ),
        ),
    )


_REGISTERED: Final = f"{_PERSON}/hl7:COCT_MT000200UK02.RegisteredRolePart[1]"
_WHO: Final = f"{_REGISTERED}/hl7:partRegisteredPerson[1]"
_PATIENT: Final = f"{_WHO}/hl7:playedRegisteredPatient"
_OLD: Final = f"{_PATIENT}/hl7:replacementOf[1]/hl7:oldVersion[1]"


def _present(test: str, supplement: str) -> Rule:
    return Rule(test, MISSING, supplement)


_REGISTERED_PERSON: Final = (
    Group(
        _REGISTERED,
        (
            _present(
                "count(hl7:partRegisteredPerson) = 1",
                "registeredRolePartCheck.partRegisteredPerson",
            ),
        ),
    ),
    Group(
        f"{_WHO}/hl7:name",
        (Rule("@use = 'PREVIOUS'", "INVALID_NAME_USE_TYPE", "registeredPersonCheck.name"),),
    ),
    Group(
        f"{_WHO}/hl7:militaryMembership",
        (_present("count(hl7:effectiveTime) = 1", "militaryMembershipCheck.effectiveTime"),),
    ),
    Group(
        f"{_WHO}/hl7:birthplace",
        (_present("string-length(hl7:addr) > 0", "birthplaceCheck.addr"),),
    ),
    *(
        Group(
            f"{_PATIENT}/{place}",
            (
                _present("string-length(hl7:code/@code) > 0", f"{check}.code"),
                _present(test, f"{check}.{word}"),
            ),
        )
        for place, check, test, word in (
            (
                "hl7:subjectOf1[1]/hl7:uKResidence",
                "ukResidenceCheck",
                "string-length(hl7:value) > 0",
                "value",
            ),
            (
                "hl7:subjectOf2[1]/hl7:nHAISRegistrationEncounter",
                "nhaisRegistrationEncounterCheck",
                "string-length(hl7:reasonCode/@code) > 0",
                "reasonCode",
            ),
            (
                "hl7:subjectOf3[1]/hl7:initialNHAISRegistrationEvent",
                "initialNhaisRegistrationEventCheck",
                "count(hl7:effectiveTime) = 1",
                "effectiveTime",
            ),
        )
    ),
    *(
        Group(
            f"{_OLD}/{place}",
            (
                _present("string-length(hl7:code/@code) > 0", f"{check}.code"),
                _present(f"string-length({named}/hl7:name) > 0", f"{check}.{word}"),
            ),
        )
        for place, check, named, word in (
            (
                "hl7:subjectOf1[1]/hl7:nHAISRegistrationEvent",
                "previousNhaisRegistrationEventCheck",
                "hl7:custodian/hl7:assignedDevice/hl7:assignedDevice",
                "assignedDevice",
            ),
            (
                "hl7:subjectOf2[1]/hl7:patientCareProvisionEvent",
                "previousPatientCareProvisionCheck",
                "hl7:performer/hl7:assignedEntity/hl7:assignedPerson",
                "name",
            ),
        )
    ),
)

_AUTHORITY_PERSON: Final = "assignedRegisteringOrganization/hl7:scopedAssignedPerson/hl7:id"
_LONGEST_CODE: Final = 10

_PROVIDED: Final = (
    Rule("hl7:code/@code = '1'", "UNSUPPORTED_PATIENT_CARE"),
    never(
        "string-length(hl7:performer/hl7:assignedOrganization/hl7:id/@extension)"
        f" > {_LONGEST_CODE}",
        "INVALID_GPREG",
    ),
    ORGANISATION_PERFORMS,
)

V2008A: Final = (
    *_agreement(
        _ROLE,
        EVENT,
        "hl7:subjectOf1/hl7:deathNotification",
        "hl7:subjectOf3/hl7:nHAISRemovalRegistrationEvent",
    ),
    *_events(
        f"{_ROLE}/hl7:subjectOf2[1]/hl7:nHAISRegistrationEvent[1]",
        f"{_ROLE}/hl7:subjectOf3[1]/hl7:nHAISRemovalRegistrationEvent[1]",
    ),
    addresses(in_order("hl7:useablePeriod"), NHAIS_REQUEST),
    names(in_order("hl7:validTime"), NHAIS_REQUEST),
    provisions(EVENT, _PROVIDED, at_most_one("hl7:effectiveTime"), NHAIS_REQUEST),
    kept(f"{_PERSON}/hl7:administrativeGenderCode[1]", "GENDER_REMOVAL_NOT_PERMITTED"),
    kept(f"{_PERSON}/hl7:birthTime[1]", "BIRTHTIME_REMOVAL_NOT_PERMITTED"),
    *death(NOTIFICATION, NHAIS_REQUEST),
    Group(
        f"{SUBJECT}/hl7:{NHAIS_REQUEST}[1]/hl7:author[1]/hl7:registeringAuthority[1]",
        (
            _present(
                f"count(hl7:{_AUTHORITY_PERSON}) = 1",
                "registeringAuthority.assignedRegisteringOrganization.scopedAssignedPerson.id",
            ),
        ),
    ),
    *_REGISTERED_PERSON,
)

V2008B: Final = (
    *_agreement(
        role(),
        "patientCareProvision",
        "hl7:subjectOf7/hl7:deathNotification",
        "hl7:subjectOf8/hl7:pCRemovalRegistrationEvent",
    ),
    *_events(
        f"{role()}/hl7:subjectOf6[1]/hl7:nHAISRegistrationEvent[1]",
        # The schema wants a reason of a removed event too (2008B), so nothing speaks against it.
        f"{role()}/hl7:subjectOf8[1]/hl7:pCRemovalRegistrationEvent[1][not({REMOVED})]",
    ),
    *general_2008b(),
)

_REASONS: Final = (
    "DEA",
    "EMB",
    "SCT",
    "NIT",
    "AFN",
    "AFL",
    "SDN",
    "SDL",
    "TRA",
    "RFI",
    "RDI",
    "RDR",
    "RPR",
    "OPA",
    "CGA",
    "DIS",
    "LDN",
    "X",
    "ORR",
    "CAN",
)


def known_reasons(request: str = REQUEST) -> Group:
    """Give the rule that a removal's reason is of the published list (inferred, as all such)."""
    names = ("nHAISRemovalRegistrationEvent", "pCRemovalRegistrationEvent")
    event = " or ".join(f"local-name() = '{name}'" for name in names)
    patient = f"{SUBJECT}/hl7:{request}/hl7:subject/hl7:patientRole"
    return Group(
        f"{patient}/*/*[{event}][not({REMOVED})]",
        (Rule(one_of("hl7:reasonCode[1]/@code", _REASONS), "VALUE_NOT_SUPPORTED", "reasonCode"),),
    )
