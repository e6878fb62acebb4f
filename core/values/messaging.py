"""Messages between parties, in plain words: whose, to whom, how they must arrive, how they fare."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from core.values.identity import PartyKey


class Envelope(Struct, frozen=True):
    """What is known of a message without opening it.

    `activity` is what it asks for, a name that the directory grants; `agreement` is the contract's
    id that the sender named; `ref_to` is the message that it answers.
    """

    sender: PartyKey
    receiver: PartyKey
    message_id: str
    conversation_id: str
    service: str
    activity: str
    agreement: str
    ref_to: str = ""


class Way(StrEnum):
    """What becomes of a message once it is accepted."""

    HANDLE = "handle"
    """We do what it asks, and answer."""
    FORWARD = "forward"
    """It goes to its receiver as it came."""
    SEND = "send"
    """It is ours, and goes to its receiver."""
    KEEP = "keep"
    """It is ours, and whoever asked fetches it."""


class Standing(StrEnum):
    """How a message fares."""

    WAITING = "waiting"
    """To be tried, now or at its next time."""
    SENT = "sent"
    """The receiver has taken it and not yet acknowledged it."""
    DONE = "done"
    """Acknowledged, or handled, or handed over where nothing more was agreed."""
    FAILED = "failed"
    """Given up: whoever was promised a notice has been sent one."""
    CLOSED = "closed"
    """Put away by hand."""


class Outcome(StrEnum):
    """How one try of a message went."""

    DONE = "done"
    SENT = "sent"
    FAILED = "failed"
    """It may go better another time."""
    REFUSED = "refused"
    """The receiver has said no: another try would be refused as well."""


class Terms(Struct, frozen=True):
    """How a message must arrive: seconds and times of the contract that it goes by.

    `until` (ISO 8601, UTC) is when it is given up; `eliminated_until` is how long the same id from
    the same sender is the same message, None where each is a message of its own.
    """

    retries: int
    retry_seconds: float
    until: str
    eliminated_until: str | None
    acknowledged: bool
    ordered: bool = False
    notified: bool = False
    """Whether the sender is told when it is given up."""


class Content(Struct, frozen=True):
    """The bytes of a message as they travel, and what HTTP says of them."""

    body: bytes
    content_type: str
    action: str
