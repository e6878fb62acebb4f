"""How systems and operators change patients: what comes back must be what the model allows."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import audited_rows
import creation_messages
import newcomers
import remembered
import wishing
from attempts import Attempt, Outcome, Plan, broken
from creation_messages import Baby
from ebxml_messages import Message
from patients_asked import read, shown_scn
from patients_scene import Scene
from patients_world import REFUSAL, Killed, Reply
from pds_update_scripts import update as update_of
from remembered import People, Refused
from update_messages import Asked

from core.demographics.back_office import Merge, Restrict, Split
from core.errors import CoreError
from core.values.demographics import Sensitivity
from core.values.identity import NhsNumber

Command = Merge | Split | Restrict


def attempt(scene: Scene, plan: Plan) -> Attempt:
    """Give the update of a plan, by what its system holds of the record."""
    number = scene.number(plan.which)
    holder = scene.holder(number)
    if (plan.asid, holder) not in scene.held:
        read(scene, plan.asid, number, "QUPA_IN000008UK05")
    seen, held = scene.held[plan.asid, holder]
    right = scene.people[number]["scn"]
    scn = {"right": right, "held": seen, "future": right + 1, "missing": None}[plan.scn]
    said = tuple(wishing.said(plan.interaction, each, held) for each in plan.drafts)
    asked = Asked(
        wishing.sections(plan.interaction, said),
        number,
        "" if scn is None else str(scn),
        "2" if plan.is_correction else "1",
    )
    message = update_of(plan.interaction, asked, scene.world.route(plan.asid))
    return Attempt(
        scene.named(message),
        number,
        scn,
        plan.is_correction,
        tuple(one.wish for one in said),
        plan.asid,
        broken(plan.interaction, scn, said),
    )


def outcome_of(scene: Scene, people: People, tried: Attempt) -> Outcome:
    """Give what the model says must come of an update."""
    if tried.broken:
        return Outcome(people, broken=tried.broken)
    try:
        after = remembered.changed(
            people[tried.number],
            tried.scn,
            tried.wishes,
            scene.hand(tried.by),
            correction=tried.is_correction,
        )
    except Refused as refused:
        return Outcome(people, refused.reasons)
    return Outcome({**people, tried.number: after}, scn=after["scn"])


def judge(scene: Scene, attempts: list[Attempt]) -> None:
    """Send updates; what comes back must be what comes of them in some order."""
    sent = scene.world.send(*(one.message for one in attempts))
    replies = {one.message_id: one for one in sent}
    assert len(replies) == len(attempts)
    tried = []
    for order in itertools.permutations(attempts):
        people, outcomes = scene.people, []
        for one in order:
            outcomes.append(outcome_of(scene, people, one))
            people = outcomes[-1].people
        if all(
            outcome.is_told_by(replies[one.message.message_id])
            for one, outcome in zip(order, outcomes, strict=True)
        ):
            for one, outcome in zip(order, outcomes, strict=True):
                _note_update(scene, one, outcome)
            scene.people, scene.last = people, order[-1].message
            return
        tried.append([(one.scn, one.reasons, one.broken) for one in outcomes])
    raise AssertionError(f"came back: {list(replies.values())}; may come: {tried}")


def _note_update(scene: Scene, tried: Attempt, outcome: Outcome) -> None:
    numbers: tuple[str, ...] = (tried.number,)
    if outcome.scn is not None:
        how = "done"
    elif outcome.broken:
        how, numbers = "declined", ()
    else:
        how = "refused"
    who = audited_rows.of_update(tried.message.action, tried.by)
    scene.note("UpdateRecord", who, numbers, how)


def kill_at(scene: Scene, writes: int, *, is_after: bool) -> None:
    """Let the worker work until it is killed, before a write or after it; another lives then."""
    mortal = scene.world.mortal
    mortal.writes_left, mortal.is_after = writes, is_after
    try:
        scene.world.hub.work()
        scene.world.hub.work()
    except Killed:
        pass
    scene.world.live_again()


def killed_over(scene: Scene, plan: Plan, writes: int, seconds: int, *, is_after: bool) -> None:
    """Kill the worker in the middle of an update: another does it again, to the same end."""
    tried = attempt(scene, plan)
    before = outcome_of(scene, scene.people, tried)
    scene.world.hand_in(tried.message)
    kill_at(scene, writes, is_after=is_after)
    was_done = before.scn is not None and shown_scn(scene, tried.number) == before.scn
    scene.world.hub.clock.forward(seconds)
    after = before if was_done else outcome_of(scene, scene.people, tried)
    replies = scene.world.work()
    assert len(set(replies)) == 1, replies
    assert after.is_told_by(replies[0]), (replies[0], after.reasons, after.broken)
    _note_update(scene, tried, after)
    scene.people, scene.last, scene.may_repeat = after.people, tried.message, True


def allocate(scene: Scene, asid: str, interaction: str, who: int, writes: int | None) -> None:
    """Ask for a number; where the worker dies over it, there is still one."""
    newcomer, wishes = newcomers.of_allocation(interaction, who)
    route = scene.world.route(asid)
    message = scene.named(creation_messages.allocation(interaction, newcomer, route))
    reply = _answered(scene, message, writes)
    made = remembered.begun(wishes, scene.hand(asid), "AllocateNumber")
    _begin(scene, asid, reply, made)


def notify_birth(scene: Scene, asid: str, interaction: str, baby: Baby, writes: int | None) -> None:
    """Notify a birth: the record is made, unless records that stand may be of the same child."""
    route = scene.world.route(asid)
    message = scene.named(creation_messages.birth(interaction, baby, route))
    duplicates = newcomers.duplicates(scene.people, baby)
    reply = _answered(scene, message, writes)
    if duplicates:
        expected = [newcomers.candidate(scene.people, one, scene.today) for one in duplicates]
        assert reply.candidates == tuple(expected), (interaction, reply.candidates, expected)
        scene.note("CreateRecord", audited_rows.who(asid), tuple(duplicates), "done")
        scene.last = message
        return
    wishes = newcomers.of_birth(interaction, baby)
    made = remembered.begun(wishes, scene.hand(asid), "CreateRecord")
    _begin(scene, asid, reply, {**made, "mother": baby.mother})


def _answered(scene: Scene, message: Message, writes: int | None) -> Reply:
    """Give the one answer to a message, whose worker dies after so many writes if it says so."""
    scene.world.hand_in(message)
    if writes is not None:
        kill_at(scene, writes, is_after=True)
        scene.may_repeat = True
    (reply,) = set(scene.world.work())
    assert reply.interaction != REFUSAL, reply
    scene.last = message
    return reply


def _begin(scene: Scene, asid: str, reply: Reply, made: remembered.Written) -> None:
    """Write down a new record under the number that was told."""
    assert reply.scn == 1
    number = str(reply.nhs_number)
    assert number not in scene.people, "a number that was given before"
    scene.people[number] = made
    (_, _, command) = made["history"][0]
    scene.note(command, audited_rows.who(asid), (number,), "done")


def act_by_hand(scene: Scene, what: str, one: str, other: str, why: Sensitivity) -> None:
    """Withhold a record or show it again, merge two, or split them, as an operator."""
    message_id, by = scene.world.new_id(), remembered.OPERATOR
    if what.startswith("merge"):
        merge = Merge(NhsNumber(one), NhsNumber(other), message_id, by)
        _perform(
            scene,
            merge,
            (one, other),
            lambda: remembered.merged(scene.people, one, other, scene.today),
        )
    if what.endswith("split"):
        split = Split(NhsNumber(one), scene.world.new_id(), by)
        _perform(scene, split, (one,), lambda: remembered.split(scene.people, one))
    if what in {"restrict", "lift"}:
        reason = why if what == "restrict" else None
        restrict = Restrict(NhsNumber(one), reason, message_id, by)
        _perform(
            scene,
            restrict,
            (one,),
            lambda: remembered.restricted(scene.people, one, reason and reason.value),
        )


def _perform(
    scene: Scene, command: Command, numbers: tuple[str, ...], model: Callable[[], People]
) -> None:
    expected, people = "done", scene.people
    try:
        people = model()
    except Refused as refused:
        (reason,) = refused.reasons
        expected = audited_rows.BY_HAND[reason]
    outcome = "done"
    try:
        scene.world.hub.us.core.perform(command, by=scene.world.operator())
    except CoreError as error:
        outcome = type(error).__name__
    assert outcome == expected
    shown = "done" if outcome == "done" else "refused"
    # Whose record is changed is audited with whom it was asked about.
    changed = (one for one in people if people[one]["scn"] != scene.people[one]["scn"])
    told = (*numbers, *(one for one in changed if one not in numbers))
    scene.by_hand(type(command).__name__, told, shown)
    scene.people = people
