"""Many writers give out numbers from one store and are killed meanwhile: none is given twice.

`make allocate N=1000000`, and a shorter run in the suite. Writers are processes; each works off
messages in turn and says what it gave once it stands. A writer is killed (-9) every so often; a new
one takes its messages up again from a little before the last one that was heard of, as a hub that
does not know how far it came. Once all writers are killed at one moment, as by a power cut.

Each life of a writer has a name of its own and says of each number whether it took it or found it
given. So it is seen whose each range was, and that nobody else ever gave a number of it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from core.context import system_context
from core.demographics.claiming import Claims
from core.demographics.creation import CREATIONS, NOT_YET, AllocateNumber, Creating, allocate
from core.demographics.numbers import RANGE, RANGES, Numbers, Span
from core.demographics.records import PATIENTS, Policy
from core.demographics.updates import Changing
from core.errors import StoreError
from core.store.port import Store
from core.store.sqlite import SqliteStore
from core.values.demographics import Name, Patient
from core.values.identity import is_nhs_number

POOL: Final = (Span(0, 999_999_999),)
"""More numbers than the 999 range has, so that a million fit whatever is abandoned."""

WRITERS: Final = 4
BUSY_SECONDS: Final = 120.0
"""Writers do nothing but write: on a busy machine one waits long for its turn."""

AGAIN: Final = 3
"""Messages that a new writer does once more."""

ASKS: Final = "990000000001"
"""The system that asks."""

TOOK, FOUND = "took", "found"
"""What a writer says of a number: that it took it, or found its message done."""


def somebody(message: int) -> Patient:
    """Give a person of whom few others have the name, so that no index entry grows with the run."""
    return Patient(
        nhs_number=NOT_YET,
        gender="9",
        birth_time="20140219",
        names=(Name(family=f"TEST{message}"),),
    )


def _decided(store: Store, creating: Creating, command: AllocateNumber) -> tuple[str, str]:
    """Give whether a number was taken or found, and the number.

    Where the store decided nothing (a machine that stood still for minutes), the message is done
    again, as a hub does it.
    """
    while True:
        with contextlib.suppress(StoreError):
            told = TOOK if store.document(CREATIONS, command.message_id) is None else FOUND
            return told, allocate(command, creating).patient.nhs_number


def write(path: Path, life: str, first: int, last: int) -> None:
    """Be a writer: give the messages numbers, and say each once it stands."""
    store, context = SqliteStore(path, busy_seconds=BUSY_SECONDS), system_context()
    changing = Changing(Claims(store, store.apply), context.now(), Policy(), lambda _code: True)
    numbers = Numbers(POOL, writer=life)
    creating = Creating(context.new_id, numbers, changing, store.apply)
    for message in range(first, last):
        key = f"T|{message}"
        told, number = _decided(store, creating, AllocateNumber(key, ASKS, somebody(message)))
        sys.stdout.write(f"{message} {number} {told}\n")
        sys.stdout.flush()
    store.close()


class Run(Struct):
    """What was heard from writers, and what became of them."""

    path: Path
    every: int
    seed: int
    power_cut_at: int
    given: dict[int, set[str]] = field(default_factory=dict)
    takers: dict[int, set[str]] = field(default_factory=dict)
    """Which lives took numbers of a range."""
    living: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    heard: int = 0
    kills: int = 0
    power_cuts: int = 0
    failures: list[str] = field(default_factory=list)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def lane(self, number: int, first: int, last: int) -> None:
        """Have one writer after another work off the messages of a lane."""
        dice = random.Random(f"{self.seed}/{number}")  # noqa: S311 - it must be repeatable
        done, life = first, 0
        while done < last:
            start, life = max(first, done - AGAIN), life + 1
            lives = dice.randint(1, 2 * self.every)
            before = done
            done, was_cut = self._life(f"lane{number}life{life}", (start, last), lives)
            if done <= before and lives > AGAIN + 1 and not was_cut:
                self.failures.append(f"the writer of {start} to {last} came no further")
                return
            done = max(done, before)

    def _life(self, life: str, messages: tuple[int, int], lives: int) -> tuple[int, bool]:
        """Let a writer live for so many messages; give the first that was not heard of.

        And whether the power was cut.
        """
        start, last = messages
        command = [sys.executable, __file__, "--write", str(self.path), life, f"{start}", f"{last}"]
        done = start
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            with self.one_at_a_time:
                self.living[life] = writer
            assert writer.stdout is not None
            for line in writer.stdout:
                # A writer that was killed may have said half a line.
                with contextlib.suppress(ValueError):
                    done = self._hear(life, line)
                if done - start == lives and done < last:
                    writer.kill()
        with self.one_at_a_time:
            was_cut = self.living.pop(life, None) is None
        if writer.returncode not in {0, -signal.SIGKILL}:
            self.failures.append(f"a writer ended with {writer.returncode}")
        self.kills += writer.returncode == -signal.SIGKILL
        return done, was_cut

    def _hear(self, life: str, line: str) -> int:
        message, number, told = line.split()
        if len(number) != 10 or told not in {TOOK, FOUND}:
            raise ValueError(line)
        with self.one_at_a_time:
            self.given.setdefault(int(message), set()).add(number)
            self.heard += 1
            if told == TOOK:
                self.takers.setdefault(int(number[:9]) // RANGE, set()).add(life)
            if self.heard == self.power_cut_at:
                self._cut_power()
        return int(message) + 1

    def _cut_power(self) -> None:
        """Kill every writer at one moment."""
        for writer in self.living.values():
            writer.kill()
        self.living.clear()
        self.power_cuts += 1


class Verdict(Struct, frozen=True):
    """What a run showed.

    `twice` counts numbers that two messages were given; `shared` ranges of which two lives took
    numbers, or another than the one that claimed it; `missing` messages without a record of their
    own, and records of no message.
    """

    allocated: int
    again: int
    kills: int
    power_cuts: int
    ranges: int
    abandoned: int
    twice: int
    shared: int
    changed: int
    missing: int
    wrong: int
    failures: tuple[str, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether each message has one number, each number one message and one record."""
        return not (
            self.twice or self.shared or self.changed or self.missing or self.wrong or self.failures
        )

    def __str__(self) -> str:
        words = [
            f"allocated {self.allocated}",
            f"twice={self.twice}",
            f"done again {self.again} (another number: {self.changed})",
            f"writers killed {self.kills}, all at once {self.power_cuts}",
            f"ranges {self.ranges}, with numbers abandoned {self.abandoned}",
            f"ranges of two writers {self.shared}",
            f"without a record {self.missing}, not valid {self.wrong}",
            f"{self.seconds:.0f} s",
            *self.failures,
        ]
        return "; ".join(words)


