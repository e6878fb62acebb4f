"""Entries as rows: what a file of the directory says, and every fault of it.

What a row has a field for is read into the field; what the entry says beyond that, or in other
words than the row would be written with, is kept in its `attributes`. An entry that is made from
the row says the same again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from adapters.sds import CONTAINERS, PEOPLE, entry_of
from adapters.sds_reading import OPERATIONAL, Reading, note_schema, opened, plain, spelt
from core.directory import (
    MAX_KEY,
    Acknowledging,
    Actor,
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    identifier_of,
    key_of,
)
from core.directory.finding import Shown
from core.values.identity import Asid, PartyKey
from legacy_contracts import ns
from legacy_contracts.sds import dn, schema
from legacy_contracts.sds.entry import Attributes, Entry
from legacy_contracts.sds.ldif import Fault, Record
from legacy_contracts.sds.urls import wrong_url

T = TypeVar("T")

MOST_RETRIES: Final = 1000
_COUNT: Final = re.compile("[0-9]{1,9}")
UNSAID_PERSIST_SECONDS: Final = 300.0
"""How long a message is remembered where the entry does not say: what real entries say."""

ODS_CODE: Final = re.compile(r"[A-Za-z0-9]+")
SERVICE: Final = re.compile(r"[!-~]+")
INTERACTION: Final = re.compile(r"[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.-]+)*")
"""What names an organisation, a service, an interaction, in any file."""

_CONTAINER_DNS: Final = frozenset(dn.parts_of(one.dn) for one in CONTAINERS)

# The words of ebXML CPA 2.0 (8.4.14), as real entries spell them.
_ALWAYS: Final = {"always": True, "never": False, "permessage": True, "": False}
_SYNC: Final = {
    **dict.fromkeys(("mshsignalsonly", "signalsonly", "signalsandresponse"), True),
    **dict.fromkeys(("none", "responseonly", ""), False),
}
_ACTORS: Final = {one.value.lower(): one for one in Actor}
_ACKNOWLEDGING: Final = {one.value: one for one in Acknowledging}


def read(record: Record) -> tuple[Row | None, list[Fault]]:
    """Give the row of an entry, or every fault of it; of a container neither."""
    reading, faults = opened(record)
    if reading is None:
        return None, faults
    if reading.parts in _CONTAINER_DNS or _is_container(reading.parts):
        return None, []
    make = _made_by(reading)
    if make is None:
        return None, reading.faults
    note_schema(reading)
    if reading.faults:
        return None, reading.faults
    row = make(reading)
    if reading.faults:
        return None, reading.faults
    return _with_the_rest(row, reading), reading.faults


def split(full: str) -> tuple[str, str]:
    """Give the service and the interaction of `service:interaction`."""
    if full.startswith(ns.SERVICES):
        # What newer interactions are named by has colons of its own.
        service, _, interaction = full[len(ns.SERVICES) :].partition(":")
        return f"{ns.SERVICES}{service}", interaction
    service, _, interaction = full.rpartition(":")
    return service, interaction


def activities(interactions: tuple[str, ...]) -> tuple[str, ...]:
    """Give what a system may do, as messages name it, of its interactions in full."""
    return tuple(dict.fromkeys(split(one)[1] for one in interactions))


def _is_container(parts: tuple[dn.Part, ...]) -> bool:
    folded = tuple((name, value.lower()) for name, value in parts)
    return folded in _CONTAINER_DNS


def _made_by(reading: Reading) -> Callable[[Reading], Row] | None:
    """Give what makes the row of an entry, by its class; note where there is no such."""
    if not reading.classes:
        reading.note("objectClass is missing: say what the entry is, nhsAs or nhsMhs for example")
        return None
    if unknown := [one for one in reading.classes if schema.object_class(one) is None]:
        what = f"objectClass {unknown[0]} is not kept here: take the entry out, or the class"
        reading.note(what, "objectclass")
        return None
    makers = (_MAKERS.get(one.lower()) for one in reading.classes)
    kinds = {make for make in makers if make is not None}
    if len(kinds) == 1:
        return next(iter(kinds))
    what = (
        "is of two kinds: leave one class"
        if kinds
        else "is of no kind that is kept here (nhsOrg, nhsPerson, nhsAs, nhsMhs, ...): take it out"
    )
    reading.note(f"objectClass {', '.join(reading.classes)} {what}", "objectclass")
    return None


def _key(reading: Reading, name: str) -> str:
    """Give the value that names an entry, which its DN must give too."""
    rdn, value = reading.parts[0]
    found = next(
        (one for one in reading.values.get(name, ()) if one.casefold() == value.casefold()), ""
    )
    if not found or spelt(rdn).lower() != name:
        given = ", ".join(reading.values.get(name, ()))
        reading.note(f"the DN does not begin with {spelt(name)}={given}: let it, or correct one")
    elif len(found) > MAX_KEY:
        reading.note(f"{spelt(name)} has more than {MAX_KEY} characters: shorten it", name)
    return found


def _organisation(reading: Reading) -> Organisation:
    unit = {"nhssite", "nhsdept"} & {one.lower() for one in reading.classes}
    code = _key(reading, "uniqueidentifier")
    if code and not ODS_CODE.fullmatch(code):
        reading.note(
            f"uniqueIdentifier = {code}: an ODS code has letters and digits only: correct it",
            "uniqueidentifier",
        )
    return Organisation(code, reading.first("ou" if unit else "o"))


def _person(reading: Reading) -> Person:
    name, family = reading.first("cn"), reading.first("sn")
    return Person(_key(reading, "uid"), name, "" if family == name.rpartition(" ")[2] else family)


def _above(reading: Reading) -> tuple[str, str]:
    """Give the user and the membership that an entry stands under; either may be missing."""
    above = reading.parts[1:]
    people = dn.parts_of(PEOPLE)
    place = tuple((name, value.lower()) for name, value in above[-len(people) :])
    named = above[: -len(people)]
    if place != people or not named or named[-1][0] != "uid" or len(named) > 2:
        reading.note(f"the DN does not go on with uid=USER,{PEOPLE}: correct it")
        return "", ""
    return named[-1][1], named[0][1] if len(named) == 2 else ""


def _membership(reading: Reading) -> Membership:
    name = reading.first("cn")
    user, _ = _above(reading)
    return Membership(
        identifier=_key(reading, "uniqueidentifier"),
        user=user,
        organisation=reading.first("nhsidcode"),
        name="" if name == user else name,
    )


def _role_profile(reading: Reading) -> RoleProfile:
    user, membership = _above(reading)
    return RoleProfile(
        identifier=_key(reading, "uniqueidentifier"),
        user=user,
        job_role=reading.first("nhsjobrole"),
        job_role_code=reading.first("nhsjobrolecode"),
        organisation=reading.first("nhsidcode"),
        membership=membership,
    )


def _party(reading: Reading) -> Party:
    words = {"": Acknowledging.REQUESTED, **_ACKNOWLEDGING}
    return Party(
        PartyKey(_key(reading, "nhsmhspartykey")),
        reading.first("cn"),
        reading.values.get("spinecertificatename", ()),
        organisation=reading.first("nhsidcode"),
        endpoint=_endpoint(reading),
        acknowledgments=reading.choice("spineacknowledgments", words),
    )


def _system(reading: Reading) -> System:
    asid = _key(reading, "uniqueidentifier")
    interactions = reading.values.get("nhsassvcia", ())
    product = reading.first("nhsproductname")
    party_key = reading.first("nhsmhspartykey")
    if len(party_key) > MAX_KEY:
        reading.note(
            f"nhsMHSPartyKey has more than {MAX_KEY} characters: shorten it", "nhsmhspartykey"
        )
    return System(
        asid=Asid(asid),
        party_key=PartyKey(party_key),
        name=reading.first("description") or product or asid,
        activities=activities(interactions),
        interactions=interactions,
        organisation=reading.first("nhsidcode"),
    )


def _contract(reading: Reading) -> ContractProperties:
    service, interaction = _agreed_on(reading)
    interval = reading.seconds("nhsmhsretryinterval", 0.0)
    row = ContractProperties(
        party_key=PartyKey(reading.first("nhsmhspartykey")),
        service=service,
        interaction=interaction,
        cpa_id=reading.first("nhsmhscpaid"),
        endpoint=_endpoint(reading),
        ack_requested=reading.choice("nhsmhsackrequested", _ALWAYS),
        duplicate_elimination=reading.choice("nhsmhsduplicateelimination", _ALWAYS),
        sync_reply=reading.choice("nhsmhssyncreplymode", _SYNC),
        actor=_actor(reading),
        retries=_retries(reading),
        retry_seconds=interval,
        persist_seconds=reading.seconds(
            "nhsmhspersistduration", max(UNSAID_PERSIST_SECONDS, interval)
        ),
        ordered=reading.choice("spineordered", {"": False, "true": True, "false": False}),
        identifier=_key(reading, "uniqueidentifier"),
        organisation=reading.first("nhsidcode"),
    )
    _note_contradictions(reading, row)
    derived = identifier_of(replace(row, identifier=""))
    return replace(row, identifier="") if row.identifier == derived else row


def _agreed_on(reading: Reading) -> tuple[str, str]:
    """Give the service and the interaction, which the entry may say twice."""
    full = reading.first("nhsmhssvcia")
    named = reading.first("nhsmhssn"), reading.first("nhsmhsin")
    if all(named):
        if ":".join(named) != full:
            reading.note(
                f"nhsMhsSvcIA = {full}, and nhsMHsSN and nhsMHsIN say {':'.join(named)}: "
                "correct one",
                "nhsmhssvcia",
            )
        service, interaction = named
    else:
        service, interaction = split(full)
    if not SERVICE.fullmatch(service) or not INTERACTION.fullmatch(interaction):
        reading.note(f"nhsMhsSvcIA = {full} is not service:interaction: correct it", "nhsmhssvcia")
    return service, interaction


def _note_contradictions(reading: Reading, row: ContractProperties) -> None:
    if len(key_of(row)) > MAX_KEY:
        reading.note(f"party, service and interaction have more than {MAX_KEY} characters: shorten")
    if row.persist_seconds == 0:
        reading.note(
            "nhsMHSPersistDuration is zero, so nothing would be sent: give a longer one",
            "nhsmhspersistduration",
        )
    elif row.retries and row.persist_seconds < row.retry_seconds:
        reading.note(
            "nhsMHSPersistDuration is shorter than nhsMHSRetryInterval, so nothing would be sent "
            "again: lengthen it, or set nhsMHSRetries: 0",
            "nhsmhspersistduration",
        )


def _retries(reading: Reading) -> int:
    text = reading.first("nhsmhsretries")
    if not text:
        return 0
    if _COUNT.fullmatch(text) and int(text) <= MOST_RETRIES:
        return int(text)
    reading.note(
        f"nhsMHSRetries = {text} is no count: give one from 0 to {MOST_RETRIES}", "nhsmhsretries"
    )
    return 0


def _actor(reading: Reading) -> Actor:
    """Give the first actor that an entry names, the last message handler where it names none."""
    text = reading.first("nhsmhsactor")
    found = _ACTORS.get(text.rpartition(":")[2].lower())
    if text and found is None:
        known = ", ".join(one.value for one in Actor)
        reading.note(f"nhsMHSActor = {text} is not known: write {known}", "nhsmhsactor")
    return found or Actor.TO_PARTY_MSH


def _endpoint(reading: Reading) -> str:
    endpoint = reading.first("nhsmhsendpoint")
    if endpoint and (why := wrong_url(endpoint)):
        reading.note(
            f"nhsMHSEndPoint = {endpoint} {why}: write https://host/path", "nhsmhsendpoint"
        )
    return endpoint


_MAKERS: Final[Mapping[str, Callable[[Reading], Any]]] = {
    "nhsorg": _organisation,
    "nhssite": _organisation,
    "nhsdept": _organisation,
    "nhsgppractice": _organisation,
    "nhsperson": _person,
    "nhsorgperson": _membership,
    "nhsorgpersonrole": _role_profile,
    "nhsas": _system,
    "nhsmhs": _contract,
    "spineparty": _party,
}


def _with_the_rest(row: Row, reading: Reading) -> Row:
    """Give the row with what the entry says beyond it, after its DN was found right."""
    derived = _derived(row, reading)
    if not dn.same(derived.dn, reading.record.dn):
        reading.note(f"the entry stands at {derived.dn}: correct its DN")
    return replace(row, attributes=_beyond(derived, reading))


def _derived(row: Row, reading: Reading) -> Entry:
    """Give the entry that is made from a row, where two things it says bear on the others."""
    if isinstance(row, Organisation):
        made = entry_of(Shown(replace(row, attributes=(("objectClass", reading.classes),))))
        said = tuple(one for one in made.attributes if one[0] != "objectClass")
        return Entry(made.dn, (("objectClass", ("top", "nhsOrg")), *said))
    product = reading.values.get("nhsproductname", ())
    if isinstance(row, System) and product:
        made = entry_of(Shown(replace(row, attributes=(("nhsProductName", product),))))
        return Entry(made.dn, tuple(one for one in made.attributes if one[0] != "nhsProductName"))
    return entry_of(Shown(row))


def _beyond(derived: Entry, reading: Reading) -> Attributes:
    """Give what an entry says that is not derived, and what is derived and not said."""
    said = {plain(name): values for name, values in derived.attributes}
    further: list[tuple[str, tuple[str, ...]]] = []
    for written, values in reading.record.attributes:
        name = plain(written)
        if name in OPERATIONAL or _is_same(name, values, said.pop(name, ())):
            continue
        further.append((written, values))
    further += ((spelt(name), ()) for name in said)
    return tuple(sorted(further, key=lambda one: one[0].lower()))


def _is_same(name: str, values: tuple[str, ...], derived: tuple[str, ...]) -> bool:
    if values == derived:
        return True
    if name == "objectclass":
        return {one.lower() for one in values} == {one.lower() for one in derived}
    return len(values) == len(derived) and sorted(values) == sorted(derived)
