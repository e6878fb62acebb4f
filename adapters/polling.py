"""202 and /_poll/<id>: a message is taken in, its sender fetches the answer (transport.md 1.7)."""

from __future__ import annotations

from typing import Final

from adapters import reading, receiving
from adapters.agreement import agreed
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from adapters.reading import Sent
from adapters.receiving import Address, Refused
from core.values.messaging import Way
from legacy_contracts.envelopes import mime
from legacy_contracts.errors import ContractError, Fault

RETRY_AFTER: Final = "500"
"""Milliseconds, as the clients of this address read the header."""

MAX_ID: Final = 100


def take(sent: Sent, us: Ourselves) -> Answered:
    """Give 202 and the address of the answer, once the message is kept; or what refuses it."""
    try:
        read = reading.read_message(sent)
    except ContractError as error:
        return receiving.refused(None, error.faults[0], us)
    try:
        found = agreed(us.core.directory, read.header, us.party_key)
        if receiving.required(read.header, found, us).way is not Way.HANDLE:
            return receiving.refused(read.header, Fault("INTERACTION_NOT_SUPPORTED"), us)
        receipt, _ = receiving.keep(read, sent, Address.RELIABLE, us, poll_id=new_poll_id(us))
    except ContractError as error:
        return receiving.refused(read.header, error.faults[0], us)
    except Refused as error:
        return receiving.refused(read.header, error.fault, us, error.why)
    poll_id = receipt.message.accepted.poll_id
    if poll_id is None:
        # The same message came before to an address whose answers are sent.
        return Answered(202, b"", read.header.action, "duplicate")
    outcome = "duplicate" if receipt.duplicate else "accepted"
    return _later(poll_id, read.header.action, outcome)


def poll(poll_id: str, certificate_names: tuple[str, ...], us: Ourselves) -> Answered:
    """Give the answer that is kept under an id, or 202 as long as there is none.

    Only who sent the message may fetch it: for others there is no such id (404).
    """
    found = us.core.hub.polled(poll_id) if 0 < len(poll_id) <= MAX_ID else None
    asking = us.core.directory.party_of(certificate_names)
    if found is None or asking != found[1].accepted.envelope.sender:
        return Answered(404, b"", "unknown", "NOT_FOUND")
    key, message = found
    interaction_id = message.accepted.envelope.activity
    body = us.core.hub.answered(key)
    if body is None:
        return _later(poll_id, interaction_id, "polled")
    return Answered(200, body, interaction_id, "AA", content_type=mime.CONTENT_TYPE)


def new_poll_id(us: Ourselves) -> str:
    """Give an id in the form of the Spine's own: time, six digits, a number."""
    digits = us.context.new_id().replace("-", "")
    middle, last = int(digits[:8], 16) % 1_000_000, int(digits[-8:], 16)
    return f"{us.context.now():%Y%m%d%H%M%S%f}_{middle:06d}_{last}"


def _later(poll_id: str, interaction_id: str, outcome: str) -> Answered:
    headers = (("Content-Location", f"/_poll/{poll_id}"), ("Retry-After", RETRY_AFTER))
    return Answered(202, b"", interaction_id, outcome, headers=headers)
