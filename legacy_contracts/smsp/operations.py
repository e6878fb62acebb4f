"""The five operations of the mini services: the table that routing, WSDL and documents follow.

Names and actions are those of the published PDSMiniServices-v1-0.wsdl; profile ids, and the three
operations that share one answer, those of the captured answers.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from legacy_contracts.envelopes.itk import PROFILES, SERVICES

PATHS: Final = "/interoperability.toolkit/HL7v3/"


class Operation(Struct, frozen=True):
    """One operation: its name, the payloads that ask and answer, and how the envelope names them.

    `code` is what the request says it is; all but one request have it as their element's name.
    `inferred` is what no public source shows of its answers.
    """

    name: str
    request_element: str
    code: str
    response_element: str
    inferred: tuple[str, ...] = ()

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
    def request_profiles(self) -> tuple[str, ...]:
        """The profiles that are read as its own: public requests name the operation instead.

        So do the requests of TimCoates/SMSPMock, its page and its SoapUI project.
        """
        return (self.request_profile, f"{PROFILES}{self.name}")

    @property
    def response_profile(self) -> str:
        """The profile of the payload that answers."""
        return f"{PROFILES}{self.response_element}"

    @property
    def path(self) -> str:
        """The published address of the operation alone."""
        return f"{PATHS}{self.name}"


_MATCHED: Final = "which details must agree: birth date to the day, a name as it is written"
_DIGIT: Final = "a wrong check digit is SMSP-0001, and no old style number"
_LOCAL: Final = "whose a local identifier is, and that one nobody holds comes back as it was asked"
_FORM: Final = "what the form has no room for is SMSP-0002"
_MANY: Final = "a detail is not searched by pattern: a star stands for itself"
_REPLACED: Final = "a number that replaced one is told alone, to who knows the details"
_DETAILS: Final = "getPatientDetails"


def _operation(
    stem: str, *inferred: str, element: str | None = None, answer: str | None = None
) -> Operation:
    code = f"{stem}Request-v1-0"
    response = f"{answer or stem}Response-v1-0"
    return Operation(f"{stem}-v1-0", element or code, code, response, inferred)


_ALL: Final = (
    _operation(
        "verifyNHSNumber",
        _MATCHED,
        _DIGIT,
        "a number that was replaced is answered without another",
    ),
    _operation("getNHSNumber", _MANY, _LOCAL),
    _operation(
        "getPatientDetailsByNHSNumber", _MATCHED, _DIGIT, _REPLACED, _LOCAL, _FORM, answer=_DETAILS
    ),
    _operation("getPatientDetailsBySearch", _MANY, _LOCAL, _FORM, answer=_DETAILS),
    _operation(
        _DETAILS,
        "a number goes before the other details, of which then only a name must agree",
        *(_MATCHED, _DIGIT, _REPLACED, _MANY, _LOCAL, _FORM),
        # QUPA_MT000005GB01 calls this one element otherwise than its code.
        element="getPatientDetails-v1-0",
    ),
)

OPERATIONS: Final = {one.name: one for one in _ALL}
"""Every operation, by name, in the order of the published WSDL."""

BY_ACTION: Final = {one.action: one for one in _ALL}
"""Every operation, by action."""
