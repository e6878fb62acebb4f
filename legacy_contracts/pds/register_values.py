"""What a record can hold of what only 2008B and the local register bring (inferred, decision 0019).

No stylesheet asks anything of these but of a registered person in 2008A (`nhais_rules`): without
rules of ours a code outside its list, or an identifier without scheme, would be kept and could
never be shown again. The lists are those of NHSVocab_6301 and NHSVocab_7202.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds import codes
from legacy_contracts.pds.item_rules import absent_or, one_of, time
from legacy_contracts.pds.update_rules import SUBJECT
from legacy_contracts.pds.update_values import CONSENTS

_UNSUPPORTED: Final = "VALUE_NOT_SUPPORTED"
_USE: Final = "UNSUPPORTED_CHARACTERS_IN_FIELD"
_WRITES: Final = "(@updateMode = 'added' or @updateMode = 'altered')"
_NAMED: Final = f"string-length(hl7:id[@root='{oids.OBJECT_ID}']/@extension) > 0"


def oid(path: str) -> str:
    """Give the test that an OID is one: numbers, and a point between each two."""
    digits = f"translate({path}, '0123456789', '')"
    return (
        f"(string-length({path}) > 0 and translate({digits}, '.', '') = ''"
        f" and not(contains(concat('.', {path}, '.'), '..')))"
    )


def identified(path: str) -> str:
    """Give the test that an identifier has a scheme and a value."""
    return f"({oid(f'{path}/@root')} and string-length({path}/@extension) > 0)"


_CODES: Final = (
    ("treatmentEntitlement", "hl7:value", codes.ENTITLEMENTS),
    ("treatmentCategoryType", "hl7:value", codes.TREATMENT_CATEGORIES),
    ("residentialStatus", "hl7:value", codes.RESIDENTIAL_STATUSES),
    ("pertinentDispensingAuthorisationReason", "hl7:value", codes.DISPENSING_REASONS),
    ("patientCareProvisionAssignment", "hl7:reasonCode", codes.ASSIGNMENT_REASONS),
    ("primaryCareRegistrationEncounter", "hl7:reasonCode", codes.REGISTRATION_REASONS),
    ("nHAISRegistrationEncounter", "hl7:reasonCode", codes.REGISTRATION_REASONS),
    ("transferStatus", "hl7:value", codes.TRANSFERS),
    ("transferStatus", "hl7:priorityCode", codes.TRANSFER_PRIORITIES),
    ("clinicalDocumentEvent", "hl7:priorityCode", codes.TRANSFER_PRIORITIES),
)
"""Elements, the coded value in each, and what it may be."""


def general(request: str) -> tuple[Group, ...]:
    """Give the rules of what every update of 2008B may bring: identifiers, notification times."""
    patient = f"{SUBJECT}/hl7:{request}/hl7:subject/hl7:patientRole"
    return (
        *_identifiers(f"{patient}/hl7:subjectOf/hl7:alternativeIdentifier"),
        *times(patient),
    )


def known(request: str) -> tuple[Group, ...]:
    """Give the rules of what the local register may bring besides, for the requests of a name."""
    patient = f"{SUBJECT}/hl7:{request}/hl7:subject/hl7:patientRole"
    return (
        *general(request),
        *(
            Group(
                f"{patient}//hl7:{element}",
                (
                    Rule(
                        absent_or(value, one_of(f"{value}[1]/@code", of)),
                        _UNSUPPORTED,
                        element,
                    ),
                ),
            )
            for element, value, of in _CODES
        ),
        *_persons(patient),
        *_authorities(patient),
    )


def donors(patient: str) -> tuple[Group, ...]:
    """Give the rules of donors' preferences in a request for a number (2008B)."""
    where = f"{patient}/*/hl7:bloodDonorPrefs//hl7:donorPreferredAddress/hl7:value"
    return (
        Group(
            f"{where}[string-length(@use) > 0]",
            (Rule(one_of("@use", values.ADDRESS_USE.values()), _USE),),
        ),
        *(
            Group(
                f"{patient}/*/hl7:{prefs}",
                (
                    Rule(
                        f"{one_of(f'*/hl7:{consent}[1]/hl7:value/@code', CONSENTS)}"
                        f" and {time(f'*/hl7:{consent}[1]/hl7:effectiveTime/@value')}",
                        _UNSUPPORTED,
                        prefs,
                    ),
                ),
            )
            for prefs, consent in (
                ("bloodDonorPrefs", "bloodDonorConsent"),
                ("organDonorPrefs", "organDonorConsent"),
            )
        ),
    )


def _identifiers(place: str) -> tuple[Group, ...]:
    unnamed = f"@updateMode = 'added' or not({_WRITES} or @updateMode = 'removed')"
    return (
        Group(
            place,
            (
                Rule(f"{unnamed} or {_NAMED}", "UID_MUST_BE_PROVIDED"),
                Rule(
                    f"not({_WRITES}) or {identified('hl7:value')}",
                    _UNSUPPORTED,
                    "alternativeIdentifier",
                ),
            ),
        ),
    )


def _persons(patient: str) -> tuple[Group, ...]:
    """Give the rules of a registered person's former names and addresses."""
    parts = ("COCT_MT000200UK02", "COCT_MT000200UK03")
    uses = (("name", codes.NAME_USE.values()), ("addr", values.ADDRESS_USE.values()))
    return tuple(
        Group(
            f"{patient}//hl7:{part}.RegisteredRolePart//hl7:{element}[string-length(@use) > 0]",
            (Rule(one_of("@use", words), _USE),),
        )
        for part in parts
        for element, words in uses
    )


def _authorities(patient: str) -> tuple[Group, ...]:
    """Give the rule of who removes a person from the register."""
    place = f"{patient}//hl7:pCRemovalRegistrationEvent/hl7:responsibleParty"
    kind = one_of("hl7:code[1]/@code", codes.AUTHORITIES)
    return (
        Group(
            f"{place}/hl7:registeringAuthority",
            (Rule(f"{kind} and {identified('hl7:id[1]')}", _UNSUPPORTED, "registeringAuthority"),),
        ),
    )


def times(patient: str) -> tuple[Group, ...]:
    """Give the rule of times that only 2008B and the local register tell."""
    told = (
        f"{patient}//hl7:notificationTime/hl7:value",
        f"{patient}//hl7:pCRemovalRegistrationEvent/hl7:availabilityTime",
        f"{patient}//hl7:initialNHAISRegistrationEvent/hl7:effectiveTime",
    )
    return (
        Group(
            f"({' | '.join(told)})",
            (Rule(absent_or("@value", time("@value")), "ILLEGAL_DATE_FORMAT"),),
        ),
    )
