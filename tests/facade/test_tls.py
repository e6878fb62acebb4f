"""Mutual TLS: who is let in, who is not, and in which words."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from peers import (
    Answer,
    asked,
    audited,
    authority_of,
    authority_without_key_usage,
    client,
    http,
    message,
    now,
    sample_client,
    trusting,
)
from serving import Served, serving, spine

from operations import certificates
from operations.sending import ClientFiles

HL7 = "{urn:hl7-org:v3}"

OTHER_PARTY = """
[party.T99999-9900002]
name = "Another practice"
certificate_names = ["other.spine.test"]

[system.990000000003]
name = "Another practice's system"
party = "T99999-9900002"
interactions = ["*"]
"""


@pytest.fixture(scope="module")
def parties(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with two parties, whose authorities are two: one made as of old."""
    folder = tmp_path_factory.mktemp("parties") / "data"
    shutil.copytree(sample_folder, folder)
    (folder / "other.toml").write_text(OTHER_PARTY)
    done = spine("directory", "import", "--config", f"{folder}/spine.toml", f"{folder}/other.toml")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def old_authority(parties: Path) -> certificates.Authority:
    authority = authority_without_key_usage()
    own = (parties / "tls/ca.pem").read_bytes()
    (parties / "tls/both.pem").write_bytes(own + certificates.certificate_pem(authority))
    return authority


@pytest.fixture(scope="module", params=["true", "false"], ids=["strict", "not strict"])
def facade(
    parties: Path, old_authority: certificates.Authority, request: pytest.FixtureRequest
) -> Iterator[Served]:
    assert old_authority
    with serving(parties, SPINE_TLS_STRICT=request.param, SPINE_TLS_CA="tls/both.pem") as running:
        yield running


def answered(facade: Served, files: ClientFiles) -> Answer:
    answer = asked(facade, http(message()), trusting(files))
    assert answer is not None
    return answer


def refused(facade: Served, context: ssl.SSLContext) -> str:
    """Give in which words the handshake of a peer is refused; nobody looked at anyone."""
    message_id = str(uuid.uuid4()).upper()
    with pytest.raises((ssl.SSLError, ConnectionError)) as raised:
        _read_after_handshake(facade, http(message(message_id)), context)
    assert message_id not in audited(facade.folder)
    return getattr(raised.value, "reason", None) or type(raised.value).__name__


