"""Every answer has the shape of its tree in pds.md (A.1 to A.12, 1.5, 1.6), element for element.

The trees are written down here in the notation of `trees`, from the annex and not from our
builders; what the record has no place for is named in `NEVER_RECORDED` and stays empty.
"""

from __future__ import annotations

from typing import Final

import pytest
from asking import details_of, spine_with
from lxml import etree
from rich_patients import FULL, GALLERY
from schemas import hl7_message, only
from trees import check, places, tree
from wire_requests import OLDEST, Details

from legacy_contracts.errors import Fault
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.registry import INTERACTIONS

ROWS: Final = {row.interaction_id: row for row in INTERACTIONS}


def _seen(name: str) -> str:
    """Write an observation: which one it is, and its value."""
    return f"{name}(code value)"


_SCN: Final = f"pertinentInformation({_seen('pertinentSerialChangeNumber')})"
_LANGUAGE: Final = "languageCommunication?(languageCode preferenceInd proficiencyLevelCode)"
_TIMES: Final = f"pertinentInformation?({_seen('pertinentPreferredContactTimes')})"
_CONTACT: Final = f"preferredContactMethod(code value? {_TIMES})"
_FORMAT: Final = _seen("preferredWrittenCommunicationFormat")
_BY_2008: Final = "performer(assignedOrganization(id))"
_BY_2006: Final = "responsibleParty(healthCareProvider(id))"
_CONSENT: Final = "consent(code effectiveTime? value)"
_DATE: Final = _seen("systemEffectiveDate")

# A.1, A.5, A.7 and their 2008B twins A.2, A.6: items stand directly in the role.


def _plain_gp(card: str, by: str) -> str:
    event = f"patientCareProvision(code effectiveTime? {by})"
    return f"playedOtherProviderPatient{card}(subjectOf({event}))"


def _plain_person(gp: str, *, order: str = "multipleBirthOrderNumber? ") -> str:
    items = f"administrativeGenderCode? birthTime? deceasedTime? {order}name* {gp}"
    return f"patientPerson?({items})"


_GP_2008: Final = _plain_gp("?", _BY_2008)
_QUALITY: Final = "subjectOf?(COCT_MT000312UK01.DataQualityType)"
_PREVIOUS: Final = _seen("previousNhsContact")
_DEATH: Final = _seen("deathNotification")
_ROLE_2008: Final = f"addr* confidentialityCode? id telecom* {_plain_person(_GP_2008)}"

_TRACE_2008A: Final = (
    f"PdsTraceMatch(subject(patientRole({_ROLE_2008} subjectOf2?({_PREVIOUS})"
    f" subjectOf3?({_DEATH}))))"
)
_TRACE_2008B: Final = (
    f"PdsTraceMatch(subject(patientRole({_ROLE_2008} {_QUALITY} subjectOf2?({_PREVIOUS})"
    f" subjectOf3?({_DEATH}) subjectOf4*(alternativeIdentifier))))"
)
_CROSS_CHECK_2008A: Final = (
    f"PDSResponse(subject(patientRole({_ROLE_2008} subjectOf2?({_DEATH})"
    f" subjectOf8?({_PREVIOUS}))))"
)
_CROSS_CHECK_2008B: Final = (
    f"PDSResponse(subject(patientRole({_ROLE_2008} {_QUALITY} subjectOf2?({_DEATH})"
    f" subjectOf4*(alternativeIdentifier) subjectOf8?({_PREVIOUS}))))"
)
_CONFIRMED_PERSON_2008: Final = _plain_person(_plain_gp("*", _BY_2008), order="")


def _confirmation_2008(quality: str) -> str:
    return (
        f"PdsNhsNumberConfirmation({_SCN} subject(patientRole(addr* confidentialityCode? id"
        f" {_CONFIRMED_PERSON_2008} {quality} subjectOf1*({_CONSENT}) subjectOf2?({_DEATH}))))"
    )


# A.3 and A.4: a retrieval of 2008 wraps its items with who wrote them and since when.


def _written(source: str) -> str:
    return f"subjectOf1?({_seen(source)}) subjectOf2?({_DATE})"


def _parts(parts: str, source: str, cards: tuple[str, str, str]) -> tuple[str, str, str]:
    """Write the parts of addresses, telecoms and names, each so many times."""
    address, telecom, name = cards
    written = _written(source)
    return (
        f"COCT_MT000201{parts}.PartOfWhole{address}(addr {written})",
        f"COCT_MT000202{parts}.PartOfWhole{telecom}(telecom {written})",
        f"COCT_MT000203{parts}.PartOfWhole{name}(partPerson(name) {written})",
    )


