"""The hub's rows: reliable messages in, forwarded end to end, a backlog drained, large messages.

Sender, facade and receiver share the machine. What is measured beside the facade's two workers is
what `spine serve` runs unless told otherwise: two delivery workers, which give way to those who
answer; a row says where there is none.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from ctypes import c_int64
from itertools import cycle, islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.directory import Acknowledging
from facade import config as configs
from facade.wiring import open_store
from operations.bench import (
    hub_backlog,
    hub_large,
    hub_messages,
    hub_place,
    load,
    served,
)
from operations.bench.hub_messages import ALERT, REQUEST, Template
from operations.bench.hub_place import (
    ARRIVAL_SECONDS,
    FORWARD,
    RECEIVERS,
    RELIABLE,
    Place,
    Window,
    receivers,
)
from operations.bench.load import Shape, Tally
from operations.bench.measuring import Bench, Report, measured
from operations.bench.served import Watched
from operations.setup import HUB_PARTY, SECOND_PARTY

IN: Final = Shape(processes=2, connections=14, seconds=15.0)
"""As many as bring a tenth more than the rate that is asked: the p99 is that of this load."""
IN_ALONE: Final = Shape(processes=2, connections=16, seconds=8.0)
WARM: Final = Shape(processes=2, connections=8, seconds=1.5)
THROUGH: Final = Shape(processes=1, connections=8, seconds=12.0)

IN_RATE: Final = 1000
IN_P99: Final = 100
THROUGH_RATE: Final = 300

FEW_DUE: Final = 5_000
MANY_DUE: Final = 100_000
FEW_SECONDS: Final = 8.0
MANY_SECONDS: Final = 15.0
BEGUN: Final = 1_000
"""Messages that a worker has delivered before it is watched: its memory of the store is there."""
GROWTH_RATIO: Final = 1.2
FLAT_MIB: Final = 8

LARGE: Final = 4_999_000
"""Bytes of a large message: just under the limit on requests."""
LARGE_LIMITS: Final = (
    (hub_large.ATTACHMENT, "5 MB in attachments", 30.0, 2.0),
    (hub_large.RECORD, "5 MB in its HL7 part", 100.0, 4.0),
)


def measure(report: Report, bench: Bench, riak: str | None) -> None:
    """Measure the hub; on a cluster too where one is named."""
    with hub_place.placed(bench) as place:
        _large(report, place)
        _in_alone(report, place)
        _in(report, place, "sqlite:hub-in.db")
        _through(report, place, "sqlite:hub-through.db", Acknowledging.ANSWERED)
        _through(report, place, "sqlite:hub-one.db", Acknowledging.ANSWERED, parties=1)
        _through(report, place, "sqlite:hub-posted.db", Acknowledging.POSTED)
        _backlog(report, place)
        if riak is not None:
            bench.say(f"the cluster {riak}")
            _on_cluster(report, place, riak)


def _in(report: Report, place: Place, url: str) -> None:
    place.bench.say("reliable messages in")
    with place.store(url), place.serving() as server:
        tally = measured(report, server, "reliable in", _sender_of_alerts(place, server, IN))
    report.least("reliable in, delivery workers beside", tally.rate, "messages/s", IN_RATE)
    report.most("  p99", tally.percentile(0.99), "ms", IN_P99)


def _in_alone(report: Report, place: Place) -> None:
    place.bench.say("reliable messages in, nothing delivered")
    with place.store("sqlite:hub-alone.db", SPINE_DELIVERY_WORKERS="0"), place.serving() as server:
        send, cpu = _sender_of_alerts(place, server, IN_ALONE), server.cpu_seconds()
        tally = send()
        used = (server.cpu_seconds() - cpu) / max(len(tally.seconds), 1)
    report.note("reliable in, no delivery worker", tally.rate, "messages/s")
    report.note("  p99", tally.percentile(0.99), "ms")
    report.note("  server CPU", used * 1000, "ms/message")


def _sender_of_alerts(place: Place, server: Watched, shape: Shape) -> Callable[[], Tally]:
    """Give what sends alerts, each another message, to a server that has had some already."""
    target = place.target(server.port, RELIABLE)
    context = place.bench.context
    template = hub_messages.alert(place.contract(HUB_PARTY, ALERT), context)

    def bodies(_client: int) -> Iterator[bytes]:
        return map(template.under, hub_messages.ids(context))

    load.run(target, WARM, bodies)
    return lambda: load.run(target, shape, bodies)


def _through(
    report: Report,
    place: Place,
    url: str,
    acknowledged: Acknowledging,
    parties: int = RECEIVERS,
) -> None:
    """Send to so many parties as fast as messages arrive, and count what arrives.

    What is for one party is one worker's to deliver, so that row shows what one worker does.
    An acknowledgment that is posted back is a second post for each message: noted, without target.
    """
    place.bench.say(f"forwarded end to end, acknowledgment {acknowledged}")
    with place.store(url, acknowledged), place.serving() as server:
        _forwarded(place, server, replace(THROUGH, seconds=1.5), parties)
        first, all_before = place.receiver.different.value, place.receiver.received.value
        started = time.monotonic()
        ended = started

        def sending() -> Tally:
            nonlocal ended
            tally = _forwarded(place, server, THROUGH, parties)
            ended = time.monotonic()
            return tally

        tally = measured(report, server, f"forward to {parties}, {acknowledged}", sending)
        came = place.receiver.different.value - first
        again = place.receiver.received.value - all_before - came
    lost = len(tally.seconds) - tally.failed - came
    rate = came / (ended - started)
    what = f"forwarded end to end to {parties}, acknowledgment {acknowledged}"
    if acknowledged is Acknowledging.ANSWERED:
        report.least(what, rate, "messages/s", THROUGH_RATE)
    else:
        report.note(what, rate, "messages/s")
    report.most("  accepted and not arrived", lost, "messages", 0)
    report.most("  arrived more than once", again, "messages", 0)


def _forwarded(place: Place, server: Watched, shape: Shape, parties: int) -> Tally:
    """Send requests for records until the time is over and all that were accepted have arrived."""
    receiver, context = place.receiver, place.bench.context
    agreed = place.contract(SECOND_PARTY, REQUEST)
    templates = [
        hub_messages.request(replace(agreed, party_key=party), context, asid)
        for party, asid in islice(receivers(), parties)
    ]
    before = receiver.different.value
    window = Window(receiver, multiprocessing.get_context("fork").Value(c_int64), before)

    def bodies(_client: int) -> Iterator[bytes]:
        numbered = zip(cycle(templates), hub_messages.ids(context), strict=False)
        return window.paced(template.under(message_id) for template, message_id in numbered)

    tally = load.run(place.target(server.port, FORWARD), shape, bodies)
    receiver.wait_for(before + len(tally.seconds) - tally.failed, ARRIVAL_SECONDS)
    return tally


class _Drained(Struct, frozen=True):
    """How a backlog drained: messages a second, CPU of each in milliseconds, memory grown."""

    rate: float
    milliseconds: float
    grown_mib: float


def _backlog(report: Report, place: Place) -> None:
    few = _drained(place, FEW_DUE, FEW_SECONDS)
    many = _drained(place, MANY_DUE, MANY_SECONDS)
    report.note(f"draining {FEW_DUE} due", few.rate, "messages/s")
    report.note("  worker CPU", few.milliseconds, "ms/message")
    report.least(f"draining {MANY_DUE} due", many.rate, "messages/s", THROUGH_RATE)
    report.note("  worker CPU", many.milliseconds, "ms/message")
    ratio = many.milliseconds / few.milliseconds if few.milliseconds else 0.0
    report.most("  of that with few due", ratio, "times", GROWTH_RATIO)
    report.most("  worker memory grown", many.grown_mib, "MiB", FLAT_MIB)


def _drained(place: Place, count: int, seconds: float) -> _Drained:
    """Watch a worker drain a backlog for so long, or until it is drained."""
    receiver, bench = place.receiver, place.bench
    bench.say(f"{count} messages due")
    contract = place.contract(SECOND_PARTY, REQUEST)
    with place.store(f"sqlite:hub-{count}.db"):
        store = open_store(configs.load(bench.config))
        template = hub_messages.request(contract, bench.context)
        hub_backlog.fill(store, template, contract, bench.context, count)
        store.close()
        all_before = receiver.different.value
        with served.delivering(bench.config) as worker:
            receiver.wait_for(all_before + BEGUN, ARRIVAL_SECONDS)
            first, cpu, memory = receiver.different.value, worker.cpu_seconds(), worker.own_memory()
            started = time.monotonic()
            receiver.wait_for(all_before + count, seconds)
            came = max(receiver.different.value - first, 1)
            elapsed = time.monotonic() - started
            used, grown = worker.cpu_seconds() - cpu, worker.own_memory() - memory
    return _Drained(came / elapsed, used / came * 1000, grown / 2**20)


def _large(report: Report, place: Place) -> None:
    bench = place.bench
    for kind, name, milliseconds, memory in LARGE_LIMITS:
        bench.say(f"a message of {name}")
        with place.store("sqlite:hub-large.db", SPINE_DELIVERY_WORKERS="1"):
            cost = hub_large.measure(bench.config, kind, LARGE)
            report.note(f"{name}: received", cost.receiving, "ms CPU")
            report.note(f"{name}: tried", cost.trying, "ms CPU")
            report.most(f"{name}: both", cost.receiving + cost.trying, "ms CPU", milliseconds)
            used = max(cost.receiving_memory, cost.trying_memory)
            report.note(f"{name}: memory, received", cost.receiving_memory, "times its size")
            report.note(f"{name}: memory, tried", cost.trying_memory, "times its size")
            report.most(f"{name}: memory", used, "times its size", memory)
            _large_served(report, place, name, hub_large.template_of(kind, place.contracts, LARGE))


def _large_served(report: Report, place: Place, name: str, template: Template) -> None:
    """Send one through the facade, after one as large: whichever process grows most counts."""
    numbers = hub_messages.ids(place.bench.context)
    with place.serving() as server:
        for last in (False, False, True):
            server.forget_peaks()
            before, cpu = server.resident(), server.cpu_seconds()
            arrived = place.receiver.different.value
            body = template.under(next(numbers))
            load.once(place.target(server.port, FORWARD), body)
            place.receiver.wait_for(arrived + 1, ARRIVAL_SECONDS)
            if last:
                after = server.resident()
                grown = max(after[pid][1] - now for pid, (now, _) in before.items())
                used = server.cpu_seconds() - cpu
    report.note(f"{name}: served, all CPU", used * 1000, "ms CPU")
    report.note(f"{name}: served, memory of a process", grown / LARGE, "times its size")


def _on_cluster(report: Report, place: Place, url: str) -> None:
    """Forward first: what alerts leave to do would be delivered beside it."""
    found = Report()
    _through(found, place, url, Acknowledging.ANSWERED)
    _in(found, place, url)
    for row in found.rows:
        report.note(f"Riak: {row.what}", row.value, row.unit)
