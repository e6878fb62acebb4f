"""What the directory costs over LDAP: the lookups of message handlers in a national table."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from core import directory
from core.context import system_context
from core.directory import Actor, ContractProperties, Organisation, Party, System
from core.messaging.keeping import iso
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from facade import config as configs
from facade.wiring import open_store
from legacy_contracts.sds import ldap_requests
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_ber import measured as length_of
from legacy_contracts.sds.ldap_codes import Scope, Tag
from legacy_contracts.sds.ldap_messages import Bind, Search
from operations.bench import served
from operations.bench.load import Tally
from operations.bench.measuring import Bench, Report, free_ports

ENTRIES: Final = 300_000
ORGANISATIONS: Final = 40_000
HANDLERS: Final = 20_000
CONTRACTS_EACH: Final = (ENTRIES - ORGANISATIONS - 2 * HANDLERS) // HANDLERS
TARGET: Final = 500
SEED: Final = 2014
CONNECTIONS: Final = 8
SECONDS: Final = 10.0

_BASE: Final = "ou=services,o=nhs"
_GP2GP: Final = "urn:nhs:names:services:gp2gp"
_INTERACTIONS: Final = tuple(f"RCMR_IN{number:06d}UK05" for number in range(CONTRACTS_EACH))
_SYSTEM_ATTRIBUTES: Final = ("nhsMHSPartyKey", "uniqueIdentifier")
_CONTRACT_ATTRIBUTES: Final = (
    *("nhsEPInteractionType", "nhsIDCode", "nhsMhsCPAId", "nhsMHSEndPoint", "nhsMhsFQDN"),
    *("nhsMHsIN", "nhsMHSIsAuthenticated", "nhsMHSPartyKey", "nhsMHsSN", "nhsMhsSvcIA"),
    *("nhsProductKey", "uniqueIdentifier", "nhsMHSAckRequested", "nhsMHSActor"),
    *("nhsMHSDuplicateElimination", "nhsMHSPersistDuration", "nhsMHSRetries"),
    *("nhsMHSRetryInterval", "nhsMHSSyncReplyMode"),
)
"""What public message handlers ask for (NHSDigital/integration-adaptor-mhs, sds_client.py)."""


def measure(report: Report, bench: Bench) -> None:
    """Fill a table of a nation's size, and ask it as message handlers do, over mutual TLS."""
    bench.say(f"a directory of {ENTRIES} entries")
    store = open_store(configs.load(bench.config))
    started = time.perf_counter()
    fill(store)
    report.note("directory entries written", ENTRIES / (time.perf_counter() - started), "entries/s")
    store.close()
    port = free_ports()[0]
    with (
        served.settings({"SPINE_LDAP_HOST": "127.0.0.1", "SPINE_LDAP_PORT": str(port)}),
        served.serving(bench.config, (port, 0), "operations.cli", "ldap") as server,
    ):
        clients = [_connected(bench, port) for _ in range(CONNECTIONS)]
        ask(clients, 2.0)
        bench.say("lookups over LDAP")
        cpu = server.cpu_seconds()
        tally = ask(clients, SECONDS)
        # A thread's own time is forgotten once its connection has ended.
        used = server.cpu_seconds() - cpu
        for client in clients:
            client.sock.close()
        report.least("LDAP searches over mutual TLS, one core", tally.rate, "searches/s", TARGET)
        report.note("  p50", tally.percentile(0.5), "ms")
        report.note("  p99", tally.percentile(0.99), "ms")
        report.most("  not answered with an entry", tally.failed, "searches", 0)
        report.note("  server CPU", used / max(len(tally.seconds), 1) * 1000, "ms/search")
        report.note("  peak memory", server.memory()[1], "MiB")


def fill(store: Store) -> None:
    """Write organisations, and for every second of them a message handler that knows GP2GP."""
    context = system_context()
    at = {"at": iso(context.now()), "import_id": context.new_id()}
    codes = [_code(number) for number in range(ORGANISATIONS)]
    for first in range(0, ORGANISATIONS, 1000):
        some = codes[first : first + 1000]
        directory.list_organisations(store, [Organisation(one, f"Of {one}") for one in some], **at)
    for first in range(0, HANDLERS, 200):
        numbers = range(first, min(first + 200, HANDLERS))
        directory.list_entries(store, map(_party, numbers), map(_system, numbers), **at)
        directory.list_contracts(store, [one for n in numbers for one in _contracts(n)], **at)


