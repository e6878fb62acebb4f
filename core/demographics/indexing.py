"""Every index of demographics, kept in step with the record: the one home of what is written."""

from __future__ import annotations

from core.demographics.births import BIRTHS, birth_key
from core.demographics.records import TRACES, Candidates, Traceable, trace_keys
from core.store.port import Change, Update, Write
from core.values.demographics import Patient
from core.values.identity import NhsNumber


def reindexing(before: Patient | None, after: Patient) -> tuple[Write, ...]:
    """Give every write that keeps the indexes in step with a record that becomes another.

    Keys are only added: a trace compares the record itself with what is asked, so a key that no
    longer fits finds nobody (docs/tracing.md).
    """
    known = frozenset(trace_keys(before)) if before is not None else frozenset()
    found = traceable(after.nhs_number)
    traces = tuple(Update(TRACES, key, found) for key in trace_keys(after) if key not in known)
    born = birth_key(after)
    if born is None or (before is not None and birth_key(before) == born):
        return traces
    return (*traces, Update(BIRTHS, born, found))


def traceable(nhs_number: NhsNumber) -> Change[Candidates, Traceable]:
    """Give the change that makes a patient findable under a key."""
    return lambda _record: {nhs_number: Traceable(nhs_number)}
