"""Simple trace: QUPA_IN010000UK13/UK32, QUPA_IN000005UK01/UK03 (pds.md 1.2, 1.3, 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts.envelopes import nasp
from legacy_contracts.envelopes.soap import CONTENT
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Group, Rule, Rules, one_of
from legacy_contracts.interaction import Generation, Interaction, Pattern
from legacy_contracts.pds import record_2006, record_2008
from legacy_contracts.pds.item_rules import is_a_day
from legacy_contracts.pds.queries import (
    OLD_REFUSAL,
    OLD_SERVICE,
    QUERY,
    Below,
    PatientReply,
    Query,
    first_text,
    old_query,
    old_reply,
    query_rules,
)

MAX_GIVEN: Final = 5
"""How many given names the legacy passes on."""


class TraceQuery(Struct, frozen=True):
    """The details to find one patient by; what was not sent is None."""

    gender: str
    birth_time: str
    family: str
    given: tuple[str, ...] = ()
    deceased_time: str | None = None
    postal_code: str | None = None
    address_key: str | None = None


_NAME: Final = "hl7:person.name"
_ADDRESS: Final = "hl7:person.address"

ASKED: Final = (
    Rule(
        "count(hl7:query/hl7:person.birthTime/hl7:value/@value) = 1",
        "MISSING_MANDATORY_SEARCH_FIELD",
        "birthTime",
    ),
    Rule(
        f"count(hl7:query/{_NAME}/hl7:value/hl7:family | hl7:query/{_NAME}/hl7:family) = 1",
        "MISSING_MANDATORY_SEARCH_FIELD",
        "name.family",
    ),
    Rule(
        one_of("hl7:query/hl7:person.administrativeGenderCode/hl7:value/@code", "0", "1", "2", "9"),
        "MISSING_MANDATORY_SEARCH_FIELD",
        "administrativeGenderCode",
    ),
    *(
        is_a_day(f"hl7:query/hl7:person.{name}/hl7:value/@value", f"{name} is no date")
        for name in ("birthTime", "deceasedTime")
    ),
)
"""What is asked of the element that holds the query, whatever it is."""

RULES: Final = query_rules(f"{CONTENT}/hl7:ControlActEvent", ASKED)


def parser(query: str) -> Callable[[etree._Element], TraceQuery]:
    """Give the function that reads the query at a place, in a document that broke no rule."""
    below = Below(query)
    gender = below.text("hl7:person.administrativeGenderCode/hl7:value/@code")
    birth_time = below.text("hl7:person.birthTime/hl7:value/@value")
    family, given = (
        below.nodes(f"{_NAME}/hl7:value/hl7:{part}", f"{_NAME}/hl7:{part}")
        for part in ("family", "given")
    )
    deceased = below.nodes("hl7:person.deceasedTime/hl7:value/@value")
    postal_code, address_key = (
        below.nodes(f"{_ADDRESS}/hl7:value/hl7:{part}", f"{_ADDRESS}/hl7:{part}")
        for part in ("postalCode", "addressKey")
    )

    def parse(root: etree._Element) -> TraceQuery:
        died = deceased(root)
        return TraceQuery(
            gender=str(gender(root)),
            birth_time=str(birth_time(root)),
            family=first_text(family(root)) or "",
            given=tuple((one.text or "").strip() for one in given(root)[:MAX_GIVEN]),
            deceased_time=died[0] if died else None,
            postal_code=first_text(postal_code(root)),
            address_key=first_text(address_key(root)),
        )

    return parse


parse: Final = parser(QUERY)


def _payload_2006(answer: PatientReply) -> Xml:
    return record_2006.trace_match(answer.patient)


def _payload_2008a(answer: PatientReply) -> Xml:
    return record_2008.trace_match(answer.patient, record_2008.A)


def _payload_2008b(answer: PatientReply) -> Xml:
    return record_2008.trace_match(answer.patient, record_2008.B)


_QUERY: Final = Query(
    name="PDS simple trace",
    rules=RULES,
    parse=parse,
    wrapper="traceQueryResponse",
    # The captured answers of every generation say V3NPfIT3.0.
    version="V3NPfIT3.0",
    inferred=("several matches are refused with code 7",),
)


_OLD_ID: Final = "QUPA_IN010000UK01"
_OLD_QUERY: Final = old_query("pdsTraceQuery")
_UNKNOWN: Final = "MISSING_MANDATORY_SEARCH_FIELD"
_OLD_NAMED: Final = "hl7:pdsTraceQuery/hl7:person"

_OLD_ROW: Final = Interaction(
    interaction_id=_OLD_ID,
    name="PDS simple trace",
    service=OLD_SERVICE,
    pattern=Pattern.SYNC,
    generation=Generation.MIM_2_3,
    rules=Rules(
        (
            *nasp.rule_groups(
                _OLD_ID,
                "hl7:pdsTraceQuery",
                "CONTROL_ACT_RETRIEVAL_QUERY_INVALID",
                nasp.MESSAGE_IDS_AGREE,
            ),
            Group(
                nasp.EVERY_PROCESS,
                tuple(
                    Rule(f"count(hl7:pdsTraceQuery/{path}) = 1", _UNKNOWN)
                    for path in (
                        "hl7:person.birthTime/hl7:value/@value",
                        "hl7:person.administrativeGenderCode/hl7:value",
                        f"{_NAME}/hl7:value/hl7:family",
                    )
                )
                + tuple(
                    is_a_day(
                        f"hl7:pdsTraceQuery/hl7:person.{name}/hl7:value/@value",
                        f"{name} is no date",
                    )
                    for name in ("birthTime", "deceasedTime")
                ),
            ),
            Group(
                f"{nasp.EVERY_PROCESS}/hl7:pdsTraceQuery/hl7:person.administrativeGenderCode",
                (Rule(one_of("hl7:value/@code", "0", "1", "2", "9"), _UNKNOWN),),
            ),
        )
    ),
    parse=parser(_OLD_QUERY),
    build=lambda answer: record_2006.matched(answer.patient),
    reply=old_reply("QUPA_IN030000UK02", "PdsTraceMatch"),
    refusal_id=OLD_REFUSAL,
    envelope=nasp.NaspEnvelope(
        "ControlAct", "3", "Match  - NHS Number and standard Service User details returned."
    ),
    inferred=("no schema and no public example", "the payload's tree is that of MIM 3.1"),
)

INTERACTIONS: Final = (
    _OLD_ROW,
    _QUERY.row(
        ("QUPA_IN010000UK13", "QUPA_IN030000UK15"),
        Generation.MIM_3_1,
        _payload_2006,
        "no public example",
    ),
    _QUERY.row(("QUPA_IN010000UK32", "QUPA_IN030000UK32"), Generation.V2006B, _payload_2006),
    _QUERY.row(("QUPA_IN000005UK01", "QUPA_IN000007UK01"), Generation.V2008A, _payload_2008a),
    _QUERY.row(("QUPA_IN000005UK03", "QUPA_IN000007UK03"), Generation.V2008B, _payload_2008b),
)
