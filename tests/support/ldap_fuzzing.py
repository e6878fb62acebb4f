"""LDAP messages broken at random, and what any answer to them must be.

A case is its seed and its number and nothing else, so that one that fails is run again alone:
`make fuzz-ldap SEED=… ONLY=…`. Any bytes are a message, or `Malformed`; any message is answered
with its own id, by the tag that belongs to it, with a code of the protocol that is not "our own
fault".
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from functools import cache
from typing import Final

import click
from directory_tables import Rows, contract, table
from ldap_served import FILTERS, answers_in, core_on, served_on, session_on

from core.directory import Organisation, Party, System
from core.values.identity import Asid, PartyKey
from facade.ldap_session import Session
from legacy_contracts.sds import ldap_ber as ber
from legacy_contracts.sds import ldap_requests as requests
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_ber import measured
from legacy_contracts.sds.ldap_codes import (
    MANAGE_DSA_IT,
    PAGED_RESULTS,
    WHO_AM_I,
    Malformed,
    Result,
    Scope,
    Tag,
)
from legacy_contracts.sds.ldap_messages import Bind, Control, Search, read_message

SECONDS_PER_CASE: Final = 2.0
LIMIT_BYTES: Final = 262_144
_BYTES: Final = b"\x00\x01\x02\x04\x0a\x30\x31\x42\x60\x63\x7f\x80\x81\x82\x84\x88\xa0\xa2\xa3\xff"
_HOW_MANY: Final = (0, 1, 1, 1, 2, 2, 3, 8)
_FILTERS: Final = (
    "(objectClass=*)",
    "(&(nhsIDCode=A81001) (objectClass=nhsAs) (nhsAsSvcIA=urn:nhs:names:services:gp2gp:X))",
    "(|(uid=555*)(cn=*a*b*)(o~=hill)(!(nhsIDCode>=1))(sn<=z))",
    "(ou:dn:caseIgnoreMatch:=services)",
    "(!(!(!(!(uniqueIdentifier=200000000115)))))",
    "(&)",
)
_BASES: Final = ("o=nhs", "ou=services,o=nhs", "", "cn=Subschema", "uid=1,ou=people,o=nhs", "x")


class Wrong(Exception):
    """What came of a case is not what may come of any."""


def case(seed: int, number: int) -> bytes:
    """Give the bytes of a case."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - a repeatable choice
    if dice.random() < 0.03:
        return _deep(dice)
    data = bytearray(dice.choice(golden()))
    for _ in range(dice.choice(_HOW_MANY)):
        dice.choice(_CHANGES)(data, dice)
    return bytes(data) if dice.random() < 0.5 else _mended(bytes(data))


def _mended(data: bytes) -> bytes:
    """Give the bytes with the outermost length set right, so that what is inside is read."""
    if len(data) < 2:
        return data
    start = 2 + (data[1] & 0x7F if data[1] >= 0x80 else 0)
    return ber.element(ber.SEQUENCE, data[start:])


def _deep(dice: random.Random) -> bytes:
    """Give a search whose filter is deep, or of many terms."""
    term = ber.octets("objectClass", 0x87)
    if dice.random() < 0.5:
        for _ in range(dice.randrange(1, 5000)):
            term = ber.element(dice.choice((0xA0, 0xA1, 0xA2)), term)
    else:
        term = ber.element(0xA1, term * dice.randrange(1, 20_000))
    parts = (ber.octets("o=nhs"), ber.number(2, ber.ENUMERATED), ber.number(0, ber.ENUMERATED))
    rest = (ber.number(0), ber.number(0), ber.boolean(False), term, ber.element(ber.SEQUENCE))  # noqa: FBT003
    return requests.message(5, ber.element(Tag.SEARCH_REQUEST, *parts, *rest))


def _set(data: bytearray, dice: random.Random) -> None:
    if data:
        data[dice.randrange(len(data))] = dice.choice(_BYTES)


