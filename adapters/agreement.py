"""What a contract means for a message: which form its header must have, how it must arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from core.directory import Actor, ContractProperties, Directory
from core.messaging.keeping import iso, later
from core.values.identity import PartyKey
from core.values.messaging import Terms, Way
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml_rules import Form

HANDLED_SECONDS: Final = 7 * 86400.0
HANDLED_RETRIES: Final = 10
HANDLED_RETRY_SECONDS: Final = 30.0
"""How long and how often we try what is ours to do: it was acknowledged, so it is not dropped."""

NOTICE_SECONDS: Final = 2 * 86400.0
NOTICE_RETRY_SECONDS: Final = 60.0
"""How long we try to tell a sender that its message was given up, or what its receiver said."""

SIGNAL_SECONDS: Final = 300.0
SIGNAL_RETRIES: Final = 2
SIGNAL_RETRY_SECONDS: Final = 60.0
"""How a signal is sent that is posted back: as the real directory's entries say of answers."""


class Agreement(Struct, frozen=True):
    """The contract that a message goes by, the form of its header, what becomes of it."""

    contract: ContractProperties
    form: Form
    way: Way

    @property
    def acknowledged_by_us(self) -> bool:
        """Say whether the acknowledgment is ours to give: as the party, or as the next handler."""
        ours = Form.RELIABLE if self.way is Way.HANDLE else Form.FORWARD_INTERMEDIARY
        return self.form is ours

    def terms(self, now: datetime, time_to_live: str) -> Terms:
        """Give how the message must arrive; its own TimeToLive counts where it is sooner."""
        contract = self.contract
        given = ebxml.instant(time_to_live)
        persisted = later(now, contract.persist_seconds)
        eliminated = persisted if self.form in ELIMINATED else None
        if self.way is Way.HANDLE:
            return Terms(
                retries=HANDLED_RETRIES,
                retry_seconds=HANDLED_RETRY_SECONDS,
                until=later(now, HANDLED_SECONDS) if given is None else _if_live(given, now),
                eliminated_until=eliminated,
                acknowledged=False,
            )
        until = persisted if given is None else min(persisted, iso(given))
        return Terms(
            retries=contract.retries,
            retry_seconds=contract.retry_seconds,
            until=until,
            eliminated_until=eliminated,
            acknowledged=self.contract.ack_requested,
            ordered=contract.ordered,
            notified=self.form is Form.FORWARD_INTERMEDIARY,
        )


ELIMINATED: Final = frozenset({Form.RELIABLE, Form.FORWARD_INTERMEDIARY, Form.FORWARD_END_PARTY})
"""The forms whose duplicates we eliminate (tms-rules.md 7.1): an express message is new each time.

That of the end party is inferred: asked again, we repeat its receiver's word where there is one.
"""


def _if_live(given: datetime, now: datetime) -> str:
    """Give when to give up what is ours to do: in time it is taken on, and then it is done."""
    return later(now, HANDLED_SECONDS) if given > now else iso(given)


def form_of(contract: ContractProperties, us: PartyKey) -> Form:
    """Give the form that a contract demands of a header (tms-rules.md 2.2 and 7.2)."""
    if contract.party_key == us:
        return Form.RELIABLE if contract.ack_requested else Form.EXPRESS
    if not contract.ack_requested:
        return Form.FORWARD_NONE if not contract.sync_reply else Form.EXPRESS
    if contract.actor is Actor.NEXT_MSH:
        return Form.FORWARD_INTERMEDIARY
    return Form.RELIABLE if contract.sync_reply else Form.FORWARD_END_PARTY


def agreed(directory: Directory, header: ebxml.Header, us: PartyKey) -> Agreement | None:
    """Give what was agreed on a message: its receiver, service and action decide (7.2)."""
    contract = directory.contract(PartyKey(header.to_party), header.service, header.action)
    if contract is None:
        return None
    way = Way.HANDLE if contract.party_key == us else Way.FORWARD
    return Agreement(contract, form_of(contract, us), way)


def terms_of_answer(contract: ContractProperties | None, now: datetime) -> Terms:
    """Give how a message of ours must arrive; where nothing was agreed, as signals do."""
    if contract is None:
        return terms_of_signal(now)
    return Terms(
        retries=contract.retries,
        retry_seconds=contract.retry_seconds,
        until=later(now, contract.persist_seconds),
        eliminated_until=later(now, contract.persist_seconds),
        acknowledged=contract.ack_requested,
        ordered=contract.ordered,
    )


def terms_of_notice(now: datetime) -> Terms:
    """Give how word of a failure must arrive: it was promised, and its receiver may be down too."""
    return Terms(
        retries=int(NOTICE_SECONDS / NOTICE_RETRY_SECONDS),
        retry_seconds=NOTICE_RETRY_SECONDS,
        until=later(now, NOTICE_SECONDS),
        eliminated_until=later(now, NOTICE_SECONDS),
        acknowledged=False,
    )


def terms_of_signal(now: datetime) -> Terms:
    """Give how a signal must arrive: it is handed over, and nobody acknowledges it."""
    until = later(now, SIGNAL_SECONDS)
    return Terms(
        retries=SIGNAL_RETRIES,
        retry_seconds=SIGNAL_RETRY_SECONDS,
        until=until,
        eliminated_until=until,
        acknowledged=False,
    )
