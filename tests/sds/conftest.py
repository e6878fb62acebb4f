"""What the tests of the directory's faces share."""

from __future__ import annotations

import pytest
from slapd import IS_INSTALLED, NOT_INSTALLED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that no real OpenLDAP was compared with, where none was."""
    if not IS_INSTALLED:
        terminalreporter.write_line(
            f"THE DIRECTORY WAS NOT COMPARED WITH A REAL OPENLDAP: {NOT_INSTALLED}",
            yellow=True,
            bold=True,
        )
