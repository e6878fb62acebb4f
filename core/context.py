"""The clock and the source of ids: injected, so that a recording replays exactly."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct


class Context(Struct, frozen=True):
    """What time it is (UTC) and the next message id (an upper-case UUID)."""

    now: Callable[[], datetime]
    new_id: Callable[[], str]


def system_context() -> Context:
    """Give the machine's clock and random ids."""
    return Context(
        now=lambda: datetime.fromtimestamp(time.time(), UTC),
        new_id=lambda: str(uuid.uuid4()).upper(),  # noqa: TID251 - this is its one home
    )
