"""The command line in this process: what a person types, and what they see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from facade import config as configs
from facade.config import Config
from operations.cli import main


def run(*arguments: str, **environ: str) -> Result:
    """Run a command and give how it went."""
    return CliRunner().invoke(main, list(arguments), env=environ, prog_name="spine")


def done(*arguments: str, **environ: str) -> str:
    """Run a command that must go well, and give what it printed."""
    result = run(*arguments, **environ)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*arguments: str, **environ: str) -> Any:  # noqa: ANN401 - what a command prints
    """Run a command that must go well, and give what it printed for a machine."""
    return json.loads(done(*arguments, "--json", **environ))


def made_folder(folder: Path, patients: int = 5) -> Path:
    """Make a folder as a newcomer does, and give its configuration file."""
    done("init", str(folder))
    file = folder / "spine.toml"
    done("load", "--config", str(file), "--patients", str(patients))
    return file


def config_of(file: Path) -> Config:
    """Give the configuration in a file, whatever this process's variables say."""
    return configs.load(file, {})


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    """Give every command of a group with the words that name it."""
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found
