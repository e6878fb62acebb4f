"""The server: gunicorn's threaded workers behind our own TLS, with every start checked first."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
import time
from typing import Any, Final

import gunicorn.app.base
from gunicorn.arbiter import Arbiter

from core.door import Timing
from core.errors import StoreError
from facade import admin, logs, metrics, tls
from facade.config import Config
from facade.metrics import Metrics
from facade.tls import FollowedContext, TlsFiles
from facade.web import Application
from facade.wiring import Spine, open_store, spine


class CannotStart(Exception):
    """The server cannot start: one line that says why, and the cure."""


_PORT_CURES: Final = {
    errno.EADDRINUSE: "is in use: stop what uses it, or set {setting}",
    errno.EACCES: "may not be opened by this user: set {setting} to 1024 or more",
    errno.EADDRNOTAVAIL: "is not an address of this machine: set {setting}",
}


class _Gunicorn(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured by ours."""

    def __init__(
        self, config: Config, listener: socket.socket, admin_socket: socket.socket
    ) -> None:
        self._config = config
        self._listener = listener
        self._admin = admin_socket
        self._spine: Spine | None = None
        self._followed: FollowedContext | None = None
        super().__init__()

    def load_config(self) -> None:
        config = self._config
        settings: dict[str, Any] = {
            "bind": f"fd://{self._listener.fileno()}",
            "worker_class": "gthread",
            "workers": config.server_workers,
            "threads": config.server_threads,
            "keepalive": 75,
            "timeout": 60,
            "graceful_timeout": config.server_drain_seconds,
            "worker_connections": 1000,
            "certfile": str(config.tls_certificate),
            "keyfile": str(config.tls_key),
            "ca_certs": str(config.tls_ca),
            "cert_reqs": ssl.CERT_REQUIRED,
            "ssl_context": self._context,
            "control_socket_disable": True,
            "proc_name": "spine",
            "loglevel": "warning",
            "post_worker_init": self._worker_started,
            "worker_exit": self._worker_stopped,
            "child_exit": lambda _server, worker: metrics.forget_process(worker.pid),
            "when_ready": lambda _server: _say_ready(config),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        config = self._config
        logs.configure(config.log_level)
        counted = Metrics()
        counted.certificate.set(tls.seconds_left(config.tls_certificate, time.time()))
        store = open_store(config)
        self._spine = spine(config, store, watch=_watched(counted))
        admin.serve(self._admin, store, counted)
        return Application(self._spine, counted, limit_bytes=config.server_request_limit_bytes)

    def _context(self, _config: Any, _factory: Any) -> Any:  # noqa: ANN401 - gunicorn's hook
        if self._followed is None:
            log = logs.logger()
            self._followed = FollowedContext(
                _files(self._config),
                read_seconds=self._config.server_read_seconds,
                report=lambda event, what: log.warning(event, what=what),
            )
        return _Handshakes(self._followed.current(), self._config.tls_handshake_seconds)

    def _worker_started(self, _worker: Any) -> None:  # noqa: ANN401
        self._followed = None

    def _worker_stopped(self, _server: Any, _worker: Any) -> None:  # noqa: ANN401
        if self._spine is not None:
            try:
                self._spine.core.end()
            except StoreError as error:
                logs.logger().error("audit.not_ended", why=str(error))
            self._spine.store.close()


class _Handshakes:
    """A context whose handshakes end: a peer that stalls is let go after some seconds."""

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds

    def wrap_socket(self, sock: socket.socket, **_options: Any) -> ssl.SSLSocket:  # noqa: ANN401
        """Give the TLS socket, its handshake done."""
        sock.settimeout(self._seconds)
        wrapped = self._context.wrap_socket(sock, server_side=True)
        wrapped.setblocking(True)  # noqa: FBT003 - the standard signature
        return wrapped


def serve(config: Config) -> None:
    """Serve until told to stop; raise `CannotStart` where that cannot be begun."""
    logs.configure(config.log_level)
    _check_certificates(config)
    _check_store(config)
    listener = _bound(config.server_host, config.server_port, "server.port")
    admin_socket = _bound(config.admin_host, config.admin_port, "admin.port")
    metrics.share_folder()
    Arbiter(_Gunicorn(config, listener, admin_socket)).run()


def _check_certificates(config: Config) -> None:
    files = _files(config)
    try:
        tls.server_context(files, read_seconds=1.0)
        left = tls.seconds_left(config.tls_certificate, time.time())
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"the certificates do not work ({error}): check {files.ca}, {files.certificate} "
            f"and {files.key}"
        ) from error
    if left <= 0:
        raise CannotStart(f"{files.certificate} has expired: put a new one in its place")
    days = int(left // 86400)
    if days < tls.EXPIRY_WARNING_DAYS:
        logs.logger().warning("certificate.expires_soon", days=days, file=str(files.certificate))


def _check_store(config: Config) -> None:
    try:
        store = open_store(config)
        store.ready()
        store.close()
    except StoreError as error:
        raise CannotStart(str(error)) from error


def _bound(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        cure = _PORT_CURES.get(error.errno or 0, f"cannot be opened ({error}): set {{setting}}")
        raise CannotStart(f"{host}:{port} " + cure.format(setting=setting)) from error
    listener.set_inheritable(True)
    return listener


def _files(config: Config) -> TlsFiles:
    return TlsFiles(config.tls_ca, config.tls_certificate, config.tls_key, config.tls_strict)


def _watched(counted: Metrics) -> Any:  # noqa: ANN401 - a callable of Timing
    perform = counted.stage.labels("perform")
    audit = counted.stage.labels("audit")

    def watch(timing: Timing) -> None:
        perform.inc(timing.perform)
        audit.inc(timing.audit)

    return watch


def _say_ready(config: Config) -> None:
    """Say where the server listens, and what to type next."""
    path = os.path.relpath(config.home / "spine.toml")
    sys.stdout.write(
        f"Listening on {config.server_host}:{config.server_port} (mutual TLS)\n"
        f"Health and metrics on http://{config.admin_host}:{config.admin_port}"
        " (/healthz /readyz /metrics)\n"
        f"Now type, in another terminal:  .venv/bin/spine send --config {path}\n"
    )
    sys.stdout.flush()
