"""What an update asks for: the items of its message as a list of changes, each with its mode.

An item without mode, or `unchanged`, is no part of the change (pds.md 2.3). Readers find elements
by name, in whatever order they stand: real clients mix the orders of the releases (pds.md 1.4).
What a release has elsewhere than the others is a row of its readers.

Each is looked for where the stylesheets' rules ask for it and where they pass it on: in the first
person of the first subject, in the first `subjectOf` of its number. What stands elsewhere was asked
nothing, so it is no part of the change either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from core.values.changes import (
    Change,
    ConsentChange,
    Item,
    ItemChange,
    Mode,
    Single,
    SingleChange,
    Value,
)
from core.values.demographics import (
    Authority,
    Birthplace,
    CareProvision,
    Consent,
    ContactPreference,
    Death,
    DonorPreference,
    RelatedPerson,
)
from legacy_contracts import oids
from legacy_contracts.pds import codes, reading
from legacy_contracts.pds.reading import Node, code, every, extension, maybe, text, value

Reader = Callable[[Node], Iterator[Change]]
"""Gives the changes of one kind that a patient's role asks for."""

MODES: Final = {mode.value: mode for mode in (Mode.ADDED, Mode.ALTERED, Mode.REMOVED)}
ROLES: Final = {code: role for role, code in codes.RELATED_ROLE.items()}
CONSENT_KINDS: Final = {code: kind for kind, code in codes.CONSENT_KIND.items()}

PERSON: Final = "hl7:patientPerson[1]"
ANY_PERSON: Final = "hl7:patientPerson"
"""Where care provisions and related persons are asked of: in every person."""
_MINUTE: Final = 12
"""Digits of a time of birth or death that are kept."""
_SECOND: Final = 14
"""And of the time at which something was notified."""


def mode_of(node: Node | None) -> Mode | None:
    """Give what becomes of an item, or None where it is no part of the change."""
    return None if node is None else MODES.get(node.get("updateMode") or "")


def items(path: str, read: Callable[[Node], Item]) -> Reader:
    """Give the reader of the items at a path."""

    def changes(role: Node) -> Iterator[Change]:
        for node in every(role, path):
            mode = mode_of(node)
            if mode is not None:
                yield ItemChange(mode, read(node))

    return changes


def single(
    what: Single, path: str, read: Callable[[Node], Value | None], mode_in: str = "."
) -> Reader:
    """Give the reader of what there is one of, at a path; its mode stands in the element there."""

    def changes(role: Node) -> Iterator[Change]:
        node = maybe(role, path)
        mode = None if node is None else mode_of(maybe(node, mode_in))
        if node is not None and mode is not None:
            told = None if mode is Mode.REMOVED else read(node)
            yield SingleChange(mode, what, told, notified(node))

    return changes


def notified(node: Node) -> str | None:
    """Give when what stands in an element was notified, in the releases that say so."""
    time = value(node, "hl7:subjectOf/hl7:notificationTime/hl7:value")
    return None if time is None else time[:_SECOND]


class DeathPlaces(Struct, frozen=True):
    """Where a release has the parts of a death, below the patient's role."""

    time: str
    mode: str
    notification: str
    authority: str


def death(at: DeathPlaces) -> Reader:
    """Give the reader of a death: its time, its notification and its authority are one change."""

    def changes(role: Node) -> Iterator[Change]:
        node = maybe(role, at.mode)
        mode = mode_of(node)
        if node is not None and mode is not None:
            told = None if mode is Mode.REMOVED else _death(role, at)
            yield SingleChange(mode, Single.DEATH, told, notified(node))

    return changes


def _death(role: Node, at: DeathPlaces) -> Death:
    authority = maybe(role, at.authority)
    return Death(
        to_the_minute(value(role, at.time)),
        code(role, f"{at.notification}/hl7:value"),
        None if authority is None else registering(authority),
    )


