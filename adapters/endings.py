"""How a message ends: its receiver says yes or no, or it is given up; and who is told.

What is told is written before the message's own end, so an ending cut short is ended again and
tells the same.
"""

from __future__ import annotations

import contextlib
import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from adapters import gp2gp, opening
from adapters.agreement import terms_of_notice, terms_of_signal
from adapters.ourselves import Ourselves
from core.messaging.keeping import Outgoing, Standstill, derived_id, iso, keeping
from core.messaging.records import Message
from core.values.messaging import Content, Envelope, Way
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml import Header, Signal, SignalKind
from legacy_contracts.errors import Fault

SIGNAL_TYPE: Final = "text/xml"
_WARNING: Final = "warning"
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,40}", re.ASCII)
"""What is repeated of what a receiver says: a code, and no words of its choice."""


class Word(Struct, frozen=True):
    """What a receiver says of a message: the signal as read, and its bytes as they came."""

    signal: Signal
    body: bytes


def settle(key: str, message: Message, word: Word, us: Ourselves) -> None:
    """Record what a receiver says of a message, and tell whoever waits for it.

    What has ended already ends no second time.
    """
    if not message.in_flight or says_nothing(word.signal):
        return
    passed = (_passed_on(key, message, word, us),) if _waits_itself(message) else ()
    with contextlib.suppress(Standstill):
        if word.signal.kind is SignalKind.ACKNOWLEDGMENT:
            arrived(key, message, "acknowledged", us, passed)
        else:
            code = word.signal.code
            said = code if _CODE.fullmatch(code) else "an unreadable code"
            given_up(key, message, f"refused by its receiver: {said}", us, passed)


def says_nothing(signal: Signal) -> bool:
    """Say whether a signal changes nothing: a warning is for people."""
    return signal.severity.lower() == _WARNING


def arrived(
    key: str, message: Message, how: str, us: Ourselves, also: tuple[Outgoing, ...] = ()
) -> None:
    """Record that a message arrived, with what that leads to."""
    us.core.hub.done(key, how, also, gp2gp.arrived(message, us))


def given_up(
    key: str, message: Message, why: str, us: Ourselves, also: tuple[Outgoing, ...] = ()
) -> None:
    """Record that a message will not arrive, and tell its sender where that was promised."""
    notice = (_notice(key, message, us),) if message.accepted.terms.notified else ()
    us.core.hub.give_up(key, why, (*also, *notice), gp2gp.given_up(message, us))


def closed(key: str, why: str, by: str, us: Ourselves) -> None:
    """Put a message away by hand, and tell who waits; raise `NotFound`, or `Standstill`.

    What was acknowledged and is not delivered must be told, whoever ends it (ebXML Message Service
    2.0, "Failed Message Delivery"); of one that was given up it was told then.
    """
    hub, at = us.core.hub, iso(us.context.now())
    message = hub.required(key)
    told = _owed(key, message, us) if message.in_flight else ()
    writes = [write for one in told for write in keeping(one, at).again()]
    hub.close(key, why, by, (*writes, *gp2gp.given_up(message, us)))


def _owed(key: str, message: Message, us: Ourselves) -> tuple[Outgoing, ...]:
    """Give what its sender is owed of a message that will not be done, or not arrive."""
    notices = (_notice(key, message, us),) if message.accepted.terms.notified else ()
    if message.accepted.way is not Way.HANDLE:
        return notices
    undone = opening.Rejected(Fault("UNKNOWN_ROUTING_FAILURE"), None)
    return (opening.rejection(key, message, undone, us), *notices)


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
    waits = accepted.terms.acknowledged and not accepted.terms.notified
    return accepted.way is Way.FORWARD and waits


def _passed_on(key: str, message: Message, word: Word, us: Ourselves) -> Outgoing:
    """Give the receiver's word as it goes on to the sender, to the letter.

    It is kept under an id of ours: its own is the receiver's to choose, and may be another's.
    """
    said = word.signal.header
    envelope = Envelope(
        sender=message.accepted.envelope.receiver,
        receiver=message.accepted.envelope.sender,
        message_id=derived_id(key, f"word {message.until}"),
        conversation_id=said.conversation_id,
        service=ebxml.SIGNAL_SERVICE,
        activity=word.signal.kind,
        agreement=said.cpa_id,
        ref_to=message.accepted.envelope.message_id,
    )
    content = _content(word.body, word.signal.kind)
    return Outgoing(envelope, content, terms_of_notice(us.context.now()))


def _notice(key: str, message: Message, us: Ourselves) -> Outgoing:
    sent = message.accepted.envelope
    header = Header(
        from_party=sent.sender,
        to_party=us.party_key,
        cpa_id=sent.agreement,
        conversation_id=sent.conversation_id,
        message_id=sent.message_id,
    )
    # Tried again by hand or by its sender, it may be given up again, and that is told again.
    own = derived_id(key, f"delivery failure {message.until}")
    body = ebxml.delivery_failure(header, message_id=own, now=us.now())
    signal = signal_to(sent, SignalKind.MESSAGE_ERROR, body, us)
    return replace(
        signal,
        envelope=replace(signal.envelope, message_id=own),
        terms=terms_of_notice(us.context.now()),
    )


def _content(body: bytes, kind: SignalKind) -> Content:
    """Give a signal as it is posted; the doubled `urn:` of its action is real (1.10)."""
    return Content(body, SIGNAL_TYPE, f"urn:{ebxml.SIGNAL_SERVICE}/{kind}")
