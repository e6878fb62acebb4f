"""Requests of the Toolkit, part by part, so that a test may break one part; and faults read.

All of them are ours; the patients are of the 999 range.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree
from msgspec import Struct, field
from peers import PATIENT
from serving import NOW
from smsp_asking import VERIFY, Asked, payload

from adapters.itk import Provider
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered, Request
from core.door import Core
from core.values.identity import PartyKey
from facade.itk import Services
from operations.setup import SAMPLE_CLIENT

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
ITK: Final = "urn:nhs-itk:ns:201005"
WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
SERVICES: Final = "urn:nhs-itk:services:201005:"
ERRORS: Final = "2.16.840.1.113883.2.1.3.2.4.17.268"

_ids = itertools.count(1)


def new_id() -> str:
    """Give a UUID that no other message of this run has."""
    return f"0A0B0C0D-0000-4000-8000-{next(_ids):012X}"


def instant(seconds: float, at: datetime = NOW) -> str:
    """Give a time so many seconds from the one that tests stand at."""
    return f"{at + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def stamp(created: str = instant(-60), expires: str = instant(540)) -> str:
    """Give a security timestamp."""
    return (
        f"<wsu:Timestamp><wsu:Created>{created}</wsu:Created>"
        f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    )


USER: Final = "<wsse:UsernameToken><wsse:Username>Ward 7</wsse:Username></wsse:UsernameToken>"
AUDIT: Final = (
    '<itk:auditIdentity><itk:id uri="urn:nhs-uk:identity:ods:T99999:ward7"/></itk:auditIdentity>'
)
TO: Final = "<wsa:To>https://localhost/smsp/pds</wsa:To>"
ITEM: Final = (
    '<itk:manifestitem id="uuid_1" mimetype="text/xml" '
    'profileid="urn:nhs-en:profile:verifyNHSNumberRequest-v1-0"/>'
)
ASKING: Final = payload(VERIFY, Asked(birth_date="19700101", nhs_number=PATIENT)).decode()


class Parts(Struct, frozen=True):
    """A request in parts; what a test does not name is in order."""

    message_id: str = field(default_factory=new_id)
    tracking_id: str = field(default_factory=new_id)
    service: str = SERVICES + VERIFY
    action: str = SERVICES + VERIFY
    to: str = TO
    more: str = ""
    timestamp: str = field(default_factory=stamp)
    user: str = USER
    security: str = '<wsse:Security soap:mustUnderstand="1">{0}</wsse:Security>'
    audit: str = AUDIT
    before: str = (
        '<itk:addresslist><itk:address uri="urn:nhs-uk:addressing:ods:YES"/></itk:addresslist>'
    )
    after: str = '<itk:senderAddress uri="urn:nhs-uk:addressing:ods:T99999"/>'
    manifest_count: str = "1"
    items: str = ITEM
    payloads_count: str = "1"
    payloads: str = f'<itk:payload id="uuid_1">{ASKING}</itk:payload>'
    soap: str = SOAP

    def envelope(self) -> str:
        """Give the distribution envelope."""
        return (
            f'<itk:DistributionEnvelope xmlns:itk="{ITK}"><itk:header service="{self.service}" '
            f'trackingid="{self.tracking_id}">{self.before}{self.audit}'
            f'<itk:manifest count="{self.manifest_count}">{self.items}</itk:manifest>{self.after}'
            f'</itk:header><itk:payloads count="{self.payloads_count}">{self.payloads}'
            "</itk:payloads></itk:DistributionEnvelope>"
        )

    def message(self) -> bytes:
        """Give the whole request."""
        return (
            f'<soap:Envelope xmlns:soap="{self.soap}" xmlns:wsa="{WSA}" '
            f'xmlns:wsse="{WSS}secext-1.0.xsd" xmlns:wsu="{WSS}utility-1.0.xsd"><soap:Header>'
            f"<wsa:MessageID>{self.message_id}</wsa:MessageID>"
            f"<wsa:Action>{self.action}</wsa:Action>{self.to}"
            f"<wsa:From><wsa:Address>https://ward7.test</wsa:Address></wsa:From>{self.more}"
            f"{self.security.format(self.timestamp + self.user)}</soap:Header>"
            f"<soap:Body>{self.envelope()}</soap:Body></soap:Envelope>"
        ).encode()


def asked_now(**changes: str) -> bytes:
    """Give a request whose time is the machine's, for a facade that is served."""
    now = datetime.now(UTC)
    parts = {"timestamp": stamp(instant(-5, now), instant(600, now)), **changes}
    return Parts(**parts).message()


class Fault(Struct, frozen=True):
    """A fault as its sender sees it."""

    kind: str
    code: str
    text: str


def fault_of(body: bytes) -> Fault:
    """Give the fault in an answer; fail where it is not one as it must be."""
    root = etree.fromstring(body)
    assert root.findtext(f"{{{SOAP}}}Header/{{{WSA}}}Action") == f"{WSA}/soap/fault"
    (fault,) = root.findall(f"{{{SOAP}}}Body/{{{SOAP}}}Fault")
    assert fault.findtext("faultstring")
    (info,) = fault.findall(f"detail/{{{ITK}}}ToolkitErrorInfo")
    (code,) = info.findall(f"{{{ITK}}}ErrorCode")
    assert code.get("codeSystem") == ERRORS
    assert info.findtext(f"{{{ITK}}}ErrorDiagnosticText")
    error_id = info.findtext(f"{{{ITK}}}ErrorID") or ""
    assert len(error_id) == 36
    assert error_id == error_id.upper()
    kind = (fault.findtext("faultcode") or "").removeprefix("soap:")
    return Fault(kind, code.text or "", info.findtext(f"{{{ITK}}}ErrorText") or "")


def code_of(body: bytes) -> str:
    """Give the code of an answer of a mini service."""
    found = etree.fromstring(body).xpath(
        "string(//*[@codeSystem='2.16.840.1.113883.2.1.3.2.4.17.285']/@code)"
    )
    return str(found)


def services_on(core: Core, failures: list[Exception] | None = None) -> Services:
    """Give the web services of a core; what fails within is listed, or fails the test."""

    def report(error: Exception) -> None:
        if failures is None:
            raise AssertionError("something failed within") from error
        failures.append(error)

    us = Ourselves(core, core.context, PartyKey("YES-0000806"))
    return Services(Provider(us, timedelta(minutes=5), report), limit_bytes=5_000_000)


def sent(
    services: Services, body: bytes, *, path: str = "/smsp/pds", soap_action: str | None = None
) -> Answered:
    """Give the answer to a request of the sample client."""
    return services.answer(Request(body, None, soap_action, (SAMPLE_CLIENT,)), path)
