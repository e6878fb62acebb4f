"""How a name sounds: Soundex, as it was published (R. C. Russell, US patents 1261167, 1435663)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

LENGTH: Final = 4

_GROUPS: Final = {
    letter: digit
    for digit, letters in (
        ("1", "BFPV"),
        ("2", "CGJKQSXZ"),
        ("3", "DT"),
        ("4", "L"),
        ("5", "MN"),
        ("6", "R"),
    )
    for letter in letters
}
_SILENT: Final = frozenset("HW")
"""Letters across which two of a group still count as one; vowels part them."""


def plain(text: str) -> str:
    """Give a text in capitals of the Latin alphabet, digits and spaces; the rest is left out.

    Each character stands for itself alone, so what begins a text begins what becomes of it.
    """
    letters = text.upper()
    if letters.isascii():
        if letters.isalnum():
            return letters
    else:
        letters = unicodedata.normalize("NFKD", letters).upper()
    return "".join([one for one in letters if one.isascii() and (one.isalnum() or one == " ")])


@lru_cache(maxsize=65_536)
def soundex(name: str) -> str:
    """Give a name's code: its first letter and three digits; empty where it has no letter."""
    letters = [one for one in plain(name) if one.isalpha()]
    if not letters:
        return ""
    code, last = letters[0], _GROUPS.get(letters[0])
    for letter in letters[1:]:
        digit = _GROUPS.get(letter)
        if digit is not None and digit != last:
            code += digit
        if letter not in _SILENT:
            last = digit
    return code[:LENGTH].ljust(LENGTH, "0")
