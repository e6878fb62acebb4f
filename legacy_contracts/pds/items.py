"""The items of a demographic record as XML, where all generations write them alike."""

from __future__ import annotations

from core.values.demographics import (
    Address,
    ContactPreference,
    Language,
    Name,
    Patient,
    Telecom,
)
from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rim import (
    NOTHING,
    Xml,
    act,
    coded,
    escape,
    instance,
    link,
    maybe_text,
    role,
    simple_code,
    text_element,
    valued,
)
from legacy_contracts.pds import codes

_SUBJECT = "SBJ"


def object_id(value: str | None) -> str:
    """Give an item's own id, or nothing."""
    return NOTHING if value is None else instance(oids.OBJECT_ID, value)


def address(item: Address, *, with_id: bool) -> Xml:
    """Give a postal address (AD); empty lines are kept, since their places mean something."""
    lines = "".join([text_element("streetAddressLine", line) for line in item.lines])
    return Xml(
        f'<addr use="{values.ADDRESS_USE[item.use]}">{lines}'
        f"{maybe_text('postalCode', item.postcode)}{maybe_text('addressKey', item.paf_key)}"
        f"{maybe_text('desc', item.description)}{values.period('useablePeriod', item.period)}"
        f"{object_id(item.object_id) if with_id else ''}</addr>"
    )


def name(item: Name, *, with_id: bool) -> Xml:
    """Give a person's name (PN), its parts in the order of the captured answers."""
    given = "".join([text_element("given", one) for one in item.given])
    return Xml(
        f'<name use="{codes.NAME_USE[item.use]}">{maybe_text("prefix", item.prefix)}'
        f"{maybe_text('suffix', item.suffix)}{given}{maybe_text('family', item.family)}"
        f"{values.period('validTime', item.period)}"
        f"{object_id(item.object_id) if with_id else ''}</name>"
    )


def telecom(item: Telecom, *, with_id: bool) -> Xml:
    """Give a telecommunication address (TEL)."""
    start = f'telecom use="{values.TELECOM_USE[item.use]}" value="{escape(item.value)}"'
    inner = values.period("useablePeriod", item.period) + (
        object_id(item.object_id) if with_id else ""
    )
    return Xml(f"<{start}>{inner}</telecom>") if inner else Xml(f"<{start}/>")


def number(value: str) -> Xml:
    """Give an NHS number."""
    return instance(oids.NHS_NUMBER, value)


def serial_change_number(patient: Patient) -> Xml:
    """Give the serial change number, as every answer about one record has it."""
    code = coded("code", codes.SCN, oids.OBSERVATION)
    value = valued("value", str(patient.serial_change_number))
    return link("pertinentInformation", act("pertinentSerialChangeNumber", code + value), "PERT")


def observation(element: str, code: str, value: str, system: str) -> Xml:
    """Give a demographic observation: which it is (…17.35), and its coded value."""
    return act(element, coded("code", code, oids.OBSERVATION) + coded("value", value, system))


def about(place: str, content: str) -> Xml:
    """Give a subject of the patient role."""
    return link(place, content, _SUBJECT)


def gender(patient: Patient) -> str:
    """Give the gender, or nothing."""
    return simple_code("administrativeGenderCode", patient.gender) if patient.gender else NOTHING


def birth_and_death_times(patient: Patient) -> str:
    """Give the times of birth and death, as far as known."""
    birth = valued("birthTime", patient.birth_time) if patient.birth_time else ""
    dead = patient.death and patient.death.time
    return birth + (valued("deceasedTime", dead) if dead else "")


def birth_order(patient: Patient) -> str:
    """Give the order within a multiple birth, or nothing."""
    if patient.birth_order is None:
        return NOTHING
    return valued("multipleBirthOrderNumber", str(patient.birth_order))


def confidentiality(patient: Patient, *, has_b: bool = True) -> str:
    """Give why details are withheld, or nothing for an open record."""
    if patient.sensitivity is None:
        return NOTHING
    table = codes.SENSITIVITY if has_b else codes.RESTRICTED_WITHOUT_B
    return coded("confidentialityCode", table[patient.sensitivity], oids.SENSITIVITY)


