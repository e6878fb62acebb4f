"""The directory over LDAP for tests: a session in process, and a server on real sockets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

from directory_tables import Table
from msgspec import Struct

from adapters.sds_ldap import SearchLimits
from adapters.sds_paging import Cookies
from core.audit import Access, Audit, prove, read_page
from core.context import Context
from core.door import Core
from facade.ldap_session import Peer, Served, Session
from facade.ldap_users import Passwords
from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds import ldap_requests
from legacy_contracts.sds.ldap_ber import Reader, measured
from legacy_contracts.sds.ldap_codes import Result, Tag
from legacy_contracts.sds.ldap_filters import FilterLimits
from legacy_contracts.sds.ldap_messages import Control, Message, Search, read_message
from legacy_contracts.sds.ldap_names import Name

LIMITS = SearchLimits(size=100, examined=1000, seconds=5.0)
FILTERS = FilterLimits(depth=32, terms=1000)
WRITER = "test"


class Answer(Struct, frozen=True):
    """One message of the server: its id, its operation's tag, what is in it, its controls."""

    message_id: int
    tag: Tag
    code: Result | None
    text: str
    matched: str
    dn: str
    attributes: dict[str, tuple[str, ...]]
    cookie: bytes | None


def core_on(table: Table) -> Core:
    """Give a core that audits into the table's own store."""
    ids = itertools.count(1)
    context = Context(
        now=lambda: datetime(2014, 1, 1, tzinfo=UTC), new_id=lambda: f"{next(ids):08d}"
    )
    audit = Audit(table.store, writer=WRITER, now=lambda: "2014-01-01T00:00:00")
    return Core(store=table.store, context=context, directory=table.directory, audit=audit)


def served_on(
    core: Core,
    *,
    limits: SearchLimits = LIMITS,
    anonymous: bool = True,
    hashes: dict[Name, str] | None = None,
) -> Served:
    """Give what sessions share."""
    return Served(core, Passwords(hashes or {}), Cookies(b"k" * 32), limits, lambda: 0.0, anonymous)


def session_on(served: Served, *names: str, is_tls: bool = True) -> Session:
    """Give a conversation with a peer whose certificate has these names."""
    return Session(served, Peer(1, is_tls, names, may_start_tls=True))


def asked(session: Session, message: Message) -> list[Answer]:
    """Give what a message is answered with."""
    return list(answers_in(b"".join(session.answers(message))))


def searched(session: Session, request: Search, *controls: Control) -> list[Answer]:
    """Give what a search is answered with, over the bytes of both sides."""
    data = ldap_requests.message(7, ldap_requests.search(request), controls)
    return asked(session, read_message(data, FILTERS))


def answers_in(data: bytes) -> Iterator[Answer]:
    """Give every message in what a server sent; raise where it is not whole messages."""
    while data:
        length = measured(data)
        assert length is not None
        assert length <= len(data)
        yield _answer(data[:length])
        data = data[length:]


def _answer(data: bytes) -> Answer:
    whole = Reader(data).inside()
    message_id = whole.number()
    tag = Tag(whole.next_tag())
    inside = whole.inside(tag)
    cookie = _cookie(whole)
    if tag is Tag.SEARCH_ENTRY:
        dn, listed = inside.text(), inside.inside()
        inside.end()
        return Answer(message_id, tag, None, "", "", dn, dict(_attributes(listed)), cookie)
    code, matched, text = Result(inside.number(ber.ENUMERATED)), inside.text(), inside.text()
    return Answer(message_id, tag, code, text, matched, "", {}, cookie)


def _attributes(listed: Reader) -> Iterator[tuple[str, tuple[str, ...]]]:
    while listed:
        one = listed.inside()
        name, held = one.text(), one.inside(ber.SET)
        values = []
        while held:
            values.append(held.text())
        yield name, tuple(values)


def _cookie(whole: Reader) -> bytes | None:
    if not whole:
        return None
    control = whole.inside(0xA0).inside()
    control.text()
    inside = Reader(control.octets()).inside()
    inside.number()
    return inside.octets()


def audited(core: Core) -> list[Access]:
    """Give everything that was audited, and see that the chain is whole."""
    assert not prove(core.store).breaks
    found: list[Access] = []
    page = 0
    while (read := read_page(core.store, WRITER, page)) is not None:
        found += read.entries
        page += 1
    return found
