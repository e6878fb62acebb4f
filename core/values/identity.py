"""Who is who: NHS numbers, systems, parties, and the caller of a command."""

from __future__ import annotations

import re
from typing import Final, NewType

from msgspec import Struct

NhsNumber = NewType("NhsNumber", str)
Asid = NewType("Asid", str)
PartyKey = NewType("PartyKey", str)

_WEIGHTS: Final = range(10, 1, -1)
_OID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_PARTY_KEY: Final = re.compile(r"[A-Z0-9]{3,6}-[0-9]{6,7}", re.ASCII)


def check_digit(first_nine: str) -> str | None:
    """Give the tenth digit for nine digits, or None where no number can have them.

    Modulus 11 of the NHS Data Dictionary: weights 10 to 2, 11 becomes 0, 10 is never issued.
    """
    remainder = 11 - sum(w * int(d) for w, d in zip(_WEIGHTS, first_nine, strict=True)) % 11
    return None if remainder == 10 else str(remainder % 11)


def is_nhs_number(text: str) -> bool:
    """Say whether the text is ten digits with a right check digit (Modulus 11)."""
    return (
        len(text) == 10 and text.isascii() and text.isdigit() and check_digit(text[:9]) == text[9]
    )


def is_asid(text: str) -> bool:
    """Say whether the text is twelve digits, as every accredited system's id is."""
    return len(text) == 12 and text.isascii() and text.isdigit()


def is_party_key(text: str) -> bool:
    """Say whether the text looks like a party key: an organisation's code, a dash, a number."""
    return _PARTY_KEY.fullmatch(text) is not None


def is_oid(text: str) -> bool:
    """Say whether the text is an object identifier: numbers with dots between them."""
    return _OID.fullmatch(text) is not None


class Person(Struct, frozen=True):
    """The user behind a system's message: three ids from the directory (SDS)."""

    role_profile: str
    user: str
    job_role: str


class Caller(Struct, frozen=True):
    """Who asks: the party its certificate proves, the system it names, the person it names.

    Messages of the oldest generation name a party (`named_party`) and no system. `activity` is
    what the caller wants to do, a name that the directory grants to systems; the core compares it
    and never reads it. `message_id` is the caller's own id for the request. `by_hand` says that it
    is an operator of this facade, whom the system that runs it knows: no message is.
    """

    party_key: PartyKey
    asid: Asid | None
    activity: str
    message_id: str
    person: Person | None = None
    named_party: PartyKey | None = None
    by_hand: bool = False


def operator_named(user: str, message_id: str) -> Caller:
    """Give the caller that is an operator of this facade."""
    person = Person("", user, "")
    return Caller(PartyKey(""), None, "by hand", message_id, person, by_hand=True)
