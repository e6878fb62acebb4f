"""The threads that do requests outlive whatever a request ends in."""

from __future__ import annotations

import queue
import threading

import pytest

from facade.threads import Threads


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_thread_goes_on_after_a_request_that_ends_in_an_error(
    error: type[BaseException],
) -> None:
    done: queue.SimpleQueue[str] = queue.SimpleQueue()

    def act(conn: object) -> None:
        done.put(threading.current_thread().name)
        raise error(conn)

    threads = Threads(2, act)
    conn = object()
    for _ in range(6):
        threads.put(conn)
    assert {done.get(timeout=5) for _ in range(6)} <= {"request-0", "request-1"}
    threads.shutdown(wait=True)
    assert done.empty()
