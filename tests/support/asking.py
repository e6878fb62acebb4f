"""A Spine in memory with given patients, asked through the real path of a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct
from serving import NOW, core_on
from wire_requests import Details, Frame, request

from adapters import pipeline
from adapters.pipeline import Answered, Request
from core.context import Context
from core.directory import System, list_entries
from core.door import Core
from core.store.memory import MemoryStore
from core.values.demographics import Patient
from core.values.identity import Asid, PartyKey
from legacy_contracts import registry
from operations import loading
from operations.setup import SAMPLE_CLIENT, SAMPLE_PARTY

ANSWER_ID: Final = "5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A"
"""The id of every answer of a Spine in memory."""


class Spine(Struct, frozen=True):
    """A core on a store in memory, and the clock and ids that its answers carry."""

    core: Core
    context: Context

    def ask(self, interaction_id: str, details: Details, frame: Frame | None = None) -> Answered:
        """Give the answer to a well-formed request."""
        return self.send(request(interaction_id, details, frame))

    def send(self, body: bytes) -> Answered:
        """Give the answer to the bytes of a message from the sample party."""
        sent = Request(body, charset=None, soap_action=None, certificate_names=(SAMPLE_CLIENT,))
        return pipeline.answer(sent, self.core, self.context)


def spine_with(
    patients: Iterable[Patient],
    *,
    now: datetime = NOW,
    answer_id: str = ANSWER_ID,
    asids: Iterable[str] = (),
) -> Spine:
    """Give a Spine that has the patients; the sample party also runs the systems `asids`."""
    store = MemoryStore()
    context = Context(now=lambda: now, new_id=lambda: answer_id)
    core = core_on(store, context)
    everything = tuple(row.interaction_id for row in registry.INTERACTIONS)
    systems = [
        System(Asid(one), PartyKey(SAMPLE_PARTY), "Another system", everything) for one in asids
    ]
    list_entries(store, [], systems, at="2014-01-02", import_id="more")
    loading.load(store, patients, source="test", at="20140101", progress=lambda _count: None)
    return Spine(core, context)


def details_of(patient: Patient, *, items: tuple[str, ...] = ("person.allData",)) -> Details:
    """Give what one asks with to find a patient: the number, and the details of a trace."""
    families = [one.family for one in patient.names if one.family]
    return Details(
        nhs_number=patient.nhs_number,
        history="1",
        items=items,
        gender=patient.gender or "1",
        birth_time=patient.birth_time or "19700101",
        family=families[0] if families else "SMITH",
    )
