"""What the tests share: a store in memory, a sample folder, a served facade."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Served, spine, start, stop

from core.store.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder made by `spine init` and filled by `spine load`."""
    folder = tmp_path_factory.mktemp("spine") / "data"
    for arguments in (
        ("init", str(folder)),
        ("load", "--config", str(folder / "spine.toml"), "--patients", "200"),
    ):
        done = spine(*arguments)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def served(sample_folder: Path) -> Iterator[Served]:
    """Give one facade that the tests share."""
    running = start(sample_folder)
    yield running
    stop(running)