def run(folder: Path, count: int, *, every: int = 600, seed: int = 2014) -> Verdict:
    """Give `count` messages numbers with writers that are killed, and judge what stands."""
    path, started = folder / "allocating.db", time.monotonic()
    SqliteStore(path).close()
    told = Run(path, every, seed, power_cut_at=count // 2)
    edges = [count * lane // WRITERS for lane in range(WRITERS + 1)]
    lanes = [
        threading.Thread(target=told.lane, args=(number, first, last))
        for number, (first, last) in enumerate(itertools.pairwise(edges))
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    return judged(told, count, time.monotonic() - started)


def judged(told: Run, count: int, seconds: float) -> Verdict:
    """Hold what writers said against each other and against the store."""
    store = SqliteStore(told.path)
    owners = Counter(number for numbers in told.given.values() for number in numbers)
    standing = set(store.keys(PATIENTS))
    claimed = {int(key): _claimant(store, key) for key in store.keys(RANGES)}
    used = Counter(int(number[:9]) // RANGE for number in standing)
    missing = count - len(told.given) + len(standing ^ set(owners)) + _not_own(store, told.given)
    store.close()
    return Verdict(
        allocated=len(told.given),
        again=told.heard - len(told.given),
        kills=told.kills,
        power_cuts=told.power_cuts,
        ranges=len(claimed),
        abandoned=sum(1 for one in claimed if used[one] < _valid(one)),
        twice=sum(1 for number in owners.values() if number > 1),
        shared=sum(lives != {claimed.get(one)} for one, lives in told.takers.items()),
        changed=sum(1 for numbers in told.given.values() if len(numbers) > 1),
        missing=missing,
        wrong=sum(1 for number in owners if not is_nhs_number(number))
        + sum(1 for number in standing if int(number[:9]) // RANGE not in claimed),
        failures=tuple(told.failures),
        seconds=seconds,
    )


def _claimant(store: Store, key: str) -> str | None:
    """Give the life that claimed a range."""
    value = store.document(RANGES, key)
    return None if value is None else str(json.loads(value)["writer"])


def _not_own(store: Store, given: dict[int, set[str]]) -> int:
    """Count the numbers under which another person stands than the one that was given it."""
    return sum(
        record is None or record.names[0].family != somebody(message).names[0].family
        for message, numbers in given.items()
        for record in (store.read(PATIENTS, number) for number in numbers)
    )


def _valid(one: int) -> int:
    from core.demographics.numbers import _numbers  # noqa: PLC0415 - the one thing asked of it

    return sum(1 for _ in _numbers(Span(one * RANGE, one * RANGE + RANGE - 1)))


def main() -> int:
    """Run from the command line; 1 where a number was given twice or anything else is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2014)
    parser.add_argument("--write", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        path, life, first, last = asked.write
        write(Path(path), life, int(first), int(last))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        verdict = run(
            Path(folder), asked.count, every=max(600, asked.count // 100), seed=asked.seed
        )
    print(verdict)  # noqa: T201 - it is what was asked for
    return 0 if verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
