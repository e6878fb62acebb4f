"""The hub broken on purpose: each break is one that a hub could well have, and must be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import replace

from adapters import agreement, endings
from adapters.courier import Courier
from adapters.ourselves import Ourselves
from core.audit import Access, Audit, AuditPage
from core.door import Core
from core.errors import StoreError
from core.messaging import schedule
from core.messaging.hub import Accept, Admit, Hub, Receipt
from core.messaging.keeping import Outgoing, iso, keeping, later
from core.messaging.records import MESSAGES, SHARDS, Message
from core.messaging.sharing import Shift
from core.store.port import Note, Record, Store, Write
from core.values.messaging import Outcome


class Break(Struct, frozen=True):
    """A break: what it does to the code, and the words in which it must be found."""

    name: str
    make: Callable[[pytest.MonkeyPatch], None]
    found: str


def _before_durable(patch: pytest.MonkeyPatch) -> None:
    kept = Hub._accepted

    def accepted(self: Hub, command: Accept, key: str, now: Any) -> Receipt:  # noqa: ANN401
        try:
            return kept(self, command, key, now)
        except StoreError:
            outgoing = Outgoing(command.envelope, command.content, command.terms, command.way)
            event = keeping(outgoing, iso(now), key=key).event
            return Receipt(key, MESSAGES.fold({"accepted": event}), duplicate=False)

    patch.setattr(Hub, "_accepted", accepted)


def _no_elimination(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agreement, "ELIMINATED", frozenset())


def _no_look_at_payload_ids(patch: pytest.MonkeyPatch) -> None:
    def admit(self: Hub, command: Admit) -> Message:
        return self.required(command.key)

    patch.setattr(Hub, "admit", admit)


def _failure_is_arrival(patch: pytest.MonkeyPatch) -> None:
    def again(self: Courier, key: str, message: Message, why: str) -> Outcome:
        del message
        self.us.core.hub.done(key, why)
        return Outcome.DONE

    patch.setattr(Courier, "_again", again)


class _LastFirst(Struct, frozen=True):
    """A store that writes what makes the others count first."""

    store: Store

    def apply(self, writes: Iterable[Write], *notes: Note) -> list[Record[Any, Any]]:
        """Do several writes, the last of them first."""
        *others, last = writes
        return self.store.apply((last, *others), *notes)


def _end_before_what_it_leads_to(patch: pytest.MonkeyPatch) -> None:
    ends = Hub._end

    def end(self: Hub, *told: Any) -> None:  # noqa: ANN401
        turned: Any = _LastFirst(self._store)
        ends(Hub(turned, self._now), *told)

    patch.setattr(Hub, "_end", end)


def _no_notice(patch: pytest.MonkeyPatch) -> None:
    given_up = Hub.give_up

    def silently(
        self: Hub,
        key: str,
        why: str,
        notices: Iterable[Outgoing] = (),
        also: Iterable[Write] = (),
    ) -> None:
        del notices
        given_up(self, key, why, (), also)

    patch.setattr(Hub, "give_up", silently)


def _retried_for_ever(patch: pytest.MonkeyPatch) -> None:
    agreed = agreement.Agreement.terms

    def terms(self: agreement.Agreement, now: Any, time_to_live: str) -> Any:  # noqa: ANN401
        made = agreed(self, now, time_to_live)
        return replace(made, retries=1_000, until=later(now, 3_000))

    patch.setattr(agreement.Agreement, "terms", terms)


def _audit_that_gives_up(patch: pytest.MonkeyPatch) -> None:
    keep = Audit.keep

    def lenient(self: Audit, note: Any) -> None:  # noqa: ANN401
        try:
            keep(self, note)
        except StoreError:
            self._tried = None

    patch.setattr(Audit, "keep", lenient)


def _no_lane_is_ordered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(schedule, "ORDERED", "no lane ends so")


def _answers_that_nobody_finds(patch: pytest.MonkeyPatch) -> None:
    def nothing(self: Hub, poll_id: str) -> None:
        del self, poll_id

    patch.setattr(Hub, "polled", nothing)


def _close_that_leaves_its_transfer(patch: pytest.MonkeyPatch) -> None:
    def closed(key: str, why: str, by: str, us: Ourselves) -> None:
        us.core.hub.close(key, why, by)

    patch.setattr(endings, "closed", closed)


def _page_that_has_room_for_one(patch: pytest.MonkeyPatch) -> None:
    following = Audit._next

    def first_only(self: Audit, entries: tuple[Access, ...]) -> AuditPage:
        return following(self, entries[:1])

    patch.setattr(Audit, "_next", first_only)


def _stop_that_keeps_its_parts(patch: pytest.MonkeyPatch) -> None:
    def end(self: Shift, store: Store, now: Any) -> None:  # noqa: ANN401
        del self, store, now

    patch.setattr(Shift, "end", end)


def _no_audit_by_hand(patch: pytest.MonkeyPatch) -> None:
    def by_hand(self: Core, *told: Any, **more: Any) -> None:  # noqa: ANN401
        del self, told, more

    patch.setattr(Core, "by_hand", by_hand)


def without_leases(patch: pytest.MonkeyPatch) -> None:
    """Let every worker take every part, always."""
    renew = Shift.renew

    def everything(self: Shift, store: Any, now: Any, idle: frozenset[int]) -> frozenset[int]:  # noqa: ANN401
        renew(self, store, now, idle)
        return frozenset(range(SHARDS))

    patch.setattr(Shift, "renew", everything)


BREAKS: Final = (
    Break("acknowledged before it is durable", _before_durable, "acknowledged and is lost"),
    Break("no duplicate elimination", _no_elimination, "kept twice"),
    Break("payload ids not looked at", _no_look_at_payload_ids, "more than one effect"),
    Break("a failed try counts as arrival", _failure_is_arrival, "nobody has it"),
    Break("an end before what it leads to", _end_before_what_it_leads_to, "has no answer"),
    Break("given up without a notice", _no_notice, "is not told"),
    Break("tried for ever", _retried_for_ever, "its time was"),
    Break("an audit that gives up", _audit_that_gives_up, "without a row in the audit"),
    Break("no lane is ordered", _no_lane_is_ordered, "overtook"),
    Break("answers that nobody finds", _answers_that_nobody_finds, "its poll is unknown"),
    Break("a close that leaves its transfer", _close_that_leaves_its_transfer, "under way"),
    Break("a page with room for one", _page_that_has_room_for_one, "without a row in the audit"),
    Break("a stop that keeps its parts", _stop_that_keeps_its_parts, "stopped and still has"),
    Break("no audit by hand", _no_audit_by_hand, "done by hand without a row in the audit"),
)