def _read_after_handshake(facade: Served, raw: bytes, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection(("127.0.0.1", facade.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sock,
    ):
        sock.sendall(raw)
        assert sock.recv(1) == b"never an answer"


def access_refusal(answer: Answer) -> bool:
    """Say whether an answer is the legacy's refusal of access: AR, 17.32 code 900."""
    root = etree.fromstring(answer.body)
    code = root.find(
        f".//{HL7}acknowledgement[@typeCode='AR']/{HL7}acknowledgementDetail/{HL7}code"
    )
    return (
        answer.status == 200
        and root.find(f".//{HL7}MCCI_IN010000UK13") is not None
        and code is not None
        and code.get("code") == "900"
        and code.get("codeSystem").endswith(".17.32")
    )


def test_the_partys_own_client_is_answered(facade: Served) -> None:
    answer = answered(facade, sample_client(facade.folder))
    assert answer.status == 200
    assert etree.fromstring(answer.body).find(f".//{HL7}PDSResponse") is not None


def test_a_client_of_another_authority_is_refused(facade: Served) -> None:
    stranger = certificates.make_authority("Spine facade local CA", now())
    files = client(facade.folder, stranger, "client.spine.test")
    assert "UNKNOWN_CA" in refused(facade, trusting(files))


def test_a_client_without_certificate_is_refused(facade: Served) -> None:
    context = ssl.create_default_context(cafile=str(facade.folder / "tls/ca.pem"))
    assert "CERTIFICATE_REQUIRED" in refused(facade, context)


def test_a_client_that_signed_its_certificate_itself_is_refused(facade: Served) -> None:
    files = client(facade.folder, certificates.make_authority("x", now()), "client.spine.test")
    own = certificates.make_authority("client.spine.test", now())
    files.certificate.write_bytes(certificates.certificate_pem(own))
    files.key.write_bytes(certificates.key_pem(own.key))
    assert "UNKNOWN_CA" in refused(facade, trusting(files))


@pytest.mark.parametrize(
    ("days", "words"), [((-30, -1), "CERTIFICATE_EXPIRED"), ((1, 30), "BAD_CERTIFICATE")]
)
def test_a_certificate_out_of_its_time_is_refused(
    facade: Served, days: tuple[float, float], words: str
) -> None:
    files = client(facade.folder, authority_of(facade.folder), "client.spine.test", days=days)
    assert words in refused(facade, trusting(files))


def test_the_hubs_own_certificate_is_of_no_party(facade: Served) -> None:
    # It may be shown to others, since the hub delivers; nobody is let in by it here.
    tls = facade.folder / "tls"
    files = ClientFiles(tls / "ca.pem", tls / "server.pem", tls / "server.key")
    assert access_refusal(answered(facade, files))


def test_another_partys_certificate_is_refused_access_in_the_legacys_words(facade: Served) -> None:
    files = client(facade.folder, authority_of(facade.folder), "other.spine.test")
    assert access_refusal(answered(facade, files))


def test_a_name_in_no_party_is_refused_access_in_the_legacys_words(facade: Served) -> None:
    files = client(facade.folder, authority_of(facade.folder), "nobody.spine.test")
    assert access_refusal(answered(facade, files))


def test_a_party_is_known_whatever_the_case_of_its_name(facade: Served) -> None:
    files = client(facade.folder, authority_of(facade.folder), "CLIENT.Spine.Test")
    assert answered(facade, files).status == 200
    assert not access_refusal(answered(facade, files))


def test_an_authority_without_key_usage_counts_unless_strict(
    facade: Served, old_authority: certificates.Authority, request: pytest.FixtureRequest
) -> None:
    files = client(facade.folder, old_authority, "client.spine.test")
    if "not strict" in request.node.name:
        assert not access_refusal(answered(facade, files))
    else:
        assert refused(facade, trusting(files))
        # The client may see the refusal before the server has written it down.
        deadline = time.monotonic() + 10
        while "keyusage" not in facade.log.read_text().lower().replace(" ", ""):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_tls_1_1_is_refused(facade: Served) -> None:
    context = trusting(sample_client(facade.folder))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert "PROTOCOL_VERSION" in refused(facade, context)


def test_tls_1_2_is_enough(facade: Served) -> None:
    context = trusting(sample_client(facade.folder))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    answer = asked(facade, http(message()), context)
    assert answer is not None
    assert answer.status == 200


def test_a_resumed_session_is_the_same_party(facade: Served) -> None:
    files = client(facade.folder, authority_of(facade.folder), "other.spine.test")
    context = trusting(files)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", facade.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as sock,
        ):
            sock.sendall(http(message()))
            assert b'code="900"' in _all_of(sock)
            was_resumed, session = sock.session_reused, sock.session
    assert was_resumed


def _all_of(sock: ssl.SSLSocket) -> bytes:
    data = b""
    while b"</SOAP:Envelope>" not in data:
        got = sock.recv(65536)
        assert got
        data += got
    return data


def test_plain_http_is_not_answered(facade: Served) -> None:
    with socket.create_connection(("127.0.0.1", facade.port), timeout=10) as plain:
        plain.sendall(http(message()))
        data = plain.recv(65536)
    assert b"HTTP" not in data


def test_what_was_refused_is_logged_with_its_reason_and_no_traceback(facade: Served) -> None:
    files = client(facade.folder, authority_of(facade.folder), "x.spine.test", days=(-30, -1))
    refused(facade, trusting(files))
    log = facade.log.read_text()
    assert "certificate has expired" in log
    assert "Traceback" not in log
