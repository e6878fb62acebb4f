"""What a message asks of the hub is done, and answered: by a worker, or as it is taken on."""

from __future__ import annotations

from adapters import endings, gp2gp, opening, tms
from adapters.opening import Opening, Rejected
from adapters.ourselves import Ourselves
from adapters.services import Handled
from core.messaging.records import Message
from legacy_contracts.envelopes import mime
from legacy_contracts.errors import Fault


def is_done_in_one(activity: str) -> bool:
    """Say whether all that an interaction comes to is written as one, where the store can."""
    service = tms.SERVICES.get(activity)
    return service is not None and service.in_one


def handle(key: str, message: Message, part: mime.Part | None, us: Ourselves) -> None:
    """Do what a message asks in its payload, and answer it; its refusal is an answer too."""
    try:
        what = _done(key, message, part, us)
    except Rejected as error:
        reject(key, message, error, us)
        return
    answer = opening.answer(key, message, what, us)
    endings.arrived(key, message, "handled", us, (answer,))


def reject(key: str, message: Message, error: Rejected, us: Ourselves) -> None:
    """Answer a message whose payload is refused, whether it was ours to do or to pass on."""
    answer = opening.rejection(key, message, error, us)
    how = f"rejected: {error.fault.name}"
    us.core.hub.done(key, how, (answer,), gp2gp.rejected(message, us))


def _done(key: str, message: Message, part: mime.Part | None, us: Ourselves) -> tuple[str, bytes]:
    """Do what a message asks, and give the interaction and payload of its answer."""
    service = tms.SERVICES.get(message.accepted.envelope.activity)
    if service is None:
        raise Rejected(Fault("UNKNOWN_ROUTING_FAILURE"), None)
    if part is None:
        raise Rejected(Fault("HL7_VALIDATION_ERROR"), None)
    found = opening.opened(key, message, part, Opening(service.rules), us)
    return service.answer(Handled(key, message, found), us)
