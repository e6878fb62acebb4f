"""What must hold when a seed's world has come to rest, whatever struck in it.

* What a sender was told is taken is kept, and what is kept has ended: nothing is in flight.
* It ended in time: within its own, or soon after somebody was able to say so again.
* An effect at most once for each message, and for each payload id; a message that ended well had
  it. Where the sender was promised a notice of failure, there is one.
* Of an ordered lane none overtakes another; an answer that is to be fetched can be.
* Every chain of the audit is whole, and every message that was acknowledged, or had an effect, has
  a row there, and so has what was done by hand.

On a cluster two processes may take up one payload id at the same moment (docs/decisions/0016):
then, and only where that record shows that they met, both may have their effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise, permutations
from math import inf
from typing import Final

from hubs import US
from msgspec import Struct
from serving import NOW
from simulating_parties import Practice, Told
from simulating_store import Cluster
from simulating_world import MOST_BACK, MOST_FORWARD, World

from core import transfers
from core.alerts import ALERTS
from core.audit import PAGES, prove, read_page
from core.messaging.keeping import iso
from core.messaging.records import MESSAGES, PAYLOADS, Event, Message
from core.store.memory import MemoryStore
from core.values.messaging import Standing, Way
from legacy_contracts.tms import alerts

PERSISTED: Final = 300.0
"""How long the contracts of hubs.py let a message be tried, and its id be remembered."""
SLACK: Final = 150.0
"""How late an end may be recorded: a process that stalls, a restart, a lease, a rest, a post."""


class Kept(Struct, frozen=True):
    """A message as the store has it."""

    key: str
    message: Message
    facts: Mapping[str, Event]

    @property
    def id(self) -> str:
        """Its message id."""
        return self.message.accepted.envelope.message_id

    @property
    def ended_at(self) -> str:
        """When its end was recorded first, since it was last taken up again."""
        again = max((one.at for one in self.facts.values() if one.again_until), default="")
        ends = [one.at for one in self.facts.values() if one.done or one.given_up or one.closed]
        return min((at for at in ends if at >= again), default="")

    @property
    def times(self) -> int:
        """How often it was taken on: once, and each time that it was taken up again."""
        return 1 + sum(one.again_until is not None for one in self.facts.values())


class Rest(Struct, frozen=True):
    """A world at rest: what the store has, what each party knows."""

    world: World
    truth: MemoryStore
    practices: tuple[Practice, ...]
    payload_ids: Mapping[str, str]
    """The payload's id of each reliable message that was sent, by message id."""
    by_hand: tuple[tuple[str, str], ...] = ()
    """What was done by hand, and said to be done, as command and key."""

    def kept(self) -> tuple[Kept, ...]:
        """Give every message in the store."""
        found = []
        for key in sorted(self.truth.keys(MESSAGES)):
            record = self.truth.record(MESSAGES, key)
            if record is not None:
                found.append(Kept(key, record.state, record.facts))
        return tuple(found)


def judge(rest: Rest) -> Iterator[str]:
    """Give everything that does not hold, in words."""
    kept = rest.kept()
    yield from _ends(rest, kept)
    for practice in rest.practices:
        for told in practice.sent.values():
            own = _of(told, kept)
            yield from _keeping(told, own)
            for one in own:
                judging = _HANDLING if one.message.accepted.way is Way.HANDLE else _FORWARDING
                for rule in judging:
                    yield from rule(rest, told, one, kept)
    yield from _payloads(rest, kept)
    yield from _audited(rest, kept)
    yield from _transfers(rest, kept)
    yield from _in_order(rest, kept)


def _transfers(rest: Rest, kept: tuple[Kept, ...]) -> Iterator[str]:
    """Give the transfers that wait for a message that has ended."""
    del kept
    for conversation, transfer in transfers.listed(rest.truth):
        if transfer.under_way:
            yield f"transfer {conversation} still has {transfer.under_way} messages under way"


def _of(told: Told, kept: tuple[Kept, ...]) -> list[Kept]:
    ours = [one for one in kept if one.message.accepted.way in {Way.HANDLE, Way.FORWARD}]
    return [one for one in ours if one.id == told.message.message_id]


def _ends(rest: Rest, kept: tuple[Kept, ...]) -> Iterator[str]:
    """Give what has not ended, or ended too late."""
    calm = iso(NOW + timedelta(seconds=rest.world.calm_since or 0.0))
    late = SLACK + MOST_FORWARD - MOST_BACK
    for one in kept:
        if one.message.in_flight:
            yield f"{one.key} is in flight for ever: {one.message.standing}"
        elif one.ended_at > _after(max(_due(one), calm), late):
            yield f"{one.key} ended at {one.ended_at}, and its time was {_due(one)}"


