"""Updates of a record: what becomes of it, who wins, what is refused."""

from __future__ import annotations

import contextlib

import pytest
from msgspec.structs import replace
from serving import SAMPLE_ASID, SAMPLE_PARTY, core_on
from updating import (
    ASID,
    AT,
    HOME,
    NAME,
    NOW_WRITTEN,
    NUMBER,
    OTHER,
    PATIENT,
    PHARMACY,
    PHONE,
    PRACTICE,
    TODAY,
    world,
)

from core.audit import accesses_to
from core.demographics.claiming import (
    ATTEMPTS,
    CHANGES,
    PatientChange,
    change_key,
    claiming,
    read_change,
    standing,
)
from core.demographics.queries import Retrieve, Trace, retrieve, trace
from core.demographics.records import PATIENTS, Demographics, Policy, writes
from core.demographics.updates import UpdateRecord
from core.errors import (
    ChangeRefused,
    CoreError,
    Duplicate,
    ItemNotFound,
    NotAllowed,
    NotFound,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    Restricted,
    SerialChangeNumberStale,
    StoreError,
)
from core.store.memory import MemoryStore
from core.store.port import Document, Documents
from core.values.changes import (
    Change,
    ChangeList,
    ConsentChange,
    ItemChange,
    Kind,
    Mode,
    Objection,
    Single,
    SingleChange,
)
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    Death,
    Name,
    NameUse,
    Patient,
    Period,
    Provenance,
    RecordStatus,
    RelatedPerson,
    Sensitivity,
    Telecom,
    TelecomUse,
)
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import registry


def test_one_message_is_one_serial_change_number_whatever_it_changes() -> None:
    made = world(PATIENT)
    after = made.update(
        SingleChange(Mode.ALTERED, Single.LANGUAGE, None),
        ItemChange(Mode.ADDED, Telecom(TelecomUse.MOBILE, "tel:07700900001")),
    )
    assert after.serial_change_number == 8
    assert made.read() == after


def test_an_added_item_says_who_wrote_it_when_and_starts_today() -> None:
    after = world(PATIENT).update(
        ItemChange(Mode.ADDED, Telecom(TelecomUse.MOBILE, "tel:07700900001"))
    )
    new = after.telecoms[-1]
    assert (new.period, new.provenance) == (Period(TODAY), NOW_WRITTEN)
    assert new.object_id is not None
    assert new.object_id.isalnum()
    assert new.object_id == new.object_id.lower()


def test_a_change_closes_the_old_version_and_keeps_it_as_history() -> None:
    moved = replace(HOME, lines=("2 NEW ROAD",), period=Period("20140801"))
    after = world(PATIENT).update(ItemChange(Mode.ALTERED, moved))
    new, old = after.addresses
    assert new == replace(moved, provenance=NOW_WRITTEN)
    assert old.lines == HOME.lines
    assert old.period == Period("2005", "20140801")
    assert old.provenance == Provenance(recorded=Period(None, AT))
    assert old.object_id != new.object_id


def test_a_correction_replaces_the_old_version_and_keeps_its_period() -> None:
    corrected = replace(HOME, lines=("1 MILL ROAD",), period=None)
    after = world(PATIENT).update(ItemChange(Mode.ALTERED, corrected), kind=Kind.CORRECTION)
    assert after.addresses == (replace(corrected, period=HOME.period, provenance=NOW_WRITTEN),)


@pytest.mark.parametrize(
    ("kind", "left"), [(Kind.CHANGE, 1), (Kind.CORRECTION, 0)], ids=["change", "correction"]
)
def test_a_removed_item_becomes_history_unless_it_was_wrong(kind: Kind, left: int) -> None:
    made = world(PATIENT)
    after = made.update(ItemChange(Mode.REMOVED, replace(PHONE, period=None)), kind=kind)
    assert len(after.telecoms) == left
    records = Demographics(made.store, TODAY, Policy())
    assert after.telecoms == retrieve(Retrieve(NUMBER, history=True), records).patient.telecoms
    assert retrieve(Retrieve(NUMBER), records).patient.telecoms == ()


