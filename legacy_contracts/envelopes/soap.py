"""SOAP 1.1 with WS-Addressing 2004/08: the synchronous envelope of MIM 3.1 and later.

Requests: pds.md 1.3 steps 1 and 2 (the p1r2 query validators). Answers: pds.md 1.5 and 1.6, the
captured `corpus/pds/mhs-adaptor/sync_outbound_response.xml`. Faults: transport.md 1.6.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.errors import MEANINGS, Advice, Fault, MalformedMessage
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import Xml, escape
from legacy_contracts.hl7.rules import Group, Rule, Rules, count_is, once, once_id, same, uuid_in
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Interaction

DECLARATION: Final = "<?xml version='1.0' encoding='UTF-8'?>\n"

_HEADER: Final = "/soap:Envelope/soap:Header[1]"
BODY: Final = "/soap:Envelope/soap:Body[1]/*[1]"
CONTENT: Final = "/soap:Envelope/soap:Body/*"
"""Where the legacy asks some rules: of whatever stands in a body, not of the first alone."""

_ACT: Final = f"{BODY}/hl7:ControlActEvent[1]"

_DEVICE: Final = "hl7:communicationFunction{}[1]/hl7:device[1]/hl7:id[@root='" + oids.ASID + "']"
_BODY_DEVICE: Final = (
    "soap:Body/*[1]/hl7:communicationFunction{}/hl7:device/hl7:id[@root='" + oids.ASID + "']"
)
_HEADER_DEVICE: Final = "soap:Header/" + _DEVICE + "/@extension"
_INTERACTION: Final = f"soap:Body/*[1]/hl7:interactionId[@root='{oids.INTERACTION}']"

FRAME: Final = Group(
    "",
    (
        Rule("count(/soap:Envelope) = 1", "MESSAGE_NOT_WELL_FORMED"),
        Rule("count(/soap:Envelope/soap:Header) = 1", "MESSAGE_NOT_WELL_FORMED"),
        Rule("count(/soap:Envelope/soap:Body) = 1", "MESSAGE_NOT_WELL_FORMED"),
    ),
)

ADDRESSING: Final = Group(
    _HEADER,
    (
        Rule("string-length(wsa:MessageID) = 41", "SOAP_MESSAGE_ID_ERROR"),
        Rule("count(wsa:Action) = 1", "SOAP_ACTION_ERROR"),
        Rule(once("wsa:To"), "SOAP_TO_ERROR"),
        Rule(once(_DEVICE.format("Rcv"), "extension"), "SOAP_COMM_FUNC_RCV_ERROR"),
        Rule(once(_DEVICE.format("Snd"), "extension"), "SOAP_COMM_FUNC_SND_ERROR"),
    ),
)

WRAPPER: Final = (
    Group(
        BODY,
        (
            Rule(once_id(), "INVALID_ID"),
            Rule(once("hl7:creationTime", "value"), "INVALID_CREATION_TIME"),
            Rule(once("hl7:versionCode", "code"), "INVALID_VERSION_CODE"),
            Rule("count(hl7:ControlActEvent) = 1", "INVALID_CONTROL_ACT"),
            Rule(count_is("hl7:ControlActEvent[1]/hl7:author", 0, 1), "CONTROL_ACT_AUTHOR_INVALID"),
            Rule(
                count_is("hl7:ControlActEvent[1]/hl7:author1", 1, 2),
                "CONTROL_ACT_AUTHOR_INVALID_CARDINALITY",
            ),
            Rule(
                "count(hl7:ControlActEvent[1]/hl7:query) = 1 and "
                "hl7:ControlActEvent[1]/hl7:query/*",
                "CONTROL_ACT_QUERY_INVALID",
            ),
        ),
    ),
    Group(
        "/soap:Envelope",
        (
            Rule(
                f"count({_INTERACTION}) = 1 and "
                + same(
                    f"{_INTERACTION}/@extension",
                    "substring-after(soap:Header/wsa:Action, '/')",
                    "local-name(soap:Body/*[1])",
                ),
                "INCONSISTENT_HL7_INTERACTION_ID",
            ),
            *(
                Rule(
                    f"count({_BODY_DEVICE.format(way)}) = 1 and "
                    + same(f"{_BODY_DEVICE.format(way)}/@extension", _HEADER_DEVICE.format(way)),
                    f"INCONSISTENT_COMM_FUNC_{way.upper()}",
                )
                for way in ("Rcv", "Snd")
            ),
        ),
    ),
    Group(
        f"{_ACT}/hl7:author",
        tuple(
            Rule(
                once(f"hl7:AgentPersonSDS/{path}[@root='{root}']", "extension"),
                "CONTROL_ACT_AUTHOR_INVALID",
            )
            for path, root in (
                ("hl7:id", oids.ROLE_PROFILE),
                ("hl7:agentPersonSDS/hl7:id", oids.USER),
                ("hl7:part/hl7:partSDSRole/hl7:id", oids.JOB_ROLE),
            )
        ),
    ),
    Group(
        f"{_ACT}/hl7:author1[1]/hl7:AgentSystemSDS/hl7:agentSystemSDS",
        (
            Rule(
                once(f"hl7:id[@root='{oids.ASID}']", "extension"),
                "CONTROL_ACT_AUTHOR_AGENT_INVALID",
            ),
        ),
    ),
    Group(
        f"{_ACT}/hl7:author1[2]/hl7:AgentSystemSDS/hl7:agentSystemSDS",
        (
            Rule(
                "count(hl7:id) = 1 and string-length(hl7:id/@root) > 0 "
                "and string-length(hl7:id/@extension) > 0",
                "CONTROL_ACT_AUTHOR_AGENT2_INVALID",
            ),
        ),
    ),
)

ADDRESSED: Final = Rules((FRAME, ADDRESSING))
"""What a message is asked that names no interaction."""

QUERY_GROUPS: Final = (FRAME, ADDRESSING, *WRAPPER)
"""What every synchronous query is asked before its own rules."""


def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=ns.PREFIXES, smart_strings=False)


_transport_id = _compiled(f"string({_HEADER}/wsa:MessageID)")
_message_id = _compiled(f"string({BODY}/hl7:id/@root)")
_to = _compiled(f"string({_HEADER}/{_DEVICE.format('Rcv')}/@extension)")
_from = _compiled(f"string({_HEADER}/{_DEVICE.format('Snd')}/@extension)")
_actions = _compiled(f"{_HEADER}/wsa:Action")
_framed = _compiled(" and ".join(rule.test for rule in FRAME.rules))
_author = _compiled(f"{_ACT}/hl7:author/hl7:AgentPersonSDS")
_author_ids = tuple(
    _compiled(f"string({path}[@root='{root}']/@extension)")
    for path, root in (
        ("hl7:id", oids.ROLE_PROFILE),
        ("hl7:agentPersonSDS/hl7:id", oids.USER),
        ("hl7:part/hl7:partSDSRole/hl7:id", oids.JOB_ROLE),
    )
)


def require_frame(root: etree._Element) -> None:
    """Return if the document is one envelope with one header and one body; raise if not."""
    if not _framed(root.getroottree()):
        raise MalformedMessage("not a SOAP envelope with one header and one body")


def action_of(root: etree._Element) -> str | None:
    """Give the wsa:Action, or None where there is not exactly one."""
    actions = _actions(root)
    return (actions[0].text or "").strip() if len(actions) == 1 else None


class WsaEnvelope:
    """The envelope of synchronous queries and their answers."""

    def correlation(self, root: etree._Element) -> Correlation:
        """Give what an answer must repeat."""
        transport_id, message_id = str(_transport_id(root)), str(_message_id(root))
        return Correlation(
            transport_id=transport_id,
            # An id that is none is refused; what refuses it names the message by the envelope's.
            message_id=uuid_in(message_id) or transport_id.removeprefix("uuid:"),
            to_id=str(_to(root)),
            from_id=str(_from(root)),
        )

    def person(self, root: etree._Element) -> tuple[str, str, str] | None:
        """Give the author's role profile, user and job role ids, or None without author."""
        authors = _author(root)
        if not authors:
            return None
        role_profile, user, job_role = (str(read(authors[0])) for read in _author_ids)
        return role_profile, user, job_role

    @property
    def names_system(self) -> bool:
        """Say that the sender is named by ASID."""
        return True

    def success(
        self,
        row: Interaction,
        to: Correlation,
        at: Moment,
        payload: Xml,
        advice: tuple[Advice, ...],
    ) -> bytes:
        """Give a successful answer (createResponseFramework_acs)."""
        reply = row.reply
        act = wrappers.control_act(
            wrappers.advice_reasons(advice) + wrappers.answered(payload),
            to,
        )
        body = wrappers.transmission(
            reply.interaction_id,
            reply.version_code,
            at,
            wrappers.accepted(to),
            wrappers.devices(to) + act,
        )
        return _enveloped(
            row, Dress(reply.interaction_id, reply.prefix, row.reply.wsa_from), to, at, body
        )

    def wrapper_refusal(self, row: Interaction, to: Correlation, at: Moment, fault: Fault) -> bytes:
        """Give an application acknowledgement with AR (syncAcknowledgementDetail)."""
        body = wrappers.transmission(
            APPLICATION_ACK,
            REFUSAL_VERSION,
            at,
            wrappers.rejected(to, fault),
            wrappers.devices(to) + wrappers.control_act("", to),
        )
        dress = Dress(APPLICATION_ACK, "SOAP", national_sender(row.service))
        return _enveloped(row, dress, to, at, body)

    def business_refusal(
        self, row: Interaction, to: Correlation, at: Moment, faults: tuple[Fault, ...]
    ) -> bytes:
        """Give a query refusal with AE, one reason for each error (syncHL7ErrorDetail)."""
        act = wrappers.control_act(wrappers.fault_reasons(faults) + wrappers.unanswered(), to)
        body = wrappers.transmission(
            row.refusal_id,
            REFUSAL_VERSION,
            at,
            wrappers.in_error(to),
            wrappers.devices(to) + act,
        )
        return _enveloped(
            row, Dress(row.refusal_id, row.reply.prefix, row.reply.wsa_from), to, at, body
        )


