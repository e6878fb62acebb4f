"""Scripts of recordings: what comes in, how receivers answer, and writing both into a case.

A script is what comes in and how receivers answer. Which number a file has depends on what the hub
posts in between, so a script is replayed as far as it is written, and goes on from there.
"""

from __future__ import annotations

import itertools
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from unittest import mock

from ebxml_messages import INTERMEDIARY, Message
from ebxml_signals import SIGNAL_ACTION, SIGNALS, acknowledgment, header_of
from http_sender import HttpAnswer
from hub_messages import BETWEEN_PARTIES
from msgspec import Struct, field
from msgspec.structs import replace
from receiving import Behave, Got, acknowledge
from recording_cases import changed

from operations import recordings, replaying
from operations.recordings import Step
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings"
NAMED: Final = {200: "OK", 202: "Accepted", 500: "Internal Server Error"}
OTHER: Final = "other.spine.test"
THIRD: Final = "third.spine.test"
THIRD_PARTY: Final = "T77777-9900003"
FOURTH: Final = "fourth.spine.test"
LESS_ALLOWED_ASID: Final = "990000000007"
"""Who speaks beside the sample practice, as fixtures/directories/practices.toml lists them."""

IDS: Final = tuple(f"5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B{number:02X}" for number in range(10, 26))


class Comes(Struct, frozen=True):
    """A request: whole, or made of what went out last; after a while, by whom."""

    request: bytes | Callable[[bytes], bytes]
    by: str | None = None
    after: float = 0.0


class Passes(Struct, frozen=True):
    """Time in which nothing comes in."""

    seconds: float


class Script(Struct, frozen=True):
    """What happens in a case, and how those behave to whom the hub posts."""

    events: tuple[Comes | Passes, ...]
    behave: Behave = acknowledge


Made = Callable[[], Script]


def posted(message: Message, *, path: str | None = None, by: str | None = None) -> Comes:
    """Give a message that comes in."""
    return Comes(raw(message.bytes(), *message.headers, path=path or message.path), by)


def signalled(body: bytes, *, by: str, after: float = 0.0) -> Comes:
    """Give a signal that a receiver posts (transport.md 1.11)."""
    return Comes(_signal(body), by, after)


def _signal(body: bytes) -> bytes:
    action = SIGNAL_ACTION + header_of(body).action
    return raw(body, ("SOAPAction", action), ("Content-Type", "text/xml"))


def raw(body: bytes, *headers: tuple[str, str], path: str = INTERMEDIARY) -> bytes:
    """Give a whole POST."""
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: spine.example",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def acknowledging(sent: bytes) -> bytes:
    """Give the acknowledgment, posted later, of what went out last."""
    return _signal(acknowledgment(header_of(sent.partition(b"\r\n\r\n")[2])))


def fetched(location: bytes) -> bytes:
    """Give the request for the answer whose address went out last."""
    lines = location.decode("latin-1").split("\r\n")
    place = next(line.partition(": ")[2] for line in lines if line.startswith("Content-Location"))
    return f"GET {place} HTTP/1.1\r\nHost: spine.example\r\n\r\n".encode()


def once(message: Callable[[], Message]) -> Made:
    """Give a script in which one message comes in and every receiver acknowledges."""
    return lambda: Script((posted(message()),))


def wrong(make: Callable[[], Message], **changes: object) -> Made:
    """Give a script of one message with something else in its header."""
    return once(lambda: replace(make(), **changes))  # type: ignore[arg-type]


def spoilt(make: Callable[[], Message], pattern: str, new: str) -> Made:
    """Give a script of one message whose payload is wrong."""

    def message() -> Message:
        made = make()
        return replace(made, payload=changed(pattern, new)(made.payload))

    return once(message)


def to_other(message: Message) -> Message:
    """Give an answer under the contract of the other practice: its maker knows one way back."""
    return replace(message, cpa_id=BETWEEN_PARTIES.cpa_id)


def twice(make: Callable[[], Message], after: float = 10.0) -> Made:
    """Give a script of one message that is sent again."""

    def script() -> Script:
        came = posted(make())
        return Script((came, replace(came, after=after)))

    return script


