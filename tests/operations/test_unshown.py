"""What `spine pds show` says of a record beside its history."""

from __future__ import annotations

from rich_patients import BARE, FULL

from operations.cli import unshown


def test_everything_that_no_query_can_show_is_told() -> None:
    lines = list(unshown.told(FULL))
    assert "  asked for by: T99997, person 990000000066, kind x" in lines
    assert "  ethnic group: A" in lines
    assert "  death registered by: A99001, person 990000000065, kind d" in lines
    assert "  organs to give: 1" in lines
    assert "  a donor's address: 1 <HIGH> STREET, LEEDS, WEST YORKSHIRE, LS1 4HY" in lines
    assert "  mother: 9990000018 MOTHER" in lines
    assert "  birth weight in grams: 3400" in lines
    assert "  gestation in days: 280" in lines
    assert "  born at: Test Infirmary, T99990, kind 2" in lines
    assert len(lines) == 16


def test_of_a_record_that_has_none_of_it_nothing_is_told() -> None:
    assert list(unshown.told(BARE)) == []
