"""Synthetic messages of the hub's interactions, each as the systems in the field send it.

The forms are facts of the wire: alerts of tms-rules.md 5, GP2GP of domains.md 2.3, ITK trunk of
domains.md 2.6. Every word, every id and every patient is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ebxml_messages import (
    INTERMEDIARY,
    NEXT_MSH,
    RELIABLE,
    SERVICES,
    SOAP_NEXT,
    TO_PARTY_MSH,
    Attachment,
    External,
    Message,
    Part,
    new_id,
)
from msgspec.structs import replace
from wire_requests import SPINE_ASID, SPINE_PARTY
from wrapped_messages import (
    ASID,
    CODES,
    ODS,
    TIME,
    Route,
    person,
    record_target,
    route_of,
    subject,
    system,
    wrapped_message,
)

from operations.setup import SAMPLE_ASID

PATIENT: Final = "9990000018"
_NACKS: Final = f"{CODES}.17.101"
_LARGE: Final = f"{CODES}.17.202"
_ACT: Final = 'classCode="ACT" moodCode="EVN"'


_SAID: Final = {
    "AA": ("", ""),
    "AE": (
        "",
        (
            '<reason typeCode="RSON"><justifyingDetectedIssueEvent classCode="ALRT" moodCode="EVN">'
            '<code {coded}><qualifier code="ER"/></code></justifyingDetectedIssueEvent></reason>'
        ),
    ),
    "AR": (
        '<acknowledgementDetail typeCode="ER"><code {coded}/></acknowledgementDetail>',
        "",
    ),
}
"""Where an application acknowledgement says why: in its detail or in a reason (domains.md 2.3)."""

TO_THE_HUB: Final = Route(to_party=SPINE_PARTY, cpa_id="S9999999A9999901", to_asid=SPINE_ASID)
BETWEEN_PARTIES: Final = Route()


def alert(
    route: Route = TO_THE_HUB, *, message_id: str | None = None, nhs_number: str = PATIENT
) -> Message:
    """Give an alert to a privacy officer: reliable, and for the hub itself."""
    return replace(
        wrapped_message(
            route,
            "alerts",
            "COMT_IN000001UK01",
            person() + system(route) + subject(_alert_event(nhs_number)),
            message_id,
        ),
        ack_actor=TO_PARTY_MSH,
        sync_actor=SOAP_NEXT,
        path=RELIABLE,
    )


def ehr_request(
    route: Route = BETWEEN_PARTIES, *, message_id: str | None = None, nhs_number: str = PATIENT
) -> Message:
    """Give a practice's request for a patient's record: it opens a GP2GP conversation."""
    organisations = "".join(
        f'<{name} typeCode="{code}"><AgentOrgSDS classCode="AGNT">'
        '<agentOrganizationSDS classCode="ORG" determinerCode="INSTANCE">'
        f'<id root="{ODS}" extension="{ods}"/></agentOrganizationSDS></AgentOrgSDS></{name}>'
        for name, code, ods in (("author", "AUT", "T99999"), ("destination", "DST", "T88888"))
    )
    return replace(
        wrapped_message(
            route,
            "gp2gp",
            "RCMR_IN010000UK05",
            system(route)
            + subject(
                f'<EhrRequest classCode="EXTRACT" moodCode="RQO"><id root="{new_id()}"/>'
                f"{record_target(nhs_number)}{organisations}</EhrRequest>"
            ),
            message_id,
        ),
        time_to_live="2014-08-25T15:45:00Z",
    )


def ehr_extract(
    request: Message,
    *,
    version: str = "UK06",
    message_id: str | None = None,
    attachments: Iterable[Attachment] = (),
    externals: Iterable[External] = (),
) -> Message:
    """Give the record that answers a request; what stands in it is a stub, for no hub reads it."""
    route = route_of(request).back()
    return replace(
        wrapped_message(
            route,
            "gp2gp",
            f"RCMR_IN030000{version}",
            system(route)
            + subject(
                f'<EhrExtract classCode="EXTRACT" moodCode="EVN"><id root="{new_id()}"/>'
                f"{record_target(PATIENT)}</EhrExtract>"
            ),
            message_id,
        ),
        conversation_id=request.conversation_id,
        time_to_live="2014-08-25T13:40:00Z",
        attachments=tuple(attachments),
        externals=tuple(externals),
    )


def continue_transfer(extract: Message, *, message_id: str | None = None) -> Message:
    """Give the requester's word that the sender may send the fragments of a large message."""
    route = route_of(extract).back()
    own_id = message_id or new_id()
    acknowledged = (
        f'<Message xmlns="urn:hl7-org:v3"><id root="{own_id}"/>'
        f'<creationTime value="{TIME}"/><versionCode code="V3NPfIT3.1.09"/>'
        f'<interactionId root="{CODES}.12" extension="MCCI_IN010000UK13"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        '<acknowledgement typeCode="AA"><acknowledgementDetail typeCode="IF">'
        f'<code code="0" codeSystem="{_NACKS}" displayName="Continue"/></acknowledgementDetail>'
        f'<messageRef><id root="{extract.message_id}"/></messageRef></acknowledgement></Message>'
    )
    return replace(
        _large(
            route,
            "Continue Acknowledgement",
            f'<gp:Gp2gpfragment xmlns:gp="{SERVICES}gp2gp">{acknowledged}</gp:Gp2gpfragment>',
            own_id,
        ),
        conversation_id=extract.conversation_id,
    )


