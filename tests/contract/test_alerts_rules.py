"""Alerts: each check broken alone, the fields that are kept, and how a broken one is answered."""

from __future__ import annotations

from typing import Final

import pytest
from lxml import etree
from schemas import Schemas

from legacy_contracts import xml
from legacy_contracts.errors import MEANINGS, Fault, Kind
from legacy_contracts.hl7.payload import NON_BATCH
from legacy_contracts.tms import alerts
from legacy_contracts.tms.alerts import RULES, Alert

_ASID: Final = "1.2.826.0.1285.0.2.0.107"
_DEVICE: Final = '<device classCode="DEV" determinerCode="INSTANCE"><id root="{}" extension="{}"/>'
_PERSON: Final = (
    '<author typeCode="AUT"><AgentPersonSDS classCode="AGNT">'
    '<id root="1.2.826.0.1285.0.2.0.67" extension="100000000001"/>'
    '<agentPersonSDS classCode="PSN" determinerCode="INSTANCE">'
    '<id root="1.2.826.0.1285.0.2.0.65" extension="200000000002"/></agentPersonSDS>'
    '<part typeCode="PART"><partSDSRole classCode="ROL">'
    '<id root="1.2.826.0.1285.0.2.1.104" extension="R8000"/></partSDSRole></part>'
    "</AgentPersonSDS></author>"
)
_SYSTEM: Final = (
    '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT">'
    '<agentSystemSDS classCode="DEV" determinerCode="INSTANCE">'
    f'<id root="{_ASID}" extension="990000000001"/></agentSystemSDS></AgentSystemSDS></author1>'
)
_AUTHOR: Final = (
    '<author typeCode="AUT" contextControlCode="OP"><authorSDS classCode="ASSIGNED">'
    '<id root="1.2.826.0.1285.0.2.0.67" extension="100000000004"/>'
    '<assignedPerson classCode="PSN" determinerCode="INSTANCE"><desc>Clerk</desc>'
    '<id root="1.2.826.0.1285.0.2.0.65" extension="200000000003"/><name>J. Doe</name>'
    "</assignedPerson>"
    '<representedOrganizationSDS classCode="ORG" determinerCode="INSTANCE">'
    '<id root="1.2.826.0.1285.0.1.10" extension="T99999"/><name>A Surgery</name>'
    "</representedOrganizationSDS></authorSDS></author>"
)
_NOTE: Final = (
    '<component typeCode="COMP" contextConductionInd="true">'
    '<notificationMessage classCode="ACT" moodCode="EVN">'
    '<id root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A12"/><text>Please look</text>'
    "</notificationMessage></component>"
)
_ON: Final = (
    '<device typeCode="DEV" contextControlCode="OP"><assignedDeviceSDS classCode="ASSIGNED">'
    f'<id root="{_ASID}" extension="990000000001"/>'
    '<assignedDevice classCode="DEV" determinerCode="INSTANCE"><name>A System</name>'
    "</assignedDevice></assignedDeviceSDS></device>"
)
_REASON: Final = (
    '<reason typeCode="RSON" contextConductionInd="true">'
    '<justifyingReasonCoded classCode="ACT" moodCode="EVN">'
    '<code code="1" codeSystem="2.16.840.1.113883.2.1.3.2.4.17.9"/>'
    '<id root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A13"/></justifyingReasonCoded></reason>'
)
_WORDS: Final = (
    '<reason1 typeCode="RSON" contextConductionInd="true">'
    '<justifyingReasonText classCode="ACT" moodCode="EVN">'
    '<id root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A14"/><text>An emergency</text>'
    "</justifyingReasonText></reason1>"
)
_TARGET: Final = (
    '<recordTarget typeCode="RCT" contextControlCode="OP"><patient classCode="PAT">'
    '<id root="2.16.840.1.113883.2.1.4.1" extension="9990000018"/></patient></recordTarget>'
)
_EVENT: Final = (
    '<AlertEvent classCode="ALRT" moodCode="EVN">'
    '<code code="2" codeSystem="2.16.840.1.113883.2.1.3.2.4.17.8"/>'
    '<effectiveTime value="20240102030400"/><id root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A15"/>'
    f"{_AUTHOR}{_NOTE}{_ON}{_REASON}{_WORDS}{_TARGET}</AlertEvent>"
)
MESSAGE: Final = (
    '<COMT_IN000001UK01 xmlns="urn:hl7-org:v3">'
    '<id root="9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"/><creationTime value="20240102030405"/>'
    '<versionCode code="3NPfIT7.2.02"/>'
    '<interactionId root="2.16.840.1.113883.2.1.3.2.4.12" extension="COMT_IN000001UK01"/>'
    '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
    f'<communicationFunctionRcv typeCode="RCV">{_DEVICE.format(_ASID, "990000000002")}'
    "</device></communicationFunctionRcv>"
    f'<communicationFunctionSnd typeCode="SND">{_DEVICE.format(_ASID, "990000000001")}'
    "</device></communicationFunctionSnd>"
    f'<ControlActEvent classCode="CACT" moodCode="EVN">{_PERSON}{_SYSTEM}'
    f'<subject typeCode="SUBJ" contextConductionInd="false">{_EVENT}</subject>'
    "</ControlActEvent></COMT_IN000001UK01>"
)


