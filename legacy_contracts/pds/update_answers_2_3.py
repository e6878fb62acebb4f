"""How MIM 2.3 is told that an update was done, or was not: parties in place of systems, no author.

pdsUpdateSuccess_PRPA_MT180101UK02_23 and generateHL7PRPA_MT210101UK02DetectedIssue; no schema of
either is public. A failure has room for one error, and the stylesheet takes the last of them.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.errors import MEANINGS, Fault
from legacy_contracts.hl7 import pushed, rim
from legacy_contracts.hl7.pushed import Ack
from legacy_contracts.hl7.rim import Xml, act, element, escape, link, simple_code, text_element
from legacy_contracts.hl7.wrappers import worded

DONE: Final = "PRPA_IN150000UK01"
FAILED: Final = "PRPA_IN140000UK01"
_VERSION: Final = "V3NPfIT2.3"


class Parties(Struct, frozen=True):
    """Between whom an answer goes, and the id of the request that it answers."""

    to_party: str
    from_party: str
    request_id: str


def done(ack: Ack, between: Parties, serial_change_number: int) -> bytes:
    """Give the message that says an update was done."""
    number = act(
        "pertinentSerialChangeNumber",
        simple_code("code", "2") + rim.valued("value", str(serial_change_number)),
    )
    content = (
        Xml(f'<code codeSystem="{oids.P1R1_RESULT}" code="14" displayName="Successful Update"/>')
        + link("pertinentInformation", number, "PERT")
        + _fulfilled("priorPdsUpdateRequest", between)
    )
    return _message(
        (DONE, "AA"), ack, between, _root("PdsSuccessfulUpdateResponse", "REG", content)
    )


def failed(ack: Ack, between: Parties, fault: Fault) -> bytes:
    """Give the message that says an update was refused, and why."""
    words = worded(MEANINGS[fault.name].text, fault)
    event = act(
        "justifyingDetectedIssueEvent",
        simple_code("code", "1") + text_element("value", words),
        class_code="ALRT",
    )
    content = (
        simple_code("code", "1")
        + Xml(f'<value code="15" codeSystem="{oids.P1R1_RESULT}" displayName="{escape(words)}"/>')
        # The stylesheet gives the answer's own id here, and the success the request's.
        + _fulfilled("priorPdsRequest", between)
        + element("reason", event)
    )
    return _message((FAILED, "AE"), ack, between, _root("PdsFailureResponse", "OBS", content))


def _fulfilled(name: str, between: Parties) -> Xml:
    prior = act(
        name,
        element("id", "", f' root="{escape(between.request_id)}"'),
        class_code="REG",
        mood="RQO",
    )
    return link("inFulfillmentOf", prior, "FLFS")


def _root(name: str, class_code: str, content: str) -> Xml:
    return Xml(
        f'<{name} xmlns="{ns.HL7}" classCode="{class_code}" moodCode="EVN">{content}</{name}>'
    )


def _message(what: tuple[str, str], ack: Ack, between: Parties, payload: Xml) -> bytes:
    interaction_id, type_code = what
    subject = f'<hl7:subject typeCode="SUBJ" contextConductionInd="false">{payload}</hl7:subject>'
    content = (
        element("hl7:id", "", f' root="{escape(ack.message_id)}"')
        + rim.valued("hl7:creationTime", ack.time)
        + simple_code("hl7:versionCode", _VERSION)
        + rim.instance(oids.INTERACTION, interaction_id, "hl7:interactionId")
        + simple_code("hl7:processingCode", "P")
        + simple_code("hl7:processingModeCode", "T")
        + simple_code("hl7:acceptAckCode", "NE")
        + pushed.acknowledgement(ack, type_code)
        + link("hl7:communicationFunctionRcv", _party(between.to_party), "RCV")
        + link("hl7:communicationFunctionSnd", _party(between.from_party), "SND")
        + act("hl7:ControlActEvent", subject, class_code="CACT")
    )
    whole = element(f"hl7:{interaction_id}", content, f' xmlns:hl7="{ns.HL7}"')
    return (pushed.DECLARATION + whole).encode()


def _party(key: str) -> Xml:
    return rim.entity("hl7:device", rim.instance(oids.PARTY_KEY, key, "hl7:id"), "DEV")
