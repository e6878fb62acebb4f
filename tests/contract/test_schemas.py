"""Every message we build is right by its official schema; what cannot be is named here.

Exceptions: (1) MIM 2.3 was published without schemas (`schemas.NEVER_PUBLISHED`); (2) SOAP faults
are no HL7 messages and have none; (3) an answer repeats the request's id as it was sent, and the
schema takes a UUID in upper case, an OID, or a word that starts with a letter
(`test_an_echoed_id_in_lower_case_is_the_one_complaint`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from asking import details_of, spine_with
from hypothesis import HealthCheck, given, settings
from msgspec import Struct
from msgspec.structs import fields, replace
from rich_patients import FULL, GALLERY, SUPERSEDED, WITHDRAWN, number, patients
from schemas import NEVER_PUBLISHED, Schemas, hl7_message, only
from wire_requests import HL7_ID, KINDS, OLDEST, Details, Frame, Kind, request

from adapters.pipeline import TRANSLATIONS, Answered
from core.errors import (
    CoreError,
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    TooManyMatches,
)
from core.values import demographics
from core.values.demographics import Patient, RecordStatus, Sensitivity
from legacy_contracts.errors import MEANINGS, Fault
from legacy_contracts.errors import Kind as Family
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Interaction
from legacy_contracts.registry import INTERACTIONS
from operations.patients import population

ROWS: Final = {row.interaction_id: row for row in INTERACTIONS}
WITH_SCHEMA: Final = tuple(
    each for each in ROWS if ROWS[each].reply.interaction_id not in NEVER_PUBLISHED
)
REFUSED_WITH_SCHEMA: Final = tuple(
    each for each in ROWS if ROWS[each].refusal_id not in NEVER_PUBLISHED
)
RETRIEVAL_ITEMS: Final = (
    (),
    ("person.scn",),
    ("person.primaryCareAllData",),
    ("person.allData",),
    ("person.scn", "person.unheardOf", "person.allData"),
)
"""What a retrieval may ask for: nothing, each item that a source shows, one that none does."""

TO: Final = Correlation(
    transport_id="6A1F0E52-7A64-4C0B-9C9B-6B3D0E6E2A11",
    message_id=HL7_ID,
    to_id="990000000002",
    from_id="990000000001",
)
AT: Final = Moment("5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A", "20140825093000")


def test_every_interaction_is_asked() -> None:
    assert set(ROWS) <= set(KINDS)


def test_the_gallery_uses_every_field_of_the_record() -> None:
    unused = {
        f"{kind.__name__}.{field.name}"
        for kind in vars(demographics).values()
        if isinstance(kind, type) and issubclass(kind, Struct) and kind is not Struct
        for field in fields(kind)
        if not field.required
    } - set(_used([*GALLERY.values(), SUPERSEDED, WITHDRAWN]))
    assert unused == set()


def _used(values: object) -> Iterator[str]:
    """Give the fields that differ from their default anywhere in the values."""
    if isinstance(values, list | tuple):
        for each in values:
            yield from _used(each)
    elif isinstance(values, Struct):
        for field in fields(values):
            value = getattr(values, field.name)
            if value != field.default:
                yield f"{type(values).__name__}.{field.name}"
            yield from _used(value)


@pytest.mark.parametrize("interaction_id", ROWS)
def test_an_answer_has_a_schema_or_is_named_as_having_none(
    interaction_id: str, official: Schemas
) -> None:
    row = ROWS[interaction_id]
    for name in (row.reply.interaction_id, row.refusal_id):
        assert (official.place / f"{name}.xsd").exists() == (name not in NEVER_PUBLISHED)


@pytest.mark.parametrize("interaction_id", [each for each in ROWS if each not in OLDEST])
def test_the_requests_of_these_tests_are_what_a_client_may_send(
    interaction_id: str, official: Schemas
) -> None:
    asked = Details(given=("ADA",), deceased_time="2014", postcode="LS1 4HY", paf_key="12345678")
    assert official.complaints(hl7_message(request(interaction_id, asked))) == ()


@pytest.mark.parametrize("interaction_id", WITH_SCHEMA)
def test_an_answer_about_each_kind_of_patient_is_right(
    interaction_id: str, official: Schemas
) -> None:
    complaints = {}
    accepted = set()
    for name, patient in GALLERY.items():
        spine = spine_with([patient])
        for items in _items(interaction_id):
            answered = spine.ask(interaction_id, details_of(patient, items=items))
            complaints[name, items] = _complaints(answered, official)
            accepted |= {name} if answered.outcome == "AA" else set()
    assert {case: found for case, found in complaints.items() if found} == {}
    assert {"everything", "stop noted", "business reason", "sensitive"} <= accepted


@pytest.mark.parametrize("interaction_id", WITH_SCHEMA)
def test_an_answer_about_a_sample_patient_is_right(interaction_id: str, official: Schemas) -> None:
    people = [each for each in population(120, 7) if each.status is RecordStatus.ACTIVE]
    spine = spine_with(people)
    complaints = {}
    for patient in people:
        answered = spine.ask(interaction_id, details_of(patient))
        assert answered.outcome in {"AA", "MULTIPLE_MATCHES"}
        complaints[patient.nhs_number] = _complaints(answered, official)
    assert {each: found for each, found in complaints.items() if found} == {}


@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(patient=patients())
def test_an_answer_about_any_patient_is_right(official: Schemas, patient: Patient) -> None:
    spine = spine_with([patient])
    complaints = {
        each: _complaints(spine.ask(each, details_of(patient)), official) for each in WITH_SCHEMA
    }
    assert {each: found for each, found in complaints.items() if found} == {}


@pytest.mark.parametrize("sensitivity", [None, *Sensitivity])
@pytest.mark.parametrize("interaction_id", WITH_SCHEMA)
def test_an_answer_with_advice_is_right(
    interaction_id: str, sensitivity: Sensitivity | None, official: Schemas
) -> None:
    spine = spine_with([replace(FULL, sensitivity=sensitivity), SUPERSEDED])
    asked = replace(details_of(FULL), nhs_number=SUPERSEDED.nhs_number)
    assert _complaints(spine.ask(interaction_id, asked), official) == ()


@pytest.mark.parametrize("interaction_id", REFUSED_WITH_SCHEMA)
def test_each_wrapper_refusal_is_right(interaction_id: str, official: Schemas) -> None:
    row = ROWS[interaction_id]
    for name in _of(Family.WRAPPER):
        for supplement in (None, "a supplement <with> & in it"):
            body = row.envelope.wrapper_refusal(row, TO, AT, Fault(name, supplement))
            message = hl7_message(body)
            assert only(message, "{*}acknowledgement").get("typeCode") == "AR"
            assert official.complaints(message) == (), name


@pytest.mark.parametrize("interaction_id", REFUSED_WITH_SCHEMA)
def test_each_business_refusal_is_right(interaction_id: str, official: Schemas) -> None:
    row = ROWS[interaction_id]
    names = _of(Family.BUSINESS)
    together = tuple(Fault(name, "a supplement") for name in names)
    for faults in (*((Fault(name),) for name in names), together):
        message = hl7_message(row.envelope.business_refusal(row, TO, AT, faults))
        assert only(message, "{*}acknowledgement").get("typeCode") == "AE"
        assert official.complaints(message) == (), faults


@pytest.mark.parametrize(
    ("interaction_id", "error"),
    [
        pytest.param(each, error, id=f"{each}-{error.__name__}")
        for each in REFUSED_WITH_SCHEMA
        for error in TRANSLATIONS[each].refusals
    ],
)
def test_each_refusal_of_the_core_is_right(
    interaction_id: str, error: type[CoreError], official: Schemas
) -> None:
    answered = _provoked(ROWS[interaction_id], error)
    message = hl7_message(answered.body)
    shown = [
        each.get("code") for each in message.iterfind(".//{*}justifyingDetectedIssueEvent/{*}code")
    ]
    expected = TRANSLATIONS[interaction_id].refusals[error]
    assert shown == [MEANINGS[fault.name].code for fault in expected]
    assert official.complaints(message) == ()


def test_an_echoed_id_in_lower_case_is_the_one_complaint(official: Schemas) -> None:
    frame = Frame(hl7_id=HL7_ID.lower())
    answered = spine_with([FULL]).ask("QUPA_IN000008UK02", details_of(FULL), frame)
    message = hl7_message(answered.body)
    echoed = only(message, "{*}acknowledgement/{*}messageRef/{*}id")
    complaints = official.complaints(message)
    assert echoed.get("root") == HL7_ID.lower()
    assert complaints
    assert all(HL7_ID.lower() in each for each in complaints)
    echoed.set("root", HL7_ID)
    assert official.complaints(message) == ()


_PROVOKED_BY: Final[dict[type[CoreError], tuple[tuple[Patient, ...], Details]]] = {
    NotFound: ((), details_of(FULL)),
    NumberNotValid: ((FULL,), replace(details_of(FULL), nhs_number="9990000019")),
    NumberInvalidated: ((WITHDRAWN,), replace(details_of(FULL), nhs_number=WITHDRAWN.nhs_number)),
    NumberSuperseded: (
        (FULL, SUPERSEDED),
        replace(details_of(FULL), nhs_number=SUPERSEDED.nhs_number),
    ),
    NotVerified: ((FULL,), replace(details_of(FULL), birth_time="19710101")),
    TooManyMatches: ((FULL, replace(FULL, nhs_number=number(40))), details_of(FULL)),
}
"""Records and a query that the core refuses so."""


def _provoked(row: Interaction, error: type[CoreError]) -> Answered:
    records, asked = _PROVOKED_BY[error]
    answered = spine_with(records).ask(row.interaction_id, asked)
    assert answered.outcome == TRANSLATIONS[row.interaction_id].refusals[error][0].name
    return answered


def _items(interaction_id: str) -> tuple[tuple[str, ...], ...]:
    return RETRIEVAL_ITEMS if KINDS[interaction_id] is Kind.RETRIEVAL else ((),)


def _of(family: Family) -> tuple[str, ...]:
    return tuple(name for name, meaning in MEANINGS.items() if meaning.kind is family)


def _complaints(answered: Answered, official: Schemas) -> tuple[str, ...]:
    return official.complaints(hl7_message(answered.body))
