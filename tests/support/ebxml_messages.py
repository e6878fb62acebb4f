"""Synthetic ebXML messages as clients send them to the hub: every part of their form can be set.

A `Message` is flat, so that `replace` changes one thing; its `Layout` is how it is put
on the wire. The shapes are those of transport.md 1.2 and 1.10; every word and every id is ours.
"""

from __future__ import annotations

import base64
import quopri
import uuid
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct
from msgspec.structs import replace
from wire_requests import SPINE_PARTY

from operations.setup import SAMPLE_PARTY

SERVICES: Final = "urn:nhs:names:services:"
NEXT_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:nextMSH"
TO_PARTY_MSH: Final = "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
SOAP_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"

RELIABLE: Final = "/reliablemessaging/reliablerequest"
EXPRESS: Final = "/reliablemessaging/queryrequest"
FORWARD: Final = "/reliablemessaging/forwardreliable"
INTERMEDIARY: Final = "/reliablemessaging/intermediary"

QUOTED: Final = 'multipart/related; boundary="{boundary}"; type="text/xml"; start="<{start}>"'
UNQUOTED: Final = "multipart/related; boundary={boundary}; type=text/xml; start={start}"
SPINES_OWN: Final = (
    'multipart/related; boundary="{boundary}"; charset="UTF-8"; type="text/xml"; start="<{start}>"'
)
"""Three ways to write the Content-Type (transport.md 1.1 and 1.2)."""

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
EB: Final = "http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd"
PARTY_TYPE: Final = "urn:nhs:names:partyType:ocs+serviceInstance"


def new_id() -> str:
    """Give an id that no other message has, in upper case as the schemas want it."""
    return str(uuid.uuid4()).upper()


class Part(Struct, frozen=True):
    """One part of a MIME message; its body as it was before the transfer encoding."""

    content_id: str
    body: bytes
    content_type: str = "text/xml; charset=UTF-8"
    encoding: str | None = "8bit"


class Attachment(Struct, frozen=True):
    """A part after the payload, with what the manifest says about it."""

    part: Part
    description: str = "Attachment"
    document_id: str | None = None


class External(Struct, frozen=True):
    """A reference to an attachment that comes in another message."""

    message_id: str
    description: str = "External attachment"
    document_id: str | None = None


class Layout(Struct, frozen=True):
    """How a message is put on the wire."""

    content_type: str = QUOTED
    boundary: str = "--=_MIME-Boundary"
    root_id: str = "ebXMLHeader@spine.nhs.uk"
    newline: bytes = b"\r\n"
    preamble: bytes = b""
    soap: str = "SOAP"
    eb: str = "eb"
    payload_namespace: str = "urn:hl7-org:transport/ebxml/DSTUv1.0"
    charset: str = "UTF-8"
    encoding: str | None = "8bit"
    payload_type: str = "application/xml; charset={charset}"
    soap_action: str = '"{action}"'
    id_header: str = "Content-Id"


class Message(Struct, frozen=True):
    """A message from one party to another; None leaves an element out."""

    service: str
    action: str
    payload: str
    from_party: str = SAMPLE_PARTY
    to_party: str = SPINE_PARTY
    cpa_id: str = "S9999999A9999901"
    message_id: str = "7B1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A01"
    conversation_id: str = "7B1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A01"
    timestamp: str = "2014-08-25T09:30:00Z"
    time_to_live: str | None = None
    ref_to: str | None = None
    duplicate_elimination: str | None = ""
    ack_actor: str | None = NEXT_MSH
    sync_actor: str | None = None
    version: str | None = "2.0"
    manifest_version: str | None = "2.0"
    party_type: str = PARTY_TYPE
    payload_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    externals: tuple[External, ...] = ()
    path: str = FORWARD
    layout: Layout = Layout()

    @property
    def content_type(self) -> str:
        """Give the Content-Type of the HTTP request."""
        form = self.layout
        return form.content_type.format(boundary=form.boundary, start=form.root_id)

    @property
    def soap_action(self) -> str:
        """Give the SOAPAction of the HTTP request, quoted or not."""
        return self.layout.soap_action.format(action=f"{self.service}/{self.action}")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Give the headers of the HTTP request that belong to the message."""
        return (("SOAPAction", self.soap_action), ("Content-Type", self.content_type))

    @property
    def content_id(self) -> str:
        """Give the payload's Content-Id."""
        return self.payload_id or f"{self.message_id}@spine.nhs.uk"

    def parts(self) -> tuple[Part, ...]:
        """Give the parts in their order: envelope, payload, attachments."""
        form = self.layout
        declared = f'<?xml version="1.0" encoding="{form.charset}"?>\n'
        own = (
            (form.root_id, "text/xml; charset={charset}", _envelope(self)),
            (self.content_id, form.payload_type, self.payload),
        )
        return tuple(
            Part(
                content_id,
                (declared + text).encode(form.charset),
                content_type.format(charset=form.charset),
                form.encoding,
            )
            for content_id, content_type, text in own
        ) + tuple(one.part for one in self.attachments)

    def bytes(self) -> bytes:
        """Give the body of the HTTP request."""
        return multipart(self.parts(), self.layout)


