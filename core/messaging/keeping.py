"""How a message is kept: its key, its lane, the writes that keep it, the events that follow."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.errors import CoreError, NotFound
from core.messaging.records import (
    BODIES,
    LANES,
    MESSAGES,
    ORDERED,
    OURS,
    Accepted,
    Event,
    Message,
)
from core.store.port import Change, Document, Put, Record, Update, Write
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope, Standing, Terms, Way

MAX_REUSED: Final = 50
"""How often one sender may use one id again, each time after it was forgotten."""


class Outgoing(Struct, frozen=True):
    """A message of ours to write beside a step; `answers` is the key of the one it answers."""

    envelope: Envelope
    content: Content
    terms: Terms
    way: Way = Way.SEND
    answers: str | None = None

    @property
    def key(self) -> str:
        """The key that it is kept under."""
        return key_of(self.envelope.sender, self.envelope.message_id)


class Standstill(CoreError):
    """The message is not in a state in which this can be done to it."""


class AcceptedAlready(Exception):
    """Another process accepted the same message meanwhile."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__("accepted already")


def iso(moment: datetime) -> str:
    """Give a time as it is kept and compared: ISO 8601, microseconds, UTC."""
    return moment.isoformat(timespec="microseconds")


def later(moment: datetime, seconds: float) -> str:
    """Give the time so many seconds after."""
    return iso(moment + timedelta(seconds=seconds))


def key_of(sender: PartyKey, message_id: str) -> str:
    """Give the key of a message, as long as its id is not used again."""
    return f"{sender}|{message_id}"


def keys_of(sender: PartyKey, message_id: str) -> Iterable[str]:
    """Give the keys that a sender's id may have: its first, and those after it was forgotten."""
    first = key_of(sender, message_id)
    yield first
    for count in range(2, MAX_REUSED + 1):
        yield f"{first}|{count}"


def derived_id(key: str, purpose: str) -> str:
    """Give the id of what a message leads to: the same however often it is led to."""
    digest = hashlib.sha256(f"{purpose}|{key}".encode()).hexdigest().upper()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-A{digest[17:20]}-{digest[20:32]}"


def lane_of(envelope: Envelope, way: Way, terms: Terms) -> str:
    """Give the queue that a message waits in: its receiver's, or its sender's where we do it.

    What belongs to one conversation waits in one; what must keep its order has one for itself.
    """
    if terms.ordered and way is not Way.HANDLE:
        return f"{envelope.receiver}{ORDERED}"
    whose = (
        f"{envelope.receiver}{OURS}{envelope.sender}" if way is Way.HANDLE else envelope.receiver
    )
    return f"{whose}/{zlib.crc32(envelope.conversation_id.encode()) % LANES}"


class Keeping(Struct, frozen=True):
    """A message about to be kept: its body to put, and the first of its events."""

    key: str
    body: Document
    event: Event

    def new(self) -> list[Write]:
        """Give the writes that keep it, unless it is kept already: `AcceptedAlready`."""
        return [Put(BODIES, self.body), Update(MESSAGES, self.key, self._new)]

    def again(self) -> list[Write]:
        """Give the writes that keep it; where it is kept already they change nothing."""
        facts = self._facts()
        return [Put(BODIES, self.body), Update(MESSAGES, self.key, lambda _record: facts)]

    def _new(self, record: Record[Message, Event] | None) -> Mapping[str, Event]:
        if record is not None:
            raise AcceptedAlready(record.state)
        return self._facts()

    def _facts(self) -> Mapping[str, Event]:
        accepted = {"accepted": self.event}
        if self.event.accepted is not None and self.event.accepted.way is Way.KEEP:
            return {**accepted, "done": Event(self.event.at, done="kept")}
        return accepted


def keeping(
    outgoing: Outgoing,
    at: str,
    *,
    key: str | None = None,
    poll_id: str | None = None,
    opened: bool = False,
) -> Keeping:
    """Give how to keep a message, under its own key or another.

    The body's key says what it holds: a message that comes again in other bytes, before its first
    was wholly kept, finds no other body in its place.
    """
    content, place = outgoing.content, key or outgoing.key
    body = f"{place}/{hashlib.sha256(content.body).hexdigest()[:16]}"
    accepted = Accepted(
        envelope=outgoing.envelope,
        way=outgoing.way,
        terms=outgoing.terms,
        lane=lane_of(outgoing.envelope, outgoing.way, outgoing.terms),
        body=body,
        content_type=content.content_type,
        action=content.action,
        answers=outgoing.answers,
        poll_id=poll_id,
        opened=opened,
    )
    return Keeping(place, Document(body, content.body), Event(at, accepted=accepted))


IN_FLIGHT: Final = (Standing.WAITING, Standing.SENT)


def following(name: str, event: Event, *allowed: Standing) -> Change[Message, Event]:
    """Give the change that adds an event after all others, where the message stands so.

    Clocks differ and are set back; what happened last must also be the last to be read.
    """

    def change(record: Record[Message, Event] | None) -> Mapping[str, Event]:
        if record is None:
            raise NotFound("there is no such message")
        if record.state.standing not in allowed:
            raise Standstill(f"the message is {record.state.standing}")
        last = max(one.at for one in record.facts.values())
        at = event.at if event.at > last else later(datetime.fromisoformat(last), 1e-6)
        return {f"{name}/{at}": replace(event, at=at)}

    return change