def test_a_pharmacy_has_no_period_when_it_comes_nor_when_it_goes() -> None:
    made = world(PATIENT)
    other = replace(PHARMACY, provider="FB999")
    new, old = made.update(ItemChange(Mode.ALTERED, other)).care_provisions[1:]
    assert (new.period, old.period) == (None, None)
    assert old.provenance == Provenance(recorded=Period(None, AT))


def test_an_altered_item_can_be_altered_again_by_the_id_it_had() -> None:
    made = world(PATIENT)
    made.update(ItemChange(Mode.ALTERED, replace(PHONE, value="tel:01632960002")))
    again = replace(PHONE, value="tel:01632960003")
    after = made.update(ItemChange(Mode.ALTERED, again), scn=8, message="m2")
    assert after.telecoms[0].value == "tel:01632960003"
    assert len({one.object_id for one in after.telecoms}) == 3


def test_single_values_are_set_by_added_and_altered_and_gone_when_removed() -> None:
    made = world(replace(PATIENT, written_format="11", recorded_at="2000"))
    after = made.update(
        SingleChange(Mode.ADDED, Single.DEATH, Death("20140801", "1")),
        SingleChange(Mode.ALTERED, Single.BIRTH_ORDER, 2),
        SingleChange(Mode.REMOVED, Single.WRITTEN_FORMAT),
    )
    assert (after.death, after.birth_order) == (Death("20140801", "1"), 2)
    assert after.written_format is None
    assert after.recorded_at == AT


def test_of_a_kind_of_consent_the_last_one_stands() -> None:
    made = world(PATIENT)
    no = Consent(ConsentKind.RECORD_SHARING, "4", "20140825")
    call = Consent(ConsentKind.CALL_BACK, "5")
    after = made.update(ConsentChange(Mode.ALTERED, no), ConsentChange(Mode.ADDED, call))
    assert after.consents == (no, call)
    after = made.update(ConsentChange(Mode.REMOVED, call), scn=8, message="m2")
    assert after.consents == (no,)


def test_one_bad_change_refuses_all() -> None:
    made = world(PATIENT)
    with pytest.raises(ItemNotFound):
        made.update(
            SingleChange(Mode.ALTERED, Single.GENDER, "1"),
            ItemChange(Mode.REMOVED, replace(PHONE, object_id="none")),
        )
    assert made.read() == PATIENT


@pytest.mark.parametrize("scn", [6, 8, 0])
def test_only_the_stored_serial_change_number_is_accepted(scn: int) -> None:
    made = world(PATIENT)
    with pytest.raises(SerialChangeNumberStale):
        made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1"), scn=scn)


def test_the_number_after_the_stored_one_is_accepted_where_the_policy_says_so() -> None:
    made = world(PATIENT, policy=Policy(next_serial_change_number_accepted=True))
    gender = SingleChange(Mode.ALTERED, Single.GENDER, "1")
    assert made.update(gender, scn=8).serial_change_number == 8
    assert made.update(gender, scn=8).serial_change_number == 8, "the same message again"
    assert made.update(gender, scn=8, message="m2").serial_change_number == 9
    with pytest.raises(SerialChangeNumberStale):
        made.update(gender, scn=8, message="m3")


def test_the_same_message_again_is_the_same_update_however_much_later() -> None:
    made = world(PATIENT)
    phone = ItemChange(Mode.ADDED, Telecom(TelecomUse.MOBILE, "tel:07700900001"))
    first = made.update(phone)
    assert made.update(phone) == first
    later = made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1"), scn=8, message="m2")
    assert made.update(phone) == first
    assert made.read() == later


def test_what_a_message_makes_does_not_hang_on_when_it_was_made() -> None:
    phone = ItemChange(Mode.ADDED, Telecom(TelecomUse.MOBILE, "tel:07700900001"))
    assert world(PATIENT).update(phone) == world(PATIENT).update(phone)


