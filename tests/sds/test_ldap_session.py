"""A conversation in LDAP without sockets: searches, pages, binds, and every code of refusal."""

from __future__ import annotations

import pytest
from directory_tables import Rows, Table, contract, table
from ldap_served import (
    LIMITS,
    Answer,
    asked,
    audited,
    core_on,
    searched,
    served_on,
    session_on,
)
from msgspec.structs import replace

from adapters.sds_ldap import SearchLimits
from core.directory import Organisation, Party, Person, RoleProfile, System
from core.door import Core
from core.errors import StoreError
from core.values.identity import Asid, PartyKey
from facade.ldap_session import Session
from facade.ldap_users import hashed
from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_codes import (
    MANAGE_DSA_IT,
    PAGED_RESULTS,
    START_TLS,
    WHO_AM_I,
    Result,
    Scope,
    Tag,
)
from legacy_contracts.sds.ldap_messages import (
    Abandon,
    Bind,
    Change,
    Compare,
    Control,
    Extended,
    Message,
    Refusal,
    Request,
    Search,
    Unbind,
)
from legacy_contracts.sds.ldap_names import read_name

SERVICES = "ou=services,o=nhs"
ASK = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
HILL = Party(
    PartyKey("A81001-0000001"), "Hill", ("hill.test",), (), "A81001", "https://hill.test/in"
)
SYSTEM = System(Asid("200000000115"), HILL.party_key, "Hill system", (), (ASK, "urn:x:TELL"))
ROWS = Rows(
    organisations=tuple(
        Organisation(f"B{number:05d}", f"Surgery {number}") for number in range(30)
    ),
    people=(Person("555000001", "Ann Hill", "Hill"),),
    role_profiles=(RoleProfile("900000001", "555000001", "Clerk", "R0001", "A81001"),),
    parties=(HILL,),
    systems=(SYSTEM,),
    contracts=(
        contract("A81001-0000001", "urn:nhs:names:services:gp2gp", "RCMR_IN010000UK05"),
        contract("A81001-0000001", "urn:x", "TELL", identifier="S777"),
    ),
)


@pytest.fixture
def listed() -> Table:
    return table(ROWS)


@pytest.fixture
def core(listed: Table) -> Core:
    return core_on(listed)


@pytest.fixture
def session(core: Core) -> Session:
    return session_on(served_on(core), "hill.test")


def search(text: str, base: str = SERVICES, *attributes: str, **said: int) -> Search:
    """Give a search of everything below a base."""
    scope = Scope(said.get("scope", 2))
    return Search(base, scope, said.get("size", 0), 0, False, read_text(text), attributes)  # noqa: FBT003


def paged(size: int, cookie: bytes = b"") -> Control:
    """Give the control that asks for a page."""
    value = ber.element(ber.SEQUENCE, ber.number(size), ber.octets(cookie))
    return Control(PAGED_RESULTS, True, value)  # noqa: FBT003


def one(session: Session, request: Request, tag: Tag, *controls: Control) -> Answer:
    """Give the only answer to a request."""
    (answer,) = asked(session, Message(9, request, tag, controls))
    assert (answer.message_id, answer.tag) == (9, tag)
    return answer


def bind(session: Session, name: str, password: bytes, mechanism: str | None = None) -> Result:
    """Bind, and give the code of the answer."""
    answer = one(session, Bind(3, name, mechanism, password), Tag.BIND_RESPONSE)
    assert answer.code is not None
    return answer.code


def who(session: Session) -> str:
    """Give who a connection speaks for."""
    message = Message(3, Extended(WHO_AM_I, None), Tag.EXTENDED_RESPONSE)
    data = b"".join(session.answers(message))
    return data.partition(b"\x8b")[2][1:].decode()


