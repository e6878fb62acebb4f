"""Every record that is written is audited, wherever its writer dies, on each kind of store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pytest
from msgspec.structs import replace
from serving import SAMPLE_ASID, SAMPLE_PARTY, core_on

from core import audit
from core.demographics.back_office import Merge, Split
from core.demographics.creation import NOT_YET, AllocateNumber, CreateRecord, PossibleDuplicates
from core.demographics.records import PATIENTS
from core.store.memory import MemoryStore
from core.store.port import Note, Put, Record, Write
from core.values.demographics import Birth, Mother, Name, Patient
from core.values.identity import Asid, Caller, PartyKey, operator_named

BY: Final = Caller(PartyKey(SAMPLE_PARTY), Asid(SAMPLE_ASID), "PRPA_IN000200UK03", "M-1")
CHILD: Final = Patient(
    nhs_number=NOT_YET,
    gender="2",
    birth_time="201402191530",
    birth_order=1,
    names=(Name(family="FRESH", given=("Nova",)),),
    birth=Birth(Mother("9990000018"), weight="3400"),
)
Command = AllocateNumber | CreateRecord


class Died(BaseException):
    """The process is gone."""


class Mortal(MemoryStore):
    """A store whose process dies at a call that writes; one write after the other, as a cluster."""

    is_exclusive = False

    def __init__(self) -> None:
        super().__init__()
        self.dies_at = -1
        self.calls = 0

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do writes in their order, then what is noted of them, each a call of its own."""
        records: list[Record[Any, Any]] = []
        for one in writes:
            self._die()
            if isinstance(one, Put):
                self.write_once(one.documents, one.document)
            else:
                records.append(self.update(one.bucket, one.key, one.change))
            self._die()
        for note in notes:
            self._die()
            note.journal.keep(note.text)
            self._die()
        return records

    def _die(self) -> None:
        if self.calls == self.dies_at:
            raise Died
        self.calls += 1


COMMANDS: Final[tuple[Command, ...]] = (
    AllocateNumber("m1", SAMPLE_ASID, CHILD),
    CreateRecord("m1", SAMPLE_ASID, CHILD, ignore_duplicates=False),
    CreateRecord("m1", SAMPLE_ASID, CHILD, ignore_duplicates=True),
)


def audited(store: MemoryStore, writers: Iterable[str] = ("test", "later")) -> set[str]:
    """Give the patients whom the chains tell of."""
    found: set[str] = set()
    for writer in writers:
        page = 0
        while (read := audit.read_page(store, writer, page)) is not None:
            found |= {one for entry in read.entries for one in entry.patients}
            page += 1
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=["allocation", "birth", "birth-ignoring"])
def test_wherever_its_maker_dies_a_record_that_is_seen_is_audited_already(command: Command) -> None:
    points = 0
    while True:
        store = Mortal()
        core = core_on(store)
        store.calls, store.dies_at = 0, points
        try:
            core.perform(command, by=BY)
        except Died:
            seen = set(store.keys(PATIENTS))
            assert seen <= audited(store), f"a record without its audit, died at {points}"
        else:
            break
        points += 1
        store.dies_at = -1
        later = replace(core, audit=audit.Audit(store, writer="later", now=lambda: "2014"))
        made = later.perform(command, by=BY).patient
        assert set(store.keys(PATIENTS)) == {made.nhs_number}
        assert made.nhs_number in audited(store, ["later"])
    assert points >= 12, "a death before and after each of six writes, at least"


@pytest.mark.parametrize("command", COMMANDS, ids=["allocation", "birth", "birth-ignoring"])
def test_on_a_store_alone_with_its_writes_record_and_audit_are_one(command: Command) -> None:
    store = MemoryStore()
    core = core_on(store)
    other = replace(CHILD, birth=None, birth_order=None)
    core.perform(AllocateNumber("before", SAMPLE_ASID, other), by=BY)
    before = set(store.keys(PATIENTS))
    pages = core.audit.pages_written
    made = core.perform(command, by=BY).patient
    assert set(store.keys(PATIENTS)) - before == {made.nhs_number}
    assert core.audit.pages_written == pages + 1
    assert made.nhs_number in audited(store)


def test_a_sender_who_is_told_of_possible_duplicates_is_audited_for_each_of_them() -> None:
    core = core_on(MemoryStore())
    birth = COMMANDS[1]
    made = core.perform(birth, by=BY)
    again = core.perform(replace(birth, message_id="m2"), by=replace(BY, message_id="M-2"))
    assert isinstance(again, PossibleDuplicates)
    told = audit.read_page(core.store, "test", core.audit.pages_written - 1)
    assert told is not None
    assert told.entries[-1].message_id == "M-2"
    assert told.entries[-1].patients == (made.patient.nhs_number,)


def test_a_split_is_audited_for_both_records_that_it_changes() -> None:
    core = core_on(MemoryStore())
    operator = operator_named("jo", "M-1")
    numbers = []
    for message in ("m1", "m2"):
        record = replace(CHILD, birth=None, birth_order=None)
        made = core.perform(AllocateNumber(message, SAMPLE_ASID, record), by=BY)
        numbers.append(made.patient.nhs_number)
    loser, survivor = numbers
    core.perform(Merge(loser, survivor, "m3", "jo"), by=operator)
    core.perform(Split(loser, "m4", "jo"), by=operator)
    told = audit.read_page(core.store, "test", core.audit.pages_written - 1)
    assert told is not None
    assert told.entries[-1].command == "Split"
    assert set(told.entries[-1].patients) == {loser, survivor}