@pytest.mark.parametrize(
    ("stored", "number", "refusal"),
    [
        (PATIENT, "9990000019", NumberNotValid),
        (PATIENT, OTHER, NotFound),
        (replace(PATIENT, status=RecordStatus.INVALID), NUMBER, NumberInvalidated),
        (
            replace(PATIENT, status=RecordStatus.SUPERSEDED, superseded_by=OTHER),
            NUMBER,
            NumberSuperseded,
        ),
        (replace(PATIENT, sensitivity=Sensitivity.SENSITIVE), NUMBER, Restricted),
    ],
)
def test_a_record_that_may_not_be_changed_says_why(
    stored: Patient, number: str, refusal: type[CoreError]
) -> None:
    with pytest.raises(refusal):
        world(stored).update(SingleChange(Mode.ALTERED, Single.GENDER, "1"), number=number)


def test_a_restricted_record_is_changed_where_the_policy_says_so() -> None:
    hidden = replace(PATIENT, sensitivity=Sensitivity.SENSITIVE)
    made = world(hidden, policy=Policy(restricted_updated=True))
    assert made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1")).gender == "1"


def test_the_record_of_somebody_who_died_is_changed_like_any_other() -> None:
    made = world(replace(PATIENT, death=Death("20140101", "2")))
    assert made.update(ItemChange(Mode.REMOVED, PHONE)).serial_change_number == 8


ALIAS = Name(NameUse.ALIAS, family="FIELD")
REFUSED: tuple[tuple[Objection, Change], ...] = (
    (Objection.SECOND_USUAL_NAME, ItemChange(Mode.ADDED, Name(family="FIELD"))),
    (Objection.USUAL_NAME_REMOVED, ItemChange(Mode.REMOVED, NAME)),
    (Objection.NEVER_REMOVED, SingleChange(Mode.REMOVED, Single.GENDER)),
    (Objection.NEVER_REMOVED, SingleChange(Mode.REMOVED, Single.BIRTH_TIME)),
    (Objection.SECOND_ADDRESS, ItemChange(Mode.ADDED, Address(lines=("2 NEW ROAD",)))),
    (
        Objection.SECOND_TELECOM,
        ItemChange(Mode.ADDED, Telecom(TelecomUse.HOME, "tel:01632960002")),
    ),
    (
        Objection.SECOND_CARE_PROVISION,
        ItemChange(Mode.ADDED, CareProvision(CareProvisionKind.PHARMACY, "FB999")),
    ),
    (Objection.WRONG_KIND, ItemChange(Mode.ALTERED, replace(HOME, object_id="t1"))),
    (Objection.WRONG_KIND, ItemChange(Mode.ALTERED, replace(PHARMACY, object_id="g1"))),
    (
        Objection.STARTS_IN_FUTURE,
        ItemChange(
            Mode.ADDED, Address(AddressUse.TEMPORARY, lines=("A",), period=Period("20140827"))
        ),
    ),
    (Objection.BIRTH_IN_FUTURE, SingleChange(Mode.ALTERED, Single.BIRTH_TIME, "20140826")),
    (Objection.DEATH_IN_FUTURE, SingleChange(Mode.ADDED, Single.DEATH, Death("20140826", "1"))),
    (Objection.DEATH_BEFORE_BIRTH, SingleChange(Mode.ADDED, Single.DEATH, Death("1949", "1"))),
)


@pytest.mark.parametrize(("objection", "change"), REFUSED)
def test_a_change_that_does_not_go_with_the_record_is_refused(
    objection: Objection, change: Change
) -> None:
    made = world(PATIENT)
    with pytest.raises(ChangeRefused) as refused:
        made.update(change)
    assert refused.value.reason is objection
    assert made.read() == PATIENT
    assert read_change(made.store, NUMBER, 8) is None


def related(count: int, *, text: str = "RELATIVE") -> tuple[RelatedPerson, ...]:
    """Give so many related persons, as a sender writes them."""
    address = Address(lines=("", "1 LONG ROAD", "", "HULL", ""), postcode="HU1 1AA")
    return tuple(
        RelatedPerson("16", name=Name(family=f"{text} {place}"), address=address)
        for place in range(count)
    )


