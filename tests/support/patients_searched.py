"""What systems find by the traces that a message answers, held against what was written.

They ask with a family name, a day of birth and a gender, whose letters must agree: the batch trace
then goes on to sounds, for which these are not enough.
"""

from __future__ import annotations

from typing import Final

import audited_rows
import old_trace_messages as old
import pushed_traces
import remembered
import telling
from ebxml_messages import Message
from patients_asked import details_of
from patients_scene import Scene
from patients_world import QUERY_REFUSAL, SYSTEMS, TRACES
from pushed_traces import BATCH, Asked
from wire_requests import Details
from wrapped_messages import Route

_FIXED: Final = 2
"""Letters of a family name among which punctuation turns a search into one by sound."""

SEARCHES: Final = tuple(TRACES)


_REFUSALS: Final = {**dict.fromkeys(SEARCHES, QUERY_REFUSAL), old.INTERACTION: old.REFUSAL}


def _message(interaction: str, asked: Asked, route: Route) -> Message:
    if interaction == old.INTERACTION:
        return old.old_trace(asked, route)
    return pushed_traces.trace(interaction, asked, route)


def in_turn(scene: Scene) -> tuple[str, str]:
    """Give one of the traces and who asks it: another after each step."""
    return (
        tuple(SYSTEMS)[scene.turn % len(SYSTEMS)],
        SEARCHES[scene.turn % len(SEARCHES)],
    )


def search(
    scene: Scene, asid: str, number: str, interaction: str, *, is_right: bool = True
) -> None:
    """Hold who is found against who was written so: each once, by the number that stands."""
    details = details_of(scene, number, is_right=is_right)
    by_sound = any(not one.isalnum() for one in (details.family or "")[:_FIXED])
    found = [] if by_sound else _found(scene, details)
    asked = Asked(
        family=details.family,
        given=(),
        born=f'<center value="{details.birth_time[:8]}"/>',
        gender=details.gender,
        search="1",
    )
    answer = scene.world.answer_to(
        scene.named(_message(interaction, asked, scene.world.route(asid)))
    )
    for outcome in _outcomes(interaction, found, by_sound=by_sound):
        who = audited_rows.of_search(interaction, asid)
        scene.note("AdvancedTrace", who, tuple(found), outcome)
    is_refused = not found or (interaction in BATCH and len(found) > 1)
    how = _REFUSALS if is_refused else TRACES
    assert answer.tag.endswith(how[interaction]), (interaction, answer.tag, found)
    if is_refused:
        return
    expected = [telling.brief(scene.people[one], one, scene.today) for one in found]
    told = sorted(telling.each_briefly(answer), key=repr)
    assert told == sorted(expected, key=repr), (interaction, told, expected)


def _found(scene: Scene, details: Details) -> list[str]:
    """Give the numbers that stand for whoever is written so."""
    holders = {scene.holder(one) for one in scene.people if _is_so(scene, one, details)}
    return sorted(holders)


def _is_so(scene: Scene, number: str, details: Details) -> bool:
    record = scene.people[number]
    singles = record["singles"]
    families = {
        one["said"][2].upper()
        for one in record["items"]["names"]
        if remembered.stands(one, scene.today)
    }
    return (
        singles["birth"][:8] == details.birth_time[:8]
        and singles["gender"] == details.gender
        and (details.family or "").upper() in families
    )


def _outcomes(interaction: str, found: list[str], *, by_sound: bool) -> tuple[str, ...]:
    """Give how each search of a trace ends: the batch trace goes on where one finds nobody."""
    if found:
        return ("done",)
    first = "DetailsMissing" if by_sound else "NotFound"
    return (first, "DetailsMissing") if interaction in BATCH else (first,)