def _related_2008(parts: str, source: str, own_source: str) -> str:
    address, telecom, name = _parts(parts, source, ("?", "*", "?"))
    player = f"player?({_LANGUAGE} playedRelatedPatient?(id) {telecom} {address} {name})"
    return (
        "scopedRelatedPersonRole*(code effectiveTime? id positionNumber?"
        f" part3?(partNextOfKin(code)) part4?(partCorrespondence(code)) {player}"
        f" subjectOf1?({_CONTACT}) subjectOf2?({_FORMAT})"
        f" subjectOf3?({_seen('callCentreCallBackConsent')}) subjectOf4?({_seen(own_source)})"
        f" subjectOf5?({_DATE}))"
    )


def _provided_2008(event: str, source: str, more: str = "") -> str:
    return (
        f"playedOtherProviderPatient*(subjectOf({event}(code effectiveTime? id"
        f" performer(assignedEntity(id)) {more} subjectOf1?({_DATE})"
        f" subjectOf2?({_seen(source)}))))"
    )


_SOURCE_A: Final = "sourceSourceIdentified|sourceSourceCoded"
_RELATED_SOURCE_A: Final = (
    "relatedPersonRoleSourceSourceIdentified|relatedPersonRoleSourceSourceCoded"
)
_SOURCE_B: Final = "COCT_MT000205UK01.SourceIdentified|COCT_MT000205UK01.SourceCoded"
_ADDRESSES_A, _TELECOMS_A, _NAMES_A = _parts("UK02", _SOURCE_A, ("*", "*", "*"))
_ADDRESSES_B, _TELECOMS_B, _NAMES_B = _parts("UK03", _SOURCE_A, ("*", "*", "*"))
_OLD_NUMBER: Final = "replacementOf*(oldVersion(effectiveTime? id))"
_REGISTERED: Final = "nHAISRegistrationEvent(code effectiveTime? custodian(assignedDevice(id)) {})"

_RETRIEVAL_2008A: Final = (
    f"PDSResponse({_SCN} subject(patientRole(confidentialityCode? id patientPerson?("
    "administrativeGenderCode? birthTime? deceasedTime? multipleBirthOrderNumber?"
    f" birthplace?(addr) {_LANGUAGE} {_provided_2008('patientCareProvisionEvent', _SOURCE_A)}"
    f" {_related_2008('UK02', _SOURCE_A, _RELATED_SOURCE_A)}"
    f" {_ADDRESSES_A} {_TELECOMS_A} {_NAMES_A})"
    f" recordTargetOf*(clinicalDocumentEvent) {_OLD_NUMBER}"
    f" subjectOf1?({_seen('healthspaceRegistration')}) subjectOf2?({_DEATH})"
    f" subjectOf3*({_CONSENT}) subjectOf4?({_CONTACT}) subjectOf5?({_FORMAT})"
    f" subjectOf6?({_seen('sharedSecret')}) subjectOf7?({_REGISTERED.format('')})"
    f" subjectOf8?({_PREVIOUS})"
    " subjectOf9?(nHAISRemovalRegistrationEvent(code effectiveTime? reasonCode)))))"
)

_NOTIFIED: Final = f"subjectOf({_seen('notificationTime')})"
_RETRIEVAL_2008B: Final = (
    f"PDSResponse({_SCN} subject(patientRole(confidentialityCode? id patientPerson?("
    f"multipleBirthOrderNumber? {_LANGUAGE} "
    + _provided_2008(
        "patientCareProvision",
        _SOURCE_B,
        "pertinentInformation?(pertinentCareProviderPaymentInfo)"
        " subject?(COCT_MT000200UK03.RegisteredRolePart)",
    )
    + f" {_related_2008('UK03', _SOURCE_A, _SOURCE_B)} {_ADDRESSES_B}"
    f" COCT_MT000209UK01.PartAdminGenderCode?(partPerson(administrativeGenderCode) {_NOTIFIED})"
    f" COCT_MT000210UK01.PartBirthTime?(partPerson(birthTime) {_NOTIFIED})"
    f" COCT_MT000211UK01.PartDeceasedTime?(partPerson(deceasedTime) {_NOTIFIED})"
    f" {_TELECOMS_B} COCT_MT000208UK01.BirthPlace?(addr? {_NOTIFIED}) {_NAMES_B})"
    f" recordTargetOf?(clinicalDocumentEvent) {_OLD_NUMBER}"
    " subjectOf?(suspectedMultipleRegistrations)"
    f" subjectOf1?({_seen('healthspaceRegistration')}) subjectOf10?(bloodDonorPrefs)"
    " subjectOf11?(treatmentEntitlement) subjectOf12*(alternativeIdentifier)"
    " subjectOf13?(COCT_MT000312UK01.DataQualityType) subjectOf14?(COCT_MT000204UK01.VPIndicator)"
    f" subjectOf15?(organDonorPrefs) subjectOf2?({_DEATH}) subjectOf3*({_CONSENT})"
    f" subjectOf4?({_CONTACT}) subjectOf5?({_FORMAT}) subjectOf6?({_seen('sharedSecret')})"
    f" subjectOf7*({_REGISTERED.format('subjectOf? subjectOf1?')}) subjectOf8?({_PREVIOUS})"
    " subjectOf9*(pCRemovalRegistrationEvent(availabilityTime? code effectiveTime? reasonCode"
    " component? responsibleParty? subjectOf? subjectOf1?)))))"
)

