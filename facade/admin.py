"""Health and metrics, on an address of the machine's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from core.door import Core
from core.errors import StoreError


class _Quiet(WSGIRequestHandler):
    """Serves without a line for each probe, and waits for none."""

    timeout = 5

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def serve(listener: socket.socket, core: Core, metrics: Callable[[], bytes]) -> None:
    """Answer health and metrics on a bound socket, in a thread of this process."""

    @Request.application
    def application(request: Request) -> Response:
        if request.path == "/healthz":
            return Response("ok\n")
        if request.path == "/readyz":
            return _readiness(core)
        if request.path == "/metrics":
            return Response(metrics(), mimetype="text/plain")
        return Response("there is /healthz, /readyz and /metrics\n", status=404)

    host, port = listener.getsockname()[:2]
    server = make_server(host, port, application, request_handler=_Quiet, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()


def _readiness(core: Core) -> Response:
    """Say whether a message would be answered: the store reads, and the audit is written.

    The audit is tried only after it failed, since a process that is sent nothing learns nothing.
    """
    try:
        core.store.ready()
        if core.audit.failing:
            core.audit.probe()
    except StoreError as error:
        return Response(f"the store does not answer: {error}\n", status=503)
    return Response("ready\n")
