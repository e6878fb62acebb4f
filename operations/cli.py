"""The one command line: `spine`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import click

from core import audit as audits
from core import directory as directories
from core.context import system_context
from core.errors import StoreError
from core.store.port import Store
from core.values.identity import is_nhs_number
from facade import config as configs
from facade.config import Config, ConfigError
from facade.wiring import open_store
from legacy_contracts import ns
from operations import listing, loading, patients, sending, setup
from operations.listing import ListingError

T = TypeVar("T")

CONFIG_EXIT: Final = 2
FAILED_EXIT: Final = 1

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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Run and look after a Spine facade."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("spine-data"))
def init(folder: Path) -> None:
    """Make FOLDER: a commented configuration, local keys, and a first directory in the store.

    What exists is left as it is, so running it again repairs a folder and changes nothing else.
    """
    try:
        made = setup.make_folder(folder, system_context().now())
    except OSError as error:
        _fail(f"{folder} cannot be made ({error}): check its permissions and its disk")
    for path in made:
        click.echo(f"made {path}")
    store = _store(_config(folder / "spine.toml"))
    if store_is_new(store):
        _import(store, folder / "directory.toml")
        click.echo(f"imported {folder / 'directory.toml'}")
    store.close()


@main.command()
@config_option
def serve(path: Path) -> None:
    """Answer legacy clients until told to stop (SIGTERM drains)."""
    from facade import server  # noqa: PLC0415 - only here: it forks, and only serving needs it

    try:
        server.serve(_config(path))
    except server.CannotStart as error:
        _fail(str(error))


@main.command()
@config_option
@click.argument("nhs_number", required=False)
@click.option("--host", default="localhost", show_default=True)
@json_option
def send(path: Path, nhs_number: str | None, host: str, *, as_json: bool) -> None:
    """Retrieve a patient over mutual TLS, as a legacy client does, and show the answer.

    Without NHS_NUMBER, the first of the synthetic sample patients.
    """
    config = _config(path)
    files = sending.ClientFiles(
        config.tls_ca, config.home / "tls/client.pem", config.home / "tls/client.key"
    )
    number = nhs_number or next(iter(patients.numbers()))
    request = sending.retrieval(number, system_context())
    action = f"{ns.SERVICES}pdsquery/{sending.RETRIEVAL}"
    try:
        answer = sending.post((host, config.server_port), files, request, action)
    except OSError as error:
        _fail(f"no answer from {host}:{config.server_port} ({error}): is `spine serve` running?")
    text = answer.body.decode()
    if as_json:
        click.echo(json.dumps({"status": answer.status, "body": text}))
    else:
        click.echo(f"HTTP {answer.status}")
        click.echo(text)
    sys.exit(0 if answer.status == 200 else FAILED_EXIT)


@main.command()
@config_option
@click.option(
    "--patients",
    "count",
    type=click.IntRange(1, patients.MAX_PATIENTS),
    default=100,
    show_default=True,
    help="How many synthetic patients.",
)
@click.option("--seed", type=int, default=2014, show_default=True)
def load(path: Path, count: int, seed: int) -> None:
    """Load seeded synthetic patients; the same again changes nothing."""
    store = _store(_config(path))
    now = system_context().now().isoformat(timespec="seconds")
    with click.progressbar(length=count, label="Loading patients", file=sys.stderr) as bar:
        _stored(
            lambda: loading.load(
                store,
                patients.population(count, seed),
                source=f"synthetic-{seed}",
                at=now,
                progress=bar.update,
            )
        )
    click.echo(f"{count} synthetic patients are in the store")
    store.close()


@main.group()
def directory() -> None:
    """Parties, systems, and what each may do."""


@directory.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def import_(path: Path, file: Path) -> None:
    """Write the parties and systems of FILE (TOML) into the store."""
    store = _store(_config(path))
    _import(store, file)
    store.close()
    click.echo(f"imported {file}")


@main.command()
@config_option
@click.option("--nhs-number", required=True, help="Whose record was looked at.")
@json_option
def audit(path: Path, nhs_number: str, *, as_json: bool) -> None:
    """Say who looked at a patient's record, oldest first."""
    if not is_nhs_number(nhs_number):
        raise click.BadParameter("not a valid NHS number", param_hint="--nhs-number")
    store = _store(_config(path))
    accesses = _stored(lambda: list(audits.accesses_to(store, nhs_number)))
    store.close()
    if as_json:
        rows = [{"writer": w, "number": n, **asdict(entry)} for w, n, entry in accesses]
        click.echo(json.dumps(rows))
        return
    for writer, number, entry in accesses:
        who = (
            f" user {entry.user} role {entry.role_profile} ({entry.job_role})" if entry.user else ""
        )
        click.echo(
            f"{entry.at}  {entry.command}  {entry.outcome}  party {entry.party_key}"
            f" ASID {entry.asid}{who}  {entry.activity} {entry.message_id}  [{writer} #{number}]"
        )
    click.echo(f"{len(accesses)} accesses", err=True)


def store_is_new(store: Store) -> bool:
    """Say whether no directory was ever imported."""
    return not any(True for _ in store.keys(directories.PARTIES))


def _import(store: Store, file: Path) -> None:
    try:
        read = listing.read(file)
    except ListingError as error:
        _fail_all(error.faults)
    context = system_context()
    at = context.now().isoformat(timespec="microseconds")
    _stored(
        lambda: directories.list_entries(
            store, read.parties, read.systems, at=at, import_id=context.new_id()
        )
    )


def _config(path: Path) -> Config:
    try:
        return configs.load(path)
    except ConfigError as error:
        _fail_all(error.faults)


def _store(config: Config) -> Store:
    return _stored(lambda: open_store(config))


def _stored(act: Callable[[], T]) -> T:
    try:
        return act()
    except StoreError as error:
        _fail(str(error))


def _fail(line: str) -> NoReturn:
    click.echo(f"spine: {line}", err=True)
    sys.exit(FAILED_EXIT)


def _fail_all(faults: tuple[str, ...]) -> NoReturn:
    for fault in faults:
        click.echo(f"spine: {fault}", err=True)
    sys.exit(CONFIG_EXIT)


if __name__ == "__main__":
    main()
