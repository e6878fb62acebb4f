"""`spine pds`: what the back office does to demographic records by hand, all of it audited."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from msgspec import to_builtins

from core.demographics.back_office import History, Merge, Restrict, ShowHistory, Split
from core.demographics.claiming import PatientChange
from core.demographics.updates import Updated
from core.errors import ChangeRefused, CoreError, NotFound
from core.values.changes import Objection
from core.values.demographics import Patient, Sensitivity
from core.values.identity import NhsNumber, is_nhs_number, operator_named
from operations.cli import unshown
from operations.cli.hub import spine_of
from operations.cli.opening import config_option, fail, json_option, read_config, say_json

SENSITIVITIES: Final[dict[str, Sensitivity]] = {
    "sensitive": Sensitivity.SENSITIVE,
    "stop-noted": Sensitivity.STOP_NOTED,
    "business": Sensitivity.BUSINESS,
}


def _a_number(_context: click.Context, parameter: click.Parameter, text: str) -> NhsNumber:
    if not is_nhs_number(text):
        raise click.BadParameter("not a valid NHS number", param=parameter)
    return NhsNumber(text)


number_argument = click.argument("number", metavar="NHS-NUMBER", callback=_a_number)


@click.group(epilog="Example:  spine pds show 9990000018")
def pds() -> None:
    """Look after demographic records by hand: history, merge, split, restrict."""


@pds.command(epilog="Example:  spine pds show 9990000018 --limit 20")
@config_option
@number_argument
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="How many changes at most, the last ones.",
)
@json_option
def show(path: Path, number: NhsNumber, limit: int, *, as_json: bool) -> None:
    """Tell a record's history by serial change number: who changed what, and when.

    What is kept and no query can show stands before it. --json gives every version of the record
    in whole.
    """
    history: History = _performed(path, lambda _id, _user: ShowHistory(number, limit), number)
    if as_json:
        say_json(to_builtins(history))
        return
    for line in _told(history):
        click.echo("".join(one if one.isprintable() else "?" for one in line))


@pds.command(epilog="Example:  spine pds merge 9990000026 9990000018")
@config_option
@click.argument("loser", callback=_a_number)
@click.argument("survivor", callback=_a_number)
def merge(path: Path, loser: NhsNumber, survivor: NhsNumber) -> None:
    """Let SURVIVOR stand for the person of both numbers; LOSER then leads to it.

    Nothing of LOSER's record is lost: `spine pds split` undoes it. SURVIVOR is restricted from
    then on if LOSER was, and stays so after a split: `spine pds unrestrict` lifts it.
    """
    done: Updated = _performed(
        path, lambda one, user: Merge(loser, survivor, one, user), loser, survivor
    )
    click.echo(f"{loser} leads to {_at(done.patient)}")


@pds.command(epilog="Example:  spine pds split 9990000026")
@config_option
@number_argument
def split(path: Path, number: NhsNumber) -> None:
    """Let NHS-NUMBER, which was replaced, stand for a person of its own again."""
    done: Updated = _performed(path, lambda one, user: Split(number, one, user), number)
    click.echo(f"{_at(done.patient)} stands for itself")


@pds.command(epilog="Example:  spine pds restrict 9990000018 --sensitivity sensitive")
@config_option
@number_argument
@click.option(
    "--sensitivity",
    type=click.Choice(list(SENSITIVITIES)),
    default="sensitive",
    show_default=True,
    help="Why its details are withheld.",
)
def restrict(path: Path, number: NhsNumber, sensitivity: str) -> None:
    """Withhold a record's details: nothing that leads to the person is shown any more."""
    reason = SENSITIVITIES[sensitivity]
    done: Updated = _performed(path, lambda one, user: Restrict(number, reason, one, user), number)
    click.echo(f"{_at(done.patient)} is restricted ({sensitivity})")


@pds.command(epilog="Example:  spine pds unrestrict 9990000018")
@config_option
@number_argument
def unrestrict(path: Path, number: NhsNumber) -> None:
    """Show a restricted record's details again."""
    done: Updated = _performed(path, lambda one, user: Restrict(number, None, one, user), number)
    click.echo(f"{_at(done.patient)} is not restricted")


def _performed(
    path: Path,
    made: Callable[[str, str], Any],
    *numbers: NhsNumber,
) -> Any:  # noqa: ANN401
    """Give what a command of an operator's comes to; it is audited, refused or not."""
    operator = getpass.getuser()
    with spine_of(read_config(path)) as spine:
        message_id = spine.context.new_id()
        try:
            return spine.core.perform(
                made(message_id, operator), by=operator_named(operator, message_id)
            )
        except CoreError as error:
            fail(f"{error}: {_cure(error, numbers)}")


def _cure(error: CoreError, numbers: tuple[NhsNumber, ...]) -> str:
    """Say what to do; of two numbers, how to see which it is."""
    if isinstance(error, NotFound) and len(numbers) == 1:
        return f"check {numbers[0]}, or find the person with a trace"
    if isinstance(error, ChangeRefused) and error.reason is Objection.SAME_NUMBER:
        return "name another SURVIVOR"
    return "see " + " and ".join(f"`spine pds show {one}`" for one in numbers)


def _at(patient: Patient) -> str:
    return f"{patient.nhs_number} (serial change number {patient.serial_change_number})"


def _told(history: History) -> Iterator[str]:
    patient = history.patient
    yield f"{_at(patient)}  {patient.status}"
    if patient.superseded_by is not None:
        yield f"  replaced by {patient.superseded_by}"
    if patient.sensitivity is not None:
        yield f"  restricted ({patient.sensitivity})"
    for one in patient.replaced:
        since = one.period.start if one.period else None
        yield f"  has replaced {one.nhs_number} since {since or 'an unknown day'}"
    yield from unshown.told(patient)
    yield from map(_change, history.changes)
    if history.loaded is not None:
        first = history.loaded.patient.serial_change_number
        yield f"{first:>9}  {history.loaded.at}  loaded from {history.loaded.by}"


def _change(change: PatientChange) -> str:
    noted = ", ".join(
        f"{one['mode']} {one['what']} {(one.get('item') or {}).get('object_id') or ''}".rstrip()
        for one in change.noted
    )
    kind = f" ({change.kind})" if change.kind else ""
    return (
        f"{change.serial_change_number:>9}  {change.at}  {change.command}{kind} by {change.by}, "
        f"message {change.message_id}: {noted}"
    )
