"""The demographic record in plain words, as the national service kept it.

Codes are those of the NHS Data Dictionary (gender `1`, relationship `01`, ...); dates are digits,
`yyyy`, `yyyymm`, `yyyymmdd` or `yyyymmddhhmm`, as partial as they were known. `None` means never
recorded; an empty string means recorded as empty, which the wire must show again.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from core.values.identity import NhsNumber


class NameUse(StrEnum):
    """What a name is for; a patient has exactly one current usual name."""

    USUAL = "usual"
    ALIAS = "alias"
    PREFERRED = "preferred"
    PREVIOUS = "previous"
    BIRTH = "birth"
    BACHELOR = "bachelor"
    MAIDEN = "maiden"


class AddressUse(StrEnum):
    """What an address is for; at most one current address has each use."""

    HOME = "home"
    TEMPORARY = "temporary"
    CORRESPONDENCE = "correspondence"
    WORK = "work"


class TelecomUse(StrEnum):
    """Where a telephone, fax or mailbox is reached."""

    HOME = "home"
    PRIMARY_HOME = "primary home"
    VACATION = "vacation"
    WORK = "work"
    ANSWERING = "answering service"
    EMERGENCY = "emergency"
    PAGER = "pager"
    MOBILE = "mobile"


class CareProvisionKind(StrEnum):
    """What an organisation provides to the patient."""

    PRIMARY_CARE = "primary care"
    PHARMACY = "nominated pharmacy"
    APPLIANCES = "appliance contractor"
    DISPENSING_DOCTOR = "dispensing doctor"


class RelatedRole(StrEnum):
    """In what capacity a related person acts."""

    AGENT = "agent"
    GUARDIAN = "guardian"
    PERSONAL = "personal"
    CARER = "carer"


class ConsentKind(StrEnum):
    """What a patient may consent to."""

    RECORD_SHARING = "record sharing"
    CALL_BACK = "call-centre call-back"


class Sensitivity(StrEnum):
    """Why a record's details are withheld."""

    STOP_NOTED = "stop noted"
    BUSINESS = "business reason"
    SENSITIVE = "sensitive"


