"""What a run with faults keeps book of: what was acknowledged, what came of it, how often."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from ebxml_messages import Message
from ebxml_signals import Header
from msgspec import Struct, field

ALERT: Final = "COMT_IN000001UK01"
ANSWER: Final = "MCCI_IN010000UK13"
_SAYS_YES: Final = b'acknowledgement typeCode="AA"'
_ALERT_ID: Final = re.compile(r'<effectiveTime [^>]*/><id root="([^"]*)"')
MOST_NOTED: Final = 20
"""Of what is wrong so many are said; all are counted."""


class Ledger(Struct):
    """The book of one run; its threads share it."""

    alerts: dict[str, str] = field(default_factory=dict)
    """The alert's own id by the id of the message that brings it."""
    forwarded: set[str] = field(default_factory=set)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """The id of its acknowledgment by the id of a message."""
    answers: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The ids of the answers by the id of the alert's message."""
    bodies: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    taken: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def sends(self, message: Message) -> None:
        """Note that a message is sent from now on."""
        with self._changed:
            if message.action == ALERT:
                found = _ALERT_ID.search(message.payload)
                assert found is not None
                self.alerts[message.message_id] = found[1]
            else:
                self.forwarded.add(message.message_id)

    def acknowledges(self, message_id: str, signal_id: str) -> None:
        """Note an acknowledgment: of one message it is always the same."""
        with self._changed:
            first = self.acknowledged.setdefault(message_id, signal_id)
            if first != signal_id:
                self.wrong["a message was acknowledged under two ids"] += 1
            self._changed.notify_all()

    def is_acknowledged(self, message_id: str, *, within: float = 0.0) -> bool:
        """Say whether a message is acknowledged, at the latest so many seconds from now."""
        with self._changed:
            return self._changed.wait_for(lambda: message_id in self.acknowledged, within)

    def arrives(self, header: Header, body: bytes) -> None:
        """Note a message that was delivered, whatever its receiver does with it."""
        with self._changed:
            self.bodies[header.message_id].add(hashlib.sha256(body).digest()[:8])
            if header.action == ANSWER:
                self.answers[header.ref_to].add(header.message_id)
                if _SAYS_YES not in body:
                    self.wrong["an alert was not answered with AA"] += 1

    def takes(self, message_id: str) -> None:
        """Note that a receiver took a message in; that it did so before is its own business."""
        with self._changed:
            self.taken[message_id] += 1

    def note(self, why: str) -> None:
        """Note something that should not be."""
        with self._changed:
            self.wrong[why] += 1

    def behind(self) -> int:
        """Give how many messages are acknowledged and not yet answered or taken in, about."""
        with self._changed:
            return len(self.acknowledged) - len(self.taken)

    def said(self) -> str:
        """Give how far it is, in one line."""
        with self._changed:
            return f"acknowledged {len(self.acknowledged)}, taken in {len(self.taken)}"


class Kept(Struct, frozen=True):
    """What the hub says at the end: its alerts' own ids, and what its audit has of acceptance."""

    alert_ids: tuple[str, ...]
    accepted: frozenset[str]


class Count(Struct, frozen=True):
    """How a run ended, in numbers, and in words what should not be."""

    taken_in: int
    out: int
    redelivered: int
    twice: int
    lost: int
    faults: tuple[str, ...]
    named: tuple[str, ...] = ()
    """The ids of messages that are lost or had their effect twice."""

    def line(self, kills: int, seconds: float, seed: int) -> str:
        """Give the line that stands last."""
        return (
            f"in {self.taken_in}, out {self.out}, redelivered {self.redelivered}, "
            f"twice {self.twice}, lost {self.lost}, kills {kills}, seconds {seconds:g}, seed {seed}"
        )


def count(ledger: Ledger, kept: Kept) -> Count:
    """Hold what was acknowledged against what came of it."""
    alerts = Counter(kept.alert_ids)
    raised = {one for one, alert_id in ledger.alerts.items() if alerts[alert_id]}
    arrived = {one for one in ledger.forwarded if ledger.taken[one]}
    effects = raised | arrived
    lost = ledger.acknowledged.keys() - effects
    doubled = {one for one in raised if alerts[ledger.alerts[one]] > 1}
    doubled |= {one for one, ids in ledger.answers.items() if len(ids) > 1}
    doubled |= {one for one, bodies in ledger.bodies.items() if len(bodies) > 1}
    return Count(
        taken_in=len(ledger.acknowledged),
        out=len(effects),
        redelivered=sum(times - 1 for times in ledger.taken.values() if times > 1),
        twice=len(doubled),
        lost=len(lost),
        faults=(*_faults(lost, doubled), *_troubles(ledger, kept)),
        named=tuple(sorted(lost | doubled)),
    )


def _faults(lost: Iterable[str], doubled: Iterable[str]) -> list[str]:
    return [
        *_named("acknowledged and without effect", lost),
        *_named("had its effect twice", doubled),
    ]


def _troubles(ledger: Ledger, kept: Kept) -> list[str]:
    """Name what is neither lost nor twice and should not be all the same."""
    asked = ledger.alerts.keys() & ledger.acknowledged.keys()
    return [
        *_named("an alert without its answer taken in", _unanswered(ledger, asked)),
        *_named("acknowledged and not in the audit", ledger.acknowledged.keys() - kept.accepted),
        *_named("an answer to no alert of ours", ledger.answers.keys() - ledger.alerts.keys()),
        *(f"{why}: {times}" for why, times in ledger.wrong.most_common(MOST_NOTED)),
    ]


def _unanswered(ledger: Ledger, asked: Iterable[str]) -> list[str]:
    return [one for one in asked if not any(ledger.taken[ack] for ack in ledger.answers[one])]


def _named(what: str, found: Iterable[str]) -> list[str]:
    ids = sorted(found)
    return [f"{what}: {len(ids)}, as {', '.join(ids[:MOST_NOTED])}"] if ids else []
