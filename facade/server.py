"""The server: gunicorn's threaded workers behind our own TLS, with every start checked first."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import gunicorn.app.base
from gunicorn.arbiter import Arbiter

from core.door import Timing
from core.errors import StoreError
from core.store.counted import CountedStore
from facade import admin, delivery, ldap_server, logs, metrics, process, tls
from facade.config import Config
from facade.deliveries import Deliveries
from facade.ldap_server import Door
from facade.ldap_users import ExtraMissing
from facade.metrics import Metrics
from facade.spread import Spread
from facade.tls import FollowedContext
from facade.web import Application
from facade.wiring import Spine, open_store, spine, tls_files
from facade.worker import STOPPING, Patience, Worker

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class CannotStart(Exception):
    """The server cannot start: one line that says why, and the cure."""


_IDLE_SECONDS: Final = 75
_CONNECTIONS: Final = 1000
"""How many connections a process keeps open."""

_PORT_CURES: Final = {
    errno.EADDRINUSE: "is in use: stop what uses it, or set {section}.port",
    errno.EACCES: "may not be opened by this user: set {section}.port to 1024 or more",
    errno.EADDRNOTAVAIL: "is not an address of this machine: set {section}.host",
}


class _Gunicorn(gunicorn.app.base.BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured by ours."""

    def __init__(
        self,
        config: Config,
        listener: socket.socket,
        admin_socket: socket.socket,
        instead: WsgiApplication | None,
    ) -> None:
        self._config = config
        self._instead = instead
        self._bind = f"fd://{listener.detach()}"
        self._admin = admin_socket
        self._spine: Spine | None = None
        self._followed = _followed(config)
        self.spread = Spread()
        self.patience = Patience(
            handshake=config.tls_handshake_seconds,
            read=config.server_read_seconds,
            idle=_IDLE_SECONDS,
            limit_bytes=config.server_request_limit_bytes,
        )
        super().__init__()

    def load_config(self) -> None:
        config = self._config
        settings: dict[str, Any] = {
            "bind": self._bind,
            "worker_class": Worker,
            "workers": config.server_workers,
            "threads": config.server_threads,
            "keepalive": _IDLE_SECONDS,
            "timeout": 60,
            "graceful_timeout": config.server_drain_seconds,
            "worker_connections": _CONNECTIONS,
            "certfile": str(config.tls_certificate),
            "keyfile": str(config.tls_key),
            "http_parser": "python",
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "proc_name": "spine",
            "loglevel": "warning",
            "pre_fork": self._worker_starting,
            "post_fork": self._worker_started,
            "worker_exit": self._worker_stopped,
            "child_exit": self._worker_gone,
            "on_exit": lambda _server: metrics.remove_folder(),
            "when_ready": lambda _server: _say_ready(config),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApplication:
        return self._instead or self._application()

    def _application(self) -> Application:
        config = self._config
        logs.configure(config.log_level)
        counted = Metrics()
        store = CountedStore(open_store(config), counted.count_operation)
        self._spine = spine(config, store, watch=_watched(counted))
        admin.serve(self._admin, self._spine.core, lambda: _exposed(counted, self._followed))
        return Application(
            self._spine,
            counted,
            limit_bytes=config.server_request_limit_bytes,
            skew=timedelta(seconds=config.itk_clock_skew_seconds),
        )

    def context(self) -> ssl.SSLContext:
        """Give the TLS context for the next connection; a new process inherits one that works."""
        return self._followed.current()

    def _worker_starting(self, server: Any, worker: Any) -> None:  # noqa: ANN401
        """Give the worker the lowest place that no living one has."""
        self.context()
        taken = {one.place for one in server.WORKERS.values()}
        worker.place = next(place for place in itertools.count() if place not in taken)

    def _worker_started(self, _server: Any, worker: Any) -> None:  # noqa: ANN401
        """Set the worker up, on a core of its own if that is wished."""
        process.settle(worker.place, pin=self._config.server_pin_workers)
        self.spread.begin(worker.place)

    def _worker_gone(self, _server: Any, worker: Any) -> None:  # noqa: ANN401
        self.spread.end(worker.place)
        metrics.forget_process(worker.pid)

    def _worker_stopped(self, _server: Any, _worker: Any) -> None:  # noqa: ANN401
        if self._spine is not None:
            try:
                self._spine.core.end()
            except StoreError as error:
                logs.logger().error("audit.not_ended", why=str(error))
            self._spine.store.close()


class _Arbiter(Arbiter):  # type: ignore[misc]
    """Gunicorn's, but a process told to stop while it is being made does stop."""

    beside: tuple[Deliveries, ...]

    def manage_workers(self) -> None:
        """Keep as many processes of each kind as there should be."""
        super().manage_workers()
        for processes in self.beside:
            processes.keep()

    def stop(self, graceful: bool = True) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """Stop all kinds, in order."""
        for processes in self.beside:
            processes.stop()
        super().stop(graceful)
        for processes in self.beside:
            processes.wait(self.cfg.graceful_timeout)

    def spawn_worker(self) -> Any:  # noqa: ANN401
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def serve(config: Config, *, instead: WsgiApplication | None = None) -> None:
    """Serve until told to stop; raise `CannotStart` where that cannot be begun.

    `instead` is answered with in place of the facade: the bench measures the bare server so.
    """
    logs.configure(config.log_level)
    _check_certificates(config)
    _check_store(config)
    listener = _bound(config.server_host, config.server_port, "server")
    admin_socket = _bound(config.admin_host, config.admin_port, "admin")
    doors = () if instead else ldap_doors(config)
    _raise_file_limit()
    metrics.share_folder()
    arbiter = _Arbiter(_Gunicorn(config, listener, admin_socket, instead))
    count = 0 if instead else config.delivery_workers
    parent = os.getpid()

    def goes_on() -> bool:
        return os.getppid() == parent

    def deliver() -> None:
        for held in (*arbiter.LISTENERS, admin_socket, *(door.listener for door in doors)):
            held.close()
        delivery.deliver(config, goes_on=goes_on)

    def answer_ldap() -> None:
        for held in (*arbiter.LISTENERS, admin_socket):
            held.close()
        ldap_server.serve(config, doors, goes_on=goes_on)

    arbiter.beside = (
        Deliveries(count, deliver),
        Deliveries(1 if doors else 0, answer_ldap, niceness=0, name="ldap"),
    )
    arbiter.run()


def serve_ldap(config: Config) -> None:
    """Serve LDAP alone until told to stop; raise `CannotStart` where that cannot be begun."""
    logs.configure(config.log_level)
    if not (config.ldap_port or config.ldap_plain_port):
        raise CannotStart("LDAP is not configured: set ldap.port (636), or ldap.plain_port")
    _check_certificates(config)
    _check_store(config)
    doors = ldap_doors(config)
    _raise_file_limit()
    metrics.share_folder()
    try:
        sys.stdout.write(_ldap_listening(config))
        sys.stdout.flush()
        ldap_server.serve(config, doors)
    finally:
        metrics.remove_folder()


def ldap_doors(config: Config) -> tuple[Door, ...]:
    """Give the addresses of LDAP, bound; raise `CannotStart` where LDAP cannot be served."""
    if not (config.ldap_port or config.ldap_plain_port):
        return ()
    try:
        ldap_server.passwords_of(config)
    except ExtraMissing as error:
        raise CannotStart(str(error)) from error
    doors = []
    if config.ldap_port:
        listener = _bound(config.ldap_host, config.ldap_port, "ldap")
        doors.append(Door(listener, is_tls=True))
    if config.ldap_plain_port:
        listener = _bound(config.ldap_plain_host, config.ldap_plain_port, "ldap.plain")
        doors.append(Door(listener, is_tls=False))
    return tuple(doors)


def _raise_file_limit() -> None:
    """Let each process have a file for every connection that it may keep, and its own beside."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _check_certificates(config: Config) -> None:
    files = tls_files(config)
    try:
        tls.server_context(files, read_seconds=1.0)
        expired = tls.expiry(config.tls_certificate) <= time.time()
    except (OSError, ValueError) as error:
        raise CannotStart(
            f"the certificates do not work ({error}): check {files.ca}, {files.certificate} "
            f"and {files.key}"
        ) from error
    if expired:
        raise CannotStart(f"{files.certificate} has expired: put a new one in its place")


def _check_store(config: Config) -> None:
    try:
        store = open_store(config)
        store.ready()
        store.close()
    except StoreError as error:
        raise CannotStart(str(error)) from error


def _bound(host: str, port: int, section: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        cure = _PORT_CURES.get(
            error.errno or 0, f"cannot be opened ({error}): set {{section}}.host"
        )
        told = cure.format(section=section).replace("ldap.plain.", "ldap.plain_")
        raise CannotStart(f"{host}:{port} {told}") from error
    listener.set_inheritable(True)
    return listener


def _followed(config: Config) -> FollowedContext:
    log = logs.logger()
    return FollowedContext(
        tls_files(config),
        make=partial(tls.server_context, read_seconds=config.server_read_seconds),
        report=log.warning,
    )


def _exposed(counted: Metrics, followed: FollowedContext) -> bytes:
    counted.certificate.set(followed.seconds_left())
    return counted.exposed()


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
        f"{_ldap_listening(config)}"
        f"Health and metrics on http://{config.admin_host}:{config.admin_port}"
        " (/healthz /readyz /metrics)\n"
        f"Now type, in another terminal:  {_overridden()}{_program()} send --config {path}\n"
    )
    sys.stdout.flush()


def _ldap_listening(config: Config) -> str:
    """Give where LDAP is served, a line for each address."""
    mutual = "mutual TLS" if config.ldap_client_certificates == "required" else "TLS"
    lines = [(config.ldap_port, f"ldaps://{config.ldap_host}:{config.ldap_port} ({mutual})")]
    plain = f"ldap://{config.ldap_plain_host}:{config.ldap_plain_port} (StartTLS, or plain)"
    lines.append((config.ldap_plain_port, plain))
    return "".join(f"Directory on {line}\n" for port, line in lines if port)


def _program() -> str:
    """Give how this program was called, as far as that can be typed again."""
    called = sys.argv[0]
    return os.path.relpath(called) if os.path.basename(called) == "spine" else "spine"  # noqa: PTH119


def _overridden() -> str:
    """Give the variables that say where to connect, for a shell that does not have them."""
    names = ("SPINE_SERVER_PORT", "SPINE_TLS_CA")
    return "".join(f"{name}={os.environ[name]} " for name in names if name in os.environ)
