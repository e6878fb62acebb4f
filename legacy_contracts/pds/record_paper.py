"""Where the paper record of a patient is, as a retrieval of 2008A or 2008B shows it.

Trees: PRPA_MT000201UK03 and UK06. 2008A shows a record and the office that holds it; 2008B the
transfers of one record. No captured answer shows any of it.
"""

from __future__ import annotations

from typing import Final

from core.values.demographics import PaperRecord, Patient
from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rim import NOTHING, Xml, act, coded, entity, link, role, text_element
from legacy_contracts.pds import codes, items
from legacy_contracts.pds.provenance import effective, source

_SOURCE: Final = "COCT_MT000205UK01.Source{}"
_PAPER: Final = "16521000000101"
"""The code of a paper record (SNOMED CT), which both releases fix."""

UNTOLD_PRIORITY: Final = "N"
"""2008B must show how urgent a transfer is: one of which nobody said so is normal (inferred)."""


def paper_records(patient: Patient) -> str:
    """Give where the paper records of a patient are (2008A), those of before last."""
    return "".join([_paper_record(one) for one in patient.paper_records])


def _paper_record(item: PaperRecord) -> Xml:
    transfer = ""
    if item.transfer in codes.TRANSFERS_OF_2008A:
        status = items.observation(
            "transferStatus", codes.TRANSFER_STATUS, item.transfer, oids.TRANSFER
        )
        transfer = link("subjectOf3", status, "SUBJ")
    event = act(
        "clinicalDocumentEvent",
        coded("code", _PAPER, oids.SNOMED)
        + values.period("effectiveTime", item.period)
        + items.object_id(item.object_id)
        + (coded("priorityCode", item.priority, oids.TRANSFER_PRIORITY) if item.priority else "")
        + _office(item)
        + source(item.provenance, "subjectOf1", "clinicalDocumentEventSourceSource{}", "SUBJ")
        + effective(item.provenance, "subjectOf2", "SUBJ")
        + transfer,
        class_code="DOCCLIN",
    )
    return link("recordTargetOf", event, "RCT")


def _office(item: PaperRecord) -> str:
    if item.office is None or item.object_id is None:
        return NOTHING
    place = entity("location", text_element("name", item.office), "PLC")
    where = role(
        "serviceDeliveryLocation",
        values.period("effectiveTime", item.held) + items.object_id(item.object_id) + place,
        "SDLOC",
    )
    return link("location", where, "LOC")


def transfers(patient: Patient) -> str:
    """Give how far the transfer of a patient's paper record is (2008B), what was before last."""
    told = "".join([_transfer(one) for one in patient.paper_records])
    if not told:
        return NOTHING
    event = act(
        "clinicalDocumentEvent", coded("code", _PAPER, oids.SNOMED) + told, class_code="DOCCLIN"
    )
    return link("recordTargetOf", event, "RCT")


def _transfer(item: PaperRecord) -> str:
    if item.transfer not in codes.TRANSFERS_OF_2008B:
        return NOTHING
    priority = item.priority or UNTOLD_PRIORITY
    status = act(
        "transferStatus",
        coded("code", codes.TRANSFER_STATUS, oids.OBSERVATION)
        + coded("priorityCode", priority, oids.TRANSFER_PRIORITY)
        + coded("value", item.transfer, oids.TRANSFER)
        + source(item.provenance, "subjectOf1", _SOURCE, "SUBJ")
        + effective(item.provenance, "subjectOf2", "SUBJ"),
    )
    return link("subjectOf3", status, "SUBJ")
