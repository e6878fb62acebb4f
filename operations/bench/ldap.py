"""What the directory costs over LDAP: the lookups of message handlers in a national table."""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from msgspec import Struct, field

from facade import config as configs
from facade.wiring import open_store
from legacy_contracts.sds import ldap_requests
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_ber import measured as length_of
from legacy_contracts.sds.ldap_codes import Scope, Tag
from legacy_contracts.sds.ldap_messages import Bind, Search
from operations import importing, national
from operations.bench import served
from operations.bench.load import Tally
from operations.bench.measuring import Bench, Report, free_ports

ENTRIES: Final = national.ORGANISATIONS * 15 // 2
"""Of the synthetic table (operations/national.py says what an organisation comes to)."""
TARGET: Final = 500
SEED: Final = 2014
CONNECTIONS: Final = 8
SECONDS: Final = 10.0

_BASE: Final = "ou=services,o=nhs"
_SYSTEM: Final = re.compile(
    r"^nhsIDCode: (\S+)$.*^nhsMHSPartyKey: (\S+)$", re.MULTILINE | re.DOTALL
)
_AGREED: Final = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
"""What every organisation of the table takes."""
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
    handlers = fill(bench)
    port = free_ports()[0]
    with (
        served.settings({"SPINE_LDAP_HOST": "127.0.0.1", "SPINE_LDAP_PORT": str(port)}),
        served.serving(bench.config, (port, 0), "operations.cli", "ldap") as server,
    ):
        clients = [_connected(bench, port) for _ in range(CONNECTIONS)]
        ask(clients, handlers, 2.0)
        bench.say("lookups over LDAP")
        cpu = server.cpu_seconds()
        tally = ask(clients, handlers, SECONDS)
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


Handlers = list[tuple[str, str]]
"""The codes of organisations, each with the party key of its message handler."""


def fill(bench: Bench) -> Handlers:
    """Import the synthetic table; give whom it can be asked for."""
    handlers: Handlers = []

    def lines() -> Iterator[bytes]:
        for text in national.as_ldif(national.ORGANISATIONS, SEED):
            if "objectClass: nhsAs\n" in text and (system := _SYSTEM.search(text)):
                handlers.append((system[1], system[2]))
            yield from text.encode().splitlines(keepends=True)

    with closing(open_store(configs.load(bench.config))) as store, importing.spooling() as spool:
        checked = importing.read(lines(), store, spool)
        if checked.faults:
            raise AssertionError(checked.faults[0])
        importing.write(checked, store, bench.context)
    return handlers


def lookups(handlers: Handlers, dice: random.Random) -> Iterator[bytes]:
    """Give searches without end: a system by organisation, then the contract of its party."""
    message_id = 2
    while True:
        code, party_key = dice.choice(handlers)
        system = f"(&(nhsIDCode={code})(objectClass=nhsAs)(nhsAsSvcIA={_AGREED}))"
        contract = f"(&(objectClass=nhsMhs)(nhsMHSPartyKey={party_key})(nhsMhsSvcIA={_AGREED}))"
        yield _search(message_id, system, _SYSTEM_ATTRIBUTES)
        yield _search(message_id + 1, contract, _CONTRACT_ATTRIBUTES)
        message_id = message_id % 2**30 + 2


def _search(message_id: int, text: str, attributes: tuple[str, ...]) -> bytes:
    wanted = Search(_BASE, Scope.SUB, 0, 0, False, read_text(text), attributes)  # noqa: FBT003
    return ldap_requests.message(message_id, ldap_requests.search(wanted))


class _Client(Struct):
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


def ask(clients: list[_Client], handlers: Handlers, seconds: float) -> Tally:
    """Send lookups on some connections for so long; give what was measured."""
    until = time.perf_counter() + seconds
    tallies = [Tally() for _ in clients]
    threads = [
        threading.Thread(
            target=_load,
            args=(client, lookups(handlers, random.Random(SEED + place)), tally, until),  # noqa: S311
        )
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


def _load(client: _Client, asked: Iterator[bytes], tally: Tally, until: float) -> None:
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
