"""Who is new: whom a number is asked for, children that are born, and who may be one of them."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

from creation_messages import NOTIFIED, Baby, Newcomer
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace
from remembered import People, Wish, Written, stands
from updating import NUMBER, OTHER

BABIES: Final = st.sampled_from(
    tuple(
        Baby(mother=str(mother), birth_time=time, order=order, ignoring=ignoring, dead=dead)
        for mother, time, order, ignoring, dead in product(
            (NUMBER, OTHER),
            ("201408242330", "201408240800"),
            ("1", "2"),
            ("false", "false", "true"),
            (False, False, True),
        )
    )
)
"""Few mothers, one day and two orders: a child is often notified twice."""

_NAME: Final = (None, (), "EVANS", None)
_HOME: Final = (("", "1 New Road", "", "Testton", ""), "ZZ99 3VZ", "12345678", None)
_TELLING: Final = {
    "PRPA_IN000200UK04": {"gender", "birth"},
    "PRPA_IN000205UK05": {"gender", "birth", "death"},
}
"""Of what the messages of 2008B say when it was notified."""

_PLACES: Final = {
    "PRPA_IN000205UK03": ("Testton", "Testshire", "1"),
    "PRPA_IN000205UK05": ("Testton", "Testshire", "1"),
}


def of_birth(interaction: str, baby: Baby) -> tuple[Wish, ...]:
    """Give what a birth writes of the child."""
    died = (Wish("death", "added", (baby.birth_time, "1")),) if baby.dead else ()
    wishes = (
        Wish("names", "added", _NAME, "L"),
        Wish("addresses", "added", _HOME, "H"),
        Wish("telecoms", "added", "tel:01130000000", "H"),
        Wish("gender", "added", "1"),
        Wish("birth", "added", baby.birth_time),
        Wish("order", "added", int(baby.order)),
        Wish("birthplace", "added", _PLACES[interaction]),
        Wish("known before", "added", "0"),
        *died,
    )
    return _as_told(interaction, wishes)


def _as_told(interaction: str, wishes: tuple[Wish, ...]) -> tuple[Wish, ...]:
    """Give what is written, with when it was notified where the message says so."""
    told = _TELLING.get(interaction, set())
    return tuple(replace(one, told=NOTIFIED) if one.thing in told else one for one in wishes)


def duplicates(people: People, baby: Baby) -> list[str]:
    """Give the numbers that may be of the same child: mother, day and order agree, and it stands.

    Of a sender that says to ignore them: none.
    """
    if baby.ignoring == "true":
        return []
    key = (baby.mother, baby.birth_time[:8], int(baby.order))
    return sorted(
        number
        for number, record in people.items()
        if not record["replaced_by"] and _key(record) == key
    )


def _key(record: Written) -> tuple[Any, ...]:
    singles = record["singles"]
    return (record["mother"], singles["birth"][:8], singles.get("order"))


def candidate(people: People, number: str, today: str) -> tuple[Any, ...]:
    """Give what is to be told of who may be the same child; of a restricted one, no place."""
    record = people[number]
    current = {
        thing: tuple(
            sorted(
                one["said"][2 if thing == "names" else 1] for one in entries if stands(one, today)
            )
        )
        for thing, entries in record["items"].items()
        if thing in {"names", "addresses"}
    }
    places = ("",) if record["restricted"] else current["addresses"]
    singles = record["singles"]
    return (
        number,
        record["restricted"] is not None,
        current["names"],
        places,
        (singles["gender"], singles["birth"], singles["order"]),
        record["mother"],
    )


def candidates(answer: etree._Element) -> tuple[Any, ...]:
    """Give what an answer tells of each."""
    if not etree.QName(answer).localname.startswith("PRPA_IN000207"):
        return ()
    return tuple(sorted(_candidate(one) for one in answer.iterfind(".//{*}patientRole")))


def _candidate(role: etree._Element) -> tuple[Any, ...]:
    person = role.find("{*}patientPerson")
    mother = role.find(".//{*}recordTarget/*/{*}id")
    order = person.find("{*}multipleBirthOrderNumber")
    return (
        role.find("{*}id").get("extension"),
        role.find("{*}confidentialityCode") is not None,
        tuple(sorted(one.text for one in person.iterfind(".//{*}family"))),
        tuple(sorted(one.findtext("{*}postalCode") or "" for one in person.iterfind(".//{*}addr"))),
        (
            person.find(".//{*}administrativeGenderCode").get("code"),
            person.find(".//{*}birthTime").get("value"),
            int(order.get("value")),
        ),
        None if mother is None else mother.get("extension"),
    )


def of_allocation(interaction: str, number: int) -> tuple[Newcomer, tuple[Wish, ...]]:
    """Give a person who is to have a number, and what is written of it."""
    birth, gender = ("20140820", "19330101")[number % 2], "12"[number // 2 % 2]
    who = Newcomer(birth_time=birth, gender=gender)
    wishes = (
        *_BORN,
        Wish("gender", "added", gender),
        Wish("birth", "added", birth),
        _registered(interaction),
    )
    return who, _as_told(interaction, wishes)


_BORN: Final = (
    Wish("names", "added", ("Miss", ("Nova", "Test"), "Neuling", None), "L", "20140101"),
    Wish("names", "added", (None, ("Novi",), "Neuling", None), "A"),
    Wish(
        "addresses",
        "added",
        (("", "1 New Road", "", "Testton", ""), "ZZ99 3VZ", "12345678", None),
        "H",
    ),
    Wish(
        "addresses",
        "added",
        (("2 Short Street",), "ZZ99 3WZ", None, "Holiday Home"),
        "TMP",
        "20140801",
        "20140901",
    ),
    Wish("telecoms", "added", "tel:01130000000", "H"),
    Wish("language", "added", ("cy", True, "1")),
    Wish("contact", "added", ("3", "After six")),
    Wish("written", "added", "11"),
    Wish("secret", "added", "Blue door"),
    Wish("known before", "added", "0"),
)


def _registered(interaction: str) -> Wish:
    """Give the practice of a newcomer: one generation does not say since when."""
    start = None if interaction == "PRPA_IN000200UK04" else "20140820"
    return Wish("provisions", "added", "T99999", "1", start)
