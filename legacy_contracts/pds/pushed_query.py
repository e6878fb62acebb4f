"""Queries that are answered by a message of their own: the answer's frame, good and bad.

As captured (corpus pds, tkw-x QUPA_IN000011UK02): every element in the default namespace, AA and
advice, then the payload and queryAck OK; refused, AE with a reason for each fault and queryAck ID
(template QUQI_IN010000UK14_async_template).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from lxml import etree
from msgspec import Struct

from core.values.demographics import Patient
from legacy_contracts import ns
from legacy_contracts.envelopes.soap import APPLICATION_ACK, DECLARATION
from legacy_contracts.errors import Advice, Fault
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import Xml, element
from legacy_contracts.hl7.rules import Rules
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Generation, HubInteraction, Pattern
from legacy_contracts.pds.queries import REFUSAL, SERVICE

REFUSAL_VERSION: Final = "V3NPfIT3.0"

Listed = tuple[tuple[Patient, int], ...]
"""The patients of an answer, each with its matching level in hundredths of a per cent."""


class Said(Struct, frozen=True):
    """What an answer says: which interaction it is, in which version, its content, its advice."""

    answer_id: str
    version_code: str
    payload: Xml
    advice: tuple[Advice, ...]


class Frame(Struct, frozen=True):
    """How a generation frames an answer and a refusal; the oldest names parties, not systems."""

    refusal_id: str
    matched: Callable[[Correlation, Moment, Said], bytes]
    refused: Callable[[Correlation, Moment, Iterable[Fault]], bytes]
    names_parties: bool = False


def _matched(to: Correlation, at: Moment, said: Said) -> bytes:
    """Give the message that lists who was found."""
    content = wrappers.advice_reasons(said.advice) + wrappers.answered(said.payload)
    act = wrappers.control_act(content, to)
    head = wrappers.transmission_head(said.answer_id, said.version_code, at)
    return _message(said.answer_id, head, wrappers.accepted(to), to, act)


def refused(to: Correlation, at: Moment, faults: Iterable[Fault]) -> bytes:
    """Give the message that refuses a query, with a reason for each fault."""
    content = wrappers.fault_reasons(tuple(faults)) + wrappers.unanswered()
    head = wrappers.transmission_head(REFUSAL, REFUSAL_VERSION, at)
    return _message(REFUSAL, head, wrappers.in_error(to), to, wrappers.control_act(content, to))


LATER: Final = Frame(REFUSAL, _matched, refused)


class PushedQuery(Struct, frozen=True):
    """One query that is answered later: its rules, how it is read, how its answer is built."""

    interaction_id: str
    answer_id: str
    name: str
    generation: Generation
    version_code: str
    rules: Rules
    parse: Callable[[etree._Element], Any]
    build: Callable[[Listed], Xml]
    inferred: tuple[str, ...] = ()
    frame: Frame = LATER
    service: str = SERVICE

    @property
    def row(self) -> HubInteraction:
        """Give the row of the registry."""
        return HubInteraction(
            interaction_id=self.interaction_id,
            name=self.name,
            service=self.service,
            pattern=Pattern.ASYNC_EXPRESS,
            generation=self.generation,
            answers=(self.answer_id, self.frame.refusal_id, APPLICATION_ACK),
            inferred=self.inferred,
        )

    def matched(
        self, to: Correlation, at: Moment, listed: Listed, advice: tuple[Advice, ...]
    ) -> bytes:
        """Give the message that lists who was found."""
        said = Said(self.answer_id, self.version_code, self.build(listed), advice)
        return self.frame.matched(to, at, said)


def _message(name: str, head: str, acknowledgement: str, to: Correlation, act: str) -> bytes:
    content = f"{head}{acknowledgement}{wrappers.devices(to)}{act}"
    return (DECLARATION + element(name, content, f' xmlns="{ns.HL7}"')).encode()
