"""The demographic record as 2008A (MIM 6.3) and 2008B (MIM 7.2) write it.

Trees: pds.md A.1 to A.7. A retrieval wraps each address, telecom and name in a part that can carry
who wrote it and since when; the other answers show them plainly. 2008B also wraps gender, birth
and death, each with the time it was notified. Captured: corpus pds QUPA_IN000009UK03,
QUPA_IN000007UK01/UK03, QUPA_IN000015UK02, QUPA_IN000009UK06.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from core.values.demographics import (
    Address,
    CareProvision,
    CareProvisionKind,
    Consent,
    DonorPreference,
    Language,
    Name,
    Notified,
    Patient,
    Provenance,
    RelatedPerson,
    ReplacedNumber,
    Telecom,
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
    role,
    simple_code,
    valued,
)
from legacy_contracts.pds import codes, items, record_paper, record_register
from legacy_contracts.pds.provenance import effective, source


class Shape(Struct, frozen=True):
    """What differs between 2008A and 2008B: the flavours of the parts, and their neighbours."""

    parts: str
    provision: str
    single_items_notified: bool
    sensitivity_has_b: bool
    source: str


A: Final = Shape(
    parts="UK02",
    provision="patientCareProvisionEvent",
    single_items_notified=False,
    sensitivity_has_b=True,
    source="sourceSource{}",
)
B: Final = Shape(
    parts="UK03",
    provision="patientCareProvision",
    single_items_notified=True,
    sensitivity_has_b=False,
    source="COCT_MT000205UK01.Source{}",
)


def trace_match(patient: Patient, shape: Shape) -> Xml:
    """Give the payload of a simple trace answer."""
    body = (
        _plain_role(patient, shape)
        + items.previous_contact("subjectOf2", patient)
        + items.death_notification("subjectOf3", patient)
        + _identifiers(patient, shape)
    )
    return act("PdsTraceMatch", _subject(body))


def advanced_trace_match(candidates: Iterable[tuple[Patient, int]], shape: Shape) -> Xml:
    """Give the payload of an advanced trace answer: patients, each with its matching level."""
    return act("PdsTraceMatch", "".join([_candidate(*one, shape) for one in candidates]))


def batch_trace_match(patient: Patient, shape: Shape) -> Xml:
    """Give the payload of a batch trace answer."""
    body = (
        _plain_role(patient, shape, performer="assignedEntity")
        + items.previous_contact("subjectOf2", patient)
        + items.death_notification("subjectOf3", patient)
    )
    return act("PdsTraceMatch", _subject(body))


def _candidate(patient: Patient, level: int, shape: Shape) -> Xml:
    body = (
        items.confidentiality(patient, has_b=shape.sensitivity_has_b)
        + items.number(patient.nhs_number)
        + entity("patientPerson", _traced_person(patient, shape))
        + (record_register.nhais("subjectOf", patient.registration) if shape is B else "")
        + items.matching_level("subjectOf1", level)
        + items.previous_contact("subjectOf2", patient)
        + items.death_notification("subjectOf3", patient)
        + _candidate_identifiers(patient, shape)
    )
    return _subject(body)


def _candidate_identifiers(patient: Patient, shape: Shape) -> str:
    if shape is not B:
        return NOTHING
    return record_register.written_identifiers("subjectOf4", patient, with_id=False)


def _traced_person(patient: Patient, shape: Shape) -> str:
    """Give the person with the parts in which they may have been found, without their ids."""
    names = "".join([name_part(one, shape, with_id=False) for one in patient.names])
    places = "".join([address_part(one, shape, with_id=False) for one in patient.addresses])
    telecoms = "".join([_telecom_part(one, shape, with_id=False) for one in patient.telecoms])
    return (
        items.gender(patient)
        + items.birth_and_death_times(patient)
        + items.birth_order(patient)
        + "".join([_traced_provision(one, shape) for one in _practices(patient)])
        + (f"{names}{places}{telecoms}" if shape is B else f"{places}{telecoms}{names}")
    )


def _traced_provision(item: CareProvision, shape: Shape) -> Xml:
    """Give a practice with who wrote it, then since when: the other way round than a retrieval."""
    event = act(
        "patientCareProvision",
        coded("code", codes.CARE_PROVISION[item.kind], oids.CARE_PROVISION)
        + values.period("effectiveTime", item.period)
        + link("performer", role("assignedEntity", _provider(item), "ASSIGNED"), "PRF")
        + source(item.provenance, "subjectOf1", shape.source, "SUBJ")
        + effective(item.provenance, "subjectOf2", "SUBJ"),
        class_code="PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event, "SBJ"), "PAT")


def cross_check(patient: Patient, shape: Shape) -> Xml:
    """Give the payload of a cross-check answer."""
    body = (
        _plain_role(patient, shape)
        + items.death_notification("subjectOf2", patient)
        + _identifiers(patient, shape)
        + items.previous_contact("subjectOf8", patient)
    )
    return act("PDSResponse", _subject(body))


def confirmation(patient: Patient, shape: Shape) -> Xml:
    """Give the payload of a confirmation answer."""
    body = (
        "".join([items.address(one, with_id=False) for one in patient.addresses])
        + items.confidentiality(patient, has_b=shape.sensitivity_has_b)
        + items.number(patient.nhs_number)
        + entity(
            "patientPerson",
            items.gender(patient)
            + items.birth_and_death_times(patient)
            + "".join([items.name(one, with_id=False) for one in patient.names])
            + "".join([_plain_provision(one) for one in patient.care_provisions]),
        )
        + "".join([_consent("subjectOf1", one) for one in patient.consents])
        + items.death_notification("subjectOf2", patient)
    )
    return act("PdsNhsNumberConfirmation", items.serial_change_number(patient) + _subject(body))


def retrieval(patient: Patient, shape: Shape, *, everything: bool, provisions: bool) -> Xml:
    """Give the payload of a retrieval answer: all, or the number with the registered practice."""
    start = items.confidentiality(patient, has_b=shape.sensitivity_has_b) + items.number(
        patient.nhs_number
    )
    if everything:
        body = start + _person(patient, shape) + _around(patient, shape)
    else:
        person = _provisions(patient, shape) if provisions else ""
        body = start + entity("patientPerson", person)
    return act("PDSResponse", items.serial_change_number(patient) + _subject(body))


def _subject(content: str) -> Xml:
    return link("subject", role("patientRole", content, "PAT"), "SBJ")


def _identifiers(patient: Patient, shape: Shape) -> str:
    """Give what a patient is called elsewhere, where a release can say so."""
    return record_register.identifiers("subjectOf4", patient) if shape is B else NOTHING


def _practices(patient: Patient) -> list[CareProvision]:
    return [one for one in patient.care_provisions if one.kind is CareProvisionKind.PRIMARY_CARE]


def _plain_role(patient: Patient, shape: Shape, *, performer: str = "assignedOrganization") -> str:
    """Give the role with its items directly in it, as trace and cross-check show it."""
    return (
        "".join([items.address(one, with_id=False) for one in patient.addresses])
        + items.confidentiality(patient, has_b=shape.sensitivity_has_b)
        + items.number(patient.nhs_number)
        + "".join([items.telecom(one, with_id=False) for one in patient.telecoms])
        + entity(
            "patientPerson",
            items.gender(patient)
            + items.birth_and_death_times(patient)
            + items.birth_order(patient)
            + "".join([items.name(one, with_id=False) for one in patient.names])
            + "".join([_plain_provision(one, performer) for one in _practices(patient)[:1]]),
        )
    )


def _plain_provision(item: CareProvision, performer: str = "assignedOrganization") -> Xml:
    event = act(
        "patientCareProvision",
        coded("code", codes.CARE_PROVISION[item.kind], oids.CARE_PROVISION)
        + values.period("effectiveTime", item.period)
        + link("performer", role(performer, _provider(item), "ASSIGNED"), "PRF"),
        class_code="PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event, "SBJ"), "PAT")


def _provider(item: CareProvision) -> Xml:
    root = oids.PRACTITIONER if item.practitioner else oids.ORGANISATION
    return instance(root, item.provider)


def _person(patient: Patient, shape: Shape) -> Xml:
    """Give the person with everyone and everything that belongs to it."""
    single = items.birth_order(patient)
    notified = ""
    if shape.single_items_notified:
        notified = _notified(patient)
    else:
        single = (
            items.gender(patient)
            + items.birth_and_death_times(patient)
            + single
            + record_register.born_at(patient.birthplace)
        )
    telecoms = "".join([_telecom_part(one, shape) for one in patient.telecoms])
    names = "".join([name_part(one, shape) for one in patient.names])
    return entity(
        "patientPerson",
        single
        + _language(patient.language)
        + _provisions(patient, shape)
        + "".join([_related(one, shape) for one in patient.related_persons])
        + "".join([address_part(one, shape) for one in patient.addresses])
        + notified
        + telecoms
        + (_born_at(patient) if shape.single_items_notified else "")
        + names,
    )


_UNTOLD: Final = Notified()


def _notified(patient: Patient) -> str:
    """Give gender, birth and death as 2008B has them: each with the time it was notified."""
    parts = _notified_gender(patient) + _notified_birth_time(patient)
    if patient.death is not None and patient.death.time is not None:
        death = valued("deceasedTime", patient.death.time)
        told = (patient.notified or _UNTOLD).death
        parts += _single("COCT_MT000211UK01.PartDeceasedTime", death, _told(patient, told))
    return parts


def notified_birth(patient: Patient) -> str:
    """Give birth time and gender as 2008B has them, in the order of a possible duplicate."""
    return _notified_birth_time(patient) + _notified_gender(patient)


def _notified_gender(patient: Patient) -> str:
    if patient.gender is None:
        return NOTHING
    told = _told(patient, (patient.notified or _UNTOLD).gender)
    return _single("COCT_MT000209UK01.PartAdminGenderCode", items.gender(patient), told)


def _notified_birth_time(patient: Patient) -> str:
    if patient.birth_time is None:
        return NOTHING
    birth = valued("birthTime", patient.birth_time)
    told = _told(patient, (patient.notified or _UNTOLD).birth_time)
    return _single("COCT_MT000210UK01.PartBirthTime", birth, told)


def _single(part: str, content: str, told: str) -> Xml:
    when = items.about("subjectOf", _notification_time(told))
    return role(part, entity("partPerson", content) + when, "PART")


def _told(patient: Patient, when: str | None) -> str:
    """Give when a value was notified; where no message said so, when the record was written."""
    return when or patient.recorded_at or patient.birth_time or "1900"


def _notification_time(told: str) -> Xml:
    code = coded("code", codes.NOTIFICATION_TIME, oids.OBSERVATION)
    return act("notificationTime", code + valued("value", told))


def _born_at(patient: Patient) -> str:
    """Give the birthplace as 2008B has it: notified, and its country coded (AD CodedCountry)."""
    if patient.birthplace is None:
        return NOTHING
    told = _told(patient, (patient.notified or _UNTOLD).birthplace)
    when = items.about("subjectOf", _notification_time(told))
    place = patient.birthplace
    country = element("country", simple_code("code", place.country)) if place.country else ""
    addr = record_register.place_of_birth(place, country)
    return role("COCT_MT000208UK01.BirthPlace", addr + when, "BIRTHPL")


def _provisions(patient: Patient, shape: Shape) -> str:
    return "".join([_provision(one, patient, shape) for one in patient.care_provisions])


def _provision(item: CareProvision, patient: Patient, shape: Shape) -> Xml:
    event = act(
        shape.provision,
        coded("code", codes.CARE_PROVISION[item.kind], oids.CARE_PROVISION)
        + values.period("effectiveTime", item.period)
        + items.object_id(item.object_id)
        + link("performer", role("assignedEntity", _provider(item), "ASSIGNED"), "PRF")
        + (record_register.of_provision(item, patient) if shape is B else "")
        + effective(item.provenance, "subjectOf1", "SUBJ")
        + source(item.provenance, "subjectOf2", shape.source, "SUBJ"),
        class_code="PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event, "SBJ"), "PAT")


def _part(flavour: str, shape: Shape, content: str, provenance: Provenance | None) -> Xml:
    """Give an item wrapped with who wrote it and since when, as far as known."""
    return role(
        f"COCT_MT{flavour}{shape.parts}.PartOfWhole",
        content
        + source(provenance, "subjectOf1", "sourceSource{}", "SBJ")
        + effective(provenance, "subjectOf2", "SBJ"),
        "PART",
    )


def address_part(item: Address, shape: Shape, *, with_id: bool = True) -> Xml:
    """Give an address with who wrote it and since when."""
    return _part("000201", shape, items.address(item, with_id=with_id), item.provenance)


def _telecom_part(item: Telecom, shape: Shape, *, with_id: bool = True) -> Xml:
    return _part("000202", shape, items.telecom(item, with_id=with_id), item.provenance)


def name_part(item: Name, shape: Shape, *, with_id: bool = True) -> Xml:
    """Give a name with who wrote it and since when."""
    person = entity("partPerson", items.name(item, with_id=with_id))
    return _part("000203", shape, person, item.provenance)


def _related(item: RelatedPerson, shape: Shape) -> Xml:
    pattern = "relatedPersonRoleSourceSource{}" if shape is A else shape.source
    body = (
        coded("code", item.relationship, oids.RELATIONSHIP)
        + values.period("effectiveTime", item.period)
        + items.object_id(item.object_id)
        + (valued("positionNumber", str(item.position)) if item.position is not None else "")
        + items.next_of_kin("part3", item.next_of_kin)
        + items.correspondence("part4", item.correspondence)
        + _player(item, shape)
        + items.contact_method("subjectOf1", item.contact)
        + items.written_format("subjectOf2", item.written_format)
        + items.call_back("subjectOf3", item.call_back)
        + source(item.provenance, "subjectOf4", pattern, "SBJ")
        + effective(item.provenance, "subjectOf5", "SBJ")
    )
    return role("scopedRelatedPersonRole", body, codes.RELATED_ROLE[item.role])


def _player(item: RelatedPerson, shape: Shape) -> str:
    known = ""
    if item.nhs_number is not None:
        known = role("playedRelatedPatient", items.number(item.nhs_number), "PAT")
    return entity(
        "player",
        _language(item.language)
        + known
        + "".join([_telecom_part(one, shape) for one in item.telecoms])
        + (address_part(item.address, shape) if item.address else "")
        + (name_part(item.name, shape) if item.name else ""),
    )


def _language(item: Language | None) -> str:
    if item is None:
        return NOTHING
    code = simple_code("languageCode", item.code)
    return element("languageCommunication", code + items.preferred(item) + items.interpreter(item))


def _around(patient: Patient, shape: Shape) -> str:
    """Give what stands beside the person: replaced numbers, death, consents, preferences."""
    is_b = shape is B
    parts = record_paper.transfers(patient) if is_b else record_paper.paper_records(patient)
    parts += "".join([_replaced(one) for one in patient.replaced])
    parts += items.healthspace("subjectOf1", patient)
    parts += _only_2008b(patient) if is_b else ""
    parts += items.death_notification("subjectOf2", patient)
    parts += "".join([_consent("subjectOf3", one) for one in patient.consents])
    parts += items.contact_method("subjectOf4", patient.contact)
    parts += items.written_format("subjectOf5", patient.written_format)
    parts += items.shared_secret("subjectOf6", patient)
    contact = items.previous_contact("subjectOf8", patient)
    if is_b:
        parts += record_register.nhais_versions("subjectOf7", patient) + contact
        return parts + record_register.removal_versions("subjectOf9", patient)
    parts += record_register.nhais("subjectOf7", patient.registration) + contact
    return parts + record_register.removal("subjectOf9", patient.removal)


def _only_2008b(patient: Patient) -> str:
    """Give what 2008A has no room for: donors' consents, entitlement, other identifiers."""
    return (
        _donor("subjectOf10", _BLOOD, patient.blood_donor)
        + record_register.entitlement("subjectOf11", patient.entitlement)
        + record_register.written_identifiers("subjectOf12", patient, with_id=True)
        + _donor("subjectOf15", _ORGANS, patient.organ_donor)
    )


