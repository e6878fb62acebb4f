"""Every index of the records: what is to be written so that a record is found as it now stands."""

from __future__ import annotations

from core.demographics.births import BIRTHS, birth_key
from core.demographics.records import TRACES, trace_keys, traceable
from core.store.port import Update, Write
from core.values.demographics import Patient


def reindexing(before: Patient | None, after: Patient) -> tuple[Write, ...]:
    """Give every write that keeps the indexes in step with a record.

    An index only leads to records: what it leads to wrongly, its reader leaves out.
    """
    known = set() if before is None else set(trace_keys(before))
    writes: list[Write] = [
        Update(TRACES, key, traceable(after.nhs_number))
        for key in trace_keys(after)
        if key not in known
    ]
    born = birth_key(after)
    if born is not None and (before is None or birth_key(before) != born):
        writes.append(Update(BIRTHS, born, traceable(after.nhs_number)))
    return tuple(writes)
