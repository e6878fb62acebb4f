"""How a message ends: its receiver says yes or no, or it is given up; and who is told.

What is told is written before the message's own end, so an ending cut short is ended again and
tells the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters import gp2gp
from adapters.agreement import terms_of_signal
from adapters.ourselves import Ourselves
from core.messaging.hub import Outgoing, derived_id
from core.messaging.records import Message
from core.values.messaging import Content, Envelope, Way
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml import Header, Signal, SignalKind

SIGNAL_TYPE: Final = "text/xml"
_WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Word:
    """What a receiver says of a message: the signal as read, and its bytes as they came."""

    signal: Signal
    body: bytes


def settle(key: str, message: Message, word: Word, us: Ourselves) -> None:
    """Record what a receiver says of a message, and tell whoever waits for it."""
    kind = word.signal.kind
    if not message.in_flight or word.signal.severity.lower() == _WARNING:
        return
    passed = (_passed_on(key, message, word, us),) if _waits_itself(message) else ()
    if kind is SignalKind.ACKNOWLEDGMENT:
        arrived(key, message, "acknowledged", us, passed)
    else:
        given_up(key, message, f"refused by its receiver: {word.signal.code[:40]}", us, passed)


def arrived(
    key: str, message: Message, how: str, us: Ourselves, also: tuple[Outgoing, ...] = ()
) -> None:
    """Record that a message arrived, with what that leads to."""
    gp2gp.arrived(message, us)
    us.core.hub.done(key, how, also)


def given_up(
    key: str, message: Message, why: str, us: Ourselves, also: tuple[Outgoing, ...] = ()
) -> None:
    """Record that a message will not arrive, and tell its sender where that was promised."""
    gp2gp.given_up(message, us)
    notice = (_notice(key, message, us),) if message.accepted.terms.notified else ()
    us.core.hub.give_up(key, why, (*also, *notice))


def signal_to(sent: Envelope, kind: SignalKind, body: bytes, us: Ourselves) -> Outgoing:
    """Give a signal of ours about a message, to its sender."""
    envelope = Envelope(
        sender=us.party_key,
        receiver=sent.sender,
        message_id=us.context.new_id(),
        conversation_id=sent.conversation_id,
        service=ebxml.SIGNAL_SERVICE,
        activity=kind,
        agreement=sent.agreement,
        ref_to=sent.message_id,
    )
    return Outgoing(envelope, _content(body, kind), terms_of_signal(us.context.now()))


def _waits_itself(message: Message) -> bool:
    """Say whether the sender waits for the receiver's own word: we gave it none of ours."""
    accepted = message.accepted
    return accepted.way is Way.FORWARD and not accepted.terms.notified


def _passed_on(key: str, message: Message, word: Word, us: Ourselves) -> Outgoing:
    """Give the receiver's word as it goes on to the sender, to the letter."""
    said = word.signal.header
    envelope = Envelope(
        sender=message.accepted.envelope.receiver,
        receiver=message.accepted.envelope.sender,
        message_id=said.message_id or derived_id(key, "word"),
        conversation_id=said.conversation_id,
        service=ebxml.SIGNAL_SERVICE,
        activity=word.signal.kind,
        agreement=said.cpa_id,
        ref_to=message.accepted.envelope.message_id,
    )
    content = _content(word.body, word.signal.kind)
    return Outgoing(envelope, content, terms_of_signal(us.context.now()))


def _notice(key: str, message: Message, us: Ourselves) -> Outgoing:
    sent = message.accepted.envelope
    header = Header(
        from_party=sent.sender,
        to_party=us.party_key,
        cpa_id=sent.agreement,
        conversation_id=sent.conversation_id,
        message_id=sent.message_id,
    )
    own = derived_id(key, "delivery failure")
    body = ebxml.delivery_failure(header, message_id=own, now=us.now())
    return signal_to(sent, SignalKind.MESSAGE_ERROR, body, us).known_as(own)


def _content(body: bytes, kind: SignalKind) -> Content:
    """Give a signal as it is posted; the doubled `urn:` of its action is real (1.10)."""
    return Content(body, SIGNAL_TYPE, f"urn:{ebxml.SIGNAL_SERVICE}/{kind}")
