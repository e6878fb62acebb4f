"""The hub's own steps: accept a message once, record each try, send what is ours, end in words.

Every step is one `apply`: what a message leads to (its answer, a notice of failure) is written
before the fact that it was done, so a step cut short is done again, and done again adds nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.errors import Duplicate, Expired, NotFound
from core.messaging.keeping import (
    IN_FLIGHT,
    AcceptedAlready,
    Outgoing,
    Standstill,
    following,
    iso,
    keeping,
    key_of,
    keys_of,
)
from core.messaging.records import (
    BODIES,
    BY_ID,
    MESSAGES,
    PAYLOADS,
    POLLS,
    Event,
    Holders,
    Message,
    Tried,
    Used,
)
from core.store.port import Change, Document, Put, Record, Span, Store, Update, Write
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope, Standing, Terms, Way

MAX_SAME_ID: Final = 20
"""How many messages with one id, of different senders, are looked through."""


class Accept(Struct, frozen=True):
    """Take in a message: raises `Expired` where it is too old to be delivered."""

    envelope: Envelope
    content: Content
    way: Way
    terms: Terms
    poll_id: str | None = None
    opened: bool = False
    """Whether its payload is opened in the same step, and need not be later."""


class Receipt(Struct, frozen=True):
    """That a message is kept: under which key, since when, whether it was kept before."""

    key: str
    message: Message
    duplicate: bool


class Admit(Struct, frozen=True):
    """Open a message that was accepted: raises `Duplicate` where its payload's id is another's.

    What an earlier try found its own stays its own: it may have had its effect by then.
    """

    key: str
    message: Message
    payload_id: str
    also: tuple[Write, ...] = ()
    """What else is to be written once it is admitted."""


Applying = Callable[[Iterable[Write]], object]
"""Does several writes, as a store's `apply` does."""


