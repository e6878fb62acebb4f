"""Rules of the items that a new record brings, alike in all messages that make one.

The stylesheets MIM42NumberAllocation_Stage2i5 and MIM63NumberAllocation_Stage2i5, patterns
addressCheck to sharedSecretCheck; names and order are theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rules import Group, Rule
from legacy_contracts.pds import codes

_DIGITS: Final = "0123456789"


def not_twice(path: str) -> str:
    """Give the test that an element stands once at most."""
    return f"(count({path}) = 0 or count({path}) = 1)"


def in_order(path: str) -> str:
    """Give the test that an interval does not end before it begins, compared as numbers."""
    low, high = f"{path}/hl7:low", f"{path}/hl7:high"
    return f"(count({low}) = 0 or count({high}) = 0 or {high}/@value >= {low}/@value)"


def _period(path: str) -> tuple[Rule, Rule]:
    return (
        Rule(not_twice(path), "MORE_THAN_ONE_USABLE_PERIOD"),
        Rule(in_order(path), "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
    )


_USE = Rule("string-length(@use) > 0", "UNSUPPORTED_CHARACTERS_IN_FIELD")
_LINES = "INCORRECT_NUMBER_OF_ADDRESS_LINES"


def addresses(role: str) -> Group:
    """Give the rules of the addresses of a patient's role."""
    return Group(
        f"{role}/hl7:addr",
        (
            _USE,
            Rule("count(hl7:streetAddressLine) > 0", _LINES),
            Rule("not(count(hl7:streetAddressLine) > 5)", _LINES),
            Rule(
                f"(@use = 'TMP' and {not_twice('hl7:desc')}) or count(hl7:desc) = 0",
                "DESCRIPTION_PROVIDED_NO_TEMPORARY_ADDRESS",
            ),
            *_period("hl7:useablePeriod"),
        ),
    )


def telecoms(role: str) -> Group:
    """Give the rules of the telecoms of a patient's role."""
    return Group(
        f"{role}/hl7:telecom",
        (
            _USE,
            Rule("normalize-space(@value) != ''", "UNEXPECTED_CONTACT_TYPE"),
            *_period("hl7:useablePeriod"),
        ),
    )


def names(role: str) -> Group:
    """Give the rules of the names of a patient's role."""
    return Group(
        f"{role}/hl7:patientPerson[1]/hl7:name",
        (
            _USE,
            Rule(not_twice("hl7:prefix"), "NO_MORE_THAN_ONE_PREFIX"),
            Rule(not_twice("hl7:family"), "NO_MORE_THAN_ONE_FAMILY_NAME"),
            Rule(not_twice("hl7:suffix"), "NO_MORE_THAN_ONE_SUFFIX"),
            Rule("(count(hl7:given) + count(hl7:family)) > 0", "INSUFFICIENT_NAME_DETAILS"),
            Rule("not(count(hl7:given) > 5)", "TOO_MANY_GIVEN_NAMES_5"),
            *_period("hl7:validTime"),
        ),
    )


def care_provisions(place: str, performer: tuple[Rule, ...]) -> Group:
    """Give the rules of the provisions at a place; `performer` those of who provides."""
    kind = f"hl7:code[@codeSystem='{oids.CARE_PROVISION}']/@code"
    time = "hl7:effectiveTime"
    return Group(
        place,
        (
            Rule(f"string-length({kind}) > 0", "UNSUPPORTED_PATIENT_CARE"),
            *performer,
            Rule(
                f"count({time}) = 0 or ({kind} = '1' and count({time}) = 1)",
                "MORE_THAN_ONE_USABLE_PERIOD",
            ),
            Rule(in_order(time), "HIGH_TIME_NOT_GREATER_THAN_LOW_TIME"),
        ),
    )


def shared_secret(place: str) -> Group:
    """Give the rules of the word by which a patient is known on the telephone."""
    system = f"hl7:code[@codeSystem='{oids.OBSERVATION}']"
    return Group(
        f"{place}/hl7:sharedSecret[1]",
        (
            Rule(f"count({system}) = 1", "MISSING_CODE_FROM_SHARED_SECRET"),
            Rule("string-length(hl7:value) > 0", "MISSING_VALUE_FROM_SHARED_SECRET"),
        ),
    )


def address_keys(place: str) -> Group:
    """Give the warning that a key of an address is none: which value, and of which field."""
    return Group(
        place, (Rule("not(hl7:addressKey = '0')", "INVALID_VALUE", "0, address.addressKey"),)
    )


