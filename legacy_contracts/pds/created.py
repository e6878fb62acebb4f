"""What answers those who asked for a new record: the number, or who it may be already.

PRPA_IN000201UK01 and 206UK01 (PRPA_MT000204UK01), 060000UK30 and UK14 (PRPA_MT110101UK12), after
MIM63NumberAllocation_success and its neighbours; PRPA_IN000207UK03 and UK05 (PRPA_MT000210), for
which no stylesheet and no captured message is public: its tree is the schema's (pds.md A.19).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.values.demographics import Address, Mother, Name, Patient
from legacy_contracts import oids
from legacy_contracts.hl7.rim import (
    NOTHING,
    Xml,
    act,
    coded,
    entity,
    instance,
    link,
    role,
    simple_code,
    valued,
)
from legacy_contracts.pds import items, record_2008
from legacy_contracts.pds.record_2008 import Shape

BIRTH_WEIGHT: Final = "364589006"
"""SNOMED CT, as the request has it."""

NOT_KNOWN: Final = "0"


def registered(patient: Patient) -> Xml:
    """Give the payload of 2008A and 2008B: the serial change number, then the NHS number."""
    return _response(items.serial_change_number(patient) + _whose(patient))


def registered_before_2008(patient: Patient) -> Xml:
    """Give the payload of 2006B and MIM 3.1: the NHS number, then the serial change number."""
    return _response(_whose(patient) + items.serial_change_number(patient))


def possible_duplicates(patients: Iterable[Patient], shape: Shape) -> Xml:
    """Give the payload that names the records which may be of the same child."""
    return _response("".join([_candidate(one, shape) for one in patients]))


def _response(content: str) -> Xml:
    return act("PdsRegistrationResponse", content, class_code="REG")


def _whose(patient: Patient) -> Xml:
    return link("subject", role("patientRole", items.number(patient.nhs_number), "PAT"), "SBJ")


def _candidate(patient: Patient, shape: Shape) -> Xml:
    content = (
        items.confidentiality(patient, has_b=shape.sensitivity_has_b)
        + items.number(patient.nhs_number)
        + link("babyOf", _care(patient, shape), "BBY")
        + entity("patientPerson", _person(patient, shape))
        + items.about("subjectOf", _weight(patient))
    )
    return link("subject", role("patientRole", content, "PAT"), "SBJ")


def _care(patient: Patient, shape: Shape) -> Xml:
    birth = patient.birth
    told = instance(oids.ODS, (birth.child_health if birth else None) or "")
    recipient = role("partnerChildHealth", told, "ASSIGNED")
    content = (
        simple_code("code", "OBS")
        + link("primaryInformationRecipient", recipient, "PRCP")
        + link("recordTarget", _mother(birth.mother if birth else Mother(), shape), "RCT")
    )
    return act("obstetricCareProvision", content, class_code="PCPR")


def _mother(mother: Mother, shape: Shape) -> Xml:
    outer, inner = ("patient", "patientMother")
    if shape is record_2008.B:
        outer, inner = ("mother", "patientMotherPerson")
    born = valued("birthTime", mother.birth_time) if mother.birth_time else NOTHING
    known = items.number(mother.nhs_number) if mother.nhs_number else NOTHING
    person = entity(inner, born + items.name(mother.name or Name(), with_id=False))
    return role(outer, known + person, "PAT")


def _person(patient: Patient, shape: Shape) -> str:
    """Give the child; a restricted one's address is empty, for the schema must have one."""
    names = "".join([record_2008.name_part(one, shape) for one in patient.names])
    addresses = patient.addresses or (Address(),)
    parts = names + "".join([record_2008.address_part(one, shape) for one in addresses])
    if shape is record_2008.B:
        return items.birth_order(patient) + parts + record_2008.notified_birth(patient)
    return (
        items.gender(patient)
        + valued("birthTime", patient.birth_time or "")
        + items.birth_order(patient)
        + parts
    )


def _weight(patient: Patient) -> Xml:
    weight = (patient.birth.weight if patient.birth else None) or NOT_KNOWN
    return act("birthWeight", coded("code", BIRTH_WEIGHT, oids.SNOMED) + valued("value", weight))
