"""What a person wants changed, drawn: as an update says it, and as the model does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from xml.sax.saxutils import escape

import old_update_messages as old
import update_messages as made
import wishing_old
from creation_messages import NOTIFIED
from hypothesis import strategies as st
from msgspec.structs import replace
from remembered import ITEMS, PRACTICE, Wish
from wishes import NO_SUCH_ID, Draft, Held, Said

MODES: Final = ("added", "altered", "removed")
FUTURE: Final = "20991231"
DAYS: Final = ("20140801", "20140825")


def drafts(interaction: str) -> st.SearchStrategy[tuple[Draft, ...]]:
    """Give a strategy of what a person wants at once, of what an interaction has room for."""
    one = st.builds(
        Draft,
        st.sampled_from(_things(interaction)),
        st.sampled_from(MODES),
        st.integers(0, 5),
        st.integers(0, 5),
    )
    return st.lists(
        one, min_size=1, max_size=4, unique_by=lambda made_: (made_.thing, made_.which)
    ).map(_once)


def _once(drawn: list[Draft]) -> tuple[Draft, ...]:
    """Give the drafts, of what there is one of only the first."""
    kept: dict[object, Draft] = {}
    for place, one in enumerate(drawn):
        kept.setdefault(place if one.thing in ITEMS else one.thing, one)
    return tuple(kept.values())


def _things(interaction: str) -> tuple[str, ...]:
    """Give what an interaction has room for."""
    if interaction in old.ANSWERS:
        return wishing_old.THINGS[interaction]
    form = made.FORMS[interaction]
    room = {*form.role, *form.person, *form.subjects}
    return tuple(thing for thing in _SAID if _SECTIONS.get(thing, thing) in room)


def said(interaction: str, draft: Draft, held: Held) -> Said:
    """Give what an update says."""
    if interaction in old.ANSWERS:
        return wishing_old.said(interaction, draft, held)
    return _SAID[draft.thing](interaction, _likely(draft, held), held)


def _likely(draft: Draft, held: Held) -> Draft:
    """Give a draft that adds an item where there is none to change, but for now and then."""
    is_there = draft.thing not in ITEMS or any(thing == draft.thing for thing, _ in held.values())
    return draft if is_there or draft.which == 5 else replace(draft, mode="added")


def _day(draft: Draft) -> str:
    """Give a day on which something starts: now and then it is yet to come."""
    return FUTURE if draft.choice == 5 else DAYS[draft.choice % 2]


def sections(interaction: str, items: tuple[Said, ...]) -> dict[str, str]:
    """Give the sections of an update that says so."""
    together: dict[str, str] = {}
    for one in items:
        together[one.section] = together.get(one.section, "") + one.text
    if interaction in old.ANSWERS:
        return wishing_old.with_death(together, items)
    dead = [one.wish for one in items if one.wish.thing == "death"]
    for wish in dead:
        together["deceased"] = made.deceased(interaction, wish.mode, wish.said[0])
        together["author"] = "" if wish.mode == "removed" else made.author(interaction)
    return together


def clashes(interaction: str, items: tuple[Said, ...]) -> frozenset[str]:
    """Give the rules that an update breaks by what it says at once: those of the local register."""
    if interaction in old.ANSWERS or made.FORMS[interaction].register is None:
        return frozenset()
    wishes = [one.wish for one in items]
    practices = [one.mode for one in wishes if (one.thing, one.use) == ("provisions", PRACTICE)]
    modes = {one.thing: one.mode for one in wishes}
    gone = {modes.get("death", "removed"), modes.get("removal", "removed")} != {"removed"}
    broken = set()
    if gone and any(mode != "removed" for mode in practices):
        broken.add("GP_PROVDER_RULE86")
    if modes.get("removal") == "removed" and practices.count("added") != 1:
        broken.add("REG_REMOVAL_AND_PCP_MUTUALLY_EXCLUSIVE")
    return frozenset(broken)


def _target(draft: Draft, held: Held, uses: tuple[str, ...]) -> tuple[str | None, str]:
    """Give the object id of an item, and its use: as it was seen, or now and then another."""
    new = uses[draft.choice % len(uses)]
    if draft.mode == "added":
        return None, new
    own = [one for one, (thing, _) in sorted(held.items()) if thing == draft.thing]
    others = [one for one, (thing, _) in sorted(held.items()) if thing != draft.thing]
    known = own or others
    if draft.which == 5:
        known = others
    if not known:
        return NO_SUCH_ID, new
    object_id = known[draft.which % len(known)]
    thing, use = held[object_id]
    return object_id, use if thing == draft.thing and draft.choice != 5 else new


def _name(_interaction: str, draft: Draft, held: Held) -> Said:
    object_id, use = _target(draft, held, ("A", "PREFERRED", "L"))
    family = ("NEWNAME", "O'CARTER & <SONS>", "Carter")[draft.choice % 3]
    start = _day(draft)
    text = made.name(draft.mode, object_id, use=use, family=escape(family))
    wish = Wish(
        "names",
        draft.mode,
        ("MRS", ("EDITH", "ROSE"), family, None),
        use,
        None if draft.mode == "removed" else start,
        object_id=object_id,
    )
    usual_goes = draft.mode == "removed" and use == "L"
    broken = {"UNABLE_TO_DELETE_USUAL_NAME"} if usual_goes else set()
    return Said("name", text.replace("20140801", start), wish, frozenset(broken))


def _address(_interaction: str, draft: Draft, held: Held) -> Said:
    object_id, use = _target(draft, held, ("PST", "TMP", "H"))
    town, brief = ("HULL", "YORK", "LEEDS")[draft.choice % 3], use == "TMP"
    start = "20140801" if brief else _day(draft)
    text = made.address(draft.mode, object_id, use=use, town=town)
    lines = ("", "9 NEW ROAD", "", town, "")
    what = (lines, "HU1 9ZZ", None, "Holiday Home" if brief else None)
    gone = draft.mode == "removed"
    wish = Wish(
        "addresses",
        draft.mode,
        what,
        use,
        None if gone else start,
        "20141001" if brief and not gone else None,
        object_id,
    )
    return Said("addr", text.replace("20140801", start), wish)


def _telecom(_interaction: str, draft: Draft, held: Held) -> Said:
    object_id, use = _target(draft, held, ("MC", "WP", "H"))
    value = ("tel:07700900001", "mailto:e@example.org", "tel:01632960009")[draft.choice % 3]
    text = made.telecom(draft.mode, object_id, use=use, value=value)
    return Said("telecom", text, Wish("telecoms", draft.mode, value, use, object_id=object_id))


_REGISTER: Final = "PRPA_IN000204UK03"
"""The update of the local register that knows practices and no other providers."""


def _provision(interaction: str, draft: Draft, held: Held) -> Said:
    kinds = ("1", "1", "1", "P1") if interaction == _REGISTER else ("P1", "1", "P2", "P3")
    object_id, kind = _target(draft, held, kinds)
    code = ("FA111", "B99002", "T99999")[draft.choice % 3]
    text = made.provision(interaction, draft.mode, object_id, kind=kind, code=code)
    dated = kind == "1" and draft.mode != "removed" and not made.FORMS[interaction].parts
    start = "20140801" if dated else None
    wish = Wish("provisions", draft.mode, code, kind, start, object_id=object_id)
    is_elsewhere = interaction == _REGISTER and kind != PRACTICE and draft.mode != "removed"
    broken = {"UNSUPPORTED_PATIENT_CARE"} if is_elsewhere else set()
    return Said("provisions", text, wish, frozenset(broken))


RELATED: Final = (
    "12",
    None,
    (None, ("MARY",), "FIELD", None),
    (("4 HILL TOP",), None, None, None),
    ("tel:07700900002",),
    ("1", "1", 2),
    ("cy", True, "1"),
    ("4", "MORNINGS"),
    "12",
    None,
)
"""What an update says of a related person."""


def _related(interaction: str, draft: Draft, held: Held) -> Said:
    object_id, _ = _target(draft, held, ("personal",))
    text = made.related(interaction, draft.mode, object_id)
    start = None if draft.mode == "removed" else "20110101"
    wish = Wish("related", draft.mode, RELATED, "personal", start, object_id=object_id)
    return Said("related", text, wish)


def _single(
    section: str, thing: str, values: tuple[Any, ...], text: Callable[[str, str, Any], str]
) -> Callable[[str, Draft, Held], Said]:
    """Give what says a single value: `values` are what is said and how the message has it."""

    def say(interaction: str, draft: Draft, _held: Held) -> Said:
        value, written = values[draft.choice % len(values)]
        wish = Wish(thing, draft.mode, value, told=_told(interaction, thing))
        never = _NEVER.get(thing) if draft.mode == "removed" else None
        broken = frozenset({never}) if never else frozenset[str]()
        return Said(section, text(interaction, draft.mode, written), wish, broken)

    return say


_NEVER: Final = {
    "gender": "GENDER_REMOVAL_NOT_PERMITTED",
    "birth": "BIRTHTIME_REMOVAL_NOT_PERMITTED",
}


def _told(interaction: str, thing: str) -> str | None:
    """Give when a single value was notified, as the messages of 2008B say."""
    is_told = made.FORMS[interaction].parts and thing in {"gender", "birth", "death", "birthplace"}
    return NOTIFIED if is_told else None


def _plain(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple((one, one) for one in values)


_DEATHS: Final = (
    ("20140820", "1"),
    ("20140801", "2"),
    (FUTURE, "1"),
    ("19490101", "2"),
)
_STAYS: Final = "SOURCE_CANNOT_REMOVE_DATE_OF_DEATH"
_KEEPS_DEATH: Final = {
    # Its stylesheet counts times of death that have a value, and one that is removed has none.
    "PRPA_IN000203UK06": {_STAYS, "INCONSISTENT_DEATH_UPDATE"},
    "PRPA_IN160000UK01": {_STAYS},
    "PRPA_IN100000UK14": {_STAYS},
}
"""What a removal of a death breaks, by interaction."""


def _death(interaction: str, draft: Draft, _held: Held) -> Said:
    """Give a death: its time stands with the person, its notification beside it."""
    time, code = _DEATHS[draft.choice % len(_DEATHS)]
    wish = Wish("death", draft.mode, (time, code), told=_told(interaction, "death"))
    names = _KEEPS_DEATH.get(interaction, set()) if draft.mode == "removed" else set()
    text = made.notification(interaction, draft.mode, code)
    return Said("death", text, wish, frozenset(names))


def _consent(interaction: str, draft: Draft, _held: Held) -> Said:
    form = made.FORMS[interaction]
    is_split = interaction == "PRPA_IN120000UK14"
    kind = "4" if is_split or draft.choice % 2 == 0 else "6"
    value = ("1", "2", "5")[draft.choice % 3]
    comment = "SAID <SO> & SO" if kind == "4" and not form.performed and draft.choice > 1 else None
    text = made.consent(
        interaction, draft.mode, kind, value, None if comment is None else escape(comment)
    )
    broken = {"CONSENT_VALUES_CANNOT_BE_REMOVED"} if _removes(draft) and kind == "4" else set()
    if interaction == "PRPA_IN110000UK15" and kind == "4":
        broken.add("CONSENT_VALUE_NOT_SUPPORTED")
    given = "20140820" if kind == "4" else None
    wish = Wish("consent", draft.mode, (value, given, comment), kind)
    return Said("consents", text, wish, frozenset(broken))


def _removes(draft: Draft) -> bool:
    return draft.mode == "removed"


def _donor(section: str, what: str) -> Callable[[str, Draft, Held], Said]:
    values = tuple(((one, "20140820"), one) for one in ("1", "2"))
    return _single(section, section, values, lambda _, mode, value: made.donor(what, mode, value))


_SECTIONS: Final = {
    "names": "name",
    "addresses": "addr",
    "telecoms": "telecom",
    "consent": "consents",
}
"""The section of a thing, where it has not the same name."""

_TOWNS: Final = (
    (("YORK", "YORKSHIRE", None), "<city>YORK</city><county>YORKSHIRE</county>"),
    (("LEEDS", None, None), "<city>LEEDS</city>"),
)

_SAID: Final[dict[str, Callable[[str, Draft, Held], Said]]] = {
    "names": _name,
    "addresses": _address,
    "telecoms": _telecom,
    "provisions": _provision,
    "related": _related,
    "death": _death,
    "consent": _consent,
    "gender": _single("gender", "gender", _plain("9", "1", "2"), made.gender),
    "birth": _single(
        "birth", "birth", _plain("19500204", "196203051130", FUTURE, "19500203"), made.birth
    ),
    "order": _single(
        "order",
        "order",
        ((2, "2"), (3, "3")),
        lambda _, mode, value: made.order(mode, None if mode == "removed" else value),
    ),
    "birthplace": _single(
        "birthplace",
        "birthplace",
        _TOWNS,
        lambda each, mode, where: made.birthplace(
            each, mode, where="" if mode == "removed" else where
        ),
    ),
    "language": _single(
        "language",
        "language",
        ((("cy", True, "1"), "cy"), (("fr", True, "1"), "fr")),
        made.language,
    ),
    "contact": _single(
        "contact",
        "contact",
        ((("4", "MORNINGS"), "MORNINGS"), (("4", "LATE"), "LATE")),
        lambda _, mode, times: made.contact(mode, times=times),
    ),
    "written": _single(
        "written",
        "written",
        _plain("11", "13"),
        lambda _, mode, code: made.written(mode, code=code),
    ),
    "healthspace": _single(
        "healthspace",
        "healthspace",
        _plain("1", "2"),
        lambda _, mode, code: made.healthspace(mode, code),
    ),
    "registration": _single(
        "registration",
        "registration",
        tuple(((one, None, ("20140801", None)), one) for one in ("990000000088", "990000000089")),
        made.registration,
    ),
    "removal": _single(
        "removal",
        "removal",
        tuple(((None, one, ("20140810", None)), one) for one in ("EMB", "RDI")),
        made.removal,
    ),
    "blood": _donor("blood", "blood"),
    "organs": _donor("organs", "organ"),
    "secret": _single(
        "secret",
        "secret",
        _plain("RED GATE", "BLUE DOOR"),
        lambda _, mode, word: made.secret(mode, word),
    ),
}
