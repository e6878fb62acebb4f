"""The WSGI application of the legacy addresses: size, charset, caller, answer, last resort."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from werkzeug.http import parse_options_header

from adapters import pipeline, polling, receiving, sds_fhir
from adapters.pipeline import Answered, Request
from adapters.reading import Sent
from adapters.receiving import Address
from adapters.sds_fhir import Asked
from core.errors import StoreError
from facade import logs, tls
from facade.metrics import Metrics
from facade.wiring import Spine
from legacy_contracts.errors import Fault
from legacy_contracts.sds import fhir_outcomes

SYNC_PATHS: Final = frozenset({"/sync-service", "/syncservice-pds/pds"})

EBXML_PATHS: Final = {
    "/reliablemessaging/queryrequest": Address.QUERY,
    "/reliablemessaging/reliablerequest": Address.RELIABLE,
    "/reliablemessaging/forwardreliable": Address.FORWARD,
    "/reliablemessaging/intermediary": Address.FORWARD,
}
POLLED_PATHS: Final = frozenset({"/Prescription", "/clinical"})
POLL: Final = "/_poll/"

_REASONS: Final = {
    200: "200 OK",
    202: "202 Accepted",
    400: "400 Bad Request",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    406: "406 Not Acceptable",
    500: "500 Internal Server Error",
    504: "504 Gateway Timeout",
}

_LOGGED: Final = 300
"""Characters of a reason that are logged: it names what the caller chose."""

_ANY: Final = "*"

_TOO_LARGE: Final = "MESSAGE_TOO_LARGE"

_TAKEN: Final = frozenset({"AA", "accepted", "duplicate", "polled", sds_fhir.FOUND})
"""The outcomes that refuse nothing."""

StartResponse = Callable[..., Any]


def _certified(environ: dict[str, Any]) -> tuple[str, ...]:
    """Give the names in the certificate of whoever sent a request."""
    return tls.names_of(environ.get("gunicorn.socket"))


def _method(path: str) -> str:
    """Give the one method that an address takes; the directory's refuses the others itself."""
    if sds_fhir.is_ours(path):
        return _ANY
    return "GET" if path.startswith(POLL) else "POST"


def _asked(environ: dict[str, Any], names: tuple[str, ...] = ()) -> Asked:
    """Give what was asked of the directory."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return Asked(
        method=environ["REQUEST_METHOD"],
        origin=f"{environ['wsgi.url_scheme']}://{host}",
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        accept=environ.get("HTTP_ACCEPT"),
        correlation_id=environ.get("HTTP_X_CORRELATION_ID"),
        certificate_names=names,
    )


class Application:
    """Answers every legacy address of this server; `names_of` knows whose a request is."""

    def __init__(
        self,
        spine: Spine,
        metrics: Metrics,
        *,
        limit_bytes: int,
        names_of: Callable[[dict[str, Any]], tuple[str, ...]] = _certified,
    ) -> None:
        self._spine = spine
        self._names_of = names_of
        self._metrics = metrics
        self._limit = limit_bytes
        self._log = logs.logger()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        started = time.perf_counter()
        method = _method(environ["PATH_INFO"])
        if method not in (environ["REQUEST_METHOD"], _ANY):
            start_response(_REASONS[405], [("Allow", method), ("Content-Length", "0")])
            return ()
        body = self._body(environ)
        answered = self._answer(environ, body)
        self._count(answered, time.perf_counter() - started)
        start_response(
            _REASONS[answered.status],
            [
                *([("Content-Type", answered.content_type)] if answered.body else []),
                ("Content-Length", str(len(answered.body))),
                *answered.headers,
                # What was too large was not read: nothing can follow it.
                *([("Connection", "close")] if body is None else []),
            ],
        )
        return () if environ["REQUEST_METHOD"] == "HEAD" else (answered.body,)

    def _answer(self, environ: dict[str, Any], body: bytes | None) -> Answered:
        try:
            return self._route(environ, body)
        except StoreError as error:
            self._metrics.failures.labels(type(error).__name__).inc()
            self._log.error("store.failed", why=str(error))
            outcome = fhir_outcomes.NO_STORE
        except Exception as error:  # noqa: BLE001 - the last resort: nothing leaks to the wire
            self._log.error("answer.failed", error=type(error).__name__, where=logs.place_of(error))
            outcome = fhir_outcomes.FAILED
        if sds_fhir.is_ours(environ["PATH_INFO"]):
            return sds_fhir.refused(_asked(environ), outcome, self._spine.ourselves)
        return pipeline.faulted(Fault("SYSTEM_FAILURE"), "unknown")

    def _route(self, environ: dict[str, Any], body: bytes | None) -> Answered:
        path = environ["PATH_INFO"]
        if sds_fhir.is_ours(path):
            asked = _asked(environ, self._names_of(environ))
            return sds_fhir.answer(asked, self._spine.ourselves)
        if path in SYNC_PATHS:
            return self._synchronous(environ, body)
        if path.startswith(POLL):
            names = self._names_of(environ)
            return polling.poll(path.removeprefix(POLL), names, self._spine.ourselves)
        if path in EBXML_PATHS or path in POLLED_PATHS:
            return self._ebxml(environ, body)
        return pipeline.faulted(Fault("INTERACTION_NOT_SUPPORTED"), "unknown")

    def _synchronous(self, environ: dict[str, Any], body: bytes | None) -> Answered:
        if body is None:
            return pipeline.faulted(Fault(_TOO_LARGE), "unknown")
        _, options = parse_options_header(environ.get("CONTENT_TYPE"))
        request = Request(
            body=body,
            charset=options.get("charset") or None,
            soap_action=environ.get("HTTP_SOAPACTION"),
            certificate_names=self._names_of(environ),
        )
        return pipeline.answer(request, self._spine.core, self._spine.context)

    def _ebxml(self, environ: dict[str, Any], body: bytes | None) -> Answered:
        us = self._spine.ourselves
        if body is None:
            return receiving.refused(None, Fault(_TOO_LARGE), us)
        sent = Sent(body, environ.get("CONTENT_TYPE") or "", self._names_of(environ))
        if environ["PATH_INFO"] in POLLED_PATHS:
            return polling.take(sent, us)
        return receiving.receive(sent, EBXML_PATHS[environ["PATH_INFO"]], us)

    def _body(self, environ: dict[str, Any]) -> bytes | None:
        """Give the request's body, or None when it is over the limit, before it is read whole.

        What is raised here is the server's to answer: broken framing is no message to refuse, and
        a body that ends before its length is none at all.
        """
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > self._limit:
            return None
        body: bytes = environ["wsgi.input"].read(self._limit + 1)
        if len(body) < length:
            raise ConnectionResetError(errno.ECONNRESET, "the body ends before its length")
        return None if len(body) > self._limit else body

    def _count(self, answered: Answered, seconds: float) -> None:
        self._metrics.messages.labels(
            answered.interaction_id, str(answered.status), answered.outcome
        ).inc()
        self._metrics.seconds.observe(seconds)
        if answered.outcome not in _TAKEN:
            self._log.info(
                "message.refused",
                interaction=answered.interaction_id,
                status=answered.status,
                outcome=answered.outcome,
                why=answered.why and answered.why[:_LOGGED],
            )
