"""Demographics: the traces that are answered by a message, as commands, and who was found.

The batch trace is three questions after each other: is it the number's holder, is there one whom
the letters fit, is there one whom the sounds fit (pds.md 1.1 and 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from adapters.ourselves import Ourselves
from adapters.services import Answering, Handled, Service
from core.demographics.asking import AdvancedTrace, Dates, Search, between, exactly
from core.demographics.dates import stamped
from core.demographics.queries import CrossCheck
from core.demographics.records import Found
from core.demographics.scoring import FULL
from core.demographics.searching import Candidate, Candidates
from core.errors import (
    CoreError,
    DetailsMissing,
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    PatternTooShort,
    TooManyMatches,
)
from core.messaging.keeping import derived_id
from core.values.identity import Caller, NhsNumber
from legacy_contracts.errors import (
    SUPERSEDED,
    TRACE_LIMITED,
    TRACE_MATCH,
    Advice,
    Fault,
)
from legacy_contracts.hl7 import payload
from legacy_contracts.hl7.payload import Fields
from legacy_contracts.hl7.rules import uuid_in
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.pds import advanced_trace, advanced_trace_2_3, batch_trace
from legacy_contracts.pds.advanced_trace import AdvancedTraceQuery
from legacy_contracts.pds.pushed_query import Frame, PushedQuery
from legacy_contracts.pds.search_fields import Interval, SearchFields

MAX_ANSWER: Final = 5_000_000
"""What an answer may be: no receiver takes more in one message (transport.md 1.9)."""

Performing = Callable[[Any, Ourselves, Caller], Candidates]
"""Performs a query's command, or commands, and gives who was found; raises as the core does."""

_TOO_MANY: Final = (Fault("MULTIPLE_MATCHES"),)

BROKEN: Final = Fault("GENERIC_ERROR")
"""What stands before whatever a query breaks: general code of AT001, AT002, AT009 (pds.md 4.2)."""

REFUSALS: Final[dict[type[CoreError], tuple[Fault, ...]]] = {
    NotFound: (Fault("NO_MATCH"), Fault("NO_MATCH_ADVANCED_TRACE")),
    TooManyMatches: _TOO_MANY,
    DetailsMissing: (BROKEN, Fault("MISSING_MANDATORY_SEARCH_FIELD_AT")),
    PatternTooShort: (BROKEN, Fault("INVALID_SEARCH_DATA", "wildcard in the first two characters")),
    NumberNotValid: (BROKEN, Fault("INVALID_NHS_NUMBER")),
    NumberInvalidated: (Fault("NHS_NUMBER_NOT_IN_USE"),),
}


def to_advanced_trace(query: AdvancedTraceQuery) -> AdvancedTrace:
    """Give the command for an advanced trace."""
    search = Search.ALGORITHMIC if query.algorithmic else Search.ALPHANUMERIC
    return replace(
        to_search(query.fields, search), history=query.history, ignore_history=query.ignore_history
    )


def to_search(fields: SearchFields, search: Search) -> AdvancedTrace:
    """Give the command for a search by these fields."""
    return AdvancedTrace(
        search=search,
        family=fields.family,
        given=fields.given,
        birth=to_dates(fields.birth),
        gender=fields.gender,
        death=to_dates(fields.deceased),
        postcode=fields.postal_code,
        lines=fields.lines,
        paf_key=fields.address_key,
        practice=fields.primary_care,
        nhs_number=NhsNumber(fields.nhs_number) if fields.nhs_number else None,
        old_number=fields.old_number,
    )


def to_dates(interval: Interval) -> Dates:
    """Give the dates of an interval: what is exact counts before a range."""
    return exactly(interval.exact) if interval.exact else between(interval.low, interval.high)


def _advanced(query: AdvancedTraceQuery, us: Ourselves, by: Caller) -> Candidates:
    return us.core.perform(to_advanced_trace(query), by=by)


