"""The ITK web services: the only home of spyne.

spyne is the WSGI application and the dispatch to an operation, and nothing else: its typed models,
its WSDL and its attachments cannot say this contract, and its own protocols let malformed requests
out as exceptions (docs/decisions/0025-the-web-services-of-the-toolkit.md). So the protocol is ours:
bytes become a request by adapters.itk, every refusal is a SOAP fault, and the answer's bytes are
sent as they were built. WSDL and schemas are served from their bytes.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec
from typing import Any, Final, TypeVar

from msgspec import Struct

from adapters import itk
from adapters.itk import Asked, Provider
from adapters.pipeline import Answered, Request
from core.errors import StoreError
from legacy_contracts import ns
from legacy_contracts.envelopes.toolkit import ItkError, refusal
from legacy_contracts.smsp import wsdl
from legacy_contracts.smsp.operations import OPERATIONS

UNKNOWN: Final = "unknown"
"""The operation of a request that names none, for counters and logs."""

_REQUEST: Final = "spine.itk.request"
_ANSWERED: Final = "spine.itk.answered"
"""Where the request, and what was answered, travel through spyne."""

_DOCUMENT: Final = "wsdl"
_ASKS: Final = "wsdl"
_XML: Final = "text/xml; charset=utf-8"
_HOSTS: Final = 16
"""For how many names of this server the WSDL is kept: callers choose them."""

_VENDORED: Final = "spyne.util.six"

_WARNINGS: Final = (
    (ImportWarning, r"_SixMetaPathImporter\.exec_module\(\) not found"),
    (ImportWarning, r"_SixMetaPathImporter\.find_spec\(\) not found"),
    (DeprecationWarning, r"'cgi' is deprecated and slated for removal"),
)
"""What importing spyne 2.14.0 warns of on Python 3.11 and 3.12; on 3.13 `legacy-cgi` is `cgi`."""


class Spyne(Struct, frozen=True):
    """The parts of spyne that are used."""

    application: Any
    any_xml: Any
    fault: Any
    protocol: Any
    rpc: Any
    service: Any
    wsgi: Any


class _Moved(Struct, frozen=True):
    """Finds the modules that one importer knows."""

    importer: Any

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: object = None
    ) -> ModuleSpec | None:
        """Give the spec of a module that the importer knows, or None."""
        known = name in self.importer.known_modules
        return importlib.util.spec_from_loader(name, self.importer) if known else None


class _Moves:
    """Finds what spyne's own copy of `six` moved: its importer lacks what Python 3.12 asks for."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: object = None
    ) -> ModuleSpec | None:
        """Give the spec of a module that the copy's importer knows, or None."""
        importers = (one for one in sys.meta_path if type(one).__module__ == _VENDORED)
        return next((spec for one in importers if (spec := _Moved(one).find_spec(name))), None)


def imported() -> Spyne:
    """Give spyne's parts, imported without a warning, and Python left as it was."""
    # It logs what a message said, tracebacks and all; ours are logged by whoever answers.
    logging.getLogger("spyne").setLevel(logging.CRITICAL + 1)
    sys.meta_path.insert(0, _Moves)
    try:
        with warnings.catch_warnings():
            for category, message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message, category=category)
            return _parts()
    finally:
        sys.meta_path.remove(_Moves)
        _replace_importers()


def _replace_importers() -> None:
    """Put a finder in the place of an importer that is none: later imports would warn of it."""
    for number, one in enumerate(sys.meta_path):
        if type(one).__module__ == _VENDORED and not hasattr(one, "find_spec"):
            sys.meta_path[number] = _Moved(one)


def _parts() -> Spyne:
    from spyne import AnyXml, Application, Fault, ServiceBase, const, rpc  # noqa: PLC0415 - see above
    from spyne.protocol import ProtocolBase  # noqa: PLC0415
    from spyne.server.wsgi import WsgiApplication  # noqa: PLC0415

    # It would collect all of Python's garbage once a second, after whichever answer: every other
    # thread waits for some 50 ms, and nothing here leaves files for it to close.
    const.MIN_GC_INTERVAL = math.inf
    return Spyne(Application, AnyXml, Fault, ProtocolBase, rpc, ServiceBase, WsgiApplication)


