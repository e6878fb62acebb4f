"""Who the hub is when it answers: its core, its clock and ids, its party key."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from adapters.crowd import Crowd
from core.context import Context
from core.door import Core
from core.store.port import Store
from core.values.identity import PartyKey


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
