"""Updates of demographics: a message's changes as a command, and what came of it as an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

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
from core.values.demographics import Patient
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import Advice, Fault
from legacy_contracts.hl7 import payload, pushed
from legacy_contracts.hl7.payload import Fields
from legacy_contracts.hl7.pushed import Ack
from legacy_contracts.pds import update_answers, update_answers_2_3, updates, updates_2_3
from legacy_contracts.pds.update_answers_2_3 import Parties
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


class Voice(Struct, frozen=True):
    """How a release is told that an update was done, and that it was refused."""

    done: Callable[[Handled, Ack, Patient, tuple[Advice, ...]], bytes]
    refused: Callable[[Handled, Ack, tuple[Fault, ...]], bytes]
    system: Callable[[etree._Element, Fields], str]


def answer_update(handled: Handled, us: Ourselves) -> tuple[str, bytes]:
    """Do what an update asks and say so; one that breaks a rule, or is refused, is told why."""
    opened = handled.opened
    update = updates.BY_ID[handled.message.accepted.envelope.activity]
    voice = _VOICES[update.refusal]
    ack = acknowledging(handled.key, handled.message, opened.fields, us)
    faults = update.faults(opened.root)
    if faults:
        us.core.decline(by=opened.caller, command=UpdateRecord.__name__, why=faults[0].name)
        return update.refusal, voice.refused(handled, ack, tuple(faults))
    system = voice.system(opened.root, opened.fields)
    command = UpdateRecord(update.parse(opened.root), handled.key, system)
    try:
        done = us.core.perform(command, by=opened.caller)
    except REFUSED as error:
        return update.refusal, voice.refused(handled, ack, (fault_of(error),))
    warnings = update.warnings(opened.root)
    return update.answer, voice.done(handled, ack, done.patient, warnings)


def _done(handled: Handled, ack: Ack, patient: Patient, warnings: tuple[Advice, ...]) -> bytes:
    answer = updates.BY_ID[handled.message.accepted.envelope.activity].answer
    return pushed.success(answer, ack, update_answers.done(patient), warnings)


def _refused(_handled: Handled, ack: Ack, faults: tuple[Fault, ...]) -> bytes:
    _, told = refused(ack, *faults)
    return told


def _done_2_3(handled: Handled, ack: Ack, patient: Patient, _: tuple[Advice, ...]) -> bytes:
    """Say it in MIM 2.3, which has no room for warnings."""
    number = patient.serial_change_number
    return update_answers_2_3.done(ack, _parties(handled), number)


def _refused_2_3(handled: Handled, ack: Ack, faults: tuple[Fault, ...]) -> bytes:
    return update_answers_2_3.failed(ack, _parties(handled), faults[-1])


def _parties(handled: Handled) -> Parties:
    fields = handled.opened.fields
    request_id = updates_2_3.request_id(handled.opened.root) or fields.message_id
    return Parties(fields.from_party, fields.to_party, request_id)


_VOICES: Final = {
    APPLICATION_ACK: Voice(_done, _refused, lambda _root, fields: fields.from_asid),
    update_answers_2_3.FAILED: Voice(
        _done_2_3, _refused_2_3, lambda root, _fields: updates_2_3.author_system(root)
    ),
}


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
    one.interaction_id: Service(
        payload.NON_BATCH if one.refusal == APPLICATION_ACK else payload.MIM_2_3,
        answer_update,
        in_one=True,
    )
    for one in updates.UPDATES
}
