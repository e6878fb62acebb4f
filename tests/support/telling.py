"""What each generation of queries can say of a record that persons wrote, and what an answer says.

Both in one plain form, so that they can be compared: (thing, use, said, dates, who wrote it) for
each version of an item, and a dict of all else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import reading
from lxml import etree
from msgspec import Struct
from remembered import ITEMS, Entry, Written, stands

from core.values.demographics import (
    Address,
    CareProvision,
    Consent,
    DonorPreference,
    Name,
    Patient,
    Period,
    Provenance,
    Registration,
    RelatedPerson,
    Telecom,
)


class Carries(Struct, frozen=True):
    """What a generation's retrieval can say; what no row leaves out, every generation says."""

    writer: bool
    """Who wrote a version, and from when to when the record said so."""
    birthplace: bool
    comments: bool
    """What was said with a consent."""
    notified: bool
    """When gender, birth and death were written."""
    register: bool = False
    """The registration with the local register (NHAIS), and the removal from it."""
    donors: bool = False
    """Whether the patient wants to give blood or organs."""
    always: bool = True
    business_reason: bool = True
    """That a record is withheld for a business reason; else it is shown as sensitive."""


RETRIEVALS: Final = {
    "QUPA_IN000008UK02": Carries(
        writer=True, birthplace=True, comments=False, notified=False, register=True
    ),
    "QUPA_IN000008UK05": Carries(
        writer=True,
        birthplace=True,
        comments=False,
        notified=True,
        register=True,
        donors=True,
        business_reason=False,
    ),
    "QUPA_IN040000UK32": Carries(writer=False, birthplace=False, comments=True, notified=False),
    "QUPA_IN040000UK14": Carries(writer=False, birthplace=False, comments=True, notified=False),
    "QUPA_IN040000UK01": Carries(writer=False, birthplace=False, comments=True, notified=False),
}
"""The retrieval of each generation (pds.md A.4 to A.6, A.11), the one that says most first."""

_ROOM: Final = {
    "birthplace": "birthplace",
    "registration": "register",
    "removal": "register",
    "blood": "donors",
    "organs": "donors",
}
"""Which single values not every generation has room for, and what of `Carries` says which."""

Version = tuple[Any, ...]
Told = dict[str, Any]


def expected(record: Written, number: str, carries: Carries, today: str | None) -> Told:
    """Give what an answer is to say of a record: as it stands `today`, or with its history."""
    if record["restricted"]:
        why = record["restricted"]
        if why == "business reason" and not carries.business_reason:
            why = "sensitive"
        return _told(number, record["scn"], why)
    singles = record["singles"]
    told = _told(number, record["scn"], None)
    told["items"] = sorted(
        (shown(thing, entry, carries) for thing, entry in _entries(record, today)), key=repr
    )
    told["singles"] = {
        key: value for key, value in singles.items() if getattr(carries, _ROOM.get(key, "always"))
    }
    told["consents"] = {
        kind: said if carries.comments else (*said[:2], None)
        for kind, said in record["consents"].items()
    }
    told["replaces"] = sorted(record["replaces"])
    if carries.notified:
        told["notified"] = _notified(record)
    return told


NOTIFIED: Final = {
    "gender": "COCT_MT000209UK01.PartAdminGenderCode",
    "birth": "COCT_MT000210UK01.PartBirthTime",
    "death": "COCT_MT000211UK01.PartDeceasedTime",
    "birthplace": "COCT_MT000208UK01.BirthPlace",
}
"""The single values that 2008B shows with the time at which they were notified, and where."""


def _told_at(message: etree._Element) -> dict[str, str]:
    """Give when single values were notified, as an answer of 2008B says."""
    time = "{*}subjectOf/{*}notificationTime/{*}value"
    found = {one: message.find(f".//{{*}}{part}/{time}") for one, part in NOTIFIED.items()}
    return {one: str(when.get("value")) for one, when in found.items() if when is not None}


def _notified(record: Written) -> dict[str, str]:
    """Give when single values were notified, or written where nobody said when."""
    singles = record["singles"]
    otherwise = record["recorded"] or singles.get("birth")
    # Of a death without a time only the notification is shown, which has no time of its own.
    timeless = {one for one in ("death",) if one in singles and singles[one][0] is None}
    shown = [one for one in NOTIFIED if one in singles and one not in timeless]
    return {one: record["told"].get(one) or otherwise for one in shown}


