"""A verifyNHSNumber request, in its envelope and addressed, as a client of the WSDL sends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from msgspec import Struct

from core.context import Context
from legacy_contracts import ns, oids
from legacy_contracts.hl7.rim import escape
from legacy_contracts.smsp.operations import OPERATIONS
from operations.setup import SAMPLE_ASID

PATH: Final = "/smsp/pds"
_OPERATION: Final = OPERATIONS["verifyNHSNumber-v1-0"]
ACTION: Final = _OPERATION.action
STANDS: Final = timedelta(minutes=5)
_ODS: Final = "urn:nhs-uk:addressing:ods:T99999:sample"
_MARK: Final = "ID-OF-THE-REQUEST"
_PAYLOAD: Final = "uuid_5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A"


class Person(Struct, frozen=True):
    """Whose number is to be verified, and the birth date that it should have."""

    nhs_number: str
    birth_date: str


def request(person: Person, context: Context, *, asid: str = SAMPLE_ASID) -> bytes:
    """Give one request, with ids of its own."""
    before, between, after = _parts(person, context, asid)
    return f"{before}{context.new_id()}{between}{context.new_id()}{after}".encode()


def requests(person: Person, context: Context) -> Iterator[bytes]:
    """Give one request after the other, each with ids of its own, since each is answered once."""
    before, between, after = (one.encode() for one in _parts(person, context, SAMPLE_ASID))
    while True:
        message, tracking = context.new_id().encode(), context.new_id().encode()
        yield b"".join((before, message, between, tracking, after))


def _parts(person: Person, context: Context, asid: str) -> list[str]:
    """Give the text of a request around its message id and its tracking id."""
    now = context.now()
    created, expires = (f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in (now, now + STANDS))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="{ns.SOAP}" xmlns:wsa="{ns.WSA_2005}" xmlns:itk="{ns.ITK}">
<soap:Header>
<wsa:MessageID>urn:uuid:{_MARK}</wsa:MessageID>
<wsa:Action>{ACTION}</wsa:Action>
<wsa:To>https://localhost{PATH}</wsa:To>
<wsa:From><wsa:Address>{_ODS}</wsa:Address></wsa:From>
<wsse:Security xmlns:wsse="{ns.WSSE}"><wsu:Timestamp xmlns:wsu="{ns.WSU}">\
<wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>\
<wsse:UsernameToken><wsse:Username>Sample client</wsse:Username></wsse:UsernameToken>\
</wsse:Security>
</soap:Header>
<soap:Body>
<itk:DistributionEnvelope>
<itk:header service="{ACTION}" trackingid="{_MARK}">
<itk:auditIdentity><itk:id type="{oids.ASID}" uri="{asid}"/></itk:auditIdentity>
<itk:manifest count="1"><itk:manifestitem id="{_PAYLOAD}" mimetype="text/xml" \
profileid="{_OPERATION.request_profile}" base64="false" compressed="false" encrypted="false"/>\
</itk:manifest>
<itk:senderAddress uri="{_ODS}"/>
</itk:header>
<itk:payloads count="1"><itk:payload id="{_PAYLOAD}">
{_payload(person)}
</itk:payload></itk:payloads>
</itk:DistributionEnvelope>
</soap:Body>
</soap:Envelope>
""".split(_MARK)


def _payload(person: Person) -> str:
    name = _OPERATION.request_element
    return f"""<{name} xmlns="{ns.HL7}" classCode="CACT" moodCode="EVN">
<id root="3E25ACE2-23F8-4A37-B446-6A37F31BF77C"/>
<code code="{_OPERATION.code}" codeSystem="{oids.SMSP_MESSAGE}"/>
<queryEvent>
<Person.DateOfBirth><value value="{escape(person.birth_date)}"/>\
<semanticsText>Person.DateOfBirth</semanticsText></Person.DateOfBirth>
<Person.NHSNumber><value root="{oids.NHS_NUMBER}" extension="{escape(person.nhs_number)}"/>\
<semanticsText>Person.NHSNumber</semanticsText></Person.NHSNumber>
</queryEvent>
</{name}>"""
