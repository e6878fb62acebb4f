"""`spine send`: one retrieval over mutual TLS, as a legacy client sends it."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Final

from msgspec import Struct

from core.context import Context
from core.values.demographics import Patient
from legacy_contracts import ns, oids
from legacy_contracts.hl7.rim import escape
from operations.setup import SAMPLE_ASID, SPINE_ASID

RETRIEVAL: Final = "QUPA_IN000008UK02"
TRACE: Final = "QUPA_IN000005UK01"
PATH: Final = "/sync-service"


class ClientFiles(Struct, frozen=True):
    """A client's certificate and key, and the authority it trusts."""

    ca: Path
    certificate: Path
    key: Path


class HttpAnswer(Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


def retrieval(nhs_number: str, context: Context, *, asid: str = SAMPLE_ASID) -> bytes:
    """Give a retrieval of all data by a system, in the envelope of the synchronous queries."""
    return _query(
        RETRIEVAL,
        (context, asid),
        f"""<hl7:historicDataIndicator><hl7:semanticsText>HistoricDataIndicator</hl7:semanticsText>\
<hl7:value code="0" codeSystem="{oids.HISTORIC_DATA}"/></hl7:historicDataIndicator>
<hl7:person.id><hl7:semanticsText>Person.id</hl7:semanticsText>\
<hl7:value root="{oids.NHS_NUMBER}" extension="{escape(nhs_number)}"/></hl7:person.id>
<hl7:retrievalItem><hl7:semanticsText>person.allData</hl7:semanticsText></hl7:retrievalItem>""",
    )


def simple_trace(patient: Patient, context: Context) -> bytes:
    """Give a simple trace by the patient's gender, birth date and usual family name."""
    family = patient.names[0].family or ""
    return _query(
        TRACE,
        (context, SAMPLE_ASID),
        f"""<hl7:person.administrativeGenderCode><hl7:semanticsText>\
Person.administrativeGenderCode</hl7:semanticsText>\
<hl7:value code="{patient.gender}"/></hl7:person.administrativeGenderCode>
<hl7:person.birthTime><hl7:semanticsText>Person.birthTime</hl7:semanticsText>\
<hl7:value value="{patient.birth_time}"/></hl7:person.birthTime>
<hl7:person.name><hl7:semanticsText>Person.name</hl7:semanticsText>\
<hl7:value use="L"><hl7:family>{escape(family)}</hl7:family></hl7:value></hl7:person.name>""",
    )


def _query(interaction: str, asking: tuple[Context, str], query: str) -> bytes:
    context, sender_asid = asking
    time = context.now().strftime("%Y%m%d%H%M%S")
    receiver, sender = (
        f'<hl7:id root="{oids.ASID}" extension="{asid}"/>' for asid in (SPINE_ASID, sender_asid)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="{ns.SOAP}" xmlns:wsa="{ns.WSA}" xmlns:hl7="{ns.HL7}">
<SOAP-ENV:Header>
<wsa:MessageID>uuid:{context.new_id()}</wsa:MessageID>
<wsa:Action>{ns.SERVICES}pdsquery/{interaction}</wsa:Action>
<wsa:To>{ns.SERVICES}pdsquery</wsa:To>
<wsa:From><wsa:Address/></wsa:From>
<hl7:communicationFunctionRcv><hl7:device>{receiver}</hl7:device></hl7:communicationFunctionRcv>
<hl7:communicationFunctionSnd><hl7:device>{sender}</hl7:device></hl7:communicationFunctionSnd>
<wsa:ReplyTo><wsa:Address/></wsa:ReplyTo>
</SOAP-ENV:Header>
<SOAP-ENV:Body>
<hl7:{interaction}>
<hl7:id root="{context.new_id()}"/>
<hl7:creationTime value="{time}"/>
<hl7:versionCode code="3NPfIT6.3.01"/>
<hl7:interactionId root="{oids.INTERACTION}" extension="{interaction}"/>
<hl7:processingCode code="P"/>
<hl7:processingModeCode code="T"/>
<hl7:acceptAckCode code="NE"/>
<hl7:communicationFunctionRcv typeCode="RCV"><hl7:device classCode="DEV" \
determinerCode="INSTANCE">{receiver}</hl7:device></hl7:communicationFunctionRcv>
<hl7:communicationFunctionSnd typeCode="SND"><hl7:device classCode="DEV" \
determinerCode="INSTANCE">{sender}</hl7:device></hl7:communicationFunctionSnd>
<hl7:ControlActEvent classCode="CACT" moodCode="EVN">
<hl7:author1 typeCode="AUT"><hl7:AgentSystemSDS classCode="AGNT"><hl7:agentSystemSDS \
classCode="DEV" determinerCode="INSTANCE">{sender}</hl7:agentSystemSDS></hl7:AgentSystemSDS>\
</hl7:author1>
<hl7:query>
{query}
</hl7:query>
</hl7:ControlActEvent>
</hl7:{interaction}>
</SOAP-ENV:Body>
</SOAP-ENV:Envelope>
""".encode()


class Post(Struct, frozen=True):
    """What is sent: the message, its SOAP action, the path it goes to."""

    body: bytes
    action: str
    path: str = PATH


def post(address: tuple[str, int], files: ClientFiles, sent: Post) -> HttpAnswer:
    """Send a message over mutual TLS and give the answer; raises OSError when there is none."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(str(files.certificate), str(files.key))
    connection = http.client.HTTPSConnection(*address, context=context, timeout=30)
    try:
        headers = {"Content-Type": "text/xml", "SOAPAction": f'"{sent.action}"'}
        connection.request("POST", sent.path, sent.body, headers)
        response = connection.getresponse()
        return HttpAnswer(response.status, response.read())
    finally:
        connection.close()
