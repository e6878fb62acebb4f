"""What systems see of patients: each query and mini service, held against what was written."""

from __future__ import annotations

from typing import Final

import audited_rows
import remembered
import smsp_asking
import smsp_told
import telling
from patients_scene import Scene
from patients_world import SYSTEMS
from schemas import hl7_message
from telling import RETRIEVALS
from wire_requests import KINDS, OLDEST, Details, Kind

from legacy_contracts.smsp.codes import Code

OTHERS: Final = tuple(one for one, kind in KINDS.items() if kind is not Kind.RETRIEVAL)
"""The queries that are no retrievals."""

BY_NUMBER: Final = (smsp_asking.VERIFY, smsp_asking.BY_NUMBER, smsp_asking.DETAILS)
BY_DETAILS: Final = (smsp_asking.NUMBER, smsp_asking.BY_SEARCH)
SERVICES: Final = (*BY_NUMBER, *BY_DETAILS)
"""The mini services: those that are asked by a number, and those by details."""

_CODES: Final = {
    "done": Code.SUCCESS,
    "NumberSuperseded": Code.SUPERSEDED,
    "NotVerified": Code.NOT_VERIFIED,
    "NotFound": Code.NO_MATCH,
    "TooManyMatches": Code.MULTIPLE_MATCHES,
}


def read(scene: Scene, asid: str, number: str, interaction: str, *, history: bool = True) -> None:
    """Hold what an answer says against what was written; a first sight tells object ids."""
    holder = scene.holder(number)
    record, carries = scene.people[holder], RETRIEVALS[interaction]
    details = Details(nhs_number=number, history="1" if history else "0")
    answered = scene.world.ask(asid, interaction, details)
    _note(scene, (asid, interaction, number), "done", holder)
    assert answered.outcome == "AA", answered.outcome
    told, versions = telling.answered(hl7_message(answered.body), carries)
    today = None if history else scene.today
    expected = telling.expected(record, holder, carries, today)
    assert told == expected, (interaction, telling.differing(told, expected))
    if carries.writer and history and not record["restricted"]:
        telling.learn(record, versions)
    telling.require_ids(record, versions, carries)
    held = {one: (version[0], version[1]) for one, version in versions.items()}
    scene.held[asid, holder] = (record["scn"], held)


def shown_scn(scene: Scene, number: str) -> int:
    """Give the serial change number that a query shows: the model cannot know it here."""
    interaction, asid = "QUPA_IN000008UK02", next(iter(SYSTEMS))
    answered = scene.world.ask(asid, interaction, Details(nhs_number=number))
    _note(scene, (asid, interaction, number), "done", scene.holder(number))
    told, _ = telling.answered(hl7_message(answered.body), RETRIEVALS[interaction])
    return int(told["scn"])


def find(scene: Scene, asid: str, number: str, interaction: str, *, is_right: bool = True) -> None:
    """Hold a trace, a cross-check or a confirmation against what was written."""
    details = details_of(scene, number, is_right=is_right)
    outcome, whose = _found(scene, KINDS[interaction], details)
    answered = scene.world.ask(asid, interaction, details)
    _note(scene, (asid, interaction, number), outcome, whose)
    assert (answered.outcome == "AA") == (outcome == "done"), (answered.outcome, outcome)
    if outcome == "done":
        shown = telling.briefly(hl7_message(answered.body))
        assert shown == telling.brief(scene.people[whose], whose, scene.today), interaction


