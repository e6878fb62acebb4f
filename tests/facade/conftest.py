"""What the facade's tests say at the end: loudly, where no real cluster took part."""

from __future__ import annotations

import pytest
import shared_homes
from ldap_serving import LDAPSEARCH, NOT_INSTALLED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what took no part: ldapsearch, several nodes of a cluster, one that dies."""
    if LDAPSEARCH is None:
        said = f"LDAP WAS NOT ASKED BY LDAPSEARCH: {NOT_INSTALLED}"
        terminalreporter.write_line(said, yellow=True, bold=True)
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