def _batch(query: SearchFields, us: Ourselves, by: Caller) -> Candidates:
    """Give the one patient whom the first search that finds any finds; raise where it is none."""
    checked = _cross_check(query)
    if checked is not None:
        try:
            return _alone(us.core.perform(checked, by=by))
        except (NotFound, NotVerified, NumberNotValid, NumberInvalidated, NumberSuperseded):
            # The number tells nobody who fits: the details decide.
            pass
    nobody: CoreError | None = None
    for search in _searches(query):
        try:
            found = us.core.perform(search, by=by)
        except NotFound as error:
            nobody = error
            continue
        except (DetailsMissing, PatternTooShort) as error:
            nobody = nobody or error
            continue
        if len(found.candidates) > 1:
            raise TooManyMatches("a batch trace lists no candidates")
        return found
    raise nobody or NotFound("no patient has these details")


def _cross_check(query: SearchFields) -> CrossCheck | None:
    born = query.birth.exact
    if query.nhs_number is None or born is None:
        return None
    given = next((one for one in query.given if one), None)
    return CrossCheck(NhsNumber(query.nhs_number), born, given, query.family)


def _searches(query: SearchFields) -> Iterator[AdvancedTrace]:
    details = replace(query, nhs_number=None, old_number=None)
    if query.old_number is not None:
        yield to_search(replace(query, nhs_number=None), Search.ALPHANUMERIC)
    yield to_search(details, Search.ALPHANUMERIC)
    yield to_search(details, Search.ALGORITHMIC)


def _alone(found: Found) -> Candidates:
    return Candidates((Candidate(found, FULL),))


def _answer(
    row: PushedQuery, perform: Performing, handled: Handled, us: Ourselves
) -> tuple[str, bytes]:
    """Give the answer to a query, or its refusal."""
    opened = handled.opened
    fields, caller = opened.fields, opened.caller
    frame = row.frame
    to = _between(fields, frame)
    at = Moment(derived_id(handled.key, "answer"), stamped(us.context.now()))
    faults = tuple(row.rules.faults(opened.root))
    if faults:
        us.core.decline(by=caller, command=row.name, why=faults[0].name)
        return frame.refusal_id, frame.refused(to, at, (BROKEN, *faults))
    try:
        found = perform(row.parse(opened.root), us, caller)
    except tuple(REFUSALS) as error:
        return frame.refusal_id, frame.refused(to, at, _said(error))
    listed = tuple((one.found.patient, one.level) for one in found.candidates)
    answer = row.matched(to, at, listed, _advice(found))
    if len(answer) > MAX_ANSWER:
        return frame.refusal_id, frame.refused(to, at, _TOO_MANY)
    return row.answer_id, answer


def _between(fields: Fields, frame: Frame) -> Correlation:
    """Give between whom an answer goes: systems, or the parties where those are named."""
    own = uuid_in(fields.message_id)
    if frame.names_parties:
        return Correlation("", own, fields.to_party, fields.from_party)
    return Correlation("", own, fields.to_asid, fields.from_asid)


def _said(error: CoreError) -> tuple[Fault, ...]:
    """Give what is said of a refusal; of details that are missing, which."""
    faults = REFUSALS[type(error)]
    if isinstance(error, DetailsMissing):
        general, specific = faults
        return general, replace(specific, supplement=f"missing {error}")
    return faults


def _advice(found: Candidates) -> tuple[Advice, ...]:
    """Give the advice that goes with a match: that of a limited one where any is."""
    limited = any(one.found.limited for one in found.candidates)
    replaced = any(one.found.superseded for one in found.candidates)
    return (TRACE_LIMITED if limited else TRACE_MATCH, *((SUPERSEDED,) if replaced else ()))


def _service(row: PushedQuery, perform: Performing) -> Service:
    answer: Answering = partial(_answer, row, perform)
    rules = payload.MIM_2_3 if row.frame.names_parties else payload.NON_BATCH
    return Service(rules, answer, in_one=True)


ADVANCED: Final = (*advanced_trace_2_3.QUERIES, *advanced_trace.QUERIES)

SERVICES: Final[dict[str, Service]] = {
    **{row.interaction_id: _service(row, _advanced) for row in ADVANCED},
    **{row.interaction_id: _service(row, _batch) for row in batch_trace.QUERIES},
}
