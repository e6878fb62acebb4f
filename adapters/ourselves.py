"""Who the hub is when it answers: its core, its clock and ids, its party key."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from core.context import Context
from core.door import Core
from core.store.port import Store
from core.values.identity import PartyKey

FEW: Final = 8
CALM_SECONDS: Final = 0.25
"""With how many messages at once a process is not crowded, and how long it is after more."""


class Crowd:
    """How many messages are being taken on in a process: its threads share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._crowded_until = 0.0
        self._lock = threading.Lock()
        self.computing = threading.Lock()

    @contextlib.contextmanager
    def joined(self) -> Iterator[bool]:
        """Count one more as long as the block lasts; say whether there are few, and were lately."""
        with self._lock:
            self._count += 1
            if self._count > FEW:
                self._crowded_until = self._clock() + CALM_SECONDS
            few = self._clock() >= self._crowded_until
        try:
            yield few
        finally:
            with self._lock:
                self._count -= 1


class Ourselves(Struct, frozen=True):
    """What the hub needs to answer: the core, the clock and ids, its own party key."""

    core: Core
    context: Context
    party_key: PartyKey
    crowd: Crowd = field(default_factory=Crowd)

    def on(self, store: Store) -> Ourselves:
        """Give the same hub, whose core works on another store."""
        return replace(self, core=replace(self.core, store=store))

    def now(self) -> str:
        """Give the time as ebXML writes it."""
        return f"{self.context.now():%Y-%m-%dT%H:%M:%SZ}"
