"""Golden requests of every interaction, broken at random: a legacy answer to each."""

from __future__ import annotations

import pytest
from fuzzing import Wrong, case_of, golden, judge, run

from adapters import pipeline
from adapters.pipeline import Answered
from legacy_contracts import registry
from legacy_contracts.errors import Fault

SEED = 2014
CASES = 10_000


def test_every_broken_request_has_a_legacy_answer() -> None:
    kinds, failures = run(SEED, range(CASES))
    assert failures == [], f"make fuzz SEED={SEED} ONLY={failures[0].number}"
    assert sum(kinds.values()) == CASES
    # Broken, but not so broken that only the parser is tried.
    assert {kind for kind, times in kinds.items() if times > CASES / 100} >= {
        *("AA", "AE", "AR", "fault 101", "fault 201", "fault 300")
    }


def test_a_case_is_its_seed_and_number_alone() -> None:
    assert case_of(SEED, 77) == case_of(SEED, 77)
    assert case_of(SEED, 77) != case_of(SEED, 78)
    assert case_of(SEED, 77) != case_of(SEED + 1, 77)


def test_every_interaction_is_broken() -> None:
    said = b"".join(golden())
    missing = [
        row.interaction_id
        for row in registry.INTERACTIONS
        if row.interaction_id.encode() not in said
    ]
    assert missing == []


@pytest.mark.parametrize(
    "answer",
    [
        pipeline.faulted(Fault("SYSTEM_FAILURE"), "x"),
        Answered(200, pipeline.faulted(Fault("INTERACTION_NOT_SUPPORTED"), "x").body, "x", "x"),
        Answered(200, b"<broken", "x", "AA"),
        Answered(500, b"<a/>", "x", "x"),
        Answered(200, b"", "x", "AA"),
    ],
    ids=["retried for ever", "a fault with 200", "not well formed", "no fault", "nothing"],
)
def test_a_wrong_answer_is_known(answer: Answered) -> None:
    with pytest.raises(Wrong):
        judge(answer)
