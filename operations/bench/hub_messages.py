"""Messages for the hub's measurements: each is made once, and then only its id is put in.

Their forms are those of tms-rules.md 5 (alerts) and domains.md 2.3 (record transfers); every word
in them is made up here, and the patient is of the 999 range.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.context import Context
from core.directory import ContractProperties
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope
from legacy_contracts import ns, oids
from legacy_contracts.envelopes import ebxml, mime
from legacy_contracts.envelopes.ebxml_rules import Form
from legacy_contracts.envelopes.mime import OutPart
from operations import patients
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY, SECOND_ASID, SECOND_PARTY, SPINE_ASID

ALERT: Final = "COMT_IN000001UK01"
REQUEST: Final = "RCMR_IN010000UK05"
EXTRACT: Final = "RCMR_IN030000UK06"

_ID: Final = "00000000-0000-4000-8000-000000000000"
"""Stands in a template for the message's own id; as long as any id, so no length changes."""

_TIME: Final = "20140825093000"
_PATIENT: Final = next(patients.numbers())
_Parts = Callable[[int], tuple[OutPart, ...]]

_EVENT: Final = 'classCode="ACT" moodCode="EVN"'
_CODES: Final = f"{oids.NPFIT}.17.99"


class Template(Struct, frozen=True):
    """A message without its id: what is known of it unopened, and how it travels."""

    envelope: Envelope
    content: Content

    def under(self, message_id: str) -> bytes:
        """Give the message's bytes with an id in every place where it stands."""
        return self.content.body.replace(_ID.encode(), message_id.encode())

    def by_the_second(self) -> Template:
        """Give the same message as the second practice sends it."""
        body = self.content.body.replace(SAMPLE_PARTY.encode(), SECOND_PARTY.encode())
        body = body.replace(SAMPLE_ASID.encode(), SECOND_ASID.encode())
        envelope = replace(self.envelope, sender=PartyKey(SECOND_PARTY))
        return Template(envelope, replace(self.content, body=body))


def ids(context: Context) -> Iterator[str]:
    """Give ids without end that no other message has: one stem, then numbers."""
    stem = context.new_id()[:24]
    number = 0
    while True:
        number += 1
        yield f"{stem}{number:012X}"


def alert(contract: ContractProperties, context: Context) -> Template:
    """Give an alert: for the hub itself, reliable, some four kilobytes."""
    return to_the_hub(contract, context, _ALERT_EVENT)


def to_the_hub(contract: ContractProperties, context: Context, content: str) -> Template:
    """Give a reliable message for the hub itself with this content, sent by a person."""
    act = _PERSON + _SYSTEM + _subject(content)
    payload = _wrapped(contract.interaction, SPINE_ASID, act)
    return _template(contract, context, Form.RELIABLE, (_payload(payload),))


def request(contract: ContractProperties, context: Context, asid: str = SECOND_ASID) -> Template:
    """Give a practice's request for a record: forwarded, the smallest message of a transfer."""
    asked = (
        f'<EhrRequest classCode="EXTRACT" moodCode="RQO"><id root="{_ID}"/>{_RECORD_TARGET}'
        "</EhrRequest>"
    )
    payload = _wrapped(REQUEST, asid, _SYSTEM + _subject(asked))
    return _template(contract, context, Form.FORWARD_INTERMEDIARY, (_payload(payload),))


def large_record(contract: ContractProperties, context: Context, size: int) -> Template:
    """Give a record of so many bytes altogether, nearly all of them in its HL7 part."""
    return _grown(contract, context, size, _record)


def large_attachment(contract: ContractProperties, context: Context, size: int) -> Template:
    """Give a record of so many bytes altogether, nearly all of them in an attachment."""
    return _grown(contract, context, size, _with_letter)


def _grown(contract: ContractProperties, context: Context, size: int, parts: _Parts) -> Template:
    empty = _template(contract, context, Form.FORWARD_INTERMEDIARY, parts(0))
    room = size - len(empty.content.body)
    return _template(contract, context, Form.FORWARD_INTERMEDIARY, parts(room))


def _record(size: int) -> tuple[OutPart, ...]:
    """Give a record of statements, each as deep and as long as those of real systems."""
    statement = (
        f'<component typeCode="COMP"><ObservationStatement classCode="OBS" moodCode="EVN">'
        f'<id root="{_ID}"/><code code="163131000000108" codeSystem="{_CODES}" '
        'displayName="Blood pressure"><originalText>Blood pressure</originalText></code>'
        f'<statusCode code="COMPLETE"/><effectiveTime><center value="{_TIME}"/></effectiveTime>'
        f'<availabilityTime value="{_TIME}"/><pertinentInformation typeCode="PERT">'
        '<sequenceNumber value="+1"/><pertinentAnnotation classCode="OBS" moodCode="EVN">'
        "<text>Measured twice, sitting, at rest; to be seen again in a month</text>"
        "</pertinentAnnotation></pertinentInformation></ObservationStatement></component>"
    )
    content = (
        f'<EhrExtract classCode="EXTRACT" moodCode="EVN"><id root="{_ID}"/>{_RECORD_TARGET}'
        f"{statement * (size // len(statement))}</EhrExtract>"
    )
    return (_payload(_wrapped(EXTRACT, SECOND_ASID, _SYSTEM + _subject(content))),)