def test_the_two_lookups_of_a_message_handler_give_party_key_asid_endpoint_and_reliability(
    session: Session,
) -> None:
    first = searched(
        session,
        search(
            f"(&(nhsIDCode=A81001) (objectClass=nhsAs) (nhsAsSvcIA={ASK}))",
            SERVICES,
            *("nhsMHSPartyKey", "uniqueIdentifier"),
        ),
    )
    assert first[0].attributes == {
        "uniqueIdentifier": ("200000000115",),
        "nhsMHSPartyKey": ("A81001-0000001",),
    }
    second = searched(
        session,
        search(
            f"(&(objectClass=nhsMhs) (nhsMHSPartyKey=A81001-0000001) (nhsMhsSvcIA={ASK}))",
            SERVICES,
            *("nhsMHSEndPoint", "nhsMhsCPAId", "nhsmhsretries", "nhsMhsPersistduration"),
        ),
    )
    assert second[0].attributes == {
        "nhsMhsCPAId": ("S1",),
        "nhsMHSEndPoint": ("https://hill.test/in",),
        "nhsMHSRetries": ("2",),
        "nhsMHSPersistDuration": ("PT5M",),
    }
    assert [answer.code for answer in (first[-1], second[-1])] == [Result.SUCCESS] * 2


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ((), {"objectClass", "uniqueIdentifier", "nhsIDCode", "nhsMHSPartyKey", "nhsAsSvcIA",
              "description"}),
        (("1.1",), set()),
        (("1.1", "nhsIDCode"), {"nhsIDCode"}),
        (("*", "entryDN"), {"objectClass", "uniqueIdentifier", "nhsIDCode", "nhsMHSPartyKey",
                            "nhsAsSvcIA", "description", "entryDN"}),
        (("+",), {"entryDN", "structuralObjectClass", "subschemaSubentry"}),
        (("NHSidcode", "zork", "nhsIDCode;lang-en"), {"nhsIDCode"}),
        (("1.2.826.0.1285.0.1.10",), {"nhsIDCode"}),
        (("@nhsAs",), {"objectClass", "uniqueIdentifier", "nhsIDCode", "nhsMHSPartyKey",
                       "nhsAsSvcIA", "description"}),
    ],
)  # fmt: skip
def test_a_search_shows_the_attributes_that_it_names_in_the_schemas_spelling(
    session: Session, attributes: tuple[str, ...], shown: set[str]
) -> None:
    entry, _ = searched(session, search("(uniqueIdentifier=200000000115)", SERVICES, *attributes))
    assert set(entry.attributes) == shown


def test_types_only_are_names_without_values(session: Session) -> None:
    request = replace(search("(uniqueIdentifier=200000000115)"), types_only=True)
    entry, _ = searched(session, request)
    assert entry.attributes["nhsIDCode"] == ()


def test_the_root_tells_what_the_server_can_do_to_those_that_ask_for_it(session: Session) -> None:
    asked_for = search("(objectClass=*)", "", "*", "+", scope=0)
    root, done = searched(session, asked_for)
    assert done.code is Result.SUCCESS
    assert root.attributes["namingContexts"] == ("o=nhs",)
    assert root.attributes["supportedLDAPVersion"] == ("3",)
    assert root.attributes["supportedControl"] == (PAGED_RESULTS, MANAGE_DSA_IT)
    assert root.attributes["supportedSASLMechanisms"] == ("EXTERNAL",)
    assert root.attributes["subschemaSubentry"] == ("cn=Subschema",)
    plain, _ = searched(session, search("(objectClass=*)", "", scope=0))
    assert set(plain.attributes) == {"objectClass"}


def test_a_search_below_the_root_is_below_no_entry(session: Session) -> None:
    (done,) = searched(session, search("(objectClass=*)", ""))
    assert done.code is Result.NO_SUCH_OBJECT


def test_the_schema_is_an_entry(session: Session) -> None:
    request = search("(objectClass=subschema)", "CN=subschema", "objectClasses", scope=0)
    entry, _ = searched(session, request)
    assert any("NAME 'nhsAs'" in one for one in entry.attributes["objectClasses"])


def test_a_base_that_is_not_there_is_told_with_the_nearest_that_is(session: Session) -> None:
    (done,) = searched(session, search("(objectClass=*)", "cn=x,uid=555000001,ou=people,o=nhs"))
    assert (done.code, done.matched) == (Result.NO_SUCH_OBJECT, "uid=555000001,ou=people,o=nhs")


def test_a_base_that_is_no_name_is_refused(session: Session) -> None:
    (done,) = searched(session, search("(objectClass=*)", "nhs"))
    assert done.code is Result.INVALID_DN_SYNTAX


def test_a_persons_role_profiles_are_found_below_the_person(session: Session) -> None:
    found = searched(session, search("(objectClass=*)", "uid=555000001,ou=people,o=nhs"))
    assert [answer.dn for answer in found[:-1]] == [
        "uid=555000001,ou=people,o=nhs",
        "uniqueIdentifier=900000001,uid=555000001,ou=people,o=nhs",
    ]
    role = searched(session, search("(nhsJobRole=*)", "ou=people,o=nhs", "nhsJobRole"))
    assert role[0].attributes == {"nhsJobRole": ("Clerk",)}


