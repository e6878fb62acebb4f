"""Confirm NHS number: QUPA_IN060000UK13/UK30, QUPA_IN000016UK02/UK04 (pds.md 0, 1.2, 1.3, A.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import oids
from legacy_contracts.envelopes import nasp
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Group, Rule, Rules, check_digit_is_right
from legacy_contracts.interaction import Generation, Interaction, Pattern
from legacy_contracts.pds import record_2006, record_2008
from legacy_contracts.pds.queries import (
    OLD_REFUSAL,
    OLD_SERVICE,
    QUERY,
    Below,
    PatientReply,
    Query,
    old_query,
    old_reply,
    query_rules,
)


class ConfirmationQuery(Struct, frozen=True):
    """The number to confirm."""

    nhs_number: str


_ID: Final = f"hl7:person.id/hl7:value[@root='{oids.NHS_NUMBER}']"

_NUMBER: Final = f"{_ID}/@extension"

_NUMBER_GIVEN: Final = (
    Rule(f"count({_ID}) = 1", "NHS_NUMBER_UNSPECIFIED"),
    Rule(f"string-length({_ID}/@extension) != 0", "NHS_NUMBER_UNSPECIFIED"),
    Rule(f"string-length({_NUMBER}) = 0 or " + check_digit_is_right(_NUMBER), "INVALID_NHS_NUMBER"),
)

RULES: Final = query_rules(QUERY, _NUMBER_GIVEN)


def parser(query: str) -> Callable[[etree._Element], ConfirmationQuery]:
    """Give the function that reads the query at a place, in a document that broke no rule."""
    number = Below(query).text(f"{_ID}/@extension")
    return lambda root: ConfirmationQuery(nhs_number=str(number(root)))


parse: Final = parser(QUERY)


def _payload_2006(answer: PatientReply) -> Xml:
    return record_2006.confirmation(answer.patient)


def _payload_2008a(answer: PatientReply) -> Xml:
    return record_2008.confirmation(answer.patient, record_2008.A)


def _payload_2008b(answer: PatientReply) -> Xml:
    return record_2008.confirmation(answer.patient, record_2008.B)


_QUERY: Final = Query(
    name="PDS NHS number confirmation",
    rules=RULES,
    parse=parse,
    wrapper="confirmNhsNumberQueryResponse",
    inferred=("no public example", "the wrapper element's name", "the version code"),
)


_OLD_ID: Final = "QUPA_IN060000UK01"
_OLD_QUERY: Final = old_query("pdsConfirmNHSNumberQuery")

_OLD_ROW: Final = Interaction(
    interaction_id=_OLD_ID,
    name="PDS NHS number confirmation",
    service=OLD_SERVICE,
    pattern=Pattern.SYNC,
    generation=Generation.MIM_2_3,
    rules=Rules(
        (
            *nasp.rule_groups(
                _OLD_ID, "hl7:pdsConfirmNHSNumberQuery", "CONTROL_ACT_CONFIRM_QUERY_INVALID"
            ),
            Group(_OLD_QUERY, _NUMBER_GIVEN),
        )
    ),
    parse=parser(_OLD_QUERY),
    build=lambda answer: record_2006.confirmed(answer.patient),
    reply=old_reply("QUPA_IN070000UK02", "PdsNhsNumberConfirmation"),
    refusal_id=OLD_REFUSAL,
    envelope=nasp.NaspEnvelope(
        "ControlAct", "3", "Match  - NHS Number and standard Service User details returned."
    ),
    inferred=(
        "no schema, no public example and no stylesheet: made like the retrieval",
        "the payload's tree is that of MIM 3.1",
    ),
)

INTERACTIONS: Final = (
    _OLD_ROW,
    _QUERY.row(("QUPA_IN060000UK13", "QUPA_IN070000UK16"), Generation.MIM_3_1, _payload_2006),
    _QUERY.row(("QUPA_IN060000UK30", "QUPA_IN070000UK30"), Generation.V2006B, _payload_2006),
    _QUERY.row(("QUPA_IN000016UK02", "QUPA_IN000010UK02"), Generation.V2008A, _payload_2008a),
    _QUERY.row(("QUPA_IN000016UK04", "QUPA_IN000010UK04"), Generation.V2008B, _payload_2008b),
)
