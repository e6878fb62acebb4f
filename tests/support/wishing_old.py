"""What a person wants changed, as MIM 2.3 says it: no object ids, no modes, `NA` for what goes.

What stands in the use of an item is set or cleared; a care provision alone may be named by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape

import old_update_messages as old
import update_messages as made
from creation_messages import ORGANISATION, act, link, role
from remembered import Wish
from wishes import NO_SUCH_ID, Draft, Held, Said

GENERAL: Final = "PRPA_IN110000UK01"
DEATH: Final = "PRPA_IN100000UK01"
CONSENT: Final = "PRPA_IN120000UK01"

_GIVEN: Final = "20140820"


def _is_cleared(draft: Draft) -> bool:
    return draft.mode == "removed"


def _item(draft: Draft, thing: str, use: str, said: object) -> Wish:
    return Wish(thing, "cleared" if _is_cleared(draft) else "set", said, use)


def _single(draft: Draft, thing: str, said: object) -> Wish:
    return Wish(thing, "cleared" if _is_cleared(draft) else "set", said)


def _name(draft: Draft, _held: Held) -> Said:
    use = ("A", "PREFERRED", "L")[draft.which % 3]
    family = ("NEWNAME", "O'CARTER & <SONS>", "Carter")[draft.choice % 3]
    wish = _item(draft, "names", use, ("MRS", ("EDITH", "ROSE"), family, None))
    if _is_cleared(draft):
        broken = {"UNABLE_TO_DELETE_USUAL_NAME"} if use == "L" else set()
        return Said("person", f'<name use="{use}"{old.CLEARED}/>', wish, frozenset(broken))
    text = old.NAME.replace("NEWNAME", escape(family)).replace('use="L"', f'use="{use}"')
    return Said("person", text, wish)


def _address(draft: Draft, _held: Held) -> Said:
    town = ("HULL", "YORK", "LEEDS")[draft.choice % 3]
    said = (("", "9 NEW ROAD", "", town), "HU1 9ZZ", None, None)
    wish = _item(draft, "addresses", "H", said)
    cleared = f'<addr use="H"{old.CLEARED}/>'
    text = cleared if _is_cleared(draft) else old.ADDRESS.replace("HULL", town)
    return Said("role", text, wish)


def _telecom(draft: Draft, _held: Held) -> Said:
    use = ("MC", "WP", "H")[draft.which % 3]
    value = ("tel:07700900001", "mailto:e@example.org", "tel:01632960009")[draft.choice % 3]
    shown = old.CLEARED if _is_cleared(draft) else f' value="{value}"'
    return Said("role", f'<telecom use="{use}"{shown}/>', _item(draft, "telecoms", use, value))


def _provision(draft: Draft, held: Held) -> Said:
    """Give a care provision, which nothing clears; the one that is altered is named by its id."""
    kind = ("1", "P1", "P2")[draft.which % 3]
    code = ("FA111", "B99002", "T99999")[draft.choice % 3]
    own = [one for one, (thing, _) in sorted(held.items()) if thing == "provisions"]
    object_id, mode = None, "set"
    if draft.mode == "altered":
        object_id, mode = own[draft.which % len(own)] if own else NO_SUCH_ID, "altered"
        kind = held[object_id][1] if own and draft.choice != 5 else kind
    named = f'<id root="{made.OBJECT_ID}" extension="{object_id}"/>' if object_id else ""
    provider = role("healthCareProvider", f'<id root="{ORGANISATION}" extension="{code}"/>', "PROV")
    body = f'{named}<code code="{kind}"/>' + link("responsibleParty", provider, "RESP")
    event = act("patientCareProvision", body, "PCPR")
    text = role("playedOtherProviderPatient", link("subjectOf", event), "PAT")
    return Said("person", text, Wish("provisions", mode, code, kind, object_id=object_id))


def _gender(draft: Draft, _held: Held) -> Said:
    code = ("9", "1", "2")[draft.choice % 3]
    broken = {"GENDER_REMOVAL_NOT_PERMITTED"} if _is_cleared(draft) else set()
    shown = old.CLEARED if _is_cleared(draft) else f' code="{code}"'
    text = f"<administrativeGenderCode{shown}/>"
    return Said("person", text, _single(draft, "gender", code), frozenset(broken))


def _birth(draft: Draft, _held: Held) -> Said:
    time = ("19500204", "196203051130", "20991231", "19500203")[draft.choice % 4]
    broken = {"BIRTHTIME_REMOVAL_NOT_PERMITTED"} if _is_cleared(draft) else set()
    shown = old.CLEARED if _is_cleared(draft) else f' value="{time}"'
    text = f"<birthTime{shown}/>"
    return Said("person", text, _single(draft, "birth", time), frozenset(broken))


def _language(draft: Draft, _held: Held) -> Said:
    code = ("cy", "fr")[draft.choice % 2]
    shown = old.CLEARED if _is_cleared(draft) else f' code="{code}"'
    text = f"<languageCommunication><languageCode{shown}/></languageCommunication>"
    return Said("person", text, _single(draft, "language", (code, False, "0")))


def _written(draft: Draft, _held: Held) -> Said:
    code = ("11", "12")[draft.choice % 2]
    shown = old.CLEARED if _is_cleared(draft) else ""
    text = f'<disabilityCode code="{code}"{shown}/>'
    return Said("person", text, _single(draft, "written", code))


def _call_back(draft: Draft, _held: Held) -> Said:
    value = ("1", "2", "5")[draft.choice % 3]
    shown = old.CLEARED if _is_cleared(draft) else f' code="{value}"'
    text = link("subjectOf1", act("consent", f'<code code="6"/><value{shown}/>'))
    mode = "cleared" if _is_cleared(draft) else "set"
    return Said("subjects", text, Wish("consent", mode, (value, None, None), "6"))


def _sharing(draft: Draft, _held: Held) -> Said:
    value = ("1", "2", "5")[draft.choice % 3]
    comment = ("AS SAID", "SAID <SO> & SO")[draft.choice % 2]
    shown = old.CLEARED if _is_cleared(draft) else f' code="{value}"'
    told = act(
        "pertinentSupplementaryComments", f'<code code="4"/><value>{escape(comment)}</value>'
    )
    content = f'<code code="4"/><effectiveTime value="{_GIVEN}"/><value{shown}/>' + link(
        "pertinentInformation", told, "PERT"
    )
    broken = {"CONSENT_VALUES_CANNOT_BE_REMOVED"} if _is_cleared(draft) else set()
    wish = Wish("consent", "set", (value, _GIVEN, comment), "4")
    text = link("subjectOf", act("consent", content))
    return Said("subjects", text, wish, frozenset(broken))


_DEATHS: Final = (("20140820", "1"), ("20140801", "2"), ("20991231", "1"), ("19490101", "2"))


def _time_of_death(draft: Draft, _held: Held) -> Said:
    """Give a death: its notification stands beside the person, with the time."""
    time, code = _DEATHS[draft.choice % len(_DEATHS)]
    told = old.everything(DEATH, code=code, time=time)
    text = told["subjects"]
    if _is_cleared(draft):
        text = text.replace(f'<value code="{code}"/>', f"<value{old.CLEARED}/>")
    broken = {"SOURCE_CANNOT_REMOVE_DATE_OF_DEATH"} if _is_cleared(draft) else set()
    return Said("subjects", text, Wish("death", "set", (time, code)), frozenset(broken))


def with_death(together: dict[str, str], said: tuple[Said, ...]) -> dict[str, str]:
    """Give the sections of an update with the time and the author of the death it tells of."""
    for one in said:
        if one.wish.thing == "death":
            time, code = one.wish.said
            told = old.everything(DEATH, code=code, time=time)
            return {**together, "person": told["person"], "author": told["author"]}
    return together


_SAID: Final[dict[str, dict[str, Callable[[Draft, Held], Said]]]] = {
    GENERAL: {
        "names": _name,
        "addresses": _address,
        "telecoms": _telecom,
        "provisions": _provision,
        "gender": _gender,
        "birth": _birth,
        "language": _language,
        "written": _written,
        "consent": _call_back,
    },
    DEATH: {"death": _time_of_death},
    CONSENT: {"consent": _sharing},
}

THINGS: Final = {interaction: tuple(said) for interaction, said in _SAID.items()}
"""What each interaction has room for."""


def said(interaction: str, draft: Draft, held: Held) -> Said:
    """Give what an update says."""
    return _SAID[interaction][draft.thing](draft, held)
