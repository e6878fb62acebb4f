"""What the back office does to records by hand: merge, split, restrict; and their history.

The national back office did this on screens of its own: no public message asks for it. Each is a
change like any other, claimed under a serial change number and audited. A command that was cut
short on a cluster is finished by giving it again; where nothing is left to do, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from core.demographics.claiming import Amendment, PatientChange, Standing, read_change
from core.demographics.dates import stamped
from core.demographics.queries import MAX_SUPERSESSIONS
from core.demographics.records import Written
from core.demographics.updates import Changing, Updated, required
from core.errors import ChangeRefused, NumberInvalidated, NumberSuperseded
from core.values.changes import Objection
from core.values.demographics import Patient, Period, RecordStatus, ReplacedNumber, Sensitivity
from core.values.identity import NhsNumber


class Merge(Struct, frozen=True):
    """Let one number stand for the person of both: the loser's record is found under it."""

    loser: NhsNumber
    survivor: NhsNumber
    message_id: str
    operator: str

    @property
    def nhs_numbers(self) -> tuple[str, ...]:
        """The numbers of the records that it touches, for the audit."""
        return self.loser, self.survivor


class Split(Struct, frozen=True):
    """Let a number that was replaced stand for a person of its own again."""

    nhs_number: NhsNumber
    message_id: str
    operator: str


class Restrict(Struct, frozen=True):
    """Withhold a record's details, for a reason; None lifts that."""

    nhs_number: NhsNumber
    sensitivity: Sensitivity | None
    message_id: str
    operator: str


class ShowHistory(Struct, frozen=True):
    """Give a record and its last changes, whoever may see it otherwise."""

    nhs_number: NhsNumber
    limit: int


class History(Struct, frozen=True):
    """A record as it stands, its changes (the last one first), and what was loaded before them."""

    patient: Patient
    changes: tuple[PatientChange, ...]
    loaded: Written | None = None


def merge(command: Merge, changing: Changing) -> Updated:
    """Give the survivor; the loser is superseded by it.

    The survivor is restricted if either was. Raises `ChangeRefused`, `NotFound`,
    `NumberSuperseded` where either was replaced by another, `NumberInvalidated`.
    """
    if command.loser == command.survivor:
        raise ChangeRefused(Objection.SAME_NUMBER)

    def amendments() -> tuple[Amendment, ...]:
        loser, survivor = (required(one, changing) for one in command.nhs_numbers)
        _require_own(survivor.patient)
        if loser.patient.superseded_by != command.survivor:
            _require_own(loser.patient)
            _require_followed(loser.patient)
        # The survivor first: should only one change be made, the loser is still there.
        return _changed(
            command,
            changing,
            (survivor, _having_taken_over(survivor.patient, loser.patient, changing)),
            (loser, _superseded(loser.patient, command.survivor)),
        )

    return _after(command.survivor, changing.claims.make(amendments), changing)


def split(command: Split, changing: Changing) -> Updated:
    """Give the record that stands for itself again.

    Raises `NotFound`, and `ChangeRefused` where no number replaces it.
    """

    def amendments() -> tuple[Amendment, ...]:
        own = required(command.nhs_number, changing)
        if own.patient.superseded_by is None:
            return ()
        after = replace(own.patient, status=RecordStatus.ACTIVE, superseded_by=None)
        holders = [
            (one, _without(one.patient, own.patient)) for one in _replacing(own.patient, changing)
        ]
        return _changed(command, changing, *holders, (own, after))

    if required(command.nhs_number, changing).patient.superseded_by is None:
        raise ChangeRefused(Objection.NOT_REPLACED)
    return _after(command.nhs_number, changing.claims.make(amendments), changing)


def restrict(command: Restrict, changing: Changing) -> Updated:
    """Give the record, restricted or no longer; raise as `merge` does."""

    def amendments() -> tuple[Amendment, ...]:
        own = required(command.nhs_number, changing)
        _require_own(own.patient)
        after = replace(own.patient, sensitivity=command.sensitivity)
        return _changed(command, changing, (own, after))

    return _after(command.nhs_number, changing.claims.make(amendments), changing)


