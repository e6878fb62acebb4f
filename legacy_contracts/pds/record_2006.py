"""The demographic record as MIM 3.1 and 2006B (4.2) write it: items stand directly in the role.

Trees: pds.md A.10 to A.12 (PRPA_MT230101UK13, PRPA_MT040101UK31, PRPA_MT090101UK14); the 3.1 twins
are the same trees (pds.md 1.8). Captured: corpus pds QUPA_IN050000UK32, QUPA_IN030000UK32.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from core.values.demographics import (
    CareProvision,
    CareProvisionKind,
    Consent,
    Language,
    Patient,
    RelatedPerson,
    RelatedRole,
    ReplacedNumber,
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
    text_element,
    valued,
)
from legacy_contracts.pds import codes, items


def trace_match(patient: Patient) -> Xml:
    """Give the payload of a trace answer with one patient."""
    return act("PdsTraceMatch", matched(patient))


def advanced_trace_match(candidates: Iterable[tuple[Patient, int]]) -> Xml:
    """Give the payload of an advanced trace answer: patients, each with its matching level."""
    return act("PdsTraceMatch", "".join([matched(*one) for one in candidates]))


def matched(patient: Patient, level: int | None = None) -> Xml:
    """Give what a trace answer says of one patient, with the matching level where there is one."""
    body = (
        items.number(patient.nhs_number)
        + _addresses(patient, with_id=False)
        + _telecoms(patient, with_id=False)
        + items.confidentiality(patient)
        + _person(patient, with_id=False)
        + ("" if level is None else items.matching_level("subjectOf1", level))
        + items.previous_contact("subjectOf2", patient)
        + items.death_notification("subjectOf", patient)
    )
    return _subject(body)


def as_mim_3_1(patient: Patient) -> Patient:
    """Give the record as the 3.1 schema can say it (PRPA_MT040101UK14).

    A related person has no call-back consent there, and no class of carers: one is shown as a
    personal relation (inferred), whose relationship code still says carer.
    """
    if not patient.related_persons:
        return patient
    related = tuple(
        replace(
            one,
            call_back=None,
            role=RelatedRole.PERSONAL if one.role is RelatedRole.CARER else one.role,
        )
        for one in patient.related_persons
    )
    return replace(patient, related_persons=related)


def retrieval(patient: Patient, *, everything: bool, provisions: bool) -> Xml:
    """Give the payload of a retrieval answer: all, or the number with the registered practice."""
    content = retrieved(patient, everything=everything, provisions=provisions)
    return act("PdsSuccessfulRetrieval", content)


def retrieved(patient: Patient, *, everything: bool, provisions: bool) -> Xml:
    """Give what a retrieval answer says of the patient."""
    if everything:
        body = _everything(patient)
    else:
        person = _provisions(patient) if provisions else ""
        body = (
            items.number(patient.nhs_number)
            + items.confidentiality(patient)
            + entity("patientPerson", person)
        )
    return Xml(_subject(body) + items.serial_change_number(patient))


def confirmation(patient: Patient) -> Xml:
    """Give the payload of a confirmation answer."""
    return act("PdsNhsNumberConfirmation", confirmed(patient))


def confirmed(patient: Patient) -> Xml:
    """Give what a confirmation answer says of the patient."""
    body = (
        items.number(patient.nhs_number)
        + _addresses(patient, with_id=False)
        + items.confidentiality(patient)
        + _person(patient, with_id=False, birth_order=False)
        + items.death_notification("subjectOf2", patient)
        + "".join([_consent("subjectOf1", one) for one in patient.consents])
    )
    return Xml(_subject(body) + items.serial_change_number(patient))


def _subject(content: str) -> Xml:
    return link("subject", role("patientRole", content, "PAT"), "SBJ")


def _everything(patient: Patient) -> str:
    return (
        items.number(patient.nhs_number)
        + _addresses(patient, with_id=True)
        + _telecoms(patient, with_id=True)
        + items.confidentiality(patient)
        + _person(patient, with_id=True)
        + items.shared_secret("subjectOf6", patient)
        + items.contact_method("subjectOf4", patient.contact)
        + items.previous_contact("subjectOf8", patient)
        + "".join([_consent("subjectOf3", one) for one in patient.consents])
        + items.death_notification("subjectOf2", patient)
        + items.written_format("subjectOf5", patient.written_format)
        + items.healthspace("subjectOf1", patient)
        + "".join([_replaced(one) for one in patient.replaced])
    )


def _addresses(patient: Patient, *, with_id: bool) -> str:
    return "".join([items.address(one, with_id=with_id) for one in patient.addresses])


def _telecoms(patient: Patient, *, with_id: bool) -> str:
    return "".join([items.telecom(one, with_id=with_id) for one in patient.telecoms])


def _person(patient: Patient, *, with_id: bool, birth_order: bool = True) -> Xml:
    """Give the person; a retrieval (with ids) shows everyone around the patient too."""
    parts: list[str] = [items.name(one, with_id=with_id) for one in patient.names]
    parts += [items.gender(patient), items.birth_and_death_times(patient)]
    if birth_order:
        parts.append(items.birth_order(patient))
    if with_id:
        parts.append(_provisions(patient))
        parts += [_related(one) for one in patient.related_persons]
        parts.append(_language(patient.language))
    else:
        parts += [
            _provision(one, with_id=False)
            for one in patient.care_provisions
            if one.kind is CareProvisionKind.PRIMARY_CARE
        ]
    return entity("patientPerson", "".join(parts))


def _provisions(patient: Patient) -> str:
    return "".join([_provision(one, with_id=True) for one in patient.care_provisions])


def _provision(item: CareProvision, *, with_id: bool) -> Xml:
    root = oids.PRACTITIONER if item.practitioner else oids.ORGANISATION
    provider = role("healthCareProvider", instance(root, item.provider), "PROV")
    event = act(
        "patientCareProvision",
        (items.object_id(item.object_id) if with_id else "")
        + coded("code", codes.CARE_PROVISION[item.kind], oids.CARE_PROVISION)
        + values.period("effectiveTime", item.period)
        + link("responsibleParty", provider, "RESP"),
        class_code="PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event, "SBJ"), "PAT")


def _related(item: RelatedPerson) -> Xml:
    ids = items.object_id(item.object_id)
    if item.nhs_number is not None:
        ids += items.number(item.nhs_number)
    body = (
        ids
        + coded("code", item.relationship, oids.RELATIONSHIP)
        + (items.address(item.address, with_id=False) if item.address else "")
        + "".join([items.telecom(one, with_id=False) for one in item.telecoms])
        + values.period("effectiveTime", item.period)
        + (valued("positionNumber", str(item.position)) if item.position is not None else "")
        + _player(item)
        + items.contact_method("subjectOf1", item.contact)
        + items.written_format("subjectOf2", item.written_format)
        + items.call_back("subjectOf3", item.call_back)
        + items.next_of_kin("part2", item.next_of_kin)
        + items.correspondence("part1", item.correspondence)
    )
    return role("scopedRelatedPersonRole", body, codes.RELATED_ROLE[item.role])


def _player(item: RelatedPerson) -> str:
    if item.name is None:
        return NOTHING
    return entity("player", items.name(item.name, with_id=False) + _language(item.language))


def _language(item: Language | None) -> str:
    if item is None:
        return NOTHING
    code = simple_code("languageCode", item.code)
    return element("languageCommunication", code + items.interpreter(item) + items.preferred(item))


def _consent(place: str, item: Consent) -> Xml:
    code = codes.CONSENT_KIND[item.kind]
    comments = ""
    if item.comments is not None:
        said = act(
            "pertinentSupplementaryComments",
            coded("code", code, oids.CONSENT_TYPE) + text_element("value", item.comments),
        )
        comments = link("pertinentInformation", said, "PERT")
    return items.about(
        place,
        act(
            "consent",
            coded("code", code, oids.CONSENT_TYPE)
            + (valued("effectiveTime", item.given_at) if item.given_at else "")
            + coded("value", item.value, oids.CONSENT_VALUE)
            + comments,
        ),
    )


def _replaced(item: ReplacedNumber) -> Xml:
    old = items.number(item.nhs_number) + values.period("effectiveTime", item.period)
    return link("replacementOf", role("oldVersion", old, "PAT"), "REPL")
