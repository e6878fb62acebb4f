"""Which node is asked next: a dead one is left out for a while, then tried by one caller."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from msgspec import Struct

Address = tuple[str, int]

FIRST_REST: Final = 0.25
"""Seconds for which a node is left out after its first failure; doubled by each further one."""

LONGEST_REST: Final = 10.0


class Node(Struct, eq=False):
    """A node, how often and when it failed since it answered, until when it is left out."""

    address: Address
    failures: int = 0
    failed_at: float = 0.0
    rests_until: float = 0.0


class Nodes(Struct, frozen=True):
    """The nodes of a cluster; the clock is monotonic seconds, `chance` gives 0 up to 1."""

    clock: Callable[[], float]
    chance: Callable[[], float]
    every: tuple[Node, ...]

    def choose(self, tried: Collection[Node]) -> Node:
        """Give a node that has not been tried for this operation, one that answers if there is.

        A node whose rest is over is given to one caller, who finds out for all whether it is back.
        """
        now = self.clock()
        fresh = [node for node in self.every if node not in tried] or list(self.every)
        awake = [node for node in fresh if node.rests_until <= now]
        if not awake:
            return min(fresh, key=lambda node: node.rests_until)
        chosen = awake[int(self.chance() * len(awake))]
        if chosen.failures:
            chosen.rests_until = now + self._rest(chosen)
        return chosen

    def failed(self, node: Node, *, begun: float) -> None:
        """Leave a node out for a while, longer each time in a row.

        `begun` is when it was asked: many whom one failure met at once count as one.
        """
        if node.failures and begun < node.failed_at:
            return
        node.failures += 1
        node.failed_at = self.clock()
        node.rests_until = node.failed_at + self._rest(node)

    def answered(self, node: Node) -> None:
        """Take a node back."""
        if node.failures:
            node.failures = 0
            node.rests_until = 0.0

    def _rest(self, node: Node) -> float:
        longest = min(FIRST_REST * 2.0 ** min(node.failures - 1, 10), LONGEST_REST)
        return longest * (1 + self.chance()) / 2