class RecordStatus(StrEnum):
    """Whether a number still stands for a person."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    INVALID = "invalid"


class Period(Struct, frozen=True):
    """From when to when, dates or times as digits; an open end is None."""

    start: str | None = None
    end: str | None = None


class Provenance(Struct, frozen=True):
    """Who wrote an item (a system's ASID, or a national system's code) and when it stood."""

    system: str | None = None
    national_system: str | None = None
    recorded: Period | None = None


class Name(Struct, frozen=True):
    """One name of a person."""

    use: NameUse = NameUse.USUAL
    prefix: str | None = None
    given: tuple[str, ...] = ()
    family: str | None = None
    suffix: str | None = None
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class Address(Struct, frozen=True):
    """One postal address: five line positions, of which any may be empty."""

    use: AddressUse = AddressUse.HOME
    lines: tuple[str, ...] = ()
    postcode: str | None = None
    paf_key: str | None = None
    description: str | None = None
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class Telecom(Struct, frozen=True):
    """One way to reach a person, as a URI (`tel:`, `fax:`, `mailto:`)."""

    use: TelecomUse
    value: str
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class Birthplace(Struct, frozen=True):
    """Where a person was born; at least one part is known, of a delivery the street as well."""

    city: str | None = None
    county: str | None = None
    country: str | None = None
    lines: tuple[str, ...] = ()
    postcode: str | None = None


class FormerPractice(Struct, frozen=True):
    """The practitioner with whom a person was registered before, as the register wrote it down."""

    practitioner: Name
    address: Address | None = None
    period: Period | None = None


class RegisteredPerson(Struct, frozen=True):
    """What the local register (NHAIS) told of a person who registers with a practice.

    `name` and `address` are former ones, `former_register` and `former_practice` where the person
    was registered before; `service` is with the armed forces, `residence` in this country. `reason`
    and `assignment` are codes: why the person registers, and why a practice was assigned.
    """

    name: Name | None = None
    address: Address | None = None
    birthplace: Birthplace | None = None
    service: Period | None = None
    residence: Period | None = None
    reason: str | None = None
    first_registered: str | None = None
    assignment: str | None = None
    former_register: str | None = None
    former_practice: FormerPractice | None = None


class Identified(Struct, frozen=True):
    """An identifier that is not ours: its scheme (an OID), and what it is there."""

    scheme: str
    value: str


class Payment(Struct, frozen=True):
    """What a provider is paid for: why it may dispense (a code), in which institution (ODS)."""

    period: Period | None = None
    dispensing: str | None = None
    institution: str | None = None


class CareProvision(Struct, frozen=True):
    """An organisation that provides care: the registered practice, a nominated pharmacy.

    `practitioner` says that the id is a person's (older registrations), not an organisation's.
    `registered` is what the local register told of the registration, `payment` what is paid for.
    """

    kind: CareProvisionKind
    provider: str
    practitioner: bool = False
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None
    registered: RegisteredPerson | None = None
    payment: Payment | None = None


class Language(Struct, frozen=True):
    """The language to speak with a person, and whether an interpreter is needed."""

    code: str
    preferred: bool = True
    interpreter: str = "0"


class ContactPreference(Struct, frozen=True):
    """How a person wants to be reached, and when."""

    method: str | None = None
    times: str | None = None


class RelatedPerson(Struct, frozen=True):
    """A relative, guardian, carer or proxy: known by NHS number, or by name and address."""

    relationship: str
    role: RelatedRole = RelatedRole.PERSONAL
    nhs_number: str | None = None
    name: Name | None = None
    address: Address | None = None
    telecoms: tuple[Telecom, ...] = ()
    next_of_kin: str | None = None
    correspondence: str | None = None
    position: int | None = None
    language: Language | None = None
    contact: ContactPreference | None = None
    written_format: str | None = None
    call_back: str | None = None
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class Consent(Struct, frozen=True):
    """A consent or dissent, with the time it was given and any comment."""

    kind: ConsentKind
    value: str
    given_at: str | None = None
    comments: str | None = None


class Authority(Struct, frozen=True):
    """Who registered a death: what kind of body (`d` a practice, ...), which, and which person."""

    kind: str
    organisation: str | None = None
    person: str | None = None


class Death(Struct, frozen=True):
    """When a person died, and whether a registrar said so (2) or a local body (1).

    `authority` is who registered it; it is kept, and no query shows it.
    """

    time: str | None = None
    notification: str | None = None
    authority: Authority | None = None


class DonorPreference(Struct, frozen=True):
    """Whether a person wants to give blood, or organs, and since when.

    `organs` are those to give, and `address` is where to write about it; no query shows them.
    """

    consent: str
    given_at: str
    organs: tuple[str, ...] = ()
    address: Address | None = None


class Registration(Struct, frozen=True):
    """The registration with the local register (NHAIS), or its removal with a reason.

    `authority` is who removed it, and `told_at` when that was to be known.
    """

    custodian: str | None = None
    reason: str | None = None
    period: Period | None = None
    authority: Authority | None = None
    told_at: str | None = None
    provenance: Provenance | None = None


class Entitlement(Struct, frozen=True):
    """To what treatment a person is entitled, and as what: codes, and from when to when."""

    kind: str | None = None
    category: str | None = None
    residence: str | None = None
    period: Period | None = None


class AlternativeIdentifier(Struct, frozen=True):
    """What a person is called elsewhere, known to all who may see the record."""

    identified: Identified
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class PaperRecord(Struct, frozen=True):
    """Where the paper record of a person is: how far its transfer is, how urgent, in whose hands.

    `transfer` and `priority` are codes; `office` is the name of a back office.
    """

    transfer: str | None = None
    priority: str | None = None
    office: str | None = None
    held: Period | None = None
    period: Period | None = None
    object_id: str | None = None
    provenance: Provenance | None = None


class Notified(Struct, frozen=True):
    """When single values were notified, where their message said so."""

    gender: str | None = None
    birth_time: str | None = None
    death: str | None = None
    birthplace: str | None = None


class Mother(Struct, frozen=True):
    """Who gave birth, as whoever notified the birth knew her."""

    nhs_number: str | None = None
    birth_time: str | None = None
    name: Name | None = None
    practice: str | None = None


class Delivery(Struct, frozen=True):
    """Where a birth took place: what kind of place, and which."""

    kind: str
    site: str | None = None
    name: str | None = None


class Birth(Struct, frozen=True):
    """What was notified of a birth beside the person: weight in grams, gestation in days.

    `still` and `abnormality` are codes; `child_health` is the organisation that is to be
    told, `responsible` the one that answers for the child where it is another.
    """

    mother: Mother
    weight: str | None = None
    gestation: str | None = None
    foetuses: str | None = None
    still: str | None = None
    abnormality: str | None = None
    delivery: Delivery | None = None
    notifier: Name | None = None
    child_health: str | None = None
    responsible: str | None = None


class ReplacedNumber(Struct, frozen=True):
    """A number that this record took over, and when."""

    nhs_number: str
    period: Period | None = None


class LocalIdentifier(Struct, frozen=True):
    """What an organisation calls a patient: its ODS code, the scheme (an OID), the identifier.

    It is the organisation's own: nobody else is shown it.
    """

    organisation: str
    scheme: str
    value: str


class Patient(Struct, frozen=True):
    """One person's demographic record, every version of every repeating item in it.

    `recorded_at` is when its single items were last written, `yyyymmddhhmmss` in UTC.
    `registered_by` is who asked for the record; `past_registrations` are those that are over, and
    the removals.
    """

    nhs_number: NhsNumber
    serial_change_number: int = 1
    status: RecordStatus = RecordStatus.ACTIVE
    superseded_by: NhsNumber | None = None
    sensitivity: Sensitivity | None = None
    gender: str | None = None
    birth_time: str | None = None
    birth_order: int | None = None
    birthplace: Birthplace | None = None
    death: Death | None = None
    language: Language | None = None
    names: tuple[Name, ...] = ()
    addresses: tuple[Address, ...] = ()
    telecoms: tuple[Telecom, ...] = ()
    care_provisions: tuple[CareProvision, ...] = ()
    related_persons: tuple[RelatedPerson, ...] = ()
    consents: tuple[Consent, ...] = ()
    contact: ContactPreference | None = None
    written_format: str | None = None
    healthspace: str | None = None
    shared_secret: str | None = None
    registration: Registration | None = None
    removal: Registration | None = None
    previous_contact: str | None = None
    blood_donor: DonorPreference | None = None
    organ_donor: DonorPreference | None = None
    replaced: tuple[ReplacedNumber, ...] = ()
    recorded_at: str | None = None
    ethnic_group: str | None = None
    birth: Birth | None = None
    local_identifiers: tuple[LocalIdentifier, ...] = ()
    identifiers: tuple[AlternativeIdentifier, ...] = ()
    paper_records: tuple[PaperRecord, ...] = ()
    registered: RegisteredPerson | None = None
    registered_by: Authority | None = None
    past_registrations: tuple[Registration, ...] = ()
    entitlement: Entitlement | None = None
    notified: Notified | None = None
