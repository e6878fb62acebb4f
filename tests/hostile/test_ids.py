"""Ids that a caller chooses: however long, they fill no audit and are nobody else's trouble."""

from __future__ import annotations

import pytest
import wire_requests
from asking import Spine, spine_with
from peers import asked, http
from serving import Served
from wire_requests import Details, Frame

from core import audit
from core.audit import PAGES
from core.door import MAX_NOTED
from legacy_contracts import registry
from operations import patients

HUGE = 1_000_000

FRAMES = {
    "message id": (Details(), Frame(hl7_id="A" * HUGE)),
    "sender": (Details(), Frame(from_asid="9" * HUGE, from_party="9" * HUGE)),
    "receiver": (Details(), Frame(to_asid="9" * HUGE)),
    "NHS number": (Details(nhs_number="9" * HUGE), Frame()),
    "family name": (Details(family="A" * HUGE), Frame()),
    "given names": (Details(given=("A" * 100,) * 5000), Frame()),
    "items": (Details(items=("A" * HUGE,)), Frame()),
    "birth date": (Details(birth_time="1" * HUGE), Frame()),
    "postcode": (Details(postcode="A" * HUGE), Frame()),
}


def audited_bytes(spine: Spine) -> int:
    store = spine.core.store
    return sum(len(store.document(PAGES, key) or b"") for key in store.keys(PAGES))


@pytest.mark.parametrize("case", FRAMES)
def test_what_a_caller_chooses_is_audited_as_far_as_an_id_can_be(case: str) -> None:
    spine = spine_with(patients.population(5, 2014))
    for row in registry.INTERACTIONS:
        before = audited_bytes(spine)
        spine.ask(row.interaction_id, *FRAMES[case])
        assert audited_bytes(spine) - before < 10 * MAX_NOTED
    assert audit.prove(spine.core.store).breaks == []


def test_ids_that_nobody_has_are_not_remembered_at_length() -> None:
    spine = spine_with(patients.population(5, 2014))
    for number in range(20):
        spine.ask("QUPA_IN000008UK02", Details(), Frame(from_asid=f"{number:02d}" * 100_000))
    assert sum(len(key) for _, key in spine.core.directory._kept) < 20 * MAX_NOTED


def test_ids_fill_no_log(served: Served) -> None:
    for frame in (Frame(from_asid="9" * HUGE), Frame(hl7_id="A" * HUGE), Frame(to_asid="8" * HUGE)):
        body = wire_requests.request("QUPA_IN000008UK02", Details(), frame)
        assert asked(served, http(body)) is not None
    assert max(map(len, served.log.read_text().splitlines())) < 1000
