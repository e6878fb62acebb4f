"""The one command line: `spine`."""

from __future__ import annotations

import click

from operations.cli import checks, directories, hub, manuals, measures, pds, records, running

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
    pds.pds,
    hub.deliver,
    hub.messages,
    hub.alerts,
    hub.transfers,
    manuals.interactions,
    manuals.wsdl,
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


@click.group(
    commands={command.name or "": command for command in _COMMANDS},
    epilog=_FIRST_MESSAGE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="spine-facade", prog_name="spine")
def main() -> None:
    """Run and look after a Spine facade."""