@pytest.mark.parametrize(("count", "text"), [(3_000, "RELATIVE"), (1, "LONG" * 100_000)])
def test_a_record_that_would_outgrow_a_store_is_refused_long_before(count: int, text: str) -> None:
    made = world(PATIENT)
    with pytest.raises(ChangeRefused) as refused:
        made.update(*(ItemChange(Mode.ADDED, one) for one in related(count, text=text)))
    assert refused.value.reason is Objection.TOO_LARGE
    assert made.read() == PATIENT
    assert read_change(made.store, NUMBER, 8) is None


def test_what_a_store_keeps_of_the_largest_change_is_under_a_megabyte() -> None:
    made = world(PATIENT)
    fifty = [ItemChange(Mode.ADDED, one) for one in related(50)]
    scn = PATIENT.serial_change_number
    with contextlib.suppress(ChangeRefused):
        while scn < 100:
            made.update(*fifty, scn=scn, message=f"m{scn}")
            scn += 1
    kept = made.store.document(CHANGES, change_key(NUMBER, scn))
    assert kept is not None
    assert 300_000 < len(kept) < 1_000_000
    assert len(made.read().related_persons) > 400


def test_a_record_that_is_too_large_may_become_smaller() -> None:
    large = tuple(
        replace(one, object_id=f"r{place:05}") for place, one in enumerate(related(2_000))
    )
    made = world(replace(PATIENT, related_persons=large))
    with pytest.raises(ChangeRefused) as refused:
        made.update(SingleChange(Mode.ALTERED, Single.SHARED_SECRET, "WORD"))
    assert refused.value.reason is Objection.TOO_LARGE
    made.update(ItemChange(Mode.REMOVED, large[7]), kind=Kind.CORRECTION)
    assert len(made.read().related_persons) == 1_999


def test_the_use_of_a_name_is_not_altered() -> None:
    alias = replace(ALIAS, object_id="n2")
    made = world(replace(PATIENT, names=(NAME, alias)))
    with pytest.raises(ChangeRefused) as refused:
        made.update(ItemChange(Mode.ALTERED, replace(alias, use=NameUse.PREFERRED)))
    assert refused.value.reason is Objection.NAME_USE_CHANGED


def test_a_birth_after_the_death_is_refused() -> None:
    made = world(replace(PATIENT, death=Death("20140101", "2")))
    with pytest.raises(ChangeRefused) as refused:
        made.update(SingleChange(Mode.ALTERED, Single.BIRTH_TIME, "20140102"))
    assert refused.value.reason is Objection.BIRTH_AFTER_DEATH


def test_a_formal_death_is_not_overwritten_by_an_informal_one() -> None:
    made = world(replace(PATIENT, death=Death("20140101", "2")))
    with pytest.raises(ChangeRefused) as refused:
        made.update(SingleChange(Mode.ALTERED, Single.DEATH, Death("20140102", "1")))
    assert refused.value.reason is Objection.FORMAL_DEATH_STANDS
    assert made.update(SingleChange(Mode.REMOVED, Single.DEATH)).death is None


def test_an_unknown_practice_is_refused_only_where_the_directory_knows_them_all() -> None:
    other = ItemChange(Mode.ALTERED, replace(PRACTICE, provider="B99002"))
    assert world(PATIENT).update(other).care_provisions[0].provider == "B99002"
    with pytest.raises(ChangeRefused) as refused:
        world(PATIENT, policy=Policy(practices_known=True)).update(other)
    assert refused.value.reason is Objection.UNKNOWN_PRACTICE


def test_what_only_the_later_interface_tells_can_be_put_aside() -> None:
    made = world(PATIENT, policy=Policy(later_rules=False))
    after = made.update(ItemChange(Mode.ADDED, Address(lines=("2 NEW ROAD",))))
    assert len(after.addresses) == 2


