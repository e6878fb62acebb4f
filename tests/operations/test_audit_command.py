"""`spine audit`: who looked at a patient's record, and when."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from commanding import config_of, done, made_folder, run, told
from serving import core_on

from core.audit import Access
from core.context import system_context
from facade.wiring import open_store

NUMBER = "9992345667"
OTHER = "9990000093"


def looked(day: int, number: str, **person: str) -> Access:
    """Give an access on a day of August 2014."""
    at = f"2014-08-{day:02d}T09:30:00.000001+00:00"
    return Access(at, "P", "990000000001", "I", "Retrieve", "done", f"m{day}", (number,), **person)


@pytest.fixture
def config(tmp_path: Path) -> tuple[str, str]:
    """Give the option that names a store where two patients were looked at."""
    file = made_folder(tmp_path / "data")
    with closing(open_store(config_of(file))) as store:
        core = core_on(store, system_context())
        for day in (3, 5, 9):
            core.audit.record(looked(day, NUMBER))
        core.audit.record(looked(7, OTHER))
        core.audit.record(looked(11, NUMBER, user="U1", role_profile="R1", job_role="J1"))
        core.end()
    return "--config", str(file)


def days(config: tuple[str, str], *options: str) -> list[int]:
    rows = told("audit", *config, "--nhs-number", NUMBER, *options)
    return [int(row["at"][8:10]) for row in rows]


def test_only_the_patients_own_accesses_are_said_in_order(config: tuple[str, str]) -> None:
    assert days(config) == [3, 5, 9, 11]


def test_a_span_of_time_narrows_and_includes_its_ends(config: tuple[str, str]) -> None:
    assert days(config, "--since", "2014-08-05") == [5, 9, 11]
    assert days(config, "--until", "2014-08-05") == [3, 5]
    assert days(config, "--since", "2014-08-04", "--until", "2014-08-09") == [5, 9]
    assert days(config, "--since", "2014-08-05T09:31", "--until", "2014-08-09T09:30") == [9]


def test_a_line_says_who_by_role_and_where_it_stands(config: tuple[str, str]) -> None:
    lines = done("audit", *config, "--nhs-number", NUMBER).splitlines()
    assert len(lines) == 4
    assert lines[-1] == (
        "2014-08-11T09:30:00.000001+00:00  Retrieve  done  party P ASID 990000000001 "
        "user U1 role R1 (J1)  I m11  [test #5]"
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--nhs-number", "1234567890"),
        ("--nhs-number", NUMBER, "--since", "yesterday"),
        ("--nhs-number", NUMBER, "--until", "2014-13-01"),
        (),
    ],
)
def test_what_cannot_be_asked_exits_2(config: tuple[str, str], options: tuple[str, ...]) -> None:
    result = run("audit", *config, *options)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
