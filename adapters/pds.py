"""Demographics: the queries' requests as commands, and what was found as replies."""

from __future__ import annotations

from typing import Final

from adapters.translation import Answer, Translation
from core.demographics import Found, Retrieve
from core.errors import (
    CoreError,
    NotFound,
    NumberInvalidated,
    NumberNotValid,
)
from core.values.identity import NhsNumber
from legacy_contracts.errors import (
    RETRIEVAL_LIMITED,
    SUPERSEDED,
    Advice,
    Fault,
)
from legacy_contracts.pds.queries import PatientReply
from legacy_contracts.pds.retrieval import ALL_DATA, RetrievalQuery

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
    return Answer(PatientReply(found.patient, items), _advice(found, RETRIEVAL_LIMITED))


def _advice(found: Found, limited: Advice) -> tuple[Advice, ...]:
    superseded = (SUPERSEDED,) if found.superseded else ()
    return (*((limited,) if found.limited else ()), *superseded)


_RETRIEVAL: Final = Translation(
    to_retrieve,
    from_retrieve,
    {**_NUMBER_REFUSALS, NotFound: (Fault("NO_MATCH"), Fault("NO_MATCH_RETRIEVAL"))},
)

TRANSLATIONS: Final[dict[str, Translation]] = dict.fromkeys(
    ("QUPA_IN040000UK14", "QUPA_IN040000UK32", "QUPA_IN000008UK02", "QUPA_IN000008UK05"),
    _RETRIEVAL,
)
