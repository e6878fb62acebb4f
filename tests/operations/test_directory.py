"""`spine directory`: an operator's parties and systems, in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from commanding import done, made_folder, run, told

from legacy_contracts import registry

LISTING = """
[party.A12345-0000001]
name = "Hill practice"
certificate_names = ["hill.example.test", "old.example.test"]

[system.100000000001]
name = "Hill records"
party = "A12345-0000001"
interactions = ["QUPA_IN000008UK02"]

[system.100000000002]
name = "Hill front desk"
party = "A12345-0000001"
interactions = ["*"]
"""

WRONG = """
[party.A12345-0000001]
name = ""
certificate_names = "hill.example.test"
colour = "red"

[party.B12345-0000001]
name = "Dale"
certificate_names = ["DALE.example.test"]

[party.C12345-0000001]
name = "Vale"
certificate_names = ["dale.example.test"]

[system.1]
name = "Hill records"
party = "Z12345-0000001"
interactions = ["QUPA_IN999999UK99"]

[systems.100000000002]
name = "x"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "data")


def written(tmp_path: Path, content: str) -> str:
    path = tmp_path / "parties.toml"
    path.write_text(content)
    return str(path)


def test_what_is_imported_is_listed_beside_what_was_there(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))

    said = done("directory", "import", *config, written(tmp_path, LISTING))

    assert said.endswith("parties: 1, systems: 2\n")
    shown = done("directory", "list", *config)
    assert "A12345-0000001  Hill practice  hill.example.test, old.example.test\n" in shown
    assert "  100000000001  Hill records  1 interactions\n" in shown
    assert f"  100000000002  Hill front desk  {len(registry.INTERACTIONS)} interactions\n" in shown
    assert "T99999-9900001  Sample practice" in shown
    listed = told("directory", "list", *config)
    assert [party["party_key"] for party in listed["parties"]] == [
        "A12345-0000001",
        "T99999-9900001",
    ]
    assert [system["asid"] for system in listed["systems"]] == [
        "100000000001",
        "100000000002",
        "990000000001",
    ]


def test_one_entry_is_shown_by_party_key_or_asid(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, LISTING))

    party = done("directory", "show", *config, "A12345-0000001")
    system = done("directory", "show", *config, "100000000001")
    absent = run("directory", "show", *config, "100000000009")

    assert "certificate   hill.example.test" in party
    assert "system        100000000002" in party
    assert "interaction   QUPA_IN000008UK02" in system
    assert told("directory", "show", *config, "100000000001")["party_key"] == "A12345-0000001"
    assert absent.exit_code == 1
    assert absent.stderr == (
        "spine: 100000000009 is not in the directory: see `spine directory list`\n"
    )


def test_a_later_import_replaces_what_it_names(file: Path, tmp_path: Path) -> None:
    config = ("--config", str(file))
    done("directory", "import", *config, written(tmp_path, LISTING))

    done("directory", "import", *config, written(tmp_path, LISTING.replace("Hill", "Mount")))

    assert told("directory", "show", *config, "100000000001")["name"] == "Mount records"


def test_a_wrong_file_exits_2_with_every_fault_and_imports_nothing(
    file: Path, tmp_path: Path
) -> None:
    before = told("directory", "list", "--config", str(file))

    result = run("directory", "import", "--config", str(file), written(tmp_path, WRONG))

    assert result.exit_code == 2
    for what in (
        "[party.A12345-0000001]: name is missing",
        "[party.A12345-0000001]: certificate_names is missing",
        "[party.A12345-0000001]: colour is not known: remove it",
        "certificate name dale.example.test is of two parties: B12345-0000001, C12345-0000001",
        "[system.1]: an ASID has 12 digits",
        "[system.1]: party Z12345-0000001 is not in this file: add [party.Z12345-0000001]",
        "[system.1]: interaction QUPA_IN999999UK99 is not built here",
        "[systems] is not known: use [party.KEY] and [system.ASID]",
    ):
        assert f"spine: {what}" in result.stderr
    assert told("directory", "list", "--config", str(file)) == before


@pytest.mark.parametrize("content", ["[party", 'party = "x"', "[party]\nA = 1"])
def test_what_is_no_listing_is_said_in_lines(file: Path, tmp_path: Path, content: str) -> None:
    result = run("directory", "import", "--config", str(file), written(tmp_path, content))
    assert result.exit_code == 2
    assert result.stderr.startswith("spine: ")


def test_a_file_that_is_not_there_is_one_line(file: Path, tmp_path: Path) -> None:
    result = run("directory", "import", "--config", str(file), str(tmp_path / "gone.toml"))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
