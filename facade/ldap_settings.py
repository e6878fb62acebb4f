"""What may be set for LDAP, and every fault that such a setting can have."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from facade import ldap_users


class Certificates(StrEnum):
    """Whether clients over TLS must show a certificate of the CA."""

    REQUIRED = "required"
    OPTIONAL = "optional"


POSITIVE: Final = (
    "ldap_connections",
    "ldap_size_limit",
    "ldap_examined_limit",
    "ldap_filter_depth",
    "ldap_filter_terms",
)
_MOST_DEEP: Final = 100
_LEAST_BYTES: Final = 1_024
_MOST_BYTES: Final = 16_777_216


def is_local(host: str) -> bool:
    """Say whether a host is this machine alone, so that what goes there crosses no network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def faults(given: Mapping[str, Any], home: Path) -> list[str]:
    """Name what is wrong with the settings of LDAP, each with its cure."""
    found = []
    asked = given.get("ldap_client_certificates", Certificates.REQUIRED.value)
    if asked not in list(Certificates):
        found.append(
            f"ldap.client_certificates = {asked!r} must be one of {', '.join(Certificates)}"
        )
    plain = given.get("ldap_plain_host", "127.0.0.1")
    if isinstance(plain, str) and not is_local(plain):
        found.append(
            f"ldap.plain_host = {plain!r} is not this machine: without TLS, LDAP is offered on "
            "127.0.0.1 or ::1 alone; elsewhere use ldap.port"
        )
    port, plain_port = given.get("ldap_port", 0), given.get("ldap_plain_port", 0)
    if port and port == plain_port:
        found.append(f"ldap.plain_port = {port} is ldap.port too: give another")
    return found + _limit_faults(given) + _users_faults(given, home)


def _limit_faults(given: Mapping[str, Any]) -> list[str]:
    found = []
    depth = given.get("ldap_filter_depth", 1)
    if type(depth) is int and depth > _MOST_DEEP:
        found.append(f"ldap.filter_depth = {depth} must be no more than {_MOST_DEEP}")
    limit = given.get("ldap_message_limit_bytes", _LEAST_BYTES)
    if type(limit) is int and not _LEAST_BYTES <= limit <= _MOST_BYTES:
        found.append(
            f"ldap.message_limit_bytes = {limit} must be from {_LEAST_BYTES} to {_MOST_BYTES}"
        )
    return found


def _users_faults(given: Mapping[str, Any], home: Path) -> list[str]:
    named = given.get("ldap_users", "")
    if isinstance(named, str) and named:
        return ldap_users.read_users(home / named).faults
    certificates = given.get("ldap_client_certificates", Certificates.REQUIRED.value)
    is_open = certificates != Certificates.REQUIRED and bool(given.get("ldap_port"))
    if given.get("ldap_anonymous", True) is False and is_open:
        says = "ldap.anonymous = false leaves clients without a certificate no way in: name "
        return [says + "ldap.users, or let ldap.client_certificates be required"]
    return []
