"""One seed's world: who runs next, what time it is, what strikes; everything else asks it.

Whoever acts is a fibre: a thread that runs only while it holds the baton, and gives it back at its
ports (the store, the network, a wait). So of all fibres one runs, which one is the seed's choice,
and the same seed gives the same world, step by step. A process is what dies together: its fibres
end at their next port, and with them all that it remembered.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field
from serving import NOW

MOST_BACK: Final = -2.0
MOST_FORWARD: Final = 40.0
"""Between these a clock may be wrong, in seconds: it steps back a little, or jumps ahead."""
_FOR_EVER: Final = 1e9
_STEPS: Final = 400_000
"""More steps than any seed needs: a world that takes more goes round in circles."""


class Died(BaseException):
    """The process in which this runs is no more."""


class Wrong(Exception):
    """What was promised does not hold."""


class Process(Struct, eq=False):
    """What dies together, and has a clock together."""

    name: str
    skew: float = 0.0
    alive: bool = True


class Fibre(Struct, eq=False):
    """One line of acts, in a process or in none; it goes on when `ready_at` has come."""

    name: str
    act: Callable[[], None]
    process: Process | None
    ready_at: float
    turn: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    resting: bool = False


class BatonLock(Struct, eq=False):
    """A lock for whose holder others wait by the baton: a real one would hold it fast."""

    world: World
    holder: Fibre | None = None

    def acquire(self) -> None:
        """Hold it once nobody else does."""
        while self.holder is not None:
            self.world.sleep(0.01)
        self.holder = self.world.current()

    def release(self) -> None:
        """Let another hold it, whoever held it."""
        self.holder = None

    def __enter__(self) -> None:
        """Hold it."""
        self.acquire()

    def __exit__(self, *_raised: object) -> None:
        """Let it go."""
        self.release()


class Odds(Struct, frozen=True):
    """How likely what is, at each place where it may strike; each seed has its own."""

    switch: float
    lingers: float
    refused: float
    unanswered: float
    slow: float
    died: float
    stalled: float
    jumped: float
    lost: float
    doubled: float
    dead: float


CALM: Final = Odds(0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class World:
    """The scheduler, the clock, the chance and the trace of one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a game, no secret
        self.odds = _odds(self.chance)
        self.elapsed = 0.0
        self.struck: Counter[str] = Counter()
        self.trace: list[tuple[float, str, str]] = []
        self.wrongs: list[str] = []
        self.away_until = 0.0
        self.calm_since: float | None = None
        self.over = False
        self.on_death: Callable[[Process], None] = lambda _process: None
        self._steps = 0
        self._numbers = itertools.count(1)
        self._fibres: list[Fibre] = []
        self._current: Fibre | None = None
        self._baton = threading.Lock()
        self._baton.acquire()

    def note(self, what: str) -> None:
        """Add to the trace."""
        who = self._current.name if self._current else "world"
        self.trace.append((self.elapsed, who, what))

    def wrong(self, what: str) -> None:
        """Note something that must not be."""
        self.note(f"WRONG {what}")
        self.wrongs.append(what)

    def strikes(self, fault: str) -> bool:
        """Say whether a fault strikes here and now."""
        odds: float = getattr(self.odds, fault)
        if odds == 0 or self.chance.random() >= odds:
            return False
        self.struck[fault] += 1
        self.note(f"fault: {fault}")
        return True

    def new_id(self) -> str:
        """Give an id that is the seed's and no other's in this world."""
        return f"{self.chance.getrandbits(32):08X}-0000-4000-8000-{next(self._numbers):012X}"

    def now(self, process: Process | None = None) -> datetime:
        """Give the time by a process's clock: no two readings are alike, and it may be wrong."""
        self.elapsed += self.chance.randrange(1, 400) / 1e6
        if process is not None and self.strikes("jumped"):
            step = self.chance.choice((-2.0, -0.5, 1.0, 5.0, 30.0))
            process.skew = min(max(process.skew + step, MOST_BACK), MOST_FORWARD)
        return NOW + timedelta(seconds=self.elapsed + (process.skew if process else 0.0))

    def start(
        self,
        name: str,
        act: Callable[[], None],
        *,
        process: Process | None = None,
        after: float = 0.0,
    ) -> Fibre:
        """Start a fibre, now or after a while."""
        fibre = Fibre(name, act, process, self.elapsed + after)
        fibre.turn.acquire()
        self._fibres.append(fibre)
        return fibre

    def sleep(self, seconds: float) -> None:
        """Let time pass for whoever runs, and others run."""
        if self._current is not None:
            self._current.ready_at = self.elapsed + seconds
        self.switch()

    def rest(self) -> None:
        """Do nothing until roused."""
        fibre = self.current()
        fibre.resting = True
        self.sleep(_FOR_EVER)

    def lives(self, fibre: Fibre) -> bool:
        """Say whether a fibre has not come to its end."""
        return fibre in self._fibres

    def rouse(self, fibres: list[Fibre]) -> None:
        """Let those go on that rest; not those that wait for something else."""
        for fibre in fibres:
            if fibre.resting:
                fibre.resting = False
                self.wake(fibre)

    def current(self) -> Fibre:
        """Give the fibre that runs."""
        if self._current is None:
            raise RuntimeError("nobody runs")
        return self._current

    def wake(self, fibre: Fibre) -> None:
        """Let a fibre that sleeps go on."""
        fibre.ready_at = min(fibre.ready_at, self.elapsed)

    def maybe_switch(self) -> None:
        """Let others run here, if the seed says so."""
        if self.chance.random() < self.odds.switch:
            self.switch()

    def linger(self) -> None:
        """Let others run here, now and then for long: what is read meanwhile grows old."""
        if self.chance.random() < self.odds.lingers:
            self.sleep(self.chance.choice((0.0, 0.01, 2.0)))

    def switch(self) -> None:
        """Let others run here; raise `Died` where the process ended meanwhile."""
        fibre = self._current
        if fibre is None:
            return
        self._baton.release()
        fibre.turn.acquire()
        if self.over or (fibre.process and not fibre.process.alive):
            raise Died

    def kill(self, process: Process) -> None:
        """End a process, wherever each of its fibres stands."""
        process.alive = False
        for fibre in self._fibres:
            if fibre.process is process:
                self.wake(fibre)
        self.on_death(process)

    def die(self) -> None:
        """End the process of whoever runs."""
        process = self.current().process
        if process is not None:
            self.kill(process)
            raise Died

    def stall(self, process: Process, seconds: float) -> None:
        """Let a whole process stand still, as a machine does that was put to sleep."""
        for fibre in self._fibres:
            if fibre.process is process:
                fibre.ready_at = max(fibre.ready_at, self.elapsed + seconds)

    def calm(self) -> None:
        """Let nothing strike any more; clocks stay as wrong as they are."""
        self.note("calm from now on")
        self.odds, self.away_until, self.calm_since = CALM, 0.0, self.elapsed

    def loose(self) -> int:
        """Give how many fibres are in no process: what is on its way, or will begin."""
        return sum(one.process is None for one in self._fibres)

    def run(self, until: Callable[[], bool]) -> None:
        """Let the fibres run, one at a time, until that says so or none is left."""
        while self._fibres and not until():
            ready = [one for one in self._fibres if one.ready_at <= self.elapsed]
            if not ready:
                self.elapsed = min(one.ready_at for one in self._fibres)
                continue
            self._resume(ready[self.chance.randrange(len(ready))])
            self._steps += 1
            if self._steps > _STEPS:
                raise Wrong("the world goes round in circles")

    def end(self) -> None:
        """End every fibre where it stands."""
        self.over = True
        for fibre in tuple(self._fibres):
            if fibre.thread is None:
                self._fibres.remove(fibre)
            else:
                self._resume(fibre)

    def _resume(self, fibre: Fibre) -> None:
        self._current = fibre
        if fibre.thread is None:
            fibre.thread = threading.Thread(target=self._act, args=(fibre,), daemon=True)
            fibre.thread.start()
        fibre.turn.release()
        self._baton.acquire()
        self._current = None

    def _act(self, fibre: Fibre) -> None:
        fibre.turn.acquire()
        try:
            if fibre.process is None or fibre.process.alive:
                fibre.act()
        except Died:
            self.note("ends with its process")
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self.wrong(f"{fibre.name}: {type(error).__name__}: {error}")
        finally:
            self._fibres.remove(fibre)
            self._baton.release()


def _odds(chance: random.Random) -> Odds:
    """Give the odds of a seed: each fault is rare, frequent or left out, so that they mix."""

    def some(*odds: float) -> float:
        return chance.choice((0.0, *odds))

    return Odds(
        switch=chance.choice((0.05, 0.2, 0.5)),
        lingers=chance.choice((0.1, 0.5)),
        refused=some(0.005, 0.03, 0.1),
        unanswered=some(0.005, 0.03, 0.1),
        slow=some(0.005, 0.03),
        died=some(0.001, 0.005, 0.015),
        stalled=some(0.001, 0.005),
        jumped=some(0.002, 0.01),
        lost=some(0.05, 0.2, 0.5),
        doubled=some(0.1, 0.5),
        dead=some(0.05, 0.2),
    )
