"""LDIF (RFC 2849): entries as lines of a file, and lines as entries, one after the other.

A file is read as it comes, an entry at a time, so its length does not matter. What is wrong is
given in the place of the entry, with the number of its line, and the reading goes on after it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from legacy_contracts.sds.entry import Entry

ADD: Final = "add"
DELETE: Final = "delete"

_WIDTH: Final = 76
_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*", re.ASCII)
# RFC 2849: a value that begins otherwise, or holds more than ASCII, is written in base64.
_SAFE: Final = re.compile(
    r"[\x01-\x09\x0b-\x0c\x0e-\x1f\x21-\x39\x3b\x3d-\x7f][\x01-\x09\x0b-\x0c\x0e-\x7f]*"
)
_COLONS: Final = b":<"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an entry in a file: its name and values, the line of the first."""

    name: str
    values: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Record:
    """An entry to add or to delete, and the line that it begins at."""

    line: int
    dn: str
    attributes: tuple[Attribute, ...]
    change: str = ADD


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, and the cure."""

    line: int
    text: str

    def __str__(self) -> str:
        """Give it as it is printed."""
        return f"line {self.line}: {self.text}"


class _Wrong(Exception):
    """A line is wrong."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(line, text)


_Line = tuple[int, bytes]


def records(lines: Iterable[bytes]) -> Iterator[Record | Fault]:
    """Give the entries of a file, and what is wrong in the place of those that are wrong."""
    for block in _blocks(lines):
        try:
            record = _record(block)
        except _Wrong as error:
            yield error.fault
            continue
        if record is not None:
            yield record


def _blocks(lines: Iterable[bytes]) -> Iterator[list[_Line]]:
    """Give the lines of each entry, joined where they were folded, without comments."""
    block: list[_Line] = []
    is_comment = False
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if not line:
            if block:
                yield block
            block, is_comment = [], False
        elif line[0] == 35:  # '#'
            is_comment = True
        elif line[0] != 32:
            block.append((number, line))
            is_comment = False
        elif not is_comment:
            start, before = block.pop() if block else (number, b" ")
            block.append((start, before + line[1:]))
    if block:
        yield block


def _record(block: list[_Line]) -> Record | None:
    """Give the entry of a block, None where it holds none."""
    if block[0][1].startswith(b"version:"):
        _require_version(block.pop(0))
        if not block:
            return None
    if block[0][1].startswith(b"search:"):
        # What ldapsearch writes after the last entry.
        return None
    pairs = [_pair(line) for line in block]
    number, name, dn = pairs[0]
    if name.lower() != "dn":
        raise _Wrong(number, 'an entry begins with "dn: ...": write its name above it')
    change, rest = _change(pairs[1:])
    return Record(number, dn, _gathered(rest, number), change)


def _require_version(line: _Line) -> None:
    number, text = line
    if text.partition(b":")[2].strip() != b"1":
        raise _Wrong(number, 'LDIF has version 1 only: write "version: 1"')


_Pair = tuple[int, str, str]


def _change(pairs: list[_Pair]) -> tuple[str, list[_Pair]]:
    if not pairs or pairs[0][1].lower() != "changetype":
        return ADD, pairs
    number, _, change = pairs[0]
    if change not in (ADD, DELETE):
        raise _Wrong(
            number,
            f"changetype {change!r} is not done here: write the whole entry, or changetype: delete",
        )
    if change == DELETE and len(pairs) > 1:
        raise _Wrong(pairs[1][0], "an entry that is deleted has no attributes: remove the line")
    return change, pairs[1:]


def _gathered(pairs: list[_Pair], line: int) -> tuple[Attribute, ...]:
    """Give attributes with all their values; there must be some where one is added."""
    found: dict[str, tuple[str, list[str], int]] = {}
    for number, name, value in pairs:
        kept = found.get(name)
        if kept is None:
            kept = found.setdefault(name.lower(), (name, [], number))
            found[name] = kept
        kept[1].append(value)
    distinct = {id(one): one for one in found.values()}
    return tuple(
        Attribute(name, tuple(values), at or line) for name, values, at in distinct.values()
    )


def _pair(line: _Line) -> _Pair:
    number, text = line
    name, colon, rest = text.partition(b":")
    if not colon or _NAME.fullmatch(name) is None:
        raise _Wrong(number, _bad_name(name, colon))
    marker = rest[:1]
    if marker in (b":", b"<") and marker:
        value = _encoded(number, marker, rest[1:])
    else:
        value = rest.lstrip(b" ")
    try:
        return number, name.decode("ascii"), value.decode("utf-8")
    except UnicodeDecodeError:
        raise _Wrong(number, f"{name.decode()} is not UTF-8 text: write it as such") from None


def _bad_name(name: bytes, colon: bytes) -> str:
    shown = name[:40].decode("utf-8", "replace")
    if not colon:
        return f'{shown!r} is not "name: value": correct the line'
    if b";" in name:
        return f"{shown}: options of attributes are not kept here: write it without"
    return f"{shown!r} is no name of an attribute: correct the line"


def _encoded(number: int, marker: bytes, text: bytes) -> bytes:
    if marker == b"<":
        raise _Wrong(number, "a value in another file is not read: write it here")
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise _Wrong(number, 'what follows "::" is not base64: correct it') from None


def written(entry: Entry) -> str:
    """Give an entry as LDIF, with the empty line that ends it."""
    lines = [_written("dn", entry.dn)]
    lines += [_written(name, value) for name, values in entry.attributes for value in values]
    return "".join((*lines, "\n"))


def _written(name: str, value: str) -> str:
    if _SAFE.fullmatch(value) and not value.endswith(" "):
        line = f"{name}: {value}"
    else:
        line = f"{name}:: {base64.b64encode(value.encode()).decode()}"
    if len(line) <= _WIDTH:
        return f"{line}\n"
    rest = [f" {line[at : at + _WIDTH - 1]}\n" for at in range(_WIDTH, len(line), _WIDTH - 1)]
    return "".join((line[:_WIDTH], "\n", *rest))
