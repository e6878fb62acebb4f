"""What happens in the recordings of new demographic records: allocations and births."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import creation_messages
import register_messages
from creation_messages import ALLOCATIONS, BIRTHS, Baby, Newcomer
from ebxml_messages import Message
from hub_messages import TO_THE_HUB
from msgspec.structs import replace
from scripted import (
    LESS_ALLOWED_ASID,
    OTHER,
    Comes,
    Made,
    Script,
    fetched,
    once,
    posted,
    sent_by,
    spoilt,
    twice,
    wrong,
)

LESS_ALLOWED: Final = replace(TO_THE_HUB, from_asid=LESS_ALLOWED_ASID)
POLLED: Final = "/clinical"
NO_POLL: Final = b"GET /_poll/20140825093000000000_000000_1 HTTP/1.1\r\nHost: spine.example\r\n\r\n"

Make = Callable[..., Message]


def _of_the_hub(make: Make) -> dict[str, Made]:
    """Give the cases in which the hub answers alike, whatever is asked."""
    return {
        "duplicate-message-id": twice(make),
        "polled": lambda: Script((posted(make(), path=POLLED), Comes(fetched))),
        "no-such-poll": lambda: Script((Comes(NO_POLL),)),
        # AR: the wrapper, the systems
        "no-creation-time": spoilt(make, r"<creationTime [^>]*/>", ""),
        "system-not-allowed": once(lambda: make(route=LESS_ALLOWED)),
        # MessageError: the contract, the sender
        "access-refused": sent_by(make, OTHER),
        "unknown-cpa": wrong(make, cpa_id="S9999999A9999999"),
    }


def _allocations(interaction_id: str) -> dict[str, Made]:
    make = partial(creation_messages.allocation, interaction_id)
    provider = r'(<(?:assignedOrganisation|healthCareProvider) [^>]*><id root=")[^"]*'
    return {
        "allocated": once(make),
        "two-in-a-row": lambda: Script((posted(make()), posted(make()))),
        # AA with a warning
        "trust-without-practice": spoilt(
            partial(make, Newcomer(authority="x")),
            r"<playedOtherProviderPatient .*</playedOtherProviderPatient>",
            "",
        ),
        "no-address-key": spoilt(make, r"<addressKey>[^<]*", "<addressKey>0"),
        # AE: the rules, in their order
        "no-request": spoilt(
            make, r"PdsRegistrationRequest(.*)PdsRegistrationRequest", r"PdsOther\1PdsOther"
        ),
        "no-usual-name": spoilt(make, r'<name use="L">', '<name use="PREFERRED">'),
        "several-faults": spoilt(
            make,
            r'<name use="L">(.*)<subjectOf5 .*</subjectOf5>',
            r'<name use="PREFERRED">\1',
        ),
        "no-use": spoilt(make, r'<addr use="H">', "<addr>"),
        "provider-of-another-kind": spoilt(make, provider, r"\g<1>1.2.3"),
        "person-missing-for-nhais": once(partial(make, Newcomer(authority="y")))
        if interaction_id != "PRPA_IN000200UK04"
        else spoilt(make, r"(<registeringAuthority .*?)<id [^>]*/>", r"\1"),
        "born-in-the-future": once(partial(make, Newcomer(birth_time="20140827"))),
        **_told_more(interaction_id),
        "a-use-that-no-list-has": spoilt(make, r'<name use="A">', '<name use="OLD">'),
        **_of_the_hub(make),
    }


def _told_more(interaction_id: str) -> dict[str, Made]:
    """Give the cases of what 2008A and 2008B alone tell of a newcomer."""
    if not interaction_id.startswith("PRPA_IN000200"):
        return {}
    whole = partial(
        creation_messages.allocation, interaction_id, register_messages.newcomer(interaction_id)
    )
    is_2008a = interaction_id == "PRPA_IN000200UK03"
    name = "told-of-by-the-register" if is_2008a else "a-donor"
    code, system = ("4", "17.166") if is_2008a else ("1", "16.2")
    pattern = rf'code="{code}" (codeSystem="[^"]*{system}")'
    return {name: once(whole), f"{name}-with-no-such-code": spoilt(whole, pattern, r'code="Q" \1')}


def _after(make: Make, *babies: Baby) -> Made:
    """Give a script in which births are notified one after the other."""
    return lambda: Script(tuple(posted(make(baby)) for baby in babies))


def _births(interaction_id: str) -> dict[str, Made]:
    make = partial(creation_messages.birth, interaction_id)
    return {
        "created": once(make),
        "born-dead": once(partial(make, Baby(dead=True))),
        "born-at-home": once(partial(make, Baby(identified=False))),
        "possible-duplicate": _after(make, Baby(), Baby(birth_time="201408240900")),
        "duplicate-ignored": _after(make, Baby(), Baby(ignoring="true")),
        "two-possible-duplicates": _after(make, Baby(), Baby(ignoring="true"), Baby()),
        "twins": _after(make, Baby(), Baby(order="2")),
        # AA with a warning
        "no-address-key": spoilt(make, r"<addressKey>[^<]*", "<addressKey>0"),
        # AE: the rules, in their order
        "no-event": spoilt(
            make, r"PdsRegistrationEvent(.*)PdsRegistrationEvent", r"PdsOther\1PdsOther"
        ),
        "day-of-birth-only": once(partial(make, Baby(birth_time="20140824"))),
        "several-faults": spoilt(
            make,
            r'<ethnicGroupCode [^>]*/>(<multipleBirthOrderNumber) value="[^"]*"',
            r"\1",
        ),
        "weight-of-three-digits": once(partial(make, Baby(weight="950"))),
        "no-mother": spoilt(make, r"(<mother [^>]*>)<id [^>]*/>", r"\1"),
        "born-in-the-future": once(partial(make, Baby(birth_time="201408271200"))),
        **_of_the_hub(make),
    }


PLACES: Final[Mapping[str, Mapping[str, Made]]] = {
    **{f"pds/{one}": _allocations(one) for one in ALLOCATIONS},
    **{f"pds/{one}": _births(one) for one in BIRTHS},
}