def death_notification(place: str, patient: Patient) -> str:
    """Give who said that the patient died, or nothing."""
    if patient.death is None or patient.death.notification is None:
        return NOTHING
    said = patient.death.notification
    return about(
        place, observation("deathNotification", codes.DEATH, said, oids.DEATH_NOTIFICATION)
    )


def matching_level(place: str, level: int) -> str:
    """Give how well a patient fits what was asked, of hundredths of a per cent."""
    code = coded("code", codes.MATCHING_LEVEL, oids.OBSERVATION)
    value = f'<value unit="%" value="{level // 100}.{level % 100:02d}"/>'
    return about(place, act("matchingLevel", code + value))


def previous_contact(place: str, patient: Patient) -> str:
    """Give whether the patient was known to the NHS before, or nothing."""
    if patient.previous_contact is None:
        return NOTHING
    value = patient.previous_contact
    return about(
        place,
        observation("previousNhsContact", codes.PREVIOUS_CONTACT, value, oids.PREVIOUS_CONTACT),
    )


def healthspace(place: str, patient: Patient) -> str:
    """Give the HealthSpace registration, or nothing."""
    if patient.healthspace is None:
        return NOTHING
    value = patient.healthspace
    return about(
        place,
        observation("healthspaceRegistration", codes.HEALTHSPACE, value, oids.HEALTHSPACE),
    )


def contact_method(place: str, contact: ContactPreference | None) -> str:
    """Give how and when to reach a person, or nothing."""
    if contact is None:
        return NOTHING
    value = "" if contact.method is None else coded("value", contact.method, oids.CONTACT_METHOD)
    times = ""
    if contact.times is not None:
        when = act(
            "pertinentPreferredContactTimes",
            coded("code", codes.CONTACT_TIMES, oids.OBSERVATION)
            + text_element("value", contact.times),
        )
        times = link("pertinentInformation", when, "PERT")
    code = coded("code", codes.CONTACT_METHOD, oids.OBSERVATION)
    return about(place, act("preferredContactMethod", code + value + times))


def written_format(place: str, value: str | None) -> str:
    """Give how to write to a person, or nothing."""
    if value is None:
        return NOTHING
    return about(
        place,
        observation(
            "preferredWrittenCommunicationFormat", codes.WRITTEN_FORMAT, value, oids.WRITTEN_FORMAT
        ),
    )


def shared_secret(place: str, patient: Patient) -> str:
    """Give the word by which a patient is known on the telephone, or nothing."""
    if patient.shared_secret is None:
        return NOTHING
    code = coded("code", codes.SHARED_SECRET, oids.OBSERVATION)
    return about(place, act("sharedSecret", code + text_element("value", patient.shared_secret)))


def call_back(place: str, value: str | None) -> str:
    """Give a related person's call-back consent, or nothing."""
    if value is None:
        return NOTHING
    code = coded("code", "6", oids.CONSENT_TYPE)
    return about(
        place, act("callCentreCallBackConsent", code + coded("value", value, oids.CONSENT_VALUE))
    )


def next_of_kin(place: str, value: str | None) -> str:
    """Give that a related person is next of kin, or nothing."""
    if value is None:
        return NOTHING
    code = coded("code", value, oids.NEXT_OF_KIN)
    return link(place, role("partNextOfKin", code, "NOK"), "PART")


def correspondence(place: str, value: str | None) -> str:
    """Give that a related person gets copies of letters, or nothing."""
    if value is None:
        return NOTHING
    code = coded("code", value, oids.CORRESPONDENCE)
    return link(place, role("partCorrespondence", code, "CON"), "PART")


def interpreter(language: Language) -> Xml:
    """Give whether an interpreter is needed."""
    return coded("proficiencyLevelCode", language.interpreter, oids.INTERPRETER)


def preferred(language: Language) -> Xml:
    """Give whether the language is preferred."""
    return valued("preferenceInd", "true" if language.preferred else "false")
