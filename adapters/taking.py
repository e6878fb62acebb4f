"""A message is taken on: kept, and in the same step opened where it is passed on, or done if ours.

That is so where the store writes several things as one, the message is not large, and all that it
comes to is written as one. Else, and where others were faster, it is only kept: the rest is a
worker's (`adapters.courier`).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from adapters import gp2gp, handling, opening
from adapters.opening import Opening
from adapters.ourselves import Ourselves
from core.errors import CoreError
from core.messaging.hub import Accept, Receipt
from core.messaging.records import Message
from core.store.gathering import Gathering
from core.values.identity import Caller
from core.values.messaging import Way
from legacy_contracts.envelopes import mime
from legacy_contracts.hl7 import payload

LARGE: Final = 100_000
"""Bytes from which a message is opened only when it is delivered: its sender waits for less."""


def pass_on(key: str, message: Message, part: mime.Part | None, us: Ourselves) -> None:
    """Open what goes to its receiver as it came, if it carries anything; raise `Rejected`."""
    if part is not None:
        how = Opening(payload.LIGHT, lambda root, said: gp2gp.passed(message, root, said, us))
        opening.opened(key, message, part, how, us)


class Taken(Struct, frozen=True):
    """What is taken on: how it is to be kept, its payload, and whether it may be answered now.

    It may not where its acknowledgment is posted: what answers it would be posted before.
    """

    command: Accept
    part: mime.Part | None
    answered_now: bool


def taken_on(taken: Taken, by: Caller, us: Ourselves) -> Receipt:
    """Give the receipt of a message once it is kept, and opened or done with it where that can be.

    Raises what `Accept` raises.
    """
    small = len(taken.command.content.body) <= LARGE
    with us.crowd.joined() as few:
        if small and us.core.store.is_exclusive and _is_more_than_kept(taken, few=few):
            receipt = _in_one(taken.command, by, taken.part, us)
            if receipt is not None:
                return receipt
        return us.core.perform(taken.command, by=by)


def _is_more_than_kept(taken: Taken, *, few: bool) -> bool:
    """Say whether a message is opened or done as it is kept; where many come, that can wait."""
    if taken.command.way is Way.HANDLE:
        at_once = few and taken.answered_now
        return at_once and handling.is_done_in_one(taken.command.envelope.activity)
    return taken.command.way is Way.FORWARD


def _in_one(command: Accept, by: Caller, part: mime.Part | None, us: Ourselves) -> Receipt | None:
    """Keep and open or do as one; None, and nothing is written, where that fails."""
    gathering = Gathering(us.core.store)
    on = us.on(gathering)
    step = handling.handle if command.way is Way.HANDLE else pass_on
    receipt: Receipt | None = None
    try:
        with us.core.store.moment():
            receipt = on.core.perform(replace(command, opened=True), by=by)
            if not receipt.duplicate:
                with us.crowd.computing:
                    step(receipt.key, receipt.message, part, on)
        gathering.commit()
    except Exception as error:
        if receipt is None and isinstance(error, CoreError):
            # It is not kept, and that stands in the audit.
            gathering.commit()
            raise
        # What it is, a fault of ours too, the worker meets and tells.
        return None
    return receipt