def _code(number: int) -> str:
    return f"{chr(65 + number // 10_000)}{number % 10_000:04d}9"


def _party_key(number: int) -> PartyKey:
    return PartyKey(f"{_code(number)}-{900_000 + number:07d}")


def _party(number: int) -> Party:
    where = f"https://mhs-{number}.test/reliablemessaging"
    return Party(_party_key(number), f"Handler {number}", (), (), _code(number), where)


def _system(number: int) -> System:
    activities = tuple(f"{_GP2GP}:{one}" for one in _INTERACTIONS)
    asid = Asid(f"{200_000_000_000 + number:012d}")
    return System(asid, _party_key(number), f"System {number}", (), activities)


def _contracts(number: int) -> Iterator[ContractProperties]:
    for place, interaction in enumerate(_INTERACTIONS):
        yield ContractProperties(
            party_key=_party_key(number),
            service=_GP2GP,
            interaction=interaction,
            cpa_id=f"S{number:08d}{place:04d}",
            endpoint="",
            ack_requested=True,
            duplicate_elimination=True,
            sync_reply=False,
            actor=Actor.TO_PARTY_MSH,
            retries=2,
            retry_seconds=60.0,
            persist_seconds=300.0,
        )


def lookups(dice: random.Random) -> Iterator[bytes]:
    """Give searches without end: a system by organisation, then the contract of its party."""
    message_id = 2
    while True:
        number, interaction = dice.randrange(HANDLERS), dice.choice(_INTERACTIONS)
        asked = f"{_GP2GP}:{interaction}"
        code, party_key = _code(number), _party_key(number)
        system = f"(&(nhsIDCode={code})(objectClass=nhsAs)(nhsAsSvcIA={asked}))"
        contract = f"(&(objectClass=nhsMhs)(nhsMHSPartyKey={party_key})(nhsMhsSvcIA={asked}))"
        yield _search(message_id, system, _SYSTEM_ATTRIBUTES)
        yield _search(message_id + 1, contract, _CONTRACT_ATTRIBUTES)
        message_id = message_id % 2**30 + 2


def _search(message_id: int, text: str, attributes: tuple[str, ...]) -> bytes:
    wanted = Search(_BASE, Scope.SUB, 0, 0, False, read_text(text), attributes)  # noqa: FBT003
    return ldap_requests.message(message_id, ldap_requests.search(wanted))


@dataclass(slots=True)
class _Client:
    """One connection, and what it keeps of the bytes that came."""

    sock: socket.socket
    held: bytearray = field(default_factory=bytearray)

    def answer(self) -> bytes:
        """Give one whole message."""
        while (length := length_of(self.held)) is None or len(self.held) < length:
            received = self.sock.recv(65_536)
            if not received:
                raise ConnectionError("the server ended the connection")
            self.held += received
        whole = bytes(self.held[:length])
        del self.held[:length]
        return whole


def ask(clients: list[_Client], seconds: float) -> Tally:
    """Send lookups on some connections for so long; give what was measured."""
    until = time.perf_counter() + seconds
    tallies = [Tally() for _ in clients]
    threads = [
        threading.Thread(target=_load, args=(client, random.Random(SEED + place), tally, until))  # noqa: S311
        for place, (client, tally) in enumerate(zip(clients, tallies, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answered = [second for tally in tallies for second in tally.seconds]
    return Tally(answered, sum(tally.failed for tally in tallies), seconds)


def _connected(bench: Bench, port: int) -> _Client:
    files = bench.files
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(str(files.certificate), str(files.key))
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = _Client(context.wrap_socket(plain, server_hostname="127.0.0.1"))
    client.sock.sendall(ldap_requests.message(1, ldap_requests.bind(Bind(3, "", None, b""))))
    client.answer()
    return client


def _load(client: _Client, dice: random.Random, tally: Tally, until: float) -> None:
    asked = lookups(dice)
    while time.perf_counter() < until:
        request = next(asked)
        began = time.perf_counter()
        client.sock.sendall(request)
        entries = 0
        while (answer := client.answer()) and _tag(answer) == Tag.SEARCH_ENTRY:
            entries += 1
        tally.seconds.append(time.perf_counter() - began)
        tally.failed += entries != 1


def _tag(message: bytes) -> int:
    """Give the tag of a message's operation: what follows its id."""
    start = 2 + (message[1] & 0x7F if message[1] >= 0x80 else 0)
    return message[start + 2 + message[start + 1]]
