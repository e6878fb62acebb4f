"""What every part of the bench shares: where it works, what a load costs, the rows it ends in."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins

from core import directory
from core.context import Context, system_context
from core.directory import Party
from core.messaging.keeping import iso
from core.store.port import Store
from operations import listing, sending
from operations.bench.load import Tally, Target
from operations.bench.served import Watched
from operations.listing import Listing


class Row(Struct, frozen=True):
    """One measurement: what, how much, and the target it met or missed, where it has one."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


class Report(Struct):
    """What was measured."""

    rows: list[Row] = field(default_factory=list)

    def least(self, what: str, value: float, unit: str, target: float) -> None:
        """Note a value that should be at least so much."""
        self.rows.append(Row(what, value, unit, f">= {target:g}", value >= target))

    def most(self, what: str, value: float, unit: str, target: float) -> None:
        """Note a value that should be at most so much."""
        self.rows.append(Row(what, value, unit, f"<= {target:g}", value <= target))

    def note(self, what: str, value: float, unit: str) -> None:
        """Note a value without a target."""
        self.rows.append(Row(what, value, unit))

    def table(self) -> str:
        """Give the rows for people."""
        lines = [f"{'':56} {'measured':>12}  {'unit':16} {'target':>10}"]
        for row in self.rows:
            verdict = {True: "met", False: "MISSED", None: ""}[row.met]
            lines.append(
                f"{row.what:56} {row.value:12.3f}  {row.unit:16} {row.target:>10}  {verdict}"
            )
        return "\n".join(lines)

    def json(self) -> str:
        """Give the rows for machines."""
        return json.dumps([to_builtins(row) for row in self.rows], indent=1)


class Bench(Struct, frozen=True):
    """What the measurements share: the folder, the clock and ids, who hears how far it is."""

    config: Path
    context: Context
    say: Callable[[str], None]

    @property
    def files(self) -> sending.ClientFiles:
        """Give the files of the sample client."""
        tls = self.config.parent / "tls"
        return sending.ClientFiles(tls / "ca.pem", tls / "client.pem", tls / "client.key")

    def target(self, port: int) -> Target:
        """Give where a load goes."""
        return Target("127.0.0.1", port, sending.PATH, self.files)

    def listing(self) -> Listing:
        """Give the directory that was made with the folder."""
        return listing.read(self.config.parent / "directory.toml")


def list_directory(store: Store, listed: Listing, parties: Iterable[Party]) -> None:
    """Write a directory with these parties into a store, after whatever a cluster has already."""
    context = system_context()
    at = {"at": iso(context.now()), "import_id": context.new_id()}
    directory.list_organisations(store, listed.organisations, **at)
    directory.list_contracts(store, listed.contracts, **at)
    directory.list_entries(store, parties, listed.systems, **at)


def measured(report: Report, server: Watched, name: str, load: Callable[[], Tally]) -> Tally:
    """Run one kind of load and note what a message costs."""
    before, cpu = server.metrics(), server.cpu_seconds()
    tally = load()
    after, used = server.metrics(), server.cpu_seconds() - cpu
    count = max(len(tally.seconds), 1)
    report.note(f"{name}: p50", tally.percentile(0.5), "ms")
    report.most(f"{name}: not answered with a success", tally.failed, "requests", 0)
    report.note(f"{name}: server CPU", used / count * 1000, "ms/message")
    report.note(f"{name}: peak memory of a process", server.memory()[1], "MiB")
    for key in sorted(after):
        gained = after[key] - before.get(key, 0.0)
        if key[0] == "spine_stage_seconds" and gained:
            report.note(f"{name}: {_label(key[1])}", gained / count * 1000, "ms/message")
        elif key[0] == "spine_store_operations" and gained:
            report.note(f"{name}: {_label(key[1])}", gained / count, "ops/message")
    return tally


def _label(labels: str) -> str:
    return " ".join(part.partition("=")[2].strip('"') for part in sorted(labels.split(",")))


def free_ports() -> tuple[int, int]:
    """Give two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports: tuple[Any, Any] = (one.getsockname()[1], two.getsockname()[1])
    return ports
