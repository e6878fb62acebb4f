"""What the facade's tests say at the end: loudly, where no real cluster took part."""

from __future__ import annotations

import pytest
import shared_homes


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say whether several nodes of a real cluster gave the same answer, and whether one died."""
    if len(shared_homes.ADDRESSES) < 2:
        loud = f"ANOTHER NODE OF A REAL CLUSTER WAS NOT ASKED: {shared_homes.NOT_NAMED}"
    elif not all(shared_homes.COMMANDS):
        loud = f"NO NODE OF THE REAL CLUSTER WAS KILLED: {shared_homes.NOT_NAMED}"
    else:
        nodes = ",".join(shared_homes.ADDRESSES)
        said = f"the same answer was asked of the cluster {nodes}, and a node of it killed"
        terminalreporter.write_line(said, green=True)
        return
    terminalreporter.write_line(loud, yellow=True, bold=True)
