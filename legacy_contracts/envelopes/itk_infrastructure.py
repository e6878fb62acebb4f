"""itk:InfrastructureResponse: an envelope arrived, or what of it could not be processed.

The acknowledgement framework of ITK 2.2: elements and service are those of the captured ones
(corpus itk/tkw-x infrastructure_ack_template, infrastructure_nack_template; itk-trunk), codes and
words those of nhsdigitalmait/TKW-x, contrib/Common/ITKService/ITKServiceAcknowledgements.conf. It
is used where an answer does not come in the same exchange: in trunk conversations, which the hub
forwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.itk import (
    SERVICES,
    Address,
    Envelope,
    ManifestItem,
    Payload,
)
from legacy_contracts.envelopes.toolkit import ItkError, refusal
from legacy_contracts.hl7.rim import Xml, escape, text_element

SERVICE: Final = f"{SERVICES}SendInfrastructureAck-v1-0"
REQUESTED: Final = "infackrequested"
"""The handling specification that asks for one."""

ERRORS: Final[Mapping[str, str]] = {
    "DE0001": "Distribution Envelope Processing Error",
    "DE0002": "Distribution Envelope Header Processing Error",
    "DE0003": "Distribution Envelope Address List Processing Error",
    "DE0004": "Distribution Envelope Audit Identity Processing Error",
    "DE0005": "Distribution Envelope Id Processing Error",
    "DE0006": "Distribution Envelope Manifest Processing Error",
    "DE0007": "Distribution Envelope Manifest Item Processing Error",
    "DE0008": "Distribution Envelope Sender Address Processing Error",
    "DE0009": "Distribution Envelope Handling Specifications Processing Error",
    "DE0010": "Distribution Envelope Spec Processing Error",
    "DE0011": "Distribution Envelope Payloads Processing Error",
    "DE0012": "Distribution Envelope Payload Processing Error",
}
"""Code system 2.16.840.1.113883.2.1.3.2.4.17.516."""

WHOLE: Final = "DE0001"

BY_REFUSAL: Final[Mapping[str, str]] = {
    "TRACKING_ID": "DE0005",
    "UNKNOWN_SERVICE": "DE0002",
    "WRONG_ADDRESS": "DE0003",
    "NO_AUDIT_IDENTITY": "DE0004",
    "MANIFEST_COUNT": "DE0006",
    "COUNTS_DIFFER": "DE0006",
    "MIMETYPE": "DE0007",
    "NO_PROFILE_ID": "DE0007",
    "PROFILE_ID": "DE0007",
    "PAYLOAD_COUNT": "DE0011",
    "ONE_PAYLOAD": "DE0011",
    "IDS_DIFFER": "DE0011",
    "NO_PAYLOAD_ID": "DE0012",
    "NOT_BASE64": "DE0012",
    "NOT_COMPRESSED": "DE0012",
    "PAYLOAD_TOO_LARGE": "DE0012",
    "ENCRYPTED": "DE0012",
}
"""Which part of an envelope each refusal is about (inferred from the words); any other: all."""

OK: Final = "OK"
FAILURE: Final = "Failure"

_ITK: Final = f"{{{ns.ITK}}}"


class ErrorInfo(Struct, frozen=True):
    """One error that an acknowledgement tells of."""

    error_id: str
    code: str
    text: str
    diagnostic: str | None = None
    code_system: str = oids.ENVELOPE_ERROR


class InfrastructureAck(Struct, frozen=True):
    """Whether an envelope was taken on, as who reports it says."""

    timestamp: str
    service: str
    tracking_id: str
    reporting: tuple[Address, ...]
    errors: tuple[ErrorInfo, ...] = ()
    result: str = OK

    @property
    def is_positive(self) -> bool:
        """Say whether the envelope was taken on."""
        return self.result == OK


def opened(element: etree._Element) -> InfrastructureAck:
    """Give the acknowledgement that an element is; raise `ItkError` where it is none."""
    if element.tag != f"{_ITK}InfrastructureResponse":
        raise refusal("INVALID_MESSAGE", "no InfrastructureResponse")
    said = [element.get(name) for name in ("timestamp", "serviceRef", "trackingIdRef", "result")]
    timestamp, service, tracking_id, result = (one or "" for one in said)
    if not all(said) or result not in {OK, FAILURE}:
        raise refusal("SCHEMA", "InfrastructureResponse lacks an attribute")
    errors = tuple(map(_error, element.findall(f"{_ITK}errors/{_ITK}errorInfo")))
    if bool(errors) != (result == FAILURE):
        raise refusal("SCHEMA", f"a result of {result} with {len(errors)} errors")
    reporting = tuple(
        Address(one.get("uri", ""), one.get("type"))
        for one in element.findall(f"{_ITK}reportingIdentity/{_ITK}id")
    )
    return InfrastructureAck(timestamp, service, tracking_id, reporting, errors, result)


def built(ack: InfrastructureAck) -> Xml:
    """Give the text of an acknowledgement."""
    reporting = "".join(_id(one) for one in ack.reporting)
    errors = "".join(_error_text(one) for one in ack.errors)
    within = f"<itk:errors>{errors}</itk:errors>" if errors else "<itk:errors/>"
    return Xml(
        f'<itk:InfrastructureResponse xmlns:itk="{ns.ITK}" timestamp="{escape(ack.timestamp)}" '
        f'serviceRef="{escape(ack.service)}" trackingIdRef="{escape(ack.tracking_id)}" '
        f'result="{escape(ack.result)}"><itk:reportingIdentity>{reporting}'
        f"</itk:reportingIdentity>{within}</itk:InfrastructureResponse>"
    )


class Reporting(Struct, frozen=True):
    """Who acknowledges, when, and the new ids of the acknowledgement and of its payload."""

    identity: Address
    address: Address
    timestamp: str
    tracking_id: str
    payload_id: str


def acknowledging(of: Envelope, by: Reporting, errors: tuple[ErrorInfo, ...] = ()) -> Envelope:
    """Give the envelope that acknowledges another to whoever sent it."""
    result = FAILURE if errors else OK
    ack = InfrastructureAck(
        by.timestamp, of.service, of.tracking_id, (by.identity,), errors, result
    )
    payload_id = f"uuid_{by.payload_id}"
    return Envelope(
        service=SERVICE,
        tracking_id=by.tracking_id,
        manifest=(ManifestItem(id=payload_id),),
        payloads=(Payload(payload_id, built(ack).encode()),),
        audit_identities=(by.identity,),
        addresses=() if of.sender is None else (of.sender,),
        sender=by.address,
    )


def error_of(error: ItkError, error_id: str) -> ErrorInfo:
    """Give what an acknowledgement says of a refusal: the part of the envelope it is about."""
    code = BY_REFUSAL.get(error.name, WHOLE)
    return ErrorInfo(error_id, code, ERRORS[code], error.diagnostic or error.text)


def _error(element: etree._Element) -> ErrorInfo:
    code = element.find(f"{_ITK}ErrorCode")
    system = oids.TOOLKIT_ERROR if code is None else code.get("codeSystem", oids.TOOLKIT_ERROR)
    return ErrorInfo(
        element.findtext(f"{_ITK}ErrorID") or "",
        ("" if code is None else code.text) or "",
        element.findtext(f"{_ITK}ErrorText") or "",
        element.findtext(f"{_ITK}ErrorDiagnosticText"),
        system,
    )


def _error_text(error: ErrorInfo) -> str:
    diagnostic = (
        ""
        if error.diagnostic is None
        else text_element("itk:ErrorDiagnosticText", error.diagnostic)
    )
    return (
        f"<itk:errorInfo>{text_element('itk:ErrorID', error.error_id)}"
        f'<itk:ErrorCode codeSystem="{escape(error.code_system)}">{escape(error.code)}'
        f"</itk:ErrorCode>{text_element('itk:ErrorText', error.text)}{diagnostic}</itk:errorInfo>"
    )


def _id(one: Address) -> str:
    kind = "" if one.type is None else f' type="{escape(one.type)}"'
    return f'<itk:id{kind} uri="{escape(one.uri)}"/>'
