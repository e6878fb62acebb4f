"""A record as a list of changes makes it: pure, and the same for the same message.

What becomes of an item, by the mode of the change and the kind of the update (pds.md 2.3; what is
marked *inferred* no public source shows):

- added: a new item, from today unless it says.
- altered, the world has changed: the new version takes the old one's place, from today unless it
  says; the old one is closed, on that day and in the record, and kept as history.
- altered, a correction: the new version takes its place, with the old period unless it says.
- removed, the world has changed: closed and kept as history. A correction: it goes.
- set, cleared: the current item of that use or kind is altered, or removed; where there is none,
  it is added, or nothing is found.

An item keeps its object id through every alteration, so that a system that holds the id can go on
using it; the version that becomes history is given an id of its own (*inferred*). What a record
said before is told in whole by its changes (`claiming`), corrected mistakes too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from core.demographics.dates import earlier
from core.demographics.records import is_past
from core.errors import ChangeRefused, ItemNotFound
from core.values.changes import (
    ChangeList,
    ConsentChange,
    Item,
    ItemChange,
    Kind,
    Mode,
    Objection,
    Single,
    SingleChange,
)
from core.values.demographics import (
    Address,
    AlternativeIdentifier,
    CareProvision,
    CareProvisionKind,
    Name,
    Notified,
    PaperRecord,
    Patient,
    Period,
    Provenance,
    Registration,
    RelatedPerson,
    Telecom,
)

KEPT_IN: Final[dict[type, str]] = {
    Name: "names",
    Address: "addresses",
    Telecom: "telecoms",
    CareProvision: "care_provisions",
    RelatedPerson: "related_persons",
    AlternativeIdentifier: "identifiers",
    PaperRecord: "paper_records",
}
"""The attribute of a record that holds each kind of item."""

ID_LENGTH: Final = 6
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Hand(Struct, frozen=True):
    """Who changes a record, by which message, and when (`yyyymmddhhmmss`)."""

    message_id: str
    system: str
    at: str

    @property
    def today(self) -> str:
        """The day on which it is done."""
        return self.at[:8]


class _Pen(Struct, frozen=True):
    """What a change is written with: the hand, the kind of update, ids not yet used."""

    hand: Hand
    kind: Kind
    ids: Iterator[str]

    @property
    def provenance(self) -> Provenance:
        """What a version that is written now says of itself."""
        return Provenance(system=self.hand.system, recorded=Period(self.hand.at))


def amended(patient: Patient, asked: ChangeList, hand: Hand) -> Patient:
    """Give the record after the changes, under its next serial change number.

    Raises `ItemNotFound` where an object id is no current item's, `ChangeRefused` where it is
    another kind of item's.
    """
    pen = _Pen(hand, asked.kind, _new_ids(patient, hand.message_id))
    for change in asked.changes:
        patient = _AMENDS[type(change)](patient, change, pen)
    return replace(patient, serial_change_number=patient.serial_change_number + 1)


def _amend_item(patient: Patient, change: ItemChange, pen: _Pen) -> Patient:
    items: dict[str, Any] = {
        KEPT_IN[type(change.item)]: _MODES[change.mode](patient, change.item, pen)
    }
    return replace(patient, **items)


def _amend_single(patient: Patient, change: SingleChange, pen: _Pen) -> Patient:
    value = None if change.mode is Mode.REMOVED else change.value
    single: dict[str, Any] = {change.what.value: value}
    if isinstance(value, Registration):
        single[change.what.value] = replace(value, provenance=pen.provenance)
    standing = getattr(patient, change.what)
    if isinstance(standing, Registration) and pen.kind is Kind.CHANGE:
        single["past_registrations"] = (*patient.past_registrations, _ended(standing, change, pen))
    if change.what in _NOTIFIED:
        single["notified"] = _notified(patient, change)
    return replace(patient, recorded_at=pen.hand.at, **single)


_NOTIFIED: Final = frozenset({Single.GENDER, Single.BIRTH_TIME, Single.DEATH, Single.BIRTHPLACE})
"""Of what there is one of, that which a release can say when it was notified."""


def _notified(patient: Patient, change: SingleChange) -> Notified | None:
    """Give when values were notified, after a change of one that says so, or does not."""
    when: dict[str, Any] = {change.what.value: change.notified}
    after = replace(patient.notified or Notified(), **when)
    return None if after == Notified() else after


def _ended(standing: Registration, change: SingleChange, pen: _Pen) -> Registration:
    """Give a registration as history: it held until the new one, and was recorded until now."""
    new = change.value.period if isinstance(change.value, Registration) else None
    end = (new and new.start) or pen.hand.today
    return replace(
        standing,
        period=_until(standing.period, end),
        provenance=_no_longer(standing.provenance, pen),
    )


def _amend_consent(patient: Patient, change: ConsentChange, pen: _Pen) -> Patient:
    others = tuple(one for one in patient.consents if one.kind is not change.consent.kind)
    consents = others if change.mode is Mode.REMOVED else (*others, change.consent)
    return replace(patient, recorded_at=pen.hand.at, consents=consents)


_AMENDS: Final[dict[type, Callable[[Patient, Any, _Pen], Patient]]] = {
    ItemChange: _amend_item,
    SingleChange: _amend_single,
    ConsentChange: _amend_consent,
}


def _added(patient: Patient, item: Item, pen: _Pen) -> tuple[Item, ...]:
    return (*_items(patient, item), _written(replace(item, object_id=next(pen.ids)), pen))


def _altered(patient: Patient, item: Item, pen: _Pen) -> tuple[Item, ...]:
    items, place = _items(patient, item), _place(patient, item)
    standing = items[place]
    _require_kind(standing, item)
    if pen.kind is Kind.CORRECTION:
        period = item.period or standing.period
        new = replace(item, period=period, provenance=pen.provenance)
        return (*items[:place], new, *items[place + 1 :])
    new = _written(item, pen)
    end = (new.period and new.period.start) or pen.hand.today
    history = replace(_closed(standing, end, pen), object_id=next(pen.ids))
    return (*items[:place], new, *items[place + 1 :], history)


def _removed(patient: Patient, item: Item, pen: _Pen) -> tuple[Item, ...]:
    items, place = _items(patient, item), _place(patient, item)
    rest = (*items[:place], *items[place + 1 :])
    if pen.kind is Kind.CORRECTION:
        return rest
    end = (item.period and item.period.end) or pen.hand.today
    return (*rest, _closed(items[place], end, pen))


def _set(patient: Patient, item: Item, pen: _Pen) -> tuple[Item, ...]:
    standing = _standing(patient, item, pen)
    if standing is None:
        return _added(patient, item, pen)
    return _altered(patient, replace(item, object_id=standing.object_id), pen)


def _cleared(patient: Patient, item: Item, pen: _Pen) -> tuple[Item, ...]:
    standing = _standing(patient, item, pen)
    if standing is None:
        raise ItemNotFound("no current item has that use or kind")
    return _removed(patient, replace(item, object_id=standing.object_id), pen)


_MODES: Final[dict[Mode, Callable[[Patient, Item, _Pen], tuple[Item, ...]]]] = {
    Mode.ADDED: _added,
    Mode.ALTERED: _altered,
    Mode.REMOVED: _removed,
    Mode.SET: _set,
    Mode.CLEARED: _cleared,
}


def _standing(patient: Patient, item: Item, pen: _Pen) -> Item | None:
    """Give the current item of the same use or kind; None where there is none."""
    return next(
        (
            one
            for one in _items(patient, item)
            if _named_by(one) == _named_by(item)
            and is_open(one)
            and not is_past(one, pen.hand.today)
        ),
        None,
    )


def _named_by(item: Item) -> str:
    """Give what names an item where no object id does."""
    return item.use if isinstance(item, Name | Address | Telecom) else getattr(item, "kind", "")


def _items(patient: Patient, item: Item) -> tuple[Item, ...]:
    items: tuple[Item, ...] = getattr(patient, KEPT_IN[type(item)])
    return items


def _place(patient: Patient, item: Item) -> int:
    """Give where the item stands that is meant: by its object id, as long as it is not closed."""
    for place, one in enumerate(_items(patient, item)):
        if one.object_id == item.object_id and is_open(one):
            return place
    if item_of(patient, item.object_id) is not None:
        raise ChangeRefused(Objection.WRONG_KIND)
    raise ItemNotFound("no current item has the object id")


def _require_kind(standing: Item, item: Item) -> None:
    """Return if an item may take another's place; one that is removed need not say its kind."""
    if isinstance(standing, CareProvision) and standing.kind is not getattr(item, "kind", None):
        raise ChangeRefused(Objection.WRONG_KIND)


