"""`spine load`, `spine backup`, `spine restore`: what the store holds, in and out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from core.context import system_context
from operations import backup as backups
from operations import loading, patient_files, patients
from operations.archive import BackupError
from operations.backup import Contents
from operations.cli.opening import (
    config_option,
    ended_by_store,
    fail,
    json_option,
    opened,
    opened_existing,
    read_config,
    say_json,
)
from operations.copying import Progress


@click.command(epilog="Example:  spine load --patients 100000")
@config_option
@click.option(
    "--patients",
    "count",
    type=click.IntRange(1, patients.MAX_PATIENTS),
    default=100,
    show_default=True,
    help="How many synthetic patients.",
)
@click.option(
    "--seed",
    type=int,
    default=2014,
    show_default=True,
    help="The same seed gives the same patients.",
)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path),
    help="Load the patients of this TOML file instead.",
)
def load(path: Path, count: int, seed: int, file: Path | None) -> None:
    """Load seeded synthetic patients, or those of a file; the same again changes nothing.

    A record of a file takes the place of one with a lower serial change number.
    """
    now = system_context().now().isoformat(timespec="seconds")
    if file is not None:
        _load_file(path, file, now)
        return
    with (
        opened(read_config(path)) as store,
        click.progressbar(length=count, label="Loading patients", file=sys.stderr) as bar,
    ):
        loading.load(
            store,
            patients.population(count, seed),
            source=f"synthetic-{seed}",
            at=now,
            progress=bar.update,
        )
    click.echo(f"{count} synthetic patients are in the store")


def _load_file(path: Path, file: Path, now: str) -> None:
    try:
        people = patient_files.read(file)
    except patient_files.FileRefused as error:
        fail(str(error))
    with opened(read_config(path)) as store:
        source = f"file-{patient_files.fingerprint(file)}"
        loading.load(store, people, source=source, at=now, progress=lambda _count: None)
    click.echo(f"{len(people)} patients of {file} are in the store")


@click.command(epilog="Example:  spine backup spine-2014-08-25.zip")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def backup(path: Path, file: Path, *, as_json: bool) -> None:
    """Copy the whole store into FILE, while it serves.

    The copy of an embedded store is of one moment; a cluster's is made key by key. FILE appears
    once it is whole, and is never overwritten.
    """
    config, context = read_config(path), system_context()
    made = (context.new_id(), context.now().isoformat(timespec="seconds"))
    with _explained(), opened_existing(config) as store:
        contents = backups.make(config, store, file, made=made, progress=_progress())
    _say(f"{file} holds", contents, as_json=as_json)


@click.command(epilog="Example:  spine restore spine-2014-08-25.zip --replace")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", "aside", is_flag=True, help="Put an embedded store with data aside.")
@json_option
def restore(path: Path, file: Path, *, aside: bool, as_json: bool) -> None:
    """Put the records of FILE, a backup, into the store; all of them or none.

    FILE is verified first. A store that has data is left alone unless --replace is given, which
    keeps it beside the new one under a name of its own. Stop `spine serve` before.
    """
    config = read_config(path)
    now = system_context().now()
    with _explained(), ended_by_store():
        contents = backups.restore(config, file, aside=aside, now=now, progress=_progress())
    _say("the store holds", contents, as_json=as_json)
    if not as_json:
        click.echo(_of_ranges(contents.ranges_carried))


def _of_ranges(carried: int | None) -> str:
    """Say what becomes of the numbers that were given after the backup."""
    if carried is None:
        return (
            "NHS numbers that were given after the backup are not known here: before you start, "
            "name a span in demographics.number_pool that was not in use (docs/operations.md)"
        )
    return f"ranges of NHS numbers claimed after the backup, which stay claimed: {carried}"


def _say(what: str, contents: Contents, *, as_json: bool) -> None:
    if as_json:
        say_json(backups.as_table(contents))
        return
    for warning in contents.audit_breaks:
        click.echo(f"spine: audit: {warning}", err=True)
    counts = ", ".join(f"{kind}: {count}" for kind, count in contents.counts.items())
    click.echo(f"{what} {counts}")
    click.echo(
        f"the audit was proven: entries: {contents.audit_entries}, "
        f"breaks: {len(contents.audit_breaks)}"
    )
    if contents.put_aside is not None:
        click.echo(f"the store that stood there is kept as {contents.put_aside}")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        fail(str(error))


def _progress() -> Progress:
    """Give what shows progress: a bar for each stage, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _stage, _done, _whole: None
    bars: dict[str, Any] = {}

    def show(stage: str, done: int, whole: int) -> None:
        if stage not in bars:
            bars[stage] = click.progressbar(length=max(whole, 1), label=stage, file=sys.stderr)
        bar = bars[stage]
        bar.update(done - bar.pos)
        if done >= whole:
            bar.render_finish()

    return show
