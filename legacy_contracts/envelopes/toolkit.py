"""ToolkitErrorInfo: how the Interoperability Toolkit refuses, each refusal in one table.

Codes and their meanings: the code system 2.16.840.1.113883.2.1.3.2.4.17.268 as the open ITK client
decodes it (Inhealthcare open ITK, ITKMessagingException): 1000 invalid message, 2100 processing
error that may pass, 2200 one that will not, 3000 access denied. Which inconsistency gets which: the
Toolkit's own conformance simulator (nhsdigitalmait/TKW-x, contrib/Common/simulator_packs/autotest,
rules.conf and expressions.conf: the conditions ATM_*), and the captured answers (corpus
tms/mhs-adaptor: invalid_*, manifest_*, payloadID_*, basic_fault_response), whose words are kept. A
row that neither shows is marked `inferred`; `spine check --inferred` prints those.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.hl7.rim import Xml, escape

Code = Literal["1000", "2100", "2200", "3000"]

HTTP_STATUS: Final = 500
"""Of every fault (SOAP 1.1, 6.2; the conformance tests of TKW-x ask for it)."""


class Meaning(Struct, frozen=True):
    """What a refusal says: its code, its words, and whether a public source shows it."""

    code: Code
    text: str
    inferred: bool = False


INVALID: Final = "Invalid message"
"""What is said of a message whose fault has no words of its own (basic_fault_response)."""

REFUSALS: Final[dict[str, Meaning]] = {
    # Captured: corpus tms/mhs-adaptor.
    "INVALID_MESSAGE": Meaning("1000", INVALID),
    "MANIFEST_COUNT": Meaning(
        "1000", "The number of manifest instances does not match the manifest count specified"
    ),
    "COUNTS_DIFFER": Meaning("1000", "Manifest count does not match payload count"),
    # DE_INVPCT answers with the general words (integration-adaptors OneOneOne, checks.py).
    "PAYLOAD_COUNT": Meaning("1000", INVALID),
    "IDS_DIFFER": Meaning("1000", "Payload IDs do not map to Manifest IDs"),
    "SERVICE_DIFFERS": Meaning("1000", "Manifest action does not match service action"),
    # The code shown by the conformance simulator, the words ours.
    "NO_PAYLOAD_ID": Meaning("1000", INVALID),
    "NO_PROFILE_ID": Meaning("1000", "Profile ID is missing"),
    "SCHEMA": Meaning("1000", INVALID),
    "NO_TO": Meaning("1000", "The To address is missing"),
    "TO": Meaning("1000", "The To address is not a URI"),
    "NO_TIMESTAMP": Meaning("1000", "The security timestamp is missing"),
    "TIMESTAMP_UNREADABLE": Meaning("1000", "The security timestamp is not a date and time"),
    "REPLY_ELSEWHERE": Meaning("1000", "Only anonymous replies are given"),
    "NO_USERNAME": Meaning("3000", "Access Denied"),
    "NOT_UNDERSTOOD": Meaning("1000", "A header was not understood"),
    "VERSION_MISMATCH": Meaning(
        "1000", "Version Error, namespace must be a proper SOAP namespace."
    ),
    # Inferred: the structure or the content of the message is wrong (1000).
    "NOT_XML": Meaning("1000", INVALID, inferred=True),
    "TRACKING_ID": Meaning("1000", "The tracking ID is not a UUID", inferred=True),
    "NO_AUDIT_IDENTITY": Meaning("1000", "The audit identity is missing", inferred=True),
    "ONE_PAYLOAD": Meaning("1000", "Exactly one payload is expected", inferred=True),
    "MIMETYPE": Meaning("1000", "The payload's MIME type is not that of XML", inferred=True),
    "PROFILE_ID": Meaning("1000", "The profile ID is not that of the service", inferred=True),
    "UNKNOWN_SERVICE": Meaning("1000", "The service is not provided here", inferred=True),
    "WRONG_ADDRESS": Meaning("1000", "The service is not provided at this address", inferred=True),
    "NOT_BASE64": Meaning("1000", "The payload is not in base64", inferred=True),
    "NOT_COMPRESSED": Meaning("1000", "The payload is not compressed as it says", inferred=True),
    "PAYLOAD_TOO_LARGE": Meaning("1000", "The payload is too large", inferred=True),
    "MESSAGE_TOO_LARGE": Meaning("1000", "The message is too large", inferred=True),
    "MESSAGE_ID": Meaning("1000", "The message ID is missing", inferred=True),
    "ACTION": Meaning("1000", "The action is missing or said twice", inferred=True),
    "SOAP_ACTION_DIFFERS": Meaning(
        "1000", "The SOAPAction does not match the action", inferred=True
    ),
    "TIMESTAMP_BACKWARDS": Meaning(
        "1000", "The security timestamp expires before it is made", inferred=True
    ),
    "TIMESTAMP_EXPIRED": Meaning("1000", "The security timestamp has expired", inferred=True),
    "TIMESTAMP_FUTURE": Meaning("1000", "The security timestamp is of the future", inferred=True),
    # Inferred: nobody may send this again and be answered (2200), or be answered at all (3000).
    "ENCRYPTED": Meaning("2200", "Encrypted payloads are not read here", inferred=True),
    "REPLAYED": Meaning("2200", "The message was received before", inferred=True),
    "NOT_ALLOWED": Meaning("3000", "Access Denied", inferred=True),
    # Inferred: ours, not the sender's; 2100 where trying again may help.
    "STORE": Meaning("2100", "The message cannot be processed at the moment", inferred=True),
    "OURS": Meaning("2200", "The message could not be processed", inferred=True),
}

SERVER_SIDE: Final = frozenset({"STORE", "OURS"})
"""The refusals that are no fault of the client's (the fault packs: Server-2100, Server-2200)."""