def registering(node: Node) -> Authority:
    """Give the authority that registers a death, wherever a release has its ids."""
    own = extension(node, "hl7:id")
    person = extension(node, "hl7:assignedRegisteringPerson/hl7:id")
    scoped = "hl7:assignedRegisteringOrganization/hl7:scopedAssignedPerson/hl7:id"
    return Authority(
        kind=code(node, "hl7:code") or "",
        organisation=own or extension(node, "hl7:representedRegisteringOrganization/hl7:id"),
        person=person or extension(node, scoped),
    )


def consents(path: str) -> Reader:
    """Give the reader of the consents at a path."""

    def changes(role: Node) -> Iterator[Change]:
        for node in every(role, path):
            mode = mode_of(node)
            if mode is not None:
                yield ConsentChange(mode, consent(node))

    return changes


def consent(node: Node) -> Consent:
    """Give a consent."""
    said = "hl7:pertinentInformation/hl7:pertinentSupplementaryComments/hl7:value"
    return Consent(
        kind=CONSENT_KINDS[code(node, "hl7:code") or ""],
        value=code(node, "hl7:value") or "",
        given_at=value(node, "hl7:effectiveTime"),
        comments=text(node, said),
    )


def provision(provider: str) -> Callable[[Node], CareProvision]:
    """Give what reads a care provision whose provider's id stands at a path."""
    return lambda node: reading.care_provision(node, provider)


def related_person(node: Node) -> RelatedPerson:
    """Give a related person; one that is removed is little more than an id."""
    known = "hl7:player/hl7:playedRelatedPatient/hl7:id"
    own = f"hl7:id[@root='{oids.NHS_NUMBER}']"
    name, address = maybe(node, "hl7:player/hl7:name"), maybe(node, "hl7:addr")
    position = value(node, "hl7:positionNumber")
    return RelatedPerson(
        relationship=code(node, "hl7:code") or "",
        role=ROLES[node.get("classCode") or "PRS"],
        nhs_number=extension(node, known) or extension(node, own),
        name=None if name is None else reading.name(name),
        address=None if address is None else reading.address(address),
        telecoms=reading.telecoms(every(node, "hl7:telecom")),
        next_of_kin=_yes(node, "partNextOfKin"),
        correspondence=_yes(node, "partCorrespondence"),
        position=None if position is None else int(position),
        language=reading.language(node, "hl7:player/hl7:languageCommunication"),
        contact=_contact(node, "hl7:subjectOf1/hl7:preferredContactMethod"),
        written_format=code(
            node, "hl7:subjectOf2/hl7:preferredWrittenCommunicationFormat/hl7:value"
        ),
        call_back=code(node, "hl7:subjectOf3/hl7:callCentreCallBackConsent/hl7:value"),
        period=reading.period(node, "hl7:effectiveTime"),
        object_id=reading.object_id(node),
    )


def _yes(node: Node, flag: str) -> str | None:
    """Give a related person's flag where it is set: a no is the same as none (the warning)."""
    found = code(node, f"*/hl7:{flag}/hl7:code")
    return found if found == "1" else None


def _contact(node: Node, path: str) -> ContactPreference | None:
    found = reading.contact(node, path)
    return None if found == ContactPreference() else found


def to_the_minute(time: str | None) -> str | None:
    """Give a time to the minute, or None."""
    return None if time is None else time[:_MINUTE]


def _number(node: Node) -> int | None:
    found = node.get("value")
    return None if found is None else int(found)


def place_of_birth(node: Node) -> Birthplace | None:
    """Give where a person was born, of what holds the address."""
    return reading.birthplace(node, "hl7:addr")


def blood_donor(node: Node) -> DonorPreference:
    """Give whether a person wants to give blood, and where to write about it."""
    # An update has the consent first, a request for a number the address.
    where = maybe(node, "*/hl7:donorPreferredAddress/hl7:value")
    agreed = "*/hl7:bloodDonorConsent"
    return DonorPreference(
        consent=code(node, f"{agreed}/hl7:value") or "",
        given_at=value(node, f"{agreed}/hl7:effectiveTime") or "",
        address=None if where is None else reading.address(where),
    )


