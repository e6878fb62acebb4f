"""Records into the store, many at a time, findable as soon as they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Final, TypeVar

from msgspec.structs import replace

from core.demographics import records
from core.demographics.indexing import reindexing
from core.demographics.records import PATIENTS
from core.store.port import Put, Store, Update
from core.values.changes import Item
from core.values.demographics import (
    Address,
    AlternativeIdentifier,
    CareProvision,
    Name,
    PaperRecord,
    Patient,
    RelatedPerson,
    Telecom,
)

BATCH: Final = 1000

T = TypeVar(
    "T",
    Name,
    Address,
    Telecom,
    CareProvision,
    RelatedPerson,
    AlternativeIdentifier,
    PaperRecord,
)


def load(
    store: Store,
    patients: Iterable[Patient],
    *,
    source: str,
    at: str,
    progress: Callable[[int], None],
) -> None:
    """Write the patients and their trace keys; loading the same again changes nothing.

    `source` names where they come from: with the NHS number it is the id of the fact. Repeating
    items without an object id get one, since every generation shows them with it.
    """
    for batch in _batches(identified(one) for one in patients):
        store.update_many(
            PATIENTS,
            [
                (
                    one.nhs_number,
                    records.writes(one, message_id=f"{source}/{one.nhs_number}", at=at, by=source),
                )
                for one in batch
            ],
        )
        _reindex(store, batch)
        progress(len(batch))


def _reindex(store: Store, patients: list[Patient]) -> None:
    """Make the patients findable, many writes at a time."""
    found = [write for one in patients for write in reindexing(None, one)]
    updates: dict[str, list[Update]] = {}
    for write in found:
        if isinstance(write, Put):
            store.write_once(write.documents, write.document)
        else:
            updates.setdefault(write.bucket.name, []).append(write)
    for some in updates.values():
        store.update_many(some[0].bucket, [(one.key, one.change) for one in some])


def identified(patient: Patient) -> Patient:
    """Give the patient with an object id, unique in the record, on every repeating item."""
    items: tuple[Item, ...] = (
        *patient.names,
        *patient.addresses,
        *patient.telecoms,
        *patient.care_provisions,
        *patient.related_persons,
        *patient.identifiers,
        *patient.paper_records,
    )
    taken = {one.object_id for one in items}
    if None not in taken:
        return patient
    free = (f"o{number}" for number in count(1) if f"o{number}" not in taken)
    return replace(
        patient,
        names=_numbered(patient.names, free),
        addresses=_numbered(patient.addresses, free),
        telecoms=_numbered(patient.telecoms, free),
        care_provisions=_numbered(patient.care_provisions, free),
        related_persons=_numbered(patient.related_persons, free),
        identifiers=_numbered(patient.identifiers, free),
        paper_records=_numbered(patient.paper_records, free),
    )


def _numbered(items: tuple[T, ...], free: Iterator[str]) -> tuple[T, ...]:
    return tuple(
        one if one.object_id is not None else replace(one, object_id=next(free)) for one in items
    )


def _batches(patients: Iterable[Patient]) -> Iterator[list[Patient]]:
    source = iter(patients)
    while batch := list(islice(source, BATCH)):
        yield batch