def _flip(data: bytearray, dice: random.Random) -> None:
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def _cut(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    del data[at : at + dice.choice((1, 2, 8, 1000))]


def _insert(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = dice.randbytes(dice.choice((1, 2, 5, 300)))


def _repeat(data: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    data[at:at] = data[at : at + dice.randrange(1, 40)] * dice.choice((1, 2, 50))


def _splice(data: bytearray, dice: random.Random) -> None:
    other = dice.choice(golden())
    at = dice.randrange(len(data) + 1)
    data[at:] = other[dice.randrange(len(other)) :]


_CHANGES: Final = (_set, _set, _flip, _flip, _cut, _insert, _repeat, _splice)


@cache
def golden() -> tuple[bytes, ...]:
    """Give messages that are right, of every kind."""
    paged = Control(
        PAGED_RESULTS,
        True,  # noqa: FBT003
        ber.element(ber.SEQUENCE, ber.number(2), ber.octets(b"")),
    )
    found = [
        requests.message(
            place + 2,
            requests.search(
                Search(base, Scope(place % 3), place % 4, 0, False, read_text(text), ("*", "+"))  # noqa: FBT003
            ),
            (paged,) if place % 2 else (Control(MANAGE_DSA_IT, True, None),),  # noqa: FBT003
        )
        for place, (text, base) in enumerate((text, base) for text in _FILTERS for base in _BASES)
    ]
    compared = ber.element(
        Tag.COMPARE_REQUEST,
        ber.octets("uniqueIdentifier=200000000115,ou=services,o=nhs"),
        ber.element(ber.SEQUENCE, ber.octets("nhsIDCode"), ber.octets("A81001")),
    )
    others = (
        requests.bind(Bind(3, "", None, b"")),
        requests.bind(Bind(3, "cn=a,o=nhs", None, b"secret")),
        requests.bind(Bind(3, "", "EXTERNAL", b"")),
        compared,
        ber.element(Tag.EXTENDED_REQUEST, ber.octets(WHO_AM_I, 0x80)),
        ber.number(3, Tag.ABANDON_REQUEST),
        ber.octets(b"", Tag.UNBIND_REQUEST),
        ber.octets("ou=x,o=nhs", Tag.DELETE_REQUEST),
        ber.element(Tag.ADD_REQUEST, ber.octets("ou=x,o=nhs"), ber.element(ber.SEQUENCE)),
    )
    return (*found, *(requests.message(1, one) for one in others))


@cache
def session() -> Session:
    """Give a conversation over a small table, for all cases."""
    party = Party(PartyKey("A81001-0000001"), "Hill", ("hill.test",), organisation="A81001")
    system = System(Asid("200000000115"), party.party_key, "Hill", (), ("urn:x:ASK",))
    rows = Rows(
        organisations=(Organisation("A81001", "Hill practice"),),
        parties=(party,),
        systems=(system,),
        contracts=(contract("A81001-0000001", "urn:x", "ASK"),),
    )
    return session_on(served_on(core_on(table(rows))), "hill.test")


def judged(data: bytes) -> str:
    """Give what came of some bytes; raise `Wrong` where that may not be."""
    began = time.perf_counter()
    told = _judged(data)
    if time.perf_counter() - began > SECONDS_PER_CASE:
        raise Wrong("it took too long")
    return told


def _judged(data: bytes) -> str:
    try:
        length = measured(data)
        if length is None or length > len(data):
            return "waits"
        if length > LIMIT_BYTES:
            return "too long"
        message = read_message(data[:length], FILTERS)
    except Malformed:
        return "malformed"
    answers = list(answers_in(b"".join(session().answers(message))))
    if message.answered_by is None:
        _see(not answers, "what has no answer was answered")
        return "no answer"
    _see({one.message_id for one in answers} == {message.message_id}, "an answer has another id")
    last = answers[-1]
    _see(last.tag is message.answered_by, "the last answer is not that of the request")
    _see(last.code not in (None, Result.OTHER), "the server failed")
    return last.code.name if last.code is not None else "no code"


def _see(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - what is seen to
    if not holds:
        raise Wrong(otherwise)


def run(seed: int, numbers: range) -> Counter[str]:
    """Give how often which came of so many cases; raise `Wrong` that names the case."""
    found: Counter[str] = Counter()
    for number in numbers:
        try:
            found[judged(case(seed, number))] += 1
        except Exception as error:
            raise Wrong(f"make fuzz-ldap SEED={seed} ONLY={number}: {error!r}") from error
    return found


@click.command()
@click.option("--count", default=10_000, show_default=True)
@click.option("--seed", default=2014, show_default=True)
@click.option("--only", type=int, help="Show this case alone.")
def main(count: int, seed: int, only: int | None) -> None:
    """Break so many LDAP messages, and say what came of them."""
    if only is not None:
        data = case(seed, only)
        click.echo(f"{data.hex(' ')}\n{judged(data)}")
        return
    for told, how_often in run(seed, range(count)).most_common():
        click.echo(f"{how_often:8} {told}")


if __name__ == "__main__":
    sys.exit(main())
