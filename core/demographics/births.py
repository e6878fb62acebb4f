"""Births: which records may be of the same child (docs/decisions/0020).

No public source says when two births are held for one. Here they are where the mother's NHS number,
the day, and the order within the confinement agree; an index leads from the three to the records.
"""

from __future__ import annotations

from typing import Final

from core.demographics.records import PATIENTS, Candidates, Traceable
from core.store.port import Bucket, Store
from core.values.demographics import Patient, RecordStatus
from core.values.identity import NhsNumber

BIRTHS: Final[Bucket[Candidates, Traceable]] = Bucket(
    name="birth",
    fact=Traceable,
    state=Candidates,
    fold=lambda facts: Candidates(tuple(NhsNumber(key) for key in sorted(facts))),
    whole=lambda fact: Candidates((fact.nhs_number,)),
)


def birth_key(patient: Patient) -> str | None:
    """Give what another record of the same child would agree in; None where it is not known."""
    mother = patient.birth.mother.nhs_number if patient.birth else None
    if not mother or not patient.birth_time or patient.birth_order is None:
        return None
    return f"{mother}|{patient.birth_time[:8]}|{patient.birth_order}"


def same_births(store: Store, key: str) -> tuple[Patient, ...]:
    """Give the records in use that have this key now."""
    found = store.read(BIRTHS, key)
    numbers = found.nhs_numbers if found else ()
    patients = (store.read(PATIENTS, number) for number in numbers)
    return tuple(
        one
        for one in patients
        if one is not None and one.status is RecordStatus.ACTIVE and birth_key(one) == key
    )
