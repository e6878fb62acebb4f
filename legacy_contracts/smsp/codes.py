"""Every code that an answer may carry, what it means, and what leads to it.

The meanings are those of the published list of response codes (nhsconnect/spine-smsp, "SMSP
Response Codes v1.0"), the scenarios of DEMOG codes those of requirement SMSP-ERR-005 (the same
repository, "PDS - Spine Mini Service Client Requirements v1.0", 3.2). docs/smsp.md shows the table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from legacy_contracts.smsp.operations import OPERATIONS


class Code(StrEnum):
    """How a request went, as the answer's `value` says it (vocabulary …17.285)."""

    SUCCESS = "SMSP-0000"
    NO_MATCH = "DEMOG-0001"
    MULTIPLE_MATCHES = "DEMOG-0007"
    SUPERSEDED = "DEMOG-0017"
    INVALIDATED = "DEMOG-0022"
    NOT_VERIFIED = "DEMOG-0040"
    NOT_NEW_STYLE = "DEMOG-0042"
    DEMOGRAPHICS_FAILED = "DEMOG-9999"
    INPUT_NOT_VALID = "SMSP-0001"
    OUTPUT_NOT_VALID = "SMSP-0002"
    FROM_LOCAL_STORE = "SMSP-0003"
    NOT_CONNECTED = "SMSP-0004"
    NOT_ALLOWED = "SMSP-0005"
    FAILED = "SMSP-9999"


class Given(Struct, frozen=True):
    """A code's meaning, what leads to it, and the operations that may give it by a rule."""

    meaning: str
    why: str
    by: frozenset[str]
    inferred: bool = False


_VERIFY: Final = "verifyNHSNumber-v1-0"
_NUMBER: Final = "getNHSNumber-v1-0"
_DETAILS: Final = "getPatientDetails-v1-0"
_BY_NUMBER: Final = "getPatientDetailsByNHSNumber-v1-0"
_BY_SEARCH: Final = "getPatientDetailsBySearch-v1-0"

ALL: Final = frozenset(OPERATIONS)
WITH_NUMBER: Final = frozenset((_VERIFY, _DETAILS, _BY_NUMBER))
WITH_SEARCH: Final = frozenset((_NUMBER, _DETAILS, _BY_SEARCH))
SHOWING: Final = frozenset((_DETAILS, _BY_NUMBER, _BY_SEARCH))
NONE: Final[frozenset[str]] = frozenset()

GIVEN: Final[dict[Code, Given]] = {
    Code.SUCCESS: Given("Success", "One patient has the details.", ALL),
    Code.NO_MATCH: Given("No match", "No record has the number, or the details.", ALL),
    Code.MULTIPLE_MATCHES: Given(
        "Multiple matches found", "More than one record has the details.", WITH_SEARCH
    ),
    Code.SUPERSEDED: Given(
        "Superseding NHS number returned",
        "The number was replaced; the answers that show a patient give the one that replaced it, "
        "if the details agree with its record.",
        WITH_NUMBER,
    ),
    Code.INVALIDATED: Given(
        "NHS number of response record has been invalidated",
        "The number is no longer in use, and nothing replaced it.",
        WITH_NUMBER,
    ),
    Code.NOT_VERIFIED: Given(
        "NHS number not verified",
        "The number is in use, and the birth date, name or local identifier does not agree.",
        WITH_NUMBER,
    ),
    Code.NOT_NEW_STYLE: Given(
        "NHS number is not a new style number",
        "The number is not ten digits, or its root is not that of NHS numbers.",
        WITH_NUMBER,
    ),
    Code.DEMOGRAPHICS_FAILED: Given(
        "Generic Spine service error",
        "Demographics refuses the question for any other reason; no rule of this release does.",
        NONE,
    ),
    Code.INPUT_NOT_VALID: Given(
        "Input message validation error",
        "The request lacks what it must have, has it twice, or holds what no value can be: "
        "a birth date that is no full date, a wrong check digit.",
        ALL,
    ),
    Code.OUTPUT_NOT_VALID: Given(
        "Response message validation error",
        "The record holds what the published form of the answer has no room for.",
        SHOWING,
        inferred=True,
    ),
    Code.FROM_LOCAL_STORE: Given(
        "Data returned from local store, Spine unavailable",
        "Never: no second store is kept that could answer for the first.",
        NONE,
    ),
    Code.NOT_CONNECTED: Given(
        "Could not connect to Spine",
        "The store of the records cannot be reached, or took no audit: nothing was decided.",
        NONE,
        inferred=True,
    ),
    Code.NOT_ALLOWED: Given(
        "Author credentials error",
        "The directory does not grant the operation to the system that asks.",
        ALL,
        inferred=True,
    ),
    Code.FAILED: Given(
        "Generic Spine Mini Service Provider software failure", "A fault of ours.", NONE
    ),
}
"""What leads to each code; what no rule reaches, tests show by breaking what stands behind."""
