"""Reads out of a retrieval what only 2008A or 2008B shows, knowing nothing of our builders."""

from __future__ import annotations

from typing import Final

import reading
from lxml import etree
from msgspec.structs import replace
from reading import address, all_at, name, object_id, period, provenance, text, value

from core.values.demographics import (
    AlternativeIdentifier,
    CareProvision,
    Entitlement,
    FormerPractice,
    Identified,
    Notified,
    PaperRecord,
    Patient,
    Payment,
    RegisteredPerson,
)

_PATIENT: Final = "h:partRegisteredPerson/h:playedRegisteredPatient"
_OLD: Final = f"{_PATIENT}/h:replacementOf/h:oldVersion"
_NOTIFIED: Final = {
    "gender": "COCT_MT000209UK01.PartAdminGenderCode",
    "birth_time": "COCT_MT000210UK01.PartBirthTime",
    "death": "COCT_MT000211UK01.PartDeceasedTime",
    "birthplace": "COCT_MT000208UK01.BirthPlace",
}


def patient(message: etree._Element) -> Patient:
    """Give the record that a retrieval shows, with all that is beside the general items."""
    (role,) = message.iterfind(".//{*}patientRole")
    found = reading.patient(message)
    events = all_at(role, "h:patientPerson/h:playedOtherProviderPatient/h:subjectOf/*")
    return replace(
        found,
        care_provisions=tuple(
            _provision(*one) for one in zip(found.care_provisions, events, strict=True)
        ),
        past_registrations=tuple(
            one
            for one in reading.registrations(role)
            if one not in (found.registration, found.removal)
        ),
        identifiers=tuple(_identifier(one) for one in all_at(role, "*/h:alternativeIdentifier")),
        paper_records=_paper_records(role),
        entitlement=_entitlement(role),
        notified=_notified(role),
    )


def _provision(item: CareProvision, event: etree._Element) -> CareProvision:
    parts = all_at(event, "h:subject/*[contains(local-name(), '.RegisteredRolePart')]")
    paid = all_at(event, "h:pertinentInformation/h:pertinentCareProviderPaymentInfo")
    return replace(
        item,
        registered=_registered(parts[0]) if parts else None,
        payment=_payment(paid[0]) if paid else None,
    )


def _payment(paid: etree._Element) -> Payment:
    return Payment(
        period=period(paid, "effectiveTime"),
        dispensing=value(paid, "*/h:pertinentDispensingAuthorisationReason/h:value/@code"),
        institution=value(paid, "*/h:residentialInstitution/h:id/@extension"),
    )


def _registered(part: etree._Element) -> RegisteredPerson:
    names = all_at(part, "h:partRegisteredPerson/h:name")
    addresses = all_at(part, f"{_PATIENT}/h:addr")
    person, patient = (all_at(part, one)[0] for one in ("h:partRegisteredPerson", _PATIENT))
    service = all_at(person, "h:militaryMembership")
    residence = all_at(patient, "*/h:uKResidence")
    return RegisteredPerson(
        name=name(names[0]) if names else None,
        address=address(addresses[0]) if addresses else None,
        birthplace=reading.birthplace(person),
        service=period(service[0], "effectiveTime") if service else None,
        residence=period(residence[0], "value") if residence else None,
        reason=value(patient, "*/h:primaryCareRegistrationEncounter/h:reasonCode/@code"),
        first_registered=value(patient, "*/h:initialNHAISRegistrationEvent/h:effectiveTime/@value"),
        assignment=value(patient, "*/h:patientCareProvisionAssignment/h:reasonCode/@code"),
        former_register=text(part, f"{_OLD}/*/h:nHAISRegistrationEvent//h:name"),
        former_practice=_former(part),
    )


def _former(part: etree._Element) -> FormerPractice | None:
    for event in all_at(part, f"{_OLD}/*/h:patientCareProvisionEvent"):
        (called,) = all_at(event, "h:performer/h:assignedPerson/h:assignedPerson/h:name")
        where = all_at(event, "h:performer/h:assignedPerson/h:addr")
        return FormerPractice(
            name(called), address(where[0]) if where else None, period(event, "effectiveTime")
        )
    return None


def _identifier(event: etree._Element) -> AlternativeIdentifier:
    return AlternativeIdentifier(
        Identified(str(value(event, "h:value/@root")), str(value(event, "h:value/@extension"))),
        period(event, "effectiveTime"),
        object_id(event),
        provenance(event),
    )


def _entitlement(role: etree._Element) -> Entitlement | None:
    for event in all_at(role, "*/h:treatmentEntitlement"):
        return Entitlement(
            value(event, "h:value/@code"),
            value(event, "*/h:treatmentCategoryType/h:value/@code"),
            value(event, "*/h:residentialStatus/h:value/@code"),
            period(event, "effectiveTime"),
        )
    return None


def _paper_records(role: etree._Element) -> tuple[PaperRecord, ...]:
    """Give each record that 2008A shows, or each transfer that 2008B does."""
    events = all_at(role, "h:recordTargetOf/h:clinicalDocumentEvent")
    transfers = all_at(role, "h:recordTargetOf/*/h:subjectOf3/h:transferStatus[h:priorityCode]")
    if transfers:
        return tuple(
            PaperRecord(
                value(one, "h:value/@code"),
                value(one, "h:priorityCode/@code"),
                provenance=provenance(one),
            )
            for one in transfers
        )
    return tuple(_paper_record(one) for one in events)


def _paper_record(event: etree._Element) -> PaperRecord:
    places = all_at(event, "h:location/h:serviceDeliveryLocation")
    return PaperRecord(
        transfer=value(event, "*/h:transferStatus/h:value/@code"),
        priority=value(event, "h:priorityCode/@code"),
        office=text(places[0], "h:location/h:name") if places else None,
        held=period(places[0], "effectiveTime") if places else None,
        period=period(event, "effectiveTime"),
        object_id=object_id(event),
        provenance=provenance(event),
    )


def _notified(role: etree._Element) -> Notified | None:
    times = {
        what: value(role, f"h:patientPerson/h:{part}/*/h:notificationTime/h:value/@value")
        for what, part in _NOTIFIED.items()
    }
    return Notified(**times) if any(times.values()) else None
