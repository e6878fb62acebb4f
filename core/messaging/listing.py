"""Messages for whoever looks after the hub: on their way, given up, or one by its id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from core.messaging.records import BY_END, BY_FAILURE, BY_ID, MESSAGES, Message
from core.store.port import Span, Store
from core.values.messaging import Standing

_PAGE: Final = 500
_ALL: Final = "~"


class Wanted(Struct, frozen=True):
    """Which messages to list; without an id, those on their way and those given up."""

    message_id: str | None = None
    party: str | None = None
    standing: Standing | None = None


def listed(store: Store, wanted: Wanted) -> Iterator[tuple[str, Message]]:
    """Give messages with their keys: what is on its way, then what was given up."""
    for span in _spans(wanted):
        after: str | None = None
        while True:
            page = store.find(MESSAGES, span, limit=_PAGE, after=after)
            for _term, key in page.entries:
                message = store.read(MESSAGES, key)
                if message is not None and _is_wanted(message, wanted):
                    yield key, message
            after = page.after
            if after is None:
                break


def _spans(wanted: Wanted) -> tuple[Span, ...]:
    if wanted.message_id is not None:
        own = wanted.message_id.upper()
        return (Span(BY_ID, own, own),)
    in_flight, failed = Span(BY_END, "", _ALL), Span(BY_FAILURE, "", _ALL)
    if wanted.standing is Standing.FAILED:
        return (failed,)
    return (in_flight, failed) if wanted.standing is None else (in_flight,)


def _is_wanted(message: Message, wanted: Wanted) -> bool:
    envelope = message.accepted.envelope
    return wanted.party in {None, envelope.sender, envelope.receiver} and wanted.standing in {
        None,
        message.standing,
    }
