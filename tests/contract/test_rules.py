"""A table of rules accepts a document at a stroke exactly where none of its rules is broken."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from legacy_contracts import ns
from legacy_contracts.hl7.rules import Group, Rule, Rules

Described = tuple[str, str, list[Any]]

NAMES: Final = ("a", "b", "c")

PLACES: Final = (
    "",
    "/*",
    "/hl7:a/hl7:b",
    "/hl7:a/hl7:b[1]",
    "/hl7:a/hl7:b[2]/hl7:c",
    "/hl7:a/hl7:b/hl7:c[@x = 'a/b | (c']",
    "/hl7:a//hl7:c",
    "/hl7:a/hl7:b//*[@x]",
    "/*/*[hl7:c or @x]/hl7:c[1]",
    "(/hl7:a/hl7:b | /hl7:a/hl7:c[not(@x)])",
    "(/hl7:a | /hl7:b)/hl7:c",
    "(/hl7:a//hl7:b[(@x)] | /hl7:b/hl7:c)/hl7:a[1]",
)

TESTS: Final = (
    "@x",
    "not(hl7:b)",
    "count(hl7:c) < 2",
    "@x = 'a/b | (c'",
    "string-length(@x) > 1",
    "count(/*/hl7:b) = 1",
    "../@x",
)

SAYINGS: Final = st.sampled_from(("", "1", "a/b | (c"))


def _around(within: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[list[Described]]:
    return st.lists(st.tuples(st.sampled_from(NAMES), SAYINGS, within), max_size=4)


ELEMENTS: Final = st.tuples(
    st.sampled_from(("a", "b")), SAYINGS, st.recursive(st.just([]), _around, max_leaves=12)
)
GROUPS: Final = st.lists(
    st.builds(
        lambda place, tests: Group(place, tuple(Rule(test, "BROKEN") for test in tests)),
        st.sampled_from(PLACES),
        st.lists(st.sampled_from(TESTS), min_size=1, max_size=2, unique=True),
    ),
    max_size=5,
)


def document(described: Described) -> etree._Element:
    """Make an element of a name, what its attribute says, and what stands in it."""
    name, said, within = described
    element = etree.Element(f"{{{ns.HL7}}}{name}", {"x": said} if said else {})
    element.extend(map(document, within))
    return element


def is_broken(root: etree._Element, group: Group) -> bool:
    """Say whether a rule of a group is broken anywhere: node by node, and test by test."""
    tree = root.getroottree()
    found = tree.xpath(group.place, namespaces=ns.PREFIXES) if group.place else [tree]
    return not all(
        node.xpath(f"boolean({rule.test})", namespaces=ns.PREFIXES)
        for node in found
        for rule in group.rules
    )


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(described=ELEMENTS, groups=GROUPS)
def test_what_is_accepted_breaks_no_rule_and_what_is_not_breaks_one(
    described: Described, groups: list[Group]
) -> None:
    root = document(described)
    rules = Rules(groups)
    broken = any(is_broken(root, group) for group in groups)
    assert rules._accepts(root.getroottree()) is not broken
    assert bool(rules.faults(root)) is broken


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_place_is_found_somewhere(place: str) -> None:
    whole = document(
        ("a", "1", [("b", "1", [("c", "a/b | (c", [("a", "1", [])])]), ("b", "1", [("c", "", [])])])
    )
    # The last begins at another document's root as well.
    other = document(("b", "1", [("c", "1", [("a", "", [])])]))
    rules = Rules([Group(place, (Rule("false()", "BROKEN"),))])
    assert rules.faults(whole) or rules.faults(other)
