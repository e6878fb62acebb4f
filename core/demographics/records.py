"""The demographic records as they are kept: by number, and by what a trace must have.

What of a record is current, and what of a restricted one may be shown, is decided here
(docs/tracing.md, docs/decisions/0013-restricted-patients.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from core.demographics import blocking
from core.store.port import Bucket, Change, Store
from core.values.demographics import Patient, Period, Provenance, RecordStatus
from core.values.identity import NhsNumber


class Written(Struct, frozen=True):
    """The fact that a whole record was written: by whom, when."""

    patient: Patient
    at: str
    by: str


class Traceable(Struct, frozen=True):
    """The fact that a patient can be found under a trace key."""

    nhs_number: NhsNumber


class Candidates(Struct, frozen=True):
    """Who can be found under a trace key."""

    nhs_numbers: tuple[NhsNumber, ...]


def latest_of(facts: Mapping[str, Written]) -> tuple[str, Written]:
    """Give the fact with the highest serial change number; ties go to the later message id."""
    return max(facts.items(), key=lambda item: (item[1].patient.serial_change_number, item[0]))


def _latest(facts: Mapping[str, Written]) -> Patient:
    return latest_of(facts)[1].patient


def _only_latest(facts: Mapping[str, Written]) -> Mapping[str, Written]:
    """Give the fact that is the record; what was before it is told by the changes."""
    key, fact = latest_of(facts)
    return {key: fact}


PATIENTS: Final[Bucket[Patient, Written]] = Bucket(
    name="patient",
    fact=Written,
    state=Patient,
    fold=_latest,
    whole=lambda fact: fact.patient,
    keep=_only_latest,
    terms=blocking.terms,
)

TRACES: Final[Bucket[Candidates, Traceable]] = Bucket(
    name="trace",
    fact=Traceable,
    state=Candidates,
    fold=lambda facts: Candidates(tuple(NhsNumber(key) for key in sorted(facts))),
    whole=lambda fact: Candidates((fact.nhs_number,)),
)


class Found(Struct, frozen=True):
    """A patient's record as it may be shown; `limited` when details were withheld.

    `superseded` is the number that was asked for, where another one replaced it.
    """

    patient: Patient
    limited: bool = False
    superseded: NhsNumber | None = None


class Policy(Struct, frozen=True):
    """What the sources leave open (docs/tracing.md, docs/updates.md)."""

    restricted_found_by_place: bool = False
    restricted_updated: bool = False
    """Whether an ordinary client may change a restricted record."""
    next_serial_change_number_accepted: bool = False
    """Whether an update may also bring the number that the record is to have after it."""
    practices_known: bool = False
    """Whether a practice that is not in the directory is refused."""
    later_rules: bool = True
    """Whether the rules hold that only the later interface (FHIR) of the same records tells."""
    max_matches: int = 50
    """How many patients an advanced trace lists at most."""
    max_candidates: int = 500
    """How many records an advanced trace compares at most."""


class Demographics(Struct, frozen=True):
    """The records, today's date, and the policy: what a command is performed with."""

    store: Store
    today: str
    policy: Policy


def trace_keys(patient: Patient) -> tuple[str, ...]:
    """Give the keys under which a record can be traced: one for each family name in use."""
    if patient.status is not RecordStatus.ACTIVE or not patient.birth_time or not patient.gender:
        return ()
    families = {folded(name.family) for name in patient.names if name.family}
    return tuple(
        sorted(trace_key(patient.birth_time, family, patient.gender) for family in families)
    )


def trace_key(birth_time: str, family: str, gender: str) -> str:
    """Give the key of a trace by what it must have: birth date, family name, gender."""
    return f"{birth_time[:8]}|{folded(family)}|{gender}"


def folded(name: str) -> str:
    """Give a name as names are compared: case and runs of spaces do not count."""
    return " ".join(name.upper().split())


def writes(patient: Patient, *, message_id: str, at: str, by: str) -> Change[Patient, Written]:
    """Give the change that writes a whole record."""
    return lambda _record: {message_id: Written(patient, at, by)}


class Dated(Protocol):
    """An item that holds for a while, and says who wrote it."""

    @property
    def period(self) -> Period | None:
        """From when to when it holds."""
        ...

    @property
    def provenance(self) -> Provenance | None:
        """Who wrote it, and from when to when the record said so."""
        ...


_I = TypeVar("_I", bound=Dated)


def current(patient: Patient, today: str) -> Patient:
    """Give the record without what was closed or replaced by today (`yyyymmdd`)."""
    items: tuple[Dated, ...] = (
        *patient.names,
        *patient.addresses,
        *patient.telecoms,
        *patient.care_provisions,
        *patient.related_persons,
        *patient.identifiers,
        *patient.paper_records,
        *patient.past_registrations,
    )
    if not any(is_past(item, today) for item in items):
        return patient
    return replace(
        patient,
        names=_current(patient.names, today),
        addresses=_current(patient.addresses, today),
        telecoms=_current(patient.telecoms, today),
        care_provisions=_current(patient.care_provisions, today),
        related_persons=_current(patient.related_persons, today),
        identifiers=_current(patient.identifiers, today),
        paper_records=_current(patient.paper_records, today),
        past_registrations=_current(patient.past_registrations, today),
    )


def _current(items: tuple[_I, ...], today: str) -> tuple[_I, ...]:
    return tuple(item for item in items if not is_past(item, today))


def is_past(item: Dated, today: str) -> bool:
    """Say whether an item was closed or replaced by today (`yyyymmdd`)."""
    recorded = item.provenance.recorded if item.provenance else None
    if recorded is not None and recorded.end is not None:
        return True
    end = item.period.end[:8] if item.period is not None and item.period.end is not None else None
    # An end known in part is past when all of that part is.
    return end is not None and end < today[: len(end)]


def withheld(patient: Patient) -> Patient:
    """Give only that the record exists and is restricted (a retrieval's limited answer)."""
    return Patient(
        nhs_number=patient.nhs_number,
        serial_change_number=patient.serial_change_number,
        sensitivity=patient.sensitivity,
    )


def placeless(patient: Patient) -> Patient:
    """Give who a restricted patient is, and nothing that leads to where they are."""
    return Patient(
        nhs_number=patient.nhs_number,
        serial_change_number=patient.serial_change_number,
        sensitivity=patient.sensitivity,
        gender=patient.gender,
        birth_time=patient.birth_time,
        birth_order=patient.birth_order,
        death=patient.death,
        names=patient.names,
        recorded_at=patient.recorded_at,
    )