# A.10 to A.12: 2006B, and MIM 3.1 whose trees are the same but for what 1.8 says.

_LANGUAGE_2006: Final = "languageCommunication?(languageCode proficiencyLevelCode preferenceInd)"
_HEAD_2006: Final = "name* administrativeGenderCode? birthTime? deceasedTime?"
_COMMENTED: Final = (
    "consent(code effectiveTime? value"
    f" pertinentInformation?({_seen('pertinentSupplementaryComments')}))"
)


def _traced_2006(head: str = "") -> str:
    person = f"{_HEAD_2006} multipleBirthOrderNumber? {_plain_gp('*', _BY_2006)}"
    return (
        f"PdsTraceMatch({head} subject(patientRole(id addr* telecom* confidentialityCode?"
        f" patientPerson?({person}) subjectOf1?({_seen('matchingLevel')})"
        f" subjectOf2?({_PREVIOUS}) subjectOf?({_DEATH}))))"
    )


def _related_2006(call_back: str) -> str:
    return (
        "scopedRelatedPersonRole*(id{1,2} code addr? telecom* effectiveTime? positionNumber?"
        f" player?(name {_LANGUAGE_2006}) subjectOf1?({_CONTACT}) subjectOf2?({_FORMAT})"
        f" {call_back} part2?(partNextOfKin(code)) part1?(partCorrespondence(code)))"
    )


def _retrieved_2006(call_back: str, head: str = "") -> str:
    event = f"patientCareProvision(id code effectiveTime? {_BY_2006})"
    person = (
        f"{_HEAD_2006} multipleBirthOrderNumber? playedOtherProviderPatient*(subjectOf({event}))"
        f" {_related_2006(call_back)} {_LANGUAGE_2006}"
    )
    return (
        f"PdsSuccessfulRetrieval({head} subject(patientRole(id addr* telecom* confidentialityCode?"
        f" patientPerson?({person}) subjectOf6?({_seen('sharedSecret')})"
        f" subjectOf7?(nhaisRegistration) subjectOf4?({_CONTACT}) subjectOf8?({_PREVIOUS})"
        f" subjectOf3*({_COMMENTED}) subjectOf2?({_DEATH}) subjectOf5?({_FORMAT})"
        f" subjectOf1?({_seen('healthspaceRegistration')})"
        f" replacementOf*(oldVersion(id effectiveTime?)))) {_SCN})"
    )


def _confirmed_2006(head: str = "") -> str:
    return (
        f"PdsNhsNumberConfirmation({head} subject(patientRole(id addr* confidentialityCode?"
        f" patientPerson?({_HEAD_2006} {_plain_gp('*', _BY_2006)}) subjectOf2?({_DEATH})"
        f" subjectOf1*({_COMMENTED}))) {_SCN})"
    )


_CALL_BACK: Final = f"subjectOf3?({_seen('callCentreCallBackConsent')})"
_RESULT: Final = "code value"
"""What 2.3 says first of its result (pds.md 1.7)."""

TREES: Final = {
    "QUPA_IN030000UK02": _traced_2006(_RESULT),
    "QUPA_IN030000UK15": _traced_2006(),
    "QUPA_IN030000UK32": _traced_2006(),
    "QUPA_IN000007UK01": _TRACE_2008A,
    "QUPA_IN000007UK03": _TRACE_2008B,
    "QUPA_IN050000UK01": _retrieved_2006("", _RESULT),
    "QUPA_IN050000UK16": _retrieved_2006(""),
    "QUPA_IN050000UK32": _retrieved_2006(_CALL_BACK),
    "QUPA_IN000009UK03": _RETRIEVAL_2008A,
    "QUPA_IN000009UK06": _RETRIEVAL_2008B,
    "QUPA_IN000015UK02": _CROSS_CHECK_2008A,
    "QUPA_IN000015UK04": _CROSS_CHECK_2008B,
    "QUPA_IN070000UK02": _confirmed_2006(_RESULT),
    "QUPA_IN070000UK16": _confirmed_2006(),
    "QUPA_IN070000UK30": _confirmed_2006(),
    "QUPA_IN000010UK02": _confirmation_2008(""),
    "QUPA_IN000010UK04": _confirmation_2008(_QUALITY),
}

