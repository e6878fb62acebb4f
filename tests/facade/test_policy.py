"""What the sources leave open is a setting, and each setting reaches the core."""

from __future__ import annotations

from pathlib import Path

import pytest
from commanding import config_of, done
from msgspec.structs import fields, replace

from core.demographics.records import Policy
from facade.wiring import policy

CHOICES = tuple(one.name for one in fields(Policy))


def test_unless_it_is_said_the_policy_is_the_cores_own(tmp_path: Path) -> None:
    done("init", str(tmp_path / "data"))
    assert policy(config_of(tmp_path / "data" / "spine.toml")) == Policy()


@pytest.mark.parametrize("choice", CHOICES)
def test_each_choice_is_a_setting(tmp_path: Path, choice: str) -> None:
    done("init", str(tmp_path / "data"))
    file = tmp_path / "data" / "spine.toml"
    default = getattr(Policy(), choice)
    turned = not default if isinstance(default, bool) else default + 1
    line = f"# {choice} = {str(default).lower()}\n"
    text = file.read_text(encoding="utf-8")
    assert line in text, "the file that is made names it with its default"
    file.write_text(text.replace(line, f"{choice} = {str(turned).lower()}\n"), encoding="utf-8")
    assert policy(config_of(file)) == replace(Policy(), **{choice: turned})
