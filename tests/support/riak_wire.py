"""Riak's protocol buffers, a second time: frames and fields, sharing no code with the client.

A frame is a length of four bytes, a message code, and a message; a message is fields by number
(riak.proto and riak_kv.proto of OpenRiak 3.2). Here a message is a list of (number, value), with
integers, booleans and bytes as values; a message within a message is bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

Field = tuple[int, int | bool | bytes | None]
Fields = dict[int, list[int | bytes]]

ERROR = 0
PING, PONG = 1, 2
SERVER_INFO, SERVER_INFO_ANSWER = 7, 8
GET, GET_ANSWER = 9, 10
PUT, PUT_ANSWER = 11, 12
DELETE, DELETE_ANSWER = 13, 14
LIST_KEYS, LIST_KEYS_ANSWER = 17, 18
PROPERTIES_ANSWER = 20
INDEX, INDEX_ANSWER = 25, 26
TYPE_PROPERTIES = 31

_VARINT, _BYTES = 0, 2


def message(*fields: Field) -> bytes:
    """Encode fields; those that are None are left out."""
    return b"".join(_field(number, value) for number, value in fields if value is not None)


def repeated(number: int, values: Iterable[int | bytes]) -> list[Field]:
    """Give one field for each value."""
    return [(number, value) for value in values]


def fields(data: bytes) -> Fields:
    """Decode a message into its values by field number."""
    found: Fields = {}
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _read_varint(data, at)
        elif kind == _BYTES:
            size, at = _read_varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise ValueError(f"wire type {kind} is not of these messages")
        found.setdefault(number, []).append(value)
    return found


def one(found: Fields, number: int) -> int | bytes | None:
    """Give the last value of a field, or None."""
    return found[number][-1] if number in found else None


def frame(code: int, body: bytes = b"") -> bytes:
    """Give a message as it goes over the wire."""
    return struct.pack("!IB", len(body) + 1, code) + body


def receive(sock: socket.socket) -> tuple[int, bytes] | None:
    """Give the next message's code and body, or None when the other side has closed."""
    head = _exactly(sock, 4)
    if head is None:
        return None
    body = _exactly(sock, struct.unpack("!I", head)[0])
    return None if body is None else (body[0], body[1:])


def ask(sock: socket.socket, code: int, body: bytes = b"") -> tuple[int, bytes]:
    """Send a message and give its answer."""
    sock.sendall(frame(code, body))
    answer = receive(sock)
    if answer is None:
        raise ConnectionResetError("closed before it answered")
    return answer


def _exactly(sock: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = sock.recv(min(size - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def _field(number: int, value: int | bool | bytes) -> bytes:  # noqa: FBT001 - a field's value
    if isinstance(value, bytes):
        return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return _varint(number << 3 | _VARINT) + _varint(int(value))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