def test_a_record_that_had_two_home_telephones_can_be_changed() -> None:
    second = replace(PHONE, value="tel:01632960002", object_id="t2")
    made = world(replace(PATIENT, telecoms=(PHONE, second)))
    after = made.update(ItemChange(Mode.ALTERED, replace(second, value="tel:01632960003")))
    assert after.telecoms[1].value == "tel:01632960003"


def test_a_new_family_name_is_found_at_once() -> None:
    made = world(PATIENT)
    made.update(ItemChange(Mode.ALTERED, replace(NAME, family="FIELD", period=None)))
    records = Demographics(made.store, TODAY, Policy())
    asked = Trace(gender="2", birth_date="19500203", family="FIELD")
    assert trace(asked, records).patient.nhs_number == NUMBER
    with pytest.raises(NotFound):
        trace(replace(asked, family="CARTER"), records)


def test_the_first_change_tells_what_was_loaded_before_it() -> None:
    made = world(PATIENT)
    made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1"))
    made.update(SingleChange(Mode.ALTERED, Single.GENDER, "9"), scn=8, message="m2")
    first, second = (read_change(made.store, NUMBER, number) for number in (8, 9))
    assert first is not None
    assert second is not None
    assert (first.base and first.base.patient, second.base) == (PATIENT, None)
    assert (first.by, first.at, first.message_id) == (ASID, AT, "m1")
    assert [one["value"] for one in first.noted] == ["1"]


def test_a_claim_whose_writer_died_is_carried_out_before_anything_else() -> None:
    made = world(PATIENT)
    with_name = world(PATIENT)
    dead = with_name.update(ItemChange(Mode.ALTERED, replace(NAME, family="FIELD")))
    change = read_change(with_name.store, NUMBER, 8)
    assert change is not None
    claim, *_never_done = claiming(change, PATIENT)
    made.store.apply([claim])
    with pytest.raises(SerialChangeNumberStale):
        made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1"), message="m2")
    assert made.read() == dead
    records = Demographics(made.store, TODAY, Policy())
    asked = Trace(gender="2", birth_date="19500203", family="FIELD")
    assert trace(asked, records).patient.nhs_number == NUMBER


def test_a_message_that_died_in_the_middle_is_done_when_it_comes_again() -> None:
    made, whole = world(PATIENT), world(PATIENT)
    gender = SingleChange(Mode.ALTERED, Single.GENDER, "1")
    expected = whole.update(gender)
    change = read_change(whole.store, NUMBER, 8)
    assert change is not None
    made.store.apply(claiming(change, PATIENT)[:1])
    assert made.update(gender) == expected
    assert made.read() == expected


def test_a_change_that_was_carried_out_without_its_claim_is_told_again() -> None:
    made, whole = world(PATIENT), world(PATIENT)
    gender = SingleChange(Mode.ALTERED, Single.GENDER, "1")
    expected = whole.update(gender)
    change = read_change(whole.store, NUMBER, 8)
    assert change is not None
    made.store.apply(claiming(change, PATIENT)[1:])
    assert made.update(gender) == expected
    told = read_change(made.store, NUMBER, 8)
    assert told is not None
    assert told.message_id == "m1"


def test_a_record_keeps_one_fact_however_often_it_is_changed() -> None:
    made = world(PATIENT)
    for scn in range(7, 27):
        made.update(SingleChange(Mode.ALTERED, Single.GENDER, "1"), scn=scn, message=f"m{scn}")
    record = made.store.record(PATIENTS, NUMBER)
    assert record is not None
    assert len(record.facts) == 1
    stands = standing(made.store, NUMBER)
    assert stands is not None
    assert stands.message_id == "m26"


@pytest.mark.parametrize("what", Single)
def test_every_single_value_has_its_place_in_the_record(what: Single) -> None:
    after = world(PATIENT, policy=Policy(later_rules=False)).update(
        SingleChange(Mode.ALTERED, what, getattr(PATIENT, what.value))
    )
    assert replace(after, serial_change_number=7, recorded_at=None) == PATIENT


