"""Updates as MIM 2.3 has them: a general one, a death, a consent. No schema of them is public.

The stylesheets PRPA_MT160101UK02, PRPA_MT150101UK02 and PRPA_RM190000UK02, pattern by pattern.
Items have no object ids and no modes: `nullFlavor="NA"` clears the current item of that use, any
other sets it. Only a care provision is altered by id where it gives one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lxml import etree
from msgspec.structs import replace

from core.values.changes import (
    Change,
    ConsentChange,
    Item,
    ItemChange,
    Mode,
    Single,
    SingleChange,
    Value,
)
from core.values.demographics import Address, ContactPreference, Death
from legacy_contracts import ns
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds import codes, reading, update_items
from legacy_contracts.pds.item_rules import absent_or, address_keys, language, one_of, time
from legacy_contracts.pds.reading import Node, code, every, maybe, value
from legacy_contracts.pds.update_items import PERSON, Reader
from legacy_contracts.pds.update_rules import (
    ACT,
    MISSING,
    PROVIDER_RESPONSIBLE,
    PROVISION_KIND,
    REQUEST,
    SUBJECT,
    at_most_one,
    in_order,
    never,
    role,
)
from legacy_contracts.pds.update_values import CONSENTS, NOTHING_ASKED, PROVIDED

_CLEARED: Final = "@nullFlavor = 'NA'"
_ROLE: Final = role()
_PERSON: Final = f"{_ROLE}/hl7:patientPerson[1]"
_REQUEST: Final = f"{SUBJECT}/hl7:{REQUEST}[1]"
_PROVISION: Final = (
    f"{_ROLE}/hl7:patientPerson/hl7:playedOtherProviderPatient/hl7:subjectOf[1]"
    "/hl7:patientCareProvision[1]"
)


def _unless_cleared(test: str, name: str) -> Rule:
    return Rule(f"{_CLEARED} or {test}", name)


def _never_cleared(place: str, name: str) -> Group:
    return Group(f"{place}[{_CLEARED}]", (Rule("false()", name),))


_TIME: Final = "hl7:effectiveTime"

GENERAL: Final = (
    Group(
        f"{_ROLE}/hl7:subjectOf1/hl7:consent",
        (Rule("hl7:code/@code = '6'", "INVALID_CONSENT_VALUE"),),
    ),
    Group(
        f"{_ROLE}/hl7:telecom",
        (
            Rule("string-length(@use) > 0", "UNSUPPORTED_CHARACTERS_IN_FIELD"),
            _unless_cleared("normalize-space(@value) != ''", "UNEXPECTED_CONTACT_TYPE"),
        ),
    ),
    Group(
        f"{_PERSON}/hl7:name",
        (
            Rule("@use = 'L' or @use = 'A' or @use = 'PREFERRED'", "UNEXPECTED_P1R1_DATA"),
            never(f"{_CLEARED} and @use = 'L'", "UNABLE_TO_DELETE_USUAL_NAME"),
            _unless_cleared(at_most_one("hl7:prefix"), "NO_MORE_THAN_ONE_PREFIX"),
            _unless_cleared(at_most_one("hl7:family"), "NO_MORE_THAN_ONE_FAMILY_NAME"),
            _unless_cleared(at_most_one("hl7:suffix"), "NO_MORE_THAN_ONE_SUFFIX"),
            _unless_cleared("count(hl7:given) <= 2", "TOO_MANY_GIVEN_NAMES_2"),
            _unless_cleared(
                "count(hl7:given) + count(hl7:family) > 0", "INSUFFICIENT_NAME_DETAILS"
            ),
        ),
    ),
    _never_cleared(f"{_PERSON}/hl7:administrativeGenderCode[1]", "GENDER_REMOVAL_NOT_PERMITTED"),
    _never_cleared(f"{_PERSON}/hl7:birthTime[1]", "BIRTHTIME_REMOVAL_NOT_PERMITTED"),
    Group(
        f"{_ROLE}/hl7:addr",
        (
            Rule("@use = 'H'", "UNSUPPORTED_CHARACTERS_IN_FIELD"),
            _unless_cleared(
                "count(hl7:streetAddressLine) > 0", "INCORRECT_NUMBER_OF_ADDRESS_LINES"
            ),
            never("count(hl7:streetAddressLine) > 5", "INCORRECT_NUMBER_OF_ADDRESS_LINES"),
        ),
    ),
    Group(
        _PROVISION,
        (
            PROVISION_KIND,
            PROVIDER_RESPONSIBLE,
            Rule(
                "count(hl7:responsibleParty/hl7:healthCareProvider) = 1",
                MISSING,
                "patientCareProvision.performer",
            ),
            Rule(
                f"count({_TIME}) = 0 or (hl7:code/@code = '1' and count({_TIME}) = 1)",
                "MORE_THAN_ONE_USABLE_PERIOD",
            ),
            Rule(in_order(_TIME), "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
        ),
    ),
    Group(
        f"{_PERSON}/hl7:disabilityCode",
        (
            Rule(
                "@code = '11' or @code = '12' or @code = '21' or @code = '22' or @code = '23'",
                "UNEXPECTED_P1R1_DATA",
            ),
        ),
    ),
)

_FIELD: Final = "MANDATORY_FIELD_MISSING"
_DEATH_ROLE: Final = "hl7:subject[1]/hl7:patientRole[1]"
_ORGANISATION: Final = "hl7:representedRegisteringOrganization/hl7:id"
_AUTHOR: Final = "hl7:author/hl7:assignedEntity"

DEATH: Final = (
    Group(
        _REQUEST,
        (
            Rule(f"count({_DEATH_ROLE}/hl7:patientPerson/hl7:deceasedTime) = 1", _FIELD),
            Rule(f"count({_DEATH_ROLE}/hl7:subjectOf/hl7:deathNotification) = 1", _FIELD),
            Rule("count(hl7:author) = 1", _FIELD),
        ),
    ),
    _never_cleared(f"{_PERSON}/hl7:deceasedTime", "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH"),
    _never_cleared(
        f"{_ROLE}/hl7:subjectOf[1]/hl7:deathNotification/hl7:value",
        "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH",
    ),
    Group(
        f"{_REQUEST}/hl7:author[1]/hl7:registeringAuthority[1]",
        (
            Rule("hl7:code/@code = '1'", "INVALID_REGISTERING_AUTHORITY_TYPE"),
            Rule("count(hl7:assignedRegisteringPerson) = 0", "INVALID_ASSIGNED_REGISTERING_PERSON"),
            Rule(
                f"string-length({_ORGANISATION}/@root) > 0"
                f" and string-length({_ORGANISATION}/@extension) > 0",
                _FIELD,
            ),
        ),
    ),
    Group(
        ACT,
        (
            Rule(
                f"string-length({_AUTHOR}/hl7:id/@extension) > 0 and"
                f" string-length({_AUTHOR}/hl7:representedOrganization/hl7:id/@extension) > 0",
                _FIELD,
            ),
        ),
    ),
)

_CONSENT: Final = f"{_ROLE}/hl7:subjectOf/hl7:consent"
_COMMENTS: Final = "hl7:pertinentInformation/hl7:pertinentSupplementaryComments"

CONSENT: Final = (
    Group(
        _CONSENT,
        (
            Rule("hl7:code/@code = '4' or hl7:code/@code = '5'", "INVALID_CONSENT_VALUE"),
            never("hl7:value/@nullFlavor = 'NA'", "CONSENT_VALUES_CANNOT_BE_REMOVED"),
            Rule("count(hl7:effectiveTime) = 1", "UNEXPECTED_P1R1_DATA"),
            Rule(f"count({_COMMENTS}) = 1", "SUPPLEMENTARY_COMMENTS_VALUE_MISSING"),
        ),
    ),
)

GENERAL_WARNED: Final = (address_keys(f"{_ROLE}/hl7:addr"),)
CONSENT_WARNED: Final = (
    Group(
        _CONSENT,
        (
            Rule(
                "count(hl7:effectiveTime/@value) = 1"
                " and string-length(hl7:effectiveTime/@value) > 0",
                "UNEXPECTED_P1R1_DATA_WITH_SUPP_INFO",
                "No effectiveTime provided",
            ),
            never(
                f"count({_COMMENTS}) > 0 and string-length({_COMMENTS}/hl7:value) = 0",
                "SUPPLEMENTARY_COMMENTS_VALUE_MISSING",
            ),
        ),
    ),
)
"""What the stylesheets warn of; a success has no room for it here, so it is not told."""

_UNSUPPORTED: Final = "VALUE_NOT_SUPPORTED"


def _kept_of(place: str, test: str, word: str) -> Group:
    return Group(f"{place}[not({_CLEARED})]", (Rule(test, _UNSUPPORTED, word),))


# The one role that there is, in whichever subject it stands: that which is read.
_ANY_ROLE: Final = f"{SUBJECT}/hl7:{REQUEST}/hl7:subject/hl7:patientRole"
_ANYONE: Final = f"{_ANY_ROLE}/hl7:patientPerson"

KNOWN: Final = (
    _kept_of(
        f"{_ANYONE}/hl7:administrativeGenderCode",
        one_of("@code", codes.GENDERS),
        "administrativeGenderCode",
    ),
    Group(
        f"{_ANY_ROLE}/hl7:telecom",
        (Rule(one_of("@use", values.TELECOM_USE.values()), "UNSUPPORTED_CHARACTERS_IN_FIELD"),),
    ),
    Group(
        f"{_ANYONE}/hl7:playedOtherProviderPatient/hl7:subjectOf/hl7:patientCareProvision",
        (
            Rule(
                one_of("hl7:code[1]/@code", codes.CARE_PROVISION.values()),
                "UNSUPPORTED_PATIENT_CARE",
            ),
            Rule(PROVIDED, _UNSUPPORTED, "patientCareProvision.performer"),
        ),
    ),
    # 21 to 23 were ways to reach the hard of hearing; which of today's they are is not public.
    _kept_of(f"{_ANYONE}/hl7:disabilityCode", "@code = '11' or @code = '12'", "disabilityCode"),
    Group(
        f"{_ANYONE}/hl7:languageCommunication/hl7:languageCode[not({_CLEARED})]",
        (Rule(language("@code"), _UNSUPPORTED, "languageCode"),),
    ),
    Group(
        f"{_ANY_ROLE}/*/hl7:consent",
        (
            Rule(one_of("hl7:code[1]/@code", codes.CONSENT_KIND.values()), _UNSUPPORTED, "consent"),
            Rule(
                f"hl7:value/{_CLEARED} or {one_of('hl7:value/@code', CONSENTS)}",
                _UNSUPPORTED,
                "consent",
            ),
        ),
    ),
    Group(
        f"{_ANY_ROLE}/hl7:subjectOf/hl7:deathNotification",
        (
            Rule(
                one_of("hl7:value[1]/@code", codes.DEATH_NOTIFICATIONS),
                _UNSUPPORTED,
                "deathNotification",
            ),
        ),
    ),
    Group(
        f"({_ANYONE}/hl7:birthTime | {_ANYONE}/hl7:deceasedTime)",
        (Rule(time("@value", longest=12), "ILLEGAL_DATE_FORMAT"),),
    ),
    Group(
        f"({_ANY_ROLE}//hl7:low | {_ANY_ROLE}//hl7:high)",
        (Rule(absent_or("@value", time("@value")), "ILLEGAL_DATE_FORMAT"),),
    ),
    Group(
        _ANY_ROLE,
        (
            Rule(
                "count(hl7:*[not(self::hl7:id or self::hl7:patientPerson)]"
                " | hl7:patientPerson/hl7:*) > 0",
                "CHANGE_NOT_PERMITTED",
                NOTHING_ASKED,
            ),
        ),
    ),
)
"""What a record can hold of it, as `update_values` asks of the later releases (inferred)."""


def _is_cleared(node: Node) -> bool:
    return node.get("nullFlavor") == "NA"


def _items(path: str, read: Callable[[Node], Item]) -> Reader:
    def changes(patient: Node) -> Iterator[Change]:
        for node in every(patient, path):
            yield ItemChange(Mode.CLEARED if _is_cleared(node) else Mode.SET, read(node))

    return changes


def _single(
    what: Single, path: str, read: Callable[[Node], Value | None], cleared_in: str = "."
) -> Reader:
    def changes(patient: Node) -> Iterator[Change]:
        node = maybe(patient, path)
        if node is None:
            return
        marked = maybe(node, cleared_in)
        is_cleared = marked is not None and _is_cleared(marked)
        mode = Mode.REMOVED if is_cleared else Mode.ALTERED
        yield SingleChange(mode, what, None if is_cleared else read(node))

    return changes


def _undated_address(node: Node) -> Address:
    return replace(reading.address(node), period=None, description=None)


def _provisions(patient: Node) -> Iterator[Change]:
    path = (
        f"{update_items.ANY_PERSON}/hl7:playedOtherProviderPatient/hl7:subjectOf[1]"
        "/hl7:patientCareProvision"
    )
    for node in every(patient, path):
        item = reading.care_provision(node, update_items.RESPONSIBLE)
        yield ItemChange(Mode.SET if item.object_id is None else Mode.ALTERED, item)


def _consents(path: str) -> Reader:
    def changes(patient: Node) -> Iterator[Change]:
        for node in every(patient, path):
            marked = maybe(node, "hl7:value")
            is_cleared = marked is not None and _is_cleared(marked)
            read = update_items.consent(node)
            # A date that is not a day is no date of these senders.
            given = (
                read.given_at if read.given_at and len(read.given_at) == len("yyyymmdd") else None
            )
            mode = Mode.REMOVED if is_cleared else Mode.ALTERED
            yield ConsentChange(mode, replace(read, given_at=given, comments=read.comments or None))

    return changes


def _death(patient: Node) -> Iterator[Change]:
    authority = maybe(patient, "../../hl7:author/hl7:registeringAuthority")
    told = Death(
        value(patient, f"{PERSON}/hl7:deceasedTime"),
        code(patient, "hl7:subjectOf/hl7:deathNotification/hl7:value"),
        None if authority is None else update_items.registering(authority),
    )
    yield SingleChange(Mode.ALTERED, Single.DEATH, told)


def _disabilities(patient: Node) -> Iterator[Change]:
    for node in every(patient, f"{PERSON}/hl7:disabilityCode"):
        is_visual = (node.get("code") or "").startswith("1")
        what = Single.WRITTEN_FORMAT if is_visual else Single.CONTACT
        if _is_cleared(node):
            yield SingleChange(Mode.REMOVED, what)
        else:
            kept: Value = (
                node.get("code") or "" if is_visual else ContactPreference(node.get("code"))
            )
            yield SingleChange(Mode.ALTERED, what, kept)


_request_id = etree.XPath(f"string({_REQUEST}/hl7:id/@root)", namespaces=ns.PREFIXES)
_author_system = etree.XPath(
    f"string({ACT}/{_AUTHOR}/hl7:representedOrganization/hl7:id/@extension)", namespaces=ns.PREFIXES
)


def request_id(root: Node) -> str:
    """Give the id of a request, which its answer repeats; empty where it has none."""
    return str(_request_id(root))


def author_system(root: Node) -> str:
    """Give the system that an author names, which the items it writes name."""
    return str(_author_system(root))


READ_GENERAL: Final[tuple[Reader, ...]] = (
    _consents("hl7:subjectOf1/hl7:consent"),
    _items("hl7:telecom", reading.telecom),
    _single(
        Single.LANGUAGE,
        f"{PERSON}/hl7:languageCommunication",
        lambda node: reading.language(node, "."),
        "hl7:languageCode",
    ),
    _single(Single.GENDER, f"{PERSON}/hl7:administrativeGenderCode", lambda node: node.get("code")),
    _single(Single.BIRTH_TIME, f"{PERSON}/hl7:birthTime", lambda node: node.get("value")),
    _items("hl7:addr", _undated_address),
    _items(f"{PERSON}/hl7:name", lambda node: replace(reading.name(node), period=None)),
    _provisions,
    _disabilities,
)
READ_DEATH: Final[tuple[Reader, ...]] = (_death,)
READ_CONSENT: Final[tuple[Reader, ...]] = (_consents("hl7:subjectOf/hl7:consent"),)
