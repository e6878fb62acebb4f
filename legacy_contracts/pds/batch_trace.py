"""Batch trace: QUPA_IN000012UK02/UK04, one patient or none (pds.md 1.2, 1.7).

The rules are those of p1r2_BatchTraceValidation, after those of the wrapper (nonBatch-Validate).
Batches came as files; that this message came by itself too is shown by its schema alone.
"""

from __future__ import annotations

from typing import Final

from legacy_contracts.hl7.rim import Xml
from legacy_contracts.hl7.rules import Group, Rules
from legacy_contracts.interaction import Generation
from legacy_contracts.pds import record_2008, search_fields
from legacy_contracts.pds.pushed_query import Listed, PushedQuery
from legacy_contracts.pds.queries import VERSIONS
from legacy_contracts.pds.record_2008 import Shape
from legacy_contracts.pds.search_fields import ACT

_Q: Final = "hl7:query"

RULES: Final = Rules(
    (
        Group(
            ACT,
            (
                search_fields.gender_rule(_Q),
                *search_fields.date_rules(_Q),
                *search_fields.name_rules(_Q),
                # A field that no schema knows; the stylesheet asks for it, so it is asked for.
                search_fields.once_at_most(
                    f"{_Q}/hl7:person.primaryCareId/hl7:value", "multiple primary care id provided"
                ),
            ),
        ),
        *search_fields.value_groups(f"{ACT}/hl7:query"),
    )
)

parse: Final = search_fields.reader(f"{ACT}[1]/hl7:query[1]")


def _row(ids: tuple[str, str], generation: Generation, shape: Shape) -> PushedQuery:
    request, answer = ids

    def build(listed: Listed) -> Xml:
        return record_2008.batch_trace_match(listed[0][0], shape)

    return PushedQuery(
        interaction_id=request,
        answer_id=answer,
        name="PDS batch trace",
        generation=generation,
        version_code=VERSIONS[generation],
        rules=RULES,
        parse=parse,
        build=build,
        inferred=(
            "no public example: that it travels as the advanced trace does",
            "the searches after each other, and when the next one is made",
            "the codes of its refusals, which are those of the advanced trace",
        ),
    )


QUERIES: Final = (
    _row(("QUPA_IN000012UK02", "QUPA_IN000013UK01"), Generation.V2008A, record_2008.A),
    _row(("QUPA_IN000012UK04", "QUPA_IN000013UK03"), Generation.V2008B, record_2008.B),
)

INTERACTIONS: Final = tuple(one.row for one in QUERIES)
