"""Recordings: a conversation as it went over the wire, and replaying it against ourselves.

A case is a folder: `01-in.http`, `02-out.http`, ... are whole HTTP messages, byte for byte, named
as seen from the Spine; `case.toml` says where the conversation comes from and what it needs: the
clock, the ids, the records. The clock and the ids are injected, so a replay compares exactly.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.ourselves import Ourselves
from core.audit import Audit
from core.context import Context
from core.directory import Directory, Party, System, list_entries
from core.door import Core
from core.store.memory import MemoryStore
from core.values.demographics import Patient
from core.values.identity import Asid, PartyKey
from facade.config import NATIONAL_HUB
from facade.metrics import Metrics
from facade.web import Application
from facade.wiring import Spine
from legacy_contracts import registry
from operations import loading

LIMIT_BYTES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends: the name in its certificate, its party, its system."""

    certificate_name: str
    party_key: str
    asid: str


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded conversation and what it needs to be replayed."""

    folder: Path
    source: str
    now: datetime
    ids: tuple[str, ...]
    records: Path
    caller: Caller

    @property
    def requests(self) -> tuple[Path, ...]:
        """The messages that came in, in order."""
        return tuple(sorted(self.folder.glob("*-in.http")))

    def answer_to(self, request: Path) -> Path:
        """Give where the answer to a request is recorded."""
        return self.folder / f"{int(request.name[:2]) + 1:02d}-out.http"


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
    )


def replay(case: Case) -> Iterator[tuple[Path, bytes]]:
    """Give what is answered to each request of a case, with the file that records the answer."""
    application = _application(case)
    for request in case.requests:
        yield case.answer_to(request), _answer(application, request.read_bytes())


def records(path: Path) -> tuple[Patient, ...]:
    """Give the patients in a TOML file, in the words of core.values.demographics."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["patient"]
    return tuple(msgspec.convert(table, Patient) for table in tables)


def _application(case: Case) -> Application:
    store = MemoryStore()
    ids = iter(case.ids)
    context = Context(now=lambda: case.now, new_id=ids.__next__)
    party = Party(PartyKey(case.caller.party_key), "Recorded", (case.caller.certificate_name,))
    everything = tuple(row.interaction_id for row in registry.INTERACTIONS)
    system = System(Asid(case.caller.asid), party.party_key, "Recorded", everything)
    list_entries(store, [party], [system], at="", import_id="recording")
    loading.load(
        store, records(case.records), source="recording", at="", progress=lambda _count: None
    )
    audit = Audit(store, writer="replay", now=case.now.isoformat)
    core = Core(store=store, context=context, directory=Directory(store, lambda: 0.0), audit=audit)
    return Application(
        Spine(core, store, context, audit, Ourselves(core, context, PartyKey(NATIONAL_HUB))),
        Metrics(),
        limit_bytes=LIMIT_BYTES,
        names_of=lambda _environ: (case.caller.certificate_name,),
    )


def _answer(application: Application, request: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ")
    headers = {name.strip().upper(): value.strip() for name, value in _named(lines)}
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": headers.get("CONTENT-TYPE", ""),
        "CONTENT_LENGTH": headers.get("CONTENT-LENGTH", ""),
        "wsgi.input": io.BytesIO(body),
    }
    if "SOAPACTION" in headers:
        environ["HTTP_SOAPACTION"] = headers["SOAPACTION"]
    said: list[Any] = []

    def start_response(*answer: Any) -> None:  # noqa: ANN401 - WSGI's own
        said.extend(answer)

    content = b"".join(application(environ, start_response))
    status, answered = said
    answer_head = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in answered)]
    return "\r\n".join((*answer_head, "", "")).encode("latin-1") + content


def _named(lines: list[str]) -> list[tuple[str, str]]:
    parted = [line.partition(":") for line in lines]
    return [(name, value) for name, _, value in parted]
