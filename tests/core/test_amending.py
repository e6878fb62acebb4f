"""What holds of every list of changes applied to every record."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich_patients import GALLERY

from core.demographics.amending import ID_LENGTH, KEPT_IN, Hand, amended, is_open
from core.values.changes import Change, ChangeList, Item, ItemChange, Kind, Mode
from core.values.demographics import CareProvision, Patient, Period
from operations.patients import population

HAND = Hand("MESSAGE-1", "200000000205", "20140825120000")


def items(patient: Patient) -> list[Item]:
    """Give every version of every repeating item."""
    return [one for kept_in in KEPT_IN.values() for one in getattr(patient, kept_in)]


def is_closed_now(item: Item) -> bool:
    """Say whether the changes closed an item."""
    recorded = item.provenance.recorded if item.provenance else None
    return recorded is not None and recorded.end == HAND.at


def numbered(patient: Patient) -> Patient:
    """Give the record with object ids that are its own, as every stored record has."""
    ids = iter(range(1000))
    kept: dict[str, Any] = {
        kept_in: tuple(replace(one, object_id=f"k{next(ids)}") for one in getattr(patient, kept_in))
        for kept_in in KEPT_IN.values()
    }
    return replace(patient, **kept)


POOL = tuple(one for patient in (*GALLERY.values(), *population(300, 7)) for one in items(patient))
"""Items of every kind: those of a population, and those with everything an item may have."""
PEOPLE = tuple(numbered(one) for one in (*GALLERY.values(), *population(60, 9)))
PERIODS = (
    None,
    Period("2014"),
    Period("20140801"),
    Period("201408010930"),
    Period(None, "20140801"),
    Period("20140801", "20140901"),
    Period("20150101"),
)


@st.composite
def new_items(draw: st.DrawFn, kind: type) -> Item:
    """Give an item of a kind, with a period of any form."""
    likes = [one for one in POOL if type(one) is kind]
    return replace(draw(st.sampled_from(likes)), period=draw(st.sampled_from(PERIODS)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Patient, ChangeList]:
    """Give a record and changes that fit it: each of its items may be altered or removed."""
    patient = draw(st.sampled_from(PEOPLE))
    added = draw(st.lists(st.sampled_from(tuple(KEPT_IN)), max_size=3))
    changes: list[Change] = [ItemChange(Mode.ADDED, draw(new_items(kind))) for kind in added]
    for standing in filter(is_open, items(patient)):
        mode = draw(st.sampled_from((None, Mode.ALTERED, Mode.REMOVED)))
        if mode is not None:
            like = replace(draw(new_items(type(standing))), object_id=standing.object_id)
            if isinstance(like, CareProvision):
                like = replace(like, kind=cast("CareProvision", standing).kind)
            changes.append(ItemChange(mode, like))
    asked = ChangeList(
        patient.nhs_number,
        patient.serial_change_number,
        draw(st.sampled_from(Kind)),
        tuple(draw(st.permutations(changes))),
    )
    return patient, asked


@given(cases())
def test_a_list_of_changes_is_one_number_and_gives_the_same_again(
    case: tuple[Patient, ChangeList],
) -> None:
    patient, asked = case
    after = amended(patient, asked, HAND)
    assert after.serial_change_number == patient.serial_change_number + 1
    assert after == amended(patient, asked, HAND)


@given(cases())
def test_object_ids_are_unique_in_a_record_and_new_ones_look_like_them(
    case: tuple[Patient, ChangeList],
) -> None:
    patient, asked = case
    after = [one.object_id or "" for one in items(amended(patient, asked, HAND))]
    assert len(set(after)) == len(after)
    new = set(after) - {one.object_id for one in items(patient)}
    assert all(
        len(one) == ID_LENGTH and one.isalnum() and one == one.lower() and one.isascii()
        for one in new
    )


@given(cases())
def test_what_is_not_asked_for_stays_as_it_was(case: tuple[Patient, ChangeList]) -> None:
    patient, asked = case
    after = amended(patient, asked, HAND)
    touched = {one.item.object_id for one in asked.changes if isinstance(one, ItemChange)}
    standing = items(after)
    assert all(one in standing for one in items(patient) if one.object_id not in touched)
    alike: dict[str, Any] = dict.fromkeys(KEPT_IN.values(), ())
    assert replace(after, serial_change_number=1, **alike) == replace(
        patient, serial_change_number=1, **alike
    )


@given(cases())
def test_a_change_loses_no_version_and_a_correction_keeps_none(
    case: tuple[Patient, ChangeList],
) -> None:
    patient, asked = case
    before, after = items(patient), items(amended(patient, asked, HAND))
    modes = [one.mode for one in asked.changes if isinstance(one, ItemChange)]
    added, altered, removed = (
        modes.count(mode) for mode in (Mode.ADDED, Mode.ALTERED, Mode.REMOVED)
    )
    closed_now = [one for one in after if is_closed_now(one)]
    if asked.kind is Kind.CHANGE:
        assert len(after) == len(before) + added + altered
        assert len(closed_now) == altered + removed
    else:
        assert len(after) == len(before) + added - removed
        assert not closed_now


@given(cases())
def test_no_version_ends_before_it_starts_that_did_not_come_so(
    case: tuple[Patient, ChangeList],
) -> None:
    patient, asked = case
    after = amended(patient, replace(asked, kind=Kind.CHANGE), HAND)
    for one in after.addresses:
        if is_closed_now(one) and one.period and one.period.start and one.period.end:
            known = min(len(one.period.start), len(one.period.end))
            assert one.period.end[:known] >= one.period.start[:known]
