"""A small notation for the shape of messages, and the check of a message against it.

`role(id addr* person?(name{1,5} a|b))` reads: a role holds one id, any number of addrs, and maybe
a person, which holds one to five names and then one of a and b; in this order, nothing else.
An element that the notation gives no inside is not looked into.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from lxml import etree
from msgspec import Struct

_TOKEN: Final = re.compile(r"\s*([\w.|]+)(\?|\*|\{(\d+),(\d+)\})?(\()?|\s*(\))")
_ANY: Final = 10_000


class Tree(Struct, frozen=True):
    """What may stand somewhere: its names, how often, and what stands inside."""

    names: tuple[str, ...]
    least: int
    most: int
    inside: tuple[Tree, ...] | None


class Verdict(Struct, frozen=True):
    """What is wrong with a message, and which places of the tree it fills."""

    complaints: tuple[str, ...]
    filled: frozenset[str]


@cache
def tree(notation: str) -> Tree:
    """Give the tree that a notation writes down."""
    trees, rest = _trees(notation)
    assert not rest.strip(), f"unread: {rest}"
    (root,) = trees
    return root


def places(root: Tree, above: str = "") -> frozenset[str]:
    """Give the path of every place in a tree."""
    path = f"{above}/{'|'.join(root.names)}"
    return frozenset({path}).union(*(places(one, path) for one in root.inside or ()))


def check(root: Tree, element: etree._Element, above: str = "") -> Verdict:
    """Say what is wrong with an element that should have the shape, and what it fills of it."""
    path = f"{above}/{'|'.join(root.names)}"
    name = etree.QName(element).localname
    if name not in root.names:
        return Verdict((f"{path}: is {name}",), frozenset())
    complaints: list[str] = []
    filled = {path}
    children = list(element) if root.inside is not None else []
    for particle in root.inside or ():
        taken = []
        while children and etree.QName(children[0]).localname in particle.names:
            taken.append(children.pop(0))
        if not particle.least <= len(taken) <= particle.most:
            complaints.append(f"{path}/{'|'.join(particle.names)}: {len(taken)} times")
        for child in taken:
            verdict = check(particle, child, path)
            complaints += verdict.complaints
            filled |= verdict.filled
    complaints += [f"{path}: no place for {etree.QName(one).localname}" for one in children]
    return Verdict(tuple(complaints), frozenset(filled))


def _trees(notation: str) -> tuple[tuple[Tree, ...], str]:
    """Read trees until a closing bracket or the end, and give what follows."""
    found: list[Tree] = []
    while (token := _TOKEN.match(notation)) is not None:
        notation = notation[token.end() :]
        if token[6]:
            break
        inside = None
        if token[5]:
            inside, notation = _trees(notation)
        least, most = _times(token[2], token[3], token[4])
        found.append(Tree(tuple(token[1].split("|")), least, most, inside))
    return tuple(found), notation


def _times(mark: str | None, least: str | None, most: str | None) -> tuple[int, int]:
    if mark is None:
        return 1, 1
    if least is not None and most is not None:
        return int(least), int(most)
    return 0, 1 if mark == "?" else _ANY
