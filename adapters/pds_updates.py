"""Updates of demographics: a message's changes as a command, and what came of it as an answer."""

from __future__ import annotations

from typing import Final

from adapters.opening import acknowledging
from adapters.ourselves import Ourselves
from adapters.services import Handled, Service
from core.demographics.updates import UpdateRecord
from core.errors import (
    ChangeRefused,
    CoreError,
    ItemNotFound,
    NotFound,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    Restricted,
    SerialChangeNumberStale,
)
from core.values.changes import Objection
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import Fault
from legacy_contracts.hl7 import payload, pushed
from legacy_contracts.hl7.pushed import Ack
from legacy_contracts.pds import update_answers, updates
from legacy_contracts.tms import application

UPDATE_FAILED: Final = Fault("UPDATE_FAILED")
"""What stands before the reason of every refusal (pds.md 2.9)."""

REFUSALS: Final[dict[type[CoreError], Fault]] = {
    NumberNotValid: Fault("FAILED_MOD11_CHECK"),
    NotFound: Fault("NHS_NUMBER_NOT_FOUND"),
    NumberInvalidated: Fault("NHS_NUMBER_NOT_IN_USE"),
    NumberSuperseded: Fault("NHS_NUMBER_SUPERSEDED_UPDATE"),
    SerialChangeNumberStale: Fault("SERIAL_CHANGE_NUMBER_MISMATCH"),
    ItemNotFound: Fault("OBJECT_ID_NOT_FOUND"),
    Restricted: Fault("RECORD_RESTRICTED"),
}

REFUSED: Final[tuple[type[CoreError], ...]] = (*REFUSALS, ChangeRefused)

OBJECTIONS: Final = {
    Objection.USUAL_NAME_REMOVED: Fault("UNABLE_TO_DELETE_USUAL_NAME"),
    Objection.UNKNOWN_PRACTICE: Fault("INVALID_GPREG"),
}
"""The objections that a name of the stylesheets says; the others are told in words of ours."""


def answer_update(handled: Handled, us: Ourselves) -> tuple[str, bytes]:
    """Do what an update asks and say so; one that breaks a rule, or is refused, gets an AE."""
    opened = handled.opened
    update = updates.BY_ID[handled.message.accepted.envelope.activity]
    ack = acknowledging(handled.key, handled.message, opened.fields, us)
    faults = update.faults(opened.root)
    if faults:
        us.core.decline(by=opened.caller, command=UpdateRecord.__name__, why=faults[0].name)
        return refused(ack, *faults)
    command = UpdateRecord(update.parse(opened.root), handled.key, opened.fields.from_asid)
    try:
        done = us.core.perform(command, by=opened.caller)
    except REFUSED as error:
        return refused(ack, fault_of(error))
    told = update_answers.done(done.patient)
    warnings = update.warnings(opened.root)
    return update.answer, pushed.success(update.answer, ack, told, warnings)


def refused(ack: Ack, *faults: Fault) -> tuple[str, bytes]:
    """Give the refusal of an update: the general code, and what it is refused for."""
    return APPLICATION_ACK, application.in_error(ack, (UPDATE_FAILED, *faults))


def fault_of(error: CoreError) -> Fault:
    """Give what says a refusal of the core on the wire."""
    if isinstance(error, ChangeRefused):
        told = Fault("CHANGE_NOT_PERMITTED", error.reason.value)
        return OBJECTIONS.get(error.reason, told)
    return REFUSALS[type(error)]


SERVICES: Final = {
    interaction_id: Service(payload.NON_BATCH, answer_update, in_one=True)
    for interaction_id in updates.BY_ID
}
