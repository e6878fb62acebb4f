"""How connections are spread over the processes that answer: whoever has fewest takes the next.

The system gives a connection to whichever process asks first, and a few that come together may all
go to one, which then has most of the work of a few clients that stay, on one core.
"""

from __future__ import annotations

import mmap
from typing import Final

_PLACES: Final = 64
_BYTES: Final = 8


class Spread:
    """How many connections each process has, in memory that all of them share, made before them.

    More processes than places are not spread: what they have is not counted.
    """

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, _PLACES * _BYTES)).cast("q")

    def begin(self, place: int) -> None:
        """Count for a process that is made: nothing yet, whatever was there before it."""
        self._put(place, 1)

    def tell(self, place: int, connections: int) -> None:
        """Say how many connections a process has."""
        self._put(place, connections + 1)

    def is_ahead(self, place: int) -> bool:
        """Say whether a process has more connections than another."""
        if place >= _PLACES:
            return False
        # Nought is where no process is.
        return any(0 < count < self._counts[place] for count in self._counts)

    def end(self, place: int) -> None:
        """Count no more for a process that is gone."""
        self._put(place, 0)

    def _put(self, place: int, count: int) -> None:
        if place < _PLACES:
            self._counts[place] = count
