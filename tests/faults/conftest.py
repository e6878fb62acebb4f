"""What a run with faults counted stands at the end of the output, and what was not run."""

from __future__ import annotations

import os

import pytest
from faulting import CLUSTER, KILL_NODE, NOT_NAMED, START_NODE

_LINES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing counted."""
    config.stash[_LINES] = []


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> list[str]:
    """Give where a line is put that is to stand at the end."""
    return request.config.stash[_LINES]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was counted, and loudly where no node of a cluster was killed."""
    for line in config.stash[_LINES]:
        terminalreporter.write_line(line, green=True)
    if not all(os.environ.get(one) for one in (CLUSTER, KILL_NODE, START_NODE)):
        terminalreporter.write_line(
            f"FAULTS DID NOT RUN ON A REAL CLUSTER: {NOT_NAMED}", yellow=True, bold=True
        )
