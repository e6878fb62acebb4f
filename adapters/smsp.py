"""The mini services: a payload that asks as a core command, and what came of it as a payload.

Each operation asks one question of demographics, the same that the national queries ask: by number
a cross-check, by details a simple trace (the published mapping of services: PDS - Spine Mini
Service Client Requirements v1.0, 3.1; decision 0026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.demographics.queries import CrossCheck, Trace
from core.demographics.records import Found
from core.door import Core
from core.errors import (
    CoreError,
    NotAllowed,
    NotFound,
    NotVerified,
    NumberInvalidated,
    NumberNotValid,
    NumberSuperseded,
    StoreError,
    TooManyMatches,
)
from core.values.demographics import CareProvisionKind, Patient
from core.values.identity import Caller, NhsNumber
from legacy_contracts.smsp import answers, requests
from legacy_contracts.smsp.answers import Practice, Reply, Shown
from legacy_contracts.smsp.codes import SHOWING, Code
from legacy_contracts.smsp.operations import Operation
from legacy_contracts.smsp.requests import Question, Unanswerable

REFUSALS: Final[dict[type[CoreError], Code]] = {
    NotFound: Code.NO_MATCH,
    TooManyMatches: Code.MULTIPLE_MATCHES,
    NumberSuperseded: Code.SUPERSEDED,
    NumberInvalidated: Code.INVALIDATED,
    NotVerified: Code.NOT_VERIFIED,
    NumberNotValid: Code.INPUT_NOT_VALID,
    NotAllowed: Code.NOT_ALLOWED,
}
"""The code of each refusal of the core; any other is `DEMOG-9999`."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The payload that answers, its code, and for the log why it is that one.

    `fault` is what went wrong with us, where the code is `SMSP-9999`.
    """

    payload: bytes
    code: Code
    why: str | None = None
    fault: Exception | None = None


def answer(core: Core, operation: Operation, payload: bytes, caller: Caller) -> bytes:
    """Give the payload that answers one that asks, whatever it is; it never raises."""
    return answered(core, operation, payload, caller).payload


def answered(core: Core, operation: Operation, payload: bytes, caller: Caller) -> Answered:
    """Give the answer with its code, for who logs and counts it; it never raises."""
    try:
        shown, code = _asked(core, operation, payload, caller)
        return Answered(_built(core, operation, code, shown), code)
    except Unanswerable as error:
        return Answered(_built(core, operation, error.code), error.code, error.why)
    except NotAllowed as error:
        return Answered(_built(core, operation, Code.NOT_ALLOWED), Code.NOT_ALLOWED, str(error))
    except StoreError as error:
        why = type(error).__name__
        return Answered(_built(core, operation, Code.NOT_CONNECTED), Code.NOT_CONNECTED, why)
    except Exception as error:  # noqa: BLE001 - what is our bug is an answer too: SMSP-9999
        return Answered(_built(core, operation, Code.FAILED), Code.FAILED, fault=error)


def _built(core: Core, operation: Operation, code: Code, shown: Shown | None = None) -> bytes:
    return answers.build(operation, Reply(core.context.new_id(), code, shown)).encode()


def _asked(
    core: Core, operation: Operation, payload: bytes, caller: Caller
) -> tuple[Shown | None, Code]:
    """Give whom the answer shows, and its code."""
    try:
        question = requests.parse(operation, payload)
    except Unanswerable as error:
        core.decline(by=caller, command=operation.name, why=error.code.value)
        raise
    try:
        found = core.perform(to_command(question), by=caller)
    except NotAllowed:
        raise
    except CoreError as refusal:
        return _refused(operation, refusal)
    shown = _shown(core, operation, found)
    why = answers.misfit(shown)
    if why is not None:
        raise Unanswerable(Code.OUTPUT_NOT_VALID, why)
    return shown, Code.SUCCESS


def _refused(operation: Operation, refusal: CoreError) -> tuple[Shown | None, Code]:
    """Give the code of a refusal; a number that was replaced comes with the one that did."""
    code = REFUSALS.get(type(refusal), Code.DEMOGRAPHICS_FAILED)
    replacement = refusal.replacement if isinstance(refusal, NumberSuperseded) else None
    if replacement is None or operation.name not in SHOWING:
        return None, code
    return Shown(Patient(replacement)), code


def to_command(question: Question) -> CrossCheck | Trace:
    """Give the command for a question: by number where there is one, else by details."""
    if question.nhs_number is not None:
        return CrossCheck(
            NhsNumber(question.nhs_number), question.birth_date, question.given, question.family
        )
    return Trace(
        gender=question.gender,
        birth_date=question.birth_date,
        family=question.family or "",
        given=(question.given,) if question.given else (),
        postcode=question.postcode,
    )


def _shown(core: Core, operation: Operation, found: Found) -> Shown:
    practice = _practice(core, found.patient) if operation.name in SHOWING else None
    return Shown(found.patient, practice)


def _practice(core: Core, patient: Patient) -> Practice | None:
    """Give the practice that a patient is registered with, as far as the directory knows it."""
    for one in patient.care_provisions:
        if one.kind is CareProvisionKind.PRIMARY_CARE and not one.practitioner:
            listed = core.directory.organisation(one.provider)
            return Practice(one.provider, listed.name if listed else None)
    return None
