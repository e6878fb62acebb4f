"""Rules of a notified birth, PRPA_IN000205UK03 (2008A) and 205UK05 (2008B), in their order.

The stylesheets PRPA_MT000211UK03_Stage2i5 and PRPA_IN000205UK05_Stage2i5. Nearly all their faults
have one name; the supplement says which check failed, in the stylesheet's words.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule, Rules
from legacy_contracts.pds import item_rules

ACT: Final = "/*/hl7:ControlActEvent[1]"
_EVENT: Final = f"{ACT}/hl7:subject[1]/hl7:PdsRegistrationEvent"
EVENT: Final = f"{_EVENT}[1]"
PATIENT: Final = f"{EVENT}/hl7:subject[1]/hl7:patient[1]"
_CLINICAL: Final = f"{PATIENT}/hl7:subjectOf2[1]/hl7:clinicalInformation"
_CARE: Final = f"{PATIENT}/hl7:babyOf/hl7:obstetricCareProvision"
_MOTHER: Final = f"{_CARE}/hl7:recordTarget/hl7:mother"
_PERSON: Final = f"{PATIENT}/hl7:patientPerson"
_DEATH: Final = "hl7:subjectOf4/hl7:deathNotification"

_GENDER: Final = (
    "hl7:COCT_MT000209UK01.PartAdminGenderCode/hl7:partPerson/hl7:administrativeGenderCode"
)
_BIRTH: Final = "hl7:COCT_MT000210UK01.PartBirthTime/hl7:partPerson/hl7:birthTime"
_DECEASED: Final = "hl7:COCT_MT000211UK01.PartDeceasedTime/hl7:partPerson/hl7:deceasedTime/@value"

GENDERS: Final = {"A": "hl7:administrativeGenderCode", "B": _GENDER}
BIRTH_TIMES: Final = {"A": "hl7:birthTime", "B": _BIRTH}
DEATH_TIMES: Final = {"A": "hl7:deceasedTime", "B": _DECEASED.removesuffix("/@value")}


def _rule(test: str, check: str, tag: str) -> Rule:
    return Rule(test, "MANDATORY_FIELD_MISSING", f"{check}:{tag}")


def _one(path: str, check: str, tag: str) -> Rule:
    return _rule(f"count({path}) = 1", check, tag)


def _at_most(number: int, path: str, check: str, tag: str) -> Rule:
    return _rule(f"not(count({path}) > {number})", check, tag)


def _coded(path: str, system: str, check: str, tag: str) -> Rule:
    return _rule(f"string-length({path}[@codeSystem='{system}']/@code) > 0", check, tag)


def _snomed(check: str) -> Rule:
    return _coded("hl7:code", oids.SNOMED, check, "code")


def _valued(check: str) -> Rule:
    return _rule("string-length(hl7:value/@value) > 0", check, "value")


def _identified(path: str, root: str, check: str, tag: str) -> Rule:
    return _rule(f"string-length({path}[@root='{root}']/@extension) > 0", check, tag)


def _numbered(component: str, name: str) -> Group:
    """Give the rules of an observation that counts something."""
    check = f"{name}Check"
    return Group(f"{_CLINICAL}/hl7:{component}/hl7:{name}", (_snomed(check), _valued(check)))


def _judged(component: str, name: str, system: str) -> Group:
    """Give the rules of an observation whose value is one of a list."""
    check = f"{name}Check"
    return Group(
        f"{_CLINICAL}/hl7:{component}/hl7:{name}",
        (_snomed(check), _coded("hl7:value", system, check, "value")),
    )


_FRAME: Final = (
    # The original asks this at every element of the message; once says as much.
    Group("", (_one(_EVENT, "rootLevelCheck", "PdsRegistrationEvent"),)),
    Group(
        EVENT,
        (
            _one("hl7:subject/hl7:patient", "registrationEventCheck", "patient"),
            _one(
                "hl7:author/hl7:registeringAuthority",
                "registrationEventCheck",
                "registeringAuthority",
            ),
            _one(
                "hl7:pertinentInformation/hl7:pertinentIgnoreDuplicateRecordCriterion",
                "registrationEventCheck",
                "pertinentInformation",
            ),
        ),
    ),
    Group(
        f"{EVENT}/hl7:author[1]/hl7:registeringAuthority",
        (
            _coded("hl7:code", oids.AUTHORITY_TYPE, "registeringAuthorityCheck", "code"),
            _identified("hl7:id", oids.ORGANISATION, "registeringAuthorityCheck", "id"),
        ),
    ),
    Group(
        f"{EVENT}/hl7:pertinentInformation[1]/hl7:pertinentIgnoreDuplicateRecordCriterion",
        (_valued("ignoreDuplicateRecordCriterionCheck"),),
    ),
)


def _patient(more: tuple[Rule, ...], deaths: tuple[Rule, ...]) -> Group:
    check = "patientCheck"
    return Group(
        PATIENT,
        (
            _one("hl7:addr[@use='H']", check, "homeaddr"),
            _at_most(2, "hl7:addr", check, "addr"),
            _one("hl7:patientPerson", check, "patientPerson"),
            *more,
            _one("hl7:babyOf/hl7:obstetricCareProvision", check, "babyOf"),
            _one("hl7:subjectOf1/hl7:birthWeight", check, "birthWeight"),
            _one("hl7:subjectOf2/hl7:clinicalInformation", check, "clinicalInformation"),
            _at_most(1, _DEATH, check, "deathNotification"),
            *deaths,
        ),
    )


def _person(gender: str, birth: str, name: tuple[Rule, ...], deceased: str) -> Group:
    check = "patientPersonCheck"
    length = f"string-length({birth}/@value)"
    return Group(
        _PERSON,
        (
            _rule(f"string-length({gender}/@code) > 0", check, "administrativeGenderCode"),
            _rule(f"{length} > 0", check, "birthTime"),
            Rule(
                f"{length} = 0 or {length} >= 12",
                "INSERT_BIRTH_MANDATORY_DATA_MISSING",
                "BirthTime size incorrect",
            ),
            *name,
            _at_most(1, deceased, check, "deceasedTime"),
            _coded("hl7:ethnicGroupCode", oids.ETHNIC_GROUP, check, "ethnicGroupCode"),
            _rule(
                "string-length(hl7:multipleBirthOrderNumber/@value) > 0",
                check,
                "multipleBirthOrderNumber",
            ),
            _at_most(1, "hl7:name", check, "name"),
        ),
    )


def _deaths(deceased: str) -> tuple[Group, ...]:
    check = "deathNotificationCheck"
    return (
        Group(
            f"{PATIENT}/hl7:subjectOf4[1]/hl7:deathNotification",
            (
                _coded("hl7:code", oids.OBSERVATION, check, "code"),
                _coded("hl7:value", oids.DEATH_NOTIFICATION, check, "value"),
            ),
        ),
        Group(
            PATIENT,
            (
                Rule(
                    f"count({deceased}) = count(hl7:subjectOf4[1]/hl7:deathNotification)",
                    "INCONSISTENT_DEATH_UPDATE",
                ),
            ),
        ),
    )


def _weight(more: tuple[Rule, ...]) -> Group:
    check = "birthWeightCheck"
    place = f"{PATIENT}/hl7:subjectOf1[1]/hl7:birthWeight"
    return Group(place, (_snomed(check), _valued(check), *more))


_OBSERVED: Final = (
    Group(
        _CLINICAL,
        tuple(
            _one(f"hl7:{component}/hl7:{name}", "clinicalInformationCheck", tag)
            for component, name, tag in (
                (
                    "component1",
                    "suspectedCongenitalAbnormality",
                    "suspectedCongenitalAbnormality",
                ),
                ("component2", "stillbirthIndicator", "stillBirthIndicator"),
                ("component3", "numberOfFoetusInConfinement", "numberOfFoetusInConfinement"),
                ("component4", "gestationAge", "gestationAge"),
            )
        ),
    ),
    _judged("component1", "suspectedCongenitalAbnormality", oids.ABNORMALITY),
    _judged("component2", "stillbirthIndicator", oids.STILLBIRTH),
    _numbered("component3", "numberOfFoetusInConfinement"),
    _numbered("component4", "gestationAge"),
    Group(
        _CARE,
        (
            _rule("string-length(hl7:code/@code) > 0", "obstetricCareProvisionCheck", "code"),
            _one(
                "hl7:author/hl7:notifier/hl7:assignedNotifierPerson",
                "obstetricCareProvisionCheck",
                "assignedNotifierPerson",
            ),
            _rule(
                "count(hl7:location/hl7:participantIdentifiedDeliveryLocation) = 1 "
                "or count(hl7:location/hl7:participantDeliveryLocation) = 1",
                "obstetricCareProvisionCheck",
                "participant",
            ),
            _identified(
                "hl7:primaryInformationRecipient/hl7:partnerChildHealth/hl7:id",
                oids.ODS,
                "obstetricCareProvisionCheck",
                "partnerChildHealth",
            ),
            _one("hl7:recordTarget/hl7:mother", "obstetricCareProvisionCheck", "mother"),
            _at_most(
                1,
                "hl7:tracker/hl7:responsibleChildHealth",
                "obstetricCareProvisionCheck",
                "responsibleChildHealth",
            ),
        ),
    ),
)


def _location(name: str, check: str, rules: tuple[Rule, ...]) -> Group:
    code = _coded("hl7:code", oids.DELIVERY_LOCATION, check, "code")
    return Group(f"{_CARE}/hl7:location/hl7:{name}", (code, *rules))


_PLACE: Final = "hl7:locatedPlaceOfBirth"
_PLAIN: Final = "deliveryLocationCheck"
_KNOWN: Final = "identifiedDeliveryLocationCheck"
_PLACE_NAME: Final = f"count({_PLACE}/hl7:name)"

_LOCATIONS_A: Final = (
    _location(
        "participantDeliveryLocation",
        _PLAIN,
        (
            _one(_PLACE, _PLAIN, "locatedPlaceOfBirth"),
            _one(f"{_PLACE}/hl7:addr", _PLAIN, "placeOfBirth:addr"),
            _at_most(1, f"{_PLACE}/hl7:name", _PLAIN, "placeOfBirth:name"),
        ),
    ),
    _location(
        "participantIdentifiedDeliveryLocation",
        _KNOWN,
        (
            _one("hl7:id", _KNOWN, "id"),
            _one(_PLACE, _KNOWN, "locatedPlaceOfBirth"),
            _one(f"{_PLACE}/hl7:addr", _KNOWN, "placeOfBirth:addr"),
            _one(f"{_PLACE}/hl7:name", _KNOWN, "placeOfBirth:name"),
        ),
    ),
)
_LOCATIONS_B: Final = (
    _location(
        "participantDeliveryLocation",
        _PLAIN,
        (
            _at_most(1, f"{_PLACE}/hl7:name", _PLAIN, "placeOfBirth:name"),
            _rule(f"count({_PLACE}) = 0 or {_PLACE_NAME} = 1", _PLAIN, "placeOfBirth:name"),
        ),
    ),
    _location(
        "participantIdentifiedDeliveryLocation",
        _KNOWN,
        (
            _one("hl7:id", _KNOWN, "id"),
            _one(_PLACE, _KNOWN, "locatedPlaceOfBirth"),
            _at_most(1, f"{_PLACE}/hl7:addr", _KNOWN, "placeOfBirth:addr"),
            _one(f"{_PLACE}/hl7:name", _KNOWN, "placeOfBirth:name"),
        ),
    ),
)


def _family(provider: str) -> tuple[Group, ...]:
    return (
        Group(
            f"{_CARE}/hl7:author/hl7:notifier/hl7:assignedNotifierPerson",
            (_one("hl7:name", "notifierPersonCheck", "name"),),
        ),
        Group(
            _MOTHER,
            (
                _identified("hl7:id", oids.NHS_NUMBER, "motherCheck", "id"),
                _one("hl7:patientMotherPerson", "motherCheck", "patientMotherPerson"),
                _one(
                    "hl7:subjectOf/hl7:primaryCareProvision", "motherCheck", "primaryCareProvision"
                ),
            ),
        ),
        Group(
            f"{_MOTHER}/hl7:patientMotherPerson",
            (
                _rule("string-length(hl7:birthTime/@value) > 0", "motherPersonCheck", "birthTime"),
                _one("hl7:name", "motherPersonCheck", "name"),
            ),
        ),
        Group(
            f"{_MOTHER}/hl7:subjectOf/hl7:primaryCareProvision",
            (
                _coded("hl7:code", oids.CARE_PROVISION, "primaryCareProvisionCheck", "code"),
                _at_most(1, "hl7:effectiveTime", "primaryCareProvisionCheck", "effectiveTime"),
                _identified(
                    f"hl7:performer/hl7:{provider}/hl7:id",
                    oids.ORGANISATION,
                    "primaryCareProvisionCheck",
                    "primaryCareProvider",
                ),
            ),
        ),
    )


_USUAL: Final = _rule("count(hl7:name[@use='L']/hl7:family) = 1", "patientPersonCheck", "name")

V2008A: Final = Rules(
    (
        *_FRAME,
        _patient((), ()),
        _person(GENDERS["A"], BIRTH_TIMES["A"], (_USUAL,), DEATH_TIMES["A"]),
        *_deaths("hl7:patientPerson/hl7:deceasedTime"),
        _weight(
            (
                Rule(
                    "string-length(hl7:value/@value) = 4",
                    "INVALID_BIRTH_WEIGHT",
                    "babyTracingCheck.birthWeight",
                ),
            )
        ),
        *_OBSERVED,
        *_LOCATIONS_A,
        *_family("primaryCareProvider"),
        # Asked once more at the end, of any name (PRPA_MT000211UK03_Stage2i5).
        Group(
            _PERSON,
            (
                _one("hl7:name/hl7:family", "patientPersonCheck", "name"),
                _at_most(1, "hl7:name", "patientPersonCheck", "name"),
            ),
        ),
    )
)

V2008B: Final = Rules(
    (
        *_FRAME,
        _patient(
            (
                _one(
                    "hl7:patientPerson/hl7:name[@use='L']/hl7:family", "patientPersonCheck", "name"
                ),
            ),
            tuple(
                _rule(
                    f"count({_DEATH}/hl7:responsibleParty/hl7:registeringAuthority/{path}) "
                    f"= count({_DEATH})",
                    "patientCheck",
                    f"deathNotification:registeringAuthority:{tag}",
                )
                for path, tag in (("hl7:code/@code", "code"), ("hl7:id/@extension", "id"))
            ),
        ),
        _person(_GENDER, _BIRTH, (), _DECEASED),
        *_deaths(f"hl7:patientPerson/{_DECEASED}"),
        _weight(()),
        *_OBSERVED,
        *_LOCATIONS_B,
        *_family("assignedOrganization"),
    )
)

WARNINGS: Final = Rules((item_rules.address_keys(f"{PATIENT}/hl7:addr"),))


def supported(form: str) -> Rules:
    """Give what a record can hold, which the stylesheets take for granted (inferred)."""
    return Rules(
        (
            # Counted in whichever subject; it is the first subject's that everything else is of.
            Group(
                EVENT,
                (_one("hl7:subject[1]/hl7:patient", "registrationEventCheck", "patient"),),
            ),
            *item_rules.supported(PATIENT, f"hl7:patientPerson/{GENDERS[form]}"),
            Group(f"{_PERSON}/{DEATH_TIMES[form]}", (item_rules.is_time("@value"),)),
            Group(
                _PERSON,
                (
                    item_rules.is_time(f"{BIRTH_TIMES[form]}/@value"),
                    # Order 1 to 7, 8 not applicable, 9 not known (pds.md 3.4).
                    _rule(
                        "contains('123456789', hl7:multipleBirthOrderNumber/@value) "
                        "and string-length(hl7:multipleBirthOrderNumber/@value) = 1",
                        "patientPersonCheck",
                        "multipleBirthOrderNumber",
                    ),
                ),
            ),
        )
    )