_BLOOD: Final = ("blood", codes.BLOOD_DONOR, codes.BLOOD_DONOR_CONSENT)
_ORGANS: Final = ("organ", codes.ORGAN_DONOR, codes.ORGAN_DONOR_CONSENT)


def _donor(place: str, what: tuple[str, str, str], item: DonorPreference | None) -> str:
    if item is None:
        return NOTHING
    name, code, consent_code = what
    since = valued("effectiveTime", item.given_at)
    agreed = act(
        f"{name}DonorConsent",
        coded("code", consent_code, oids.OBSERVATION)
        + since
        + coded("value", item.consent, oids.CONSENT_VALUE),
    )
    preference = act(
        f"{name}DonorPrefs",
        coded("code", code, oids.OBSERVATION) + since + link("component", agreed, "COMP"),
    )
    return items.about(place, preference)


def _consent(place: str, item: Consent) -> Xml:
    return items.about(
        place,
        act(
            "consent",
            coded("code", codes.CONSENT_KIND[item.kind], oids.CONSENT_TYPE)
            + (valued("effectiveTime", item.given_at) if item.given_at else "")
            + coded("value", item.value, oids.CONSENT_VALUE),
        ),
    )


def _replaced(item: ReplacedNumber) -> Xml:
    old = values.period("effectiveTime", item.period) + items.number(item.nhs_number)
    return link("replacementOf", role("oldVersion", old, "PAT"), "REPL")
