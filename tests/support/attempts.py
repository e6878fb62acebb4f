"""Updates that systems try: how they are drawn, what they ask, and what tells how they ended."""

from __future__ import annotations

from typing import Final

import old_update_messages as old
import wishing
from ebxml_messages import Message
from hypothesis import strategies as st
from msgspec import Struct
from patients_world import REFUSALS, SENT, SYSTEMS, Reply
from remembered import People, Wish
from wishes import Draft, Said

MOST: Final = 6
"""Patients that one run has at most."""

WORDS: Final = {
    "scn": "SERIAL_CHANGE_NUMBER_MISMATCH",
    "restricted": "RECORD_RESTRICTED",
    "superseded": "superseded",
    "no such item": "OBJECT_ID_NOT_FOUND",
    "wrong kind": "the object id is that of another kind of item",
    "usual name removed": "UNABLE_TO_DELETE_USUAL_NAME",
    "second usual name": "another current usual name stands",
    "use of a name altered": "the use of a name may not be altered",
    "second addresses": "another current address has that use",
    "second telecoms": "another current telecom has that use and medium",
    "second provisions": "another current care provision is of that kind",
    "starts in the future": "the period starts in the future",
    "birth in the future": "the birth is in the future",
    "birth after death": "the birth is after the death",
    "death in the future": "the death is in the future",
    "death before birth": "the death is before the birth",
    "formal death stands": "an informal notification of death does not replace a formal one",
}
"""How a refusal tells each reason of the model."""


class Attempt(Struct, frozen=True):
    """An update that a system sent: what it asks, and what its message breaks."""

    message: Message
    number: str
    scn: int | None
    is_correction: bool
    wishes: tuple[Wish, ...]
    by: str
    broken: frozenset[str]


class Outcome(Struct, frozen=True):
    """What the model says must come of an update."""

    people: People
    reasons: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    scn: int | None = None

    def is_told_by(self, reply: Reply) -> bool:
        """Say whether a reply tells this."""
        if self.scn is not None:
            return reply.interaction not in REFUSALS and reply.scn == self.scn
        texts = reply.refused_for - {"Update Failed"}
        if reply.interaction == old.REFUSAL:
            # It has room for one reason, of whatever is broken.
            told = self.broken or {WORDS[one] for one in self.reasons}
            return len(texts) == 1 and any(word in text for word in told for text in texts)
        if reply.interaction not in REFUSALS or "Update Failed" not in reply.refused_for:
            return False
        if self.broken:
            return {word for word in self.broken if any(word in one for one in texts)} == (
                self.broken
            ) and len(texts) == len(self.broken)
        return len(texts) == 1 and any(WORDS[one] in text for one in self.reasons for text in texts)


class Plan(Struct, frozen=True):
    """An update as it is drawn: who, of whom, by which message, at which serial change number."""

    asid: str
    which: int
    interaction: str
    scn: str
    is_correction: bool
    drafts: tuple[Draft, ...]


def plans(interaction: str) -> st.SearchStrategy[Plan]:
    """Give a strategy of updates by one interaction, of what it has room for."""
    return st.builds(
        Plan,
        st.sampled_from(tuple(SYSTEMS)),
        st.integers(0, MOST - 1),
        st.just(interaction),
        st.sampled_from((*("right",) * 4, *("held",) * 4, "future", "missing")),
        st.booleans(),
        wishing.drafts(interaction),
    )


PLANS: Final = st.sampled_from(SENT).flatmap(plans)


def broken(interaction: str, scn: int | None, said: tuple[Said, ...]) -> frozenset[str]:
    """Give the names of the rules that a message breaks: of the first stage, or of the second."""
    if scn is None:
        return frozenset({"MANDATORY_FIELD_MISSING"})
    if not said:
        return frozenset({"no change is asked for"})
    alone = frozenset(name for one in said for name in one.broken)
    return alone | wishing.clashes(interaction, said)
