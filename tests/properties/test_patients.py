"""Systems read and change patients by messages, and a model says what each of them sees.

The machine is `patients_machine`, its model `remembered`; `make patients` runs longer.
Where SPINE_SCHEMAS is set each answer is held against its official schema too.
"""

from __future__ import annotations

import pytest
import running_patients
from patients_machine import Patients
from patients_world import ANSWERS
from running_patients import machine_on

from adapters import pds_creation, pds_updates
from core.store.port import Store
from core.store.sqlite import SqliteStore


def test_what_persons_wrote_is_what_every_generation_tells() -> None:
    running_patients.run(Patients, runs=14, steps=15)


def test_what_persons_wrote_is_what_every_generation_tells_on_a_disk(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def home() -> Store:
        return SqliteStore(tmp_path_factory.mktemp("patients") / "s.db")

    running_patients.run(machine_on(home), runs=4, steps=12)


def test_every_interaction_that_changes_patients_takes_part() -> None:
    assert set(ANSWERS) == {*pds_updates.SERVICES, *pds_creation.SERVICES}


def test_the_machine_sees_what_one_generation_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = "legacy_contracts.pds.record_2006._telecoms"
    monkeypatch.setattr(place, lambda _patient, **_how: "")
    with pytest.raises(AssertionError, match="QUPA_IN040000UK"):
        running_patients.run(Patients, runs=1, steps=2)