def national_sender(service: str) -> str:
    """Give the address that answers of a service come from, unless captured ones say another."""
    return f"https://{service}.national.ncrs.nhs.uk/syncservice"


APPLICATION_ACK: Final = "MCCI_IN010000UK13"
REFUSAL_VERSION: Final = "V3NPfIT3.0"


def soap_fault(fault: Fault) -> bytes:
    """Give a SOAP fault with its one error (generateSOAPFault; HTTP 500)."""
    meaning = MEANINGS[fault.name]
    text = wrappers.worded(meaning.text, fault)
    party, string = ("Client", text) if meaning.client else ("Server", "Application Exception")
    return (
        f'{DECLARATION}<SOAP:Envelope xmlns:SOAP="{ns.SOAP}"><SOAP:Body><SOAP:Fault>'
        f"<faultcode>SOAP:{party}</faultcode><faultstring>{escape(string)}</faultstring>"
        f'<detail><nasp:errorList xmlns:nasp="{ns.NASP}"><nasp:error>'
        "<nasp:codeContext>urn:nhs:names:error:tms</nasp:codeContext>"
        f"<nasp:errorCode>{meaning.code}</nasp:errorCode><nasp:severity>Error</nasp:severity>"
        f"<nasp:location>{escape(meaning.location)}</nasp:location>"
        f"<nasp:description>{escape(text)}</nasp:description>"
        "</nasp:error></nasp:errorList></detail></SOAP:Fault></SOAP:Body></SOAP:Envelope>"
    ).encode()


