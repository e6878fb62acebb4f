"""What a receiver answers is read as the standard library reads it, by the short way too."""

from __future__ import annotations

import http.client
import io

from hypothesis import given
from hypothesis import strategies as st

from adapters.courier import HttpReply
from facade.posting import read_reply


class Given:
    """An answer in the shape of the socket that the standard library reads."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> io.BytesIO:
        """Give the answer."""
        return io.BytesIO(self._answer)


def by_the_library(answer: bytes) -> HttpReply | type[Exception]:
    reply = http.client.HTTPResponse(Given(answer), method="POST")
    try:
        reply.begin()
        return HttpReply(reply.status, reply.read())
    except (http.client.HTTPException, ValueError) as error:
        return type(error)


def by_us(answer: bytes) -> HttpReply | type[Exception]:
    try:
        return read_reply(answer)
    except (http.client.HTTPException, ValueError) as error:
        return type(error)


LENGTHS = st.sampled_from(["0", "3", "5", "05", "+3", "3, 3", "", "-1", "9999999"])
HEADERS = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(["Content-Length", "content-length"]), LENGTHS),
    st.sampled_from(
        [
            *("Content-Type: text/xml", "X-Empty:", "Connection: close", "Server: a b", "X: \tq"),
            *(
                "Transfer-Encoding: chunked",
                " folded",
                "no colon",
                "Content-Length : 3",
                "X\u00e9: y",
            ),
        ]
    ),
)
STATUSES = st.sampled_from(
    [
        *("HTTP/1.1 202 Accepted", "HTTP/1.0 500 Internal Server Error", "HTTP/1.1 204 No Content"),
        *("HTTP/1.1 200", "HTTP/1.1 304 Not Modified", "HTTP/1.1 99 Low", "HTTP/2 200 OK"),
        *("HTTP/1.1 100 Continue", "ICY 200 OK", "HTTP/1.1 2020 Odd", "HTTP/1.1 202 \u00c4"),
    ]
)
BODIES = st.sampled_from([b"", b"abc", b"abcdef", b"3\r\nabc\r\n0\r\n\r\n", b"\r\n"])


@given(STATUSES, st.lists(HEADERS, max_size=4), st.sampled_from(["\r\n", "\n"]), BODIES)
def test_every_answer_is_read_as_the_library_reads_it(
    status: str, headers: list[str], end: str, body: bytes
) -> None:
    head = end.join([status, *headers, "", ""])
    answer = head.encode("latin-1") + body
    assert by_us(answer) == by_the_library(answer)
