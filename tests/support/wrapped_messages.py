"""The shells that an HL7 message stands in, and who sends it to whom."""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import quoteattr

from ebxml_messages import FORWARD, SERVICES, Message, new_id
from msgspec import Struct
from wire_requests import NHS_NUMBER_ROOT

from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

OTHER_PARTY: Final = "T88888-9900002"
OTHER_ASID: Final = "990000000003"
"""A second party and its system: who receives what the sample party sends."""

CODES: Final = "2.16.840.1.113883.2.1.3.2.4"
ASID: Final = "1.2.826.0.1285.0.2.0.107"
ODS: Final = "1.2.826.0.1285.0.1.10"
TIME: Final = "20140825093000"


class Route(Struct, frozen=True):
    """From whom to whom: the parties, the receiver's contract, and the systems."""

    from_party: str = SAMPLE_PARTY
    to_party: str = OTHER_PARTY
    cpa_id: str = "S9999999A9999902"
    from_asid: str = SAMPLE_ASID
    to_asid: str = OTHER_ASID

    def back(self, cpa_id: str = "S9999999A9999903") -> Route:
        """Give the way back, under the contract of the party that was the sender."""
        return Route(self.to_party, self.from_party, cpa_id, self.to_asid, self.from_asid)


def wrapped_message(
    route: Route,
    service: str,
    interaction: str,
    content: str,
    message_id: str | None,
    *,
    before: str = "",
) -> Message:
    """Give a message in the transmission wrapper; `before` stands before the systems."""
    own_id = message_id or new_id()
    payload = (
        f'<{interaction} xmlns="urn:hl7-org:v3"><id root={quoteattr(own_id)}/>'
        f'<creationTime value="{TIME}"/><versionCode code="V3NPfIT3.0"/>'
        f'<interactionId root="{CODES}.12" extension="{interaction}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{before}{_device('Rcv', route.to_asid)}{_device('Snd', route.from_asid)}"
        f'<ControlActEvent classCode="CACT" moodCode="EVN">{content}</ControlActEvent>'
        f"</{interaction}>"
    )
    return Message(
        SERVICES + service,
        interaction,
        payload,
        from_party=route.from_party,
        to_party=route.to_party,
        cpa_id=route.cpa_id,
        message_id=own_id,
        conversation_id=own_id,
        path=FORWARD,
    )


def route_of(message: Message) -> Route:
    """Give the route of a message; its systems stand in the payload."""
    asids = re.findall(rf'<id root="{ASID}" extension="([^"]*)"', message.payload)
    return Route(message.from_party, message.to_party, message.cpa_id, asids[1], asids[0])


def _device(way: str, asid: str) -> str:
    return (
        f'<communicationFunction{way} typeCode="{way.upper()}">'
        '<device classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="{ASID}" extension={quoteattr(asid)}/></device></communicationFunction{way}>'
    )


def system(route: Route) -> str:
    """Give the author that a system is."""
    return (
        '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT">'
        '<agentSystemSDS classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="{ASID}" extension={quoteattr(route.from_asid)}/>'
        "</agentSystemSDS></AgentSystemSDS></author1>"
    )


def person() -> str:
    """Give the author that a person is, in a role."""
    return (
        '<author typeCode="AUT"><AgentPersonSDS classCode="AGNT">'
        '<id root="1.2.826.0.1285.0.2.0.67" extension="990000000067"/>'
        '<agentPersonSDS classCode="PSN" determinerCode="INSTANCE">'
        '<id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/></agentPersonSDS>'
        '<part typeCode="PART"><partSDSRole classCode="ROL">'
        '<id root="1.2.826.0.1285.0.2.1.104" extension="S0080:G0450:R5080"/>'
        "</partSDSRole></part></AgentPersonSDS></author>"
    )


def subject(content: str) -> str:
    """Give the subject of a control act."""
    return f'<subject typeCode="SUBJ" contextConductionInd="false">{content}</subject>'


def record_target(nhs_number: str, more: str = "") -> str:
    """Give the patient whose record a message is about."""
    identified = f'<id root="{NHS_NUMBER_ROOT}" extension={quoteattr(nhs_number)}/>'
    return (
        f'<recordTarget typeCode="RCT"{more}><patient classCode="PAT">{identified}</patient>'
        "</recordTarget>"
    )
