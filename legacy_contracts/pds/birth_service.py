"""NN4B, the older service by which birth systems made records: recognised, and refused.

Its checks are public (NN4BInsertBirth_Stage1 and _Stage2i5; pds.md 2.8); the path that it stood at
and its answer are not. So nobody can be answered, and a SOAP fault 101 says so.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.interaction import Unanswered

ELEMENT: Final = "insertBirthRequestPayload"

UNANSWERED: Final = (
    Unanswered(
        name="NN4B insert birth",
        element=ELEMENT,
        why="no public source shows its path or its answer; births come as PRPA_IN000205UK03/UK05",
    ),
)