def item_of(patient: Patient, object_id: str | None) -> Item | None:
    """Give the item with an object id that was not closed, of whatever kind; or None."""
    for kept_in in KEPT_IN.values():
        for one in getattr(patient, kept_in):
            if one.object_id == object_id and is_open(one):
                found: Item = one
                return found
    return None


def is_open(item: Item) -> bool:
    """Say whether no later version has taken an item's place."""
    recorded = item.provenance.recorded if item.provenance else None
    return recorded is None or recorded.end is None


def _written(item: Item, pen: _Pen) -> Item:
    """Give an item as it is kept: from today unless it says, and by whom."""
    period = item.period
    if _has_period(item) and (period is None or period.start is None):
        period = Period(pen.hand.today, period.end if period else None)
    return replace(item, period=period, provenance=pen.provenance)


def _closed(item: Item, end: str, pen: _Pen) -> Item:
    """Give an item as history: it held until then, and the record said so until now."""
    return replace(
        item,
        period=_until(item.period, end) if _has_period(item) else item.period,
        provenance=_no_longer(item.provenance, pen),
    )


def _until(period: Period | None, end: str) -> Period:
    """Give a period that ends by then, and not before it starts."""
    period = period or Period()
    if period.end is not None and earlier(period.end, end):
        end = period.end
    if period.start is not None and earlier(end, period.start):
        end = period.start
    return replace(period, end=end)


def _no_longer(provenance: Provenance | None, pen: _Pen) -> Provenance:
    """Give who wrote what the record says no longer from now on."""
    wrote = provenance or Provenance()
    recorded = Period(wrote.recorded.start if wrote.recorded else None, pen.hand.at)
    return replace(wrote, recorded=recorded)


def _has_period(item: Item) -> bool:
    """Say whether an item has dates of its own: of providers only the practice has (pds.md 3.4)."""
    return not isinstance(item, CareProvision) or item.kind is CareProvisionKind.PRIMARY_CARE


def _new_ids(patient: Patient, message_id: str) -> Iterator[str]:
    """Give object ids that the record has not, the same for the same message."""
    taken = {one.object_id for kept_in in KEPT_IN.values() for one in getattr(patient, kept_in)}
    for number in count():
        digest = hashlib.sha256(f"{message_id}/{number}".encode()).digest()
        new = "".join(_DIGITS[byte % len(_DIGITS)] for byte in digest[:ID_LENGTH])
        if new not in taken:
            taken.add(new)
            yield new
