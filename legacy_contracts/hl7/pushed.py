"""HL7 messages that are sent as messages of their own, over ebXML: their shells, and a success.

Every element of the shells has the `hl7:` prefix (tms-rules.md 6.5 to 6.7). A success is that of
MIM63NumberAllocation_success and pdsUpdateSuccess_PRPA_RM000205UK01, and of the captured template
of PRPA_IN000202UK01 (corpus pds): its payload has no prefix; AA, no queryAck.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.errors import Advice
from legacy_contracts.hl7 import rim
from legacy_contracts.hl7.rim import NOTHING, Xml, element, escape, link

DECLARATION: Final = "<?xml version='1.0' encoding='UTF-8'?>\n"

SUCCESS_VERSION: Final = "V3NPfIT3.0"
"""As the captured template has it; the stylesheets leave it to their caller."""

NOT_KNOWN: Final = "Not Known"
"""What stands where the answered message did not say who it was or whom it came from (6)."""

MAX_WARNINGS: Final = 3
"""More there is no room for in a success."""


class Ack(Struct, frozen=True):
    """What every answer says: its id and time, what it answers, and between whom.

    `time` is `yyyymmddhhmmss`; `ref_to` is the HL7 message's own id, as it was sent.
    """

    message_id: str
    time: str
    ref_to: str
    to_asid: str
    from_asid: str


def success(interaction_id: str, ack: Ack, payload: Xml, advice: tuple[Advice, ...] = ()) -> bytes:
    """Give the message that says a request was done, with what it warns of."""
    warnings = [_warning(one, first=place == 0) for place, one in enumerate(advice[:MAX_WARNINGS])]
    # The payload's own elements have no prefix: its root declares their namespace.
    name, rest = payload[1:].split(" ", 1)
    subject = (
        '<hl7:subject typeCode="SUBJ" contextConductionInd="false">'
        f'<{name} xmlns="{ns.HL7}" {rest}</hl7:subject>'
    )
    shell = Shell(interaction_id, SUCCESS_VERSION, acknowledgement(ack, "AA"))
    return message(shell, ack, "".join(warnings) + subject)


class Shell(Struct, frozen=True):
    """What the shells of an answer say of it: its interaction, version and acknowledgement."""

    interaction_id: str
    version_code: str
    acknowledgement: Xml


def acknowledgement(ack: Ack, type_code: str, detail: Xml = NOTHING) -> Xml:
    """Give what an answer says of the message it answers: AA, AE or AR, and the detail of an AR."""
    referred = element("hl7:messageRef", _id(ack.ref_to or NOT_KNOWN))
    return link("hl7:acknowledgement", detail + referred, type_code)


def message(shell: Shell, ack: Ack, rest: str) -> bytes:
    """Give a whole message; `rest` is what its ControlAct holds beside its author."""
    content = (
        _id(ack.message_id)
        + rim.valued("hl7:creationTime", ack.time)
        + rim.simple_code("hl7:versionCode", shell.version_code)
        + rim.instance(oids.INTERACTION, shell.interaction_id, "hl7:interactionId")
        + rim.simple_code("hl7:processingCode", "P")
        + rim.simple_code("hl7:processingModeCode", "T")
        + rim.simple_code("hl7:acceptAckCode", "NE")
        + shell.acknowledgement
        + link("hl7:communicationFunctionRcv", _system("hl7:device", ack.to_asid), "RCV")
        + link("hl7:communicationFunctionSnd", _system("hl7:device", ack.from_asid), "SND")
        + _control_act(ack, rest)
    )
    whole = element(f"hl7:{shell.interaction_id}", content, f' xmlns:hl7="{ns.HL7}"')
    return (DECLARATION + whole).encode()


def _control_act(ack: Ack, rest: str) -> Xml:
    agent = rim.role("hl7:AgentSystemSDS", _system("hl7:agentSystemSDS", ack.from_asid), "AGNT")
    return rim.act(
        "hl7:ControlActEvent", link("hl7:author1", agent, "AUT") + rest, class_code="CACT"
    )


def _warning(advice: Advice, *, first: bool) -> Xml:
    """Give a warning; only the first has words (the stylesheets have room for no others)."""
    words = f' displayName="{escape(advice.text)}"' if first else ""
    coded = element(
        "hl7:code",
        rim.simple_code("hl7:qualifier", "WG"),
        f' code="{advice.code}" codeSystem="{oids.BUSINESS_ERROR}"{words}',
    )
    event = rim.act("hl7:justifyingDetectedIssueEvent", coded, class_code="ALRT")
    return link("hl7:reason", event, "RSON")


def _system(name: str, asid: str) -> Xml:
    return rim.entity(name, rim.instance(oids.ASID, asid or NOT_KNOWN, "hl7:id"), "DEV")


def _id(root: str) -> Xml:
    return element("hl7:id", "", f' root="{escape(root)}"')
