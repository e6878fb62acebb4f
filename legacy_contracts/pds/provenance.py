"""Who wrote an item, and from when to when a record said so, as 2008A and 2008B write it."""

from __future__ import annotations

from core.values.demographics import Provenance
from legacy_contracts import oids
from legacy_contracts.hl7 import values
from legacy_contracts.hl7.rim import NOTHING, act, coded, instance, link


def source(provenance: Provenance | None, place: str, pattern: str, type_code: str) -> str:
    """Give who wrote an item, in an element whose name follows a pattern; or nothing."""
    if provenance is None:
        return NOTHING
    code = coded("code", "01", oids.ADMINISTRATIVE)
    if provenance.system is not None:
        who = instance(oids.ASID, provenance.system, "value")
        return link(place, act(pattern.format("Identified"), code + who), type_code)
    if provenance.national_system is not None:
        who = coded("value", provenance.national_system, oids.NATIONAL_SYSTEM)
        return link(place, act(pattern.format("Coded"), code + who), type_code)
    return NOTHING


def effective(provenance: Provenance | None, place: str, type_code: str) -> str:
    """Give from when to when a record said so, or nothing."""
    if provenance is None or provenance.recorded is None:
        return NOTHING
    code = coded("code", "02", oids.ADMINISTRATIVE)
    date = act("systemEffectiveDate", code + values.period("value", provenance.recorded))
    return link(place, date, type_code)
