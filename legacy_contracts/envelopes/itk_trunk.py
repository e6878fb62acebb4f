"""ITK trunk: a distribution envelope that the hub forwards inside COPC_IN000001GB01.

Three parts (domains.md 2.6, corpus itk-trunk): the ebXML header, whose manifest names both others,
the HL7 shell, which says which systems speak and in whose name and has no content of its own, and
the envelope. The hub forwards the bytes as they are; here they are opened and built.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids, xml
from legacy_contracts.envelopes import ebxml, itk, mime
from legacy_contracts.envelopes.ebxml import Attached, Header, Outgoing
from legacy_contracts.envelopes.ebxml_rules import Form
from legacy_contracts.envelopes.itk import Envelope
from legacy_contracts.errors import MalformedMessage
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import Xml, instance
from legacy_contracts.hl7.wrappers import Moment

INTERACTION: Final = "COPC_IN000001GB01"
SERVICE: Final = f"{ns.SERVICES}itk"
DESCRIPTION: Final = "ITK Trunk Message"
VERSION: Final = "V3NPfIT4.2.00"


class Author(Struct, frozen=True):
    """In whose name a message is sent: role profile, user and job role."""

    role_profile: str
    user: str
    job_role: str


class Shell(Struct, frozen=True):
    """What the HL7 part says: its id and time, the systems, and the author where there is one."""

    at: Moment
    receiver: str
    sender: str
    author: Author | None = None


class Trunk(Struct, frozen=True):
    """A trunk message as it was received."""

    header: Header
    shell: Shell
    envelope: Envelope


def opened(body: bytes, content_type: str) -> Trunk:
    """Give a trunk message; raise `MalformedMessage` where it is none.

    An envelope that disagrees with itself raises `ItkError`, which `itk_infrastructure` can tell.
    """
    package = mime.split(body, content_type)
    header = ebxml.header(xml.parse(package.root.decoded(), charset=package.root.charset))
    if header.action != INTERACTION or len(header.references) != 2:
        raise MalformedMessage("no trunk message of a shell and an envelope")
    parts = [package.referenced(one) for one in header.references]
    shell, envelope = (_document(part) for part in parts)
    return Trunk(header, _shell(shell), itk.opened(envelope))


def built(said: Outgoing, shell: Shell, envelope: Envelope, envelope_id: str) -> bytes:
    """Give the bytes of a trunk message, its parts as `mime.CONTENT_TYPE` says."""
    attached = Attached(envelope_id, DESCRIPTION)
    header = ebxml.business(said, Form.FORWARD_END_PARTY, attached)
    payload_id = f"{said.message_id}{mime.ID_SUFFIX}"
    parts = (
        (mime.ROOT_ID, "text/xml; charset=UTF-8", header),
        (payload_id, "application/xml; charset=UTF-8", shell_text(shell).encode()),
        (envelope_id, "text/xml", itk.built(envelope).encode()),
    )
    return mime.joined(tuple(mime.OutPart(one, kind, "8bit", text) for one, kind, text in parts))


def shell_text(shell: Shell) -> Xml:
    """Give the text of the HL7 part."""
    head = wrappers.transmission_head(INTERACTION, VERSION, shell.at)
    return Xml(
        f'<{INTERACTION} xmlns="{ns.HL7}">{head}'
        f"{_function('Rcv', shell.receiver)}{_function('Snd', shell.sender)}"
        f'<ControlActEvent classCode="CACT" moodCode="EVN">{_author(shell.author)}'
        '<author1 typeCode="AUT"><AgentSystemSDS classCode="AGNT"><agentSystemSDS classCode="DEV" '
        f'determinerCode="INSTANCE">{instance(oids.ASID, shell.sender)}</agentSystemSDS>'
        f"</AgentSystemSDS></author1></ControlActEvent></{INTERACTION}>"
    )


def _function(way: str, asid: str) -> str:
    """Give a communication function; captured trunk messages leave its type code out."""
    return (
        f'<communicationFunction{way}><device classCode="DEV" determinerCode="INSTANCE">'
        f"{instance(oids.ASID, asid)}</device></communicationFunction{way}>"
    )


def _author(author: Author | None) -> str:
    if author is None:
        return ""
    return (
        '<author typeCode="AUT"><AgentPersonSDS classCode="AGNT">'
        f"{instance(oids.ROLE_PROFILE, author.role_profile)}"
        '<agentPersonSDS classCode="PSN" determinerCode="INSTANCE">'
        f"{instance(oids.USER, author.user)}</agentPersonSDS>"
        '<part typeCode="PART"><partSDSRole classCode="ROL">'
        f"{instance(oids.JOB_ROLE, author.job_role)}</partSDSRole></part>"
        "</AgentPersonSDS></author>"
    )


def _document(part: mime.Part | None) -> etree._Element:
    if part is None:
        raise MalformedMessage("the manifest names a part that is not there")
    return xml.parse(part.decoded(), charset=part.charset)


def _compiled(expression: str) -> etree.XPath:
    return etree.XPath(expression, namespaces=ns.PREFIXES, smart_strings=False)


_DEVICE: Final = "string(hl7:communicationFunction{}/hl7:device/hl7:id/@extension)"
_receiver = _compiled(_DEVICE.format("Rcv"))
_sender = _compiled(_DEVICE.format("Snd"))
_id = _compiled("string(hl7:id/@root)")
_time = _compiled("string(hl7:creationTime/@value)")
_person = _compiled("hl7:ControlActEvent/hl7:author/hl7:AgentPersonSDS")
_author_ids = tuple(
    _compiled(f"string({path}/@extension)")
    for path in ("hl7:id", "hl7:agentPersonSDS/hl7:id", "hl7:part/hl7:partSDSRole/hl7:id")
)


def _shell(root: etree._Element) -> Shell:
    if root.tag != f"{{{ns.HL7}}}{INTERACTION}":
        raise MalformedMessage("the payload is no shell of a trunk message")
    persons = _person(root)
    author = Author(*(str(read(persons[0])) for read in _author_ids)) if persons else None
    at = Moment(str(_id(root)), str(_time(root)))
    return Shell(at, str(_receiver(root)), str(_sender(root)), author)
