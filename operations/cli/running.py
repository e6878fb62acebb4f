"""`spine init`, `spine serve`, `spine send`: from nothing to a first answered message."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct

from core import directory as directories
from core.context import system_context
from core.store.port import Store
from facade.config import Config
from legacy_contracts import ns
from operations import patients, sending, setup, verifying
from operations.cli.directories import import_file
from operations.cli.opening import (
    FAILED_EXIT,
    config_option,
    fail,
    json_option,
    opened,
    read_config,
    say_json,
)

_NEXT: Final = """\
Next:  spine load --config {file} --patients 100   (synthetic patients)
       spine check --config {file}
       spine serve --config {file}"""


@click.command(epilog="Example:  spine init spine-data")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("spine-data"))
@click.option("--quiet", is_flag=True, help="Say only what was made, not what to do next.")
def init(folder: Path, *, quiet: bool) -> None:
    """Make FOLDER: a commented configuration, local keys, and a first directory in the store.

    What exists is left as it is; running it again makes what is missing, keys only where there is
    no tls folder.
    """
    try:
        made = setup.make_folder(folder, system_context().now())
    except OSError as error:
        fail(f"{folder} cannot be made ({error}): check its permissions and its disk")
    for path in made:
        click.echo(f"made {path}")
    file = folder / "spine.toml"
    with opened(read_config(file)) as store:
        if _is_new(store):
            import_file(store, folder / "directory.toml")
            click.echo(f"imported {folder / 'directory.toml'}")
        elif not made:
            click.echo(f"{folder} has everything already: nothing was changed")
    if not quiet:
        click.echo(_NEXT.format(file=file))


def _is_new(store: Store) -> bool:
    """Say whether no directory was ever imported."""
    return not any(True for _ in store.keys(directories.PARTIES))


@click.command(epilog="Example:  spine serve --config spine-data/spine.toml")
@config_option
def serve(path: Path) -> None:
    """Answer legacy clients until told to stop (SIGTERM lets what was begun finish)."""
    from facade import server  # noqa: PLC0415 - only here: it forks, and only serving needs it

    try:
        server.serve(read_config(path))
    except server.CannotStart as error:
        fail(str(error))


class Client(Struct, frozen=True):
    """Whom to ask, and as whom."""

    host: str
    pair: tuple[Path, Path] | None
    asid: str


@click.command(epilog="Example:  spine send 9992345667")
@config_option
@click.argument("nhs_number", required=False)
@click.option("--host", default="localhost", show_default=True, help="Where the facade listens.")
@click.option(
    "--client",
    "pair",
    type=(Path, Path),
    metavar="CERTIFICATE KEY",
    help="Whose files to send with, instead of those that `spine init` made.",
)
@click.option("--asid", default=setup.SAMPLE_ASID, show_default=True, help="Which system asks.")
@click.option(
    "--verify",
    "born",
    metavar="YYYYMMDD",
    help="Ask instead, by the mini service verifyNHSNumber, whether who has it was born then.",
)
@json_option
def send(
    path: Path,
    nhs_number: str | None,
    born: str | None,
    *,
    as_json: bool,
    **client: Any,  # noqa: ANN401
) -> None:
    """Retrieve a patient over mutual TLS, as a legacy client does, and show the answer.

    Without NHS_NUMBER, the first of the synthetic patients.
    """
    config, context = read_config(path), system_context()
    whom = Client(**client)
    number = nhs_number or next(iter(patients.numbers()))
    if born is None:
        body = sending.retrieval(number, context, asid=whom.asid)
        sent = sending.Post(body, f"{ns.SERVICES}pdsquery/{sending.RETRIEVAL}")
    else:
        person = verifying.Person(number, born)
        body = verifying.request(person, context, asid=whom.asid)
        sent = sending.Post(body, verifying.ACTION, verifying.PATH)
    answer = _posted(config, whom, sent)
    text = answer.body.decode()
    if as_json:
        say_json({"status": answer.status, "body": text})
    else:
        click.echo(f"HTTP {answer.status}")
        click.echo(text)
    sys.exit(0 if answer.status == 200 else FAILED_EXIT)


def _posted(config: Config, client: Client, sent: sending.Post) -> sending.HttpAnswer:
    own = (config.home / "tls/client.pem", config.home / "tls/client.key")
    certificate, key = client.pair or own
    for file in (certificate, key):
        if not file.is_file():
            fail(f"there is no file {file}: name a certificate and its key with --client")
    files = sending.ClientFiles(config.tls_ca, certificate, key)
    place = f"{client.host}:{config.server_port}"
    try:
        return sending.post((client.host, config.server_port), files, sent)
    except ssl.SSLError as error:
        fail(
            f"{place} answers, and TLS fails ({error}): tls.ca must have signed both certificates, "
            "and the server's must name the --host"
        )
    except OSError as error:
        fail(f"no answer from {place} ({error}): is `spine serve` running?")
