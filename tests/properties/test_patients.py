"""Systems read and change patients by messages, and a model says what each of them sees.

The machine is `patients_machine`, its model `remembered`; `make patients` runs longer.
Where SPINE_SCHEMAS is set each answer is held against its official schema too.
"""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import patients_asked as asked
import patients_changed
import patients_scene
import pytest
import running_patients
from attempts import Plan, plans
from msgspec.structs import replace
from patients_machine import Patients
from patients_world import ANSWERS, SENT
from riak_server import RiakServer
from running_patients import machine_on
from updating import NUMBER, PATIENT

from adapters import pds_creation, pds_updates
from core.store.memory import MemoryStore
from core.store.port import Store
from core.store.riak import Pace, RiakStore
from core.store.sqlite import SqliteStore

FIRST = PATIENT.serial_change_number


def test_what_persons_wrote_is_what_every_generation_tells() -> None:
    running_patients.run(Patients, runs=16, steps=15)


def test_what_persons_wrote_is_what_every_generation_tells_on_a_disk(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def home() -> Store:
        return SqliteStore(tmp_path_factory.mktemp("patients") / "s.db")

    running_patients.run(machine_on(home), runs=4, steps=12)


@pytest.fixture
def nodes() -> Iterator[list[RiakServer]]:
    """Give a place for the nodes of a test, which end with it."""
    made: list[RiakServer] = []
    yield made
    for node in made:
        node.down()


def test_what_persons_wrote_is_what_every_generation_tells_on_riak(
    nodes: list[RiakServer],
) -> None:
    def home() -> Store:
        nodes.append(RiakServer())
        return RiakStore((nodes[-1].address,), Pace(deadline_seconds=60.0))

    running_patients.run(machine_on(home), runs=4, steps=12)


def test_every_interaction_that_changes_patients_takes_part() -> None:
    assert set(ANSWERS) == {*pds_updates.SERVICES, *pds_creation.SERVICES}


@pytest.mark.parametrize("interaction", SENT)
def test_what_is_drawn_of_an_update_is_done_now_and_then(interaction: str) -> None:
    """A message that were always refused would take no part."""

    def is_done(plan: Plan) -> bool:
        scene = patients_scene.scene_on(MemoryStore())
        own = replace(plan, which=0, scn="right")
        patients_changed.judge(scene, [patients_changed.attempt(scene, own)])
        asked.everybody(scene)
        return bool(scene.people[NUMBER]["scn"] == FIRST + 1)

    hypothesis.find(plans(interaction), is_done, settings=running_patients.drawing(100))


def test_the_machine_sees_what_one_generation_does_not_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = "legacy_contracts.pds.record_2006._telecoms"
    monkeypatch.setattr(place, lambda _patient, **_how: "")
    with pytest.raises(AssertionError, match="QUPA_IN040000UK"):
        running_patients.run(Patients, runs=1, steps=2)
