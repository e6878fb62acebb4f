"""Rules of the general update, as MIM 3.1, 2006B and 2008A have it: places, tests, names, order.

The stylesheets PRPA_RM240000UK30_Stage1 and _Stage2i5, pattern by pattern; the names of their
patterns stand at each group, and their words, misspelt ones too, are kept. Where a pattern asks one
thing of what is removed and another of the rest, both are asked in one group, so that the faults
come in the order of the message. The rows that other releases share are functions of a place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule, check_digit_is_right

ACT: Final = "/*/hl7:ControlActEvent[1]"
SUBJECT: Final = f"{ACT}/hl7:subject[1]"
REQUEST: Final = "PdsUpdateRequest"
REMOVED: Final = "@updateMode = 'removed'"

_OBJECT_ID: Final = f"hl7:id[@root='{oids.OBJECT_ID}']"
_FILLED_ID: Final = "string-length(hl7:id/@extension) > 0"
_RELATED: Final = "scopedRelatedPersonRole"
MISSING: Final = "MANDATORY_FIELD_MISSING_SUPP_INFO"


def role(request: str = REQUEST) -> str:
    """Give the place of the patient's role in a request."""
    return f"{SUBJECT}/hl7:{request}[1]/hl7:subject[1]/hl7:patientRole[1]"


def related(request: str = REQUEST) -> str:
    """Give the place of the related persons in a request."""
    subject = f"{SUBJECT}/hl7:{request}[1]/hl7:subject/hl7:patientRole"
    return f"{subject}/hl7:patientPerson/hl7:{_RELATED}"


def never(test: str, name: str, supplement: str | None = None) -> Rule:
    """Give the rule that something is not so: what the stylesheets call a report."""
    return Rule(f"not({test})", name, supplement)


