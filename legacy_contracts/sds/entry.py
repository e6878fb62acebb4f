"""An entry of the directory: where it stands, and what it says."""

from __future__ import annotations

from msgspec import Struct

Attributes = tuple[tuple[str, tuple[str, ...]], ...]
"""Names as they are spelt, each with its values in order."""


class Entry(Struct, frozen=True):
    """A DN and attributes; `objectClass` is one like others, and names have no case."""

    dn: str
    attributes: Attributes

    def values(self, name: str) -> tuple[str, ...]:
        """Give the values of an attribute, none where the entry does not have it."""
        wanted = name.lower()
        for one, values in self.attributes:
            if one.lower() == wanted:
                return values
        return ()

    def first(self, name: str) -> str:
        """Give the first value of an attribute, an empty text where there is none."""
        values = self.values(name)
        return values[0] if values else ""
