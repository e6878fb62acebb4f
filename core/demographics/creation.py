"""New records: a number is given out, and the record stands under it, once for each message.

What a message made is written down under the message's own key: done again, it finds that and
gives the same. On the embedded stores all is one `apply`. On a cluster the writes follow each other
and a writer may die between two of them: the first is the claim and holds the whole record, the
last makes it visible. Whoever meets a claim without its record writes the rest (decision 0020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from core.demographics.amending import KEPT_IN, Hand, amended
from core.demographics.births import birth_key, same_births
from core.demographics.claiming import PatientChange, claiming
from core.demographics.dates import latest, stamped
from core.demographics.numbers import Maker, Numbers
from core.demographics.objections import Seen, require_none
from core.demographics.records import PATIENTS, Written, current, placeless
from core.demographics.updates import Changing
from core.errors import Duplicate, StoreError
from core.store.port import Document, Documents, Put, Record, Store, Update, Write
from core.values.changes import ChangeList, ItemChange, Kind, Mode, Single, SingleChange
from core.values.demographics import Birth, Mother, Patient
from core.values.identity import NhsNumber

NOT_YET: Final = NhsNumber("")
"""The number of a record that has none."""

MAX_TRIES: Final = 9
"""With a pause after each that doubles, some two seconds: as long as an update tries."""


class AllocateNumber(Struct, frozen=True):
    """Give a person a number and a record; `message_id` is the key of the message that asks."""

    message_id: str
    system: str
    record: Patient


class CreateRecord(Struct, frozen=True):
    """Give a child that was born a number and a record, unless it may have one already."""

    message_id: str
    system: str
    record: Patient
    ignore_duplicates: bool


class Created(Struct, frozen=True):
    """The record as it was made."""

    patient: Patient


class PossibleDuplicates(Struct, frozen=True):
    """The records that may be of the same child; none was made."""

    candidates: tuple[Patient, ...]


Command = AllocateNumber | CreateRecord


Making = Callable[[list[Write]], object]
"""Writes what makes a record; the last write is what makes it visible."""


class Creating(Struct, frozen=True):
    """What records are made with: ids, numbers, what changes are held against, a way to write."""

    new_id: Callable[[], str]
    numbers: Numbers
    changing: Changing
    make: Making

    @property
    def store(self) -> Store:
        """Where records stand."""
        return self.changing.claims.store


class Creation(Struct, frozen=True):
    """What a message made: the whole record, when, and for whom."""

    message_id: str
    patient: Patient
    at: str
    by: str
    command: str


CREATIONS: Final = Documents("creation")
"""By the key of the message."""

BIRTH_CLAIMS: Final = Documents("birth-claim")
"""By what births of one child agree in: of two messages at once, one makes the record."""


def allocate(command: AllocateNumber, creating: Creating) -> Created:
    """Give the record that stands for the message, with its number.

    Raises `NumbersExhausted`, `ChangeRefused`; `StoreError` where nothing was decided.
    """
    return Created(_made(command, creating, None).patient)


def create(command: CreateRecord, creating: Creating) -> Created | PossibleDuplicates:
    """Give the record that stands for the message, or those that may be of the same child.

    Raises what `allocate` raises.
    """
    key = None if command.ignore_duplicates else birth_key(command.record)
    if key is None:
        return Created(_made(command, creating, None).patient)
    if _standing(creating.store, CREATIONS, command.message_id) is None:
        others = _others(creating, key)
        if others.candidates:
            return others
    made = _made(command, creating, key)
    if made.message_id != command.message_id:
        others = _others(creating, key)
        if others.candidates:
            return others
        # Whom the claim was for has another number by now: it stands in nobody's way.
        made = _made(command, creating, None)
    return Created(made.patient)


def _others(creating: Creating, key: str) -> PossibleDuplicates:
    """Give the records of the same birth as they stand today.

    Of a restricted one nothing that leads to where it is.
    """
    today = stamped(creating.changing.now)[:8]
    standing = (current(one, today) for one in same_births(creating.store, key))
    return PossibleDuplicates(
        tuple(one if one.sensitivity is None else _guarded(one) for one in standing)
    )


def _guarded(patient: Patient) -> Patient:
    mother = patient.birth.mother.nhs_number if patient.birth else None
    return replace(placeless(patient), birth=Birth(Mother(nhs_number=mother)))


HANDLERS: Final[dict[type, Callable[..., Created | PossibleDuplicates]]] = {
    AllocateNumber: allocate,
    CreateRecord: create,
}


def _made(command: Command, creating: Creating, birth: str | None) -> Creation:
    """Give what stands for the message; where another has claimed the birth, what that one made."""
    store, claims = creating.store, creating.changing.claims
    for attempt in range(MAX_TRIES):
        made = (
            _standing(store, CREATIONS, command.message_id)
            or (_standing(store, BIRTH_CLAIMS, birth) if birth else None)
            or _new(command, creating)
        )
        if store.read(PATIENTS, made.patient.nhs_number) is not None:
            return made
        try:
            creating.make(_writes(made, birth))
        except Duplicate:
            claims.pause(attempt)
        else:
            return made
    raise StoreError("others make the same record at this moment: try again")


def _writes(made: Creation, birth: str | None) -> list[Write]:
    """Give all that makes a record; the record itself comes last, for it says that all is done.

    The number comes first, as the first version of its record: should two ever have been given
    it, one of them takes another.
    """
    change = PatientChange(
        nhs_number=made.patient.nhs_number,
        serial_change_number=made.patient.serial_change_number,
        at=made.at,
        by=made.by,
        command=made.command,
        message_id=made.message_id,
        patient=made.patient,
    )
    number, *indexes, _record = claiming(change, None)
    value = _encode(made)
    claims: list[Write] = [Put(CREATIONS, Document(made.message_id, value))]
    if birth:
        claims.insert(0, Put(BIRTH_CLAIMS, Document(birth, value)))
    record = Update(PATIENTS, change.nhs_number, _unless_another(change))
    return [number, *claims, *indexes, record]


def _unless_another(made: PatientChange) -> Callable[[Record[Patient, Written] | None], Any]:
    """Give the change that writes the record; where another stands by now: `Duplicate`."""
    key = f"{made.key}|{made.message_id}"

    def change(record: Record[Patient, Written] | None) -> Mapping[str, Written]:
        if record is not None and key not in record.facts:
            raise Duplicate("a record was written under the number meanwhile")
        return {key: Written(made.patient, made.at, made.by)}

    return change


def _new(command: Command, creating: Creating) -> Creation:
    """Give what the message is to make, under a number that was never given."""
    at = stamped(creating.changing.now)
    made = _first_version(command, creating.changing)
    number = creating.numbers.take(creating.store, Maker(at, creating.new_id))
    patient = replace(made, nhs_number=number)
    return Creation(command.message_id, patient, at, command.system, type(command).__name__)


def _first_version(command: Command, changing: Changing) -> Patient:
    """Give the record as it is to stand, but for its number; raise `ChangeRefused` as updates do.

    It is what an update makes that adds everything to nothing.
    """
    record = command.record
    nothing = Patient(nhs_number=NOT_YET, serial_change_number=0)
    items: dict[str, Any] = dict.fromkeys(KEPT_IN.values(), ())
    empty = replace(record, serial_change_number=0, registration=None, **items)
    asked = ChangeList(NOT_YET, 0, Kind.CHANGE, (*_items(record), *_singles(record)))
    hand = Hand(command.message_id, command.system, stamped(changing.now))
    after = amended(empty, asked, hand)
    seen = Seen(nothing, after, asked, latest(changing.now), changing.policy, changing.knows)
    require_none(seen)
    return after


def _items(record: Patient) -> tuple[ItemChange, ...]:
    return tuple(
        ItemChange(Mode.ADDED, item)
        for kept_in in KEPT_IN.values()
        for item in getattr(record, kept_in)
    )


def _singles(record: Patient) -> tuple[SingleChange, ...]:
    """Give the single values that are held against the clock and each other, or say who wrote."""
    values = {
        Single.BIRTH_TIME: record.birth_time,
        Single.DEATH: record.death,
        Single.REGISTRATION: record.registration,
    }
    return tuple(
        SingleChange(Mode.ADDED, what, value, getattr(record.notified, what, None))
        for what, value in values.items()
        if value is not None
    )


_encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(Creation)


def _standing(store: Store, documents: Documents, key: str) -> Creation | None:
    value = store.document(documents, key)
    if value is None:
        return None
    try:
        return _decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a document of {documents.name} is damaged: {error}") from error
