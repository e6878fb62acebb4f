"""Union and fold: copies that grew apart amount to the same record in whatever order they meet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from totals import Counted, Total, totals_named

from core.store import codec, facts
from core.store.port import Record

TOTALS = totals_named("total")

_facts = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.integers(0, 9).map(Counted), min_size=1
)


def record(found: dict[str, Counted]) -> Record[Total, Counted]:
    """Give the record of some facts; copies may disagree about what an id stands for."""
    return facts.folded(TOTALS, found)


@given(_facts, _facts)
def test_merging_does_not_care_for_order(one: dict[str, Counted], two: dict[str, Counted]) -> None:
    copies = [record(one), record(two)]
    assert facts.merge(TOTALS, copies) == facts.merge(TOTALS, copies[::-1])


@given(_facts, _facts, _facts)
def test_merging_does_not_care_for_grouping(
    one: dict[str, Counted], two: dict[str, Counted], three: dict[str, Counted]
) -> None:
    a, b, c = record(one), record(two), record(three)
    ab, bc = facts.merge(TOTALS, [a, b]), facts.merge(TOTALS, [b, c])
    assert ab is not None
    assert bc is not None
    assert facts.merge(TOTALS, [ab, c]) == facts.merge(TOTALS, [a, bc])


@given(_facts)
def test_merging_a_copy_with_itself_changes_nothing(one: dict[str, Counted]) -> None:
    assert facts.merge(TOTALS, [record(one), record(one)]) == record(one)


@given(_facts)
def test_a_record_comes_back_from_its_bytes(one: dict[str, Counted]) -> None:
    written = codec.encode(TOTALS, record(one))
    assert codec.decode(TOTALS, written) == record(one)
    assert codec.decode_state(TOTALS, written) == record(one).state
