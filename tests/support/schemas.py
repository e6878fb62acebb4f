"""The official schemas of the interactions, for checking what we send: found by SPINE_SCHEMAS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lxml import etree
from msgspec import Struct, field

VARIABLE: Final = "SPINE_SCHEMAS"
SOAP_BODY: Final = "{http://schemas.xmlsoap.org/soap/envelope/}Body"

_MIM_2_3: Final = "MIM 2.3 was published without schemas (pds.md 0); test_annex holds its tree"

NEVER_PUBLISHED: Final = {
    "QUPA_IN030000UK02": _MIM_2_3,
    "QUPA_IN050000UK01": _MIM_2_3,
    "QUPA_IN070000UK02": _MIM_2_3,
    "QUQI_IN010000UK01": _MIM_2_3,
}
"""Answers that no schema describes, and why."""


def folder() -> Path | None:
    """Give the folder of the schemas, or None where the variable is not set."""
    place = os.environ.get(VARIABLE)
    return Path(place) / "mim-omvt" / "Schemas" if place else None


def mini_services() -> Path | None:
    """Give the folder of the mini services' schemas and WSDL, or None likewise."""
    place = os.environ.get(VARIABLE)
    return Path(place) / "smsp-pds" / "Schemas" if place else None


class Schemas(Struct):
    """The schemas of one folder, compiled once each."""

    place: Path
    _compiled: dict[str, etree.XMLSchema] = field(default_factory=dict)

    def complaints(self, message: etree._Element) -> tuple[str, ...]:
        """Give what the interaction's schema says against a message; nothing where it is right."""
        name = etree.QName(message).localname
        schema = self._schema(name)
        if schema.validate(message):
            return ()
        return tuple(f"line {one.line}: {one.message}" for one in schema.error_log)

    def _schema(self, name: str) -> etree.XMLSchema:
        if name not in self._compiled:
            self._compiled[name] = etree.XMLSchema(etree.parse(self.place / f"{name}.xsd"))
        return self._compiled[name]


class SmspSchemas(Struct):
    """The schemas of the mini services' payloads, compiled once each."""

    place: Path
    _compiled: dict[str, etree.XMLSchema] = field(default_factory=dict)

    def complaints(self, payload: etree._Element) -> tuple[str, ...]:
        """Give what the payload's schema says against it; nothing where it is right."""
        schema = self._schema(etree.QName(payload).localname)
        if schema.validate(payload):
            return ()
        return tuple(f"line {one.line}: {one.message}" for one in schema.error_log)

    def _schema(self, element: str) -> etree.XMLSchema:
        if element not in self._compiled:
            for file in sorted(self.place.glob("*_MT*.xsd")):
                declared = f'<xs:element name="{element}"'
                if declared in file.read_text(encoding="utf-8"):
                    self._compiled[element] = etree.XMLSchema(etree.parse(file))
        return self._compiled[element]


def only(message: etree._Element, path: str) -> etree._Element:
    """Give the one element at a path."""
    (found,) = message.iterfind(path)
    return found


def hl7_message(envelope: bytes) -> etree._Element:
    """Give the HL7 interaction out of an envelope, as the root of its own document.

    The interaction is the body's one child, or stands in the body's one wrapper element. It takes
    the namespaces that it inherits along.
    """
    body = etree.fromstring(envelope).find(SOAP_BODY)
    assert body is not None
    (content,) = body
    if "_" not in etree.QName(content).localname:
        (content,) = content
    return etree.fromstring(etree.tostring(content))
