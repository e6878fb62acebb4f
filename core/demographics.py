"""Demographics: find a patient by number or by details, and say only what may be said.

The rules of matching and of what is withheld are written down in docs/tracing.md with their
sources; this module is their one home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Protocol, TypeVar

from core.errors import (
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    TooManyMatches,
)
from core.store.port import Bucket, Change, Store
from core.values.demographics import (
    Patient,
    Period,
    Provenance,
    RecordStatus,
)
from core.values.identity import NhsNumber, is_nhs_number

MAX_SUPERSESSIONS: Final = 10
"""How many replaced numbers are followed before a record is called damaged."""


@dataclass(frozen=True, slots=True)
class Written:
    """The fact that a whole record was written: by whom, when."""

    patient: Patient
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Traceable:
    """The fact that a patient can be found under a trace key."""

    nhs_number: NhsNumber


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who can be found under a trace key."""

    nhs_numbers: tuple[NhsNumber, ...]


def _latest(facts: Mapping[str, Written]) -> Patient:
    """Give the record with the highest serial change number; ties go to the later message id."""
    return max(facts.items(), key=lambda item: (item[1].patient.serial_change_number, item[0]))[
        1
    ].patient


PATIENTS: Final[Bucket[Patient, Written]] = Bucket(
    name="patient",
    fact=Written,
    state=Patient,
    fold=_latest,
    whole=lambda fact: fact.patient,
)

TRACES: Final[Bucket[Candidates, Traceable]] = Bucket(
    name="trace",
    fact=Traceable,
    state=Candidates,
    fold=lambda facts: Candidates(tuple(NhsNumber(key) for key in sorted(facts))),
    whole=lambda fact: Candidates((fact.nhs_number,)),
)


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Give the record under a number, with closed and replaced items where `history`."""

    nhs_number: NhsNumber
    history: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """Say whether a number is in use, and whose it is."""

    nhs_number: NhsNumber


@dataclass(frozen=True, slots=True)
class Trace:
    """Find the one patient with these details; what is None does not narrow."""

    gender: str
    birth_date: str
    family: str
    given: tuple[str, ...] = ()
    death_date: str | None = None
    postcode: str | None = None
    paf_key: str | None = None


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Say whether a number belongs to the person with this birth date (and name)."""

    nhs_number: NhsNumber
    birth_date: str
    given: str | None = None
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A patient's record as it may be shown; `limited` when details were withheld.

    `superseded` is the number that was asked for, where another one replaced it.
    """

    patient: Patient
    limited: bool = False
    superseded: NhsNumber | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What the sources leave open (docs/tracing.md)."""

    restricted_found_by_place: bool = False


@dataclass(frozen=True, slots=True)
class Demographics:
    """The records, today's date, and the policy: what a command is performed with."""

    store: Store
    today: str
    policy: Policy


def retrieve(command: Retrieve, records: Demographics) -> Found:
    """Give the record, withheld where it is restricted; follow a replaced number."""
    patient, superseded = _by_number(command.nhs_number, records)
    if patient.sensitivity is not None:
        return Found(_withheld(patient), limited=True, superseded=superseded)
    shown = patient if command.history else current(patient, records.today)
    return Found(shown, superseded=superseded)


def confirm(command: Confirm, records: Demographics) -> Found:
    """Give who has the number, withheld where restricted; follow a replaced number."""
    patient, superseded = _by_number(command.nhs_number, records)
    shown = current(patient, records.today)
    if patient.sensitivity is not None:
        return Found(_placeless(shown), limited=True, superseded=superseded)
    return Found(shown, superseded=superseded)


def cross_check(command: CrossCheck, records: Demographics) -> Found:
    """Give the record if the details agree with it; a replaced number is refused."""
    patient, superseded = _by_number(command.nhs_number, records)
    if superseded:
        raise NumberSuperseded("the number was replaced")
    shown = current(patient, records.today)
    if not _verified(shown, command):
        raise NotVerified("the details do not agree with the record")
    if patient.sensitivity is not None:
        return Found(_placeless(shown), limited=True)
    return Found(shown)


def trace(command: Trace, records: Demographics) -> Found:
    """Give the one patient that all the details fit."""
    found = list(islice(_traced(command, records), 2))
    if not found:
        raise NotFound("no patient has these details")
    if len(found) > 1:
        raise TooManyMatches("more than one patient has these details")
    patient = found[0]
    if patient.sensitivity is not None:
        return Found(_placeless(patient), limited=True)
    return Found(patient)


Command = Retrieve | Confirm | Trace | CrossCheck

HANDLERS: Final[dict[type, Callable[..., Found]]] = {
    Retrieve: retrieve,
    Confirm: confirm,
    Trace: trace,
    CrossCheck: cross_check,
}


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


def traceable(nhs_number: NhsNumber) -> Change[Candidates, Traceable]:
    """Give the change that makes a patient findable under a key."""
    return lambda _record: {nhs_number: Traceable(nhs_number)}


