"""itk:DistributionEnvelope, in and out: who sends what for which service, and the payloads.

Both published forms (distributionEnvelope-v1-0.xsd, -v2-0.xsd) are read: nothing on the wire tells
them apart, v2-0 only names what v1-0 leaves open after the manifest and lets a payload be text.
`opened` gives an envelope that agrees with itself, or raises as the Toolkit refuses (the order of
the counts: nhsconnect/integration-adaptors OneOneOne, message_handler.py); `asked` demands of a
request what a service does. `built` gives the text of an envelope.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns
from legacy_contracts.envelopes.toolkit import refusal
from legacy_contracts.hl7.rim import Xml, escape

MAX_UNPACKED: Final = 5_000_000
"""What all payloads of an envelope may come to when they are unpacked: as much as a message."""

SERVICES: Final = "urn:nhs-itk:services:201005:"
"""What a service's name starts with in wsa:Action, SOAPAction and the header."""

PROFILES: Final = "urn:nhs-en:profile:"
ADDRESSES: Final = "urn:nhs-uk:addressing:"
IDENTITIES: Final = "urn:nhs-uk:identity:"
KEYS: Final = "urn:nhs-itk:ns:201005:"

MAX_IDENTITIES: Final = 4
"""distributionEnvelope-v1-0.xsd and v2-0: auditIdentityType."""

_ITK: Final = f"{{{ns.ITK}}}"
_HEADER: Final = (
    "addresslist",
    "auditIdentity",
    "manifest",
    "senderAddress",
    "handlingSpecification",
)
_UUID: Final = re.compile(r"[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}", re.ASCII)
"""The schemas ask for upper case; as everywhere, either is read."""
_COUNT: Final = re.compile(r"\+?[0-9]{1,9}", re.ASCII)
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_XML_TYPES: Final = frozenset({"text/xml", "application/xml"})
_DECLARATION: Final = re.compile(rb"\s*<\?xml\s[^>]*\?>\s*")
_GZIP: Final = b"\x1f\x8b"


class Address(Struct, frozen=True):
    """An address or an identity: a URI, and the OID of its kind where one was said."""

    uri: str
    type: str | None = None


class Spec(Struct, frozen=True):
    """One handling specification."""

    key: str
    value: str


class ManifestItem(Struct, frozen=True):
    """What the manifest says of one payload."""

    id: str
    mimetype: str = "text/xml"
    profile_id: str | None = None
    base64: bool = False
    compressed: bool = False
    encrypted: bool = False
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload: the element's bytes or the text's, with base64 and compression undone.

    What is encrypted stays as it is, and compressed inside. `element` is what came as an element,
    parsed with the whole message.
    """

    id: str
    content: bytes
    filename: str | None = None
    element: etree._Element | None = field(default=None, compare=False, repr=False)


class Envelope(Struct, frozen=True):
    """A distribution envelope that agrees with itself."""

    service: str
    tracking_id: str
    manifest: tuple[ManifestItem, ...]
    payloads: tuple[Payload, ...]
    audit_identities: tuple[Address, ...] = ()
    addresses: tuple[Address, ...] = ()
    sender: Address | None = None
    handling: tuple[Spec, ...] = ()

    def specified(self, name: str) -> str | None:
        """Give the value of a handling specification of the Toolkit's own, or None."""
        return next((one.value for one in self.handling if one.key == KEYS + name), None)


def opened(element: etree._Element) -> Envelope:
    """Give the envelope that an element is; raise `ItkError` where it disagrees with itself."""
    if element.tag != f"{_ITK}DistributionEnvelope":
        raise refusal("INVALID_MESSAGE", "the body holds no DistributionEnvelope")
    outer = _children(element, ("header", "payloads"), needed=("header", "payloads"))
    header = outer["header"]
    inner = _children(header, _HEADER, needed=("manifest",))
    items = tuple(_item(one) for one in _named(inner["manifest"], "manifestitem"))
    elements = _named(outer["payloads"], "payload")
    _agree(inner["manifest"], items, outer["payloads"], elements)
    sender = inner.get("senderAddress")
    return Envelope(
        service=_attribute(header, "service"),
        tracking_id=_tracking_id(header),
        manifest=items,
        payloads=_unpacked(items, elements),
        audit_identities=_addresses(inner.get("auditIdentity"), "id", MAX_IDENTITIES),
        addresses=_addresses(inner.get("addresslist"), "address"),
        sender=None if sender is None else _address(sender),
        handling=_handling(inner.get("handlingSpecification")),
    )


