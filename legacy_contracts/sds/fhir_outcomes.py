"""OperationOutcome: how the directory's FHIR face refuses, by HTTP status.

Statuses, codes and words are those of NHSDigital/spine-directory-service-api
(request/error_handler.py and the handlers beside it), which clients read.
"""

from __future__ import annotations

import json
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

SYSTEM: Final = "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1"


class Outcome(Struct, frozen=True):
    """One refusal: its HTTP status, its issue type, its Spine code and display, its diagnostics."""

    status: int
    issue: str
    code: str
    display: str
    diagnostics: str

    def json(self, outcome_id: str) -> bytes:
        """Give the resource; its id is the correlation id of the request."""
        return json.dumps(
            {
                "resourceType": "OperationOutcome",
                "id": outcome_id,
                "issue": [
                    {
                        "severity": "error",
                        "code": self.issue,
                        "details": {
                            "coding": [
                                {"system": SYSTEM, "code": self.code, "display": self.display}
                            ]
                        },
                        "diagnostics": self.diagnostics,
                    }
                ],
            },
            indent=4,
        ).encode()


class Refused(Exception):
    """The caller asked for what is not given; carries what to answer."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.diagnostics)


_BAD: Final = Outcome(400, "required", "BAD_REQUEST", "Bad request", "")

NO_PATH: Final = Outcome(
    404, "not-found", "NO_RECORD_FOUND", "No record found", "HTTP endpoint not found"
)
NOT_GET: Final = Outcome(
    405, "not-supported", "NOT_IMPLEMENTED", "Not implemented", "HTTP operation not supported"
)
NOT_ACCEPTED: Final = Outcome(
    406,
    "not-supported",
    "MISSING_OR_INVALID_HEADER",
    "There is a required header missing or invalid",
    "Accept type not supported",
)

# Not the reference's: it gives what its directory's size limit leaves, without a word.
TOO_MANY: Final = replace(
    _BAD,
    issue="too-costly",
    diagnostics="HTTP 400: Bad Request (Too many entries match. Add an 'identifier' parameter)",
)

_OURS: Final = ("INTERNAL_SERVER_ERROR", "Unexpected internal server error")
NO_STORE: Final = Outcome(504, "timeout", *_OURS, "The directory does not answer")
FAILED: Final = Outcome(500, "exception", *_OURS, "Unexpected internal server error")


def bad_request(why: str) -> Refused:
    """Give the refusal of parameters or headers that are wrong, in the reference's words."""
    return Refused(replace(_BAD, diagnostics=f"HTTP 400: Bad Request ({why})"))
