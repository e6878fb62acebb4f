"""Which node is asked next, with a clock and a chance that the test sets."""

from __future__ import annotations

from collections.abc import Callable

from core.store.riak.nodes import FIRST_REST, LONGEST_REST, Node, Nodes


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def nodes_of(count: int, clock: Callable[[], float], chance: float = 0.0) -> Nodes:
    every = tuple(Node((f"host{n}", 8087)) for n in range(count))
    return Nodes(clock, lambda: chance, every)


def test_chance_spreads_the_load_over_the_nodes() -> None:
    assert [
        nodes_of(4, Clock(), chance).choose(()).address[0] for chance in (0.0, 0.3, 0.6, 0.999)
    ] == ["host0", "host1", "host2", "host3"]


def test_a_node_that_was_tried_is_not_asked_twice_in_a_round() -> None:
    nodes = nodes_of(3, Clock())
    tried: list[Node] = []
    for _ in range(3):
        tried.append(nodes.choose(tried))
    assert tried == list(nodes.every)


def test_a_node_that_failed_is_left_out_and_longer_each_time() -> None:
    clock = Clock()
    nodes = nodes_of(2, clock, chance=0.999999)
    failing, other = nodes.every[1], nodes.every[0]
    rests = []
    for _ in range(10):
        nodes.failed(failing, begun=clock.now)
        rests.append(round(failing.rests_until - clock.now, 2))
        assert nodes.choose(()) is other
        clock.now = failing.rests_until
    assert rests[:4] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST, 8 * FIRST_REST]
    assert rests[-1] == LONGEST_REST


def test_many_whom_one_failure_met_at_once_count_as_one() -> None:
    clock = Clock()
    nodes = nodes_of(2, clock)
    begun = clock.now
    for _ in range(8):
        clock.now += 0.01
        nodes.failed(nodes.every[0], begun=begun)
    assert nodes.every[0].failures == 1


def test_a_node_whose_rest_is_over_is_given_to_one_caller_until_it_answers() -> None:
    clock = Clock()
    nodes = nodes_of(2, clock)
    failed, other = nodes.every
    nodes.failed(failed, begun=clock.now)
    clock.now += LONGEST_REST
    assert nodes.choose(()) is failed
    assert nodes.choose(()) is other
    nodes.answered(failed)
    assert nodes.choose(()) is failed
    assert failed.failures == 0


def test_when_every_node_rests_the_one_that_wakes_first_is_asked() -> None:
    clock = Clock()
    nodes = nodes_of(2, clock)
    nodes.failed(nodes.every[1], begun=clock.now)
    clock.now += 0.01
    nodes.failed(nodes.every[0], begun=clock.now)
    assert nodes.choose(()) is nodes.every[1]
    assert nodes.choose([nodes.every[1]]) is nodes.every[0]
