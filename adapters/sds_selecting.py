"""Which attributes of an entry a search shows (RFC 4511 4.5.1.8), spelt as the schema spells them.

A client names attributes in any case, by an alias or an OID; it is answered in the schema's own
spelling, as slapd answers.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from legacy_contracts.sds import matching, schema
from legacy_contracts.sds.entry import Attributes, Entry

SUBSCHEMA: Final = "cn=Subschema"

_ALL_USER: Final = "*"
_ALL_OPERATIONAL: Final = "+"
_NONE: Final = "1.1"


class Selection(Struct, frozen=True):
    """What is shown: all of either kind, or what stands under some names, in lower case."""

    user: bool
    operational: bool
    names: frozenset[str]
    types_only: bool = False

    def shows(self, name: str, *, operational: bool = False) -> bool:
        """Say whether an attribute is shown."""
        return (self.operational if operational else self.user) or name.lower() in self.names


def selection(attributes: tuple[str, ...], *, types_only: bool = False) -> Selection:
    """Give what a search's list of attributes selects; an empty one all but the operational."""
    names: set[str] = set()
    for asked in attributes:
        if asked.startswith("@"):
            # All attributes of a class (RFC 4529).
            names |= schema.bounds((asked[1:],))[1]
        elif matching.attribute_of(asked) is None:
            names.add(asked.lower())
        else:
            names |= matching.spelt(asked)
    every = not attributes or _ALL_USER in attributes
    names -= {_ALL_USER, _ALL_OPERATIONAL, _NONE}
    return Selection(every, _ALL_OPERATIONAL in attributes, frozenset(names), types_only)


def shown(entry: Entry, selected: Selection) -> Attributes:
    """Give what is shown of an entry of the table."""
    return chosen(entry.attributes, operational_of(entry), selected)


def chosen(user: Attributes, operational: Attributes, selected: Selection) -> Attributes:
    """Give the attributes that are selected; no values where types only are asked for."""
    found = [one for one in user if selected.shows(one[0])]
    found += [one for one in operational if selected.shows(one[0], operational=True)]
    return tuple((_spelling(name), () if selected.types_only else values) for name, values in found)


def operational_of(entry: Entry) -> Attributes:
    """Give what the server itself says of an entry (RFC 4512 3.4, RFC 5020)."""
    classes = entry.values("objectClass")
    structural = classes[-1:] if classes else ()
    return (
        ("structuralObjectClass", structural),
        ("entryDN", (entry.dn,)),
        ("subschemaSubentry", (SUBSCHEMA,)),
    )


def _spelling(name: str) -> str:
    known = matching.attribute_of(name)
    return known.name if known else name