def sent_by(make: Callable[[], Message], name: str) -> Made:
    """Give a script of one message that comes under a certificate."""
    return lambda: Script((posted(make(), by=name),))


def write(place: str, script: Made) -> int:
    """Write what comes in of a case and what it needs, and give how many files that are."""
    folder = FOLDER / place
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with mock.patch.object(uuid, "uuid4", _counted(place)):
        made = script()
        writer = _Writer(folder, made.behave)
        for event in made.events:
            writer.add(event)
    return len(list(folder.iterdir()))


def _counted(place: str) -> Callable[[], uuid.UUID]:
    """Give what makes the same ids for a case whenever it is written."""
    numbers = itertools.count()
    return lambda: uuid.uuid5(uuid.NAMESPACE_URL, f"{place}#{next(numbers)}")


class _Writer(Struct):
    folder: Path
    behave: Behave
    next: int = 1
    last: bytes = b""
    steps: dict[int, Step] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def add(self, event: Comes | Passes) -> None:
        """Write an event, and how receivers answer to what it leads to."""
        if isinstance(event, Passes):
            self.steps[self.next] = Step(event.seconds)
        else:
            made = event.request if isinstance(event.request, bytes) else event.request(self.last)
            (self.folder / f"{self.next:02d}-in.http").write_bytes(made)
            if event.after or event.by:
                self.steps[self.next] = Step(event.after, event.by)
        (self.folder / "case.toml").write_text(_case(self.folder, self.steps), encoding="utf-8")
        for path, sent in replaying.replay(recordings.read(self.folder), self._answered):
            assert sent is not None
            self.last = sent
            self.next = max(self.next, recordings.number_of(path) + 1)
        for path in self.folder.glob("*-in.http"):
            self.next = max(self.next, recordings.number_of(path) + 1)

    def _answered(self, path: Path, sent: bytes) -> bytes | None:
        """Give how a receiver answers, and write that, unless it is written already."""
        if path.is_file() or recordings.number_of(path) <= self.next:
            return replaying.recorded(path, sent)
        got = self._got(sent)
        if header_of(got.body).service == SIGNALS:
            # A signal is answered with nothing (transport.md 1.11).
            return None
        answer = self.behave(got).answer
        path.write_bytes(b"" if answer is None else _http(answer))
        return replaying.recorded(path, sent)

    def _got(self, sent: bytes) -> Got:
        head, _, body = sent.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple((line.partition(": ")[0], line.partition(": ")[2]) for line in lines)
        message_id = header_of(body).message_id
        self.seen[message_id] += 1
        method, path, _ = first.split(" ")
        nth = self.seen[message_id]
        return Got(method, path, headers, body, 0.0, message_id, nth, 1, ())


def _http(answer: HttpAnswer) -> bytes:
    lines = (
        f"HTTP/1.1 {answer.status} {NAMED[answer.status]}",
        *(f"{name}: {value}" for name, value in answer.headers),
        f"Content-Length: {len(answer.body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + answer.body


def _case(folder: Path, steps: Mapping[int, Step]) -> str:
    up = "../" * (len(folder.relative_to(FOLDER).parts) + 1)
    ids = "".join(f'    "{one}",\n' for one in IDS)
    said = f"""\
source = "synthetic"
now = "2014-08-25T09:30:00Z"
ids = [
{ids}]
records = "{up}records/people.toml"
directory = "{up}directories/practices.toml"
compare = "exact"

[caller]
certificate_name = "{SAMPLE_CLIENT}"
party_key = "{SAMPLE_PARTY}"
asid = "{SAMPLE_ASID}"
"""
    return said + "".join(_step(number, step) for number, step in sorted(steps.items()))


def _step(number: int, step: Step) -> str:
    advance = f"advance = {step.advance:g}\n" if step.advance else ""
    name = step.certificate_name
    return f"\n[step.{number:02d}]\n{advance}" + (f'certificate_name = "{name}"\n' if name else "")
