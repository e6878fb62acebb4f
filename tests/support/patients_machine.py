"""A state machine: systems read and change patients by messages, and a model says what they see.

What is drawn is who does what; `remembered` says what must come of it. After every step each
generation of queries, and each mini service, tells of each patient what was written, the history
has an entry for each serial change number, and the audit has a row for each access.
`running_patients` runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import creation_messages
import newcomers
import patients_asked as asked
import patients_changed as changed
import patients_scene
import patients_searched
from attempts import MOST, PLANS, Plan
from creation_messages import Baby
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace
from patients_world import SYSTEMS
from telling import RETRIEVALS

from core.demographics.back_office import ShowHistory
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.demographics import Sensitivity
from core.values.identity import NhsNumber

_WHO: Final = st.integers(0, MOST - 1)
_SYSTEMS: Final = st.sampled_from(tuple(SYSTEMS))
_DEATHS: Final = st.integers(0, 5) | st.none()
"""After how many writes the worker dies, if it does."""


_ASKING: Final = {
    **dict.fromkeys(asked.OTHERS, asked.find),
    **dict.fromkeys(asked.SERVICES, asked.serve),
    **dict.fromkeys(patients_searched.SEARCHES, patients_searched.search),
}
_QUESTIONS: Final = (*RETRIEVALS, *RETRIEVALS, *_ASKING)


class Patients(RuleBasedStateMachine):
    """Systems, their hub on a store in memory, and what must come of all they do."""

    home: Callable[[], Store] = MemoryStore

    def __init__(self) -> None:
        super().__init__()
        self.scene = patients_scene.scene_on(type(self).home())

    def teardown(self) -> None:
        """Let go of the store."""
        self.scene.world.store.close()

    # What systems ask.

    @rule(asid=_SYSTEMS, which=_WHO, question=st.sampled_from(_QUESTIONS), is_right=st.booleans())
    def a_system_asks(self, asid: str, which: int, question: str, *, is_right: bool) -> None:
        """Let a system ask any query or mini service, with details that are right or not."""
        number = self.scene.number(which)
        if question in RETRIEVALS:
            # It goes on by what it saw.
            asked.read(self.scene, asid, number, question)
        else:
            _ASKING[question](self.scene, asid, number, question, is_right=is_right)

    # What systems write.

    @rule(plan=PLANS)
    def a_system_updates(self, plan: Plan) -> None:
        """Let a system change a record, by what it holds of it."""
        changed.judge(self.scene, [changed.attempt(self.scene, plan)])

    @rule(plans=st.lists(PLANS, min_size=3, max_size=3))
    def systems_update_one_after_the_other(self, plans: list[Plan]) -> None:
        """Let systems read a record and change it, each with what the one before left."""
        for plan in plans:
            one = replace(plan, which=plans[0].which, scn="right")
            asked.read(self.scene, one.asid, self.scene.number(one.which), "QUPA_IN000008UK02")
            changed.judge(self.scene, [changed.attempt(self.scene, one)])

    @rule(plan=PLANS, other=PLANS)
    def two_systems_update_at_once(self, plan: Plan, other: Plan) -> None:
        """Let two systems hold one serial change number: of two that may win, one does."""
        both = replace(plan, scn="right"), replace(other, which=plan.which, scn="right")
        changed.judge(self.scene, [changed.attempt(self.scene, one) for one in both])

    @rule(plan=PLANS, writes=st.integers(0, 5), is_after=st.booleans(), seconds=st.integers(0, 9))
    def the_worker_is_killed(
        self, plan: Plan, writes: int, seconds: int, *, is_after: bool
    ) -> None:
        """Kill the worker in the middle of an update: another does it again."""
        changed.killed_over(self.scene, plan, writes, seconds, is_after=is_after)

    @rule(
        asid=_SYSTEMS,
        interaction=st.sampled_from(creation_messages.ALLOCATIONS),
        who=st.integers(0, 3),
        writes=_DEATHS,
    )
    @precondition(lambda self: len(self.scene.people) < MOST)
    def a_patient_is_new(self, asid: str, interaction: str, who: int, writes: int | None) -> None:
        """Let a system ask for a number; where the worker dies over it, there is still one."""
        changed.allocate(self.scene, asid, interaction, who, writes)

    @rule(
        asid=_SYSTEMS,
        interaction=st.sampled_from(creation_messages.BIRTHS),
        baby=newcomers.BABIES,
        writes=_DEATHS,
    )
    @precondition(lambda self: len(self.scene.people) < MOST)
    def a_child_is_born(self, asid: str, interaction: str, baby: Baby, writes: int | None) -> None:
        """Let a system notify a birth, which may have been notified before."""
        changed.notify_birth(self.scene, asid, interaction, baby, writes)

    @rule()
    @precondition(lambda self: self.scene.last and self.scene.world.is_remembered(self.scene.last))
    def a_message_comes_again(self) -> None:
        """Send a message again: it gets the same acknowledgment, and nothing else comes of it."""
        assert self.scene.last is not None
        self.scene.world.hand_in(self.scene.last)
        assert self.scene.world.work() == []

    # What operators do, and time.

    @rule(
        what=st.sampled_from(("restrict", "lift", "merge", "split", "merge and split")),
        which=_WHO,
        other=_WHO,
        why=st.sampled_from(tuple(Sensitivity)),
    )
    def an_operator_acts(self, what: str, which: int, other: int, why: Sensitivity) -> None:
        """Let an operator withhold a record or show it again, merge two, or split them."""
        one, two = self.scene.number(which), self.scene.number(other)
        replaced = [each for each, record in self.scene.people.items() if record["replaced_by"]]
        if what == "split" and replaced:
            one = replaced[which % len(replaced)]
        changed.act_by_hand(self.scene, what, one, two, why)

    @rule(hours=st.sampled_from((1, 8, 24, 24 * 30)))
    def time_passes(self, hours: int) -> None:
        """Let time pass: what was for a while only is over."""
        self.scene.world.hub.clock.forward(hours * 3600)

    # What holds after every step.

    @invariant()
    def every_generation_tells_what_was_written(self) -> None:
        """Hold every query and mini service against the model, a search by message in turn."""
        for number in asked.everybody(self.scene):
            asid, interaction = patients_searched.in_turn(self.scene)
            patients_searched.search(self.scene, asid, number, interaction)

    @invariant()
    def the_history_has_every_serial_change_number(self) -> None:
        """Hold the history against the model: each version with who wrote it, and no other."""
        scene = self.scene
        for number, record in scene.people.items():
            show = ShowHistory(NhsNumber(number), 1000)
            told = scene.world.hub.us.core.perform(show, by=scene.world.operator())
            scene.by_hand("ShowHistory", (number,), "done")
            shown = [(one.serial_change_number, one.by, one.command) for one in told.changes]
            assert shown == list(reversed(record["history"]))
            numbers = [one for one, _, _ in record["history"]]
            assert numbers == list(range(record["first"] + 1, record["scn"] + 1))
            assert told.patient.serial_change_number == record["scn"]

    @invariant()
    def the_audit_has_every_access(self) -> None:
        """Hold the audit against what was asked: a row for each access, and no other."""
        self.scene.require_audited()
