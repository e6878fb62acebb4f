"""The wrapper of a bare HL7 message: its checks in their order, its fields, its cheap reading."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import old_update_messages as old
import pushed_traces
import pytest
from corpus import Corpus
from ebxml_messages import Message
from lxml import etree
from old_trace_messages import old_trace
from update_messages import Asked

from legacy_contracts import xml
from legacy_contracts.errors import MEANINGS, Kind, MalformedMessage
from legacy_contracts.hl7 import payload
from legacy_contracts.hl7.payload import LIGHT, MIM_2_3, NON_BATCH
from legacy_contracts.hl7.rules import Rules

ASID: Final = "1.2.826.0.1285.0.2.0.107"
PARTY: Final = "2.16.840.1.113883.2.1.3.2.4.10"


def _device(way: str, root: str, extension: str) -> str:
    return (
        f"<communicationFunction{way}><device>"
        f'<id root="{root}" extension="{extension}"/></device></communicationFunction{way}>'
    )


def _head(interaction_id: str, root: str, to: str, sender: str) -> str:
    return (
        '<id root="9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"/>'
        '<creationTime value="20240102030405"/><versionCode code="3NPfIT7.2.02"/>'
        f'<interactionId root="2.16.840.1.113883.2.1.3.2.4.12" extension="{interaction_id}"/>'
        f"{_device('Rcv', root, to)}{_device('Snd', root, sender)}"
    )


def _message(interaction_id: str, content: str) -> str:
    return f'<{interaction_id} xmlns="urn:hl7-org:v3">{content}</{interaction_id}>'


_PERSON: Final = (
    '<author><AgentPersonSDS><id root="1.2.826.0.1285.0.2.0.67" extension="profile"/>'
    '<agentPersonSDS><id root="1.2.826.0.1285.0.2.0.65" extension="user"/></agentPersonSDS>'
    '<part><partSDSRole><id root="1.2.826.0.1285.0.2.1.104" extension="job"/></partSDSRole></part>'
    "</AgentPersonSDS></author>"
)
_SYSTEM: Final = (
    "<author1><AgentSystemSDS><agentSystemSDS>"
    f'<id root="{ASID}" extension="one"/></agentSystemSDS></AgentSystemSDS></author1>'
)
_SECOND: Final = (
    "<author1><AgentSystemSDS><agentSystemSDS>"
    '<id root="1.2.3" extension="two"/></agentSystemSDS></AgentSystemSDS></author1>'
)
_SUBJECT: Final = '<subject><EhrRequest><id root="E"/></EhrRequest></subject>'

MESSAGE: Final = _message(
    "RCMR_IN010000UK05",
    _head("RCMR_IN010000UK05", ASID, "990000000002", "990000000001")
    + f"<ControlActEvent>{_PERSON}{_SYSTEM}{_SECOND}{_SUBJECT}</ControlActEvent>",
)
OLD: Final = _message(
    "PRPA_IN010000UK01",
    _head("PRPA_IN010000UK01", PARTY, "YES-0000806", "A1001-9199121")
    + '<ControlActEvent><author><assignedEntity><id root="1" extension="person"/>'
    '<representedOrganization><id root="2" extension="system"/></representedOrganization>'
    f"</assignedEntity></author>{_SUBJECT}</ControlActEvent>",
)

_AUTHOR: Final = "CONTROL_ACT_AUTHOR_INVALID"
_AGENT: Final = "CONTROL_ACT_AUTHOR_AGENT_INVALID"
_MISSING: Final = "CONTROL_ACT_MANDATORY_ELEMENT_MISSING"

HEAD: Final = (
    (' root="9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"', ' root=""', "INVALID_ID"),
    ("<creationTime", "<creationTime/><creationTime", "INVALID_CREATION_TIME"),
    (' code="3NPfIT7.2.02"', "", "INVALID_VERSION_CODE"),
    ('.4.12" extension="', '.4.12" extension="X', "INCONSISTENT_HL7_INTERACTION_ID"),
    ("<interactionId", '<interactionId xmlns="urn:other"', "INCONSISTENT_HL7_INTERACTION_ID"),
)
"""Checks 1 to 4, broken alone: what stands in the message, what is put there, the fault."""

DEVICES: Final = (
    (f'root="{ASID}" extension="990000000002"', f'root="{ASID}" extension=""', "RCV"),
    (f'root="{ASID}" extension="990000000002"', f'root="{PARTY}" extension="A"', "RCV"),
    (f'root="{ASID}" extension="990000000001"', f'root="{ASID}"', "SND"),
)


def _names(rules: Rules, text: str) -> list[str]:
    return [fault.name for fault in rules.faults(xml.parse(text.encode()))]


def _with(message: str, was: str, now: str) -> str:
    assert was in message
    return message.replace(was, now, 1)


@pytest.mark.parametrize(
    ("rules", "message"), [(NON_BATCH, MESSAGE), (LIGHT, MESSAGE), (MIM_2_3, OLD)]
)
def test_a_whole_message_breaks_no_rule(rules: Rules, message: str) -> None:
    assert _names(rules, message) == []


@pytest.mark.parametrize(("was", "now", "name"), HEAD)
@pytest.mark.parametrize(
    ("rules", "message"), [(NON_BATCH, MESSAGE), (LIGHT, MESSAGE), (MIM_2_3, OLD)]
)
def test_each_check_of_the_head_fails_alone(
    rules: Rules, message: str, was: str, now: str, name: str
) -> None:
    assert _names(rules, _with(message, was, now)) == [name]


@pytest.mark.parametrize(("was", "now", "way"), DEVICES)
@pytest.mark.parametrize("rules", [NON_BATCH, LIGHT])
def test_systems_are_named_by_asid(rules: Rules, was: str, now: str, way: str) -> None:
    assert _names(rules, _with(MESSAGE, was, now)) == [f"INVALID_COMM_FUNC_{way}"]


@pytest.mark.parametrize(("party", "way"), [("YES-0000806", "RCV"), ("A1001-9199121", "SND")])
def test_the_oldest_generation_names_parties(party: str, way: str) -> None:
    changed = _with(OLD, f'root="{PARTY}" extension="{party}"', f'root="{ASID}" extension="9"')
    assert _names(MIM_2_3, changed) == [f"INVALID_COMM_FUNC_{way}"]


@pytest.mark.parametrize(
    ("was", "now", "names"),
    [
        (_PERSON, _PERSON * 2, [_AUTHOR]),
        (_SECOND, _SECOND * 2, ["CONTROL_ACT_AUTHOR_INVALID_CARDINALITY"]),
        (_SYSTEM + _SECOND, "", ["CONTROL_ACT_AUTHOR_INVALID_CARDINALITY", _AGENT]),
        ("<agentSystemSDS>", "<other/><agentSystemSDS xmlns='urn:other'>", [_AGENT]),
        ('extension="profile"', "", [_AUTHOR]),
        ("0.2.0.65", "0.2.0.66", [_AUTHOR]),
        ('extension="job"', 'extension=""', [_AUTHOR]),
        (f'root="{ASID}" extension="one"', f'root="{PARTY}" extension="one"', [_AGENT]),
        ('root="1.2.3" extension="two"', 'root="1.2.3"', ["CONTROL_ACT_AUTHOR_AGENT2_INVALID"]),
        (_SUBJECT, "", [_MISSING, _MISSING]),
        (_SUBJECT, "<subject/>", [_MISSING]),
        (_SUBJECT, _SUBJECT * 2, [_MISSING]),
        (_SUBJECT, '<subject><EhrRequest xmlns="urn:other"/></subject>', [_MISSING]),
    ],
)
def test_each_check_of_the_act_fails_alone_and_only_where_the_hub_answers(
    was: str, now: str, names: list[str]
) -> None:
    changed = _with(MESSAGE, was, now)
    assert _names(NON_BATCH, changed) == names
    assert _names(LIGHT, changed) == []


@pytest.mark.parametrize(
    "content",
    [
        "<query/>",
        "<CreateRequest/>",
        "<SCRequest/>",
        '<c:setResourcePermissionsRequest xmlns:c="http://national.carerecords.nhs.uk/schema/crs/"/>',
    ],
)
def test_content_of_another_kind_needs_no_child(content: str) -> None:
    assert _names(NON_BATCH, _with(MESSAGE, _SUBJECT, content)) == []


def test_a_system_without_a_person_is_enough() -> None:
    assert _names(NON_BATCH, _with(MESSAGE, _PERSON, "")) == []


@pytest.mark.parametrize("rules", [NON_BATCH, LIGHT])
def test_without_an_act_the_checks_inside_it_are_silent(rules: Rules) -> None:
    changed = re.sub("<ControlActEvent>.*</ControlActEvent>", "", MESSAGE)
    assert _names(rules, changed) == ["INVALID_CONTROL_ACT"]


def test_every_fault_is_told_in_the_order_of_the_table() -> None:
    assert _names(NON_BATCH, "<none/>") == [
        "INVALID_ID",
        "INVALID_CREATION_TIME",
        "INVALID_VERSION_CODE",
        "INCONSISTENT_HL7_INTERACTION_ID",
        "INVALID_COMM_FUNC_RCV",
        "INVALID_COMM_FUNC_SND",
        "INVALID_CONTROL_ACT",
    ]


@pytest.mark.parametrize(
    ("was", "now", "names"),
    [
        (_SUBJECT, "", ["INVALID_CONTROL_ACT"]),
        (_SUBJECT, "<subject/>", ["INVALID_CONTROL_ACT"]),
        ("<ControlActEvent>", "<controlActRequest/><ControlActEvent>", ["INVALID_CONTROL_ACT"]),
        ('extension="person"', "", [_AUTHOR]),
        ('extension="system"', 'extension=""', [_AUTHOR]),
    ],
)
def test_each_check_of_the_oldest_generations_act_fails_alone(
    was: str, now: str, names: list[str]
) -> None:
    assert _names(MIM_2_3, _with(OLD, was, now)) == names


@pytest.mark.parametrize(
    ("act", "content"),
    [
        ("ControlActProcess", "<pdsAdvancedTraceQuery><a/></pdsAdvancedTraceQuery>"),
        ("controlActRequest", "<IRDetailsRequest><a/></IRDetailsRequest>"),
    ],
)
def test_the_oldest_generation_has_acts_of_other_names(act: str, content: str) -> None:
    changed = OLD.replace("ControlActEvent", act).replace(_SUBJECT, content)
    assert _names(MIM_2_3, changed) == []


def test_every_fault_of_a_wrapper_is_answered_by_a_rejection() -> None:
    named = {
        rule.name
        for rules in (NON_BATCH, LIGHT, MIM_2_3)
        for group in rules.groups
        for rule in group.rules
    }
    assert {MEANINGS[name].kind for name in named} == {Kind.WRAPPER}


def test_the_fields_of_a_message_are_read() -> None:
    assert payload.fields(xml.parse(MESSAGE.encode())) == payload.Fields(
        interaction_id="RCMR_IN010000UK05",
        message_id="9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22",
        version_code="3NPfIT7.2.02",
        to_asid="990000000002",
        from_asid="990000000001",
        to_party="",
        from_party="",
        detected_issue=None,
        ack_type=None,
        ack_code=None,
        ack_of=None,
    )


def test_the_oldest_generation_gives_parties() -> None:
    found = payload.fields(xml.parse(OLD.encode()))
    assert (found.to_party, found.from_party) == ("YES-0000806", "A1001-9199121")
    assert (found.to_asid, found.from_asid) == ("", "")


_ACK: Final = (
    '<acknowledgement typeCode="AR"><acknowledgementDetail typeCode="ER"><code code="30"/>'
    '</acknowledgementDetail><messageRef><id root="of"/></messageRef></acknowledgement>'
)
_ISSUE: Final = (
    "<reason><justifyingDetectedIssueEvent>"
    '<code code="30"><qualifier><value code="ER"/></qualifier></code>'
    "</justifyingDetectedIssueEvent></reason>"
)


def test_the_fields_of_an_acknowledgement_are_read() -> None:
    changed = _with(MESSAGE, "<communicationFunctionRcv>", f"{_ACK}<communicationFunctionRcv>")
    found = payload.fields(xml.parse(_with(changed, _SUBJECT, _ISSUE).encode()))
    assert (found.ack_type, found.ack_code, found.ack_of) == ("AR", "30", "of")
    assert found.detected_issue == "30"


def test_of_several_reasons_none_is_the_one() -> None:
    changed = _with(MESSAGE, _SUBJECT, _ISSUE * 2)
    assert payload.fields(xml.parse(changed.encode())).detected_issue is None


@pytest.mark.parametrize("text", ["<none/>", '<id xmlns="urn:hl7-org:v3" root="x"/>'])
def test_a_document_of_another_kind_has_empty_fields_and_no_person(text: str) -> None:
    root = xml.parse(text.encode())
    assert payload.fields(root) == payload.Fields(*[""] * 7, *[None] * 4)
    assert payload.person(root) is None


def test_the_person_is_read_and_may_be_absent() -> None:
    assert payload.person(xml.parse(MESSAGE.encode())) == ("profile", "user", "job")
    assert payload.person(xml.parse(_with(MESSAGE, _PERSON, "").encode())) is None


_OLDEST: Final = {
    "an update": old.update(
        "PRPA_IN110000UK01", Asked(old.everything("PRPA_IN110000UK01"), "9990000018", "1")
    ),
    "a trace": old_trace(pushed_traces.Asked()),
}


@pytest.mark.parametrize("message", _OLDEST.values(), ids=_OLDEST.keys())
def test_who_asks_in_the_oldest_generation_is_read(message: Message) -> None:
    asked = message.payload
    assert payload.person_2_3(xml.parse(asked.encode())) == ("", "990000000065", "")
    nobody = _with(asked, 'root="1.2.826.0.1285.0.2.0.65"', 'root="1.2"')
    assert payload.person_2_3(xml.parse(nobody.encode())) is None


_COMPONENT: Final = (
    '<component typeCode="COMP"><ObservationStatement classCode="OBS" moodCode="EVN">'
    '<id root="9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"/><code code="1" displayName="A word"/>'
    "<text>Some words that somebody wrote down.</text></ObservationStatement></component>"
)


def _large(size: int) -> bytes:
    filled = _COMPONENT * (size // len(_COMPONENT))
    return _with(MESSAGE, '<id root="E"/>', f'<id root="E"/>{filled}').encode()


def test_a_large_message_says_the_same_when_its_content_is_not_kept() -> None:
    content = _large(1_000_000)
    whole, opened = xml.parse(content), payload.opened(content, None)
    assert payload.fields(opened) == payload.fields(whole)
    assert payload.person(opened) == payload.person(whole)
    assert NON_BATCH.faults(opened) == []
    assert len(etree.tostring(opened)) < 10_000


def test_what_follows_the_content_is_still_checked() -> None:
    content = _large(200_000).replace(b"</subject>", b"</subject>" + _PERSON.encode() * 2)
    assert [fault.name for fault in NON_BATCH.faults(payload.opened(content, None))] == [_AUTHOR]


@pytest.mark.parametrize("charset", ["utf-16", "utf-8", "iso-8859-1"])
def test_a_message_is_opened_in_the_charset_that_the_transport_names(charset: str) -> None:
    content = _large(100_000).decode().encode(charset)
    assert payload.fields(payload.opened(content, charset)).to_asid == "990000000002"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"words",
        MESSAGE.encode()[:-1],
        _large(100_000)[:-50],
        _large(100_000).replace(b"</subject>", b"</subjekt>"),
        b"<!DOCTYPE a>" + MESSAGE.encode(),
        b'<!DOCTYPE a [<!ENTITY e "' + b"x" * 100 + b'">]>' + MESSAGE.encode(),
        b"<a>" + b"<b/>" * 500_000 + b"</a>",
    ],
    ids=["nothing", "words", "cut", "cut in a large one", "mismatch", "dtd", "entity", "too many"],
)
def test_what_the_parser_refuses_whole_it_refuses_pruned(content: bytes) -> None:
    with pytest.raises(MalformedMessage):
        xml.parse(content)
    with pytest.raises(MalformedMessage):
        payload.opened(content, None)


@pytest.mark.parametrize(
    "place", ["<versionCode", "<ControlActEvent>", "<author>", "</ControlActEvent>"]
)
def test_a_wrapper_without_end_is_refused(place: str) -> None:
    flooded = _with(MESSAGE, place, "<x/>" * 150_000 + place)
    with pytest.raises(MalformedMessage):
        payload.opened(flooded.encode(), None)


def test_a_long_text_as_content_is_opened() -> None:
    content = _with(MESSAGE, _SUBJECT, f"<query>{'QUJD' * 500_000}</query>").encode()
    assert NON_BATCH.faults(payload.opened(content, None)) == []


FAULTY: Final = {
    "complete-and-validated-xml-test-file-non-redaction.xml": ["RCV", "SND"],
    "expected-mhs-outbound-absentattachment-payload--payload.xml": ["RCV"],
    "expected-mhs-outbound-request-payload--payload.xml": ["RCV", "SND"],
}
"""Captured GP2GP messages without a whole ASID: expectations of an adaptor's tests, never sent."""

