"""Dates and times as digits, known in part: compared as far as both are known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

AHEAD: Final = timedelta(hours=1)
"""How far the clocks that dates are told by (Greenwich or summer time) are ahead of UTC at most."""


def earlier(one: str, other: str) -> bool:
    """Say whether a date is before another."""
    known = min(len(one), len(other))
    return one[:known] < other[:known]


def stamped(now: datetime) -> str:
    """Give a moment as a record tells it, `yyyymmddhhmmss`."""
    # `strftime` takes seven times as long.
    day = f"{now.year:04d}{now.month:02d}{now.day:02d}"
    return f"{day}{now.hour:02d}{now.minute:02d}{now.second:02d}"


def latest(now: datetime) -> str:
    """Give the latest time that a clock on a wall may show now."""
    return stamped(now + AHEAD)