def _with_letter(size: int) -> tuple[OutPart, ...]:
    """Give a short record with a letter in base64, as systems send scanned ones."""
    letter = base64.encodebytes(bytes(range(256)) * (size * 3 // 4 // 260))
    return (*_record(0), OutPart(f"letter{mime.ID_SUFFIX}", "image/tiff", "base64", letter))


def _template(
    contract: ContractProperties, context: Context, form: Form, parts: tuple[OutPart, ...]
) -> Template:
    header = ebxml.business(
        ebxml.Outgoing(
            from_party=SAMPLE_PARTY,
            to_party=contract.party_key,
            cpa_id=contract.cpa_id,
            conversation_id=_ID,
            service=contract.service,
            action=contract.interaction,
            message_id=_ID,
            timestamp=f"{context.now():%Y-%m-%dT%H:%M:%SZ}",
        ),
        form,
    )
    envelope = Envelope(
        sender=PartyKey(SAMPLE_PARTY),
        receiver=contract.party_key,
        message_id=_ID,
        conversation_id=_ID,
        service=contract.service,
        activity=contract.interaction,
        agreement=contract.cpa_id,
    )
    body = mime.joined((OutPart(mime.ROOT_ID, "text/xml", "8bit", header), *parts))
    action = f"{contract.service}/{contract.interaction}"
    return Template(envelope, Content(body, mime.CONTENT_TYPE, action))


def _payload(text: str) -> OutPart:
    return OutPart(f"{_ID}{mime.ID_SUFFIX}", "application/xml", "8bit", text.encode())


def _wrapped(interaction: str, to_asid: str, act: str) -> str:
    return (
        f'<{interaction} xmlns="{ns.HL7}"><id root="{_ID}"/><creationTime value="{_TIME}"/>'
        f'<versionCode code="V3NPfIT3.0"/>'
        f'<interactionId root="{oids.INTERACTION}" extension="{interaction}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{_device('Rcv', to_asid)}{_device('Snd', SAMPLE_ASID)}"
        f'<ControlActEvent classCode="CACT" moodCode="EVN">{act}</ControlActEvent></{interaction}>'
    )


def _device(way: str, asid: str) -> str:
    return (
        f'<communicationFunction{way} typeCode="{way.upper()}"><device classCode="DEV" '
        f'determinerCode="INSTANCE"><id root="{oids.ASID}" extension="{asid}"/></device>'
        f"</communicationFunction{way}>"
    )


def _subject(content: str) -> str:
    return f'<subject typeCode="SUBJ" contextConductionInd="false">{content}</subject>'


_SYSTEM: Final = (
    '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT"><agentSystemSDS classCode="DEV" '
    f'determinerCode="INSTANCE"><id root="{oids.ASID}" extension="{SAMPLE_ASID}"/>'
    "</agentSystemSDS></AgentSystemSDS></author1>"
)
_PERSON: Final = (
    '<author typeCode="AUT"><AgentPersonSDS classCode="AGNT">'
    f'<id root="{oids.ROLE_PROFILE}" extension="990000000067"/><agentPersonSDS classCode="PSN" '
    f'determinerCode="INSTANCE"><id root="{oids.USER}" extension="990000000065"/></agentPersonSDS>'
    '<part typeCode="PART"><partSDSRole classCode="ROL">'
    f'<id root="{oids.JOB_ROLE}" extension="S0080:G0450:R5080"/></partSDSRole></part>'
    "</AgentPersonSDS></author>"
)
_RECORD_TARGET: Final = (
    '<recordTarget typeCode="RCT"><patient classCode="PAT">'
    f'<id root="{oids.NHS_NUMBER}" extension="{_PATIENT}"/></patient></recordTarget>'
)
_ALERT_EVENT: Final = (
    f'<AlertEvent classCode="ALRT" moodCode="EVN"><code code="1" codeSystem="{_CODES}"/>'
    f'<effectiveTime value="{_TIME}"/><id root="{_ID}"/>'
    '<author typeCode="AUT"><authorSDS classCode="ASSIGNED">'
    '<assignedPerson classCode="PSN" determinerCode="INSTANCE"><desc>Receptionist</desc>'
    f'<id root="{oids.USER}" extension="990000000065"/><name>A. Person</name></assignedPerson>'
    '<representedOrganizationSDS classCode="ORG" determinerCode="INSTANCE">'
    f'<id root="{oids.ORGANISATION}" extension="T99999"/><name>Sample practice</name>'
    "</representedOrganizationSDS></authorSDS></author>"
    f'<component typeCode="COMP"><notificationMessage {_EVENT}><id root="{_ID}"/>'
    "<text>Opened without a relationship</text></notificationMessage></component>"
    '<device typeCode="DEV"><assignedDeviceSDS classCode="ASSIGNED"><assignedDevice '
    'classCode="DEV" determinerCode="INSTANCE"><name>Front desk</name></assignedDevice>'
    "</assignedDeviceSDS></device>"
    f'<reason typeCode="RSON"><justifyingReasonCoded {_EVENT}>'
    f'<code code="1" codeSystem="{_CODES}"/><id root="{_ID}"/></justifyingReasonCoded></reason>'
    f"{_RECORD_TARGET}</AlertEvent>"
)