def asked(envelope: Envelope, profile_ids: tuple[str, ...]) -> Payload:
    """Give the one payload of a request to a service; raise `ItkError` where it is no such one.

    The profile is one of these, of which the first is the published one.
    """
    if not envelope.audit_identities:
        raise refusal("NO_AUDIT_IDENTITY")
    if len(envelope.manifest) != 1:
        raise refusal("ONE_PAYLOAD", f"there are {len(envelope.manifest)}")
    item = envelope.manifest[0]
    if item.encrypted:
        raise refusal("ENCRYPTED")
    if not is_xml(item.mimetype):
        raise refusal("MIMETYPE", "text/xml is expected")
    if not item.profile_id:
        raise refusal("NO_PROFILE_ID", f"{profile_ids[0]} is expected")
    if item.profile_id not in profile_ids:
        raise refusal("PROFILE_ID", f"{profile_ids[0]} is expected")
    if not envelope.payloads[0].content.strip():
        raise refusal("INVALID_MESSAGE", "the payload is empty")
    return envelope.payloads[0]


def is_xml(mimetype: str) -> bool:
    """Say whether a MIME type is one of XML; its parameters say nothing of that."""
    return mimetype.partition(";")[0].strip().lower() in _XML_TYPES


def built(envelope: Envelope) -> Xml:
    """Give the text of an envelope: what it declares base64 or compressed is made so."""
    items = "".join(_item_text(one) for one in envelope.manifest)
    by_id = {one.id: one for one in envelope.manifest}
    payloads = "".join(_payload_text(by_id[one.id], one) for one in envelope.payloads)
    sender = "" if envelope.sender is None else _address_text("senderAddress", envelope.sender)
    return Xml(
        f'<itk:DistributionEnvelope xmlns:itk="{ns.ITK}"><itk:header'
        f"{_written('service', envelope.service)}{_written('trackingid', envelope.tracking_id)}>"
        f"{_list_text('addresslist', 'address', envelope.addresses)}"
        f"{_list_text('auditIdentity', 'id', envelope.audit_identities)}"
        f'<itk:manifest count="{len(envelope.manifest)}">{items}</itk:manifest>{sender}'
        f"{_handling_text(envelope.handling)}</itk:header>"
        f'<itk:payloads count="{len(envelope.payloads)}">{payloads}</itk:payloads>'
        "</itk:DistributionEnvelope>"
    )


def _children(
    parent: etree._Element, names: tuple[str, ...], *, needed: tuple[str, ...]
) -> dict[str, etree._Element]:
    """Give the children by name; raise where one is needed, unknown (ATM_SCHEMA) or there twice.

    Their order is not asked for: v1-0 leaves it open after the manifest.
    """
    found: dict[str, etree._Element] = {}
    for child in parent:
        name = str(child.tag).removeprefix(_ITK)
        if name not in names:
            raise refusal("SCHEMA", f"{_local(parent)} holds an element it may not")
        if name in found:
            raise refusal("SCHEMA", f"{_local(parent)} holds {name} twice")
        found[name] = child
    for name in needed:
        if name not in found:
            raise refusal("SCHEMA", f"{_local(parent)} holds no {name}")
    return found


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _named(parent: etree._Element, name: str) -> list[etree._Element]:
    """Give the children, all of which must be of one name."""
    children = list(parent)
    if any(child.tag != _ITK + name for child in children):
        raise refusal("SCHEMA", f"{_local(parent)} holds an element it may not")
    return children


