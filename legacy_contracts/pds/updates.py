"""Updates of demographics: how each interaction is checked, read, and answered (pds.md 2).

An update is refused with all that it broke of the first stage that it broke: which record is meant,
what is asked of it (the stylesheets' rules), and what a record can hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree
from msgspec import Struct, field

from core.values.changes import ChangeList, Kind
from legacy_contracts import ns
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import MEANINGS, Advice, Fault
from legacy_contracts.hl7.rules import Group, Rules
from legacy_contracts.hl7.wrappers import worded
from legacy_contracts.interaction import Generation, HubInteraction, Pattern
from legacy_contracts.pds import (
    nhais_rules,
    register_values,
    update_answers_2_3,
    update_items,
    update_items_2008b,
    update_tables,
    updates_2_3,
)
from legacy_contracts.pds.nhais_rules import NHAIS_REQUEST, known_reasons
from legacy_contracts.pds.reading import Node
from legacy_contracts.pds.update_items import Reader
from legacy_contracts.pds.update_rules import CODED_KIND, REQUEST, SUBJECT, stage_1
from legacy_contracts.pds.update_values import known

UNREADABLE: Final = -1
"""In place of a serial change number that is no number: no record ever has it."""

_MAX_DIGITS: Final = 9
_KINDS: Final = {"1": Kind.CHANGE, "2": Kind.CORRECTION}


class Update(Struct, frozen=True):
    """How one interaction is checked and read, and which interaction says that it was done."""

    interaction_id: str
    answer: str
    stages: tuple[Rules, ...]
    readers: tuple[Reader, ...]
    warned: Rules = field(default_factory=lambda: Rules(()))
    request: str = REQUEST

    @property
    def refusal(self) -> str:
        """The interaction that says it was refused."""
        is_oldest = self.answer == update_answers_2_3.DONE
        return update_answers_2_3.FAILED if is_oldest else APPLICATION_ACK

    def faults(self, root: Node) -> list[Fault]:
        """Give what a message broke of the first stage that it broke."""
        return next(filter(None, (rules.faults(root) for rules in self.stages)), [])

    def warnings(self, root: Node) -> tuple[Advice, ...]:
        """Give what a message that broke no rule is warned of."""
        return tuple(_advice(one) for one in self.warned.faults(root))

    def parse(self, root: Node) -> ChangeList:
        """Give what a message asks for that broke no rule."""
        (request,) = _requests[self.request](root)
        (role,) = _role(request)
        return ChangeList(
            nhs_number=str(_nhs_number(role)),
            serial_change_number=_number(str(_scn(request))),
            kind=_KINDS[str(_kind(request))],
            changes=tuple(
                one for asked in _asked(request) for read in self.readers for one in read(asked)
            ),
        )


def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=ns.PREFIXES, smart_strings=False)


_requests: Final = {name: _compiled(f"{SUBJECT}/hl7:{name}") for name in (REQUEST, NHAIS_REQUEST)}
_role = _compiled("hl7:subject/hl7:patientRole")
# Where the second stage asks and passes on; a role elsewhere is identified, and asks for nothing.
_asked = _compiled("hl7:subject[1]/hl7:patientRole[1]")
_nhs_number = _compiled("string(hl7:id/@extension)")
_kind = _compiled("string(hl7:code[@code = '1' or @code = '2']/@code)")
_scn = _compiled(
    "string(hl7:pertinentInformation/hl7:pertinentSerialChangeNumber/hl7:value/@value)"
)


def _number(digits: str) -> int:
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if is_number else UNREADABLE


def _advice(fault: Fault) -> Advice:
    meaning = MEANINGS[fault.name]
    return Advice(meaning.code, worded(meaning.text, fault))


def _stages(*groups: Iterable[Group]) -> tuple[Rules, ...]:
    return tuple(Rules(one) for one in groups)


_WARNED: Final = Rules(update_tables.WARNED)


def _update(
    interaction_id: str,
    answer: str,
    rules: tuple[Group, ...],
    readers: tuple[Reader, ...],
    besides: tuple[Group, ...] = (),
) -> Update:
    stages = _stages(stage_1(), rules, (*known(REQUEST), *besides))
    return Update(interaction_id, answer, stages, readers, _WARNED)


ANSWER_2008: Final = "PRPA_IN000202UK01"
ANSWER_2006B: Final = "PRPA_IN150000UK30"
ANSWER_3_1: Final = "PRPA_IN150000UK14"
ANSWER_NHAIS: Final = "PRPA_IN000209UK01"

_LATER: Final[tuple[Update, ...]] = (
    _update("PRPA_IN000203UK03", ANSWER_2008, update_tables.V2008A, update_items.V2008A),
    _update(
        "PRPA_IN000203UK06",
        ANSWER_2008,
        update_tables.V2008B,
        update_items_2008b.V2008B,
        register_values.general(REQUEST),
    ),
    _update("PRPA_IN160000UK30", ANSWER_2006B, update_tables.V2006B, update_items.BEFORE_2008),
    _update("PRPA_IN160000UK01", ANSWER_3_1, update_tables.COMBINED_3_1, update_items.BEFORE_2008),
    _update("PRPA_IN110000UK15", ANSWER_3_1, update_tables.GENERAL_3_1, update_items.BEFORE_2008),
    _update("PRPA_IN100000UK14", ANSWER_3_1, update_tables.DEATH_3_1, update_items.DEATH_3_1),
    Update(
        "PRPA_IN120000UK14",
        ANSWER_3_1,
        _stages(stage_1(kind=CODED_KIND), update_tables.CONSENT_3_1, known(REQUEST)),
        update_items.CONSENT_3_1,
    ),
    Update(
        "PRPA_IN000204UK03",
        ANSWER_NHAIS,
        _stages(
            stage_1(NHAIS_REQUEST, kind=CODED_KIND),
            nhais_rules.V2008A,
            (
                *known(NHAIS_REQUEST),
                known_reasons(NHAIS_REQUEST),
                *register_values.known(NHAIS_REQUEST),
            ),
        ),
        update_items_2008b.NHAIS_2008A,
        request=NHAIS_REQUEST,
    ),
    Update(
        "PRPA_IN000204UK06",
        "PRPA_IN000209UK02",
        _stages(
            stage_1(kind=CODED_KIND),
            nhais_rules.V2008B,
            (*known(REQUEST), known_reasons(), *register_values.known(REQUEST)),
        ),
        update_items_2008b.NHAIS_2008B,
        _WARNED,
    ),
)

_MIM_2_3: Final = tuple(
    Update(
        interaction_id,
        update_answers_2_3.DONE,
        _stages(stage_1(scn_system=None), rules, updates_2_3.KNOWN),
        readers,
        Rules(warned),
    )
    for interaction_id, rules, readers, warned in (
        (
            "PRPA_IN110000UK01",
            updates_2_3.GENERAL,
            updates_2_3.READ_GENERAL,
            updates_2_3.GENERAL_WARNED,
        ),
        ("PRPA_IN100000UK01", updates_2_3.DEATH, updates_2_3.READ_DEATH, ()),
        (
            "PRPA_IN120000UK01",
            updates_2_3.CONSENT,
            updates_2_3.READ_CONSENT,
            updates_2_3.CONSENT_WARNED,
        ),
    )
)

UPDATES: Final = (*_LATER, *_MIM_2_3)

BY_ID: Final = {one.interaction_id: one for one in UPDATES}

_NAMES: Final = {
    "PRPA_IN000203UK03": ("General update", Generation.V2008A),
    "PRPA_IN000203UK06": ("General update", Generation.V2008B),
    "PRPA_IN160000UK30": ("General update", Generation.V2006B),
    "PRPA_IN160000UK01": ("General update, death and consents in it", Generation.MIM_3_1),
    "PRPA_IN110000UK15": ("General update without death", Generation.MIM_3_1),
    "PRPA_IN100000UK14": ("Death", Generation.MIM_3_1),
    "PRPA_IN120000UK14": ("Consent to record sharing", Generation.MIM_3_1),
    "PRPA_IN000204UK03": ("Update by the local register (NHAIS)", Generation.V2008A),
    "PRPA_IN000204UK06": ("Update by the local register (NHAIS)", Generation.V2008B),
    "PRPA_IN110000UK01": ("General update without death", Generation.MIM_2_3),
    "PRPA_IN100000UK01": ("Death", Generation.MIM_2_3),
    "PRPA_IN120000UK01": ("Consent to record sharing", Generation.MIM_2_3),
}

_INFERRED: Final = (
    "most names of its refusals have no public number: GE002 with the name in the text",
    "unlisted codes, altered items without id and modes that are none are refused (decision 0019)",
    "the checks against the stored record are those published for a later interface (FHIR)",
    "of what is broken, everything of the first stage is told",
)


def _row(update: Update) -> HubInteraction:
    name, generation = _NAMES[update.interaction_id]
    return HubInteraction(
        interaction_id=update.interaction_id,
        name=name,
        service="pds",
        pattern=Pattern.ASYNC_RELIABLE,
        generation=generation,
        answers=(update.answer, update.refusal),
        inferred=_INFERRED,
    )


INTERACTIONS: Final = tuple(map(_row, UPDATES))
