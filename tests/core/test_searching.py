"""The advanced trace: the index finds whom a comparison of everybody finds (docs/tracing.md)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from searched_people import TODAY, people, searches

from core.demographics import blocking, matching, scoring
from core.demographics.asking import AdvancedTrace, Dates, Search, exactly, read
from core.demographics.matching import fits
from core.demographics.phonetics import soundex
from core.demographics.records import PATIENTS, Demographics, Policy, current
from core.demographics.scoring import FULL
from core.demographics.searching import Candidates, advanced_trace
from core.errors import (
    DetailsMissing,
    NotFound,
    NumberInvalidated,
    NumberNotValid,
    PatternTooShort,
    TooManyMatches,
)
from core.store.counted import CountedStore
from core.store.memory import MemoryStore
from core.store.port import Span
from core.store.sqlite import SqliteStore
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Death,
    Name,
    NameUse,
    Patient,
    Period,
    RecordStatus,
    ReplacedNumber,
    Sensitivity,
)
from core.values.identity import NhsNumber
from operations import loading, patients

NUMBER, OTHER, THIRD = (NhsNumber(n) for n in ("9990000018", "9990000026", "9990000034"))
EDITH = Patient(
    NUMBER,
    gender="2",
    birth_time="19500203",
    death=Death("20140110", "1"),
    names=(
        Name(given=("EDITH", "ROSE"), family="CARTER"),
        Name(NameUse.BIRTH, given=("EDITH",), family="FIELD", period=Period(None, "19750601")),
    ),
    addresses=(
        Address(lines=("1 MILL LANE", "", "LEEDS"), postcode="LS1 1AA", paf_key="1"),
        Address(AddressUse.TEMPORARY, lines=("9 CREWE WAY",), postcode="CW1 9ZZ"),
        Address(lines=("2 OLD ROAD",), postcode="HU1 2BB", period=Period(None, "20091231")),
    ),
    care_provisions=(CareProvision(CareProvisionKind.PRIMARY_CARE, "A99001"),),
)
ALPHA = AdvancedTrace(Search.ALPHANUMERIC, family="Carter", birth=exactly("19500203"))
SOUND = AdvancedTrace(
    Search.ALGORITHMIC, family="Carder", given=("Edyth",), birth=exactly("19500203")
)
AT_PLACE = AdvancedTrace(
    Search.ALGORITHMIC,
    family="CARTER",
    birth=exactly("19500203"),
    gender="2",
    postcode="LS1 1AA",
)


def records(*everybody: Patient, policy: Policy | None = None) -> Demographics:
    """Give records that hold these people, on a day in 2014."""
    store = MemoryStore()
    loading.load(store, everybody, source="test", at="", progress=lambda _count: None)
    return Demographics(store, TODAY, policy or Policy())


def levels(found: Candidates) -> list[tuple[str, int]]:
    """Give who was found, and how well they fit."""
    return [(one.found.patient.nhs_number, one.level) for one in found.candidates]


def searched(asked: AdvancedTrace, known: Demographics) -> list[tuple[str, int]]:
    """Give who is found, and how well they fit; nobody where nobody is."""
    try:
        return levels(advanced_trace(asked, known))
    except NotFound:
        return []


def compared(asked: AdvancedTrace, everybody: Iterable[Patient], known: Demographics) -> set[str]:
    """Give who should be found, by reading every record and no index; written anew for this."""
    by_number = {one.nhs_number: one for one in everybody}
    found: set[str] = set()
    for one in by_number.values():
        stands: Patient | None = one
        for _ in everybody:
            if stands is not None and stands.superseded_by:
                stands = by_number.get(stands.superseded_by)
        if one.status is RecordStatus.INVALID or stands is None:
            continue
        if stands.status is not RecordStatus.ACTIVE or not _fits(asked, one):
            continue
        restricted = one.sensitivity or stands.sensitivity
        hidden = restricted and not known.policy.restricted_found_by_place
        if not (hidden and (asked.postcode or any(asked.lines) or asked.paf_key or asked.practice)):
            found.add(stands.nhs_number)
    return found


def _fits(asked: AdvancedTrace, patient: Patient) -> bool:
    by_sound = asked.search is Search.ALGORITHMIC
    history = (asked.history or by_sound) and not asked.ignore_history
    one = patient if history else current(patient, TODAY)
    born = (one.birth_time or "")[:8]
    low, high = asked.birth.low or "", asked.birth.high or "9"
    if not born or born < low or born[: len(high)] > high:
        return False
    return _fits_by_sound(asked, one) if by_sound else _fits_by_letters(asked, one)


def _fits_by_letters(asked: AdvancedTrace, one: Patient) -> bool:
    died = (one.death.time or "") if one.death else ""
    low, high = asked.death.low or "", asked.death.high or "9"
    practices = {each.provider for each in one.care_provisions if each.kind.value == "primary care"}
    return (
        any(
            _like(asked.family, name.family)
            and len(asked.given) <= len([each for each in name.given if each])
            and all(map(_like, asked.given, [each for each in name.given if each]))
            for name in one.names
        )
        and (asked.gender is None or one.gender == asked.gender)
        and (
            asked.death == Dates() or (died != "" and low <= died[:8] and died[: len(high)] <= high)
        )
        and (asked.practice is None or asked.practice.upper() in practices)
        and (
            not (asked.postcode or any(asked.lines) or asked.paf_key)
            or any(
                each.use is not AddressUse.WORK
                and (
                    not asked.postcode
                    or _like(asked.postcode, (each.postcode or "").replace(" ", ""))
                )
                and (asked.paf_key is None or each.paf_key == asked.paf_key)
                and {line.upper() for line in asked.lines if line} <= set(each.lines)
                for each in one.addresses
            )
        )
    )


def _like(pattern: str | None, text: str | None) -> bool:
    regular = ".*".join(map(re.escape, (pattern or "").upper().split("*")))
    return bool(text) and re.fullmatch(regular, " ".join((text or "").upper().split())) is not None


def _fits_by_sound(asked: AdvancedTrace, one: Patient) -> bool:
    family, first = soundex(asked.family or ""), soundex((*asked.given, "")[0])
    pairs = {(soundex(n.family or ""), soundex(g)) for n in one.names for g in n.given}
    sounds = {soundex(each) for n in one.names for each in (n.family or "", *n.given)} - {""}
    postcodes = {
        (each.postcode or "").replace(" ", "").upper()
        for each in one.addresses
        if each.use is not AddressUse.WORK
    }
    by_names = bool(family and first) and ((family, first) in pairs or (first, family) in pairs)
    whole = asked.postcode and "*" not in asked.postcode
    there = whole and asked.gender and one.gender == asked.gender and asked.postcode in postcodes
    return by_names or bool(there and not sounds.isdisjoint({family, first}))


@settings(max_examples=120, derandomize=True, deadline=None)
@given(people(), searches, st.booleans())
def test_the_index_finds_whom_a_comparison_of_everybody_finds(
    everybody: tuple[Patient, ...],
    asked: AdvancedTrace,
    by_place: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    known = records(*everybody, policy=Policy(restricted_found_by_place=by_place))
    try:
        tidy = read(asked)
    except (DetailsMissing, PatternTooShort) as error:
        with pytest.raises(type(error)):
            advanced_trace(asked, known)
        return
    found = searched(asked, known)
    assert {number for number, _ in found} == compared(tidy, everybody, known)
    assert found == sorted(found, key=lambda one: (-one[1], one[0]))
    assert all(0 < level <= FULL for _, level in found)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(people(), searches, st.randoms())
def test_what_is_found_does_not_hang_on_who_else_is_there_or_when_they_came(
    everybody: tuple[Patient, ...],
    asked: AdvancedTrace,
    dice: st.randoms,  # type: ignore[valid-type]
) -> None:
    try:
        read(asked)
    except (DetailsMissing, PatternTooShort):
        return
    shuffled = list(everybody)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert searched(asked, records(*everybody)) == searched(asked, records(*shuffled))
    alone = dict(searched(asked, records(*everybody)))
    for one in everybody:
        if one.status is RecordStatus.ACTIVE and not any(
            each.superseded_by == one.nhs_number for each in everybody
        ):
            by_itself = dict(searched(asked, records(one)))
            assert by_itself.get(one.nhs_number) == alone.get(one.nhs_number)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(people(), searches)
def test_a_family_and_a_given_name_taken_for_each_other_find_the_same_patients(
    everybody: tuple[Patient, ...], asked: AdvancedTrace
) -> None:
    asked = replace(asked, search=Search.ALGORITHMIC, given=("ANN", *asked.given)[:1])
    if asked.family is None or asked.birth.is_open:
        return
    swapped = replace(asked, family=asked.given[0], given=(asked.family,))
    known = records(*everybody)
    assert {number for number, _ in searched(asked, known)} == {
        number for number, _ in searched(swapped, known)
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ROBERT", "R163"),
        ("Rupert", "R163"),
        ("RUBIN", "R150"),
        ("ASHCRAFT", "A261"),
        ("ASHCROFT", "A261"),
        ("TYMCZAK", "T522"),
        ("PFISTER", "P236"),
        ("HONEYMAN", "H555"),
        ("LEE", "L000"),
        ("O'LEARY", "O460"),
        ("Éclair", "E246"),
        ("Иван", ""),
        ("*", ""),
    ],
)
def test_a_name_sounds_as_published(name: str, code: str) -> None:
    assert soundex(name) == code


@pytest.mark.parametrize(
    "asked",
    [
        ALPHA,
        replace(ALPHA, family="  carter "),
        replace(ALPHA, given=("Edith", "rose"), gender="2", postcode="ls11aa"),
        replace(ALPHA, lines=("leeds", "1 mill lane"), paf_key="1"),
        replace(ALPHA, practice="a99001", death=Dates("2014", "2014")),
        replace(ALPHA, postcode="CW1 9ZZ"),
        AT_PLACE,
    ],
)
def test_who_agrees_in_all_that_is_asked_agrees_wholly(asked: AdvancedTrace) -> None:
    assert searched(asked, records(EDITH)) == [(NUMBER, FULL)]


@pytest.mark.parametrize(
    ("asked", "level"),
    [
        # Birth 25 and family 30; a pattern earns nine tenths: (25 + 27) / 55.
        (replace(ALPHA, family="CA*"), 9454),
        (replace(ALPHA, family="CA*R", birth=Dates("1940", "1959")), 9454),
        # Family, given, birth: 30, 20, 25; sounds earn seven tenths: (21 + 14 + 25) / 75.
        (SOUND, 8000),
        # Taken for each other, and by sound: (15 + 10 + 25) / 75.
        (replace(SOUND, family="EDYTH", given=("CARDER",)), 6666),
        # The letters are the same, in the other place: (24 + 16 + 25) / 75.
        (replace(SOUND, family="EDITH", given=("CARTER",)), 8666),
        # History: nine tenths of what agrees with it: (27 + 18 + 25) / 75.
        (replace(SOUND, family="FIELD", given=("EDITH",)), 9333),
        # Death and practice only count: (30 + 20 + 25 + 0 + 5) / 85.
        (
            replace(
                SOUND, family="CARTER", given=("EDITH",), death=Dates("2015"), practice="A99001"
            ),
            9411,
        ),
        # The second given name is another: half of 20.
        (replace(SOUND, family="CARTER", given=("EDITH", "OLIVE")), 8666),
        # Another gender counts, and leaves nobody out: 75 / 80.
        (replace(SOUND, family="CARTER", given=("EDITH",), gender="1"), 9375),
        # By place, with a given name that is another: (30 + 0 + 25 + 5 + 10) / 90.
        (replace(AT_PLACE, given=("OLIVE",)), 7777),
    ],
)
def test_the_level_is_what_the_table_of_weights_gives(asked: AdvancedTrace, level: int) -> None:
    assert searched(asked, records(EDITH)) == [(NUMBER, level)]


@pytest.mark.parametrize(
    "asked",
    [
        replace(ALPHA, family="FIELD"),  # history was not asked for
        replace(ALPHA, family="Carder"),  # no homophones
        replace(ALPHA, family="EDITH", given=("CARTER",)),
        replace(ALPHA, postcode="HU1 2BB"),
        replace(ALPHA, gender="1"),
        replace(ALPHA, given=("ROSE",)),
        replace(ALPHA, practice="B99002"),
        replace(ALPHA, death=exactly("20140111")),
        replace(ALPHA, lines=("9 CREWE WAY",), postcode="LS1 1AA"),
        replace(ALPHA, birth=Dates("19500204", None)),
        replace(SOUND, family="FIELD", ignore_history=True),
        replace(SOUND, given=("OLIVE",)),
        replace(AT_PLACE, gender="1"),
        replace(AT_PLACE, birth=exactly("19500204")),
    ],
)
def test_who_differs_is_not_found(asked: AdvancedTrace) -> None:
    assert searched(asked, records(EDITH)) == []


def test_history_is_compared_and_shown_where_it_is_asked_for() -> None:
    asked = replace(ALPHA, family="FIELD", postcode="HU1 2BB", history=True)
    (found,) = advanced_trace(asked, records(EDITH)).candidates
    assert [name.family for name in found.found.patient.names] == ["CARTER", "FIELD"]
    assert found.level == FULL * (27 + 25 + 9) // (30 + 25 + 10)
    (now,) = advanced_trace(ALPHA, records(EDITH)).candidates
    assert [name.family for name in now.found.patient.names] == ["CARTER"]


@pytest.mark.parametrize("pattern", ["*ARTER", "C*", "*"])
def test_a_wildcard_among_the_first_two_characters_is_refused(pattern: str) -> None:
    for asked in (
        replace(ALPHA, family=pattern),
        replace(ALPHA, given=(pattern,)),
        replace(ALPHA, postcode=pattern),
    ):
        with pytest.raises(PatternTooShort):
            advanced_trace(asked, records(EDITH))


def test_punctuation_is_a_wildcard_and_at_the_start_turns_the_search_into_one_by_sound() -> None:
    smith_jones = replace(EDITH, names=(Name(given=("ANN-MARIE",), family="SMITH JONES"),))
    asked = replace(ALPHA, family="Smith-Jones", given=("Ann Marie",))
    assert read(asked).family == "SMITH*JONES"
    assert searched(replace(asked, given=()), records(smith_jones)) == [(NUMBER, 9454)]
    o_leary = replace(EDITH, names=(Name(given=("PHILIP",), family="OLEARY"),))
    by_sound = replace(ALPHA, family="O'LEARY", given=("Philip",))
    assert read(by_sound).search is Search.ALGORITHMIC
    assert searched(by_sound, records(o_leary)) == [(NUMBER, 8800)]
    with pytest.raises(DetailsMissing):
        advanced_trace(replace(by_sound, given=()), records(o_leary))


@pytest.mark.parametrize(
    "asked",
    [
        replace(ALPHA, family=None),
        replace(ALPHA, family="  "),
        replace(ALPHA, birth=Dates()),
        replace(SOUND, given=()),
        replace(SOUND, birth=Dates()),
        replace(AT_PLACE, gender=None),
        replace(AT_PLACE, postcode="LS1*"),
        replace(AT_PLACE, family=None, given=()),
    ],
)
def test_a_search_that_lacks_what_it_needs_is_refused(asked: AdvancedTrace) -> None:
    with pytest.raises(DetailsMissing):
        advanced_trace(asked, records(EDITH))


def test_a_number_alone_is_enough_and_follows_its_replacement() -> None:
    gone = Patient(OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    withdrawn = Patient(THIRD, status=RecordStatus.INVALID)
    known = records(EDITH, gone, withdrawn)
    by_number = replace(ALPHA, family="NOBODY", nhs_number=OTHER)
    (found,) = advanced_trace(by_number, known).candidates
    assert (found.found.patient.nhs_number, found.found.superseded) == (NUMBER, OTHER)
    for number, refusal in (
        (THIRD, NumberInvalidated),
        (NhsNumber("9990000042"), NotFound),
        (NhsNumber("9990000019"), NumberNotValid),
    ):
        with pytest.raises(refusal):
            advanced_trace(replace(by_number, nhs_number=number), known)


def test_a_number_of_an_old_format_finds_the_record_that_took_it_over() -> None:
    known = records(replace(EDITH, replaced=(ReplacedNumber("ABCD 12/3"), ReplacedNumber(OTHER))))
    assert searched(replace(ALPHA, old_number="abcd123"), known) == [(NUMBER, FULL)]
    assert searched(replace(ALPHA, old_number="ABCD124"), known) == []


def test_a_replaced_record_stands_for_the_one_that_replaced_it() -> None:
    old = replace(EDITH, nhs_number=OTHER, status=RecordStatus.SUPERSEDED, superseded_by=NUMBER)
    merged = replace(EDITH, names=(Name(given=("EDITH",), family="WARD"),))
    assert searched(ALPHA, records(merged, old)) == [(NUMBER, FULL)]
    assert searched(replace(ALPHA, family="WA*"), records(merged, old)) == [(NUMBER, 9454)]
    assert searched(ALPHA, records(old)) == []


def test_a_restricted_patient_is_shown_without_a_place_and_not_found_by_one() -> None:
    hidden = replace(EDITH, sensitivity=Sensitivity.SENSITIVE)
    (found,) = advanced_trace(SOUND, records(hidden)).candidates
    assert found.found.limited
    assert found.found.patient.addresses == ()
    assert found.found.patient.care_provisions == ()
    for asked in (
        AT_PLACE,
        replace(SOUND, postcode="LS1 1AA"),
        replace(ALPHA, lines=("1 MILL LANE",)),
        replace(ALPHA, paf_key="1"),
        replace(ALPHA, practice="A99001"),
    ):
        assert searched(asked, records(hidden)) == []
        allowed = records(hidden, policy=Policy(restricted_found_by_place=True))
        (found,) = advanced_trace(asked, allowed).candidates
        assert found.found.limited
        assert found.found.patient.addresses == ()


def test_more_than_an_answer_lists_are_refused_and_so_are_more_than_may_be_compared() -> None:
    twins = [
        replace(EDITH, nhs_number=number) for number in itertools.islice(patients.numbers(), 3)
    ]
    assert len(searched(ALPHA, records(*twins, policy=Policy(max_matches=3)))) == 3
    with pytest.raises(TooManyMatches):
        advanced_trace(ALPHA, records(*twins, policy=Policy(max_matches=2)))
    with pytest.raises(TooManyMatches):
        advanced_trace(ALPHA, records(*twins, policy=Policy(max_candidates=2)))


def test_a_broad_search_is_refused_after_one_find_and_no_read() -> None:
    crowd = [
        Patient(number, gender="1", birth_time=f"19{index % 90 + 10}0101", names=EDITH.names)
        for index, number in zip(range(2500), patients.numbers(), strict=False)
    ]
    known = records(*crowd)
    counted: list[tuple[str, str]] = []
    watched = replace(
        known, store=CountedStore(known.store, lambda kind, name: counted.append((kind, name)))
    )
    for asked in (
        replace(ALPHA, birth=Dates("1900", "2020")),
        replace(ALPHA, family="CA*", birth=Dates("1900")),
        replace(SOUND, birth=Dates("1900", "2020")),
    ):
        with pytest.raises(TooManyMatches):
            advanced_trace(asked, watched)
    assert counted == [("find", "patient")] * 3


def test_an_update_moves_a_patient_in_the_index() -> None:
    known = records(EDITH)
    moved = replace(EDITH, serial_change_number=2, names=(Name(given=("EDITH",), family="WARD"),))
    loading.load(known.store, [moved], source="later", at="", progress=lambda _count: None)
    assert searched(ALPHA, known) == []
    assert searched(replace(ALPHA, family="WARD"), known) == [(NUMBER, FULL)]
    assert blocking.terms(moved)[blocking.FAMILY] == ("WARD/19500203/2/EDITH",)
    span = Span(blocking.FAMILY, "CARTER", "CARTER" + blocking.AFTER)
    page = known.store.find(PATIENTS, span, limit=10)
    assert page.entries == ()


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("SM*TH", "SMITH", True),
        ("SM*TH", "SMYTHE", False),
        ("AB*BA", "ABA", False),
        ("AB*", "AB", True),
        ("A*B*A*B", "ABAB", True),
        ("A*B*A*B", "ABB", False),
        ("AB", "ABC", False),
    ],
)
def test_a_pattern_fits_what_a_regular_expression_fits(
    pattern: str,
    text: str,
    does: bool,  # noqa: FBT001 - a case of the table
) -> None:
    assert fits(pattern, text) is does
    assert bool(re.fullmatch(pattern.replace("*", ".*"), text)) is does


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text("AB*", max_size=6), st.text("AB", max_size=8))
def test_every_pattern_fits_what_a_regular_expression_fits(pattern: str, text: str) -> None:
    assert fits(pattern, text) == bool(re.fullmatch(pattern.replace("*", ".*"), text))


def test_every_detail_has_a_weight_and_every_agreement_a_share() -> None:
    assert set(scoring.WEIGHTS) == set(scoring.Detail)
    assert set(scoring.SHARES) == set(scoring.Agreement)
    assert matching.fits("", "")


def _population(count: int) -> list[Patient]:
    return list(patients.population(count, 2014))


def _questions(everybody: list[Patient]) -> list[AdvancedTrace]:
    """Give three questions about each patient: by letters, within a year, and by sound."""
    found = []
    for one in everybody:
        if one.status is RecordStatus.ACTIVE and one.birth_time:
            name, year = one.names[0], one.birth_time[:4]
            letters = replace(ALPHA, family=name.family, birth=exactly(one.birth_time))
            found += [
                letters,
                replace(letters, family=f"{(name.family or '')[:3]}*", birth=Dates(year, year)),
                replace(
                    letters,
                    search=Search.ALGORITHMIC,
                    given=name.given,
                    gender=one.gender,
                    postcode=one.addresses[0].postcode,
                ),
            ]
    return found


def test_a_file_finds_what_memory_finds(tmp_path: Path) -> None:
    everybody = _population(150)
    known = records(*everybody)
    store = SqliteStore(tmp_path / "spine.db")
    loading.load(store, everybody, source="test", at="", progress=lambda _count: None)
    on_file = replace(known, store=store)
    for asked in _questions(everybody):
        # O'BRIEN without a given name is a search by sound that lacks one.
        if asked.given or "'" not in (asked.family or ""):
            assert searched(asked, known) == searched(asked, on_file)
    store.close()


def test_a_search_by_sound_costs_no_more_among_more_patients() -> None:
    costs = []
    for count in (100, 2000):
        known = records(*_population(count))
        counted: list[str] = []
        watched = replace(
            known, store=CountedStore(known.store, lambda kind, _name, to=counted: to.append(kind))
        )
        asked = [one for one in _questions(_population(100)) if one.search is Search.ALGORITHMIC]
        for one in asked:
            searched(one, watched)
        costs.append(len(counted) / len(asked))
    few, many = costs
    assert few >= 3
    assert many <= few * 1.05
