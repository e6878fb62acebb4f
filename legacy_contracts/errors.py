"""What the caller broke, and what to answer: every refusal of the wire in one table.

Names are the legacy's own (the Spine 2 stylesheets print them); numbers and words are public only
for a few. Where no source shows a number the row is marked `inferred` and follows one rule:

* family TMS (SOAP fault): malformed is 201, unsupported 101, any other name 300 with the name in
  the text. Codes 200, 206 and 208 are for passing failures only: clients retry them for ever.
* family 1732 (AR): the number of the published list (transport.md 1.12) that the name lines up
  with.
* family 1742 (AE): GE002 with the name in the text.

`spine check --inferred` prints the marked rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from msgspec import Struct


class Kind(IntEnum):
    """What kind of answer a refusal becomes; a higher kind hides a lower."""

    TMS = 3
    WRAPPER = 2
    BUSINESS = 1


class Meaning(Struct, frozen=True):
    """What a name means on the wire: its kind, code and words; `location` for SOAP faults."""

    kind: Kind
    code: str
    text: str
    inferred: bool
    location: str = "Not Supported"
    client: bool = False


class Fault(Struct, frozen=True):
    """One broken rule: its legacy name, and the supplement the legacy adds to the words."""

    name: str
    supplement: str | None = None


class ContractError(Exception):
    """The caller broke the wire: `faults` in the legacy's order, all of one kind."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(", ".join(fault.name for fault in self.faults))

    @property
    def kind(self) -> Kind:
        """Which kind of answer this becomes."""
        return MEANINGS[self.faults[0].name].kind


