"""Advanced trace of MIM 2.3: QUPA_IN020000UK01, answered by QUPA_IN030000UK02 or QUQI_IN010000UK01.

The rules are those of p1r1_AdvancedTraceValidation, after those of hl7Validator_mim23; the answers
are pdsTraceQuerySuccess_PRPA_MT230101UK03 and queryActFailed_QUQI_MT020101UK01: parties in place of
systems, no author, and a refusal has room for one error, the last. No schema of them is public, and
the query says neither by which search nor whether history counts (*inferred*: letter by letter, and
not).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.nasp import VERSION, response_code
from legacy_contracts.envelopes.soap import DECLARATION
from legacy_contracts.errors import MEANINGS, Fault
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import Xml, act, element, escape
from legacy_contracts.hl7.rules import Group, Rule, Rules
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Generation
from legacy_contracts.pds import record_2006, search_fields
from legacy_contracts.pds.advanced_trace import AdvancedTraceQuery
from legacy_contracts.pds.pushed_query import Frame, Listed, PushedQuery, Said
from legacy_contracts.pds.queries import OLD_REFUSAL, OLD_SERVICE

_PROCESS: Final = "/*/hl7:ControlActProcess"
_QUERY: Final = "hl7:pdsAdvancedTraceQuery"
_MISSING: Final = "MISSING_MANDATORY_SEARCH_FIELD_AT"

RULES: Final = Rules(
    (
        Group(
            _PROCESS,
            (
                Rule(
                    f"count({_QUERY}/hl7:person.administrativeGenderCode/hl7:value) > 0",
                    _MISSING,
                    "missing genderCode",
                ),
                search_fields.gender_rule(_QUERY),
                *search_fields.date_rules(_QUERY),
                Rule(
                    f"count({_QUERY}/hl7:person.name/hl7:value/*) > 0",
                    _MISSING,
                    "missing person name",
                ),
                *search_fields.name_rules(_QUERY),
            ),
        ),
        *search_fields.value_groups(f"{_PROCESS}/{_QUERY}"),
    )
)

_fields: Final = search_fields.reader(f"{_PROCESS}[1]/{_QUERY}[1]", open_from="19000101")


def parse(root: etree._Element) -> AdvancedTraceQuery:
    """Give the query of a document that broke no rule."""
    return AdvancedTraceQuery(_fields(root), algorithmic=False, history=False, ignore_history=False)


def _matched(to: Correlation, at: Moment, said: Said) -> bytes:
    """Give the message that lists who was found; of several pieces of advice it has room for one.

    That a rarer one is told in place of the usual is as in the synchronous answers of this release.
    """
    told = said.advice[-1]
    result = (
        f'<code code="1"/><value code="{told.code}" codeSystem="{oids.P1R1_RESULT}"'
        f' displayName="{escape(told.text)}"/>'
    )
    match = act("PdsTraceMatch", result + said.payload)
    subject = element("subject", match, ' typeCode="SUBJ"')
    content = subject + _query_ack(to, ' code="OK"')
    return _message((said.answer_id, wrappers.accepted(to)), said.version_code, (to, at), content)


def _refused(to: Correlation, at: Moment, faults: Iterable[Fault]) -> bytes:
    """Give the message that refuses a query: the last error, in words and as one of three codes."""
    fault = tuple(faults)[-1]
    text = escape(wrappers.worded(MEANINGS[fault.name].text, fault))
    code = response_code(fault)
    reason = (
        '<reason typeCode="RSON"><justifyingDetectedIssueEvent classCode="ALRT" moodCode="EVN">'
        f'<code code="1"/><value>{text}</value></justifyingDetectedIssueEvent></reason>'
    )
    ack = _query_ack(to, f' code="{code}" displayName="{_SAID[code]}"')
    return _message((OLD_REFUSAL, wrappers.in_error(to)), VERSION, (to, at), reason + ack)


_SAID: Final = {
    "0": "Response failure due to inadequate, incorrect or invalid information in request",
    "1": "No match to a Service User record",
    "2": (
        "Multiple match, number of entries exceed current operational limit for number of"
        " matches returned"
    ),
}
"""What the stylesheet says of each code."""


def _query_ack(to: Correlation, response: str) -> str:
    return (
        f'<queryAck type="QueryAck"><queryId root="{escape(to.message_id)}"/>'
        f"<queryResponseCode{response}/></queryAck>"
    )


def _message(
    what: tuple[str, str], version_code: str, between: tuple[Correlation, Moment], content: str
) -> bytes:
    interaction_id, acknowledgement = what
    to, at = between
    head = wrappers.transmission_head(interaction_id, version_code, at)
    whole = act("ControlAct", content, class_code="CACT")
    inside = f"{head}{acknowledgement}{wrappers.devices(to, oids.PARTY_KEY)}{whole}"
    return (DECLARATION + element(interaction_id, inside, f' xmlns="{ns.HL7}"')).encode()


def _listed(listed: Listed) -> Xml:
    return Xml("".join([record_2006.matched(*one) for one in listed]))


QUERIES: Final = (
    PushedQuery(
        interaction_id="QUPA_IN020000UK01",
        answer_id="QUPA_IN030000UK02",
        name="PDS advanced trace",
        generation=Generation.MIM_2_3,
        version_code=VERSION,
        rules=RULES,
        parse=parse,
        build=_listed,
        inferred=(
            "no schema and no public example",
            "the payload's tree is that of MIM 3.1",
            "it is searched letter by letter, without history",
            "which patients match, and the matching level",
        ),
        frame=Frame(OLD_REFUSAL, _matched, _refused, names_parties=True),
        service=OLD_SERVICE,
    ),
)

INTERACTIONS: Final = tuple(one.row for one in QUERIES)
