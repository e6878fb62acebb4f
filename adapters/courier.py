"""One try of a message: done here, or handed to its receiver; and what came of it is recorded.

Whoever calls sees to it that no other works on the same message. A try that dies in the middle
leaves the message as it was, so it is tried again; its receiver is told by the same message id that
it is the same message.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from lxml import etree
from msgspec import Struct, field

from adapters import endings, handling, opening, reading, taking
from adapters.endings import Word
from adapters.opening import Rejected
from adapters.ourselves import Ourselves
from core.errors import CoreError, ValueTooLarge
from core.messaging.keeping import Outgoing, Standstill, iso, later
from core.messaging.records import Message, Tried
from core.store.gathering import Gathering
from core.values.messaging import Content, Outcome, Way
from legacy_contracts import xml
from legacy_contracts.envelopes import ebxml
from legacy_contracts.errors import ContractError, Fault, MalformedMessage


class HttpReply(Struct, frozen=True):
    """What a receiver answered over HTTP."""

    status: int
    body: bytes


class Unreachable(Exception):
    """A receiver could not be reached, or broke off; it may have got the message all the same."""


Post = Callable[[str, Content], HttpReply]
"""Posts content to an address, mutually authenticated; raises `Unreachable`."""


class Attempt(Struct, frozen=True):
    """How a try went, and how long its message waits for the next one."""

    outcome: Outcome
    retry_seconds: float


class Courier(Struct, frozen=True):
    """Tries messages: with what it reaches others, and under which name."""

    us: Ourselves
    post: Post
    worker: str
    computing: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Held while a message is done and nothing is waited for: threads that compute at once gain
    nothing, and take the interpreter from each other at every statement."""

    def attempt(self, key: str) -> Attempt | None:
        """Try a message that is due and give how it went; None where there was nothing to do.

        Raises `StoreError` where nothing could be recorded: the message stands as it did.
        """
        message = self.us.core.hub.message(key)
        if message is None:
            return None
        try:
            outcome = self._attempt(key, message)
        except Standstill:
            # It ended meanwhile: acknowledged by a signal that was posted, or closed by hand.
            return None
        if outcome is None:
            return None
        return Attempt(outcome, message.accepted.terms.retry_seconds)

    def _attempt(self, key: str, message: Message) -> Outcome | None:
        now = iso(self.us.context.now())
        if not message.in_flight:
            return None
        if message.until <= now:
            return self._end(key, message, "its time ran out")
        if message.due > now:
            return None
        if message.tries > message.accepted.terms.retries:
            return self._end(key, message, f"no acknowledgment after {message.tries} tries")
        if message.accepted.way is Way.HANDLE:
            return self._handle(key, message)
        return self._deliver(key, message)

    def failed_here(self, key: str, where: str) -> None:
        """Record that a fault of ours ended a try: it is tried again, as often as agreed."""
        message = self.us.core.hub.message(key)
        if message is not None and message.in_flight:
            with contextlib.suppress(Standstill):
                self._again(key, message, f"a fault of ours at {where}")

    def _end(self, key: str, message: Message, why: str) -> Outcome:
        reason = f"{why}; last: {message.why}" if message.why else why
        told: tuple[Outgoing, ...] = ()
        if message.accepted.way is Way.HANDLE:
            # It was acknowledged: whoever waits for the answer is told that there is none.
            failed = Rejected(Fault("UNKNOWN_ROUTING_FAILURE"), None)
            told = (opening.rejection(key, message, failed, self.us),)
        endings.given_up(key, message, reason[:MAX_WHY], self.us, told)
        return Outcome.REFUSED

    def _handle(self, key: str, message: Message) -> Outcome:
        """Do what a message asks: in one where that can be, step by step where others were faster.

        What no store takes is refused, like its answer: neither passes with time.
        """
        store = self.us.core.store
        part = reading.payload_in(self.us.core.hub.body(message), message.accepted.content_type)
        if store.is_exclusive and handling.is_done_in_one(message.accepted.envelope.activity):
            gathering = Gathering(store)
            # Where others were faster nothing is written: step by step it is met where it is.
            with contextlib.suppress(CoreError, ValueTooLarge):
                with self.computing:
                    handling.handle(key, message, part, self.us.on(gathering))
                gathering.commit()
                return Outcome.DONE
        try:
            handling.handle(key, message, part, self.us)
        except ValueTooLarge:
            refused = Rejected(Fault("HL7_VALIDATION_ERROR"), None)
            handling.reject(key, message, refused, self.us)
        return Outcome.DONE

    def _deliver(self, key: str, message: Message) -> Outcome:
        body = self.us.core.hub.body(message)
        accepted = message.accepted
        if accepted.way is Way.FORWARD and message.tries == 0 and not accepted.opened:
            try:
                part = reading.payload_in(body, accepted.content_type)
                taking.pass_on(key, message, part, self.us)
            except Rejected as error:
                handling.reject(key, message, error, self.us)
                return Outcome.DONE
        endpoint = self._endpoint(message)
        if not endpoint:
            return self._again(key, message, "the directory gives no address for its receiver")
        try:
            reply = self.post(endpoint, Content(body, accepted.content_type, accepted.action))
        except Unreachable as error:
            return self._again(key, message, str(error))
        return self._concluded(key, message, reply)

    def _endpoint(self, message: Message) -> str:
        envelope, directory = message.accepted.envelope, self.us.core.directory
        contract = directory.contract(envelope.receiver, envelope.service, envelope.activity)
        party = directory.party(envelope.receiver)
        return (contract.endpoint if contract else "") or (party.endpoint if party else "")

    def _concluded(self, key: str, message: Message, reply: HttpReply) -> Outcome:
        """Record what an HTTP answer says: a signal counts whatever its status (1.3, 1.11)."""
        root = _read(reply.body)
        word = _word(root, reply.body, message)
        if word is not None:
            endings.settle(key, message, word, self.us)
            acknowledged = word.signal.kind is ebxml.SignalKind.ACKNOWLEDGMENT
            return Outcome.DONE if acknowledged else Outcome.REFUSED
        if not 200 <= reply.status < 300:
            codes = _fault_codes(root)
            said = f"HTTP {reply.status}" + (f", code {', '.join(codes[:5])}" if codes else "")
            if codes and not set(codes) <= PASSING:
                return self._end(key, message, f"refused by its receiver: {said}")
            return self._again(key, message, said)
        if message.accepted.terms.acknowledged:
            return self._sent(key, message)
        endings.arrived(key, message, "delivered", self.us)
        return Outcome.DONE

    def _sent(self, key: str, message: Message) -> Outcome:
        """Record that the receiver has it and owes the acknowledgment."""
        tried = Tried(Outcome.SENT, "the acknowledgment is awaited", self._next(message))
        self.us.core.hub.tried(key, tried)
        return Outcome.SENT

    def _again(self, key: str, message: Message, why: str) -> Outcome:
        """Record that a try failed; after the last one the message is given up."""
        if message.tries >= message.accepted.terms.retries:
            return self._end(key, message, f"{why} after {message.tries + 1} tries")
        tried = Tried(Outcome.FAILED, why[:MAX_WHY], self._next(message))
        self.us.core.hub.tried(key, tried)
        return Outcome.FAILED

    def _next(self, message: Message) -> str:
        due = later(self.us.context.now(), message.accepted.terms.retry_seconds)
        return min(due, message.until)


