"""Who wins where many change one patient at once by messages, on each home (decision 0018)."""

from __future__ import annotations

import racing_updates
from updating import PATIENT, somebody

from core.demographics.records import PATIENTS
from core.store.port import Store

SENDERS, TURNS = 16, 3


def test_of_sixteen_who_update_one_patient_by_messages_one_is_done_and_the_others_are_refused(
    store: Store,
) -> None:
    patient = somebody()
    number, first = patient.nhs_number, patient.serial_change_number
    racers = racing_updates.senders(store, patient, SENDERS)
    won = []
    for turn, ended in enumerate(racing_updates.race(racers, number, TURNS), start=1):
        (winner,) = ended.won
        won.append(winner)
        assert winner.scn == first + turn
        assert len(ended.refused_for) == SENDERS - 1
        for reasons in ended.refused_for:
            assert any("SERIAL_CHANGE_NUMBER_MISMATCH" in one for one in reasons), reasons

    record = store.read(PATIENTS, number)
    assert record is not None
    assert record.serial_change_number == first + len(won), "as many successes as numbers"
    kin = [one.name.family for one in record.related_persons if one.name]
    expected = [*(one.name.family for one in PATIENT.related_persons if one.name)]
    assert kin == [*expected, *(one.mark for one in won)], "nothing is lost, nothing merged"
    told = racers[0].history(number).changes
    shown = [(one.serial_change_number, one.message_id) for one in reversed(told)]
    assert shown == [(one.scn, one.message_key) for one in won]
