"""The network and the parties of the simulation: practices that send and take as in the field.

A sender sends the same bytes again as long as nobody has acknowledged them, as often as was agreed.
A receiver eliminates duplicates by message id, and counts what had an effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from ebxml_messages import Message
from ebxml_signals import Header, acknowledgment, header_of, message_error, soap_fault
from hubs import ENDPOINTS, NAMES, US
from msgspec import Struct, field
from simulating_processes import POST_SECONDS, Gateway
from simulating_world import Fibre, World

from adapters.courier import HttpReply, Unreachable
from adapters.pipeline import Answered
from adapters.reading import Sent
from core.values.messaging import Content

SENT_AGAIN: Final = 2
SENT_AGAIN_AFTER: Final = 60.0
FETCHED_AFTER: Final = 20.0
PATIENCE: Final = 20.0
"""How long a client waits for an HTTP answer."""
SIGNALLED_AGAIN: Final = 3
SIGNALS: Final = ("Acknowledgment", "MessageError")

_MOODS: Final = ("at once", "at once", "at once", "later", "later", "in silence", "busy", "no")
"""What a receiver does with a delivery; a no is for ever, the others are of the moment."""


class _Box(Struct, eq=False):
    """Where somebody waits for an answer; `ended` once none will come any more."""

    waiting: Fibre | None = None
    answered: Answered | None = None
    ended: bool = False


class _Asking(Struct, frozen=True):
    """A request on its way: what it is called in the trace, and what a gateway is asked."""

    name: str
    ask: Callable[[Gateway], Answered]


class Told(Struct):
    """What a sender knows of a message of its own."""

    message: Message
    taken: bool = False
    """The hub has taken it on: it said 202, or acknowledged it itself."""
    acknowledged: bool = False
    refused: bool = False
    """The hub answered the request with a MessageError."""
    failed: bool = False
    """A MessageError about it was posted."""
    answers: Counter[str] = field(default_factory=Counter)
    """How often each message came that answers it, by id."""
    sent_at: float = 0.0
    taken_at: float | None = None
    """When the hub's word that it is taken on came first."""
    poll_id: str = ""
    """Under what id the answer is to be fetched."""

    @property
    def reliable(self) -> bool:
        """Say whether it asks for an acknowledgment."""
        return self.message.ack_actor is not None


class Network:
    """The way between practices and gateways: it loses, delays, repeats."""

    def __init__(self, world: World, gateways: Callable[[], list[Gateway]]) -> None:
        self._world = world
        self._gateways = gateways
        self.practices: dict[str, Practice] = {}

    def to_hub(self, sent: Sent, path: str) -> Answered | None:
        """Give a gateway's answer, or None where none came in time."""
        named = header_of(sent.body).message_id[:8]
        return self._asked(_Asking(named, lambda gateway: gateway.answer(sent, path)))

    def fetch(self, poll_id: str, name: str) -> Answered | None:
        """Give a gateway's answer to who fetches what is kept under an id, or None as above."""
        return self._asked(_Asking("poll", lambda gateway: gateway.fetch(poll_id, name)))

    def _asked(self, asking: _Asking) -> Answered | None:
        box = _Box()
        after = self._world.chance.random() * 2
        if not self._world.strikes("lost"):
            self._arrive(asking, box, after)
        if self._world.strikes("doubled"):
            self._arrive(asking, _Box(), after + self._world.chance.choice((0.0, 0.0, 40.0)))
        if not box.ended:
            box.waiting = self._world.current()
            self._world.sleep(PATIENCE)
            box.waiting = None
        return None if self._world.strikes("lost") else box.answered

    def _arrive(self, asking: _Asking, box: _Box, after: float) -> None:
        def reach() -> None:
            gateways = self._gateways()
            if not gateways:
                self._end(box)
                return
            gateway = self._world.chance.choice(gateways)
            name = f"{gateway.process.name}/{asking.name}"
            self._world.start(
                name, lambda: self._serve(gateway, asking, box), process=gateway.process
            )

        self._world.start("network", reach, after=after)

    def _serve(self, gateway: Gateway, asking: _Asking, box: _Box) -> None:
        try:
            box.answered = asking.ask(gateway)
        finally:
            self._end(box)

    def _end(self, box: _Box) -> None:
        box.ended = True
        if box.waiting is not None:
            self._world.wake(box.waiting)

    def post(self, endpoint: str, content: Content) -> HttpReply:
        """Give a practice's answer to what a worker posts; raise `Unreachable` (facade/posting)."""
        world = self._world
        practice = self.practices[endpoint]
        world.note(f"posts {header_of(content.body).message_id[:8]} to {practice.party}")
        world.sleep(world.chance.random() * 3)
        if world.strikes("died"):
            world.die()
        if practice.dead or world.strikes("lost"):
            world.sleep(world.chance.random() * (POST_SECONDS - 4))
            raise Unreachable("nobody answers")
        reply = practice.take(content)
        if world.strikes("doubled"):
            world.start("network", lambda: practice.take_again(content), after=5.0)
        world.sleep(world.chance.random())
        if world.strikes("died"):
            world.die()
        if world.strikes("lost"):
            raise Unreachable("the answer was lost")
        return reply


