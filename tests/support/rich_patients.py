"""Synthetic patients that between them use every field of the demographic record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from core.values.demographics import (
    Address,
    AddressUse,
    AlternativeIdentifier,
    Authority,
    Birth,
    Birthplace,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    ContactPreference,
    Death,
    Delivery,
    DonorPreference,
    Entitlement,
    FormerPractice,
    Identified,
    Language,
    LocalIdentifier,
    Mother,
    Name,
    NameUse,
    Notified,
    PaperRecord,
    Patient,
    Payment,
    Period,
    Provenance,
    RecordStatus,
    RegisteredPerson,
    Registration,
    RelatedPerson,
    RelatedRole,
    ReplacedNumber,
    Sensitivity,
    Telecom,
    TelecomUse,
)
from core.values.identity import NhsNumber, check_digit


def number(index: int) -> NhsNumber:
    """Give the valid number of the 999 range at or after an index."""
    digit = check_digit(f"999{index:06d}")
    return number(index + 1) if digit is None else NhsNumber(f"999{index:06d}{digit}")


ASKED: Final = number(1)
"""The number that the examples below stand under."""

_OPEN: Final = Period("20010203")
_CLOSED: Final = Period("19900405", "20010202")
_RECORDED: Final = Provenance(system="990000000077", recorded=Period("20010203101112"))
_REPLACED: Final = Provenance(
    national_system="NSTS", recorded=Period("19900405101112", "20010203101111")
)
_OTHER: Final = number(500)

_NAME: Final = Name(
    NameUse.USUAL,
    prefix="MRS",
    given=("ADA", "MAY"),
    family="O'BRIEN & SONS",
    suffix="PHD",
    period=_OPEN,
    object_id="n1",
    provenance=_RECORDED,
)
_ADDRESS: Final = Address(
    AddressUse.HOME,
    lines=("", "1 <HIGH> STREET", "", "LEEDS", "WEST YORKSHIRE"),
    postcode="LS1 4HY",
    paf_key="12345678",
    period=_OPEN,
    object_id="a1",
    provenance=_RECORDED,
)
_TELECOM: Final = Telecom(TelecomUse.HOME, "tel:01632960001", _OPEN, "t1", provenance=_RECORDED)
_PRACTICE: Final = CareProvision(
    CareProvisionKind.PRIMARY_CARE,
    "A99001",
    period=_OPEN,
    object_id="g1",
    provenance=_RECORDED,
)
_TOLD: Final = RegisteredPerson(
    name=Name(NameUse.PREVIOUS, given=("ADA",), family="FORMER & CO"),
    address=Address(lines=("", "9 <OLD> LANE", "", "", ""), postcode="LS1 4HZ"),
    birthplace=Birthplace("LEEDS", country="ENGLAND"),
    service=Period("19910101", "19950101"),
    residence=Period("19600101"),
    reason="3",
    first_registered="19700201",
    assignment="2",
    former_register="NORTH & WEST",
    former_practice=FormerPractice(
        Name(family="HEALER"), Address(lines=("2 MILL STREET",)), Period("19800101", "20010202")
    ),
)
"""What the local register told of somebody who registers with a practice."""

_BY_NAME: Final = RelatedPerson(
    relationship="12",
    role=RelatedRole.AGENT,
    name=replace(_NAME, family="SMITH", object_id="rn1"),
    address=replace(_ADDRESS, object_id="ra1"),
    telecoms=(replace(_TELECOM, object_id="rt1"), replace(_TELECOM, object_id="rt2")),
    next_of_kin="1",
    correspondence="1",
    position=1,
    language=Language("fr", preferred=False, interpreter="1"),
    contact=ContactPreference("3", "AFTER 6 PM"),
    written_format="11",
    call_back="5",
    period=_OPEN,
    object_id="r1",
    provenance=_RECORDED,
)
_BY_NUMBER: Final = RelatedPerson(
    relationship="01",
    nhs_number=_OTHER,
    position=2,
    period=_OPEN,
    object_id="r2",
    provenance=_REPLACED,
)

BARE: Final = Patient(ASKED)
"""A record of which only the number is known."""

FULL: Final = Patient(
    nhs_number=ASKED,
    serial_change_number=12,
    gender="2",
    birth_time="197001010930",
    birth_order=2,
    birthplace=Birthplace("LEEDS", "WEST YORKSHIRE", "GBR", ("THE INFIRMARY",), "LS1 3EX"),
    death=Death("20140801", "2", Authority("d", "A99001", "990000000065")),
    language=Language("cy", interpreter="1"),
    names=(
        _NAME,
        *(
            replace(_NAME, use=use, object_id=f"n-{use.name}", provenance=_REPLACED)
            for use in NameUse
            if use is not NameUse.USUAL
        ),
    ),
    addresses=(
        _ADDRESS,
        replace(_ADDRESS, period=_CLOSED, provenance=_REPLACED),
        replace(_ADDRESS, use=AddressUse.CORRESPONDENCE, object_id="a2"),
        replace(
            _ADDRESS,
            use=AddressUse.TEMPORARY,
            description="Second Home",
            period=Period("20140101", "20991231"),
            object_id="a3",
        ),
        replace(_ADDRESS, use=AddressUse.WORK, object_id="a4", provenance=None),
    ),
    telecoms=tuple(replace(_TELECOM, use=use, object_id=f"t-{use.name}") for use in TelecomUse),
    care_provisions=(
        _PRACTICE,
        replace(_PRACTICE, object_id="g2", registered=_TOLD, period=_CLOSED, provenance=_REPLACED),
        replace(
            _PRACTICE,
            object_id="g3",
            payment=Payment(_OPEN, "1", "T99998"),
            provenance=_REPLACED,
        ),
        replace(_PRACTICE, provider="G9999999", practitioner=True, period=_CLOSED),
        *(
            CareProvision(kind, f"F{index:04d}", object_id=f"p{index}", provenance=_REPLACED)
            for index, kind in enumerate(CareProvisionKind)
            if kind is not CareProvisionKind.PRIMARY_CARE
        ),
    ),
    related_persons=(
        _BY_NAME,
        _BY_NUMBER,
        *(replace(_BY_NUMBER, role=role, object_id=f"r-{role.name}") for role in RelatedRole),
    ),
    consents=(
        Consent(ConsentKind.RECORD_SHARING, "5", "20120304", "SAID BY <TELEPHONE>"),
        Consent(ConsentKind.CALL_BACK, "4", "20120304"),
    ),
    contact=ContactPreference("4", "WEEKDAYS & SATURDAY"),
    written_format="12",
    healthspace="2",
    shared_secret="FIDO <THE> DOG",  # noqa: S106 - a word that a made-up patient is known by
    registration=Registration("990000000088", period=_OPEN),
    removal=Registration(
        reason="DEA",
        period=Period("20140801"),
        authority=Authority("y", "A99001", "990000000065"),
        told_at="20140802",
        provenance=_RECORDED,
    ),
    previous_contact="1",
    blood_donor=DonorPreference("1", "20140801", address=_ADDRESS),
    organ_donor=DonorPreference("2", "20140801", organs=("1",)),
    replaced=(ReplacedNumber(number(700), Period("20020304")), ReplacedNumber(number(800))),
    recorded_at="20140802101112",
    ethnic_group="A",
    birth=Birth(
        mother=Mother("9990000018", "19500101", Name(family="MOTHER"), practice="T99999"),
        weight="3400",
        gestation="280",
        foetuses="2",
        still="1",
        abnormality="N",
        delivery=Delivery("2", "T99990", "Test Infirmary"),
        notifier=Name(family="MIDWIFE"),
        child_health="T99991",
        responsible="T99992",
    ),
    identifiers=(
        AlternativeIdentifier(
            Identified("2.16.840.1.113883.2.1.9999", "S-<1>"), _OPEN, "i1", _RECORDED
        ),
        AlternativeIdentifier(
            Identified("2.16.840.1.113883.2.1.9999", "S-0"), _CLOSED, "i2", _REPLACED
        ),
    ),
    paper_records=(
        PaperRecord("SP", "U", "LEEDS & YORK", _OPEN, _OPEN, "d1", _RECORDED),
        PaperRecord("RP", period=_CLOSED, object_id="d2", provenance=_REPLACED),
        PaperRecord("HL", object_id="d3"),
    ),
    registered=_TOLD,
    registered_by=Authority("x", "T99997", "990000000066"),
    past_registrations=(
        Registration("990000000087", period=_CLOSED, provenance=_REPLACED),
        Registration(reason="EMB", period=_CLOSED, provenance=_REPLACED),
    ),
    entitlement=Entitlement("1", "2", "O", Period("20140101", "20141231")),
    notified=Notified("20140102101112", "20140103", "20140804101112", "20140104101112"),
)
"""A record in which every field is used, with history and provenance."""

_SPARSE: Final = replace(
    BARE,
    birth_time="1970",
    gender="0",
    names=(Name(family="", given=("",), object_id="n1"), Name(NameUse.ALIAS, object_id="n2")),
    addresses=(
        Address(object_id="a1"),
        Address(AddressUse.TEMPORARY, ("", "", "", "", ""), "", "", "", Period(), "a2"),
    ),
    telecoms=(Telecom(TelecomUse.MOBILE, "tel:07700900001", object_id="t1"),),
    care_provisions=(CareProvision(CareProvisionKind.PHARMACY, "FX123", object_id="p1"),),
    related_persons=(RelatedPerson("20", RelatedRole.CARER, object_id="r1"),),
    consents=(Consent(ConsentKind.RECORD_SHARING, "1"),),
    contact=ContactPreference(),
    death=Death(),
    birthplace=Birthplace(),
)

GALLERY: Final[Mapping[str, Patient]] = {
    "a bare number": BARE,
    "everything": FULL,
    "recorded as empty": _SPARSE,
    "died, time unknown": replace(BARE, death=Death(notification="1"), birth_time="19700101"),
    "died, nobody said so": replace(BARE, death=Death("2014"), birth_time="197001"),
    "born abroad": replace(BARE, birthplace=Birthplace(country="FRA"), birth_time="19700101"),
    "born in a town": replace(BARE, birthplace=Birthplace(city="LEEDS"), gender="9"),
    "contact times without method": replace(BARE, contact=ContactPreference(times="MORNINGS")),
    "only a practitioner": replace(BARE, care_provisions=FULL.care_provisions[1:2]),
    "related by number": replace(BARE, related_persons=(_BY_NUMBER,)),
    "related by name": replace(BARE, related_persons=(_BY_NAME,)),
    "called something by a hospital": replace(
        BARE, local_identifiers=(LocalIdentifier("T99999", "2.16.840.1.113883.2.1.9999", "L-1"),)
    ),
    "removed": replace(BARE, removal=FULL.removal),
    "removed, nobody said by whom": replace(BARE, removal=Registration(reason="EMB")),
    "told of by the register": replace(
        BARE, care_provisions=(replace(_PRACTICE, registered=RegisteredPerson(reason="5")),)
    ),
    "told of, with no practice": replace(BARE, registered=_TOLD),
    "paid for": replace(BARE, care_provisions=(replace(_PRACTICE, payment=Payment()),)),
    "entitled": replace(BARE, entitlement=Entitlement()),
    "registered": replace(BARE, registration=FULL.registration),
    "took over numbers": replace(BARE, replaced=FULL.replaced),
    "two practices": replace(BARE, care_provisions=(_PRACTICE, replace(_PRACTICE, object_id="2"))),
    "stop noted": replace(FULL, sensitivity=Sensitivity.STOP_NOTED),
    "business reason": replace(FULL, sensitivity=Sensitivity.BUSINESS),
    "sensitive": replace(FULL, sensitivity=Sensitivity.SENSITIVE),
}
"""Records by what is special about them, all under `ASKED` and all active."""

SUPERSEDED: Final = Patient(
    number(900), status=RecordStatus.SUPERSEDED, superseded_by=ASKED, serial_change_number=3
)
"""A number that `ASKED` took over."""

WITHDRAWN: Final = Patient(number(950), status=RecordStatus.INVALID)
"""A number that stands for nobody."""

# What hypothesis draws from: only values that the vocabularies have (pds.md 3.3, 3.4, Annex B),
# because a record can hold nothing else; texts are anything that XML can carry.

_dates = st.builds(
    lambda year, month, day, size: f"{year:04d}{month:02d}{day:02d}"[:size],
    st.integers(1880, 2014),
    st.integers(1, 12),
    st.integers(1, 28),
    st.sampled_from((4, 6, 8)),
)
_times = st.builds(
    lambda date, hour, minute: f"{date:<08}{hour:02d}{minute:02d}00".replace(" ", "0"),
    _dates.filter(lambda date: len(date) == 8),
    st.integers(0, 23),
    st.integers(0, 59),
)
_texts = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
    ),
    max_size=35,
)
_ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=6)
_numbers = st.integers(0, 999_990).map(number)
_periods = st.builds(Period, st.none() | _dates, st.none() | _dates)
_provenances = st.builds(
    Provenance,
    st.none() | st.just("990000000077"),
    st.none() | st.sampled_from(("DSA", "NSTS")),
    st.none() | st.builds(Period, _times, st.none() | _times),
)
_names = st.builds(
    Name,
    st.sampled_from(NameUse),
    st.none() | _texts,
    st.lists(_texts, max_size=5).map(tuple),
    st.none() | _texts,
    st.none() | _texts,
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_addresses = st.builds(
    Address,
    st.sampled_from(AddressUse),
    st.just(()) | st.lists(_texts, min_size=5, max_size=5).map(tuple),
    st.none() | _texts,
    st.none() | _texts,
    st.none() | _texts,
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_telecoms = st.builds(
    Telecom,
    st.sampled_from(TelecomUse),
    st.sampled_from(("tel:", "fax:", "mailto:")).flatmap(
        lambda scheme: st.text("0123456789", min_size=1, max_size=11).map(lambda one: scheme + one)
    ),
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_provisions = st.builds(
    CareProvision,
    st.sampled_from(CareProvisionKind),
    st.text("ABCDEFGHJKLMNP0123456789", min_size=3, max_size=8),
    st.booleans(),
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_languages = st.builds(
    Language, st.sampled_from(("cy", "fr", "ka", "pl", "ts")), st.booleans(), st.sampled_from("01")
)
_contacts = st.builds(
    ContactPreference, st.none() | st.sampled_from("12345678"), st.none() | _texts
)
_formats = st.none() | st.sampled_from(("11", "12", "13"))
_consent_values = st.sampled_from("1245")
_related = st.builds(
    RelatedPerson,
    relationship=st.sampled_from(("01", "05", "12", "13", "17", "20", "98")),
    role=st.sampled_from(RelatedRole),
    nhs_number=st.none() | _numbers,
    name=st.none() | _names,
    address=st.none() | _addresses,
    telecoms=st.lists(_telecoms, max_size=2).map(tuple),
    next_of_kin=st.none() | st.just("1"),
    correspondence=st.none() | st.just("1"),
    position=st.none() | st.integers(1, 9),
    language=st.none() | _languages,
    contact=st.none() | _contacts,
    written_format=_formats,
    call_back=st.none() | _consent_values,
    period=st.none() | _periods,
    object_id=_ids,
    provenance=st.none() | _provenances,
)


_births = st.builds(Birthplace, st.none() | _texts, st.none() | _texts, st.none() | st.just("GBR"))
_registered = st.builds(
    RegisteredPerson,
    name=st.none() | _names,
    address=st.none() | _addresses,
    birthplace=st.none() | _births,
    service=st.none() | _periods,
    residence=st.none() | _periods,
    reason=st.none() | st.sampled_from("1234568"),
    first_registered=st.none() | _dates,
    assignment=st.none() | st.sampled_from("1234567"),
    former_register=st.none() | _texts,
    former_practice=st.none()
    | st.builds(FormerPractice, _names, st.none() | _addresses, st.none() | _periods),
)
_identifiers = st.builds(
    AlternativeIdentifier,
    st.builds(Identified, st.just("2.16.840.1.113883.2.1.9999"), _ids),
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_paper_records = st.builds(
    PaperRecord,
    st.none() | st.sampled_from(("RP", "SP", "HL")),
    st.none() | st.sampled_from("UN"),
    st.none() | _texts,
    st.none() | _periods,
    st.none() | _periods,
    _ids,
    st.none() | _provenances,
)
_entitlements = st.builds(
    Entitlement,
    st.none() | st.sampled_from("123"),
    st.none() | st.sampled_from("123"),
    st.none() | st.sampled_from("HO"),
    st.none() | _periods,
)
_deaths = st.builds(Death, st.none() | _dates, st.none() | st.sampled_from("12"))
_registrations = st.builds(Registration, st.just("990000000088"), st.none(), st.none() | _periods)
_removals = st.builds(
    Registration, st.none(), st.sampled_from(("DEA", "EMB", "SCT")), st.none() | _periods
)
_consents = st.builds(
    Consent, st.sampled_from(ConsentKind), _consent_values, st.none() | _dates, st.none() | _texts
)
_replacements = st.builds(ReplacedNumber, _numbers, st.none() | _periods)


def patients() -> st.SearchStrategy[Patient]:
    """Give a strategy of active records under `ASKED`: every field, any of it absent."""
    return st.builds(
        Patient,
        nhs_number=st.just(ASKED),
        serial_change_number=st.integers(1, 9999),
        sensitivity=st.none() | st.sampled_from(Sensitivity),
        gender=st.none() | st.sampled_from("0129"),
        birth_time=st.none() | _dates,
        birth_order=st.none() | st.integers(1, 9),
        birthplace=st.none() | _births,
        death=st.none() | _deaths,
        language=st.none() | _languages,
        contact=st.none() | _contacts,
        written_format=_formats,
        healthspace=st.none() | st.sampled_from("123"),
        shared_secret=st.none() | _texts,
        registration=st.none() | _registrations,
        removal=st.none() | _removals,
        previous_contact=st.none() | st.sampled_from("01"),
        recorded_at=st.none() | _times,
        registered=st.none() | _registered,
        entitlement=st.none() | _entitlements,
        **{name: st.lists(kind, max_size=3).map(tuple) for name, kind in _REPEATED.items()},
    )


_REPEATED: Final[Mapping[str, st.SearchStrategy[object]]] = {
    "names": _names,
    "addresses": _addresses,
    "telecoms": _telecoms,
    "care_provisions": _provisions,
    "related_persons": _related,
    "consents": _consents,
    "replaced": _replacements,
    "identifiers": _identifiers,
    "paper_records": _paper_records,
    "past_registrations": _registrations | _removals,
}
