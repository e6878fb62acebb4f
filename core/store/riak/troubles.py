"""What goes wrong between the store and Riak: whether to ask again, and words with the cure."""

from __future__ import annotations

import re
import socket
from typing import Final

from msgspec import Struct

from core.errors import StoreError, StoreFull
from core.store.riak.bucket_types import DOCUMENTS, RECORDS, commands
from core.store.riak.nodes import Address


class Trouble(Struct, frozen=True):
    """A kind of failure: the words of Riak that show it, and what follows.

    `again` is worth asking again within the deadline; `of_node` is the node's own, so that
    another is asked and this one left out.
    """

    signs: tuple[str, ...]
    cure: str
    again: bool = False
    of_node: bool = False
    error: type[StoreError] = StoreError


REFUSALS: Final = (
    Trouble(
        ("insufficient_vnodes", "all_nodes_down", "Unknown message code", "shutting_down"),
        "it is starting or stopping, or too few nodes are up: "
        "`riak admin wait-for-service riak_kv`, then `riak admin member-status`",
        again=True,
        of_node=True,
    ),
    Trouble(
        ("_val_unsatisfied", "insufficient_nodes"),
        "too few replicas answer: start the nodes that `riak admin member-status` shows as down",
        again=True,
    ),
    Trouble(
        ("enospc", "no space left", "disk_full"),
        "its disk is full: free room on it or add a node",
        error=StoreFull,
    ),
    Trouble(
        ("no_type", "No bucket-type", "Invalid bucket type"),
        f"a bucket type is missing: {commands(RECORDS)}, then the same for {DOCUMENTS}",
    ),
    Trouble(("too_large",), "raise object.size.maximum in riak.conf to 50MB"),
    Trouble(
        ("too_many_siblings",),
        "more writers than object.siblings.maximum raced for one key: try again, a read merges it",
    ),
    Trouble(
        ("Security is enabled", "Permission denied", "STARTTLS"),
        "the cluster asks for users and TLS, which this store does not speak: keep it on a "
        "private network with `riak admin security disable`",
    ),
    Trouble(
        ("unexpected message code",),
        "it does not speak Riak's protocol buffers: correct store.url",
        again=True,
        of_node=True,
    ),
    Trouble(
        ("timeout", "overload"),
        "the cluster is too busy or a node hangs: see `riak admin status`, add nodes, or raise "
        "store.deadline_seconds",
        again=True,
    ),
)
"""What a node says, in the order in which the signs are looked for."""

UNKNOWN_REFUSAL: Final = Trouble((), "look into that node's log")
UNKNOWN_BREAKAGE: Final = Trouble(
    (), "does not speak Riak's protocol buffers: correct store.url", again=True, of_node=True
)

_AWAY: Final = (
    (ConnectionRefusedError, "refuses connections: start it, or correct store.url"),
    (
        TimeoutError,
        "does not answer in time: see if it hangs, or raise store.deadline_seconds",
    ),
    (socket.gaierror, "has a name that is not known: correct store.url, or the name service"),
    (OSError, "breaks the connection: see whether it runs and the network in between"),
)
"""What a connection does; the first that fits."""

_DIGITS: Final = re.compile(r"\d{4,}")


def refused(text: str) -> Trouble:
    """Give the kind of trouble that a node's words show."""
    for trouble in REFUSALS:
        if any(sign in text for sign in trouble.signs):
            return trouble
    return UNKNOWN_REFUSAL


def broken(error: BaseException) -> Trouble:
    """Give the kind of trouble that a broken connection shows."""
    for kind, words in _AWAY:
        if isinstance(error, kind):
            return Trouble((), words, again=True, of_node=True)
    return UNKNOWN_BREAKAGE


def said(address: Address, text: str, trouble: Trouble) -> StoreError:
    """Give the error to raise. No number of a patient that a node repeats gets into it."""
    host, port = address
    told = f" says {_DIGITS.sub('#', text)[:120]}:" if text else ""
    return trouble.error(f"riak node {host}:{port}{told} {trouble.cure}")
