"""Synthetic ebXML signals, and what a header says: Acknowledgment, MessageError, SOAP fault."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ebxml_messages import EB, SOAP, TO_PARTY_MSH, Message, element, new_id, party_element
from msgspec import Struct

SIGNALS: Final = "urn:oasis:names:tc:ebxml-msg:service"
SIGNAL_ACTION: Final = f"urn:{SIGNALS}/"
"""The SOAPAction of a signal, with the doubled `urn:` that clients write (transport.md 1.10)."""


class Header(Struct, frozen=True):
    """What the ebXML header of some bytes says; a field that is not there is empty."""

    from_party: str = ""
    to_party: str = ""
    cpa_id: str = ""
    conversation_id: str = ""
    service: str = ""
    action: str = ""
    message_id: str = ""
    timestamp: str = ""
    time_to_live: str = ""
    ref_to: str = ""


def header_of(body: bytes) -> Header:
    """Give the header of a message or a signal, read leniently: also where it is no XML."""
    text = body.partition(b":Envelope>")[0].decode("utf-8", "replace")

    def value(name: str, nth: int = 0) -> str:
        found = re.findall(rf"<(?:[\w-]+:)?{name}(?:\s[^>]*)?>([^<]*)<", text)
        return found[nth].strip() if len(found) > nth else ""

    return Header(
        value("PartyId"),
        value("PartyId", 1),
        *(value(one) for one in ("CPAId", "ConversationId", "Service", "Action")),
        *(value(one) for one in ("MessageId", "Timestamp", "TimeToLive", "RefToMessageId")),
    )


def acknowledgment(
    of: Message | Header,
    *,
    message_id: str | None = None,
    at: str = "2014-08-25T09:30:01Z",
    prefix: str = "soap",
    actor: str = TO_PARTY_MSH,
) -> bytes:
    """Give the Acknowledgment of a message by its receiver (transport.md 1.3)."""
    return _signal(
        of,
        "Acknowledgment",
        f'<eb:Acknowledgment eb:version="2.0" {prefix}:mustUnderstand="1" {prefix}:actor="{actor}">'
        f"<eb:Timestamp>{at}</eb:Timestamp>{element('eb:RefToMessageId', of.message_id)}"
        f"{party_element('eb', 'From', of.to_party)}</eb:Acknowledgment>",
        prefix=prefix,
        message_id=message_id,
    )


def message_error(
    of: Message | Header,
    code: str = "ValueNotRecognized",
    description: str = "501314:Invalid To Party Type attribute",
    *,
    message_id: str | None = None,
    prefix: str = "soap",
) -> bytes:
    """Give a MessageError about a message by its receiver (transport.md 1.3)."""
    context = "urn:oasis:names:tc:ebxml-msg:service:errors"
    return _signal(
        of,
        "MessageError",
        f'<eb:ErrorList eb:version="2.0" {prefix}:mustUnderstand="1" eb:highestSeverity="Error">'
        f'<eb:Error eb:codeContext="{context}" eb:severity="Error" eb:errorCode={quoteattr(code)}>'
        f'<eb:Description xml:lang="en-GB">{escape(description)}</eb:Description></eb:Error>'
        "</eb:ErrorList>",
        prefix=prefix,
        message_id=message_id,
    )


def soap_fault(code: str, description: str = "Synthetic fault", *, client: bool = False) -> bytes:
    """Give a SOAP fault with one error in the Spine's namespace (transport.md 1.6)."""
    return (
        f'<SOAP:Envelope xmlns:SOAP="{SOAP}"><SOAP:Body><SOAP:Fault>'
        f"<faultcode>SOAP:{'Client' if client else 'Server'}</faultcode>"
        "<faultstring>Application Exception</faultstring><detail>"
        '<nasp:errorList xmlns:nasp="http://national.carerecords.nhs.uk/schema/"><nasp:error>'
        "<nasp:codeContext>urn:nhs:names:error:tms</nasp:codeContext>"
        f"{element('nasp:errorCode', code)}<nasp:severity>Error</nasp:severity>"
        f"<nasp:location>Not Supported</nasp:location>{element('nasp:description', description)}"
        "</nasp:error></nasp:errorList></detail></SOAP:Fault></SOAP:Body></SOAP:Envelope>"
    ).encode()


def _signal(
    of: Message | Header, action: str, content: str, *, prefix: str, message_id: str | None
) -> bytes:
    data = (
        f"<eb:MessageData>{element('eb:MessageId', message_id or new_id())}"
        f"{element('eb:Timestamp', of.timestamp)}{element('eb:RefToMessageId', of.message_id)}"
        "</eb:MessageData>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{prefix}:Envelope xmlns:{prefix}="{SOAP}" xmlns:eb="{EB}"><{prefix}:Header>'
        f'<eb:MessageHeader eb:version="2.0" {prefix}:mustUnderstand="1">'
        f"{party_element('eb', 'From', of.to_party)}"
        f"{party_element('eb', 'To', of.from_party)}"
        f"{element('eb:CPAId', of.cpa_id)}{element('eb:ConversationId', of.conversation_id)}"
        f"<eb:Service>{SIGNALS}</eb:Service><eb:Action>{action}</eb:Action>{data}"
        f"</eb:MessageHeader>{content}</{prefix}:Header><{prefix}:Body/></{prefix}:Envelope>"
    ).encode()
