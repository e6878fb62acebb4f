"""The legacy's order, rule by rule (pds.md 1.3), for every interaction."""

from __future__ import annotations

from typing import Final

import pytest
from asking import spine_with
from rich_patients import FULL
from wire_requests import KINDS, OLDEST, Details, Kind, request

from core import audit
from legacy_contracts import registry
from legacy_contracts.interaction import Interaction
from legacy_contracts.pds import retrieval

FRAME: Final = ("MESSAGE_NOT_WELL_FORMED",) * 3
HEADER: Final = (
    "SOAP_MESSAGE_ID_ERROR",
    "SOAP_ACTION_ERROR",
    "SOAP_TO_ERROR",
    "SOAP_COMM_FUNC_RCV_ERROR",
    "SOAP_COMM_FUNC_SND_ERROR",
)
WRAPPER: Final = (
    "INVALID_ID",
    "INVALID_CREATION_TIME",
    "INVALID_VERSION_CODE",
    "INVALID_CONTROL_ACT",
    "CONTROL_ACT_AUTHOR_INVALID",
    "CONTROL_ACT_AUTHOR_INVALID_CARDINALITY",
    "CONTROL_ACT_QUERY_INVALID",
    "INCONSISTENT_HL7_INTERACTION_ID",
    "INCONSISTENT_COMM_FUNC_RCV",
    "INCONSISTENT_COMM_FUNC_SND",
    "CONTROL_ACT_AUTHOR_INVALID",
    "CONTROL_ACT_AUTHOR_INVALID",
    "CONTROL_ACT_AUTHOR_INVALID",
    "CONTROL_ACT_AUTHOR_AGENT_INVALID",
    "CONTROL_ACT_AUTHOR_AGENT2_INVALID",
)
QUERY: Final = {
    # What no stylesheet asks stands last: that a date is one.
    Kind.TRACE: (*("MISSING_MANDATORY_SEARCH_FIELD",) * 3, *("ILLEGAL_DATE_FORMAT",) * 2),
    Kind.RETRIEVAL: (
        "INVALID_HISTORIC_DATA_INDICATOR",
        "NHS_NUMBER_UNSPECIFIED",
        "INVALID_NHS_NUMBER",
    ),
    Kind.CROSS_CHECK: (
        "DATE_OF_BIRTH_MISSING",
        "MISSING_NHS_NUMBER",
        "NOT_NEW_STYLE_NHS_NUMBER",
        "INVALID_NHS_NUMBER",
        "INVALID_NAME_FORMAT",
        "INVALID_NAME_FORMAT",
        "ILLEGAL_DATE_FORMAT",
    ),
    Kind.CONFIRMATION: (
        "NHS_NUMBER_UNSPECIFIED",
        "NHS_NUMBER_UNSPECIFIED",
        "INVALID_NHS_NUMBER",
    ),
}
LATER: Final = [row for row in registry.INTERACTIONS if row.interaction_id not in OLDEST]


@pytest.mark.parametrize("row", LATER, ids=lambda row: row.interaction_id)
def test_rules_stand_in_the_legacys_order(row: Interaction) -> None:
    named = tuple(rule.name for group in row.rules.groups for rule in group.rules)
    assert named == (*FRAME, *HEADER, *WRAPPER, *QUERY[KINDS[row.interaction_id]])


@pytest.mark.parametrize("row", LATER, ids=lambda row: row.interaction_id)
def test_a_second_system_author_without_its_number_is_refused(row: Interaction) -> None:
    good = request(row.interaction_id, Details()).decode()
    second = (
        '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT"><agentSystemSDS classCode="DEV" '
        'determinerCode="INSTANCE"><id root="1.2.826.0.1285.0.2.0.107"/></agentSystemSDS>'
        "</AgentSystemSDS></author1>"
    )
    spine = spine_with([FULL])
    bad = good.replace("</author1>", "</author1>" + second, 1)
    answer = spine.send(bad.encode())
    assert answer.outcome == "CONTROL_ACT_AUTHOR_AGENT2_INVALID"


def test_more_than_fourteen_retrieval_items_are_not_read() -> None:
    spine = spine_with([FULL])
    late = ("person.other",) * retrieval.MAX_ITEMS + ("person.allData",)
    answer = spine.ask("QUPA_IN000008UK02", Details(nhs_number=FULL.nhs_number, items=late))
    assert retrieval.MAX_ITEMS == 14
    assert answer.outcome == "AA"
    assert b"<birthTime" not in answer.body


def test_every_broken_rule_is_told_with_a_wrong_check_digit_too() -> None:
    answer = spine_with([]).ask("QUPA_IN000008UK02", Details(nhs_number="9990000019", history="2"))
    assert answer.body.count(b"<reason ") == 2
    assert b"INVALID_HISTORIC_DATA_INDICATOR" in answer.body
    assert b"INVALID_NHS_NUMBER" in answer.body


def test_a_number_of_another_kind_is_answered_with_a_warning() -> None:
    answer = spine_with([FULL]).ask(
        "QUPA_IN000008UK02",
        Details(nhs_number=FULL.nhs_number, number_root="2.16.840.1.113883.2.1.4.9"),
    )
    assert answer.outcome == "AA"
    assert b"NHS_NUMBER_UNSPECIFIED" in answer.body
    assert b'<qualifier code="WG"/>' in answer.body


def test_the_parts_of_a_name_may_stand_directly_under_the_parameter() -> None:
    asked = request("QUPA_IN000005UK01", _details()).decode()
    plain = asked.replace('<value use="L">', "").replace("</family></value>", "</family>")
    assert plain != asked
    assert spine_with([FULL]).send(plain.encode()).outcome == "AA"


def test_an_answer_relates_to_the_message_id_as_it_was_sent() -> None:
    odd = "UUID:" + "A" * 36
    asked = request("QUPA_IN000005UK01", _details()).decode()
    head, _, rest = asked.partition("<wsa:MessageID>")
    sent = f"{head}<wsa:MessageID>{odd}{rest[rest.index('</wsa:MessageID>') :]}"
    answer = spine_with([FULL]).send(sent.encode())
    assert f"<wsa:RelatesTo>{odd}</wsa:RelatesTo>".encode() in answer.body


def test_a_request_that_breaks_a_rule_is_audited_and_so_is_one_that_may_not_ask() -> None:
    spine = spine_with([])
    spine.ask("QUPA_IN000008UK02", Details(history="2"))
    page = audit.read_page(spine.core.store, "test", 0)
    assert page is not None
    assert page.entries[0].outcome == "INVALID_HISTORIC_DATA_INDICATOR"


def _details() -> Details:
    families = [one.family for one in FULL.names if one.family]
    return Details(gender=FULL.gender or "", birth_time=FULL.birth_time or "", family=families[0])
