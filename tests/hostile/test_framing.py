"""Faults of HTTP framing: refused or cut off, and never a second request out of one."""

from __future__ import annotations

import contextlib
import socket
import uuid

import pytest
from msgspec import Struct
from peers import Answer, Reader, asked, audited, connected, http, message
from serving import Served

OUTER = "<outer>"
SMUGGLED = "<smuggled>"


class Ids(Struct, frozen=True):
    """The ids of the message that is sent, and of the one that is hidden in it."""

    outer: str
    smuggled: str


@pytest.fixture
def ids() -> Ids:
    return Ids(str(uuid.uuid4()).upper(), str(uuid.uuid4()).upper())


def exchanged(served: Served, raw: bytes) -> list[Answer]:
    """Send bytes, end, and give every answer that comes before the peer closes."""
    with connected(served) as sock:
        sock.settimeout(8)
        with contextlib.suppress(OSError):
            sock.sendall(raw)
        socket.socket.shutdown(sock, socket.SHUT_WR)
        return Reader(sock).rest()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def attack(served: Served, ids: Ids, *lines: str, body: bytes | None = None) -> list[Answer]:
    """Send a message framed by the lines, whose body goes on with a whole second request."""
    inner = message(ids.outer) if body is None else body
    after = http(message(ids.smuggled))
    return exchanged(served, http(inner + after, *lines))


def refused(answers: list[Answer]) -> bool:
    """Say whether HTTP was refused: 400, or a closed connection, and nothing else."""
    return [answer.status for answer in answers] in ([400], [])


LENGTH = len(message())
CHUNKED = "Transfer-Encoding: chunked"

