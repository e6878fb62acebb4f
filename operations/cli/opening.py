"""How every command begins, with its configuration and store, and how it ends when it fails.

Exit codes: 0 done, 1 it failed (one line with the cure), 2 the command, the configuration or a
file that was given is wrong (a line for each fault).
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from core.errors import StoreError
from core.store.port import Store
from facade import config as configs
from facade.config import Config, ConfigError
from facade.wiring import open_store
from operations.places import sqlite_file

FAILED_EXIT: Final = 1
WRONG_EXIT: Final = 2

config_option = click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=configs.DEFAULT_PATH,
    envvar="SPINE_CONFIG",
    show_default=True,
    help="The configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a machine.")


def read_config(path: Path) -> Config:
    """Give the configuration; end the command with every fault there is."""
    try:
        return configs.load(path)
    except ConfigError as error:
        fail_all(error.faults)


@contextlib.contextmanager
def opened(config: Config) -> Iterator[Store]:
    """Give the configured store, made where there is none; its errors end the command."""
    with ended_by_store():
        store = open_store(config)
        try:
            yield store
        finally:
            store.close()


@contextlib.contextmanager
def opened_existing(config: Config) -> Iterator[Store]:
    """Give the configured store; where there is none, end the command and make none."""
    with ended_by_store():
        store = existing_store(config)
        try:
            yield store
        finally:
            store.close()


def existing_store(config: Config) -> Store:
    """Give the configured store; raise `StoreError` where there is none, and make none."""
    file = sqlite_file(config)
    if file is not None and not file.is_file():
        raise StoreError(f"there is no store {file}: run `spine init`, or correct store.url")
    return open_store(config)


@contextlib.contextmanager
def ended_by_store() -> Iterator[None]:
    """End the command with one line where the store fails."""
    try:
        yield
    except StoreError as error:
        fail(str(error))


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever json takes
    """Print a value for a machine."""
    click.echo(json.dumps(value))


def fail(line: str) -> NoReturn:
    """End the command: one line that says what failed, and the cure."""
    click.echo(f"spine: {line}", err=True)
    sys.exit(FAILED_EXIT)


def fail_all(faults: Iterable[str]) -> NoReturn:
    """End the command: a line for everything that is wrong with what it was given."""
    for fault in faults:
        click.echo(f"spine: {fault}", err=True)
    sys.exit(WRONG_EXIT)
