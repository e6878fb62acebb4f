"""What the messages of a transfer are, as far as the hub that carries them needs to know.

The hub forwards them to the letter (domains.md 2.3). It reads only which step each one is, and what
an acknowledgement says, to tell the state of a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from legacy_contracts import ns
from legacy_contracts.hl7.payload import Fields

REQUEST: Final = "request"
EXTRACT: Final = "extract"
CONTINUE: Final = "continue"
FRAGMENT: Final = "fragment"
ACKNOWLEDGEMENT: Final = "acknowledgement"

KINDS: Final[Mapping[str, str]] = {
    "RCMR_IN010000UK05": REQUEST,
    "RCMR_IN030000UK06": EXTRACT,
    "RCMR_IN030000UK07": EXTRACT,
    "COPC_IN000001UK01": FRAGMENT,
    "MCCI_IN010000UK13": ACKNOWLEDGEMENT,
}

NACK_CODES: Final[Mapping[str, str]] = {
    "06": "Patient not at surgery",
    "07": "GP2GP messaging is not enabled on this system",
    "10": "Failed to successfully generate EHR Extract",
    "11": "Failed to successfully integrate EHR Extract",
    "12": "Duplicate EHR Extract received",
    "14": "Message not sent because requesting LM messages not enabled",
    "15": "A-B-A EHR Extract received and stored as suppressed record",
    "17": "A-B-A EHR Extract rejected, wrong record or wrong patient",
    "18": "Request message not well-formed or not able to be processed",
    "19": "Requester is not the patient's current healthcare provider",
    "20": "Spine system responded with an error",
    "21": "EHR Extract message not well-formed or not able to be processed",
    "23": "Sender not configured as a large message sender",
    "24": "Sender not configured to send attachments",
    "25": "Large messages rejected due to timeout",
    "28": "Non A-B-A EHR Extract rejected, wrong patient",
    "29": "Large Message re-assembly failure",
    "30": "Large Message general failure",
    "31": "One or more attachments via Large Messages not received",
    "99": "Unexpected condition",
}
"""Code system 17.101 (domains.md 2.3); where that gives no words (07, 14, 23, 24), ours."""

_continues = etree.XPath(
    "boolean(//gp2gp:Gp2gpfragment//*[local-name() = 'acknowledgementDetail'] | "
    "//gp2gp:Gp2gpfragment//*[local-name() = 'acknowledgement'])",
    namespaces={"gp2gp": f"{ns.SERVICES}gp2gp"},
    smart_strings=False,
)


def kind_of(interaction_id: str, root: etree._Element) -> str:
    """Give what a message does in a transfer: a fragment that says "continue" asks for the rest."""
    kind = KINDS.get(interaction_id, FRAGMENT)
    return CONTINUE if kind == FRAGMENT and _continues(root) else kind


def says_yes(said: Fields) -> bool | None:
    """Give what an application acknowledgement says; None of any other message."""
    return None if said.ack_type is None else said.ack_type == "AA"


def reason_code(said: Fields) -> str:
    """Give the code that an acknowledgement gives as its reason, or nothing."""
    return said.detected_issue or said.ack_code or ""
