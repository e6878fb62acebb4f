"""`spine pds`: records looked after by hand, and who did it."""

from __future__ import annotations

import getpass
import os
from itertools import islice
from pathlib import Path

import pytest
from commanding import done, made_folder, run, told

from operations import patients

KEPT, OTHER, *_THEIRS, NOBODY = (str(one) for one in islice(patients.numbers(), 6))


@pytest.fixture
def config(tmp_path: Path) -> tuple[str, str]:
    """Give the option that names a folder with synthetic patients."""
    return "--config", str(made_folder(tmp_path / "data"))


def audited(config: tuple[str, str], number: str) -> list[tuple[str, str, str]]:
    """Give who did what to a record by hand, as the audit tells."""
    rows = told("audit", *config, "--nhs-number", number)
    return [(row["command"], row["outcome"], row["user"]) for row in rows]


def test_a_record_is_shown_from_what_was_loaded_on_and_that_is_audited(
    config: tuple[str, str],
) -> None:
    done("pds", "restrict", *config, KEPT, "--sensitivity", "stop-noted")
    done("pds", "unrestrict", *config, KEPT)
    shown = told("pds", "show", *config, KEPT)
    loaded = shown["loaded"]["patient"]["serial_change_number"]
    assert [one["serial_change_number"] for one in shown["changes"]] == [loaded + 2, loaded + 1]
    assert [one["patient"]["sensitivity"] for one in shown["changes"]] == [None, "stop noted"]
    assert [one["noted"][0]["mode"] for one in shown["changes"]] == ["removed", "altered"]
    assert {one["by"] for one in shown["changes"]} == {getpass.getuser()}
    assert audited(config, KEPT) == [
        ("Restrict", "done", getpass.getuser()),
        ("Restrict", "done", getpass.getuser()),
        ("ShowHistory", "done", getpass.getuser()),
    ]


def test_a_person_reads_it_too(config: tuple[str, str]) -> None:
    done("pds", "merge", *config, OTHER, KEPT)
    lines = done("pds", "show", *config, KEPT).splitlines()
    assert f"has replaced {OTHER}" in lines[1]
    assert f"Merge by {getpass.getuser()}" in lines[2]
    assert "loaded from synthetic-2014" in lines[3]
    assert f"replaced by {KEPT}" in done("pds", "show", *config, OTHER)


def test_a_merge_is_audited_under_both_numbers_and_undone_by_a_split(
    config: tuple[str, str],
) -> None:
    assert OTHER in done("pds", "merge", *config, OTHER, KEPT)
    for number in (OTHER, KEPT):
        assert ("Merge", "done", getpass.getuser()) in audited(config, number)
    done("pds", "split", *config, OTHER)
    assert told("pds", "show", *config, OTHER)["patient"]["status"] == "active"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("split", KEPT), f"no number replaces it: see `spine pds show {KEPT}`"),
        (("merge", KEPT, KEPT), "does not replace itself: name another SURVIVOR"),
        (("show", NOBODY), f"no record stands under the number: check {NOBODY}, or find"),
        (("merge", NOBODY, KEPT), f"see `spine pds show {NOBODY}` and `spine pds show {KEPT}`"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line_and_audited(
    config: tuple[str, str], arguments: tuple[str, ...], says: str
) -> None:
    result = run("pds", arguments[0], *config, *arguments[1:])
    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    (entry,) = audited(config, arguments[1])
    assert entry[1] != "done"


def test_a_number_that_is_none_is_refused_before_anything_is_opened(
    config: tuple[str, str],
) -> None:
    result = run("pds", "show", *config, "9990000019")
    assert result.exit_code == 2
    assert "not a valid NHS number" in result.stderr
    assert os.environ.get("SPINE_CONFIG") is None
