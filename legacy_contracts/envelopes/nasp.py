"""The oldest synchronous envelope (MIM 2.3): the HL7 wrapper stands in the SOAP header as well.

There is no schema and no captured message of it; requests follow the XPaths of the p1r1 query
validators (pds.md 1.3), answers the frames createResponseFramework_p1r1 and _p1r1_retrieve,
refusals syncHL7ErrorDetail_p1r1 and syncAcknowledgementDetail_p1r1. Parties are named by party key.
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.soap import APPLICATION_ACK, BODY, CONTENT, DECLARATION, FRAME
from legacy_contracts.errors import MEANINGS, Advice, Fault
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import Xml, escape
from legacy_contracts.hl7.rules import Group, Rule, once_id, uuid_in
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Interaction

VERSION: Final = "V3NPfIT2.0"
PROCESS: Final = f"{BODY}/hl7:ControlActProcess"
EVERY_PROCESS: Final = f"{CONTENT}/hl7:ControlActProcess"

_HEADER: Final = "/soap:Envelope/soap:Header[1]/*[1]"
_PARTY: Final = f"hl7:id[@root='{oids.PARTY_KEY}']"
_DEVICE: Final = f"hl7:communicationFunction{{}}[1]/hl7:device[1]/{_PARTY}"
_ANY_DEVICE: Final = f"hl7:communicationFunction{{}}/hl7:device/{_PARTY}"

# What query answers of 2.3 say in place of 17.42's codes (queryActFailed_QUQI_MT020101UK01).
_INADEQUATE: Final = "0"
_NO_MATCH: Final = "1"
_TOO_MANY: Final = "2"
_RESPONSE_CODES: Final = {
    "NO_MATCH": _NO_MATCH,
    "NO_MATCH_SIMPLE_TRACE": _NO_MATCH,
    "NO_MATCH_RETRIEVAL": _NO_MATCH,
    "NO_MATCH_ADVANCED_TRACE": _NO_MATCH,
    "MULTIPLE_MATCHES": _TOO_MANY,
}


def response_code(fault: Fault) -> str:
    """Give the code by which a query's answer says how it failed."""
    return _RESPONSE_CODES.get(fault.name, _INADEQUATE)


def rule_groups(
    interaction_id: str, query: str, query_fault: str, *agreeing: Rule
) -> tuple[Group, ...]:
    """Give the rules that every 2.3 query is asked: frame, header, wrapper, agreement, author.

    `agreeing` are the rules by which this query's header and body must agree besides.
    """
    named = f"hl7:interactionId[@root='{oids.INTERACTION}'][@extension='{interaction_id}']"
    return (
        FRAME,
        Group(
            _HEADER,
            (
                Rule(f"count({named}) = 1", "INVALID_SOAP_INTERACTION_ID"),
                Rule(_present("hl7:id/@root[1]"), "INVALID_SOAP_ROOT"),
                Rule(
                    _present(f"{_DEVICE.format('Rcv')}/@extension"), "SOAP_NASP_COMM_FUNC_RCV_ERROR"
                ),
                Rule(
                    _present(f"{_DEVICE.format('Snd')}/@extension"), "SOAP_NASP_COMM_FUNC_SND_ERROR"
                ),
            ),
        ),
        Group(
            BODY,
            (
                Rule(once_id(), "INVALID_ID"),
                Rule(_present("hl7:creationTime/@value"), "INVALID_CREATION_TIME"),
                Rule(_present("hl7:versionCode/@code"), "INVALID_VERSION_CODE"),
                Rule(f"count({_DEVICE.format('Rcv')}[1]/@extension) = 1", "INVALID_COMM_FUNC_RCV"),
                Rule(f"count({_DEVICE.format('Snd')}[1]/@extension) = 1", "INVALID_COMM_FUNC_SND"),
                Rule(f"count({named}) = 1", "INVALID_EXTENSION"),
                Rule(f"hl7:ControlActProcess/{query}/*", query_fault),
                Rule("hl7:ControlActProcess//hl7:author/hl7:assignedEntity", "GENERIC_ERROR"),
            ),
        ),
        Group(
            "/soap:Envelope",
            (
                *(
                    Rule(
                        _any_agrees(
                            f"soap:Body/*[1]/{_ANY_DEVICE.format(way)}/@extension",
                            f"soap:Header/*[1]/{_DEVICE.format(way)}/@extension",
                        ),
                        f"INCONSISTENT_COMM_FUNC_{way.upper()}",
                    )
                    for way in ("Rcv", "Snd")
                ),
                *agreeing,
            ),
        ),
        Group(
            f"{PROCESS}/hl7:author/hl7:assignedEntity",
            (
                Rule(_identified("hl7:id[1]"), "GENERIC_ERROR"),
                Rule("count(hl7:code/@code) = 1", "GENERIC_ERROR"),
                Rule(_identified("hl7:representedOrganization/hl7:id[1]"), "GENERIC_ERROR"),
            ),
        ),
    )