def _due(one: Kept) -> str:
    """Give when a message must have ended: what is ours has a time of its own."""
    if one.message.accepted.way is not Way.FORWARD or one.times > 1:
        return one.message.until
    return _after(one.message.accepted_at, PERSISTED)


def _after(at: str, seconds: float) -> str:
    return iso(type(NOW).fromisoformat(at) + timedelta(seconds=seconds))


def _keeping(told: Told, own: list[Kept]) -> Iterator[str]:
    """Give whether what was taken is kept, once."""
    message_id = told.message.message_id
    if told.refused:
        yield f"{message_id} was refused, and nothing is wrong with it"
    if told.taken and not own:
        yield f"{message_id} was acknowledged and is lost"
    taken_at = sorted(one.message.accepted_at for one in own)
    for first, second in pairwise(taken_at if told.reliable else ()):
        if second <= _after(first, PERSISTED):
            yield f"{message_id} is kept twice while its id was remembered"


def _well_handled(rest: Rest, told: Told, one: Kept, kept: tuple[Kept, ...]) -> Iterator[str]:
    if one.message.standing is not Standing.DONE:
        yield f"{one.key} was ours to do and is {one.message.standing}: {one.message.why}"
    has_effect = rest.truth.read(ALERTS, one.key) is not None
    is_alert = one.message.accepted.envelope.activity == alerts.INTERACTION_ID
    if has_effect != (is_alert and one.message.why == "handled"):
        yield f"{one.key} is {one.message.why}, with an effect: {has_effect}"
    answer = next((other for other in kept if other.key == one.message.answer), None)
    if answer is None:
        yield f"{one.key} has no answer"
    elif _should_have_come(answer, told) and answer.id not in told.answers:
        yield f"the answer to {one.key} is {answer.message.why} and did not come"


def _should_have_come(answer: Kept, told: Told) -> bool:
    """Say whether an answer was handed over, or is kept for a sender who knows where."""
    if answer.message.accepted.way is Way.KEEP:
        return bool(told.poll_id)
    return answer.message.standing is Standing.DONE


def _answered_once(rest: Rest, told: Told, one: Kept, kept: tuple[Kept, ...]) -> Iterator[str]:
    del rest, kept
    if len(told.answers) > 1:
        yield f"{one.key} has {len(told.answers)} answers"


def _delivered(rest: Rest, told: Told, one: Kept, kept: tuple[Kept, ...]) -> Iterator[str]:
    del told, kept
    why = one.message.why
    had = sum(practice.effects[one.id] for practice in rest.practices)
    if had > 1:
        yield f"{one.key} had {had} effects"
    if one.message.standing is Standing.DONE and had != (not why.startswith("rejected")):
        yield f"{one.key} is {why} and {'somebody' if had else 'nobody'} has it"


def _told_of_failure(rest: Rest, told: Told, one: Kept, kept: tuple[Kept, ...]) -> Iterator[str]:
    del rest
    if one.message.standing is not Standing.FAILED or not one.message.accepted.terms.notified:
        return
    notices = [other for other in _signals(one, kept, "MessageError") if _is_ours(other)]
    if not notices:
        yield f"{one.key} was given up and its sender is not told"
    if len({other.id for other in notices}) > one.times:
        yield f"{one.key} was given up and its sender is told more than once"
    if any(other.message.standing is Standing.DONE for other in notices) and not told.failed:
        yield f"{one.key} was given up and the notice did not come"


def _word_passed_on(rest: Rest, told: Told, one: Kept, kept: tuple[Kept, ...]) -> Iterator[str]:
    del rest
    terms = one.message.accepted.terms
    if terms.notified or not terms.acknowledged or one.message.why != "acknowledged":
        return
    words = [other for other in _signals(one, kept, "Acknowledgment") if not _is_ours(other)]
    if not words:
        yield f"{one.key} was acknowledged by its receiver and the word is not passed on"
    if any(word.message.standing is Standing.DONE for word in words) and not told.acknowledged:
        yield f"the receiver's word on {one.key} did not come"


_HANDLING: Final = (_well_handled, _answered_once)
_FORWARDING: Final = (_delivered, _told_of_failure, _word_passed_on)


def _signals(one: Kept, kept: tuple[Kept, ...], kind: str) -> list[Kept]:
    about = [other for other in kept if other.message.accepted.envelope.ref_to == one.id]
    return [other for other in about if other.message.accepted.envelope.activity == kind]


def _is_ours(kept: Kept) -> bool:
    return kept.message.accepted.envelope.sender == US


