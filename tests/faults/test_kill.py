"""Killed under load: whatever was answered is in the audit, and its chains are whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import ssl
import threading
import time
import uuid
from pathlib import Path
from typing import Self

import pytest
from msgspec import Struct, field
from peers import PATIENT, Reader, audited, connected, http, message, sample_client, trusting
from serving import Served, serving, start, workers

from core import audit
from core.store.sqlite import SqliteStore

CLIENTS = 6
SECONDS = (0.4, 1.2)
"""How long a server lives, at least and at most, under load."""


class Load(Struct):
    """Clients that ask, each again as soon as it was answered, until told to stop."""

    facade: Served
    answered: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.threads += [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask(self) -> None:
        """Ask, and connect again where a connection is lost."""
        context = trusting(sample_client(self.facade.folder))
        while not self.over.is_set():
            try:
                with connected(self.facade, context, timeout=5) as sock:
                    self.ask_on(sock)
            except OSError:
                time.sleep(0.02)

    def ask_on(self, sock: ssl.SSLSocket) -> None:
        """Ask on one connection for as long as it lasts."""
        reader = Reader(sock)
        while not self.over.is_set():
            message_id = str(uuid.uuid4()).upper()
            sock.sendall(http(message(message_id)))
            answer = reader.answer()
            if answer is None:
                return
            if answer.status == 200 and PATIENT.encode() in answer.body:
                self.answered.append(message_id)


@pytest.fixture
def folder(sample_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_folder, tmp_path / "data"))


def all_is_accounted_for(folder: Path, answered: list[str]) -> None:
    """Hold that each answered message is audited once, and that no chain is broken."""
    found = audited(folder)
    assert set(answered) - set(found) == set()
    assert len(found) == len(set(found))
    store = SqliteStore(folder / "spine.db")
    try:
        proof = audit.prove(store)
        faults = store.faults()
    finally:
        store.close()
    assert proof.breaks == []
    assert proof.entries >= len(answered)
    assert faults == ()


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_by_kills(folder: Path) -> None:
    chance = random.Random(2014)  # noqa: S311 - a game, no secret
    answered: list[str] = []
    for _ in range(5):
        facade = start(folder)
        with Load(facade) as load:
            time.sleep(chance.uniform(*SECONDS))
            os.killpg(facade.process.pid, signal.SIGKILL)
            facade.process.wait()
        assert load.answered
        answered += load.answered
    with serving(folder):
        pass
    all_is_accounted_for(folder, answered)


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_by_the_death_of_processes(folder: Path) -> None:
    with serving(folder) as facade, Load(facade) as load:
        for turn in range(5):
            time.sleep(0.4)
            standing = workers(facade)
            os.kill(standing[turn % len(standing)], signal.SIGKILL)
        time.sleep(0.4)
        before = len(load.answered)
        time.sleep(0.6)
        assert len(load.answered) > before
    all_is_accounted_for(folder, load.answered)


@pytest.mark.slow
def test_nothing_that_was_answered_is_lost_by_an_orderly_end(folder: Path) -> None:
    answered: list[str] = []
    for _ in range(2):
        facade = start(folder)
        with Load(facade) as load:
            time.sleep(0.6)
            facade.process.terminate()
            assert facade.process.wait(timeout=20) == 0
        assert "Traceback" not in facade.log.read_text()
        answered += load.answered
    all_is_accounted_for(folder, answered)
