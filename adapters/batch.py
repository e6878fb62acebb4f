"""Batches: each item is the query that it would be alone, asked of the same core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from lxml import etree
from msgspec import Struct

from adapters import pds
from core import access
from core.door import Core
from core.errors import CoreError, NotAllowed
from core.values.identity import Caller
from legacy_contracts import registry
from legacy_contracts.errors import MEANINGS, ContractError, Fault, refuse
from legacy_contracts.hl7.rules import Group, Rules
from legacy_contracts.hl7.wrappers import Moment
from legacy_contracts.pds import retrieval, trace
from legacy_contracts.tms import batch
from legacy_contracts.tms.batch import Batch, Item, Outcome

CallerOf = Callable[[Item], Caller]

_REFUSED_ACCESS: Final = Fault("BATCH_ACCESS_CONTROL_VIOLATION")
_NO_QUERY: Final = Fault("BATCH_ITEM_SCHEMA_INVALID")
_FAILED: Final = Fault("BATCH_ITEM_FAILED")


class Reading(Struct, frozen=True):
    """How an item's query is checked and read, in a document of its own."""

    rules: Rules
    parse: Callable[[etree._Element], Any]


_QUERY: Final = "/*/hl7:query[1]"
_RETRIEVAL: Final = Reading(Rules((Group(_QUERY, retrieval.ASKED),)), retrieval.parser(_QUERY))
_TRACE: Final = Reading(Rules((Group("/*", trace.ASKED),)), trace.parser(_QUERY))

READINGS: Final = {
    "QUPA_IN040000UK32": _RETRIEVAL,
    "QUPA_IN000008UK02": _RETRIEVAL,
    "QUPA_IN010000UK32": _TRACE,
    "QUPA_IN000005UK01": _TRACE,
}


def answer(
    root: etree._Element,
    caller_of: CallerOf,
    *,
    core: Core,
    at: Moment,
    new_id: Callable[[], str],
) -> bytes:
    """Give the answer to a batch, each item of it answered or refused by itself.

    Raises `ContractError` for what refuses the batch as a whole, its first fault the one to show;
    `StoreError` when nothing was decided: then the whole batch may be tried again.
    """
    asked = batch.parse(root)
    faults = batch.faults(root)
    try:
        refuse(fault for fault in faults if _number(fault) < _number(_REFUSED_ACCESS))
        _require_access(asked, caller_of, core)
        refuse(faults)
        outcomes = tuple(_outcome(item, caller_of(item), core, new_id) for item in asked.items)
    except NotAllowed as error:
        raise ContractError([_REFUSED_ACCESS]) from error
    return batch.answer(asked, outcomes, at)


def _number(fault: Fault) -> int:
    return int(MEANINGS[fault.name].code)


def _require_access(asked: Batch, caller_of: CallerOf, core: Core) -> None:
    """Return if every item might be asked; raise `NotAllowed`, audited, at the first that may not.

    Asked before any is performed, so that the audit shows no patient whom nobody was shown.
    """
    firsts = {item.interaction_id: item for item in reversed(asked.items)}
    for interaction_id in sorted(batch.BATCHABLE & firsts.keys()):
        caller = caller_of(firsts[interaction_id])
        try:
            access.authorise(caller, core.directory)
        except NotAllowed:
            core.decline(by=caller, command=_name(interaction_id), why=_REFUSED_ACCESS.name)
            raise


def _name(interaction_id: str) -> str:
    return registry.BY_ID[interaction_id].name


def _outcome(item: Item, by: Caller, core: Core, new_id: Callable[[], str]) -> Outcome:
    row = registry.BY_ID[item.interaction_id]
    translation = pds.TRANSLATIONS[item.interaction_id]
    try:
        query = _query(item, by, core)
        found = core.perform(translation.to_command(query), by=by)
    except NotAllowed:
        raise
    except ContractError as error:
        return Outcome(item, new_id(), row.refusal_id, faults=error.faults)
    except CoreError as error:
        faults = translation.refusals.get(type(error), (_FAILED,))
        return Outcome(item, new_id(), row.refusal_id, faults=faults)
    reply = translation.to_answer(query, found)
    return Outcome(
        item, new_id(), row.reply.interaction_id, row.build(reply.reply), advice=reply.advice
    )


def _query(item: Item, by: Caller, core: Core) -> Any:  # noqa: ANN401 - each kind has its own
    """Give an item's query; raise `ContractError`, audited, where it broke a rule."""
    reading = READINGS[item.interaction_id]
    document = batch.query_of(item)
    faults = [_NO_QUERY] if document is None else reading.rules.faults(document)
    if document is None or faults:
        core.decline(by=by, command=_name(item.interaction_id), why=faults[0].name)
        raise ContractError(faults)
    return reading.parse(document)
