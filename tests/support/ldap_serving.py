"""LDAP on real sockets: `spine ldap` in a process of its own, a client of bytes, `ldapsearch`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ldap_served import Answer, answers_in
from msgspec import Struct
from serving import free_ports

from legacy_contracts.sds import ldap_requests
from legacy_contracts.sds.filters_text import read_text
from legacy_contracts.sds.ldap_ber import measured
from legacy_contracts.sds.ldap_codes import Scope
from legacy_contracts.sds.ldap_messages import Bind, Search
from operations.sending import ClientFiles

LDAPSEARCH = shutil.which("ldapsearch")
NOT_INSTALLED = "there is no ldapsearch: apt install ldap-utils"


class LdapServed(Struct, frozen=True):
    """A served directory: its folder, its ports with TLS and without, its process."""

    folder: Path
    port: int
    plain_port: int
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serving_ldap(folder: Path, **environ: str) -> Iterator[LdapServed]:
    """Serve LDAP alone for a while, with TLS and without."""
    port, plain_port = free_ports(2)
    settings = {
        "SPINE_LDAP_HOST": "127.0.0.1",
        "SPINE_LDAP_PORT": str(port),
        "SPINE_LDAP_PLAIN_PORT": str(plain_port),
        **environ,
    }
    log = folder.parent / f"ldap-{port}.log"
    command = [sys.executable, "-m", "operations.cli", "ldap", "--config", f"{folder}/spine.toml"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    try:
        await_port(plain_port, process, log)
        yield LdapServed(folder, port, plain_port, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=40)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens on a port."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"nothing listened on {port} in 30 seconds: {log.read_text()}")


class Wire:
    """A client of bytes: what it is told, one message after the other, until the end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._held = b""

    def answer(self) -> Answer | None:
        """Give the next message, or None where the server has closed."""
        while (length := measured(self._held)) is None or len(self._held) < length:
            received = self.sock.recv(65_536)
            if not received:
                return None
            self._held += received
        whole, self._held = self._held[:length], self._held[length:]
        return next(answers_in(whole))

    def found(self, text: str, base: str = "ou=services,o=nhs") -> list[Answer]:
        """Search, and give what is answered."""
        wanted = Search(base, Scope.SUB, 0, 0, False, read_text(text), ())  # noqa: FBT003
        self.sock.sendall(ldap_requests.message(2, ldap_requests.search(wanted)))
        answers: list[Answer] = []
        while not answers or answers[-1].code is None:
            answer = self.answer()
            assert answer is not None
            answers.append(answer)
        return answers


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    """Connect without TLS."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        yield Wire(sock)


def bind_bytes() -> bytes:
    """Give an anonymous bind."""
    return ldap_requests.message(1, ldap_requests.bind(Bind(3, "", None, b"")))


def ldapsearch(
    url: str, files: ClientFiles | None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run the real client with a client's files."""
    environ = dict(os.environ)
    if files is not None:
        environ |= {
            "LDAPTLS_CACERT": str(files.ca),
            "LDAPTLS_CERT": str(files.certificate),
            "LDAPTLS_KEY": str(files.key),
        }
    command = [LDAPSEARCH or "ldapsearch", "-H", url, "-o", "ldif-wrap=no", "-LLL", *arguments]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
