"""One connection's conversation in LDAP: who is bound, and what answers each request (RFC 4511 4).

No socket is here: messages go in, bytes come out. Each question to the directory is audited before
the first byte of its answer is given out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from adapters import sds_about, sds_ldap
from adapters.sds_about import Offered
from adapters.sds_ldap import Asking, Said, SearchLimits
from adapters.sds_paging import Cookies
from adapters.sds_searching import Finding
from core.door import Core
from core.errors import StoreError
from core.values.identity import Caller, PartyKey, Person
from facade import logs
from facade.ldap_users import Passwords
from legacy_contracts.sds import ldap_answers
from legacy_contracts.sds.ldap_codes import (
    START_TLS,
    WHO_AM_I,
    Refused,
    Result,
    Scope,
    Tag,
)
from legacy_contracts.sds.ldap_messages import (
    Abandon,
    Bind,
    Change,
    Compare,
    Extended,
    Message,
    Refusal,
    Search,
    Unbind,
)
from legacy_contracts.sds.ldap_names import read_name

ACTIVITY: Final = "directory"
_TOGETHER: Final = 64
"""How many entries are given out at once, and how many are found before the audit is written."""
_UNAVAILABLE: Final = "the directory cannot be read now: ask again later"


class Served(Struct, frozen=True):
    """What all connections of a server share."""

    core: Core
    passwords: Passwords
    cookies: Cookies
    limits: SearchLimits
    monotonic: Callable[[], float]
    anonymous: bool


class Peer(Struct, frozen=True):
    """What is known of whoever connected: its number, its TLS, the names in its certificate."""

    number: int
    is_tls: bool
    names: tuple[str, ...]
    may_start_tls: bool


class _Bound(Struct, frozen=True):
    """Who a connection speaks for: nobody, a user by password, a party by certificate."""

    name: str = ""
    party_key: str = ""
    by_password: bool = False


_NOBODY: Final = _Bound()


class Session:
    """The conversation: `answers` for each message, until it `has_ended`."""

    def __init__(self, served: Served, peer: Peer) -> None:
        self._served = served
        self._peer = peer
        self._bound = _NOBODY
        self.has_ended = False
        self.starts_tls = False
        """Whether TLS is to begin once the answer is out."""

    def secured(self, peer: Peer) -> None:
        """Go on over TLS: nobody is bound any more (RFC 4513 3.1.4)."""
        self._peer = peer
        self._bound = _NOBODY
        self.starts_tls = False

    def answers(self, message: Message) -> Iterator[bytes]:
        """Give what a message is answered with, in pieces that are whole messages."""
        try:
            refusal = self._refusal(message)
            if refusal is not None:
                yield self._refused(message, refusal)
                return
            yield from _HANDLERS[type(message.request)](self, message)
        except StoreError as error:
            logs.logger().error("store.failed", why=str(error))
            yield self._refused(message, Refusal(Result.UNAVAILABLE, _UNAVAILABLE))
        except Exception as error:  # noqa: BLE001 - our own bug: said as such, no word of it leaves
            where = logs.place_of(error)
            logs.logger().error("ldap.failed", error=type(error).__name__, where=where)
            yield self._refused(message, Refusal(Result.OTHER, "the server failed"))

    def _refused(self, message: Message, refusal: Refusal) -> bytes:
        if message.answered_by is None:
            return b""
        told = ldap_answers.result(message.answered_by, refusal.code, refusal.text)
        return ldap_answers.message(message.message_id, told)

    def _refusal(self, message: Message) -> Refusal | None:
        """Give why a request is not taken at all, or None."""
        request = message.request
        if isinstance(request, Refusal):
            return request
        if message.answered_by is None:
            # An unbind ends the connection, whatever comes with it.
            return None
        if message.message_id == 0:
            return Refusal(Result.PROTOCOL_ERROR, "a message id is 0")
        taken = sds_about.CONTROLS if isinstance(request, Search) else sds_about.CONTROLS[1:]
        for control in message.controls:
            if control.critical and control.oid not in taken:
                return Refusal(
                    Result.UNAVAILABLE_CRITICAL_EXTENSION, "a critical control is not known here"
                )
        if self._needs_bind(request) and self._bound is _NOBODY and not self._served.anonymous:
            return Refusal(Result.STRONGER_AUTH_REQUIRED, "bind first: nobody asks unnamed here")
        return None

    def _needs_bind(self, request: object) -> bool:
        """Say whether a request is for those that are bound, where not all may ask.

        The root tells how to bind, so anyone may read it (RFC 4513 5.2.1.5 asks for no less).
        """
        if isinstance(request, Search):
            return not (request.base == "" and request.scope is Scope.BASE)
        return isinstance(request, Compare | Change)

    def _offered(self) -> Offered:
        return Offered(
            start_tls=self._peer.may_start_tls and not self._peer.is_tls,
            external=bool(self._peer.names),
        )

    def _caller(self, message: Message) -> Caller:
        person = Person("", self._bound.name, "") if self._bound.by_password else None
        party = self._bound.party_key or self._party_of_certificate() or ""
        told = f"ldap-{self._peer.number}-{message.message_id}"
        return Caller(PartyKey(party), None, ACTIVITY, told, person)

    def _party_of_certificate(self) -> PartyKey | None:
        return self._served.core.directory.party_of(self._peer.names)

    def _finding(self, caller: Caller) -> Finding:
        perform = self._served.core.perform
        return lambda command: perform(command, by=caller)

    def _search(self, message: Message) -> Iterator[bytes]:
        request = message.request
        assert isinstance(request, Search)  # noqa: S101 - the table says so
        caller = self._caller(message)
        served = self._served
        asking = Asking(
            self._finding(caller),
            served.limits,
            served.cookies,
            served.monotonic,
            self._offered(),
        )
        said: list[Said] = []
        is_audited = request.base == ""
        for one in sds_ldap.search(request, message.controls, asking):
            said.append(one)
            if one.code is None and len(said) < _TOGETHER:
                continue
            if not is_audited:
                outcome = one.code if one.code is not None else Result.SUCCESS
                served.core.witness(by=caller, command="SearchDirectory", outcome=_spoken(outcome))
                is_audited = True
            yield b"".join(_whole(message, each) for each in said)
            said = []

    def _compare(self, message: Message) -> Iterator[bytes]:
        request = message.request
        assert isinstance(request, Compare)  # noqa: S101 - the table says so
        caller = self._caller(message)
        said = sds_ldap.compare(request, self._finding(caller))
        outcome = _spoken(said.code or Result.SUCCESS)
        self._served.core.witness(by=caller, command="CompareDirectory", outcome=outcome)
        yield _whole(message, said)

    def _bind(self, message: Message) -> Iterator[bytes]:
        request = message.request
        assert isinstance(request, Bind)  # noqa: S101 - the table says so
        # Whatever becomes of it, the connection is nobody's meanwhile (RFC 4511 4.2.1).
        self._bound = _NOBODY
        try:
            self._bound = self._bound_by(request)
            code, text = Result.SUCCESS, ""
        except Refused as refused:
            code, text = refused.code, refused.text
        if self._bound is not _NOBODY or code is not Result.SUCCESS:
            outcome = _spoken(code)
            self._served.core.witness(by=self._caller(message), command="Bind", outcome=outcome)
        yield ldap_answers.message(
            message.message_id, ldap_answers.result(Tag.BIND_RESPONSE, code, text)
        )

    def _bound_by(self, request: Bind) -> _Bound:
        if request.mechanism is not None:
            return self._bound_by_certificate(request)
        if not request.credentials and request.name:
            # An unauthenticated bind (RFC 4513 5.1.2): whoever forgot the password is told so.
            raise Refused(Result.UNWILLING_TO_PERFORM, "a name without a password is refused")
        if not request.credentials:
            if not self._served.anonymous:
                raise Refused(Result.INAPPROPRIATE_AUTHENTICATION, "nobody binds unnamed here")
            return _NOBODY
        return self._bound_by_password(request)

    def _bound_by_password(self, request: Bind) -> _Bound:
        try:
            name = read_name(request.name)
        except Refused as refused:
            raise Refused(Result.INVALID_CREDENTIALS, "") from refused
        if not self._served.passwords.are_right(name, request.credentials):
            raise Refused(Result.INVALID_CREDENTIALS, "")
        return _Bound(request.name, by_password=True)

    def _bound_by_certificate(self, request: Bind) -> _Bound:
        """Bind whom the certificate names, as itself and nobody else (RFC 4513 5.2.3)."""
        if request.mechanism != "EXTERNAL":
            raise Refused(Result.AUTH_METHOD_NOT_SUPPORTED, "the only SASL mechanism is EXTERNAL")
        if not self._peer.names:
            raise Refused(
                Result.INAPPROPRIATE_AUTHENTICATION, "no certificate was shown on this connection"
            )
        party = self._party_of_certificate()
        if party is None:
            raise Refused(
                Result.INVALID_CREDENTIALS, "the certificate names no party that is known"
            )
        name = f"nhsMHSPartyKey={party},ou=parties,o=nhs"
        asked = request.credentials.decode(errors="replace")
        if asked and asked.lower() != f"dn:{name}".lower():
            raise Refused(Result.INVALID_CREDENTIALS, "nobody binds as another here")
        return _Bound(name, party)

    def _extended(self, message: Message) -> Iterator[bytes]:
        request = message.request
        assert isinstance(request, Extended)  # noqa: S101 - the table says so
        if request.oid == WHO_AM_I:
            name = self._bound.name
            told = f"dn:{name}".encode() if name else b""
            answer = ldap_answers.extended(Result.SUCCESS, value=told)
        elif request.oid == START_TLS:
            answer = self._start_tls()
        else:
            answer = ldap_answers.extended(
                Result.PROTOCOL_ERROR, "the extended operation is not known here"
            )
        yield ldap_answers.message(message.message_id, answer)

    def _start_tls(self) -> bytes:
        """Answer StartTLS (RFC 4511 4.14): never twice, and not where TLS is not to be had."""
        if self._peer.is_tls:
            return ldap_answers.extended(
                Result.OPERATIONS_ERROR, "TLS is established already", oid=START_TLS
            )
        if not self._peer.may_start_tls:
            return ldap_answers.extended(Result.UNAVAILABLE, "no TLS here", oid=START_TLS)
        self.starts_tls = True
        return ldap_answers.extended(Result.SUCCESS, oid=START_TLS)

    def _change(self, message: Message) -> Iterator[bytes]:
        """Refuse a change: the table is imported (`spine directory import`)."""
        refusal = Refusal(Result.UNWILLING_TO_PERFORM, "the directory is only read over LDAP")
        caller = self._caller(message)
        outcome = _spoken(refusal.code)
        self._served.core.witness(by=caller, command="ChangeDirectory", outcome=outcome)
        yield self._refused(message, refusal)

    def _abandon(self, _message: Message) -> Iterator[bytes]:
        """Do nothing: requests of a connection are answered in turn, so it is answered already."""
        return iter(())

    def _unbind(self, _message: Message) -> Iterator[bytes]:
        self.has_ended = True
        return iter(())


_HANDLERS: Final[dict[type, Callable[[Session, Message], Iterator[bytes]]]] = {
    Search: Session._search,  # noqa: SLF001 - the table of the class above
    Compare: Session._compare,  # noqa: SLF001
    Bind: Session._bind,  # noqa: SLF001
    Extended: Session._extended,  # noqa: SLF001
    Change: Session._change,  # noqa: SLF001
    Abandon: Session._abandon,  # noqa: SLF001
    Unbind: Session._unbind,  # noqa: SLF001
}


def _whole(message: Message, said: Said) -> bytes:
    return ldap_answers.message(message.message_id, said.operation, said.controls)


def _spoken(code: Result) -> str:
    """Give a result as the audit names it: done, or the protocol's own name of it."""
    return "done" if code is Result.SUCCESS else code.name
