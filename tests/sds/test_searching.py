"""Searches by index find what a naive evaluation of everything finds: any filter, any scope."""

from __future__ import annotations

from collections import Counter

import pytest
from directory_tables import (
    ASIDS,
    CODES,
    INTERACTIONS,
    NAMES,
    PARTIES,
    ROWS,
    SERVICES,
    USERS,
    Rows,
    Table,
    contract,
    table,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import sds
from adapters.sds_searching import START, Query, is_in, plan, steps
from core.directory import Organisation, Party, System
from core.directory.finding import By, FindEntries, Found, Kind
from core.values.identity import Asid, PartyKey
from legacy_contracts.sds import filters
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.filters import Filter, matches
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_codes import Refused, Result, Scope
from legacy_contracts.sds.ldap_names import read_name

VALUES = (
    *CODES,
    *NAMES,
    *PARTIES,
    *USERS,
    *ASIDS,
    *(f"{service}:{one}" for service in SERVICES for one in INTERACTIONS),
    *("nhsAs", "NHSMHS", "top", "person", "nhsOrg", "2.5.6.6", "zork", "S9", "m1", "r1", "o", "*"),
    *("yes-0000806", " the surgery", "services", "nhs", "2", "", " "),
)
ATTRIBUTES = (
    *("nhsIDCode", "nhsidcode", "nhsMHSPartyKey", "uniqueIdentifier", "nhsAsSvcIA", "nhsMhsSvcIA"),
    *("objectClass", "o", "ou", "organizationName", "cn", "sn", "uid", "name", "2.5.4.3", "zork"),
    *("description", "nhsMHSRetries", "nhsMhsCPAId", "nhsJobRole", "cn;lang-en", "createTimestamp"),
)
BASES = (
    *("o=nhs", "ou=services,o=nhs", "OU=Services, O=NHS", "ou=people,o=nhs", "ou=parties,o=nhs"),
    *(f"uid={one},ou=people,o=nhs" for one in USERS),
    *(f"uniqueIdentifier={one},ou=services,o=nhs" for one in (*ASIDS, "S9")),
    *(f"uniqueIdentifier=m1,uid={one},ou=people,o=nhs" for one in USERS),
    "uniqueIdentifier=r1,uniqueIdentifier=m1,uid=555000001,ou=people,o=nhs",
    "uniqueIdentifier=A81001,ou=organisations,o=nhs",
)

_values = st.sampled_from(VALUES).map(str.encode) | st.binary(max_size=3)
_pieces = st.sampled_from((*(one[:4] for one in NAMES), "the", "sur", " ", "u", "5")).map(
    str.encode
)
_attributes = st.sampled_from(ATTRIBUTES)
_items = st.one_of(
    st.builds(filters.Equality, _attributes, _values),
    st.builds(filters.Approx, _attributes, _values),
    st.builds(filters.Present, _attributes),
    st.builds(filters.AtLeast, _attributes, _values),
    st.builds(filters.AtMost, _attributes, _values),
    st.builds(
        filters.Substrings,
        _attributes,
        _pieces.filter(bool) | st.none(),
        st.lists(_pieces.filter(bool), min_size=1, max_size=2).map(tuple),
        _pieces.filter(bool) | st.none(),
    ),
    st.builds(filters.Substrings, _attributes, _pieces.filter(bool), st.just(()), st.none()),
    st.builds(
        filters.Extensible,
        st.sampled_from(("caseIgnoreMatch", "2.5.13.5", "zork", "integerMatch")) | st.none(),
        _attributes | st.none(),
        _values,
        st.booleans(),
    ),
    st.just(filters.Unrecognised()),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    _items,
    lambda inner: st.one_of(
        st.builds(filters.And, st.lists(inner, max_size=4).map(tuple)),
        st.builds(filters.Or, st.lists(inner, max_size=4).map(tuple)),
        st.builds(filters.Not, inner),
    ),
    max_leaves=8,
)

_HILL = Party(PartyKey("A81001-0000001"), "Hill", (), organisation="A81001")
_SYSTEM = System(
    Asid("200000000115"),
    _HILL.party_key,
    "Hill",
    (),
    ("urn:nhs:names:services:gp2gp:RCMR_IN010000UK05",),
)
SMALL = Rows(
    organisations=(Organisation("A81001", "Hill practice"),),
    parties=(_HILL,),
    systems=(_SYSTEM,),
    contracts=(
        contract("A81001-0000001", "urn:nhs:names:services:gp2gp", "RCMR_IN010000UK05"),
        contract("A81001-0000001", "urn:nhs:names:services:pds", "QUPA_IN000008UK02"),
    ),
)


def _found(searched: Table, query: Query) -> list[str] | Result:
    try:
        walked = plan(query, searched.find)
    except Refused as refused:
        return refused.code
    return [step.entry.dn for step in steps(walked, searched.find) if step.entry]


def _naive(everything: list[Entry], query: Query) -> list[str] | Result:
    if not any(read_name(one.dn) == query.base for one in everything):
        return Result.NO_SUCH_OBJECT
    return [
        one.dn
        for one in everything
        if is_in(read_name(one.dn), query) and matches(query.filter, one) is True
    ]


def _sorted(found: list[str] | Result) -> object:
    return sorted(found) if isinstance(found, list) else found


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(rows=ROWS, term=FILTERS, base=st.sampled_from(BASES), scope=st.sampled_from(Scope))
def test_any_search_finds_what_a_naive_evaluation_finds_each_entry_once(
    rows: Rows, term: Filter, base: str, scope: Scope
) -> None:
    searched = table(rows)
    query = Query(read_name(base), scope, term)
    assert _sorted(_found(searched, query)) == _sorted(_naive(searched.entries(), query))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=ROWS, term=FILTERS, stops=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_a_search_that_stops_and_goes_on_finds_the_same(
    rows: Rows, term: Filter, stops: list[int]
) -> None:
    searched = table(rows)
    walked = plan(Query(read_name("o=nhs"), Scope.SUB, term), searched.find)
    whole = [step.entry.dn for step in steps(walked, searched.find) if step.entry]
    mark, pieces = START, []
    for count in stops:
        for _, step in zip(range(count), steps(walked, searched.find, mark), strict=False):
            mark = step.mark
            pieces += [step.entry.dn] if step.entry else []
    pieces += [step.entry.dn for step in steps(walked, searched.find, mark) if step.entry]
    assert pieces == whole


def _asked(text: str, base: str = "ou=services,o=nhs") -> list[tuple[Kind, By]]:
    searched = table(SMALL)
    asked: list[tuple[Kind, By]] = []

    def find(command: FindEntries) -> Found:
        asked.append((command.kind, command.by))
        return searched.find(command)

    walked = plan(Query(read_name(base), Scope.SUB, read_text(text)), find)
    assert list(steps(walked, find))
    return asked


def test_the_lookups_of_message_handlers_ask_one_index_of_one_kind() -> None:
    of = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
    assert _asked(f"(&(nhsIDCode=A81001) (objectClass=nhsAs) (nhsAsSvcIA={of}))") == [
        (Kind.SYSTEM, By.ORGANISATION)
    ]
    assert _asked(
        f"(&(objectClass=nhsMhs) (nhsMHSPartyKey=A81001-0000001) (nhsMhsSvcIA={of}))"
    ) == [(Kind.CONTRACT, By.KEY)]
    assert _asked(f"(&(objectclass=nhsMHS)(nhsMHSSvcIA={of})(nhsIDcode=A81001))", "o=nhs") == [
        (Kind.CONTRACT, By.ORGANISATION)
    ]


def test_a_base_that_is_not_there_tells_the_nearest_that_is() -> None:
    searched = table(SMALL)
    query = Query(read_name("cn=x,uid=1,ou=people,o=nhs"), Scope.SUB, filters.And(()))
    with pytest.raises(Refused) as raised:
        plan(query, searched.find)
    refused = raised.value
    assert (refused.code, refused.matched) == (Result.NO_SUCH_OBJECT, "ou=people,o=nhs")


def test_everything_is_found_once_from_the_root() -> None:
    searched = table(SMALL)
    found = _found(searched, Query(read_name(sds.ROOT), Scope.SUB, filters.And(())))
    assert isinstance(found, list)
    assert set(Counter(found).values()) == {1}
    assert len(found) == len(sds.CONTAINERS) + 5
