"""Requests of the mini services, broken at random: each has an answer or a fault, and no trace."""

from __future__ import annotations

import pytest
from fuzzing import Wrong
from itk_fuzzing import case_of, golden, judge, run

from adapters.pipeline import Answered
from legacy_contracts.envelopes import addressing, toolkit

SEED = 2014
CASES = 10_000


def test_every_broken_request_has_an_answer_or_a_fault() -> None:
    kinds, failures = run(SEED, range(CASES))
    assert failures == [], f"{len(failures)} wrong: {failures[:5]}"
    assert sum(kinds.values()) == CASES
    # Broken, but not so broken that only the parser is tried.
    often = {kind for kind, times in kinds.items() if times > CASES / 500}
    assert often >= {
        *("Client 1000", "Client 3000", "VersionMismatch 1000"),
        *("SMSP-0001", "SMSP-0005", "DEMOG-0001"),
    }, kinds


def test_a_case_is_its_seed_and_number_alone() -> None:
    assert case_of(SEED, 7) == case_of(SEED, 7)
    assert case_of(SEED, 7) != case_of(SEED, 8)
    assert len(golden()) == 15


def fault(name: str) -> bytes:
    body = toolkit.fault(toolkit.refusal(name), "0A0B0C0D-0000-4000-8000-000000000001".upper())
    return addressing.built(addressing.FAULT, "x", None, body)


@pytest.mark.parametrize(
    "answered",
    [
        Answered(500, fault("OURS"), "x", "OURS"),
        Answered(200, fault("NOT_XML"), "x", "NOT_XML"),
        Answered(404, b"", "x", "x"),
        Answered(500, b"<a/>", "x", "x"),
        Answered(200, b"<a/>", "x", "x"),
    ],
    ids=["a fault of ours", "a fault with 200", "not found", "no fault", "no code"],
)
def test_a_wrong_answer_is_known(answered: Answered) -> None:
    with pytest.raises((Wrong, AssertionError)):
        judge(answered)