class MalformedMessage(ContractError):
    """The bytes are not the XML or the envelope that they should be; `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__([Fault("MESSAGE_NOT_WELL_FORMED")])
        self.why = why


class UnknownInteraction(ContractError):
    """No such interaction at this address."""

    def __init__(self, name: str = "INTERACTION_NOT_SUPPORTED") -> None:
        super().__init__([Fault(name)])


def refuse(faults: Iterable[Fault]) -> None:
    """Raise for the faults of the highest kind among these; return where there are none."""
    by_kind: dict[Kind, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(MEANINGS[fault.name].kind, []).append(fault)
    if by_kind:
        raise ContractError(by_kind[max(by_kind)])


def _tms(name: str) -> Meaning:
    """Give the meaning of a TMS name whose number is not public."""
    return Meaning(Kind.TMS, "300", f"Application Exception: {name}", inferred=True)


def _wrapper(code: str, text: str) -> Meaning:
    return Meaning(Kind.WRAPPER, code, text, inferred=True)


def _business(name: str) -> Meaning:
    """Give the meaning of a business name whose number is not public."""
    return Meaning(Kind.BUSINESS, "GE002", _sentence(name), inferred=True)


def _sentence(name: str) -> str:
    return f"Unexpected business error encountered. {name}"


def _not_allowed(function: str) -> str:
    path = f"hl7:{{interactionId}}/hl7:{function}/hl7:device/hl7:id/@extension"
    return f"{path} is missing, empty, invalid or ACL violation"


NOT_WELL_FORMED: Final = "The message is not well formed"
NOT_SUPPORTED: Final = "The service/interaction is not supported for the requested URI"

_TMS_UNNUMBERED: Final = (
    "SOAP_MESSAGE_ID_ERROR",
    "SOAP_ACTION_ERROR",
    "SOAP_TO_ERROR",
    "SOAP_COMM_FUNC_RCV_ERROR",
    "SOAP_COMM_FUNC_SND_ERROR",
    "INVALID_SOAP_INTERACTION_ID",
    "INVALID_SOAP_ROOT",
    "SOAP_NASP_COMM_FUNC_RCV_ERROR",
    "SOAP_NASP_COMM_FUNC_SND_ERROR",
    "MESSAGE_TOO_LARGE",
    "INVALID_MESSAGE_HEADER_VERSION",
    "DUPLICATE_ELIMINATION_INCONSISTENT_WITH_CONTRACT",
    "ACK_REQUESTED_INCONSISTENT_WITH_CONTRACT",
    "SYNCREPLY_INCONSISTENT_WITH_CONTRACT",
    "SYNCREPLY_VERSION_INVALID",
    "SYNCREPLY_ACTOR_INVALID",
    "ACK_REQUESTED_VERSION_INVALID",
    "ACK_REQUESTED_SIGNED_INVALID",
    "ACK_REQUESTED_ACTOR_INVALID",
    "INVALID_MANIFEST_REFERENCE",
    "EBXML_ACK_INVALID",
    "MESSAGE_ID_REUSED",
)

_BUSINESS_UNNUMBERED: Final = (
    "MISSING_MANDATORY_SEARCH_FIELD",
    "INVALID_HISTORIC_DATA_INDICATOR",
    "NHS_NUMBER_UNSPECIFIED",
    "INVALID_NHS_NUMBER",
    "DATE_OF_BIRTH_MISSING",
    "MISSING_NHS_NUMBER",
    "INVALID_NAME_FORMAT",
    "ALERT_INVALID_INPUT",
)

_CREATION_UNNUMBERED: Final = (
    # pds.md 4.3, as the stylesheets of allocation and of births name them.
    "MANDATORY_FIELD_MISSING",
    "MANDATORY_FIELD_MISSING_SUPP_INFO",
    "UNSUPPORTED_CHARACTERS_IN_FIELD",
    "INCORRECT_NUMBER_OF_ADDRESS_LINES",
    "DESCRIPTION_PROVIDED_NO_TEMPORARY_ADDRESS",
    "MORE_THAN_ONE_USABLE_PERIOD",
    "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME",
    "UNEXPECTED_CONTACT_TYPE",
    "NO_MORE_THAN_ONE_PREFIX",
    "NO_MORE_THAN_ONE_FAMILY_NAME",
    "NO_MORE_THAN_ONE_SUFFIX",
    "INSUFFICIENT_NAME_DETAILS",
    "TOO_MANY_GIVEN_NAMES_5",
    "UNSUPPORTED_PATIENT_CARE",
    "UNSUPPORTED_HCP_CODE_TYPE",
    "MISSING_CODE_FROM_SHARED_SECRET",
    "MISSING_VALUE_FROM_SHARED_SECRET",
    "ASSIGNED_REG_PERSON_MISSING",
    "INVALID_ASSIGNED_REGISTERING_PERSON",
    "INVALID_VALUE",
    "INSERT_BIRTH_MANDATORY_DATA_MISSING",
    "INVALID_BIRTH_WEIGHT",
    "INCONSISTENT_DEATH_UPDATE",
    "ILLEGAL_DATE_FORMAT",
    # Ours: no NHS number is left to give.
    "NHS_NUMBERS_EXHAUSTED",
)

# The stylesheets' names of what an update breaks beside these (pds.md 4.3).
_UPDATE_UNNUMBERED: Final = (
    "INVALID_UPDATE_MODE",
    "FAILED_MOD11_CHECK",
    "UNABLE_TO_DELETE_USUAL_NAME",
    "TOO_MANY_GIVEN_NAMES_2",
    "UID_MUST_BE_PROVIDED",
    "TOO_MANY_TELECOM_ELEMENTS",
    "GENDER_REMOVAL_NOT_PERMITTED",
    "BIRTHTIME_REMOVAL_NOT_PERMITTED",
    "MULTIPLE_BIRTH_ORDER_NUMBER_PROVIDED",
    "LANGUAGE_CHANGED_ON_REMOVAL",
    "WRITTEN_COMM_FORMAT_CHANGED_ON_REMOVAL",
    "HEALTHSPACE_REG_CHANGED_ON_REMOVAL",
    "INVALID_PREFERRED_CONTACT_METHOD",
    "PREFERRED_CONTACT_TIME_EMPTY",
    "BIRTHPLACE_CHANGED_ON_REMOVAL",
    "UNEXPECTED_DATA_IN_BIRTHPLACE",
    "CITY_COUNTY_COUNTRY_MISSING",
    "GP_PROVDER_RULE86",
    "REG_REMOVAL_AND_PCP_MUTUALLY_EXCLUSIVE",
    "UNEXPECTED_DATA_IN_NHAIS_REG_EVENT",
    "UNEXPECTED_DATA_IN_NHAIS_REMOVAL_REG_EVENT",
    "RELATED_PERSON_CANNOT_PROVIDE_DATE",
    "RELATED_PERSON_INCORRRECT_ID_FIELDS",
    "RELATED_PERSON_DATA_INVALID_NHS_SUPPLIED",
    "RELATED_PERSON_NAME_ADDRESS_MISSING",
    "INVALID_RELATEDPERSON_NEXTOFKIN_SUPP_INFO",
    "ONLY_USUAL_NAME_SUPPORTED",
    "ONLY_HOME_ADDRESS_SUPPORTED",
    "ONLY_SUPPORTED_FOR_AGENTS",
    "INVALID_NAME_USE_TYPE",
    "DEATH_UPDATE_MODE_INCONSISTENT",
    "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",
    "DECEASED_TIME_CHANGED_ON_REMOVAL",
    "DEATH_NOTIFICATION_CHANGED_ON_REMOVAL",
    "AUTHOR_CHANGED_ON_REMOVAL",
    "AUTHOR_UNSPECIFIED_ON_DEATH",
    "INVALID_AUTHOR_SPECIFICATION",
    "INVALID_REGISTERING_AUTHORITY_TYPE",
    "DECEASED_TIME_NOT_SUPPORTED",
    "DEATH_NOTIFICATION_NOT_SUPPORTED",
    "REGISTERING_AUTHORITY_NOT_SUPPORTED",
    "CONSENT_VALUE_CHANGED_ON_REMOVAL",
    "CONSENT_VALUES_CANNOT_BE_REMOVED",
    "CONSENT_VALUE_NOT_SUPPORTED",
    "INVALID_CONSENT_VALUE",
    "INVALID_DATA_FOR_CALL_CENTRE_CALL_BACK",
    "SUPPLEMENTARY_COMMENTS_VALUE_MISSING",
    "UNEXPECTED_P1R1_DATA",
    "UNEXPECTED_P1R1_DATA_WITH_SUPP_INFO",
)

# Names of ours, where the code that refused was never public (decision 0019).
_UPDATE_OURS: Final = (
    "VALUE_NOT_SUPPORTED",
    "SERIAL_CHANGE_NUMBER_MISMATCH",
    "OBJECT_ID_NOT_FOUND",
    "RECORD_RESTRICTED",
    "CHANGE_NOT_PERMITTED",
)

_TRACE_UNNUMBERED: Final = (
    # pds.md 4.3, as the stylesheets of the advanced and the batch trace name them.
    "DUPLICATE_SEARCH_FIELDS_PROVIDED",
    "INVALID_HISTORY_INDICATOR",
    "INVALID_IGNORE_HISTORY_INDICATOR",
    "INVALID_SEARCH_DATA",
)

_MISSING: Final = "is missing, empty or invalid"

MEANINGS: Final[dict[str, Meaning]] = {
    # transport.md 1.6: public numbers.
    "MESSAGE_NOT_WELL_FORMED": Meaning(Kind.TMS, "201", NOT_WELL_FORMED, inferred=False),
    "INTERACTION_NOT_SUPPORTED": Meaning(
        Kind.TMS, "101", NOT_SUPPORTED, inferred=False, client=True
    ),
    "SOAP_ACTION_HEADER_DISAGREES": Meaning(
        Kind.TMS,
        "101",
        NOT_SUPPORTED,
        inferred=True,
        location="HTTP Header - SOAPAction",
        client=True,
    ),
    "SYSTEM_FAILURE": Meaning(
        Kind.TMS, "200", "System failure to process message - default", inferred=False
    ),
    **{name: _tms(name) for name in _TMS_UNNUMBERED},
    # transport.md 1.3: what ebXML errors were seen to say; our names, for no source shows theirs.
    "UNKNOWN_CPA_ID": Meaning(
        Kind.TMS, "ValueNotRecognized", "501319:Unknown eb:CPAId", inferred=False
    ),
    "INVALID_TO_PARTY": Meaning(
        Kind.TMS, "ValueNotRecognized", "501314:Invalid To Party Type attribute", inferred=False
    ),
    "CONTRACT_NOT_FOUND": Meaning(
        Kind.TMS, "402005", "An error occurred while finding the defined contract", inferred=False
    ),
    # ebXML Message Service 2.0, 4.2.3.4.2: the standard's codes and words; their use is inferred.
    "TIME_TO_LIVE_EXPIRED": Meaning(
        Kind.TMS, "TimeToLiveExpired", "Message Time To Live Expired", inferred=True
    ),
    "DELIVERY_FAILURE": Meaning(
        Kind.TMS, "DeliveryFailure", "Message Delivery Failure", inferred=True
    ),
    "SECURITY_FAILURE": Meaning(
        Kind.TMS, "SecurityFailure", "Message Security Checks Failed", inferred=True
    ),
    # transport.md 1.12: the published list of 17.32; which name has which number is inferred.
    "INVALID_ID": _wrapper("501", f"hl7:{{interactionId}}/hl7:id/@root {_MISSING}"),
    "INVALID_CREATION_TIME": _wrapper("502", f"hl7:creationTime/@value {_MISSING}"),
    "INVALID_VERSION_CODE": _wrapper("503", f"hl7:versionCode/@code {_MISSING}"),
    "INVALID_CONTROL_ACT": _wrapper("504", f"hl7:ControlActEvent {_MISSING}"),
    "INVALID_EXTENSION": _wrapper("505", f"hl7:interactionId/@extension {_MISSING}"),
    "INVALID_COMM_FUNC_RCV": _wrapper("506", f"hl7:communicationFunctionRcv device id {_MISSING}"),
    "INVALID_COMM_FUNC_SND": _wrapper("507", f"hl7:communicationFunctionSnd device id {_MISSING}"),
    "CONTROL_ACT_AUTHOR_INVALID": _wrapper("508", "hl7:ControlActEvent/hl7:author is invalid"),
    "CONTROL_ACT_AUTHOR_INVALID_CARDINALITY": _wrapper(
        "509", "hl7:ControlActEvent/hl7:author1 cardinality is not [1..2]"
    ),
    "CONTROL_ACT_AUTHOR_AGENT_INVALID": _wrapper(
        "510", "hl7:ControlActEvent/hl7:author1 AgentSystemSDS id is invalid"
    ),
    "CONTROL_ACT_AUTHOR_AGENT2_INVALID": _wrapper(
        "511", "the second hl7:ControlActEvent/hl7:author1 is invalid"
    ),
    "CONTROL_ACT_QUERY_INVALID": _wrapper(
        "512", "hl7:ControlActEvent/hl7:query is missing or empty"
    ),
    "CONTROL_ACT_MANDATORY_ELEMENT_MISSING": _wrapper(
        "513",
        "hl7:{interactionId}/hl7:ControlActEvent[1]/hl7:query or "
        "hl7:{interactionId}/hl7:ControlActEvent[1]/hl7:subject is missing or empty",
    ),
    "INCONSISTENT_HL7_INTERACTION_ID": _wrapper(
        "515", "hl7:interactionId is not [1..1] or inconsistent with SOAP:Header"
    ),
    "INCONSISTENT_INTERACTION_ID": _wrapper(
        "516", "hl7:id is not [1..1] or inconsistent with SOAP:Header"
    ),
    "INCONSISTENT_COMM_FUNC_RCV": _wrapper(
        "519", "hl7:communicationFunctionRcv is not [1..1] or inconsistent with SOAP:Header"
    ),
    "INCONSISTENT_COMM_FUNC_SND": _wrapper(
        "520", "hl7:communicationFunctionSnd is not [1..1] or inconsistent with SOAP:Header"
    ),
    "CONTROL_ACT_RETRIEVAL_QUERY_INVALID": _wrapper("522", "hl7:pdsRetrievalQuery is not [1..1]"),
    "CONTROL_ACT_CONFIRM_QUERY_INVALID": _wrapper(
        "523", "hl7:pdsConfirmNHSNumberQuery is not [1..1]"
    ),
    # Batch, 525 to 535: numbers and words of the published list. Three names are the stylesheet's
    # (mcci_in200001uk02_stage2i5): BATCH_INCONSISTENT_WITH_MANIFEST, which compares the counts,
    # BATCH_CONTAINS_NON_BATCHABLE_INTERACTION and MESSAGE_ID_EMPTY; the others are ours.
    "BATCH_EMPTY": _wrapper("525", "No batch items to process"),
    "BATCH_INCONSISTENT_WITH_MANIFEST": _wrapper(
        "526", "Number of HL7 Batch items declared in manifest and payload is inconsistent"
    ),
    "BATCH_SEQUENCE_NUMBER_INVALID": _wrapper("527", "HL7 Batch sequence number is invalid"),
    "BATCH_MESSAGE_ID_DUPLICATE": _wrapper("528", "HL7 Batch contains duplicate message Ids"),
    "BATCH_MANIFEST_DISAGREES": _wrapper(
        "529", "MessageIds/Interactions declared in the manifest do not agree with the batchItems"
    ),
    "BATCH_ACCESS_CONTROL_VIOLATION": _wrapper(
        "530", "Access Control Violation for HL7 batch item(s)"
    ),
    "PAYLOAD_ID_EMPTY": _wrapper("531", "hl7:manifestItem/hl7:payloadId/@root is empty"),
    "MESSAGE_ID_EMPTY": _wrapper("532", "npfit:batchControlActItem/@messageId is empty"),
    "BATCH_INTERACTIONS_DISAGREE": _wrapper(
        "533", "Interactions declared in the manifest do not agree with the batchItems"
    ),
    "BATCH_CONTAINS_NON_BATCHABLE_INTERACTION": _wrapper(
        "534", "Batch contains at least one non-batchable interaction"
    ),
    "BATCH_ITEM_FAILED": _wrapper("535", "Batch Item Processing Failed"),
    "BATCH_ITEM_SCHEMA_INVALID": _wrapper(
        "535", "Batch Item Processing Failed : Schema validation failed"
    ),
    "ACCESS_CONTROL_VIOLATION": Meaning(
        Kind.WRAPPER, "900", "Access Control Violation", inferred=False
    ),
    # Our names. 506 as the hub itself refused a message that it was to forward
    # (nhsconnect/prm-repo-ehr-out-service, TPP_AR_01), 507 by analogy; 202 as captured (eps).
    "COMM_FUNC_RCV_NOT_ALLOWED": Meaning(
        Kind.WRAPPER, "506", _not_allowed("communicationFunctionRcv"), inferred=False
    ),
    "COMM_FUNC_SND_NOT_ALLOWED": _wrapper("507", _not_allowed("communicationFunctionSnd")),
    "UNKNOWN_ROUTING_FAILURE": _wrapper("1000", "Unknown routing failure"),
    "HL7_VALIDATION_ERROR": _wrapper("202", "HL7 Validation Error"),
    "DUPLICATE_HL7_ID": Meaning(Kind.WRAPPER, "202", "Duplicate HL7 ID Error", inferred=False),
    # pds.md 4.2: numbers that a source shows.
    "GENERIC_ERROR": Meaning(Kind.BUSINESS, "0", "Generic Error", inferred=False),
    "NO_MATCH": Meaning(Kind.BUSINESS, "1", "No match to a Service User record", inferred=False),
    "NO_MATCH_SIMPLE_TRACE": Meaning(
        Kind.BUSINESS, "ST004", "No match to a Service User record", inferred=False
    ),
    "NO_MATCH_RETRIEVAL": Meaning(
        Kind.BUSINESS, "RT003", "No match to a Service User record", inferred=False
    ),
    "NHS_NUMBER_NOT_FOUND": Meaning(Kind.BUSINESS, "1", "NHS Number Not Found", inferred=False),
    "NHS_NUMBER_NOT_FOUND_CROSS_CHECK": Meaning(
        Kind.BUSINESS, "NHSNCC002", "NHS Number Not Found", inferred=False
    ),
    "NO_MATCH_ADVANCED_TRACE": Meaning(
        Kind.BUSINESS, "AT006", "No match to a Service User record", inferred=False
    ),
    # The numbers and their words are public; that these names are theirs is by the words.
    "INVALID_SEARCH_TYPE": Meaning(Kind.BUSINESS, "AT001", "Invalid search type", inferred=False),
    "MISSING_MANDATORY_SEARCH_FIELD_AT": Meaning(
        Kind.BUSINESS, "AT002", "Missing mandatory search field", inferred=False
    ),
    "MISSING_SEARCH_TYPE": Meaning(Kind.BUSINESS, "AT009", "Missing search type", inferred=False),
    "MULTIPLE_MATCHES": Meaning(
        Kind.BUSINESS, "7", "Multiple matches to Service User records", inferred=True
    ),
    "NHS_NUMBER_SUPERSEDED": Meaning(
        Kind.BUSINESS, "17", "NHS Number supplied has been superseded", inferred=True
    ),
    "NHS_NUMBER_NOT_IN_USE": Meaning(
        Kind.BUSINESS, "22", "NHS Number supplied is no longer in use", inferred=True
    ),
    "NHS_NUMBER_NOT_VERIFIED": Meaning(
        Kind.BUSINESS, "40", "NHS Number not verified", inferred=True
    ),
    "NOT_NEW_STYLE_NHS_NUMBER": Meaning(
        Kind.BUSINESS, "42", "NHS Number supplied is not a new style NHS Number", inferred=True
    ),
    # The general code of every refused update and creation (pds.md 2.9).
    "UPDATE_FAILED": Meaning(Kind.BUSINESS, "15", "Update Failed", inferred=False),
    # Which name has IU058 is inferred from its sense; 44 for an update as 17 for a cross-check,
    # since a source has both numbers and no condition (5.3).
    "INVALID_GPREG": Meaning(
        Kind.BUSINESS,
        "IU058",
        "Update Failed - invalid GP Registration data supplied",
        inferred=True,
    ),
    "NHS_NUMBER_SUPERSEDED_UPDATE": Meaning(
        Kind.BUSINESS, "44", "NHS Number supplied has been superseded", inferred=True
    ),
    **{
        name: _business(name)
        for name in (
            *_BUSINESS_UNNUMBERED,
            *_CREATION_UNNUMBERED,
            *_UPDATE_UNNUMBERED,
            *_UPDATE_OURS,
            *_TRACE_UNNUMBERED,
        )
    },
}


class Advice(Struct, frozen=True):
    """Advice that goes with a success, at level WG: code and words of 17.42."""

    code: str
    text: str


TRACE_LIMITED: Final = Advice(
    "5", "Match - NHS Number and limited data only returned (sensitivity conditions apply)"
)
TRACE_MATCH: Final = Advice("3", "Match - NHS Number and standard Service User details returned")
RETRIEVAL_LIMITED: Final = Advice(
    "9", "Successful retrieval - Information returned limited by sensitivity conditions"
)
NUMBER_UNSPECIFIED: Final = Advice("GE002", _sentence("NHS_NUMBER_UNSPECIFIED"))
SUPERSEDED: Final = Advice(
    "24",
    "NHS Number supplied as a parameter has been superseded and superseding NHS Number returned",
)
