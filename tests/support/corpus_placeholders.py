"""What the placeholders of the corpus's messages stand for: one table for all ways of writing.

A placeholder is known by its name in lower case without punctuation: `{{to-party-id}}`,
`{{to_party_id}}` and `__TO_PARTY_ID__` are one. The values are ours; ids come from the file's name,
so that the two files of one message agree and no two messages do.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from ebxml_messages import NEXT_MSH, SERVICES
from hub_messages import PATIENT
from msgspec import Struct
from wrapped_messages import OTHER_ASID, OTHER_PARTY

from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

CPA_ID: Final = "S9999999A9999902"
TIME: Final = "2014-08-25T09:30:00Z"
HL7_TIME: Final = "20140825093000"

_PLACEHOLDER: Final = re.compile(
    r"\{\{\{?\s*([\w.$-]+)\s*\}?\}\}"
    r"|\$\{(\w+)\}"
    r"|%%(\w+)%%"
    r"|__([A-Z][A-Z0-9_]*?)__"
    r"|(?<![$\w{])\{([A-Z_]{4,})\}"
)
_UNLESS: Final = re.compile(r"\{\{\^([\w.]+)\}\}.*?\{\{/\1\}\}", re.DOTALL)
_IF: Final = re.compile(r"\{\{[#/][\w.]+\}\}")
"""Conditions of mustache: every one holds, and a list has one entry."""

_TIMES: Final = re.compile(r"(received)?(message)?timestamp|.*creationtime|resourcecreated")
_REASON: Final = "A reason of ours"
_ACK_REQUESTED: Final = (
    f'<eb:AckRequested SOAP:mustUnderstand="1" eb:version="2.0" eb:signed="false" '
    f'SOAP:actor="{NEXT_MSH}"/>'
)
_REFERENCE: Final = '<eb:Reference xlink:href="cid:{message}@spine.nhs.uk"/>'
_EXTRACT: Final = '<EhrExtract classCode="EXTRACT" moodCode="EVN"/>'
_BODY: Final = '<{action} xmlns="urn:hl7-org:v3"/>'

VALUES: Final[tuple[tuple[str, str], ...]] = (
    (r"(request)?messageid|uuid|guid|requestid|eventid", "{message}"),
    (r"conversationid", "{conversation}"),
    (r"reftomessageid|(ehr)?messageref|(original|received|copc|continue)messageid", "{ref}"),
    (r"ehrextractid|(prior)?ehrrequestid|copc11messageid|pertinentpayloadid", "{ref}"),
    (r"error(list)?id|documentid", "_{ref}"),
    (r".*nhsnumber.*", PATIENT),
    (r"(originating)?toparty(id|key)?|losingpartykey", OTHER_PARTY),
    (r"(originating)?fromparty(id|key)?|winningpartykey|partykey", SAMPLE_PARTY),
    (r"toasid|losingasid|receivingasid", OTHER_ASID),
    (r"fromasid|winningasid|sendingasid|myasid|asid", SAMPLE_ASID),
    (r"toods(code)?|losingods|destodscode|tonacs", "T88888"),
    (r"(test9)?fromods(code)?|winningods|authorodscode|fromnacs", "T99999"),
    (r"cpaid|myackcpaidliteral", CPA_ID),
    (r"service(name)?", "{service}"),
    (r"action(name)?|interactionid", "{action}"),
    (r"duplicateelimination", "<eb:DuplicateElimination/>"),
    (r"ackrequested", _ACK_REQUESTED),
    (r"acksoapactor", NEXT_MSH),
    (r"syncreply|authorelement|subjectstarttag|subjectendtag|hl7payload", ""),
    (r"references", _REFERENCE),
    (r"hl7xlinkref", "cid:{message}@spine.nhs.uk"),
    (r"hl7message", _BODY),
    (r"ehrextractcontent", _EXTRACT),
    (r"typecode", "AA"),
    (r"nackcode|reasoncode|nackreason.?code", "11"),
    (r"nackdisplay|reasonmessage|nackreasonresponsetext|errormessage", _REASON),
    (r"(soap)?(error)?description|soaperrorlocation", _REASON),
    (r"errorcode|errorerrorcoderequired|soaperrorerrorcode", "200"),
    (r"(soaperror|error)?severity(required)?|errorlisthighestseverityrequired", "Error"),
    (r"ebversion", "2.0"),
    (r"errorcodecontext", "urn:oasis:names:tc:ebxml-msg:service:errors"),
    (r"soaperrorcodecontext", "urn:nhs:names:error:tms"),
    (r"soaperrorfaultcoderequired", "SOAP:Server"),
    (r"soaperrorfaultstringrequired", "Application Exception"),
    (r"filename|fileupload", "letter_0.messageattachment"),
    (r"contentid", "attachment-{message}"),
    (r"contenttype", "text/plain"),
    (r"contenttransferencoding", "8bit"),
    (r"payload", "An attachment of ours"),
    (r"ebxml", "{envelope}"),
)
"""A placeholder's name, and its value; what stands in braces is the message's own."""


class Own(Struct, frozen=True):
    """What is a message's own: its ids come from its name."""

    name: str
    service: str = f"{SERVICES}gp2gp"
    action: str = "RCMR_IN010000UK05"
    envelope: str = ""

    def id_of(self, what: str) -> str:
        """Give the message's id of a kind, always the same."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}#{what}")).upper()

    def value(self, template: str) -> str:
        """Give a value with the message's own in it."""
        given = {one: self.id_of(one) for one in ("message", "conversation", "ref")}
        named = {"service": self.service, "action": self.action, "envelope": self.envelope}
        return template.format(**given, **named)


def bound(text: str, own: Own) -> str:
    """Give a text with every placeholder's value; a placeholder that nobody knows is an error."""
    text = _IF.sub("", _UNLESS.sub("", text))

    def value(found: re.Match[str]) -> str:
        name = re.sub(r"[^a-z0-9]", "", next(one for one in found.groups() if one).lower())
        if _TIMES.fullmatch(name):
            in_hl7 = found.string[: found.start()].endswith('value="')
            return HL7_TIME if in_hl7 else TIME
        if found.string[found.end() :].startswith("</eb:PartyId>") and name == "asid":
            return SAMPLE_PARTY  # one sender has its ASID for its party key
        for pattern, template in VALUES:
            if re.fullmatch(pattern, name):
                return own.value(template)
        raise KeyError(f"{own.name}: nobody knows {found[0]}")

    return _PLACEHOLDER.sub(value, text)
