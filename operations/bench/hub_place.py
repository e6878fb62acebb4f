"""Where the hub is measured: its directory, a receiver beside it, a sender that waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.directory import Acknowledging, ContractProperties
from core.values.identity import Asid, PartyKey
from facade import config as configs
from facade.wiring import open_store
from legacy_contracts.envelopes import mime
from operations.bench import hub_receiver, load, served
from operations.bench.hub_receiver import Receiver
from operations.bench.load import Target
from operations.bench.measuring import Bench, free_ports, list_directory
from operations.bench.served import Watched
from operations.listing import Listing
from operations.setup import SECOND_ASID, SECOND_PARTY

RELIABLE: Final = "/reliablemessaging/reliablerequest"
FORWARD: Final = "/reliablemessaging/forwardreliable"

ARRIVAL_SECONDS: Final = 20.0
"""How long what was accepted is waited for."""
OUTSTANDING: Final = 256
"""How many messages the sender of forwarded ones lets be on their way."""
PATIENCE_SECONDS: Final = 1.0
"""How long it waits for the hub before it sends one all the same."""
RECEIVERS: Final = 8
"""How many parties what is forwarded goes to: a receiver's messages have one worker at a time."""


class Place(Struct, frozen=True):
    """Where the hub is measured: the bench's folder, who receives, what was agreed."""

    bench: Bench
    receiver: Receiver
    contracts: tuple[ContractProperties, ...]

    def contract(self, party: str, interaction: str) -> ContractProperties:
        """Give what was agreed with a party on an interaction."""
        return next(
            one
            for one in self.contracts
            if (one.party_key, one.interaction) == (party, interaction)
        )

    def target(self, port: int, path: str) -> Target:
        """Give where a load of ebXML messages goes."""
        return replace(
            self.bench.target(port),
            path=path,
            content_type=mime.CONTENT_TYPE,
            is_good=load.is_acknowledgment,
        )

    @contextmanager
    def store(
        self, url: str, acknowledged: Acknowledging = Acknowledging.REQUESTED, **settings: str
    ) -> Iterator[None]:
        """Work on a store that knows the directory, with every party at the receiver's address."""
        with served.settings({"SPINE_STORE_URL": url, **settings}):
            store = open_store(configs.load(self.bench.config))
            listed = _with_receivers(self.bench.listing())
            endpoint = f"https://localhost:{self.receiver.port}/"
            parties = [
                replace(one, endpoint=endpoint, acknowledgments=acknowledged)
                for one in listed.parties
            ]
            list_directory(store, listed, parties)
            store.close()
            yield

    @contextmanager
    def serving(self) -> Iterator[Watched]:
        """Serve on the store that is worked on."""
        with served.serving(self.bench.config, free_ports()) as server:
            yield server


@contextmanager
def placed(bench: Bench) -> Iterator[Place]:
    """Give the place, with its receiver, as long as the block lasts."""
    files = bench.files
    own = replace(
        files, certificate=files.ca.with_name("server.pem"), key=files.ca.with_name("server.key")
    )
    with hub_receiver.receiving(own) as receiver:
        yield Place(bench, receiver, bench.listing().contracts)


def receivers() -> Iterator[tuple[PartyKey, Asid]]:
    """Give the parties that messages are forwarded to, with their systems."""
    yield PartyKey(SECOND_PARTY), Asid(SECOND_ASID)
    for number in range(1, RECEIVERS):
        yield PartyKey(f"T9999{number}-99100{number:02d}"), Asid(f"9900000010{number:02d}")


def _with_receivers(listed: Listing) -> Listing:
    """Give the directory with the second party in it once for each receiver."""
    party = next(one for one in listed.parties if one.party_key == SECOND_PARTY)
    system = next(one for one in listed.systems if one.asid == SECOND_ASID)
    agreed = [one for one in listed.contracts if one.party_key == SECOND_PARTY]
    more = [*receivers()][1:]
    return replace(
        listed,
        parties=(
            *listed.parties,
            *(
                replace(party, party_key=key, asids=(asid,), certificate_names=())
                for key, asid in more
            ),
        ),
        systems=(
            *listed.systems,
            *(replace(system, party_key=key, asid=asid) for key, asid in more),
        ),
        contracts=(
            *listed.contracts,
            *(replace(one, party_key=key) for key, _ in more for one in agreed),
        ),
    )


class Window(Struct, frozen=True):
    """Lets only so many messages be on their way: what is sent waits for what has arrived."""

    receiver: Receiver
    sent: Synchronized[int]
    before: int

    def paced(self, bodies: Iterator[bytes]) -> Iterator[bytes]:
        """Give bodies as fast as others arrive."""
        for body in bodies:
            until = time.monotonic() + PATIENCE_SECONDS
            while self._is_full() and time.monotonic() < until:
                time.sleep(0.01)
            with self.sent.get_lock():
                self.sent.value += 1
            yield body

    def _is_full(self) -> bool:
        return self.sent.value - (self.receiver.different.value - self.before) >= OUTSTANDING