def serve(scene: Scene, asid: str, number: str, service: str, *, is_right: bool = True) -> None:
    """Hold what a mini service says against what was written."""
    details = details_of(scene, number, is_right=is_right)
    is_numbered = service in BY_NUMBER
    kind = Kind.CROSS_CHECK if is_numbered else Kind.TRACE
    outcome, whose = _found(scene, kind, details)
    asked = smsp_asking.Asked(
        birth_date=details.birth_time[:8],
        gender=None if is_numbered else details.gender,
        nhs_number=number if is_numbered else None,
        family=details.family,
    )
    answered = scene.world.serve(asid, service, asked)
    shown = tuple(
        dict.fromkeys((*((number,) if is_numbered else ()), *((whose,) if whose else ())))
    )
    scene.note(audited_rows.COMMANDS[kind], audited_rows.who(asid), shown, outcome)
    assert answered.code == _CODES[outcome], (service, answered.code, outcome, answered.fault)
    told = smsp_told.answered(answered.payload)
    if outcome == "done":
        assert told == smsp_told.expected(service, scene.people[whose], whose, scene.today), service
    elif outcome == "NumberSuperseded" and service != smsp_asking.VERIFY:
        assert told == (smsp_told.only(whose) if whose else None), service
    else:
        assert told is None, service


def details_of(scene: Scene, number: str, *, is_right: bool) -> Details:
    """Give what tells of the patient whom a number leads to: right, or of another name."""
    record = scene.people[scene.holder(number)]
    usual = [
        one["said"][2]
        for one in record["items"]["names"]
        if remembered.stands(one, scene.today) and one["use"] == "L"
    ]
    return Details(
        nhs_number=number,
        gender=record["singles"]["gender"],
        birth_time=record["singles"]["birth"],
        family=usual[0] if usual and is_right else "NOBODY",
    )


def _found(scene: Scene, kind: Kind, details: Details) -> tuple[str, str]:
    """Give how a query must end, and whose record or number it tells."""
    number = details.nhs_number
    holder = scene.holder(number)
    if kind is Kind.CONFIRMATION:
        return "done", holder
    if kind is Kind.CROSS_CHECK:
        if holder != number:
            return "NumberSuperseded", holder if _fits(scene, holder, details) else ""
        return ("done", number) if _fits(scene, number, details) else ("NotVerified", "")
    fitting = [
        one
        for one in scene.people
        if not scene.people[one]["replaced_by"]
        and _fits(scene, one, details)
        and scene.people[one]["singles"]["gender"] == details.gender
    ]
    if len(fitting) == 1:
        return "done", fitting[0]
    return ("TooManyMatches" if fitting else "NotFound"), ""


def _fits(scene: Scene, number: str, details: Details) -> bool:
    record = scene.people[number]
    families = {
        one["said"][2].upper()
        for one in record["items"]["names"]
        if remembered.stands(one, scene.today)
    }
    born = record["singles"]["birth"][:8] == details.birth_time[:8]
    return born and (details.family or "").upper() in families


def _note(scene: Scene, asked: tuple[str, str, str], outcome: str, whose: str) -> None:
    """Note a query: who asked which and of which number."""
    asid, interaction, number = asked
    named = () if KINDS[interaction] is Kind.TRACE else (number,)
    shown = tuple(dict.fromkeys((*named, *((whose,) if whose else ()))))
    user = audited_rows.OLD_USER if interaction in OLDEST else asid
    command = audited_rows.COMMANDS[KINDS[interaction]]
    scene.note(command, f"{SYSTEMS[asid]}/{user}", shown, outcome)


def everybody(scene: Scene) -> list[str]:
    """Hold every query against the model: of whom a step touched, in every generation.

    Of the others it is one generation in turn: nothing was to become of them. Gives whom a step
    touched.
    """
    scene.turn += 1
    touched = []
    asid = tuple(SYSTEMS)[scene.turn % len(SYSTEMS)]
    kept = dict(scene.held)
    for number in scene.people:
        scn = scene.people[scene.holder(number)]["scn"]
        seen = (scene.today, scn, scene.people[number]["scn"])
        is_same = scene.seen.get(number) == seen
        scene.seen[number] = seen
        for place, interaction in enumerate(RETRIEVALS):
            if not is_same or place == scene.turn % len(RETRIEVALS):
                history = place == 0 or (scene.turn + place) % 2 == 0
                read(scene, asid, number, interaction, history=history)
        if not is_same:
            touched.append(number)
            for interaction in OTHERS:
                find(scene, asid, number, interaction)
            for service in SERVICES:
                serve(scene, asid, number, service)
    scene.held = kept
    return touched
