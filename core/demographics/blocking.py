"""The index of the advanced trace: a few entries for each patient, one find for each question.

An entry says enough of its patient that most who do not fit are left out before a record is read;
what stands in it must hold of everyone who fits, for the record decides. The entries are the terms
of the record itself (`Bucket.terms`), so that on every store they change with it, in one write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from core.demographics.phonetics import plain, soundex
from core.values.demographics import AddressUse, LocalIdentifier, Patient, RecordStatus
from core.values.identity import is_nhs_number

FAMILY: Final = "family_bin"
"""family / birth / gender / given: who is called so, born from here to there."""
BORN: Final = "born_bin"
"""birth / family / gender / given: who was born that day, and is called something like it."""
SOUND: Final = "sound_bin"
"""one sound / other sound / birth: family and given name, whichever is which."""
PLACE: Final = "place_bin"
"""postcode / birth."""
LOCAL: Final = "local_bin"
"""organisation / scheme / identifier: whom an organisation calls so."""
OLD_NUMBER: Final = "old-number"
"""A number of an old format that the record took over."""

_BETWEEN: Final = "/"
"""Sorts before every digit and letter, so that a date known in part sorts before a longer one."""
AFTER: Final = "~"
"""Sorts after every character that an entry can hold."""

_LONGEST: Final = 40
"""Characters of a name that count in an entry."""

SEARCHED: Final = frozenset({AddressUse.HOME, AddressUse.TEMPORARY, AddressUse.CORRESPONDENCE})
"""Which addresses are compared: usual, temporary and correspondence (QUPA_HD000002UK02)."""


class Entry(Struct, frozen=True):
    """What an entry of the names says of its patient."""

    family: str
    birth: str
    gender: str
    given: str


def terms(patient: Patient) -> Mapping[str, tuple[str, ...]]:
    """Give the index entries of a record, those of its history among them."""
    if patient.status is RecordStatus.INVALID:
        return {}
    found = {
        OLD_NUMBER: {
            old_number(one.nhs_number)
            for one in patient.replaced
            if not is_nhs_number(one.nhs_number)
        },
        LOCAL: {local_key(one) for one in patient.local_identifiers},
    }
    if patient.birth_time:
        birth = day(patient.birth_time)
        names = set(_names(patient, birth))
        found[FAMILY] = {joined(one.family, one.birth, one.gender, one.given) for one in names}
        found[BORN] = {joined(one.birth, one.family, one.gender, one.given) for one in names}
        found[SOUND] = {joined(*pair, birth) for pair in _sounds(patient)}
        found[PLACE] = {joined(one, birth) for one in _postcodes(patient)}
    return {index: tuple(sorted(some)) for index, some in found.items() if some}


def joined(*parts: str) -> str:
    """Give an entry of these parts."""
    return _BETWEEN.join(parts)


def read_entry(index: str, term: str) -> Entry:
    """Give what an entry of the names says."""
    first, second, gender, given = term.split(_BETWEEN)
    return (
        Entry(first, second, gender, given)
        if index == FAMILY
        else Entry(second, first, gender, given)
    )


def name_key(name: str) -> str:
    """Give a name as entries hold it; what begins a name begins its key."""
    return plain(" ".join(name.split()))[:_LONGEST]


def sound_key(one: str, other: str) -> str:
    """Give the key of two sounds, the same in whichever order."""
    return joined(*sorted((one, other)))


def squeezed(postcode: str) -> str:
    """Give a postcode as postcodes are compared: without spaces, in capitals."""
    return "".join(postcode.upper().split())


def place_key(postcode: str) -> str:
    """Give a postcode as entries hold it."""
    return plain(squeezed(postcode))[:_LONGEST]


def local_key(local: LocalIdentifier) -> str:
    """Give what an organisation calls a patient, as entries hold it."""
    return joined(local.organisation, local.scheme, local.value)


def old_number(number: str) -> str:
    """Give a number of an old format as it is compared: letters and digits, in capitals."""
    return plain(squeezed(number))[:_LONGEST]


def day(time: str) -> str:
    """Give the date of a time, as partial as it is known."""
    return time[:8]


def _names(patient: Patient, birth: str) -> Iterator[Entry]:
    for name in patient.names:
        if name.family and name.family.strip():
            given = next((one for one in name.given if one.strip()), "")
            yield Entry(name_key(name.family), birth, patient.gender or "", name_key(given))


def _sounds(patient: Patient) -> Iterator[tuple[str, str]]:
    for name in patient.names:
        family = soundex(name.family or "")
        for given in map(soundex, name.given):
            if family and given:
                yield min(family, given), max(family, given)


def _postcodes(patient: Patient) -> Iterator[str]:
    for address in patient.addresses:
        if address.use in SEARCHED and address.postcode and address.postcode.strip():
            yield place_key(address.postcode)
