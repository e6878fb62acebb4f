"""Queries of demographics: find a patient by number or by details, say only what may be said.

The rules of matching and of what is withheld are written down in docs/tracing.md with their
sources; this module is the home of matching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

from core.demographics.blocking import LOCAL, local_key
from core.demographics.records import (
    PATIENTS,
    TRACES,
    Demographics,
    Found,
    Policy,
    current,
    folded,
    placeless,
    trace_key,
    withheld,
)
from core.errors import (
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    TooManyMatches,
)
from core.store.port import Span
from core.values.demographics import LocalIdentifier, Patient, RecordStatus
from core.values.identity import NhsNumber, is_nhs_number

GENDERS: Final = ("0", "1", "2", "9")
"""Every gender that a record can be traced by: where none is asked, each is looked for."""

_MOST_SO_CALLED: Final = 100
"""How many records that an organisation calls the same are looked at."""

MAX_SUPERSESSIONS: Final = 32
"""How many replaced numbers are followed before a record is called damaged.

A merge that would make a longer chain is refused, so what was merged is always found.
"""


class Retrieve(Struct, frozen=True):
    """Give the record under a number, with closed and replaced items where `history`."""

    nhs_number: NhsNumber
    history: bool = False


class Confirm(Struct, frozen=True):
    """Say whether a number is in use, and whose it is."""

    nhs_number: NhsNumber


class Trace(Struct, frozen=True):
    """Find the one patient with these details; what is None does not narrow."""

    gender: str | None
    birth_date: str
    family: str
    given: tuple[str, ...] = ()
    death_date: str | None = None
    postcode: str | None = None
    paf_key: str | None = None
    local: LocalIdentifier | None = None


class CrossCheck(Struct, frozen=True):
    """Say whether a number belongs to the person with this birth date (and name)."""

    nhs_number: NhsNumber
    birth_date: str
    given: str | None = None
    family: str | None = None
    local: LocalIdentifier | None = None


class Identify(Struct, frozen=True):
    """Find whom an organisation calls so, if birth date and given name agree."""

    local: LocalIdentifier
    birth_date: str
    given: str | None = None


def retrieve(command: Retrieve, records: Demographics) -> Found:
    """Give the record, withheld where it is restricted; follow a replaced number."""
    patient, superseded = by_number(command.nhs_number, records)
    if patient.sensitivity is not None:
        return Found(withheld(patient), limited=True, superseded=superseded)
    shown = patient if command.history else current(patient, records.today)
    return Found(shown, superseded=superseded)


def confirm(command: Confirm, records: Demographics) -> Found:
    """Give who has the number, withheld where restricted; follow a replaced number."""
    patient, superseded = by_number(command.nhs_number, records)
    shown = current(patient, records.today)
    if patient.sensitivity is not None:
        return Found(placeless(shown), limited=True, superseded=superseded)
    return Found(shown, superseded=superseded)


def cross_check(command: CrossCheck, records: Demographics) -> Found:
    """Give the record if the details agree with it; a replaced number is refused."""
    patient, superseded = by_number(command.nhs_number, records)
    shown = current(patient, records.today)
    verified = _verified(shown, command)
    if superseded:
        replacement = patient.nhs_number if verified else None
        raise NumberSuperseded("the number was replaced", replacement=replacement)
    if not verified:
        raise NotVerified("the details do not agree with the record")
    if patient.sensitivity is not None:
        return Found(placeless(shown), limited=True)
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
        return Found(placeless(patient), limited=True)
    return Found(patient)


def identify(command: Identify, records: Demographics) -> Found:
    """Give the one patient whom an organisation calls so and whose details agree."""
    key = local_key(command.local)
    page = records.store.find(PATIENTS, Span(LOCAL, key, key), limit=_MOST_SO_CALLED)
    found: dict[NhsNumber, Patient] = {}
    for _, number in page.entries:
        patient = _standing(NhsNumber(number), records)
        if patient is not None and _agrees(patient, command.birth_date, None, command.given):
            found[patient.nhs_number] = patient
    if page.after is not None or len(found) > 1:
        raise TooManyMatches("the organisation calls more than one patient so")
    if not found:
        raise NotFound("the organisation calls no patient with these details so")
    (patient,) = found.values()
    limited = patient.sensitivity is not None
    return Found(placeless(patient) if limited else patient, limited=limited)


def _standing(number: NhsNumber, records: Demographics) -> Patient | None:
    """Give what is current of the record that stands for a number; None where none does."""
    try:
        return current(by_number(number, records)[0], records.today)
    except (NotFound, NumberInvalidated):
        return None


Command = Retrieve | Confirm | Trace | CrossCheck | Identify

HANDLERS: Final[dict[type, Callable[..., Found]]] = {
    Retrieve: retrieve,
    Confirm: confirm,
    Trace: trace,
    CrossCheck: cross_check,
    Identify: identify,
}


def by_number(asked: NhsNumber, records: Demographics) -> tuple[Patient, NhsNumber | None]:
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
    genders = GENDERS if command.gender is None else (command.gender,)
    keys = [trace_key(command.birth_date, command.family, gender) for gender in genders]
    found = [candidates for key in keys if (candidates := records.store.read(TRACES, key))]
    # A record that was another gender before stands under both.
    for number in dict.fromkeys(one for some in found for one in some.nhs_numbers):
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
        command.gender in (None, patient.gender)
        and _same_date(patient.birth_time, command.birth_date)
        and _has_name(patient, command.family, command.given)
        and _fits_death(patient, command.death_date)
        and _fits_place(patient, command)
        and not _is_called_otherwise(patient, command.local)
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
    return _agrees(
        patient, command.birth_date, command.family, command.given
    ) and not _is_called_otherwise(patient, command.local)


def _agrees(patient: Patient, birth_date: str, family: str | None, given: str | None) -> bool:
    if not _same_date(patient.birth_time, birth_date):
        return False
    if family is None and given is None:
        return True
    return _has_name(patient, family, () if given is None else (given,))


def _is_called_otherwise(patient: Patient, local: LocalIdentifier | None) -> bool:
    """Say whether an organisation calls a patient by other identifiers of a scheme, not by this."""
    if local is None:
        return False
    same = [
        one.value
        for one in patient.local_identifiers
        if (one.organisation, one.scheme) == (local.organisation, local.scheme)
    ]
    return bool(same) and local.value not in same


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