@pytest.mark.parametrize(("asked_for", "limit", "given"), [(3, 100, 3), (0, 10, 10), (50, 7, 7)])
def test_no_more_is_given_than_client_and_server_let(
    core: Core, asked_for: int, limit: int, given: int
) -> None:
    session = session_on(served_on(core, limits=replace(LIMITS, size=limit)))
    found = searched(session, search("(objectClass=nhsOrg)", "o=nhs", size=asked_for))
    assert len(found) == given + 1
    assert found[-1].code is Result.SIZE_LIMIT_EXCEEDED


def test_as_many_as_there_are_is_not_too_many(session: Session) -> None:
    found = searched(session, search("(objectClass=nhsOrg)", "o=nhs", size=30))
    assert (len(found), found[-1].code) == (31, Result.SUCCESS)


def test_pages_give_everything_once(session: Session) -> None:
    request = search("(objectClass=*)", "o=nhs", "1.1")
    names, cookie, pages = [], b"", 0
    while pages == 0 or cookie:
        found = searched(session, request, paged(4, cookie))
        assert len(found) <= 5
        assert found[-1].code is Result.SUCCESS
        assert found[-1].cookie is not None
        names += [answer.dn for answer in found[:-1]]
        cookie, pages = found[-1].cookie, pages + 1
    whole = [answer.dn for answer in searched(session, request)[:-1]]
    assert names == whole
    assert len(set(names)) == len(names) == 41
    assert pages == 11


def test_pages_together_give_no_more_than_the_client_wants(session: Session) -> None:
    request = search("(objectClass=nhsOrg)", "o=nhs", size=6)
    first = searched(session, request, paged(4))
    second = searched(session, request, paged(4, first[-1].cookie or b""))
    assert (len(first), len(second)) == (5, 3)
    assert (second[-1].code, second[-1].cookie) == (Result.SIZE_LIMIT_EXCEEDED, b"")


def test_a_page_of_nothing_ends_a_paged_search(session: Session) -> None:
    request = search("(objectClass=nhsOrg)", "o=nhs")
    first = searched(session, request, paged(4))
    (last,) = searched(session, request, paged(0, first[-1].cookie or b""))
    assert (last.code, last.cookie) == (Result.SUCCESS, b"")


@pytest.mark.parametrize("change", ["tampered", "foreign", "giant", "other search"])
def test_a_cookie_that_is_not_ours_or_not_this_searchs_is_refused(
    session: Session, change: str
) -> None:
    request = search("(objectClass=nhsOrg)", "o=nhs")
    cookie = searched(session, request, paged(4))[-1].cookie or b""
    sent = {
        "tampered": cookie[:-1] + bytes((cookie[-1] ^ 1,)),
        "foreign": b"4",
        "giant": cookie + b"x" * 10_000,
        "other search": cookie,
    }[change]
    asked_for = search("(objectClass=*)", "o=nhs") if change == "other search" else request
    (done,) = searched(session, asked_for, paged(4, sent))
    assert done.code is Result.UNWILLING_TO_PERFORM


@pytest.mark.parametrize("value", [None, b"", b"\x30\x03\x02\x01\x05", b"x"])
def test_a_control_of_pages_that_is_none_is_refused(session: Session, value: bytes | None) -> None:
    control = Control(PAGED_RESULTS, True, value)  # noqa: FBT003
    (done,) = searched(session, search("(objectClass=*)", "o=nhs"), control)
    assert done.code is Result.PROTOCOL_ERROR


def test_what_no_index_serves_stops_at_an_administrative_limit(core: Core) -> None:
    session = session_on(served_on(core, limits=replace(LIMITS, examined=20)))
    found = searched(session, search("(!(nhsIDCode=B00001))", "ou=organisations,o=nhs"))
    assert found[-1].code is Result.ADMIN_LIMIT_EXCEEDED
    assert 0 < len(found) <= 21
    pages = searched(session, search("(!(nhsIDCode=B00001))", "o=nhs"), paged(100))
    assert (pages[-1].code, bool(pages[-1].cookie)) == (Result.SUCCESS, True)


