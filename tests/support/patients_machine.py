"""A state machine: systems read and change patients by messages, and a model says what they see.

What is drawn is who does what; `remembered` says what must come of it. After every step each
generation's retrieval tells of each patient what was written, the history has an entry for each
serial change number, and the audit has a row for each access. `running_patients` runs it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import audited_rows
import creation_messages
import patients_at_first
import remembered
import telling
import update_messages as made
import wishing
from attempts import MOST, PLANS, Attempt, Outcome, Plan, broken
from ebxml_messages import Message
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from patients_world import REFUSAL, SYSTEMS, Killed, World
from remembered import Hand, People, Refused
from schemas import Schemas, folder, hl7_message
from telling import RETRIEVALS
from update_messages import Asked
from wire_requests import KINDS, OLDEST, Details, Kind
from wishing import Held

from core.demographics.back_office import Merge, Restrict, ShowHistory, Split
from core.errors import CoreError
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.demographics import Sensitivity
from core.values.identity import NhsNumber
from operations import loading

Command = Merge | Split | Restrict

_WHO: Final = st.integers(0, MOST - 1)
_SYSTEMS: Final = st.sampled_from(tuple(SYSTEMS))


class Patients(RuleBasedStateMachine):
    """Systems, their hub on a store in memory, and what must come of all they do."""

    home: Callable[[], Store] = MemoryStore

    def __init__(self) -> None:
        super().__init__()
        place = folder()
        self.world = World(type(self).home(), _schemas(place) if place else None)
        loading.load(
            self.world.store,
            patients_at_first.LOADED,
            source="test",
            at="20140101",
            progress=lambda _count: None,
        )
        self.people: People = patients_at_first.people()
        self.held: dict[tuple[str, str], tuple[int, Held]] = {}
        self.last: Message | None = None
        self.noted: Counter[tuple[Any, ...]] = Counter()
        self.may_repeat = False
        self.turn = 0
        self.seen: dict[str, tuple[str, int, int]] = {}
        self.world.accesses()

    def teardown(self) -> None:
        """Let go of the store."""
        self.world.store.close()

    @property
    def hand(self) -> str:
        """The day."""
        return f"{self.world.hub.clock():%Y%m%d}"

    def number(self, which: int) -> str:
        """Give one of the patients' numbers."""
        numbers = tuple(self.people)
        return numbers[which % len(numbers)]

    # What systems ask.

    @rule(asid=_SYSTEMS, which=_WHO, interaction=st.sampled_from(tuple(RETRIEVALS)))
    def a_system_reads(self, asid: str, which: int, interaction: str) -> None:
        """Let a system retrieve a record, and go on by what it saw."""
        self._read(asid, self.number(which), interaction)

    @rule(
        asid=_SYSTEMS,
        which=_WHO,
        interaction=st.sampled_from(
            tuple(one for one, kind in KINDS.items() if kind is not Kind.RETRIEVAL)
        ),
        is_right=st.booleans(),
    )
    def a_system_finds(self, asid: str, which: int, interaction: str, *, is_right: bool) -> None:
        """Let a system trace, cross-check or confirm, with details that are right or not."""
        number = self.number(which)
        details = self._details(number, is_right=is_right)
        outcome, whose = self._found(KINDS[interaction], number, details)
        answered = self.world.ask(asid, interaction, details)
        self._note_query(asid, interaction, number, outcome, whose)
        assert (answered.outcome == "AA") == (outcome == "done"), (answered.outcome, outcome)
        if outcome == "done":
            shown = telling.briefly(hl7_message(answered.body))
            assert shown == telling.brief(self.people[whose], whose, self.hand)

    def _details(self, number: str, *, is_right: bool) -> Details:
        record = self.people[remembered.stood_for(self.people, number)]
        usual = [
            one["said"][2]
            for one in record["items"]["names"]
            if remembered.stands(one, self.hand) and one["use"] == "L"
        ]
        return Details(
            nhs_number=number,
            gender=record["singles"]["gender"],
            birth_time=record["singles"]["birth"],
            family=usual[0] if usual and is_right else "NOBODY",
        )

    def _found(self, kind: Kind, number: str, details: Details) -> tuple[str, str]:
        """Give how a query must end, and whose record it shows."""
        holder = remembered.stood_for(self.people, number)
        if kind is Kind.CONFIRMATION:
            return "done", holder
        if kind is Kind.CROSS_CHECK:
            if holder != number:
                return "NumberSuperseded", ""
            return ("done", number) if self._fits(number, details) else ("NotVerified", "")
        fitting = [
            one
            for one in self.people
            if not self.people[one]["replaced_by"]
            and self._fits(one, details)
            and self.people[one]["singles"]["gender"] == details.gender
        ]
        if len(fitting) == 1:
            return "done", fitting[0]
        return ("TooManyMatches" if fitting else "NotFound"), ""

    def _fits(self, number: str, details: Details) -> bool:
        record = self.people[number]
        families = {
            one["said"][2].upper()
            for one in record["items"]["names"]
            if remembered.stands(one, self.hand)
        }
        born = record["singles"]["birth"][:8] == details.birth_time[:8]
        return born and (details.family or "").upper() in families

    def _note_query(
        self, asid: str, interaction: str, number: str, outcome: str, whose: str
    ) -> None:
        asked = () if KINDS[interaction] is Kind.TRACE else (number,)
        shown = tuple(dict.fromkeys((*asked, *((whose,) if whose else ()))))
        command = audited_rows.COMMANDS[KINDS[interaction]]
        user = audited_rows.OLD_USER if interaction in OLDEST else asid
        self.noted[command, f"{SYSTEMS[asid]}/{user}", shown, outcome] += 1

    def _read(self, asid: str, number: str, interaction: str, *, history: bool = True) -> None:
        """Hold what an answer says against what was written; a first sight tells object ids."""
        holder = remembered.stood_for(self.people, number)
        record, carries = self.people[holder], RETRIEVALS[interaction]
        details = Details(nhs_number=number, history="1" if history else "0")
        answered = self.world.ask(asid, interaction, details)
        self._note_query(asid, interaction, number, "done", holder)
        assert answered.outcome == "AA", answered.outcome
        told, versions = telling.answered(hl7_message(answered.body), carries)
        today = None if history else self.hand
        assert told == telling.expected(record, holder, carries, today), interaction
        if carries.writer and history and not record["restricted"]:
            telling.learn(record, versions)
        telling.require_ids(record, versions, carries)
        held = {one: (version[0], version[1]) for one, version in versions.items()}
        self.held[asid, holder] = (record["scn"], held)

    # What systems write.

    @rule(plan=PLANS)
    def a_system_updates(self, plan: Plan) -> None:
        """Let a system change a record, by what it holds of it."""
        self._judge([self._attempt(plan)])

    @rule(plans=st.lists(PLANS, min_size=3, max_size=3))
    def systems_update_one_after_the_other(self, plans: list[Plan]) -> None:
        """Let systems read a record and change it, each with what the one before left."""
        for plan in plans:
            one = replace(plan, which=plans[0].which, scn="right")
            number = self.number(one.which)
            self._read(one.asid, number, "QUPA_IN000008UK02")
            self._judge([self._attempt(one)])

    @rule(plan=PLANS, other=PLANS)
    def two_systems_update_at_once(self, plan: Plan, other: Plan) -> None:
        """Let two systems hold one serial change number: of two that may win, one does."""
        both = replace(other, which=plan.which, scn="right")
        self._judge([self._attempt(replace(plan, scn="right")), self._attempt(both)])

    @rule(plan=PLANS, writes=st.integers(0, 5), is_after=st.booleans(), seconds=st.integers(0, 9))
    def the_worker_is_killed(
        self, plan: Plan, writes: int, seconds: int, *, is_after: bool
    ) -> None:
        """Kill the worker in the middle of an update: another does it again."""
        attempt = self._attempt(plan)
        before = self._outcome(self.people, attempt)
        self.world.hand_in(attempt.message)
        self._kill_at(writes, is_after=is_after)
        was_done = before.scn is not None and self._shown_scn(attempt.number) == before.scn
        self.world.hub.clock.forward(seconds)
        after = before if was_done else self._outcome(self.people, attempt)
        replies = self.world.work()
        assert len(set(replies)) == 1, replies
        assert after.is_told_by(replies[0]), (replies[0], after.reasons, after.broken)
        self._note_update(attempt, after)
        self.people, self.last, self.may_repeat = after.people, attempt.message, True

    @rule(
        asid=_SYSTEMS,
        interaction=st.sampled_from(creation_messages.ALLOCATIONS),
        who=st.integers(0, 3),
        writes=st.integers(0, 5) | st.none(),
    )
    @precondition(lambda self: len(self.people) < MOST)
    def a_patient_is_new(self, asid: str, interaction: str, who: int, writes: int | None) -> None:
        """Let a system ask for a number; where the worker dies over it, there is still one."""
        newcomer, wishes = wishing.newcomer(who)
        message = self._named(
            creation_messages.allocation(interaction, newcomer, self.world.route(asid))
        )
        self.world.hand_in(message)
        if writes is not None:
            self._kill_at(writes, is_after=True)
            self.may_repeat = True
        (reply,) = set(self.world.work())
        assert reply.interaction != REFUSAL, reply
        assert reply.scn == 1
        number = str(reply.nhs_number)
        assert number not in self.people, "a number that was given before"
        hand = Hand(asid, self.world.hub.clock())
        self.people[number] = remembered.begun(
            (*wishing.as_told(wishes, interaction), wishing.registered(interaction)), hand
        )
        self.noted["AllocateNumber", audited_rows.who(asid), (number,), "done"] += 1
        self.last = message

    @rule()
    @precondition(lambda self: self.last is not None and self.world.is_remembered(self.last))
    def a_message_comes_again(self) -> None:
        """Send a message again: it gets the same acknowledgment, and nothing else comes of it."""
        assert self.last is not None
        self.world.hand_in(self.last)
        assert self.world.work() == []

    def _attempt(self, plan: Plan) -> Attempt:
        number = self.number(plan.which)
        holder = remembered.stood_for(self.people, number)
        if (plan.asid, holder) not in self.held:
            self._read(plan.asid, number, "QUPA_IN000008UK05")
        seen, held = self.held[plan.asid, holder]
        right = self.people[number]["scn"]
        scn = {"right": right, "held": seen, "future": right + 1, "missing": None}[plan.scn]
        said = tuple(
            one
            for one in (wishing.said(plan.interaction, each, held) for each in plan.drafts)
            if one is not None
        )
        asked = Asked(
            {
                **wishing.sections(said),
                "deceased": wishing.deceased(plan.interaction, said),
                "author": wishing.author_of(plan.interaction, said),
            },
            number,
            "" if scn is None else str(scn),
            "2" if plan.is_correction else "1",
        )
        message = made.update(
            plan.interaction, asked, self.world.route(plan.asid), message_id=self.world.new_id()
        )
        return Attempt(
            message,
            number,
            scn,
            plan.is_correction,
            tuple(one.wish for one in said),
            plan.asid,
            broken(scn, said),
        )

    def _outcome(self, people: People, attempt: Attempt) -> Outcome:
        if attempt.broken:
            return Outcome(people, broken=attempt.broken)
        hand = Hand(attempt.by, self.world.hub.clock())
        try:
            after = remembered.changed(
                people[attempt.number],
                attempt.scn,
                attempt.wishes,
                hand,
                correction=attempt.is_correction,
            )
        except Refused as refused:
            return Outcome(people, refused.reasons)
        return Outcome({**people, attempt.number: after}, scn=after["scn"])

    def _judge(self, attempts: list[Attempt]) -> None:
        """Send updates; what comes back must be what comes of them in some order."""
        replies = {one.message_id: one for one in self.world.send(*(a.message for a in attempts))}
        assert len(replies) == len(attempts)
        tried = []
        for order in itertools.permutations(attempts):
            people, outcomes = self.people, []
            for attempt in order:
                outcomes.append(self._outcome(people, attempt))
                people = outcomes[-1].people
            if all(
                outcome.is_told_by(replies[attempt.message.message_id])
                for attempt, outcome in zip(order, outcomes, strict=True)
            ):
                for attempt, outcome in zip(order, outcomes, strict=True):
                    self._note_update(attempt, outcome)
                self.people, self.last = people, order[-1].message
                return
            tried.append([(one.scn, one.reasons, one.broken) for one in outcomes])
        raise AssertionError(f"came back: {list(replies.values())}; may come: {tried}")

    def _note_update(self, attempt: Attempt, outcome: Outcome) -> None:
        row = ("UpdateRecord", audited_rows.who(attempt.by))
        if outcome.scn is not None:
            self.noted[*row, (attempt.number,), "done"] += 1
        elif outcome.broken:
            self.noted[*row, (), "declined"] += 1
        else:
            self.noted[*row, (attempt.number,), "refused"] += 1

    def _kill_at(self, writes: int, *, is_after: bool) -> None:
        mortal = self.world.mortal
        mortal.writes_left, mortal.is_after = writes, is_after
        try:
            self.world.hub.work()
            self.world.hub.work()
        except Killed:
            pass
        self.world.live_again()

    def _shown_scn(self, number: str) -> int:
        """Give the serial change number that a query shows: the model cannot know it here."""
        interaction = "QUPA_IN000008UK02"
        asid = next(iter(SYSTEMS))
        holder = remembered.stood_for(self.people, number)
        answered = self.world.ask(asid, interaction, Details(nhs_number=number))
        self._note_query(asid, interaction, number, "done", holder)
        told, _ = telling.answered(hl7_message(answered.body), RETRIEVALS[interaction])
        return int(told["scn"])

    def _named(self, message: Message) -> Message:
        """Give a message under an id of this run."""
        own = self.world.new_id()
        payload = message.payload.replace(message.message_id, own)
        return replace(message, payload=payload, message_id=own, conversation_id=own)

    # What operators do, and time.

    @rule(
        what=st.sampled_from(("restrict", "lift", "merge", "split", "merge and split")),
        which=_WHO,
        other=_WHO,
        why=st.sampled_from(tuple(Sensitivity)),
    )
    def an_operator_acts(self, what: str, which: int, other: int, why: Sensitivity) -> None:
        """Let an operator withhold a record or show it again, merge two, or split them."""
        one, two = self.number(which), self.number(other)
        replaced = [number for number, record in self.people.items() if record["replaced_by"]]
        if what == "split" and replaced:
            one = replaced[which % len(replaced)]
        message_id, by = self.world.new_id(), remembered.OPERATOR
        if what.startswith("merge"):
            merge = Merge(NhsNumber(one), NhsNumber(two), message_id, by)
            self._by_hand(
                merge, (one, two), lambda: remembered.merged(self.people, one, two, self.hand)
            )
        if what.endswith("split"):
            split = Split(NhsNumber(one), self.world.new_id(), by)
            self._by_hand(split, (one,), lambda: remembered.split(self.people, one))
        if what in {"restrict", "lift"}:
            reason = why if what == "restrict" else None
            restrict = Restrict(NhsNumber(one), reason, message_id, by)
            self._by_hand(
                restrict,
                (one,),
                lambda: remembered.restricted(self.people, one, reason and reason.value),
            )

    def _by_hand(
        self, command: Command, numbers: tuple[str, ...], model: Callable[[], People]
    ) -> None:
        expected, people = "done", self.people
        try:
            people = model()
        except Refused as refused:
            (reason,) = refused.reasons
            expected = audited_rows.BY_HAND[reason]
        outcome = "done"
        try:
            self.world.hub.us.core.perform(command, by=self.world.operator())
        except CoreError as error:
            outcome = type(error).__name__
        assert outcome == expected
        shown = "done" if outcome == "done" else "refused"
        # Whose record is changed is audited with whom it was asked about.
        changed = (one for one in people if people[one]["scn"] != self.people[one]["scn"])
        told = (*numbers, *(one for one in changed if one not in numbers))
        self.noted[type(command).__name__, f"/{remembered.OPERATOR}", told, shown] += 1
        self.people = people

    @rule(hours=st.sampled_from((1, 8, 24, 24 * 30)))
    def time_passes(self, hours: int) -> None:
        """Let time pass: what was for a while only is over."""
        self.world.hub.clock.forward(hours * 3600)

    # What holds after every step.

    @invariant()
    def every_generation_tells_what_was_written(self) -> None:
        """Hold retrievals against the model: of whom a step touched, in every generation.

        Of the others it is one generation in turn: nothing was to become of them.
        """
        self.turn += 1
        asid = tuple(SYSTEMS)[self.turn % len(SYSTEMS)]
        kept = dict(self.held)
        for number in self.people:
            holder = self.people[remembered.stood_for(self.people, number)]
            seen = (self.hand, holder["scn"], self.people[number]["scn"])
            is_same = self.seen.get(number) == seen
            self.seen[number] = seen
            for place, interaction in enumerate(RETRIEVALS):
                if is_same and place != self.turn % len(RETRIEVALS):
                    continue
                history = place == 0 or (self.turn + place) % 2 == 0
                self._read(asid, number, interaction, history=history)
        self.held = kept

    @invariant()
    def the_history_has_every_serial_change_number(self) -> None:
        """Hold the history against the model: each version with who wrote it, and no other."""
        for number, record in self.people.items():
            asked = ShowHistory(NhsNumber(number), 1000)
            told = self.world.hub.us.core.perform(asked, by=self.world.operator())
            self.noted["ShowHistory", f"/{remembered.OPERATOR}", (number,), "done"] += 1
            shown = [(one.serial_change_number, one.by, one.command) for one in told.changes]
            assert shown == list(reversed(record["history"]))
            numbers = [one for one, _, _ in record["history"]]
            assert numbers == list(range(record["first"] + 1, record["scn"] + 1))
            assert told.patient.serial_change_number == record["scn"]

    @invariant()
    def the_audit_has_every_access(self) -> None:
        """Hold the audit against what was asked: a row for each access, and no other."""
        rows: Counter[tuple[Any, ...]] = Counter()
        for (*row, outcome), count in self.world.accesses().items():
            rows[*row, audited_rows.ended(tuple(row), outcome)] += count
        if self.may_repeat:
            # What a killed worker had done is done again and finds it done: a row for each time.
            assert set(rows) == set(self.noted), (rows - self.noted, self.noted - rows)
            assert all(rows[row] >= count for row, count in self.noted.items())
        else:
            assert rows == self.noted, (rows - self.noted, self.noted - rows)
        self.noted, self.may_repeat = Counter(), False


def _schemas(place: Path, compiled: dict[Path, Schemas] = {}) -> Schemas:  # noqa: B006
    """Give the schemas of a folder, compiled once for all runs."""
    return compiled.setdefault(place, Schemas(place))
