"""What a receiver does with a message: the ways of the field (transport.md 1.11), and the failures.

A `Behave` gives the behaviour for a request. Most of those here are one themselves; the others take
what can be told apart and give one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ebxml_signals import acknowledgment, header_of, message_error, soap_fault
from http_sender import Headers, HttpAnswer, first_of
from msgspec import Struct
from msgspec.structs import replace

_SOAP: Final = ("Content-Type", "text/xml")
_EMPTY: Final = HttpAnswer(202, (), b"")


class Got(Struct, frozen=True):
    """A request as it came: its headers in their order and case, and whose certificate it showed.

    `nth` counts the deliveries of the same message, from 1.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    at: float
    message_id: str
    nth: int
    connection: int
    names: tuple[str, ...]

    def header(self, name: str) -> str | None:
        """Give the first header of a name, in any case."""
        return first_of(self.headers, name)

    def acknowledgment(self) -> bytes:
        """Give the Acknowledgment of this message."""
        return acknowledgment(header_of(self.body))


class Behaviour(Struct, frozen=True):
    """What a receiver does: an answer of None closes the connection without a word."""

    answer: HttpAnswer | None = _EMPTY
    taken: bool = True
    wait: float = 0.0
    posts: tuple[bytes, ...] = ()
    post_after: float = 0.0
    sent: float = 1.0
    """How much of the answer is sent before the connection closes; all of it, mostly."""


Behave = Callable[[Got], Behaviour]


def acknowledge(got: Got) -> Behaviour:
    """Take the message and acknowledge it in the HTTP answer."""
    return Behaviour(HttpAnswer(202, (_SOAP,), got.acknowledgment()))


def acknowledge_as(status: int) -> Behave:
    """Acknowledge in the HTTP answer under another status, as other systems do."""
    return lambda got: replace(
        acknowledge(got), answer=HttpAnswer(status, (_SOAP,), got.acknowledgment())
    )


def acknowledge_later(*, status: int = 200, after: float = 0.0, times: int = 1) -> Behave:
    """Answer with nothing, and post the acknowledgment to the hub, once or more."""
    return lambda got: Behaviour(
        HttpAnswer(status, (), b""), posts=(got.acknowledgment(),) * times, post_after=after
    )


def acknowledge_twice(got: Got) -> Behaviour:
    """Acknowledge in the HTTP answer, and post the same acknowledgment again."""
    return replace(acknowledge(got), posts=(got.acknowledgment(),))


def take_in_silence(got: Got) -> Behaviour:
    """Take the message with an empty answer, and never acknowledge it."""
    del got
    return Behaviour()


def lose_the_acknowledgment(got: Got) -> Behaviour:
    """Take the message, and close before the acknowledgment is out."""
    del got
    return Behaviour(None)


def close(got: Got) -> Behaviour:
    """Read the message, take nothing, and close without an answer."""
    del got
    return Behaviour(None, taken=False)


def cut_short(got: Got) -> Behaviour:
    """Take the message, and close in the middle of the acknowledgment."""
    return replace(acknowledge(got), sent=0.6)


def hang(got: Got) -> Behaviour:
    """Read the message and never answer, until the handler stops."""
    del got
    return Behaviour(None, taken=False, wait=math.inf)


def refuse(
    code: str = "ValueNotRecognized",
    description: str = "501314:Invalid To Party Type attribute",
    *,
    status: int = 200,
) -> Behave:
    """Answer with a MessageError."""
    return lambda got: Behaviour(
        HttpAnswer(status, (_SOAP,), message_error(header_of(got.body), code, description)),
        taken=False,
    )


def fail(code: str = "200", *, status: int = 500) -> Behave:
    """Answer with a SOAP fault that carries a code of the Spine's."""
    return lambda _got: Behaviour(HttpAnswer(status, (_SOAP,), soap_fault(code)), taken=False)


def answer(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Behave:
    """Answer with given bytes, and take nothing."""
    return lambda _got: Behaviour(HttpAnswer(status, headers, body), taken=False)


def after(seconds: float, then: Behave = acknowledge) -> Behave:
    """Behave so, but only after a while."""
    return lambda got: replace(then(got), wait=seconds)


def in_turn(*behaves: Behave) -> Behave:
    """Behave otherwise at each delivery of the same message; the last behaviour stays."""
    return lambda got: behaves[min(got.nth, len(behaves)) - 1](got)
