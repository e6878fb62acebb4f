"""Mutual TLS: a context that follows its files, sockets that do not wait for ever, names."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509

RELOAD_SECONDS: Final = 1.0
"""How often the files are looked at, at most."""

EXPIRY_WARNING_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a server's TLS, and how strictly clients are judged."""

    ca: Path
    certificate: Path
    key: Path
    strict: bool


class PatientSocket(ssl.SSLSocket):
    """A TLS socket whose reads and writes end after a while; it knows its peer's names.

    The server makes a socket blocking before each request: blocking here means `read_seconds`.
    """

    read_seconds: float = 30.0
    peer_names: tuple[str, ...] | None = None

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the standard signature
        """Wait at most `read_seconds` where the caller would wait for ever."""
        self.settimeout(self.read_seconds if flag else 0.0)


def names_of(sock: object) -> tuple[str, ...]:
    """Give the names in the peer's certificate: DNS names first, then the common name."""
    if not isinstance(sock, PatientSocket):
        return ()
    if sock.peer_names is None:
        certificate: dict[str, Any] = sock.getpeercert() or {}
        dns = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
        common = [
            value
            for part in certificate.get("subject", ())
            for kind, value in part
            if kind == "commonName"
        ]
        sock.peer_names = tuple(dict.fromkeys((*dns, *common)))
    return sock.peer_names


def server_context(files: TlsFiles, *, read_seconds: float) -> ssl.SSLContext:
    """Give a context for TLS 1.2 and later that requires a certificate of the CA's clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(files.ca))
    context.load_cert_chain(certfile=str(files.certificate), keyfile=str(files.key))
    if files.strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.sslsocket_class = type(
        "BoundedSocket", (PatientSocket,), {"read_seconds": read_seconds}
    )
    return context


class FollowedContext:
    """The newest context for some files: they are read again once they have changed.

    Files that are broken leave the context that worked in place, and are reported.
    """

    def __init__(
        self, files: TlsFiles, *, read_seconds: float, report: Callable[[str, str], None]
    ) -> None:
        self._files = files
        self._read_seconds = read_seconds
        self._report = report
        self._looked = time.monotonic()
        self._stamp = self._stamps()
        self._context = server_context(files, read_seconds=read_seconds)

    def current(self) -> ssl.SSLContext:
        """Give the context to use for the next connection."""
        now = time.monotonic()
        if now - self._looked >= RELOAD_SECONDS:
            self._looked = now
            self._follow()
        return self._context

    def _follow(self) -> None:
        stamp = self._stamps()
        if stamp == self._stamp:
            return
        try:
            self._context = server_context(self._files, read_seconds=self._read_seconds)
            self._stamp = stamp
            self._report("certificates.reloaded", str(self._files.certificate))
        except (OSError, ssl.SSLError) as error:
            self._stamp = stamp
            self._report("certificates.kept", f"the new files do not work: {error}")

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        stamps = []
        for path in (self._files.ca, self._files.certificate, self._files.key):
            try:
                stat = path.stat()
                stamps.append((stat.st_mtime_ns, stat.st_size))
            except OSError:
                stamps.append((0, 0))
        return tuple(stamps)


def seconds_left(certificate: Path, now: float) -> float:
    """Give how long a certificate file is still valid, in seconds."""
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    return loaded.not_valid_after_utc.timestamp() - now
