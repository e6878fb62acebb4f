"""Updates of demographics: one message changes one record as a whole, or not at all.

What becomes of each item is `amending`, what speaks against it `objections`, who wins `claiming`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from core.demographics.amending import Hand, amended
from core.demographics.claiming import (
    Amendment,
    Claims,
    PatientChange,
    Standing,
    read_change,
    standing,
)
from core.demographics.dates import latest, stamped
from core.demographics.objections import Seen, require_none
from core.demographics.records import Policy
from core.errors import (
    NotFound,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    Restricted,
    SerialChangeNumberStale,
)
from core.values.changes import Change, ChangeList, ConsentChange, ItemChange
from core.values.demographics import Patient, RecordStatus
from core.values.identity import is_nhs_number


class UpdateRecord(Struct, frozen=True):
    """Change a record as a message asks; the same message again is the same update.

    `message_id` is the message's key, which no other message has; `system` is the ASID that sent
    it, which the items it writes name.
    """

    changes: ChangeList
    message_id: str
    system: str

    @property
    def nhs_number(self) -> str:
        """The number of the record, for the audit."""
        return self.changes.nhs_number


class Updated(Struct, frozen=True):
    """The record after an update, under its new serial change number."""

    patient: Patient


class Changing(Struct, frozen=True):
    """What a command that changes records is performed with, at one moment."""

    claims: Claims
    now: datetime
    policy: Policy
    knows: Callable[[str], bool]
    """Whether the directory has an organisation with an ODS code."""


def update(command: UpdateRecord, changing: Changing) -> Updated:
    """Give the record as it stands after the update.

    Raises `NumberNotValid`, `NotFound`, `NumberInvalidated`, `NumberSuperseded`, `Restricted`,
    `SerialChangeNumberStale`, `ItemNotFound`, `ChangeRefused`; `StoreError` where nobody could be
    told who won.
    """
    done: list[PatientChange] = []

    def amendments() -> tuple[Amendment, ...]:
        stands = required(command.nhs_number, changing)
        made = _made_before(command, stands, changing)
        if made is not None:
            done.append(made)
            return ()
        if stands.message_id == command.message_id:
            return (_told_again(command, stands),)
        return (_amendment(command, stands, changing),)

    done += [one.change for one in changing.claims.make(amendments)]
    return Updated(done[-1].patient)


HANDLERS: Final[dict[type, Callable[..., Updated]]] = {UpdateRecord: update}


def required(nhs_number: str, changing: Changing) -> Standing:
    """Give the record under a number; raise `NumberNotValid` or `NotFound` where there is none."""
    if not is_nhs_number(nhs_number):
        raise NumberNotValid("not a valid NHS number")
    found = standing(changing.claims.store, nhs_number)
    if found is None:
        raise NotFound("no record stands under the number")
    return found


def _made_before(
    command: UpdateRecord, stands: Standing, changing: Changing
) -> PatientChange | None:
    """Give the change that this very message made, or None.

    It can only have given the record the number after the one it names (or, as `Policy` may say,
    that one), so no index of messages is needed.
    """
    for number in _numbers_after(command, changing.policy):
        if number <= stands.patient.serial_change_number:
            made = read_change(changing.claims.store, command.nhs_number, number)
            if made is not None and made.message_id == command.message_id:
                return made
    return None


def _told_again(command: UpdateRecord, stands: Standing) -> Amendment:
    """Give the change that made the record what it is, where its claim is not to be found.

    Its writer withdrew the claim while another carried it out (a cluster, decision 0018).
    """
    change = PatientChange(
        nhs_number=command.nhs_number,
        serial_change_number=stands.patient.serial_change_number,
        at=stands.fact.at,
        by=stands.fact.by,
        command=type(command).__name__,
        message_id=command.message_id,
        patient=stands.patient,
        kind=command.changes.kind,
        noted=tuple(map(_noted, command.changes.changes)),
    )
    return Amendment(stands.patient, change)


def _numbers_after(command: UpdateRecord, policy: Policy) -> tuple[int, ...]:
    asked = command.changes.serial_change_number
    return (asked + 1, asked) if policy.next_serial_change_number_accepted else (asked + 1,)


def _amendment(command: UpdateRecord, stands: Standing, changing: Changing) -> Amendment:
    before, policy = stands.patient, changing.policy
    _require_changeable(before, policy)
    after_it = before.serial_change_number + 1
    if after_it not in _numbers_after(command, policy):
        raise SerialChangeNumberStale("the record is not at that serial change number")
    hand = Hand(command.message_id, command.system, stamped(changing.now))
    after = amended(before, command.changes, hand)
    require_none(Seen(before, after, command.changes, latest(changing.now), policy, changing.knows))
    change = PatientChange(
        nhs_number=command.nhs_number,
        serial_change_number=after_it,
        at=hand.at,
        by=command.system,
        command=type(command).__name__,
        message_id=command.message_id,
        patient=after,
        kind=command.changes.kind,
        noted=tuple(map(_noted, command.changes.changes)),
        base=stands.base,
    )
    return Amendment(before, change)


def _require_changeable(patient: Patient, policy: Policy) -> None:
    """Return if a record is one that an ordinary client may change; the dead's are (pds.md 5.4)."""
    if patient.status is RecordStatus.INVALID:
        raise NumberInvalidated("the number is no longer in use")
    if patient.superseded_by is not None:
        raise NumberSuperseded("the number was replaced")
    if patient.sensitivity is not None and not policy.restricted_updated:
        raise Restricted("the record is restricted")


def _noted(change: Change) -> dict[str, Any]:
    """Give what a change asked for, for the record's history."""
    if isinstance(change, ItemChange):
        return {"mode": change.mode, "what": type(change.item).__name__, "item": change.item}
    if isinstance(change, ConsentChange):
        return {"mode": change.mode, "what": "Consent", "item": change.consent}
    return {"mode": change.mode, "what": change.what, "value": change.value}
