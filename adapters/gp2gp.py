"""Record transfers as the hub sees them: which message of a conversation does what."""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec.structs import replace

from adapters.ourselves import Ourselves
from core import transfers
from core.messaging.keeping import iso
from core.messaging.records import Message
from core.store.port import Write
from core.transfers import Kind, Passed
from core.values.messaging import Way
from legacy_contracts import ns
from legacy_contracts.gp2gp import messages
from legacy_contracts.hl7.payload import Fields

SERVICE: Final = f"{ns.SERVICES}gp2gp"


def passed(
    message: Message, root: etree._Element, said: Fields, us: Ourselves
) -> tuple[Write, ...]:
    """Give what notes a message of a transfer that is taken on, with what its payload says."""
    if not _is_ours(message):
        return ()
    noted = replace(
        _noted(message, us),
        kind=Kind(messages.kind_of(message.accepted.envelope.activity, root)),
        says_yes=messages.says_yes(said),
        code=messages.reason_code(said),
        answers=(said.ack_of or "").upper(),
        payload_id=said.message_id.upper(),
    )
    return _note(message, noted)


def arrived(message: Message, us: Ourselves) -> tuple[Write, ...]:
    """Give what notes that a message of a transfer has arrived; nothing for any other."""
    return _ended(message, us, arrived=True)


def given_up(message: Message, us: Ourselves) -> tuple[Write, ...]:
    """Give what notes that a message of a transfer will not arrive; nothing for any other."""
    return _ended(message, us, arrived=False)


def rejected(message: Message, us: Ourselves) -> tuple[Write, ...]:
    """Give what notes that a message is refused after all that an earlier try took on."""
    if not _is_ours(message):
        return ()
    ended = replace(_noted(message, us), arrived=False)
    return transfers.ending(us.core.store, message.accepted.envelope.conversation_id, ended)


def _ended(message: Message, us: Ourselves, *, arrived: bool) -> tuple[Write, ...]:
    if not _is_ours(message):
        return ()
    return _note(message, replace(_noted(message, us), arrived=arrived))


def _is_ours(message: Message) -> bool:
    accepted = message.accepted
    return accepted.way is Way.FORWARD and accepted.envelope.service == SERVICE


def _noted(message: Message, us: Ourselves) -> Passed:
    envelope = message.accepted.envelope
    return Passed(
        at=iso(us.context.now()),
        message_id=envelope.message_id,
        sender=envelope.sender,
        receiver=envelope.receiver,
        kind=Kind(messages.KINDS.get(envelope.activity, messages.FRAGMENT)),
    )


def _note(message: Message, noted: Passed) -> tuple[Write, ...]:
    return (transfers.noting(message.accepted.envelope.conversation_id, noted),)
