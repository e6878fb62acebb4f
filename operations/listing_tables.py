"""The tables of a directory's TOML file, one after the other, as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from msgspec.structs import fields, replace

from adapters import sds, sds_rows
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
    contract_key,
)
from core.directory.finding import Shown
from core.values.identity import Asid, PartyKey, is_asid
from legacy_contracts import ns, registry
from legacy_contracts.sds import ldif, schema
from operations.entries import Entry

EVERYTHING: Final = "*"

_PARTY_FIELDS: Final = (
    *("name", "certificate_names", "organisation", "endpoint", "acknowledgments", "derived"),
    "attributes",
)
_SYSTEM_FIELDS: Final = (
    *("name", "party", "interactions", "organisation", "unnameable", "attributes"),
)
_CONTRACT_FIELDS: Final = (
    *("party", "service", "interactions", "cpa_id", "endpoint", "identifier", "organisation"),
    *("ack_requested", "duplicate_elimination", "sync_reply", "actor", "attributes"),
    *("retries", "retry_interval", "persist_duration", "ordered"),
)
_ROLE_PROFILE_FIELDS: Final = (
    *("person", "membership", "organisation", "job_role", "job_role_code", "attributes"),
)
# The words of the national directory's attributes (nhsMHSAckRequested and its neighbours).
_ALWAYS: Final = {"always": True, "never": False}
_SYNC_REPLY: Final = {"MSHSignalsOnly": True, "None": False}
_ACTORS: Final = {
    **{one.value: one for one in Actor},
    **{f"urn:oasis:names:tc:ebxml-msg:actor:{one.value}": one for one in Actor},
}
_ACKNOWLEDGING: Final = {one.value: one for one in Acknowledging}
# Where the file says nothing: what a real entry of the national directory says (public in
# NHSDigital/integration-adaptor-mhs, my_real_server_entries.json; transport.md 1.2).
_RETRIES: Final = 2
_RETRY_INTERVAL: Final = "PT1M"
_PERSIST_DURATION: Final = "PT5M"

# What an attribute may say otherwise than a field without contradicting it: what a row leaves to
# its party, and what no entry says.
_UNSAID: Final = ("organisation", "endpoint", "asids", "derived", "attributes")


def organisation(code: str, entry: Entry) -> Organisation:
    """Give the organisation of a table `[organisation.ODS]`."""
    entry.refuse_unknown(("name", "attributes"))
    if not sds_rows.ODS_CODE.fullmatch(code) or len(code) > MAX_KEY:
        entry.note("an ODS code has letters and digits only: correct it")
    row = Organisation(code, entry.text("name"), attributes=entry.attributes())
    return _judged(row, entry)


def party(key: str, entry: Entry) -> Party:
    """Give the party of a table `[party.KEY]`."""
    entry.refuse_unknown(_PARTY_FIELDS)
    names = entry.texts("certificate_names")
    for one in (key, *names):
        if not 0 < len(one) <= MAX_KEY:
            entry.note(f"a party key, or a certificate name, has 1 to {MAX_KEY} characters")
    row = Party(
        PartyKey(key),
        entry.text("name"),
        names,
        organisation=entry.optional_text("organisation"),
        endpoint=entry.url("endpoint"),
        acknowledgments=entry.choice("acknowledgments", _ACKNOWLEDGING, Acknowledging.REQUESTED),
        derived=entry.flag("derived"),
        attributes=entry.attributes(),
    )
    return _judged(row, entry)


def system(asid: str, entry: Entry, contracts: tuple[ContractProperties, ...]) -> System:
    """Give the system of a table `[system.ASID]`."""
    entry.refuse_unknown(_SYSTEM_FIELDS)
    if not entry.flag("unnameable") and not is_asid(asid):
        entry.note("an ASID has 12 digits: correct it")
    interactions = _granted(entry.texts("interactions"), contracts)
    row = System(
        Asid(asid),
        PartyKey(entry.text("party")),
        entry.text("name"),
        sds_rows.activities(interactions),
        interactions,
        entry.optional_text("organisation"),
        entry.attributes(),
    )
    return _judged(row, entry)


def _granted(named: tuple[str, ...], contracts: tuple[ContractProperties, ...]) -> tuple[str, ...]:
    """Give interactions in full: the file may name them by their id alone, or all of them."""
    agreed: dict[str, dict[str, None]] = {}
    for one in contracts:
        agreed.setdefault(one.interaction, {})[f"{one.service}:{one.interaction}"] = None
    if EVERYTHING in named:
        named = (*registry.ACTIVITIES, *agreed, *named)
    full = (
        other
        for one in dict.fromkeys(named)
        if one != EVERYTHING
        for other in _in_full(one, agreed.get(one, {}))
    )
    return tuple(dict.fromkeys(full))


def _in_full(named: str, agreed: Iterable[str]) -> tuple[str, ...]:
    known = sds.full_name(named)
    return tuple(dict.fromkeys((*((known,) if ":" in known else ()), *agreed))) or (named,)


def contracts(entry: Entry) -> tuple[ContractProperties, ...]:
    """Give a table's contracts: one for each of its interactions."""
    entry.refuse_unknown(_CONTRACT_FIELDS)
    agreed = ContractProperties(
        party_key=PartyKey(entry.text("party")),
        service=_service(entry),
        interaction="",
        cpa_id=entry.text("cpa_id"),
        endpoint=entry.url("endpoint"),
        ack_requested=entry.choice("ack_requested", _ALWAYS, default=True),
        duplicate_elimination=entry.choice("duplicate_elimination", _ALWAYS, default=True),
        sync_reply=entry.choice("sync_reply", _SYNC_REPLY, default=True),
        actor=entry.choice("actor", _ACTORS, Actor.TO_PARTY_MSH),
        retries=entry.count("retries", _RETRIES),
        retry_seconds=entry.seconds("retry_interval", _RETRY_INTERVAL),
        persist_seconds=entry.seconds("persist_duration", _PERSIST_DURATION),
        ordered=entry.flag("ordered"),
        identifier=entry.optional_text("identifier"),
        organisation=entry.optional_text("organisation"),
        attributes=entry.attributes(),
    )
    _note_contradictions(entry, agreed)
    named = _interactions(entry, agreed)
    if agreed.identifier and len(named) > 1:
        entry.note("an identifier is of one interaction: write a contract for each")
    return tuple(_judged(replace(agreed, interaction=one), entry) for one in named)


