"""No room: refused in words that clients retry, nothing corrupt, and well again with room."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from peers import PATIENT, Answer, Reader, audited, connected, http, message, metrics
from room import SmallDisk, small_disk
from serving import Served, is_ready, serving, workers

from core import audit
from core.store.sqlite import SqliteStore

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
NASP = "{http://national.carerecords.nhs.uk/schema/}"


@pytest.fixture
def folder(sample_folder: Path, tmp_path: Path) -> Path:
    """Give a folder whose store has no leftovers beside it."""
    folder = Path(shutil.copytree(sample_folder, tmp_path / "data"))
    with sqlite3.connect(folder / "spine.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return folder


def is_system_failure(answer: Answer) -> bool:
    """Say whether an answer is the fault that clients retry: nothing was decided."""
    fault = etree.fromstring(answer.body).find(f"{SOAP}Body/{SOAP}Fault")
    if fault is None or answer.status != 500:
        return False
    error = fault.find(f"detail//{NASP}error")
    assert error is not None
    return (error.findtext(f"{NASP}errorCode"), error.findtext(f"{NASP}description")) == (
        "200",
        "System failure to process message - default",
    )


def ask(served: Served, times: int) -> dict[str, Answer]:
    """Give the answers to so many messages by their ids."""
    answers = {}
    with connected(served) as sock:
        reader = Reader(sock)
        for _ in range(times):
            message_id = str(uuid.uuid4()).upper()
            sock.sendall(http(message(message_id)))
            answer = reader.answer()
            assert answer is not None
            answers[message_id] = answer
    return answers


def was_answered(answer: Answer) -> bool:
    return answer.status == 200 and PATIENT.encode() in answer.body


def nothing_is_corrupt(folder: Path, answers: dict[str, Answer]) -> None:
    """Hold that the store is sound, the audit whole, and that it holds what was answered."""
    store = SqliteStore(folder / "spine.db")
    try:
        proof, faults = audit.prove(store), store.faults()
    finally:
        store.close()
    assert proof.breaks == []
    assert faults == ()
    done = {message_id for message_id, answer in answers.items() if was_answered(answer)}
    assert done - set(audited(folder)) == set()


def test_a_store_at_its_limit_refuses_in_words_and_is_well_with_more(folder: Path) -> None:
    limit = (folder / "spine.db").stat().st_size + 40_000
    with serving(folder, SPINE_STORE_LIMIT_BYTES=str(limit)) as small:
        answers = ask(small, 200)
        counted = metrics(small)
    refused = [answer for answer in answers.values() if not was_answered(answer)]
    assert 0 < len(refused) < len(answers)
    assert all(is_system_failure(answer) for answer in refused)
    assert counted['spine_failures_total{kind="StoreFull"}'] == len(refused)
    assert "Traceback" not in small.log.read_text()

    with serving(folder) as large:
        again = ask(large, 5)
    assert all(was_answered(answer) for answer in again.values())
    nothing_is_corrupt(folder, {**answers, **again})


@pytest.fixture
def disk(folder: Path) -> Iterator[SmallDisk]:
    """Give a disk with the store on it and hardly any room."""
    size = (folder / "spine.db").stat().st_size
    with small_disk(folder / "disk", size + 3_000_000) as disk:
        shutil.copy(folder / "spine.db", disk.folder / "spine.db")
        yield disk


def test_a_full_disk_refuses_in_words_and_is_well_again_with_room(
    folder: Path, disk: SmallDisk
) -> None:
    there = {
        "SPINE_STORE_URL": "sqlite:disk/spine.db",
        "SPINE_DELIVERY_WORKERS": "0",
        "TMPDIR": str(disk.folder),
    }
    with serving(folder, **there) as facade:
        before = ask(facade, 10)
        begun = workers(facade)
        disk.fill(leave=20_000)
        while_full = ask(facade, 100)
        assert workers(facade) == begun
        disk.free()
        after = ask(facade, 10)
        assert is_ready(facade)

    assert all(was_answered(answer) for answer in (*before.values(), *after.values()))
    refused = [answer for answer in while_full.values() if not was_answered(answer)]
    assert refused
    assert all(is_system_failure(answer) for answer in refused)
    log = facade.log.read_text()
    assert "is full: free room on its disk" in log
    assert "Traceback" not in log
    nothing_is_corrupt(disk.folder, {**before, **while_full, **after})
