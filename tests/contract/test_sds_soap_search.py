"""The search of accredited systems over SOAP: nobody can answer it, and every sender is told so."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import spine_with

from adapters import pipeline
from adapters.pipeline import Request
from legacy_contracts import registry
from legacy_contracts.sds import soap_search
from operations.setup import SAMPLE_CLIENT

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ACTION = f"urn:nhs:names:services:{soap_search.SERVICE}/{soap_search.INTERACTION_ID}"


def message(*, action: str = "", content: str = "<x/>") -> bytes:
    header = f"<a:Action xmlns:a='{WSA}'>{action}</a:Action>" if action else ""
    return (
        f"<s:Envelope xmlns:s='{SOAP}'><s:Header>{header}</s:Header>"
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("body", "soap_action"),
    [
        (message(action=ACTION), f'"{ACTION}"'),
        (message(action=ACTION), None),
        (message(), f'"{ACTION}"'),
        (message(content=f"<{soap_search.INTERACTION_ID}/>"), None),
        (message(content=f"<w><q:{soap_search.INTERACTION_ID} xmlns:q='urn:q'/></w>"), '""'),
    ],
)
def test_it_is_refused_with_101_however_it_is_named(body: bytes, soap_action: str | None) -> None:
    spine = spine_with(())
    asked = Request(body, None, soap_action, (SAMPLE_CLIENT,))
    answered = pipeline.answer(asked, spine.core, spine.context)
    assert (answered.status, answered.outcome) == (500, "INTERACTION_NOT_SUPPORTED")
    assert b"<nasp:errorCode>101<" in answered.body


def test_it_is_listed_as_unknown() -> None:
    (row,) = soap_search.UNANSWERED
    assert row in registry.UNANSWERED
    assert row.why.startswith("unknown")
    page = (Path(__file__).parents[2] / "docs/interactions.md").read_text(encoding="utf-8")
    assert f"| {row.name} | `{row.element}` | {row.why} |" in page
