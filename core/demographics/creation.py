"""New records: a number is given out, and the record stands under it, once for each message.

What a message made is written down under the message's own key: done again, it finds that and
gives the same. On the embedded stores all is one `apply`. On a cluster the writes follow each other
and a writer may die between two of them: the first is the claim and holds the whole record, the
last makes it visible. Whoever meets a claim without its record writes the rest (decision 0020).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import msgspec

from core.context import Context
from core.demographics.births import birth_key, same_births
from core.demographics.indexing import reindexing
from core.demographics.numbers import Numbers
from core.demographics.records import PATIENTS, Written
from core.errors import Duplicate, StoreError
from core.messaging.keeping import iso
from core.store.port import Document, Documents, Put, Record, Store, Update, Write
from core.values.demographics import (
    Address,
    CareProvision,
    Name,
    Patient,
    Period,
    Provenance,
    RelatedPerson,
    Telecom,
)
from core.values.identity import NhsNumber

NOT_YET: Final = NhsNumber("")
"""The number of a record that has none."""

MAX_TRIES: Final = 8
_SHORTEST_PAUSE: Final = 0.01


@dataclass(frozen=True, slots=True)
class AllocateNumber:
    """Give a person a number and a record; `message_id` is the key of the message that asks."""

    message_id: str
    system: str
    record: Patient


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Give a child that was born a number and a record, unless it may have one already."""

    message_id: str
    system: str
    record: Patient
    ignore_duplicates: bool


@dataclass(frozen=True, slots=True)
class Created:
    """The record as it was made."""

    patient: Patient


@dataclass(frozen=True, slots=True)
class PossibleDuplicates:
    """The records that may be of the same child; none was made."""

    candidates: tuple[Patient, ...]


Command = AllocateNumber | CreateRecord


@dataclass(frozen=True, slots=True)
class Creating:
    """What records are made with."""

    store: Store
    context: Context
    numbers: Numbers
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Creation:
    """What a message made: the whole record, when, and for whom."""

    message_id: str
    patient: Patient
    at: str
    by: str


CREATIONS: Final = Documents("creation")
"""By the key of the message."""

BIRTH_CLAIMS: Final = Documents("birth-claim")
"""By what births of one child agree in: of two messages at once, one makes the record."""


def allocate(command: AllocateNumber, creating: Creating) -> Created:
    """Give the record that stands for the message, with its number."""
    return Created(_made(command, creating, None).patient)


def create(command: CreateRecord, creating: Creating) -> Created | PossibleDuplicates:
    """Give the record that stands for the message, or those that may be of the same child."""
    key = None if command.ignore_duplicates else birth_key(command.record)
    if key is None:
        return Created(_made(command, creating, None).patient)
    if _standing(creating.store, CREATIONS, command.message_id) is None:
        others = same_births(creating.store, key)
        if others:
            return PossibleDuplicates(others)
    made = _made(command, creating, key)
    if made.message_id != command.message_id:
        others = same_births(creating.store, key)
        if others:
            return PossibleDuplicates(others)
        # Whom the claim was for has another number by now: it stands in nobody's way.
        made = _made(command, creating, None)
    return Created(made.patient)


HANDLERS: Final[dict[type, Callable[..., Created | PossibleDuplicates]]] = {
    AllocateNumber: allocate,
    CreateRecord: create,
}


def _made(command: Command, creating: Creating, birth: str | None) -> Creation:
    """Give what stands for the message; where another has claimed the birth, what that one made."""
    store = creating.store
    for attempt in range(MAX_TRIES):
        made = (
            _standing(store, CREATIONS, command.message_id)
            or (_standing(store, BIRTH_CLAIMS, birth) if birth else None)
            or _new(command, creating)
        )
        if store.read(PATIENTS, made.patient.nhs_number) is not None:
            return made
        try:
            store.apply(_writes(made, birth))
        except Duplicate:
            creating.pause(_jitter(made, attempt))
        else:
            return made
    raise StoreError("others make the same record at this moment: try again")


def _writes(made: Creation, birth: str | None) -> list[Write]:
    """Give all that makes a record; the record itself comes last, for it says that all is done."""
    value = _encode(made)
    claims: list[Write] = [Put(CREATIONS, Document(made.message_id, value))]
    if birth:
        claims.insert(0, Put(BIRTH_CLAIMS, Document(birth, value)))
    return [
        *claims,
        *reindexing(None, made.patient),
        Update(PATIENTS, made.patient.nhs_number, _unless_another(made)),
    ]


def _unless_another(made: Creation) -> Callable[[Record[Patient, Written] | None], Any]:
    """Give the change that writes the record; where another stands by now: `Duplicate`."""

    def change(record: Record[Patient, Written] | None) -> Mapping[str, Written]:
        if record is not None and made.message_id not in record.facts:
            raise Duplicate("a record was written under the number meanwhile")
        return {made.message_id: Written(made.patient, made.at, made.by)}

    return change


def _new(command: Command, creating: Creating) -> Creation:
    now = creating.context.now()
    number = creating.numbers.take(creating.store, creating.context)
    patient = _stamped(command, number, f"{now:%Y%m%d%H%M%S}")
    return Creation(command.message_id, patient, iso(now), command.system)


T = TypeVar("T", Name, Address, Telecom, CareProvision, RelatedPerson)


def _stamped(command: Command, number: NhsNumber, at: str) -> Patient:
    """Give the record with its number, and on every item its object id and who wrote it when."""
    written = Provenance(system=command.system, recorded=Period(at))

    def stamped(items: tuple[T, ...], kind: str) -> tuple[T, ...]:
        return tuple(
            replace(item, object_id=_object_id(f"{number}|{kind}|{place}"), provenance=written)
            for place, item in enumerate(items)
        )

    record = command.record
    return replace(
        record,
        nhs_number=number,
        serial_change_number=1,
        names=stamped(record.names, "name"),
        addresses=stamped(record.addresses, "address"),
        telecoms=stamped(record.telecoms, "telecom"),
        care_provisions=stamped(record.care_provisions, "care"),
        related_persons=stamped(record.related_persons, "related"),
        recorded_at=at,
    )


def _object_id(source: str) -> str:
    """Give a short id in lower case, as the records of the national service show them."""
    return hashlib.sha256(source.encode()).hexdigest()[:8]


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


def _jitter(made: Creation, attempt: int) -> float:
    """Give a pause, other for each number: who met once shall not meet again."""
    digest = hashlib.sha256(f"{made.patient.nhs_number}|{attempt}".encode()).digest()
    return float(_SHORTEST_PAUSE * 2**attempt * (0.5 + digest[0] / 256))
