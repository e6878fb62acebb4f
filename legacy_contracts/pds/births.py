"""A notified birth: PRPA_IN000205UK03 (2008A) and 205UK05 (2008B), read (pds.md 2.7, A.18)."""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from core.values.demographics import (
    Authority,
    Birth,
    Death,
    Delivery,
    Mother,
    Name,
    Notified,
    Patient,
)
from core.values.identity import NhsNumber
from legacy_contracts import ns
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import Fault
from legacy_contracts.hl7.rules import Rules
from legacy_contracts.interaction import Generation, HubInteraction, Pattern
from legacy_contracts.pds import birth_rules, reading, register_values, update_items

NEW_TO_THE_NHS: Final = "0"
"""A child that is born was known to the NHS by no other number (both stylesheets say so)."""

_MINUTE: Final = 12
_DAY: Final = 8


class Form(Struct, frozen=True):
    """What differs between generations: their rules, and where single items stand."""

    rules: Rules
    supported: Rules
    gender: str
    birth_time: str
    death_time: str
    birthplace: str
    practice: str


_CARE: Final = "hl7:babyOf/hl7:obstetricCareProvision"
_PLACED: Final = f"{_CARE}/hl7:location/*/hl7:locatedPlaceOfBirth/hl7:addr"
_PERFORMER: Final = "hl7:subjectOf/hl7:primaryCareProvision/hl7:performer"

FORMS: Final = {
    "PRPA_IN000205UK03": Form(
        birth_rules.V2008A,
        birth_rules.supported("A"),
        birth_rules.GENDERS["A"],
        birth_rules.BIRTH_TIMES["A"],
        birth_rules.DEATH_TIMES["A"],
        _PLACED,
        f"{_PERFORMER}/hl7:primaryCareProvider/hl7:id",
    ),
    "PRPA_IN000205UK05": Form(
        birth_rules.V2008B,
        birth_rules.supported("B"),
        birth_rules.GENDERS["B"],
        birth_rules.BIRTH_TIMES["B"],
        birth_rules.DEATH_TIMES["B"],
        "hl7:patientPerson/hl7:COCT_MT000208UK01.BirthPlace/hl7:addr",
        f"{_PERFORMER}/hl7:assignedOrganization/hl7:id",
    ),
}


class Notification(Struct, frozen=True):
    """The child, whether another record of it is no hindrance, and what the answer warns of."""

    record: Patient
    ignore_duplicates: bool
    warnings: tuple[Fault, ...]


_NOTIFIED: Final = Rules(register_values.times(birth_rules.PATIENT))


def faults(root: etree._Element, interaction_id: str) -> tuple[Fault, ...]:
    """Give the faults of a notification, in the order of the stylesheet of its generation."""
    form = FORMS[interaction_id]
    return tuple(form.rules.faults(root) or form.supported.faults(root) or _NOTIFIED.faults(root))


_find_patient = etree.XPath(birth_rules.PATIENT, namespaces=ns.PREFIXES)
_find_event = etree.XPath(birth_rules.EVENT, namespaces=ns.PREFIXES)


def parse(root: etree._Element, interaction_id: str) -> Notification:
    """Give the child of a notification that broke no rule."""
    form = FORMS[interaction_id]
    (event,) = _find_event(root)
    (patient,) = _find_patient(root)
    (person,) = reading.every(patient, "hl7:patientPerson")
    by = _registering(event, "hl7:author/hl7:registeringAuthority")
    record = Patient(
        nhs_number=NhsNumber(""),
        gender=reading.code(person, form.gender),
        birth_time=(reading.value(person, form.birth_time) or "")[:_MINUTE],
        birth_order=int(reading.value(person, "hl7:multipleBirthOrderNumber") or "9"),
        birthplace=reading.birthplace(patient, form.birthplace),
        death=_death(patient, person, form, by),
        names=reading.names(reading.every(person, "hl7:name")),
        addresses=reading.addresses(reading.every(patient, "hl7:addr")),
        telecoms=reading.telecoms(reading.every(patient, "hl7:telecom")),
        previous_contact=NEW_TO_THE_NHS,
        ethnic_group=reading.code(person, "hl7:ethnicGroupCode"),
        birth=_birth(patient, form),
        registered_by=by,
        notified=_notified(person),
    )
    ignoring = reading.value(
        event,
        "hl7:pertinentInformation/hl7:pertinentIgnoreDuplicateRecordCriterion/hl7:value",
    )
    return Notification(record, ignoring == "true", tuple(birth_rules.WARNINGS.faults(root)))


