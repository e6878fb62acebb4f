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
from update_messages import Asked

from core.values.changes import ChangeList
from legacy_contracts.pds import updates

ROUNDS: Final = 250
WORDS: Final = (
    *("", "removed", "added", "altered", "unchanged", "set", "L", "H", "TMP", "PREFERRED"),
    *("0", "1", "2", "4", "6", "y", "P1", "P9", "11", "21", "abc", "-1", "²", "20140820", "NA"),
    *("AGNT", "PRS", "2.16.840.1.113883.2.1.4.1", "2.16.840.1.113883.2.1.3.2.4.18.1"),
)
ATTRIBUTES: Final = ("updateMode", "use", "nullFlavor", "classCode", "code", "value", "extension")


@pytest.mark.parametrize("interaction", [*made.UPDATES, *old.ANSWERS])
def test_what_breaks_no_rule_can_be_read(interaction: str) -> None:
    dice = random.Random(interaction)  # noqa: S311 - no secret
    row = updates.BY_ID[interaction]
    whole = etree.fromstring(update(interaction, Asked(everything(interaction))).payload)
    read = 0
    for _ in range(ROUNDS):
        spoilt = copy.deepcopy(whole)
        for _ in range(dice.choice((1, 1, 2, 3, 5))):
            _spoil(spoilt, dice)
        root = etree.fromstring(etree.tostring(spoilt))
        if not row.faults(root):
            read += isinstance(row.parse(root), ChangeList)
    assert read > ROUNDS // 20


def _spoil(root: etree._Element, dice: random.Random) -> None:
    """Leave out, double, move or change one thing of a message's content."""
    subjects = list(root.iterfind("{*}ControlActEvent/{*}subject"))
    elements = [one for subject in subjects for one in subject.iter()]
    chosen, other = dice.choice(elements), dice.choice(elements)
    parent = chosen.getparent()
    assert parent is not None
    what = dice.randrange(6)
    if what == 0 and chosen not in subjects:
        parent.remove(chosen)
    elif what == 1:
        parent.insert(dice.randrange(len(parent) + 1), copy.deepcopy(chosen))
    elif what == 2 and chosen.attrib:
        del chosen.attrib[dice.choice(list(chosen.attrib))]
    elif what == 3 and chosen.attrib:
        chosen.set(dice.choice(list(chosen.attrib)), dice.choice(WORDS))
    elif what == 4:
        chosen.set(dice.choice(ATTRIBUTES), dice.choice(WORDS))
    else:
        other.append(copy.deepcopy(chosen))
