"""The hub under load, with kill -9 at random and receivers that lose, delay and double.

Nothing is imitated but the parties: `spine serve`, `spine deliver`, the store and TLS are the real
ones. Counted at the end: what senders were told is kept, and what came of it. The dice have a seed;
the processes and the network have not, so a seed makes a run alike, not the same.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import faulting_parties
from faulting_ledger import Count, Kept, Ledger, count
from faulting_parties import Load
from faulting_processes import Killer, Node, Process, Supervised
from msgspec import Struct
from serving import spine

from core import alerts, audit
from core.messaging import listing
from core.messaging.records import MESSAGES, Message
from core.store.port import Store
from facade import config as configs
from facade import wiring

PORTS: Final = (20_000, 30_000)
"""Below those that connections out take: a server that comes back finds its own port free."""
READY_SECONDS: Final = 120.0
DRAIN_SECONDS: Final = 180.0
TOLD_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 180.0
SETTLE_PAUSE: Final = 10.0
MOST_TOLD: Final = 5
"""Of messages that went wrong, of so many it is told what the hub keeps of them."""

CLUSTER: Final = "SPINE_TEST_RIAK"
KILL_NODE: Final = "SPINE_TEST_RIAK_KILL"
START_NODE: Final = "SPINE_TEST_RIAK_START"
NOT_NAMED: Final = (
    f"no node of a Riak cluster is killed: set {CLUSTER}=host:port, and the commands that kill a "
    f"node and that start it and wait for it, {KILL_NODE} and {START_NODE}"
)


class Plan(Struct, frozen=True):
    """How a run goes: how long, how fast, by which dice, on which store, which node dies."""

    seconds: float
    seed: int
    rate: float
    store_url: str = "sqlite:spine.db"
    node: Node | None = None


class Outcome(Struct, frozen=True):
    """How a run went: what was counted, what died how often, what should not be."""

    count: Count
    kills: dict[str, int]
    faults: tuple[str, ...]
    histories: tuple[str, ...]
    """What the hub keeps of the messages that were lost or had their effect twice."""


class Place(Struct, frozen=True):
    """Where a run happens: its folder, its ports, the settings of its processes."""

    folder: Path
    port: int
    admin_port: int
    environ: dict[str, str]

    @property
    def file(self) -> Path:
        """Give the configuration file."""
        return self.folder / "spine.toml"

    def spine(self, *arguments: str) -> str:
        """Run the command line on this place and give what it says; it must not fail."""
        done = spine(*arguments, "--config", str(self.file), **self.environ)
        if done.returncode:
            raise click.ClickException(f"spine {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout


def run(plan: Plan, folder: Path) -> Outcome:
    """Give how a run in an empty folder went."""
    chance = random.Random(plan.seed)  # noqa: S311 - a game, no secret
    # Two that deliver: processes of the server's own, or beside it.
    within = chance.choice((0, 2))
    place = _prepared(plan, folder / "data", within)
    ledger = Ledger()
    every = _processes(place, within)
    hub, killer = Supervised(every), Killer(every, chance, plan.node)
    with (
        _threads_watched(ledger),
        faulting_parties.received(place.folder, plan.seed, place.port, ledger) as receivers,
    ):
        _import(faulting_parties.directory(receivers), place)
        with hub:
            _wait_until_ready(place)
            parties = tuple(receivers)
            with Load(parties, place.port, plan.rate, plan.seed, ledger):
                _kill(killer, plan.seconds, ledger)
            _wait_until_ready(place)
            ours = {one.party for one in parties}
            late = _drained(place, ours)
        troubles = faulting_parties.troubles(receivers.values())
    counted, checked = _judged(ledger, place, ours, SETTLE_SECONDS if plan.node else 0.0)
    faults = (*counted.faults, *late, *hub.faults(), *troubles, *checked)
    return Outcome(counted, dict(killer.kills), faults, _histories(place, counted.named))


@contextlib.contextmanager
def _threads_watched(ledger: Ledger) -> Iterator[None]:
    """Note threads of ours that end by an error, for a while."""

    def note(ended: threading.ExceptHookArgs) -> None:
        # A signal that the hub did not answer whole: it is posted once, and the run is about that.
        if not issubclass(ended.exc_type, http.client.HTTPException):
            ledger.note(f"a thread ended: {ended.exc_type.__name__}: {ended.exc_value}")

    before, threading.excepthook = threading.excepthook, note
    try:
        yield
    finally:
        threading.excepthook = before


def _prepared(plan: Plan, folder: Path, within: int) -> Place:
    port, admin_port = _free_ports(plan.seed)
    environ = {
        "SPINE_SERVER_HOST": "127.0.0.1",
        "SPINE_SERVER_PORT": str(port),
        "SPINE_ADMIN_PORT": str(admin_port),
        "SPINE_STORE_URL": plan.store_url,
        "SPINE_DELIVERY_WORKERS": str(within),
        # A dead worker's share goes to others within the shortest runs too.
        "SPINE_DELIVERY_POST_SECONDS": "3",
        "SPINE_DELIVERY_LEASE_SECONDS": "5",
        "SPINE_LOG_LEVEL": "warning",
    }
    made = spine("init", "--quiet", str(folder), **environ)
    if made.returncode:
        raise click.ClickException(f"spine init: {made.stderr}")
    return Place(folder, port, admin_port, environ)


def _free_ports(seed: int) -> tuple[int, int]:
    """Give two ports that nothing listens on."""
    found: list[int] = []
    chance = random.Random(f"{seed}/{time.monotonic_ns()}")  # noqa: S311 - no secret
    while len(found) < 2:
        port = chance.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found.append(port)
    return found[0], found[1]


def _processes(place: Place, within: int) -> tuple[Process, ...]:
    """Give the server, and two workers beside it where it has none within."""
    names = ("serve",) if within else ("serve", "deliver", "deliver")
    return tuple(
        Process(
            name,
            (name, "--config", str(place.file)),
            place.environ,
            place.folder.parent / f"{name}-{number}.log",
        )
        for number, name in enumerate(names)
    )


def _import(directory: str, place: Place) -> None:
    file = place.folder / "parties.toml"
    file.write_text(directory, encoding="utf-8")
    place.spine("directory", "import", str(file))


def _wait_until_ready(place: Place) -> None:
    until = time.monotonic() + READY_SECONDS
    url = f"http://127.0.0.1:{place.admin_port}/readyz"
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as got:
            if got.status == 200:
                return
        time.sleep(0.1)
    raise click.ClickException(f"the server was not ready in {READY_SECONDS:g} seconds")


def _kill(killer: Killer, seconds: float, ledger: Ledger) -> None:
    """Kill for a while, and say now and then how far it is."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        killer.run(min(TOLD_SECONDS, left))
        click.echo(f"{ledger.said()}, kills {killer.kills.total()}", err=True)