__all__ = ["Provider", "Services", "methods"]

R = TypeVar("R")


def methods(path: str) -> tuple[str, ...]:
    """Give the methods that an address of the web services knows; none of any other address."""
    if path in itk.PATHS:
        return ("POST", "GET")
    return ("GET",) if path.startswith(wsdl.SCHEMAS) else ()


class Services:
    """Answers the addresses of the web services: whatever comes, an answer or a SOAP fault."""

    def __init__(self, provider: Provider, *, limit_bytes: int) -> None:
        self._provider = provider
        self._wsgi = _application(imported(), self, limit_bytes)
        self._schemas = wsdl.schemas()
        self._described = lru_cache(maxsize=_HOSTS)(wsdl.description)

    def document(self, environ: Mapping[str, Any]) -> Answered:
        """Give the WSDL or a schema, byte for byte, or that there is none."""
        path = environ["PATH_INFO"]
        if path in self._schemas:
            return Answered(200, self._schemas[path], _DOCUMENT, "served", content_type=_XML)
        if path not in itk.PATHS or environ.get("QUERY_STRING", "").lower() != _ASKS:
            return Answered(404, b"", _DOCUMENT, "not found")
        try:
            described = self._described(environ.get("HTTP_HOST") or "localhost")
        except ValueError:
            return Answered(404, b"", _DOCUMENT, "no host")
        return Answered(200, described, _DOCUMENT, "served", content_type=_XML)

    def answer(self, request: Request | None, path: str) -> Answered:
        """Give the answer to a request, None being one that was too large to be read."""
        if request is None:
            nothing = Request(b"", None, None, ())
            return self._refused(refusal("MESSAGE_TOO_LARGE"), nothing, UNKNOWN)
        environ = _environ(request, path)
        return self._guarded(request, UNKNOWN, lambda: self._through(environ))

    def read(self, environ: Mapping[str, Any]) -> Asked | Answered:
        """Give the request that spyne was handed, or its refusal."""
        request, path = environ[_REQUEST], environ["PATH_INFO"]
        return self._guarded(request, UNKNOWN, lambda: itk.read(request, path, self._provider))

    def perform(self, ctx: Any, asked: Asked) -> Answered:  # noqa: ANN401 - spyne's context
        """Give the answer to a request that is in order."""
        request: Request = ctx.transport.req[_REQUEST]
        names = request.certificate_names
        return self._guarded(
            request, asked.operation.name, lambda: itk.answer(asked, names, self._provider)
        )

    def _through(self, environ: dict[str, Any]) -> Answered:
        """Give what went through spyne as the answer."""
        # Not by calling it: that asks first, at length, whether its own WSDL is wanted.
        for _ in self._wsgi.handle_rpc(environ, _ignored):
            pass
        answered: Answered = environ[_ANSWERED]
        # A context of spyne's refers to itself: what it holds stays until garbage is looked for,
        # and of large requests that would be gigabytes.
        environ.clear()
        return answered

    def _guarded(self, request: Request, operation: str, act: Callable[[], R]) -> R | Answered:
        """Give what an act gives, or the answer that says why it gave nothing."""
        try:
            return act()
        except ItkError as error:
            return self._refused(error, request, operation)
        except StoreError as error:
            self._provider.report(error)
            return self._refused(refusal("STORE"), request, operation)
        except Exception as error:  # noqa: BLE001 - the last resort: nothing leaks to the wire
            self._provider.report(error)
            return self._refused(refusal("OURS"), request, operation)

    def _refused(self, error: ItkError, request: Request, operation: str) -> Answered:
        return itk.refused(error, request, operation, self._provider)


