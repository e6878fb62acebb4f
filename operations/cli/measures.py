"""`spine bench` and `spine replay`: what the facade costs, and whether it still says the same."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from facade import logs
from operations import recordings, replaying
from operations.bench import run as benches
from operations.cli.opening import FAILED_EXIT, fail, json_option
from operations.recordings import Case


@click.command(epilog="Example:  spine bench --patients 900000 --output bench.json")
@click.option(
    "--patients",
    "count",
    type=click.IntRange(1000, 900_000),
    default=100_000,
    envvar="PATIENTS",
    show_default=True,
    help="How many patients the embedded store holds.",
)
@click.option(
    "--riak",
    envvar="SPINE_BENCH_RIAK",
    metavar="URL",
    help="Measure a cluster too: riak://host:8087,host2:8087.",
)
@click.option("--only", type=click.Choice(benches.PARTS), help="Measure this part alone.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the JSON here as well.",
)
@json_option
def bench(
    count: int, riak: str | None, only: str | None, output: Path | None, *, as_json: bool
) -> None:
    """Measure everything in one run, each figure beside its target; missing one is no failure."""
    report = benches.run(count, riak, only, lambda step: click.echo(f"... {step}", err=True))
    if output is not None:
        output.write_text(report.json(), encoding="utf-8")
    click.echo(report.json() if as_json else report.table())


@click.command(epilog="Example:  spine replay fixtures/recordings")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--accept", is_flag=True, help="Write what is answered now into the recordings.")
def replay(folder: Path, *, accept: bool) -> None:
    """Replay every recording below FOLDER in process and name those that are answered otherwise.

    With --accept the answers are rewritten: read the difference as you would read code.
    """
    logs.configure("error")
    count, differing = 0, 0
    for case in recordings.cases(folder):
        for recorded, sent in _replayed(case):
            count += 1
            if recorded.is_file() and recorded.read_bytes() == sent:
                continue
            differing += 1
            click.echo(f"{'accepted' if accept else 'differs'}: {recorded}")
            if accept:
                _accept(recorded, sent)
    click.echo(f"{count} answers, {differing} {'accepted' if accept else 'different'}")
    sys.exit(FAILED_EXIT if differing and not accept else 0)


def _replayed(case: Case) -> list[replaying.Sent]:
    """Give what goes out in a case; one that does not fit together ends the command."""
    try:
        return list(replaying.replay(case))
    except ValueError as error:
        fail(str(error))


def _accept(recorded: Path, sent: bytes | None) -> None:
    """Record what is sent now; where nothing is, nothing."""
    if sent is None:
        recorded.unlink()
    else:
        recorded.write_bytes(sent)