def test_a_search_that_takes_too_long_is_ended(core: Core) -> None:
    ticking = iter(range(1000))
    served = replace(
        served_on(core, limits=SearchLimits(100, 1000, 5.0)), monotonic=lambda: next(ticking)
    )
    found = searched(session_on(served), search("(objectClass=nhsOrg)", "o=nhs"))
    assert found[-1].code is Result.TIME_LIMIT_EXCEEDED
    assert len(found) < 10


def test_the_clients_own_time_limit_counts_where_it_is_the_shorter(core: Core) -> None:
    ticking = iter(range(1000))
    served = replace(
        served_on(core, limits=SearchLimits(100, 1000, 500.0)), monotonic=lambda: next(ticking)
    )
    request = replace(search("(objectClass=nhsOrg)", "o=nhs"), time_limit=3)
    assert searched(session_on(served), request)[-1].code is Result.TIME_LIMIT_EXCEEDED


def test_a_critical_control_that_is_not_known_is_refused_and_another_is_passed_over(
    session: Session,
) -> None:
    request = search("(objectClass=nhsAs)")
    (done,) = searched(session, request, Control("1.2.3", True, None))  # noqa: FBT003
    assert done.code is Result.UNAVAILABLE_CRITICAL_EXTENSION
    found = searched(session, request, Control("1.2.3", False, b"x"))  # noqa: FBT003
    assert found[-1].code is Result.SUCCESS
    found = searched(session, request, Control(MANAGE_DSA_IT, True, None))  # noqa: FBT003
    assert len(found) == 2


@pytest.mark.parametrize(
    ("entry", "attribute", "value", "code"),
    [
        ("uniqueIdentifier=200000000115,ou=Services,o=nhs", "nhsIDCode", b"A81001", 6),
        ("uniqueIdentifier=200000000115,ou=Services,o=nhs", "nhsIDCode", b"a81001", 5),
        ("uniqueIdentifier=200000000115,ou=Services,o=nhs", "uid", b"1", 16),
        ("uniqueIdentifier=200000000115,ou=Services,o=nhs", "zork", b"1", 17),
        ("uniqueIdentifier=200000000115,ou=Services,o=nhs", "fax", b"1", 18),
        ("uniqueIdentifier=1,ou=Services,o=nhs", "nhsIDCode", b"A81001", 32),
        ("nothing", "nhsIDCode", b"A81001", 34),
    ],
)
def test_a_comparison_is_true_false_or_refused(
    session: Session, entry: str, attribute: str, value: bytes, code: int
) -> None:
    answer = one(session, Compare(entry, attribute, value), Tag.COMPARE_RESPONSE)
    assert answer.code == code


def test_nobody_changes_the_directory(session: Session) -> None:
    for tag in (Tag.ADD_RESPONSE, Tag.MODIFY_RESPONSE, Tag.DELETE_RESPONSE, Tag.RENAME_RESPONSE):
        assert one(session, Change(), tag).code is Result.UNWILLING_TO_PERFORM


def test_an_extended_operation_that_is_not_known_is_a_protocol_error(session: Session) -> None:
    answer = one(session, Extended("1.2.3", None), Tag.EXTENDED_RESPONSE)
    assert answer.code is Result.PROTOCOL_ERROR


def test_tls_is_not_begun_twice(core: Core) -> None:
    over_tls = session_on(served_on(core))
    answer = one(over_tls, Extended(START_TLS, None), Tag.EXTENDED_RESPONSE)
    assert (answer.code, over_tls.starts_tls) == (Result.OPERATIONS_ERROR, False)
    plain = session_on(served_on(core), is_tls=False)
    answer = one(plain, Extended(START_TLS, None), Tag.EXTENDED_RESPONSE)
    assert (answer.code, plain.starts_tls) == (Result.SUCCESS, True)


def test_abandon_and_unbind_have_no_answer(session: Session) -> None:
    assert asked(session, Message(4, Abandon(3), None)) == []
    assert not session.has_ended
    critical = Control("1.2.3", True, None)  # noqa: FBT003
    assert asked(session, Message(5, Unbind(), None, (critical,))) == []
    assert session.has_ended


def test_a_message_id_of_0_is_the_servers_own(session: Session) -> None:
    (answer,) = asked(session, Message(0, Bind(3, "", None, b""), Tag.BIND_RESPONSE))
    assert answer.code is Result.PROTOCOL_ERROR


def test_what_was_read_as_refused_is_answered_so(session: Session) -> None:
    answer = one(session, Refusal(Result.PROTOCOL_ERROR, "no"), Tag.BIND_RESPONSE)
    assert (answer.code, answer.text) == (Result.PROTOCOL_ERROR, "no")


