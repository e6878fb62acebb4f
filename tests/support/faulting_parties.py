"""The parties of a run with faults: practices that send, resend, and receive as badly as any.

Every practice sends alerts to the hub and messages to the next practice. It sends a message again
until that is acknowledged, and now and then once more. What it receives it takes or not, and
acknowledges at once, later, twice, or not at all: at each delivery the dice say how.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

import receiving
from ebxml_messages import NEXT_MSH, Message, new_id
from ebxml_signals import header_of
from faulting_ledger import Ledger
from http_sender import HttpAnswer, Sender
from hub_messages import alert, ehr_request, forwarded
from mhs import Mhs, PartyFiles, party_files
from msgspec import Struct, field
from msgspec.structs import replace
from receiving import Behave, Behaviour, Got
from wire_requests import SPINE_ASID, SPINE_PARTY
from wrapped_messages import Route

PRACTICES: Final = 8
MOST_BEHIND: Final = 400
"""Senders wait while the hub is so many messages behind, so that what is left can be waited for."""
REPEATED: Final = 0.1
"""How many messages are sent by two at once, or again."""
_HUB_CPA: Final = "S9999999A9911000"
_SIGNAL: Final = "Acknowledgment"
_SECONDS: Final = 5.0
_PATIENCE: Final = 180.0
"""How long a sender tries one message: longer than the hub is ever away."""

_WAYS: Final[tuple[tuple[int, Behave], ...]] = (
    (160, receiving.acknowledge),
    (4, receiving.lose_the_acknowledgment),
    (4, receiving.close),
    (3, receiving.cut_short),
    (3, receiving.fail()),
    (3, receiving.take_in_silence),
    (8, receiving.after(0.3)),
    (8, receiving.acknowledge_later(after=0.2)),
    (3, receiving.acknowledge_later(after=0.1, times=2)),
    (4, receiving.acknowledge_twice),
)
"""How often of 200 a receiver does what."""


class Practice(Struct, frozen=True):
    """A party of a run: its keys and names, which are the run's own, and its certificates."""

    party: str
    asid: str
    name: str
    cpa_id: str
    acknowledgments: str
    files: PartyFiles


def practices(folder: Path, tag: int) -> tuple[Practice, ...]:
    """Give the practices of a run, whose keys no other run has, as far as the tag tells."""
    return tuple(
        Practice(
            party=f"T{tag % 100_000:05d}-{9_910_000 + number}",
            asid=f"99{tag % 100_000:05d}{number:05d}",
            name=f"practice-{number}.{tag}.spine.test",
            cpa_id=f"S9999999A99110{number + 1:02d}",
            # One has its acknowledgments posted back, as many real ones do.
            acknowledgments="posted" if number == 0 else "answered",
            files=party_files(folder, f"practice-{number}.{tag}.spine.test"),
        )
        for number in range(PRACTICES)
    )


_ENTRY: Final = """\
[party.{party}]
name = "{name}"
certificate_names = ["{name}"]
endpoint = "{endpoint}"
acknowledgments = "{acknowledgments}"

[system.{asid}]
name = "{name}"
party = "{party}"
interactions = ["*"]
"""

_CONTRACT: Final = """
[[contract]]
party = "{party}"
service = "urn:nhs:names:services:{service}"
interactions = ["{interaction}"]
cpa_id = "{cpa_id}"
retries = 200
retry_interval = "PT1S"
persist_duration = "PT5M"
"""

_FORWARDED: Final = 'actor = "nextMSH"\nsync_reply = "None"\n'


def directory(receivers: dict[Practice, Mhs]) -> str:
    """Give the directory of a run: tried every second, and not given up while parts are away."""
    hub = f'[party.{SPINE_PARTY}]\nname = "Hub"\ncertificate_names = []\n'
    hub += _CONTRACT.format(
        party=SPINE_PARTY, service="alerts", interaction="COMT_IN000001UK01", cpa_id=_HUB_CPA
    )
    return hub + "".join(_listed(one, mhs.url()) for one, mhs in receivers.items())


def _listed(one: Practice, endpoint: str) -> str:
    keys = {"party": one.party, "cpa_id": one.cpa_id}
    answered = _CONTRACT.format(**keys, service="alerts", interaction="MCCI_IN010000UK13")
    passed_on = (
        _CONTRACT.format(**keys, service=service, interaction=interaction) + _FORWARDED
        for service, interaction in (("gp2gp", "RCMR_IN010000UK05"), ("ebs", "PRSC_IN080000UK07"))
    )
    entry = _ENTRY.format(
        party=one.party,
        name=one.name,
        endpoint=endpoint,
        acknowledgments=one.acknowledgments,
        asid=one.asid,
    )
    return "\n" + entry + answered + "".join(passed_on)


def message(chance: random.Random, sender: Practice, receiver: Practice) -> Message:
    """Give a message of a practice: an alert, a request for a record, something to be passed on."""
    kind = chance.choice((alert, alert, ehr_request, forwarded))
    own = {"from_party": sender.party, "from_asid": sender.asid}
    if kind is alert:
        to_hub = Route(**own, to_party=SPINE_PARTY, to_asid=SPINE_ASID, cpa_id=_HUB_CPA)
        return alert(to_hub, message_id=new_id())
    route = Route(**own, to_party=receiver.party, to_asid=receiver.asid, cpa_id=receiver.cpa_id)
    made = kind(route=route, message_id=new_id())
    return replace(made, time_to_live=None, ack_actor=NEXT_MSH)


