"""The five operations of the mini services: the table that routing, WSDL and documents follow.

Names and actions are those of the published PDSMiniServices-v1-0.wsdl; profile ids, and the three
operations that share one answer, those of the captured answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SERVICES: Final = "urn:nhs-itk:services:201005:"
PROFILES: Final = "urn:nhs-en:profile:"
PATHS: Final = "/interoperability.toolkit/HL7v3/"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, the payloads that ask and answer, and how the envelope names them.

    `code` is what the request says it is; all but one request have it as their element's name.
    """

    name: str
    request_element: str
    code: str
    response_element: str

    @property
    def action(self) -> str:
        """The SOAP action, which the envelope calls its service."""
        return f"{SERVICES}{self.name}"

    @property
    def response_action(self) -> str:
        """The action of the answer, which its envelope calls its service."""
        return f"{self.action}Response"

    @property
    def request_profile(self) -> str:
        """The profile of the payload that asks."""
        return f"{PROFILES}{self.code}"

    @property
    def response_profile(self) -> str:
        """The profile of the payload that answers."""
        return f"{PROFILES}{self.response_element}"

    @property
    def path(self) -> str:
        """The published address of the operation alone."""
        return f"{PATHS}{self.name}"


def _operation(stem: str, *, element: str | None = None, answer: str | None = None) -> Operation:
    code = f"{stem}Request-v1-0"
    return Operation(f"{stem}-v1-0", element or code, code, f"{answer or stem}Response-v1-0")


_DETAILS: Final = "getPatientDetails"

_ALL: Final = (
    _operation("verifyNHSNumber"),
    _operation("getNHSNumber"),
    _operation("getPatientDetailsByNHSNumber", answer=_DETAILS),
    _operation("getPatientDetailsBySearch", answer=_DETAILS),
    # QUPA_MT000005GB01 calls this one element otherwise than its code.
    _operation(_DETAILS, element="getPatientDetails-v1-0"),
)

OPERATIONS: Final = {one.name: one for one in _ALL}
"""Every operation, by name, in the order of the published WSDL."""

BY_ACTION: Final = {one.action: one for one in _ALL}
"""Every operation, by action."""
