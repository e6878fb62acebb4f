"""What the contract tests share: the oracles beside the project, and a loud word where one is not.

Test data that may not be redistributed stays outside the repository: the official schemas are
found by `SPINE_SCHEMAS`, the corpus of public messages by `SPINE_CORPUS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import corpus
import pytest
import schemas
from corpus import Corpus, Outcome
from schemas import Schemas, SmspSchemas

OUTCOMES: Final = pytest.StashKey[list[Outcome]]()


@pytest.fixture(scope="session")
def official() -> Schemas:
    """Give the official schemas; the test is not run, and says so, where there are none."""
    place = schemas.folder()
    if place is None:
        pytest.skip(_not_set(schemas.VARIABLE))
    return Schemas(place)


@pytest.fixture(scope="session")
def published() -> Path:
    """Give the folder of the published mini services; not run, and says so, where there is none."""
    place = schemas.mini_services()
    if place is None:
        pytest.skip(_not_set(schemas.VARIABLE))
    return place


@pytest.fixture(scope="session")
def mini_services(published: Path) -> SmspSchemas:
    """Give the schemas of the mini services."""
    return SmspSchemas(published)


@pytest.fixture(scope="session")
def captured() -> Corpus:
    """Give the corpus; the test is not run, and says so, where there is none."""
    place = corpus.folder()
    if place is None:
        pytest.skip(_not_set(corpus.VARIABLE))
    return Corpus(place)


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> list[Outcome]:
    """Give where the corpus tests note what came of each file, for the table at the end."""
    return pytestconfig.stash.setdefault(OUTCOMES, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what came of the corpus, and in red what could not be run for want of an oracle."""
    noted = config.stash.get(OUTCOMES, [])
    if noted:
        terminalreporter.section("the corpus, file by file")
        for one in sorted(noted):
            terminalreporter.write_line(str(one))
    reasons = [str(one.longrepr) for one in terminalreporter.stats.get("skipped", [])]
    for variable, what in _LOST.items():
        count = sum(_not_set(variable) in reason for reason in reasons)
        if count:
            terminalreporter.section("NOT RUN", red=True, bold=True)
            text = f"{variable} is not set: {count} tests could not be run. NOT PROVED: {what}"
            terminalreporter.write_line(text, red=True, bold=True)


_LOST: Final = {
    schemas.VARIABLE: "that every message we build is right by its official schema",
    corpus.VARIABLE: "that real public requests are answered and real public answers rebuilt",
}


def _not_set(variable: str) -> str:
    return f"{variable} is not set"
