"""Writes an XML schema from a table of types: no word but the contract's names and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from lxml import etree

from legacy_contracts import ns
from legacy_contracts.smsp.types import Declaration, Table

_CONTENTS: Final = {
    "restricts": ("complexContent", "restriction"),
    "extends": ("complexContent", "extension"),
    "text": ("simpleContent", "extension"),
}
_MODELS: Final = frozenset({"sequence", "choice", "group"})
_FACETS: Final = {
    "enum": "enumeration",
    "pattern": "pattern",
    "length": "length",
    "minLength": "minLength",
}
_TARGET: Final = "tns"


def schema(table: Table) -> etree._Element:
    """Give the schema that a table declares; what it includes is named as served beside it."""
    root = etree.Element(
        _xs("schema"),
        nsmap={"xs": ns.XSD, _TARGET: table.namespace},
        targetNamespace=table.namespace,
        elementFormDefault="qualified",
    )
    for included in table.includes:
        _put(root, "include", schemaLocation=f"{included}.xsd")
    for declared in table.declarations:
        _DEFINED[declared.kind](root, declared)
    return root


def _xs(name: str) -> str:
    return f"{{{ns.XSD}}}{name}"


def _put(parent: etree._Element, name: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _xs(name), attributes)


def _type(name: str) -> str:
    return name if name.startswith("xs:") else f"{_TARGET}:{name}"


def _occurs(declared: Declaration) -> dict[str, str]:
    low, high = declared.occurs
    said = {"minOccurs": low, "maxOccurs": "unbounded" if high == "*" else high}
    return {key: value for key, value in said.items() if value != "1"}


def _marked(declared: Declaration, *marks: str) -> dict[str, str]:
    return {mark: "true" for mark in marks if mark in declared.marks}


def _chosen(declared: Declaration, name: str, *marks: str) -> dict[str, str]:
    return next(({name: mark} for mark in marks if mark in declared.marks), {})


def _typed(declared: Declaration) -> dict[str, str]:
    """Give the type that is named; what is made of another is written out inside."""
    return {"type": _type(declared.types[0])} if declared.types and not declared.verb else {}


def _element(parent: etree._Element, declared: Declaration) -> None:
    said = _occurs(declared) | _marked(declared, "nillable") | dict(declared.values)
    put = _put(parent, "element", name=declared.name, **_typed(declared), **said)
    if declared.verb or declared.inside:
        _content(_put(put, "complexType", **_marked(declared, "mixed")), declared)


def _complex(parent: etree._Element, declared: Declaration) -> None:
    said = _marked(declared, "mixed", "abstract")
    _content(_put(parent, "complexType", name=declared.name, **said), declared)


def _content(parent: etree._Element, declared: Declaration) -> None:
    """Write what a type holds: elements, then attributes, in what it is made from if anything."""
    if declared.verb:
        content, derivation = _CONTENTS[declared.verb]
        parent = _put(_put(parent, content), derivation, base=_type(declared.types[0]))
    _elements(parent, [one for one in declared.inside if not one.is_of_attributes])
    for one in declared.inside:
        if one.is_of_attributes:
            _ATTRIBUTES[one.kind](parent, one)


def _elements(parent: etree._Element, inside: list[Declaration]) -> None:
    if not inside:
        return
    alone = len(inside) == 1 and inside[0].kind in _MODELS
    model = parent if alone else _put(parent, "sequence")
    for one in inside:
        _PARTICLES[one.kind](model, one)


def _model(parent: etree._Element, declared: Declaration) -> None:
    put = _put(parent, declared.kind, **_occurs(declared))
    for one in declared.inside:
        _PARTICLES[one.kind](put, one)


def _any(parent: etree._Element, declared: Declaration) -> None:
    _put(parent, "any", **_wildcard(declared), **_occurs(declared))


def _wildcard(declared: Declaration) -> dict[str, str]:
    return {"namespace": declared.types[0]} | _chosen(declared, "processContents", "lax", "skip")


def _group(parent: etree._Element, declared: Declaration) -> None:
    _put(parent, "group", ref=_type(declared.name), **_occurs(declared))


def _defined_group(parent: etree._Element, declared: Declaration) -> None:
    _elements(_put(parent, "group", name=declared.name), list(declared.inside))


def _attribute(parent: etree._Element, declared: Declaration) -> None:
    said = _chosen(declared, "use", "required", "prohibited") | dict(declared.values)
    if declared.verb:
        put = _put(parent, "attribute", name=declared.name, **said)
        _text(_put(put, "simpleType"), declared)
    else:
        _put(parent, "attribute", name=declared.name, **_typed(declared), **said)


def _any_attribute(parent: etree._Element, declared: Declaration) -> None:
    _put(parent, "anyAttribute", **_wildcard(declared))


def _attributes(parent: etree._Element, declared: Declaration) -> None:
    _put(parent, "attributeGroup", ref=_type(declared.name))


def _defined_attributes(parent: etree._Element, declared: Declaration) -> None:
    put = _put(parent, "attributeGroup", name=declared.name)
    for one in declared.inside:
        _ATTRIBUTES[one.kind](put, one)


def _simple(parent: etree._Element, declared: Declaration) -> None:
    _text(_put(parent, "simpleType", name=declared.name), declared)


def _text(parent: etree._Element, declared: Declaration) -> None:
    """Write how a type of text is made."""
    _TEXTS[declared.verb](parent, declared)


def _restricted(parent: etree._Element, declared: Declaration) -> None:
    put = _put(parent, "restriction", base=_type(declared.types[0]))
    for facet in declared.inside:
        for _, value in facet.values:
            fixed = {"fixed": "true"} if "fixed" in facet.marks else {}
            _put(put, _FACETS[facet.kind], value=value, **fixed)


def _listed(parent: etree._Element, declared: Declaration) -> None:
    _put(parent, "list", itemType=_type(declared.types[0]))


def _united(parent: etree._Element, declared: Declaration) -> None:
    members = " ".join(_type(one) for one in declared.types)
    put = _put(parent, "union", **({"memberTypes": members} if members else {}))
    for one in declared.inside:
        _text(_put(put, "simpleType"), one)


_Writer = Callable[..., None]

_DEFINED: Final[Mapping[str, _Writer]] = {
    "element": _element,
    "complex": _complex,
    "simple": _simple,
    "group": _defined_group,
    "attributes": _defined_attributes,
}
_PARTICLES: Final[Mapping[str, _Writer]] = {
    "element": _element,
    "any": _any,
    "group": _group,
    "sequence": _model,
    "choice": _model,
}
_ATTRIBUTES: Final[Mapping[str, _Writer]] = {
    "attribute": _attribute,
    "any-attribute": _any_attribute,
    "attributes": _attributes,
}
_TEXTS: Final[Mapping[str, _Writer]] = {
    "restricts": _restricted,
    "list": _listed,
    "union": _united,
}
