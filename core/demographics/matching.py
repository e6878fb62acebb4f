"""Whether a record fits an advanced trace, and how well: all of it decided from the record alone.

Nothing here reads the store: the index only says who is worth the reading. A property test holds
both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from core.demographics.asking import WILDCARD, AdvancedTrace, Search, tidied
from core.demographics.blocking import SEARCHED, squeezed
from core.demographics.phonetics import soundex
from core.demographics.scoring import PAST, PRESENT, Agreement, Detail, Finding, earned, level
from core.values.demographics import Address, CareProvisionKind, Name, Patient

Findings = tuple[Finding, ...]

_UNSAID: Final = frozenset({None, "0", "9"})
"""Genders that say nothing: not recorded, not known, not specified."""

_AGREES: Final = frozenset({Agreement.SAME, Agreement.PATTERN})


def fits(patterned: str, text: str) -> bool:
    """Say whether a text is what a pattern says: its pieces one after the other, in their places.

    Each piece is taken where it first comes, so no pattern makes the comparison long.
    """
    first, *rest = patterned.split(WILDCARD)
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def level_of(asked: AdvancedTrace, patient: Patient, now: Patient) -> int | None:
    """Give the matching level of a record, or None where it does not fit.

    `patient` is the whole record, `now` what of it is current.
    """
    compared = patient if asked.compares_history else now
    if not asked.birth.has(compared.birth_time):
        return None
    ways = _algorithmic if asked.search is Search.ALGORITHMIC else _alphanumeric
    names, places = ways(asked, compared, now)
    if not names or (asked.search is Search.ALPHANUMERIC and not places):
        return None
    best_place = max(places, key=earned, default=())
    return level((*max(names, key=earned), *best_place, *_of_the_person(asked, compared, now)))


Ways = tuple[list[Findings], list[Findings]]
"""What each name, and each address, that makes the record fit contributes."""


def _alphanumeric(asked: AdvancedTrace, compared: Patient, now: Patient) -> Ways:
    """Give the names and addresses that agree in all that is asked of them and of the person."""
    person = _of_the_person(asked, compared, now)
    if any(each not in _AGREES for one in person for each in one.agreements):
        return [], []
    names = [
        found
        for name in compared.names
        if (found := _by_letters(asked, name, _when(name in now.names)))
    ]
    return names, [found for found in _places(asked, compared, now) if _all_agree(found)]


def _algorithmic(asked: AdvancedTrace, compared: Patient, now: Patient) -> Ways:
    """Give the names that sound alike, and every address: one of the combinations must hold."""
    places = list(_places(asked, compared, now))
    at_postcode = (
        asked.can_match_by_place
        and compared.gender == asked.gender
        and any(
            squeezed(one.postcode or "") == asked.postcode
            for one in compared.addresses
            if one.use in SEARCHED
        )
    )
    names = []
    for name in compared.names:
        if not (_sounds_so(asked, name) or (at_postcode and _one_sounds_so(asked, name))):
            continue
        when = _when(name in now.names)
        names += [_straight(asked, name, when), _swapped(asked, name, when)]
    return names, places


def _when(is_current: bool) -> int:  # noqa: FBT001 - a word for it would say no more
    return PRESENT if is_current else PAST


def _all_agree(findings: Findings) -> bool:
    return all(each in _AGREES for one in findings for each in one.agreements)


def _by_letters(asked: AdvancedTrace, name: Name, when: int) -> Findings:
    """Give how a name agrees, or nothing where it does not: given names from the first on."""
    family = _patterned(asked.family or "", tidied(name.family or ""))
    given = tuple(filter(None, map(tidied, name.given)))
    if len(given) < len(asked.given):
        return ()
    found = (
        Finding(Detail.FAMILY, (family,), when),
        *_given(map(_patterned, asked.given, given), when),
    )
    return found if _all_agree(found) else ()


def _patterned(asked: str, recorded: str) -> Agreement:
    if not recorded or not fits(asked, recorded):
        return Agreement.DIFFERS
    return Agreement.PATTERN if WILDCARD in asked else Agreement.SAME


def _given(agreements: Iterable[Agreement], when: int) -> Findings:
    found = tuple(agreements)
    return (Finding(Detail.GIVEN, found, when),) if found else ()


def _sounds_so(asked: AdvancedTrace, name: Name) -> bool:
    """Say whether family and given name sound as asked, whichever is which."""
    if not asked.can_match_by_sound:
        return False
    wanted = sorted((soundex(asked.family or ""), soundex(asked.given[0])))
    family = soundex(name.family or "")
    return all(wanted) and any(wanted == sorted((family, soundex(one))) for one in name.given)


def _one_sounds_so(asked: AdvancedTrace, name: Name) -> bool:
    """Say whether the family name, or the first given name, sounds like any part of a name."""
    wanted = {soundex(asked.family or ""), *map(soundex, asked.given[:1])} - {""}
    return not wanted.isdisjoint(map(soundex, (name.family or "", *name.given)))


def _straight(asked: AdvancedTrace, name: Name, when: int) -> Findings:
    """Give how a name agrees as it was asked."""
    given = tuple(map(tidied, name.given))
    family = (
        (Finding(Detail.FAMILY, (_alike(asked.family, (name.family or "",)),), when),)
        if asked.family
        else ()
    )
    return (
        *family,
        *_given(
            (_alike(one, given[place : place + 1], given) for place, one in enumerate(asked.given)),
            when,
        ),
    )


def _swapped(asked: AdvancedTrace, name: Name, when: int) -> Findings:
    """Give how a name agrees with family and first given name taken for each other."""
    given = tuple(map(tidied, name.given))
    family = (
        (Finding(Detail.FAMILY, (_alike(asked.family, (), given),), when),) if asked.family else ()
    )
    first = [_alike(one, (), (name.family or "",)) for one in asked.given[:1]]
    return (*family, *_given([*first, *(_alike(one, (), given) for one in asked.given[1:])], when))


def _alike(asked: str, here: Iterable[str], elsewhere: Iterable[str] = ()) -> Agreement:
    """Give how a name agrees with what stands in its place, or else with what stands in others."""
    places = (
        (tuple(map(tidied, here)), Agreement.SAME, Agreement.SOUNDS),
        (tuple(map(tidied, elsewhere)), Agreement.ELSEWHERE, Agreement.SOUNDS_ELSEWHERE),
    )
    found = []
    for names, same, sounds in places:
        if asked in names:
            found.append(same)
        elif soundex(asked) and soundex(asked) in map(soundex, names):
            found.append(sounds)
    return next(iter(found), Agreement.DIFFERS)


def _places(asked: AdvancedTrace, compared: Patient, now: Patient) -> Iterator[Findings]:
    """Give how each address agrees with what is asked of one; nothing, once, where nothing is."""
    if not (asked.postcode or asked.lines or asked.paf_key):
        yield ()
        return
    for address in compared.addresses:
        if address.use in SEARCHED:
            yield tuple(_place(asked, address, _when(address in now.addresses)))
    if not any(one.use in SEARCHED for one in compared.addresses):
        yield tuple(_place(asked, Address(), PRESENT))


def _place(asked: AdvancedTrace, address: Address, when: int) -> Iterator[Finding]:
    if asked.postcode:
        agreement = _patterned(asked.postcode, squeezed(address.postcode or ""))
        yield Finding(Detail.POSTCODE, (agreement,), when)
    if asked.lines:
        lines = set(map(tidied, address.lines))
        found = tuple(_equal(line in lines) for line in asked.lines)
        yield Finding(Detail.LINES, found, when)
    if asked.paf_key:
        yield Finding(Detail.PAF_KEY, (_equal(address.paf_key == asked.paf_key),), when)


def _of_the_person(asked: AdvancedTrace, compared: Patient, now: Patient) -> Iterator[Finding]:
    """Give how birth, gender, death and practice agree; the birth date does, or nothing would."""
    yield Finding(Detail.BIRTH, (Agreement.SAME,))
    if asked.gender is not None:
        yield Finding(Detail.GENDER, (_gender(asked.gender, compared.gender),))
    if not asked.death.is_open:
        died = compared.death.time if compared.death else None
        yield Finding(Detail.DEATH, (_equal(asked.death.has(died)),))
    if asked.practice is not None:
        yield _practice(asked.practice, compared, now)


def _gender(asked: str, recorded: str | None) -> Agreement:
    if asked == recorded:
        return Agreement.SAME
    unsaid = asked in _UNSAID or recorded in _UNSAID
    return Agreement.UNKNOWN if unsaid else Agreement.DIFFERS


def _practice(asked: str, compared: Patient, now: Patient) -> Finding:
    wanted = squeezed(asked)
    for record, when in ((now, PRESENT), (compared, PAST)):
        providers = {
            squeezed(one.provider)
            for one in record.care_provisions
            if one.kind is CareProvisionKind.PRIMARY_CARE
        }
        if wanted in providers:
            return Finding(Detail.PRACTICE, (Agreement.SAME,), when)
    return Finding(Detail.PRACTICE, (Agreement.DIFFERS,))


def _equal(agrees: bool) -> Agreement:  # noqa: FBT001 - what it is asked
    return Agreement.SAME if agrees else Agreement.DIFFERS