def where(condition: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Give rules that are asked where a condition holds."""
    return tuple(
        Rule(f"not({condition}) or ({rule.test})", rule.name, rule.supplement) for rule in rules
    )


def at_most_one(path: str) -> str:
    """Give the test that an element stands once at most."""
    return f"count({path}) = 0 or count({path}) = 1"


def in_order(path: str) -> str:
    """Give the test that a period does not end before it begins; compared as numbers."""
    low, high = f"{path}/hl7:low", f"{path}/hl7:high"
    return f"count({low}) = 0 or count({high}) = 0 or {high}/@value >= {low}/@value"


def in_order_or_open(path: str) -> str:
    """Give the same test, which an end without value passes."""
    return f"{in_order(path)} or not({path}/hl7:high/@value)"


def stage_1(
    request: str = REQUEST, *, kind: str = "hl7:code", scn_system: str | None = oids.OBSERVATION
) -> tuple[Group, ...]:
    """Give the rules that find the record: correctRoot, basicLayout, nhsNumberCheck."""
    system = "" if scn_system is None else f"[@codeSystem='{scn_system}']"
    scn = "hl7:pertinentInformation/hl7:pertinentSerialChangeNumber"
    missing = "MANDATORY_FIELD_MISSING"
    number = "hl7:id/@extension"
    return (
        # Asked of the act: a wrapper may have a query in the subject's place.
        Group(ACT, (Rule(f"count(hl7:subject[1]/hl7:{request}) = 1", missing),)),
        Group(
            f"{SUBJECT}/hl7:{request}",
            (
                Rule(f"{kind}/@code = '1' or {kind}/@code = '2'", "INVALID_UPDATE_MODE"),
                Rule("count(hl7:subject/hl7:patientRole) = 1", missing),
                Rule(f"count({scn}/hl7:code[@code='2']{system}) = 1", missing),
                Rule(f"string-length({scn}/hl7:value/@value) > 0", missing),
            ),
        ),
        Group(
            f"{SUBJECT}/hl7:{request}/hl7:subject/hl7:patientRole",
            (
                Rule("count(hl7:id) = 1", missing),
                # The stylesheet asks the length; by its name, the sum is asked here (pds.md 2.1).
                Rule(
                    f"string-length({number}) = 10 and {check_digit_is_right(number)}",
                    "FAILED_MOD11_CHECK",
                ),
            ),
        ),
    )


CODED_KIND: Final = f"hl7:code[@codeSystem='{oids.UPDATE_TYPE}']"
"""The update's type where its code system is asked about too (PRPA_RM120000UK14_Stage1)."""

_USE: Final = Rule("string-length(@use) > 0", "UNSUPPORTED_CHARACTERS_IN_FIELD")
_UID: Final = Rule(_FILLED_ID, "UID_MUST_BE_PROVIDED")

_NOT_WITH_REMOVAL: Final = (
    ("addr", "address"),
    ("effectiveTime", "effectiveTime"),
    ("positionNumber", "positionNumber"),
    ("telecom", "telecom"),
    ("player", "player"),
    ("part", "part"),
    ("part3", "part3"),
    ("subjectOf1", "subjectOf1"),
    ("subjectOf2", "subjectOf2"),
)


def related_persons(numbers: str, request: str = REQUEST) -> Group:
    """Give relatedPersonCheck; `numbers` is the count of the NHS numbers that are given."""
    own = (
        "(count(hl7:addr[1]) + count(hl7:telecom) + count(hl7:player/hl7:name[1])"
        " + count(hl7:subjectOf1[1]) + count(hl7:subjectOf2[1]))"
    )
    has_id = f"count({_OBJECT_ID}) = 1"
    of_removed = (
        *(
            Rule(
                f"count(hl7:{name}) = 0",
                "RELATED_PERSON_CANNOT_PROVIDE_DATE",
                f"{_RELATED}.{word}",
            )
            for name, word in _NOT_WITH_REMOVAL
        ),
        Rule(has_id, MISSING, f"{_RELATED}.id"),
    )
    of_others = (
        Rule(f"@updateMode = 'added' or {has_id}", MISSING, f"{_RELATED}.id"),
        never(
            f"{numbers} > 1", "RELATED_PERSON_INCORRRECT_ID_FIELDS", f"{_RELATED}.relatedPatient.id"
        ),
        Rule(
            "count(hl7:player/hl7:name[1]) = 0 or hl7:player[1]/hl7:name[1]/@use = 'L'",
            "ONLY_USUAL_NAME_SUPPORTED",
            f"{_RELATED}.player.name",
        ),
        Rule(
            "count(hl7:addr[1]) = 0 or hl7:addr[1]/@use = 'H'",
            "ONLY_HOME_ADDRESS_SUPPORTED",
            f"{_RELATED}.address",
        ),
        never(
            "not(@classCode = 'AGNT') and count(hl7:subjectOf3[1]) > 0",
            "ONLY_SUPPORTED_FOR_AGENTS",
            f"{_RELATED}.subjectOf3",
        ),
        never(f"{numbers} = 1 and {own} != 0", "RELATED_PERSON_DATA_INVALID_NHS_SUPPLIED"),
        Rule(in_order("hl7:effectiveTime"), "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
        never("count(hl7:telecom) > 5", "TOO_MANY_TELECOM_ELEMENTS"),
        never(
            f"{numbers} = 0 and count(hl7:addr[1]) != 1",
            "RELATED_PERSON_NAME_ADDRESS_MISSING",
            f"{_RELATED}.address",
        ),
        never(
            f"{numbers} = 0 and count(hl7:player/hl7:name[1]) != 1",
            "RELATED_PERSON_NAME_ADDRESS_MISSING",
            f"{_RELATED}.name",
        ),
    )
    return Group(related(request), where(REMOVED, of_removed) + where(f"not({REMOVED})", of_others))


def _modal(place: str, parent: str, removed: Iterable[Rule], others: Iterable[Rule]) -> Group:
    """Give rules of items, of which those of the patient's own may be removed."""
    gone = f"({REMOVED} and parent::hl7:{parent})"
    return Group(place, where(gone, removed) + where(f"not({gone})", others))


def _periods(path: str, ordered: str) -> tuple[Rule, Rule]:
    return (
        Rule(at_most_one(path), "MORE_THAN_ONE_USABLE_PERIOD"),
        Rule(ordered, "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
    )


def addresses(ordered: str, request: str = REQUEST) -> Group:
    """Give addressCheck; `ordered` is the test of a period."""
    lines = "INCORRECT_NUMBER_OF_ADDRESS_LINES"
    others = (
        _USE,
        Rule("count(hl7:streetAddressLine) > 0", lines),
        never("count(hl7:streetAddressLine) > 5", lines),
        Rule(
            f"(@use = 'TMP' and ({at_most_one('hl7:desc')})) or count(hl7:desc) = 0",
            "DESCRIPTION_PROVIDED_NO_TEMPORARY_ADDRESS",
        ),
        *_periods("hl7:useablePeriod", ordered),
    )
    place = f"({role(request)}/hl7:addr | {related(request)}/hl7:addr)"
    return _modal(place, "patientRole", (_USE, _UID), others)


def telecoms(ordered: str) -> Group:
    """Give telecomCheck; `ordered` is the test of a period."""
    others = (
        _USE,
        Rule("normalize-space(@value) != ''", "UNEXPECTED_CONTACT_TYPE"),
        *_periods("hl7:useablePeriod", ordered),
    )
    place = f"({role()}/hl7:telecom | {related()}/hl7:telecom)"
    return _modal(place, "patientRole", (_USE, _UID), others)


def names(ordered: str, request: str = REQUEST) -> Group:
    """Give nameCheck; `ordered` is the test of a period."""
    removed = (never("@use = 'L'", "UNABLE_TO_DELETE_USUAL_NAME"), _USE, _UID)
    others = (
        _USE,
        Rule(at_most_one("hl7:prefix"), "NO_MORE_THAN_ONE_PREFIX"),
        Rule(at_most_one("hl7:family"), "NO_MORE_THAN_ONE_FAMILY_NAME"),
        Rule(at_most_one("hl7:suffix"), "NO_MORE_THAN_ONE_SUFFIX"),
        Rule("count(hl7:given) + count(hl7:family) > 0", "INSUFFICIENT_NAME_DETAILS"),
        never("count(hl7:given) > 5", "TOO_MANY_GIVEN_NAMES_5"),
        *_periods("hl7:validTime", ordered),
    )
    own = f"{role(request)}/hl7:patientPerson[1]/hl7:name"
    place = f"({own} | {related(request)}/hl7:player/hl7:name)"
    return _modal(place, "patientPerson", removed, others)


def provisions(
    event: str, checks: Iterable[Rule], several: str | None = None, request: str = REQUEST
) -> Group:
    """Give pcProvisionCheck: `checks` of kind and provider, `several` the test of its period."""
    time = "hl7:effectiveTime"
    others = (
        *checks,
        Rule(
            several or f"count({time}) = 0 or (hl7:code/@code = '1' and count({time}) = 1)",
            "MORE_THAN_ONE_USABLE_PERIOD",
        ),
        Rule(in_order(time), "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
    )
    provided = f"{role(request)}/hl7:patientPerson/hl7:playedOtherProviderPatient/hl7:subjectOf[1]"
    return Group(
        f"{provided}/hl7:{event}[1]", where(REMOVED, (_UID,)) + where(f"not({REMOVED})", others)
    )


PROVISION_KIND: Final = Rule("string-length(hl7:code/@code) > 0", "UNSUPPORTED_PATIENT_CARE")
ONE_PERFORMER: Final = Rule("count(hl7:performer) = 1", MISSING, "patientCareProvision.performer")
ORGANISATION_PERFORMS: Final = Rule(
    f"count(hl7:performer/hl7:assignedOrganization/hl7:id[@root='{oids.ORGANISATION}']) = 1",
    "UNSUPPORTED_HCP_CODE_TYPE",
)
_PROVIDER: Final = "hl7:responsibleParty/hl7:healthCareProvider/hl7:id"
PROVIDER_RESPONSIBLE: Final = Rule(
    f"count({_PROVIDER}[@root='{oids.PRACTITIONER}']) = 1"
    f" or count({_PROVIDER}[@root='{oids.ORGANISATION}']) = 1",
    "UNSUPPORTED_HCP_CODE_TYPE",
)

SHARED_SECRET: Final = Group(
    f"{role()}/hl7:subjectOf5/hl7:sharedSecret[1][not({REMOVED})]",
    (
        Rule(
            f"count(hl7:code[@codeSystem='{oids.OBSERVATION}']) = 1",
            "MISSING_CODE_FROM_SHARED_SECRET",
        ),
        Rule("string-length(hl7:value) > 0", "MISSING_VALUE_FROM_SHARED_SECRET"),
    ),
)


def kept(place: str, name: str) -> Group:
    """Give genderCheck or birthTimeCheck: the element at a place is never removed."""
    return Group(place, (never(REMOVED, name),))


BIRTH_ORDER: Final = Group(
    f"{role()}/hl7:patientPerson[1]/hl7:multipleBirthOrderNumber[1]",
    (never(f"{REMOVED} and count(@value) > 0", "MULTIPLE_BIRTH_ORDER_NUMBER_PROVIDED"),),
)

LANGUAGE: Final = Group(
    f"({role()}/hl7:patientPerson[1]/hl7:languageCommunication[1]"
    f" | {related()}/hl7:player/hl7:languageCommunication[1])",
    (
        never(
            f"{REMOVED} and (count(hl7:languageCode) > 0"
            " or count(hl7:proficiencyLevelCode) > 0 or count(hl7:preferenceInd) > 0)",
            "LANGUAGE_CHANGED_ON_REMOVAL",
        ),
    ),
)

WRITTEN_FORMAT: Final = Group(
    f"({role()}/hl7:subjectOf4[1]/hl7:preferredWrittenCommunicationFormat[1]"
    f" | {related()}/hl7:subjectOf2/hl7:preferredWrittenCommunicationFormat[1])",
    (never(f"{REMOVED} and count(hl7:value) > 0", "WRITTEN_COMM_FORMAT_CHANGED_ON_REMOVAL"),),
)

HEALTHSPACE: Final = Group(
    f"{role()}/hl7:subjectOf3[1]/hl7:healthspaceRegistration[1]",
    (never(f"{REMOVED} and count(hl7:value) > 0", "HEALTHSPACE_REG_CHANGED_ON_REMOVAL"),),
)

_TIMES: Final = "hl7:pertinentInformation/hl7:pertinentPreferredContactTimes"

CONTACT_METHOD: Final = Group(
    f"({role()}/hl7:subjectOf2[1]/hl7:preferredContactMethod[1]"
    f" | {related()}/hl7:subjectOf1[1]/hl7:preferredContactMethod)",
    (
        never(f"{REMOVED} and count(hl7:value) > 0", "INVALID_PREFERRED_CONTACT_METHOD"),
        never(f"{REMOVED} and count({_TIMES}/hl7:value) > 0", "INVALID_PREFERRED_CONTACT_METHOD"),
        never(
            f"not({REMOVED}) and count({_TIMES}) > 0 and string-length({_TIMES}/hl7:value) = 0",
            "PREFERRED_CONTACT_TIME_EMPTY",
        ),
    ),
)


def consents(with_more: str) -> Group:
    """Give consentCheck; `with_more` says whose consents may have nothing pertinent."""
    call_back = "INVALID_DATA_FOR_CALL_CENTRE_CALL_BACK"
    return Group(
        f"{role()}/hl7:subjectOf1/hl7:consent",
        (
            never(f"{REMOVED} and count(hl7:value) > 0", "CONSENT_VALUE_CHANGED_ON_REMOVAL"),
            never(f"{REMOVED} and hl7:code/@code = '4'", "CONSENT_VALUES_CANNOT_BE_REMOVED"),
            never("count(hl7:effectiveTime) > 0 and hl7:code/@code = '6'", call_back),
            never(f"count(hl7:pertinentInformation) > 0 and {with_more}", call_back),
        ),
    )


def birthplace(place: str, with_removal: str = "") -> Group:
    """Give birthplaceCheck; `with_removal` is what else may not stand with a removal."""
    city, county, country = (f"hl7:addr/hl7:{one}" for one in ("city", "county", "country"))
    total = f"count({city}) + count({county}) + count({country})"
    gone = "hl7:addr/@updateMode = 'removed'"
    return Group(
        place,
        (
            *(
                Rule(
                    f"count({one}) = 0 or (count({one}) = 1 and string-length({one}) > 0)",
                    "UNEXPECTED_DATA_IN_BIRTHPLACE",
                )
                for one in (city, county)
            ),
            Rule(at_most_one(country), "UNEXPECTED_DATA_IN_BIRTHPLACE"),
            Rule(f"{gone} or {total} > 0", "CITY_COUNTY_COUNTRY_MISSING"),
            never(f"{gone} and ({total} > 0{with_removal})", "BIRTHPLACE_CHANGED_ON_REMOVAL"),
        ),
    )


def death(notification: str, request: str = REQUEST) -> tuple[Group, ...]:
    """Give deathUpdateCrossCheck, deceasedTimeCheck and deathNotificationCheck.

    `notification` is the place of the notification below the patient's role.
    """
    dead = "hl7:subject[1]/hl7:patientRole[1]/hl7:patientPerson[1]/hl7:deceasedTime"
    told = f"hl7:subject[1]/hl7:patientRole[1]/{notification}[1]"
    gone = f"{dead}[1]/@updateMode = 'removed'"
    return (
        Group(
            f"{SUBJECT}/hl7:{request}[1]",
            (
                Rule(f"count({dead}) = count({told})", "INCONSISTENT_DEATH_UPDATE"),
                Rule(
                    f"not(count({dead}) = 1 and count({told}) = 1)"
                    f" or {dead}[1]/@updateMode = {told}/@updateMode",
                    "DEATH_UPDATE_MODE_INCONSISTENT",
                ),
                never(f"{gone} and count(hl7:author) > 0", "AUTHOR_CHANGED_ON_REMOVAL"),
                never(
                    f"count({dead}) > 0 and not({gone}) and not(count(hl7:author) > 0)",
                    "AUTHOR_UNSPECIFIED_ON_DEATH",
                ),
                never(
                    f"not(count({dead}) > 0) and count(hl7:author) > 0",
                    "INVALID_AUTHOR_SPECIFICATION",
                ),
            ),
        ),
        Group(
            f"{role(request)}/hl7:patientPerson[1]/hl7:deceasedTime[1]",
            (never(f"{REMOVED} and count(@value) > 0", "DECEASED_TIME_CHANGED_ON_REMOVAL"),),
        ),
        Group(
            f"{role(request)}/{notification}[1]",
            (
                never(
                    f"{REMOVED} and count(hl7:value) > 0", "DEATH_NOTIFICATION_CHANGED_ON_REMOVAL"
                ),
            ),
        ),
    )
