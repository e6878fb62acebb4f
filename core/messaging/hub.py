"""The hub's own steps: accept a message once, record each try, send what is ours, end in words.

Every step is one `apply`: what a message leads to (its answer, a notice of failure) is written
before the fact that it was done, so a step cut short is done again, and done again adds nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from core.errors import CoreError, Duplicate, Expired, NotFound
from core.messaging.records import (
    BODIES,
    MESSAGES,
    PAYLOADS,
    POLLS,
    Accepted,
    Event,
    Holders,
    Message,
    Tried,
    Used,
)
from core.store.port import Change, Document, Put, Record, Store, Update, Write
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope, Standing, Terms, Way

MAX_REUSED: Final = 50
"""How often one sender may use one id again, each time after it was forgotten."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Take in a message: raises `Expired` where it is too old to be delivered."""

    envelope: Envelope
    content: Content
    way: Way
    terms: Terms
    poll_id: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a message is kept: under which key, since when, whether it was kept before."""

    key: str
    message: Message
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Admit:
    """Open a message that was accepted: raises `Duplicate` where its payload's id is another's."""

    key: str
    payload_id: str
    nhs_number: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of ours to write beside a step; `answers` is the key of the one it answers."""

    envelope: Envelope
    content: Content
    terms: Terms
    way: Way = Way.SEND
    answers: str | None = None

    def known_as(self, message_id: str) -> Outgoing:
        """Give it with another id: what is led to again must be the same message."""
        return replace(self, envelope=replace(self.envelope, message_id=message_id))


class Standstill(CoreError):
    """The message is not in a state in which this can be done to it."""


def iso(moment: datetime) -> str:
    """Give a time as it is kept and compared: ISO 8601, microseconds, UTC."""
    return moment.isoformat(timespec="microseconds")


def later(moment: datetime, seconds: float) -> str:
    """Give the time so many seconds after."""
    return iso(moment + timedelta(seconds=seconds))


def key_of(sender: PartyKey, message_id: str) -> str:
    """Give the key of a message, as long as its id is not used again."""
    return f"{sender}|{message_id}"


def derived_id(key: str, purpose: str) -> str:
    """Give the id of what a message leads to: the same however often it is led to."""
    digest = hashlib.sha256(f"{purpose}|{key}".encode()).hexdigest().upper()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-A{digest[17:20]}-{digest[20:32]}"


def lane_of(envelope: Envelope, way: Way, terms: Terms) -> str:
    """Give the queue that a message waits in: its receiver's; for ours to do, its sender's."""
    if way is Way.HANDLE:
        return f"{envelope.receiver}<{envelope.sender}"
    return f"{envelope.receiver}#" if terms.ordered else str(envelope.receiver)