def differing(told: Told, expected: Told) -> list[tuple[str, object, object]]:
    """Give what is told otherwise than expected: which, as it is told, as it should be."""
    keys = dict.fromkeys((*told, *expected))
    return [
        (key, told.get(key), expected.get(key))
        for key in keys
        if told.get(key) != expected.get(key)
    ]


def _told(number: str, scn: int, withheld: str | None) -> Told:
    empty: Told = {"items": [], "singles": {}, "consents": {}, "replaces": []}
    return {"number": number, "scn": scn, "withheld": withheld, **empty}


def _entries(record: Written, today: str | None) -> Iterator[tuple[str, Entry]]:
    for thing in ITEMS:
        for entry in record["items"][thing]:
            if today is None or stands(entry, today):
                yield thing, entry


def version(thing: str, entry: Entry) -> Version:
    """Give a version of an item in full."""
    return shown(thing, entry, RETRIEVALS["QUPA_IN000008UK02"])


def shown(thing: str, entry: Entry, carries: Carries) -> Version:
    """Give a version of an item as a generation shows it."""
    wrote = (entry["by"], entry["since"], entry["gone"]) if carries.writer else None
    dates = (entry["from"], entry["until"])
    return (thing, entry["use"], entry["said"], dates, wrote)


def answered(message: etree._Element, carries: Carries) -> tuple[Told, dict[str, Version]]:
    """Give what an answer says, and which version of an item has which object id."""
    patient = reading.patient(message)
    told = _told(
        patient.nhs_number,
        patient.serial_change_number,
        patient.sensitivity.value if patient.sensitivity else None,
    )
    versions = [
        (thing, *_read(item), _dates(item.period), _wrote(item.provenance, carries))
        for thing in ITEMS
        for item in _items(patient, thing)
    ]
    ids = [item.object_id for thing in ITEMS for item in _items(patient, thing)]
    assert None not in ids, "an item without object id"
    assert len(set(ids)) == len(ids), "an object id of two items"
    told["items"] = sorted(versions, key=repr)
    told["singles"] = _singles(patient)
    told["consents"] = {_CONSENTS[one.kind.value]: _consent(one) for one in patient.consents}
    assert len(told["consents"]) == len(patient.consents), "two consents of a kind"
    told["replaces"] = sorted(
        (one.nhs_number, one.period.start if one.period else None) for one in patient.replaced
    )
    if carries.notified and patient.sensitivity is None:
        told["notified"] = _told_at(message)
    return told, {str(one): version for one, version in zip(ids, versions, strict=True)}


_PLACES: Final = {
    "names": "names",
    "addresses": "addresses",
    "telecoms": "telecoms",
    "provisions": "care_provisions",
    "related": "related_persons",
}
_CONSENTS: Final = {"record sharing": "4", "call-centre call-back": "6"}
_USES: Final = {
    "names": {"usual": "L", "alias": "A", "preferred": "PREFERRED"},
    "addresses": {"home": "H", "temporary": "TMP", "correspondence": "PST"},
    "telecoms": {"home": "H", "work": "WP", "mobile": "MC"},
    "provisions": {
        "primary care": "1",
        "nominated pharmacy": "P1",
        "appliance contractor": "P2",
        "dispensing doctor": "P3",
    },
}
"""The codes that persons use here, by the words of a record."""