class ItkError(Exception):
    """The Toolkit refuses: `code` and `text` are for the sender, `diagnostic` for who mends it."""

    def __init__(self, code: Code, text: str, diagnostic: str = "", *, name: str = "") -> None:
        self.code = code
        self.text = text
        self.diagnostic = diagnostic
        self.name = name or code
        super().__init__(f"{self.name}: {diagnostic or text}")


def refusal(name: str, diagnostic: str = "") -> ItkError:
    """Give the error of a row of the table; the diagnostic never says a patient's data."""
    meaning = REFUSALS[name]
    return ItkError(meaning.code, meaning.text, diagnostic, name=name)


_STRINGS: Final = {
    "Client": "A client related error has occurred, see detail element for further information",
    "Server": "A Server related error has occurred, see detail element for further information",
    "MustUnderstand": "SOAP MustUnderstand error thrown.",
    "VersionMismatch": "Improper SOAP Version referenced",
}
"""What each kind of fault says (TKW-x, simulator_packs/fault/response_templates)."""

_KINDS: Final = {
    "NOT_UNDERSTOOD": "MustUnderstand",
    "VERSION_MISMATCH": "VersionMismatch",
    **dict.fromkeys(SERVER_SIDE, "Server"),
}


def fault(error: ItkError, error_id: str) -> Xml:
    """Give the SOAP 1.1 fault of a refusal; `error_id` is a UUID in upper case."""
    kind = _KINDS.get(error.name, "Server" if error.code == "2100" else "Client")
    return Xml(
        f"<soap:Fault><faultcode>soap:{kind}</faultcode>"
        f"<faultstring>{_STRINGS[kind]}</faultstring><detail>{error_info(error, error_id)}"
        "</detail></soap:Fault>"
    )


def error_info(error: ItkError, error_id: str) -> Xml:
    """Give the ToolkitErrorInfo of a refusal (ITKDatatypes-2010-05.xsd)."""
    return Xml(
        f'<itk:ToolkitErrorInfo xmlns:itk="{ns.ITK}"><itk:ErrorID>{error_id}</itk:ErrorID>'
        f'<itk:ErrorCode codeSystem="{oids.TOOLKIT_ERROR}">{error.code}</itk:ErrorCode>'
        f"<itk:ErrorText>{escape(error.text)}</itk:ErrorText>"
        f"<itk:ErrorDiagnosticText>{escape(error.diagnostic or error.text)}"
        "</itk:ErrorDiagnosticText></itk:ToolkitErrorInfo>"
    )
