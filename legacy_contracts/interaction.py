"""Interaction: all that one must know of one message type, in one typed row beside its code."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from lxml import etree
from msgspec import Struct, field

from legacy_contracts.errors import Advice, Fault
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Rules
from legacy_contracts.hl7.wrappers import Correlation, Moment


class Pattern(StrEnum):
    """How a message travels and is answered."""

    SYNC = "sync"
    ASYNC_EXPRESS = "async express"
    ASYNC_RELIABLE = "async reliable"
    FORWARD_EXPRESS = "forward express"
    FORWARD_RELIABLE = "forward reliable"


class Generation(StrEnum):
    """Which release of the message manual a row belongs to."""

    MIM_2_3 = "MIM 2.3"
    MIM_3_1 = "MIM 3.1"
    V2006B = "2006B (4.2)"
    V2008A = "2008A (6.3)"
    V2008B = "2008B (7.2)"


class Reply(Struct, frozen=True):
    """How the answer is dressed: its interaction, version, wrapper element, prefix, sender."""

    interaction_id: str
    version_code: str
    wrapper: str
    prefix: str
    wsa_from: str


class Envelope(Protocol):
    """A family of envelopes: how it is read, and how answers and refusals are put into it."""

    def correlation(self, root: etree._Element) -> Correlation:
        """Give what an answer must repeat."""
        ...

    def person(self, root: etree._Element) -> tuple[str, str, str] | None:
        """Give the author's role profile, user and job role ids, or None without author."""
        ...

    @property
    def names_system(self) -> bool:
        """Say whether senders are named by ASID; the oldest generation names their party."""
        ...

    def success(
        self,
        row: Interaction,
        to: Correlation,
        at: Moment,
        payload: Xml,
        advice: tuple[Advice, ...],
    ) -> bytes:
        """Give a successful answer."""
        ...

    def wrapper_refusal(self, row: Interaction, to: Correlation, at: Moment, fault: Fault) -> bytes:
        """Give the refusal of a message whose wrapper is wrong."""
        ...

    def business_refusal(
        self, row: Interaction, to: Correlation, at: Moment, faults: tuple[Fault, ...]
    ) -> bytes:
        """Give the refusal of a query that broke a rule or found nothing."""
        ...


class Interaction(Struct, frozen=True):
    """One message type: identity, pattern, rules, how it is read, how it is answered.

    `parse` gives the typed request of a document that broke no rule; `build` gives the payload of
    the answer's typed reply. `inferred` says what no public source shows.
    """

    interaction_id: str
    name: str
    service: str
    pattern: Pattern
    generation: Generation
    rules: Rules
    parse: Callable[[etree._Element], Any]
    build: Callable[[Any], Xml]
    reply: Reply
    refusal_id: str
    envelope: Envelope
    inferred: tuple[str, ...] = field(default=())

    @property
    def action(self) -> str:
        """The service and interaction as wsa:Action and SOAPAction name them."""
        return f"urn:nhs:names:services:{self.service}/{self.interaction_id}"


class HubInteraction(Struct, frozen=True):
    """One message type over ebXML that the hub answers itself, with a message of its own.

    `answers` are the interactions that may answer it. How it is checked and answered is a row of
    `adapters/tms.py`; what carries it, a contract of the directory.
    """

    interaction_id: str
    name: str
    service: str
    pattern: Pattern
    generation: Generation
    answers: tuple[str, ...]
    inferred: tuple[str, ...] = field(default=())


class Unanswered(Struct, frozen=True):
    """A message that is recognised by an element of its body and always refused, and why."""

    name: str
    element: str
    why: str
