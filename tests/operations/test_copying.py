"""A store copied with the changes of its records, while they are being changed."""

from __future__ import annotations

import pytest
from updating import NUMBER, PATIENT, PHONE, World, world

from core.demographics.back_office import History, ShowHistory
from core.demographics.claiming import CHANGES
from core.errors import SerialChangeNumberStale
from core.values.changes import ItemChange, Mode, Single, SingleChange
from operations import copying

GENDER = SingleChange(Mode.ALTERED, Single.GENDER, "1")


def quiet(_stage: str, _done: int, _whole: int) -> None:
    """Show no progress."""


def history(made: World) -> History:
    shown = made.by_hand(ShowHistory(NUMBER, 100))
    assert isinstance(shown, History)
    return shown


def test_a_copy_has_the_history_and_a_message_that_was_done_is_done_there_too() -> None:
    source, target = world(PATIENT), world()
    after = source.update(ItemChange(Mode.REMOVED, PHONE))
    copying.copy(source.store, target.store, quiet)
    copying.copy(source.store, target.store, quiet)
    assert history(target) == history(source)
    assert copying.counts(target.store)[CHANGES.name] == 1
    assert target.update(ItemChange(Mode.REMOVED, PHONE)) == after
    assert target.update(GENDER, scn=8, message="m2").serial_change_number == 9


def test_a_change_made_while_a_store_is_copied_is_carried_out_in_the_copy() -> None:
    source, target = world(PATIENT), world()

    def meanwhile(stage: str, done: int, whole: int) -> None:
        if stage == "Copying patient" and done == whole:
            source.update(ItemChange(Mode.REMOVED, PHONE))

    copying.copy(source.store, target.store, meanwhile)
    assert target.read() == PATIENT
    with pytest.raises(SerialChangeNumberStale):
        target.update(GENDER, message="m2")
    assert history(target) == history(source)
