"""The index of all interactions: by service and id, those that the hub answers among them."""

from __future__ import annotations

from typing import Final

from lxml import etree

from legacy_contracts.errors import UnknownInteraction
from legacy_contracts.interaction import HubInteraction, Interaction, Unanswered
from legacy_contracts.pds import (
    advanced_trace,
    advanced_trace_2_3,
    allocation,
    batch_trace,
    birth_service,
    births,
    confirmation,
    cross_check,
    retrieval,
    trace,
    updates,
)
from legacy_contracts.sds import soap_search
from legacy_contracts.smsp.operations import OPERATIONS
from legacy_contracts.tms import alerts, batch

INTERACTIONS: Final[tuple[Interaction, ...]] = (
    *trace.INTERACTIONS,
    *retrieval.INTERACTIONS,
    *cross_check.INTERACTIONS,
    *confirmation.INTERACTIONS,
)
"""Those that are answered in the HTTP answer."""

HUB_INTERACTIONS: Final[tuple[HubInteraction, ...]] = (
    *alerts.INTERACTIONS,
    *batch.INTERACTIONS,
    *allocation.INTERACTIONS,
    *births.INTERACTIONS,
    *updates.INTERACTIONS,
    *advanced_trace.INTERACTIONS,
    *batch_trace.INTERACTIONS,
    *advanced_trace_2_3.INTERACTIONS,
)
"""Those over ebXML that are answered by a message of ours."""

UNANSWERED: Final[tuple[Unanswered, ...]] = (
    *birth_service.UNANSWERED,
    *soap_search.UNANSWERED,
)
"""Those that are known by name and answered by nothing but a SOAP fault 101."""

BY_ACTION: Final = {row.action: row for row in INTERACTIONS}
BY_ID: Final = {row.interaction_id: row for row in INTERACTIONS}

IDS: Final = (
    *(row.interaction_id for row in INTERACTIONS),
    *(row.interaction_id for row in HUB_INTERACTIONS),
)
"""Every interaction that is answered here, however it travels."""

ACTIVITIES: Final = (*IDS, *OPERATIONS)
"""All that a system can be granted here: interactions, and operations of the mini services."""

_NAMES: Final = " or ".join(f"local-name() = '{row.element}'" for row in UNANSWERED)
# NN4B's stylesheets know a SOAP namespace of 2001 and none of the wire's: names alone are asked.
_unanswered = etree.XPath(
    f"boolean(/*[local-name() = 'Envelope']/*[local-name() = 'Body']/*[{_NAMES} or *[{_NAMES}]])",
    smart_strings=False,
)


def is_unanswered(root: etree._Element) -> bool:
    """Say whether the body of a message, or what wraps it there, is one that nobody answers."""
    return bool(_unanswered(root))


def by_action(action: str) -> Interaction:
    """Give the row that a wsa:Action or SOAPAction names; raise `UnknownInteraction`."""
    row = BY_ACTION.get(action)
    if row is None:
        raise UnknownInteraction
    return row
