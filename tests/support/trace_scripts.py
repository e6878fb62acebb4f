"""What happens in the recordings of the traces that are answered by a message."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from ebxml_messages import NEXT_MSH, Message
from hub_messages import TO_THE_HUB
from msgspec.structs import replace
from old_trace_messages import INTERACTION, old_trace
from pushed_traces import ADVANCED, BATCH, Asked, trace
from receiving import close
from scripted import (
    LESS_ALLOWED_ASID,
    OTHER,
    Made,
    Passes,
    Script,
    once,
    posted,
    sent_by,
    spoilt,
    twice,
    wrong,
)

EDITH: Final = Asked(given=("EDITH", "ROSE"), postcode="LS1 1AA", practice="A99001")
ALPHA: Final = replace(EDITH, family="Fi*", given=(), search="1", practice=None, postcode=None)
TWINS: Final = Asked(family="TWIN", given=("Beth",), born='<center value="19900909"/>')
HIDDEN: Final = Asked(
    family="HIDDEN", given=("HENRY",), born='<center value="19610716"/>', gender="1"
)
NOBODY: Final = Asked(family="NOBODY", given=("NEMO",))


def _made(interaction_id: str) -> Mapping[str, Made]:
    """Give what every trace has: found, nobody, and each kind of refusal."""
    make = partial(trace, interaction_id)
    found = partial(make, EDITH)

    def of(asked: Asked) -> Made:
        return once(lambda: make(asked))

    return {
        "one-match": of(EDITH),
        "no-match": of(NOBODY),
        "restricted": of(HIDDEN),
        "restricted-by-place": of(replace(HIDDEN, postcode="YO1 1ZZ", practice="C99003")),
        "answer-is-never-taken": lambda: Script((posted(found()), Passes(60), Passes(60)), close),
        "sent-again": twice(found),
        "two-genders": spoilt(
            found, r"(<person\.administrativeGenderCode>)(.*?)(</person)", r"\1\2\2\3"
        ),
        "several-faults": spoilt(
            found,
            r"(?:<value>)?<(?:center|value) value=\"19500203\"/>(?:</value>)?",
            "<value><low/><high/><center/></value>",
        ),
        # AR: the wrapper, the systems
        "no-creation-time": spoilt(found, r"<creationTime [^>]*/>", ""),
        "id-is-no-uuid": spoilt(found, r'(<id root=")[0-9A-F-]{36}"', r'\1message-1"'),
        "no-query": spoilt(found, r"<query>.*</query>", ""),
        "no-system-author": spoilt(found, r"<author1 .*?</author1>", ""),
        "system-not-allowed": once(
            lambda: trace(interaction_id, EDITH, replace(TO_THE_HUB, from_asid=LESS_ALLOWED_ASID))
        ),
        # MessageError: the header, the contract, the sender
        "access-refused": sent_by(found, OTHER),
        "acknowledgment-asked-for": wrong(found, ack_actor=NEXT_MSH),
        "unknown-cpa": wrong(found, cpa_id="S9999999A9999999"),
    }


def _advanced(interaction_id: str) -> Mapping[str, Made]:
    """Give what the advanced trace has besides."""
    make = partial(trace, interaction_id)

    def of(asked: Asked) -> Made:
        return once(lambda: make(asked))

    return {
        **_made(interaction_id),
        "two-matches": of(replace(TWINS, given=(), search="1")),
        "by-sound": of(replace(TWINS, family="TWEEN", given=("BAITH",))),
        "names-swapped": of(replace(TWINS, family="BETH", given=("TWIN",))),
        "name-and-place": of(replace(EDITH, given=("OLIVE",), postcode="HU1 2BB", practice=None)),
        "history": of(replace(ALPHA, family="FIELD", history="1")),
        "history-not-asked-for": of(replace(ALPHA, family="FIELD")),
        "history-shown": of(replace(EDITH, history="1")),
        "wildcard": of(replace(ALPHA, family="Fi*d", history="1", born='<low value="1949"/>')),
        "wildcard-too-soon": of(replace(ALPHA, family="F*")),
        "birth-range": of(replace(EDITH, born='<low value="19500101"/><high value="19501231"/>')),
        "by-number": of(Asked(family="ANY", given=(), number="9990000018", born=None)),
        "superseded": of(Asked(family="ANY", given=(), number="9990000026", born=None)),
        "withdrawn": of(Asked(family="ANY", given=(), number="9990000034", born=None)),
        "wrong-check-digit": of(Asked(family="ANY", given=(), number="9990000019", born=None)),
        "missing-birth-date": of(replace(ALPHA, born=None)),
        "missing-given-name": of(replace(EDITH, given=(), postcode=None)),
        "missing-name": of(replace(EDITH, family=None, given=())),
        "no-date": of(replace(EDITH, born='<low value="19501301"/>')),
        "missing-history-indicator": of(replace(EDITH, history=None)),
        "missing-search-type": of(replace(EDITH, search=None)),
        "invalid-search-type": of(replace(EDITH, search="3")),
        "invalid-history-indicator": of(replace(EDITH, history="2")),
    }


def _batch(interaction_id: str) -> Mapping[str, Made]:
    """Give what the batch trace has besides."""
    make = partial(trace, interaction_id)

    def of(asked: Asked) -> Made:
        return once(lambda: make(asked))

    numbered = replace(EDITH, number="9990000018", postcode=None, practice=None)
    return {
        **_made(interaction_id),
        "cross-checked": of(numbered),
        "number-of-another": of(replace(numbered, number="9990000050")),
        "superseded": of(replace(numbered, number="9990000026")),
        "by-sound": of(replace(TWINS, family="TWEEN", given=("BAITH",))),
        "several": of(replace(TWINS, given=())),
        "missing-details": of(Asked(family=None, given=())),
    }


def _oldest() -> Mapping[str, Made]:
    """Give what the oldest generation has, which names parties and no way of searching."""
    plain = replace(EDITH, practice=None)

    def found() -> Message:
        return old_trace(plain)

    def of(asked: Asked) -> Made:
        return once(lambda: old_trace(asked))

    return {
        "one-match": of(EDITH),
        "two-matches": of(replace(TWINS, given=())),
        "no-match": of(NOBODY),
        "restricted": of(HIDDEN),
        "by-number": of(Asked(family="ANY", given=(), number="9990000018", born=None)),
        "superseded": of(Asked(family="ANY", given=(), number="9990000026", born=None)),
        "history-not-searched": of(replace(ALPHA, family="FIELD")),
        "missing-birth-date": of(replace(plain, born=None)),
        "birth-date-unknown": spoilt(
            found, r"<value><center value=\"19500203\"/></value>", '<value nullFlavor="UNK"/>'
        ),
        "missing-gender": of(replace(plain, gender=None)),
        "missing-name": of(replace(plain, family=None, given=())),
        "no-date": of(replace(plain, born='<center value="abc"/>')),
        "sent-again": twice(found),
        "no-creation-time": spoilt(found, r"<creationTime [^>]*/>", ""),
        "no-query": spoilt(found, r"<pdsAdvancedTraceQuery>.*</pdsAdvancedTraceQuery>", ""),
        "another-party-in-payload": spoilt(found, r"T99999-9900001", "T88888-9900002"),
        "access-refused": sent_by(found, OTHER),
        "unknown-cpa": wrong(found, cpa_id="S9999999A9999999"),
    }


PLACES: Final[Mapping[str, Mapping[str, Made]]] = {
    **{f"pds/{one}": _advanced(one) for one in ADVANCED},
    **{f"pds/{one}": _batch(one) for one in BATCH},
    f"pds/{INTERACTION}": _oldest(),
}
