"""Application acknowledgements over ebXML: MCCI_IN010000UK13 as the hub itself sends it.

The three forms of tms-rules.md 6.5 to 6.7, every element with the `hl7:` prefix: a rejection (AR)
for a broken wrapper, an error (AE) with a reason for each fault, and a success (AA). Version codes
are the stylesheets'; live answers show others, by service or release: they are for the caller.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts import oids
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import MEANINGS, Fault, Kind
from legacy_contracts.hl7 import pushed, rim
from legacy_contracts.hl7.pushed import Ack
from legacy_contracts.hl7.rim import NOTHING, Xml, element, escape, link
from legacy_contracts.hl7.wrappers import worded

REJECTED_VERSION: Final = "V3NPfIT3.1.10"
IN_ERROR_VERSION: Final = "V3NPfIT3.0"
ACCEPTED_VERSION: Final = "V3NPfIT4.2.00"

_CODE_SYSTEMS: Final = {
    Kind.WRAPPER: oids.WRAPPER_ERROR,
    Kind.BUSINESS: oids.BUSINESS_ERROR,
}
"""Which list the code of an AE's reason is of (transport.md 1.8); no TMS fault stands in one."""


def rejected(ack: Ack, fault: Fault, *, version_code: str = REJECTED_VERSION) -> bytes:
    """Give an AR with the one error that it has room for (generateHL7MCCI)."""
    meaning = MEANINGS[fault.name]
    # code, codeSystem, displayName: the captured order of an AR; an AE has codeSystem first.
    code = (
        f' code="{meaning.code}" codeSystem="{oids.WRAPPER_ERROR}" '
        f'displayName="{escape(worded(meaning.text, fault))}"'
    )
    detail = link("hl7:acknowledgementDetail", element("hl7:code", "", code), "ER")
    return _message(ack, version_code, pushed.acknowledgement(ack, "AR", detail), NOTHING)


def in_error(ack: Ack, faults: tuple[Fault, ...], *, version_code: str = IN_ERROR_VERSION) -> bytes:
    """Give an AE with a reason for each fault, in their order (generateHL7MCCIDetectedIssue)."""
    reasons = "".join([_error(fault) for fault in faults])
    return _message(ack, version_code, pushed.acknowledgement(ack, "AE"), reasons)


def accepted(ack: Ack, detail: str | None = None, *, version_code: str = ACCEPTED_VERSION) -> bytes:
    """Give an AA, with the success's words where its service has any (requestSuccessResponse)."""
    success = (
        NOTHING
        if detail is None
        else element("hl7:requestSuccessDetail", rim.text_element("hl7:detail", detail))
    )
    return _message(ack, version_code, pushed.acknowledgement(ack, "AA"), success)


def _error(fault: Fault) -> Xml:
    meaning = MEANINGS[fault.name]
    code = (
        f' codeSystem="{_CODE_SYSTEMS[meaning.kind]}" code="{meaning.code}" '
        f'displayName="{escape(worded(meaning.text, fault))}"'
    )
    coded = element("hl7:code", rim.simple_code("hl7:qualifier", "ER"), code)
    event = rim.act("hl7:justifyingDetectedIssueEvent", coded, class_code="ALRT")
    return link("hl7:reason", event, "RSON")


def _message(ack: Ack, version_code: str, acknowledgement: Xml, rest: str) -> bytes:
    return pushed.message(pushed.Shell(APPLICATION_ACK, version_code, acknowledgement), ack, rest)
