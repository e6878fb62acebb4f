"""zeep as a hospital uses it: clients of the mini services, made from a WSDL and nothing else.

What the WSDL does not say, the headers of addressing and security, a client adds as zeep has it:
by its plugin for the one, by its user's token for the other.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import zeep
from lxml import etree
from msgspec import Struct
from requests.adapters import BaseAdapter
from zeep.plugins import HistoryPlugin
from zeep.transports import Transport
from zeep.wsa import WsAddressingPlugin
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

from legacy_contracts.smsp.operations import OPERATIONS

ITK: Final = "{urn:nhs-itk:ns:201005}"
SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSA: Final = "{http://www.w3.org/2005/08/addressing}"
ANONYMOUS: Final = "http://www.w3.org/2005/08/addressing/anonymous"
USER: Final = "urn:nhs-uk:identity:ods:T99999:ward-7"


class Stamp(UsernameToken):  # type: ignore[misc] - zeep has no types
    """A user's token, and beside it when the request was made and until when it stands."""

    def apply(self, envelope: Any, headers: Any) -> Any:  # noqa: ANN401
        """Add the security header."""
        now = datetime.now(UTC)
        created, expires = (
            f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in (now, now + timedelta(minutes=5))
        )
        self.timestamp_token = WSU.Timestamp(WSU.Created(created), WSU.Expires(expires))
        return super().apply(envelope, headers)


class TurnedRound(Stamp):
    """Headers as another toolkit writes them: more of them, all to be understood, last first."""

    def apply(self, envelope: Any, headers: Any) -> Any:  # noqa: ANN401
        """Add the security header, and turn all headers round."""
        envelope, headers = super().apply(envelope, headers)
        header = envelope.find(f"{SOAP}Header")
        for name in ("ReplyTo", "FaultTo", "From"):
            address = etree.SubElement(etree.SubElement(header, WSA + name), f"{WSA}Address")
            address.text = ANONYMOUS
        for block in header:
            block.set(f"{SOAP}mustUnderstand", "1")
        header[:] = reversed(header)
        for block in header.iterfind("{*}Security"):
            block[:] = reversed(block)
        return envelope, headers


class InProcess(BaseAdapter):
    """Hands requests to a WSGI application, as the party of a certificate."""

    def __init__(self, application: Callable[..., Any], name: str) -> None:
        super().__init__()
        self._application = application
        self._name = name

    def send(self, request: Any, **_: object) -> requests.Response:  # noqa: ANN401
        """Give the application's answer."""
        place = urlsplit(request.url)
        body = request.body or b""
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": place.path,
            "QUERY_STRING": place.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": place.netloc,
            "wsgi.input": io.BytesIO(body),
            "test.certificate": self._name,
        }
        if "SOAPAction" in request.headers:
            environ["HTTP_SOAPACTION"] = request.headers["SOAPAction"]
        response = requests.Response()

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            response.status_code = int(status.split(" ", maxsplit=1)[0])
            response.headers.update(headers)

        response._content = b"".join(self._application(environ, start_response))
        response.request, response.url = request, request.url
        return response

    def close(self) -> None:
        """Keep nothing open."""


def session_in_process(application: Callable[..., Any], name: str) -> requests.Session:
    """Give a session that reaches an application in this process and nothing else."""
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", InProcess(application, name))
    return session


def session_over_tls(tls: Path, who: str) -> requests.Session:
    """Give a session over mutual TLS, with the certificate of a client in a folder."""
    session = requests.Session()
    session.trust_env = False
    session.cert = (str(tls / f"{who}.pem"), str(tls / f"{who}.key"))
    session.verify = str(tls / "ca.pem")
    return session


class Answer(Struct, frozen=True):
    """What a client made of an answer: the envelope by its types, and the SOAP that it received."""

    envelope: Any
    received: etree._Element

    @property
    def payload(self) -> etree._Element:
        """The one payload."""
        (payload,) = self.envelope.payloads.payload
        found: etree._Element = payload._value_1
        return found

    @property
    def code(self) -> str:
        """How the request went."""
        (value,) = self.payload.iterfind("{urn:hl7-org:v3}value")
        return str(value.get("code"))


@dataclass(slots=True)
class Hospital:
    """A client that was made from a WSDL; `base`, where it is told another address than that has.

    zeep takes `forbid_external` for every import over HTTP: a WSDL that is read from its address
    with its schemas needs it off, one that is read from a file does not.
    """

    wsdl: str
    session: requests.Session
    base: str | None = None
    stamp: type[UsernameToken] = Stamp
    forbid_external: bool = True
    client: zeep.Client = field(init=False)
    _history: HistoryPlugin = field(init=False, default_factory=HistoryPlugin)

    def __post_init__(self) -> None:
        self.client = zeep.Client(
            self.wsdl,
            transport=Transport(session=self.session, cache=None),
            settings=zeep.Settings(strict=True, forbid_external=self.forbid_external),
            plugins=[WsAddressingPlugin(), self._history],
            wsse=self.stamp("ward-7"),
        )

    def ask(self, operation: str, payload: bytes, address: str | None = None) -> Answer:
        """Give the answer to a payload; zeep's own error for a fault."""
        row, key = OPERATIONS[operation], f"uuid_{_new_id()}"
        envelope = self._service(operation, address)[operation](
            header={
                "service": row.action,
                "trackingid": _new_id(),
                "auditIdentity": {"id": [{"uri": USER}]},
                "manifest": {
                    "count": 1,
                    "manifestitem": [
                        {"id": key, "mimetype": "text/xml", "profileid": row.request_profile}
                    ],
                },
            },
            payloads={
                "count": 1,
                "payload": [{"id": key, "_value_1": etree.fromstring(payload)}],
            },
        )
        return Answer(envelope, self._history.last_received["envelope"])

    def _service(self, operation: str, address: str | None) -> Any:  # noqa: ANN401
        port = f"{operation}_ptt"
        if self.base is None and address is None:
            return self.client.bind(operation, f"{port}Port")
        place = (self.base or "") + (address or OPERATIONS[operation].path)
        return self.client.create_service(f"{ITK}{port}Binding", place)


def _new_id() -> str:
    return str(uuid.uuid4()).upper()
