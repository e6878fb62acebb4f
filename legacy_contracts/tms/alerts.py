"""Alerts, COMT_IN000001UK01: word to a privacy officer that a record was opened (tms-rules.md 5).

The checks are those of COMT_MT000001UK01. All have one name; the place that the legacy writes to
its log beside the name is the fault's supplement here, so that the sender can mend what is wrong.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.hl7.rules import Group, Rule, Rules
from legacy_contracts.interaction import Generation, HubInteraction, Pattern

INTERACTION_ID: Final = "COMT_IN000001UK01"

_ACT: Final = f"/hl7:{INTERACTION_ID}/hl7:ControlActEvent"
_PERSON: Final = f"{_ACT}/hl7:author/hl7:AgentPersonSDS"
_SYSTEM: Final = f"{_ACT}/hl7:author1/hl7:AgentSystemSDS"
_ALERT: Final = f"{_ACT}/hl7:subject/hl7:AlertEvent"
_REASON: Final = f"{_ALERT}/hl7:reason/hl7:justifyingReasonCoded"
_REASON_TEXT: Final = f"{_ALERT}/hl7:reason1/hl7:justifyingReasonText"
_NOTIFICATION: Final = f"{_ALERT}/hl7:component/hl7:notificationMessage"
_PATIENT: Final = f"{_ALERT}/hl7:recordTarget/hl7:patient"
_AUTHOR: Final = f"{_ALERT}/hl7:author/hl7:authorSDS"
_DEVICE: Final = f"{_ALERT}/hl7:device/hl7:assignedDeviceSDS"
_NHS_NUMBER: Final = f"hl7:id[@root='{oids.NHS_NUMBER}']/@extension"
_ORGANISATION: Final = "hl7:representedOrganizationSDS"


def _rule(test: str, place: str) -> Rule:
    return Rule(test, "ALERT_INVALID_INPUT", place)


def _filled(path: str, place: str) -> Rule:
    return _rule(f"string-length({path}) > 0", place)


def _one(path: str, place: str) -> Rule:
    return _rule(f"count({path}) = 1", place)


def _at_most_one(path: str, place: str) -> Rule:
    return _rule(f"count({path}) <= 1", place)


RULES: Final = Rules(
    (
        # The original asks these three at every element of the message; once says as much.
        Group(
            "",
            (
                _one(_PERSON, "checkRoot:agentPersonSDS"),
                _one(_SYSTEM, "checkRoot:agentSystemSDS"),
                _one(_ALERT, "checkRoot:alertEvent"),
            ),
        ),
        Group(_PERSON, (_filled("hl7:agentPersonSDS/hl7:id/@extension", "checkAgentPerson:id"),)),
        Group(_SYSTEM, (_filled("hl7:agentSystemSDS/hl7:id/@extension", "checkAgentSystem:id"),)),
        Group(
            _ALERT,
            (
                _filled("hl7:id/@root", "checkAlertEvent:id"),
                _filled("hl7:code/@code", "checkAlertEvent:code:code"),
                _filled("hl7:code/@codeSystem", "checkAlertEvent:code:codeSystem"),
                _filled("hl7:effectiveTime/@value", "checkAlertEvent:effectiveTime"),
                _one(
                    "hl7:reason/hl7:justifyingReasonCoded", "checkAlertEvent:justifyingReasonCoded"
                ),
                _at_most_one(
                    "hl7:reason1/hl7:justifyingReasonText", "checkAlertEvent:justifyingReasonText"
                ),
                _at_most_one(
                    "hl7:component/hl7:notificationMessage", "checkAlertEvent:notificationMessage"
                ),
                _one("hl7:recordTarget/hl7:patient", "checkAlertEvent:patient"),
                _one("hl7:author/hl7:authorSDS", "checkAlertEvent:authorSDS"),
                _one("hl7:device/hl7:assignedDeviceSDS", "checkAlertEvent:assignedDeviceSDS"),
            ),
        ),
        Group(
            _REASON,
            (
                _filled("hl7:code/@code", "checkJustifyingReasonCoded:code:code"),
                _filled("hl7:code/@codeSystem", "checkJustifyingReasonCoded:code:codeSystem"),
                _filled("hl7:id/@root", "checkJustifyingReasonCoded:id"),
            ),
        ),
        Group(
            _REASON_TEXT,
            (
                _filled("hl7:id/@root", "checkJustifyingReasonText:id"),
                _filled("hl7:text", "checkJustifyingReasonText:text"),
            ),
        ),
        Group(
            _NOTIFICATION,
            (
                _filled("hl7:id/@root", "checkNotificationMessage:id"),
                _filled("hl7:text", "checkNotificationMessage:text"),
            ),
        ),
        # Ten characters: the check digit is not asked about.
        Group(_PATIENT, (_rule(f"string-length({_NHS_NUMBER}) = 10", "checkPatient:nhsNumber"),)),
        Group(
            _AUTHOR,
            tuple(
                _filled(f"hl7:{name}/{what}", f"checkAuthorSDS:{name}:{place}")
                for name, what, place in (
                    ("representedOrganizationSDS", "hl7:id/@root", "id:root"),
                    ("representedOrganizationSDS", "hl7:id/@extension", "id:extension"),
                    ("representedOrganizationSDS", "hl7:name", "name"),
                    ("assignedPerson", "hl7:desc", "desc"),
                    ("assignedPerson", "hl7:id/@root", "id:root"),
                    ("assignedPerson", "hl7:id/@extension", "id:extension"),
                    ("assignedPerson", "hl7:name", "name"),
                )
            ),
        ),
        Group(_DEVICE, (_filled("hl7:assignedDevice/hl7:name", "checkAssignedDeviceSDS:name"),)),
    )
)


class Alert(Struct, frozen=True):
    """What is kept of an alert: whose record, who opened it, with what reason, on which system."""

    alert_id: str
    code: str
    effective_time: str
    nhs_number: str
    user: str
    system: str
    reason_code: str
    reason_text: str | None
    notification: str | None
    organisation_root: str
    organisation_id: str
    organisation_name: str
    person_description: str
    person_root: str
    person_id: str
    person_name: str
    device_name: str


def _text(path: str) -> etree.XPath:
    return etree.XPath(f"string({path})", namespaces=ns.PREFIXES, smart_strings=False)


_TEXTS: Final = {
    "alert_id": _text(f"{_ALERT}/hl7:id/@root"),
    "code": _text(f"{_ALERT}/hl7:code/@code"),
    "effective_time": _text(f"{_ALERT}/hl7:effectiveTime/@value"),
    "nhs_number": _text(f"{_PATIENT}/{_NHS_NUMBER}"),
    "user": _text(f"{_PERSON}/hl7:agentPersonSDS/hl7:id/@extension"),
    "system": _text(f"{_SYSTEM}/hl7:agentSystemSDS/hl7:id/@extension"),
    "reason_code": _text(f"{_REASON}/hl7:code/@code"),
    "organisation_root": _text(f"{_AUTHOR}/{_ORGANISATION}/hl7:id/@root"),
    "organisation_id": _text(f"{_AUTHOR}/{_ORGANISATION}/hl7:id/@extension"),
    "organisation_name": _text(f"{_AUTHOR}/{_ORGANISATION}/hl7:name"),
    "person_description": _text(f"{_AUTHOR}/hl7:assignedPerson/hl7:desc"),
    "person_root": _text(f"{_AUTHOR}/hl7:assignedPerson/hl7:id/@root"),
    "person_id": _text(f"{_AUTHOR}/hl7:assignedPerson/hl7:id/@extension"),
    "person_name": _text(f"{_AUTHOR}/hl7:assignedPerson/hl7:name"),
    "device_name": _text(f"{_DEVICE}/hl7:assignedDevice/hl7:name"),
}
_reason_text = _text(f"{_REASON_TEXT}/hl7:text")
_notification = _text(f"{_NOTIFICATION}/hl7:text")


def parse(root: etree._Element) -> Alert:
    """Give the alert of a message that broke no rule."""
    return Alert(
        **{name: str(read(root)) for name, read in _TEXTS.items()},
        reason_text=str(_reason_text(root)) or None,
        notification=str(_notification(root)) or None,
    )


# Service, pattern and answer: tms-rules.md 5; the schema is of the manual's release 7.2.02.
INTERACTIONS: Final = (
    HubInteraction(
        interaction_id=INTERACTION_ID,
        name="Alert to a privacy officer",
        service="alerts",
        pattern=Pattern.ASYNC_RELIABLE,
        generation=Generation.V2008B,
        answers=(APPLICATION_ACK,),
        inferred=(
            "a broken alert is answered with AE and GE002; that and its words are not public",
            "the words of a success are not public: an AA without them",
        ),
    ),
)
