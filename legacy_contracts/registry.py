"""The index of all interactions: by service and id."""

from __future__ import annotations

from typing import Final

from legacy_contracts.errors import UnknownInteraction
from legacy_contracts.interaction import Interaction
from legacy_contracts.pds import confirmation, cross_check, retrieval, trace

INTERACTIONS: Final[tuple[Interaction, ...]] = (
    *trace.INTERACTIONS,
    *retrieval.INTERACTIONS,
    *cross_check.INTERACTIONS,
    *confirmation.INTERACTIONS,
)

BY_ACTION: Final = {row.action: row for row in INTERACTIONS}
BY_ID: Final = {row.interaction_id: row for row in INTERACTIONS}


def by_action(action: str) -> Interaction:
    """Give the row that a wsa:Action or SOAPAction names; raise `UnknownInteraction`."""
    row = BY_ACTION.get(action)
    if row is None:
        raise UnknownInteraction
    return row


def is_known(interaction_id: str) -> bool:
    """Say whether an interaction is built here."""
    return interaction_id in BY_ID
