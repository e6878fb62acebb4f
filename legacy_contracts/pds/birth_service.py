"""NN4B, the older service by which birth systems made records: recognised, and refused.

Its checks are public (NN4BInsertBirth_Stage1 and _Stage2i5; pds.md 2.8); the path that it stood at
and its answer are not. So nobody can be answered, and a SOAP fault 101 says so.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from legacy_contracts.interaction import Unanswered

ELEMENT: Final = "insertBirthRequestPayload"

# The stylesheets know a SOAP namespace of 2001 and none of the wire's: names alone are asked.
_asked = etree.XPath(
    "boolean(/*[local-name() = 'Envelope']/*[local-name() = 'Body']"
    f"/descendant::*[local-name() = '{ELEMENT}'][count(ancestor::*) < 4])",
    smart_strings=False,
)


def is_asked(root: etree._Element) -> bool:
    """Say whether a message asks for the service."""
    return bool(_asked(root))


UNANSWERED: Final = (
    Unanswered(
        name="NN4B insert birth",
        element=ELEMENT,
        why="no public source shows its path or its answer; births come as PRPA_IN000205UK03/UK05",
    ),
)
