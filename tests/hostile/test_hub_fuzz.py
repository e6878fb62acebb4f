"""Messages of the hub, broken at random: each has an answer, and what follows is whole."""

from __future__ import annotations

from hub_fuzzing import SEED, case_of, golden, run

CASES = 10_000


def test_every_broken_message_has_an_answer_and_ends_in_words() -> None:
    kinds, failures = run(SEED, range(CASES))
    assert failures == [], f"{len(failures)} wrong: {failures[:5]}"
    posted = {kind: times for kind, times in kinds.items() if kind.startswith("posted")}
    assert sum(kinds.values()) - sum(posted.values()) == CASES
    # Broken, but not so broken that only the parser is tried.
    often = {kind for kind, times in kinds.items() if times > CASES / 200}
    assert often >= {
        *("acknowledged", "empty 200", "empty 202", "error 201", "error 300"),
        *("error ValueNotRecognized", "posted AA", "posted AR", "posted AE"),
    }


def test_a_case_is_its_seed_and_number_alone() -> None:
    assert case_of(SEED, 7) == case_of(SEED, 7)
    assert case_of(SEED, 7) != case_of(SEED, 8)
    assert len(golden()) == 12