NEVER_RECORDED: Final = (
    "COCT_MT000204UK01.VPIndicator",
    "COCT_MT000312UK01.DataQualityType",
    "matchingLevel",
    "nhaisRegistration",
    "suspectedMultipleRegistrations",
    "pCRemovalRegistrationEvent/component",
    "pCRemovalRegistrationEvent/subjectOf",
)
"""What the trees have room for and the record (core.values.demographics) has not."""

_HEAD: Final = (
    "id creationTime versionCode interactionId processingCode processingModeCode acceptAckCode"
)
_DEVICES: Final = "communicationFunctionRcv(device(id)) communicationFunctionSnd(device(id))"
_AUTHOR: Final = "author1(AgentSystemSDS(agentSystemSDS(id)))"
_REASON: Final = "reason{}(justifyingDetectedIssueEvent(code(qualifier)))"
_ACK: Final = "queryAck(queryResponseCode)"
_ACCEPTED: Final = "acknowledgement(messageRef(id))"
_REJECTED: Final = "acknowledgement(acknowledgementDetail(code) messageRef(id))"

_TO: Final = Correlation("uuid:T", "M", "990000000002", "990000000001")
_AT: Final = Moment("5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A", "20140825093000")


@pytest.mark.parametrize("interaction_id", ROWS)
def test_an_answer_about_each_kind_of_patient_has_its_tree(interaction_id: str) -> None:
    shape = tree(TREES[ROWS[interaction_id].reply.interaction_id])
    filled: frozenset[str] = frozenset()
    for patient in GALLERY.values():
        asked = details_of(patient)
        answered = spine_with([patient]).ask(interaction_id, asked)
        if answered.outcome == "AA":
            verdict = check(shape, _payload(answered.body))
            assert verdict.complaints == ()
            filled |= verdict.filled
    empty = places(shape) - filled
    assert {each for each in empty if not _is_never_recorded(each, places(shape))} == set()


@pytest.mark.parametrize("interaction_id", [each for each in ROWS if each not in OLDEST])
def test_a_success_has_the_frame_of_a_success(interaction_id: str) -> None:
    name = ROWS[interaction_id].reply.interaction_id
    act = f"ControlActEvent({_AUTHOR} {_REASON.format('{0,3}')} subject {_ACK})"
    answered = spine_with([FULL]).ask(interaction_id, details_of(FULL))
    shape = tree(f"{name}({_HEAD} {_ACCEPTED} {_DEVICES} {act})")
    assert check(shape, hl7_message(answered.body)).complaints == ()


@pytest.mark.parametrize("interaction_id", [each for each in ROWS if each not in OLDEST])
def test_a_query_refusal_has_the_frame_of_a_refusal(interaction_id: str) -> None:
    name = ROWS[interaction_id].refusal_id
    act = f"ControlActEvent({_AUTHOR} {_REASON.format('{1,9}')} {_ACK})"
    answered = spine_with([]).ask(interaction_id, Details())
    shape = tree(f"{name}({_HEAD} {_ACCEPTED} {_DEVICES} {act})")
    assert check(shape, hl7_message(answered.body)).complaints == ()


@pytest.mark.parametrize("interaction_id", [each for each in ROWS if each not in OLDEST])
def test_a_wrapper_refusal_has_the_frame_of_a_rejection(interaction_id: str) -> None:
    row = ROWS[interaction_id]
    body = row.envelope.wrapper_refusal(row, _TO, _AT, Fault("INVALID_ID"))
    shape = f"MCCI_IN010000UK13({_HEAD} {_REJECTED} {_DEVICES} ControlActEvent({_AUTHOR}))"
    assert check(tree(shape), hl7_message(body)).complaints == ()


def _payload(envelope: bytes) -> etree._Element:
    (act,) = [each for each in hl7_message(envelope) if "ControlAct" in str(each.tag)]
    return only(act, "{*}subject/*")


def _is_never_recorded(place: str, among: frozenset[str]) -> bool:
    """Say whether a place lies in something that is never recorded, or holds nothing else."""
    if any(f"/{each}" in place for each in NEVER_RECORDED):
        return True
    inside = {each for each in among if each.startswith(f"{place}/")}
    return bool(inside) and all(_is_never_recorded(each, among) for each in inside)
