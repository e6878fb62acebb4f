"""The one path of a synchronous message: parse, check, translate, perform, translate, build."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree
from msgspec import Struct

from adapters import pds
from adapters.translation import Translation
from core.context import Context
from core.door import Core
from core.errors import CoreError, NotAllowed
from core.values.identity import Asid, Caller, PartyKey, Person
from legacy_contracts import registry, xml
from legacy_contracts.envelopes import nasp, soap
from legacy_contracts.errors import (
    ContractError,
    Fault,
    Kind,
    UnknownInteraction,
    refuse,
)
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Interaction

TRANSLATIONS: Final[dict[str, Translation]] = {**pds.TRANSLATIONS}


class Request(Struct, frozen=True):
    """What the transport knows of a message: its bytes, what it said of them, whose they are."""

    body: bytes
    charset: str | None
    soap_action: str | None
    certificate_names: tuple[str, ...]


class Answered(Struct, frozen=True):
    """What to send back: the HTTP status, the bytes, and how it went (for logs and metrics).

    `why` is what a caller is not told: which check of its access failed.
    """

    status: int
    body: bytes
    interaction_id: str
    outcome: str
    why: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "text/xml"


def answer(request: Request, core: Core, context: Context) -> Answered:
    """Give the answer to a synchronous message, whatever it is.

    Raises only `StoreError` (nothing was decided) and what is a fault of ours.
    """
    try:
        root = xml.parse(request.body, charset=request.charset)
        if registry.is_unanswered(root):
            raise UnknownInteraction
        soap.require_frame(root)
        row = _row(root, request.soap_action)
    except ContractError as error:
        return faulted(error.faults[0], "unknown")
    try:
        return _answer(row, root, request.certificate_names, (core, context))
    except ContractError as error:
        if error.kind is Kind.TMS:
            return faulted(error.faults[0], row.interaction_id)
        return _refused(row, root, error, context)


def faulted(fault: Fault, interaction_id: str) -> Answered:
    """Give a SOAP fault."""
    return Answered(500, soap.soap_fault(fault), interaction_id, fault.name)


def _row(root: etree._Element, soap_action: str | None) -> Interaction:
    """Give the interaction's row: the message names it, SOAPAction may not disagree."""
    named = (soap_action or "").strip().strip('"').strip()
    action = soap.action_of(root)
    if action is None:
        return _old_row(root, named)
    if named and named != action:
        if named not in registry.BY_ACTION:
            raise UnknownInteraction
        raise UnknownInteraction("SOAP_ACTION_HEADER_DISAGREES")
    return registry.by_action(action)


def _old_row(root: etree._Element, named: str) -> Interaction:
    """Give the row of a message without WS-Addressing: one of MIM 2.3, or a broken later one."""
    interaction_id = nasp.interaction_of(root)
    row = registry.BY_ID.get(interaction_id)
    if row is not None and not row.envelope.names_system:
        if named and named.rpartition("/")[2] != interaction_id:
            raise UnknownInteraction("SOAP_ACTION_HEADER_DISAGREES")
        return row
    if named:
        return registry.by_action(named)
    if row is None:
        refuse(soap.ADDRESSED.faults(root))
        raise UnknownInteraction
    return row


def _answer(
    row: Interaction,
    root: etree._Element,
    certificate_names: tuple[str, ...],
    spine: tuple[Core, Context],
) -> Answered:
    core, context = spine
    faults = row.rules.faults(root)
    if any(_kind(fault) > Kind.BUSINESS for fault in faults):
        refuse(faults)
    to = row.envelope.correlation(root)
    caller = _caller(row, root, to, core.directory.party_of(certificate_names))
    translation = TRANSLATIONS[row.interaction_id]
    try:
        if faults:
            core.decline(by=caller, command=row.name, why=faults[0].name)
            refuse(faults)
        query = row.parse(root)
        found = core.perform(translation.to_command(query), by=caller)
    except NotAllowed as error:
        raise ContractError([Fault("ACCESS_CONTROL_VIOLATION")]) from error
    except CoreError as error:
        raise ContractError(translation.refusals[type(error)]) from error
    reply = translation.to_answer(query, found)
    body = row.envelope.success(row, to, _moment(context), row.build(reply.reply), reply.advice)
    return Answered(200, body, row.interaction_id, "AA")


def _kind(fault: Fault) -> Kind:
    return ContractError([fault]).kind


def _caller(
    row: Interaction, root: etree._Element, to: Correlation, party_key: PartyKey | None
) -> Caller:
    ids = row.envelope.person(root)
    return Caller(
        party_key=party_key or PartyKey(""),
        asid=Asid(to.from_id) if row.envelope.names_system else None,
        activity=row.interaction_id,
        message_id=to.message_id,
        person=Person(*ids) if ids else None,
        named_party=None if row.envelope.names_system else PartyKey(to.from_id),
    )


def _refused(
    row: Interaction, root: etree._Element, error: ContractError, context: Context
) -> Answered:
    to = row.envelope.correlation(root)
    at = _moment(context)
    if error.kind is Kind.WRAPPER:
        body = row.envelope.wrapper_refusal(row, to, at, error.faults[0])
    else:
        body = row.envelope.business_refusal(row, to, at, error.faults)
    why = str(error.__cause__) if isinstance(error.__cause__, NotAllowed) else None
    return Answered(200, body, row.interaction_id, error.faults[0].name, why)


def _moment(context: Context) -> Moment:
    now = context.now()
    time = (
        f"{now.year:04d}{now.month:02d}{now.day:02d}{now.hour:02d}{now.minute:02d}{now.second:02d}"
    )
    return Moment(context.new_id(), time)


def untranslated() -> Iterable[str]:
    """Name the interactions that have a row and no translation: a completeness check."""
    return [
        row.interaction_id
        for row in registry.INTERACTIONS
        if row.interaction_id not in TRANSLATIONS
    ]
