"""Cross-check trace: QUPA_IN000014UK01/UK03 (pds.md 1.2, 1.3, 1.7, A.5, A.6)."""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import oids
from legacy_contracts.envelopes.soap import CONTENT
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Rule, check_digit_is_right
from legacy_contracts.interaction import Generation
from legacy_contracts.pds import record_2008
from legacy_contracts.pds.item_rules import is_a_day
from legacy_contracts.pds.queries import (
    QUERY,
    Below,
    PatientReply,
    Query,
    first_text,
    query_rules,
)


class CrossCheckQuery(Struct, frozen=True):
    """The number to check, and the details that should agree; what was not sent is None."""

    nhs_number: str
    birth_time: str
    given: str | None = None
    family: str | None = None


_ID: Final = "hl7:query/hl7:person.id/hl7:value"
_NUMBER: Final = f"{_ID}[@root='{oids.NHS_NUMBER}']/@extension"
_NAME: Final = "hl7:person.name"


def _parts(name: str) -> str:
    """Give the parts of the name, under `value` or directly under the parameter (pds.md 1.2)."""
    return f"hl7:query/{_NAME}/hl7:value/hl7:{name} | hl7:query/{_NAME}/hl7:{name}"


RULES: Final = query_rules(
    f"{CONTENT}/hl7:ControlActEvent",
    (
        Rule("count(hl7:query/hl7:person.birthTime/hl7:value/@value) = 1", "DATE_OF_BIRTH_MISSING"),
        Rule(f"count({_ID}/@extension) = 1", "MISSING_NHS_NUMBER"),
        Rule(f"{_ID}/@root = '{oids.NHS_NUMBER}'", "NOT_NEW_STYLE_NHS_NUMBER"),
        Rule(f"not({_NUMBER}) or " + check_digit_is_right(_NUMBER), "INVALID_NHS_NUMBER"),
        Rule(f"count({_parts('given')}) < 2", "INVALID_NAME_FORMAT"),
        Rule(f"count({_parts('family')}) < 2", "INVALID_NAME_FORMAT"),
        is_a_day("hl7:query/hl7:person.birthTime/hl7:value/@value", "birthTime is no date"),
    ),
)

_below: Final = Below(QUERY)
_number: Final = _below.text("hl7:person.id/hl7:value/@extension")
_birth_time: Final = _below.text("hl7:person.birthTime/hl7:value/@value")
_given: Final = _below.nodes(f"{_NAME}/hl7:value/hl7:given", f"{_NAME}/hl7:given")
_family: Final = _below.nodes(f"{_NAME}/hl7:value/hl7:family", f"{_NAME}/hl7:family")


def parse(root: etree._Element) -> CrossCheckQuery:
    """Give the query of a document that broke no rule."""
    return CrossCheckQuery(
        nhs_number=str(_number(root)),
        birth_time=str(_birth_time(root)),
        given=first_text(_given(root)),
        family=first_text(_family(root)),
    )


def _payload_2008a(answer: PatientReply) -> Xml:
    return record_2008.cross_check(answer.patient, record_2008.A)


def _payload_2008b(answer: PatientReply) -> Xml:
    return record_2008.cross_check(answer.patient, record_2008.B)


_QUERY: Final = Query(
    name="PDS cross-check trace",
    rules=RULES,
    parse=parse,
    wrapper="crossCheckTraceQueryResponse",
    # The captured answers say V3NPfIT3.0.
    version="V3NPfIT3.0",
    inferred=("which details must agree",),
)


INTERACTIONS: Final = (
    _QUERY.row(("QUPA_IN000014UK01", "QUPA_IN000015UK02"), Generation.V2008A, _payload_2008a),
    _QUERY.row(
        ("QUPA_IN000014UK03", "QUPA_IN000015UK04"),
        Generation.V2008B,
        _payload_2008b,
        "no public example",
    ),
)
