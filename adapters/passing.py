"""A message between two others is taken on: its payload opened, and noted where it is a transfer's.

That is done together with keeping it where the store writes several things as one and the message
is not large; else, or where its payload is refused, before it is delivered (`adapters.courier`).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from adapters import gp2gp, opening
from adapters.opening import Opening, Rejected
from adapters.ourselves import Ourselves
from core.errors import CoreError
from core.messaging.hub import Accept, Receipt
from core.messaging.keeping import AcceptedAlready
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


def taken_on(command: Accept, by: Caller, part: mime.Part | None, us: Ourselves) -> Receipt:
    """Give the receipt of a message once it is kept, and opened with it where that can be.

    Raises what `Accept` raises.
    """
    small = len(command.content.body) <= LARGE
    if command.way is Way.FORWARD and small and us.core.store.is_exclusive:
        receipt = _in_one(replace(command, opened=True), by, part, us)
        if receipt is not None:
            return receipt
    return us.core.perform(command, by=by)


def _in_one(command: Accept, by: Caller, part: mime.Part | None, us: Ourselves) -> Receipt | None:
    """Keep and open as one; None, and nothing is written, where opening fails or others raced."""
    gathering = Gathering(us.core.store)
    on = us.on(gathering)
    try:
        receipt = on.core.perform(command, by=by)
    except CoreError:
        # It is not kept, and that stands in the audit.
        gathering.commit()
        raise
    try:
        if not receipt.duplicate:
            pass_on(receipt.key, receipt.message, part, on)
        gathering.commit()
    except (CoreError, Rejected, AcceptedAlready):
        return None
    return receipt
