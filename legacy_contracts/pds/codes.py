"""The wire's codes for the words of the demographic record (pds.md 3.3, Annex B)."""

from __future__ import annotations

from typing import Final

from core.values.demographics import (
    CareProvisionKind,
    ConsentKind,
    NameUse,
    RelatedRole,
    Sensitivity,
)

NAME_USE: Final = {
    NameUse.USUAL: "L",
    NameUse.ALIAS: "A",
    NameUse.PREFERRED: "PREFERRED",
    NameUse.PREVIOUS: "PREVIOUS",
    NameUse.BIRTH: "PREVIOUS-BIRTH",
    NameUse.BACHELOR: "PREVIOUS-BACHELOR",
    NameUse.MAIDEN: "PREVIOUS-MAIDEN",
}

CARE_PROVISION: Final = {
    CareProvisionKind.PRIMARY_CARE: "1",
    CareProvisionKind.PHARMACY: "P1",
    CareProvisionKind.APPLIANCES: "P2",
    CareProvisionKind.DISPENSING_DOCTOR: "P3",
}

RELATED_ROLE: Final = {
    RelatedRole.AGENT: "AGNT",
    RelatedRole.GUARDIAN: "GUARD",
    RelatedRole.PERSONAL: "PRS",
    RelatedRole.CARER: "CAREGIVER",
}

SENSITIVITY: Final = {
    Sensitivity.STOP_NOTED: "Y",
    Sensitivity.BUSINESS: "B",
    Sensitivity.SENSITIVE: "S",
}

CONSENT_KIND: Final = {
    ConsentKind.RECORD_SHARING: "4",
    ConsentKind.CALL_BACK: "6",
}

RESTRICTED_WITHOUT_B: Final = {**SENSITIVITY, Sensitivity.BUSINESS: "S"}
"""From 2008B on the vocabulary has no B; a business reason is shown as sensitive (inferred)."""

GENDERS: Final = ("0", "1", "2", "9")
CONTACT_METHODS: Final = tuple("12345678")
WRITTEN_FORMATS: Final = ("11", "12", "13")
LANGUAGES: Final = tuple(
    (
        "q1 q2 q3 q4 q5 "
        "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs "
        "cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha "
        "he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn "
        "ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na "
        "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc "
        "sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt "
        "tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    ).split()
)
"""HumanLanguage (…17.70): signs (q1 to q5, Braille and Makaton among them) and ISO 639-1."""

DEATH_NOTIFICATIONS: Final = ("1", "2")
"""Informal, formal."""
AUTHORITIES: Final = tuple("abcdefghijklmnopqrstuvwxy")
"""Kinds of registering authorities."""
REGISTRATION_REASONS: Final = ("1", "2", "3", "4", "5", "6", "8")
REASONS_OF_2008B: Final = ("1", "2", "3", "4", "8")
"""Why a person registers; of 5 (ex-services) and 6 (moved within the area) 2008B has no code."""
ASSIGNMENT_REASONS: Final = tuple("1234567")
DISPENSING_REASONS: Final = ("1", "2", "3")
ENTITLEMENTS: Final = ("1", "2", "3")
TREATMENT_CATEGORIES: Final = ("1", "2", "3")
RESIDENTIAL_STATUSES: Final = ("H", "O")
TRANSFERS: Final = tuple("RP RB RS RN RA CP CS CN SP FB FP FA HB HS HN HP HX HA HL".split())
TRANSFERS_OF_2008A: Final = tuple(one for one in TRANSFERS if one not in {"HA", "HL"})
TRANSFERS_OF_2008B: Final = tuple(one for one in TRANSFERS if one != "RP")
"""Where a paper record is on its way."""
TRANSFER_PRIORITIES: Final = ("U", "N")

# Demographic observations (…17.35).
SCN: Final = "2"
DEATH: Final = "3"
HEALTHSPACE: Final = "8"
CONTACT_METHOD: Final = "9"
CONTACT_TIMES: Final = "10"
MATCHING_LEVEL: Final = "12"
WRITTEN_FORMAT: Final = "13"
SHARED_SECRET: Final = "15"  # noqa: S105 - the code of the observation
PREVIOUS_CONTACT: Final = "17"
NOTIFICATION_TIME: Final = "45"
UK_RESIDENCE: Final = "18"
TRANSFER_STATUS: Final = "19"
ENTITLEMENT: Final = "21"
ASSIGNMENT: Final = "22"
RESIDENTIAL_STATUS: Final = "23"
TREATMENT_CATEGORY: Final = "24"
ALTERNATIVE_IDENTIFIER: Final = "27"
DISPENSING_REASON: Final = "42"
PAYMENT: Final = "43"
BLOOD_DONOR: Final = "25"
ORGAN_DONOR: Final = "26"
BLOOD_DONOR_CONSENT: Final = "36"
ORGAN_DONOR_CONSENT: Final = "37"