def show_history(command: ShowHistory, changing: Changing) -> History:
    """Give the record and its changes, read number by number; raise `NotFound`."""
    stands = required(command.nhs_number, changing)
    changes: list[PatientChange] = []
    loaded = stands.base
    for number in range(stands.patient.serial_change_number, 0, -1):
        change = read_change(changing.claims.store, command.nhs_number, number)
        if change is None or len(changes) == command.limit:
            break
        changes.append(change)
        loaded = change.base
        if loaded is not None:
            break
    return History(stands.patient, tuple(changes), loaded)


HANDLERS: Final[dict[type, Callable[..., Updated | History]]] = {
    Merge: merge,
    Split: split,
    Restrict: restrict,
    ShowHistory: show_history,
}


def _after(nhs_number: NhsNumber, made: tuple[Amendment, ...], changing: Changing) -> Updated:
    """Give the record as it was made, or as it stood already."""
    for one in made:
        if one.change.nhs_number == nhs_number:
            return Updated(one.change.patient)
    return Updated(required(nhs_number, changing).patient)


def _require_own(patient: Patient) -> None:
    """Return if a record's number stands for the person itself."""
    if patient.status is RecordStatus.INVALID:
        raise NumberInvalidated("the number is no longer in use")
    if patient.superseded_by is not None:
        raise NumberSuperseded("the number was replaced")


def _require_followed(loser: Patient) -> None:
    """Return if whatever leads to a number is still found once that leads to another."""
    # All that lead to it may do so one after the other; then come itself and the survivor.
    if len(loser.replaced) + 2 > MAX_SUPERSESSIONS:
        raise ChangeRefused(Objection.TOO_MANY_LEAD_TO_IT)


def _having_taken_over(survivor: Patient, loser: Patient, changing: Changing) -> Patient:
    """Give the survivor with all that led to the loser, and with its restriction."""
    known = {one.nhs_number for one in survivor.replaced}
    taken = (
        ReplacedNumber(loser.nhs_number, Period(stamped(changing.now)[:8])),
        *loser.replaced,
    )
    new = tuple(one for one in taken if one.nhs_number not in known)
    return replace(
        survivor,
        replaced=(*survivor.replaced, *new),
        sensitivity=survivor.sensitivity or loser.sensitivity,
        local_identifiers=tuple(
            dict.fromkeys((*survivor.local_identifiers, *loser.local_identifiers))
        ),
    )


def _superseded(loser: Patient, survivor: NhsNumber) -> Patient:
    return replace(loser, status=RecordStatus.SUPERSEDED, superseded_by=survivor)


def _replacing(patient: Patient, changing: Changing) -> Iterator[Standing]:
    """Give the records that replace one, each after the other."""
    for _ in range(MAX_SUPERSESSIONS):
        if patient.superseded_by is None:
            return
        holder = required(patient.superseded_by, changing)
        yield holder
        patient = holder.patient


def _without(holder: Patient, leaving: Patient) -> Patient:
    gone = {leaving.nhs_number, *(one.nhs_number for one in leaving.replaced)}
    return replace(
        holder,
        replaced=tuple(one for one in holder.replaced if one.nhs_number not in gone),
        local_identifiers=tuple(
            one for one in holder.local_identifiers if one not in leaving.local_identifiers
        ),
    )


def _changed(
    command: Merge | Split | Restrict, changing: Changing, *wanted: tuple[Standing, Patient]
) -> tuple[Amendment, ...]:
    """Give what makes records become others, without those that are so already."""
    return tuple(
        _amendment(command, changing, stands, after)
        for stands, after in wanted
        if after != stands.patient
    )


def _amendment(
    command: Merge | Split | Restrict, changing: Changing, stands: Standing, after: Patient
) -> Amendment:
    number = stands.patient.serial_change_number + 1
    change = PatientChange(
        nhs_number=after.nhs_number,
        serial_change_number=number,
        at=stamped(changing.now),
        by=command.operator,
        command=type(command).__name__,
        message_id=command.message_id,
        patient=replace(after, serial_change_number=number),
        noted=tuple(_differing(stands.patient, after)),
        base=stands.base,
    )
    return Amendment(stands.patient, change)


_TOLD: Final = ("status", "superseded_by", "replaced", "sensitivity")


def _differing(before: Patient, after: Patient) -> Iterator[dict[str, Any]]:
    for what in _TOLD:
        value = getattr(after, what)
        if value != getattr(before, what):
            mode = "removed" if value is None else "altered"
            yield {"mode": mode, "what": what, "value": value}
