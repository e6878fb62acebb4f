"""Transfers of whole records between practices: what each conversation has come to.

A transfer is a conversation. Each message of it that passes through the hub is a fact, and so is
its arrival or its failure; how the transfer stands is a fold of them:

    a final acknowledgement says yes         -> integrated
    a final acknowledgement says no          -> failed, with its code
    a message of it will not arrive          -> failed, unless another brings the same payload
    fragments are under way                  -> transferring
    the extract is under way or has arrived  -> extract sent
    only the request                         -> requested
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.store.port import Bucket, Record, Span, Store, Update

BY_STAGE: Final = "stage_bin"
MAX_FACTS: Final = 1000
"""How much is noted of one transfer: of one with more fragments, the end is still noted."""
_PAGE: Final = 500


class Kind(StrEnum):
    """What a message does in a transfer."""

    REQUEST = "request"
    EXTRACT = "extract"
    CONTINUE = "continue"
    FRAGMENT = "fragment"
    ACKNOWLEDGEMENT = "acknowledgement"


class Stage(StrEnum):
    """How a transfer stands."""

    REQUESTED = "requested"
    EXTRACT_SENT = "extract sent"
    TRANSFERRING = "transferring"
    INTEGRATED = "integrated"
    FAILED = "failed"


class Passed(Struct, frozen=True):
    """The fact that a message of a transfer was taken on, arrived, or was given up."""

    at: str
    message_id: str
    sender: str
    receiver: str
    kind: Kind
    says_yes: bool | None = None
    code: str = ""
    answers: str = ""
    """The id of the payload that an acknowledgement answers, in upper case."""
    payload_id: str = ""
    arrived: bool | None = None
    """None while it is under way; False where it was given up, or refused after all."""


class Transfer(Struct, frozen=True):
    """A conversation as it stands."""

    requester: str
    holder: str
    started_at: str
    last_at: str
    stage: Stage
    code: str
    messages: int
    fragments: int
    under_way: int

    @property
    def is_open(self) -> bool:
        """Say whether something is still to come."""
        return self.stage not in {Stage.INTEGRATED, Stage.FAILED}


def _fold(facts: Mapping[str, Passed]) -> Transfer:
    events = [one for _, one in sorted(facts.items(), key=lambda item: (item[1].at, item[0]))]
    messages: dict[str, Passed] = {}
    for one in events:
        known = messages.get(one.message_id)
        messages[one.message_id] = one if known is None else _together(known, one)
    passed = list(messages.values())
    requester, holder = _parties(passed)
    stage, code = _stage(passed)
    return Transfer(
        requester=requester,
        holder=holder,
        started_at=events[0].at,
        last_at=events[-1].at,
        stage=stage,
        code=code,
        messages=len(passed),
        fragments=sum(one.kind is Kind.FRAGMENT for one in passed),
        under_way=sum(one.arrived is None for one in passed),
    )


def _together(known: Passed, other: Passed) -> Passed:
    """Give what two facts say of one message: an arrival counts, whatever was given up before.

    Its end may bear the earlier time: other processes have other clocks.
    """
    ends = {known.arrived, other.arrived}
    arrived = True if True in ends else (False if False in ends else None)
    return replace(other if other.arrived is None else known, arrived=arrived)


def _parties(passed: list[Passed]) -> tuple[str, str]:
    """Give who asked for the record and who holds it: the extract goes the other way."""
    for one in passed:
        if one.kind is Kind.REQUEST:
            return one.sender, one.receiver
    for one in passed:
        if one.kind is Kind.EXTRACT:
            return one.receiver, one.sender
    return passed[0].receiver, passed[0].sender


def _stage(passed: list[Passed]) -> tuple[Stage, str]:
    """Give how far a transfer is: the last final word counts, then what was given up."""
    for one in reversed(passed):
        if one.says_yes is not None and _is_final(one, passed):
            return (Stage.INTEGRATED if one.says_yes else Stage.FAILED), one.code
    if any(one.arrived is False and not _is_brought(one, passed) for one in passed):
        return Stage.FAILED, "not delivered"
    kinds = {one.kind for one in passed}
    if kinds & {Kind.FRAGMENT, Kind.CONTINUE}:
        return Stage.TRANSFERRING, ""
    return (Stage.EXTRACT_SENT if Kind.EXTRACT in kinds else Stage.REQUESTED), ""


def _is_brought(lost: Passed, passed: list[Passed]) -> bool:
    """Say whether another message brings the payload of one that will not arrive."""
    others = (one for one in passed if one.arrived is not False)
    return bool(lost.payload_id) and any(one.payload_id == lost.payload_id for one in others)


def _is_final(acknowledgement: Passed, passed: list[Passed]) -> bool:
    """Say whether an acknowledgement ends the transfer: a no does, and a yes to the extract."""
    if not acknowledgement.says_yes:
        return True
    extracts = [one for one in passed if one.kind is Kind.EXTRACT]
    known = {one.payload_id for one in extracts} | {one.message_id.upper() for one in extracts}
    return acknowledgement.answers in known


def _terms(transfer: Transfer) -> Mapping[str, tuple[str, ...]]:
    openness = "open" if transfer.is_open else "ended"
    return {
        BY_STAGE: (f"{openness}|{transfer.last_at}",),
        "party_bin": tuple(
            f"{party}|{transfer.last_at}"
            for party in dict.fromkeys((transfer.requester, transfer.holder))
        ),
    }


TRANSFERS: Final[Bucket[Transfer, Passed]] = Bucket(
    name="transfer", fact=Passed, state=Transfer, fold=_fold, terms=_terms
)


def noting(conversation_id: str, passed: Passed) -> Update:
    """Give the write that records what happened to a message; the same again changes nothing.

    A transfer is a conversation between two parties: others that name it have one of their own.
    """
    key = _fact_key(passed)

    def change(record: Record[Transfer, Passed] | None) -> Mapping[str, Passed]:
        full = record is not None and len(record.facts) >= MAX_FACTS
        return {} if full and passed.says_yes is None else {key: passed}

    return Update(TRANSFERS, _place(conversation_id, passed), change)


def ending(store: Store, conversation_id: str, passed: Passed) -> tuple[Update, ...]:
    """Give what records the end of a message if it was noted that it is under way; else nothing."""
    record = store.record(TRANSFERS, _place(conversation_id, passed))
    noted = record is not None and _fact_key(replace(passed, arrived=None)) in record.facts
    return (noting(conversation_id, passed),) if noted else ()


def _place(conversation_id: str, passed: Passed) -> str:
    parties = "|".join(sorted((passed.sender, passed.receiver)))
    return f"{conversation_id}|{parties}"


def _fact_key(passed: Passed) -> str:
    state = {None: "passed", True: "arrived", False: "given-up"}[passed.arrived]
    return f"{passed.message_id}/{state}"


def listed(store: Store, party: str | None = None) -> Iterator[tuple[str, Transfer]]:
    """Give every transfer with its conversation, of a party where one is named.

    Open ones first, of these the one that has been silent for longest.
    """
    spans = (
        (Span("party_bin", f"{party}|", f"{party}|~"),)
        if party is not None
        else (Span(BY_STAGE, "open|", "open|~"), Span(BY_STAGE, "ended|", "ended|~"))
    )
    for span in spans:
        after: str | None = None
        while True:
            page = store.find(TRANSFERS, span, limit=_PAGE, after=after)
            for _term, key in page.entries:
                transfer = store.read(TRANSFERS, key)
                if transfer is not None:
                    yield key.rsplit("|", 2)[0], transfer
            after = page.after
            if after is None:
                break
