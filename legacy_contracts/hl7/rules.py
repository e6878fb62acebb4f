"""Rules of a message as a table: a place, and what must hold there, in the legacy's order.

Every rule is an XPath test that is evaluated where its group's place is found; where the place is
missing the whole group is silent, as in the original validators (tms-rules.md 1). All tests are
joined into one expression that accepts a message at a stroke; only a message that breaks a rule is
asked rule by rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns
from legacy_contracts.errors import Fault

_UUID: Final = re.compile(r"(?:uuid:)?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})")

MAX_FAULTS: Final = 100
"""More than all rules of a message together; what repeats a place without end is not followed."""


class Rule(Struct, frozen=True):
    """What must hold, and the fault if it does not."""

    test: str
    name: str
    supplement: str | None = None


class Group(Struct, frozen=True):
    """Rules that are asked wherever the place is found; an empty place is the document."""

    place: str
    rules: tuple[Rule, ...]


def once(path: str, attribute: str = "") -> str:
    """Give the test that exactly one node is there and it (or its attribute) is not empty."""
    value = f"{path}/@{attribute}" if attribute else path
    return f"count({path}) = 1 and string-length({value}) > 0"


_ANY_CASE: Final = "123456789abcdefABCDEF"
_SHAPE: Final = "00000000-0000-0000-0000-000000000000"
_PREFIXED: Final = f"uui0:{_SHAPE}"
"""The shapes of an id all of whose digits are 0; the d of a prefix is a digit like the others."""


def once_id(path: str = "hl7:id") -> str:
    """Give the test that exactly one id is there and its root is a UUID, in whichever case.

    The stylesheets ask that it is not empty; the published words of 501 are "missing, empty or
    invalid", and the schemas' type is II.NPfIT.uuid.mandatory. Captured senders write it in lower
    case, which the schemas do not have (transport.md 1.11), and one public client puts `uuid:`
    before it, as in wsa:MessageID (lichao-shen/SourceCode, PSLink).
    """
    shape = f"translate({path}/@root, '{_ANY_CASE}', '{'0' * len(_ANY_CASE)}')"
    prefixed = f"starts-with({path}/@root, 'uuid:') and {shape} = '{_PREFIXED}'"
    return f"count({path}) = 1 and ({shape} = '{_SHAPE}' or ({prefixed}))"


def uuid_in(text: str) -> str:
    """Give the UUID of an id, which an answer can repeat; empty where the test does not hold."""
    found = _UUID.fullmatch(text)
    return found[1] if found else ""


def count_is(path: str, *numbers: int) -> str:
    """Give the test that there are so many nodes."""
    return "(" + " or ".join(f"count({path}) = {number}" for number in numbers) + ")"


def one_of(path: str, *values: str) -> str:
    """Give the test that a node has one of some values."""
    return "(" + " or ".join(f"{path} = '{value}'" for value in values) + ")"


def same(path: str, *others: str) -> str:
    """Give the test that nodes agree."""
    return " and ".join(f"{path} = {other}" for other in others)


def check_digit_is_right(path: str) -> str:
    """Give the test that ten digits end in their check digit (Modulus 11, as the core has it).

    Eleven less the remainder is the digit; eleven is 0, and ten is never any digit.
    """
    weighed = " + ".join(
        f"{weight} * substring({path}, {place}, 1)"
        for place, weight in enumerate(range(10, 1, -1), 1)
    )
    return f"(11 - ({weighed}) mod 11) mod 11 = number(substring({path}, 10))"


class Rules:
    """A message's rules, ready to be asked."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups: Final = tuple(groups)
        self._accepts = _compiled(_accepting(self.groups))
        self._asked = tuple(
            (
                _compiled(_breaking(group)) if group.place else None,
                tuple((_compiled(f"boolean({rule.test})"), rule) for rule in group.rules),
            )
            for group in self.groups
        )

    def faults(self, root: etree._Element) -> list[Fault]:
        """Give the faults of a document, in the order of the table, `MAX_FAULTS` at most."""
        if self._accepts(root.getroottree()):
            return []
        faults = []
        for place, rules in self._asked:
            nodes = [root.getroottree()] if place is None else place(root.getroottree())
            # Those that break a rule, and no others: the first may stand after many that do not.
            for node in nodes[:MAX_FAULTS]:
                faults += [
                    Fault(rule.name, rule.supplement) for test, rule in rules if not test(node)
                ]
                if len(faults) >= MAX_FAULTS:
                    return faults[:MAX_FAULTS]
        return faults


def _accepting(groups: Iterable[Group]) -> str:
    """Give the test of a document that no node at any group's place breaks a rule of it.

    Dozens of places begin alike, and a step costs more than most tests: each is taken once.
    """
    tests = [(steps, _together(group)) for group in groups for steps in _alternatives(group.place)]
    return f"not({_broken(tests)})" if tests else "true()"


Steps = tuple[str, ...]


def _broken(tests: Iterable[tuple[Steps, str]], root: str = "/") -> str:
    """Give the test that a node, or one that steps lead to from it, fails what is asked there."""
    here: list[str] = []
    beneath: dict[str, list[tuple[Steps, str]]] = {}
    for steps, test in tests:
        if steps:
            beneath.setdefault(steps[0], []).append((steps[1:], test))
        else:
            here.append(f"not({test})")
    there = (f"{root}{step}[{_broken(some, '')}]" for step, some in beneath.items())
    return " or ".join((*here, *there))


def _alternatives(place: str) -> Iterator[Steps]:
    """Give the ways to a place, step by step from the document; with a union there are several."""
    if not place:
        yield ()
        return
    end = _levels(place).index(0) if place.startswith("(") else None
    union, onwards = (place, "") if end is None else (place[1:end], place[end + 1 :])
    for path in _parted(union, "|"):
        # What the abbreviation of a step of any depth stands for.
        whole = f"{path.strip()}{onwards}".replace("//", f"/{_ANY_DEPTH}/")
        yield tuple(_parted(whole, "/")[1:])


_ANY_DEPTH: Final = "descendant-or-self::node()"


def _parted(text: str, at: str) -> list[str]:
    """Give a text's parts between a character, where that stands in no brackets and quotes."""
    marked = zip(text, _levels(text), strict=True)
    return "".join("\n" if (char, level) == (at, 0) else char for char, level in marked).split("\n")


def _levels(text: str) -> list[int]:
    """Give in how many brackets and quotes each character stands; a closing one is outside."""
    levels, level, quote = [], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            level += (char in "[(") - (char in "])")
        levels.append(level + bool(quote))
    return levels


def _breaking(group: Group) -> str:
    """Give the path to the nodes of a group's place that break a rule of it."""
    return f"{group.place}[not({_together(group)})]"


def _together(group: Group) -> str:
    return " and ".join(f"({rule.test})" for rule in group.rules)


def _compiled(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=ns.PREFIXES, smart_strings=False)