def _any_agrees(body: str, header: str) -> str:
    """Give the test that some node of the body agrees with the header's.

    Other than one in the header is refused for that; comparing many with many would take minutes.
    """
    return f"count({header}) = 1 and {body} = {header}"


MESSAGE_IDS_AGREE: Final = Rule(
    _any_agrees("soap:Body/*[1]/hl7:id/@root", "soap:Header[1]/*[1]/hl7:id/@root"),
    "INCONSISTENT_INTERACTION_ID",
)
"""What only the trace is asked: header and body have one message id."""


def _present(attribute: str) -> str:
    return f"count({attribute}) = 1 and string-length({attribute}) > 0"


def _identified(path: str) -> str:
    return f"count({path}/@extension) = 1 and count({path}/@root) = 1"


def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=ns.PREFIXES, smart_strings=False)


_interaction = _compiled(f"local-name({BODY})")
_message_id = _compiled(f"string({BODY}/hl7:id/@root)")
_to = _compiled(f"string({_HEADER}/{_DEVICE.format('Rcv')}/@extension)")
_from = _compiled(f"string({_HEADER}/{_DEVICE.format('Snd')}/@extension)")
_author = _compiled(f"{PROCESS}/hl7:author/hl7:assignedEntity")
_user = _compiled("string(hl7:id[1]/@extension)")
_job_role = _compiled("string(hl7:code/@code)")


def interaction_of(root: etree._Element) -> str:
    """Give the name of the interaction in the body, empty where there is none."""
    return str(_interaction(root))


