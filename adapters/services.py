"""What a service of the hub is: how an interaction that is ours is checked and answered."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from adapters.opening import Opened
from adapters.ourselves import Ourselves
from core.messaging.records import Message
from legacy_contracts.hl7.rules import Rules


class Handled(Struct, frozen=True):
    """A message that is ours to do: its key, how it was kept, its payload."""

    key: str
    message: Message
    opened: Opened


Answering = Callable[[Handled, Ourselves], tuple[str, bytes]]
"""Does what a message asks and gives the interaction and payload of the answer."""


class Service(Struct, frozen=True):
    """How an interaction that is ours is checked and answered.

    `in_one`: what it writes, its audit, its answer and that it was done are written as one, where
    the store can. It may keep nothing of a try for the next one, which may have written nothing.
    """

    rules: Rules
    answer: Answering
    in_one: bool = False
