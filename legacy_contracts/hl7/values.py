"""Values that several messages write alike: what addresses and telecoms are for, periods."""

from __future__ import annotations

from typing import Final

from core.values.demographics import AddressUse, Period, TelecomUse
from legacy_contracts.hl7.rim import NOTHING, Xml, escape

ADDRESS_USE: Final = {
    AddressUse.HOME: "H",
    AddressUse.TEMPORARY: "TMP",
    AddressUse.CORRESPONDENCE: "PST",
    AddressUse.WORK: "WP",
}

TELECOM_USE: Final = {
    TelecomUse.HOME: "H",
    TelecomUse.PRIMARY_HOME: "HP",
    TelecomUse.VACATION: "HV",
    TelecomUse.WORK: "WP",
    TelecomUse.ANSWERING: "AS",
    TelecomUse.EMERGENCY: "EC",
    TelecomUse.PAGER: "PG",
    TelecomUse.MOBILE: "MC",
}


def period(name: str, interval: Period | None) -> str:
    """Give an interval of time (IVL_TS), or nothing."""
    if interval is None:
        return NOTHING
    low = f'<low value="{escape(interval.start)}"/>' if interval.start is not None else ""
    high = f'<high value="{escape(interval.end)}"/>' if interval.end is not None else ""
    return Xml(f"<{name}>{low}{high}</{name}>") if low or high else Xml(f"<{name}/>")
