"""The LDAP server: its addresses, a thread for each connection, from its start to its end."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec import Struct

from adapters.sds_ldap import SearchLimits
from adapters.sds_paging import Cookies
from core.errors import StoreError
from core.store.counted import CountedStore
from facade import ldap_users, logs, process, tls, wiring
from facade.config import Config
from facade.ldap_connection import Connection, Listening, Patience
from facade.ldap_session import Served
from facade.ldap_settings import Certificates
from facade.ldap_users import Passwords
from facade.metrics import Metrics
from facade.tls import FollowedContext, TlsFiles
from facade.worker import STOPPING
from legacy_contracts.sds.ldap_filters import FilterLimits

_REFUSED_AT_ONCE: Final = 16
"""How many peers over the limit are told so at once; more are let go without a word."""
_STACK_BYTES: Final = 1_048_576
_REST_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 1.0


class Door(Struct, frozen=True):
    """An address that is listened on, and whether TLS begins with the connection."""

    listener: socket.socket
    is_tls: bool


class Server:
    """Serves some addresses until told to stop."""

    def __init__(
        self,
        doors: tuple[Door, ...],
        listening: Callable[[bool, socket.socket], Listening],
        most: int,
    ) -> None:
        self._doors = doors
        self._most = most
        self._woken, self._waker = socket.socketpair()
        self._listening = {one.is_tls: listening(one.is_tls, self._woken) for one in doors}
        self._numbers = itertools.count(1)
        self._room = threading.BoundedSemaphore(most)
        self._leaving = threading.BoundedSemaphore(_REFUSED_AT_ONCE)

    def stop(self) -> None:
        """Take no more connections; those that are idle are told, the others after their answer."""
        self._waker.close()

    def run(self, goes_on: Callable[[], bool], drain_seconds: float) -> None:
        """Serve until told to stop, or as long as that says; then wait for what was begun."""
        threading.stack_size(_STACK_BYTES)
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ, None)
            for door in self._doors:
                door.listener.settimeout(0)
                selector.register(door.listener, selectors.EVENT_READ, door)
            while goes_on():
                ready = [key.data for key, _ in selector.select(_LOOK_SECONDS)]
                if None in ready:
                    break
                for door in ready:
                    self._accept(door)
        with contextlib.suppress(OSError):
            self.stop()
        self._drain(drain_seconds)

    def _drain(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for _ in range(self._most):
            if not self._room.acquire(timeout=max(until - time.monotonic(), 0.0)):
                return

    def _accept(self, door: Door) -> None:
        try:
            sock, _ = door.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # No descriptor is left, or the like: others end meanwhile.
            logs.logger().error("ldap.not_accepted", why=str(error))
            time.sleep(_REST_SECONDS)
            return
        connection = Connection(sock, self._listening[door.is_tls], next(self._numbers))
        if self._room.acquire(blocking=False):
            self._begin(connection.run, self._room, sock)
        elif self._leaving.acquire(blocking=False):
            self._begin(connection.refuse, self._leaving, sock)
        else:
            sock.close()

    def _begin(
        self, serve: Callable[[], None], room: threading.BoundedSemaphore, sock: socket.socket
    ) -> None:
        def run() -> None:
            try:
                serve()
            finally:
                room.release()

        try:
            threading.Thread(target=run, name="ldap", daemon=True).start()
        except RuntimeError as error:
            logs.logger().error("ldap.not_accepted", why=str(error))
            room.release()
            sock.close()


def _context(files: TlsFiles, *, read_seconds: float, certificates: str) -> ssl.SSLContext:
    context = tls.server_context(files, read_seconds=read_seconds)
    if certificates == Certificates.OPTIONAL:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def context_of(config: Config) -> FollowedContext:
    """Give the TLS of LDAP: the server's own files, and whether clients must have a certificate."""
    make = partial(
        _context,
        read_seconds=config.ldap_message_seconds,
        certificates=config.ldap_client_certificates,
    )
    return FollowedContext(wiring.tls_files(config), make=make, report=logs.logger().warning)


def patience_of(config: Config) -> Patience:
    """Give how long peers may take, and how much they may send."""
    return Patience(
        handshake=config.tls_handshake_seconds,
        message=config.ldap_message_seconds,
        idle=config.ldap_idle_seconds,
        limit_bytes=config.ldap_message_limit_bytes,
        filters=FilterLimits(config.ldap_filter_depth, config.ldap_filter_terms),
    )


def passwords_of(config: Config) -> Passwords:
    """Give the users that may bind; raise `ExtraMissing`."""
    named = config.ldap_users
    return Passwords(ldap_users.read_users(config.home / named).hashes if named else {})


def served_by(config: Config, made: wiring.Spine) -> Served:
    """Give what connections are answered with; raise `ExtraMissing`."""
    return Served(
        core=made.core,
        passwords=passwords_of(config),
        cookies=Cookies(os.urandom(32)),
        limits=SearchLimits(
            config.ldap_size_limit, config.ldap_examined_limit, config.ldap_search_seconds
        ),
        monotonic=time.monotonic,
        anonymous=config.ldap_anonymous,
    )


def serve(
    config: Config, doors: tuple[Door, ...], *, goes_on: Callable[[], bool] = lambda: True
) -> None:
    """Serve in this process until told to stop (SIGTERM, SIGINT), or as long as that says."""
    logs.configure(config.log_level)
    log = logs.logger()
    store = CountedStore(wiring.open_store(config), Metrics().count_operation)
    made = wiring.spine(config, store, watch=lambda _timing: None)
    served, patience, context = served_by(config, made), patience_of(config), context_of(config)

    def listening(is_tls: bool, woken: socket.socket) -> Listening:  # noqa: FBT001 - one of two
        return Listening(served, patience, context.current, is_tls, woken)

    server = Server(doors, listening, config.ldap_connections)
    process.settle(config.server_workers, pin=config.server_pin_workers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    server.run(goes_on, config.server_drain_seconds)
    _end(made, log)


def _end(made: wiring.Spine, log: Any) -> None:  # noqa: ANN401 - structlog's own type is Any
    try:
        made.core.end()
    except StoreError as failed:
        log.warning("audit.not_ended", why=str(failed))
    made.store.close()
