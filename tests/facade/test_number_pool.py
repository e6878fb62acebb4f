"""The pool of NHS numbers is configuration: its faults are named with their cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.demographics.numbers import SYNTHETIC, Span, pool_of
from facade import config
from facade.config import ConfigError


def test_the_default_pool_is_the_999_range(sample_folder: Path) -> None:
    read = config.load(sample_folder / "spine.toml", {})
    assert pool_of(read.demographics_number_pool) == SYNTHETIC


def test_a_pool_may_have_several_spans(sample_folder: Path) -> None:
    named = {"SPINE_DEMOGRAPHICS_NUMBER_POOL": "999000000-999099999, 999500000-999599999"}
    read = config.load(sample_folder / "spine.toml", named)
    assert pool_of(read.demographics_number_pool) == (
        Span(999_000_000, 999_099_999),
        Span(999_500_000, 999_599_999),
    )


def test_a_wrong_pool_is_named_with_its_cure_beside_the_other_faults(sample_folder: Path) -> None:
    wrong = {"SPINE_DEMOGRAPHICS_NUMBER_POOL": "999-9999", "SPINE_LOG_LEVEL": "loud"}
    with pytest.raises(ConfigError) as refused:
        config.load(sample_folder / "spine.toml", wrong)
    pool, level = sorted(refused.value.faults)
    assert pool.startswith("demographics.number_pool: '999-9999' is no span of numbers: write")
    assert level.startswith("log.level")
