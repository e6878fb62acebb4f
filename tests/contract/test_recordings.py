"""Every recording, replayed: given records, when the bytes come in, then these bytes go out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from legacy_contracts import registry
from operations import recordings
from operations.recordings import Case

FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings"
CASES: Final = recordings.cases(FOLDER)


def _named(case: Case) -> str:
    return str(case.folder.relative_to(FOLDER))


@pytest.mark.parametrize("case", CASES, ids=_named)
def test_a_recording_is_answered_as_recorded(case: Case) -> None:
    answered = list(recordings.replay(case))
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


def test_recordings_say_that_they_are_synthetic_and_name_nobody_real() -> None:
    for case in CASES:
        assert case.source == "synthetic"
        assert all(one.nhs_number.startswith("999") for one in recordings.records(case.records))
