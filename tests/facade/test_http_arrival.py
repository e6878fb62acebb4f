"""Whether a request has arrived: never said before it has where that can be told, always after."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers import http

from facade.arrival import HEAD_LIMIT, Arrival

LIMIT = 50_000

bodies = st.binary(max_size=300)
headers = st.lists(st.sampled_from(["X-A: 1", "Connection: close", "Accept: */*"]), max_size=3)
trailers = st.sampled_from([b"", b"X-T: 1\r\n", b"X-T: 1\r\nX-U: 0\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Give a request in either framing."""
    body, lines = draw(bodies), draw(headers)
    if draw(st.booleans()):
        return http(body, *lines)
    size = draw(st.integers(1, 300))
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    extension = draw(st.sampled_from([b"", b";a=b"]))
    chunks = b"".join(b"%X%s\r\n%s\r\n" % (len(one), extension, one) for one in pieces)
    last = draw(st.sampled_from([b"0", b"000", b"0;x"]))
    chunked = chunks + last + b"\r\n" + draw(trailers) + b"\r\n"
    return http(chunked, *lines, "Transfer-Encoding: chunked")


def arrived(*pieces: bytes) -> Arrival:
    arrival = Arrival(LIMIT)
    for piece in pieces:
        arrival.add(piece)
        arrival.is_whole()
    return arrival


@settings(derandomize=True, deadline=None)
@given(requests(), st.data())
def test_a_request_has_arrived_with_its_last_byte(raw: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(raw) - 1))
    assert not arrived(raw[:cut]).is_whole()
    assert arrived(raw[:cut], raw[cut:]).is_whole()


@settings(derandomize=True, deadline=None)
@given(requests(), requests(), st.integers(1, 40))
def test_what_is_taken_is_what_came_in_order(first: bytes, second: bytes, count: int) -> None:
    arrival = arrived(first, second)
    taken = b"".join(iter(lambda: arrival.take(count), b""))
    assert taken == first + second
    assert len(arrival) == 0


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_nonsense_is_no_error(before: bytes, after: bytes) -> None:
    for raw in (
        before,
        http(after, "Transfer-Encoding: chunked"),
        http(before, "Content-Length: 9"),
    ):
        assert arrived(raw).is_whole() in {True, False}


@pytest.mark.parametrize(
    "raw",
    [
        b"POST / HTTP/1.1\nHost: a\n\n",
        b"a" * (HEAD_LIMIT + 1),
        http(b"zz\r\n", "Transfer-Encoding: chunked"),
        http(b"1" * 9000, "Transfer-Encoding: chunked"),
        http(b"", f"Content-Length: {LIMIT + 1}"),
        http(b"5\r\nhello\r\n0\r\nX: " + b"1" * (HEAD_LIMIT + 1), "Transfer-Encoding: chunked"),
        http(b"1\r\nx\r\n" * 100_000, "Transfer-Encoding: chunked"),
        http(b"", "Content-Length: 5", "Content-Length: 5"),
        http(b"", "Content-Length: 5, 5"),
        http(b"", "Content-Length: -5"),
    ],
)
def test_what_will_be_refused_is_not_waited_for(raw: bytes) -> None:
    assert arrived(raw).is_whole()


def test_who_expects_to_be_told_is_told_once() -> None:
    head, _, _ = http(b"", "Expect: 100-Continue", "Content-Length: 5").partition(b"\r\n\r\n")
    arrival = arrived(head + b"\r\n\r\n")
    assert not arrival.is_whole()
    assert [arrival.must_be_told(), arrival.must_be_told()] == [True, False]


@pytest.mark.parametrize(
    "raw",
    [
        http(b"", "Expect: 100-continue", first="POST / HTTP/1.0"),
        http(b"", "Expect: something else"),
        http(b"", "X-Expect: 100-continue"),
    ],
)
def test_who_does_not_expect_is_not_told(raw: bytes) -> None:
    assert not arrived(raw).must_be_told()