AMBIGUOUS = {
    "length, then chunks": (f"Content-Length: {LENGTH}", CHUNKED),
    "chunks, then length": (CHUNKED, f"Content-Length: {LENGTH}"),
    "length 0, then chunks": ("Content-Length: 0", CHUNKED),
    "two lengths": (f"Content-Length: {LENGTH}", "Content-Length: 5"),
    "two lengths that agree": (f"Content-Length: {LENGTH}", f"Content-Length: {LENGTH}"),
    "a list of lengths": (f"Content-Length: {LENGTH}, {LENGTH}",),
    "a negative length": ("Content-Length: -1",),
    "a length with a sign": (f"Content-Length: +{LENGTH}",),
    "a length in hex": ("Content-Length: 0x10",),
    "a length in two parts": ("Content-Length: 1 0",),
    "a length without end": ("Content-Length: " + "9" * 6000,),
    "a length of no digits": ("Content-Length: ",),
    "a length in other digits": ("Content-Length: \xb2",),
    "a space before the colon": (f"Content-Length : {LENGTH}",),
    "chunks after a space": ("Transfer-Encoding : chunked",),
    "chunks, and a control": ("Transfer-Encoding: \x0bchunked",),
    "chunks, and a nul": ("Transfer-Encoding: chunked\x00",),
    "chunks misspelt": ("Transfer-Encoding: xchunked",),
    "chunks twice": ("Transfer-Encoding: chunked, chunked",),
    "chunks in two lines": (CHUNKED, CHUNKED),
    "chunks, then identity": ("Transfer-Encoding: chunked, identity",),
    "identity": ("Transfer-Encoding: identity",),
    "folded": ("Transfer-Encoding:\r\n chunked",),
    "folded after another": ("X-Other: 1\r\n Transfer-Encoding: chunked", CHUNKED),
    "a bare line feed": (f"X-Other: 1\nContent-Length: {LENGTH}",),
    "a bare carriage return": (f"X-Other: 1\rContent-Length: {LENGTH}",),
    "a nul in a header": (f"Content-Length: {LENGTH}", "X-Other: a\x00b"),
    "a name with a space": (f"Content-Length: {LENGTH}", "X Other: 1"),
    "a line without colon": (f"Content-Length: {LENGTH}", "nothing"),
    "a line without name": (f"Content-Length: {LENGTH}", ": nothing"),
    "two hosts": (f"Content-Length: {LENGTH}", "Host: elsewhere"),
    "two types": (f"Content-Length: {LENGTH}", "Content-Type: text/xml", "Content-Type: a/b"),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_ambiguous_framing_is_refused_and_nothing_is_done(
    served: Served, ids: Ids, case: str
) -> None:
    answers = attack(served, ids, *AMBIGUOUS[case])
    assert refused(answers)
    assert not {ids.outer, ids.smuggled} & set(audited(served.folder))


CHUNK_FAULTS = {
    "a size with a sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with its base": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with a space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size over the body": b"fffffffff\r\nhello\r\n0\r\n\r\n",
    "a size over all memory": b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
    "a size line without end": b"5" * 20_000,
    "an extension with a carriage return": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a bare line feed after the size": b"5\nhello\r\n0\r\n\r\n",
    "a bare line feed after the data": b"5\r\nhello\n0\r\n\r\n",
    "data longer than its size": b"4\r\nhello\r\n0\r\n\r\n",
    "no last chunk": b"5\r\nhello\r\n",
    "a trailer that frames": b"5\r\nhello\r\n0\r\nContent-Length: 7\r\n\r\n",
    "a trailer with a bare line feed": b"5\r\nhello\r\n0\r\nA: 1\nB: 2\r\n\r\n",
    "a trailer without end": b"5\r\nhello\r\n0\r\nA: " + b"1" * 100_000,
}


@pytest.mark.parametrize("case", CHUNK_FAULTS)
def test_broken_chunks_are_refused_and_nothing_is_done(served: Served, ids: Ids, case: str) -> None:
    answers = attack(served, ids, CHUNKED, body=CHUNK_FAULTS[case])
    assert refused(answers)
    assert ids.smuggled not in audited(served.folder)


REQUEST_LINES = (
    "post /sync-service HTTP/1.1",
    "POST /sync-service HTTP/2.0",
    "POST /sync-service HTTP/0.9",
    "POST /sync-service HTTP/1.1.1",
    "POST /sync-service",
    "POST  /sync-service HTTP/1.1",
    "POST\t/sync-service\tHTTP/1.1",
    "POST /sync-service HTTP/1.1 ",
    "POST /sync service HTTP/1.1",
    "POST /sync-service\x00 HTTP/1.1",
    "POST /sync-service\xe9 HTTP/1.1",
    "POST sync-service HTTP/1.1",
    "POST * HTTP/1.1",
    "PRI * HTTP/2.0",
    "P\u0000ST /sync-service HTTP/1.1",
    "POST /" + "a" * 9000 + " HTTP/1.1",
    "",
)


@pytest.mark.parametrize("first", REQUEST_LINES)
def test_a_broken_request_line_is_refused(served: Served, ids: Ids, first: str) -> None:
    assert refused(exchanged(served, http(message(ids.outer), first=first)))
    assert ids.outer not in audited(served.folder)


def test_chunks_in_http_1_0_are_refused(served: Served, ids: Ids) -> None:
    body = chunk(message(ids.outer)) + http(message(ids.smuggled))
    first = "POST /sync-service HTTP/1.0"
    assert refused(exchanged(served, http(body, CHUNKED, first=first)))
    assert not {ids.outer, ids.smuggled} & set(audited(served.folder))


def test_a_body_longer_than_its_length_is_no_second_request(served: Served, ids: Ids) -> None:
    body = message(ids.outer)
    answers = exchanged(served, http(body, f"Content-Length: {len(body) - 500}"))
    assert [answer.status for answer in answers] in ([500, 400], [500])
    assert ids.outer not in audited(served.folder)


def test_a_body_shorter_than_its_length_is_no_message(served: Served, ids: Ids) -> None:
    body = message(ids.outer)
    assert exchanged(served, http(body, f"Content-Length: {len(body) + 1}")) == []
    assert ids.outer not in audited(served.folder)


def test_a_client_that_ends_its_side_after_the_request_is_answered(
    served: Served, ids: Ids
) -> None:
    answers = exchanged(served, http(message(ids.outer)))
    assert [answer.status for answer in answers] == [200]
    assert ids.outer in audited(served.folder)


@pytest.mark.parametrize("uri", ["https://elsewhere.test/sync-service", "http://x:1/sync-service"])
def test_an_absolute_address_is_one_request_at_most(served: Served, ids: Ids, uri: str) -> None:
    answers = exchanged(served, http(message(ids.outer), first=f"POST {uri} HTTP/1.1"))
    assert [answer.status for answer in answers] in ([200], [400], [])
    assert audited(served.folder).count(ids.outer) <= 1


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "GET"])
def test_another_method_executes_nothing_of_its_body(served: Served, ids: Ids, method: str) -> None:
    raw = http(http(message(ids.smuggled)), first=f"{method} /sync-service HTTP/1.1")
    answers = exchanged(served, raw)
    assert [answer.status for answer in answers] in ([405], [400], [])
    assert ids.smuggled not in audited(served.folder)