TEMPLATES: Final = {
    "applicationAcknowledgementTemplate.xml",
    "applicationAcknowledgementTemplate~2.xml",
}
"""Files that are no XML before their placeholders are filled."""


def test_captured_transfers_pass_the_light_check_and_say_the_same_pruned(
    captured: Corpus,
) -> None:
    read: Counter[str] = Counter()
    for entry in captured.entries():
        part, _, name = entry.file.partition("/")
        name = name.rpartition("/")[2]
        if entry.envelope != "hl7-interaction" or part not in {"gp2gp", "ebs", "gpes"}:
            continue
        if name in TEMPLATES:
            continue
        content = captured.text(entry.file).encode()
        whole, opened = xml.parse(content, charset="utf-8"), payload.opened(content, "utf-8")
        wanted = [f"INVALID_COMM_FUNC_{way}" for way in FAULTY.get(name, ())]
        assert [fault.name for fault in LIGHT.faults(opened)] == wanted, entry.file
        assert NON_BATCH.faults(opened) == NON_BATCH.faults(whole), entry.file
        assert payload.fields(opened) == payload.fields(whole), entry.file
        assert payload.fields(whole).interaction_id in entry.interactions, entry.file
        read[part] += 1
    assert read == {"gp2gp": 118, "ebs": 1, "gpes": 49}
