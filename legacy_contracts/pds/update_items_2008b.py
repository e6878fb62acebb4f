"""What an update of 2008B asks for, and one by the local register in either release.

2008B has gender, birth and death in parts of their own, each with the time it was notified, and
more kinds of items than the releases before (pds.md A.14; PRPA_MT000208UK03 and UK06).
"""

from __future__ import annotations

from typing import Final

from core.values.changes import Single
from legacy_contracts.pds.reading import code, value
from legacy_contracts.pds.register_items import (
    ENTITLEMENT,
    IDENTIFIERS,
    PAPER_RECORDS,
    PROVISIONS_2008B,
    REGISTERED_2008A,
    registration_at,
    removal_at,
)
from legacy_contracts.pds.update_items import (
    ADDRESSES,
    BIRTH_ORDER,
    BIRTH_TIME,
    CONSENTS,
    CONTACT,
    GENDER,
    HEALTHSPACE,
    LANGUAGE,
    NAMES,
    PERFORMER,
    PERSON,
    RELATED_PERSONS,
    SHARED_SECRET,
    TELECOMS,
    WRITTEN_FORMAT,
    DeathPlaces,
    blood_donor,
    death,
    organ_donor,
    place_of_birth,
    plain_death,
    provisions,
    single,
    to_the_minute,
)

_GENDER_PART: Final = f"{PERSON}/hl7:COCT_MT000209UK01.PartAdminGenderCode"
_BIRTH_PART: Final = f"{PERSON}/hl7:COCT_MT000210UK01.PartBirthTime"
_NOTIFIED: Final = "hl7:subjectOf7[1]/hl7:deathNotification"
_DEATH_PART: Final = f"{PERSON}/hl7:COCT_MT000211UK01.PartDeceasedTime"

_ITEMS: Final = (RELATED_PERSONS, ADDRESSES, TELECOMS, NAMES)
_OTHERS: Final = (
    SHARED_SECRET,
    single(
        Single.GENDER,
        _GENDER_PART,
        lambda node: code(node, "hl7:partPerson/hl7:administrativeGenderCode"),
    ),
    single(
        Single.BIRTH_TIME,
        _BIRTH_PART,
        lambda node: to_the_minute(value(node, "hl7:partPerson/hl7:birthTime")),
    ),
    BIRTH_ORDER,
    death(
        DeathPlaces(
            f"{_DEATH_PART}/hl7:partPerson/hl7:deceasedTime",
            _DEATH_PART,
            _NOTIFIED,
            f"{_NOTIFIED}/hl7:responsibleParty/hl7:registeringAuthority",
        )
    ),
    LANGUAGE,
    WRITTEN_FORMAT,
    HEALTHSPACE,
    CONTACT,
    CONSENTS,
    single(
        Single.BIRTHPLACE,
        f"{PERSON}/hl7:COCT_MT000208UK01.BirthPlace",
        place_of_birth,
        "hl7:addr",
    ),
    single(Single.BLOOD_DONOR, "hl7:subjectOf10/hl7:bloodDonorPrefs", blood_donor),
    single(Single.ORGAN_DONOR, "hl7:subjectOf15/hl7:organDonorPrefs", organ_donor),
    IDENTIFIERS,
)

V2008B: Final = (*_ITEMS, provisions("patientCareProvision", PERFORMER), *_OTHERS)
NHAIS_2008A: Final = (
    ADDRESSES,
    NAMES,
    provisions("patientCareProvisionEvent", PERFORMER),
    GENDER,
    BIRTH_TIME,
    plain_death("hl7:subjectOf1[1]/hl7:deathNotification"),
    registration_at("hl7:subjectOf2[1]/hl7:nHAISRegistrationEvent"),
    removal_at("hl7:subjectOf3[1]/hl7:nHAISRemovalRegistrationEvent"),
    REGISTERED_2008A,
    PAPER_RECORDS,
)
NHAIS_2008B: Final = (
    *_ITEMS,
    PROVISIONS_2008B,
    *_OTHERS,
    registration_at("hl7:subjectOf6[1]/hl7:nHAISRegistrationEvent"),
    removal_at("hl7:subjectOf8[1]/hl7:pCRemovalRegistrationEvent"),
    ENTITLEMENT,
    PAPER_RECORDS,
)