@pytest.mark.parametrize(
    "lines",
    [
        ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQ"),
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("Upgrade: TLS/1.3", "Connection: Upgrade"),
    ],
)
def test_no_other_protocol_is_begun(served: Served, ids: Ids, lines: tuple[str, ...]) -> None:
    answers = exchanged(served, http(message(ids.outer), *lines))
    assert [answer.status for answer in answers] == [200]


def test_http_2_is_not_spoken(served: Served) -> None:
    assert refused(exchanged(served, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9))


@pytest.mark.parametrize(
    "line",
    [
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Ssl: on",
        "SCRIPT_NAME: /sync-service",
        "PATH_INFO: /sync-service",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
        "X-Client-Cert: CN=client.spine.test",
        "Connection: Content-Length, close",
        "Expect: the-unexpected",
    ],
)
def test_a_header_of_a_proxy_changes_nothing(served: Served, ids: Ids, line: str) -> None:
    answers = exchanged(served, http(message(ids.outer), line))
    assert [answer.status for answer in answers] == [200]
    first = "POST /elsewhere HTTP/1.1"
    answers = exchanged(served, http(message(ids.smuggled), line, first=first))
    assert [answer.status for answer in answers] == [500]
    assert ids.smuggled not in audited(served.folder)


@pytest.mark.parametrize("count", [101, 5000])
def test_too_many_headers_are_refused(served: Served, ids: Ids, count: int) -> None:
    lines = [f"X-{number}: 1" for number in range(count)]
    assert refused(exchanged(served, http(message(ids.outer), *lines)))


def test_a_header_without_end_is_refused(served: Served, ids: Ids) -> None:
    assert refused(exchanged(served, http(message(ids.outer), "X: " + "a" * 2_000_000)))


def test_empty_lines_without_end_are_refused(served: Served) -> None:
    assert refused(exchanged(served, b"\r\n" * 100_000))


def test_more_framing_than_content_is_refused(served: Served) -> None:
    raw = http(b"1\r\nx\r\n" * 2_000_000, CHUNKED)
    assert refused(exchanged(served, raw))
    assert asked(served, http(message())) is not None


def test_nothing_of_a_broken_request_is_repeated(served: Served) -> None:
    said = "9434765919-SMITH"
    for raw in (
        http(b"", first=f"POST /{said} HTTP/9.9"),
        http(b"", f"X-Bad\x01: {said}"),
        http(b"", f"X-Bad: {said}\x01"),
        http(said.encode() + b"\r\n", CHUNKED),
        http(b"", f"Transfer-Encoding: {said}"),
    ):
        for answer in exchanged(served, raw):
            assert said.encode() not in answer.body
    assert said not in served.log.read_text()


def test_the_log_of_all_this_holds_no_traceback(served: Served) -> None:
    assert asked(served, http(message())) is not None
    assert "Traceback" not in served.log.read_text()
