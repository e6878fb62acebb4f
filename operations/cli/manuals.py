"""`spine interactions` and `spine wsdl`: what is answered, for people and for machines."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import to_builtins

from legacy_contracts.smsp.wsdl import FILE, files
from operations import manual
from operations.cli.opening import json_option, say_json


@click.command(epilog="Example:  spine interactions > docs/interactions.md")
@json_option
def interactions(*, as_json: bool) -> None:
    """Print the table of all interactions (Markdown; docs/interactions.md is this)."""
    if as_json:
        say_json([to_builtins(row) for row in manual.rows()])
    else:
        click.echo(manual.interactions(), nl=False)


@click.command(epilog="Example:  spine wsdl wsdl --host spine.example:8443")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--host",
    default="localhost:8443",
    show_default=True,
    help="Where clients reach the facade: a name with or without a port.",
)
def wsdl(folder: Path, host: str) -> None:
    """Write the mini services' WSDL and schemas into FOLDER, for tools that make clients of it.

    They are the documents that the facade serves for ?wsdl; here the WSDL names its schemas as
    files beside it.
    """
    try:
        written = files(host)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--host") from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (folder / name).write_bytes(content)
    click.echo(f"Wrote {folder / FILE} and {len(written) - 1} schemas")