def _by_number(asked: NhsNumber, records: Demographics) -> tuple[Patient, NhsNumber | None]:
    """Give the record that stands for a number, and the number asked for if it was replaced."""
    if not is_nhs_number(asked):
        raise NumberNotValid("not a valid NHS number")
    number = asked
    for _ in range(MAX_SUPERSESSIONS):
        patient = records.store.read(PATIENTS, number)
        if patient is None:
            raise NotFound("no record stands under the number")
        if patient.status is RecordStatus.INVALID:
            raise NumberInvalidated("the number is no longer in use")
        if patient.superseded_by is None:
            return patient, None if number == asked else asked
        number = patient.superseded_by
    raise NumberInvalidated("the number's replacements lead nowhere")


def _traced(command: Trace, records: Demographics) -> Iterator[Patient]:
    """Give the current records under the trace's key that fit everything else."""
    key = trace_key(command.birth_date, command.family, command.gender)
    candidates = records.store.read(TRACES, key)
    for number in candidates.nhs_numbers if candidates else ():
        patient = records.store.read(PATIENTS, number)
        if patient is None or patient.status is not RecordStatus.ACTIVE:
            continue
        shown = current(patient, records.today)
        if _fits(shown, command, records.policy):
            yield shown


def _fits(patient: Patient, command: Trace, policy: Policy) -> bool:
    by_place = command.postcode is not None or command.paf_key is not None
    if patient.sensitivity and by_place and not policy.restricted_found_by_place:
        return False
    return (
        patient.gender == command.gender
        and _same_date(patient.birth_time, command.birth_date)
        and _has_name(patient, command.family, command.given)
        and _fits_death(patient, command.death_date)
        and _fits_place(patient, command)
    )


def _fits_death(patient: Patient, date: str | None) -> bool:
    return date is None or (patient.death is not None and _same_date(patient.death.time, date))


def _fits_place(patient: Patient, command: Trace) -> bool:
    """Say whether one current address has the postcode and the PAF key that are asked for."""
    if command.postcode is None and command.paf_key is None:
        return True
    return any(
        (command.postcode is None or _same_postcode(address.postcode, command.postcode))
        and (command.paf_key is None or address.paf_key == command.paf_key)
        for address in patient.addresses
    )


def _verified(patient: Patient, command: CrossCheck) -> bool:
    if not _same_date(patient.birth_time, command.birth_date):
        return False
    if command.family is None and command.given is None:
        return True
    given = () if command.given is None else (command.given,)
    return _has_name(patient, command.family, given)


def _has_name(patient: Patient, family: str | None, given: tuple[str, ...]) -> bool:
    """Say whether one name has the family name and starts with the given names."""
    wanted = [folded(name) for name in given if name.strip()]
    return any(
        (family is None or (name.family is not None and folded(name.family) == folded(family)))
        and [folded(one) for one in name.given][: len(wanted)] == wanted
        for name in patient.names
    )


def _same_date(recorded: str | None, asked: str) -> bool:
    """Compare to the day; a date known in part equals only the same part."""
    return recorded is not None and recorded[:8] == asked[:8]


def _same_postcode(recorded: str | None, asked: str) -> bool:
    return recorded is not None and _squeezed(recorded) == _squeezed(asked)


def _squeezed(postcode: str) -> str:
    return "".join(postcode.upper().split())


class _Item(Protocol):
    @property
    def period(self) -> Period | None: ...
    @property
    def provenance(self) -> Provenance | None: ...


_I = TypeVar("_I", bound=_Item)


def current(patient: Patient, today: str) -> Patient:
    """Give the record without what was closed or replaced by today (`yyyymmdd`)."""
    items: tuple[_Item, ...] = (
        *patient.names,
        *patient.addresses,
        *patient.telecoms,
        *patient.care_provisions,
        *patient.related_persons,
    )
    if not any(_is_past(item, today) for item in items):
        return patient
    return replace(
        patient,
        names=_current(patient.names, today),
        addresses=_current(patient.addresses, today),
        telecoms=_current(patient.telecoms, today),
        care_provisions=_current(patient.care_provisions, today),
        related_persons=_current(patient.related_persons, today),
    )


def _current(items: tuple[_I, ...], today: str) -> tuple[_I, ...]:
    return tuple(item for item in items if not _is_past(item, today))


def _is_past(item: _Item, today: str) -> bool:
    recorded = item.provenance.recorded if item.provenance else None
    if recorded is not None and recorded.end is not None:
        return True
    end = item.period.end[:8] if item.period is not None and item.period.end is not None else None
    # An end known in part is past when all of that part is.
    return end is not None and end < today[: len(end)]


def _withheld(patient: Patient) -> Patient:
    """Give only that the record exists and is restricted (a retrieval's limited answer)."""
    return Patient(
        nhs_number=patient.nhs_number,
        serial_change_number=patient.serial_change_number,
        sensitivity=patient.sensitivity,
    )


def _placeless(patient: Patient) -> Patient:
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
