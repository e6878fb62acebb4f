"""Peers that send too much, too slowly or nothing are told why; others are answered meanwhile."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ldap_fuzzing import case
from ldap_serving import LdapServed, Wire, bind_bytes, serving_ldap, wired

from legacy_contracts.sds import ldap_requests
from legacy_contracts.sds.filters import Filter, Not, Or, Present
from legacy_contracts.sds.ldap_ber import element, octets
from legacy_contracts.sds.ldap_codes import START_TLS, Result, Scope, Tag
from legacy_contracts.sds.ldap_messages import Search

CONNECTIONS = 4


@pytest.fixture(scope="module")
def served(sample_folder: Path) -> Iterator[LdapServed]:
    with serving_ldap(
        sample_folder,
        SPINE_LDAP_CONNECTIONS=str(CONNECTIONS),
        SPINE_LDAP_MESSAGE_SECONDS="0.6",
        SPINE_LDAP_IDLE_SECONDS="1.5",
        SPINE_LDAP_MESSAGE_LIMIT_BYTES="4096",
        SPINE_LDAP_FILTER_DEPTH="5",
        SPINE_LDAP_FILTER_TERMS="20",
        SPINE_TLS_HANDSHAKE_SECONDS="0.6",
    ) as running:
        yield running


def _is_well(served: LdapServed) -> bool:
    with wired(served.plain_port) as wire:
        return wire.found("(objectClass=nhsAs)")[-1].code is Result.SUCCESS


def _notice(wire: Wire) -> tuple[Result | None, str]:
    """Give the code and text of a notice of disconnection, after which the server closes."""
    answer = wire.answer()
    assert answer is not None
    assert (answer.message_id, answer.tag) == (0, Tag.EXTENDED_RESPONSE)
    assert wire.answer() is None
    return answer.code, answer.text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "no LDAP message"),
        (b"\x30\x80\x02\x01\x01", "indefinite"),
        (b"\x30\x84\x7f\xff\xff\xff", "no more than 4096 bytes"),
        (b"\x30\x82\x20\x00", "no more than 4096 bytes"),
        (b"\x30\x05\x02\x01\x01\x7f\x00", "the tag of no request"),
        (b"\x30\x05\x02\x01\x01\x42\x05", "longer than what it stands in"),
        (b"\x30\x03\x02\x01\x01", "the tag of no request"),
        (b"\x30\x07\x02\x05\x01\x01\x01\x01\x01", "a number"),
    ],
)
def test_what_is_no_message_is_told_so_and_the_connection_ends(
    served: LdapServed, sent: bytes, words: str
) -> None:
    with wired(served.plain_port) as wire:
        wire.sock.sendall(sent)
        code, text = _notice(wire)
    assert code is Result.PROTOCOL_ERROR
    assert words in text


def test_a_message_that_takes_too_long_to_arrive_is_told_so(served: LdapServed) -> None:
    with wired(served.plain_port) as wire:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for octet in bind_bytes():
                wire.sock.sendall(bytes((octet,)))
                time.sleep(0.2)
        code, text = _notice(wire)
    assert (code, time.monotonic() - began < 10) == (Result.PROTOCOL_ERROR, True)
    assert "too long" in text


def test_a_peer_that_says_nothing_is_told_that_it_ends(served: LdapServed) -> None:
    with wired(served.plain_port) as wire:
        assert _notice(wire)[0] is Result.UNAVAILABLE


def test_a_peer_that_goes_away_within_a_message_is_forgotten(served: LdapServed) -> None:
    for _ in range(CONNECTIONS * 3):
        with wired(served.plain_port) as wire:
            wire.sock.sendall(bind_bytes()[:5])
    time.sleep(1.0)
    assert _is_well(served)


def test_peers_that_do_not_finish_tls_are_let_go(served: LdapServed) -> None:
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(CONNECTIONS)]
    time.sleep(1.5)
    assert _is_well(served)
    for one in held:
        one.close()


def test_one_connection_too_many_is_told_so_and_the_others_go_on(served: LdapServed) -> None:
    time.sleep(0.5)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wired(served.plain_port)) for _ in range(CONNECTIONS)]
        assert all(wire.found("(objectClass=nhsAs)") for wire in wires)
        with wired(served.plain_port) as more:
            assert _notice(more)[0] is Result.BUSY
        assert all(wire.found("(objectClass=nhsAs)") for wire in wires)


def _search(term: Filter) -> bytes:
    wanted = Search("o=nhs", Scope.SUB, 0, 0, False, term, ())  # noqa: FBT003
    return ldap_requests.message(2, ldap_requests.search(wanted))


def test_a_filter_too_deep_or_of_too_many_terms_is_refused_and_the_connection_goes_on(
    served: LdapServed,
) -> None:
    deep: Filter = Present("o")
    for _ in range(8):
        deep = Not(deep)
    with wired(served.plain_port) as wire:
        for term in (deep, Or((Present("o"),) * 30)):
            wire.sock.sendall(_search(term))
            answer = wire.answer()
            assert answer is not None
            assert (answer.tag, answer.code) == (Tag.SEARCH_DONE, Result.ADMIN_LIMIT_EXCEEDED)
        assert wire.found("(objectClass=nhsAs)")[-1].code is Result.SUCCESS


def test_requests_sent_together_are_answered_in_turn(served: LdapServed) -> None:
    with wired(served.plain_port) as wire:
        wire.sock.sendall(bind_bytes() + _search(Present("nhsAsSvcIA")) + bind_bytes())
        tags = []
        while tags.count(Tag.BIND_RESPONSE) < 2:
            answer = wire.answer()
            assert answer is not None
            tags.append(answer.tag)
    assert tags[0] is tags[-1] is Tag.BIND_RESPONSE
    assert Tag.SEARCH_DONE in tags


def test_what_is_sent_before_tls_is_not_taken_for_what_is_sent_in_it(served: LdapServed) -> None:
    start = element(Tag.EXTENDED_REQUEST, octets(START_TLS, 0x80))
    with wired(served.plain_port) as wire:
        wire.sock.sendall(ldap_requests.message(1, start) + bind_bytes())
        answer = wire.answer()
        assert answer is not None
        assert answer.code is Result.SUCCESS
        assert _notice(wire)[0] is Result.PROTOCOL_ERROR


def test_a_peer_that_does_not_read_is_let_go(sample_folder: Path) -> None:
    with serving_ldap(
        sample_folder, SPINE_LDAP_CONNECTIONS="1", SPINE_LDAP_MESSAGE_SECONDS="0.6"
    ) as running:
        time.sleep(0.3)
        with wired(running.plain_port) as deaf:
            deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            with contextlib.suppress(OSError):
                deaf.sock.settimeout(3)
                for _ in range(3000):
                    deaf.sock.sendall(_search(Present("objectClass")))
            time.sleep(1.5)
            with wired(running.plain_port) as wire:
                assert wire.found("(objectClass=nhsAs)")[-1].code is Result.SUCCESS


def test_a_server_that_stops_tells_those_that_are_idle(sample_folder: Path) -> None:
    with serving_ldap(sample_folder) as running, wired(running.plain_port) as wire:
        assert wire.found("(objectClass=nhsAs)")
        running.process.send_signal(signal.SIGTERM)
        code, text = _notice(wire)
        assert (code, text) == (Result.UNAVAILABLE, "the server stops")
        assert running.process.wait(timeout=20) == 0


def test_broken_bytes_on_real_sockets_leave_the_server_well(served: LdapServed) -> None:
    dice = random.Random(5)  # noqa: S311 - a repeatable choice
    for number in range(150):
        with contextlib.suppress(OSError), wired(served.plain_port) as wire:
            wire.sock.settimeout(5)
            wire.sock.sendall(case(636, number)[: dice.choice((3, 50, 4000))])
            wire.sock.shutdown(socket.SHUT_WR)
            while wire.answer() is not None:
                pass
    assert _is_well(served)
    assert served.process.poll() is None
    assert b"ldap.failed" not in served.log.read_bytes()
