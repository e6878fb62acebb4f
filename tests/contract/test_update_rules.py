"""Updates: each rule broken alone, by its name and supplement, in the tables of every release."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

import old_update_messages as old
import pytest
import update_messages as made
from lxml import etree
from msgspec import Struct
from pds_update_scripts import everything, update
from update_messages import Asked, Sections

from legacy_contracts.hl7.payload import MIM_2_3, NON_BATCH
from legacy_contracts.pds import updates

H: Final = {"h": "urn:hl7-org:v3"}
LATER: Final = "PRPA_IN000203UK03"
EARLIER: Final = "PRPA_IN160000UK30"
COMBINED: Final = "PRPA_IN160000UK01"
SPLIT: Final = "PRPA_IN110000UK15"
SPLIT_DEATH: Final = "PRPA_IN100000UK14"
SPLIT_CONSENT: Final = "PRPA_IN120000UK14"
LATEST: Final = "PRPA_IN000203UK06"
REGISTER: Final = "PRPA_IN000204UK03"
REGISTER_B: Final = "PRPA_IN000204UK06"
OLD: Final = "PRPA_IN110000UK01"
OLD_DEATH: Final = "PRPA_IN100000UK01"
OLD_CONSENT: Final = "PRPA_IN120000UK01"

Spoil = Callable[[etree._Element], None]


class Broken(Struct, frozen=True):
    """What is done to one element of a message, and the faults that gives."""

    path: str
    spoil: Spoil
    faults: tuple[str, ...]
    sections: Sections | None = None


def dropped(element: etree._Element) -> None:
    """Leave an element out."""
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def doubled(element: etree._Element) -> None:
    """Write an element twice."""
    element.addnext(copy.deepcopy(element))


def six_times(element: etree._Element) -> None:
    """Write an element six times."""
    for _ in range(5):
        doubled(element)


def emptied(element: etree._Element) -> None:
    """Leave out what an element holds."""
    element.text = None
    for child in list(element):
        element.remove(child)


def setting(**attributes: str) -> Spoil:
    """Give what writes attributes."""
    return lambda element: [element.set(name, value) for name, value in attributes.items()] and None


def without(name: str) -> Spoil:
    """Give what leaves an attribute out."""
    return lambda element: element.attrib.pop(name) and None


def of_another_number(role: etree._Element) -> None:
    """Give a role a number whose check digit is wrong, and an address without use."""
    (number,) = role.iterfind("{*}id")
    number.set("extension", "9990000019")
    without("use")(role.findall("{*}addr")[0])


def adding(text: str) -> Spoil:
    """Give what adds elements at the end of another."""
    children = list(etree.fromstring(f'<a xmlns="urn:hl7-org:v3">{text}</a>'))
    return lambda element: element.extend([copy.deepcopy(child) for child in children])


def _broken(interaction: str, case: Broken) -> list[str]:
    asked = Asked(everything(interaction) if case.sections is None else case.sections)
    root = etree.fromstring(update(interaction, asked).payload)
    (first, *_) = root.xpath(f"//h:subject/{case.path}", namespaces=H)
    case.spoil(first)
    root = etree.fromstring(etree.tostring(root))
    return [
        one.name if one.supplement is None else f"{one.name}[{one.supplement}]"
        for one in updates.BY_ID[interaction].faults(root)
    ]


_UK: Final = "UNSUPPORTED_CHARACTERS_IN_FIELD"
_UID: Final = "UID_MUST_BE_PROVIDED"
_LATE: Final = "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"
_TWICE: Final = "MORE_THAN_ONE_USABLE_PERIOD"
_FIELD: Final = "MANDATORY_FIELD_MISSING"
_MISSING: Final = "MANDATORY_FIELD_MISSING_SUPP_INFO"
_OWN: Final = "scopedRelatedPersonRole"
_SRP: Final = f"/h:{_OWN}[@updateMode='added']"
_GONE: Final = f"/h:{_OWN}[@updateMode='removed']"
_REQ: Final = "h:PdsUpdateRequest"
_SCN: Final = f"{_REQ}/h:pertinentInformation"
_ADDR: Final = "/h:patientRole/h:addr[@updateMode='altered']"
_NAME: Final = "/h:patientPerson/h:name[@updateMode='added']"
_CARE: Final = "/h:patientCareProvision[@updateMode='altered'][h:code/@code='1']"
_SHOP: Final = "/h:patientCareProvision[@updateMode='altered'][h:code/@code='P1']"
_DATED: Final = '<useablePeriod><low value="20140101"/><high value="20130101"/></useablePeriod>'
_PLACED: Final = "MULTIPLE_BIRTH_ORDER_NUMBER_PROVIDED"


def _any(path: str) -> str:
    return f"descendant::*{path}" if path.startswith("/") else path


def _removed(name: str, told: str) -> Broken:
    return Broken(_any(f"/h:{name}"), setting(updateMode="removed"), (told,))


STAGE_1: Final = (
    Broken(_REQ, dropped, (_FIELD,)),
    Broken(f"{_REQ}/h:code", setting(code="3"), ("INVALID_UPDATE_MODE",)),
    Broken(f"{_REQ}/h:subject/h:patientRole", dropped, (_FIELD,)),
    Broken(f"{_SCN}//h:code", setting(code="3"), (_FIELD,)),
    Broken(f"{_SCN}//h:value", setting(value=""), (_FIELD,)),
    Broken(f"{_REQ}/h:subject/h:patientRole/h:id", doubled, (_FIELD,)),
    Broken(
        f"{_REQ}/h:subject/h:patientRole/h:id",
        setting(extension="999000001"),
        ("FAILED_MOD11_CHECK",),
    ),
    # Which record is meant comes before what is asked of it, a wrong check digit too.
    Broken(
        f"{_REQ}/h:subject/h:patientRole",
        of_another_number,
        ("FAILED_MOD11_CHECK",),
    ),
)

ITEMS: Final = (
    Broken(_any(_ADDR), without("use"), (_UK,)),
    Broken(
        _any(f"{_ADDR}/h:streetAddressLine[1]"), six_times, ("INCORRECT_NUMBER_OF_ADDRESS_LINES",)
    ),
    Broken(_any(_ADDR), adding("<desc>Hut</desc>"), ("DESCRIPTION_PROVIDED_NO_TEMPORARY_ADDRESS",)),
    Broken(_any(f"{_ADDR}/h:useablePeriod"), doubled, (_TWICE,)),
    Broken(_any(f"{_ADDR}/h:useablePeriod"), adding('<high value="20130101"/>'), (_LATE,)),
    Broken(_any("/h:addr[@updateMode='removed']/h:id"), dropped, (_UID,)),
    Broken(_any(f"{_ADDR}/h:id"), dropped, (_UID,)),
    Broken(_any(_ADDR), setting(updateMode="changed"), ("INVALID_UPDATE_MODE",)),
    Broken(_any(_ADDR), setting(use="ABC"), (_UK,)),
    Broken(_any(_NAME), without("use"), (_UK,)),
    Broken(_any(f"{_NAME}/h:prefix"), doubled, ("NO_MORE_THAN_ONE_PREFIX",)),
    Broken(_any(f"{_NAME}/h:family"), doubled, ("NO_MORE_THAN_ONE_FAMILY_NAME",)),
    Broken(
        _any(_NAME), adding("<suffix>A</suffix><suffix>B</suffix>"), ("NO_MORE_THAN_ONE_SUFFIX",)
    ),
    Broken(_any(_NAME), emptied, ("INSUFFICIENT_NAME_DETAILS",)),
    Broken(_any(f"{_NAME}/h:given[1]"), six_times, ("TOO_MANY_GIVEN_NAMES_5",)),
    Broken(_any(f"{_NAME}/h:validTime"), doubled, (_TWICE,)),
    Broken(_any(f"{_NAME}/h:validTime"), adding('<high value="20130101"/>'), (_LATE,)),
    Broken(
        _any("/h:name[@updateMode='altered']"),
        setting(updateMode="removed"),
        ("UNABLE_TO_DELETE_USUAL_NAME",),
    ),
)

CHANGES: Final = (
    Broken(
        _any("/h:patientRole/h:telecom[@updateMode='added']"),
        without("value"),
        ("UNEXPECTED_CONTACT_TYPE",),
    ),
    Broken(_any("/h:telecom[@updateMode='removed']/h:id"), dropped, (_UID,)),
    Broken(_any("/h:patientRole/h:telecom[@updateMode='added']"), adding(_DATED), (_LATE,)),
    Broken(_any(f"{_SHOP}/h:code"), dropped, ("UNSUPPORTED_PATIENT_CARE",)),
    Broken(_any(f"{_SHOP}/h:code"), setting(code="P9"), ("UNSUPPORTED_PATIENT_CARE",)),
    Broken(
        _any(_SHOP),
        adding('<effectiveTime><low value="20140102"/><high value="2013"/></effectiveTime>'),
        (_TWICE, _LATE),
    ),
    Broken(_any(f"{_CARE}/h:id"), dropped, (_UID,)),
    Broken(_any("/h:sharedSecret/h:code"), dropped, ("MISSING_CODE_FROM_SHARED_SECRET",)),
    Broken(_any("/h:sharedSecret/h:value"), dropped, ("MISSING_VALUE_FROM_SHARED_SECRET",)),
    _removed("multipleBirthOrderNumber", _PLACED),
    *(
        Broken(
            _any("/h:multipleBirthOrderNumber"),
            setting(value=order),
            ("VALUE_NOT_SUPPORTED[multipleBirthOrderNumber]",),
        )
        for order in ("0", "10", "01", "")
    ),
    _removed("patientPerson/h:languageCommunication", "LANGUAGE_CHANGED_ON_REMOVAL"),
    _removed(
        "subjectOf4/h:preferredWrittenCommunicationFormat", "WRITTEN_COMM_FORMAT_CHANGED_ON_REMOVAL"
    ),
    _removed("healthspaceRegistration", "HEALTHSPACE_REG_CHANGED_ON_REMOVAL"),
    Broken(
        _any("/h:patientRole/h:subjectOf2/h:preferredContactMethod"),
        setting(updateMode="removed"),
        ("INVALID_PREFERRED_CONTACT_METHOD", "INVALID_PREFERRED_CONTACT_METHOD"),
    ),
    Broken(
        _any("/h:patientRole/h:subjectOf2//h:pertinentPreferredContactTimes/h:value"),
        emptied,
        ("PREFERRED_CONTACT_TIME_EMPTY",),
    ),
    Broken(
        _any("/h:patientRole/h:subjectOf2/h:preferredContactMethod/h:value"),
        setting(code="9"),
        ("VALUE_NOT_SUPPORTED[preferredContactMethod]",),
    ),
    Broken(
        _any("/h:consent[h:code/@code='6']"),
        adding('<value code="1"/>'),
        ("CONSENT_VALUE_CHANGED_ON_REMOVAL",),
    ),
    Broken(_any(_SRP), without("classCode"), ("VALUE_NOT_SUPPORTED[scopedRelatedPersonRole]",)),
    Broken(
        _any(f"{_SRP}/h:player/h:name"),
        setting(use="A"),
        (f"ONLY_USUAL_NAME_SUPPORTED[{_OWN}.player.name]",),
    ),
    Broken(
        _any(f"{_SRP}/h:addr"),
        setting(use="TMP"),
        (f"ONLY_HOME_ADDRESS_SUPPORTED[{_OWN}.address]",),
    ),
    Broken(_any(_SRP), adding("<subjectOf3/>"), (f"ONLY_SUPPORTED_FOR_AGENTS[{_OWN}.subjectOf3]",)),
    Broken(_any(f"{_SRP}/h:effectiveTime"), adding('<high value="2010"/>'), (_LATE,)),
    Broken(_any(f"{_SRP}/h:telecom"), six_times, ("TOO_MANY_TELECOM_ELEMENTS",)),
    Broken(
        _any(f"{_SRP}/h:addr"), dropped, (f"RELATED_PERSON_NAME_ADDRESS_MISSING[{_OWN}.address]",)
    ),
    Broken(
        _any(f"{_SRP}/h:player/h:name"),
        dropped,
        (f"RELATED_PERSON_NAME_ADDRESS_MISSING[{_OWN}.name]",),
    ),
    Broken(_any(_SRP), setting(updateMode="altered"), (f"{_MISSING}[{_OWN}.id]",)),
    Broken(_any(f"{_GONE}/h:id"), dropped, (f"{_MISSING}[{_OWN}.id]",)),
    *(
        Broken(
            _any(_GONE),
            adding(f"<{name}/>"),
            (f"RELATED_PERSON_CANNOT_PROVIDE_DATE[{_OWN}.{word}]",),
        )
        for name, word in (
            ("effectiveTime", "effectiveTime"),
            ("positionNumber", "positionNumber"),
            ("player", "player"),
            ("part", "part"),
            ("part3", "part3"),
            ("subjectOf1", "subjectOf1"),
            ("subjectOf2", "subjectOf2"),
        )
    ),
    Broken(
        _any(f"{_SRP}/h:player"),
        adding(
            '<playedRelatedPatient><id root="2.16.840.1.113883.2.1.4.1"/></playedRelatedPatient>'
        ),
        ("RELATED_PERSON_DATA_INVALID_NHS_SUPPLIED",),
    ),
    Broken(
        _any(f"{_SRP}/h:player"),
        adding("<playedRelatedPatient><id/><id/></playedRelatedPatient>"),
        (f"RELATED_PERSON_INCORRRECT_ID_FIELDS[{_OWN}.relatedPatient.id]",),
    ),
)

BIRTH_AND_DEATH: Final = (
    _removed("administrativeGenderCode", "GENDER_REMOVAL_NOT_PERMITTED"),
    _removed("birthTime", "BIRTHTIME_REMOVAL_NOT_PERMITTED"),
    Broken(
        _any("/h:administrativeGenderCode"),
        setting(code="7"),
        ("VALUE_NOT_SUPPORTED[administrativeGenderCode]",),
    ),
    Broken(_any("/h:birthTime"), setting(value="early"), ("ILLEGAL_DATE_FORMAT",)),
    Broken(
        _any("/h:deceasedTime"), setting(updateMode="altered"), ("DEATH_UPDATE_MODE_INCONSISTENT",)
    ),
    Broken(
        _any("/h:deceasedTime"),
        dropped,
        ("INCONSISTENT_DEATH_UPDATE", "INVALID_AUTHOR_SPECIFICATION"),
    ),
    Broken(f"{_REQ}/h:author", dropped, ("AUTHOR_UNSPECIFIED_ON_DEATH",)),
)


_REGISTERED: Final = (
    "<COCT_MT000200UK02.RegisteredRolePart><partRegisteredPerson><name use='L'/>"
    "</partRegisteredPerson></COCT_MT000200UK02.RegisteredRolePart>"
)


def _gone(interaction: str) -> Sections:
    return {**made.dead(interaction, "removed"), "author": made.author(interaction)}


CASES: Final = {
    LATER: (
        *STAGE_1,
        *ITEMS,
        *CHANGES,
        *BIRTH_AND_DEATH,
        Broken(
            _any(f"{_CARE}/h:performer"),
            doubled,
            (f"{_MISSING}[patientCareProvision.performer]", "UNSUPPORTED_HCP_CODE_TYPE"),
        ),
        Broken(
            _any("/h:deceasedTime"),
            setting(nothing=""),
            ("AUTHOR_CHANGED_ON_REMOVAL",),
            _gone(LATER),
        ),
        Broken(
            _any("/h:deceasedTime"),
            setting(value="2014"),
            ("DECEASED_TIME_CHANGED_ON_REMOVAL",),
            made.dead(LATER, "removed"),
        ),
        Broken(
            _any("/h:deathNotification"),
            adding('<value code="1"/>'),
            ("DEATH_NOTIFICATION_CHANGED_ON_REMOVAL",),
            made.dead(LATER, "removed"),
        ),
        Broken(
            f"{_REQ}/h:author//h:code",
            setting(code="y"),
            ("INVALID_REGISTERING_AUTHORITY_TYPE[registeringAuthorityType.code]",),
        ),
        Broken(
            f"{_REQ}/h:author/h:registeringAuthority",
            adding("<assignedRegisteringPerson/>"),
            (
                "INVALID_ASSIGNED_REGISTERING_PERSON[registeringAuthority.assignedRegisteringPerson]",
            ),
        ),
        Broken(f"{_REQ}/h:author//h:id", dropped, (f"{_MISSING}[registeringAuthority.id]",)),
        Broken(
            _any("/h:consent[h:code/@code='4']"),
            adding("<pertinentInformation/>"),
            ("INVALID_DATA_FOR_CALL_CENTRE_CALL_BACK",),
        ),
        Broken(
            _any("/h:consent[h:code/@code='6']/h:code"),
            setting(code="4"),
            ("CONSENT_VALUES_CANNOT_BE_REMOVED",),
        ),
        Broken(_any("/h:birthplace/h:addr"), emptied, ("CITY_COUNTY_COUNTRY_MISSING",)),
        Broken(_any("/h:birthplace/h:addr/h:city"), doubled, ("UNEXPECTED_DATA_IN_BIRTHPLACE",)),
        Broken(
            _any("/h:birthplace/h:addr"),
            setting(updateMode="removed"),
            ("BIRTHPLACE_CHANGED_ON_REMOVAL",),
        ),
    ),
    EARLIER: (
        *STAGE_1,
        *ITEMS,
        *CHANGES,
        Broken(
            _any(f"{_CARE}//h:healthCareProvider/h:id"),
            setting(root="1.2.3"),
            ("UNSUPPORTED_HCP_CODE_TYPE",),
        ),
        Broken(
            f"{_REQ}/h:author//h:representedRegisteringOrganization",
            dropped,
            (f"{_MISSING}[registeringAuthority.representedRegisteringOrganization]",),
        ),
        Broken(
            f"{_REQ}/h:author//h:code",
            setting(code="y"),
            ("ASSIGNED_REG_PERSON_MISSING[registeringAuthority.assignedRegisteringPerson]",),
        ),
    ),
    COMBINED: (
        Broken(
            _any("/h:deceasedTime"),
            setting(nothing=""),
            ("SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",),
            made.dead(COMBINED, "removed"),
        ),
    ),
    SPLIT: (
        Broken(
            _any("/h:patientPerson"),
            adding("<deceasedTime/>"),
            (
                "DECEASED_TIME_NOT_SUPPORTED",
                "INCONSISTENT_DEATH_UPDATE",
                "AUTHOR_UNSPECIFIED_ON_DEATH",
            ),
        ),
        Broken(
            _any("/h:patientRole"),
            adding("<subjectOf7><deathNotification/></subjectOf7>"),
            ("DEATH_NOTIFICATION_NOT_SUPPORTED", "INCONSISTENT_DEATH_UPDATE"),
        ),
        Broken(
            _REQ,
            adding(
                "<author><registeringAuthority><representedRegisteringOrganization/></registeringAuthority></author>"
            ),
            ("REGISTERING_AUTHORITY_NOT_SUPPORTED", "INVALID_AUTHOR_SPECIFICATION"),
        ),
        Broken(
            _any("/h:consent/h:code"),
            setting(code="4"),
            ("CONSENT_VALUE_NOT_SUPPORTED", "CONSENT_VALUES_CANNOT_BE_REMOVED"),
        ),
    ),
    SPLIT_DEATH: (
        Broken(
            _any("/h:deceasedTime"),
            dropped,
            ("INCONSISTENT_DEATH_UPDATE", "INVALID_AUTHOR_SPECIFICATION"),
        ),
        Broken(f"{_REQ}/h:author//h:code", setting(code="y"), ("ASSIGNED_REG_PERSON_MISSING",)),
        Broken(
            _any("/h:deathNotification"),
            setting(updateMode="removed"),
            ("SOURCE_CANNOT_REMOVE_DATE_OF_DEATH", "DEATH_UPDATE_MODE_INCONSISTENT"),
        ),
    ),
    SPLIT_CONSENT: (
        Broken(_any("/h:consent/h:code"), setting(code="6"), ("INVALID_CONSENT_VALUE",)),
        Broken(
            _any("/h:consent"), setting(updateMode="removed"), ("CONSENT_VALUES_CANNOT_BE_REMOVED",)
        ),
        Broken(
            _any("/h:consent"),
            adding(
                "<pertinentInformation><pertinentSupplementaryComments/></pertinentInformation>"
            ),
            ("SUPPLEMENTARY_COMMENTS_VALUE_MISSING",),
        ),
        Broken(f"{_REQ}/h:code", without("codeSystem"), ("INVALID_UPDATE_MODE",)),
    ),
    LATEST: (
        *STAGE_1,
        *ITEMS,
        *CHANGES,
        Broken(
            _any("/h:COCT_MT000209UK01.PartAdminGenderCode"),
            setting(updateMode="removed"),
            ("GENDER_REMOVAL_NOT_PERMITTED",),
        ),
        Broken(
            _any("/h:COCT_MT000210UK01.PartBirthTime"),
            setting(updateMode="removed"),
            ("BIRTHTIME_REMOVAL_NOT_PERMITTED",),
        ),
        Broken(
            _any("/h:COCT_MT000211UK01.PartDeceasedTime"),
            setting(updateMode="removed"),
            ("SOURCE_CANNOT_REMOVE_DATE_OF_DEATH", "DEATH_UPDATE_MODE_INCONSISTENT"),
        ),
        Broken(
            _any("/h:COCT_MT000211UK01.PartDeceasedTime"), dropped, ("INCONSISTENT_DEATH_UPDATE",)
        ),
        Broken(
            _any("/h:deathNotification/h:responsibleParty"),
            dropped,
            ("AUTHOR_UNSPECIFIED_ON_DEATH", f"{_MISSING}[registeringAuthority.id]"),
        ),
        Broken(
            _any("/h:registeringAuthority"),
            adding("<assignedRegisteringOrganization/>"),
            (f"{_MISSING}[scopedAssignedPerson.id]",),
        ),
        Broken(
            _any(f"{_CARE}/h:performer"),
            dropped,
            ("UNSUPPORTED_HCP_CODE_TYPE", f"{_MISSING}[patientCareProvision.performer]"),
        ),
        Broken(
            _any("/h:COCT_MT000208UK01.BirthPlace/h:addr"),
            setting(updateMode="removed"),
            ("BIRTHPLACE_CHANGED_ON_REMOVAL",),
        ),
        Broken(
            _any("/h:bloodDonorConsent/h:value"),
            setting(code="9"),
            ("VALUE_NOT_SUPPORTED[bloodDonorPrefs]",),
        ),
    ),
    REGISTER: (
        Broken(_any("/h:nHAISRegistrationEvent/h:custodian"), dropped, (_FIELD,)),
        Broken(
            _any("/h:nHAISRegistrationEvent"),
            setting(updateMode="removed"),
            ("UNEXPECTED_DATA_IN_NHAIS_REG_EVENT",),
        ),
        Broken(
            _any("/h:nHAISRemovalRegistrationEvent"),
            setting(updateMode="removed"),
            (
                "REG_REMOVAL_AND_PCP_MUTUALLY_EXCLUSIVE",
                "UNEXPECTED_DATA_IN_NHAIS_REMOVAL_REG_EVENT",
            ),
            {"removal": made.removal(REGISTER, "added")},
        ),
        Broken(
            _any("/h:reasonCode"),
            setting(code="ZZZ"),
            ("VALUE_NOT_SUPPORTED[reasonCode]",),
            {"removal": made.removal(REGISTER, "added")},
        ),
        Broken(
            _any("/h:patientCareProvisionEvent"),
            setting(nothing=""),
            ("GP_PROVDER_RULE86",),
            {
                "removal": made.removal(REGISTER, "added"),
                "provisions": made.provision(REGISTER, "added", kind="1"),
            },
        ),
        Broken(
            _any("/h:performer//h:id"),
            setting(extension="A9900100000"),
            ("INVALID_GPREG",),
            {"provisions": made.provision(REGISTER, "added", kind="1")},
        ),
        Broken(
            _any("/h:patientCareProvisionEvent/h:code"),
            setting(code="P1"),
            ("UNSUPPORTED_PATIENT_CARE",),
            {"provisions": made.provision(REGISTER, "added", kind="1")},
        ),
        Broken(
            _any("/h:scopedAssignedPerson"),
            dropped,
            (
                f"{_MISSING}[registeringAuthority.assignedRegisteringOrganization.scopedAssignedPerson.id]",
            ),
        ),
        Broken(
            _any("/h:patientPerson"),
            adding(_REGISTERED),
            ("INVALID_NAME_USE_TYPE[registeredPersonCheck.name]",),
        ),
    ),
    REGISTER_B: (
        Broken(
            _any("/h:patientCareProvision"),
            setting(nothing=""),
            ("GP_PROVDER_RULE86",),
            {
                "removal": made.removal(REGISTER_B, "added"),
                "provisions": made.provision(REGISTER_B, "added", kind="1"),
            },
        ),
        Broken(_any("/h:nHAISRegistrationEvent/h:custodian"), dropped, (_FIELD,)),
    ),
    OLD: (
        *STAGE_1,
        Broken(_any("/h:consent/h:code"), setting(code="4"), ("INVALID_CONSENT_VALUE",)),
        Broken(_any("/h:name"), setting(use="PREVIOUS"), ("UNEXPECTED_P1R1_DATA",)),
        Broken(_any("/h:name"), setting(nullFlavor="NA"), ("UNABLE_TO_DELETE_USUAL_NAME",)),
        Broken(_any("/h:given[1]"), doubled, ("TOO_MANY_GIVEN_NAMES_2",)),
        Broken(_any("/h:addr"), setting(use="TMP"), (_UK,)),
        Broken(
            _any("/h:administrativeGenderCode"),
            setting(nullFlavor="NA"),
            ("GENDER_REMOVAL_NOT_PERMITTED",),
        ),
        Broken(_any("/h:disabilityCode"), setting(code="31"), ("UNEXPECTED_P1R1_DATA",)),
        Broken(
            _any("/h:disabilityCode"), setting(code="21"), ("VALUE_NOT_SUPPORTED[disabilityCode]",)
        ),
    ),
    OLD_DEATH: (
        Broken(_any("/h:deceasedTime"), dropped, (_FIELD,)),
        Broken(
            _any("/h:deceasedTime"),
            setting(nullFlavor="NA"),
            ("SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",),
        ),
        Broken(
            _any("/h:registeringAuthority/h:code"),
            setting(code="2"),
            ("INVALID_REGISTERING_AUTHORITY_TYPE",),
        ),
        Broken(
            _any("/h:registeringAuthority"),
            adding("<assignedRegisteringPerson/>"),
            ("INVALID_ASSIGNED_REGISTERING_PERSON",),
        ),
    ),
    OLD_CONSENT: (
        Broken(_any("/h:consent/h:code"), setting(code="6"), ("INVALID_CONSENT_VALUE",)),
        Broken(
            _any("/h:consent/h:value"),
            setting(nullFlavor="NA"),
            ("CONSENT_VALUES_CANNOT_BE_REMOVED",),
        ),
        Broken(_any("/h:consent/h:effectiveTime"), dropped, ("UNEXPECTED_P1R1_DATA",)),
        Broken(
            _any("/h:consent/h:pertinentInformation"),
            dropped,
            ("SUPPLEMENTARY_COMMENTS_VALUE_MISSING",),
        ),
    ),
}


@pytest.mark.parametrize(
    ("interaction", "case"),
    [
        pytest.param(each, case, id=f"{each}-{number}-{'+'.join(case.faults)[:60] or 'accepted'}")
        for each, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_rule_that_is_broken_alone_is_told_alone(interaction: str, case: Broken) -> None:
    assert _broken(interaction, case) == list(case.faults)


@pytest.mark.parametrize("interaction", [*made.UPDATES, *old.ANSWERS])
def test_a_whole_update_breaks_no_rule(interaction: str) -> None:
    payload = update(interaction, Asked(everything(interaction))).payload
    root = etree.fromstring(payload)
    assert updates.BY_ID[interaction].faults(root) == []
    wrapper = MIM_2_3 if interaction in old.ANSWERS else NON_BATCH
    assert wrapper.faults(root) == []


@pytest.mark.parametrize("interaction", [*made.UPDATES, *old.ANSWERS])
def test_a_query_in_the_place_of_the_subject_is_no_request(interaction: str) -> None:
    root = etree.fromstring(update(interaction, Asked(everything(interaction))).payload)
    (subject,) = root.iterfind("*/{*}subject[@typeCode='SUBJ']")
    subject.addnext(etree.Element("{urn:hl7-org:v3}query"))
    dropped(subject)
    (fault,) = updates.BY_ID[interaction].faults(root)
    assert fault.name == "MANDATORY_FIELD_MISSING"


def test_faults_of_items_that_are_removed_come_in_the_order_of_the_message() -> None:
    addresses = made.address("removed") + made.address("added", use="") + made.address("removed")
    root = etree.fromstring(update(LATER, Asked({"addr": addresses})).payload)
    names = [one.name for one in updates.BY_ID[LATER].faults(root)]
    assert names == [_UID, _UK, _UID]


def test_only_the_first_stage_that_breaks_is_told() -> None:
    asked = Asked({"gender": made.gender(LATER, "removed")}, kind="3")
    root = etree.fromstring(update(LATER, asked).payload)
    assert [one.name for one in updates.BY_ID[LATER].faults(root)] == ["INVALID_UPDATE_MODE"]