MAX_WHY: Final = 300
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,10}", re.ASCII)

PASSING: Final = frozenset({"200", "206", "208"})
"""The codes of a SOAP fault after which sending again may go better (transport.md 1.6)."""


def _read(body: bytes) -> etree._Element | None:
    """Give a receiver's answer; None where it is empty or no XML, which says nothing."""
    if not body.strip():
        return None
    try:
        return xml.parse(body)
    except MalformedMessage:
        return None


def _word(root: etree._Element | None, body: bytes, message: Message) -> Word | None:
    """Give what a receiver says of the message; None where it says nothing, or of another."""
    if root is None or ebxml.signal_kind(root) is None:
        return None
    try:
        signal = ebxml.signal(root)
    except ContractError:
        return None
    silent = endings.says_nothing(signal) or not _is_about(signal, message)
    return None if silent else Word(signal, body)


def _is_about(signal: ebxml.Signal, message: Message) -> bool:
    """Say whether a signal is about the message: one that names none answers what was sent."""
    named = signal.ref_to.strip()
    return named.upper() in {"", message.accepted.envelope.message_id.upper()}


_codes = etree.XPath(
    "//*[local-name() = 'Fault']//*[local-name() = 'errorCode']/text()", smart_strings=False
)


def _fault_codes(root: etree._Element | None) -> tuple[str, ...]:
    """Give the codes of a SOAP fault; what is no code becomes a mark, for it goes to people."""
    found = () if root is None else tuple(str(code).strip() for code in _codes(root))
    return tuple(code if _CODE.fullmatch(code) else "?" for code in found)