def _death(
    patient: etree._Element, person: etree._Element, form: Form, by: Authority | None
) -> Death | None:
    """Give the child's death; in 2008A whoever notifies the birth registers it."""
    told = reading.code(patient, "hl7:subjectOf4/hl7:deathNotification/hl7:value")
    if told is None:
        return None
    own = "hl7:subjectOf4/hl7:deathNotification/hl7:responsibleParty/hl7:registeringAuthority"
    time = (reading.value(person, form.death_time) or "")[:_MINUTE] or None
    return Death(time, told, _registering(patient, own) or by)


def _registering(node: etree._Element, path: str) -> Authority | None:
    found = reading.maybe(node, path)
    return None if found is None else update_items.registering(found)


_PARTS: Final = {
    "gender": "hl7:COCT_MT000209UK01.PartAdminGenderCode",
    "birth_time": "hl7:COCT_MT000210UK01.PartBirthTime",
    "death": "hl7:COCT_MT000211UK01.PartDeceasedTime",
    "birthplace": "hl7:COCT_MT000208UK01.BirthPlace",
}


def _notified(person: etree._Element) -> Notified | None:
    """Give when single values were notified (2008B)."""
    found = {what: reading.maybe(person, part) for what, part in _PARTS.items()}
    told = {what: update_items.notified(part) for what, part in found.items() if part is not None}
    when = Notified(**told)
    return None if when == Notified() else when


def _birth(patient: etree._Element, form: Form) -> Birth:
    (care,) = reading.every(patient, _CARE)
    clinical = "hl7:subjectOf2/hl7:clinicalInformation"
    return Birth(
        mother=_mother(care, form),
        weight=reading.value(patient, "hl7:subjectOf1/hl7:birthWeight/hl7:value"),
        abnormality=reading.code(
            patient, f"{clinical}/hl7:component1/hl7:suspectedCongenitalAbnormality/hl7:value"
        ),
        still=reading.code(patient, f"{clinical}/hl7:component2/hl7:stillbirthIndicator/hl7:value"),
        foetuses=reading.value(
            patient, f"{clinical}/hl7:component3/hl7:numberOfFoetusInConfinement/hl7:value"
        ),
        gestation=reading.value(patient, f"{clinical}/hl7:component4/hl7:gestationAge/hl7:value"),
        delivery=_delivery(care),
        notifier=_named(care, "hl7:author/hl7:notifier/hl7:assignedNotifierPerson/hl7:name"),
        child_health=reading.extension(
            care, "hl7:primaryInformationRecipient/hl7:partnerChildHealth/hl7:id"
        ),
        responsible=reading.extension(care, "hl7:tracker/hl7:responsibleChildHealth/hl7:id"),
    )


def _mother(care: etree._Element, form: Form) -> Mother:
    (mother,) = reading.every(care, "hl7:recordTarget/hl7:mother")
    born = reading.value(mother, "hl7:patientMotherPerson/hl7:birthTime") or ""
    return Mother(
        nhs_number=reading.extension(mother, "hl7:id"),
        birth_time=born[:_DAY],
        name=_named(mother, "hl7:patientMotherPerson/hl7:name"),
        practice=reading.extension(mother, form.practice),
    )


def _delivery(care: etree._Element) -> Delivery:
    (place, *_) = reading.every(care, "hl7:location/*")
    return Delivery(
        kind=reading.code(place, "hl7:code") or "",
        site=reading.extension(place, "hl7:id"),
        name=reading.text(place, "hl7:locatedPlaceOfBirth/hl7:name"),
    )


def _named(node: etree._Element, path: str) -> Name | None:
    found = reading.maybe(node, path)
    return None if found is None else reading.name(found)


_INFERRED: Final = (
    "which records may be of the same child: same mother's NHS number, day of birth and order",
    "which numbers the names of its refusals have: general code 15, then GE002 with the name",
    "a child whose birth order is not 1 to 9 is refused",
)


def _row(
    interaction_id: str, generation: Generation, duplicates: str, *inferred: str
) -> HubInteraction:
    return HubInteraction(
        interaction_id=interaction_id,
        name="Create initial record (birth)",
        service="pds",
        pattern=Pattern.ASYNC_RELIABLE,
        generation=generation,
        answers=(CREATED, duplicates, APPLICATION_ACK),
        inferred=(*_INFERRED, *inferred),
    )


CREATED: Final = "PRPA_IN000206UK01"
DUPLICATES: Final = {
    "PRPA_IN000205UK03": "PRPA_IN000207UK03",
    "PRPA_IN000205UK05": "PRPA_IN000207UK05",
}

INTERACTIONS: Final = (
    _row("PRPA_IN000205UK03", Generation.V2008A, DUPLICATES["PRPA_IN000205UK03"]),
    _row("PRPA_IN000205UK05", Generation.V2008B, DUPLICATES["PRPA_IN000205UK05"]),
)