class NaspEnvelope(Struct, frozen=True):
    """The envelope of one 2.3 conversation: its ControlAct's name, and what a success says."""

    control_act: str
    success_code: str
    success_text: str

    def correlation(self, root: etree._Element) -> Correlation:
        """Give what an answer must repeat; header and body share one id."""
        sent = str(_message_id(root))
        message_id = uuid_in(sent) or sent
        return Correlation(message_id, message_id, str(_to(root)), str(_from(root)))

    def person(self, root: etree._Element) -> tuple[str, str, str] | None:
        """Give the author as (no role profile, user, job role), or None without author."""
        authors = _author(root)
        return ("", str(_user(authors[0])), str(_job_role(authors[0]))) if authors else None

    @property
    def names_system(self) -> bool:
        """Say that the sender is named by party key and not by ASID."""
        return False

    def success(
        self,
        row: Interaction,
        to: Correlation,
        at: Moment,
        payload: Xml,
        advice: tuple[Advice, ...],
    ) -> bytes:
        """Give a successful answer; of several pieces of advice it has room for one."""
        usual = Advice(self.success_code, self.success_text)
        said = next((one for one in advice if one.code != usual.code), usual)
        result = (
            f'<code code="1"/><value code="{said.code}" codeSystem="{oids.P1R1_RESULT}" '
            f'displayName="{escape(said.text)}"/>'
        )
        found = (
            f'<subject typeCode="SUBJ"><{row.reply.wrapper}>'
            f"{result}{payload}</{row.reply.wrapper}></subject>"
        )
        query_ack = _query_ack(to, '<queryResponseCode code="OK"/>')
        act = _act(self.control_act, found + query_ack)
        header_act = _act("ControlAct", query_ack, ' type="ControlAct"')
        parts = _Parts(row.reply.interaction_id, wrappers.accepted(to))
        return _enveloped(parts, to, at, (_headed(parts, to, at, header_act), act))

    def wrapper_refusal(self, row: Interaction, to: Correlation, at: Moment, fault: Fault) -> bytes:
        """Give an application acknowledgement with AR: a text, and no code of its own."""
        del row
        text = wrappers.worded(MEANINGS[fault.name].text, fault)
        acknowledgement = (
            '<acknowledgement typeCode="AR"><acknowledgementDetail typeCode="ER">'
            f'<code code="ME"/><text>{escape(text)}</text></acknowledgementDetail>'
            f"{wrappers.message_ref(to)}</acknowledgement>"
        )
        parts = _Parts(APPLICATION_ACK, acknowledgement)
        return _enveloped(parts, to, at, (_shell(parts, to, at), ""))

    def business_refusal(
        self, row: Interaction, to: Correlation, at: Moment, faults: tuple[Fault, ...]
    ) -> bytes:
        """Give a query refusal with AE, in the form that shows the last error only."""
        fault = faults[-1]
        meaning = MEANINGS[fault.name]
        text = escape(wrappers.worded(meaning.text, fault))
        code = response_code(fault)
        header_reason = (
            '<reason type="ActRelationship" typeCode="RSON"><justifyingDetectedIssueEvent '
            f'classCode="ALRT" moodCode="EVN" type="Observation"><code code="{meaning.code}"/>'
            f"<value>{text}</value></justifyingDetectedIssueEvent></reason>"
        )
        body_reason = (
            '<reason typeCode="RSON">'
            '<justifyingDetectedIssueEvent classCode="ALRT" moodCode="EVN">'
            f'<code code="{code}"/><value>{text}</value></justifyingDetectedIssueEvent></reason>'
        )
        brief = _query_ack(to, f'<queryResponseCode code="{code}"/>')
        full = _query_ack(to, f'<queryResponseCode code="{code}" displayName="{text}"/>')
        header_act = _act("ControlAct", header_reason + brief)
        act = _act("ControlAct", body_reason + full)
        parts = _Parts(row.refusal_id, wrappers.in_error(to))
        return _enveloped(parts, to, at, (_headed(parts, to, at, header_act), act))


class _Parts(Struct, frozen=True):
    """What header and body of an answer have in common."""

    interaction_id: str
    acknowledgement: str


def _act(name: str, content: str, attributes: str = "") -> str:
    return f'<{name} classCode="CACT" moodCode="EVN"{attributes}>{content}</{name}>'


def _query_ack(to: Correlation, response: str) -> str:
    return (
        f'<queryAck type="QueryAck"><queryId root="{escape(to.message_id)}"/>{response}</queryAck>'
    )


def _shell(parts: _Parts, to: Correlation, at: Moment) -> str:
    """Give the transmission wrapper's content."""
    return wrappers.transmission_head(parts.interaction_id, VERSION, at) + (
        f"{parts.acknowledgement}{wrappers.devices(to, oids.PARTY_KEY)}"
    )


def _headed(parts: _Parts, to: Correlation, at: Moment, act: str) -> str:
    return f"<naspResponseHeader>{_shell(parts, to, at)}{act}</naspResponseHeader>"


def _enveloped(parts: _Parts, to: Correlation, at: Moment, inside: tuple[str, str]) -> bytes:
    """Give the answer: what stands in its header, and the body's wrapper with its ControlAct."""
    header, act = inside
    name = parts.interaction_id
    return (
        f'{DECLARATION}<SOAP-ENV:Envelope xmlns:SOAP-ENV="{ns.SOAP}" xmlns="{ns.HL7}" '
        f'xmlns:hl7="{ns.HL7}"><SOAP-ENV:Header>{header}</SOAP-ENV:Header><SOAP-ENV:Body>'
        f"<{name}>{_shell(parts, to, at)}{act}</{name}></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()
