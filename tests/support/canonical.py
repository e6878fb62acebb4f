"""Canonical comparison of XML documents: what differs between two messages, and where.

Names are compared with their namespaces and never by prefix; attributes have no order; comments,
processing instructions and whitespace between elements do not count; the text of an element
without children counts to the letter. Children are compared in order, except the parts of a name:
the schema gives them none, and captured answers have both `given family prefix` orders (corpus
QUPA_IN000007UK03 and QUPA_IN000007UK01 templates); parts of one kind keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from lxml import etree
from msgspec import Struct

ORDER_FREE: Final = frozenset({"{urn:hl7-org:v3}name"})
"""The elements whose children have no order."""


class Node(Struct, frozen=True):
    """An element as it counts."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    text: str
    children: tuple[Node, ...]

    @property
    def local_name(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("}")[2]


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Where two documents differ: a path of local names, and what stands on either side."""

    path: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.path}: wanted {self.wanted}, got {self.got}"


def canonical(element: etree._Element) -> Node:
    """Give an element as it counts."""
    children = [canonical(one) for one in element if isinstance(one.tag, str)]
    name = str(element.tag)
    if name in ORDER_FREE:
        children.sort(key=lambda child: child.name)
    texts = [element.text or "", *(child.tail or "" for child in element)]
    text = "".join(texts)
    return Node(
        name=name,
        attributes=tuple(sorted((str(key), str(value)) for key, value in element.items())),
        text=text if not children else text.strip(),
        children=tuple(children),
    )


def differences(wanted: etree._Element, got: etree._Element) -> tuple[Difference, ...]:
    """Give what differs, in document order; nothing where the two are one message."""
    return tuple(_differences(canonical(wanted), canonical(got), ""))


def _differences(wanted: Node, got: Node, above: str) -> Iterator[Difference]:
    path = f"{above}/{wanted.local_name}"
    if wanted.name != got.name:
        yield Difference(path, wanted.name, got.name)
        return
    yield from _different_attributes(wanted, got, path)
    if wanted.text != got.text:
        yield Difference(f"{path}/text()", repr(wanted.text), repr(got.text))
    yield from _different_children(wanted, got, path)


def _different_attributes(wanted: Node, got: Node, path: str) -> Iterator[Difference]:
    ours, theirs = dict(got.attributes), dict(wanted.attributes)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield Difference(f"{path}/@{name}", str(theirs.get(name)), str(ours.get(name)))


def _different_children(wanted: Node, got: Node, path: str) -> Iterator[Difference]:
    """Compare children that line up by name, and name those that stand on one side only."""
    names = [child.name for child in wanted.children], [child.name for child in got.children]
    for how, w1, w2, g1, g2 in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if how == "equal":
            pairs = zip(wanted.children[w1:w2], got.children[g1:g2], strict=True)
            for theirs, ours in pairs:
                yield from _differences(theirs, ours, path)
            continue
        for theirs in wanted.children[w1:w2]:
            yield Difference(f"{path}/{theirs.local_name}", "it", "nothing")
        for ours in got.children[g1:g2]:
            yield Difference(f"{path}/{ours.local_name}", "nothing", "it")