class Hub:
    """The messages of a store, at one moment's clock; `apply` is how what it writes is written."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], apply: Applying | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._apply = apply or store.apply

    def message(self, key: str) -> Message | None:
        """Give a message as it stands, or None."""
        return self._store.read(MESSAGES, key)

    def required(self, key: str) -> Message:
        """Give a message; raise `NotFound` where there is none."""
        message = self.message(key)
        if message is None:
            raise NotFound("there is no such message")
        return message

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
        for key in keys_of(sender, message_id):
            message = self.message(key)
            if message is None:
                break
            found = key, message
        return found

    def signalled(self, receiver: PartyKey, message_id: str) -> tuple[str, Message] | None:
        """Give the message to a receiver that its signal names, in whatever case; or None.

        One that is still on its way goes before one that is not.
        """
        named = message_id.strip().upper()
        page = self._store.find(MESSAGES, Span(BY_ID, named, named), limit=MAX_SAME_ID)
        found = None
        for _term, key in page.entries:
            message = self.message(key)
            if message is None or message.accepted.envelope.receiver != receiver:
                continue
            if message.in_flight:
                return key, message
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
        for key in keys_of(command.envelope.sender, command.envelope.message_id):
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
        kept = keeping(outgoing, iso(now), key=key, poll_id=command.poll_id, opened=command.opened)
        writes = kept.new()
        if command.poll_id is not None:
            writes.insert(0, Put(POLLS, Document(command.poll_id, key.encode())))
        try:
            self._apply(writes)
        except AcceptedAlready as raced:
            return Receipt(key, raced.message, duplicate=True)
        return Receipt(key, MESSAGES.fold({"accepted": kept.event}), duplicate=False)

    def admit(self, command: Admit) -> Message:
        """Give a message once its payload's id is its own; raise `Duplicate` where it is not."""
        message = command.message
        terms = message.accepted.terms
        writes = list(command.also)
        used = Used(message.accepted_at, terms.eliminated_until or "", iso(self._now()))
        if terms.eliminated_until is not None and command.payload_id:
            place = f"{message.accepted.envelope.sender}|{command.payload_id.upper()}"
            # On a cluster another's use may have come beside it while it was written.
            holds = partial(_require_holder, command.key, used.noted_at)
            writes.insert(0, Update(PAYLOADS, place, _uses(command.key, used), holds))
        self._apply(writes)
        return message

    def send(self, outgoing: Outgoing, key: str | None = None) -> None:
        """Put a message of ours on its way, durably."""
        self._apply(keeping(outgoing, iso(self._now()), key=key).again())

    def repeat(self, key: str, unique: str, terms: Terms) -> None:
        """Send a message of ours once more, as it was."""
        message = self.required(key)
        accepted = message.accepted
        content = Content(self.body(message), accepted.content_type, accepted.action)
        self.send(Outgoing(accepted.envelope, content, terms), f"{key}|{unique}")

    def tried(self, key: str, how: Tried) -> None:
        """Record a try that did not end the message; raise `Standstill` where it has ended."""
        event = Event(iso(self._now()), tried=how)
        self._store.update(MESSAGES, key, following("tried", event, *IN_FLIGHT))

    def done(
        self, key: str, how: str, answers: Iterable[Outgoing] = (), also: Iterable[Write] = ()
    ) -> None:
        """Record that a message arrived, with what that leads to, and what else is to be written.

        Raises `Standstill` where the message has ended already: then nothing is led to.
        """
        self._end(key, Event(iso(self._now()), done=how), tuple(answers), also)

    def give_up(
        self, key: str, why: str, notices: Iterable[Outgoing] = (), also: Iterable[Write] = ()
    ) -> None:
        """Record that a message will not arrive, with the notices of it; raises as `done` does."""
        self._end(key, Event(iso(self._now()), given_up=why), tuple(notices), also)

    def answered(self, key: str) -> bytes | None:
        """Give the body of the answer to a message, or None as long as there is none."""
        message = self.message(key)
        answer = self.message(message.answer) if message and message.answer else None
        return self.body(answer) if answer else None

    def send_again(self, key: str, until: str, by: str) -> None:
        """Try a message that was given up again, from now on, until then."""
        event = Event(iso(self._now()), again_until=until, by=by)
        self._store.update(MESSAGES, key, following("again", event, Standing.FAILED))

    def close(self, key: str, why: str, by: str, also: Iterable[Write] = ()) -> None:
        """Put away by hand a message that was given up or is on its way, and write what else."""
        event = Event(iso(self._now()), closed=why, by=by)
        closed = following("closed", event, Standing.FAILED, *IN_FLIGHT)
        self._store.apply([*also, Update(MESSAGES, key, closed)])

    def _end(
        self, key: str, event: Event, leads_to: tuple[Outgoing, ...], also: Iterable[Write]
    ) -> None:
        at = iso(self._now())
        answer = next((one.key for one in leads_to if one.answers or event.done), None)
        name = "done" if event.done else "given-up"
        ended = following(name, replace(event, answer=answer), *IN_FLIGHT)
        writes = [write for one in leads_to for write in keeping(one, at).again()]
        self._apply([*writes, *also, Update(MESSAGES, key, ended)])


def _remembered(message: Message, now: datetime) -> bool:
    """Say whether an id is still this message's; while something is to be done for it, it is."""
    until = message.accepted.terms.eliminated_until
    return message.in_flight or until is None or until >= iso(now)


def _uses(key: str, used: Used) -> Change[Holders, Used]:
    """Add a use, after all that are known: of two in one microsecond the first stays the first."""

    def change(record: Record[Holders, Used] | None) -> Mapping[str, Used]:
        facts = dict(record.facts) if record else {}
        known = max((one.at for one in facts.values()), default="")
        mine = facts.get(key) or (used if used.at > known else replace(used, at=f"{known}+"))
        _require_holder(key, used.noted_at, PAYLOADS.fold({**facts, key: mine}))
        return {key: mine}

    return change


def _require_holder(key: str, noted_at: str, holders: Holders) -> None:
    """Raise `Duplicate` where the use that was written then came second.

    One that an earlier try wrote is let be: that try did not see the other, and may have acted.
    """
    if (key, noted_at) in holders.second:
        raise Duplicate("the payload's id is another message's")
