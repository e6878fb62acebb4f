"""Worlds of faults, one for each seed: whatever strikes, what was promised holds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import simulating
from click.testing import CliRunner
from simulating import Outcome, run_all, simulate
from simulating_breaks import BREAKS

SEEDS = 1_000
FAULTS = (
    *("dead", "died", "doubled", "jumped", "lost", "refused", "siblings", "slow", "stalled"),
    *("store away", "unanswered", "stopped", "shared pages", "CloseMessage", "ResendMessage"),
)
ENDS = (
    *("handle done handled", "handle done rejected", "forward done acknowledged"),
    *("forward done delivered", "forward done rejected", "given up"),
)


@pytest.mark.slow
def test_whatever_strikes_what_was_promised_holds() -> None:
    tally = run_all(0, SEEDS)
    assert tally.failed == [], _said(tally.failed[0])
    # A world in which nothing happens proves nothing.
    assert [one for one in FAULTS if tally.struck[one] < SEEDS / 20] == []
    assert [one for one in ENDS if tally.ends[one] < SEEDS / 50] == []


def _said(failed: Outcome) -> str:
    return f"make simulate SEED={failed.seed}\n{failed.wrongs}\n{simulate(failed.seed).told()}"


def test_a_seed_is_the_same_world_each_time() -> None:
    assert simulate(7) == simulate(7)
    assert simulate(7).trace != simulate(8).trace


def test_a_seed_is_the_same_world_in_another_process() -> None:
    code = (
        "import hashlib; from simulating import simulate;"
        "print(hashlib.sha256(simulate(7).told().encode()).hexdigest())"
    )
    path = os.pathsep.join((str(Path(simulating.__file__).parent), str(Path.cwd())))
    printed = subprocess.run(
        (sys.executable, "-c", code),
        env={"PYTHONPATH": path, "PYTHONHASHSEED": "2014"},
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert printed.strip() == hashlib.sha256(simulate(7).told().encode()).hexdigest()


def test_a_seed_that_fails_is_replayed_alone_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = next(one for one in BREAKS if one.name == "a failed try counts as arrival")
    broken.make(monkeypatch)
    seed = next(
        seed for seed in range(50) if any(broken.found in wrong for wrong in simulate(seed).wrongs)
    )

    shown = CliRunner().invoke(simulating.main, ["--seed", str(seed)])

    assert shown.exit_code == 1
    assert f"seed {seed}: " in shown.output
    assert "WRONG" in shown.output
    assert broken.found in shown.output
    assert "posts" in shown.output


def test_a_seed_that_holds_says_so() -> None:
    shown = CliRunner().invoke(simulating.main, ["--seed", "7"])
    assert shown.exit_code == 0
    assert "seed 7: 0 wrong" in shown.output
