"""How the audit tells of what systems and operators do."""

from __future__ import annotations

from typing import Any, Final

import old_trace_messages
import old_update_messages
from patients_world import SYSTEMS
from wire_requests import Kind

OLD_USER: Final = "990000000065"
"""Who asks in a message of the oldest generation, which names no system."""

BY_HAND: Final = {
    "superseded": "NumberSuperseded",
    "same number": "ChangeRefused",
    "not replaced": "ChangeRefused",
}
"""How the core tells an operator."""

COMMANDS: Final = {
    Kind.TRACE: "Trace",
    Kind.RETRIEVAL: "Retrieve",
    Kind.CROSS_CHECK: "CrossCheck",
    Kind.CONFIRMATION: "Confirm",
}
_OF_QUERIES: Final = frozenset({*COMMANDS.values(), "AdvancedTrace"})


def who(asid: str) -> str:
    """Give a system as the audit names it, after its party."""
    return f"{SYSTEMS[asid]}/{asid}"


def of_update(interaction: str, asid: str) -> str:
    """Give who sends an update, likewise: the oldest names no system."""
    return (
        f"{SYSTEMS[asid]}/{OLD_USER}" if interaction in old_update_messages.ANSWERS else who(asid)
    )


def of_search(interaction: str, asid: str) -> str:
    """Give who searches by a message, likewise."""
    return (
        f"{SYSTEMS[asid]}/{OLD_USER}"
        if interaction == old_trace_messages.INTERACTION
        else who(asid)
    )


def ended(row: tuple[Any, ...], outcome: str) -> str:
    """Give how an access ended, as `noted` has it: a query's refusal by its name."""
    command, _, numbers = row
    if outcome == "done" or command in _OF_QUERIES:
        return outcome
    return "refused" if numbers else "declined"
