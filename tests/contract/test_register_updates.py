"""What only 2008B and the local register bring: kept with its modes, shown where a query can."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Final

import pytest
import register_messages as told
import update_messages as made
from asking import details_of, spine_with
from hubs import TestHub
from lxml import etree
from msgspec.structs import replace
from pds_update_scripts import update
from schemas import NEVER_PUBLISHED, Schemas, hl7_message
from spoiling import spoil
from update_messages import Asked, Sections
from updated_hubs import answer_to, record, retrieved, updated_hub

from core.demographics.amending import Hand, amended
from core.errors import ChangeRefused, ItemNotFound
from core.values.demographics import (
    Address,
    AddressUse,
    AlternativeIdentifier,
    Authority,
    Birthplace,
    Entitlement,
    FormerPractice,
    Identified,
    Name,
    NameUse,
    PaperRecord,
    Payment,
    Period,
    RegisteredPerson,
    Registration,
)
from legacy_contracts.pds import updates
from legacy_contracts.registry import INTERACTIONS
from operations import recordings

PEOPLE: Final = tuple(
    recordings.records(Path(__file__).parents[2] / "fixtures/records/people.toml")
)
UPDATES: Final = ("PRPA_IN000203UK06", "PRPA_IN000204UK03", "PRPA_IN000204UK06")
REGISTER: Final = UPDATES[1:]
IDENTIFYING: Final = (UPDATES[0], UPDATES[2])
LATEST: Final = "QUPA_IN000008UK05"
BEFORE: Final = "QUPA_IN000008UK02"
ROUNDS: Final = 60
QUERIES: Final = tuple(
    row.interaction_id for row in INTERACTIONS if row.reply.interaction_id not in NEVER_PUBLISHED
)
_CODE: Final = "{*}justifyingDetectedIssueEvent/{*}code"


def changed(
    hub: TestHub, interaction: str, sections: Sections, scn: str = "7", kind: str = "1"
) -> list[str]:
    """Give why an update was refused; nothing where it was done."""
    answer = answer_to(hub, update(interaction, Asked(sections, scn=scn, kind=kind)))
    return [one.get("displayName") for one in answer.iterfind(f".//{_CODE}")]


@pytest.mark.parametrize("interaction", UPDATES)
def test_a_message_that_brings_it_is_right_by_its_schema(
    interaction: str, official: Schemas
) -> None:
    message = update(interaction, Asked(told.everything(interaction)))
    assert official.complaints(etree.fromstring(message.payload)) == ()


@pytest.mark.parametrize("interaction", IDENTIFYING)
def test_what_a_person_is_called_elsewhere_is_added_altered_and_removed(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    assert changed(hub, interaction, {"identifiers": told.identifier("added")}) == []
    (kept,) = record(hub, made.PATIENT).identifiers
    assert kept.identified == Identified(told.SCHEME, "S-1")
    assert kept.period == Period("20140801")
    assert kept.provenance is not None
    altered = told.identifier("altered", kept.object_id, "S-2")
    assert changed(hub, interaction, {"identifiers": altered}, "8") == []
    now, before = record(hub, made.PATIENT).identifiers
    assert (now.object_id, now.identified.value) == (kept.object_id, "S-2")
    assert before.identified.value == "S-1"
    assert before.provenance is not None
    assert before.provenance.recorded is not None
    assert before.provenance.recorded.end is not None
    removed = told.identifier("removed", kept.object_id)
    assert changed(hub, interaction, {"identifiers": removed}, "9") == []
    assert len(record(hub, made.PATIENT).identifiers) == 2
    shown = retrieved(hub, LATEST, made.PATIENT)
    assert list(shown.iterfind(".//{*}alternativeIdentifier")) == []
    history = retrieved(hub, LATEST, made.PATIENT, history="1")
    values = [
        one.get("extension") for one in history.iterfind(".//{*}alternativeIdentifier/{*}value")
    ]
    assert values == ["S-1", "S-2"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (LATEST, "{*}subjectOf12"),
        ("QUPA_IN000005UK03", "{*}subjectOf4"),
        ("QUPA_IN000014UK03", "{*}subjectOf4"),
    ],
)
def test_every_query_of_2008b_that_can_shows_what_a_person_is_called_elsewhere(
    query: str, path: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    changed(hub, "PRPA_IN000203UK06", {"identifiers": told.identifier("added")})
    shown = retrieved(hub, query, made.PATIENT)
    (value,) = shown.iterfind(f".//{path}/{{*}}alternativeIdentifier/{{*}}value")
    assert (value.get("root"), value.get("extension")) == (told.SCHEME, "S-1")
    assert official.complaints(shown) == ()


@pytest.mark.parametrize(
    ("section", "why"),
    [
        (told.identifier("removed"), "UID_MUST_BE_PROVIDED"),
        (told.identifier("altered"), "UID_MUST_BE_PROVIDED"),
        (told.identifier("altered", "none9"), "OBJECT_ID_NOT_FOUND"),
        (told.identifier("added").replace(told.SCHEME, "S.1"), "VALUE_NOT_SUPPORTED"),
        (told.identifier("added").replace(told.SCHEME, "1..2"), "VALUE_NOT_SUPPORTED"),
        (told.identifier("added").replace("20140801", "20141301"), "ILLEGAL_DATE_FORMAT"),
        (told.identifier("added").replace('"added"', '"kept"'), "INVALID_UPDATE_MODE"),
    ],
)
def test_an_identifier_that_no_query_could_show_is_refused(section: str, why: str) -> None:
    hub = updated_hub(PEOPLE)
    assert why in " ".join(changed(hub, "PRPA_IN000203UK06", {"identifiers": section}))
    assert record(hub, made.PATIENT).serial_change_number == 7


def _person(assignment: str | None) -> RegisteredPerson:
    return RegisteredPerson(
        name=Name(NameUse.PREVIOUS, given=("EDITH",), family="FORMERLY"),
        address=Address(AddressUse.HOME, lines=("3 OLD LANE",)),
        birthplace=Birthplace("YORK"),
        service=Period("19700101", "19750101"),
        residence=Period("20010101"),
        reason="3",
        first_registered="20010201",
        assignment=assignment,
        former_register="NORTH",
        former_practice=FormerPractice(Name(family="HEALER")),
    )


SHOWN: Final = ("FORMERLY", "3 OLD LANE", "YORK", "19700101", "20010101", "20010201", "NORTH")


def test_what_2008a_tells_of_a_registered_person_is_shown_with_the_practice_in_2008b(
    official: Schemas,
) -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK03"
    sections = told.everything(interaction)
    assert changed(hub, interaction, sections) == []
    assert record(hub, made.PATIENT).registered == _person(None)
    shown = retrieved(hub, LATEST, made.PATIENT, history="1")
    assert official.complaints(shown) == ()
    (part,) = shown.iterfind(".//{*}COCT_MT000200UK03.RegisteredRolePart")
    text = etree.tostring(part).decode()
    assert [one for one in (*SHOWN, "HEALER", 'reasonCode code="3"') if one not in text] == []
    practice = part.getparent().getparent()
    assert practice.find("{*}performer//{*}id").get("extension") == "T99999"
    gone = {"registered": told.registered(interaction, "removed")}
    assert changed(hub, interaction, gone, "8") == []
    assert record(hub, made.PATIENT).registered is None
    later = retrieved(hub, LATEST, made.PATIENT)
    assert list(later.iterfind(".//{*}COCT_MT000200UK03.RegisteredRolePart")) == []


def test_a_reason_that_2008b_has_no_code_for_is_kept_and_left_out(official: Schemas) -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK03"
    changed(hub, interaction, {"registered": told.registered(interaction, "added", "5")})
    kept = record(hub, made.PATIENT).registered
    assert kept is not None
    assert kept.reason == "5"
    shown = retrieved(hub, LATEST, made.PATIENT)
    assert official.complaints(shown) == ()
    assert list(shown.iterfind(".//{*}primaryCareRegistrationEncounter")) == []


def test_what_2008b_tells_of_a_registration_goes_with_that_practice_and_its_history(
    official: Schemas,
) -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK06"
    assert (
        changed(hub, interaction, {"provisions": told.practice(interaction, "altered", "g1")}) == []
    )
    (kept,) = (one for one in record(hub, made.PATIENT).care_provisions if one.object_id == "g1")
    assert kept.registered == _person("2")
    assert kept.payment == Payment(Period("20140801"), "1", "T99998")
    moved = made.provision(interaction, "altered", "g1", kind="1", code="B99002")
    assert changed(hub, interaction, {"provisions": moved}, "8") == []
    shown = retrieved(hub, LATEST, made.PATIENT, history="1")
    assert official.complaints(shown) == ()
    (part,) = shown.iterfind(".//{*}COCT_MT000200UK03.RegisteredRolePart")
    practice = part.getparent().getparent()
    assert practice.find("{*}performer//{*}id").get("extension") == "T99999"
    (paid,) = practice.iterfind(".//{*}pertinentCareProviderPaymentInfo")
    assert paid.find(".//{*}residentialInstitution/{*}id").get("extension") == "T99998"
    now = retrieved(hub, LATEST, made.PATIENT)
    assert list(now.iterfind(".//{*}pertinentCareProviderPaymentInfo")) == []


def test_to_what_treatment_a_person_is_entitled_is_set_and_removed(official: Schemas) -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK06"
    assert changed(hub, interaction, {"entitlement": told.entitlement("added")}) == []
    until = Period("20140101", "20141231")
    assert record(hub, made.PATIENT).entitlement == Entitlement("1", "2", "O", until)
    shown = retrieved(hub, LATEST, made.PATIENT)
    assert official.complaints(shown) == ()
    (value,) = shown.iterfind(".//{*}treatmentEntitlement/{*}value")
    assert value.get("code") == "1"
    assert changed(hub, interaction, {"entitlement": told.entitlement("removed")}, "8") == []
    assert record(hub, made.PATIENT).entitlement is None
    bad = told.entitlement("added", "4")
    assert "VALUE_NOT_SUPPORTED" in " ".join(changed(hub, interaction, {"entitlement": bad}, "9"))


@pytest.mark.parametrize("interaction", REGISTER)
def test_a_paper_record_is_kept_and_the_one_before_is_history(
    interaction: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    assert changed(hub, interaction, {"paper": told.paper(interaction, "added")}) == []
    (kept,) = record(hub, made.PATIENT).paper_records
    said = replace(kept, object_id=None, provenance=None)
    if interaction == "PRPA_IN000204UK03":
        since = Period("20140801")
        assert said == PaperRecord("SP", "U", "LEEDS", since, since)
    else:
        assert said == PaperRecord("SP", "U", period=Period("20140825"))
    next_one = told.paper(interaction, "altered", transfer="FP")
    assert changed(hub, interaction, {"paper": next_one}, "8") == []
    for query in (BEFORE, LATEST):
        shown = retrieved(hub, query, made.PATIENT)
        assert official.complaints(shown) == ()
        values = [one.get("code") for one in shown.iterfind(".//{*}transferStatus/{*}value")]
        assert values == ["FP"]
        history = retrieved(hub, query, made.PATIENT, history="1")
        assert official.complaints(history) == ()
        values = [one.get("code") for one in history.iterfind(".//{*}transferStatus/{*}value")]
        assert values == ["FP", "SP"]
    gone = told.paper(interaction, "removed")
    assert changed(hub, interaction, {"paper": gone}, "9") == []
    shown = retrieved(hub, LATEST, made.PATIENT)
    assert list(shown.iterfind(".//{*}clinicalDocumentEvent")) == []


@pytest.mark.parametrize("interaction", REGISTER)
def test_registrations_and_removals_of_before_are_history_that_2008b_shows(
    interaction: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    for scn, asid in (("7", "990000000088"), ("8", "990000000089")):
        section = {"registration": made.registration(interaction, "altered", asid)}
        assert changed(hub, interaction, section, scn) == []
    kept = record(hub, made.PATIENT)
    assert kept.registration is not None
    assert kept.registration.custodian == "990000000089"
    assert [one.custodian for one in kept.past_registrations][-1] == "990000000088"
    history = retrieved(hub, LATEST, made.PATIENT, history="1")
    assert official.complaints(history) == ()
    events = list(history.iterfind(".//{*}subjectOf7/{*}nHAISRegistrationEvent"))
    shown = [one.find("{*}custodian//{*}id").get("extension") for one in events]
    assert shown[0] == "990000000089"
    assert "990000000088" in shown
    assert all(one.find("{*}subjectOf1/{*}systemEffectiveDate") is not None for one in events[:1])
    (only,) = retrieved(hub, LATEST, made.PATIENT).iterfind(".//{*}nHAISRegistrationEvent")
    assert only.find("{*}custodian//{*}id").get("extension") == "990000000089"


def test_a_correction_of_a_registration_leaves_no_history() -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK03"
    before = record(hub, made.PATIENT).past_registrations
    section = {"registration": made.registration(interaction, "altered", "990000000089")}
    assert changed(hub, interaction, section, kind="2") == []
    assert record(hub, made.PATIENT).past_registrations == before


def test_who_removed_a_person_from_the_register_is_kept_and_shown(official: Schemas) -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000204UK06"
    assert changed(hub, interaction, {"removal": told.removed_by(interaction, "added")}) == []
    kept = record(hub, made.PATIENT).removal
    assert kept is not None
    assert replace(kept, provenance=None) == Registration(
        reason="EMB",
        period=Period("20140810"),
        authority=Authority("y", "A99001", "990000000065"),
        told_at="20140811",
    )
    shown = retrieved(hub, LATEST, made.PATIENT)
    assert official.complaints(shown) == ()
    (event,) = shown.iterfind(".//{*}pCRemovalRegistrationEvent")
    assert event.find("{*}availabilityTime").get("value") == "20140811"
    assert event.find(".//{*}registeringAuthority/{*}code").get("code") == "y"
    assert event.find(".//{*}scopedAssignedPerson/{*}id").get("extension") == "990000000065"


@pytest.mark.parametrize("interaction", IDENTIFYING)
def test_when_a_value_was_notified_is_told_again(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    told_at = made.gender(interaction, "altered").replace("20140825093000", "20140101101112")
    assert changed(hub, interaction, {"gender": told_at}) == []
    assert changed(hub, interaction, {"secret": made.secret("altered")}, "8") == []
    shown = retrieved(hub, LATEST, made.PATIENT)
    (part,) = shown.iterfind(".//{*}COCT_MT000209UK01.PartAdminGenderCode")
    assert part.find(".//{*}notificationTime/{*}value").get("value") == "20140101101112"
    plain = made.gender("PRPA_IN000203UK03", "altered", "2")
    assert changed(hub, "PRPA_IN000203UK03", {"gender": plain}, "9") == []
    (part,) = retrieved(hub, LATEST, made.PATIENT).iterfind(
        ".//{*}COCT_MT000209UK01.PartAdminGenderCode"
    )
    written = record(hub, made.PATIENT).recorded_at
    assert part.find(".//{*}notificationTime/{*}value").get("value") == written


@pytest.mark.parametrize("interaction", UPDATES)
def test_what_breaks_no_rule_can_be_shown_by_every_query_that_has_a_schema(
    interaction: str, official: Schemas
) -> None:
    dice = random.Random(interaction)  # noqa: S311 - no secret
    row = updates.BY_ID[interaction]
    (patient,) = (one for one in PEOPLE if one.nhs_number == made.PATIENT)
    whole = etree.fromstring(update(interaction, Asked(told.everything(interaction))).payload)
    shown = 0
    for _ in range(ROUNDS):
        spoilt = copy.deepcopy(whole)
        for _ in range(dice.choice((1, 1, 2, 3))):
            spoil(spoilt, dice)
        root = etree.fromstring(etree.tostring(spoilt))
        if row.faults(root):
            continue
        hand = Hand("m1", "200000000205", "20140825120000")
        try:
            after = amended(patient, row.parse(root), hand)
        except (ItemNotFound, ChangeRefused):
            continue
        spine = spine_with([after])
        for query in QUERIES:
            body = spine.ask(query, replace(details_of(after), history="1")).body
            complaints = official.complaints(hl7_message(body))
            assert complaints == (), etree.tostring(root).decode()
        shown += 1
    assert shown > ROUNDS // 20


def test_an_identifier_of_a_restricted_record_is_not_told() -> None:
    (patient,) = (one for one in PEOPLE if one.nhs_number == "9990000042")
    known = AlternativeIdentifier(Identified(told.SCHEME, "S-1"), object_id="i1")
    spine = spine_with([replace(patient, identifiers=(known,))])
    for query in (LATEST, "QUPA_IN000005UK03", "QUPA_IN000014UK03"):
        answered = spine.ask(query, details_of(patient))
        assert answered.outcome == "AA"
        assert b"S-1" not in answered.body
