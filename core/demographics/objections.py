"""What a change is held against in the record that stands: each check, and where its rule is told.

The code that checked was never public. The rules are those that the later interface (FHIR) of the
same records publishes, as pds.md 2.4 and 3.4 quote it: applied to these messages they are inferred,
and those that a sender of these messages may not know stand under `Policy.later_rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from core.demographics.amending import KEPT_IN, item_of
from core.demographics.dates import earlier
from core.demographics.records import Policy, is_past
from core.errors import ChangeRefused
from core.values.changes import (
    ChangeList,
    Item,
    ItemChange,
    Mode,
    Objection,
    Single,
    SingleChange,
)
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Name,
    NameUse,
    Patient,
    Telecom,
)

FORMAL: Final = "2"
INFORMAL: Final = "1"
"""How a death was notified (pds.md 3.3)."""


MAX_KEPT: Final = 400_000
"""Bytes that a record may take with what one message asks of it.

No rule of the legacy bounds how many items there are. A change is one object that holds both, and
an answer writes items at twice the length: so both stay under the megabyte that is advised for an
object of a cluster, and far below what one message carries (transport.md 1.9). It is some 1,000
items.
"""

_encode: Final = msgspec.json.Encoder().encode


class Seen(Struct, frozen=True):
    """What the checks see: the record before and after, what was asked, what may be known.

    `latest` is the latest time that a clock on a wall may show; `knows` says whether the
    directory has an organisation.
    """

    before: Patient
    after: Patient
    asked: ChangeList
    latest: str
    policy: Policy
    knows: Callable[[str], bool]

    @property
    def items(self) -> Iterator[ItemChange]:
        """The changes to repeating items."""
        return (one for one in self.asked.changes if isinstance(one, ItemChange))

    @property
    def written(self) -> Iterator[Item]:
        """The items that are added or altered."""
        gone = (Mode.REMOVED, Mode.CLEARED)
        return (one.item for one in self.items if one.mode not in gone)

    @property
    def singles(self) -> frozenset[Single]:
        """What of the single values is changed."""
        return frozenset(one.what for one in self.asked.changes if isinstance(one, SingleChange))


def require_none(seen: Seen) -> None:
    """Return if nothing speaks against a change; raise `ChangeRefused` with the first that does."""
    for objects, objection in _CHECKS:
        if objects(seen):
            raise ChangeRefused(objection)
    if seen.policy.later_rules:
        for objects, objection in _LATER_CHECKS:
            if objects(seen):
                raise ChangeRefused(objection)


def _never_removed(seen: Seen) -> bool:
    """Object to a removal of gender or birth (GENDER_, BIRTHTIME_REMOVAL_NOT_PERMITTED, 2.4)."""
    return any(
        one.mode is Mode.REMOVED and one.what in {Single.GENDER, Single.BIRTH_TIME}
        for one in seen.asked.changes
        if isinstance(one, SingleChange)
    )


def _usual_name_removed(seen: Seen) -> bool:
    """Object where a usual name is left out (3.1; UNABLE_TO_DELETE_USUAL_NAME, 2.4)."""
    return _changes(seen, Name) and _usual(seen.before, seen) > 0 and _usual(seen.after, seen) == 0


def _second_usual_name(seen: Seen) -> bool:
    """Object to a second current usual name (3.1)."""
    standing = _usual(seen.before, seen)
    return _changes(seen, Name) and _usual(seen.after, seen) > max(1, standing)


def _usual(patient: Patient, seen: Seen) -> int:
    return sum(
        one.use is NameUse.USUAL and not is_past(one, seen.latest[:8]) for one in patient.names
    )


def _birth_in_future(seen: Seen) -> bool:
    """Object to a birth in the future (3.4)."""
    birth = seen.after.birth_time
    return Single.BIRTH_TIME in seen.singles and birth is not None and earlier(seen.latest, birth)


def _birth_after_death(seen: Seen) -> bool:
    """Object to a birth after the death (3.4)."""
    return Single.BIRTH_TIME in seen.singles and _dies_unborn(seen.after)


def _death_in_future(seen: Seen) -> bool:
    """Object to a death in the future (2.4)."""
    time = seen.after.death.time if seen.after.death else None
    return Single.DEATH in seen.singles and time is not None and earlier(seen.latest, time)


def _death_before_birth(seen: Seen) -> bool:
    """Object to a death before the birth (2.4)."""
    return Single.DEATH in seen.singles and _dies_unborn(seen.after)


def _dies_unborn(patient: Patient) -> bool:
    time, birth = patient.death.time if patient.death else None, patient.birth_time
    return bool(time and birth and earlier(time, birth))


def _formal_death_stands(seen: Seen) -> bool:
    """Object to an informal notification over a formal one (2.4)."""
    before, after = seen.before.death, seen.after.death
    return (
        Single.DEATH in seen.singles
        and before is not None
        and after is not None
        and (before.notification, after.notification) == (FORMAL, INFORMAL)
    )


def _unknown_practice(seen: Seen) -> bool:
    """Object to a practice that is not there (INVALID_GPREG, 2.4), where all that are are known."""
    return seen.policy.practices_known and any(
        isinstance(one, CareProvision)
        and one.kind is CareProvisionKind.PRIMARY_CARE
        and not one.practitioner
        and not seen.knows(one.provider)
        for one in seen.written
    )


def _too_large(seen: Seen) -> bool:
    """Object to a record that no longer goes well into a store, unless it becomes smaller."""
    if len(_encode((seen.after, seen.asked.changes))) <= MAX_KEPT:
        return False
    return len(_encode(seen.after)) >= len(_encode(seen.before))


def _name_use_changed(seen: Seen) -> bool:
    """Object to an altered use of a name: it is removed and another added (3.4)."""
    for change in seen.items:
        if change.mode is Mode.ALTERED and isinstance(change.item, Name):
            standing = item_of(seen.before, change.item.object_id)
            if isinstance(standing, Name) and standing.use is not change.item.use:
                return True
    return False


def _second_address(seen: Seen) -> bool:
    """Object to a second current address for home, temporary or correspondence use (3.1)."""
    return _is_second(seen, Address)


def _second_telecom(seen: Seen) -> bool:
    """Object to a second current telecom of one medium and use (3.1)."""
    return _is_second(seen, Telecom)


def _second_care_provision(seen: Seen) -> bool:
    """Object to a second current provision of one kind (3.1)."""
    return _is_second(seen, CareProvision)


def _starts_in_future(seen: Seen) -> bool:
    """Object to addresses, names and telecoms that begin in the future (3.4)."""
    return any(
        isinstance(one, Address | Name | Telecom)
        and one.period is not None
        and one.period.start is not None
        and earlier(seen.latest, one.period.start)
        for one in seen.written
    )


_CHECKS: Final[tuple[tuple[Callable[[Seen], bool], Objection], ...]] = (
    (_never_removed, Objection.NEVER_REMOVED),
    (_usual_name_removed, Objection.USUAL_NAME_REMOVED),
    (_second_usual_name, Objection.SECOND_USUAL_NAME),
    (_birth_in_future, Objection.BIRTH_IN_FUTURE),
    (_birth_after_death, Objection.BIRTH_AFTER_DEATH),
    (_death_in_future, Objection.DEATH_IN_FUTURE),
    (_death_before_birth, Objection.DEATH_BEFORE_BIRTH),
    (_formal_death_stands, Objection.FORMAL_DEATH_STANDS),
    (_unknown_practice, Objection.UNKNOWN_PRACTICE),
    (_too_large, Objection.TOO_LARGE),
)

_LATER_CHECKS: Final[tuple[tuple[Callable[[Seen], bool], Objection], ...]] = (
    (_name_use_changed, Objection.NAME_USE_CHANGED),
    (_second_address, Objection.SECOND_ADDRESS),
    (_second_telecom, Objection.SECOND_TELECOM),
    (_second_care_provision, Objection.SECOND_CARE_PROVISION),
    (_starts_in_future, Objection.STARTS_IN_FUTURE),
)

_SOLE_USES: Final = frozenset({AddressUse.HOME, AddressUse.TEMPORARY, AddressUse.CORRESPONDENCE})


def _changes(seen: Seen, kind: type) -> bool:
    return any(isinstance(one.item, kind) for one in seen.items)


def _is_second(seen: Seen, kind: type) -> bool:
    """Say whether an item stands beside another where there is to be one, and did not before.

    A record that had two before may be changed: the change is not what is wrong with it.
    """
    places = {_sole_place(one) for one in seen.written if isinstance(one, kind)} - {None}
    return any(
        _standing(seen.after, kind, place, seen) > max(1, _standing(seen.before, kind, place, seen))
        for place in places
    )


def _standing(patient: Patient, kind: type, place: Hashable, seen: Seen) -> int:
    return sum(
        _sole_place(one) == place and not is_past(one, seen.latest[:8])
        for one in getattr(patient, KEPT_IN[kind])
    )


def _sole_place(item: Item) -> Hashable:
    """Give what one current item at most may have, or None."""
    if isinstance(item, Address):
        return item.use if item.use in _SOLE_USES else None
    if isinstance(item, Telecom):
        return item.use, item.value.partition(":")[0].lower()
    return item.kind if isinstance(item, CareProvision) else None
