"""What persons wrote about patients: the model that a hub's answers are held against.

It is a plain dict per patient and knows nothing of the product: its rules are those that
docs/updates.md tells, written down once more in the simplest way. An item's object id is learnt
from the answers, since nobody but the hub makes one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

Entry = dict[str, Any]
"""One version of an item: use, said, from, until; by, since, gone; id, or None till it is told."""

Written = dict[str, Any]
"""A patient's record as it was written."""

ITEMS: Final = ("related", "addresses", "telecoms", "names", "provisions")
DATED: Final = frozenset({"related", "addresses", "telecoms", "names"})
"""Whose versions have dates; of the provisions only the practice has."""

PRACTICE: Final = "1"
GONE: Final = frozenset({"removed", "cleared"})
"""The modes after which nothing is there."""


class Refused(Exception):
    """A change that a person asked for is not to be done, for one of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = frozenset(reasons)


class Wish(Struct, frozen=True):
    """What a person wants of one thing: `thing` is one of ITEMS, a single value, or `consent`.

    `said` is the new value; `use` and `start` go with items, `until` too; `use` names a consent.
    `set` and `cleared` are the modes of who knows no object ids: what stands in that use is meant.
    """

    thing: str
    mode: str
    said: Any = None
    use: str = ""
    start: str | None = None
    until: str | None = None
    object_id: str | None = None
    told: str | None = None
    """When it was notified, where the message says so."""


class Hand(Struct, frozen=True):
    """Who writes, and when."""

    by: str
    now: datetime

    @property
    def stamp(self) -> str:
        """The moment, to the second."""
        return f"{self.now:%Y%m%d%H%M%S}"

    @property
    def today(self) -> str:
        """The day."""
        return self.stamp[:8]

    @property
    def latest(self) -> str:
        """The moment by a clock in summer time."""
        return f"{self.now + timedelta(hours=1):%Y%m%d%H%M%S}"


def blank(first: int = 0) -> Written:
    """Give a record of which nothing is known."""
    return {
        "first": first,
        "scn": first,
        "singles": {},
        "consents": {},
        "items": {each: [] for each in ITEMS},
        "recorded": None,
        "told": {},
        "mother": None,
        "restricted": None,
        "replaced_by": None,
        "replaces": [],
        "history": [],
    }


def changed(
    record: Written, scn: int | None, wishes: Iterable[Wish], hand: Hand, *, correction: bool
) -> Written:
    """Give the record with the wishes done; raise `Refused` where one may not be."""
    if record["replaced_by"]:
        raise Refused("superseded")
    if record["restricted"]:
        raise Refused("restricted")
    if scn != record["scn"]:
        raise Refused("scn")
    wishes = tuple(wishes)
    after = copy.deepcopy(record)
    for wish in sorted(wishes, key=_order):
        _do(after, wish, hand, correction=correction)
    reasons = frozenset(_objections(record, after, wishes, hand))
    if reasons:
        raise Refused(*reasons)
    return _versioned(after, hand.by, "UpdateRecord")


def _order(wish: Wish) -> int:
    return ITEMS.index(wish.thing) if wish.thing in ITEMS else len(ITEMS)


def _versioned(record: Written, by: str, command: str) -> Written:
    scn = record["scn"] + 1
    return {**record, "scn": scn, "history": [*record["history"], (scn, by, command)]}


def begun(wishes: Iterable[Wish], hand: Hand, command: str) -> Written:
    """Give a record that is made of nothing."""
    record = blank()
    for wish in wishes:
        _do(record, wish, hand, correction=False)
    return _versioned(record, hand.by, command)


def _do(record: Written, wish: Wish, hand: Hand, *, correction: bool) -> None:
    if wish.thing in ITEMS:
        _do_item(record["items"], wish, hand, correction=correction)
        return
    record["recorded"] = hand.stamp
    record["told"][wish.thing] = wish.told
    kept = record["consents"] if wish.thing == "consent" else record["singles"]
    key = wish.use if wish.thing == "consent" else wish.thing
    if wish.mode in GONE:
        kept.pop(key, None)
    else:
        kept[key] = wish.said


def _do_item(items: dict[str, list[Entry]], wish: Wish, hand: Hand, *, correction: bool) -> None:
    entries = items[wish.thing]
    standing = None if wish.mode == "added" else _meant(items, wish, hand)
    if standing is None:
        entries.append(_new(wish, hand, None))
        return
    if wish.mode == "altered" and wish.thing == "provisions" and standing["use"] != wish.use:
        raise Refused("wrong kind")
    place = entries.index(standing)
    entries.remove(standing)
    if wish.mode not in GONE:
        new = _new(wish, hand, standing["id"])
        if correction:
            own = (wish.start, wish.until)
            new["from"], new["until"] = own if any(own) else (standing["from"], standing["until"])
        entries.insert(place, new)
        if not correction:
            end = new["from"] or hand.today
            entries.append({**_closed(wish.thing, standing, end, hand), "id": None})
    elif not correction:
        entries.append(_closed(wish.thing, standing, wish.until or hand.today, hand))


def _meant(items: dict[str, list[Entry]], wish: Wish, hand: Hand) -> Entry | None:
    """Give the version that a wish means: by its object id, or as what stands in that use."""
    if wish.mode in {"set", "cleared"}:
        named = [
            one for one in items[wish.thing] if one["use"] == wish.use and stands(one, hand.today)
        ]
        if not named and wish.mode == "cleared":
            raise Refused("no such item")
        return named[0] if named else None
    for thing in (wish.thing, *ITEMS):
        for entry in items[thing]:
            if entry["id"] == wish.object_id and not entry["gone"]:
                if thing != wish.thing:
                    raise Refused("wrong kind")
                return entry
    raise Refused("no such item")


def _new(wish: Wish, hand: Hand, object_id: str | None) -> Entry:
    start = wish.start
    if start is None and (wish.thing in DATED or wish.use == PRACTICE):
        start = hand.today
    return {
        "use": wish.use,
        "said": wish.said,
        "from": start,
        "until": wish.until,
        "by": hand.by,
        "since": hand.stamp,
        "gone": None,
        "id": object_id,
    }


def _closed(thing: str, entry: Entry, end: str, hand: Hand) -> Entry:
    gone = {**entry, "gone": hand.stamp}
    if thing in DATED or entry["use"] == PRACTICE:
        if entry["until"] and is_before(entry["until"], end):
            end = entry["until"]
        if entry["from"] and is_before(end, entry["from"]):
            end = entry["from"]
        gone["until"] = end
    return gone


def is_before(one: str, other: str) -> bool:
    """Say whether a date comes before another, as far as both are known."""
    size = min(len(one), len(other))
    return one[:size] < other[:size]


def stands(entry: Entry, today: str) -> bool:
    """Say whether a version is what holds on a day."""
    return not entry["gone"] and not (entry["until"] and entry["until"] < today)


def _objections(
    before: Written, after: Written, wishes: tuple[Wish, ...], hand: Hand
) -> Iterator[str]:
    things = {wish.thing for wish in wishes}
    yield from _objections_to_names(before, after, wishes, hand)
    yield from _objections_to_dates(before, after, things, hand)
    for wish in wishes:
        if wish.mode not in GONE and wish.thing in _SOLE:
            place = _SOLE[wish.thing](wish.use, wish.said)
            if place and _beside(after, wish.thing, place, hand) > max(
                1, _beside(before, wish.thing, place, hand)
            ):
                yield f"second {wish.thing}"
        starts = wish.mode not in GONE and wish.thing in DATED - {"related"} and wish.start
        if starts and is_before(hand.latest, starts):
            yield "starts in the future"


def _objections_to_names(
    before: Written, after: Written, wishes: tuple[Wish, ...], hand: Hand
) -> Iterator[str]:
    if not any(wish.thing == "names" for wish in wishes):
        return
    was, now = (_beside(one, "names", "L", hand) for one in (before, after))
    if was and not now:
        yield "usual name removed"
    if now > max(1, was):
        yield "second usual name"
    uses = {one["id"]: one["use"] for one in before["items"]["names"] if not one["gone"]}
    for wish in wishes:
        if wish.thing == "names" and wish.mode == "altered" and uses[wish.object_id] != wish.use:
            yield "use of a name altered"


def _objections_to_dates(
    before: Written, after: Written, things: set[str], hand: Hand
) -> Iterator[str]:
    birth = after["singles"].get("birth")
    died, told = after["singles"].get("death") or (None, None)
    unborn = bool(birth and died and is_before(died, birth))
    if "birth" in things and birth and is_before(hand.latest, birth):
        yield "birth in the future"
    if "birth" in things and unborn:
        yield "birth after death"
    if "death" not in things:
        return
    if died and is_before(hand.latest, died):
        yield "death in the future"
    if unborn:
        yield "death before birth"
    if told == "1" and (before["singles"].get("death") or (None, None))[1] == "2":
        yield "formal death stands"


_SOLE: Final = {
    "addresses": lambda use, _said: use if use in {"H", "TMP", "PST"} else None,
    "telecoms": lambda use, said: (use, said.partition(":")[0]),
    "provisions": lambda use, _said: use,
}
"""What one current item at most may have."""


def _beside(record: Written, thing: str, place: object, hand: Hand) -> int:
    sole = (lambda use, _said: use) if thing == "names" else _SOLE[thing]
    return sum(
        sole(one["use"], one["said"]) == place and stands(one, hand.latest[:8])
        for one in record["items"][thing]
    )


People = dict[str, Written]


def restricted(people: People, number: str, why: str | None) -> People:
    """Give the people with a record withheld, or no longer."""
    record = _own(people, number)
    return _by_hand(people, "Restrict", {number: {**record, "restricted": why}})


def merged(people: People, loser: str, survivor: str, today: str) -> People:
    """Give the people with one number standing for two."""
    if loser == survivor:
        raise Refused("same number")
    kept, lost = _own(people, survivor), people[loser]
    if lost["replaced_by"] != survivor:
        _own(people, loser)
    known = {number for number, _ in kept["replaces"]}
    taken = [one for one in ((loser, today), *lost["replaces"]) if one[0] not in known]
    kept = {
        **kept,
        "replaces": [*kept["replaces"], *taken],
        "restricted": kept["restricted"] or lost["restricted"],
    }
    return _by_hand(people, "Merge", {survivor: kept, loser: {**lost, "replaced_by": survivor}})


def split(people: People, number: str) -> People:
    """Give the people with a number standing for itself again."""
    own = people[number]
    if not own["replaced_by"]:
        raise Refused("not replaced")
    leaving = {number, *(one for one, _ in own["replaces"])}
    after = {number: {**own, "replaced_by": None}}
    holder = own["replaced_by"]
    while holder:
        record = people[holder]
        rest = [one for one in record["replaces"] if one[0] not in leaving]
        after[holder] = {**record, "replaces": rest}
        holder = record["replaced_by"]
    return _by_hand(people, "Split", after)


def _own(people: People, number: str) -> Written:
    record = people[number]
    if record["replaced_by"]:
        raise Refused("superseded")
    return record


def _by_hand(people: People, command: str, after: People) -> People:
    new = {
        number: _versioned(record, OPERATOR, command)
        for number, record in after.items()
        if record != people[number]
    }
    return {**people, **new}


OPERATOR: Final = "jo"


def stood_for(people: People, number: str) -> str:
    """Give the number whose record a number leads to."""
    while people[number]["replaced_by"]:
        number = people[number]["replaced_by"]
    return number
