"""Writes the WSDL of the five mini services, and gives it with all that it imports, by address.

The contract is that of PDSMiniServices-v1-0.wsdl, as it was published for the Spine Mini Services
(domains.md 2.6): the names, the actions and the order are its own, also where they are odd. The
definitions are named `test`, three operations answer with one message, and a binding's fault says
nothing of how it is written. Whoever generated a client from the published one finds no difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from legacy_contracts import ns
from legacy_contracts.smsp.operations import OPERATIONS, Operation
from legacy_contracts.smsp.schemas import schema
from legacy_contracts.smsp.types import Table, table

SCHEMAS: Final = "/smsp/pds/schemas/"

FILE: Final = "PDSMiniServices-v1-0.wsdl"
"""What the WSDL is called where it is a file."""

ADDRESSES: Final = ("/smsp/pds", "/syncsoap", *(each.path for each in OPERATIONS.values()))
"""Where a request may be sent, and where the WSDL is given for `?wsdl`."""

_ENVELOPE: Final = "itk:DistributionEnvelope"
_FAULT_MESSAGE: Final = "faultResponse"
_FAULT_ELEMENT: Final = "itk:ToolkitErrorInfo"
_FAULT: Final = "standardFault"
_HTTP: Final = "http://schemas.xmlsoap.org/soap/http"

_INCLUDED: Final = ("ITKMessageTypes-2010-05", "distributionEnvelope-v2-0")
"""The tables of the schemas that the WSDL itself includes."""

PAYLOADS: Final = (
    "QUPA_MT000001GB01",
    "QUPA_MT000002GB01",
    "QUPA_MT000003GB01",
    "QUPA_MT000004GB01",
    "QUPA_MT000005GB01",
    "COMT_MT000013GB01",
    "COMT_MT000014GB01",
    "COMT_MT000016GB01",
)
"""The tables of what goes into an envelope: five requests, and the three answers to them.

The WSDL imports none of them, as the published one does not: to it a payload is any element.
"""

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
_MAX_HOST: Final = 253 + len(":65535")
"""The longest name there is (RFC 1035, 2.3.4), with a port: callers choose it."""


def documents(host: str) -> Mapping[str, bytes]:
    """Give the WSDL by each address that gives it, and by theirs the schemas: imports and payloads.

    Only the addresses in the WSDL follow `host`, a name with or without a port; `ValueError` where
    it is none.
    """
    described = description(host)
    return {f"{address}?wsdl": described for address in ADDRESSES} | schemas()


def description(host: str, folder: str = SCHEMAS) -> bytes:
    """Give the WSDL alone, which names its schemas in `folder`; raise `ValueError` as above."""
    if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is no host: write a name with or without a port, host:443")
    return _bytes(_definitions(f"https://{host}", folder))


def schemas(folder: str = SCHEMAS) -> dict[str, bytes]:
    """Give each schema by the address that it is served at, whatever the host."""
    tables = _tables((*_INCLUDED, *PAYLOADS))
    return {f"{folder}{each.name}.xsd": _bytes(schema(each)) for each in tables.values()}


def files(host: str) -> Mapping[str, bytes]:
    """Give the same documents as files of one folder, by name, for tools that read no addresses."""
    return {FILE: description(host, folder="")} | schemas(folder="")


def _tables(names: tuple[str, ...]) -> Mapping[str, Table]:
    """Give these tables, and all that they include, by name."""
    found: dict[str, Table] = {}
    wanted = list(names)
    while wanted:
        name = wanted.pop(0)
        if name not in found:
            found[name] = table(name)
            wanted += found[name].includes
    return found


def _bytes(root: etree._Element) -> bytes:
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _definitions(base: str, folder: str) -> etree._Element:
    root = etree.Element(
        _wsdl("definitions"),
        nsmap={"wsdl": ns.WSDL, "soap": ns.WSDL_SOAP, "xs": ns.XSD, "itk": ns.ITK},
        name="test",
        targetNamespace=ns.ITK,
    )
    _types(root, folder)
    for name in dict.fromkeys(
        name for each in OPERATIONS.values() for name in (each.code, each.response_element)
    ):
        _message(root, name, _ENVELOPE)
    _message(root, _FAULT_MESSAGE, _FAULT_ELEMENT)
    for write in (_port_type, _binding):
        for each in OPERATIONS.values():
            write(root, each)
    for each in OPERATIONS.values():
        _service(root, each, base)
    return root


def _wsdl(name: str) -> str:
    return f"{{{ns.WSDL}}}{name}"


def _soap(name: str) -> str:
    return f"{{{ns.WSDL_SOAP}}}{name}"


def _put(parent: etree._Element, name: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _wsdl(name), attributes)


def _types(root: etree._Element, folder: str) -> None:
    put = etree.SubElement(_put(root, "types"), f"{{{ns.XSD}}}schema", {"targetNamespace": ns.ITK})
    for name in _INCLUDED:
        etree.SubElement(put, f"{{{ns.XSD}}}include", {"schemaLocation": f"{folder}{name}.xsd"})


def _message(root: etree._Element, name: str, element: str) -> None:
    _put(_put(root, "message", name=name), "part", name=name, element=element)


def _port_type(root: etree._Element, asked: Operation) -> None:
    put = _put(root, "portType", name=f"{asked.name}_ptt")
    operation = _put(put, "operation", name=asked.name)
    _put(operation, "input", message=f"itk:{asked.code}")
    _put(operation, "output", message=f"itk:{asked.response_element}")
    _put(operation, "fault", name=_FAULT, message=f"itk:{_FAULT_MESSAGE}")


def _binding(root: etree._Element, asked: Operation) -> None:
    name = f"{asked.name}_ptt"
    put = _put(root, "binding", name=f"{name}Binding", type=f"itk:{name}")
    etree.SubElement(put, _soap("binding"), {"style": "document", "transport": _HTTP})
    operation = _put(put, "operation", name=asked.name)
    action = {"soapAction": asked.action, "style": "document"}
    etree.SubElement(operation, _soap("operation"), action)
    for way, message in (("input", asked.code), ("output", asked.response_element)):
        body = {"parts": message, "use": "literal"}
        etree.SubElement(_put(operation, way), _soap("body"), body)
    _put(operation, "fault", name=_FAULT)


def _service(root: etree._Element, asked: Operation, base: str) -> None:
    put = _put(root, "service", name=asked.name)
    name = f"{asked.name}_ptt"
    place = _put(put, "port", name=f"{name}Port", binding=f"itk:{name}Binding")
    etree.SubElement(place, _soap("address"), {"location": base + asked.path})
