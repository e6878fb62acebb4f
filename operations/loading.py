"""Records into the store, many at a time, findable as soon as they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from core import demographics
from core.demographics import PATIENTS, TRACES
from core.store.port import Store
from core.values.demographics import Patient

BATCH: Final = 1000


def load(
    store: Store,
    patients: Iterable[Patient],
    *,
    source: str,
    at: str,
    progress: Callable[[int], None],
) -> None:
    """Write the patients and their trace keys; loading the same again changes nothing.

    `source` names where they come from: with the NHS number it is the id of the fact.
    """
    for batch in _batches(patients):
        store.update_many(
            PATIENTS,
            [
                (
                    one.nhs_number,
                    demographics.writes(
                        one, message_id=f"{source}/{one.nhs_number}", at=at, by=source
                    ),
                )
                for one in batch
            ],
        )
        store.update_many(
            TRACES,
            [
                (key, demographics.traceable(one.nhs_number))
                for one in batch
                for key in demographics.trace_keys(one)
            ],
        )
        progress(len(batch))


def _batches(patients: Iterable[Patient]) -> Iterator[list[Patient]]:
    source = iter(patients)
    while batch := list(islice(source, BATCH)):
        yield batch
