"""What the store keeps of a message: facts that say what became of it, and what they fold to.

A message is one record, its body one document beside it. The facts are what happened: accepted,
tried, acknowledged, handled, given up. Each has a key that repeats with what it tells, so a step
that is done again after a crash adds nothing. What stands is a fold of them, whatever their order
of arrival:

    handled or acknowledged        -> done, whatever else
    closed by hand                 -> closed
    given up, or refused           -> failed, unless sent again by hand since
    tried last with "sent"         -> sent
    otherwise                      -> waiting
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from core.store.port import Bucket, Documents
from core.values.messaging import Envelope, Outcome, Standing, Terms, Way

BODIES: Final = Documents("message-body")

SHARDS: Final = 16
"""Into how many parts the lanes are divided among those who deliver."""

LANES: Final = 4
"""In how many lanes the messages for one receiver wait, so that several workers may share them."""
ORDERED: Final = "#"
"""What the one lane of what must keep its order ends with."""
OURS: Final = "<"
"""What stands in the name of a lane of what is ours to do, before whose it is."""

BY_LANE: Final = "lane_bin"
BY_END: Final = "end_bin"
BY_FAILURE: Final = "failure_bin"
BY_ID: Final = "id_bin"


class Accepted(Struct, frozen=True):
    """A message as it was taken in: everything that does not change about it."""

    envelope: Envelope
    way: Way
    terms: Terms
    lane: str
    body: str
    content_type: str
    action: str
    answers: str | None = None
    """The key of the message that this one answers."""
    poll_id: str | None = None
    """Under what id the sender fetches the answer; None where it is sent."""
    opened: bool = False
    """Whether its payload was opened when it was taken in."""


class Tried(Struct, frozen=True):
    """One try: how it went, why, when the next one is due."""

    outcome: Outcome
    why: str
    due: str


class Event(Struct, frozen=True):
    """One thing that happened to a message."""

    at: str
    accepted: Accepted | None = None
    tried: Tried | None = None
    done: str | None = None
    """How it arrived: "acknowledged", "handled", "delivered"."""
    answer: str | None = None
    """The key of the message that answers it."""
    given_up: str | None = None
    again_until: str | None = None
    """It is to be tried again by hand, until then."""
    closed: str | None = None
    by: str | None = None


class Message(Struct, frozen=True):
    """A message as it stands. Times are ISO 8601 in UTC and compare as text."""

    accepted_at: str
    accepted: Accepted
    standing: Standing
    tries: int
    due: str
    until: str
    why: str
    answer: str | None = None
    failed_at: str | None = None

    @property
    def in_flight(self) -> bool:
        """Say whether something is still to be done for it."""
        return self.standing in IN_FLIGHT


IN_FLIGHT: Final = frozenset({Standing.WAITING, Standing.SENT})


def _fold(facts: Mapping[str, Event]) -> Message:
    events = sorted(facts.items(), key=lambda item: (item[1].at, item[0]))
    first, accepted = next((one.at, one.accepted) for _, one in events if one.accepted)
    started, until = _started(events, first, accepted.terms.until)
    tried = [one for _, one in events if one.tried and one.at >= started]
    last = tried[-1].tried if tried else None
    standing, why = _standing(facts, started, last)
    failed_at = next((one.at for _, one in reversed(events) if one.given_up), None)
    return Message(
        accepted_at=first,
        accepted=accepted,
        standing=standing,
        tries=len(tried),
        due=last.due if last else started,
        until=until,
        why=why or (last.why if last else ""),
        answer=next((one.answer for _, one in events if one.answer), None),
        failed_at=failed_at if standing is Standing.FAILED else None,
    )


def _started(events: list[tuple[str, Event]], first: str, until: str) -> tuple[str, str]:
    """Give from when its tries count, and when it is given up: anew where it is sent by hand."""
    for _, one in reversed(events):
        if one.again_until is not None:
            return one.at, one.again_until
    return first, until


def _standing(facts: Mapping[str, Event], started: str, last: Tried | None) -> tuple[Standing, str]:
    """Give how a message fares, and why where that is not the last try's reason."""
    for one in facts.values():
        if one.done is not None:
            return Standing.DONE, one.done
    ends = [one for one in facts.values() if one.at >= started]
    for one in ends:
        if one.closed is not None:
            return Standing.CLOSED, one.closed
    for one in ends:
        if one.given_up is not None:
            return Standing.FAILED, one.given_up
    if last is not None and last.outcome is Outcome.SENT:
        return Standing.SENT, ""
    return Standing.WAITING, ""


def _terms(message: Message) -> Mapping[str, tuple[str, ...]]:
    """Index a message by its id; while something is to be done, by its lane and its end."""
    named = {BY_ID: (message.accepted.envelope.message_id.upper(),)}
    if message.standing is Standing.FAILED:
        return {**named, BY_FAILURE: (message.failed_at or message.until,)}
    if not message.in_flight:
        return named
    lane = message.accepted.lane
    when = message.accepted_at if message.accepted.terms.ordered else message.due
    return {
        **named,
        BY_LANE: (f"{shard_of(lane):02d}|{lane}|{when}",),
        BY_END: (f"{shard_of(lane):02d}|{message.until}",),
    }


MESSAGES: Final[Bucket[Message, Event]] = Bucket(
    name="message", fact=Event, state=Message, fold=_fold, terms=_terms
)


def shard_of(lane: str) -> int:
    """Give which part of the lanes a lane is in: those of one receiver are spread over them all."""
    whose, _, number = lane.rpartition("/")
    if not (whose and number.isdecimal()):
        return zlib.crc32(lane.encode()) % SHARDS
    return (zlib.crc32(whose.encode()) + int(number) * SHARDS // LANES) % SHARDS


class Used(Struct, frozen=True):
    """The fact that a message carried a payload's id, and until when that id is its own."""

    at: str
    until: str
    noted_at: str = ""
    """When it was written: a later try knows by it that an earlier one was there."""


class Holders(Struct, frozen=True):
    """The messages that a payload's id belonged to, one after the other."""

    keys: tuple[str, ...]
    second: tuple[tuple[str, str], ...] = ()
    """Those that used it while it was another's, each with when its use was written."""


def _fold_holders(facts: Mapping[str, Used]) -> Holders:
    keys: list[str] = []
    second: list[tuple[str, str]] = []
    until = ""
    for key, one in sorted(facts.items(), key=lambda item: (item[1].at, item[0])):
        if one.at > until:
            keys.append(key)
            until = one.until
        else:
            second.append((key, one.noted_at))
    return Holders(tuple(keys), tuple(second))


PAYLOADS: Final[Bucket[Holders, Used]] = Bucket(
    name="payload-id", fact=Used, state=Holders, fold=_fold_holders
)
"""Which message has which payload id, by sender and id: the same id is not two messages."""

POLLS: Final = Documents("poll")
"""The key of the message whose answer is fetched, by poll id."""
