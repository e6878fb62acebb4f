"""Lengths of time as the directory writes them: ISO 8601 durations without months and years."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_DURATION: Final = re.compile(
    r"P(?=.)(?:([0-9]+)W|(?:([0-9]+)D)?(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?"
    r"(?:([0-9]+(?:\.[0-9]+)?)S)?)?)"
)
_SECONDS: Final = (604_800, 86_400, 3_600, 60, 1)
_UNITS: Final = ((86_400, "D"), (3_600, "H"), (60, "M"))


@lru_cache(maxsize=1024)
def seconds_of(text: str) -> float | None:
    """Give how many seconds a duration is, None where the text is none."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups("0"), _SECONDS, strict=True))


@lru_cache(maxsize=1024)
def written(seconds: float) -> str:
    """Give a length of time as a duration: PT1M30S, P1DT4H10M."""
    left, rest = divmod(seconds, 1)
    texts = []
    for size, letter in _UNITS:
        count, left = divmod(int(left), size)
        texts.append(f"{count}{letter}" if count else "")
    last = f"{left + rest:.9f}".rstrip("0").rstrip(".")
    days, times = texts[0], "".join(texts[1:]) + (f"{last}S" if last != "0" else "")
    return f"P{days}{'T' if times else ''}{times}" if days or times else "PT0S"