def fragment(
    extract: Message,
    *,
    message_id: str | None = None,
    name: str = "letter_0.messageattachment",
    attachments: Iterable[Attachment] = (),
    externals: Iterable[External] = (),
) -> Message:
    """Give one fragment of a large message, or its index where it refers to other messages."""
    return replace(
        _large(
            route_of(extract),
            f"Attachment: {name}",
            f"<reference value={quoteattr(name)}/>",
            message_id or new_id(),
        ),
        conversation_id=extract.conversation_id,
        attachments=tuple(attachments),
        externals=tuple(externals),
    )


def attachment(
    body: bytes,
    *,
    name: str = "letter.txt",
    content_type: str = "text/plain",
    encoding: str = "base64",
    content_id: str | None = None,
) -> Attachment:
    """Give a part for an attachment, described as GP2GP systems do (domains.md 2.3)."""
    described = (
        f'Filename="{name}" ContentType={content_type} Compressed=No LargeAttachment=No '
        f"OriginalBase64=No Length={len(body)}"
    )
    return Attachment(Part(content_id or new_id(), body, content_type, encoding), described)


def application_ack(
    of: Message,
    *,
    outcome: str = "AA",
    code: str = "11",
    display: str = "A reason of ours",
    message_id: str | None = None,
    service: str | None = None,
) -> Message:
    """Give the receiver's word on what became of a message: AA, AE with a reason, or AR."""
    route = route_of(of).back()
    coded = (
        f"code={quoteattr(code)} codeSystem={quoteattr(_NACKS)} displayName={quoteattr(display)}"
    )
    detail, reason = (_SAID[outcome][one].format(coded=coded) for one in (0, 1))
    return replace(
        wrapped_message(
            route,
            (service or of.service).removeprefix(SERVICES),
            "MCCI_IN010000UK13",
            system(route) + reason,
            message_id,
            before=f'<acknowledgement typeCode="{outcome}">{detail}<messageRef>'
            f'<id root="{of.message_id}"/></messageRef></acknowledgement>',
        ),
        conversation_id=of.conversation_id,
        path=of.path,
    )


def forwarded(
    service: str = "ebs",
    interaction: str = "PRSC_IN080000UK07",
    *,
    route: Route = BETWEEN_PARTIES,
    message_id: str | None = None,
    ack_actor: str | None = NEXT_MSH,
) -> Message:
    """Give a message that the hub passes on, whatever its interaction; its subject is a stub."""
    return replace(
        wrapped_message(
            route,
            service,
            interaction,
            system(route) + subject(f'<act {_ACT}><id root="{new_id()}"/></act>'),
            message_id,
        ),
        ack_actor=ack_actor,
    )


def itk_trunk(
    *, route: Route = BETWEEN_PARTIES, message_id: str | None = None, tracking_id: str | None = None
) -> Message:
    """Give an ITK trunk message: three parts, the end party acknowledges (tms-rules.md 2.2)."""
    tracked = tracking_id or new_id()
    envelope = (
        '<itk:DistributionEnvelope xmlns:itk="urn:nhs-itk:ns:201005">'
        '<itk:header service="urn:nhs-itk:services:201005:SendDocument-v1-0" '
        f'trackingid="{tracked}"><itk:addresslist>'
        '<itk:address uri="urn:nhs-uk:addressing:ods:T88888:letters"/></itk:addresslist>'
        f'<itk:manifest count="1"><itk:manifestitem id="uuid_{tracked}" mimetype="text/plain"/>'
        '</itk:manifest></itk:header><itk:payloads count="1">'
        f'<itk:payload id="uuid_{tracked}">A letter of ours</itk:payload></itk:payloads>'
        "</itk:DistributionEnvelope>"
    )
    shell = Attachment(Part(new_id(), envelope.encode(), "text/xml"), "ITK Trunk Message")
    return replace(
        wrapped_message(
            route,
            "itk",
            "COPC_IN000001GB01",
            person() + system(route),
            message_id,
        ),
        ack_actor=TO_PARTY_MSH,
        path=INTERMEDIARY,
        attachments=(shell,),
    )


def _large(route: Route, title: str, value: str, message_id: str) -> Message:
    """Give a part of a large message: a continue, an index or a fragment."""
    spoken = f'xmlns="{SERVICES}gp2gp"'
    fragment_of = (
        f"<Gp2gpfragment {spoken}><Version>01</Version><Recipients><Recipient>T88888</Recipient>"
        f"</Recipients><From>T99999</From><subject>{escape(title)}</subject>"
        f"<message-id>{message_id}</message-id></Gp2gpfragment>"
    )
    return wrapped_message(
        route,
        "gp2gp",
        "COPC_IN000001UK01",
        system(route)
        + subject(
            '<PayloadInformation xmlns:npfitlc="NPFIT:HL7:Localisation" classCode="OBS" '
            f'moodCode="EVN"><code code="GP2GPLMATTACHMENTINFO" codeSystem="{_LARGE}"/>'
            f'<id root="{message_id}"/><npfitlc:messageType root="{CODES}.18.17" '
            f'extension="RCMR_MT000001GB01"/><value>{fragment_of}</value>'
            '<pertinentInformation typeCode="PERT"><sequenceNumber value="1"/>'
            '<pertinentPayloadBody classCode="OBS" moodCode="EVN">'
            f'<code code="GP2GPLMATTACHMENT" codeSystem="{_LARGE}"/><id root="{message_id}"/>'
            f"<value>{value}</value></pertinentPayloadBody></pertinentInformation>"
            "</PayloadInformation>"
        ),
        message_id,
    )


def _alert_event(nhs_number: str) -> str:
    """Give the event in the order of the schema, with everything that may be there."""
    conducted = 'contextConductionInd="true"'
    by_us = 'contextControlCode="OP"'
    return (
        '<AlertEvent classCode="ALRT" moodCode="EVN">'
        f'<code code="1" codeSystem="{CODES}.17.99" displayName="Record opened"/>'
        f'<effectiveTime value="{TIME}"/><id root="{new_id()}"/>'
        f'<author typeCode="AUT" {by_us}><authorSDS classCode="ASSIGNED">'
        '<id root="1.2.826.0.1285.0.2.0.67" extension="990000000067"/>'
        '<assignedPerson classCode="PSN" determinerCode="INSTANCE"><desc>Receptionist</desc>'
        '<id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/>'
        "<name>A. Person</name></assignedPerson>"
        '<representedOrganizationSDS classCode="ORG" determinerCode="INSTANCE">'
        f'<id root="{ODS}" extension="T99999"/><name>Sample practice</name>'
        "</representedOrganizationSDS></authorSDS></author>"
        f'<component typeCode="COMP" {conducted}><notificationMessage {_ACT}>'
        f'<id root="{new_id()}"/><text>Opened without a relationship</text>'
        "</notificationMessage></component>"
        f'<device typeCode="DEV" {by_us}><assignedDeviceSDS classCode="ASSIGNED">'
        f'<id root="{ASID}" extension="{SAMPLE_ASID}"/>'
        '<assignedDevice classCode="DEV" determinerCode="INSTANCE"><name>Front desk</name>'
        "</assignedDevice></assignedDeviceSDS></device>"
        f'<reason typeCode="RSON" {conducted}><justifyingReasonCoded {_ACT}>'
        f'<code code="1" codeSystem="{CODES}.17.99" displayName="Emergency"/>'
        f'<id root="{new_id()}"/></justifyingReasonCoded></reason>'
        f'<reason1 typeCode="RSON" {conducted}><justifyingReasonText {_ACT}>'
        f'<id root="{new_id()}"/><text>The patient asked</text></justifyingReasonText></reason1>'
        f"{record_target(nhs_number, ' ' + by_us)}</AlertEvent>"
    )