def _service(entry: Entry) -> str:
    service = entry.text("service")
    # The real directory has services that are no full names; one that is known is meant in full.
    known = service in sds.SHORT_NAMES
    if service and (known or not sds_rows.SERVICE.fullmatch(service)):
        entry.note(f'service {service!r} is no full name: write "{ns.SERVICES}NAME"')
    return service


def _interactions(entry: Entry, agreed: ContractProperties) -> tuple[str, ...]:
    named = entry.texts("interactions")
    if entry.table.get("interactions") == []:
        entry.note("interactions is empty: name one, or remove the contract")
    for one in named:
        if not sds_rows.INTERACTION.fullmatch(one):
            entry.note(f"{one!r} is no interaction: write its id")
        elif len(contract_key(agreed.party_key, agreed.service, one)) > MAX_KEY:
            entry.note(f"party, service and {one} have more than {MAX_KEY} characters: shorten")
    return named


def _note_contradictions(entry: Entry, agreed: ContractProperties) -> None:
    persist, interval = agreed.persist_seconds, agreed.retry_seconds
    if persist == 0:
        entry.note("persist_duration is zero, so nothing would be sent: give a longer one")
    elif agreed.retries and persist < interval:
        entry.note(
            f"persist_duration ({persist:g} s) is shorter than retry_interval ({interval:g} s), so "
            "nothing would be sent again: lengthen it, or set retries = 0"
        )


def person(user: str, entry: Entry) -> Person:
    """Give the person of a table `[person.USER]`."""
    entry.refuse_unknown(("name", "family_name", "attributes"))
    name, family = entry.text("name"), entry.optional_text("family_name")
    if family == name.rpartition(" ")[2]:
        family = ""
    return _judged(Person(user, name, family, entry.attributes()), entry)


def membership(identifier: str, entry: Entry) -> Membership:
    """Give the membership of a table `[membership.ID]`."""
    entry.refuse_unknown(("person", "organisation", "name", "attributes"))
    user, code, name = (
        entry.text("person"),
        entry.text("organisation"),
        entry.optional_text("name"),
    )
    name = "" if name == user else name
    return _judged(Membership(identifier, user, code, name, entry.attributes()), entry)


def role_profile(identifier: str, entry: Entry) -> RoleProfile:
    """Give the role profile of a table `[role_profile.ID]`."""
    entry.refuse_unknown(_ROLE_PROFILE_FIELDS)
    row = RoleProfile(
        identifier,
        user=entry.text("person"),
        job_role=entry.text("job_role"),
        job_role_code=entry.optional_text("job_role_code"),
        organisation=entry.optional_text("organisation"),
        membership=entry.optional_text("membership"),
        attributes=entry.attributes(),
    )
    return _judged(row, entry)


R = TypeVar("R", bound=Row)


def _judged(row: R, entry: Entry) -> R:
    """Give a row, after noting what its attributes say that its entry may not, or otherwise."""
    if not row.attributes:
        return row
    if one := next((name for name, _ in row.attributes if schema.attribute(name) is None), None):
        entry.note(f"attribute {one} is not known here: remove it, or correct its name")
        return row
    made = sds.entry_of(Shown(row))
    read, faults = sds_rows.read(ldif.Record(0, made.dn, made.attributes))
    for fault in faults:
        entry.note(fault.text.removeprefix(f"{made.dn}: "))
    if read is not None and type(read) is type(row):
        for name in _told_otherwise(row, read):
            entry.note(f"attributes say otherwise than {name} = {_text(row, name)}: correct one")
    return row


def _told_otherwise(row: Row, read: Row) -> list[str]:
    names = (one.name for one in fields(row) if one.name not in _UNSAID)
    return [name for name in names if getattr(row, name) != getattr(read, name)]


def _text(row: Row, name: str) -> str:
    return str(getattr(row, name))