def _opened(place: Place) -> contextlib.closing[Store]:
    config = configs.load(place.file, place.environ)
    return contextlib.closing(wiring.open_store(config))


def _drained(place: Place, parties: set[str]) -> list[str]:
    """Wait until nothing is on its way any more, and name what still is."""
    until = time.monotonic() + DRAIN_SECONDS
    with _opened(place) as store:
        while time.monotonic() < until:
            left = [key for key, _ in _of(store, parties)]
            if not left:
                return []
            time.sleep(0.5)
        return [
            f"still {one.standing} after {one.tries} tries: {key}: {one.why}"
            for key, one in _of(store, parties)
        ][:10]


def _of(store: Store, parties: set[str]) -> Iterator[tuple[str, Message]]:
    for key, one in listing.listed(store, listing.Wanted()):
        envelope = one.accepted.envelope
        if one.in_flight and {envelope.sender, envelope.receiver} & parties:
            yield key, one


def _judged(
    ledger: Ledger, place: Place, parties: set[str], seconds: float
) -> tuple[Count, list[str]]:
    """Give what is counted and found once nothing is missed, or once so many seconds are over.

    Lists of keys and indexes ask one replica of each: that of a node which has just returned misses
    what was written while it was away until it is handed that. What is lost stays missed.
    """
    until = time.monotonic() + seconds
    while True:
        counted, checked = count(ledger, _kept(place)), _checked(place, parties)
        wrong = [*counted.faults, *checked]
        if not wrong or time.monotonic() >= until:
            return counted, checked
        click.echo(f"looked at again in a moment: {wrong[0][:200]}", err=True)
        time.sleep(SETTLE_PAUSE)


