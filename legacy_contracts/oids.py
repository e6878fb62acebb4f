"""Object identifiers of the wire, in one place (MIM vocabularies; pds.md 3.2 and 3.3)."""

from typing import Final

NPFIT: Final = "2.16.840.1.113883.2.1.3.2.4"

OLD_NUMBERS: Final = (f"{NPFIT}.3", f"{NPFIT}.4")
"""The roots of NHS numbers of older and of temporary formats."""

INTERACTION: Final = f"{NPFIT}.12"
PARTY_KEY: Final = f"{NPFIT}.10"
OBJECT_ID: Final = f"{NPFIT}.18.1"

ASID: Final = "1.2.826.0.1285.0.2.0.107"
ROLE_PROFILE: Final = "1.2.826.0.1285.0.2.0.67"
USER: Final = "1.2.826.0.1285.0.2.0.65"
JOB_ROLE: Final = "1.2.826.0.1285.0.2.1.104"

NHS_NUMBER: Final = "2.16.840.1.113883.2.1.4.1"
PRACTITIONER: Final = "2.16.840.1.113883.2.1.4.2"
ORGANISATION: Final = "2.16.840.1.113883.2.1.4.3"

ODS: Final = "1.2.826.0.1285.0.1.10"

SNOMED: Final = f"{NPFIT}.15"
P1R1_RESULT: Final = f"{NPFIT}.7"
SENSITIVITY: Final = f"{NPFIT}.16.1"
CONSENT_VALUE: Final = f"{NPFIT}.16.2"
CORRESPONDENCE: Final = f"{NPFIT}.16.4"
DEATH_NOTIFICATION: Final = f"{NPFIT}.16.5"
ETHNIC_GROUP: Final = f"{NPFIT}.16.6"
HEALTHSPACE: Final = f"{NPFIT}.16.7"
NEXT_OF_KIN: Final = f"{NPFIT}.16.13"
RELATIONSHIP: Final = f"{NPFIT}.16.15"
CONTACT_METHOD: Final = f"{NPFIT}.16.16"
WRITTEN_FORMAT: Final = f"{NPFIT}.16.17"
AUTHORITY_TYPE: Final = f"{NPFIT}.16.20"
INTERPRETER: Final = f"{NPFIT}.16.39"
WRAPPER_ERROR: Final = f"{NPFIT}.17.32"
OBSERVATION: Final = f"{NPFIT}.17.35"
HISTORIC_DATA: Final = f"{NPFIT}.17.36"
CARE_PROVISION: Final = f"{NPFIT}.17.37"
PREVIOUS_CONTACT: Final = f"{NPFIT}.17.38"
UPDATE_TYPE: Final = f"{NPFIT}.17.40"
SEARCH_TYPE: Final = f"{NPFIT}.17.39"
BUSINESS_ERROR: Final = f"{NPFIT}.17.42"
CONSENT_TYPE: Final = f"{NPFIT}.17.164"
REGISTRATION: Final = f"{NPFIT}.17.165"
REMOVAL_REASON: Final = f"{NPFIT}.17.168"
ADMINISTRATIVE: Final = f"{NPFIT}.17.170"
ABNORMALITY: Final = f"{NPFIT}.17.171"
STILLBIRTH: Final = f"{NPFIT}.17.172"
DELIVERY_LOCATION: Final = f"{NPFIT}.17.173"
NATIONAL_SYSTEM: Final = f"{NPFIT}.17.174"