def _payloads(rest: Rest, kept: tuple[Kept, ...]) -> Iterator[str]:
    """Give the payload ids that had more than one effect, or none though one was taken."""
    groups: dict[str, list[Kept]] = {}
    for one in kept:
        payload_id = rest.payload_ids.get(one.id)
        if payload_id is not None and one.message.accepted.way in {Way.HANDLE, Way.FORWARD}:
            groups.setdefault(payload_id, []).append(one)
    for payload_id, group in groups.items():
        refused = [one for one in group if one.message.why == "rejected: DUPLICATE_HL7_ID"]
        if len(refused) == len(group):
            yield f"payload {payload_id} was refused as a duplicate of nothing"
        if _effects(rest, group) > 1 and not _may_repeat(rest, group):
            yield f"payload {payload_id} had more than one effect"


def _effects(rest: Rest, group: list[Kept]) -> int:
    kept = sum(rest.truth.read(ALERTS, one.key) is not None for one in group)
    return kept + sum(practice.effects[one.id] for practice in rest.practices for one in group)


def _may_repeat(rest: Rest, group: list[Kept]) -> bool:
    """Say whether the second came after the first was forgotten, or met it on a cluster."""
    first, *others = sorted(group, key=lambda one: one.message.accepted_at)
    forgotten = _after(first.message.accepted_at, PERSISTED)
    return _met(rest, first) or all(one.message.accepted_at > forgotten for one in others)


def _met(rest: Rest, one: Kept) -> bool:
    """Say whether a message and another took up one payload id at the same moment."""
    payload_id = rest.payload_ids.get(one.id, "").upper()
    place = f"{one.message.accepted.envelope.sender}|{payload_id}"
    return isinstance(rest.truth, Cluster) and (PAYLOADS.name, place) in rest.truth.raced


def _audited(rest: Rest, kept: tuple[Kept, ...]) -> Iterator[str]:
    """Give the breaks of the audit, and what has no row in it."""
    yield from (f"audit: {one}" for one in prove(rest.truth).breaks)
    rows = set(_rows(rest.truth))
    for practice in rest.practices:
        for message_id, told in practice.sent.items():
            if told.taken and ("Accept", message_id) not in rows:
                yield f"{message_id} was acknowledged without a row in the audit"
    for one in kept:
        if one.id in rest.payload_ids and _effects(rest, [one]):
            named = {command for command, message_id in rows if message_id == one.id}
            if not named & {"Accept", "Admit"}:
                yield f"{one.key} had an effect without a row in the audit"

    yield from (
        f"{command} of {key} was done by hand without a row in the audit"
        for command, key in rest.by_hand
        if (command, key) not in rows
    )


def shared_pages(rest: Rest) -> int:
    """Give how many pages of the audit have entries of more than one writer, or seem to."""
    pages = [key.rpartition(".") for key in rest.truth.keys(PAGES)]
    read = [read_page(rest.truth, writer, int(number)) for writer, _, number in pages]
    return sum(len(page.entries) > 1 for page in read if page)


def _in_order(rest: Rest, kept: tuple[Kept, ...]) -> Iterator[str]:
    """Give the messages of an ordered lane that came before one that was taken on earlier.

    Which was earlier is sure only where the one was acknowledged before the other was sent, by
    clocks that agree on it.
    """
    known = {one.id: one for one in kept if one.message.accepted.terms.ordered}
    for practice in rest.practices:
        sent = [(known[name], told) for name, told in practice.sent.items() if name in known]
        for (first, told), (second, later) in permutations(sent, 2):
            sure = told.taken_at is not None and told.taken_at < later.sent_at
            if not sure or first.message.accepted_at >= second.message.accepted_at:
                continue
            if _came(rest, second.id) < _came(rest, first.id) and _arrived_at_once(first):
                yield f"{second.key} overtook {first.key}"


def _came(rest: Rest, message_id: str) -> float:
    """Give when a message came to its receiver first, after all others where it never did."""
    came = (practice.came.get(message_id, inf) for practice in rest.practices)
    return min(came)


def _arrived_at_once(one: Kept) -> bool:
    """Say whether a message arrived, and was never given up or put away meanwhile."""
    ends = [fact for fact in one.facts.values() if fact.given_up or fact.closed]
    rejected = one.message.why.startswith("rejected")
    return one.message.standing is Standing.DONE and not ends and not rejected


def _rows(truth: MemoryStore) -> Iterator[tuple[str, str]]:
    for key in truth.keys(PAGES):
        writer, _, number = key.rpartition(".")
        page = read_page(truth, writer, int(number))
        for entry in page.entries if page else ():
            yield entry.command, entry.message_id
