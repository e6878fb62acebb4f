"""Traces that are answered by a message: every request may be sent, every answer is right."""

from __future__ import annotations

import itertools
import random
from typing import Final

import old_trace_messages
import pytest
from lxml import etree
from msgspec.structs import replace
from mutated import mutated
from pushed_traces import (
    ADVANCED,
    ANSWERS,
    BATCH,
    Asked,
    answered,
    codes,
    hub_with,
    listed,
    trace,
)
from rich_patients import FULL, GALLERY, SUPERSEDED, WITHDRAWN, number
from schemas import Schemas

from core import audit
from core.demographics.records import Policy
from core.values.demographics import Name
from legacy_contracts.pds import advanced_trace, batch_trace
from legacy_contracts.pds.advanced_trace import AdvancedTraceQuery
from legacy_contracts.pds.pushed_query import PushedQuery
from legacy_contracts.pds.search_fields import SearchFields
from legacy_contracts.registry import HUB_INTERACTIONS
from operations.patients import population

FAMILY: Final = "CARTER"
KNOWN: Final = replace(FULL, names=(Name(given=("ADA",), family=FAMILY),))
BORN: Final = '<center value="19700101"/>'
BY_NUMBER: Final = Asked(family=FAMILY, given=(), born=BORN, number=FULL.nhs_number, history="1")


def test_every_trace_that_is_answered_by_a_message_is_asked() -> None:
    rows = {row.interaction_id: row.answers[0] for row in HUB_INTERACTIONS if "trace" in row.name}
    assert rows == {**ANSWERS, old_trace_messages.INTERACTION: old_trace_messages.ANSWER}


@pytest.mark.parametrize("interaction_id", [*ADVANCED, *BATCH])
def test_the_requests_of_these_tests_are_what_a_client_may_send(
    interaction_id: str, official: Schemas
) -> None:
    for asked in (
        replace(BY_NUMBER, lines=("1 MILL LANE",), postcode="LS1 1AA", practice="A99001"),
        Asked(died='<low value="2014"/><high value="2015"/>', born='<center value="1950"/>'),
    ):
        sent = etree.fromstring(trace(interaction_id, asked).payload.encode())
        assert official.complaints(sent) == ()


@pytest.mark.parametrize("interaction_id", [*ADVANCED, *BATCH])
def test_an_answer_about_each_kind_of_patient_is_right(
    interaction_id: str, official: Schemas
) -> None:
    complaints, found = {}, 0
    for name, patient in GALLERY.items():
        born = f'<center value="{(patient.birth_time or "")[:8]}"/>'
        asked = replace(BY_NUMBER, number=patient.nhs_number, born=born)
        if interaction_id in BATCH:
            asked = replace(asked, family=None)
        answer = answered(hub_with([patient]), trace(interaction_id, asked).payload)
        complaints[name] = official.complaints(answer)
        found += ANSWERS[interaction_id] in str(answer.tag)
    assert {name: each for name, each in complaints.items() if each} == {}
    assert found >= 8


@pytest.mark.parametrize("interaction_id", ADVANCED)
def test_an_answer_that_lists_several_is_right_and_in_order(
    interaction_id: str, official: Schemas
) -> None:
    people = list(population(60, 7))
    family = next(one.family for each in people for one in each.names if one.family)
    known = [
        replace(
            each,
            birth_time="19500203",
            sensitivity=None,
            names=(replace(each.names[0], family=family),),
        )
        for each in people
        if each.names
    ][:40]
    asked = Asked(family=family, given=(), gender=None, search="1", history="1")
    answer = answered(hub_with(known), trace(interaction_id, asked).payload)
    assert official.complaints(answer) == ()
    shown = listed(answer)
    assert len(shown) == len(known) == 40
    assert shown == sorted(shown, key=lambda one: (-float(one[1]), one[0]))
    assert codes(answer) == ["3"]


@pytest.mark.parametrize("interaction_id", ADVANCED)
def test_too_many_are_refused_with_seven_and_nobody_is_named(
    interaction_id: str, official: Schemas
) -> None:
    twins = [replace(KNOWN, nhs_number=number(40 + 20 * index)) for index in range(3)]
    asked = replace(BY_NUMBER, number=None, search="1")
    for policy in (Policy(max_matches=2), Policy(max_candidates=2)):
        answer = answered(hub_with(twins, policy=policy), trace(interaction_id, asked).payload)
        assert official.complaints(answer) == ()
        assert (codes(answer), listed(answer)) == (["7"], [])