def multipart(parts: tuple[Part, ...], layout: Layout) -> bytes:
    """Give parts as one MIME body."""
    line = layout.newline
    mark = b"--" + layout.boundary.encode()
    written = [mark + line + _part(one, layout) for one in parts]
    return layout.preamble + b"".join(written) + mark + b"--" + line


def _part(part: Part, layout: Layout) -> bytes:
    line = layout.newline
    lines = [f"{layout.id_header}: <{part.content_id}>", f"Content-Type: {part.content_type}"]
    if part.encoding is not None:
        lines.append(f"Content-Transfer-Encoding: {part.encoding}")
    body = part.body
    if part.encoding == "base64":
        body = base64.encodebytes(body).rstrip().replace(b"\n", line)
    if part.encoding == "quoted-printable":
        body = quopri.encodestring(body).replace(b"\n", line)
    return line.join([*(one.encode() for one in lines), b"", body, b""])


def under(message: Message, message_id: str) -> Message:
    """Give a message under another id, in its header and in its payload."""
    return replace(
        message,
        message_id=message_id,
        payload=message.payload.replace(message.message_id, message_id),
    )


def _envelope(message: Message) -> str:
    soap, eb = message.layout.soap, message.layout.eb
    return (
        f'<{soap}:Envelope xmlns:{soap}="{SOAP}" xmlns:{eb}="{EB}" '
        f'xmlns:hl7ebxml="{message.layout.payload_namespace}" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<{soap}:Header>{_message_header(message)}{_reliability(message)}</{soap}:Header>"
        f"<{soap}:Body>{_manifest(message)}</{soap}:Body></{soap}:Envelope>"
    )


def _message_header(message: Message) -> str:
    soap, eb = message.layout.soap, message.layout.eb
    elements = (
        ("CPAId", message.cpa_id),
        ("ConversationId", message.conversation_id),
        ("Service", message.service),
        ("Action", message.action),
    )
    data = (
        ("MessageId", message.message_id),
        ("Timestamp", message.timestamp),
        ("TimeToLive", message.time_to_live),
        ("RefToMessageId", message.ref_to),
    )
    return (
        f'<{eb}:MessageHeader {soap}:mustUnderstand="1"{_version(eb, message.version)}>'
        + party_element(eb, "From", message.from_party, message.party_type)
        + party_element(eb, "To", message.to_party, message.party_type)
        + "".join(element(f"{eb}:{name}", value) for name, value in elements)
        + f"<{eb}:MessageData>"
        + "".join(element(f"{eb}:{name}", value) for name, value in data)
        + f"</{eb}:MessageData>"
        + element(f"{eb}:DuplicateElimination", message.duplicate_elimination)
        + f"</{eb}:MessageHeader>"
    )


def _reliability(message: Message) -> str:
    soap, eb = message.layout.soap, message.layout.eb
    common = f'{soap}:mustUnderstand="1" {eb}:version="2.0"'
    found = ""
    if message.ack_actor is not None:
        actor = f"{soap}:actor={quoteattr(message.ack_actor)}"
        found += f'<{eb}:AckRequested {common} {eb}:signed="false" {actor}/>'
    if message.sync_actor is not None:
        found += f"<{eb}:SyncReply {common} {soap}:actor={quoteattr(message.sync_actor)}/>"
    return found


def _manifest(message: Message) -> str:
    soap, eb = message.layout.soap, message.layout.eb
    others = [
        (f"cid:{one.part.content_id}", one.description, one.document_id)
        for one in message.attachments
    ] + [(f"mid:{one.message_id}", one.description, one.document_id) for one in message.externals]
    return (
        f'<{eb}:Manifest {soap}:mustUnderstand="1"{_version(eb, message.manifest_version)}>'
        f"<{eb}:Reference xlink:href={quoteattr('cid:' + message.content_id)}>"
        f'<{eb}:Schema {eb}:location="http://www.nhsia.nhs.uk/schemas/HL7-Message.xsd" '
        f'{eb}:version="1.0"/><{eb}:Description xml:lang="en">HL7 payload</{eb}:Description>'
        '<hl7ebxml:Payload style="HL7" encoding="XML" version="3.0"/>'
        f"</{eb}:Reference>"
        + "".join(_reference(eb, href, text, own_id) for href, text, own_id in others)
        + f"</{eb}:Manifest>"
    )


def _reference(eb: str, href: str, description: str, own_id: str | None) -> str:
    identified = "" if own_id is None else f" {eb}:id={quoteattr(own_id)}"
    return (
        f"<{eb}:Reference{identified} xlink:href={quoteattr(href)}>"
        f'<{eb}:Description xml:lang="en">{escape(description)}</{eb}:Description></{eb}:Reference>'
    )


def party_element(eb: str, way: str, party: str, party_type: str = PARTY_TYPE) -> str:
    """Give the From or the To of a header."""
    identified = f"<{eb}:PartyId {eb}:type={quoteattr(party_type)}>{escape(party)}</{eb}:PartyId>"
    return f"<{eb}:{way}>{identified}</{eb}:{way}>"


def _version(eb: str, version: str | None) -> str:
    return "" if version is None else f" {eb}:version={quoteattr(version)}"


def element(name: str, value: str | None) -> str:
    """Give an element with a text, or nothing where there is no value."""
    return "" if value is None else f"<{name}>{escape(value)}</{name}>"
