"""Dates and languages that are none are refused, wherever they are asked for or written."""

from __future__ import annotations

import calendar
import re
from typing import Final

import pytest
from asking import spine_with
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace
from old_trace_messages import old_query
from pushed_traces import ADVANCED, BATCH, Asked, answered, hub_with, trace
from rich_patients import FULL
from wire_requests import KINDS, Details, Kind

from legacy_contracts.pds import advanced_trace_2_3, codes, item_rules

TS: Final = re.compile(
    r"[0-9]{1,8}|([0-9]{9,14}|[0-9]{14}\.[0-9]+)([+\-][0-9]{1,4})?",
)
"""The type `ts` of the schemas."""

TRACES: Final = sorted(one for one in KINDS if KINDS[one] in {Kind.TRACE, Kind.CROSS_CHECK})
NO_DATES: Final = ("abc", "1980-01-01", "19801301", "19800231", "19790229", "0000", "198", "1980 ")


def holds(value: str, longest: int = 14) -> bool:
    """Say whether the rule takes a value for a time."""
    root = etree.Element("any", value=value)
    return bool(root.xpath(f"boolean({item_rules.time('@value', longest)})"))


@pytest.mark.parametrize("value", NO_DATES)
def test_what_is_no_date_is_none(value: str) -> None:
    assert not holds(value)


@pytest.mark.parametrize(
    "value",
    ["1980", "198002", "19800229", "20000229", "198001011530", "19800101153000", "1980123"],
)
def test_a_date_is_one_however_little_is_known(value: str) -> None:
    assert holds(value)


@pytest.mark.parametrize("rest", ["00", "00.5", "+0100", "00-0500", "00.25+0000"])
def test_what_is_not_kept_of_a_time_may_be_what_the_schemas_have(rest: str) -> None:
    assert holds(f"198001011530{rest}", longest=12)


@pytest.mark.parametrize("rest", ["zz", "+", "00.", " ", "+01+00", "<b/>"])
def test_and_nothing_else(rest: str) -> None:
    assert not holds(f"198001011530{rest}", longest=12)


@given(st.from_regex(r"[0-9]{4,14}", fullmatch=True))
def test_a_time_of_digits_that_is_taken_is_on_the_calendar(value: str) -> None:
    if not holds(value):
        return
    assert TS.fullmatch(value)
    year, month = int(value[:4]), value[4:6]
    assert year >= 1
    if len(month) == 2:
        assert 1 <= int(month) <= 12
    if len(value) >= 8:
        assert 1 <= int(value[6:8]) <= calendar.monthrange(year, int(month))[1]


@pytest.mark.parametrize("value", ["abc", "19801301", "19800231"])
@pytest.mark.parametrize("interaction_id", TRACES)
def test_a_birth_date_that_is_none_refuses_a_trace(interaction_id: str, value: str) -> None:
    asked = Details(nhs_number=FULL.nhs_number, gender="2", birth_time=value, family="FIELD")
    answer = spine_with([FULL]).ask(interaction_id, asked)
    assert answer.outcome == "ILLEGAL_DATE_FORMAT"
    assert b"birthTime is no date" in answer.body


@pytest.mark.parametrize("end", ["center", "low", "high"])
@pytest.mark.parametrize("interaction_id", ADVANCED)
def test_an_end_of_a_range_that_is_no_date_refuses_an_advanced_trace(
    interaction_id: str, end: str
) -> None:
    wrong = f'<{end} value="19800231"/>'
    for asked, word in (
        (Asked(born=wrong), "birthTime is no date"),
        (Asked(died=wrong), "deceasedTime is no date"),
    ):
        answer = answered(hub_with([FULL]), trace(interaction_id, asked).payload)
        broken, told = answer.iterfind(".//{*}justifyingDetectedIssueEvent/{*}code")
        assert broken.get("code") == "0"
        assert str(told.get("displayName")).endswith(f"ILLEGAL_DATE_FORMAT - {word}")


@pytest.mark.parametrize("interaction_id", BATCH)
def test_a_birth_date_that_is_none_refuses_a_batch_trace(interaction_id: str) -> None:
    asked = replace(Asked(), born='<center value="abc"/>')
    answer = answered(hub_with([FULL]), trace(interaction_id, asked).payload)
    assert b"ILLEGAL_DATE_FORMAT - birthTime is no date" in etree.tostring(answer)


def test_the_oldest_trace_reads_an_unknown_birth_date_as_any_since_1900() -> None:
    asked = old_query(Asked(born=None)).replace(
        "</pdsAdvancedTraceQuery>",
        '<person.birthTime><value nullFlavor="UNK"/></person.birthTime></pdsAdvancedTraceQuery>',
    )
    whole = f'<any xmlns="urn:hl7-org:v3"><ControlActProcess>{asked}</ControlActProcess></any>'
    root = etree.fromstring(whole)
    assert advanced_trace_2_3.RULES.faults(root) == []
    query = advanced_trace_2_3.parse(root)
    assert (query.fields.birth.exact, query.fields.birth.low) == (None, "19000101")
    assert not query.algorithmic


@pytest.mark.parametrize("code", ["fr", "q4", "cy", "zu"])
def test_a_language_is_one_of_the_vocabulary(code: str) -> None:
    assert _is_language(code)


@pytest.mark.parametrize("code", ["", "xx", "zz", "FR", "f", "fra", "q6", "aa ab", "en-GB"])
def test_two_letters_that_are_no_language_are_none(code: str) -> None:
    assert not _is_language(code)


def test_the_vocabulary_has_as_many_languages_as_the_published_one() -> None:
    assert len(set(codes.LANGUAGES)) == len(codes.LANGUAGES) == 190


def _is_language(code: str) -> bool:
    root = etree.Element("any", code=code)
    return bool(root.xpath(f"boolean({item_rules.language('@code')})"))
