"""The shells around a payload: transmission wrapper and ControlAct (transport.md 1.8, pds.md 1.5).

Builders for the MIM 3.1 and later generations; frames and their order are those of the captured
answers (corpus pds) and of the Spine 2 response stylesheets, cited by name where one is followed.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from legacy_contracts import oids
from legacy_contracts.errors import MEANINGS, Advice, Fault
from legacy_contracts.hl7.rim import Xml, escape


class Correlation(Struct, frozen=True):
    """What an answer must repeat of its request, as far as the request has it."""

    transport_id: str
    message_id: str
    to_id: str
    from_id: str


class Moment(Struct, frozen=True):
    """What is new in an answer: its own id, and when it is made (`yyyymmddhhmmss`)."""

    message_id: str
    time: str


_QUERY_OK: Final = '<queryAck type="QueryAck"><queryResponseCode code="OK"/></queryAck>'
_QUERY_ID: Final = '<queryAck type="QueryAck"><queryResponseCode code="ID"/></queryAck>'


def device(name: str, type_code: str, identifier: str, root: str = oids.ASID) -> str:
    """Give a communication function: which system sends, which receives."""
    return (
        f'<{name} typeCode="{type_code}"><device classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="{root}" extension="{escape(identifier)}"/></device></{name}>'
    )


def devices(to: Correlation, root: str = oids.ASID) -> str:
    """Give both communication functions of an answer: the request's, turned round."""
    return device("communicationFunctionRcv", "RCV", to.from_id, root) + device(
        "communicationFunctionSnd", "SND", to.to_id, root
    )


def transmission_head(interaction_id: str, version_code: str, at: Moment) -> str:
    """Give what every wrapper starts with, up to the acknowledgement."""
    return (
        f'<id root="{at.message_id}"/><creationTime value="{at.time}"/>'
        f'<versionCode code="{version_code}"/>'
        f'<interactionId root="{oids.INTERACTION}" extension="{interaction_id}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
    )


def transmission(
    interaction_id: str, version_code: str, at: Moment, acknowledgement: str, rest: str
) -> Xml:
    """Give a whole interaction: the wrapper's head, the acknowledgement, and the rest."""
    head = transmission_head(interaction_id, version_code, at)
    return Xml(f"<{interaction_id}>{head}{acknowledgement}{rest}</{interaction_id}>")


def message_ref(to: Correlation) -> str:
    """Give the reference to the message that is answered, its id as it was sent."""
    return f'<messageRef><id root="{escape(to.message_id)}"/></messageRef>'


def accepted(to: Correlation) -> str:
    """Give the acknowledgement of a success."""
    return f'<acknowledgement typeCode="AA">{message_ref(to)}</acknowledgement>'


def in_error(to: Correlation) -> str:
    """Give the acknowledgement of a business refusal; its reasons stand in the ControlAct."""
    return f'<acknowledgement typeCode="AE">{message_ref(to)}</acknowledgement>'


def rejected(to: Correlation, fault: Fault) -> str:
    """Give the acknowledgement of a wrapper refusal, with the one error it has room for."""
    meaning = MEANINGS[fault.name]
    return (
        '<acknowledgement typeCode="AR"><acknowledgementDetail typeCode="ER">'
        f'<code codeSystem="{oids.WRAPPER_ERROR}" code="{meaning.code}" '
        f'displayName="{escape(worded(meaning.text, fault))}"/></acknowledgementDetail>'
        f"{message_ref(to)}</acknowledgement>"
    )


def worded(text: str, fault: Fault) -> str:
    """Give the words of an error with the supplement that the legacy adds (pds.md 4.1)."""
    return text if fault.supplement is None else f"{text} - {fault.supplement}"


def system_author(asid: str) -> str:
    """Give the author of an act that a system made."""
    return (
        '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT">'
        '<agentSystemSDS classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="{oids.ASID}" extension="{escape(asid)}"/></agentSystemSDS>'
        "</AgentSystemSDS></author1>"
    )


def control_act(content: str, to: Correlation) -> str:
    """Give a ControlAct whose author is the system that answers."""
    author = system_author(to.to_id)
    return f'<ControlActEvent classCode="CACT" moodCode="EVN">{author}{content}</ControlActEvent>'


def advice_reasons(advice: tuple[Advice, ...]) -> str:
    """Give the warnings of a success, one reason each."""
    return "".join([_reason(one.code, one.text, "WG") for one in advice])


def fault_reasons(faults: tuple[Fault, ...]) -> str:
    """Give the errors of a refusal, one reason each."""
    reasons = []
    for fault in faults:
        meaning = MEANINGS[fault.name]
        reasons.append(_reason(meaning.code, worded(meaning.text, fault), "ER"))
    return "".join(reasons)


def answered(payload: Xml) -> str:
    """Give the subject and the query's good end."""
    return f'<subject typeCode="SUBJ">{payload}</subject>{_QUERY_OK}'


def unanswered() -> str:
    """Give the query's bad end."""
    return _QUERY_ID


def _reason(code: str, text: str, level: str) -> str:
    return (
        '<reason typeCode="RSON"><justifyingDetectedIssueEvent classCode="ALRT" moodCode="EVN">'
        f'<code code="{code}" codeSystem="{oids.BUSINESS_ERROR}" displayName="{escape(text)}">'
        f'<qualifier code="{level}"/></code></justifyingDetectedIssueEvent></reason>'
    )
