"""`spine ldap`: the directory over LDAP alone, and the passwords of those that bind to it."""

from __future__ import annotations

from pathlib import Path

import click

from facade import ldap_users
from operations.cli.opening import config_option, fail, read_config


@click.group(
    invoke_without_command=True, epilog="Example:  spine ldap --config spine-data/spine.toml"
)
@config_option
@click.pass_context
def ldap(context: click.Context, path: Path) -> None:
    """Serve the directory over LDAP alone until told to stop; `spine serve` does so too."""
    if context.invoked_subcommand is not None:
        return
    from facade import server  # noqa: PLC0415 - it brings the server's library with it

    try:
        server.serve_ldap(read_config(path))
    except server.CannotStart as error:
        fail(str(error))


@ldap.command(epilog="Example:  spine ldap password cn=reader,o=nhs >> spine-data/ldap-users.toml")
@click.argument("name")
@click.password_option(help="Asked for where it is not given; a shell remembers what is typed.")
def password(name: str, password: str) -> None:
    """Print the line that lets NAME bind: its password, hashed, for the file of ldap.users.

    The file begins with a line [users].
    """
    try:
        line = f'"{name}" = "{ldap_users.hashed(password)}"'
    except ldap_users.ExtraMissing as error:
        fail(str(error))
    click.echo(line)
