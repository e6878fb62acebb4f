"""Which messages the directory's FHIR face sends by way of the hub, whoever receives them.

Whoever asks for the Endpoint of one of these is given the address of the hub's intermediary, not
the receiver's. The lists are those of NHSDigital/spine-directory-service-api (utilities/
constants.py), with what they lack: RCMR_IN030000UK07 is not in them, so its receiver's own address
is given, there as here.
"""

from __future__ import annotations

from typing import Final

_SERVICES: Final = frozenset(
    "cc ebs ebsepr ebsnpr gp2gp pat itk dis ed op caf adm ooh am mh nd dir".split()
)

_RELIABLE: Final = frozenset(
    """
    COPC_IN000001UK01 RCMR_IN010000UK05 RCMR_IN030000UK06 MCCI_IN010000UK13 COMT_IN000004GB01
    POLB_IN020005UK01 POLB_IN020006UK01 PRPA_IN010000UK07 PRPA_IN020000UK06 PRPA_IN030000UK08
    PRSC_IN040000UK08 PRSC_IN050000UK06 PRSC_IN060000UK06 PRSC_IN070000UK08 PRSC_IN080000UK07
    PRSC_IN090000UK09 PRSC_IN100000UK06 PRSC_IN110000UK08 PRSC_IN130000UK07 PRSC_IN140000UK06
    PRSC_IN150000UK06
    """.split()
)
_EXPRESS: Final = frozenset("PRSC_IN040000UK03 PRSC_IN080000UK03".split())

RELIABLE: Final = "urn:nhs:names:services:tms:ReliableIntermediary"
EXPRESS: Final = "urn:nhs:names:services:tms:ExpressIntermediary"


def intermediary(service_id: str) -> str | None:
    """Give the hub's service that passes a message on, or None where it goes straight."""
    rest, _, interaction = service_id.rpartition(":")
    if rest.rpartition(":")[2] not in _SERVICES:
        return None
    if interaction in _RELIABLE:
        return RELIABLE
    return EXPRESS if interaction in _EXPRESS else None
