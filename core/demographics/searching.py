"""The advanced trace: who may be meant, best first; never a scan.

Every question is answered from the index of `blocking` by a few finds, each of which reads a
bounded number of entries; then the records that may fit are read, a bounded number of them, and
compared as `matching` says. A search that would need more is refused as too broad.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from core.demographics import blocking
from core.demographics.asking import WILDCARD, AdvancedTrace, Search, read
from core.demographics.blocking import AFTER, BORN, FAMILY, PLACE, SOUND, Entry, joined
from core.demographics.matching import level_of
from core.demographics.phonetics import soundex
from core.demographics.queries import by_number
from core.demographics.records import PATIENTS, Demographics, Found, current, placeless
from core.demographics.scoring import FULL
from core.errors import NotFound, NumberInvalidated, TooManyMatches
from core.store.port import Span
from core.values.demographics import Patient, RecordStatus
from core.values.identity import NhsNumber

MAX_ENTRIES: Final = 2_000
"""How many entries one find reads before its question is called too broad."""

_WHOLE_DATE: Final = 8


class Candidate(Struct, frozen=True):
    """A patient who may be meant, as they may be shown; the level in hundredths of a per cent."""

    found: Found
    level: int


class Candidates(Struct, frozen=True):
    """Those who may be meant, best first; of the same level, by their number."""

    candidates: tuple[Candidate, ...]


def advanced_trace(command: AdvancedTrace, records: Demographics) -> Candidates:
    """Give everybody whom the details fit; raise where nobody is, where too many are."""
    if command.nhs_number is not None:
        found, _ = by_number(command.nhs_number, records)
        return _shown({found.nhs_number: (found, FULL)}, command, records)
    if command.old_number is not None:
        return _shown(_by_old_number(command.old_number, records), command, records)
    asked = read(command)
    numbers = _numbers(asked, records)
    if len(numbers) > records.policy.max_candidates:
        raise TooManyMatches("more records would have to be compared than a search may")
    return _shown(_matched(asked, sorted(numbers), records), command, records)


_Level = dict[NhsNumber, tuple[Patient, int]]
"""Records by number, each with its matching level."""


def _matched(asked: AdvancedTrace, numbers: list[NhsNumber], records: Demographics) -> _Level:
    """Give the records that fit; one that was replaced stands for the one that replaced it."""
    matched: _Level = {}
    for number in numbers:
        patient = records.store.read(PATIENTS, number)
        if patient is None or patient.status is RecordStatus.INVALID:
            continue
        level = level_of(asked, patient, current(patient, records.today))
        if level is None or _is_hidden(patient, asked, records):
            continue
        survivor = _survivor(patient, records)
        if survivor is None or _is_hidden(survivor, asked, records):
            continue
        known = matched.get(survivor.nhs_number)
        matched[survivor.nhs_number] = (survivor, max(level, known[1] if known else 0))
    return matched


def _survivor(patient: Patient, records: Demographics) -> Patient | None:
    """Give the record that stands for one; None where its replacements lead nowhere."""
    if patient.superseded_by is None:
        return patient
    try:
        return by_number(patient.superseded_by, records)[0]
    except (NotFound, NumberInvalidated):
        return None


def _is_hidden(patient: Patient, asked: AdvancedTrace, records: Demographics) -> bool:
    """Say whether a restricted patient may not be found so (decision 0013)."""
    by_place = asked.by_place and not records.policy.restricted_found_by_place
    return patient.sensitivity is not None and by_place


def _shown(matched: _Level, command: AdvancedTrace, records: Demographics) -> Candidates:
    if not matched:
        raise NotFound("no patient has these details")
    if len(matched) > records.policy.max_matches:
        raise TooManyMatches("more patients have these details than an answer lists")
    ordered = sorted(matched.items(), key=lambda item: (-item[1][1], item[0]))
    return Candidates(
        tuple(
            Candidate(_as_shown(patient, command, records), level)
            for _, (patient, level) in ordered
        )
    )


def _as_shown(patient: Patient, command: AdvancedTrace, records: Demographics) -> Found:
    shown = patient if command.history else current(patient, records.today)
    replaced = command.nhs_number not in (None, patient.nhs_number)
    superseded = command.nhs_number if replaced else None
    if patient.sensitivity is not None:
        return Found(placeless(shown), limited=True, superseded=superseded)
    return Found(shown, superseded=superseded)


def _by_old_number(number: str, records: Demographics) -> _Level:
    key = blocking.old_number(number)
    entries = _found(blocking.OLD_NUMBER, key, key, records) or ()
    matched: _Level = {}
    for _, found in entries:
        patient = records.store.read(PATIENTS, found)
        if patient is not None and (survivor := _survivor(patient, records)) is not None:
            matched[survivor.nhs_number] = (survivor, FULL)
    return matched


def _numbers(asked: AdvancedTrace, records: Demographics) -> set[NhsNumber]:
    """Give the numbers of all who may fit; raise `TooManyMatches` where no find ends in time."""
    if asked.search is Search.ALPHANUMERIC:
        return _called(asked, records)
    found: set[NhsNumber] = set()
    for index, key in _keys(asked):
        found |= {number for _, number in _in_range(index, key, asked, records)}
    return found


def _keys(asked: AdvancedTrace) -> Iterator[tuple[str, str]]:
    """Give what to find for a search by sound: the combinations that it may be."""
    if asked.can_match_by_sound:
        family, given = soundex(asked.family or ""), soundex(asked.given[0])
        if family and given:
            yield SOUND, blocking.sound_key(family, given)
    if asked.can_match_by_place:
        yield PLACE, blocking.place_key(asked.postcode or "")


def _called(asked: AdvancedTrace, records: Demographics) -> set[NhsNumber]:
    """Give the numbers of those whose entries fit the name, birth, gender and given name."""
    first, *rest = (asked.family or "").split(WILDCARD)
    key = blocking.name_key(first)
    if not rest:
        entries, index = _in_range(FAMILY, key, asked, records), FAMILY
    elif asked.birth.low == asked.birth.high and len(asked.birth.low or "") == _WHOLE_DATE:
        start = joined(asked.birth.low or "", key)
        entries, index = _required(BORN, start, start + AFTER, records), BORN
    else:
        entries, index = _required(FAMILY, key, key + AFTER, records), FAMILY
    return {number for term, number in entries if _may_fit(asked, blocking.read_entry(index, term))}


def _may_fit(asked: AdvancedTrace, entry: Entry) -> bool:
    """Say whether an entry leaves it open that its patient fits."""
    given = asked.given[0] if asked.given else WILDCARD
    beginning = blocking.name_key(given.split(WILDCARD)[0])
    return (
        asked.birth.has(entry.birth)
        and asked.gender in (None, entry.gender)
        and entry.given.startswith(beginning)
    )


Entries = tuple[tuple[str, NhsNumber], ...]


def _in_range(index: str, key: str, asked: AdvancedTrace, records: Demographics) -> Entries:
    """Give the entries of a key within the dates of birth."""
    start, end = (joined(key, date or "") for date in (asked.birth.low, asked.birth.high))
    return _required(index, start, end + AFTER, records)


def _required(index: str, start: str, end: str, records: Demographics) -> Entries:
    entries = _found(index, start, end, records)
    if entries is None:
        raise TooManyMatches("the details are too broad")
    return entries


def _found(index: str, start: str, end: str, records: Demographics) -> Entries | None:
    """Give the entries from start to end, or None where there are too many."""
    page = records.store.find(PATIENTS, Span(index, start, end), limit=MAX_ENTRIES)
    if page.after is not None:
        return None
    return tuple((term, NhsNumber(key)) for term, key in page.entries)
