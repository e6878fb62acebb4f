"""`spine interactions`: what is answered, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict

import click

from operations import manual
from operations.cli.opening import json_option, say_json


@click.command(epilog="Example:  spine interactions > docs/interactions.md")
@json_option
def interactions(*, as_json: bool) -> None:
    """Print the table of all interactions (Markdown; docs/interactions.md is this)."""
    if as_json:
        say_json([asdict(row) for row in manual.rows()])
    else:
        click.echo(manual.interactions(), nl=False)
