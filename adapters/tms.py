"""What the hub answers itself: alerts, batches, new demographic records, updates, traces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from adapters import batch as batches
from adapters import pds_creation, pds_tracing, pds_updates
from adapters.opening import Rejected, acknowledging
from adapters.ourselves import Ourselves
from adapters.services import Handled, Service
from core.alerts import Alert, RaiseAlert
from core.demographics.dates import stamped
from core.messaging.keeping import derived_id
from core.values.identity import Caller
from legacy_contracts import registry
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import ContractError, Fault
from legacy_contracts.hl7 import payload
from legacy_contracts.hl7.rules import Rules
from legacy_contracts.hl7.wrappers import Moment
from legacy_contracts.tms import alerts, application, batch
from legacy_contracts.tms.batch import Item

MAX_ANSWER: Final = 5_000_000
"""What an answer may be: no receiver takes more in one message (transport.md 1.9)."""


def answer_alert(handled: Handled, us: Ourselves) -> tuple[str, bytes]:
    """Keep an alert and say so; one that breaks its rules is answered with AE."""
    opened = handled.opened
    ack = acknowledging(handled.key, handled.message, opened.fields, us)
    faults = alerts.RULES.faults(opened.root)
    if faults:
        us.core.decline(by=opened.caller, command="RaiseAlert", why=faults[0].name)
        return APPLICATION_ACK, application.in_error(ack, tuple(faults))
    message = handled.message
    raised = to_alert(alerts.parse(opened.root))
    sender = message.accepted.envelope.sender
    command = RaiseAlert(handled.key, sender, message.accepted_at, raised)
    us.core.perform(command, by=opened.caller)
    return APPLICATION_ACK, application.accepted(ack)


def to_alert(read: alerts.Alert) -> Alert:
    """Give an alert of the wire in plain words."""
    return Alert(
        alert_id=read.alert_id,
        code=read.code,
        at=read.effective_time,
        nhs_number=read.nhs_number,
        user=read.user,
        system=read.system,
        reason=read.reason_code,
        reason_text=read.reason_text,
        notification=read.notification,
        organisation=read.organisation_id,
        organisation_name=read.organisation_name,
        person=read.person_id,
        person_name=read.person_name,
        person_description=read.person_description,
        device=read.device_name,
    )


def answer_batch(handled: Handled, us: Ourselves) -> tuple[str, bytes]:
    """Answer a batch item by item; raise `Rejected` where it is refused as a whole."""
    opened = handled.opened
    ids = (derived_id(handled.key, f"item {number}") for number in range(1_000_000))

    def caller_of(item: Item) -> Caller:
        return replace(opened.caller, activity=item.interaction_id, message_id=item.message_id)

    now = us.context.now()
    at = Moment(derived_id(handled.key, "answer"), stamped(now))
    try:
        answer = batches.answer(opened.root, caller_of, core=us.core, at=at, new_id=ids.__next__)
    except ContractError as error:
        raise Rejected(error.faults[0], opened.fields) from error
    if len(answer) > MAX_ANSWER:
        raise Rejected(Fault("BATCH_ITEM_FAILED"), opened.fields)
    return batch.ANSWER, answer


SERVICES: Final[dict[str, Service]] = {
    alerts.INTERACTION_ID: Service(payload.NON_BATCH, answer_alert, in_one=True),
    batch.REQUEST: Service(Rules(()), answer_batch),
    **pds_creation.SERVICES,
    **pds_updates.SERVICES,
    **pds_tracing.SERVICES,
}


def unserved() -> Iterable[str]:
    """Name the interactions that have a row or a service and not both: a completeness check."""
    return sorted(SERVICES.keys() ^ {row.interaction_id for row in registry.HUB_INTERACTIONS})
