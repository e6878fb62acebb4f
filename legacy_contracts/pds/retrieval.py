"""Retrieval by NHS number: QUPA_IN040000UK14/UK32, QUPA_IN000008UK02/UK05 (pds.md 1.2, 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

from core.values.demographics import Patient
from legacy_contracts import oids
from legacy_contracts.envelopes import nasp
from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Rule, Rules, check_digit_is_right, one_of
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

ALL_DATA: Final = "person.allData"
PRIMARY_CARE: Final = "person.primaryCareAllData"
MAX_ITEMS: Final = 14
"""How many retrieval items the legacy reads."""


class RetrievalQuery(Struct, frozen=True):
    """Whose record, with history or without, and which items; none means number and SCN."""

    nhs_number: str
    history: bool
    items: tuple[str, ...]
    unspecified: bool = False
    """Whether the id does not say that it is an NHS number: a warning, no refusal (pds.md 1.3)."""


_VALUE: Final = "hl7:person.id/hl7:value"

ASKED: Final = (
    Rule(
        one_of("hl7:historicDataIndicator/hl7:value/@code", "0", "1"),
        "INVALID_HISTORIC_DATA_INDICATOR",
    ),
    Rule(f"count({_VALUE}/@extension) = 1", "NHS_NUMBER_UNSPECIFIED"),
    Rule(
        f"string-length({_VALUE}/@extension) = 10 and "
        + check_digit_is_right(f"{_VALUE}/@extension"),
        "INVALID_NHS_NUMBER",
    ),
)
"""What is asked of the query itself, wherever it stands."""

RULES: Final = query_rules(QUERY, ASKED)


def parser(query: str) -> Callable[[etree._Element], RetrievalQuery]:
    """Give the function that reads the query at a place, in a document that broke no rule."""
    below = Below(query)
    number = below.text(f"{_VALUE}/@extension")
    history = below.text("hl7:historicDataIndicator/hl7:value/@code")
    root_of_id = below.text(f"{_VALUE}/@root")
    items = below.nodes("hl7:retrievalItem/hl7:semanticsText")

    def parse(root: etree._Element) -> RetrievalQuery:
        return RetrievalQuery(
            nhs_number=str(number(root)),
            history=history(root) == "1",
            unspecified=root_of_id(root) != oids.NHS_NUMBER,
            items=tuple((item.text or "").strip() for item in items(root)[:MAX_ITEMS]),
        )

    return parse


parse: Final = parser(QUERY)

Payload = Callable[[Patient, bool, bool], Xml]


def _builder(payload: Payload) -> Callable[[PatientReply], Xml]:
    def build(answer: PatientReply) -> Xml:
        everything = ALL_DATA in answer.items
        return payload(answer.patient, everything, everything or PRIMARY_CARE in answer.items)

    return build


def _payload_2006(patient: Patient, everything: bool, provisions: bool) -> Xml:  # noqa: FBT001
    return record_2006.retrieval(patient, everything=everything, provisions=provisions)


def _payload_31(patient: Patient, everything: bool, provisions: bool) -> Xml:  # noqa: FBT001
    return _payload_2006(record_2006.as_mim_3_1(patient), everything, provisions)


def _payload_2008a(patient: Patient, everything: bool, provisions: bool) -> Xml:  # noqa: FBT001
    return record_2008.retrieval(
        patient, record_2008.A, everything=everything, provisions=provisions
    )


def _payload_2008b(patient: Patient, everything: bool, provisions: bool) -> Xml:  # noqa: FBT001
    return record_2008.retrieval(
        patient, record_2008.B, everything=everything, provisions=provisions
    )


_QUERY: Final = Query(
    name="PDS retrieval",
    rules=RULES,
    parse=parse,
    wrapper="retrievalQueryResponse",
)


_OLD_ID: Final = "QUPA_IN040000UK01"


def _payload_old(patient: Patient, everything: bool, provisions: bool) -> Xml:  # noqa: FBT001
    shown = record_2006.as_mim_3_1(patient)
    return record_2006.retrieved(shown, everything=everything, provisions=provisions)


_OLD_ROW: Final = Interaction(
    interaction_id=_OLD_ID,
    name="PDS retrieval",
    service=OLD_SERVICE,
    pattern=Pattern.SYNC,
    generation=Generation.MIM_2_3,
    rules=Rules(
        nasp.rule_groups(_OLD_ID, "hl7:pdsRetrievalQuery", "CONTROL_ACT_RETRIEVAL_QUERY_INVALID")
    ),
    parse=parser(old_query("pdsRetrievalQuery")),
    build=_builder(_payload_old),
    reply=old_reply("QUPA_IN050000UK01", "PdsSuccessfulRetrieval"),
    refusal_id=OLD_REFUSAL,
    envelope=nasp.NaspEnvelope("ControlActProcess", "8", "Successful retrieval"),
    inferred=("no schema and no public example", "the payload's tree is that of MIM 3.1"),
)

INTERACTIONS: Final = (
    _OLD_ROW,
    _QUERY.row(
        ("QUPA_IN040000UK14", "QUPA_IN050000UK16"),
        Generation.MIM_3_1,
        _builder(_payload_31),
        "no public example",
        "a carer is shown as a personal relation",
    ),
    _QUERY.row(
        ("QUPA_IN040000UK32", "QUPA_IN050000UK32"), Generation.V2006B, _builder(_payload_2006)
    ),
    _QUERY.row(
        ("QUPA_IN000008UK02", "QUPA_IN000009UK03"), Generation.V2008A, _builder(_payload_2008a)
    ),
    _QUERY.row(
        ("QUPA_IN000008UK05", "QUPA_IN000009UK06"),
        Generation.V2008B,
        _builder(_payload_2008b),
        "notification times are when the record was last written, or else the birth date",
    ),
)