def _kept(place: Place) -> Kept:
    with _opened(place) as store:
        return Kept(
            tuple(one.alert.alert_id for one in alerts.listed(store, alerts.Wanted())),
            frozenset(_accepted(store)),
        )


def _histories(place: Place, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Give what became of messages and of what answered them, event by event."""
    with _opened(place) as store:
        keys = {
            key: None
            for one in ids[:MOST_TOLD]
            for own, message in listing.listed(store, listing.Wanted(message_id=one))
            for key in (own, message.answer)
        }
        return tuple(_history(store, key) for key in keys if key is not None)


def _history(store: Store, key: str) -> str:
    record = store.record(MESSAGES, key)
    events = [] if record is None else sorted(record.facts.items(), key=lambda one: one[1].at)
    return f"{key}: " + "; ".join(
        f"{name.partition('/')[0]} {event.at} "
        f"{(event.tried and event.tried.why) or event.done or event.given_up or ''}".strip()
        for name, event in events
    )


def _accepted(store: Store) -> Iterator[str]:
    """Give the ids of the messages that the audit says were accepted."""
    for key in store.keys(audit.PAGES):
        writer, _, number = key.rpartition(".")
        page = audit.read_page(store, writer, int(number))
        for entry in page.entries if page else ():
            if (entry.command, entry.outcome) == ("Accept", "done"):
                yield entry.message_id


def _checked(place: Place, parties: set[str]) -> list[str]:
    """Name what the operator's own commands find: messages that stand, breaks of the audit.

    What other runs left behind on a cluster is theirs.
    """
    every = json.loads(place.spine("messages", "--limit", "100000", "--json"))
    standing = [one for one in every if {one["sender"], one["receiver"]} & parties]
    found = [f"spine messages: {one['state']} {one['key']}: {one['why']}" for one in standing[:10]]
    # It exits 1 for what it finds, and says it all the same.
    asked = ("check", "--audit", "--json", "--config", str(place.file))
    said = json.loads(spine(*asked, **place.environ).stdout)
    found += [f"spine check: {one}" for one in said["findings"] if one["level"] == "fault"]
    return found + ([] if said["audit"] else ["spine check --audit: nothing was proved"])


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long it is killed.")
@click.option("--seed", type=int, help="The seed of the dice; a new one unless given.")
@click.option("--rate", default=100.0, show_default=True, help="Messages a second.")
@click.option("--riak", envvar=CLUSTER, help="A cluster instead of SQLite, as host:8087.")
@click.option("--kill-node", envvar=KILL_NODE, help="The command that kills a node of it.")
@click.option("--start-node", envvar=START_NODE, help="The command that starts it and waits.")
def main(seconds: float, seed: int | None, rate: float, **cluster: str | None) -> None:
    """Kill the hub under load, count what became of every message, exit 1 where one is lost."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    riak, killed, started = (cluster[one] for one in ("riak", "kill_node", "start_node"))
    url = f"riak://{riak.removeprefix('riak://')}" if riak else "sqlite:spine.db"
    node = Node(killed, started) if riak and killed and started else None
    if node is None:
        click.echo(f"!!! NOT RUN: {NOT_NAMED}", err=True)
    folder = Path(tempfile.mkdtemp(prefix="spine-faults-"))
    try:
        outcome = run(Plan(seconds, seed, rate, url, node), folder)
    except BaseException:
        click.echo(f"the run broke (seed {seed}); what the processes said: {folder}", err=True)
        raise
    _say(outcome, folder)
    kills = ", ".join(f"{name} {times}" for name, times in sorted(outcome.kills.items()))
    click.echo(f"killed: {kills or 'nothing'}; store {url.partition(':')[0]}")
    click.echo(outcome.count.line(sum(outcome.kills.values()), seconds, seed))
    sys.exit(1 if outcome.faults else 0)


def _say(outcome: Outcome, folder: Path) -> None:
    """Say what is wrong and why, and keep it beside what the processes said; or clear all away."""
    if not outcome.faults:
        shutil.rmtree(folder)
        return
    said = [
        *(f"WRONG {fault}" for fault in outcome.faults),
        *(f"KEPT {history}" for history in outcome.histories),
    ]
    (folder / "wrong.txt").write_text("\n".join(said) + "\n", encoding="utf-8")
    for line in (*said, f"this and what the processes said: {folder}"):
        click.echo(line, err=True)


if __name__ == "__main__":
    main()
