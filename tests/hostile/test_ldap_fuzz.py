"""LDAP messages, broken at random: each is answered by the protocol, or is none."""

from __future__ import annotations

from ldap_fuzzing import case, golden, run

SEED = 2014
CASES = 10_000


def test_every_broken_message_is_answered_by_the_protocol_or_is_none() -> None:
    told = run(SEED, range(CASES))
    assert sum(told.values()) == CASES
    # Broken, but not so broken that only the outermost reader is tried.
    often = {kind for kind, times in told.items() if times > CASES / 200}
    assert often >= {
        *("malformed", "waits", "SUCCESS", "NO_SUCH_OBJECT", "INVALID_DN_SYNTAX"),
        *("ADMIN_LIMIT_EXCEEDED", "UNAVAILABLE_CRITICAL_EXTENSION", "PROTOCOL_ERROR"),
    }


def test_a_case_is_its_seed_and_number_alone() -> None:
    assert case(SEED, 7) == case(SEED, 7)
    assert case(SEED, 7) != case(SEED, 8)
    assert len(golden()) == 45
