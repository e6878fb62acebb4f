"""Updates of MIM 2.3, whole and synthetic: parties for systems, no ids and no modes of items.

No schema of them is public; the elements are those that the stylesheets name (pds.md 2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import quoteattr

from creation_messages import ORGANISATION, act, entity, link, role
from ebxml_messages import RELIABLE, SERVICES, SOAP_NEXT, TO_PARTY_MSH, Message, new_id
from hub_messages import TO_THE_HUB
from msgspec.structs import replace
from update_messages import Asked, Sections
from wire_requests import NHS_NUMBER_ROOT
from wrapped_messages import CODES, TIME, Route

REQUEST_ID: Final = "5F0C7A11-3B8D-4E55-9A01-0C2D4E6F8A10"

ANSWERS: Final[Mapping[str, str]] = dict.fromkeys(
    ("PRPA_IN110000UK01", "PRPA_IN100000UK01", "PRPA_IN120000UK01"), "PRPA_IN150000UK01"
)
REFUSAL: Final = "PRPA_IN140000UK01"
ANSWERED: Final = frozenset({*ANSWERS.values(), REFUSAL})
CLEARED: Final = ' nullFlavor="NA"'

ADDRESS: Final = (
    '<addr use="H"><streetAddressLine/><streetAddressLine>9 NEW ROAD</streetAddressLine>'
    "<streetAddressLine/><streetAddressLine>HULL</streetAddressLine>"
    "<postalCode>HU1 9ZZ</postalCode><addressKey>0</addressKey></addr>"
)
TELECOM: Final = '<telecom use="H" value="tel:01632960009"/>'
NAME: Final = (
    '<name use="L"><prefix>MRS</prefix><given>EDITH</given><given>ROSE</given>'
    "<family>NEWNAME</family></name>"
)


def _consent(place: str, code: str, value: str) -> str:
    body = f'<code code="{code}"/>{value}'
    return link(place, act("consent", body))


def provision(code: str = "B99002") -> str:
    """Give the practice with which a patient is registered."""
    own = f'<id root="{ORGANISATION}" extension="{code}"/>'
    event = act(
        "patientCareProvision",
        '<code code="1"/>'
        + link("responsibleParty", role("healthCareProvider", own, "PROV"), "RESP"),
        "PCPR",
    )
    return role("playedOtherProviderPatient", link("subjectOf", event), "PAT")


def _death(code: str, time: str) -> Sections:
    told = act("deathNotification", f'<code code="3"/><value code="{code}"/>')
    where = entity(
        "representedRegisteringOrganization",
        f'<id root="{ORGANISATION}" extension="A99001"/>',
        "ORG",
    )
    authority = role("registeringAuthority", f'<code code="1"/>{where}', "ASSIGNED")
    return {
        "person": f'<deceasedTime value="{time}"/>',
        "subjects": link("subjectOf", told),
        "author": link("author", authority, "AUT"),
    }


def _sharing(value: str) -> str:
    comments = act("pertinentSupplementaryComments", f'<code code="4"/><value>{value}</value>')
    return '<effectiveTime value="20140820"/><value code="1"/>' + link(
        "pertinentInformation", comments, "PERT"
    )


def everything(interaction: str, *, code: str = "1", time: str = "20140820") -> Sections:
    """Give what an interaction has room for."""
    if interaction == "PRPA_IN100000UK01":
        return _death(code, time)
    if interaction == "PRPA_IN120000UK01":
        return {"subjects": _consent("subjectOf", "4", _sharing("AS SAID"))}
    return {
        "role": ADDRESS + TELECOM,
        "person": (
            f'{NAME}<administrativeGenderCode code="9"/><birthTime value="19500204"/>'
            '<languageCommunication><languageCode code="fr"/></languageCommunication>'
            f'<disabilityCode code="12"/>{provision()}'
        ),
        "subjects": _consent("subjectOf1", "6", '<value code="5"/>'),
    }


def update(
    interaction: str, asked: Asked, route: Route = TO_THE_HUB, *, message_id: str | None = None
) -> Message:
    """Give an update: reliable, and for the hub itself."""
    own_id = message_id or new_id()
    payload = (
        f'<{interaction} xmlns="urn:hl7-org:v3"><id root={quoteattr(own_id)}/>'
        f'<creationTime value="{TIME}"/><versionCode code="V3NPfIT2.3"/>'
        f'<interactionId root="{CODES}.12" extension="{interaction}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/>'
        f"{device('Rcv', route.to_party)}{device('Snd', route.from_party)}"
        f'<ControlActEvent classCode="CACT" moodCode="EVN">{author(route.from_asid)}'
        f'<subject typeCode="SUBJ" contextConductionInd="false">{_request(asked)}</subject>'
        f"</ControlActEvent></{interaction}>"
    )
    message = carried(interaction, payload, route, own_id)
    return replace(message, ack_actor=TO_PARTY_MSH, sync_actor=SOAP_NEXT, path=RELIABLE)


def carried(interaction: str, payload: str, route: Route, message_id: str) -> Message:
    """Give a message of the oldest generation, in its envelope."""
    return Message(
        SERVICES + "pds",
        interaction,
        payload,
        from_party=route.from_party,
        to_party=route.to_party,
        cpa_id=route.cpa_id,
        message_id=message_id,
        conversation_id=message_id,
    )


def _request(asked: Asked) -> str:
    said = asked.sections
    number = act("pertinentSerialChangeNumber", f'<code code="2"/><value value="{asked.scn}"/>')
    person = entity("patientPerson", said.get("person", ""))
    body = (
        f'<id root="{NHS_NUMBER_ROOT}" extension="{asked.nhs_number}"/>'
        f"{said.get('role', '')}{person}{said.get('subjects', '')}"
    )
    content = (
        f'<id root="{REQUEST_ID}"/><code code="{asked.kind}"/>'
        + link("subject", role("patientRole", body, "PAT"))
        + said.get("author", "")
        + link("pertinentInformation", number, "PERT")
    )
    return act("PdsUpdateRequest", content, "REG", "RQO")


def device(way: str, party: str) -> str:
    """Give a party that sends or receives."""
    return (
        f'<communicationFunction{way} typeCode="{way.upper()}">'
        '<device classCode="DEV" determinerCode="INSTANCE">'
        f'<id root="{CODES}.10" extension="{party}"/></device></communicationFunction{way}>'
    )


def author(asid: str) -> str:
    """Give who asks, and with which system."""
    return (
        '<author typeCode="AUT"><assignedEntity classCode="ASSIGNED">'
        '<id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/>'
        '<representedOrganization classCode="ORG" determinerCode="INSTANCE">'
        f'<id root="1.2.826.0.1285.0.2.0.107" extension="{asid}"/>'
        "</representedOrganization></assignedEntity></author>"
    )