def test_a_store_that_an_earlier_release_wrote_is_read_and_changed() -> None:
    earlier_form = replace(PATIENTS, keep=lambda facts: facts)
    made = world()
    for scn, source in ((2, "one"), (7, "two")):
        loaded = replace(PATIENT, serial_change_number=scn)
        made.store.update(
            earlier_form, NUMBER, writes(loaded, message_id=source, at="2014", by=source)
        )
    written = made.store.record(earlier_form, NUMBER)
    assert written is not None
    assert len(written.facts) == 2
    assert made.read() == PATIENT
    assert made.update(ItemChange(Mode.REMOVED, PHONE)).serial_change_number == 8
    change = read_change(made.store, NUMBER, 8)
    assert change is not None
    assert change.base is not None
    assert change.base.by == "two"
    assert made.store.read(earlier_form, NUMBER) == made.read(), "and the earlier release reads it"


def test_a_change_of_another_form_is_refused_in_words() -> None:
    made = world(PATIENT)
    document = Document(change_key(NUMBER, 8), b'{"form":2}')
    made.store.write_once(CHANGES, document)
    with pytest.raises(StoreError, match="damaged"):
        read_change(made.store, NUMBER, 8)
    change = PatientChange(NUMBER, 9, AT, ASID, "UpdateRecord", "m1", PATIENT, form=2)
    made.store.apply(claiming(change, PATIENT)[:1])
    with pytest.raises(StoreError, match="form 2"):
        read_change(made.store, NUMBER, 9)


@pytest.mark.parametrize(
    ("command", "result"),
    [
        (ChangeList(NUMBER, 7, Kind.CHANGE, (ItemChange(Mode.REMOVED, PHONE),)), "done"),
        (ChangeList(NUMBER, 6, Kind.CHANGE, ()), "SerialChangeNumberStale"),
    ],
)
def test_an_update_is_audited_under_the_patient_done_or_refused(
    command: ChangeList, result: str
) -> None:
    made = world(PATIENT)
    core = core_on(made.store)
    activity = registry.INTERACTIONS[0].interaction_id
    caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), activity, "m1")
    with contextlib.suppress(SerialChangeNumberStale):
        core.perform(UpdateRecord(command, "m1", SAMPLE_ASID), by=caller)
    ((_, _, entry),) = accesses_to(made.store, NUMBER)
    assert (entry.command, entry.outcome, entry.asid) == ("UpdateRecord", result, SAMPLE_ASID)


def test_who_may_not_ask_changes_nothing() -> None:
    made = world(PATIENT)
    asked = ChangeList(NUMBER, 7, Kind.CHANGE, (ItemChange(Mode.REMOVED, PHONE),))
    caller = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), "something else", "m1")
    with pytest.raises(NotAllowed):
        core_on(made.store).perform(UpdateRecord(asked, "m1", SAMPLE_ASID), by=caller)
    assert made.read() == PATIENT


class _Withdrawing(MemoryStore):
    """A store on which racing claims are withdrawn, as on a cluster: so many times, nobody wins."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    def write_once(self, documents: Documents, document: Document) -> None:
        """Keep a document, unless another was there for a moment."""
        if documents.name == CHANGES.name and self.races > 0:
            self.races -= 1
            raise Duplicate("another document stood there")
        super().write_once(documents, document)


def test_where_all_who_race_withdraw_it_is_tried_again() -> None:
    made = world(PATIENT, store=_Withdrawing(races=ATTEMPTS - 1))
    assert made.update(ItemChange(Mode.REMOVED, PHONE)).serial_change_number == 8


def test_where_nobody_can_be_told_the_winner_nothing_was_decided() -> None:
    made = world(PATIENT, store=_Withdrawing(races=ATTEMPTS))
    with pytest.raises(StoreError):
        made.update(ItemChange(Mode.REMOVED, PHONE))
    assert made.read() == PATIENT
    assert made.update(ItemChange(Mode.REMOVED, PHONE)).serial_change_number == 8