@contextlib.contextmanager
def received(
    folder: Path, seed: int, hub_port: int, ledger: Ledger
) -> Iterator[dict[Practice, Mhs]]:
    """Give the practices, each with its receiver, which listens for a while."""
    with contextlib.ExitStack() as stack:
        found = {}
        for number, one in enumerate(practices(folder, seed)):
            chance = random.Random(f"{seed}/receiver/{number}")  # noqa: S311 - a game, no secret
            mhs = Mhs(one.files, hub_port=hub_port)
            mhs.behave = _behaving(chance, mhs, ledger)
            found[one] = stack.enter_context(mhs)
        yield found


def _behaving(chance: random.Random, mhs: Mhs, ledger: Ledger) -> Behave:
    """Give what a receiver does: a signal it takes, of the rest the dice decide."""
    weights, ways = zip(*_WAYS, strict=True)

    def behave(got: Got) -> Behaviour:
        _forget(mhs)
        header = header_of(got.body)
        if header.action == _SIGNAL:
            ledger.acknowledges(header.ref_to, header.message_id)
            return Behaviour(HttpAnswer(200, (), b""))
        behaviour: Behaviour = chance.choices(ways, weights)[0](got)
        ledger.arrives(header, got.body)
        if behaviour.taken:
            ledger.takes(header.message_id)
        return behaviour

    return behave


def _forget(mhs: Mhs) -> None:
    """Let go of what a receiver has recorded: a long run delivers millions."""
    with mhs._changed:
        mhs._got.clear()
        mhs._posted.clear()
        mhs._posting[:] = [one for one in mhs._posting if one.is_alive()]
        mhs.troubles[:] = _bad(mhs)


def troubles(receivers: Iterable[Mhs]) -> list[str]:
    """Name what went wrong inside receivers."""
    return [repr(one) for mhs in receivers for one in _bad(mhs)]


def _bad(mhs: Mhs) -> list[BaseException]:
    """Give a receiver's troubles but for signals that the hub was not there for."""
    return [one for one in mhs.troubles if not isinstance(one, OSError)]


class Load(Struct):
    """Senders of every practice, at so many messages a second together; a context manager."""

    parties: tuple[Practice, ...]
    port: int
    rate: float
    seed: int
    ledger: Ledger
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _beside: set[threading.Thread] = field(default_factory=set)

    def __enter__(self) -> Self:
        for number in range(2 * len(self.parties)):
            thread = threading.Thread(target=self._labour, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Begin nothing more, and wait until what was begun is acknowledged."""
        self._over.set()
        until = time.monotonic() + _PATIENCE + 2 * _SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for thread in tuple(self._beside):
            thread.join(max(0.0, until - time.monotonic()))

    def _labour(self, number: int) -> None:
        chance = random.Random(f"{self.seed}/sender/{number}")  # noqa: S311 - a game, no secret
        own = number % len(self.parties)
        sender, receiver = self.parties[own], self.parties[own - 1]
        pause = len(self._threads) / self.rate
        with Sender(self.port, sender.files.client, seconds=_SECONDS) as line:
            while not self._over.wait(chance.uniform(0, 2 * pause)):
                if self.ledger.behind() > MOST_BEHIND:
                    continue
                made = message(chance, sender, receiver)
                self.ledger.sends(made)
                if chance.random() < REPEATED:
                    self._send_beside(sender, made)
                self._send(line, sender, made)
                if chance.random() < REPEATED:
                    self._send(line, sender, made)

    def _send_beside(self, sender: Practice, made: Message) -> None:
        """Send a message on another connection too, at the same time."""

        def send() -> None:
            with Sender(self.port, sender.files.client, seconds=_SECONDS) as line:
                self._send(line, sender, made)
            self._beside.discard(threading.current_thread())

        thread = threading.Thread(target=send, daemon=True)
        self._beside.add(thread)
        thread.start()

    def _send(self, line: Sender, sender: Practice, made: Message) -> None:
        """Send a message until it is acknowledged, and at least once."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self._is_sent(line, sender, made):
                return
            time.sleep(0.1)
        self.ledger.note("a message was not acknowledged in time")

    def _is_sent(self, line: Sender, sender: Practice, made: Message) -> bool:
        """Send a message once and say whether it is acknowledged, or refused for good."""
        try:
            answer = line.send(made)
        except (OSError, http.client.HTTPException):
            return False
        said = header_of(answer.body)
        if answer.status == 202 and said.action == _SIGNAL:
            self.ledger.acknowledges(said.ref_to, said.message_id)
        elif answer.status != 500 and answer.body:
            self.ledger.note(f"HTTP {answer.status} {said.action or 'without an action'}")
            return True
        posted = sender.acknowledgments == "posted"
        return self.ledger.is_acknowledged(made.message_id, within=2.0 if posted else 0.0)
