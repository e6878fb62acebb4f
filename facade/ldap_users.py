"""Who may bind to LDAP with a password: names and hashes from a file of their own, never plain.

The hashes are Argon2's, in the form that OpenLDAP's own module writes too. The library that checks
them comes with the extra `ldap`; reading the file needs none.
"""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from legacy_contracts.sds.ldap_codes import Refused
from legacy_contracts.sds.ldap_names import Name, read_name

EXTRA_MISSING: Final = (
    "LDAP is configured, and what it needs is not installed: pip install 'spine-facade[ldap]', "
    "or remove ldap.port and ldap.plain_port"
)
_HASH: Final = re.compile(
    r"(?:\{ARGON2\})?(?P<hash>\$argon2id?\$v=19\$m=(?P<memory>[0-9]{1,7}),t=[0-9]{1,2},"
    r"p=[0-9]{1,2}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{20,})"
)
_MOST_KIB: Final = 262_144
"""A hash may take so much memory to check: whoever binds makes us do it."""
_AT_ONCE: Final = 2


class Users(Struct, frozen=True):
    """Hashes by name, and what is wrong with the file."""

    hashes: Mapping[Name, str]
    faults: list[str]


def read_users(path: Path) -> Users:
    """Give the users of a file: a TOML table `[users]` of names and hashes."""
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8")).get("users")
    except FileNotFoundError:
        return _wrong(f"ldap.users: there is no file {path}: make it with `spine ldap password`")
    except (OSError, UnicodeDecodeError) as error:
        return _wrong(f"ldap.users: {path} cannot be read ({error}): check its permissions")
    except tomllib.TOMLDecodeError as error:
        return _wrong(f"ldap.users: {path} is not TOML ({error}): correct that line")
    if not isinstance(listed, dict) or not listed:
        return _wrong(f"ldap.users: {path} has no [users]: `spine ldap password` prints a line")
    return _listed(path, listed)


def _wrong(fault: str) -> Users:
    return Users({}, [fault])


def _listed(path: Path, listed: Mapping[str, Any]) -> Users:
    hashes: dict[Name, str] = {}
    faults: list[str] = []
    for name, value in listed.items():
        written = _HASH.fullmatch(value) if isinstance(value, str) else None
        try:
            read = read_name(name)
        except Refused:
            faults.append(f"ldap.users: {name!r} in {path} is no name: write cn=reader,o=nhs")
            continue
        if written is None or int(written["memory"]) > _MOST_KIB:
            faults.append(
                f"ldap.users: {name!r} in {path} has no Argon2 hash: make one with "
                "`spine ldap password`"
            )
        elif not read.parts or read in hashes:
            faults.append(f"ldap.users: {name!r} in {path} is empty, or there twice: remove it")
        else:
            hashes[read] = written["hash"]
    return Users(hashes, faults)


class ExtraMissing(Exception):
    """The extra `ldap` is not installed."""

    def __init__(self) -> None:
        super().__init__(EXTRA_MISSING)


class Passwords:
    """Checks passwords, a few at once: each takes much memory and time, as it should."""

    def __init__(self, hashes: Mapping[Name, str]) -> None:
        self._hashes = hashes
        self._verify, hasher = _argon2()
        # A name that is not known takes as long as one that is.
        self._nobody = hasher("nobody") if hashes else ""
        self._turn = threading.BoundedSemaphore(_AT_ONCE)

    def are_right(self, name: Name, password: bytes) -> bool:
        """Say whether a user is known and this is the password."""
        if not self._hashes:
            return False
        known = self._hashes.get(name)
        with self._turn:
            return self._verify(known or self._nobody, password) and known is not None


def hashed(password: str) -> str:
    """Give a password's hash; raise `ExtraMissing`."""
    return _argon2()[1](password)


def _argon2() -> tuple[Callable[[str, bytes], bool], Callable[[str], str]]:
    try:
        import argon2  # noqa: PLC0415 - it comes with an extra
    except ImportError as error:
        raise ExtraMissing from error
    # OWASP's first choice: 19 MiB, two passes, one lane.
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

    def verify(known: str, password: bytes) -> bool:
        try:
            return hasher.verify(known, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    return verify, hasher.hash
