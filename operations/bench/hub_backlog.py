"""Messages that are due, put into a store at once: as the hub writes them, many together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final, cast

from msgspec.structs import replace

from core.context import Context
from core.directory import ContractProperties
from core.messaging.hub import Hub
from core.messaging.keeping import Outgoing, later
from core.store.port import Store, Write
from core.values.messaging import Content, Terms, Way
from operations.bench.hub_messages import Template, ids

_TOGETHER: Final = 1000
"""Messages in one transaction."""


class _Gathered:
    """Keeps what a hub writes until all of it is written in one go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._writes: list[Write] = []

    def apply(self, writes: Iterable[Write]) -> None:
        """Keep some writes."""
        self._writes += writes

    def flush(self) -> None:
        """Write everything that was kept."""
        self._store.apply(self._writes)
        self._writes = []


def fill(
    store: Store, template: Template, contract: ContractProperties, context: Context, count: int
) -> None:
    """Put so many messages into a store, accepted and due now, each with an id of its own."""
    gathered = _Gathered(store)
    hub = Hub(cast("Store", gathered), context.now)
    terms = _terms(contract, context)
    for number, message_id in enumerate(islice(ids(context), count), 1):
        content = template.content
        body = Content(template.under(message_id), content.content_type, content.action)
        envelope = replace(template.envelope, message_id=message_id, conversation_id=message_id)
        hub.send(Outgoing(envelope, body, terms, Way.FORWARD))
        if number % _TOGETHER == 0:
            gathered.flush()
    gathered.flush()


def _terms(contract: ContractProperties, context: Context) -> Terms:
    until = later(context.now(), contract.persist_seconds)
    return Terms(
        retries=contract.retries,
        retry_seconds=contract.retry_seconds,
        until=until,
        eliminated_until=until,
        acknowledged=True,
        notified=True,
    )
