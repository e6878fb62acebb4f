"""Patients of a file: loaded with what organisations call them, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import spine

from operations import patient_files
from operations.patient_files import FileRefused

WHOLE = """
[[patient]]
nhs_number = "9990000018"
gender = "2"
birth_time = "19500203"
names = [{ given = ["EDITH"], family = "CARTER" }]
local_identifiers = [{ organisation = "T99999", scheme = "2.16.840.1.113883.19.5", value = "H1" }]
"""


def test_a_file_is_loaded_and_what_it_says_is_in_the_store(tmp_path: Path) -> None:
    assert spine("init", str(tmp_path / "data")).returncode == 0
    file = tmp_path / "people.toml"
    file.write_text(WHOLE, encoding="utf-8")
    config = str(tmp_path / "data/spine.toml")
    for _ in range(2):
        loaded = spine("load", "--config", config, "--file", str(file))
        assert loaded.returncode == 0, loaded.stderr
        assert loaded.stdout == f"1 patients of {file} are in the store\n"
    shown = spine("pds", "show", "--config", config, "9990000018")
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("9990000018", "9990000019", "nhs_number is none"),
        ('"T99999"', '""', "a local identifier needs"),
        ('"2.16.840.1.113883.19.5"', '"ours"', "a local identifier needs"),
        ('gender = "2"', "gender = 2", "Expected `str | null`"),
        ("[[patient]]", "[[person]]", "names no patient"),
        ("[[patient]]", "[[patient]", "is no TOML"),
        (', value = "H1"', "", "missing required field `value`"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused_with_the_cure(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    file = tmp_path / "people.toml"
    file.write_text(WHOLE.replace(old, new), encoding="utf-8")
    with pytest.raises(FileRefused, match=why.replace("[", r"\[").replace("|", r"\|")) as refused:
        patient_files.read(file)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read"):
        patient_files.read(tmp_path / "none.toml")
