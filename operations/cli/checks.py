"""`spine check` and `spine audit`: is it fit to serve, and who looked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from msgspec import to_builtins

from core import audit as audits
from core.audit import Access, Proof
from core.values.identity import is_nhs_number
from operations import checking, proving
from operations.checking import Finding, Level
from operations.cli.opening import (
    FAILED_EXIT,
    config_option,
    existing_store,
    json_option,
    opened_existing,
    read_config,
    say_json,
)


@click.command(epilog="Example:  spine check --audit")
@config_option
@click.option("--audit", "prove", is_flag=True, help="Also prove the audit's chains.")
@click.option("--inferred", is_flag=True, help="Only list what no public source shows.")
@json_option
def check(path: Path, *, prove: bool, inferred: bool, as_json: bool) -> None:
    """Say whether the facade is fit to serve; every fault with its cure.

    Looks at the configuration, the certificates and the days they have left, the store, the
    directory and the ports. Exits 1 where something is at fault, 2 where the configuration is.
    """
    if inferred:
        _say_inferred(as_json=as_json)
        return
    config = read_config(path)
    findings = checking.everything(config, lambda: existing_store(config))
    proof = None
    if prove and not _store_at_fault(findings):
        with opened_existing(config) as store:
            proof = proving.prove(store)
        findings += _proven(proof)
    if as_json:
        say_json(
            {
                "findings": [to_builtins(finding) for finding in findings],
                "audit": None if proof is None else to_builtins(proof),
            }
        )
    else:
        for finding in findings:
            click.echo(f"{finding.level:8} {finding.what}: {finding.says}")
    sys.exit(FAILED_EXIT if checking.worst(findings) is Level.FAULT else 0)


def _store_at_fault(findings: list[Finding]) -> bool:
    return any(one.what == "store" and one.level is Level.FAULT for one in findings)


def _proven(proof: Proof) -> list[Finding]:
    counted = f"chains: {proof.chains}, pages: {proof.pages}, entries: {proof.entries}"
    if not proof.breaks:
        return [Finding(Level.OK, "audit", f"{counted}, breaks: 0")]
    found = [Finding(Level.FAULT, "audit", f"{counted}, breaks: {len(proof.breaks)}")]
    cure = "keep the store as it is, and compare it with the last backup"
    return found + [Finding(Level.FAULT, "audit", f"{one}: {cure}") for one in proof.breaks]


def _say_inferred(*, as_json: bool) -> None:
    rows = checking.inferred()
    if as_json:
        say_json([to_builtins(row) for row in rows])
        return
    for row in rows:
        click.echo(f"{row.place:12} {row.name:40} {row.says}")
    click.echo(f"{len(rows)} rows that no public source shows", err=True)


@click.command(epilog="Example:  spine audit --nhs-number 9992345667 --since 2014-08-01")
@config_option
@click.option("--nhs-number", required=True, help="Whose record was looked at.")
@click.option("--since", help="From this date or time on (ISO 8601, UTC), as 2014-08-25.")
@click.option("--until", help="Up to this date or time, and all of it.")
@json_option
def audit(
    path: Path, nhs_number: str, since: str | None, until: str | None, *, as_json: bool
) -> None:
    """Say who looked at a patient's record."""
    if not is_nhs_number(nhs_number):
        raise click.BadParameter("not a valid NHS number", param_hint="--nhs-number")
    span = (_moment("--since", since), _moment("--until", until))
    with opened_existing(read_config(path)) as store:
        accesses = sorted(
            _within(span, audits.accesses_to(store, nhs_number)), key=lambda found: found[2].at
        )
    if as_json:
        say_json([{"writer": w, "number": n, **to_builtins(entry)} for w, n, entry in accesses])
        return
    for writer, number, entry in accesses:
        click.echo(f"{_spoken(entry)}  [{writer} #{number}]")
    click.echo(f"{len(accesses)} accesses", err=True)


Numbered = tuple[str, int, Access]

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", re.ASCII)
"""As the audit writes its times, which are compared as text: another form would miss accesses."""


def _moment(option: str, text: str | None) -> str | None:
    """Give a date or time as the audit writes them, as far as it is given."""
    if text is None:
        return None
    try:
        if _MOMENT.fullmatch(text):
            datetime.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise click.BadParameter(
        "write it as 2014-08-25 or 2014-08-25T09:30 or 2014-08-25T09:30:00, in UTC",
        param_hint=option,
    )


def _within(span: tuple[str | None, str | None], found: Iterator[Numbered]) -> Iterator[Numbered]:
    since, until = span
    for one in found:
        at = one[2].at
        if (since is None or at >= since) and (until is None or at[: len(until)] <= until):
            yield one


def _spoken(entry: Access) -> str:
    who = f" user {entry.user} role {entry.role_profile} ({entry.job_role})" if entry.user else ""
    asid = f" ASID {entry.asid}" if entry.asid else ""
    return _one_line(
        f"{entry.at}  {entry.command}  {entry.outcome}  party {entry.party_key}{asid}{who}  "
        f"{entry.activity} {entry.message_id}"
    )


def _one_line(text: str) -> str:
    """Give the text with what does not print as escapes: callers chose parts of it."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )
