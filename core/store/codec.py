"""Records as bytes: JSON that names its version, readable by whoever inherits the store."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec

from core.errors import StoreError
from core.store.port import Bucket, Record

S = TypeVar("S")
F = TypeVar("F")
T = TypeVar("T")

VERSION = 4
"""The version of the stored form that is written.

A field that is added raises it: what a release does not know, it would drop on its next update.
Form 2 added a patient's ethnic group and birth; form 3 what organisations call a patient, and
what the directory's entries say beyond their rows; form 4 a patient's other identifiers and what
the local register tells of one.
"""

_READ = frozenset({1, 2, 3, 4})
"""The versions that are read: a field of a later one has its default. Any other is refused."""


class _Stored(msgspec.Struct, omit_defaults=True):
    """What stands under a key: `f` the facts by message id, `s` the state unless one fact is it."""

    v: int
    f: dict[str, msgspec.Raw]
    s: msgspec.Raw = msgspec.Raw()


class _StoredHead(msgspec.Struct):
    """The part of it that a read needs when the state stands beside the facts."""

    v: int
    f: msgspec.Raw
    s: msgspec.Raw = msgspec.Raw()


# msgspec keeps what it learns of a class on the class before it has learnt it all: a decoder that
# another thread makes meanwhile reads what is not there, and the process dies.
_MAKING = threading.Lock()


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - any type
    with _MAKING:
        return msgspec.json.Decoder(kind)


def _decoded(kind: type[T], value: bytes | msgspec.Raw) -> T:
    decoded: T = _decoder(cast("Any", kind)).decode(value)
    return decoded


_encode = msgspec.json.Encoder().encode


def encode(bucket: Bucket[S, F], record: Record[S, F]) -> bytes:
    """Give the stored form of a record."""
    facts = {key: msgspec.Raw(_encode(fact)) for key, fact in sorted(record.facts.items())}
    if len(facts) == 1 and bucket.whole(next(iter(record.facts.values()))) is not None:
        return _encode(_Stored(v=VERSION, f=facts))
    return _encode(_Stored(v=VERSION, f=facts, s=msgspec.Raw(_encode(record.state))))


def decode(bucket: Bucket[S, F], value: bytes) -> Record[S, F]:
    """Give the record that a stored form holds; raise `StoreError` where it holds none."""
    try:
        stored = _decoded(_Stored, value)
        _require_form(stored.v)
        facts = {key: _decoded(bucket.fact, raw) for key, raw in stored.f.items()}
        return Record(facts, _state(bucket, facts, stored.s), source=value)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a record of bucket {bucket.name} is damaged: {error}") from error


def decode_state(bucket: Bucket[S, F], value: bytes) -> S:
    """Give only the state that a stored form holds, without touching facts it stands beside."""
    try:
        head = _decoded(_StoredHead, value)
        _require_form(head.v)
        if head.s:
            return _decoded(bucket.state, head.s)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a record of bucket {bucket.name} is damaged: {error}") from error
    return decode(bucket, value).state


def _state(bucket: Bucket[S, F], facts: dict[str, F], raw: msgspec.Raw) -> S:
    if raw:
        return _decoded(bucket.state, raw)
    return bucket.fold(facts)


def _require_form(version: int) -> None:
    if version not in _READ:
        raise StoreError(
            f"a record was written in form {version}, this release reads forms up to {VERSION}: "
            "run the release that wrote it, or restore a backup made by this one"
        )
