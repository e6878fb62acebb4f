"""Allocations and births on the wire: what is accepted, how it is refused, what is kept."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import creation_messages as messages
import pytest
import register_messages
from asking import details_of, spine_with
from creation_messages import ALLOCATIONS, BIRTHS, Baby
from lxml import etree
from mutated import mutated
from recording_cases import changed
from schemas import Schemas, hl7_message
from wire_requests import KINDS

from adapters import pds_creation
from core.demographics.creation import AllocateNumber
from core.values.demographics import (
    Address,
    AddressUse,
    Authority,
    Birth,
    Birthplace,
    CareProvision,
    CareProvisionKind,
    ContactPreference,
    Death,
    Delivery,
    DonorPreference,
    Language,
    Mother,
    Name,
    NameUse,
    Notified,
    Patient,
    Period,
    Telecom,
    TelecomUse,
)
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import registry
from legacy_contracts.errors import MEANINGS, Fault
from legacy_contracts.hl7.rules import Rules
from legacy_contracts.pds import allocation, birth_rules, birth_service, births
from operations import recordings
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

BOTH: Final = (*ALLOCATIONS, *BIRTHS)
FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings/pds"
MADE: Final = r"PRPA_IN000201UK01|PRPA_IN0600\d\dUK\d\d|PRPA_IN00020[67]UK0\d|MCCI_IN010000UK13"
PAYLOAD: Final = re.compile(rf"<hl7:(?:{MADE}) .*</hl7:(?:{MADE})>".encode())


def faults(interaction_id: str, root: etree._Element) -> tuple[Fault, ...]:
    module = allocation if interaction_id in ALLOCATIONS else births
    return module.faults(root, interaction_id)


def spoilt(interaction_id: str, pattern: str, new: str) -> list[tuple[str, str | None]]:
    """Give the faults of a request with something else in the place of a pattern."""
    payload = changed(pattern, new)(messages.request(interaction_id).payload)
    found = faults(interaction_id, etree.fromstring(payload))
    return [(one.name, one.supplement) for one in found]


@pytest.mark.parametrize("interaction_id", BOTH)
def test_what_is_accepted_is_right_by_its_schema(interaction_id: str, official: Schemas) -> None:
    sent = [messages.request(interaction_id)]
    if interaction_id in BIRTHS:
        sent += [
            messages.birth(interaction_id, baby)
            for baby in (Baby(dead=True), Baby(identified=False, ignoring="true"))
        ]
    for one in sent:
        root = etree.fromstring(one.payload)
        assert faults(interaction_id, root) == ()
        assert official.complaints(root) == ()
    assert official.complaints(etree.fromstring(sent[0].payload.replace("patientPerson", "x")))


@pytest.mark.parametrize("interaction_id", BOTH)
def test_somebody_in_a_second_subject_is_nobody(interaction_id: str) -> None:
    # The stylesheets count the role in whichever subject, and look at the first subject's alone.
    request = r"(<Pds(?:RegistrationRequest|RegistrationEvent) .*?)(<subject typeCode=\"SBJ\">)"
    ((name, what),) = spoilt(interaction_id, request, r"\1<subject/>\2")
    assert name.startswith("MANDATORY_FIELD_MISSING")
    assert what in {"PDSRegistrationRequest.subject.patientRole", "registrationEventCheck:patient"}


@pytest.mark.parametrize("interaction_id", BOTH)
def test_what_breaks_no_rule_can_be_read(interaction_id: str) -> None:
    dice = random.Random(interaction_id)  # noqa: S311 - no secret
    module = allocation if interaction_id in ALLOCATIONS else births
    whole = etree.fromstring(messages.request(interaction_id).payload)
    read = 0
    for _ in range(300):
        root = etree.fromstring(etree.tostring(mutated(whole, dice)))
        if not module.faults(root, interaction_id):
            read += isinstance(module.parse(root, interaction_id).record, Patient)
    assert read > 60


def payloads(interaction_id: str) -> Iterator[bytes]:
    """Give every answer of ours in the recordings of an interaction."""
    for case in recordings.cases(FOLDER / interaction_id):
        for recorded in case.recorded:
            yield from PAYLOAD.findall(recorded.read_bytes())


@pytest.mark.parametrize("interaction_id", BOTH)
def test_every_recorded_answer_is_right_by_its_schema(
    interaction_id: str, official: Schemas
) -> None:
    row = next(one for one in registry.HUB_INTERACTIONS if one.interaction_id == interaction_id)
    seen = set()
    for payload in payloads(interaction_id):
        root = etree.fromstring(payload)
        seen.add(etree.QName(root).localname)
        assert official.complaints(root) == ()
    assert seen == set(row.answers)


def _names(rules: Rules) -> set[str]:
    return {rule.name for group in rules.groups for rule in group.rules}


def test_every_name_of_the_rules_has_a_meaning() -> None:
    tables = (
        *(form.rules for form in allocation.FORMS.values()),
        *(form.warnings for form in allocation.FORMS.values()),
        allocation.SUPPORTED,
        *(form.rules for form in births.FORMS.values()),
        *(form.supported for form in births.FORMS.values()),
        birth_rules.WARNINGS,
    )
    assert set().union(*map(_names, tables)) <= MEANINGS.keys()


MISSING: Final = "MANDATORY_FIELD_MISSING_SUPP_INFO"


@pytest.mark.parametrize(
    ("pattern", "new", "names"),
    [
        (
            r"PdsRegistrationRequest(.*)PdsRegistrationRequest",
            r"Other\1Other",
            [(MISSING, "PDSRegistrationRequest.root")],
        ),
        (r"<administrativeGenderCode [^>]*/>", "", [(MISSING, "gender")]),
        (r"<birthTime [^>]*/>", "", [(MISSING, "birthTime")]),
        (r"<subjectOf5 .*</subjectOf5>", "", [(MISSING, "previousNHSContact")]),
        (r'<name use="L">', '<name use="A">', [(MISSING, "patient.usualName")]),
        (r"<addr .*</addr>", "", [(MISSING, "patient.address")]),
        (r'<addr use="H">', "<addr>", [("UNSUPPORTED_CHARACTERS_IN_FIELD", None)]),
        (
            r"<streetAddressLine>2 Short Street</streetAddressLine>",
            "",
            [("INCORRECT_NUMBER_OF_ADDRESS_LINES", None)],
        ),
        (
            r'<addr use="TMP">',
            '<addr use="PST">',
            [("DESCRIPTION_PROVIDED_NO_TEMPORARY_ADDRESS", None)],
        ),
        (
            r'<low value="20140801"/>',
            '<low value="20141001"/>',
            [("HIGH_TIME_NOT_GREATER_THAN_LOW_TIME", None)],
        ),
        (r'value="tel:[^"]*"', 'value=""', [("UNEXPECTED_CONTACT_TYPE", None)]),
        (r'value="tel:[^"]*"', 'value="  "', [("UNEXPECTED_CONTACT_TYPE", None)]),
        (
            r"<prefix>Miss</prefix>",
            "<prefix>Miss</prefix><prefix>Dr</prefix>",
            [("NO_MORE_THAN_ONE_PREFIX", None)],
        ),
        (r"<given>Novi</given><family>Neuling</family>", "", [("INSUFFICIENT_NAME_DETAILS", None)]),
        (r"<given>Novi</given>", "<given>N</given>" * 6, [("TOO_MANY_GIVEN_NAMES_5", None)]),
        (r"\.17\.37", ".17.99", [("UNSUPPORTED_PATIENT_CARE", None)]),
        (r"<value>Blue door</value>", "<value/>", [("MISSING_VALUE_FROM_SHARED_SECRET", None)]),
        (
            r'(<birthTime value=")[^"]*',
            r"\1in spring",
            [("ILLEGAL_DATE_FORMAT", None)],
        ),
    ],
)
@pytest.mark.parametrize("interaction_id", ALLOCATIONS)
def test_an_allocation_that_breaks_a_rule_is_told_which(
    interaction_id: str, pattern: str, new: str, names: list[tuple[str, str | None]]
) -> None:
    assert spoilt(interaction_id, pattern, new)[:1] == names


UNSUPPORTED: Final = "VALUE_NOT_SUPPORTED"


@pytest.mark.parametrize(
    ("pattern", "new", "name", "place"),
    [
        (r'(GenderCode code=")2', r"\g<1>4", UNSUPPORTED, "administrativeGenderCode"),
        (r'(languageCode code=")cy', r"\1welsh", UNSUPPORTED, "languageCommunication"),
        (r'(LevelCode code=")1', r"\g<1>2", UNSUPPORTED, "languageCommunication"),
        (r'(value code=")3', r"\g<1>0", UNSUPPORTED, "preferredContactMethod"),
        (r'(value code=")11', r"\g<1>14", UNSUPPORTED, "preferredWrittenCommunicationFormat"),
        (r'(<previousNhsContact .*?value code=")0', r"\g<1>2", UNSUPPORTED, "previousNhsContact"),
        (r'<name use="A">', '<name use="A PREFERRED">', "UNSUPPORTED_CHARACTERS_IN_FIELD", None),
        (r'<addr use="H">', '<addr use="H PST">', "UNSUPPORTED_CHARACTERS_IN_FIELD", None),
        (r'(<low value=")20140101', r"\1yesterday", "ILLEGAL_DATE_FORMAT", None),
        (r'(birthTime value=")20140820', r"\g<1>20140230", "ILLEGAL_DATE_FORMAT", None),
        (
            r' extension="T99999"(/></(?:ass|health))',
            r"\1",
            MISSING,
            "patientCareProvision.performer",
        ),
    ],
)
@pytest.mark.parametrize("interaction_id", ALLOCATIONS)
def test_what_no_record_can_show_again_gets_no_number(
    interaction_id: str, pattern: str, new: str, name: str, place: str | None
) -> None:
    found = spoilt(interaction_id, pattern, new)
    assert (name, place) in found


@pytest.mark.parametrize("interaction_id", BIRTHS)
def test_a_birth_that_no_record_can_show_again_is_refused(interaction_id: str) -> None:
    for pattern, new, name in (
        (r'(GenderCode code=")\d', r"\g<1>4", UNSUPPORTED),
        (r'(deceasedTime value=")[^"]*', r"\1in spring", "ILLEGAL_DATE_FORMAT"),
        (r'(<deathNotification .*?value code=")1', r"\g<1>3", UNSUPPORTED),
        # The mother's name and the notifier's have a use too.
        (r'(<mother .*?<name use=")L', r"\1L A", "UNSUPPORTED_CHARACTERS_IN_FIELD"),
        (r'(<notifier .*?<name use=")L', r"\1nobody", "UNSUPPORTED_CHARACTERS_IN_FIELD"),
    ):
        sent = messages.birth(interaction_id, Baby(dead=True)).payload
        found = faults(interaction_id, etree.fromstring(changed(pattern, new)(sent)))
        assert [one.name for one in found] == [name], pattern


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("01632 960 009", "tel:01632960009"),
        ("TEL:01632 960009", "tel:01632960009"),
        ("mailto:nova@example.org", "mailto:nova@example.org"),
    ],
)
def test_a_plain_number_is_a_telephone_of_the_new_record(written: str, kept: str) -> None:
    sent = messages.request("PRPA_IN000200UK03").payload.replace("tel:01130000000", written)
    read = allocation.parse(etree.fromstring(sent), "PRPA_IN000200UK03")
    assert [one.value for one in read.record.telecoms] == [kept]


@pytest.mark.parametrize("interaction_id", BIRTHS)
def test_a_birth_that_breaks_a_rule_is_told_where(interaction_id: str) -> None:
    for pattern, new, place in (
        (r'<addr use="H">', '<addr use="TMP">', "patientCheck:homeaddr"),
        (r"<ethnicGroupCode [^>]*/>", "", "patientPersonCheck:ethnicGroupCode"),
        (r"T99991", "", "obstetricCareProvisionCheck:partnerChildHealth"),
        (r"<component4 .*?</component4>", "", "clinicalInformationCheck:gestationAge"),
        (r"(<value value=\")false", r"\1", "ignoreDuplicateRecordCriterionCheck:value"),
        (
            r'(<multipleBirthOrderNumber value=")1',
            r"\g<1>10",
            "patientPersonCheck:multipleBirthOrderNumber",
        ),
    ):
        assert spoilt(interaction_id, pattern, new)[:1] == [("MANDATORY_FIELD_MISSING", place)]


def test_faults_come_in_the_order_of_the_stylesheet() -> None:
    found = spoilt("PRPA_IN000205UK03", r"<subjectOf1 .*</subjectOf2>", "")
    assert [place for _, place in found] == [
        "patientCheck:birthWeight",
        "patientCheck:clinicalInformation",
    ]


@pytest.mark.parametrize("interaction_id", ALLOCATIONS)
def test_all_that_an_allocation_brings_is_read(interaction_id: str) -> None:
    root = etree.fromstring(messages.request(interaction_id).payload)
    read = allocation.parse(root, interaction_id)
    since = None if interaction_id == "PRPA_IN000200UK04" else Period("20140820")
    assert read.warnings == ()
    record = read.record
    assert (record.gender, record.birth_time) == ("2", "20140820")
    assert record.names == (
        Name(prefix="Miss", given=("Nova", "Test"), family="Neuling", period=Period("20140101")),
        Name(NameUse.ALIAS, given=("Novi",), family="Neuling"),
    )
    home, holiday = record.addresses
    assert (home.lines, home.postcode, home.paf_key) == (
        ("", "1 New Road", "", "Testton", ""),
        "ZZ99 3VZ",
        "12345678",
    )
    assert (holiday.use, holiday.description, holiday.period) == (
        AddressUse.TEMPORARY,
        "Holiday Home",
        Period("20140801", "20140901"),
    )
    assert record.telecoms == (Telecom(TelecomUse.HOME, "tel:01130000000"),)
    assert record.care_provisions == (
        CareProvision(CareProvisionKind.PRIMARY_CARE, "T99999", period=since),
    )
    assert record.language == Language("cy", preferred=True, interpreter="1")
    assert record.contact == ContactPreference("3", "After six")
    assert (record.written_format, record.shared_secret, record.previous_contact) == (
        "11",
        "Blue door",
        "0",
    )


def test_all_that_2008a_tells_of_a_newcomer_is_kept_and_shown(official: Schemas) -> None:
    made, answer = _made_and_shown("PRPA_IN000200UK03", official)
    assert made.registered_by == Authority("y", "T99999", "990000000065")
    assert made.registered is not None
    assert made.registered.reason == "4"
    (kept,) = made.paper_records
    assert (kept.transfer, kept.office) == ("SP", "LEEDS")
    assert kept.object_id is not None
    for shown in ("FORMERLY", "3 OLD LANE", 'reasonCode code="4"', 'value code="SP"'):
        assert shown.encode() in answer, shown


def test_all_that_2008b_tells_of_a_newcomer_is_kept_and_shown(official: Schemas) -> None:
    made, answer = _made_and_shown("PRPA_IN000200UK04", official)
    where = Address(lines=("4 HILL TOP",))
    assert made.blood_donor == DonorPreference("1", "20140820", address=where)
    assert made.organ_donor == DonorPreference("1", "20140820", organs=("1",))
    assert made.notified == Notified("20140825093000", "20140825093000")
    for shown in ("bloodDonorConsent", "organDonorConsent", 'value value="20140825093000"'):
        assert shown.encode() in answer, shown


def _made_and_shown(interaction_id: str, official: Schemas) -> tuple[Patient, bytes]:
    """Give the record that an allocation makes, and what a retrieval of 2008B shows of it."""
    sent = messages.allocation(interaction_id, register_messages.newcomer(interaction_id))
    root = etree.fromstring(sent.payload)
    assert official.complaints(root) == ()
    assert allocation.faults(root, interaction_id) == ()
    spine = spine_with(())
    caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), "QUPA_IN000008UK05", "m1")
    asked = allocation.parse(root, interaction_id).record
    made = spine.core.perform(AllocateNumber("m1", SAMPLE_ASID, asked), by=caller).patient
    answer = spine.ask("QUPA_IN000008UK05", details_of(made)).body
    assert official.complaints(hl7_message(answer)) == ()
    return made, answer


def test_the_street_of_a_place_of_birth_is_kept() -> None:
    sent = messages.birth("PRPA_IN000205UK03").payload
    street = "<streetAddressLine>1 Ward Road</streetAddressLine><county>Testshire"
    root = etree.fromstring(sent.replace("<county>Testshire", street))
    place = births.parse(root, "PRPA_IN000205UK03").record.birthplace
    assert place == Birthplace("Testton", "Testshire", "1", ("1 Ward Road",))


@pytest.mark.parametrize("interaction_id", BIRTHS)
def test_all_that_a_birth_brings_is_read(interaction_id: str) -> None:
    sent = messages.birth(interaction_id, Baby(dead=True))
    read = births.parse(etree.fromstring(sent.payload), interaction_id)
    record = read.record
    assert (read.ignore_duplicates, read.warnings) == (False, ())
    assert (record.gender, record.birth_time, record.birth_order) == ("1", "201408242330", 1)
    trust = Authority("c", "T99999")
    assert record.death == Death("201408242330", "1", trust)
    assert record.registered_by == trust
    told = "20140825093000"
    assert record.notified == (
        None if interaction_id == "PRPA_IN000205UK03" else Notified(told, told, told)
    )
    assert record.birthplace == Birthplace("Testton", "Testshire", "1")
    assert (record.ethnic_group, record.previous_contact) == ("A", "0")
    assert record.names == (Name(family="EVANS"),)
    assert record.birth == Birth(
        mother=Mother(
            "9990000018", "19860101", Name(given=("Sally",), family="EVANS"), practice="T99999"
        ),
        weight="3400",
        gestation="280",
        foetuses="1",
        still="1",
        abnormality="N",
        delivery=Delivery("2", "T99990", "Test Infirmary"),
        notifier=Name(given=("Mia",), family="WIFE"),
        child_health="T99991",
        responsible="T99992",
    )


@pytest.mark.parametrize("interaction_id", ALLOCATIONS)
def test_a_new_record_is_seen_by_every_query_of_every_generation(interaction_id: str) -> None:
    root = etree.fromstring(messages.request(interaction_id).payload)
    read = allocation.parse(root, interaction_id)
    spine = spine_with(())
    caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), "QUPA_IN000008UK02", "m1")
    command = AllocateNumber("m1", SAMPLE_ASID, read.record)
    made = spine.core.perform(command, by=caller).patient
    for query in KINDS:
        answered = spine.ask(query, details_of(made))
        assert answered.outcome == "AA", query
        assert made.nhs_number.encode() in answered.body, query


def test_every_service_has_a_row() -> None:
    assert set(pds_creation.SERVICES) == set(BOTH)


@pytest.mark.parametrize("wrapped", [True, False])
def test_the_older_service_of_births_is_recognised_and_refused_with_101(*, wrapped: bool) -> None:
    asked = f"<b:{birth_service.ELEMENT} xmlns:b='urn:b'/>"
    content = f"<a:servicePayload xmlns:a='urn:a'>{asked}</a:servicePayload>" if wrapped else asked
    for soap in (
        "http://www.w3.org/2001/12/soap-envelope",
        "http://schemas.xmlsoap.org/soap/envelope/",
    ):
        body = f"<s:Envelope xmlns:s='{soap}'><s:Header/><s:Body>{content}</s:Body></s:Envelope>"
        answered = spine_with(()).send(body.encode())
        assert (answered.status, answered.outcome) == (500, "INTERACTION_NOT_SUPPORTED")
        assert b"<nasp:errorCode>101<" in answered.body


def test_the_older_service_is_listed_as_one_that_nobody_answers() -> None:
    assert birth_service.ELEMENT in [one.element for one in registry.UNANSWERED]
    page = (Path(__file__).parents[2] / "docs/interactions.md").read_text(encoding="utf-8")
    assert f"`{birth_service.ELEMENT}`" in page
