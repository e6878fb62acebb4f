"""What filters say of an entry (RFC 4511 4.5.1.7), and how people write them (RFC 4515)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_contracts.sds import filters
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.filters import Equality, Filter, Not, Substrings, matches
from legacy_contracts.sds.filters_text import read_text, written
from legacy_contracts.sds.ldap_ber import Reader
from legacy_contracts.sds.ldap_codes import Malformed, Refused, Result
from legacy_contracts.sds.ldap_filters import FilterLimits, filter_bytes, read_filter

ENTRY = Entry(
    "uniqueIdentifier=200000000115,ou=Services,o=nhs",
    (
        ("objectClass", ("top", "nhsAs")),
        ("uniqueIdentifier", ("200000000115",)),
        ("nhsIDCode", ("A81001",)),
        ("nhsMHSPartyKey", ("A81001-0000001",)),
        ("nhsAsSvcIA", ("urn:x:ASK", "urn:x:TELL")),
        ("description", ("The  Surgery, Main Street",)),
        ("telephoneNumber", ("+44 113 397-4450",)),
        ("nhsApproverURP", ("uniqueIdentifier=1, uid=2,ou=people,o=nhs",)),
        ("nhsMHSRetries", ("2",)),
    ),
)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("(nhsIDCode=A81001)", True),
        ("(NHSIDCODE=A81001)", True),
        ("(nhsIDCode=a81001)", False),
        ("(1.2.826.0.1285.0.1.10=A81001)", True),
        ("(nhsMHSPartyKey=a81001-0000001)", True),
        ("(nhsmhspartykey~=A81001-0000001)", True),
        ("(nhsAsSvcIA=urn:x:TELL)", True),
        ("(nhsAsSvcIA=urn:x:tell)", False),
        ("(description=the surgery,  main street)", True),
        ("(description=the*main*)", True),
        ("(description=*surgery, *main*street)", True),
        ("(description=*main*surgery*)", False),
        ("(telephoneNumber=+441133974450)", True),
        ("(telephoneNumber=*3974450)", True),
        ("(nhsAsSvcIA=*)", True),
        ("(uid=*)", False),
        ("(zork=*)", None),
        ("(!(zork=1))", None),
        ("(!(uid=1))", True),
        ("(|(zork=1)(nhsIDCode=A81001))", True),
        ("(|(zork=1)(nhsIDCode=B1))", None),
        ("(&(zork=1)(nhsIDCode=B1))", False),
        ("(&)", True),
        ("(|)", False),
        ("(nhsMHSRetries=2)", True),
        ("(nhsMHSRetries=*)", True),
        ("(nhsIDCode>=A)", True),
        ("(nhsIDCode>=a)", False),
        ("(nhsIDCode<=A81001)", True),
        ("(nhsIDCode=A8*)", True),
        ("(nhsIDCode=a8*)", False),
        # No rule of order or of substrings, as on any server: undefined.
        ("(uniqueIdentifier>=1)", None),
        ("(uniqueIdentifier=2*)", None),
        ("(objectClass=nhsAS)", True),
        ("(objectClass=1.2.826.0.1285.0.2.0.107)", True),
        ("(objectClass=person)", False),
        ("(objectClass=zork)", None),
        ("(objectClass=9.9.9)", False),
        ("(nhsIDCode:caseIgnoreMatch:=a81001)", True),
        ("(nhsIDCode:2.5.13.5:=a81001)", False),
        ("(nhsIDCode:zorkMatch:=a81001)", None),
        ("(:caseIgnoreMatch:=a81001)", True),
        ("(ou:dn:=services)", True),
        ("(ou:=services)", False),
        ("(ou;lang-en=services)", False),
        ("(description=)", None),
        ("(description=\\ff)", None),
    ],
)
def test_a_filter_is_true_false_or_undefined(text: str, truth: object) -> None:
    assert matches(read_text(text), ENTRY) is truth


def test_an_entry_is_of_the_classes_above_its_own() -> None:
    person = Entry("uid=1,ou=people,o=nhs", (("objectClass", ("nhsPerson",)), ("sn", ("Hill",))))
    assert matches(read_text("(objectClass=person)"), person) is True
    assert matches(read_text("(name=hill)"), person) is True
    assert matches(read_text("(surname=HILL)"), person) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a ( is missing at character 1"),
        ("nhsIDCode=A", "a ( is missing at character 1"),
        ("(nhsIDCode=A", "a ) is missing at character 13"),
        ("(nhsIDCode=A))", "something follows the filter at character 14"),
        ("(&(a=1)", "a ) is missing at character 8"),
        ("(nhsIDCode)", "no filter begins at character 2"),
        ("(a=b**c)", "a=b**c has two * with nothing between them"),
        ("(a=\\zz)", "a backslash stands before two hexadecimal digits"),
        ("(:=x)", "an extensible filter names no rule and no attribute"),
        (f"{'(!' * 70}(a=1){')' * 70}", "the filter is more than 64 deep"),
    ],
)
def test_a_text_that_is_no_filter_says_where(text: str, why: str) -> None:
    with pytest.raises(Malformed) as raised:
        read_text(text)
    assert why in raised.value.why


_names = st.sampled_from(("cn", "nhsIDCode", "2.5.4.3", "cn;lang-en"))
_octets = st.binary(max_size=6)
_some = st.binary(min_size=1, max_size=4)
_items = st.one_of(
    st.builds(Equality, _names, _octets),
    st.builds(filters.Approx, _names, _octets),
    st.builds(filters.AtLeast, _names, _octets),
    st.builds(filters.AtMost, _names, _octets),
    st.builds(filters.Present, _names),
    st.builds(Substrings, _names, _some, st.lists(_some, max_size=2).map(tuple), st.none()),
    st.builds(
        filters.Extensible, st.sampled_from((None, "2.5.13.2")), _names, _octets, st.booleans()
    ),
)
ANY: st.SearchStrategy[Filter] = st.recursive(
    _items,
    lambda inner: st.one_of(
        st.builds(filters.And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(filters.Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@given(term=ANY)
def test_a_filter_that_is_written_reads_the_same(term: Filter) -> None:
    assert read_text(written(term)) == term
    assert read_filter(Reader(filter_bytes(term)), FilterLimits()) == term


@settings(max_examples=300, derandomize=True)
@given(data=st.text(alphabet="()&|!=<>~*:\\ abn0", max_size=30))
def test_any_text_is_a_filter_or_is_told_that_it_is_none(data: str) -> None:
    with contextlib.suppress(Malformed):
        assert matches(read_text(data), ENTRY) in (True, False, None)


def test_a_filter_too_deep_or_too_long_is_refused_by_an_administrative_limit() -> None:
    deep: Filter = filters.Present("cn")
    for _ in range(40):
        deep = Not(deep)
    for term in (deep, filters.Or((filters.Present("cn"),) * 1001)):
        with pytest.raises(Refused) as raised:
            read_filter(Reader(filter_bytes(term)), FilterLimits(depth=32, terms=1000))
        assert raised.value.code is Result.ADMIN_LIMIT_EXCEEDED


def test_pieces_of_a_value_do_not_overlap() -> None:
    entry = Entry("o=nhs", (("o", ("aba",)),))
    assert matches(read_text("(o=ab*ba)"), entry) is False
    assert matches(read_text("(o=a*a)"), entry) is True


def test_many_pieces_take_no_longer_than_the_value_is_long() -> None:
    entry = Entry("o=nhs", (("o", ("a" * 20_000,)),))
    term = Substrings("o", b"a", (b"aaaaaaaaab",) * 500, b"b")
    assert matches(term, entry) is False
