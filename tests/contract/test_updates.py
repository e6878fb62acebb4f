"""Updates of demographics, end to end: what is asked is done, told, and seen by every query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import old_update_messages as old
import pytest
import update_messages as made
from ebxml_messages import Message
from lxml import etree
from msgspec.structs import replace
from pds_update_scripts import QUERIES, everything, update
from schemas import Schemas
from update_messages import UPDATES, Asked
from updated_hubs import ANSWERS, REFUSAL, answer_to, record, retrieved, updated_hub

from adapters import pds_updates
from core.audit import accesses_to
from core.errors import ChangeRefused
from core.values.changes import Objection
from core.values.demographics import (
    Address,
    CareProvisionKind,
    ConsentKind,
    DonorPreference,
    Name,
    Patient,
    Period,
    Registration,
    RelatedPerson,
    Telecom,
)
from legacy_contracts.errors import MEANINGS
from operations import recordings

PEOPLE: Final = tuple(
    recordings.records(Path(__file__).parents[2] / "fixtures/records/people.toml")
)
GENERAL: Final = tuple(one for one in UPDATES if "secret" in made.FORMS[one].subjects)
OF_THE_REGISTER: Final = tuple(one for one in UPDATES if made.FORMS[one].register)
OF_DEATH: Final = tuple(one for one in UPDATES if "death" in made.FORMS[one].subjects)
MODELESS: Final = "PRPA_IN160000UK01"
"""Its schema knows no mode of a class, and its stylesheet asks for one: the stylesheet answers."""

_CODE: Final = "{*}justifyingDetectedIssueEvent/{*}code"


def whole(interaction: str, **more: str) -> Message:
    """Give an update with every section that its interaction has room for."""
    return update(interaction, Asked(everything(interaction), **more))


def _serial_change_number(answer: etree._Element) -> str:
    (value,) = answer.iterfind(".//{*}pertinentSerialChangeNumber/{*}value")
    return value.get("value")


def _refused_for(answer: etree._Element) -> list[str]:
    if etree.QName(answer).localname == old.REFUSAL:
        (value,) = answer.iterfind(".//{*}PdsFailureResponse/{*}value")
        return ["Update Failed" if value.get("code") == "15" else "", value.get("displayName")]
    return [one.get("displayName") for one in answer.iterfind(f".//{_CODE}")]


@pytest.mark.parametrize("interaction", ANSWERS)
def test_an_update_is_done_and_told_with_the_new_serial_change_number(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, whole(interaction))
    assert etree.QName(answer).localname == ANSWERS[interaction]
    assert _serial_change_number(answer) == "8"
    assert record(hub, made.PATIENT).serial_change_number == 8


@pytest.mark.parametrize("interaction", UPDATES)
def test_an_update_that_we_accept_is_right_by_its_schema(
    interaction: str, official: Schemas
) -> None:
    complaints = official.complaints(etree.fromstring(whole(interaction).payload))
    if interaction == MODELESS:
        complaints = tuple(one for one in complaints if "attribute 'updateMode'" not in one)
    assert complaints == ()


@pytest.mark.parametrize("interaction", UPDATES)
def test_what_answers_an_update_is_right_by_its_schema(interaction: str, official: Schemas) -> None:
    hub = updated_hub(PEOPLE)
    assert official.complaints(answer_to(hub, whole(interaction))) == ()
    refused = answer_to(hub, whole(interaction))
    assert etree.QName(refused).localname == REFUSAL
    assert official.complaints(refused) == ()


def test_a_warning_goes_with_the_success_and_is_right_by_its_schema(official: Schemas) -> None:
    commented = made.consent("PRPA_IN160000UK30", "altered", comments="")
    asked = Asked({"consents": commented})
    answer = answer_to(updated_hub(PEOPLE), made.update("PRPA_IN160000UK30", asked))
    (code,) = answer.iterfind(f".//{_CODE}")
    assert "SUPPLEMENTARY_COMMENTS_VALUE_MISSING" in code.get("displayName")
    assert [one.get("code") for one in code] == ["WG"]
    assert official.complaints(answer) == ()


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("interaction", GENERAL)
def test_every_generation_of_queries_shows_what_an_update_changed(
    interaction: str, query: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    answer_to(hub, whole(interaction))
    shown = retrieved(hub, query, made.PATIENT)
    text = etree.tostring(shown).decode()
    for changed in ("9 NEW ROAD", "mailto:edith@example.org", "NEWNAME", "FA111"):
        assert changed in text, changed
    for changed in ("RED GATE", "MORNINGS", "FIELD", 'code="9"', "19500204"):
        assert changed in text, changed
    assert _serial_change_number(shown) == "8"
    if not query.endswith("UK01"):
        assert official.complaints(shown) == ()


@pytest.mark.parametrize(
    ("section", "one", "two", "name"),
    [
        ("addr", 'use="H"', 'use="H TMP"', "UNSUPPORTED_CHARACTERS_IN_FIELD"),
        ("name", 'use="A"', 'use="A L"', "UNSUPPORTED_CHARACTERS_IN_FIELD"),
        ("related", 'classCode="PRS"', 'classCode="PRS GUARD"', "VALUE_NOT_SUPPORTED"),
        ("related", 'code="cy"', 'code="welsh"', "VALUE_NOT_SUPPORTED"),
        ("provisions", 'code="P1"', 'code="1 P1"', "UNSUPPORTED_PATIENT_CARE"),
        ("gender", 'code="9"', 'code="0 9"', "VALUE_NOT_SUPPORTED"),
        ("gender", 'updateMode="altered"', 'updateMode="added altered"', "INVALID_UPDATE_MODE"),
        ("language", 'code="cy"', 'code="welsh"', "VALUE_NOT_SUPPORTED"),
        ("consents", 'code="4"', 'code="4 6"', "INVALID_CONSENT_VALUE"),
    ],
)
@pytest.mark.parametrize("interaction", ["PRPA_IN000203UK03", "PRPA_IN160000UK30"])
def test_a_value_that_is_two_is_none_of_the_list(
    interaction: str, section: str, one: str, two: str, name: str
) -> None:
    said = everything(interaction)[section]
    assert one in said
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, update(interaction, Asked({section: said.replace(one, two)})))
    assert any(name in told for told in _refused_for(answer))
    assert record(hub, made.PATIENT).serial_change_number == 7


@pytest.mark.parametrize("time", ["00000101", "201413", "20140230", "20140431", "2014082024"])
def test_a_day_that_no_calendar_has_is_no_date(time: str) -> None:
    interaction = "PRPA_IN000203UK03"
    for sections in (
        {"birth": made.birth(interaction, "altered", time)},
        made.dead(interaction, time=time),
        {"name": made.name("added").replace("20140801", time)},
    ):
        answer = answer_to(updated_hub(PEOPLE), made.update(interaction, Asked(sections)))
        assert any("ILLEGAL_DATE_FORMAT" in told for told in _refused_for(answer))


@pytest.mark.parametrize("interaction", GENERAL)
def test_a_practice_that_is_nobody_is_refused(interaction: str) -> None:
    said = made.provision(interaction, "altered", "g1", kind="1").replace(' extension="FA111"', "")
    answer = answer_to(updated_hub(PEOPLE), update(interaction, Asked({"provisions": said})))
    assert any("patientCareProvision.performer" in told for told in _refused_for(answer))


@pytest.mark.parametrize("section", ["name", "telecom"])
def test_what_breaks_a_rule_is_found_behind_hundreds_that_do_not(section: str) -> None:
    make = {"name": made.name, "telecom": made.telecom}[section]
    many = make("added") * 300 + make("added", use="nobody")
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, made.update("PRPA_IN000203UK03", Asked({section: many})))
    assert any("UNSUPPORTED_CHARACTERS_IN_FIELD" in told for told in _refused_for(answer))
    assert record(hub, made.PATIENT).serial_change_number == 7


@pytest.mark.parametrize("time", ["1952", "195202", "19520229", "201408202359"])
def test_a_date_that_is_known_in_part_is_one(time: str) -> None:
    interaction = "PRPA_IN000203UK03"
    hub = updated_hub(PEOPLE)
    sections = {"birth": made.birth(interaction, "altered", time)}
    answer_to(hub, made.update(interaction, Asked(sections)))
    assert record(hub, made.PATIENT).birth_time == time


@pytest.mark.parametrize("section", ["consents", "provisions"])
@pytest.mark.parametrize("interaction", ["PRPA_IN000203UK03", "PRPA_IN160000UK30"])
def test_of_two_codes_the_first_that_says_anything_is_read_and_asked_about(
    interaction: str, section: str
) -> None:
    said = everything(interaction)[section].replace("<code ", "<code/><code ")
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, update(interaction, Asked({section: said})))
    assert etree.QName(answer).localname in {ANSWERS[interaction], REFUSAL}


@pytest.mark.parametrize("code", ["1", "2"])
@pytest.mark.parametrize("interaction", OF_DEATH)
def test_a_death_formal_or_informal_is_seen_in_every_generation(
    interaction: str, code: str
) -> None:
    hub = updated_hub(PEOPLE)
    answer_to(hub, made.update(interaction, Asked(made.dead(interaction, code=code))))
    kept = record(hub, made.PATIENT).death
    assert kept is not None
    assert (kept.time, kept.notification) == ("20140820", code)
    assert kept.authority is not None
    assert (kept.authority.kind, kept.authority.organisation) == ("d", "A99001")
    for query in QUERIES:
        shown = retrieved(hub, query, made.PATIENT)
        (told,) = shown.iterfind(".//{*}deathNotification/{*}value")
        assert told.get("code") == code
        (time,) = shown.iterfind(".//{*}deceasedTime")
        assert time.get("value") == "20140820"


@pytest.mark.parametrize("interaction", [one for one in GENERAL if one not in OF_THE_REGISTER])
def test_a_practice_and_a_pharmacy_are_registered_and_removed(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    registered = made.provision(interaction, "altered", "g1", kind="1", code="T99999")
    nominated = made.provision(interaction, "altered", "g3", code="FA222")
    sections = {"provisions": registered + nominated}
    answer_to(hub, made.update(interaction, Asked(sections)))
    assert _current(record(hub, made.PATIENT)) == {"T99999", "FA222"}
    removed = {"provisions": made.provision(interaction, "removed", "g3")}
    answer_to(hub, made.update(interaction, Asked(removed, scn="8")))
    assert _current(record(hub, made.PATIENT)) == {"T99999"}


def _current(patient: Patient) -> set[str]:
    return {
        one.provider
        for one in patient.care_provisions
        if not (one.provenance and one.provenance.recorded and one.provenance.recorded.end)
        and one.object_id != "g2"
    }


@pytest.mark.parametrize("interaction", OF_THE_REGISTER)
def test_the_local_register_registers_and_removes_with_a_reason(
    interaction: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    registered = made.registration(interaction, "altered", "990000000088")
    moved = made.provision(interaction, "altered", "g1", kind="1", code="T99999")
    sections = {"registration": registered, "provisions": moved}
    first = update(interaction, Asked(sections))
    assert official.complaints(etree.fromstring(first.payload)) == ()
    answer_to(hub, first)
    kept = record(hub, made.PATIENT).registration
    assert kept is not None
    assert kept.provenance is not None
    assert replace(kept, provenance=None) == Registration("990000000088", period=Period("20140801"))
    second = update(interaction, Asked({"removal": made.removal(interaction, "added")}, scn="8"))
    assert official.complaints(etree.fromstring(second.payload)) == ()
    answer_to(hub, second)
    removal = record(hub, made.PATIENT).removal
    assert removal is not None
    assert replace(removal, provenance=None) == Registration(
        reason="EMB", period=Period("20140810")
    )
    for query in ("QUPA_IN000008UK02", "QUPA_IN000008UK05"):
        shown = retrieved(hub, query, made.PATIENT)
        text = etree.tostring(shown).decode()
        assert 'extension="990000000088"' in text
        assert 'reasonCode code="EMB"' in text
        assert official.complaints(shown) == ()


def test_the_oldest_generation_sets_what_stands_and_clears_it() -> None:
    hub, general = updated_hub(PEOPLE), "PRPA_IN110000UK01"
    answer_to(hub, whole(general))
    after = record(hub, made.PATIENT)
    assert _open(after.names, "usual") == {("NEWNAME", "n1")}
    assert {one.object_id for one in after.addresses if one.lines[1] == "9 NEW ROAD"} == {"a1"}
    assert {one.provider for one in after.care_provisions if one.object_id == "g1"} == {"B99002"}
    assert (after.gender, after.written_format) == ("9", "12")
    cleared = {"role": '<telecom use="H" nullFlavor="NA"/>'}
    answer_to(hub, update(general, Asked(cleared, scn="8")))
    kept = record(hub, made.PATIENT)
    still = [one for one in kept.telecoms if one.object_id == "t1" and _is_open(one)]
    assert still == []


def _open(names: Iterable[Name], use: str) -> set[tuple[str | None, str | None]]:
    return {(one.family, one.object_id) for one in names if one.use == use and _is_open(one)}


def _is_open(item: Name | Telecom) -> bool:
    return not (item.provenance and item.provenance.recorded and item.provenance.recorded.end)


@pytest.mark.parametrize("query", QUERIES)
def test_an_update_of_the_oldest_generation_is_seen_in_every_generation(query: str) -> None:
    hub = updated_hub(PEOPLE)
    answer_to(hub, whole("PRPA_IN110000UK01"))
    text = etree.tostring(retrieved(hub, query, made.PATIENT)).decode()
    for changed in ("9 NEW ROAD", "NEWNAME", "B99002", "tel:01632960009", 'code="9"'):
        assert changed in text, changed


def test_the_oldest_generation_is_answered_between_parties() -> None:
    message = whole("PRPA_IN110000UK01")
    answer = answer_to(updated_hub(PEOPLE), message)
    devices = [one.get("extension") for one in answer.iterfind(".//{*}device/{*}id")]
    assert devices == [message.from_party, message.to_party]
    (prior,) = answer.iterfind(".//{*}priorPdsUpdateRequest/{*}id")
    assert prior.get("root") == old.REQUEST_ID
    (code,) = answer.iterfind(".//{*}PdsSuccessfulUpdateResponse/{*}code")
    assert (code.get("code"), code.get("displayName")) == ("14", "Successful Update")


@pytest.mark.parametrize(
    ("was", "now", "code"),
    [
        ("T99999-9900001", "T88888-9900002", "520"),
        ("YES-0000806", "T88888-9900002", "519"),
    ],
)
def test_a_party_that_is_not_the_envelopes_is_rejected(was: str, now: str, code: str) -> None:
    message = whole("PRPA_IN110000UK01")
    other = replace(message, payload=message.payload.replace(was, now))
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, other)
    (told,) = answer.iterfind(".//{*}acknowledgementDetail/{*}code")
    assert told.get("code") == code
    assert record(hub, made.PATIENT).serial_change_number == 7


def test_a_removed_pharmacy_needs_no_kind() -> None:
    hub = updated_hub(PEOPLE)
    interaction = "PRPA_IN000203UK06"
    bare = re.sub(r"<code [^>]*/>", "", made.provision(interaction, "removed", "g3"))
    answer = answer_to(hub, made.update(interaction, Asked({"provisions": bare})))
    assert etree.QName(answer).localname == ANSWERS[interaction]
    kinds = {one.kind for one in record(hub, made.PATIENT).care_provisions if one.object_id == "g3"}
    assert kinds == {CareProvisionKind.PHARMACY}


@pytest.mark.parametrize("interaction", ["PRPA_IN000203UK06", "PRPA_IN120000UK14"])
def test_a_consent_takes_the_place_of_the_one_of_its_kind(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    sections = {"consents": made.consent(interaction, "altered", value="2")}
    answer_to(hub, made.update(interaction, Asked(sections)))
    kept = {one.kind: one.value for one in record(hub, made.PATIENT).consents}
    assert kept == {ConsentKind.RECORD_SHARING: "2", ConsentKind.CALL_BACK: "4"}


@pytest.mark.parametrize("interaction", ["PRPA_IN000203UK06", "PRPA_IN000204UK06"])
def test_what_a_donor_wants_is_kept_and_its_consent_shown(
    interaction: str, official: Schemas
) -> None:
    hub = updated_hub(PEOPLE)
    given = {"blood": made.donor("blood", "added"), "organs": made.donor("organ", "added", "2")}
    message = update(interaction, Asked(given))
    assert official.complaints(etree.fromstring(message.payload)) == ()
    answer_to(hub, message)
    kept = record(hub, made.PATIENT)
    where = Address(lines=("4 HILL TOP",))
    assert kept.blood_donor == DonorPreference("1", "20140820", address=where)
    assert kept.organ_donor == DonorPreference("2", "20140820", organs=("1",))
    shown = retrieved(hub, "QUPA_IN000008UK05", made.PATIENT)
    (value,) = shown.iterfind(".//{*}organDonorConsent/{*}value")
    assert value.get("code") == "2"
    assert official.complaints(shown) == ()
    answer_to(hub, update(interaction, Asked({"blood": made.donor("blood", "removed")}, scn="8")))
    assert record(hub, made.PATIENT).blood_donor is None


@pytest.mark.parametrize("interaction", GENERAL)
def test_a_related_person_is_kept_with_all_that_was_said(interaction: str) -> None:
    hub = updated_hub(PEOPLE)
    sections = {"related": made.related(interaction, "added")}
    answer_to(hub, made.update(interaction, Asked(sections)))
    (kept,) = (one for one in record(hub, made.PATIENT).related_persons if one.object_id != "r1")
    said = replace(kept, object_id=None, provenance=None)
    assert (said.relationship, said.next_of_kin, said.correspondence) == ("12", "1", "1")
    assert said.name is not None
    assert said.name.family == "FIELD"
    assert said.address == Address(lines=("4 HILL TOP",))
    assert [one.value for one in said.telecoms] == ["tel:07700900002"]
    assert (said.position, said.written_format) == (2, "12")
    assert isinstance(said, RelatedPerson)
    assert said.contact is not None
    assert said.contact.times == "MORNINGS"


def test_a_plain_number_is_kept_as_a_telephone() -> None:
    hub = updated_hub(PEOPLE)
    sections = {"telecom": made.telecom("added", use="WP", value="01632960010")}
    answer_to(hub, made.update("PRPA_IN000203UK03", Asked(sections)))
    assert "tel:01632960010" in {one.value for one in record(hub, made.PATIENT).telecoms}


@pytest.mark.parametrize("mode", [None, "unchanged"])
def test_an_item_that_is_no_part_of_the_change_changes_nothing(mode: str | None) -> None:
    hub = updated_hub(PEOPLE)
    before = record(hub, made.PATIENT)
    shown = made.address("altered", "a1").replace(
        ' updateMode="altered"', "" if mode is None else f' updateMode="{mode}"'
    )
    gender = {"gender": made.gender("PRPA_IN000203UK06", "altered", "9")}
    answer_to(hub, made.update("PRPA_IN000203UK06", Asked({"addr": shown, **gender})))
    after = record(hub, made.PATIENT)
    assert (after.gender, after.serial_change_number) == ("9", 8)
    assert after.addresses == before.addresses


@pytest.mark.parametrize("mode", [None, "unchanged"])
def test_a_message_whose_items_are_no_part_of_a_change_asks_for_none_and_is_told_so(
    mode: str | None,
) -> None:
    hub = updated_hub(PEOPLE)
    before = record(hub, made.PATIENT)
    shown = made.address("altered", "a1").replace(
        ' updateMode="altered"', "" if mode is None else f' updateMode="{mode}"'
    )
    answer = answer_to(hub, made.update("PRPA_IN000203UK06", Asked({"addr": shown})))
    assert _refused_for(answer)[-1].endswith("CHANGE_NOT_PERMITTED - no change is asked for")
    assert record(hub, made.PATIENT) == before


def test_children_are_found_in_the_order_of_another_release() -> None:
    hub, interaction = updated_hub(PEOPLE), "PRPA_IN000203UK03"
    message = whole(interaction)
    root = etree.fromstring(message.payload)
    for parent in [*root.iterfind(".//{*}patientRole"), *root.iterfind(".//{*}patientPerson")]:
        parent[:] = list(reversed(parent))
    turned = replace(message, payload=etree.tostring(root, encoding="unicode"))
    in_order = updated_hub(PEOPLE)
    answer_to(in_order, message)
    answer_to(hub, turned)
    assert _told(record(hub, made.PATIENT)) == _told(record(in_order, made.PATIENT))


def _told(patient: Patient) -> tuple[object, ...]:
    kinds = (patient.names, patient.addresses, patient.telecoms, patient.related_persons)
    lists = tuple(
        frozenset(replace(one, object_id=None, provenance=None) for one in items) for items in kinds
    )
    return (*lists, patient.gender, patient.birth_time, patient.birthplace, patient.language)


def test_the_same_message_again_changes_nothing_more() -> None:
    hub, message = updated_hub(PEOPLE), whole("PRPA_IN000203UK03")
    first = answer_to(hub, message)
    hub.receive(message)
    hub.work()
    assert _serial_change_number(first) == "8"
    assert record(hub, made.PATIENT).serial_change_number == 8


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scn": "6"}, "SERIAL_CHANGE_NUMBER_MISMATCH"),
        ({"scn": "8"}, "SERIAL_CHANGE_NUMBER_MISMATCH"),
        ({"scn": "seven"}, "SERIAL_CHANGE_NUMBER_MISMATCH"),
        ({"nhs_number": "9990000085"}, "NHS Number Not Found"),
        ({"nhs_number": "9990000019"}, "FAILED_MOD11_CHECK"),
        ({"nhs_number": "9990000026"}, "superseded"),
        ({"nhs_number": "9990000034"}, "no longer in use"),
        ({"nhs_number": "9990000042", "scn": "4"}, "RECORD_RESTRICTED"),
    ],
)
@pytest.mark.parametrize("interaction", ANSWERS)
def test_a_refusal_is_told_by_the_general_code_and_the_reason(
    interaction: str, more: dict[str, str], words: str
) -> None:
    hub = updated_hub(PEOPLE)
    answer = answer_to(hub, whole(interaction, **more))
    assert etree.QName(answer).localname in {REFUSAL, old.REFUSAL}
    first, second = _refused_for(answer)
    assert first == "Update Failed"
    assert words in second
    assert [record(hub, one.nhs_number) for one in PEOPLE] == list(PEOPLE)


def test_every_objection_of_the_core_has_words() -> None:
    told = {one: pds_updates.fault_of(ChangeRefused(one)) for one in Objection}
    assert all(fault.name in MEANINGS for fault in told.values())
    assert told[Objection.UNKNOWN_PRACTICE].name == "INVALID_GPREG"
    assert told[Objection.DEATH_IN_FUTURE].supplement == Objection.DEATH_IN_FUTURE.value


def test_every_name_that_a_rule_may_give_has_a_meaning() -> None:
    assert {name for name in _names() if name not in MEANINGS} == set()


def _names() -> Iterator[str]:
    for one in pds_updates.updates.UPDATES:
        for rules in (*one.stages, one.warned):
            for group in rules.groups:
                yield from (rule.name for rule in group.rules)


def test_the_local_register_of_2008b_removes_a_death() -> None:
    interaction = "PRPA_IN000204UK06"
    hub = updated_hub(PEOPLE)
    answer_to(hub, update(interaction, Asked(made.dead(interaction))))
    assert record(hub, made.PATIENT).death is not None
    removed = Asked(made.dead(interaction, "removed"), scn="8")
    assert (
        etree.QName(answer_to(hub, update(interaction, removed))).localname
        == (ANSWERS[interaction])
    )
    assert record(hub, made.PATIENT).death is None


@pytest.mark.parametrize("interaction", old.ANSWERS)
def test_the_audit_of_an_update_in_mim_2_3_names_the_user_that_its_author_is(
    interaction: str,
) -> None:
    hub = updated_hub(PEOPLE)
    answer_to(hub, whole(interaction))
    entries = [one for _, _, one in accesses_to(hub.store, made.PATIENT)]
    assert [(one.command, one.user, one.asid) for one in entries] == [
        ("UpdateRecord", "990000000065", "")
    ]
