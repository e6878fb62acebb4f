"""What a record can hold of what an update brings: asked after the stylesheets' own rules.

The original refused more than its stylesheets show: schemas came before them, and the code that
looked for items after (pds.md 1.3, 2.3; *inferred*). A code outside the published lists would be
kept and could never be shown again, an item without id would never be found, and a mode that is
none would lose its item without a word. VALUE_NOT_SUPPORTED is a name of ours.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds import codes
from legacy_contracts.pds.item_rules import absent_or, one_of, spoken, time
from legacy_contracts.pds.update_rules import SUBJECT

_WRITES: Final = "(@updateMode = 'added' or @updateMode = 'altered')"
_ALTERS: Final = "@updateMode = 'altered'"
_UNSUPPORTED: Final = "VALUE_NOT_SUPPORTED"
_DIGITS: Final = "'0123456789'"


PROVIDED: Final = (
    "string-length((hl7:performer/hl7:assignedOrganization"
    " | hl7:responsibleParty/hl7:healthCareProvider)/hl7:id/@extension) > 0"
)
"""The test that a care provision says by whom: nobody is no practice."""


def _number(path: str) -> str:
    return (
        f"(string-length({path}) > 0 and string-length({path}) < 9"
        f" and translate({path}, {_DIGITS}, '') = '')"
    )


def _written(place: str, test: str, word: str, name: str = _UNSUPPORTED) -> Group:
    return Group(f"{place}[{_WRITES}]", (Rule(test, name, word),))


BIRTH_ORDERS: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9")
"""1 to 7, 8 not applicable, 9 not known (pds.md 3.4)."""

NOTHING_ASKED: Final = "no change is asked for"

_SOMETHING_ASKED: Final = Rule(
    "boolean(.//*[@updateMode != 'unchanged'])", "CHANGE_NOT_PERMITTED", NOTHING_ASKED
)
"""An item without mode, or unchanged, is no part of a change: one must have another (0019)."""

CONSENTS: Final = ("1", "2", "4", "5")
_RELATIONSHIPS: Final = (*(f"{number:02}" for number in range(1, 22)), "98", "99")


def known(request: str) -> tuple[Group, ...]:
    """Give the rules of values and ids, for the requests of a name."""
    # The one role that there is, in whichever subject it stands: that which is read.
    patient = f"{SUBJECT}/hl7:{request}/hl7:subject/hl7:patientRole"
    person = f"{patient}/hl7:patientPerson"
    return (
        Group(
            f"{patient}//*[@updateMode]",
            (
                Rule(
                    one_of("@updateMode", ("added", "altered", "removed", "unchanged")),
                    "INVALID_UPDATE_MODE",
                ),
            ),
        ),
        *_items(patient, person),
        *_single_values(patient, person),
        *_related(f"{person}/hl7:scopedRelatedPersonRole"),
        *_times(patient, person),
        *_donors(patient),
        Group(f"{SUBJECT}/hl7:{request}", (_SOMETHING_ASKED,)),
    )


def _items(patient: str, person: str) -> tuple[Group, ...]:
    event = f"{person}/hl7:playedOtherProviderPatient/hl7:subjectOf/*"
    uses = (
        (f"{patient}/hl7:addr", values.ADDRESS_USE.values()),
        (f"{patient}/hl7:telecom", values.TELECOM_USE.values()),
        (f"{person}/hl7:name", codes.NAME_USE.values()),
    )
    used = tuple(
        Group(place, (Rule(one_of("@use", words), "UNSUPPORTED_CHARACTERS_IN_FIELD"),))
        for place, words in uses
    )
    found = Rule(f"not({_ALTERS}) or string-length(hl7:id/@extension) > 0", "UID_MUST_BE_PROVIDED")
    kind = one_of("hl7:code/@code", codes.CARE_PROVISION.values())
    return (
        *used,
        Group(f"({' | '.join((*(place for place, _ in uses), event))})", (found,)),
        Group(event, (Rule(absent_or("hl7:code/@code", kind), "UNSUPPORTED_PATIENT_CARE"),)),
        _written(event, PROVIDED, "patientCareProvision.performer"),
    )


def _single_values(patient: str, person: str) -> tuple[Group, ...]:
    part = f"{person}/hl7:COCT_MT000209UK01.PartAdminGenderCode"
    value = "hl7:value[1]/@code"
    return (
        _written(
            f"{person}/hl7:administrativeGenderCode",
            one_of("@code", codes.GENDERS),
            "administrativeGenderCode",
        ),
        _written(
            part,
            one_of("hl7:partPerson/hl7:administrativeGenderCode/@code", codes.GENDERS),
            "administrativeGenderCode",
        ),
        _written(
            f"{person}/hl7:multipleBirthOrderNumber",
            one_of("@value", BIRTH_ORDERS),
            "multipleBirthOrderNumber",
        ),
        _written(
            f"{person}/hl7:languageCommunication",
            spoken(),
            "languageCommunication",
        ),
        _written(
            f"{patient}/*/hl7:deathNotification",
            one_of(value, codes.DEATH_NOTIFICATIONS),
            "deathNotification",
        ),
        _written(
            f"{patient}/*/hl7:healthspaceRegistration",
            one_of(value, ("1", "2", "3")),
            "healthspaceRegistration",
        ),
        _written(
            f"{patient}/*/hl7:preferredWrittenCommunicationFormat",
            one_of(value, codes.WRITTEN_FORMATS),
            "preferredWrittenCommunicationFormat",
        ),
        _written(
            f"{patient}/*/hl7:preferredContactMethod",
            absent_or(value, one_of(value, codes.CONTACT_METHODS)),
            "preferredContactMethod",
        ),
        Group(
            f"{patient}/*/hl7:consent",
            (
                Rule(
                    one_of("hl7:code[1]/@code", codes.CONSENT_KIND.values()),
                    "INVALID_CONSENT_VALUE",
                ),
            ),
        ),
        _written(f"{patient}/*/hl7:consent", one_of(value, CONSENTS), "consent"),
    )


def _related(place: str) -> tuple[Group, ...]:
    own = "scopedRelatedPersonRole"
    uses = (("hl7:telecom", values.TELECOM_USE.values()),)
    return (
        Group(
            place,
            (
                Rule(one_of("@classCode", codes.RELATED_ROLE.values()), _UNSUPPORTED, own),
                Rule(
                    absent_or("hl7:positionNumber", _number("hl7:positionNumber/@value")),
                    _UNSUPPORTED,
                    "positionNumber",
                ),
            ),
        ),
        _written(place, one_of("hl7:code[1]/@code", _RELATIONSHIPS), f"{own}.code"),
        Group(
            f"{place}/hl7:player/hl7:languageCommunication",
            (Rule(spoken(), _UNSUPPORTED, "languageCommunication"),),
        ),
        *(
            Group(
                f"{place}/{path}", (Rule(one_of("@use", words), "UNSUPPORTED_CHARACTERS_IN_FIELD"),)
            )
            for path, words in uses
        ),
        *(
            Group(
                f"{place}/*/hl7:{name}[hl7:value]",
                (Rule(one_of("hl7:value[1]/@code", words), _UNSUPPORTED, name),),
            )
            for name, words in (
                ("preferredContactMethod", codes.CONTACT_METHODS),
                ("preferredWrittenCommunicationFormat", codes.WRITTEN_FORMATS),
                ("callCentreCallBackConsent", CONSENTS),
            )
        ),
    )


def _times(patient: str, person: str) -> tuple[Group, ...]:
    dates = (
        f"{person}/hl7:birthTime[{_WRITES}]",
        f"{person}/hl7:deceasedTime[{_WRITES}]",
        f"{person}/hl7:COCT_MT000210UK01.PartBirthTime[{_WRITES}]//hl7:birthTime",
        f"{person}/hl7:COCT_MT000211UK01.PartDeceasedTime[{_WRITES}]//hl7:deceasedTime",
    )
    ends = (f"{patient}//hl7:low[@value]", f"{patient}//hl7:high[@value]")
    given = f"{patient}/*/hl7:consent/hl7:effectiveTime[@value]"
    illegal = "ILLEGAL_DATE_FORMAT"
    return (
        Group(f"({' | '.join(dates)})", (Rule(time("@value", longest=12), illegal),)),
        Group(f"({' | '.join((*ends, given))})", (Rule(time("@value"), illegal),)),
    )


def _donors(patient: str) -> tuple[Group, ...]:
    """Give the rules of donors' preferences (2008B)."""
    where = f"{patient}/*/hl7:bloodDonorPrefs//hl7:donorPreferredAddress/hl7:value"
    place = Group(
        f"{where}[string-length(@use) > 0]",
        (Rule(one_of("@use", values.ADDRESS_USE.values()), "UNSUPPORTED_CHARACTERS_IN_FIELD"),),
    )
    return place, *(
        _written(
            f"{patient}/*/hl7:{prefs}",
            f"{one_of(f'hl7:component/hl7:{consent}/hl7:value/@code', CONSENTS)}"
            f" and {time(f'hl7:component/hl7:{consent}/hl7:effectiveTime/@value')}",
            prefs,
        )
        for prefs, consent in (
            ("bloodDonorPrefs", "bloodDonorConsent"),
            ("organDonorPrefs", "organDonorConsent"),
        )
    )
