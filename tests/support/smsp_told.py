"""What a mini service is to say of a record that persons wrote, and what an answer says."""

from __future__ import annotations

from typing import Any, Final

import smsp_asking
import smsp_reading
from lxml import etree
from remembered import PRACTICE, Entry, Written, stands

from core.values.demographics import AddressUse, TelecomUse

LINES: Final = 5
_USES: Final = {
    AddressUse.HOME: "H",
    AddressUse.TEMPORARY: "TMP",
    AddressUse.CORRESPONDENCE: "PST",
    TelecomUse.HOME: "H",
    TelecomUse.WORK: "WP",
    TelecomUse.MOBILE: "MC",
}
_BARE: Final = frozenset((smsp_asking.VERIFY, smsp_asking.NUMBER))
"""The services that show a number and nothing else."""

Told = tuple[Any, ...]


def only(number: str) -> Told:
    """Give what is told where a number is all there is."""
    return (number, None, [], [], None, None, None, None)


def expected(service: str, record: Written, number: str, today: str) -> Told:
    """Give what a service is to say of a record: as it stands, of a withheld one no place."""
    if service in _BARE:
        return only(number)
    current = {
        thing: [one for one in entries if stands(one, today)]
        for thing, entries in record["items"].items()
    }
    if record["restricted"]:
        current.update(addresses=[], telecoms=[], provisions=[])
    singles = record["singles"]
    died = singles.get("death")
    return (
        number,
        _name(current["names"]),
        sorted((one["use"], *_place(one)) for one in current["addresses"]),
        sorted(
            ((one["use"], one["said"], one["from"], one["until"]) for one in current["telecoms"]),
            key=repr,
        ),
        singles.get("gender"),
        singles["birth"][:8],
        died[0][:8] if died else None,
        None if died else _practice(current["provisions"]),
    )


def _name(names: list[Entry]) -> Told | None:
    """Give the usual name, or the first there is."""
    found = next((one for one in names if one["use"] == "L"), names[0] if names else None)
    return None if found is None else (found["said"][0], found["said"][1][:2], found["said"][2])


def _place(address: Entry) -> Told:
    lines, postcode, *_ = address["said"]
    return (*lines, *("",) * LINES)[:LINES], postcode


def _practice(provisions: list[Entry]) -> str | None:
    return next((one["said"] for one in provisions if one["use"] == PRACTICE), None)


def answered(payload: bytes) -> Told | None:
    """Give what an answer says; None where it shows nobody."""
    shown = smsp_reading.reply_of(etree.fromstring(payload)).shown
    if shown is None:
        return None
    patient = shown.patient
    (*names,) = patient.names
    return (
        patient.nhs_number,
        (names[0].prefix, names[0].given, names[0].family) if names else None,
        sorted((_USES[one.use], one.lines, one.postcode) for one in patient.addresses),
        sorted(
            (
                (
                    _USES[one.use],
                    one.value,
                    one.period.start if one.period else None,
                    one.period.end if one.period else None,
                )
                for one in patient.telecoms
            ),
            key=repr,
        ),
        patient.gender,
        patient.birth_time,
        patient.death.time if patient.death else None,
        shown.practice.code if shown.practice else None,
    )
