"""Updates spoilt at random: what breaks no rule can be read, whatever else is wrong with it."""

from __future__ import annotations

import copy
import random
from typing import Final

import old_update_messages as old
import pytest
import update_messages as made
from lxml import etree
from pds_update_scripts import everything, update
from spoiling import spoil
from update_messages import Asked

from core.values.changes import ChangeList, ItemChange
from core.values.demographics import Name
from legacy_contracts.pds import updates

ROUNDS: Final = 250
HL7: Final = "{urn:hl7-org:v3}"
ROLE: Final = f".//{HL7}PdsUpdateRequest/{HL7}subject/{HL7}patientRole"
GENERAL: Final = (
    "PRPA_IN000203UK03",
    "PRPA_IN000203UK06",
    "PRPA_IN160000UK30",
    "PRPA_IN160000UK01",
    "PRPA_IN110000UK15",
    "PRPA_IN110000UK01",
)
"""The general update of every generation."""
UNASKED: Final = (
    ("patientPerson", "name"),
    ("patientPerson", "administrativeGenderCode"),
    ("patientPerson", "birthTime"),
    ("patientPerson", "languageCommunication"),
    ("subjectOf2", "preferredContactMethod"),
    ("subjectOf3", "healthspaceRegistration"),
    ("subjectOf4", "preferredWrittenCommunicationFormat"),
)
"""Where the stylesheets ask of the first alone, and what would stand in a second one."""


@pytest.mark.parametrize("interaction", [*made.UPDATES, *old.ANSWERS])
def test_what_breaks_no_rule_can_be_read(interaction: str) -> None:
    dice = random.Random(interaction)  # noqa: S311 - no secret
    row = updates.BY_ID[interaction]
    whole = etree.fromstring(update(interaction, Asked(everything(interaction))).payload)
    read = 0
    for _ in range(ROUNDS):
        spoilt = copy.deepcopy(whole)
        for _ in range(dice.choice((1, 1, 2, 3, 5))):
            spoil(spoilt, dice)
        root = etree.fromstring(etree.tostring(spoilt))
        if not row.faults(root):
            read += isinstance(row.parse(root), ChangeList)
    assert read > ROUNDS // 20


def _whole(interaction: str) -> tuple[etree._Element, etree._Element]:
    """Give an update of everything but a death, and the patient's role in it."""
    sections = {
        name: text
        for name, text in everything(interaction).items()
        if name not in {"deceased", "death", "author"}
    }
    whole = etree.fromstring(update(interaction, Asked(sections)).payload)
    role = whole.find(ROLE)
    assert role is not None
    return whole, role


def _parsed(interaction: str, whole: etree._Element) -> ChangeList:
    root = etree.fromstring(etree.tostring(whole))
    row = updates.BY_ID[interaction]
    assert row.faults(root) == []
    return row.parse(root)


@pytest.mark.parametrize(
    ("interaction", "place", "name"),
    [
        (interaction, place, name)
        for interaction in GENERAL
        for place, name in UNASKED
        if _whole(interaction)[1].find(f"{HL7}{place}/{HL7}{name}") is not None
    ],
)
def test_what_stands_where_no_rule_asks_is_no_part_of_the_change(
    interaction: str, place: str, name: str
) -> None:
    whole, role = _whole(interaction)
    asked = _parsed(interaction, whole)
    first = role.find(f"{HL7}{place}")
    assert first is not None
    moved = first.findall(f"{HL7}{name}")
    for one in moved:
        first.remove(one)
    without = _parsed(interaction, whole)
    assert 0 < len(moved) == len(asked.changes) - len(without.changes)
    second = etree.Element(f"{HL7}{place}")
    first.addnext(second)
    second.extend(moved)
    assert _parsed(interaction, whole) == without


@pytest.mark.parametrize("interaction", GENERAL)
def test_a_role_in_a_second_subject_is_found_and_asks_for_nothing(interaction: str) -> None:
    whole, role = _whole(interaction)
    subject = role.getparent()
    assert subject is not None
    subject.addprevious(etree.Element(f"{HL7}subject"))
    asked = _parsed(interaction, whole)
    assert (asked.nhs_number, asked.changes) == (made.PATIENT, ())


@pytest.mark.parametrize("interaction", GENERAL)
def test_all_that_is_written_in_a_name_is_read(interaction: str) -> None:
    whole, role = _whole(interaction)
    family = role.find(f"{HL7}patientPerson/{HL7}name/{HL7}family")
    assert family is not None
    family.text = "NEW"
    etree.SubElement(family, f"{HL7}part").text = "NAME"
    family[0].tail = "-SMITH"
    changes = _parsed(interaction, whole).changes
    names = [one.item for one in changes if isinstance(one, ItemChange)]
    assert "NEWNAME-SMITH" in [one.family for one in names if isinstance(one, Name)]
