"""Changes of senders that know no object ids: the current item of a use or kind is meant."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace
from rich_patients import ASKED

from core.demographics.amending import Hand, amended, is_open
from core.errors import ItemNotFound
from core.values.changes import ChangeList, Item, ItemChange, Kind, Mode
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Name,
    Patient,
    Period,
    Telecom,
    TelecomUse,
)

HAND: Final = Hand("MESSAGE-1", "200000000205", "20140825120000")
PAST: Final = Address(lines=("1 OLD ROAD",), period=Period("19900101", "19991231"), object_id="a1")
HOME: Final = Address(lines=("2 HIGH STREET",), period=Period("20000101"), object_id="a2")
HOLIDAY: Final = Address(AddressUse.TEMPORARY, lines=("3 SEA VIEW",), object_id="a3")
PRACTICE: Final = CareProvision(CareProvisionKind.PRIMARY_CARE, "A99001", object_id="g1")
PHARMACY: Final = CareProvision(CareProvisionKind.PHARMACY, "FA999", object_id="g2")
PATIENT: Final = Patient(
    ASKED,
    serial_change_number=7,
    names=(Name(family="FIELD", object_id="n1"),),
    addresses=(PAST, HOME, HOLIDAY),
    care_provisions=(PRACTICE, PHARMACY),
)


def after(mode: Mode, item: Item) -> Patient:
    """Give the record after one change."""
    changes = (ItemChange(mode, item),)
    return amended(PATIENT, ChangeList(ASKED, 7, Kind.CHANGE, changes), HAND)


def test_what_is_set_takes_the_place_and_the_id_of_the_current_item_of_its_use() -> None:
    new = Address(lines=("9 NEW ROAD",))
    kept = after(Mode.SET, new).addresses
    (current,) = (
        one for one in kept if one.use is AddressUse.HOME and is_open(one) and one != PAST
    )
    assert (current.lines, current.object_id) == (("9 NEW ROAD",), "a2")
    assert PAST in kept
    assert HOLIDAY in kept
    (history,) = (one for one in kept if one.lines == HOME.lines)
    assert not is_open(history)


def test_what_is_set_is_added_where_nothing_of_its_use_stands() -> None:
    phone = Telecom(TelecomUse.HOME, "tel:01632960001")
    (kept,) = after(Mode.SET, phone).telecoms
    assert kept.value == phone.value
    assert kept.object_id


def test_a_provider_is_set_by_what_it_provides() -> None:
    kept = after(Mode.SET, replace(PRACTICE, provider="B99002", object_id=None)).care_provisions
    assert {(one.provider, one.object_id) for one in kept if is_open(one)} == {
        ("B99002", "g1"),
        ("FA999", "g2"),
    }


def test_what_is_cleared_is_closed_and_kept_as_history() -> None:
    kept = after(Mode.CLEARED, Address(AddressUse.HOME)).addresses
    (history,) = (one for one in kept if one.lines == HOME.lines)
    assert not is_open(history)
    assert {one for one in kept if is_open(one)} == {PAST, HOLIDAY}


def test_nothing_is_cleared_where_nothing_of_the_use_stands() -> None:
    with pytest.raises(ItemNotFound):
        after(Mode.CLEARED, Telecom(TelecomUse.HOME, ""))
