"""docs/interactions.md, written from the registry so that it cannot tell another story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters import pipeline
from legacy_contracts import registry

_HEAD: Final = """\
# Interactions

Every message type that this release knows, from `legacy_contracts/registry.py`. Do not edit this
file: `make docs` writes it, and a test compares it with what the registry says.

*State*: `answered` where the new core answers it, `described` where only its messages are known.
*Inferred*: what no public source shows about its answers; `spine check --inferred` lists the
refusals of which the same is true.

| Id | Name | Pattern | Generation | Answer | State | Inferred |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table."""

    id: str
    name: str
    pattern: str
    generation: str
    answer: str
    state: str
    inferred: tuple[str, ...]


def rows() -> list[Listed]:
    """Give every interaction, in the registry's order."""
    return [
        Listed(
            id=row.interaction_id,
            name=row.name,
            pattern=row.pattern.value,
            generation=row.generation.value,
            answer=row.reply.interaction_id,
            state="answered" if row.interaction_id in pipeline.TRANSLATIONS else "described",
            inferred=row.inferred,
        )
        for row in registry.INTERACTIONS
    ]


def interactions() -> str:
    """Give the whole page."""
    return _HEAD + "".join(
        f"| {row.id} | {row.name} | {row.pattern} | {row.generation} | {row.answer} "
        f"| {row.state} | {'; '.join(row.inferred)} |\n"
        for row in rows()
    )