def _places(text: str) -> list[str | None]:
    faults = RULES.faults(xml.parse(text.encode()))
    assert {fault.name for fault in faults} <= {"ALERT_INVALID_INPUT"}
    return [fault.supplement for fault in faults]


def _with(was: str, now: str) -> str:
    assert was in MESSAGE
    return MESSAGE.replace(was, now, 1)


def test_a_whole_alert_breaks_no_rule() -> None:
    root = xml.parse(MESSAGE.encode())
    assert RULES.faults(root) == []
    assert NON_BATCH.faults(root) == []


def test_our_alert_is_right_by_the_schema(official: Schemas) -> None:
    assert official.complaints(etree.fromstring(MESSAGE)) == ()


@pytest.mark.parametrize(
    ("was", "now", "place"),
    [
        (_PERSON, "", "checkRoot:agentPersonSDS"),
        (_PERSON, _PERSON * 2, "checkRoot:agentPersonSDS"),
        (_SYSTEM, "", "checkRoot:agentSystemSDS"),
        (_SYSTEM, _SYSTEM * 2, "checkRoot:agentSystemSDS"),
        (_EVENT, "", "checkRoot:alertEvent"),
        (_EVENT, _EVENT * 2, "checkRoot:alertEvent"),
        ('extension="200000000002"', "", "checkAgentPerson:id"),
        (f'root="{_ASID}" extension="990000000001"/></agent', "/></agent", "checkAgentSystem:id"),
        (' root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A15"', "", "checkAlertEvent:id"),
        ('<code code="2"', '<code code=""', "checkAlertEvent:code:code"),
        (' codeSystem="2.16.840.1.113883.2.1.3.2.4.17.8"', "", "checkAlertEvent:code:codeSystem"),
        ('value="20240102030400"', 'value=""', "checkAlertEvent:effectiveTime"),
        (_REASON, "", "checkAlertEvent:justifyingReasonCoded"),
        (_REASON, _REASON * 2, "checkAlertEvent:justifyingReasonCoded"),
        (_WORDS, _WORDS * 2, "checkAlertEvent:justifyingReasonText"),
        (_NOTE, _NOTE * 2, "checkAlertEvent:notificationMessage"),
        (_TARGET, "", "checkAlertEvent:patient"),
        (_AUTHOR, "", "checkAlertEvent:authorSDS"),
        (_ON, "", "checkAlertEvent:assignedDeviceSDS"),
        ('<code code="1"', "<code", "checkJustifyingReasonCoded:code:code"),
        (
            ' codeSystem="2.16.840.1.113883.2.1.3.2.4.17.9"',
            "",
            "checkJustifyingReasonCoded:code:codeSystem",
        ),
        (' root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A13"', "", "checkJustifyingReasonCoded:id"),
        (' root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A14"', "", "checkJustifyingReasonText:id"),
        ("An emergency", "", "checkJustifyingReasonText:text"),
        (' root="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A12"', "", "checkNotificationMessage:id"),
        ("Please look", "", "checkNotificationMessage:text"),
        ("9990000018", "999000001", "checkPatient:nhsNumber"),
        ("9990000018", "99900000180", "checkPatient:nhsNumber"),
        (
            'root="1.2.826.0.1285.0.1.10" ',
            "",
            "checkAuthorSDS:representedOrganizationSDS:id:root",
        ),
        (
            'extension="T99999"',
            "",
            "checkAuthorSDS:representedOrganizationSDS:id:extension",
        ),
        ("A Surgery", "", "checkAuthorSDS:representedOrganizationSDS:name"),
        ("Clerk", "", "checkAuthorSDS:assignedPerson:desc"),
        (
            'root="1.2.826.0.1285.0.2.0.65" extension="200000000003"',
            'extension="200000000003"',
            "checkAuthorSDS:assignedPerson:id:root",
        ),
        ('extension="200000000003"', "", "checkAuthorSDS:assignedPerson:id:extension"),
        ("J. Doe", "", "checkAuthorSDS:assignedPerson:name"),
        ("A System", "", "checkAssignedDeviceSDS:name"),
    ],
)
def test_each_check_fails_alone(was: str, now: str, place: str) -> None:
    assert _places(_with(was, now)) == [place]


