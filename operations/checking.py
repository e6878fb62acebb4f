"""`spine check`: is this facade fit to serve? Every finding names its place and its cure."""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from msgspec import Struct

from core.errors import StoreError
from core.store.port import Store
from facade import tls
from facade.config import Config
from facade.ldap_users import ExtraMissing, Passwords
from facade.tls import TlsFiles
from legacy_contracts import registry
from legacy_contracts.envelopes import toolkit
from legacy_contracts.errors import MEANINGS
from legacy_contracts.smsp.operations import OPERATIONS
from operations import listing

CLIENT: Final = Path("tls/client.pem")


class Level(StrEnum):
    """How a finding counts: a fault stops a facade from doing its work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(Struct, frozen=True):
    """What was looked at, and what was found, with its cure where one is needed."""

    level: Level
    what: str
    says: str


def certificates(config: Config, now: float) -> list[Finding]:
    """Look at the certificates: do they work together, how long are they still valid."""
    files = TlsFiles(config.tls_ca, config.tls_certificate, config.tls_key, config.tls_strict)
    found = []
    try:
        tls.server_context(files, read_seconds=1.0)
    except (OSError, ssl.SSLError) as error:
        found.append(
            Finding(
                Level.FAULT,
                "tls",
                f"the certificates do not work ({error}): check {files.ca}, {files.certificate} "
                f"and {files.key}",
            )
        )
    for path in (files.ca, files.certificate, config.home / CLIENT):
        if path.is_file():
            found += _validity(path, now)
    if config.tls_strict:
        found += _strictness(files.ca)
    return found


def _validity(path: Path, now: float) -> list[Finding]:
    """Give a finding for each certificate in a file."""
    try:
        loaded = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return [Finding(Level.FAULT, str(path), "holds no certificate: name a PEM file")]
    found = []
    for certificate in loaded:
        left = certificate.not_valid_after_utc.timestamp() - now
        days = int(left // 86400)
        name = certificate.subject.rfc4514_string()
        if left <= 0:
            says = f"{name} has expired: put a new one in its place"
            found.append(Finding(Level.FAULT, str(path), says))
        elif days < tls.EXPIRY_WARNING_DAYS:
            says = f"{name} expires in {days} days: put a new one in its place"
            found.append(Finding(Level.WARNING, str(path), says))
        else:
            found.append(Finding(Level.OK, str(path), f"{name}, {days} days left"))
    return found


def _strictness(path: Path) -> list[Finding]:
    """Name the authorities that strict verification refuses: those without key usage."""
    with contextlib.suppress(OSError, ValueError):
        return [
            Finding(
                Level.FAULT,
                str(path),
                f"{authority.subject.rfc4514_string()} has no keyUsage, so all its clients are "
                "refused: set tls.strict = false, or have it issued again",
            )
            for authority in x509.load_pem_x509_certificates(path.read_bytes())
            if not _has_key_usage(authority)
        ]
    return []


def _has_key_usage(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return False


def records(store: Store) -> list[Finding]:
    """Look at the store: does it answer, is it set up, may anybody ask."""
    try:
        store.ready()
        faults = store.faults()
        parties, systems = listing.parties(store), listing.systems(store)
    except StoreError as error:
        return [Finding(Level.FAULT, "store", str(error))]
    if faults:
        return [Finding(Level.FAULT, "store", fault) for fault in faults]
    found = [Finding(Level.OK, "store", "answers, and is set up")]
    counted = f"parties: {len(parties)}, systems: {len(systems)}"
    if not parties or not systems:
        says = f"{counted}, so nobody may ask: `spine directory import FILE`"
        return [*found, Finding(Level.FAULT, "directory", says)]
    return [*found, Finding(Level.OK, "directory", counted)]


def ports(config: Config) -> list[Finding]:
    """Look at the ports: served by this facade, free, or somebody else's."""
    serves = _answers_healthy(config.admin_host, config.admin_port)
    listened = [
        (config.server_host, config.server_port, "server.port"),
        (config.admin_host, config.admin_port, "admin.port"),
    ]
    offered = (
        (config.ldap_host, config.ldap_port, "ldap.port"),
        (config.ldap_plain_host, config.ldap_plain_port, "ldap.plain_port"),
    )
    listened += (one for one in offered if one[1])
    return [_port(*one, serves=serves) for one in listened]


def extras(config: Config) -> list[Finding]:
    """Say where LDAP is configured and what it needs is not installed, as `spine serve` would."""
    try:
        if config.ldap_port or config.ldap_plain_port:
            Passwords({})
    except ExtraMissing as missing:
        return [Finding(Level.FAULT, "ldap", str(missing))]
    return []


def _port(host: str, port: int, setting: str, *, serves: bool) -> Finding:
    what = f"port {host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                says = f"cannot be opened ({error.strerror}): set {setting}"
                return Finding(Level.FAULT, what, says)
            if serves:
                return Finding(Level.OK, what, "is served")
            says = f"is used by another program: stop it, or set {setting}"
            return Finding(Level.FAULT, what, says)
    return Finding(Level.OK, what, "is free")


def _answers_healthy(host: str, port: int) -> bool:
    """Say whether a facade answers there."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(_reachable(host), port, timeout=2)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().read() == b"ok\n"
    return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - any address


class Inferred(Struct, frozen=True):
    """Something that no public source shows: where it stands, and what was put there."""

    place: str
    name: str
    says: str


def inferred() -> list[Inferred]:
    """Give every refusal whose number or words, and every answer whose form, is inferred."""
    refusals = [
        Inferred("refusal", name, f"{meaning.kind.name} {meaning.code} {meaning.text}")
        for name, meaning in MEANINGS.items()
        if meaning.inferred
    ]
    rows = (
        *((row.interaction_id, row.inferred) for row in registry.INTERACTIONS),
        *((row.interaction_id, row.inferred) for row in registry.HUB_INTERACTIONS),
        *((row.name, row.inferred) for row in OPERATIONS.values()),
    )
    answers = [Inferred("interaction", name, says) for name, said in rows for says in said]
    faults = [
        Inferred("toolkit", name, f"{meaning.code} {meaning.text}")
        for name, meaning in toolkit.REFUSALS.items()
        if meaning.inferred
    ]
    return refusals + answers + faults


def worst(findings: Iterable[Finding]) -> Level:
    """Give the level of the gravest finding."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.FAULT, Level.WARNING) if level in levels), Level.OK)


def everything(config: Config, store: Callable[[], Store]) -> list[Finding]:
    """Look at everything; a store that cannot be opened is one finding among the others."""
    found = [Finding(Level.OK, "configuration", "is whole")]
    found += certificates(config, time.time())
    try:
        opened = store()
    except StoreError as error:
        found.append(Finding(Level.FAULT, "store", str(error)))
    else:
        with contextlib.closing(opened):
            found += records(opened)
    return found + extras(config) + ports(config)
