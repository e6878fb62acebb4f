"""SOAP 1.1 with WS-Addressing 2005/08, in and out: the envelope around a distribution envelope.

What is asked of a request: the Toolkit's conformance simulator (nhsdigitalmait/TKW-x,
contrib/Common/simulator_packs/autotest, expressions.conf): ATM_VersionMismatch, ATM_BadService,
ATM_NoToElement, ATM_InvalidTo, ATM_NonAnonymousReplyTo, ATM_RejectForeignMustUnderstand. Answers
have the headers of the captured ones (corpus itk: response_wrapper_no_timestamp,
SoapItkOkResponseTemplate), and say beside these what they answer (WS-Addressing 1.0 SOAP binding).
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns
from legacy_contracts.envelopes.toolkit import refusal
from legacy_contracts.hl7.rim import Xml, escape

FAULT: Final = f"{ns.WSA_2005}/soap/fault"
"""The action of every fault (the conformance tests ask for it)."""
ANONYMOUS: Final = f"{ns.WSA_2005}/anonymous"

MAX_ID: Final = 255
"""Characters of a message id: no real one is a third as long."""

_WSA: Final = f"{{{ns.WSA_2005}}}"
_SOAP: Final = f"{{{ns.SOAP}}}"
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+|[A-Za-z0-9.\-]+(?::\d+)?", re.ASCII)
"""An absolute URI; or a host alone, which a public client writes (elementechemlyn/smsp-adaptor)."""
_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"
_UNDERSTOOD: Final = frozenset(
    {
        f"{{{ns.WSSE}}}Security",
        *(
            _WSA + name
            for name in ("MessageID", "Action", "To", "From", "ReplyTo", "FaultTo", "RelatesTo")
        ),
    }
)
"""The headers that are read: each may be marked as one that must be understood."""


class Header(Struct, frozen=True):
    """What a request's addressing says."""

    message_id: str
    action: str
    to: str
    sender: str | None = None


class Framed(Struct, frozen=True):
    """A SOAP envelope's two parts: its header, and what stands in its body."""

    header: etree._Element
    content: etree._Element


def framed(root: etree._Element) -> Framed:
    """Give the parts of a SOAP 1.1 envelope; raise `ItkError` for anything else."""
    if not str(root.tag).startswith(_SOAP):
        raise refusal("VERSION_MISMATCH", "SOAP 1.1 is expected")
    headers = root.findall(f"{_SOAP}Header")
    bodies = root.findall(f"{_SOAP}Body")
    if root.tag != f"{_SOAP}Envelope" or len(headers) != 1 or len(bodies) != 1:
        raise refusal("INVALID_MESSAGE", "one Envelope, Header and Body are expected")
    if len(bodies[0]) != 1:
        raise refusal("INVALID_MESSAGE", "the Body holds one element")
    _require_understood(headers[0])
    return Framed(headers[0], bodies[0][0])


def message_id_of(root: etree._Element) -> str | None:
    """Give a message's id for the answer to repeat, whatever else is wrong with it."""
    found = root.findtext(f"{_SOAP}Header/{_WSA}MessageID")
    text = (found or "").strip()
    return text if 0 < len(text) <= MAX_ID else None


def opened(header: etree._Element) -> Header:
    """Give what a request's addressing says; raise `ItkError` where it is not as it must be."""
    action = _one(header, "Action", "ACTION")
    message_id = _one(header, "MessageID", "MESSAGE_ID")
    if len(message_id) > MAX_ID:
        raise refusal("MESSAGE_ID", f"it has more than {MAX_ID} characters")
    to = _one(header, "To", "NO_TO")
    if _ADDRESS.fullmatch(to) is None:
        raise refusal("TO")
    for name in ("ReplyTo", "FaultTo"):
        address = header.findtext(f"{_WSA}{name}/{_WSA}Address")
        if address is not None and address.strip() != ANONYMOUS:
            raise refusal("REPLY_ELSEWHERE", f"{name} is not {ANONYMOUS}")
    return Header(message_id, action, to, header.findtext(f"{_WSA}From/{_WSA}Address"))


def require_action(header: Header, soap_action: str | None, service: str) -> None:
    """Return if the request's three names of its service agree; raise `ItkError` if not.

    The SOAPAction of HTTP may be left out or empty; where it says something, it says the same.
    """
    named = (soap_action or "").strip().strip('"').strip()
    if named and named != header.action:
        raise refusal("SOAP_ACTION_DIFFERS")
    if header.action != service:
        raise refusal("SERVICE_DIFFERS")


def built(action: str, message_id: str, relates_to: str | None, body: Xml) -> bytes:
    """Give a whole answer: its headers, and in the body what was built."""
    related = f"<wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>" if relates_to else ""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f'<soap:Envelope xmlns:soap="{ns.SOAP}" xmlns:wsa="{ns.WSA_2005}"><soap:Header>'
        f"<wsa:MessageID>{message_id}</wsa:MessageID><wsa:Action>{escape(action)}</wsa:Action>"
        f"{related}</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()


def _one(header: etree._Element, name: str, refused_as: str) -> str:
    found = header.findall(_WSA + name)
    text = (found[0].text or "").strip() if len(found) == 1 else ""
    if not text:
        raise refusal(refused_as, f"one {name} is expected, there are {len(found)}")
    return text


def _require_understood(header: etree._Element) -> None:
    """Return if nothing that is for us must be understood and is not (SOAP 1.1, 4.2.3)."""
    for block in header:
        must = block.get(f"{_SOAP}mustUnderstand", "").strip() in {"1", "true"}
        actor = block.get(f"{_SOAP}actor", "").strip()
        if must and actor in {"", _NEXT} and block.tag not in _UNDERSTOOD:
            name = etree.QName(block)
            raise refusal("NOT_UNDERSTOOD", f"{name.localname} of {name.namespace or 'nowhere'}")