def test_a_fault_of_the_whole_message_is_told_once() -> None:
    assert _places('<COMT_IN000001UK01 xmlns="urn:hl7-org:v3"><id/><id/></COMT_IN000001UK01>') == [
        "checkRoot:agentPersonSDS",
        "checkRoot:agentSystemSDS",
        "checkRoot:alertEvent",
    ]


def test_several_faults_stand_in_the_order_of_the_table() -> None:
    changed = _with("9990000018", "").replace("A System", "").replace('value="20240102030400"', "")
    assert _places(changed) == [
        "checkAlertEvent:effectiveTime",
        "checkPatient:nhsNumber",
        "checkAssignedDeviceSDS:name",
    ]


@pytest.mark.parametrize("number", ["9990000019", "ABCDEFGHIJ"])
def test_the_check_digit_of_the_number_is_not_asked_about(number: str) -> None:
    assert _places(_with("9990000018", number)) == []


def test_every_field_of_an_alert_is_read() -> None:
    assert alerts.parse(xml.parse(MESSAGE.encode())) == Alert(
        alert_id="3F1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A15",
        code="2",
        effective_time="20240102030400",
        nhs_number="9990000018",
        user="200000000002",
        system="990000000001",
        reason_code="1",
        reason_text="An emergency",
        notification="Please look",
        organisation_root="1.2.826.0.1285.0.1.10",
        organisation_id="T99999",
        organisation_name="A Surgery",
        person_description="Clerk",
        person_root="1.2.826.0.1285.0.2.0.65",
        person_id="200000000003",
        person_name="J. Doe",
        device_name="A System",
    )


def test_what_an_alert_may_leave_out_is_none() -> None:
    changed = _with(_NOTE, "").replace(_WORDS, "")
    assert _places(changed) == []
    alert = alerts.parse(xml.parse(changed.encode()))
    assert (alert.reason_text, alert.notification) == (None, None)


def test_a_broken_alert_is_answered_with_an_error() -> None:
    meaning = MEANINGS[Fault("ALERT_INVALID_INPUT").name]
    assert meaning.kind is Kind.BUSINESS
    assert meaning.inferred
