"""multipart/related: every form that senders write is read, and what is not sure is refused."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pytest
from corpus import Corpus
from hypothesis import assume, given
from hypothesis import strategies as st
from mime_packages import (
    ATTACHMENT,
    CRLF,
    LF,
    MESSAGE,
    ROOT,
    SENT,
    SPINE_BOUNDARY,
    Form,
    Written,
    by_email,
    content_type,
    header,
    part,
    written,
)

from legacy_contracts.envelopes import mime
from legacy_contracts.envelopes.mime import OutPart, Package, Part, is_multipart, joined, split
from legacy_contracts.errors import MalformedMessage

UUID: Final = b"3F2504E0-4F89-41D3-9A0C-0305E82C3301"


def contents(package: Package) -> tuple[bytes, ...]:
    return tuple(bytes(one.content) for one in package.parts)


def only(*headers: bytes, content: bytes = b"x") -> Part:
    """Give the part of a package that has one, with these headers."""
    return split(written((Written(headers, content),)), content_type()).parts[0]


def encoded(encoding: bytes, content: bytes) -> Part:
    return only(b"Content-Transfer-Encoding: " + encoding, content=content)


# How it is framed


@pytest.mark.parametrize("line_end", [CRLF, LF])
@pytest.mark.parametrize("padding", [b"", b" ", b" \t "])
@pytest.mark.parametrize("preamble", [b"", b"\n", b"\r\n", b"A word before.\r\n"])
@pytest.mark.parametrize("epilogue", [b"", b"\n", b"\r\n", b"\r\nA word after.\n--x"])
@pytest.mark.parametrize(
    "boundary",
    [
        SPINE_BOUNDARY,
        b"Boundary_7d1c9a40-0b5e-4c1b-9f3d-2a6e8b7c5d10",
        b"----=_Part_17",
        UUID.lower(),
        b"a",
        b"-",
        b"'()+_,-./:=? b",
        b"x" * 70,
    ],
)
def test_a_package_is_read_however_it_is_framed(
    line_end: bytes, padding: bytes, preamble: bytes, epilogue: bytes, boundary: bytes
) -> None:
    body = written(SENT, Form(boundary, line_end, padding, preamble, epilogue))
    package = split(body, content_type(boundary))
    # The line end before a delimiter belongs to it; every other stays.
    assert contents(package) == tuple(one.content for one in SENT)
    assert by_email(body, content_type(boundary)) == contents(package)


def test_lines_of_either_end_may_stand_in_one_package() -> None:
    # As the trunk's senders do: the frame in CRLF, the content in LF.
    body = (
        b"--b\r\nContent-Id: <1>\r\n\r\n<a>\n</a>\n\r\n"
        b"--b\nContent-Id: <2>\n\n<b>\r\n</b>\r\n\n"
        b"--b--\n\n\n"
    )
    assert contents(split(body, content_type(b"b"))) == (b"<a>\n</a>\n", b"<b>\r\n</b>\r\n")


def test_nothing_of_a_body_is_copied() -> None:
    attachment = part(ATTACHMENT, b"application/octet-stream", b"binary", bytes(5_000_000))
    body = written((*SENT[:2], attachment))
    package = split(body, content_type())
    assert len(package.parts[2].content) == 5_000_000
    assert all(one.content.obj is body for one in package.parts)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\n\n",
        b"--",
        b"--=_MIME-Boundary",
        b"a ----=_MIME-Boundary\r\nb",
        b"----=_MIME-Boundary2\r\nb",
        b"----=_MIME-Boundary-\r\nb",
        b"----=_MIME-Boundary--x\r\nb",
        b"\r\n----=_MIME-Boundar\r\ny",
        b" ----=_MIME-Boundary\r\n",
        b"Content-Id: <x>\r\n\r\ny",
    ],
)
def test_what_looks_like_a_delimiter_and_is_none_is_content(content: bytes) -> None:
    body = written((Written((), content), Written((b"A: b",), content)))
    assert contents(split(body, content_type())) == (content, content)
    assert by_email(body, content_type()) == (content, content)


def test_a_part_of_parts_is_one_part() -> None:
    inner = written(SENT, Form(b"inner"))
    outer = Written((b'Content-Type: multipart/mixed; boundary="inner"',), inner)
    package = split(written((outer,)), content_type())
    assert contents(package) == (inner,)
    assert package.root.content_type == "multipart/mixed"


BROKEN: Final = {
    "truncated": written()[:-2],
    "truncated in a part": written()[:-40],
    "no delimiter": b"<a/>",
    "nothing": b"",
    "no part": b"----=_MIME-Boundary--",
    "a part of no lines": b"----=_MIME-Boundary\r\n----=_MIME-Boundary--",
    "no blank line": b"----=_MIME-Boundary\r\nA: b\r\n----=_MIME-Boundary--",
    "a line end of old": written(SENT, Form(line_end=b"\r")),
    "a delimiter after a bare CR": written((Written((), b"a\r----=_MIME-Boundary\r\n\r\nb"),)),
    "a delimiter before a bare CR": written((Written((), b"a\r\n----=_MIME-Boundary\rb"),)),
    "headers in lines of old": written((Written((b"A: b\rContent-Id: c",), b""),)),
    "a NUL in headers": written((Written((b"A: \0",), b""),)),
    "a header line that is none": written((Written((b"A: b", b"<a/>"), b""),)),
    "a header of no name": written((Written((b": b",), b""),)),
    "a fold of nothing": written((Written((b" b",), b""),)),
    "a mailbox's line": written((Written((b"From x",), b""),)),
    "a mailbox's line later": written((Written((b"A: b", b"From x"), b""),)),
    "headers too long": written((Written((b"A: " + b"b" * mime.MAX_HEADER,), b""),)),
    "headers too many": written((Written((b"A: b",) * (mime.MAX_HEADER_LINES + 1), b""),)),
    "two ids": written((Written((b"Content-Id: <a>", b"CONTENT-ID: <a>"), b""),)),
    "two types": written((Written((b"Content-Type: a/b", b"Content-type: a/c"), b""),)),
    "two charsets": written((Written((b"Content-Type: a/b; charset=c; charset=d",), b""),)),
    "too many parts": written((Written((), b""),) * (mime.MAX_PARTS + 1)),
    "too many near delimiters": written(
        (Written((), b"\n----=_MIME-Boundary2" * mime.MAX_CANDIDATES),)
    ),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_told_for_sure_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        split(body, content_type())


def test_as_many_parts_as_may_be_are_read() -> None:
    package = split(written((Written((), b""),) * mime.MAX_PARTS), content_type())
    assert len(package.parts) == mime.MAX_PARTS


# What the Content-Type says


@pytest.mark.parametrize(
    "said",
    [
        'multipart/related; boundary="--=_MIME-Boundary"; charset="UTF-8"; type="text/xml"',
        "multipart/related; boundary=--=_MIME-Boundary; type=text/xml",
        'Multipart/Related;BOUNDARY="--=_MIME-Boundary";type="text/xml"',
        'multipart/related; type="text/xml; boundary=x"; boundary="--=_MIME-Boundary"',
        'multipart/related; boundary = "--=_MIME-Boundary" (a comment)',
        "multipart/related (a comment); boundary=--=_MIME-Boundary (a comment)",
        'multipart/related; boundary="--=\\_MIME-Boundary"',
        "multipart/related;\r\n\tboundary=--=_MIME-Boundary",
        'multipart/related; boundary="--=_MIME-Boundary"; boundary=--=_MIME-Boundary',
        'multipart/mixed; boundary="--=_MIME-Boundary',
    ],
)
def test_a_boundary_is_found_however_it_is_said(said: str) -> None:
    assert is_multipart(said)
    assert len(split(written(), said).parts) == 3


@pytest.mark.parametrize(
    "said",
    [
        "",
        "text/xml",
        "multipart",
        "multipart/related",
        "multipart/related; boundary",
        "multipart/related; boundary=",
        'multipart/related; boundary=""',
        'multipart/related; boundary="--=_MIME-Boundary "',
        'multipart/related; boundary="--=_MIME-Boundary\r\n"',
        'multipart/related; boundary="--=_MIME-Boundary\u00e9"',
        f'multipart/related; boundary="{"x" * 71}"',
        'multipart/related; boundary="--=_MIME-Boundary"; boundary="x"',
        'multipart/related; type="; boundary=--=_MIME-Boundary"',
        'text/xml; boundary="--=_MIME-Boundary"',
    ],
)
def test_a_boundary_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(MalformedMessage):
        split(written(), said)


def test_what_has_no_parts_is_known_by_its_type() -> None:
    assert not is_multipart("text/xml; charset=utf-8")
    assert not is_multipart("")
    assert not is_multipart('text/xml; type="multipart/related"')


@pytest.mark.parametrize(
    "said",
    [
        f'; start="<{MESSAGE.decode()}>"',
        f'; start="{MESSAGE.decode()}"',
        f"; start={MESSAGE.decode()}",
        f"; start=<{MESSAGE.decode()}>",
        f"; Start = <{MESSAGE.decode()}> ",
    ],
)
def test_the_root_is_the_part_that_start_names(said: str) -> None:
    package = split(written(), content_type() + said)
    assert package.root is package.parts[1]


@pytest.mark.parametrize("said", ["", "; start=", '; start=""', "; start=<nobody>"])
def test_the_root_is_the_first_part_where_start_names_none(said: str) -> None:
    package = split(written(), content_type() + said)
    assert package.root is package.parts[0]


# What a part says


@pytest.mark.parametrize(
    ("said", "media_type", "charset"),
    [
        (b"text/xml", "text/xml", None),
        (b"text/xml; charset=UTF-8", "text/xml", "UTF-8"),
        (b'Application/XML;Charset="ISO-8859-1"', "application/xml", "ISO-8859-1"),
        (b"text/xml;\r\n charset=UTF-8", "text/xml", "UTF-8"),
        (b"text/xml (words); charset=UTF-8 (words)", "text/xml", "UTF-8"),
        (b'image/png; name="a; charset=x.png"', "image/png", None),
        (b'image/png; name=a (1).png; charset="', "image/png", None),
        (b"", "text/plain", None),
        (b"words", "text/plain", None),
        (b"video/mpeg", "video/mpeg", None),
    ],
)
def test_a_part_has_a_type_and_a_charset(said: bytes, media_type: str, charset: str | None) -> None:
    found = only(b"Content-Type: " + said)
    assert (found.content_type, found.charset) == (media_type, charset)


@pytest.mark.parametrize(
    "line",
    [b"Content-Id: <a@b>", b"CONTENT-ID:<a@b>", b"content-id: a@b", b"Content-ID:\r\n <a@b> "],
)
def test_an_id_has_no_brackets_whatever_was_sent(line: bytes) -> None:
    assert only(line).content_id == "a@b"


def test_a_part_that_says_nothing_is_plain_text() -> None:
    found = only()
    assert found == Part("", "text/plain", None, "7bit", (), memoryview(b"x"))


def test_headers_are_kept_as_they_were_sent() -> None:
    found = only(b"X-B: 1", b"content-ID: <a>", b"X-B: 2\r\n\t3", "X-A: é".encode())
    assert found.headers == (
        ("X-B", "1"),
        ("content-ID", "<a>"),
        ("X-B", "2\t3"),
        ("X-A", "é".encode().decode("latin-1")),
    )


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"binary", b"BINARY", b" 8Bit "])
def test_plain_content_is_decoded_as_it_is(encoding: bytes) -> None:
    assert encoded(encoding, b"=41\r\n\xff\0").decoded() == b"=41\r\n\xff\0"


@pytest.mark.parametrize("content", [b"SGk=", b"SG\r\nk=\r\n", b" S\tGk=\n"])
def test_base64_is_decoded(content: bytes) -> None:
    assert encoded(b"Base64", content).decoded() == b"Hi"


@pytest.mark.parametrize("content", [b"H=69", b"H=\r\ni", b"=48=\n=69", b"Hi="])
def test_quoted_printable_is_decoded(content: bytes) -> None:
    assert encoded(b"quoted-printable", content).decoded() == b"Hi"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (b"base64", b"SGk"),
        (b"base64", b"SGk=SGk="),
        (b"base64", b"S!Gk="),
        (b"base64", b"\xff"),
        (b"quoted-printable", b"=4"),
        (b"quoted-printable", b"=XY"),
        (b"quoted-printable", b"= \r\n"),
        (b"x-uuencode", b""),
    ],
)
def test_what_cannot_be_decoded_is_refused(encoding: bytes, content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        encoded(encoding, content).decoded()


# What a manifest names


@pytest.mark.parametrize(
    ("content_id", "href"),
    [
        (MESSAGE, "cid:" + MESSAGE.decode()),
        (UUID, f"cid:{UUID.decode()}"),
        (UUID, f"CID:{UUID.decode()}@spine.nhs.uk"),
        (UUID + b"@spine.nhs.uk", f"cid:{UUID.decode()}"),
        (b"payload@tpp-uk.com/SystmOne/GP2GP", "cid:payload@tpp-uk.com/SystmOne/GP2GP"),
        (b"Content2@e-mis.com/EMISWeb", "cid:Content2%40e-mis.com%2FEMISWeb"),
        (b"a%40b", "cid:a%40b"),
        (b"a:b", "cid:a:b"),
    ],
)
def test_a_reference_finds_its_part(content_id: bytes, href: str) -> None:
    root = part(ROOT, b"text/xml", b"8bit", header(href.encode()))
    named = part(content_id, b"application/xml", b"8bit", b"<a/>")
    package = split(written((Written((), b"x"), root, named)), content_type())
    assert package.referenced(href) is package.parts[2]


@pytest.mark.parametrize(
    "href",
    [
        "",
        "cid:",
        "cid:@spine.nhs.uk",
        "cid:nobody",
        "cid:%",
        f"mid:{MESSAGE.decode()}",
        MESSAGE.decode(),
        f"cid:<{MESSAGE.decode()}>",
    ],
)
def test_a_reference_to_nothing_here_finds_nothing(href: str) -> None:
    package = split(written((*SENT, Written((), b""))), content_type())
    assert package.referenced(href) is None


def test_the_first_of_two_parts_of_one_id_is_found() -> None:
    package = split(written((*SENT, *SENT)), content_type())
    assert package.referenced("cid:" + ATTACHMENT.decode()) is package.parts[2]


def test_the_exact_name_goes_before_one_with_the_suffix() -> None:
    parts = tuple(part(name, b"a/b", b"8bit", b"") for name in (UUID + b"@spine.nhs.uk", UUID))
    package = split(written(parts), content_type())
    assert package.referenced(f"cid:{UUID.decode()}") is package.parts[1]


# What we send


def test_a_package_is_sent_in_the_form_of_the_spine() -> None:
    body = joined(
        (
            OutPart(mime.ROOT_ID, "text/xml", "8bit", b"<a/>\r\n"),
            OutPart(MESSAGE.decode(), "application/xml", "8bit", b"<b/>"),
        )
    )
    assert body == (
        b"----=_MIME-Boundary\r\n"
        b"Content-Id: <ebXMLHeader@spine.nhs.uk>\r\n"
        b"Content-Type: text/xml\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
        b"\r\n"
        b"<a/>\r\n"
        b"\r\n"
        b"----=_MIME-Boundary\r\n"
        b"Content-Id: <7D1C9A40-0B5E-4C1B-9F3D-2A6E8B7C5D10@spine.nhs.uk>\r\n"
        b"Content-Type: application/xml\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
        b"\r\n"
        b"<b/>\r\n"
        b"----=_MIME-Boundary--"
    )
    package = split(body, mime.CONTENT_TYPE)
    assert package.root.content_id == mime.ROOT_ID
    assert contents(package) == (b"<a/>\r\n", b"<b/>")


def test_the_header_that_goes_with_it_is_the_captured_one() -> None:
    assert mime.CONTENT_TYPE == (
        'multipart/related; boundary="--=_MIME-Boundary"; charset="UTF-8"; type="text/xml"; '
        'start="<ebXMLHeader@spine.nhs.uk>"'
    )


@pytest.mark.parametrize(
    "broken",
    [
        OutPart("a", "a/b", "8bit", b"----=_MIME-Boundary\r\n"),
        OutPart("a", "a/b", "8bit", b"x\r\n----=_MIME-Boundary--"),
        OutPart("a", "a/b", "8bit", b"x\r----=_MIME-Boundary"),
        OutPart("a>\r\nB: c", "a/b", "8bit", b""),
        OutPart("a", "a/b\n\nc", "8bit", b""),
        OutPart("a", "a/b", "8bit\r", b""),
        OutPart("a", "a/b; name=\u20ac", "8bit", b""),
    ],
)
def test_what_would_be_read_as_something_else_is_not_sent(broken: OutPart) -> None:
    with pytest.raises(MalformedMessage):
        joined((broken,))


sendable = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--=_MIME-Boundary", b"a"])
).map(b"".join)


@given(st.lists(sendable, min_size=1, max_size=5))
def test_what_is_sent_is_read_again(sent: list[bytes]) -> None:
    parts = tuple(OutPart(f"{at}@x", "a/b; c=d", "8bit", one) for at, one in enumerate(sent))
    try:
        body = joined(parts)
    except MalformedMessage:
        assume(False)  # noqa: FBT003 - hypothesis' own
    package = split(body, mime.CONTENT_TYPE)
    assert contents(package) == tuple(sent)
    assert [one.content_id for one in package.parts] == [one.content_id for one in parts]


# The oracle

boundaries = st.sampled_from([b"b", b"-", b"--=_MIME-Boundary", b"b:c d"])
pieces = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"--", b"--b", b"----=_MIME-Boundary", b" ", b"x", b"\xff", b"A: b\n"]
)
texts = st.lists(pieces, max_size=8).map(b"".join)
header_lines = st.sampled_from(
    [
        b"Content-Id: <a>",
        b"Content-Type: text/xml; charset=UTF-8",
        b"Content-Type:\ttext/xml;\n charset=UTF-8",
        b"Content-Transfer-Encoding: base64",
        b"X: \xff",
        b"X :",
        b"no header",
    ]
)
parts_of = st.builds(Written, st.lists(header_lines, max_size=3, unique=True).map(tuple), texts)
forms = st.builds(
    Form,
    boundary=boundaries,
    line_end=st.sampled_from([CRLF, LF]),
    padding=st.sampled_from([b"", b" ", b"\t "]),
    preamble=texts | st.just(b""),
    epilogue=texts,
)


@given(st.lists(parts_of, min_size=1, max_size=4), forms)
def test_what_is_read_is_what_email_reads(parts: list[Written], form: Form) -> None:
    body = written(tuple(parts), form)
    try:
        package = split(body, content_type(form.boundary))
    except MalformedMessage:
        return
    assert all(one.content.obj is body for one in package.parts)
    assert by_email(body, content_type(form.boundary)) in {contents(package), None}


clean = st.binary(max_size=80).filter(lambda one: b"--" not in one and not one.endswith(b"\r"))


@given(st.lists(clean, min_size=1, max_size=4), st.sampled_from([CRLF, LF]), boundaries)
def test_any_content_arrives_as_it_was_sent(
    sent: list[bytes], line_end: bytes, boundary: bytes
) -> None:
    parts = tuple(part(b"a", b"a/b", b"binary", one) for one in sent)
    body = written(parts, Form(boundary, line_end))
    assert contents(split(body, content_type(boundary))) == tuple(sent)
    assert by_email(body, content_type(boundary)) == tuple(sent)


# What was captured

TRUNCATED: Final = {
    "tms/mhs-adaptor/ebxml_request_one_external_attachment.mime": "no closing delimiter"
}
_DELIMITER: Final = re.compile(rb"(?m)^--([\w-]{36})\r?$")
_TYPE: Final = re.compile(rb"(?im)^content-type: (multipart/[^\r\n]*)")
_REFERENCE: Final = re.compile(rb'href="(cid:[^"]*)"')


def package_in(file: bytes) -> tuple[bytes, str]:
    """Give a captured body, from its first delimiter on, and its Content-Type, said or likely."""
    said = _TYPE.search(file)
    named = None if SPINE_BOUNDARY in file else _DELIMITER.search(file)
    boundary = named[1] if named else SPINE_BOUNDARY
    body = file[file.index(b"--" + boundary, said.end() if said else 0) :]
    return body, said[1].decode("ascii") if said else content_type(boundary)


LOST: Final = "@e-mis.com/EMISWeb/GP2GP2.2A"
"""The references of 16 templates of requests: their payload's Content-Id ends in the Spine's."""

COUNTED: Final = {
    "packages": 82,
    "parts": 200,
    "7bit": 8,
    "8bit": 174,
    "base64": 13,
    "binary": 3,
    "{{content_transfer_encoding}}": 2,
    "references found": 82,
    f"references lost to {LOST}": 16,
}


def test_every_captured_package_is_read_as_email_reads_it(captured: Corpus) -> None:
    seen: Counter[str] = Counter()
    refused = {}
    for entry in captured.entries():
        if "mime" not in entry.envelope:
            continue
        seen["packages"] += 1
        body, said = package_in((captured.place / entry.file).read_bytes())
        try:
            package = split(body, said)
        except MalformedMessage as error:
            refused[entry.file] = error.why
            continue
        assert by_email(body, said) == contents(package), entry.file
        assert package.root is package.parts[0], entry.file
        seen["parts"] += len(package.parts)
        seen.update(one.transfer_encoding for one in package.parts)
        seen.update(references(package))
    print(dict(seen))  # noqa: T201 - for the reader of a failure
    assert refused == TRUNCATED
    assert seen == COUNTED


def references(package: Package) -> Counter[str]:
    """Give how many references of a manifest find their part, and the suffixes of those lost."""
    hrefs = [one.decode("ascii") for one in _REFERENCE.findall(bytes(package.root.content))]
    return Counter(
        "references found" if package.referenced(one) else f"references lost to @{lost}"
        for one in hrefs
        for lost in [one.partition("@")[2]]
    )


def test_every_captured_part_is_decoded_but_templates_and_what_was_damaged(
    captured: Corpus,
) -> None:
    came: Counter[str] = Counter()
    for entry in captured.entries():
        if "mime" not in entry.envelope or entry.file in TRUNCATED:
            continue
        for one in split(*package_in((captured.place / entry.file).read_bytes())).parts:
            try:
                one.decoded()
            except MalformedMessage as error:
                came[error.why] += 1
            else:
                came["decoded"] += 1
    assert came == {
        "decoded": 196,
        "an unknown Content-Transfer-Encoding": 2,  # a placeholder
        "a content that is not base64": 2,  # a quotation mark stands within, a character is missing
    }
