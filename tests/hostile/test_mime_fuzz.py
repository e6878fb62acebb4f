"""Packages broken at random: refused, or read as stdlib `email` reads them; nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
from mime_packages import CRLF, LF, SENT, Form, Written, by_email, content_type, part, written
from msgspec import Struct

from legacy_contracts.envelopes.mime import MAX_HEADER, Package, split
from legacy_contracts.errors import MalformedMessage

SEED: Final = 2387
CASES: Final = 10_000

_FORMS: Final = (
    Form(),
    Form(line_end=LF),
    Form(b"a", CRLF, b" ", b"A word.\r\n", b"\r\nA word.\r\n"),
    Form(b"----=_Part_1", LF, b"", b"\n", b"\n"),
    Form(b"Boundary_3f2504e0", CRLF, b"\t", b"", b"\r\n"),
)
_NESTED: Final = Written(
    (b'Content-Type: multipart/mixed; boundary="b"', b"Content-Id: <nested>"),
    written(SENT, Form(b"b")),
)
_PACKAGES: Final = (
    SENT,
    SENT[:1],
    (*SENT, part(b"q@x", b"text/plain;\r\n charset=UTF-8", b"quoted-printable", b"a=3D=\r\nb")),
    (SENT[0], Written((), b"--\r\n--"), _NESTED),
)
_WORDS: Final = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b" ", b"\t", b"--", b"-", b"\0", b"\xff"),
    *(b":", b";", b'"', b"\\", b"(", b")", b"<", b">", b"=", b"%", b"From x", b"A: b\r\n"),
    *(b"Content-Id: <x>\r\n", b"Content-Type: multipart/mixed; boundary=x\r\n", b"charset*0="),
    *(b"Content-Transfer-Encoding: base64\r\n", b"\r\n--a\r\n", b"\r\n--a--\r\n", b"\x85"),
    *(b"----=_MIME-Boundary\r\n", b"\n----=_MIME-Boundary--", b"\x1c", b"A" * 3000),
)
_HOW_MANY: Final = (1, 1, 1, 2, 2, 3, 8)


class Case(Struct, frozen=True):
    """A broken body and the Content-Type that it comes with."""

    body: bytes
    content_type: str


def change_byte(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def cut_out(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.choice((1, 1, 2, 10, 100)) :]


def cut_off(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def put_in(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(_WORDS) * chance.choice((1, 1, 1, 30)) + data[at:]


def say_again(chance: random.Random, data: bytes) -> bytes:
    begin, at = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    return data[:at] + data[begin : begin + chance.choice((2, 20, 200))] + data[at:]


def change_line_end(chance: random.Random, data: bytes) -> bytes:
    """Change some line end: the first after a random place, which no byte's change hits often."""
    at = data.find(b"\n", chance.randrange(len(data) + 1))
    begin = at - 1 if data[at - 1 : at] == b"\r" else at
    return data[:begin] + chance.choice((b"\n", b"\r\n", b"\r", b"", b" \n")) + data[at + 1 :]


_CHANGES: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    *(change_byte, cut_out, cut_off, put_in, put_in, say_again, change_line_end),
)


def case_of(number: int) -> Case:
    """Give a case, the same for the same number."""
    chance = random.Random(f"{SEED}/{number}")  # noqa: S311 - a game, no secret
    form = chance.choice(_FORMS)
    body, said = written(chance.choice(_PACKAGES), form), content_type(form.boundary)
    if chance.random() < 0.1:
        said = chance.choice(_CHANGES)(chance, said.encode("latin-1")).decode("latin-1")
    for _ in range(chance.choice(_HOW_MANY)):
        body = chance.choice(_CHANGES)(chance, body)
    return Case(body, said)


def came_of(case: Case) -> str:
    """Give what came of a case; anything but a refusal or a package leaves as it is."""
    try:
        package = split(case.body, case.content_type)
        _used(package)
    except MalformedMessage as error:
        return error.why
    _lies_within(package, case.body)
    # What stands in a header value is ours to read: `email` gets the type without its line ends.
    read = by_email(case.body, case.content_type.replace("\r", " ").replace("\n", " "))
    if read is None:
        return "read, a defect to email"
    assert len(read) == len(package.parts)
    for ours, theirs in zip(package.parts, read, strict=True):
        assert theirs is None or bytes(ours.content) == theirs
    return "read as email reads it"


def _used(package: Package) -> None:
    """Ask of a package whatever may be asked."""
    for one in package.parts:
        package.referenced(f"cid:{one.content_id}")
        try:
            one.decoded()
        except MalformedMessage:
            continue


def _lies_within(package: Package, body: bytes) -> None:
    assert package.root in package.parts
    assert all(one.content.obj is body for one in package.parts)
    at = 0
    for one in package.parts:
        at = body.find(bytes(one.content), at) + len(one.content)
        assert len(one.content) <= at <= len(body)


def test_every_broken_package_is_refused_or_read_as_email_reads_it() -> None:
    came = Counter(came_of(case_of(number)) for number in range(CASES))
    assert sum(came.values()) == CASES
    # Broken, but not so broken that all are refused, nor for one reason.
    assert came["read as email reads it"] > CASES / 4, came
    assert sum(times > CASES / 100 for times in came.values()) > 6, came


def test_a_case_is_its_number_alone() -> None:
    assert case_of(77) == case_of(77)
    assert case_of(77) != case_of(78)


SIZE: Final = 5_000_000

FLOODS: Final = {
    "dashes": b"-" * SIZE,
    "line feeds": b"\n" * SIZE,
    "carriage returns": b"\r" * SIZE,
    "line ends and dashes": b"\n-" * (SIZE // 2),
    "near delimiters": b"\n--ax" * (SIZE // 5),
    "delimiters": b"\n--a" * (SIZE // 4),
    "parts": b"\n--a\n\n" * (SIZE // 6),
    "closing delimiters": b"--a--\n" * (SIZE // 6),
    "a delimiter and blanks": b"--a\n\n\n--a" + b" " * SIZE + b"x",
    "a header": b"--a\nA: " + b"b" * SIZE + b"\n\n\n--a--",
    "header lines": b"--a\n" + b"A: b\n" * (SIZE // 5) + b"\n\n--a--",
    "folds": b"--a\nA: b" + b"\n c" * (SIZE // 3) + b"\n\n\n--a--",
}


@pytest.mark.parametrize("body", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        split(body, content_type(b"a"))


@pytest.mark.parametrize("word", [b";", b';a="\\"', b"; ", b"(", b';a="', b";a", b"\\", b'"'])
def test_a_flood_of_parameters_in_each_of_many_parts_is_read(word: bytes) -> None:
    value = b"a/b" + word * ((MAX_HEADER - 100) // len(word))
    package = split(
        written((Written((b"Content-Type: " + value,), b""),) * 300, Form(b"a")), content_type(b"a")
    )
    assert {one.charset for one in package.parts} == {None}
    assert not any(one.content for one in package.parts)
