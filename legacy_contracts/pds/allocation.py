"""Allocation of an NHS number to a person who has none, in four generations (pds.md 2.6).

PRPA_IN000200UK03 (2008A), 000200UK04 (2008B), 040000UK30 (2006B), 040000UK15 (MIM 3.1). Rules and
their order are those of MIM42NumberAllocation_Stage2i5 (both older generations) and
MIM63NumberAllocation_Stage2i5; no stylesheet of 2008B is public, its rules are 2008A's without what
its schema has no longer, and with gender and birth where its schema has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

from core.values.demographics import (
    Authority,
    DonorPreference,
    Notified,
    Patient,
    RegisteredPerson,
    Registration,
)
from core.values.identity import NhsNumber
from legacy_contracts import ns, oids
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import Fault
from legacy_contracts.hl7.rules import Group, Rule, Rules
from legacy_contracts.interaction import Generation, HubInteraction, Pattern
from legacy_contracts.pds import (
    item_rules,
    reading,
    register_items,
    register_values,
    update_items,
)

_ACT: Final = "/*/hl7:ControlActEvent[1]"
_REQUEST: Final = f"{_ACT}/hl7:subject[1]/hl7:PdsRegistrationRequest"
_FIRST: Final = f"{_REQUEST}[1]"
_ROLE: Final = f"{_FIRST}/hl7:subject[1]/hl7:patientRole[1]"
_AUTHORITY: Final = f"{_FIRST}/hl7:author[1]/hl7:registeringAuthority[1]"
_MISSING: Final = "MANDATORY_FIELD_MISSING_SUPP_INFO"
_NHAIS: Final = "hl7:code/@code = 'y'"
_PROVISION: Final = (
    f"{_ROLE}/hl7:patientPerson/hl7:playedOtherProviderPatient/hl7:subjectOf[1]"
    "/hl7:patientCareProvision"
)

ORGANISATION: Final = "hl7:performer/hl7:assignedOrganisation/hl7:id"
"""Spelt with an s in these messages, and in no other (pds.md 2.6)."""

PROVIDER: Final = "hl7:responsibleParty/hl7:healthCareProvider/hl7:id"


class Form(Struct, frozen=True):
    """What differs between generations: where gender, birth and provider stand, and the rules."""

    gender: str
    birth_time: str
    provider: str
    rules: Rules
    warnings: Rules


class Request(Struct, frozen=True):
    """Who is to have a number, and what the answer is to warn of."""

    record: Patient
    warnings: tuple[Fault, ...]


def _mandatory(gender: str, birth_time: str) -> tuple[Group, ...]:
    role = "hl7:subject/hl7:patientRole"
    person = f"{role}/hl7:patientPerson[1]"

    def once(path: str, what: str) -> Rule:
        return Rule(f"count({path}) = 1", _MISSING, what)

    return (
        # The original asks these two at every element of the message; once says as much.
        Group(
            "",
            (
                once(_REQUEST, "PDSRegistrationRequest.root"),
                once(
                    f"{_REQUEST}/{role}",
                    "PDSRegistrationRequest.subject.patientRole",
                ),
            ),
        ),
        Group(
            _FIRST,
            (
                once(f"{person}/{gender}", "gender"),
                once(f"{person}/{birth_time}", "birthTime"),
                once("hl7:author/hl7:registeringAuthority", "author"),
                once(f"{role}/hl7:subjectOf5/hl7:previousNhsContact", "previousNHSContact"),
                once(f"{person}/hl7:name[@use='L']", "patient.usualName"),
                Rule(f"count({role}/hl7:addr) > 0", _MISSING, "patient.address"),
            ),
        ),
    )


def _table(
    single: tuple[str, str], provisions: Group, authority: tuple[Rule, ...]
) -> tuple[Group, ...]:
    return (
        *_mandatory(*single),
        item_rules.addresses(_ROLE),
        item_rules.telecoms(_ROLE),
        item_rules.names(_ROLE),
        provisions,
        item_rules.shared_secret(f"{_ROLE}/hl7:subjectOf4"),
        Group(_AUTHORITY, authority),
    )


# The first warning is of a primary care trust that registers nobody with a practice.
_UNREGISTERED: Final = Group(
    _FIRST,
    (
        Rule(
            "not(hl7:author/hl7:registeringAuthority/hl7:code/@code = 'x' and count("
            "hl7:subject/hl7:patientRole/hl7:patientPerson/hl7:playedOtherProviderPatient"
            "/hl7:subjectOf/hl7:patientCareProvision/hl7:code[@code='1']) = 0)",
            "MANDATORY_FIELD_MISSING",
        ),
    ),
)
_KEYS: Final = item_rules.address_keys(f"{_ROLE}/hl7:addr")

_OLD_PERSON: Final = "count(hl7:assignedRegisteringPerson)"
_OLD_PROVISIONS: Final = item_rules.care_provisions(
    f"{_PROVISION}[1]",
    (
        Rule(
            " or ".join(
                f"count({PROVIDER}[@root='{root}']) = 1"
                for root in (oids.PRACTITIONER, oids.ORGANISATION)
            ),
            "UNSUPPORTED_HCP_CODE_TYPE",
        ),
    ),
)
_OLD_AUTHORITY: Final = (
    Rule(f"not({_NHAIS} and {_OLD_PERSON} = 0)", "ASSIGNED_REG_PERSON_MISSING"),
    Rule(
        "count(hl7:representedRegisteringOrganization) > 0",
        _MISSING,
        "registeringAuthority.representedRegisteringOrganization",
    ),
)
_OLD_WARNINGS: Final = (
    _UNREGISTERED,
    Group(
        _AUTHORITY,
        (
            Rule(
                f"not(not({_NHAIS}) and {_OLD_PERSON} > 0)",
                "INVALID_ASSIGNED_REGISTERING_PERSON",
            ),
        ),
    ),
    _KEYS,
)

_PERFORMED: Final = (
    Rule("count(hl7:performer) > 0", _MISSING, "patientCareProvision.performer"),
    Rule(
        f"count({ORGANISATION}[@root='{oids.ORGANISATION}']) = 1",
        "UNSUPPORTED_HCP_CODE_TYPE",
    ),
)
_PROVISIONS: Final = item_rules.care_provisions(_PROVISION, _PERFORMED)
_ONE_ID: Final = Rule("count(hl7:id) = 1", "MANDATORY_FIELD_MISSING")
_PERSON: Final = "count(hl7:assignedRegisteringOrganization/hl7:scopedAssignedPerson)"
_AUTHORITY_2008A: Final = (
    Rule(
        f"{_NHAIS} or count({_ROLE}/hl7:subjectOf1[1]/hl7:nHAISRegistrationEvent) = 0",
        _MISSING,
        "registeringAuthority.nhaisRegistrationEvent",
    ),
    Rule(f"not({_NHAIS} and not({_PERSON} = 1))", "ASSIGNED_REG_PERSON_MISSING"),
    Rule(f"not(not({_NHAIS}) and {_PERSON} > 0)", "INVALID_ASSIGNED_REGISTERING_PERSON"),
    _ONE_ID,
)

_PLAIN: Final = ("hl7:administrativeGenderCode", "hl7:birthTime")
_PARTS: Final = ("COCT_MT000209UK01.PartAdminGenderCode", "COCT_MT000210UK01.PartBirthTime")
_WRAPPED: Final = (
    f"hl7:{_PARTS[0]}/hl7:partPerson/hl7:administrativeGenderCode",
    f"hl7:{_PARTS[1]}/hl7:partPerson/hl7:birthTime",
)

OLD: Final = Form(
    *_PLAIN,
    PROVIDER,
    Rules(_table(_PLAIN, _OLD_PROVISIONS, _OLD_AUTHORITY)),
    Rules(_OLD_WARNINGS),
)
V2008A: Final = Form(
    *_PLAIN,
    ORGANISATION,
    Rules(_table(_PLAIN, _PROVISIONS, _AUTHORITY_2008A)),
    Rules((_UNREGISTERED, _KEYS)),
)
V2008B: Final = Form(
    *_WRAPPED,
    ORGANISATION,
    Rules(_table(_WRAPPED, _PROVISIONS, (_ONE_ID,))),
    Rules((_UNREGISTERED, _KEYS)),
)

FORMS: Final = {
    "PRPA_IN040000UK15": OLD,
    "PRPA_IN040000UK30": OLD,
    "PRPA_IN000200UK03": V2008A,
    "PRPA_IN000200UK04": V2008B,
}

SUPPORTED: Final = Rules(
    (
        # The stylesheets count the role in whichever subject, and look at that of the first.
        Group(
            _FIRST,
            (
                Rule(
                    "count(hl7:subject[1]/hl7:patientRole) = 1",
                    _MISSING,
                    "PDSRegistrationRequest.subject.patientRole",
                ),
            ),
        ),
        *item_rules.supported(_ROLE, "descendant::hl7:administrativeGenderCode"),
        *register_values.known("PdsRegistrationRequest"),
        *register_values.donors(_ROLE),
        # What the stylesheets take for granted, and no record can do without (inferred).
        Group(
            _ROLE,
            (
                Rule(
                    "string-length(.//hl7:administrativeGenderCode/@code) > 0", _MISSING, "gender"
                ),
                Rule("string-length(.//hl7:birthTime/@value) > 0", _MISSING, "birthTime"),
                item_rules.is_time(".//hl7:birthTime/@value"),
            ),
        ),
        Group(
            _PROVISION,
            (
                Rule(
                    f"string-length(({ORGANISATION} | {PROVIDER})/@extension) > 0",
                    _MISSING,
                    "patientCareProvision.performer",
                ),
            ),
        ),
    )
)


def faults(root: etree._Element, interaction_id: str) -> tuple[Fault, ...]:
    """Give the faults of a request, in the order of the stylesheet of its generation."""
    return tuple(FORMS[interaction_id].rules.faults(root) or SUPPORTED.faults(root))


_find_role = etree.XPath(_ROLE, namespaces=ns.PREFIXES)
_find_authority = etree.XPath(_AUTHORITY, namespaces=ns.PREFIXES)


def parse(root: etree._Element, interaction_id: str) -> Request:
    """Give who is to have a number, of a request that broke no rule."""
    form = FORMS[interaction_id]
    (role,) = _find_role(root)
    (person, *_) = reading.every(role, "hl7:patientPerson")
    born = reading.value(person, form.birth_time) or ""
    provisions = reading.every(
        person, "hl7:playedOtherProviderPatient/hl7:subjectOf/hl7:patientCareProvision"
    )
    record = Patient(
        nhs_number=NhsNumber(""),
        gender=reading.code(person, form.gender),
        birth_time=born[:12],
        names=reading.names(reading.every(person, "hl7:name")),
        addresses=reading.addresses(reading.every(role, "hl7:addr")),
        telecoms=reading.telecoms(reading.every(role, "hl7:telecom")),
        care_provisions=tuple(reading.care_provision(one, form.provider) for one in provisions),
        language=reading.language(person, "hl7:languageCommunication"),
        contact=reading.contact(role, "hl7:subjectOf2/hl7:preferredContactMethod"),
        written_format=reading.code(
            role, "hl7:subjectOf3/hl7:preferredWrittenCommunicationFormat/hl7:value"
        ),
        shared_secret=reading.text(role, "hl7:subjectOf4/hl7:sharedSecret/hl7:value"),
        previous_contact=reading.code(role, "hl7:subjectOf5/hl7:previousNhsContact/hl7:value"),
        registration=_registration(role),
        registered=_registered(person),
        registered_by=_registering(root),
        paper_records=tuple(
            register_items.paper_record(one)
            for one in reading.every(role, register_items.PAPER_RECORD)
        ),
        blood_donor=_told(role, "hl7:subjectOf10/hl7:bloodDonorPrefs", update_items.blood_donor),
        organ_donor=_told(role, "hl7:subjectOf15/hl7:organDonorPrefs", update_items.organ_donor),
        notified=_notified(person),
    )
    return Request(record, tuple(form.warnings.faults(root)))


def _told(
    role: etree._Element, path: str, read: Callable[[etree._Element], DonorPreference]
) -> DonorPreference | None:
    found = reading.maybe(role, path)
    return None if found is None else read(found)


def _registered(person: etree._Element) -> RegisteredPerson | None:
    """Give what the local register tells of the person (2008A)."""
    part = reading.maybe(person, "hl7:COCT_MT000200UK02.RegisteredRolePart")
    return None if part is None else register_items.registered_person(part)


def _registering(root: etree._Element) -> Authority | None:
    """Give who asks for the number."""
    found = _find_authority(root)
    return update_items.registering(found[0]) if found else None


def _notified(person: etree._Element) -> Notified | None:
    """Give when gender and birth were notified (2008B)."""
    gender, birth = (reading.maybe(person, f"hl7:{part}") for part in _PARTS)
    when = Notified(
        gender=None if gender is None else update_items.notified(gender),
        birth_time=None if birth is None else update_items.notified(birth),
    )
    return None if when == Notified() else when


def _registration(role: etree._Element) -> Registration | None:
    """Give the registration with the local register, which only that register brings."""
    event = reading.maybe(role, "hl7:subjectOf1/hl7:nHAISRegistrationEvent")
    if event is None:
        return None
    return Registration(
        custodian=reading.extension(event, "hl7:custodian/hl7:assignedDevice/hl7:id"),
        period=reading.period(event, "hl7:effectiveTime"),
    )


_INFERRED: Final = (
    "which numbers the names of its refusals have: general code 15, then GE002 with the name",
    "no trace for duplicates before a number is given",
    "codes outside the published lists are refused: a record could not show them again",
)


def _row(
    interaction_id: str, generation: Generation, answer: str, *inferred: str
) -> HubInteraction:
    return HubInteraction(
        interaction_id=interaction_id,
        name="NHS number allocation",
        service="pds",
        pattern=Pattern.ASYNC_RELIABLE,
        generation=generation,
        answers=(answer, APPLICATION_ACK),
        inferred=(*inferred, *_INFERRED),
    )


INTERACTIONS: Final = (
    _row("PRPA_IN000200UK03", Generation.V2008A, "PRPA_IN000201UK01"),
    _row(
        "PRPA_IN000200UK04",
        Generation.V2008B,
        "PRPA_IN000201UK01",
        "all rules: no stylesheet of this generation is public",
    ),
    _row("PRPA_IN040000UK30", Generation.V2006B, "PRPA_IN060000UK30"),
    _row("PRPA_IN040000UK15", Generation.MIM_3_1, "PRPA_IN060000UK14"),
)
