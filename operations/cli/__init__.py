"""The one command line: `spine`."""

from __future__ import annotations

import errno
import sys
from typing import Any, Final

import click

from operations.cli import checks, directories, hub, ldap, manuals, measures, pds, records, running

_COMMANDS: tuple[click.Command, ...] = (
    running.init,
    running.serve,
    running.send,
    checks.check,
    checks.audit,
    records.load,
    records.backup,
    records.restore,
    directories.directory,
    ldap.ldap,
    pds.pds,
    hub.deliver,
    hub.messages,
    hub.alerts,
    hub.transfers,
    manuals.interactions,
    measures.replay,
    measures.bench,
)

_FIRST_MESSAGE = """\b
A first message, from nothing:
  spine init
  spine load --patients 100
  spine serve
  spine send                  (in another terminal)
"""


_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _Spine(click.Group):
    """The command line; where its output cannot be written it says so in one line."""

    def main(self, *args: Any, **extra: Any) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            click.echo(f"Error: {error.strerror}: make room, or write elsewhere", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        given = super().invoke(ctx)
        # Later nobody could say it in one line.
        sys.stdout.flush()
        return given


@click.group(
    cls=_Spine,
    commands={command.name or "": command for command in _COMMANDS},
    epilog=_FIRST_MESSAGE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="spine-facade", prog_name="spine")
def main() -> None:
    """Run and look after a Spine facade."""
