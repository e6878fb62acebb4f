"""What is to change in a demographic record, in plain words: the list that an update brings.

Each change says how (added, altered, removed) and what. Repeating items are named by their object
id, single ones by what they are. Nothing here knows which message brought it, or in what form.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from core.values.demographics import (
    Address,
    AlternativeIdentifier,
    Birthplace,
    CareProvision,
    Consent,
    ContactPreference,
    Death,
    DonorPreference,
    Entitlement,
    Language,
    Name,
    PaperRecord,
    RegisteredPerson,
    Registration,
    RelatedPerson,
    Telecom,
)


class Mode(StrEnum):
    """What becomes of an item.

    The last two name no object id: they set or clear the current item of that use or kind, for
    senders that know no ids.
    """

    ADDED = "added"
    ALTERED = "altered"
    REMOVED = "removed"
    SET = "set"
    CLEARED = "cleared"


class Kind(StrEnum):
    """Whether the world has changed, so that the old version becomes history, or it was wrong."""

    CHANGE = "change"
    CORRECTION = "correction"


class Single(StrEnum):
    """What a record has one of at most; the words are those of the record's attributes."""

    GENDER = "gender"
    BIRTH_TIME = "birth_time"
    BIRTH_ORDER = "birth_order"
    BIRTHPLACE = "birthplace"
    DEATH = "death"
    LANGUAGE = "language"
    CONTACT = "contact"
    WRITTEN_FORMAT = "written_format"
    HEALTHSPACE = "healthspace"
    SHARED_SECRET = "shared_secret"  # noqa: S105 - what it is called, not one of them
    REGISTRATION = "registration"
    REMOVAL = "removal"
    PREVIOUS_CONTACT = "previous_contact"
    BLOOD_DONOR = "blood_donor"
    ORGAN_DONOR = "organ_donor"
    REGISTERED = "registered"
    ENTITLEMENT = "entitlement"


class Objection(StrEnum):
    """Why a change does not go with what is stored: the checks against the record as it stands."""

    SECOND_USUAL_NAME = "another current usual name stands"
    USUAL_NAME_REMOVED = "the usual name may be altered, not removed"
    NAME_USE_CHANGED = "the use of a name may not be altered"
    SECOND_ADDRESS = "another current address has that use"
    SECOND_TELECOM = "another current telecom has that use and medium"
    SECOND_CARE_PROVISION = "another current care provision is of that kind"
    WRONG_KIND = "the object id is that of another kind of item"
    STARTS_IN_FUTURE = "the period starts in the future"
    NEVER_REMOVED = "it may be altered, not removed"
    BIRTH_IN_FUTURE = "the birth is in the future"
    BIRTH_AFTER_DEATH = "the birth is after the death"
    DEATH_IN_FUTURE = "the death is in the future"
    DEATH_BEFORE_BIRTH = "the death is before the birth"
    FORMAL_DEATH_STANDS = "an informal notification of death does not replace a formal one"
    SAME_NUMBER = "a number does not replace itself"
    NOT_REPLACED = "no number replaces it"
    TOO_MANY_LEAD_TO_IT = "too many numbers lead to it: merge the other into it instead"
    UNKNOWN_PRACTICE = "the practice is not in the directory"
    TOO_LARGE = "the record would hold more than one record may"


Item = (
    Name | Address | Telecom | CareProvision | RelatedPerson | AlternativeIdentifier | PaperRecord
)
Value = (
    str
    | int
    | Birthplace
    | Death
    | DonorPreference
    | Entitlement
    | Language
    | ContactPreference
    | RegisteredPerson
    | Registration
)


class ItemChange(Struct, frozen=True):
    """A change to a repeating item: a new one, or the one with the item's object id."""

    mode: Mode
    item: Item


class SingleChange(Struct, frozen=True):
    """A change to what there is one of; added and altered both set it, a removal has no value.

    `notified` is when it was notified, where its message says so.
    """

    mode: Mode
    what: Single
    value: Value | None = None
    notified: str | None = None


class ConsentChange(Struct, frozen=True):
    """A change to a consent, which its kind names."""

    mode: Mode
    consent: Consent


Change = ItemChange | SingleChange | ConsentChange


class ChangeList(Struct, frozen=True):
    """All that one message asks of one record: done as a whole, or not at all."""

    nhs_number: str
    serial_change_number: int
    kind: Kind
    changes: tuple[Change, ...]
