"""The hub broken on purpose: the simulation sees each break, and in the same worlds no other."""

from __future__ import annotations

import pytest
from simulating import simulate
from simulating_breaks import BREAKS, Break, without_leases

WITHIN = 200
"""Seeds in which a break must be seen; most are seen in the first ten."""


@pytest.mark.parametrize("broken", BREAKS, ids=lambda one: one.name)
def test_a_break_is_seen(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.make(monkeypatch)
    seen = next(
        (
            seed
            for seed in range(WITHIN)
            if any(broken.found in wrong for wrong in simulate(seed).wrongs)
        ),
        None,
    )
    assert seen is not None
    monkeypatch.undo()
    assert simulate(seen).wrongs == ()


def test_leases_save_posts_and_nothing_that_is_promised_rests_on_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of few worlds some have none of what leases are for: thirty may even post more with them.
    seeds = range(90)
    posts = _posts(seeds)
    without_leases(monkeypatch)
    assert [simulate(seed).wrongs for seed in seeds] == [()] * len(seeds)
    assert _posts(seeds) > posts * 1.15


def _posts(seeds: range) -> int:
    return sum(what.startswith("posts") for seed in seeds for _, _, what in simulate(seed).trace)