class Dress(Struct, frozen=True):
    """What an envelope says of its content, and the prefix it says it with."""

    action: str
    prefix: str
    wsa_from: str


def _enveloped(row: Interaction, dress: Dress, to: Correlation, at: Moment, body: Xml) -> bytes:
    prefix = dress.prefix
    wrapper = row.reply.wrapper
    return (
        f'{DECLARATION}<{prefix}:Envelope xmlns:crs="{ns.CRS}" xmlns:{prefix}="{ns.SOAP}" '
        f'xmlns:wsa="{ns.WSA}" xmlns="{ns.HL7}" xmlns:hl7="{ns.HL7}"><{prefix}:Header>'
        f"<wsa:MessageID>uuid:{at.message_id}</wsa:MessageID>"
        f"<wsa:Action>{ns.SERVICES}{row.service}/{dress.action}</wsa:Action><wsa:To/>"
        f"<wsa:From><wsa:Address>{dress.wsa_from}</wsa:Address></wsa:From>"
        f"{wrappers.devices(to)}"
        f"<wsa:RelatesTo>{escape(to.transport_id)}</wsa:RelatesTo></{prefix}:Header>"
        f"<{prefix}:Body><{wrapper}>{body}</{wrapper}></{prefix}:Body></{prefix}:Envelope>"
    ).encode()