def _attribute(element: etree._Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise refusal("SCHEMA", f"{_local(element)} has no {name}")
    return value


def _tracking_id(header: etree._Element) -> str:
    tracking_id = header.get("trackingid") or ""
    if _UUID.fullmatch(tracking_id) is None:
        raise refusal("TRACKING_ID")
    return tracking_id


def _agree(
    manifest: etree._Element,
    items: tuple[ManifestItem, ...],
    payloads: etree._Element,
    elements: list[etree._Element],
) -> None:
    """Raise for the first of the counts, and the ids, that do not agree."""
    said, counted = _count(manifest), _count(payloads)
    if said != len(items):
        raise refusal("MANIFEST_COUNT", f"it says {said} and lists {len(items)}")
    if said != counted:
        raise refusal("COUNTS_DIFFER", f"the manifest says {said}, the payloads {counted}")
    if counted != len(elements):
        raise refusal("PAYLOAD_COUNT", f"payloads says {counted} and holds {len(elements)}")
    if not items:
        raise refusal("SCHEMA", "there is no payload")
    ids = [one.get("id") or "" for one in elements]
    if not all(ids):
        raise refusal("NO_PAYLOAD_ID")
    if sorted(ids) != sorted(one.id for one in items) or len(set(ids)) != len(ids):
        raise refusal("IDS_DIFFER")


def _count(element: etree._Element) -> int:
    text = (element.get("count") or "").strip()
    if _COUNT.fullmatch(text) is None:
        raise refusal("SCHEMA", f"the count of {_local(element)} is no number")
    return int(text)


def _item(element: etree._Element) -> ManifestItem:
    return ManifestItem(
        id=_attribute(element, "id"),
        mimetype=_attribute(element, "mimetype"),
        profile_id=element.get("profileid"),
        base64=_flag(element, "base64"),
        compressed=_flag(element, "compressed"),
        encrypted=_flag(element, "encrypted"),
        metadata=_flag(element, "metadata"),
    )


def _flag(element: etree._Element, name: str) -> bool:
    value = _FLAGS.get(element.get(name, "false").strip())
    if value is None:
        raise refusal("SCHEMA", f"{name} is neither true nor false")
    return value


def _address(element: etree._Element) -> Address:
    return Address(_attribute(element, "uri"), element.get("type"))


def _addresses(
    parent: etree._Element | None, name: str, most: int | None = None
) -> tuple[Address, ...]:
    if parent is None:
        return ()
    found = tuple(_address(one) for one in _named(parent, name))
    if not found or (most is not None and len(found) > most):
        raise refusal("SCHEMA", f"{_local(parent)} holds {len(found)} of {name}")
    return found


def _handling(parent: etree._Element | None) -> tuple[Spec, ...]:
    if parent is None:
        return ()
    return tuple(
        Spec(_attribute(one, "key"), one.get("value", "")) for one in _named(parent, "spec")
    )


def _unpacked(
    items: Iterable[ManifestItem], elements: Iterable[etree._Element]
) -> tuple[Payload, ...]:
    by_id = {one.id: one for one in items}
    left = MAX_UNPACKED
    found = []
    for element in elements:
        identifier = element.get("id", "")
        content = _content(by_id[identifier], element, left)
        left -= len(content)
        inside = element[0] if len(element) else None
        found.append(Payload(identifier, content, element.get("filename"), inside))
    return tuple(found)


def _content(item: ManifestItem, element: etree._Element, left: int) -> bytes:
    """Give what a payload holds; raise where that is not what the manifest says, or too much."""
    raw = _raw(element)
    if len(element) and (item.base64 or item.compressed):
        raise refusal("NOT_BASE64", "it holds an element")
    if item.base64:
        raw = _from_base64(raw)
    if item.compressed and not item.encrypted:
        if not item.base64:
            raise refusal("NOT_COMPRESSED", "what is compressed must be in base64")
        raw = _inflated(raw, left)
    if len(raw) > left:
        raise refusal("PAYLOAD_TOO_LARGE", f"no more than {MAX_UNPACKED} bytes are read")
    return raw


def _raw(element: etree._Element) -> bytes:
    """Give the bytes of the one element inside, or of the text; both are never mixed."""
    children = list(element)
    if not children:
        return (element.text or "").encode()
    texts = (element.text, *(child.tail for child in children))
    if len(children) > 1 or any((text or "").strip() for text in texts):
        raise refusal("SCHEMA", "a payload holds one element or text")
    return etree.tostring(children[0], encoding="UTF-8", with_tail=False, xml_declaration=False)


def _from_base64(raw: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusal("NOT_BASE64") from error


def _inflated(raw: bytes, left: int) -> bytes:
    """Give what was compressed, by gzip or zlib; read no further than one byte too much."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | (16 if raw.startswith(_GZIP) else 0))
    try:
        data = inflater.decompress(raw, left + 1)
    except zlib.error as error:
        raise refusal("NOT_COMPRESSED") from error
    if len(data) <= left and not inflater.eof:
        raise refusal("NOT_COMPRESSED", "it ends too early")
    if len(data) <= left and inflater.unused_data:
        raise refusal("NOT_COMPRESSED", "something follows it")
    return data


def _written(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{escape(value)}"'


def _address_text(name: str, one: Address) -> str:
    return f"<itk:{name}{_written('type', one.type)}{_written('uri', one.uri)}/>"


def _list_text(name: str, each: str, found: tuple[Address, ...]) -> str:
    if not found:
        return ""
    return f"<itk:{name}>{''.join(_address_text(each, one) for one in found)}</itk:{name}>"


def _handling_text(handling: tuple[Spec, ...]) -> str:
    if not handling:
        return ""
    specs = "".join(
        f"<itk:spec{_written('key', one.key)}{_written('value', one.value)}/>" for one in handling
    )
    return f"<itk:handlingSpecification>{specs}</itk:handlingSpecification>"


def _item_text(item: ManifestItem) -> str:
    flags = {
        "base64": item.base64,
        "compressed": item.compressed,
        "encrypted": item.encrypted,
    }
    written = "".join(f' {name}="{str(value).lower()}"' for name, value in flags.items())
    metadata = ' metadata="true"' if item.metadata else ""
    return (
        f"<itk:manifestitem{_written('id', item.id)}{_written('mimetype', item.mimetype)}"
        f"{_written('profileid', item.profile_id)}{written}{metadata}/>"
    )


def _payload_text(item: ManifestItem, payload: Payload) -> str:
    name = _written("filename", payload.filename)
    return f"<itk:payload{_written('id', payload.id)}{name}>{_packed(item, payload)}</itk:payload>"


def _packed(item: ManifestItem, payload: Payload) -> str:
    content = payload.content
    if item.compressed and not item.encrypted:
        content = gzip.compress(content, mtime=0)
    if item.base64:
        return base64.b64encode(content).decode("ascii")
    if is_xml(item.mimetype):
        declared = _DECLARATION.match(content)
        return content[declared.end() if declared else 0 :].decode()
    return escape(content.decode())
