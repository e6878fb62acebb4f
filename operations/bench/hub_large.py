"""What one large message costs in a process of its own: received, then tried; CPU and memory.

Run with a configuration, a kind and a size, it prints one JSON object. Others as large have been
through the process before, so that what each process has once (the store's pages) is there. Memory
and time are of two runs: what was freed shows as free only where large blocks are given back to the
system at once, which costs time that a server does not spend.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from adapters import receiving
from adapters.courier import Courier, HttpReply
from adapters.reading import Sent
from adapters.receiving import Address
from core.context import system_context
from core.directory import ContractProperties
from core.messaging.keeping import key_of
from core.values.messaging import Outcome
from facade import config as configs
from facade import wiring
from facade.wiring import Spine
from legacy_contracts.envelopes import ebxml
from operations import listing
from operations.bench import hub_messages
from operations.bench.hub_messages import Template
from operations.setup import SAMPLE_CLIENT, SECOND_PARTY

ATTACHMENT: Final = "attachment"
RECORD: Final = "record"
_MAKERS: Final = {
    ATTACHMENT: hub_messages.large_attachment,
    RECORD: hub_messages.large_record,
}
_WARMING: Final = 4
_MEASURED: Final = 5
_GIVING_BACK: Final = {"MALLOC_MMAP_THRESHOLD_": "131072"}


class Cost(Struct, frozen=True):
    """What a message cost: milliseconds of CPU, and its memory at most as a multiple of it."""

    receiving: float
    trying: float
    receiving_memory: float
    trying_memory: float


def measure(config: Path, kind: str, size: int) -> Cost:
    """Give what a message of a kind and size costs, in processes made for it."""
    command = [sys.executable, "-m", "operations.bench.hub_large", str(config), kind, str(size)]
    timed, weighed = (
        Cost(**json.loads(subprocess.check_output(command, env={**os.environ, **more})))  # noqa: S603
        for more in ({}, _GIVING_BACK)
    )
    return replace(
        timed,
        receiving_memory=weighed.receiving_memory,
        trying_memory=weighed.trying_memory,
    )


def template_of(kind: str, contracts: tuple[ContractProperties, ...], size: int) -> Template:
    """Give a large message of a kind, to the second practice."""
    contract = next(
        one
        for one in contracts
        if (one.party_key, one.interaction) == (SECOND_PARTY, hub_messages.EXTRACT)
    )
    return _MAKERS[kind](contract, system_context(), size)


class _Step(Struct, frozen=True):
    """What one step cost: milliseconds of CPU, and bytes at its peak."""

    milliseconds: float
    peak: int


def _main(config: Path, kind: str, size: int) -> Cost:
    loaded = configs.load(config)
    made = wiring.spine(loaded, wiring.open_store(loaded), watch=lambda _timing: None)
    contracts = listing.read(config.parent / "directory.toml").contracts
    template = template_of(kind, contracts, size)
    numbers = hub_messages.ids(made.context)
    file = config.parent / "large-message"
    steps: list[tuple[_Step, _Step]] = []
    for _ in range(_WARMING + _MEASURED):
        message_id = next(numbers)
        file.write_bytes(template.under(message_id))
        steps.append(_through(made, template, message_id, file))
    made.core.end()
    made.store.close()
    received, tried = zip(*steps[_WARMING:], strict=True)
    return Cost(
        receiving=statistics.median(one.milliseconds for one in received),
        trying=statistics.median(one.milliseconds for one in tried),
        receiving_memory=max(one.peak for one in received) / size,
        trying_memory=max(one.peak for one in tried) / size,
    )


def _through(made: Spine, template: Template, message_id: str, file: Path) -> tuple[_Step, _Step]:
    """Take a message all the way and give what receiving and trying it cost."""
    signal = ebxml.acknowledgment(
        ebxml.Header(message_id=message_id), message_id=message_id, now="2014-08-25T09:30:00Z"
    )
    courier = Courier(made.ourselves, lambda _endpoint, _content: HttpReply(202, signal), "bench")
    key = key_of(template.envelope.sender, message_id)

    def receive() -> None:
        sent = Sent(file.read_bytes(), template.content.content_type, (SAMPLE_CLIENT,))
        answered = receiving.receive(sent, Address.FORWARD, made.ourselves)
        _require(answered.outcome, "accepted")

    def attempt() -> None:
        tried = courier.attempt(key)
        _require("" if tried is None else tried.outcome, Outcome.DONE)

    return _step(receive), _step(attempt)


def _require(outcome: str, wanted: str) -> None:
    if outcome != wanted:
        raise RuntimeError(f"the large message was {outcome}, not {wanted}")


def _step(act: Callable[[], None]) -> _Step:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident("VmRSS")
    started = time.thread_time()
    act()
    milliseconds = (time.thread_time() - started) * 1000
    return _Step(milliseconds, _resident("VmHWM") - before)


def _resident(what: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{what}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    print(json.dumps(to_builtins(_main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
