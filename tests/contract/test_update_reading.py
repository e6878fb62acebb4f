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

from core.values.changes import ChangeList
from legacy_contracts.pds import updates

ROUNDS: Final = 250


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
