"""Replaying: time, who sends, what receivers answer; and cases that do not fit together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest
from commanding import run

from operations import recordings, replaying

RECORDINGS: Final = Path(__file__).parents[2] / "fixtures/recordings"
TRANSFER: Final = "gp2gp/RCMR_IN010000UK05"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the recordings of a forwarded message, with what they need."""
    for name in ("records", "directories"):
        shutil.copytree(RECORDINGS.parent / name, tmp_path / name)
    place = tmp_path / "recordings" / TRANSFER
    for name in ("forwarded", "receiver-dead"):
        shutil.copytree(RECORDINGS / TRANSFER / name, place / name)
    return place


def replayed(folder: Path) -> dict[str, bytes | None]:
    return {path.name: sent for path, sent in replaying.replay(recordings.read(folder))}


def test_a_receiver_that_never_answers_is_tried_when_the_case_lets_time_pass(folder: Path) -> None:
    sent = replayed(folder / "receiver-dead")

    posts = [one for one in sent.values() if one and b"POST /inbound " in one]
    assert [b"<eb:Action>RCMR_IN010000UK05<" in one for one in posts].count(True) == 3
    assert b"DeliveryFailure" in posts[-1]


def test_without_that_time_it_is_tried_once(folder: Path) -> None:
    case = folder / "receiver-dead/case.toml"
    case.write_text(case.read_text().partition("[step")[0])
    for one in sorted(case.parent.glob("*-in.http"))[2:]:
        one.unlink()

    sent = replayed(case.parent)

    assert not any(one and b"DeliveryFailure" in one for one in sent.values())


def test_another_certificate_is_another_sender(folder: Path) -> None:
    case = folder / "forwarded/case.toml"
    case.write_text(f'{case.read_text()}\n[step.01]\ncertificate_name = "other.spine.test"\n')
    for one in sorted(case.parent.glob("*-in.http"))[1:]:
        one.unlink()

    assert b"SecurityFailure" in (replayed(case.parent)["02-out.http"] or b"")


def test_what_is_recorded_and_no_more_sent_is_named_and_taken_away(folder: Path) -> None:
    stale = folder / "forwarded/09-out.http"
    stale.write_bytes(b"POST / HTTP/1.1\r\n\r\n")

    assert replayed(folder / "forwarded")["09-out.http"] is None
    refused = run("replay", str(folder))
    assert refused.exit_code == 1
    assert f"differs: {stale}" in refused.stdout
    assert run("replay", str(folder), "--accept").exit_code == 0
    assert not stale.exists()
    assert run("replay", str(folder)).exit_code == 0


def test_what_comes_in_where_nothing_leads_to_is_a_fault_of_the_case(folder: Path) -> None:
    lost = folder / "forwarded/20-in.http"
    lost.write_bytes(b"GET /_poll/1 HTTP/1.1\r\n\r\n")

    with pytest.raises(ValueError, match="nothing leads to 20-in"):
        replayed(folder / "forwarded")
    said = run("replay", str(folder))
    assert said.exit_code == 1
    assert said.stderr.count("\n") == 1
    assert "number it anew" in said.stderr


def test_a_case_with_too_few_ids_is_at_fault(folder: Path) -> None:
    case = folder / "forwarded/case.toml"
    lines = case.read_text().splitlines(keepends=True)
    case.write_text("".join([*lines[:4], *lines[lines.index("]\n") :]]))

    with pytest.raises(ValueError, match="3 ids are asked for"):
        replayed(case.parent)
