"""Replays a recording against ourselves: the same bytes in, at the same times, and what goes out.

The clock stands still unless the case moves it, ids are the case's own, and the network is the
recorded answers of those to whom the hub posts. After each request the hub's work is done until
nothing is due, so a replay compares exactly.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from adapters.courier import Courier, HttpReply, Unreachable
from adapters.ourselves import Ourselves
from core.audit import Audit
from core.context import Context
from core.directory import (
    Directory,
    Party,
    System,
    list_contracts,
    list_entries,
    list_organisations,
)
from core.door import Core
from core.messaging.keeping import iso
from core.messaging.records import MESSAGES
from core.messaging.schedule import ALL_PARTS, Limits, Schedule
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from core.values.messaging import Content
from facade import posting
from facade.config import NATIONAL_HUB
from facade.metrics import Metrics
from facade.web import Application
from facade.wiring import Spine
from legacy_contracts import registry
from operations import listing, loading, recordings
from operations.listing import Listing
from operations.recordings import Case

LIMIT_BYTES: Final = 5_000_000

Reply = Callable[[Path, bytes], bytes | None]
"""Gives what a receiver answers to a post, and where that is recorded; None where it is not."""

Sent = tuple[Path, bytes | None]
"""What goes out, and the file that records it; None for a recorded file that is not sent at all."""

_SENDER: Final = "recording.certificate_name"
_SILENT: Final = HttpReply(200, b"")


def recorded(path: Path, _posted: bytes) -> bytes | None:
    """Give a receiver's answer as it was recorded."""
    return path.read_bytes() if path.is_file() else None


def replay(case: Case, reply: Reply = recorded) -> Iterator[Sent]:
    """Give what goes out in a case: the answer to each request, and what the hub posts.

    Raises ValueError where the case does not fit together.
    """
    conversation = _Conversation(case, reply)
    while True:
        sent = conversation.go_on()
        yield from sent
        if not sent:
            break
    conversation.require_end()
    stale = set(case.recorded) - conversation.sent
    yield from ((path, None) for path in sorted(stale))


@dataclass(slots=True)
class _Conversation:
    """A case on its way: what the time is, which step comes next."""

    case: Case
    reply: Reply
    next: int = 1
    now: datetime = field(init=False)
    moved: int = 0
    asked: int = 0
    sent: set[Path] = field(default_factory=set)
    posts: list[Sent] = field(default_factory=list)
    application: Application = field(init=False)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.case.now
        store = MemoryStore()
        _fill(store, self.case)
        context = Context(now=lambda: self.now, new_id=self._new_id)
        audit = Audit(store, writer="replay", now=lambda: iso(self.now))
        directory = Directory(store, lambda: 0.0)
        core = Core(store=store, context=context, directory=directory, audit=audit)
        us = Ourselves(core, context, PartyKey(NATIONAL_HUB))
        self.courier = Courier(us, self._post, "replay")
        self.application = Application(
            Spine(core, store, context, audit, us),
            Metrics(),
            limit_bytes=LIMIT_BYTES,
            names_of=lambda environ: (environ[_SENDER],),
        )

    def go_on(self) -> list[Sent]:
        """Give what the next step leads to: a request that comes in, or time that passes."""
        advanced = self._advance()
        came = self.case.incoming(self.next)
        message = came.read_bytes() if came.is_file() else b""
        sent: list[Sent] = []
        if recordings.is_request(message):
            name = self.case.step(self.next).certificate_name
            sender = name or self.case.caller.certificate_name
            answer = _answer(self.application, message, sender)
            sent.append((self.case.outgoing(self.next + 1), answer))
            self.next += 2
        elif not advanced:
            return []
        sent += self._work()
        self.sent.update(path for path, _ in sent)
        self._require_ids()
        return sent

    def require_end(self) -> None:
        """Raise ValueError where something that came in was not reached."""
        left = [
            one.name
            for one in sorted(self.case.folder.glob("*-in.http"))
            if recordings.number_of(one) >= self.next
        ]
        if left:
            raise ValueError(f"{self.case.folder}: nothing leads to {left[0]}: number it anew")

    def _advance(self) -> bool:
        """Let the time before this step pass, once; say whether any did."""
        seconds = self.case.step(self.next).advance
        if not seconds or self.moved >= self.next:
            return False
        self.now += timedelta(seconds=seconds)
        self.moved = self.next
        return True

    def _work(self) -> list[Sent]:
        """Do the hub's work until nothing is due, and give what it posted."""
        self.posts = []
        while _pass(self.courier, self.now):
            pass
        return self.posts

    def _post(self, endpoint: str, content: Content) -> HttpReply:
        posted = posting.head(endpoint, content) + content.body
        self.posts.append((self.case.outgoing(self.next), posted))
        answer = self.reply(self.case.incoming(self.next + 1), posted)
        if answer is None or recordings.is_request(answer):
            self.next += 1
            return _SILENT
        self.next += 2
        try:
            return posting.read_reply(cast("io.RawIOBase", io.BytesIO(answer)))
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error

    def _new_id(self) -> str:
        self.asked += 1
        return self.case.ids[min(self.asked, len(self.case.ids)) - 1]

    def _require_ids(self) -> None:
        if self.asked > len(self.case.ids):
            raise ValueError(f"{self.case.folder}: {self.asked} ids are asked for: give as many")


def _pass(courier: Courier, now: datetime) -> bool:
    """Try what is due, each message once, and say whether there was anything to do.

    What was taken in first is tried first: which lane's turn it is says nothing to a reader.
    """
    store = courier.us.core.store
    schedule = Schedule(Limits(), lambda: 0.0)
    schedule.refill(store, ALL_PARTS, now)
    due = set(iter(schedule.take, None))
    tried = [courier.attempt(key) for key in store.keys(MESSAGES) if key in due]
    return any(one is not None for one in tried)


def _fill(store: Store, case: Case) -> None:
    """Write what a case needs into a store: who may ask, and the records."""
    listed = _everything(case) if case.directory is None else listing.read(case.directory)
    imported = {"at": "", "import_id": "recording"}
    list_organisations(store, listed.organisations, **imported)
    list_contracts(store, listed.contracts, **imported)
    list_entries(store, listed.parties, listed.systems, **imported)
    patients = recordings.records(case.records)
    loading.load(store, patients, source="recording", at="", progress=lambda _count: None)


def _everything(case: Case) -> Listing:
    """Give the directory of a case that names none: its caller, who may do everything."""
    party = Party(PartyKey(case.caller.party_key), "Recorded", (case.caller.certificate_name,))
    system = System(Asid(case.caller.asid), party.party_key, "Recorded", registry.IDS)
    return Listing((party,), (system,))


def _answer(application: Application, request: bytes, sender: str) -> bytes:
    """Give the whole HTTP answer to a request."""
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
        _SENDER: sender,
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