class Practice:
    """A party: what it sent, what it took, what it was told."""

    def __init__(self, world: World, network: Network, party: str) -> None:
        self._world = world
        self._network = network
        self.party = party
        self.effects: Counter[str] = Counter()
        """How often each message had an effect here, by message id."""
        self.came: dict[str, float] = {}
        """When each message had its effect here, by message id."""
        self.sent: dict[str, Told] = {}
        self._refuses: dict[str, bool] = {}
        self.dead_until = 0.0
        network.practices[ENDPOINTS[party]] = self

    @property
    def dead(self) -> bool:
        """Say whether nobody answers here now."""
        if self._world.strikes("dead"):
            self.dead_until = self._world.elapsed + self._world.chance.choice((10.0, 60.0, 400.0))
        return self._world.elapsed < self.dead_until

    def send(self, message: Message) -> None:
        """Send a message, again as long as it is not acknowledged, as often as was agreed."""
        told = self.sent.setdefault(message.message_id, Told(message, sent_at=self._world.elapsed))
        sent = Sent(message.bytes(), message.content_type, (NAMES[self.party],))
        for _ in range(1 + (SENT_AGAIN if told.reliable else 0)):
            self._world.note(f"sends {message.action} {message.message_id}")
            answered = self._network.to_hub(sent, message.path)
            self._heed(told, answered)
            if told.refused or (told.taken and not told.reliable):
                return
            if told.poll_id:
                self._fetch(told)
                return
            self._world.sleep(SENT_AGAIN_AFTER)
            if told.acknowledged or told.failed:
                return

    def _heed(self, told: Told, answered: Answered | None) -> None:
        if answered is None or answered.status >= 500:
            return
        action = header_of(answered.body).action if answered.body else ""
        if answered.status == 202 and told.taken_at is None:
            told.taken, told.taken_at = True, self._world.elapsed
        place = dict(answered.headers).get("Content-Location", "")
        told.poll_id = place.removeprefix("/_poll/")
        told.acknowledged = told.acknowledged or action == "Acknowledgment"
        told.refused = told.refused or action == "MessageError"

    def _fetch(self, told: Told) -> None:
        """Ask for an answer until it is there, and now and then once more."""
        while not told.answers or self._world.chance.random() < 0.2:
            self._world.sleep(FETCHED_AFTER)
            answered = self._network.fetch(told.poll_id, NAMES[self.party])
            if answered is not None and answered.status == 200:
                self._world.struck["fetched"] += 1
                told.answers[header_of(answered.body).message_id] += 1
            elif answered is not None and answered.status == 404:
                self._world.wrong(f"{told.message.message_id} was taken, and its poll is unknown")

    def take(self, content: Content) -> HttpReply:
        """Take what the hub posts, and give the HTTP answer."""
        header = header_of(content.body)
        if header.action in SIGNALS:
            self._hear(header)
            return HttpReply(200, b"")
        mood = self._mood(header)
        self._world.note(f"{self.party} takes {header.message_id[:8]} {mood}")
        if mood == "no":
            return HttpReply(200, message_error(header, message_id=self._world.new_id()))
        if mood == "busy":
            return HttpReply(500, soap_fault("200"))
        self._effect(header)
        signal = acknowledgment(header, message_id=self._world.new_id())
        if mood == "at once":
            return HttpReply(202, signal)
        if mood == "later":
            after = self._world.chance.random() * 40
            self._world.start(f"{self.party}/ack", lambda: self._signal(signal), after=after)
        return HttpReply(202, b"")

    def take_again(self, content: Content) -> None:
        """Take what the network says twice; nobody waits for the answer."""
        self.take(content)

    def _mood(self, header: Header) -> str:
        if self._world.calm_since is not None:
            return "no" if self._refuses.get(header.message_id) else "at once"
        mood = self._world.chance.choice(_MOODS)
        never = self._refuses.setdefault(header.message_id, mood == "no")
        return "no" if never else ("at once" if mood == "no" else mood)

    def _effect(self, header: Header) -> None:
        """Do what a message asks, once for each id."""
        told = self.sent.get(header.ref_to)
        if told is not None:
            told.answers[header.message_id] += 1
        self.effects[header.message_id] = 1
        self.came.setdefault(header.message_id, self._world.elapsed)

    def _hear(self, header: Header) -> None:
        told = self.sent.get(header.ref_to)
        self._world.note(f"{self.party} is told {header.action} of {header.ref_to[:8]}")
        if told is None:
            self._world.wrong(f"{self.party} is told of a message that it did not send")
        elif header.action == "Acknowledgment":
            told.acknowledged = True
            told.taken = told.taken or header.from_party == US
        else:
            told.failed = True

    def _signal(self, signal: bytes) -> None:
        sent = Sent(signal, "text/xml", (NAMES[self.party],))
        for _ in range(SIGNALLED_AGAIN):
            answered = self._network.to_hub(sent, "/reliablemessaging/forwardreliable")
            if answered is not None and answered.status < 500:
                return
            self._world.sleep(5)
