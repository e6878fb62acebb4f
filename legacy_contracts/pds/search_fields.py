"""The fields of a search, as the advanced and the batch trace have them: rules and readers.

The rules are those of p1r2_AdvancedTraceValidation and p1r2_BatchTraceValidation, in their order;
what the stylesheets print after a name is the fault's supplement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule, one_of
from legacy_contracts.pds.item_rules import is_a_day
from legacy_contracts.pds.queries import Below, first_text

ACT: Final = "/*/hl7:ControlActEvent"
MAX_GIVEN: Final = 5
"""How many given names the legacy passes on."""


class Interval(Struct, frozen=True):
    """When something was: exactly, or from when to when; what was not sent is None."""

    exact: str | None = None
    low: str | None = None
    high: str | None = None


class SearchFields(Struct, frozen=True):
    """The details to search by; what was not sent is None or empty."""

    family: str | None = None
    given: tuple[str, ...] = ()
    birth: Interval = Interval()
    deceased: Interval = Interval()
    gender: str | None = None
    lines: tuple[str, ...] = ()
    postal_code: str | None = None
    address_key: str | None = None
    nhs_number: str | None = None
    old_number: str | None = None
    primary_care: str | None = None


def gender_rule(query: str) -> Rule:
    """Give the rule that there is one gender at most."""
    path = f"{query}/hl7:person.administrativeGenderCode/hl7:value"
    return _once_at_most(path, "multiple genderCode provided")


def date_rules(query: str) -> tuple[Rule, ...]:
    """Give the rules of the dates of birth and death.

    What is said of two of the faults about a birth date the stylesheets leave out.
    """
    return (
        *_interval_rules(f"{query}/hl7:person.birthTime/hl7:value", "birthTime", None),
        *_interval_rules(
            f"{query}/hl7:person.deceasedTime/hl7:value",
            "deceasedTime",
            "multiple deceasedTime provided",
        ),
    )


def _interval_rules(value: str, name: str, mixed: str | None) -> tuple[Rule, ...]:
    several = f"multiple {name} provided"
    fault = "ILLEGAL_DATE_FORMAT"
    return (
        Rule(f"not(count({value}/*) > 2)", fault, several),
        Rule(f"not(count({value}/@value) > 1)", fault, several),
        Rule(f"not(count({value}/hl7:center) = 1 and count({value}/*) > 1)", fault, mixed),
        Rule(f"not(count({value}/@value) = 1 and count({value}) > 1)", fault, mixed),
    )


def name_rules(query: str) -> tuple[Rule, ...]:
    """Give the rules that there is one name and one family name at most."""
    value = f"{query}/hl7:person.name/hl7:value"
    return (
        _once_at_most(value, "multiple person name provided"),
        _once_at_most(f"{value}/hl7:family", "multiple person surname provided"),
    )


def _once_at_most(path: str, said: str) -> Rule:
    return Rule(f"not(count({path}) > 1)", "DUPLICATE_SEARCH_FIELDS_PROVIDED", said)


def once_at_most(path: str, said: str) -> Rule:
    """Give the rule that a field is there once at most."""
    return _once_at_most(path, said)


def value_groups(query: str) -> tuple[Group, ...]:
    """Give the rules that are asked wherever a gender, an id or a date stands."""
    return (
        Group(
            f"{query}/hl7:person.administrativeGenderCode",
            (
                Rule(
                    one_of("hl7:value/@code", "0", "1", "2", "9"),
                    "INVALID_SEARCH_DATA",
                    "invalid administrativeGenderCode value provided",
                ),
            ),
        ),
        Group(
            f"{query}/hl7:person.id",
            (
                Rule(
                    "not(count(hl7:value) > 1)",
                    "INVALID_SEARCH_DATA",
                    "multiple nhsNumber provided",
                ),
            ),
        ),
        *(_dates(f"{query}/hl7:person.{name}/hl7:value", name) for name in _DATES),
    )


_DATES: Final = ("birthTime", "deceasedTime")


def _dates(value: str, name: str) -> Group:
    """Give the rule that each end of a range, or what is exact, is a date."""
    given = (value, *(f"{value}/hl7:{part}" for part in ("center", "low", "high")))
    places = " | ".join(f"{place}[@value]" for place in given)
    return Group(f"({places})", (is_a_day("@value", f"{name} is no date"),))


def reader(query: str, open_from: str = "") -> Callable[[etree._Element], SearchFields]:
    """Give the function that reads the fields of the query at a place.

    `open_from` is the day from which dates count that are said to be unknown (MIM 2.3).
    """
    below = Below(query)
    birth, deceased = (
        _interval(below, f"hl7:person.{name}Time", open_from) for name in ("birth", "deceased")
    )
    name, address = "hl7:person.name", "hl7:person.address"
    family, given = _parts(below, name, "family"), _parts(below, name, "given")
    lines = _parts(below, address, "streetAddressLine")
    postal_code = _parts(below, address, "postalCode")
    address_key = _parts(below, address, "addressKey")
    gender = below.text("hl7:person.administrativeGenderCode/hl7:value/@code")
    number = below.text(f"hl7:person.id/hl7:value[@root='{oids.NHS_NUMBER}']/@extension")
    old_roots = " or ".join(f"@root='{root}'" for root in oids.OLD_NUMBERS)
    old_number = below.text(f"hl7:person.id/hl7:value[{old_roots}]/@extension")
    roots = f"@root='{oids.PRACTITIONER}' or @root='{oids.ORGANISATION}'"
    primary_care = below.text(f"hl7:primaryCare.id/hl7:value[{roots}]/@extension")

    def read(root: etree._Element) -> SearchFields:
        return SearchFields(
            family=first_text(family(root)),
            given=tuple((one.text or "").strip() for one in given(root)[:MAX_GIVEN]),
            birth=birth(root),
            deceased=deceased(root),
            gender=_maybe(gender(root)),
            lines=tuple((one.text or "").strip() for one in lines(root)),
            postal_code=first_text(postal_code(root)),
            address_key=first_text(address_key(root)),
            nhs_number=_maybe(number(root)),
            old_number=_maybe(old_number(root)),
            primary_care=_maybe(primary_care(root)),
        )

    return read


def _parts(below: Below, parameter: str, part: str) -> etree.XPath:
    """Give a reader of a part that stands under a parameter's value, or directly under it."""
    return below.nodes(f"{parameter}/hl7:value/hl7:{part}", f"{parameter}/hl7:{part}")


def _interval(below: Below, parameter: str, open_from: str) -> Callable[[etree._Element], Interval]:
    value = f"{parameter}/hl7:value"
    exact, center, low, high = (
        below.text(f"{value}{path}/@value") for path in ("", "/hl7:center", "/hl7:low", "/hl7:high")
    )
    unknown = below.text(f"{value}/@nullFlavor")

    def read(root: etree._Element) -> Interval:
        one = _maybe(exact(root)) or _maybe(center(root))
        start = open_from if open_from and _maybe(unknown(root)) else _maybe(low(root))
        return Interval(one, start, _maybe(high(root)))

    return read


def _maybe(text: object) -> str | None:
    return str(text).strip() or None
