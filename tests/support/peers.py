"""Peers of a served facade, well-behaved and not: their certificates, and bytes on the wire."""

from __future__ import annotations

import datetime as dt
import itertools
import socket
import ssl
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import wire_requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct
from serving import Served

from core.audit import accesses_to
from core.store.sqlite import SqliteStore
from operations import certificates, patients
from operations.certificates import Authority
from operations.sending import ClientFiles

RETRIEVAL: Final = "QUPA_IN000008UK02"
ACTION: Final = f"urn:nhs:names:services:pdsquery/{RETRIEVAL}"
PATIENT: Final = next(iter(patients.numbers()))
"""The first sample patient: whom the peers ask for."""

_DAY: Final = dt.timedelta(days=1)


def now() -> dt.datetime:
    """Give the time that certificates are judged by: the machine's own."""
    return dt.datetime.now(dt.UTC)


def authority_of(folder: Path) -> Authority:
    """Give the authority that `spine init` made in a folder."""
    tls = folder / "tls"
    key = serialization.load_pem_private_key((tls / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(x509.load_pem_x509_certificate((tls / "ca.pem").read_bytes()), key)


def authority_without_key_usage() -> Authority:
    """Give an authority as many were made: nothing says what its key is for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of old")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - _DAY)
        .not_valid_after(now() + 30 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def client(
    folder: Path, authority: Authority, name: str, *, days: tuple[float, float] = (-1, 30)
) -> ClientFiles:
    """Write a client's certificate, valid between two days from now, and give its files."""
    valid = now() + days[0] * _DAY, now() + days[1] * _DAY
    issued = certificates.issue(authority, name, server=False, valid=valid)
    stem = folder / f"peer-{uuid.uuid4()}"
    certificates.write_private(stem.with_suffix(".pem"), issued.certificate)
    certificates.write_private(stem.with_suffix(".key"), issued.key)
    return ClientFiles(folder / "tls/ca.pem", stem.with_suffix(".pem"), stem.with_suffix(".key"))


def sample_client(folder: Path) -> ClientFiles:
    """Give the files of the client that `spine init` made."""
    tls = folder / "tls"
    return ClientFiles(tls / "ca.pem", tls / "client.pem", tls / "client.key")


def trusting(files: ClientFiles) -> ssl.SSLContext:
    """Give a client's context that trusts the server and shows the client's certificate."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(str(files.certificate), str(files.key))
    return context


@contextmanager
def connected(
    served: Served, context: ssl.SSLContext | None = None, *, timeout: float = 30
) -> Iterator[ssl.SSLSocket]:
    """Give a TLS connection to a facade, from its sample client unless told otherwise."""
    context = context or trusting(sample_client(served.folder))
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        yield sock


class Answer(Struct, frozen=True):
    """One HTTP answer off the wire; interim answers are left out."""

    status: int
    headers: dict[str, str]
    body: bytes


class Reader:
    """Reads the answers that come down one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""

    def answer(self) -> Answer | None:
        """Give the next answer, or None where the peer closed instead; late is an error."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        if status == 100:
            return self.answer()
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        while len(self._held) < length:
            if not self._more():
                return None
        body, self._held = self._held[:length], self._held[length:]
        return Answer(status, headers, body)

    def rest(self) -> list[Answer]:
        """Give every answer until the peer closes."""
        return list(itertools.takewhile(bool, iter(self.answer, None)))

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._held:
            if not self._more():
                return None
        head, _, self._held = self._held.partition(mark)
        return head

    def _more(self) -> bool:
        try:
            data = self._sock.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return False
        self._held += data
        return bool(data)


def message(message_id: str | None = None, nhs_number: str = PATIENT) -> bytes:
    """Give a retrieval of the sample client, under an id of its own."""
    frame = wire_requests.Frame(hl7_id=message_id or str(uuid.uuid4()).upper())
    return wire_requests.request(RETRIEVAL, wire_requests.Details(nhs_number), frame)


def http(body: bytes, *lines: str, first: str = "POST /sync-service HTTP/1.1") -> bytes:
    """Give a request as it stands on the wire, with a length unless the lines frame it."""
    framed = any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines)
    given = [line.lower().partition(":")[0] for line in lines]
    head = [first, "Host: localhost", *lines]
    if not framed:
        head.append(f"Content-Length: {len(body)}")
    if "content-type" not in given:
        head.append("Content-Type: text/xml")
    if "soapaction" not in given:
        head.append(f'SOAPAction: "{ACTION}"')
    return "\r\n".join([line for line in head if not line.endswith(": -")]).encode() + (
        b"\r\n\r\n" + body
    )


def asked(served: Served, raw: bytes, context: ssl.SSLContext | None = None) -> Answer | None:
    """Send bytes on a connection of their own, and give the first answer."""
    with connected(served, context) as sock:
        sock.sendall(raw)
        return Reader(sock).answer()


def audited(folder: Path, nhs_number: str = PATIENT) -> list[str]:
    """Give the ids of the messages that looked at a patient, oldest first."""
    store = SqliteStore(folder / "spine.db")
    try:
        return [access.message_id for _, _, access in accesses_to(store, nhs_number)]
    finally:
        store.close()


def metrics(served: Served) -> dict[str, float]:
    """Give a facade's counts by name and labels."""
    url = f"http://127.0.0.1:{served.admin_port}/metrics"
    with urllib.request.urlopen(url, timeout=5) as got:
        lines = got.read().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }
