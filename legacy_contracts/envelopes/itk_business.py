"""BusinessResponseMessage: what the receiving application made of a document that was sent to it.

The business half of the acknowledgement framework: elements are those of the captured one (corpus
itk/tkw-x, sent to SendBusinessAck-v1-0) and of its templates (business-ack-payload-template,
business-nack-payload-template). The three levels that it speaks of: the transmission that carried
the document (`acknowledgedBy3`), the document itself (`acknowledgedBy2`), and between them who sent
it to whom.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.itk import SERVICES
from legacy_contracts.envelopes.toolkit import refusal
from legacy_contracts.hl7.rim import Xml, escape, instance, text_element

SERVICE: Final = f"{SERVICES}SendBusinessAck-v1-0"
INTERACTION: Final = "urn:nhs-itk:interaction:ITKBusinessAcknowledgement-v1-0"
REQUESTED: Final = "ackrequested"
"""The handling specification that asks for one."""

ACCEPTED: Final = "AA"
IN_ERROR: Final = "AE"

_HL7: Final = f"{{{ns.HL7}}}"
_DEVICE: Final = "COCD_TP145207GB01"
_TEMPLATES: Final = f"{oids.NPFIT}.18.2"


class Device(Struct, frozen=True):
    """The system that acknowledges: its id, what it is, and whose."""

    identifier: str
    model: str
    software: str
    organisation: str
    organisation_name: str


class Trouble(Struct, frozen=True):
    """Why a document was not accepted: code and words of the vocabulary 17.433, and the detail."""

    code: str
    text: str
    detail: str


class Entity(Struct, frozen=True):
    """An address, and the OID of its kind."""

    root: str
    extension: str


class BusinessAck(Struct, frozen=True):
    """What became of a document: by the ids of its envelope and of its payload."""

    message_id: str
    time: str
    interaction_id: str
    tracking_id: str
    payload_id: str
    sender: Entity
    receiver: Entity
    device: Device
    trouble: Trouble | None = None

    @property
    def type_code(self) -> str:
        """Whether it was accepted, as the message says it."""
        return ACCEPTED if self.trouble is None else IN_ERROR


def opened(element: etree._Element) -> BusinessAck:
    """Give the acknowledgement that an element is; raise `ItkError` where it is none."""
    if element.tag != f"{_HL7}BusinessResponseMessage":
        raise refusal("INVALID_MESSAGE", "no BusinessResponseMessage")
    of = _path("acknowledgedBy3")
    device = _path("controlActEvent1", "author", f"{_DEVICE}.AssignedAuthorDevice")
    organisation = device + _path("representedOrganization")
    kind = _attribute(element, of, "typeCode")
    if kind not in {ACCEPTED, IN_ERROR}:
        raise refusal("SCHEMA", "acknowledgedBy3 is neither AA nor AE")
    return BusinessAck(
        message_id=_attribute(element, _path("id"), "root"),
        time=_attribute(element, _path("creationTime"), "value"),
        interaction_id=_attribute(element, _path("interactionId"), "extension"),
        tracking_id=_attribute(element, of + _path("conveyingTransmission", "id"), "root"),
        payload_id=_attribute(
            element, _path("acknowledgedBy2", "conveyingTransmission", "id"), "root"
        ),
        sender=_entity(element, "communicationFunction1"),
        receiver=_entity(element, "communicationFunction"),
        device=Device(
            _attribute(element, device + _path("id"), "extension"),
            _text(element, device + _path("assignedAuthoringDevice", "manufacturerModelName")),
            _text(element, device + _path("assignedAuthoringDevice", "softwareName")),
            _attribute(element, organisation + _path("id"), "extension"),
            _text(element, organisation + _path("name")),
        ),
        trouble=_trouble(element) if kind == IN_ERROR else None,
    )


def built(ack: BusinessAck) -> Xml:
    """Give the text of an acknowledgement."""
    head = (
        f'<id root="{escape(ack.message_id)}"/><creationTime value="{escape(ack.time)}"/>'
        f"{instance(oids.INTERACTION, ack.interaction_id, 'interactionId')}"
    )
    trouble, reason = ("", "") if ack.trouble is None else _told(ack.trouble)
    return Xml(
        f'<BusinessResponseMessage xmlns="{ns.HL7}">{head}'
        f'<acknowledgedBy3 typeCode="{ack.type_code}"><conveyingTransmission>'
        f'<id root="{escape(ack.tracking_id)}"/></conveyingTransmission>{trouble}'
        f"</acknowledgedBy3>{_function('communicationFunction1', 'SND', ack.sender)}"
        f"{_function('communicationFunction', 'RCV', ack.receiver)}{_author(ack.device)}"
        f'<acknowledgedBy2 typeCode="{ack.type_code}"><conveyingTransmission>'
        f'<id root="{escape(ack.payload_id)}"/>{reason}</conveyingTransmission></acknowledgedBy2>'
        "</BusinessResponseMessage>"
    )


def _told(trouble: Trouble) -> tuple[str, str]:
    """Give how a trouble is told of the transmission, and of the document."""
    detail = (
        '<acknowledgementDetail typeCode="ER">'
        f'<code code="{escape(trouble.code)}" codeSystem="{oids.BUSINESS_ACK_ERROR}" '
        f'displayName="{escape(trouble.text)}"/></acknowledgementDetail>'
    )
    reason = (
        '<controlActEvent classCode="CACT" moodCode="EVN"><reason typeCode="RSON">'
        '<detectedIssueEvent classCode="ALRT" moodCode="EVN">'
        f"{text_element('text', f'{trouble.text}: {trouble.detail}')}"
        "</detectedIssueEvent></reason></controlActEvent>"
    )
    return detail, reason


def _function(name: str, way: str, entity: Entity) -> str:
    return (
        f'<{name} typeCode="{way}"><entity classCode="ENT" determinerCode="INSTANCE">'
        f'<id root="{escape(entity.root)}" extension="{escape(entity.extension)}"/>'
        f"</entity></{name}>"
    )


def _template(part: str) -> str:
    return instance(_TEMPLATES, f"{_DEVICE}#{part}", "templateId")


def _author(device: Device) -> str:
    return (
        '<controlActEvent1 classCode="CACT" moodCode="EVN"><author typeCode="AUT" '
        f'contextControlCode="OP"><{_DEVICE}.AssignedAuthorDevice classCode="ASSIGNED">'
        f"{instance(f'{oids.NPFIT}.18.24', device.identifier)}{_template('AssignedAuthorDevice')}"
        '<assignedAuthoringDevice classCode="DEV" determinerCode="INSTANCE">'
        f"{text_element('manufacturerModelName', device.model)}"
        f"{text_element('softwareName', device.software)}{_template('assignedAuthoringDevice')}"
        '</assignedAuthoringDevice><representedOrganization classCode="ORG" '
        'determinerCode="INSTANCE">'
        f"{instance(f'{oids.NPFIT}.19.1', device.organisation)}"
        f"{text_element('name', device.organisation_name)}{_template('representedOrganization')}"
        f"</representedOrganization></{_DEVICE}.AssignedAuthorDevice></author></controlActEvent1>"
    )


def _path(*names: str) -> str:
    return "".join(f"/{_HL7}{name}" for name in names)


def _attribute(element: etree._Element, path: str, name: str) -> str:
    found = element.find(path.removeprefix("/"))
    value = None if found is None else found.get(name)
    if value is None:
        raise refusal("SCHEMA", f"{path.rpartition('}')[2]} has no {name}")
    return value


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path.removeprefix("/")) or ""


def _entity(element: etree._Element, name: str) -> Entity:
    at = _path(name, "entity", "id")
    return Entity(_attribute(element, at, "root"), _attribute(element, at, "extension"))


def _trouble(element: etree._Element) -> Trouble:
    code = _path("acknowledgedBy3", "acknowledgementDetail", "code")
    said = _text(
        element,
        _path("acknowledgedBy2", "conveyingTransmission", "controlActEvent", "reason")
        + _path("detectedIssueEvent", "text"),
    )
    text = _attribute(element, code, "displayName")
    detail = said.removeprefix(f"{text}: ")
    return Trouble(_attribute(element, code, "code"), text, detail)
