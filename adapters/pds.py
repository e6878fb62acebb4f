"""Demographics: the queries' requests as commands, and what was found as replies."""

from __future__ import annotations

from typing import Final

from adapters.translation import Answer, Translation
from core.demographics.queries import Confirm, CrossCheck, Retrieve, Trace
from core.demographics.records import Found
from core.errors import (
    CoreError,
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    TooManyMatches,
)
from core.values.identity import NhsNumber
from legacy_contracts.errors import (
    NUMBER_UNSPECIFIED,
    RETRIEVAL_LIMITED,
    SUPERSEDED,
    TRACE_LIMITED,
    TRACE_MATCH,
    Advice,
    Fault,
)
from legacy_contracts.pds import confirmation, cross_check, retrieval, trace
from legacy_contracts.pds.confirmation import ConfirmationQuery
from legacy_contracts.pds.cross_check import CrossCheckQuery
from legacy_contracts.pds.queries import PatientReply
from legacy_contracts.pds.retrieval import ALL_DATA, RetrievalQuery
from legacy_contracts.pds.trace import TraceQuery

_NUMBER_REFUSALS: Final[dict[type[CoreError], tuple[Fault, ...]]] = {
    NumberNotValid: (Fault("INVALID_NHS_NUMBER"),),
    NumberInvalidated: (Fault("NHS_NUMBER_NOT_IN_USE"),),
}


def to_retrieve(request: RetrievalQuery) -> Retrieve:
    """Give the command for a retrieval."""
    return Retrieve(NhsNumber(request.nhs_number), history=request.history)


def from_retrieve(request: RetrievalQuery, found: Found) -> Answer:
    """Give the reply to a retrieval; a restricted record is shown in full, it has so little."""
    items = (ALL_DATA,) if found.limited else request.items
    unspecified = (NUMBER_UNSPECIFIED,) if request.unspecified else ()
    advice = (*unspecified, *_advice(found, RETRIEVAL_LIMITED))
    return Answer(PatientReply(found.patient, items), advice)


def to_trace(request: TraceQuery) -> Trace:
    """Give the command for a simple trace."""
    return Trace(
        gender=request.gender,
        birth_date=request.birth_time,
        family=request.family,
        given=request.given,
        death_date=request.deceased_time,
        postcode=request.postal_code,
        paf_key=request.address_key,
    )


def from_trace(_request: TraceQuery, found: Found) -> Answer:
    """Give the reply to a simple trace, with the advice that it matched."""
    advice = TRACE_LIMITED if found.limited else TRACE_MATCH
    return Answer(PatientReply(found.patient), (advice,))


def to_cross_check(request: CrossCheckQuery) -> CrossCheck:
    """Give the command for a cross-check."""
    return CrossCheck(
        NhsNumber(request.nhs_number), request.birth_time, request.given, request.family
    )


def from_cross_check(_request: CrossCheckQuery, found: Found) -> Answer:
    """Give the reply to a cross-check."""
    return Answer(PatientReply(found.patient), _advice(found, TRACE_LIMITED))


def to_confirm(request: ConfirmationQuery) -> Confirm:
    """Give the command for a confirmation."""
    return Confirm(NhsNumber(request.nhs_number))


def from_confirm(_request: ConfirmationQuery, found: Found) -> Answer:
    """Give the reply to a confirmation."""
    return Answer(PatientReply(found.patient), _advice(found, TRACE_LIMITED))


def _advice(found: Found, limited: Advice) -> tuple[Advice, ...]:
    superseded = (SUPERSEDED,) if found.superseded else ()
    return (*((limited,) if found.limited else ()), *superseded)


_TRACE: Final = Translation(
    to_trace,
    from_trace,
    {
        NotFound: (Fault("NO_MATCH"), Fault("NO_MATCH_SIMPLE_TRACE")),
        TooManyMatches: (Fault("MULTIPLE_MATCHES"),),
    },
)
_RETRIEVAL: Final = Translation(
    to_retrieve,
    from_retrieve,
    {**_NUMBER_REFUSALS, NotFound: (Fault("NO_MATCH"), Fault("NO_MATCH_RETRIEVAL"))},
)
_CROSS_CHECK: Final = Translation(
    to_cross_check,
    from_cross_check,
    {
        **_NUMBER_REFUSALS,
        NotFound: (Fault("NHS_NUMBER_NOT_FOUND"), Fault("NHS_NUMBER_NOT_FOUND_CROSS_CHECK")),
        NotVerified: (Fault("NHS_NUMBER_NOT_VERIFIED"),),
        NumberSuperseded: (Fault("NHS_NUMBER_SUPERSEDED"),),
    },
)
_CONFIRMATION: Final = Translation(
    to_confirm, from_confirm, {**_NUMBER_REFUSALS, NotFound: (Fault("NO_MATCH"),)}
)

TRANSLATIONS: Final[dict[str, Translation]] = {
    row.interaction_id: translation
    for rows, translation in (
        (trace.INTERACTIONS, _TRACE),
        (retrieval.INTERACTIONS, _RETRIEVAL),
        (cross_check.INTERACTIONS, _CROSS_CHECK),
        (confirmation.INTERACTIONS, _CONFIRMATION),
    )
    for row in rows
}
