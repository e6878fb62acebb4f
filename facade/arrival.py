"""Has a request arrived? A hint, so that no thread waits for a peer that is slow to send.

Nothing is decided here: gunicorn's parser reads the same bytes afterwards and refuses what is
wrong with them. Where this module cannot tell, it says that the request has arrived.
"""

from __future__ import annotations

import re
from typing import Final

HEAD_LIMIT: Final = 65_536
"""A longer head is handed over for the parser to refuse."""

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*(?=\r\n|$)")
_EXPECTS: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n|$)")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;|$)")
_CHUNK_LINE_LIMIT: Final = 8_190
_CHUNKED: Final = 1 << 62


def wire_limit(limit_bytes: int) -> int:
    """Give how many bytes a body may take with its chunks' framing."""
    return limit_bytes * 5 // 4 + HEAD_LIMIT


class Arrival:
    """The bytes of a request as they come in."""

    __slots__ = ("_body_at", "_bytes", "_chunk_at", "_length", "_limit", "_to_be_told")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = bytearray()
        self._to_be_told: bool
        self._begin()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, data: bytes) -> None:
        """Take in what has come."""
        self._bytes += data

    def take(self, count: int) -> bytes:
        """Give up to so many bytes, in order; what is left belongs to this request or the next."""
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        self._begin()
        return taken

    def must_be_told(self) -> bool:
        """Say, once, whether the peer waits to be told to go on (`Expect: 100-continue`)."""
        waits = self._to_be_told
        self._to_be_told = False
        return waits

    def is_whole(self) -> bool:
        """Say whether a thread that reads the request would not have to wait for its peer.

        A body over the limit is whole at once: it is refused before it is read.
        """
        if self._body_at == 0 and not self._read_head():
            return len(self._bytes) > HEAD_LIMIT or self._has_bare_line_feed()
        if self._length == _CHUNKED:
            return self._has_last_chunk() or len(self._bytes) > self._body_at + wire_limit(
                self._limit
            )
        return self._length > self._limit or len(self._bytes) >= self._body_at + self._length

    def _begin(self) -> None:
        self._body_at = 0
        self._length = 0
        self._chunk_at = 0
        self._to_be_told = False

    def _read_head(self) -> bool:
        end = self._bytes.find(_END_OF_HEAD)
        if end < 0:
            return False
        head = bytes(self._bytes[:end]).lower()
        self._body_at = self._chunk_at = end + len(_END_OF_HEAD)
        lengths = _LENGTH.findall(head)
        first = head.partition(b"\r\n")[0]
        self._to_be_told = first.endswith(b" http/1.1") and _EXPECTS.search(head) is not None
        if b"\ntransfer-encoding" in head:
            self._length = _CHUNKED
        elif len(lengths) == 1:
            self._length = int(lengths[0])
        return True

    def _has_bare_line_feed(self) -> bool:
        return self._bytes.count(b"\n") != self._bytes.count(b"\r\n")

    def _has_last_chunk(self) -> bool:
        """Step over the chunks that are there; what is no chunk is the parser's to refuse."""
        while self._chunk_at < len(self._bytes):
            end = self._bytes.find(b"\r\n", self._chunk_at, self._chunk_at + _CHUNK_LINE_LIMIT)
            if end < 0:
                return len(self._bytes) - self._chunk_at > _CHUNK_LINE_LIMIT
            size = _CHUNK_SIZE.match(self._bytes, self._chunk_at, end)
            if size is None:
                return True
            if int(size[1], 16) == 0:
                return self._has_trailers(end)
            self._chunk_at = end + 2 + int(size[1], 16) + 2
        return False

    def _has_trailers(self, end: int) -> bool:
        trailers_end = self._bytes.find(_END_OF_HEAD, end)
        return trailers_end >= 0 or len(self._bytes) - end > HEAD_LIMIT
