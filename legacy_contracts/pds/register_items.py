"""What the local register (NHAIS) and 2008B bring beside the general items, read from an update.

Trees: PRPA_MT000208UK03 and UK06, PRPA_MT000206UK06, COCT_MT000200UK02 and UK03. In 2008A a
registered person's details stand beside the care provision under a mode of their own
(registeredRolePartOutput of PRPA_RM000208UK03), in 2008B in it, under its mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from core.values.changes import Change, ItemChange, Mode, Single
from core.values.demographics import (
    AlternativeIdentifier,
    Authority,
    CareProvision,
    Entitlement,
    FormerPractice,
    Identified,
    PaperRecord,
    Payment,
    RegisteredPerson,
    Registration,
)
from legacy_contracts.pds import reading
from legacy_contracts.pds.reading import Node, code, every, extension, maybe, period, text, value
from legacy_contracts.pds.update_items import (
    PERFORMER,
    PERSON,
    Reader,
    items,
    mode_of,
    registering,
    single,
)

ROLE_PART_2008A: Final = f"{PERSON}/hl7:COCT_MT000200UK02.RegisteredRolePart"
ROLE_PART_2008B: Final = "hl7:subject/hl7:COCT_MT000200UK03.RegisteredRolePart"

_PATIENT: Final = "hl7:playedRegisteredPatient"
_OLD: Final = f"{_PATIENT}/hl7:replacementOf/hl7:oldVersion"
_OLD_PRACTICE: Final = f"{_OLD}/hl7:subjectOf2/hl7:patientCareProvisionEvent"


def registered_person(part: Node) -> RegisteredPerson | None:
    """Give what a register told of a person, or None where it told nothing."""
    found = maybe(part, "hl7:partRegisteredPerson")
    if found is None:
        return None
    name, address = maybe(found, "hl7:name"), maybe(found, f"{_PATIENT}/hl7:addr")
    old = f"{_OLD}/hl7:subjectOf1/hl7:nHAISRegistrationEvent/hl7:custodian"
    told = RegisteredPerson(
        name=None if name is None else reading.name(name),
        address=None if address is None else reading.address(address),
        birthplace=reading.birthplace(found, "hl7:birthplace/hl7:addr"),
        service=period(found, "hl7:militaryMembership/hl7:effectiveTime"),
        residence=period(found, f"{_PATIENT}/hl7:subjectOf1/hl7:uKResidence/hl7:value"),
        reason=code(found, f"{_PATIENT}/hl7:subjectOf2/*/hl7:reasonCode"),
        first_registered=value(found, f"{_PATIENT}/hl7:subjectOf3/*/hl7:effectiveTime"),
        assignment=code(found, f"{_PATIENT}/hl7:subjectOf/*/hl7:reasonCode"),
        former_register=text(found, f"{old}/hl7:assignedDevice/hl7:assignedDevice/hl7:name"),
        former_practice=_former_practice(found),
    )
    return None if told == RegisteredPerson() else told


def _former_practice(person: Node) -> FormerPractice | None:
    event = maybe(person, _OLD_PRACTICE)
    name = None if event is None else maybe(event, "hl7:performer/*/hl7:assignedPerson/hl7:name")
    if event is None or name is None:
        return None
    where = maybe(event, "hl7:performer/hl7:assignedPerson/hl7:addr")
    return FormerPractice(
        practitioner=reading.name(name),
        address=None if where is None else reading.address(where),
        period=period(event, "hl7:effectiveTime"),
    )


def provision(node: Node) -> CareProvision:
    """Give a care provision of 2008B with what the register tells of it."""
    part = maybe(node, ROLE_PART_2008B)
    return replace(
        reading.care_provision(node, PERFORMER),
        registered=None if part is None else registered_person(part),
        payment=_payment(node),
    )


def _payment(node: Node) -> Payment | None:
    paid = maybe(node, "hl7:pertinentInformation/hl7:pertinentCareProviderPaymentInfo")
    if paid is None:
        return None
    why = "hl7:pertinentInformation/hl7:pertinentDispensingAuthorisationReason/hl7:value"
    return Payment(
        period=period(paid, "hl7:effectiveTime"),
        dispensing=code(paid, why),
        institution=extension(paid, "hl7:subject/hl7:residentialInstitution/hl7:id"),
    )


def _identified(node: Node, path: str) -> Identified | None:
    found = maybe(node, path)
    if found is None or not found.get("root") or not found.get("extension"):
        return None
    return Identified(found.get("root") or "", found.get("extension") or "")


def alternative_identifier(node: Node) -> AlternativeIdentifier:
    """Give what a person is called elsewhere; one that is removed is little more than an id."""
    return AlternativeIdentifier(
        identified=_identified(node, "hl7:value") or Identified("", ""),
        period=period(node, "hl7:effectiveTime"),
        object_id=reading.object_id(node),
    )


def entitlement(node: Node) -> Entitlement:
    """Give to what treatment a person is entitled."""
    return Entitlement(
        kind=code(node, "hl7:value"),
        category=code(node, "hl7:component/hl7:treatmentCategoryType/hl7:value"),
        residence=code(node, "hl7:component1/hl7:residentialStatus/hl7:value"),
        period=period(node, "hl7:effectiveTime"),
    )


def registration(node: Node) -> Registration:
    """Give a registration with the local register (NHAIS), or its removal."""
    return Registration(
        custodian=extension(node, "hl7:custodian/hl7:assignedDevice/hl7:id"),
        reason=code(node, "hl7:reasonCode"),
        period=period(node, "hl7:effectiveTime"),
        authority=_authority(node),
        told_at=value(node, "hl7:availabilityTime"),
    )


def _authority(node: Node) -> Authority | None:
    found = maybe(node, "hl7:responsibleParty/hl7:registeringAuthority")
    return None if found is None else registering(found)


def paper_record(event: Node) -> PaperRecord:
    """Give where the paper record of a person is."""
    place = "hl7:location/hl7:serviceDeliveryLocation"
    transfer = "*/hl7:transferStatus"
    return PaperRecord(
        transfer=code(event, f"{transfer}/hl7:value"),
        priority=code(event, f"{transfer}/hl7:priorityCode") or code(event, "hl7:priorityCode"),
        office=text(event, f"{place}/hl7:location/hl7:name"),
        held=period(event, f"{place}/hl7:effectiveTime"),
        period=period(event, "hl7:effectiveTime"),
        object_id=reading.object_id(event),
    )


PAPER_RECORD: Final = "hl7:recordTargetOf/hl7:clinicalDocumentEvent"
_UNNAMED: Final = {
    Mode.ADDED: Mode.SET,
    Mode.ALTERED: Mode.SET,
    Mode.REMOVED: Mode.CLEARED,
}


def _paper_records(role: Node) -> Iterator[Change]:
    """Give the changes of a paper record: 2008B has no id of it, and its mode in the transfer."""
    for node in every(role, PAPER_RECORD):
        mode = mode_of(node) or mode_of(maybe(node, "*/hl7:transferStatus"))
        if mode is not None:
            item = paper_record(node)
            yield ItemChange(_UNNAMED[mode] if item.object_id is None else mode, item)


PAPER_RECORDS: Final[Reader] = _paper_records
IDENTIFIERS: Final = items("hl7:subjectOf/hl7:alternativeIdentifier", alternative_identifier)
ENTITLEMENT: Final = single(
    Single.ENTITLEMENT, "hl7:subjectOf9[1]/hl7:treatmentEntitlement", entitlement
)
REGISTERED_2008A: Final = single(Single.REGISTERED, ROLE_PART_2008A, registered_person)
PROVISIONS_2008B: Final = items(
    "hl7:patientPerson/hl7:playedOtherProviderPatient/hl7:subjectOf[1]/hl7:patientCareProvision",
    provision,
)


def registration_at(path: str) -> Reader:
    """Give the reader of a registration with the local register, at a path."""
    return single(Single.REGISTRATION, path, registration)


def removal_at(path: str) -> Reader:
    """Give the reader of a removal from the local register, at a path."""
    return single(Single.REMOVAL, path, registration)
