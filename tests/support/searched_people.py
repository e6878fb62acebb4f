"""People of few names, days and postcodes, so that many fit what is asked; synthetic throughout."""

from __future__ import annotations

from itertools import islice
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from core.demographics.asking import AdvancedTrace, Dates, Search, exactly
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Death,
    Name,
    NameUse,
    Patient,
    Period,
    RecordStatus,
    Sensitivity,
)
from operations.patients import numbers

TODAY: Final = "20140825"
NUMBERS: Final = tuple(islice(numbers(), 12))

_FAMILIES: Final = ("SMITH", "SMYTHE", "SMALL", "PAUL", "O'BRIEN", "ST. JOHN", "VAN DER BERG", "Œ")
_GIVEN: Final = ("PAUL", "PAULA", "ANN", "ANNE", "ANN-MARIE", "SMITH", "")
_DATES: Final = ("1950", "195002", "19500203", "19500204", "195002031200", "19510101")
_POSTCODES: Final = ("LS1 1AA", "LS1 2BB", "ls11aa", "HU1 2BB")
_LINES: Final = ("1 MILL LANE", "2 OLD ROAD", "")
_PERIODS: Final = (None, Period("2000"), Period("1990", "20091231"), Period("2010", "20301231"))
_PRACTICES: Final = ("A99001", "B99002")

_periods = st.sampled_from(_PERIODS)
_names = st.builds(
    Name,
    use=st.sampled_from((NameUse.USUAL, NameUse.ALIAS, NameUse.BIRTH)),
    given=st.lists(st.sampled_from(_GIVEN), max_size=2).map(tuple),
    family=st.sampled_from((*_FAMILIES, None, "")),
    period=_periods,
)
_addresses = st.builds(
    Address,
    use=st.sampled_from(AddressUse),
    lines=st.lists(st.sampled_from(_LINES), max_size=2).map(tuple),
    postcode=st.sampled_from((*_POSTCODES, None)),
    paf_key=st.sampled_from(("1", "2", None)),
    period=_periods,
)
_provisions = st.builds(
    CareProvision,
    kind=st.sampled_from((CareProvisionKind.PRIMARY_CARE, CareProvisionKind.PHARMACY)),
    provider=st.sampled_from(_PRACTICES),
    period=_periods,
)
_standing = st.sampled_from(
    (
        *((RecordStatus.ACTIVE, None),) * 6,
        (RecordStatus.INVALID, None),
        *((RecordStatus.SUPERSEDED, number) for number in NUMBERS[:2]),
    )
)


@st.composite
def people(draw: st.DrawFn) -> tuple[Patient, ...]:
    """Give a few people, some of whose records were replaced by others or withdrawn."""
    found = []
    for number in NUMBERS[: draw(st.integers(1, len(NUMBERS)))]:
        status, superseded_by = draw(_standing)
        found.append(
            Patient(
                number,
                status=status,
                superseded_by=superseded_by,
                sensitivity=draw(st.sampled_from((None, None, None, Sensitivity.SENSITIVE))),
                gender=draw(st.sampled_from(("1", "2", "9", None))),
                birth_time=draw(st.sampled_from((*_DATES, None))),
                death=draw(st.sampled_from((None, Death("20140110", "1")))),
                names=tuple(draw(st.lists(_names, max_size=3))),
                addresses=tuple(draw(st.lists(_addresses, max_size=2))),
                care_provisions=tuple(draw(st.lists(_provisions, max_size=2))),
            )
        )
    return tuple(found)


_dates: SearchStrategy[Dates] = st.one_of(
    st.sampled_from(("19500203", "19500204", "1950", "19510101")).map(exactly),
    st.builds(
        Dates,
        st.sampled_from((None, "1950", "195002", "19500203")),
        st.sampled_from(("19500204", "1950", "1951", None)),
    ),
)

searches: SearchStrategy[AdvancedTrace] = st.builds(
    AdvancedTrace,
    search=st.sampled_from(Search),
    family=st.sampled_from((*_FAMILIES, "SM*", "SM*H", "SMI*", "st john", "ST*N", None)),
    given=st.lists(st.sampled_from((*_GIVEN, "PA*", "AN*E")), max_size=2).map(tuple),
    birth=_dates,
    gender=st.sampled_from((None, "1", "2", "9")),
    death=st.sampled_from((Dates(), Dates(), exactly("20140110"), Dates("2015"))),
    postcode=st.sampled_from((None, None, *_POSTCODES, "LS1*", "LS*A")),
    lines=st.sampled_from(((), (), ("1 mill lane",), ("", "2 OLD ROAD"))),
    paf_key=st.sampled_from((None, None, "1")),
    practice=st.sampled_from((None, None, "a99001")),
    history=st.booleans(),
    ignore_history=st.booleans(),
)
