"""A change of a record, made by one alone on every store: the document under its next number.

Whoever changes a record first writes a document, once, under its NHS number and the serial change
number that the record is to have: that is the claim, and it holds the whole change. The embedded
stores write the claim, the indexes and the record in one; on a cluster they follow each other, and
a claim whose writer died is carried out by whoever finds it
(docs/decisions/0018-who-wins-an-update.md).

The documents are the history of a record, told by serial change number.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from core.demographics.indexing import reindexing
from core.demographics.records import PATIENTS, Written
from core.errors import Duplicate, StoreError
from core.store.port import Change, Document, Documents, Put, Record, Store, Update, Write
from core.values.demographics import Patient

CHANGES: Final = Documents("patient-change")

FORM: Final = 1
"""The form in which changes are kept; another is refused in words."""

ATTEMPTS: Final = 9
FIRST_PAUSE: Final = 0.03
"""How often a change is attempted, and how long it waits in between: twice as long each time.

Together some two seconds, in which a writer that lives has carried out what it claimed.
"""


class PatientChange(Struct, frozen=True):
    """One version of a record: who made it, when, by which message, and the whole of it.

    `noted` is what was asked for, item by item. `base` is the record that stood before, where no
    change tells of that: it was loaded.
    """

    nhs_number: str
    serial_change_number: int
    at: str
    by: str
    command: str
    message_id: str
    patient: Patient
    kind: str = ""
    noted: tuple[Any, ...] = ()
    base: Written | None = None
    form: int = FORM

    @property
    def key(self) -> str:
        """Where the change is kept."""
        return change_key(self.nhs_number, self.serial_change_number)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PatientChange).decode


def change_key(nhs_number: str, serial_change_number: int) -> str:
    """Give the key of the change that gives a record a serial change number."""
    return f"{nhs_number}|{serial_change_number:09d}"


def read_change(store: Store, nhs_number: str, serial_change_number: int) -> PatientChange | None:
    """Give the change that gave, or is to give, a record a serial change number; or None."""
    value = store.document(CHANGES, change_key(nhs_number, serial_change_number))
    if value is None:
        return None
    try:
        change = _decode(value)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a change of a record is damaged: {error}") from error
    if change.form != FORM:
        raise StoreError(
            f"a change of a record was written in form {change.form}, this release reads form "
            f"{FORM}: run the release that wrote it, or restore a backup made by this one"
        )
    return change


class Standing(Struct, frozen=True):
    """A record as it stands, and the fact that it is."""

    patient: Patient
    key: str
    fact: Written

    @property
    def base(self) -> Written | None:
        """The fact, where no change tells of it."""
        return None if self.key.startswith(f"{self.patient.nhs_number}|") else self.fact

    @property
    def message_id(self) -> str:
        """The message that made it so, where a change did."""
        return "" if self.base else self.key.split("|", 2)[2]


def standing(store: Store, nhs_number: str) -> Standing | None:
    """Give the record under a number as it stands, or None."""
    record = store.record(PATIENTS, nhs_number)
    if record is None:
        return None
    # Records that were loaded twice by earlier releases have more facts than the one that counts.
    key, fact = next(
        (key, fact) for key, fact in record.facts.items() if fact.patient == record.state
    )
    return Standing(record.state, key, fact)


def claiming(change: PatientChange, before: Patient | None) -> tuple[Write, ...]:
    """Give the writes that make a change, in order: the claim, the indexes, the record.

    The claim raises `Duplicate` where another has it. The record is last: once it is there, all is.
    """
    claim = Put(CHANGES, Document(change.key, _encode(change)))
    return (claim, *carrying_out(change, before))


def carrying_out(change: PatientChange, before: Patient | None) -> tuple[Write, ...]:
    """Give the writes that carry out a change that was claimed; again, they change nothing."""
    written = Written(change.patient, change.at, change.by)
    key = f"{change.key}|{change.message_id}"
    record = Update(PATIENTS, change.nhs_number, _adding(key, written))
    return (*reindexing(before, change.patient), record)


def _adding(key: str, written: Written) -> Change[Patient, Written]:
    def change(_record: Record[Patient, Written] | None) -> Mapping[str, Written]:
        return {key: written}

    return change


def jittered_pause(attempt: int) -> None:
    """Wait after an attempt, longer each time, and seldom as long as whoever waits beside us."""
    time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.1, 1.0))  # noqa: S311 - no secret


class Amendment(Struct, frozen=True):
    """A change that is to be made, and the record that it was made from."""

    before: Patient | None
    change: PatientChange

    @property
    def writes(self) -> tuple[Write, ...]:
        """What makes it."""
        return claiming(self.change, self.before)


class Claims(Struct, frozen=True):
    """The changes of a store's records: how one is made, whoever else is at it.

    `apply` does the writes of a change as its maker wants them done (with their audit);
    `pause` is what waits after an attempt.
    """

    store: Store
    apply: Callable[[Iterable[Write]], object]
    pause: Callable[[int], None] = jittered_pause

    def make(self, amendments: Callable[[], tuple[Amendment, ...]]) -> tuple[Amendment, ...]:
        """Make the changes that `amendments` gives, asked anew before each attempt; give them.

        Raises what it raises, and `StoreError` where nobody could be told the winner.
        """
        for attempt in range(ATTEMPTS):
            wanted = amendments()
            if not wanted:
                return ()
            try:
                self.apply([write for one in wanted for write in one.writes])
            except Duplicate:
                if not all(self._moved_on(one.change, attempt) for one in wanted):
                    self.pause(attempt)
            else:
                return wanted
        raise StoreError("others change the same record all the time: try again later")

    def _moved_on(self, change: PatientChange, attempt: int) -> bool:
        """Say whether a record that could not be changed is at the number that was claimed.

        Where it has not come there in all the time that a writer may take, the claim's own change
        is carried out; where nobody has the claim, all who tried withdrew.
        """
        number, claimed = change.nhs_number, change.serial_change_number
        now = standing(self.store, number)
        if now is not None and now.patient.serial_change_number >= claimed:
            return True
        if attempt < ATTEMPTS - 2:
            return False
        held = read_change(self.store, number, claimed)
        if held is not None:
            self.store.apply(carrying_out(held, now.patient if now else None))
        return held is not None
