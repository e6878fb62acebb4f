"""The mini services: a payload that asks as a core command, and what came of it as a payload.

Each operation asks one question of demographics, the same that the national queries ask: by number
a cross-check, by details a simple trace (the published mapping of services: PDS - Spine Mini
Service Client Requirements v1.0, 3.1; decision 0026).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from core.demographics.queries import CrossCheck, Identify, Trace
from core.directory import Organisation
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
from core.values import demographics
from core.values.demographics import Address, CareProvisionKind, Patient
from core.values.identity import Caller, NhsNumber
from legacy_contracts.smsp import answers, requests
from legacy_contracts.smsp.answers import MAX_LINES, Practice, Reply, Shown
from legacy_contracts.smsp.codes import SHOWING, Code
from legacy_contracts.smsp.operations import Operation
from legacy_contracts.smsp.requests import LocalIdentifier, Payload, Question, Unanswerable

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


class Answered(Struct, frozen=True):
    """The payload that answers, its code, and for the log why it is that one.

    `fault` is what went wrong with us, where the code is `SMSP-9999`.
    """

    payload: bytes
    code: Code
    why: str | None = None
    fault: Exception | None = None


def answer(core: Core, operation: Operation, payload: Payload, caller: Caller) -> bytes:
    """Give the payload that answers one that asks, whatever it is; it never raises."""
    return answered(core, operation, payload, caller).payload


def answered(core: Core, operation: Operation, payload: Payload, caller: Caller) -> Answered:
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
    core: Core, operation: Operation, payload: Payload, caller: Caller
) -> tuple[Shown | None, Code]:
    """Give whom the answer shows, and its code."""
    try:
        question = requests.parse(operation, payload)
    except Unanswerable as error:
        core.decline(by=caller, command=operation.name, why=error.code.value)
        raise
    organisation = _organisation(core, caller)
    try:
        found = core.perform(to_command(question, organisation), by=caller)
    except NotAllowed:
        raise
    except CoreError as refusal:
        return _refused(operation, refusal)
    local = _local(question, found.patient, organisation)
    if operation.name not in SHOWING:
        return Shown(found.patient, local=local), Code.SUCCESS
    why = answers.misfit(found.patient)
    if why is not None:
        raise Unanswerable(Code.OUTPUT_NOT_VALID, why)
    return Shown(found.patient, _practice(core, found.patient), local), Code.SUCCESS


def _refused(operation: Operation, refusal: CoreError) -> tuple[Shown | None, Code]:
    """Give the code of a refusal; a number that was replaced comes with the one that did."""
    code = REFUSALS.get(type(refusal), Code.DEMOGRAPHICS_FAILED)
    replacement = refusal.replacement if isinstance(refusal, NumberSuperseded) else None
    if replacement is None or operation.name not in SHOWING:
        return None, code
    return Shown(Patient(replacement)), code


def to_command(question: Question, organisation: str) -> CrossCheck | Trace | Identify:
    """Give the command for a question: by number, by details, or by a local identifier.

    A question with a number asks by it, whatever details stand beside it (as the providers of the
    old service did: help-accessmosaiccm.theaccessgroup.com, article 11883486).
    """
    asked, local = question, _of_core(question, organisation)
    if asked.nhs_number is not None:
        number = NhsNumber(asked.nhs_number)
        return CrossCheck(number, asked.birth_date, asked.given, asked.family, local)
    if asked.family is None and local is not None:
        return Identify(local, asked.birth_date, asked.given)
    return Trace(
        gender=asked.gender,
        birth_date=asked.birth_date,
        family=asked.family or "",
        given=(asked.given,) if asked.given else (),
        postcode=asked.postcode,
        local=local,
    )


def _of_core(question: Question, organisation: str) -> demographics.LocalIdentifier | None:
    """Give what an organisation calls whom it asks for, in the core's terms."""
    local = question.local
    if local is None:
        return None
    return demographics.LocalIdentifier(organisation, local.root, local.extension)


def _organisation(core: Core, caller: Caller) -> str:
    """Give the ODS code of whom a caller asks for, as the directory has it."""
    party = core.directory.party(caller.party_key)
    return party.organisation if party else ""


def _local(question: Question, patient: Patient, organisation: str) -> LocalIdentifier | None:
    """Give what the caller's organisation calls a patient, or else what the question called it."""
    for one in patient.local_identifiers:
        found = LocalIdentifier(one.scheme, one.value)
        if one.organisation == organisation and question.local in (None, found):
            return found
    return question.local


def _practice(core: Core, patient: Patient) -> Practice | None:
    """Give the practice that a patient is registered with, as far as the directory knows it."""
    for one in patient.care_provisions:
        if one.kind is CareProvisionKind.PRIMARY_CARE and not one.practitioner:
            return _listed(one.provider, core.directory.organisation(one.provider))
    return None


def _listed(code: str, listed: Organisation | None) -> Practice:
    """Give a practice with what the directory's attributes say of where it is."""
    if listed is None:
        return Practice(code)
    said = {name.lower(): values[0] for name, values in listed.attributes if values}
    street, postcode = said.get("postaladdress"), said.get("postalcode")
    number = said.get("telephonenumber")
    return Practice(
        code,
        listed.name,
        Address(lines=_lines(street or ""), postcode=postcode) if street or postcode else None,
        f"tel:{''.join(number.split())}" if number else None,
    )


def _lines(postal_address: str) -> tuple[str, ...]:
    """Give the lines of a postal address (RFC 4517 3.3.28: `$` parts them), five at most."""
    lines = [one.replace("\\24", "$").replace("\\5C", "\\") for one in postal_address.split("$")]
    return (*lines[: MAX_LINES - 1], ", ".join(lines[MAX_LINES - 1 :]))
