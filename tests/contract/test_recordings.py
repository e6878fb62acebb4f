"""Every recording, replayed: given records, when the bytes come in, then these bytes go out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from legacy_contracts import registry
from legacy_contracts.gp2gp import messages
from legacy_contracts.interaction import Generation, Pattern
from legacy_contracts.smsp.codes import GIVEN, Code
from legacy_contracts.smsp.operations import OPERATIONS
from operations import recordings, replaying
from operations.recordings import Case

FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings"
CASES: Final = recordings.cases(FOLDER)
NUMBERS: Final = re.compile(rb'root="2\.16\.840\.1\.113883\.2\.1\.4\.1" extension="([^"]+)"')

OF_THE_HUB: Final = (
    b"<eb:Action>Acknowledgment<",
    b"<eb:Action>MessageError<",
    b'typeCode="AA"',
    b'typeCode="AR"',
    b"Content-Location: /_poll/",
    b"HTTP/1.1 404 ",
)
OF_AN_EXPRESS_QUERY: Final = (
    b"<eb:Action>MessageError<",
    b'typeCode="AA"',
    b'typeCode="AE"',
    b'typeCode="AR"',
)
"""What answers a query that nobody acknowledges, later, or refuses it."""

OF_THE_OLDEST: Final = b'<queryResponseCode code="0" displayName="Response failure'
OF_THE_LATER: Final = b'<queryResponseCode code="ID"/>'
"""How a query's answer says that it failed."""

REFUSED_IN_PART: Final = {
    "COMT_IN000001UK01": b'typeCode="AE"',
    "MCCI_IN200001UK02": b'<queryResponseCode code="ID"/>',
    **{
        row.interaction_id: b'typeCode="AE"'
        for row in registry.HUB_INTERACTIONS
        if row.service == "pds"
    },
}
"""What refuses the content of a message whose wrapper is right."""


def _named(case: Case) -> str:
    return str(case.folder.relative_to(FOLDER))


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_a_recording_is_answered_as_recorded(case: Case) -> None:
    answered = list(replaying.replay(case))
    assert answered
    for recorded, answer in answered:
        assert answer == recorded.read_bytes()


@pytest.mark.parametrize("row", registry.INTERACTIONS, ids=lambda row: row.interaction_id)
def test_every_interaction_has_recordings_of_success_and_of_each_kind_of_refusal(
    row: registry.Interaction,
) -> None:
    answers = [
        case.answer_to(request).read_bytes()
        for case in CASES
        if case.folder.parent.name == row.interaction_id
        for request in case.requests
    ]
    for mark in (
        b'typeCode="AA"',
        b'typeCode="AE"',
        b'typeCode="AR"',
        b"<nasp:errorCode>201<",
        b"<nasp:errorCode>300<",
    ):
        assert any(mark in answer for answer in answers), mark


@pytest.mark.parametrize("row", registry.HUB_INTERACTIONS, ids=lambda row: row.interaction_id)
def test_every_interaction_of_the_hub_has_recordings_of_success_and_of_each_kind_of_refusal(
    row: registry.HubInteraction,
) -> None:
    sent = [
        recorded.read_bytes()
        for case in CASES
        if case.folder.parent.name == row.interaction_id
        for recorded in case.recorded
    ]
    answers = (f"<eb:Action>{answer}<".encode() for answer in row.answers)
    failed = OF_THE_OLDEST if row.generation is Generation.MIM_2_3 else OF_THE_LATER
    express = row.pattern is Pattern.ASYNC_EXPRESS
    marks = (
        (*OF_AN_EXPRESS_QUERY, failed)
        if express
        else (*OF_THE_HUB, REFUSED_IN_PART[row.interaction_id])
    )
    for mark in (*answers, *marks):
        assert any(mark in one for one in sent), mark


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_the_mini_services_has_recordings_of_each_code_that_a_rule_gives(
    operation: str,
) -> None:
    answers = [
        case.answer_to(request).read_bytes()
        for case in CASES
        if case.folder.parent.name == operation
        for request in case.requests
    ]
    recorded = {code for code in Code if any(f'code="{code}"'.encode() in one for one in answers)}
    assert recorded == {code for code, row in GIVEN.items() if operation in row.by}


def test_every_step_of_a_transfer_is_recorded_as_it_is_forwarded() -> None:
    forwarded = {
        case.folder.parent.name
        for case in CASES
        if (case.folder.parent.parent.name, case.folder.name) == ("gp2gp", "forwarded")
    }
    assert forwarded == set(messages.KINDS)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.folder.name == "forwarded"], ids=_named
)
def test_what_is_forwarded_is_what_came(case: Case) -> None:
    posts = [one for one in map(Path.read_bytes, case.recorded) if one.startswith(b"POST ")]
    passed_on = [_body(one) for one in posts if b"<eb:Action>Acknowledgment<" not in one]
    assert passed_on == [_body(one.read_bytes()) for one in case.requests]


def _body(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def test_recordings_say_that_they_are_synthetic_and_name_nobody_real() -> None:
    for case in CASES:
        assert case.source == "synthetic"
        assert all(one.nhs_number.startswith("999") for one in recordings.records(case.records))


def test_no_recording_names_a_number_that_somebody_may_have() -> None:
    files = [file for case in CASES for file in case.folder.glob("*.http")]
    found = {number for file in files for number in NUMBERS.findall(file.read_bytes())}
    assert found
    assert not {number for number in found if not number.startswith(b"999")}
