"""`spine deliver`, `messages`, `alerts`, `transfers`: what the hub does, and what it has done."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click
from msgspec import to_builtins

from adapters import endings
from core import alerts as raised
from core import transfers as conversations
from core.errors import CoreError
from core.messaging import listing
from core.messaging.keeping import later
from core.messaging.records import Message
from core.transfers import Transfer
from core.values.identity import is_nhs_number
from core.values.messaging import Standing
from facade import wiring
from facade.config import Config
from facade.wiring import Spine
from legacy_contracts.gp2gp.messages import NACK_CODES
from operations.cli.opening import (
    config_option,
    fail,
    json_option,
    opened_existing,
    read_config,
    say_json,
)

AGAIN_SECONDS: Final = 86400.0
"""How long a message that is sent again by hand is tried, unless it is said."""

own_config_option = click.option(
    "--config",
    "own",
    type=click.Path(path_type=Path),
    help="The configuration file; the group's own where it is not given.",
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="How many at most.",
)


@contextmanager
def spine_of(config: Config) -> Iterator[Spine]:
    """Give the configured Spine, to look at it or to act by hand; its audit is ended in order."""
    with opened_existing(config) as store:
        made = wiring.spine(config, store, watch=lambda _timing: None)
        try:
            yield made
        finally:
            made.core.end()


@click.command(epilog="Example:  spine deliver --config spine-data/spine.toml")
@config_option
def deliver(path: Path) -> None:
    """Deliver what is due until told to stop, beside other workers or alone.

    `spine serve` does so itself unless delivery.workers is 0.
    """
    from facade import delivery  # noqa: PLC0415 - it brings the server's library with it

    config = read_config(path)
    with opened_existing(config):
        pass
    click.echo("Delivering; stop with Ctrl-C or SIGTERM", err=True)
    delivery.deliver(config)


@click.group(invoke_without_command=True, epilog="Example:  spine messages --state failed")
@config_option
@click.option("--id", "message_id", help="Only the message with this id, however it fares.")
@click.option("--party", help="Only messages from or to this party key.")
@click.option(
    "--state",
    type=click.Choice([one.value for one in Standing]),
    help="Only messages that fare so; those done or closed are found by --id only.",
)
@limit_option
@json_option
@click.pass_context
def messages(context: click.Context, /, path: Path, *, as_json: bool, **which: Any) -> None:  # noqa: ANN401
    """List what is on its way and what was given up: state, tries, next try, expiry, why."""
    context.obj = path
    if context.invoked_subcommand is not None:
        return
    state = which["state"]
    wanted = listing.Wanted(which["message_id"], which["party"], state and Standing(state))
    with opened_existing(read_config(path)) as store:
        found = list(islice(listing.listed(store, wanted), which["limit"]))
    if as_json:
        say_json([_as_table(key, message) for key, message in found])
        return
    for key, message in found:
        click.echo(_spoken(key, message))
    click.echo(f"{len(found)} messages", err=True)


@messages.command(epilog="Example:  spine messages resend 'A12345-0000001|0F2A...'")
@click.argument("key")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(1, 366 * 86400),
    default=AGAIN_SECONDS,
    show_default=True,
    help="Seconds for which it is tried.",
)
@own_config_option
@click.pass_obj
def resend(group: Path, key: str, seconds: float, own: Path | None) -> None:
    """Try the message with KEY again, which was given up; its tries count anew."""
    operator = getpass.getuser()

    def act(made: Spine) -> None:
        until = later(made.context.now(), seconds)
        made.core.hub.send_again(key, until, operator)

    _by_hand(own or group, key, "ResendMessage", act)


@messages.command(epilog="Example:  spine messages close 'A12345-0000001|0F2A...' --why 'paper'")
@click.argument("key")
@click.option("--why", required=True, help="The reason, for whoever looks later.")
@own_config_option
@click.pass_obj
def close(group: Path, key: str, why: str, own: Path | None) -> None:
    """Put the message with KEY away, given up or on its way: it is not tried any more."""
    operator = getpass.getuser()
    _by_hand(
        own or group,
        key,
        "CloseMessage",
        lambda made: endings.closed(key, why, operator, made.ourselves),
    )


def _by_hand(path: Path, key: str, command: str, act: Any) -> None:  # noqa: ANN401
    """Do something to a message and audit it, whether it could be done or not."""
    with spine_of(read_config(path)) as made:
        outcome = "done"
        try:
            act(made)
        except CoreError as error:
            outcome = str(error)
        made.core.by_hand(command, key, operator=getpass.getuser(), outcome=outcome)
    if outcome != "done":
        fail(f"{key}: {outcome}: see `spine messages`")
    click.echo(f"done: {key}")


@click.command(epilog="Example:  spine alerts --organisation A12345 --since 2014-08-25")
@config_option
@click.option("--nhs-number", help="Only alerts about this patient.")
@click.option("--organisation", help="Only alerts from this organisation (ODS code).")
@click.option("--since", default="", help="Received from this date or time on (ISO 8601, UTC).")
@click.option("--until", default="~", show_default=False, help="Received before this time.")
@limit_option
@json_option
def alerts(path: Path, *, as_json: bool, limit: int, **which: Any) -> None:  # noqa: ANN401
    """List the alerts that privacy officers are to see, oldest first; looking is audited."""
    number = which["nhs_number"]
    if number is not None and not is_nhs_number(number):
        raise click.BadParameter("not a valid NHS number", param_hint="--nhs-number")
    with spine_of(read_config(path)) as made:
        found = list(islice(raised.listed(made.store, raised.Wanted(**which)), limit))
        made.core.by_hand(
            "ListAlerts", number or "", operator=getpass.getuser(), outcome=f"{len(found)} shown"
        )
    if as_json:
        say_json([to_builtins(one) for one in found])
        return
    for one in found:
        alert = one.alert
        click.echo(
            f"{one.received_at}  {alert.nhs_number}  {alert.organisation} "
            f"{alert.organisation_name}  user {alert.person} {alert.person_name} "
            f"({alert.person_description}) on {alert.device}  reason {alert.reason} "
            f"{alert.reason_text or ''}"
        )
    click.echo(f"{len(found)} alerts", err=True)


@click.command(epilog="Example:  spine transfers --party A12345-0000001")
@config_option
@click.option("--party", help="Only transfers to or from this party key.")
@limit_option
@json_option
def transfers(path: Path, *, party: str | None, limit: int, as_json: bool) -> None:
    """List record transfers (GP2GP): open ones first, those silent for longest before others."""
    with opened_existing(read_config(path)) as store:
        found = list(islice(conversations.listed(store, party), limit))
    if as_json:
        say_json([{"conversation": key, **to_builtins(one)} for key, one in found])
        return
    for key, one in found:
        click.echo(_told(key, one))
    click.echo(f"{len(found)} transfers", err=True)


def _told(key: str, transfer: Transfer) -> str:
    words = NACK_CODES.get(transfer.code, "")
    code = f" ({transfer.code}{words and f': {words}'})" if transfer.code else ""
    return (
        f"{key}  {transfer.stage}{code}  {transfer.holder} > {transfer.requester}  "
        f"messages {transfer.messages}, fragments {transfer.fragments}, "
        f"under way {transfer.under_way}  since {transfer.started_at}, last {transfer.last_at}"
    )


def _as_table(key: str, message: Message) -> dict[str, Any]:
    accepted = message.accepted
    return {
        "key": key,
        "id": accepted.envelope.message_id,
        "state": message.standing,
        "way": accepted.way,
        "sender": accepted.envelope.sender,
        "receiver": accepted.envelope.receiver,
        "service": accepted.envelope.service,
        "interaction": accepted.envelope.activity,
        "conversation": accepted.envelope.conversation_id,
        "accepted": message.accepted_at,
        "tries": message.tries,
        "next": message.due if message.in_flight else None,
        "expires": message.until,
        "why": message.why,
    }


def _spoken(key: str, message: Message) -> str:
    table = _as_table(key, message)
    return "".join(
        one if one.isprintable() else "?"
        for one in (
            f"{key}  {table['state']}  {table['sender']} > {table['receiver']}  "
            f"{table['interaction']}  tries {table['tries']}  next {table['next'] or '-'}  "
            f"expires {table['expires']}  {table['why']}"
        )
    )
