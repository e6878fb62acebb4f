"""Spoils the content of updates at random, in ways that a client may get wrong."""

from __future__ import annotations

import copy
import random
from typing import Final

from lxml import etree

WORDS: Final = (
    *("", "removed", "added", "altered", "unchanged", "set", "L", "H", "TMP", "PREFERRED"),
    *("0", "1", "2", "4", "6", "y", "P1", "P9", "11", "21", "abc", "-1", "²", "20140820", "NA"),
    *("AGNT", "PRS", "2.16.840.1.113883.2.1.4.1", "2.16.840.1.113883.2.1.3.2.4.18.1"),
)
ATTRIBUTES: Final = ("updateMode", "use", "nullFlavor", "classCode", "code", "value", "extension")


def spoil(root: etree._Element, dice: random.Random) -> None:
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
