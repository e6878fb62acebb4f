"""The one path of an ebXML message in: opened, checked, agreed, kept once, acknowledged.

The order is that of tms-rules.md 7.4. What breaks before the message is kept is refused in the
HTTP answer by a MessageError; what is wrong with its payload is found later, and answered by a
message of its own (docs/decisions/0014-which-failure-takes-which-form.md).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from adapters import endings, reading, taking
from adapters.agreement import Agreement, agreed, terms_of_signal
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from adapters.reading import Read, Sent
from adapters.taking import Taken
from core.directory import Acknowledging
from core.door import Core
from core.errors import Duplicate, Expired, NotAllowed
from core.messaging.hub import Accept, Receipt
from core.messaging.keeping import derived_id
from core.values.identity import Caller, PartyKey
from core.values.messaging import Content, Envelope, Way
from legacy_contracts.envelopes import ebxml
from legacy_contracts.envelopes.ebxml import Header, SignalKind
from legacy_contracts.envelopes.ebxml_rules import RULES, Form
from legacy_contracts.errors import ContractError, Fault

MAX_ID: Final = 255
"""Characters of an id: no real one is longer than a third of that."""


class Address(Enum):
    """What a path says of the messages that come to it, where no contract says otherwise."""

    QUERY = Form.EXPRESS
    RELIABLE = Form.RELIABLE
    FORWARD = Form.FORWARD_INTERMEDIARY


class Refused(Exception):
    """The message is refused in the HTTP answer; `why` is what the sender is not told."""

    def __init__(self, fault: Fault, why: str | None = None) -> None:
        self.fault = fault
        self.why = why
        super().__init__(fault.name)


def receive(sent: Sent, address: Address, us: Ourselves) -> Answered:
    """Give the HTTP answer to a message, which is kept by then or refused in words.

    Raises only `StoreError` (nothing was decided) and what is a fault of ours.
    """
    try:
        read = reading.read_message(sent)
    except ContractError as error:
        return refused(None, error.faults[0], us)
    try:
        if ebxml.signal_kind(read.root) is not None:
            return _signalled(read, sent, us)
        receipt, agreement = keep(read, sent, address, us)
    except ContractError as error:
        return refused(read.header, error.faults[0], us)
    except Refused as error:
        return refused(read.header, error.fault, us, error.why)
    return _acknowledged(read.header, receipt, agreement, us)


def keep(
    read: Read, sent: Sent, address: Address, us: Ourselves, *, poll_id: str | None = None
) -> tuple[Receipt, Agreement]:
    """Give the receipt of a message that is kept now; raise what refuses it."""
    header, core = read.header, us.core
    agreement = agreed(core.directory, header, us.party_key)
    form = agreement.form if agreement else address.value
    faults = RULES[form].faults(read.root)
    if faults:
        raise Refused(faults[0])
    agreement = required(header, agreement, us)
    _require_payload(read, agreement)
    envelope = envelope_of(header)
    command = Accept(
        envelope=envelope,
        content=Content(sent.body, sent.content_type, f"{header.service}/{header.action}"),
        way=agreement.way,
        terms=agreement.terms(us.context.now(), header.time_to_live),
        poll_id=poll_id,
    )
    try:
        by = _caller(header, sent, core)
        answered_now = not agreement.acknowledged_by_us or _is_answered(header, us)
        taken = Taken(command, reading.payload_of(read), answered_now)
        return taking.taken_on(taken, by, us), agreement
    except NotAllowed as error:
        raise Refused(Fault("SECURITY_FAILURE"), str(error)) from error
    except Expired as error:
        raise Refused(Fault("TIME_TO_LIVE_EXPIRED")) from error
    except Duplicate as error:
        raise Refused(Fault("MESSAGE_ID_REUSED"), str(error)) from error


def envelope_of(header: Header) -> Envelope:
    """Give what the hub keeps of a header."""
    return Envelope(
        sender=PartyKey(header.from_party),
        receiver=PartyKey(header.to_party),
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        service=header.service,
        activity=header.action,
        agreement=header.cpa_id,
        ref_to=header.ref_to_message_id,
    )


def required(header: Header, agreement: Agreement | None, us: Ourselves) -> Agreement:
    """Give the agreement that was found on a message; raise what says what is not there."""
    if agreement is None:
        if header.to_party == us.party_key:
            raise Refused(Fault("INTERACTION_NOT_SUPPORTED"))
        known = us.core.directory.party(PartyKey(header.to_party))
        raise Refused(Fault("INVALID_TO_PARTY" if known is None else "CONTRACT_NOT_FOUND"))
    if agreement.contract.cpa_id != header.cpa_id:
        raise Refused(Fault("UNKNOWN_CPA_ID"))
    # Two forms do not ask for ids, and no form how long they are; here they become keys.
    needed = (header.message_id, header.conversation_id, header.timestamp)
    if not all(needed) or max(map(len, (*needed, header.ref_to_message_id))) > MAX_ID:
        raise Refused(Fault("MESSAGE_NOT_WELL_FORMED"))
    return agreement


def _require_payload(read: Read, agreement: Agreement) -> None:
    """Raise where a message for us has not the one payload that it names."""
    if agreement.way is Way.HANDLE and reading.payload_of(read) is None:
        raise Refused(Fault("INVALID_MANIFEST_REFERENCE"))


def _caller(header: Header, sent: Sent, core: Core) -> Caller:
    return Caller(
        party_key=core.directory.party_of(sent.certificate_names) or PartyKey(""),
        asid=None,
        activity=header.action,
        message_id=header.message_id,
        named_party=PartyKey(header.from_party),
    )


def refused(header: Header | None, fault: Fault, us: Ourselves, why: str | None = None) -> Answered:
    """Give a MessageError in the HTTP answer (HTTP 200: transport.md 1.3)."""
    body = ebxml.message_error(header, fault, message_id=us.context.new_id(), now=us.now())
    return Answered(200, body, _counted_as(header, us), fault.name, why)


def _counted_as(header: Header | None, us: Ourselves) -> str:
    """Give a refused message's interaction; a caller chooses freely what no contract names."""
    known = header is not None and agreed(us.core.directory, header, us.party_key) is not None
    return header.action if header is not None and known else "unknown"