def _ignored(*_arguments: object) -> None:
    """Take note of no status: what is answered is read from where it was put."""


def _environ(request: Request, path: str) -> dict[str, Any]:
    """Give what spyne is told of a request: what was read of it, never what the client said."""
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(request.body),
        _REQUEST: request,
    }


def _application(spyne: Spyne, services: Services, limit_bytes: int) -> Any:  # noqa: ANN401
    """Give spyne's WSGI application of the operations, on a protocol of ours each way."""
    protocol = type("Toolkit", (_Protocol, spyne.protocol), {})
    refused = type("Refused", (_Refused, spyne.fault), {})
    methods = {name: _service_method(spyne, services, name) for name in map(_method, OPERATIONS)}
    application = spyne.application(
        [type("MiniServices", (spyne.service,), methods)],
        tns=ns.ITK,
        in_protocol=protocol(services, refused),
        out_protocol=protocol(services, refused),
    )
    return spyne.wsgi(application, max_content_length=limit_bytes)


def _method(operation: str) -> str:
    """Give the name that spyne knows an operation by: its own may hold no dash."""
    return operation.replace("-", "_")


def _service_method(spyne: Spyne, services: Services, name: str) -> Any:  # noqa: ANN401
    """Give a method of spyne's, which it knows by its function's name; a decorator serves once."""

    def performed(ctx: Any, asked: Asked) -> Answered:  # noqa: ANN401
        return services.perform(ctx, asked)

    performed.__name__ = name
    once = spyne.rpc(spyne.any_xml, _returns=spyne.any_xml, _body_style="bare")
    return once(performed)


class _Refused:
    """What goes the way of spyne's faults: an answer that is a refusal already."""

    def __init__(self, answered: Answered) -> None:
        super().__init__("Client", answered.outcome)  # type: ignore[call-arg]
        self.answered = answered


class _Protocol:
    """The half of the protocol that is ours; the other half is spyne's `ProtocolBase`.

    A request is read in one step, and an answer is sent as it was built.
    """

    mime_type = "text/xml"

    def __init__(self, services: Services, refused: Callable[[Answered], Exception]) -> None:
        super().__init__()
        self._services = services
        self._refusing = refused

    def create_in_document(self, ctx: Any, _charset: str | None = None) -> None:  # noqa: ANN401
        """Read the request; what is refused goes no further."""
        ctx.in_document = self._services.read(ctx.transport.req)
        if isinstance(ctx.in_document, Answered):
            raise self._refusing(ctx.in_document)

    def decompose_incoming_envelope(self, ctx: Any, message: Any) -> None:  # noqa: ANN401, ARG002
        """Name the method that is asked for."""
        ctx.method_request_string = _method(ctx.in_document.operation.name)

    def generate_method_contexts(self, ctx: Any) -> list[Any]:  # noqa: ANN401
        """Give the request's own context: there is one method, and no need of a copy for it."""
        (ctx.descriptor,) = self.get_call_handles(ctx)  # type: ignore[attr-defined]
        return [ctx]

    def deserialize(self, ctx: Any, message: Any) -> None:  # noqa: ANN401, ARG002
        """Hand the request on as it was read."""
        ctx.in_object = ctx.in_document

    def serialize(self, ctx: Any, message: Any) -> None:  # noqa: ANN401, ARG002
        """Take the answer as it was built, refusal or not."""
        error = ctx.out_error
        if error is not None:
            error.__traceback__ = None  # through its frames it would hold the request (`_through`)
        ctx.out_document = ctx.out_object[0] if error is None else error.answered
        ctx.transport.req[_ANSWERED] = ctx.out_document

    def create_out_string(self, ctx: Any, _charset: str | None = None) -> None:  # noqa: ANN401
        """Send the very bytes, and let go of the document that was read (see `_through`)."""
        ctx.out_string = [ctx.out_document.body]
        ctx.in_document = ctx.in_object = None
