"""What is counted: messages, their times by stage, store operations, certificates.

Several processes share the counts through files in one folder, which prometheus-client must be
told of before it is imported: `start` does both.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = "spine-metrics-"
_MEMORY: Final = "/dev/shm"  # noqa: S108 - mkdtemp makes a folder of our own in it
"""Kept off the disk where that can be: a page of a mapped file that finds the disk full kills."""


def share_folder() -> Path:
    """Make the folder that this server's processes share, and name it to the library.

    What servers that were killed have left is removed.
    """
    parent = Path(_MEMORY if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*-*"):
        if not _is_running(left.name.removeprefix(_PREFIX).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    os.environ[_FOLDER] = str(folder)
    return folder


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True


def remove_folder() -> None:
    """Remove that folder once the server ends."""
    shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)


class Metrics:
    """This process's counters."""

    def __init__(self) -> None:
        from prometheus_client import (  # noqa: PLC0415 - see above
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
        )

        own = CollectorRegistry()
        self.messages = Counter(
            "spine_messages",
            "Messages answered",
            ["interaction", "status", "outcome"],
            registry=own,
        )
        self.seconds = Histogram(
            "spine_message_seconds",
            "From the first byte read to the last byte built",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
            registry=own,
        )
        self.stage = Counter("spine_stage_seconds", "Time spent by stage", ["stage"], registry=own)
        operations = Counter(
            "spine_store_operations", "Store operations", ["operation", "bucket"], registry=own
        )
        # To find a counter by its labels costs more than to count: each is found once.
        self._operations = lru_cache(maxsize=None)(operations.labels)
        self._deliveries = Counter(
            "spine_deliveries", "Tries of messages", ["outcome"], registry=own
        )
        self.failures = Counter(
            "spine_failures", "Answers that the store failed", ["kind"], registry=own
        )
        self.certificate = Gauge(
            "spine_certificate_seconds_left",
            "Until the server certificate expires",
            multiprocess_mode="mostrecent",
            registry=own,
        )

    def count_delivery(self, outcome: str) -> None:
        """Count one try of a message."""
        self._deliveries.labels(outcome).inc()

    def count_operation(self, operation: str, bucket: str) -> None:
        """Count one operation of the store."""
        self._operations(operation, bucket).inc()

    def exposed(self) -> bytes:
        """Give all processes' counts in the exposition format."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def forget_process(pid: int) -> None:
    """Drop a dead process's gauges."""
    from prometheus_client import multiprocess  # noqa: PLC0415

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