READER = "cn=reader,o=nhs"


@pytest.fixture(scope="module")
def secret() -> str:
    return hashed("secret")


def test_a_user_binds_with_the_right_password_alone(core: Core, secret: str) -> None:
    session = session_on(served_on(core, hashes={read_name(READER): secret}))
    assert who(session) == ""
    assert bind(session, "CN=Reader, o=NHS", b"secret") is Result.SUCCESS
    assert who(session) == "dn:CN=Reader, o=NHS"
    assert bind(session, READER, b"wrong") is Result.INVALID_CREDENTIALS
    assert who(session) == ""
    assert bind(session, "cn=other,o=nhs", b"secret") is Result.INVALID_CREDENTIALS
    assert bind(session, "no name", b"secret") is Result.INVALID_CREDENTIALS
    assert bind(session, READER, b"") is Result.UNWILLING_TO_PERFORM
    assert bind(session, READER, b"\xff\0") is Result.INVALID_CREDENTIALS


def test_a_certificate_binds_as_its_party_and_nobody_else(core: Core) -> None:
    session = session_on(served_on(core), "hill.test")
    assert bind(session, "", b"", "EXTERNAL") is Result.SUCCESS
    assert who(session) == "dn:nhsMHSPartyKey=A81001-0000001,ou=parties,o=nhs"
    assert bind(session, "", b"dn:cn=admin", "EXTERNAL") is Result.INVALID_CREDENTIALS
    assert bind(session, "", b"", "DIGEST-MD5") is Result.AUTH_METHOD_NOT_SUPPORTED
    unknown = session_on(served_on(core), "unknown.test")
    assert bind(unknown, "", b"", "EXTERNAL") is Result.INVALID_CREDENTIALS
    without = session_on(served_on(core))
    assert bind(without, "", b"", "EXTERNAL") is Result.INAPPROPRIATE_AUTHENTICATION


def test_where_nobody_asks_unnamed_a_bind_comes_first(core: Core) -> None:
    session = session_on(served_on(core, anonymous=False), "hill.test")
    (done,) = searched(session, search("(objectClass=*)"))
    assert done.code is Result.STRONGER_AUTH_REQUIRED
    assert bind(session, "", b"") is Result.INAPPROPRIATE_AUTHENTICATION
    root, _ = searched(session, search("(objectClass=*)", "", scope=0))
    assert root.dn == ""
    assert bind(session, "", b"", "EXTERNAL") is Result.SUCCESS
    assert searched(session, search("(objectClass=nhsAs)"))[-1].code is Result.SUCCESS


def test_every_question_is_audited_once_with_who_asked_and_how_it_ended(
    core: Core, secret: str
) -> None:
    session = session_on(served_on(core, hashes={read_name(READER): secret}), "hill.test")
    bind(session, READER, b"secret")
    searched(session, search("(objectClass=nhsOrg)", "o=nhs"))
    searched(session, search("(objectClass=*)", "ou=zork,o=nhs"))
    one(session, Compare(SERVICES, "ou", b"services"), Tag.COMPARE_RESPONSE)
    one(session, Change(), Tag.ADD_RESPONSE)
    entries = audited(core)
    assert [(entry.command, entry.outcome) for entry in entries] == [
        ("Bind", "done"),
        ("SearchDirectory", "done"),
        ("SearchDirectory", "NO_SUCH_OBJECT"),
        ("CompareDirectory", "COMPARE_TRUE"),
        ("ChangeDirectory", "UNWILLING_TO_PERFORM"),
    ]
    assert {(entry.party_key, entry.user) for entry in entries} == {("A81001-0000001", READER)}
    assert entries[1].message_id == "ldap-1-7"


def test_where_the_audit_fails_nothing_is_told(
    core: Core, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(type(core.audit), "record", fail)
    (done,) = searched(session, search("(objectClass=nhsAs)"))
    assert (done.code, done.dn) == (Result.UNAVAILABLE, "")
    assert "disk" not in done.text


def test_a_fault_of_our_own_is_answered_and_no_word_of_it_leaves(
    core: Core, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("inner words")

    monkeypatch.setattr(type(core), "perform", fail)
    (done,) = searched(session, search("(objectClass=nhsAs)"))
    assert (done.code, done.text) == (Result.OTHER, "the server failed")
