"""What an adapter is: two functions and a table of refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from core.demographics.queries import Command
from core.demographics.records import Found
from core.errors import CoreError
from legacy_contracts.errors import Advice, Fault


class Answer(Struct, frozen=True):
    """A core result in the wire's terms: the typed reply to build, and the advice beside it."""

    reply: Any
    advice: tuple[Advice, ...] = ()


class Translation(Struct, frozen=True):
    """How one interaction meets the core.

    `refusals` gives the faults, in order, that say each refusal of the core on the wire.
    """

    to_command: Callable[[Any], Command]
    to_answer: Callable[[Any, Found], Answer]
    refusals: Mapping[type[CoreError], tuple[Fault, ...]]
