"""Mutual TLS: a context that follows its files, sockets that do not wait for ever, names."""

from __future__ import annotations

import contextlib
import errno
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from msgspec import Struct

RELOAD_SECONDS: Final = 1.0
"""How often the files are looked at, at most."""

EXPIRY_WARNING_DAYS: Final = 30
_DAY_SECONDS: Final = 86400.0


class TlsFiles(Struct, frozen=True):
    """The files of a server's TLS, and how strictly clients are judged."""

    ca: Path
    certificate: Path
    key: Path
    strict: bool


class PatientSocket(ssl.SSLSocket):
    """A TLS socket that knows its peer's names, and whose peer has so long for a whole request.

    The server makes a socket blocking before each request: from then on all reading and writing
    together may take `read_seconds`. A peer that takes longer counts as gone.
    """

    read_seconds: float = 30.0
    peer_names: tuple[str, ...] | None = None
    _deadline: float | None = None

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the standard signature
        """Wait for `read_seconds` from now on where the caller would wait for ever."""
        self._deadline = time.monotonic() + self.read_seconds if flag else None
        self.settimeout(self.read_seconds if flag else 0.0)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Give what has come; raise `ConnectionResetError` for a peer too slow, or gone."""
        if self._deadline is None:
            return super().recv(buflen, flags)
        with self._in_time(self._deadline):
            return super().recv(buflen, flags)

    def send(self, data: Any, flags: int = 0) -> int:  # noqa: ANN401 - any buffer
        """Send some; raise `ConnectionResetError` for a peer too slow, or gone."""
        if self._deadline is None:
            return super().send(data, flags)
        with self._in_time(self._deadline):
            return super().send(data, flags)

    @contextlib.contextmanager
    def _in_time(self, deadline: float) -> Iterator[None]:
        left = max(deadline - time.monotonic(), 0.001)
        self.settimeout(min(left, self.gettimeout() or left))
        try:
            yield
        except OSError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the peer is too slow, or gone") from error


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


def refusal(error: Exception) -> str | None:
    """Give why a handshake failed, in OpenSSL's words; None for a peer that went away."""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return None
    verify: str | None = getattr(error, "verify_message", None)
    reason: str | None = getattr(error, "reason", None)
    return verify or reason or type(error).__name__


def _no_password() -> str:
    """Let an encrypted key fail instead of asking at a terminal that no server has."""
    return ""


def server_context(files: TlsFiles, *, read_seconds: float) -> ssl.SSLContext:
    """Give a context for TLS 1.2 and later that requires a certificate of the CA's clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A peer may end its connection without saying so in TLS: HTTP shows what was cut off.
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(files.ca))
    context.load_cert_chain(str(files.certificate), str(files.key), _no_password)
    if files.strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.sslsocket_class = type(
        "BoundedSocket", (PatientSocket,), {"read_seconds": read_seconds}
    )
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Give a context for posting to other handlers: with our certificate, to those of the CA."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(files.certificate), str(files.key), _no_password)
    if files.strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class FollowedContext:
    """The newest context for some files: they are read again once they have changed.

    Files that are broken leave the context that worked in place, and are reported. So is a
    certificate that will soon expire: when it is first seen, and every day.
    """

    def __init__(
        self,
        files: TlsFiles,
        *,
        make: Callable[[TlsFiles], ssl.SSLContext],
        report: Callable[..., None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._files = files
        self._make = make
        self._report = report
        self._now = now
        self._looked = self._warned = 0.0
        self._stamp = self._stamps()
        self._load()

    def seconds_left(self) -> float:
        """Give how long the certificate that is served is still valid, in seconds."""
        return self._expire[0][1] - self._now()

    def current(self) -> ssl.SSLContext:
        """Give the context to use for the next connection."""
        now = self._now()
        if abs(now - self._looked) >= RELOAD_SECONDS:
            self._looked = now
            self._follow()
            self._warn(now)
        return self._context

    def _follow(self) -> None:
        stamp = self._stamps()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load()
        except Exception as error:  # noqa: BLE001 - whatever is wrong, what worked goes on
            self._report("certificates.kept", why=f"the new files do not work: {error}")
        else:
            self._warned = 0.0
            self._report("certificates.reloaded", file=str(self._files.certificate))

    def _load(self) -> None:
        context = self._make(self._files)
        self._expire = [(file, expiry(file)) for file in (self._files.certificate, self._files.ca)]
        self._context = context

    def _warn(self, now: float) -> None:
        if abs(now - self._warned) < _DAY_SECONDS:
            return
        self._warned = now
        for file, when in self._expire:
            days = int((when - now) // _DAY_SECONDS)
            if days < EXPIRY_WARNING_DAYS:
                self._report("certificate.expires_soon", days=days, file=str(file))

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        stamps = []
        for path in (self._files.ca, self._files.certificate, self._files.key):
            try:
                stat = path.stat()
                stamps.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
            except OSError:
                stamps.append((0, 0, 0))
        return tuple(stamps)


def expiry(file: Path) -> float:
    """Give when the first certificate to expire in a file does so, in seconds since 1970."""
    loaded = x509.load_pem_x509_certificates(file.read_bytes())
    return min(one.not_valid_after_utc.timestamp() for one in loaded)
