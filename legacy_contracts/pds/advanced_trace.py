"""Advanced trace: QUPA_IN020000UK14/UK31, QUPA_IN000006UK02/UK05 (pds.md 1.2, 1.3, 1.7).

The rules are those of p1r2_AdvancedTraceValidation, after those of the wrapper (nonBatch-Validate).
"""

from __future__ import annotations

from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import oids
from legacy_contracts.hl7.rules import Group, Rule, Rules, one_of
from legacy_contracts.interaction import Generation
from legacy_contracts.pds import record_2006, record_2008, search_fields
from legacy_contracts.pds.pushed_query import PushedQuery
from legacy_contracts.pds.queries import VERSIONS, Below
from legacy_contracts.pds.search_fields import ACT, SearchFields

ALGORITHMIC: Final = "2"


class AdvancedTraceQuery(Struct, frozen=True):
    """What to search by, how, and whether history counts."""

    fields: SearchFields
    algorithmic: bool
    history: bool
    ignore_history: bool


_Q: Final = "hl7:query"
_QUERY: Final = f"{ACT}/hl7:query"
_HISTORY: Final = f"hl7:value[@codeSystem='{oids.HISTORIC_DATA}']"
_SEARCH: Final = f"hl7:value[@codeSystem='{oids.SEARCH_TYPE}']"
_WITH_IGNORE: Final = "(/hl7:QUPA_IN000006UK02 | /hl7:QUPA_IN000006UK05)"
"""The messages in which an ignoreHistoryIndicator is looked at."""
_MISSING: Final = "MISSING_MANDATORY_SEARCH_FIELD_AT"

RULES: Final = Rules(
    (
        Group(
            ACT,
            (
                Rule(
                    f"count({_Q}/hl7:historicDataIndicator/{_HISTORY}) > 0",
                    _MISSING,
                    "missing historicDataIndicator",
                ),
                search_fields.once_at_most(
                    f"{_Q}/hl7:historicDataIndicator/{_HISTORY}",
                    "multiple historicDataIndicator provided",
                ),
                search_fields.gender_rule(_Q),
                *search_fields.date_rules(_Q),
                Rule(
                    f"count({_Q}/hl7:person.name/hl7:value/*) > 0", _MISSING, "missing person name"
                ),
                *search_fields.name_rules(_Q),
                Rule(
                    f"count({_Q}/hl7:searchParameter/{_SEARCH}) = 1",
                    "MISSING_SEARCH_TYPE",
                    "a single search parameter must be provided",
                ),
            ),
        ),
        Group(
            f"{_QUERY}/hl7:historicDataIndicator",
            (
                Rule(
                    one_of(f"{_HISTORY}/@code", "0", "1"),
                    "INVALID_HISTORY_INDICATOR",
                    "invalid historicDataIndicator value provided",
                ),
            ),
        ),
        Group(
            f"{_QUERY}/hl7:searchParameter",
            (
                Rule(
                    one_of(f"{_SEARCH}/@code", "1", "2"),
                    "INVALID_SEARCH_TYPE",
                    "invalid searchParameter value provided",
                ),
            ),
        ),
        Group(
            f"{_WITH_IGNORE}/hl7:ControlActEvent/hl7:query/hl7:ignoreHistoryIndicator",
            (
                Rule(
                    one_of("hl7:value/@code", "0", "1"),
                    "INVALID_IGNORE_HISTORY_INDICATOR",
                    "invalid ignoreSearchHistory value provided",
                ),
            ),
        ),
        *search_fields.value_groups(_QUERY),
    )
)

_below: Final = Below(f"{ACT}[1]/hl7:query[1]")
_fields: Final = search_fields.reader(_below.query)
_search: Final = _below.text(f"hl7:searchParameter/{_SEARCH}/@code")
_history: Final = _below.text(f"hl7:historicDataIndicator/{_HISTORY}/@code")
_ignore: Final = _below.text("hl7:ignoreHistoryIndicator/hl7:value/@code")


def parse(root: etree._Element) -> AdvancedTraceQuery:
    """Give the query of a document that broke no rule."""
    return AdvancedTraceQuery(
        fields=_fields(root),
        algorithmic=_search(root) == ALGORITHMIC,
        history=_history(root) == "1",
        ignore_history=_ignore(root) == "1",
    )


_INFERRED: Final = (
    "which patients match, and the matching level",
    "more patients than 50, or a search too broad, are refused with code 7",
    "what is missing for a search is refused with AT002",
)


def _row(
    ids: tuple[str, str], generation: Generation, version_code: str, *inferred: str
) -> PushedQuery:
    request, answer = ids
    shape = {Generation.V2008A: record_2008.A, Generation.V2008B: record_2008.B}.get(generation)
    return PushedQuery(
        interaction_id=request,
        answer_id=answer,
        name="PDS advanced trace",
        generation=generation,
        version_code=version_code,
        rules=RULES,
        parse=parse,
        build=lambda listed: (
            record_2006.advanced_trace_match(listed)
            if shape is None
            else record_2008.advanced_trace_match(listed, shape)
        ),
        inferred=(*_INFERRED, *inferred),
    )


_A_30: Final = "V3NPfIT3.0"
"""The version that the captured answers to a simple trace say, whose payload is the same."""

QUERIES: Final = (
    _row(
        ("QUPA_IN020000UK14", "QUPA_IN030000UK15"), Generation.MIM_3_1, _A_30, "no public example"
    ),
    _row(("QUPA_IN020000UK31", "QUPA_IN030000UK32"), Generation.V2006B, _A_30, "no public example"),
    _row(
        ("QUPA_IN000006UK02", "QUPA_IN000011UK02"),
        Generation.V2008A,
        VERSIONS[Generation.V2008A],
    ),
    _row(
        ("QUPA_IN000006UK05", "QUPA_IN000011UK05"),
        Generation.V2008B,
        VERSIONS[Generation.V2008B],
        "no public example",
    ),
)

INTERACTIONS: Final = tuple(one.row for one in QUERIES)
