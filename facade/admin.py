"""Health and metrics, on an address of the machine's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from core.errors import StoreError
from core.store.port import Store


class _Quiet(WSGIRequestHandler):
    """Serves without a line for each probe, and waits for none."""

    timeout = 5

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def serve(listener: socket.socket, store: Store, metrics: Callable[[], bytes]) -> None:
    """Answer health and metrics on a bound socket, in a thread of this process."""

    @Request.application
    def application(request: Request) -> Response:
        if request.path == "/healthz":
            return Response("ok\n")
        if request.path == "/readyz":
            return _readiness(store)
        if request.path == "/metrics":
            return Response(metrics(), mimetype="text/plain")
        return Response("there is /healthz, /readyz and /metrics\n", status=404)

    host, port = listener.getsockname()[:2]
    server = make_server(
        host, port, application, threaded=True, request_handler=_Quiet, fd=listener.fileno()
    )
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()


def _readiness(store: Store) -> Response:
    try:
        store.ready()
    except StoreError as error:
        return Response(f"the store does not answer: {error}\n", status=503)
    return Response("ready\n")
