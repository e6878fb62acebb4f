"""LDIF (RFC 2849): entries as lines of a file, and lines as entries, one after the other.

A file is read as it comes, an entry at a time, so its length does not matter. What is wrong is
given in the place of the entry, with the number of its line, and the reading goes on after it.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from msgspec import Struct

from legacy_contracts.sds.entry import Attributes, Entry

ADD: Final = "add"
DELETE: Final = "delete"

_WIDTH: Final = 76
_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*", re.ASCII)
# RFC 2849: a value that begins otherwise, or holds more than ASCII, is written in base64; here
# one with a control character is too, since some readers take those for the end of a line.
_SAFE: Final = re.compile(r"[!-9;=-~][ -~]*")
_MARKERS: Final = (b":", b"<")
_EMPTY: Final = (b"\n", b"\r\n", b"")


class Record(Struct, frozen=True):
    """An entry to add or to delete: the line that it begins at, its name, what it says.

    `source` is what stands in the file, from that line on.
    """

    line: int
    dn: str
    attributes: Attributes
    change: str = ADD
    source: bytes = b""

    def line_of(self, name: str) -> int:
        """Give the line of an attribute's first value; the entry's where it has none."""
        wanted = name.lower().encode() + b":"
        lines = enumerate(self.source.split(b"\n"))
        return self.line + next((at for at, one in lines if one.lower().startswith(wanted)), 0)


class Fault(Struct, frozen=True):
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


def records(lines: Iterable[bytes]) -> Iterator[Record | Fault]:
    """Give the entries of a file, and what is wrong in the place of those that are wrong."""
    for start, block in _blocks(lines):
        try:
            record = _record(start, block)
        except _Wrong as error:
            yield error.fault
            continue
        if record is not None:
            yield record


def _blocks(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give the lines of each entry in one, with the number of the first."""
    block: list[bytes] = []
    number = 0
    for number, read in enumerate(lines, 1):
        line = read.removeprefix(codecs.BOM_UTF8) if number == 1 else read
        if line in _EMPTY:
            if block:
                yield number - len(block), b"".join(block)
                block = []
        else:
            block.append(line)
    if block:
        yield number + 1 - len(block), b"".join(block)


_Line = tuple[int, bytes]


def _record(start: int, block: bytes) -> Record | None:
    """Give the entry of a block, None where it holds none."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    block = block.rstrip(b"\n")
    lines = _unfolded(start, block)
    if lines and lines[0][1].startswith(b"version:"):
        _require_version(lines.pop(0))
    if not lines or lines[0][1].startswith(b"search:"):
        # Comments alone; or what ldapsearch writes after the last entry.
        return None
    number, name, dn = _pair(*lines[0])
    if name.lower() != "dn":
        raise _Wrong(number, 'an entry begins with "dn: ...": write its name above it')
    change = ADD
    if len(lines) > 1 and lines[1][1][:11].lower() == b"changetype:":
        change = _change(lines)
        del lines[1]
    if number > start:
        block = b"\n".join(block.split(b"\n")[number - start :])
    return Record(number, dn, _gathered(lines), change, block)


def _unfolded(start: int, block: bytes) -> list[_Line]:
    """Give lines with their numbers, joined where they were folded, without comments."""
    if b"\n " not in block and not block.startswith((b" ", b"#")) and b"\n#" not in block:
        return list(enumerate(block.split(b"\n"), start))
    lines: list[_Line] = []
    is_comment = False
    for number, line in enumerate(block.split(b"\n"), start):
        if line.startswith(b"#"):
            is_comment = True
        elif not line.startswith(b" "):
            lines.append((number, line))
            is_comment = False
        elif not is_comment:
            at, before = lines.pop() if lines else (number, b" ")
            lines.append((at, before + line[1:]))
    return lines


def _require_version(line: _Line) -> None:
    number, text = line
    if text.partition(b":")[2].strip() != b"1":
        raise _Wrong(number, 'LDIF has version 1 only: write "version: 1"')


def _change(lines: list[_Line]) -> str:
    number, _, change = _pair(*lines[1])
    if change not in (ADD, DELETE):
        raise _Wrong(
            number,
            f"changetype {change!r} is not done here: write the whole entry, or changetype: delete",
        )
    if change == DELETE and len(lines) > 2:
        raise _Wrong(lines[2][0], "an entry that is deleted has no attributes: remove the line")
    return change


def _gathered(lines: list[_Line]) -> Attributes:
    """Give attributes with all their values, each where its first stands."""
    found: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}
    for number, line in islice(lines, 1, None):
        raw, colon, rest = line.partition(b": ")
        name = _named(raw) if colon else ""
        if not name or not rest.isascii() or rest[:1] == b" ":
            _, name, value = _pair(number, line)
        else:
            # Nearly every line.
            value = rest.decode("ascii")
        values = found.get(name)
        if values is None:
            # It may have come before, in other letters.
            name = spelt.setdefault(name.lower(), name)
            values = found.setdefault(name, [])
        values.append(value)
    return tuple((name, tuple(values)) for name, values in found.items())


@lru_cache(maxsize=4096)
def _named(name: bytes) -> str:
    """Give an attribute's name, an empty text where it is none."""
    return name.decode("ascii") if _NAME.fullmatch(name) else ""


def _pair(number: int, line: bytes) -> tuple[int, str, str]:
    name, colon, rest = line.partition(b":")
    known = _named(name)
    if not colon or not known:
        raise _Wrong(number, _bad_name(name, colon))
    marker = rest[:1]
    if marker == b" ":
        value = rest.lstrip(b" ")
    else:
        value = _encoded(number, marker, rest[1:]) if marker in _MARKERS else rest
    try:
        return number, known, value.decode()
    except UnicodeDecodeError:
        raise _Wrong(number, f"{known} is not UTF-8 text: write it as such") from None


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