@pytest.mark.parametrize("interaction_id", [*ADVANCED, *BATCH])
@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (replace(BY_NUMBER, family="NOBODY", number=None), ["1", "AT006"]),
        (replace(BY_NUMBER, number=SUPERSEDED.nhs_number), ["3", "24"]),
        (replace(BY_NUMBER, number=WITHDRAWN.nhs_number), ["22"]),
        (replace(BY_NUMBER, number="9990000019"), ["0", "INVALID_NHS_NUMBER"]),
        (
            replace(BY_NUMBER, number="A-12", number_root="2.16.840.1.113883.2.1.3.2.4.3"),
            ["1", "AT006"],
        ),
        (replace(BY_NUMBER, gender="7"), ["0", "INVALID_SEARCH_DATA"]),
    ],
)
def test_a_refusal_says_why_and_is_right(
    interaction_id: str, asked: Asked, wanted: list[str], official: Schemas
) -> None:
    us = hub_with([KNOWN, SUPERSEDED, WITHDRAWN])
    answer = answered(us, trace(interaction_id, replace(asked, search="1")).payload)
    assert official.complaints(answer) == ()
    came = [
        str(one.get("displayName")).rpartition("encountered. ")[2].partition(" - ")[0]
        if one.get("code") == "GE002"
        else str(one.get("code"))
        for one in answer.iterfind(".//{*}justifyingDetectedIssueEvent/{*}code")
    ]
    if interaction_id in BATCH and asked.number:
        # A batch's number that tells nobody leaves it to the details, which fit here.
        assert came == (wanted if wanted == ["0", "INVALID_SEARCH_DATA"] else ["3"])
    else:
        assert came == wanted


@pytest.mark.parametrize("interaction_id", ADVANCED)
@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (replace(BY_NUMBER, search="3"), ["0", "AT001"]),
        (replace(BY_NUMBER, family=None), ["0", "AT002"]),
        (replace(BY_NUMBER, search=None), ["0", "AT009"]),
        (replace(BY_NUMBER, search="3", history="2", gender="7"), ["0", "GE002", "AT001", "GE002"]),
        (replace(BY_NUMBER, number=None, given=(), born=None), ["0", "AT002"]),
    ],
    ids=["type", "name", "no type", "three faults", "too little"],
)
def test_whatever_a_query_breaks_is_told_after_the_general_code(
    interaction_id: str, asked: Asked, wanted: list[str]
) -> None:
    answer = answered(hub_with([KNOWN]), trace(interaction_id, asked).payload)
    assert codes(answer) == wanted


@pytest.mark.parametrize("row", [*advanced_trace.QUERIES, *batch_trace.QUERIES])
def test_what_breaks_no_rule_can_be_read(row: PushedQuery) -> None:
    dice = random.Random(row.interaction_id)  # noqa: S311 - no secret
    asked = replace(BY_NUMBER, lines=("1 MILL LANE",), postcode="LS1 1AA", practice="A99001")
    whole = etree.fromstring(trace(row.interaction_id, asked).payload)
    read = 0
    for _ in range(300):
        root = etree.fromstring(etree.tostring(mutated(whole, dice)))
        if not row.rules.faults(root):
            read += isinstance(row.parse(root), AdvancedTraceQuery | SearchFields)
    assert read > 60


@pytest.mark.parametrize("interaction_id", BATCH)
def test_a_batch_trace_asks_by_number_then_by_letters_then_by_sound(interaction_id: str) -> None:
    twin = replace(KNOWN, nhs_number=number(40))
    us = hub_with([KNOWN, twin])

    def came(asked: Asked) -> tuple[list[str], list[str]]:
        answer = answered(us, trace(interaction_id, asked).payload)
        return codes(answer), [one for one, _ in listed(answer)]

    assert came(BY_NUMBER) == (["3"], [FULL.nhs_number])
    assert came(replace(BY_NUMBER, number=None)) == (["7"], [])
    assert came(replace(BY_NUMBER, number=number(700))) == (["7"], [])
    alone = hub_with([KNOWN])
    for given, wanted in (("ODDA", ["1", "AT006"]), ("ADDA", ["3"])):
        by_sound = Asked(family="CARDER", given=(given,), born=BORN)
        answer = answered(alone, trace(interaction_id, by_sound).payload)
        assert codes(answer) == wanted


def test_everybody_who_is_listed_is_audited_and_a_refused_query_with_its_rule() -> None:
    twin = replace(KNOWN, nhs_number=number(40))
    us = hub_with([KNOWN, twin])
    asked = replace(BY_NUMBER, number=None, search="1")
    for sent in (asked, replace(asked, gender="7"), replace(asked, family="NOBODY")):
        answered(us, trace("QUPA_IN000006UK02", sent).payload)
    us.core.end()
    pages = (audit.read_page(us.core.store, "test", index) for index in itertools.count())
    entries = [one for page in itertools.takewhile(bool, pages) if page for one in page.entries]
    assert [(one.command, one.outcome, set(one.patients)) for one in entries][:3] == [
        ("AdvancedTrace", "done", {KNOWN.nhs_number, twin.nhs_number}),
        ("PDS advanced trace", "INVALID_SEARCH_DATA", set()),
        ("AdvancedTrace", "NotFound", set()),
    ]
