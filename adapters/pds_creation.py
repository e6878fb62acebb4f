"""New demographic records asked for over ebXML: allocation of an NHS number, and births."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from lxml import etree
from msgspec import Struct

from adapters.opening import acknowledging
from adapters.ourselves import Ourselves
from adapters.pds_updates import fault_of, refused
from adapters.services import Handled, Service
from core.demographics.creation import AllocateNumber, Created, CreateRecord, PossibleDuplicates
from core.errors import ChangeRefused, NumbersExhausted
from core.values.demographics import Patient
from legacy_contracts.errors import MEANINGS, Advice, Fault
from legacy_contracts.hl7 import payload, pushed
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.wrappers import worded
from legacy_contracts.pds import allocation, births, created, record_2008
from legacy_contracts.pds.record_2008 import Shape

EXHAUSTED: Final = Fault("NHS_NUMBERS_EXHAUSTED")


class _Asked(Struct, frozen=True):
    """What a message asks for: the command to perform, and what its answer is to warn of."""

    command: AllocateNumber | CreateRecord
    warnings: tuple[Fault, ...]


class _Conversation(Struct, frozen=True):
    """How one interaction is read and its outcome told."""

    command: str
    faults: Callable[[etree._Element, str], tuple[Fault, ...]]
    read: Callable[[Handled], _Asked]
    tell: Callable[[Any], tuple[str, Xml]]


def answer(conversation: _Conversation, handled: Handled, us: Ourselves) -> tuple[str, bytes]:
    """Make the record that a message asks for and say which; what breaks a rule gets an AE."""
    opened = handled.opened
    ack = acknowledging(handled.key, handled.message, opened.fields, us)
    faults = conversation.faults(opened.root, opened.caller.activity)
    if faults:
        us.core.decline(by=opened.caller, command=conversation.command, why=faults[0].name)
        return refused(ack, *faults)
    asked = conversation.read(handled)
    try:
        outcome = us.core.perform(asked.command, by=opened.caller)
    except ChangeRefused as error:
        return refused(ack, fault_of(error))
    except NumbersExhausted:
        return refused(ack, EXHAUSTED)
    interaction_id, told = conversation.tell(outcome)
    advice = tuple(_advice(one) for one in asked.warnings)
    return interaction_id, pushed.success(interaction_id, ack, told, advice)


def _advice(warning: Fault) -> Advice:
    meaning = MEANINGS[warning.name]
    return Advice(meaning.code, worded(meaning.text, warning))


def _allocation(handled: Handled) -> _Asked:
    opened = handled.opened
    read = allocation.parse(opened.root, opened.caller.activity)
    command = AllocateNumber(handled.key, opened.fields.from_asid, read.record)
    return _Asked(command, read.warnings)


def _birth(handled: Handled) -> _Asked:
    opened = handled.opened
    read = births.parse(opened.root, opened.caller.activity)
    return _Asked(
        CreateRecord(handled.key, opened.fields.from_asid, read.record, read.ignore_duplicates),
        read.warnings,
    )


def _allocated(
    interaction_id: str, build: Callable[[Patient], Xml], outcome: Created
) -> tuple[str, Xml]:
    return interaction_id, build(outcome.patient)


def _born(duplicates: str, shape: Shape, outcome: Created | PossibleDuplicates) -> tuple[str, Xml]:
    if isinstance(outcome, PossibleDuplicates):
        return duplicates, created.possible_duplicates(outcome.candidates, shape)
    return births.CREATED, created.registered(outcome.patient)


def _service(conversation: _Conversation) -> Service:
    return Service(payload.NON_BATCH, partial(answer, conversation))


def _allocating(interaction_id: str, build: Callable[[Patient], Xml]) -> Service:
    tell = partial(_allocated, interaction_id, build)
    return _service(_Conversation("AllocateNumber", allocation.faults, _allocation, tell))


def _creating(duplicates: str, shape: Shape) -> Service:
    tell = partial(_born, duplicates, shape)
    return _service(_Conversation("CreateRecord", births.faults, _birth, tell))


SERVICES: Final[dict[str, Service]] = {
    "PRPA_IN000200UK03": _allocating("PRPA_IN000201UK01", created.registered),
    "PRPA_IN000200UK04": _allocating("PRPA_IN000201UK01", created.registered),
    "PRPA_IN040000UK30": _allocating("PRPA_IN060000UK30", created.registered_before_2008),
    "PRPA_IN040000UK15": _allocating("PRPA_IN060000UK14", created.registered_before_2008),
    "PRPA_IN000205UK03": _creating(births.DUPLICATES["PRPA_IN000205UK03"], record_2008.A),
    "PRPA_IN000205UK05": _creating(births.DUPLICATES["PRPA_IN000205UK05"], record_2008.B),
}
