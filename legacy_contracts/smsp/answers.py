"""The payloads that answer: COMT_MT000013GB01 (verify), …14GB01 (number), …16GB01 (details).

Elements, order and attributes are those of the captured answers
(TKWX:contrib/Common/simulator_packs/ITK_SMS_PDS/response_templates): an answer that found nobody
ends with its code. Of a record they show the usual name, the addresses of three uses with five
lines each, every telecom with its start, and dates without time of day; of who died, no practice.
Title and a second given name are of the published model (PDS - Spine Mini Service Client
Requirements, figure 4) and stand in no captured answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from core.values.demographics import Address, AddressUse, Name, NameUse, Patient, Telecom
from legacy_contracts import ns, oids
from legacy_contracts.hl7.rim import NOTHING, Xml, escape, instance, maybe_text, text_element
from legacy_contracts.hl7.values import ADDRESS_USE, TELECOM_USE, period
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import Operation
from legacy_contracts.smsp.requests import GENDERS, LocalIdentifier

MAX_LINES: Final = 5
MAX_GIVEN: Final = 2
_SHOWN: Final = frozenset((AddressUse.HOME, AddressUse.TEMPORARY, AddressUse.CORRESPONDENCE))


class Practice(Struct, frozen=True):
    """The practice that a patient is registered with: its code, and what the directory says."""

    code: str
    name: str | None = None
    address: Address | None = None
    telephone: str | None = None


class Shown(Struct, frozen=True):
    """What an answer shows of a patient."""

    patient: Patient
    practice: Practice | None = None
    local: LocalIdentifier | None = None


class Reply(Struct, frozen=True):
    """An answer: its id, its code, and whom it shows, if anybody."""

    answer_id: str
    code: Code
    shown: Shown | None = None


def build(operation: Operation, reply: Reply) -> Xml:
    """Give the payload that answers an operation."""
    name = operation.response_element
    shown = _SHOWING[name](reply.shown) if reply.shown is not None else NOTHING
    return Xml(
        f'<{name} xmlns="{ns.HL7}" moodCode="EVN" classCode="OBS">'
        f'<id root="{escape(reply.answer_id)}"/>'
        f'<code codeSystem="{oids.SMSP_MESSAGE}" code="{name}"/>'
        f'<value codeSystem="{oids.SMSP_RESPONSE}" code="{reply.code}"/>{shown}</{name}>'
    )


def _verified(shown: Shown) -> Xml:
    return Xml(
        '<component typeCode="COMP"><validIdentifier moodCode="EVN" classCode="OBS">'
        f'<code codeSystem="{oids.SMSP_IDENTIFIER}" code="VI"/><value value="true"/>'
        f"{_subject(_nhs_number(shown.patient))}</validIdentifier></component>"
    )


def _number(shown: Shown) -> Xml:
    return _subject(_ids(shown))


def _details(shown: Shown) -> Xml:
    patient = shown.patient
    return _subject(
        _ids(shown)
        + _name(usual(patient.names))
        + "".join([_address(one) for one in patient.addresses if one.use in _SHOWN])
        + "".join([_telecom(one) for one in patient.telecoms])
        + _person(shown)
    )


_SHOWING: Final[dict[str, Callable[[Shown], Xml]]] = {
    "verifyNHSNumberResponse-v1-0": _verified,
    "getNHSNumberResponse-v1-0": _number,
    "getPatientDetailsResponse-v1-0": _details,
}


def _subject(patient: str) -> Xml:
    return Xml(f'<subject typeCode="SBJ"><patient classCode="PAT">{patient}</patient></subject>')


def _nhs_number(patient: Patient) -> Xml:
    return instance(oids.NHS_NUMBER, patient.nhs_number)


def _ids(shown: Shown) -> str:
    """Give the NHS number, and the local identifier after it (a public client reads them so)."""
    local = shown.local
    number = _nhs_number(shown.patient)
    return number if local is None else number + instance(escape(local.root), local.extension)


def usual(names: tuple[Name, ...]) -> Name | None:
    """Give the usual name; the first of any use where there is none."""
    return next((one for one in names if one.use is NameUse.USUAL), names[0] if names else None)


def _name(name: Name | None) -> str:
    if name is None:
        return NOTHING
    given = "".join([text_element("given", one) for one in name.given[:MAX_GIVEN]])
    family = maybe_text("family", name.family)
    return Xml(f"<name>{maybe_text('prefix', name.prefix)}{given}{family}</name>")


def _address(address: Address) -> Xml:
    return Xml(f'<addr use="{ADDRESS_USE[address.use]}">{_place(address)}</addr>')


def _place(address: Address) -> str:
    """Give where an address is: the postcode first, then five lines, of which any may be empty."""
    lines = (*address.lines, *("",) * MAX_LINES)[:MAX_LINES]
    street = "".join([text_element("streetAddressLine", line) for line in lines])
    return maybe_text("postalCode", address.postcode) + street


def _telecom(telecom: Telecom) -> Xml:
    opening = f'<telecom use="{TELECOM_USE[telecom.use]}" value="{escape(telecom.value)}"'
    inner = period("useablePeriod", telecom.period)
    return Xml(f"{opening}>{inner}</telecom>" if inner else f"{opening}/>")


def _person(shown: Shown) -> str:
    patient = shown.patient
    dead = patient.death.time if patient.death else None
    parts = (
        _gender(patient.gender)
        + _day("birthTime", patient.birth_time)
        + _day("deceasedTime", dead)
        + ("" if shown.practice is None or patient.death else _practice(shown.practice))
    )
    if not parts:
        return NOTHING
    opening = '<patientPerson determinerCode="INSTANCE" classCode="PSN">'
    return Xml(f"{opening}{parts}</patientPerson>")


def _gender(gender: str | None) -> str:
    if gender is None:
        return NOTHING
    code = f'code="{escape(gender)}" codeSystem="{oids.GENDER}"'
    return Xml(f"<administrativeGenderCode {code}/>")


def _day(name: str, time: str | None) -> str:
    return Xml(f'<{name} value="{escape(time[:8])}"/>') if time else NOTHING


def _practice(practice: Practice) -> Xml:
    place = Xml(f"<addr>{_place(practice.address)}</addr>") if practice.address else NOTHING
    number = practice.telephone
    telecom = Xml(f'<telecom use="WP" value="{escape(number)}"/>') if number else NOTHING
    return Xml(
        f'<gPPractice classCode="SDLOC">{place}{telecom}'
        '<locationOrganization determinerCode="INSTANCE" classCode="ORG">'
        f"{instance(oids.SMSP_ORGANISATION, practice.code)}{maybe_text('name', practice.name)}"
        "</locationOrganization></gPPractice>"
    )


def misfit(patient: Patient) -> str | None:
    """Say what of a patient the published form has no room for; None where all of it fits.

    A test patient of OpenTest with a gender outside the list expects SMSP-0002
    (TKWX:…/ITK_SMS_PDS/expressions.conf, getPatientDetails; the patient is named after it).
    """
    dead = patient.death.time if patient.death else None
    if patient.gender is not None and patient.gender not in GENDERS:
        return "the gender is not of the list"
    if not all(time is None or _is_date(time) for time in (patient.birth_time, dead)):
        return "a date is no date"
    if any(len(one.lines) > MAX_LINES for one in patient.addresses):
        return "an address has more than five lines"
    return None


def _is_date(time: str) -> bool:
    return not time or (time.isascii() and time.isdigit() and len(time[:8]) in {4, 6, 8})