def organ_donor(node: Node) -> DonorPreference:
    """Give whether a person wants to give organs, and which."""
    agreed = "hl7:component/hl7:organDonorConsent"
    given = every(node, f"{agreed}/*/hl7:organDonationItem/hl7:value")
    return DonorPreference(
        consent=code(node, f"{agreed}/hl7:value") or "",
        given_at=value(node, f"{agreed}/hl7:effectiveTime") or "",
        organs=tuple(one.get("code") or "" for one in given),
    )


PERFORMER: Final = "hl7:performer/hl7:assignedOrganization/hl7:id"
RESPONSIBLE: Final = "hl7:responsibleParty/hl7:healthCareProvider/hl7:id"

RELATED_PERSONS: Final = items(f"{ANY_PERSON}/hl7:scopedRelatedPersonRole", related_person)
ADDRESSES: Final = items("hl7:addr", reading.address)
TELECOMS: Final = items("hl7:telecom", reading.telecom)
NAMES: Final = items(f"{PERSON}/hl7:name", reading.name)


def provisions(event: str, provider: str) -> Reader:
    """Give the reader of care provisions."""
    place = f"{ANY_PERSON}/hl7:playedOtherProviderPatient/hl7:subjectOf[1]/hl7:{event}"
    return items(place, provision(provider))


SHARED_SECRET: Final = single(
    Single.SHARED_SECRET, "hl7:subjectOf5/hl7:sharedSecret", lambda node: text(node, "hl7:value")
)
BIRTH_ORDER: Final = single(Single.BIRTH_ORDER, f"{PERSON}/hl7:multipleBirthOrderNumber", _number)
LANGUAGE: Final = single(
    Single.LANGUAGE,
    f"{PERSON}/hl7:languageCommunication",
    lambda node: reading.language(node, "."),
)
WRITTEN_FORMAT: Final = single(
    Single.WRITTEN_FORMAT,
    "hl7:subjectOf4[1]/hl7:preferredWrittenCommunicationFormat",
    lambda node: code(node, "hl7:value"),
)
HEALTHSPACE: Final = single(
    Single.HEALTHSPACE,
    "hl7:subjectOf3[1]/hl7:healthspaceRegistration",
    lambda node: code(node, "hl7:value"),
)
CONTACT: Final = single(
    Single.CONTACT,
    "hl7:subjectOf2[1]/hl7:preferredContactMethod",
    lambda node: _contact(node, "."),
)
GENDER: Final = single(
    Single.GENDER, f"{PERSON}/hl7:administrativeGenderCode", lambda node: node.get("code")
)
BIRTH_TIME: Final = single(
    Single.BIRTH_TIME,
    f"{PERSON}/hl7:birthTime",
    lambda node: to_the_minute(node.get("value")),
)
_BIRTHPLACE: Final = single(
    Single.BIRTHPLACE, f"{PERSON}/hl7:birthplace", place_of_birth, "hl7:addr"
)
_DEAD: Final = f"{PERSON}/hl7:deceasedTime"
_AUTHOR: Final = "../../hl7:author/hl7:registeringAuthority"


def plain_death(notification: str) -> Reader:
    """Give the reader of a death whose time stands directly in the person."""
    return death(DeathPlaces(_DEAD, _DEAD, notification, _AUTHOR))


DEATH: Final = plain_death("hl7:subjectOf7[1]/hl7:deathNotification")
CONSENTS: Final = consents("hl7:subjectOf1/hl7:consent")


def _general(event: str, provider: str) -> tuple[Reader, ...]:
    return (
        RELATED_PERSONS,
        ADDRESSES,
        TELECOMS,
        NAMES,
        provisions(event, provider),
        SHARED_SECRET,
        GENDER,
        BIRTH_TIME,
        BIRTH_ORDER,
        DEATH,
        LANGUAGE,
        WRITTEN_FORMAT,
        HEALTHSPACE,
        CONTACT,
        CONSENTS,
        _BIRTHPLACE,
    )


BEFORE_2008: Final = _general("patientCareProvision", RESPONSIBLE)
V2008A: Final = _general("patientCareProvision", PERFORMER)
CONSENT_3_1: Final = (consents("hl7:subjectOf/hl7:consent"),)
DEATH_3_1: Final = (plain_death("hl7:subjectOf[1]/hl7:deathNotification"),)
