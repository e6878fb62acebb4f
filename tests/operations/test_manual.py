"""The pages that are written from the code say what the code says."""

from __future__ import annotations

from pathlib import Path

from commanding import done, told

from adapters import pipeline, tms
from legacy_contracts import registry
from legacy_contracts.gp2gp import messages
from legacy_contracts.smsp.operations import OPERATIONS
from operations import manual

PAGE = Path(__file__).parents[2] / "docs/interactions.md"


def test_the_committed_table_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == done("interactions"), "run `make docs`"


def test_every_interaction_is_in_the_table_with_its_answer() -> None:
    rows = told("interactions")
    assert [(row["id"], row["answer"]) for row in rows] == [
        *((one.interaction_id, one.reply.interaction_id) for one in registry.INTERACTIONS),
        *((one.interaction_id, ", ".join(one.answers)) for one in registry.HUB_INTERACTIONS),
    ]
    answered = {row["id"] for row in rows if row["state"] == "answered"}
    assert answered == {*pipeline.TRANSLATIONS, *tms.SERVICES}


def test_every_operation_of_the_mini_services_is_on_the_page() -> None:
    page = done("interactions")
    for one in OPERATIONS.values():
        assert f"| {one.name} | `{one.request_element}` | `{one.response_element}` |" in page


def test_the_committed_table_of_codes_is_the_generated_one() -> None:
    assert manual.codes() in (PAGE.parent / "smsp.md").read_text(encoding="utf-8")


def test_what_is_followed_while_it_is_forwarded_is_on_the_page() -> None:
    page = done("interactions")
    for interaction_id, step in messages.KINDS.items():
        assert f"| {interaction_id} | {step} |" in page
