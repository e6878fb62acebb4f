"""What the local register told of a patient, and what else only 2008A or 2008B can show.

Trees: pds.md A.2 to A.9, COCT_MT000200UK03, PRPA_MT000201UK03 and UK06. No captured answer shows
any of it: the schemas alone say where it stands.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from core.values.demographics import (
    AlternativeIdentifier,
    Authority,
    Birthplace,
    CareProvision,
    CareProvisionKind,
    Entitlement,
    FormerPractice,
    Patient,
    Payment,
    RegisteredPerson,
    Registration,
)
from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rim import (
    NOTHING,
    Xml,
    act,
    coded,
    element,
    entity,
    instance,
    link,
    maybe_text,
    role,
    text_element,
    valued,
)
from legacy_contracts.pds import codes, items
from legacy_contracts.pds.provenance import effective, source

_SOURCE: Final = "COCT_MT000205UK01.Source{}"


def of_provision(item: CareProvision, patient: Patient) -> str:
    """Give what stands in a care provision of 2008B beside the provider."""
    return _payment(item.payment) + _registered(item.registered or _told_apart(item, patient))


def _told_apart(item: CareProvision, patient: Patient) -> RegisteredPerson | None:
    """Give what 2008A told beside the practice: it is shown with the current one."""
    standing = (
        one
        for one in patient.care_provisions
        if one.kind is CareProvisionKind.PRIMARY_CARE and not _is_over(one)
    )
    return patient.registered if next(standing, None) is item else None


def _is_over(item: CareProvision) -> bool:
    """Say whether a provision has an end, of its own or in the record."""
    recorded = item.provenance.recorded if item.provenance else None
    return any(one is not None and one.end is not None for one in (item.period, recorded))


class _Part(Struct, frozen=True):
    """Where an observation with a coded value stands, and what it is."""

    place: str
    type_code: str
    element: str
    code: str
    system: str


_DISPENSING: Final = _Part(
    "pertinentInformation",
    "PERT",
    "pertinentDispensingAuthorisationReason",
    codes.DISPENSING_REASON,
    oids.DISPENSING_REASON,
)
_CATEGORY: Final = _Part(
    "component",
    "COMP",
    "treatmentCategoryType",
    codes.TREATMENT_CATEGORY,
    oids.TREATMENT_CATEGORY,
)
_RESIDENCE: Final = _Part(
    "component1",
    "COMP",
    "residentialStatus",
    codes.RESIDENTIAL_STATUS,
    oids.RESIDENTIAL_STATUS,
)


def _observed(part: _Part, value: str | None) -> str:
    if value is None:
        return NOTHING
    told = items.observation(part.element, part.code, value, part.system)
    return link(part.place, told, part.type_code)


def _payment(item: Payment | None) -> str:
    if item is None:
        return NOTHING
    where = ""
    if item.institution is not None:
        own = instance(oids.ODS, item.institution)
        where = link("subject", role("residentialInstitution", own, "ASSIGNED"), "SBJ")
    period = values.period("effectiveTime", item.period) or element("effectiveTime", "")
    code = coded("code", codes.PAYMENT, oids.OBSERVATION)
    why = _observed(_DISPENSING, item.dispensing)
    paid = act("pertinentCareProviderPaymentInfo", code + period + why + where)
    return link("pertinentInformation", paid, "PERT")


def _registered(item: RegisteredPerson | None) -> str:
    if item is None:
        return NOTHING
    service = ""
    if item.service is not None:
        since = values.period("effectiveTime", item.service)
        service = role("militaryMembership", since, "MIL")
    person = entity(
        "partRegisteredPerson",
        (items.name(item.name, with_id=False) if item.name else "")
        + born_at(item.birthplace)
        + service
        + _as_patient(item),
    )
    part = role("COCT_MT000200UK03.RegisteredRolePart", person, "PART")
    return link("subject", part, "SBJ")


def born_at(place: Birthplace | None) -> str:
    """Give a birthplace whose country is text, or nothing."""
    if place is None:
        return NOTHING
    country = maybe_text("country", place.country)
    return role("birthplace", place_of_birth(place, country), "BIRTHPL")


def place_of_birth(place: Birthplace, country: str) -> Xml:
    """Give the address of a birthplace, with its country as a release has it."""
    lines = "".join([text_element("streetAddressLine", one) for one in place.lines])
    parts = maybe_text("city", place.city) + maybe_text("county", place.county) + country
    return element("addr", lines + parts + maybe_text("postalCode", place.postcode))


def _as_patient(item: RegisteredPerson) -> str:
    known = (
        (items.address(item.address, with_id=False) if item.address else "")
        + _before(item)
        + _assignment(item)
        + _residence(item)
        + _encounter(item)
        + _first(item)
    )
    return role("playedRegisteredPatient", known, "PAT") if known else NOTHING


def _before(item: RegisteredPerson) -> str:
    """Give where a person was registered before: with which register, and whom."""
    register = ""
    if item.former_register is not None:
        name = maybe_text("name", item.former_register or None)
        device = role("assignedDevice", entity("assignedDevice", name, "DEV"), "ASSIGNED")
        code = coded("code", "01", oids.REGISTRATION)
        event = act(
            "nHAISRegistrationEvent", code + link("custodian", device, "CST"), class_code="REG"
        )
        register = items.about("subjectOf1", event)
    old = register + _former(item.former_practice)
    return link("replacementOf", role("oldVersion", old, "PAT"), "REPL") if old else NOTHING


def _former(item: FormerPractice | None) -> str:
    if item is None:
        return NOTHING
    who = (items.address(item.address, with_id=False) if item.address else "") + entity(
        "assignedPerson", items.name(item.practitioner, with_id=False)
    )
    event = act(
        "patientCareProvisionEvent",
        coded("code", "1", oids.CARE_PROVISION)
        + values.period("effectiveTime", item.period)
        + link("performer", role("assignedPerson", who, "ASSIGNED"), "PRF"),
        class_code="PCPR",
    )
    return items.about("subjectOf2", event)


def _assignment(item: RegisteredPerson) -> str:
    if item.assignment is None:
        return NOTHING
    code = coded("code", codes.ASSIGNMENT, oids.OBSERVATION)
    why = coded("reasonCode", item.assignment, oids.ASSIGNMENT_REASON)
    return items.about("subjectOf", act("patientCareProvisionAssignment", code + why))


def _residence(item: RegisteredPerson) -> str:
    if item.residence is None:
        return NOTHING
    code = coded("code", codes.UK_RESIDENCE, oids.OBSERVATION)
    since = values.period("value", item.residence)
    return items.about("subjectOf1", act("uKResidence", code + since))


def _encounter(item: RegisteredPerson) -> str:
    if item.reason not in codes.REASONS_OF_2008B:
        return NOTHING
    code = coded("code", "08", oids.REGISTRATION)
    why = coded("reasonCode", item.reason, oids.REGISTRATION_REASON)
    event = act("primaryCareRegistrationEncounter", code + why, class_code="REG")
    return items.about("subjectOf2", event)


def _first(item: RegisteredPerson) -> str:
    if item.first_registered is None:
        return NOTHING
    code = coded("code", "03", oids.REGISTRATION)
    since = valued("effectiveTime", item.first_registered)
    event = act("initialNHAISRegistrationEvent", code + since, class_code="REG")
    return items.about("subjectOf3", event)


def entitlement(place: str, item: Entitlement | None) -> str:
    """Give to what treatment a patient is entitled, or nothing."""
    if item is None:
        return NOTHING
    kind = "" if item.kind is None else coded("value", item.kind, oids.ENTITLEMENT)
    body = (
        coded("code", codes.ENTITLEMENT, oids.OBSERVATION)
        + values.period("effectiveTime", item.period)
        + kind
        + _observed(_CATEGORY, item.category)
        + _observed(_RESIDENCE, item.residence)
    )
    return items.about(place, act("treatmentEntitlement", body))


def identifiers(place: str, patient: Patient) -> str:
    """Give what a patient is called elsewhere, plainly."""
    return "".join([_identifier(place, one) for one in patient.identifiers])


def written_identifiers(place: str, patient: Patient, *, with_id: bool) -> str:
    """Give what a patient is called elsewhere, with who wrote it and since when."""
    return "".join(
        [
            _identifier(
                place,
                one,
                items.object_id(one.object_id) if with_id else "",
                effective(one.provenance, "subjectOf", "SUBJ")
                + source(one.provenance, "subjectOf1", _SOURCE, "SUBJ"),
            )
            for one in patient.identifiers
        ]
    )


def _identifier(place: str, item: AlternativeIdentifier, own: str = "", written: str = "") -> Xml:
    body = (
        coded("code", codes.ALTERNATIVE_IDENTIFIER, oids.OBSERVATION)
        + values.period("effectiveTime", item.period)
        + own
        + instance(item.identified.scheme, item.identified.value, "value")
        + written
    )
    return items.about(place, act("alternativeIdentifier", body))


def nhais(place: str, item: Registration | None, written: str = "") -> str:
    """Give a registration with the local register, or nothing."""
    if item is None or item.custodian is None:
        return NOTHING
    device = role("assignedDevice", instance(oids.ASID, item.custodian), "ASSIGNED")
    event = act(
        "nHAISRegistrationEvent",
        coded("code", "01", oids.REGISTRATION)
        + values.period("effectiveTime", item.period)
        + link("custodian", device, "CST")
        + written,
        class_code="REG",
    )
    return items.about(place, event)


def nhais_versions(place: str, patient: Patient) -> str:
    """Give the registrations with the local register (2008B), those that are over last."""
    return "".join(
        [
            nhais(
                place,
                one,
                source(one.provenance, "subjectOf", _SOURCE, "SUBJ")
                + effective(one.provenance, "subjectOf1", "SUBJ"),
            )
            for one in (patient.registration, *patient.past_registrations)
            if one is not None
        ]
    )


def removal(place: str, item: Registration | None) -> str:
    """Give the removal from the local register (2008A), or nothing."""
    if item is None or item.reason is None:
        return NOTHING
    event = act(
        "nHAISRemovalRegistrationEvent",
        coded("code", "02", oids.REGISTRATION)
        + values.period("effectiveTime", item.period)
        + coded("reasonCode", item.reason, oids.REMOVAL_REASON),
        class_code="REG",
    )
    return items.about(place, event)


def removal_versions(place: str, patient: Patient) -> str:
    """Give the removals from the register (2008B), those that were taken back last."""
    every = (patient.removal, *patient.past_registrations)
    return "".join([_removal(place, one) for one in every if one is not None])


def _removal(place: str, item: Registration) -> str:
    if item.reason is None:
        return NOTHING
    event = act(
        "pCRemovalRegistrationEvent",
        (valued("availabilityTime", item.told_at) if item.told_at else "")
        + coded("code", "04", oids.REGISTRATION)
        + values.period("effectiveTime", item.period)
        + coded("reasonCode", item.reason, oids.REMOVAL_REASON)
        + _removed_by(item.authority)
        + source(item.provenance, "subjectOf", _SOURCE, "SUBJ")
        + effective(item.provenance, "subjectOf1", "SUBJ"),
        class_code="REG",
    )
    return items.about(place, event)


def _removed_by(item: Authority | None) -> str:
    if item is None or item.organisation is None:
        return NOTHING
    person = ""
    if item.person is not None:
        person = role("scopedAssignedPerson", instance(oids.USER, item.person), "ASSIGNED")
    authority = role(
        "registeringAuthority",
        coded("code", item.kind, oids.AUTHORITY_TYPE)
        + instance(oids.ORGANISATION, item.organisation)
        + entity("assignedRegisteringOrganisation", person, "ORG"),
        "ASSIGNED",
    )
    return link("responsibleParty", authority, "RESP")