def _items(patient: Patient, thing: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = getattr(patient, _PLACES[thing])
    return found


def _read(item: object) -> tuple[str, Any]:
    """Give an item's use and what it says."""
    if isinstance(item, Name):
        return _USES["names"][item.use.value], name_said(item)
    if isinstance(item, Address):
        return _USES["addresses"][item.use.value], address_said(item)
    if isinstance(item, Telecom):
        return _USES["telecoms"][item.use.value], item.value
    if isinstance(item, CareProvision):
        return _USES["provisions"][item.kind.value], item.provider
    assert isinstance(item, RelatedPerson)
    return item.role.value, related_said(item)


def name_said(item: Name) -> tuple[Any, ...]:
    """Give what a name says."""
    return (item.prefix, item.given, item.family, item.suffix)


def address_said(item: Address) -> tuple[Any, ...]:
    """Give what an address says."""
    return (item.lines, item.postcode, item.paf_key, item.description)


def related_said(item: RelatedPerson) -> tuple[Any, ...]:
    """Give what a related person's role says."""
    return (
        item.relationship,
        item.nhs_number,
        name_said(item.name) if item.name else None,
        address_said(item.address) if item.address else None,
        tuple(one.value for one in item.telecoms),
        (item.next_of_kin, item.correspondence, item.position),
        (item.language.code, item.language.preferred, item.language.interpreter)
        if item.language
        else None,
        (item.contact.method, item.contact.times) if item.contact else None,
        item.written_format,
        item.call_back,
    )


def _dates(period: Period | None) -> tuple[str | None, str | None]:
    return (period.start, period.end) if period else (None, None)


def _wrote(provenance: Provenance | None, carries: Carries) -> tuple[str | None, ...] | None:
    if not carries.writer:
        assert provenance is None
        return None
    if provenance is None:
        return (None, None, None)
    return (provenance.system, *_dates(provenance.recorded))


def _consent(one: Consent) -> tuple[str | None, ...]:
    return (one.value, one.given_at, one.comments)


def _singles(patient: Patient) -> dict[str, Any]:
    place, language = patient.birthplace, patient.language
    found = {
        "gender": patient.gender,
        "birth": patient.birth_time,
        "order": patient.birth_order,
        "birthplace": (place.city, place.county, place.country) if place else None,
        "death": (patient.death.time, patient.death.notification) if patient.death else None,
        "language": (language.code, language.preferred, language.interpreter) if language else None,
        "contact": (patient.contact.method, patient.contact.times) if patient.contact else None,
        "written": patient.written_format,
        "healthspace": patient.healthspace,
        "secret": patient.shared_secret,
        "known before": patient.previous_contact,
        "registration": _registered(patient.registration),
        "removal": _registered(patient.removal),
        "blood": _donates(patient.blood_donor),
        "organs": _donates(patient.organ_donor),
    }
    return {key: value for key, value in found.items() if value is not None}


def _registered(event: Registration | None) -> tuple[Any, ...] | None:
    return None if event is None else (event.custodian, event.reason, _dates(event.period))


def _donates(donor: DonorPreference | None) -> tuple[str, str] | None:
    return None if donor is None else (donor.consent, donor.given_at)


BRIEF: Final = ("names", "addresses")
"""The items that every answer to another query than a retrieval shows."""


def brief(record: Written, number: str, today: str) -> tuple[Any, ...]:
    """Give what a trace, a cross-check or a confirmation is to say of a record."""
    things = BRIEF[:1] if record["restricted"] else BRIEF
    items = sorted(
        (
            (thing, entry["use"], entry["said"], (entry["from"], entry["until"]))
            for thing, entry in _entries(record, today)
            if thing in things
        ),
        key=repr,
    )
    singles = record["singles"]
    return (number, items, *(singles.get(one) for one in ("gender", "birth", "death")))


def briefly(message: etree._Element) -> tuple[Any, ...]:
    """Give what such an answer says."""
    (told,) = each_briefly(message)
    return told


def each_briefly(message: etree._Element) -> list[tuple[Any, ...]]:
    """Give what an answer says of each patient that it lists."""
    return [_briefly(one) for one in reading.patients(message)]


def _briefly(patient: Patient) -> tuple[Any, ...]:
    items = sorted(
        (
            (thing, *_read(item), _dates(item.period))
            for thing in BRIEF
            for item in _items(patient, thing)
        ),
        key=repr,
    )
    singles = _singles(patient)
    return (patient.nhs_number, items, *(singles.get(one) for one in ("gender", "birth", "death")))


def learn(record: Written, versions: dict[str, Version]) -> None:
    """Note the object ids of versions that had none yet."""
    known = {one["id"] for items in record["items"].values() for one in items}
    new = {one: seen for one, seen in versions.items() if one not in known}
    for thing, items in record["items"].items():
        for entry in items:
            if entry["id"] is None:
                entry["id"] = next(
                    one for one, seen in new.items() if seen == version(thing, entry)
                )
                del new[entry["id"]]
    assert new == {}, "object ids that changed"


def require_ids(record: Written, versions: dict[str, Version], carries: Carries) -> None:
    """Return if each id that is shown is that of the same version as ever."""
    known = {
        entry["id"]: shown(thing, entry, carries)
        for thing, items in record["items"].items()
        for entry in items
    }
    for one, version in versions.items():
        assert known[one] == version, "an object id of another version"