def supported(role: str, gender: str) -> tuple[Group, ...]:
    """Give what a record can hold of codes; the stylesheets ask only that there is one (inferred).

    A code outside the published lists would be kept and could never be shown again. `gender` is
    the path to it from the role.
    """
    return (
        Group(
            f"({role}/hl7:addr | {role}/hl7:telecom | {role}//hl7:name[@use])",
            (Rule(_known_use(), "UNSUPPORTED_CHARACTERS_IN_FIELD"),),
        ),
        Group(
            f"{role}//hl7:patientCareProvision/hl7:code",
            (Rule(one_of("@code", codes.CARE_PROVISION.values()), "UNSUPPORTED_PATIENT_CARE"),),
        ),
        *_values(role, gender),
        Group(f"({role}//hl7:low[@value] | {role}//hl7:high[@value])", (is_time("@value", 14),)),
    )


def _values(role: str, gender: str) -> tuple[Group, ...]:
    value = "hl7:value/@code"
    # Nothing said of a gender is told as missing.
    judged = (
        ("administrativeGenderCode", f"{role}/{gender}[@code]", one_of("@code", codes.GENDERS)),
        *(
            (name, f"{role}/*/hl7:{name}[hl7:value]", one_of(value, known))
            for name, known in (
                ("preferredContactMethod", codes.CONTACT_METHODS),
                ("preferredWrittenCommunicationFormat", codes.WRITTEN_FORMATS),
                ("previousNhsContact", ("0", "1")),
                ("deathNotification", codes.DEATH_NOTIFICATIONS),
            )
        ),
        ("languageCommunication", f"{role}/*/hl7:languageCommunication", spoken()),
    )
    return tuple(
        Group(place, (Rule(test, "VALUE_NOT_SUPPORTED", name),)) for name, place, test in judged
    )


def _known_use() -> str:
    tables = {
        "addr": values.ADDRESS_USE.values(),
        "telecom": values.TELECOM_USE.values(),
        "name": codes.NAME_USE.values(),
    }
    return " or ".join(
        f"(local-name() = '{name}' and {one_of('@use', known)})" for name, known in tables.items()
    )


def one_of(path: str, known: Iterable[str]) -> str:
    """Give the test that a value is one of some words; nothing is none of them, nor are two.

    The schemas make lists of some codes (`use="H TMP"`); a record has one.
    """
    words = " ".join(known)
    return (
        f"(string-length({path}) > 0 and not(contains({path}, ' '))"
        f" and contains(' {words} ', concat(' ', {path}, ' ')))"
    )


def absent_or(path: str, test: str) -> str:
    """Give the test that nothing stands at a path, or what does passes."""
    return f"(count({path}) = 0 or {test})"


def language(code: str) -> str:
    """Give the test that a language is one of the vocabulary's (HumanLanguage)."""
    return one_of(code, codes.LANGUAGES)


def spoken() -> str:
    """Give the test that a language, and whether an interpreter is needed, can be shown again."""
    need = "hl7:proficiencyLevelCode"
    interpreter = absent_or(need, one_of(f"{need}/@code", "01"))
    return f"{language('hl7:languageCode/@code')} and {interpreter}"


def time(path: str, longest: int = 14) -> str:
    """Give the test that a time is one: a year at least, all in order, as far as it is kept digits.

    What follows may be what the schemas' type (ts) has: more digits, a fraction, a zone. The number
    of days is that of the month (inferred).
    """
    kept, rest = f"substring({path}, 1, {longest})", f"substring({path}, {longest + 1})"
    month, day = f"substring({kept}, 5, 2)", f"substring({kept}, 7, 2)"
    year = f"substring({kept}, 1, 4)"
    short = one_of(month, ("04", "06", "09", "11"))
    common = f"({year} mod 4 != 0 or ({year} mod 100 = 0 and {year} mod 400 != 0))"
    signs = f"translate({rest}, '{_DIGITS}', '')"
    within = (
        f"{year} > 0",
        f"(string-length({kept}) < 6 or ({month} > 0 and {month} < 13))",
        f"(string-length({kept}) < 8 or ({day} > 0 and {day} < 32))",
        f"not({day} > 30 and {short}) and not({day} > 29 and {month} = '02')",
        f"not({day} > 28 and {month} = '02' and {common})",
        f"not(substring({kept}, 9, 2) > 23 or substring({kept}, 11, 2) > 59)",
    )
    digits = (
        f"string-length({kept}) >= 4 and translate({kept}, '{_DIGITS}', '') = ''"
        f" and ({signs} = '' or contains(' . + - .+ .- ', concat(' ', {signs}, ' ')))"
        f" and contains('{_DIGITS}', substring({path}, string-length({path})))"
    )
    return f"({digits} and {' and '.join(within)})"


def is_a_day(path: str, supplement: str) -> Rule:
    """Give the rule of a search that a date, where one is given, is one (inferred).

    The schemas' type refuses letters, and any other list of digits would find nobody: a sender is
    told so, and not that there is no such patient.
    """
    return Rule(absent_or(path, time(path)), "ILLEGAL_DATE_FORMAT", supplement)


def is_time(path: str, longest: int = 12) -> Rule:
    """Give the rule that a time is one, to the minute unless it is kept further."""
    return Rule(time(path, longest), "ILLEGAL_DATE_FORMAT")
