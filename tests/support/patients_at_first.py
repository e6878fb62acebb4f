"""Who is there when systems begin: as records that are loaded, and as the model has them."""

from __future__ import annotations

from typing import Any, Final

import remembered
from remembered import People
from updating import NUMBER, OTHER, PATIENT

from core.values.demographics import Name, Patient

LOADED: Final = (
    PATIENT,
    Patient(
        OTHER,
        serial_change_number=3,
        gender="1",
        birth_time="19330101",
        names=(Name(given=("Nova",), family="Neuling", object_id="n1"),),
    ),
)
"""Who is there from the start."""


def _entry(use: str, said: object, start: str | None, object_id: str) -> dict[str, Any]:
    wrote = {"by": None, "since": None, "gone": None}
    return {"use": use, "said": said, "from": start, "until": None, "id": object_id, **wrote}


def people() -> People:
    """Give those who are there from the start, as the model has them."""
    one, other = remembered.blank(7), remembered.blank(3)
    one["singles"] = {"gender": "2", "birth": "19500203"}
    one["consents"] = {"4": ("5", None, None)}
    home = (("1 MILL LANE",), "LS1 1AA", None, None)
    nobody = (None, None, None)
    kin = ("01", None, (None, (), "CARTER", None), None, (), nobody, None, None, None, None)
    one["items"] = {
        "names": [_entry("L", (None, ("EDITH",), "CARTER", None), "19500203", "n1")],
        "addresses": [_entry("H", home, "2005", "a1")],
        "telecoms": [_entry("H", "tel:01632960001", "20100101", "t1")],
        "provisions": [
            _entry("1", "A99001", "20050101", "g1"),
            _entry("P1", "FA123", None, "p1"),
        ],
        "related": [_entry("personal", kin, None, "r1")],
    }
    other["singles"] = {"gender": "1", "birth": "19330101"}
    name = (None, ("Nova",), "Neuling", None)
    other["items"]["names"] = [_entry("L", name, None, "n1")]
    return {NUMBER: one, OTHER: other}
