"""The names of entries as files write them (RFC 4514): taken apart, values with their case."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

Part = tuple[str, str]
"""One part of a name: the attribute in lower case, and its value."""

_SPECIAL: Final = frozenset(',+"\\<>;=')
_PART: Final = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9-]*)\s*=\s*((?:\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f]|[^\\,;+\"<>])*)(?:[,;]|$)"
)
_ESCAPE: Final = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


@lru_cache(maxsize=1024)
def _above(text: str) -> tuple[Part, ...]:
    return _parts(text)


def parts_of(text: str) -> tuple[Part, ...]:
    """Give the parts of a name, the nearest first; raise `ValueError` where it is none.

    A part of several attributes (`+`) names no entry of this directory, and is refused too.
    """
    first, comma, rest = text.partition(",")
    if comma and "\\" not in text:
        # Most entries stand under the same few names.
        return (*_parts(first), *_above(rest))
    return _parts(text)


def _parts(text: str) -> tuple[Part, ...]:
    parts = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise ValueError("a part is not attribute=value")
        parts.append((found[1].lower(), _unescaped(found[2])))
        at = found.end()
    if not parts or text.rstrip().endswith((",", ";")):
        raise ValueError("a part is missing")
    return tuple(parts)


def escaped(value: str) -> str:
    """Give a value as it stands in a name."""
    if value.isalnum():
        return value
    text = "".join(f"\\{one}" if one in _SPECIAL else one for one in value)
    text = text.replace("\x00", "\\00")
    if text[:1] in {" ", "#"}:
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if len(value) > 1 and value.endswith(" ") else text


def same(one: str, other: str) -> bool:
    """Say whether two names are of the same entry: neither case nor spaces around parts matter."""
    if one.lower() == other.lower():
        return True
    return _folded(parts_of(one)) == _folded(parts_of(other))


def _folded(parts: tuple[Part, ...]) -> list[Part]:
    return [(name, " ".join(value.split()).casefold()) for name, value in parts]


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value.rstrip()
    kept = len(value) - len(value.rstrip())
    # A space that is escaped is part of the value.
    if kept and not value.rstrip().endswith("\\"):
        value = value.rstrip()
    return _ESCAPE.sub(
        lambda found: bytes.fromhex(found[1].replace("\\", "")).decode() if found[1] else found[2],
        value,
    )
