"""What says that an update was done: the record's new serial change number (pds.md 2.9, A.21).

pdsUpdateSuccess_PRPA_RM000205UK01 (2008, and its twin for NHAIS) and PRPA_MT180101UK12 (2006B, and
its twin of 3.1) print one payload under different interactions. Captured: the template of
PRPA_IN000202UK01 (corpus pds).
"""

from __future__ import annotations

from core.values.demographics import Patient
from legacy_contracts.hl7.rim import Xml, act
from legacy_contracts.pds import items


def done(patient: Patient) -> Xml:
    """Give the payload that says a record was updated, and under which number it stands now."""
    content = items.serial_change_number(patient)
    return act("PdsSuccessfulUpdateResponse", content, class_code="REG")
