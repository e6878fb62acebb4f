"""What a WSDL says, as one tree in which two that mean the same are the same.

Everything that it imports and includes is followed. Prefixes are resolved, defaults are written
out, comments and documentation are left out, and of an address the path is kept. Elements,
attributes and facets keep their order. `prose` gives what was left out: the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml import etree
from msgspec import Struct

XSD: Final = "http://www.w3.org/2001/XMLSchema"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"

Load = Callable[[str], bytes]

_NAMES: Final = frozenset({"type", "base", "ref", "itemType", "memberTypes", "substitutionGroup"})
_WSDL_NAMES: Final = frozenset({"type", "element", "message", "binding"})
_ONCE: Final = {"minOccurs": "1", "maxOccurs": "1"}
_FACET: Final = {"fixed": "false"}
_DEFAULTS: Final = {
    "element": {"nillable": "false", **_ONCE},
    "attribute": {"use": "optional"},
    "complexType": {"mixed": "false", "abstract": "false"},
    "any": {"namespace": "##any", "processContents": "strict", **_ONCE},
    "anyAttribute": {"namespace": "##any", "processContents": "strict"},
    "sequence": _ONCE,
    "choice": _ONCE,
    "all": _ONCE,
    "group": _ONCE,
    **dict.fromkeys(("length", "minLength", "maxLength", "whiteSpace", "totalDigits"), _FACET),
}
_WORDS: Final = frozenset({f"{{{XSD}}}annotation", f"{{{WSDL}}}documentation"})


class Described(Struct, frozen=True):
    """A document, and where it was loaded from."""

    location: str
    root: etree._Element


def from_file(location: str) -> bytes:
    """Give the bytes of a `file:` address."""
    return Path(urlsplit(location).path).read_bytes()


def documents_of(location: str, load: Load) -> tuple[Described, ...]:
    """Give a document and all that it imports or includes, each once, as they are met."""
    found: dict[str, Described] = {}
    wanted = [location]
    while wanted:
        place = wanted.pop(0)
        if place in found:
            continue
        root = etree.fromstring(load(place))
        found[place] = Described(place, root)
        wanted += [
            urljoin(place, str(one.get("schemaLocation") or one.get("location")))
            for one in root.iter(f"{{{XSD}}}include", f"{{{XSD}}}import", f"{{{WSDL}}}import")
        ]
    return tuple(found.values())


def contract(location: str, load: Load) -> etree._Element:
    """Give what a WSDL or schema says, with all that it imports, as one normal tree."""
    contract = etree.Element("contract")
    components: list[etree._Element] = []
    for document in documents_of(location, load):
        if document.root.tag == f"{{{WSDL}}}definitions":
            contract.append(_wsdl_node(document.root))
        for schema in document.root.iter(f"{{{XSD}}}schema"):
            contract.append(etree.Element("schema", {"in": str(schema.get("targetNamespace"))}))
            components += _components(schema)
    contract.extend(sorted(components, key=lambda one: (one.tag, one.get("in", ""))))
    return contract


def _wsdl_node(element: etree._Element) -> etree._Element:
    said = {
        key: _resolved(element, value) if key in _WSDL_NAMES else str(value)
        for key, value in element.items()
    }
    if element.tag == f"{{{SOAP}}}address":
        said["location"] = urlsplit(said["location"]).path
    node = _node(element, said)
    for child in _children(element):
        if child.tag != f"{{{WSDL}}}types":
            node.append(_wsdl_node(child))
    return node


def _components(schema: etree._Element) -> Iterator[etree._Element]:
    namespace = str(schema.get("targetNamespace", ""))
    for child in _children(schema):
        if etree.QName(child).localname not in {"include", "import"}:
            node = _schema_node(child, schema)
            node.set("in", namespace)
            yield node


def _schema_node(element: etree._Element, schema: etree._Element) -> etree._Element:
    kind = etree.QName(element).localname
    said = {key: str(value) for key, value in element.items()}
    if element.getparent() is not schema:
        said = _form(kind, schema) | _DEFAULTS.get(kind, {}) | said
    else:
        said = {
            key: value for key, value in _DEFAULTS.get(kind, {}).items() if key not in _ONCE
        } | said
    for key in _NAMES & said.keys():
        said[key] = _resolved(element, said[key])
    if kind == "complexType":
        said["mixed"] = _mixed(element)
    if kind == "complexContent":
        said.pop("mixed", None)
    node = _node(element, said)
    node.extend(_schema_node(child, schema) for child in _children(element))
    return node


def _form(kind: str, schema: etree._Element) -> dict[str, str]:
    if kind not in {"element", "attribute"}:
        return {}
    return {"form": str(schema.get(f"{kind}FormDefault", "unqualified"))}


def _mixed(element: etree._Element) -> str:
    """Say whether text may stand between elements: the content's word goes before the type's."""
    inner = element.find(f"{{{XSD}}}complexContent")
    said = inner.get("mixed") if inner is not None else None
    return str(said or element.get("mixed", "false"))


def _node(element: etree._Element, said: dict[str, str]) -> etree._Element:
    """Give a bare element that bears its name in its own, so that a path shows it."""
    kind, name = etree.QName(element).localname, said.pop("name", "")
    node = etree.Element(f"{kind}.{name}" if name else kind)
    for key in sorted(said):
        node.set(key, said[key])
    return node


def _children(element: etree._Element) -> Iterator[etree._Element]:
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _WORDS:
            yield child


def _resolved(element: etree._Element, names: str) -> str:
    return " ".join(_named(element, name) for name in names.split())


def _named(element: etree._Element, name: str) -> str:
    prefix, colon, local = name.rpartition(":")
    return (
        f"{{{element.nsmap[prefix if colon else None]}}}{local}"
        if (colon or None in element.nsmap)
        else local
    )


def prose(location: str, load: Load) -> tuple[str, ...]:
    """Give every comment and every text of documentation in a WSDL and what it imports."""
    found: list[str] = []
    for document in documents_of(location, load):
        found += words_of(document.root)
    return tuple(found)


def words_of(root: etree._Element) -> list[str]:
    """Give the comments and the documentation of one document, before and after its root too."""
    document = root.getroottree()
    comments = [str(one) for one in document.xpath("//comment() | //processing-instruction()")]
    told = [
        " ".join(str(text) for text in one.itertext(etree.Element))
        for tag in _WORDS
        for one in root.iter(tag)
    ]
    return [" ".join(one.split()) for one in (*comments, *told) if one.split()]


def phrases(text: str, length: int = 8) -> frozenset[tuple[str, ...]]:
    """Give every run of so many words in a text, whatever stands between them; no number is one."""
    words = re.findall(r"[a-z]+", text.lower())
    return frozenset(tuple(words[at : at + length]) for at in range(len(words) - length + 1))