class Hub:
    """The messages of a store, at one moment's clock."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def message(self, key: str) -> Message | None:
        """Give a message as it stands, or None."""
        return self._store.read(MESSAGES, key)

    def body(self, message: Message) -> bytes:
        """Give a message's bytes as they came."""
        body = self._store.document(BODIES, message.accepted.body)
        if body is None:
            raise NotFound("the body of a message is not there")
        return body

    def polled(self, poll_id: str) -> tuple[str, Message] | None:
        """Give the message whose answer is fetched under an id, with its key; or None."""
        key = self._store.document(POLLS, poll_id)
        message = None if key is None else self.message(key.decode())
        return None if key is None or message is None else (key.decode(), message)

    def latest(self, sender: PartyKey, message_id: str) -> tuple[str, Message] | None:
        """Give the message that a sender's id names now, with its key; or None."""
        found = None
        for key in _keys(sender, message_id):
            message = self.message(key)
            if message is None:
                break
            found = key, message
        return found

    def accept(self, command: Accept, unique: str) -> Receipt:
        """Keep a message, durably, unless it is kept already.

        `unique` tells messages with one id apart whose duplicates are not eliminated.
        """
        now = self._now()
        if command.terms.eliminated_until is None:
            key = f"{key_of(command.envelope.sender, command.envelope.message_id)}|{unique}"
            return self._accepted(command, key, now)
        for key in _keys(command.envelope.sender, command.envelope.message_id):
            standing = self.message(key)
            if standing is None:
                return self._accepted(command, key, now)
            if _remembered(standing, now):
                self._take_up_again(key, standing, command)
                return Receipt(key, standing, duplicate=True)
        raise Duplicate("this message id was used too often")

    def _take_up_again(self, key: str, standing: Message, command: Accept) -> None:
        """Try a message again that was given up and comes again: it is acknowledged again too."""
        if standing.standing is Standing.FAILED and command.terms.until > iso(self._now()):
            with contextlib.suppress(Standstill):
                self.send_again(key, command.terms.until, "its sender")

    def _accepted(self, command: Accept, key: str, now: datetime) -> Receipt:
        if command.terms.until <= iso(now):
            raise Expired("the message is older than it may become")
        outgoing = Outgoing(command.envelope, command.content, command.terms, command.way)
        writes, event = _kept(outgoing, key, iso(now), command.poll_id)
        if command.poll_id is not None:
            writes.insert(0, Put(POLLS, Document(command.poll_id, key.encode())))
        try:
            self._store.apply(writes)
        except _AcceptedAlready as raced:
            return Receipt(key, raced.message, duplicate=True)
        return Receipt(key, MESSAGES.fold({"accepted": event}), duplicate=False)

    def admit(self, command: Admit) -> Message:
        """Give a message once its payload's id is its own; raise `Duplicate` where it is not."""
        message = self.required(command.key)
        terms = message.accepted.terms
        if terms.eliminated_until is None or not command.payload_id:
            return message
        place = f"{message.accepted.envelope.sender}|{command.payload_id.upper()}"
        used = Used(message.accepted_at, terms.eliminated_until)
        holders = self._store.update(PAYLOADS, place, _uses(command.key, used)).state
        if command.key not in holders.keys:
            raise Duplicate("the payload's id is another message's")
        return message

    def required(self, key: str) -> Message:
        """Give a message; raise `NotFound` where there is none."""
        message = self.message(key)
        if message is None:
            raise NotFound("there is no such message")
        return message

    def send(self, outgoing: Outgoing, key: str | None = None) -> None:
        """Put a message of ours on its way, durably."""
        place = key or key_of(outgoing.envelope.sender, outgoing.envelope.message_id)
        self._store.apply(_kept(outgoing, place, iso(self._now()), None)[0])

    def repeat(self, key: str, unique: str, terms: Terms) -> None:
        """Send a message of ours once more, as it was."""
        message = self.required(key)
        accepted = message.accepted
        content = Content(self.body(message), accepted.content_type, accepted.action)
        self.send(Outgoing(accepted.envelope, content, terms), f"{key}|{unique}")

    def tried(self, key: str, how: Tried, worker: str) -> None:
        """Record a try that did not end the message."""
        at = iso(self._now())
        self._store.update(MESSAGES, key, _adds({f"tried/{at}/{worker}": Event(at, tried=how)}))

    def done(self, key: str, how: str, answers: Iterable[Outgoing] = ()) -> None:
        """Record that a message arrived, with what that leads to."""
        answers = tuple(answers)
        answer = next((key_of_answer(one) for one in answers), None)
        event = Event(iso(self._now()), done=how, answer=answer)
        self._end(key, {"done": event}, answers)

    def give_up(self, key: str, why: str, notices: Iterable[Outgoing] = ()) -> None:
        """Record that a message will not arrive, with the notices of it."""
        at = iso(self._now())
        self._end(key, {f"given-up/{at}": Event(at, given_up=why)}, tuple(notices))

    def answered(self, key: str) -> bytes | None:
        """Give the body of the answer to a message, or None as long as there is none."""
        message = self.message(key)
        answer = self.message(message.answer) if message and message.answer else None
        return self.body(answer) if answer else None

    def send_again(self, key: str, until: str, by: str) -> None:
        """Try a message that was given up again, from now on, until then."""
        at = iso(self._now())
        self._by_hand(key, Event(at, again_until=until, by=by), Standing.FAILED)

    def close(self, key: str, why: str, by: str) -> None:
        """Put away by hand a message that was given up or is on its way."""
        at = iso(self._now())
        allowed = (Standing.FAILED, Standing.WAITING, Standing.SENT)
        self._by_hand(key, Event(at, closed=why, by=by), *allowed)

    def _by_hand(self, key: str, event: Event, *allowed: Standing) -> None:
        def change(record: Record[Message, Event] | None) -> Mapping[str, Event]:
            if record is None:
                raise NotFound("there is no such message")
            if record.state.standing not in allowed:
                raise Standstill(f"the message is {record.state.standing}")
            return {f"by-hand/{event.at}": event}

        self._store.update(MESSAGES, key, change)

    def _end(self, key: str, events: Mapping[str, Event], answers: tuple[Outgoing, ...]) -> None:
        at = iso(self._now())
        writes: list[Write] = []
        for one in answers:
            writes += _kept(one, key_of_answer(one), at, None, again=True)[0]
        self._store.apply([*writes, Update(MESSAGES, key, _adds(events))])


def key_of_answer(outgoing: Outgoing) -> str:
    """Give the key of a message of ours."""
    return key_of(outgoing.envelope.sender, outgoing.envelope.message_id)


class _AcceptedAlready(Exception):
    """Another process accepted the same message meanwhile."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__("accepted already")


def _keys(sender: PartyKey, message_id: str) -> Iterable[str]:
    """Give the keys that a sender's id may have: its first, and those after it was forgotten."""
    first = key_of(sender, message_id)
    yield first
    for count in range(2, MAX_REUSED + 1):
        yield f"{first}|{count}"


def _remembered(message: Message, now: datetime) -> bool:
    """Say whether an id is still this message's; while something is to be done for it, it is."""
    until = message.accepted.terms.eliminated_until
    return message.in_flight or until is None or until >= iso(now)


def _kept(
    outgoing: Outgoing, key: str, at: str, poll_id: str | None, *, again: bool = False
) -> tuple[list[Write], Event]:
    """Give the writes that keep a message: its body first, what makes it count last."""
    content = outgoing.content
    body = f"{key}/{hashlib.sha256(content.body).hexdigest()[:16]}"
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
    )
    event = Event(at, accepted=accepted)
    change = _adds({"accepted": event}) if again else _accepts(event)
    writes: list[Write] = [
        Put(BODIES, Document(body, content.body)),
        Update(MESSAGES, key, change),
    ]
    if outgoing.way is Way.KEEP:
        kept = Event(at, done="kept")
        writes.append(Update(MESSAGES, key, _adds({"done": kept})))
    return writes, event


def _accepts(event: Event) -> Change[Message, Event]:
    def change(record: Record[Message, Event] | None) -> Mapping[str, Event]:
        if record is not None:
            raise _AcceptedAlready(record.state)
        return {"accepted": event}

    return change


def _adds(events: Mapping[str, Event]) -> Change[Message, Event]:
    return lambda _record: events


def _uses(key: str, used: Used) -> Change[Holders, Used]:
    """Add a use, after all that are known: of two in one microsecond the first stays the first."""

    def change(record: Record[Holders, Used] | None) -> Mapping[str, Used]:
        known = max((one.at for one in record.facts.values()), default="") if record else ""
        return {key: used if used.at > known else replace(used, at=f"{known}+")}

    return change
