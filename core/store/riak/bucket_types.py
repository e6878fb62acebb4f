"""The two bucket types that the store needs, and how an operator makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

RECORDS: Final = "spine_records"
DOCUMENTS: Final = "spine_documents"

PROPERTIES: Final[Mapping[str, Any]] = {"allow_mult": True, "last_write_wins": False, "n_val": 3}
"""What both types must have: every racing write is kept, on three replicas.

Documents are not of a `write_once` type: on 3.2 with leveled a second put replaces the first, and
the index entries are dropped (docs/riak.md).
"""

_REFUSED: Final[Mapping[str, Any]] = {"write_once": False, "consistent": False}


def commands(name: str) -> str:
    """Give what an operator types to make a bucket type."""
    properties = json.dumps({"props": PROPERTIES}, separators=(",", ":"))
    return (
        f"`riak admin bucket-type create {name} '{properties}'` and "
        f"`riak admin bucket-type activate {name}`"
    )


def wrong(name: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Name each property of a bucket type that is not as the store needs it, with the cure."""
    faults = []
    for key, needed in PROPERTIES.items():
        if properties.get(key) != needed:
            update = json.dumps({"props": {key: needed}}, separators=(",", ":"))
            faults.append(
                f"bucket type {name} has {key} = {_spoken(properties.get(key))}: "
                f"`riak admin bucket-type update {name} '{update}'`"
            )
    faults += [
        f"bucket type {name} has {key} = {_spoken(properties[key])}, which cannot be changed: "
        "empty that cluster of it, or name another cluster in store.url"
        for key, needed in _REFUSED.items()
        if properties.get(key, needed) != needed
    ]
    return tuple(faults)


def _spoken(value: object) -> str:
    return json.dumps(value)
