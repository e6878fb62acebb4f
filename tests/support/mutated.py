"""Messages changed a little: what a schema must tell from what it takes."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Final

from lxml import etree

_VALUES: Final = (
    "",
    " ",
    "x",
    "0",
    "1",
    "true",
    "TRUE",
    "-1",
    "20140825",
    "2.16.840.1.113883",
    "I",
)


def mutated(message: etree._Element, dice: random.Random) -> etree._Element:
    """Give a copy with one to three changes."""
    changed = copy.deepcopy(message)
    for _ in range(dice.randint(1, 3)):
        elements = list(changed.iter("*"))[1:]
        if elements:
            dice.choice(_CHANGES)(dice.choice(elements), dice)
    return changed


def _lose(element: etree._Element, _: random.Random) -> None:
    element.getparent().remove(element)  # type: ignore[union-attr]


def _double(element: etree._Element, _: random.Random) -> None:
    twin = copy.deepcopy(element)
    element.addnext(twin)


def _swap(element: etree._Element, _: random.Random) -> None:
    following = element.getnext()
    if following is not None:
        following.addnext(element)


def _rename(element: etree._Element, dice: random.Random) -> None:
    names = sorted({str(one.tag) for one in element.getroottree().iter("*")})
    element.tag = dice.choice([*names, f"{element.tag}x", "{urn:other}other", "bare"])


def _lose_attribute(element: etree._Element, dice: random.Random) -> None:
    if element.attrib:
        del element.attrib[dice.choice(sorted(map(str, element.attrib)))]


def _set_attribute(element: etree._Element, dice: random.Random) -> None:
    every = list(element.getroottree().iter("*"))
    names = sorted({str(name) for one in every for name in one.attrib})
    values = sorted({str(value) for one in every for value in one.attrib.values()})
    own = sorted(map(str, element.attrib)) or names
    name = dice.choice([*own, dice.choice([*names, "nullFlavor", "metadata", "other"])])
    element.set(name, dice.choice([*_VALUES, dice.choice(values)]))


def _write(element: etree._Element, dice: random.Random) -> None:
    element.text = dice.choice(_VALUES)


def _move(element: etree._Element, dice: random.Random) -> None:
    inside = set(element.iter())
    dice.choice([one for one in element.getroottree().iter("*") if one not in inside]).append(
        element
    )


_CHANGES: Final[tuple[Callable[[etree._Element, random.Random], None], ...]] = (
    _lose,
    _double,
    _swap,
    _rename,
    _lose_attribute,
    _set_attribute,
    _set_attribute,
    _set_attribute,
    _write,
    _move,
)
