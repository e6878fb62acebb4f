"""docs/interactions.md, written from the registry so that it cannot tell another story."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from adapters import pipeline, tms
from legacy_contracts import registry
from legacy_contracts.gp2gp import messages
from legacy_contracts.smsp.codes import GIVEN
from legacy_contracts.smsp.operations import OPERATIONS, Operation

_HEAD: Final = """\
# Interactions

Every message type that this release answers, from `legacy_contracts/registry.py`. Do not edit this
file: `make docs` writes it, and a test compares it with what the registry says.

*Answer*: what answers it; a synchronous message in the HTTP answer, one over ebXML by a message of
ours, once it is acknowledged. *State*: `answered` where the new core answers it, `described` where
only its messages are known. *Inferred*: what no public source shows about its answers;
`spine check --inferred` lists the refusals of which the same is true.

| Id | Name | Pattern | Generation | Answer | State | Inferred |
|---|---|---|---|---|---|---|
"""

_OPERATIONS: Final = """
## Mini services

The operations of the SOAP web services (SMSP), from `legacy_contracts/smsp/operations.py`: each is
answered at its own address and at `/smsp/pds` and `/syncsoap`. [smsp.md](smsp.md) has the codes.

| Operation | Asks | Answers | Address | Inferred |
|---|---|---|---|---|
"""

_UNANSWERED: Final = """
## Recognised and refused

Messages that are known by an element of their body, or by an action that ends in its name, and that
nothing can answer: each gets a SOAP fault 101.

| Message | Element | Why |
|---|---|---|
"""

_FORWARDED: Final = """
## Forwarded

What one party sends to another is forwarded to the letter, whatever its interaction: none has code
of its own. A `[[contract]]` of the receiver in the directory is what makes the hub forward it, and
says how: which header it must have, who acknowledges, how often and how long it is tried. Both
systems must be granted the interaction.

Of the messages that move a record from practice to practice (GP2GP) the hub also reads which step
each is, to tell how a transfer stands:

| Id | Step |
|---|---|
"""


class Listed(Struct, frozen=True):
    """One row of the table."""

    id: str
    name: str
    pattern: str
    generation: str
    answer: str
    state: str
    inferred: tuple[str, ...]


def rows() -> list[Listed]:
    """Give every interaction that is answered, in the registry's order: the hub's come last."""
    return [*_synchronous(), *_of_the_hub()]


def _synchronous() -> list[Listed]:
    return [
        Listed(
            id=row.interaction_id,
            name=row.name,
            pattern=row.pattern.value,
            generation=row.generation.value,
            answer=row.reply.interaction_id,
            state=_state(row.interaction_id),
            inferred=row.inferred,
        )
        for row in registry.INTERACTIONS
    ]


def _of_the_hub() -> list[Listed]:
    return [
        Listed(
            id=row.interaction_id,
            name=row.name,
            pattern=row.pattern.value,
            generation=row.generation.value,
            answer=", ".join(row.answers),
            state=_state(row.interaction_id),
            inferred=row.inferred,
        )
        for row in registry.HUB_INTERACTIONS
    ]


def mini_services() -> list[Operation]:
    """Give every operation of the mini services, in the order of their WSDL."""
    return list(OPERATIONS.values())


def codes() -> str:
    """Give the table of which operation answers which code, and what leads to it."""
    names = list(OPERATIONS)
    head = f"| Code | Meaning | What leads to it | {' | '.join(names)} |\n"
    line = f"|---|---|---|{'---|' * len(names)}\n"
    rows = (
        f"| {code} | {row.meaning} | {row.why}{' *Inferred.*' if row.inferred else ''} "
        f"| {' | '.join('yes' if name in row.by else '' for name in names)} |\n"
        for code, row in GIVEN.items()
    )
    return head + line + "".join(rows)


def _state(interaction_id: str) -> str:
    known = interaction_id in pipeline.TRANSLATIONS or interaction_id in tms.SERVICES
    return "answered" if known else "described"


def interactions() -> str:
    """Give the whole page."""
    answered = "".join(
        f"| {row.id} | {row.name} | {row.pattern} | {row.generation} | {row.answer} "
        f"| {row.state} | {'; '.join(row.inferred)} |\n"
        for row in rows()
    )
    steps = "".join(f"| {one} | {step} |\n" for one, step in messages.KINDS.items())
    operations = "".join(
        f"| {one.name} | `{one.request_element}` | `{one.response_element}` | `{one.path}` "
        f"| {'; '.join(one.inferred)} |\n"
        for one in mini_services()
    )
    unanswered = "".join(
        f"| {one.name} | `{one.element}` | {one.why} |\n" for one in registry.UNANSWERED
    )
    return f"{_HEAD}{answered}{_OPERATIONS}{operations}{_UNANSWERED}{unanswered}{_FORWARDED}{steps}"
