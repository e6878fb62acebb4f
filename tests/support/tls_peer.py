"""A WSGI application behind mutual TLS, in a thread of this process: what a test breaks, it sees.

The server's own sockets and contexts (facade/tls.py) take the connection, so that the certificate
reaches the application as it does in the served facade.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from msgspec import Struct

from facade.tls import TlsFiles, server_context
from operations import certificates


class Peer(Struct, frozen=True):
    """Where the application is reached, and the folder of certificates."""

    port: int
    tls: Path

    @property
    def base(self) -> str:
        """What an address there starts with."""
        return f"https://localhost:{self.port}"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, _request: object, _client: object) -> None:
        """Say nothing of a client that was refused."""


class _Handler(WSGIRequestHandler):
    def get_environ(self) -> dict[str, Any]:
        """Give what the application asks of a request, its socket too."""
        return {**super().get_environ(), "gunicorn.socket": self.request}

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


def _bounded(application: Callable[..., Any]) -> Callable[..., Any]:
    """Give the application with its input ended where the request ends: wsgiref leaves it open."""

    def bounded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: ANN401
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        return application(environ, start_response)

    return bounded


def certified(folder: Path, *names: str) -> Path:
    """Give a folder with a CA, its server for localhost, and a client of each name."""
    now = datetime.now(UTC)
    authority = certificates.make_authority("Test CA", now)
    valid = certificates.validity(now)
    server = certificates.issue(
        authority, "localhost", server=True, valid=valid, addresses=("127.0.0.1",)
    )
    issued = {"server": server} | {
        name: certificates.issue(authority, name, server=False, valid=valid) for name in names
    }
    certificates.write_private(folder / "ca.pem", certificates.certificate_pem(authority))
    for name, each in issued.items():
        certificates.write_private(folder / f"{name}.pem", each.certificate)
        certificates.write_private(folder / f"{name}.key", each.key)
    return folder


@contextmanager
def over_tls(application: Callable[..., Any], tls: Path) -> Iterator[Peer]:
    """Serve an application to the clients of a folder's CA, for a while."""
    files = TlsFiles(tls / "ca.pem", tls / "server.pem", tls / "server.key", strict=True)
    server = _Server(("127.0.0.1", 0), _Handler)
    context = server_context(files, read_seconds=10.0)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.set_app(_bounded(application))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Peer(server.server_port, tls)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
