"""Recordings: a conversation as it went over the wire, kept as the bytes of its HTTP messages.

A case is a folder: `01-in.http`, `02-out.http`, ... are whole HTTP messages, byte for byte, named
as seen from the Spine. After the answer to a request comes what the hub posts, and after each post
the receiver's answer: an `-in.http` that opens as an HTTP answer; one that is empty is a connection
closed without a word; where there is none, the receiver answers 200 and says nothing.

`case.toml` says where the conversation comes from and what it needs: the clock, the ids, the
records, who sends; for what is not between one sender and us, a directory. `[step.NN]` says what is
particular about one step: `advance`, the seconds that pass before it, and the `certificate_name` of
its sender. `operations/replaying.py` replays it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from core.values.demographics import Patient
from operations import patient_files

_ANSWER: Final = b"HTTP/"


class Caller(Struct, frozen=True):
    """Who sends: the name in its certificate, its party, its system."""

    certificate_name: str
    party_key: str
    asid: str


class Step(Struct, frozen=True):
    """What is particular about a step: how long nothing happens before it, who sends it."""

    advance: float = 0.0
    certificate_name: str | None = None


class Case(Struct, frozen=True):
    """One recorded conversation and what it needs to be replayed."""

    folder: Path
    source: str
    now: datetime
    ids: tuple[str, ...]
    records: Path
    caller: Caller
    directory: Path | None = None
    steps: Mapping[int, Step] = field(default_factory=dict)

    @property
    def requests(self) -> tuple[Path, ...]:
        """The requests that came in, in order."""
        return tuple(
            one for one in sorted(self.folder.glob("*-in.http")) if is_request(one.read_bytes())
        )

    @property
    def recorded(self) -> tuple[Path, ...]:
        """What went out, in order."""
        return tuple(sorted(self.folder.glob("*-out.http")))

    def step(self, number: int) -> Step:
        """Give what is particular about a step."""
        return self.steps.get(number, Step())

    def incoming(self, number: int) -> Path:
        """Give where what comes in as a step is recorded."""
        return self.folder / f"{number:02d}-in.http"

    def outgoing(self, number: int) -> Path:
        """Give where what goes out as a step is recorded."""
        return self.folder / f"{number:02d}-out.http"

    def answer_to(self, request: Path) -> Path:
        """Give where the answer to a request is recorded."""
        return self.outgoing(number_of(request) + 1)


def number_of(file: Path) -> int:
    """Give which step a file records."""
    return int(file.name[:2])


def is_request(message: bytes) -> bool:
    """Say whether what came in asks for something; else it is what a receiver answered."""
    return bool(message) and not message.startswith(_ANSWER)


def cases(folder: Path) -> tuple[Case, ...]:
    """Give every case below a folder, ordered by name."""
    return tuple(read(found.parent) for found in sorted(folder.rglob("case.toml")))


def read(folder: Path) -> Case:
    """Give the case in a folder; raises KeyError or ValueError naming what is wrong with it."""
    said = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    return Case(
        folder=folder,
        source=said["source"],
        now=datetime.fromisoformat(said["now"]).astimezone(UTC),
        ids=tuple(said["ids"]),
        records=(folder / said["records"]).resolve(),
        caller=Caller(**said["caller"]),
        directory=(folder / said["directory"]).resolve() if "directory" in said else None,
        steps={int(number): Step(**one) for number, one in said.get("step", {}).items()},
    )


def records(path: Path) -> tuple[Patient, ...]:
    """Give the patients in a TOML file, in the words of core.values.demographics."""
    return patient_files.read(path)
