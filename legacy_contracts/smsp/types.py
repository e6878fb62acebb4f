"""Reads the committed table of types: what each schema of the mini services declares, line by line.

A table (`tables/*.types`) has one declaration a line, and what stands inside one is indented by
four. It opens with `namespace`, then `include`s other tables. Then:

    element DistributionEnvelope distributionEnvelopeType      an element of the whole schema
    complex distributionHeaderType                             a type with elements and attributes
        <addresslist> addressListType 0..1                     an element: its type, how often
        @service xs:anyURI required                            an attribute
    simple uuid restricts xs:string                            a type of text
        pattern [A-F0-9]{8}

What is said by default is left out: once (`1..1`), an optional attribute, a sequence. A type is
made of another by `restricts`, `extends`, `text` (that text with attributes), `list` and `union`;
`choice` and `sequence` stand where elements are not simply one after the other; `any` and `@*` let
in what is not named; `group` and `attributes` name what several types share; a `member` of a union
has no name. `codes` are values without spaces, `enum` is one value to the end of its line. A type
without a prefix is of the table's own namespace, `xs:` is XML Schema's. `#` opens a comment.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from importlib import resources
from typing import Final

from msgspec import Struct

VERBS: Final = frozenset({"restricts", "extends", "text", "list", "union"})
MARKS: Final = frozenset({"required", "prohibited", "nillable", "mixed", "abstract", "lax", "skip"})
_NAMED: Final = frozenset({"element", "complex", "simple", "group", "attributes"})
_UNNAMED: Final = frozenset({"any", "sequence", "choice", "member"})
_FACETS: Final = frozenset({"enum", "codes", "pattern", "length", "minLength"})

_ELEMENT: Final = re.compile(r"<([\w.-]+)>")
_OCCURS: Final = re.compile(r"(\d+)\.\.(\d+|\*)")
_VALUE: Final = re.compile(r"(default|fixed)=(.+)")
_TYPE: Final = re.compile(r"(?:xs:)?[A-Za-z][\w.-]*|##\w+")
_INDENT: Final = "    "
_SUFFIX: Final = ".types"


class Declaration(Struct, frozen=True):
    """One line of a table, and what stands inside it."""

    kind: str
    name: str = ""
    verb: str = ""
    types: tuple[str, ...] = ()
    occurs: tuple[str, str] = ("1", "1")
    marks: frozenset[str] = frozenset()
    values: tuple[tuple[str, str], ...] = ()
    inside: tuple[Declaration, ...] = ()

    @property
    def is_of_attributes(self) -> bool:
        """Whether it stands among the attributes of a type, after its elements."""
        return self.kind in {"attribute", "any-attribute", "attributes"}


class Table(Struct, frozen=True):
    """What one schema declares."""

    name: str
    namespace: str
    includes: tuple[str, ...]
    declarations: tuple[Declaration, ...]


class _Line(Struct, frozen=True):
    place: str
    depth: int
    text: str


def table(name: str) -> Table:
    """Give the committed table of that name."""
    text = (resources.files(__package__) / "tables" / f"{name}{_SUFFIX}").read_text("utf-8")
    return read(name, text)


def read(name: str, text: str) -> Table:
    """Give what a table declares; raise `ValueError` that names the line of a fault in it."""
    first, *lines = _lines(name, text)
    word, _, namespace = first.text.partition(" ")
    if word != "namespace":
        raise ValueError(f"{first.place}: a table opens with its namespace")
    includes = tuple(itertools.takewhile(lambda line: line.text.startswith("include "), lines))
    return Table(
        name=name,
        namespace=namespace,
        includes=tuple(line.text.partition(" ")[2] for line in includes),
        declarations=_block(tuple(lines[len(includes) :])),
    )


def _lines(name: str, text: str) -> Iterator[_Line]:
    deepest = 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        depth, odd = divmod(len(line) - len(line.lstrip()), len(_INDENT))
        place = f"{name}{_SUFFIX}:{number}"
        if odd or depth > deepest:
            raise ValueError(f"{place}: indent by four spaces for each level")
        deepest = depth + 1
        yield _Line(place, depth, bare)


def _block(lines: tuple[_Line, ...]) -> tuple[Declaration, ...]:
    """Give the declarations of lines of which the first is not deeper than the others."""
    if not lines:
        return ()
    starts = [at for at, line in enumerate(lines) if line.depth == lines[0].depth]
    ends = [*starts[1:], len(lines)]
    return tuple(
        _declaration(lines[start], _block(lines[start + 1 : end]))
        for start, end in zip(starts, ends, strict=True)
    )


def _declaration(line: _Line, inside: tuple[Declaration, ...]) -> Declaration:
    kind, name, rest = _opened(line)
    if kind in _FACETS:
        return _facet(kind, rest)
    words = rest.split()
    spare = [word for word in words if word not in VERBS | MARKS]
    values = [found for word in spare if (found := _VALUE.fullmatch(word))]
    occurs = [found for word in spare if (found := _OCCURS.fullmatch(word))]
    types = [word for word in spare if _TYPE.fullmatch(word)]
    verb = " ".join(word for word in words if word in VERBS)
    if len(spare) != len(values) + len(occurs) + len(types):
        raise ValueError(f"{line.place}: not a type, a count or a value: {rest}")
    if len(types) > 1 and verb != "union":
        raise ValueError(f"{line.place}: more than one type: {' '.join(types)}")
    return Declaration(
        kind=kind,
        name=name,
        verb=verb,
        types=tuple(types),
        occurs=(occurs[0][1], occurs[0][2]) if occurs else ("1", "1"),
        marks=frozenset(words) & MARKS,
        values=tuple((found[1], found[2]) for found in values),
        inside=inside,
    )


def _opened(line: _Line) -> tuple[str, str, str]:
    """Give the kind and name that a line opens with, and what it says after them."""
    word, _, rest = line.text.partition(" ")
    if found := _ELEMENT.fullmatch(word):
        return "element", found[1], rest
    if word == "@*":
        return "any-attribute", "", rest
    if word.startswith("@"):
        return "attribute", word[1:], rest
    if word in _UNNAMED | _FACETS:
        return word, "", rest
    if word in _NAMED:
        name, _, rest = rest.partition(" ")
        return word, name, rest
    raise ValueError(f"{line.place}: no declaration opens with {word}")


def _facet(kind: str, rest: str) -> Declaration:
    """Give the limits that one line sets: `codes` sets one for each of its words."""
    if kind == "codes":
        return Declaration("enum", values=tuple(("value", code) for code in rest.split()))
    if kind.lower().endswith("length"):
        value, _, mark = rest.partition(" ")
        return Declaration(kind, values=(("value", value),), marks=frozenset(mark.split()))
    return Declaration(kind, values=(("value", rest),))
