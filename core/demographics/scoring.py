"""How well a record fits what was asked: the weights in one table, the sum in whole numbers.

The formula of the old service was never published; this one is ours (docs/tracing.md, decision
0021). It is deterministic: the same record and the same question give the same level, in hundredths
of a per cent, whatever else the store holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Detail(StrEnum):
    """What may be asked about."""

    FAMILY = "family name"
    GIVEN = "given names"
    BIRTH = "date of birth"
    GENDER = "gender"
    POSTCODE = "postcode"
    LINES = "address lines"
    PAF_KEY = "address key"
    DEATH = "date of death"
    PRACTICE = "registered practice"


class Agreement(StrEnum):
    """How a detail that was asked for stands to the record's."""

    SAME = "the same"
    PATTERN = "fits the pattern"
    ELSEWHERE = "the same in another place"
    SOUNDS = "sounds the same"
    SOUNDS_ELSEWHERE = "sounds the same in another place"
    UNKNOWN = "one of both is not known"
    DIFFERS = "differs"


WEIGHTS: Final[Mapping[Detail, int]] = {
    Detail.FAMILY: 30,
    Detail.GIVEN: 20,
    Detail.BIRTH: 25,
    Detail.GENDER: 5,
    Detail.POSTCODE: 10,
    Detail.LINES: 5,
    Detail.PAF_KEY: 5,
    Detail.DEATH: 5,
    Detail.PRACTICE: 5,
}
"""How much each detail counts, against the others that were asked for."""

SHARES: Final[Mapping[Agreement, int]] = {
    Agreement.SAME: 100,
    Agreement.PATTERN: 90,
    Agreement.ELSEWHERE: 80,
    Agreement.SOUNDS: 70,
    Agreement.SOUNDS_ELSEWHERE: 50,
    Agreement.UNKNOWN: 50,
    Agreement.DIFFERS: 0,
}
"""How much of its weight a detail earns, in hundredths."""

PAST: Final = 90
"""What is left, in hundredths, of what agrees with an item that is history."""
PRESENT: Final = 100

FULL: Final = 10_000
"""The level of a record that agrees in everything, in hundredths of a per cent."""


class Finding(Struct, frozen=True):
    """How one detail agrees, and whether with an item of the present or of the past.

    Of several given names each has its own agreement.
    """

    detail: Detail
    agreements: tuple[Agreement, ...]
    when: int = PRESENT


def earned(findings: Iterable[Finding]) -> int:
    """Give what findings earn, in ten-thousandths of the weights' unit."""
    return sum(
        WEIGHTS[one.detail]
        * (sum(SHARES[each] for each in one.agreements) // len(one.agreements))
        * one.when
        for one in findings
    )


def level(findings: Iterable[Finding]) -> int:
    """Give the matching level in hundredths of a per cent: earned, of what could be earned."""
    findings = tuple(findings)
    possible = sum(WEIGHTS[one.detail] for one in findings)
    return earned(findings) // possible if possible else FULL
