"""Confirm NHS number: QUPA_IN060000UK13/UK30, QUPA_IN000016UK02/UK04 (pds.md 0, 1.2, 1.3, A.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from legacy_contracts import oids
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Rule
from legacy_contracts.interaction import Generation, Interaction, Pattern
from legacy_contracts.pds import record_2006, record_2008
from legacy_contracts.pds.queries import (
    ENVELOPE,
    QUERY,
    REFUSAL,
    SERVICE,
    PatientReply,
    query_rules,
    reads_text,
    reply,
)


@dataclass(frozen=True, slots=True)
class ConfirmationQuery:
    """The number to confirm."""

    nhs_number: str


_ID: Final = f"hl7:person.id/hl7:value[@root='{oids.NHS_NUMBER}']"

RULES: Final = query_rules(
    QUERY,
    (
        Rule(f"count({_ID}) = 1", "NHS_NUMBER_UNSPECIFIED"),
        Rule(f"string-length({_ID}/@extension) != 0", "NHS_NUMBER_UNSPECIFIED"),
    ),
)

_number = reads_text(f"{_ID}/@extension")


def parse(root: etree._Element) -> ConfirmationQuery:
    """Give the query of a document that broke no rule."""
    return ConfirmationQuery(nhs_number=str(_number(root)))


def _payload_2006(answer: PatientReply) -> Xml:
    return record_2006.confirmation(answer.patient)


def _payload_2008a(answer: PatientReply) -> Xml:
    return record_2008.confirmation(answer.patient, record_2008.A)


def _payload_2008b(answer: PatientReply) -> Xml:
    return record_2008.confirmation(answer.patient, record_2008.B)


def _row(
    ids: tuple[str, str], generation: Generation, build: Callable[[PatientReply], Xml]
) -> Interaction:
    request, answer = ids
    return Interaction(
        interaction_id=request,
        name="PDS NHS number confirmation",
        service=SERVICE,
        pattern=Pattern.SYNC,
        generation=generation,
        rules=RULES,
        parse=parse,
        build=build,
        reply=reply(generation, answer, "confirmNhsNumberQueryResponse"),
        refusal_id=REFUSAL,
        envelope=ENVELOPE,
        inferred=("no public example", "the wrapper element's name", "the version code"),
    )


INTERACTIONS: Final = (
    _row(("QUPA_IN060000UK13", "QUPA_IN070000UK16"), Generation.MIM_3_1, _payload_2006),
    _row(("QUPA_IN060000UK30", "QUPA_IN070000UK30"), Generation.V2006B, _payload_2006),
    _row(("QUPA_IN000016UK02", "QUPA_IN000010UK02"), Generation.V2008A, _payload_2008a),
    _row(("QUPA_IN000016UK04", "QUPA_IN000010UK04"), Generation.V2008B, _payload_2008b),
)
