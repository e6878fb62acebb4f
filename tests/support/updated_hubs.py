"""A hub with patients whom updates change, asked for them in every generation of queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import old_update_messages
from asking import details_of
from ebxml_messages import Message
from hubs import CONTRACTS, TestHub, contract, ours, payload_of
from lxml import etree
from msgspec.structs import replace
from schemas import hl7_message
from update_messages import ANSWERS as LATER
from wire_requests import request

from adapters import pipeline
from adapters.pipeline import Request
from core.demographics.records import PATIENTS
from core.directory import System, list_entries
from core.values.demographics import Patient
from core.values.identity import Asid, PartyKey
from legacy_contracts import registry
from operations import loading
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

REFUSAL: Final = "MCCI_IN010000UK13"
ANSWERS: Final = {**LATER, **old_update_messages.ANSWERS}
"""Which interaction says that an update was done."""


def updated_hub(patients: Iterable[Patient]) -> TestHub:
    """Give a hub that has the patients, and a practice that may update and ask for them."""
    contracts = (
        *CONTRACTS,
        *(ours("pds", one) for one in ANSWERS),
        *(
            replace(contract(SAMPLE_PARTY, "pds", one), sync_reply=True)
            for one in dict.fromkeys((*ANSWERS.values(), REFUSAL, old_update_messages.REFUSAL))
        ),
    )
    hub = TestHub(contracts=contracts)
    activities = (*registry.ACTIVITIES, *(one.interaction for one in contracts))
    system = System(Asid(SAMPLE_ASID), PartyKey(SAMPLE_PARTY), "Sample", activities)
    list_entries(hub.store, [], [system], at="2014-01-02", import_id="queries")
    loading.load(hub.store, patients, source="test", at="20140101", progress=lambda _count: None)
    return hub


def answer_to(hub: TestHub, message: Message) -> etree._Element:
    """Give what the hub posts in answer to a message."""
    hub.receive(message)
    before = len(hub.posted)
    hub.work()
    hub.work()
    (posted,) = hub.posted[before:]
    return payload_of(posted[1])


def record(hub: TestHub, nhs_number: str) -> Patient:
    """Give a record as the hub keeps it."""
    found = hub.store.read(PATIENTS, nhs_number)
    assert found is not None
    return found


def retrieved(
    hub: TestHub, interaction: str, nhs_number: str, *, history: str = "0"
) -> etree._Element:
    """Give the answer to a query about a record as it stands."""
    details = replace(details_of(record(hub, nhs_number)), history=history)
    sent = Request(
        request(interaction, details),
        charset=None,
        soap_action=None,
        certificate_names=(SAMPLE_CLIENT,),
    )
    answered = pipeline.answer(sent, hub.us.core, hub.us.context)
    return hl7_message(answered.body)