def _acknowledged(
    header: Header, receipt: Receipt, agreement: Agreement, us: Ourselves
) -> Answered:
    """Give the HTTP answer to a message that is kept: with its acknowledgment, or empty."""
    outcome = "duplicate" if receipt.duplicate else "accepted"
    if not agreement.acknowledged_by_us:
        if receipt.duplicate:
            _pass_on_again(receipt, us)
        return Answered(202, b"", header.action, outcome)
    body = ebxml.acknowledgment(
        header, message_id=derived_id(receipt.key, "acknowledgment"), now=us.now()
    )
    if _is_answered(header, us):
        return Answered(202, body, header.action, outcome)
    signal = endings.signal_to(envelope_of(header), SignalKind.ACKNOWLEDGMENT, body, us)
    us.core.hub.send(signal, us.context.new_id())
    return Answered(202, b"", header.action, outcome)


def _is_answered(header: Header, us: Ourselves) -> bool:
    """Say whether the acknowledgment goes into the HTTP answer."""
    party = us.core.directory.party(PartyKey(header.from_party))
    asked = party.acknowledgments if party else Acknowledging.REQUESTED
    if asked is Acknowledging.REQUESTED:
        return header.sync_reply
    return asked is Acknowledging.ANSWERED


def _pass_on_again(receipt: Receipt, us: Ourselves) -> None:
    """Send the receiver's own word once more to a sender who asks again."""
    answer = receipt.message.answer
    if answer is not None:
        us.core.hub.repeat(answer, us.context.new_id(), terms_of_signal(us.context.now()))


def _signalled(read: Read, sent: Sent, us: Ourselves) -> Answered:
    """Take in a signal about a message that we sent or forwarded (HTTP 200, empty: 1.11)."""
    signal = ebxml.signal(read.root)
    sender = us.core.directory.party_of(sent.certificate_names)
    if sender is None or sender != signal.header.from_party:
        raise Refused(Fault("SECURITY_FAILURE"), "the certificate is not the signalling party's")
    found = us.core.hub.signalled(sender, signal.ref_to[:MAX_ID])
    if found is None:
        return Answered(200, b"", signal.kind, "unrelated")
    body = sent.body if read.package is None else read.package.root.decoded()
    endings.settle(*found, endings.Word(signal, body), us)
    return Answered(200, b"", signal.kind, "AA")
