"""Simple trace: QUPA_IN010000UK13/UK32, QUPA_IN000005UK01/UK03 (pds.md 1.2, 1.3, 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from legacy_contracts.envelopes.soap import BODY
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Rule, one_of
from legacy_contracts.interaction import Generation, Interaction, Pattern
from legacy_contracts.pds import record_2006, record_2008
from legacy_contracts.pds.queries import (
    ENVELOPE,
    REFUSAL,
    SERVICE,
    PatientReply,
    query_rules,
    reads,
    reads_text,
    reply,
)

MAX_GIVEN: Final = 5
"""How many given names the legacy passes on."""


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """The details to find one patient by; what was not sent is None."""

    gender: str
    birth_time: str
    family: str
    given: tuple[str, ...] = ()
    deceased_time: str | None = None
    postal_code: str | None = None
    address_key: str | None = None


_NAME: Final = "hl7:person.name/hl7:value"

RULES: Final = query_rules(
    f"{BODY}/hl7:ControlActEvent",
    (
        Rule(
            "count(hl7:query/hl7:person.birthTime/hl7:value/@value) = 1",
            "MISSING_MANDATORY_SEARCH_FIELD",
            "birthTime",
        ),
        Rule(
            f"count(hl7:query/{_NAME}/hl7:family) = 1",
            "MISSING_MANDATORY_SEARCH_FIELD",
            "name.family",
        ),
        Rule(
            one_of(
                "hl7:query/hl7:person.administrativeGenderCode/hl7:value/@code", "0", "1", "2", "9"
            ),
            "MISSING_MANDATORY_SEARCH_FIELD",
            "administrativeGenderCode",
        ),
    ),
)

_gender = reads_text("hl7:person.administrativeGenderCode/hl7:value/@code")
_birth_time = reads_text("hl7:person.birthTime/hl7:value/@value")
_family = reads_text(f"{_NAME}/hl7:family")
_given = reads(f"{_NAME}/hl7:given")
_deceased_time = reads("hl7:person.deceasedTime/hl7:value/@value")
_postal_code = reads(
    "hl7:person.address/hl7:value/hl7:postalCode", "hl7:person.address/hl7:postalCode"
)
_address_key = reads(
    "hl7:person.address/hl7:value/hl7:addressKey", "hl7:person.address/hl7:addressKey"
)


def parse(root: etree._Element) -> TraceQuery:
    """Give the query of a document that broke no rule."""
    deceased = _deceased_time(root)
    return TraceQuery(
        gender=str(_gender(root)),
        birth_time=str(_birth_time(root)),
        family=str(_family(root)),
        given=tuple((one.text or "").strip() for one in _given(root)[:MAX_GIVEN]),
        deceased_time=deceased[0] if deceased else None,
        postal_code=_first(_postal_code(root)),
        address_key=_first(_address_key(root)),
    )


def _first(found: list[etree._Element]) -> str | None:
    """Give the text of the first node, or None where it says nothing to narrow by."""
    return ((found[0].text or "").strip() or None) if found else None


def _payload_2006(answer: PatientReply) -> Xml:
    return record_2006.trace_match(answer.patient)


def _payload_2008a(answer: PatientReply) -> Xml:
    return record_2008.trace_match(answer.patient, record_2008.A)


def _payload_2008b(answer: PatientReply) -> Xml:
    return record_2008.trace_match(answer.patient, record_2008.B)


def _row(
    ids: tuple[str, str],
    generation: Generation,
    build: Callable[[PatientReply], Xml],
    *inferred: str,
) -> Interaction:
    request, answer = ids
    return Interaction(
        interaction_id=request,
        name="PDS simple trace",
        service=SERVICE,
        pattern=Pattern.SYNC,
        generation=generation,
        rules=RULES,
        parse=parse,
        build=build,
        # The captured answers of every generation say V3NPfIT3.0.
        reply=reply(generation, answer, "traceQueryResponse", version="V3NPfIT3.0"),
        refusal_id=REFUSAL,
        envelope=ENVELOPE,
        inferred=("several matches are refused with code 7", *inferred),
    )


INTERACTIONS: Final = (
    _row(
        ("QUPA_IN010000UK13", "QUPA_IN030000UK15"),
        Generation.MIM_3_1,
        _payload_2006,
        "no public example",
    ),
    _row(("QUPA_IN010000UK32", "QUPA_IN030000UK32"), Generation.V2006B, _payload_2006),
    _row(("QUPA_IN000005UK01", "QUPA_IN000007UK01"), Generation.V2008A, _payload_2008a),
    _row(("QUPA_IN000005UK03", "QUPA_IN000007UK03"), Generation.V2008B, _payload_2008b),
)
