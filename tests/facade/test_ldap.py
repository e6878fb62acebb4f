"""The directory over LDAP as real clients use it: ldapsearch, ldap3, the NHS's message handlers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException
from ldap_serving import (
    LDAPSEARCH,
    NOT_INSTALLED,
    LdapServed,
    await_port,
    ldapsearch,
    serving_ldap,
    wired,
)
from peers import authority_of, client, now, sample_client
from serving import Served, free_ports, serving, spine

from operations import certificates
from operations.sending import ClientFiles

# ldap3 names protocols and checks names as Python no longer advises.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

needs_ldapsearch = pytest.mark.skipif(LDAPSEARCH is None, reason=NOT_INSTALLED)

GP2GP = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
PARTY = "B82001-0000002"
DIRECTORY = f"""
[organisation.B82001]
name = "The Hill Surgery"

[party.{PARTY}]
name = "Hill"
certificate_names = ["hill.spine.test"]
organisation = "B82001"
endpoint = "https://hill.spine.test/reliablemessaging"

[system.990000000077]
name = "Hill system"
party = "{PARTY}"
interactions = ["RCMR_IN010000UK05"]

[[contract]]
party = "{PARTY}"
service = "urn:nhs:names:services:gp2gp"
interactions = ["RCMR_IN010000UK05", "RCMR_IN030000UK06"]
cpa_id = "S2009999A999001"
"""


@pytest.fixture(scope="module")
def folder(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder whose directory has a practice that takes GP2GP."""
    made = tmp_path_factory.mktemp("ldap") / "data"
    shutil.copytree(sample_folder, made)
    (made / "hill.toml").write_text(DIRECTORY)
    done = spine("directory", "import", "--config", f"{made}/spine.toml", f"{made}/hill.toml")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[LdapServed]:
    with serving_ldap(folder) as running:
        yield running


@pytest.fixture(scope="module")
def files(folder: Path) -> ClientFiles:
    return sample_client(folder)


def tls(files: ClientFiles) -> ldap3.Tls:
    """Give TLS as the NHS's message handlers make it."""
    return ldap3.Tls(
        local_private_key_file=str(files.key),
        local_certificate_file=str(files.certificate),
        validate=ssl.CERT_REQUIRED,
        version=ssl.PROTOCOL_TLSv1_2,
        ca_certs_file=str(files.ca),
    )


def connected(port: int, files: ClientFiles, **said: Any) -> ldap3.Connection:  # noqa: ANN401
    """Connect by ldap3 over mutual TLS."""
    server = ldap3.Server(
        "127.0.0.1", port=port, use_ssl=True, tls=tls(files), get_info=said.pop("info", ldap3.NONE)
    )
    connection = ldap3.Connection(server, receive_timeout=20, **said)
    try:
        connection.bind()
    except (LDAPException, OSError):
        part(connection)
        raise
    return connection


def part(connection: ldap3.Connection) -> None:
    """Let go of a connection; what is left of one that was refused cannot say good-bye."""
    with contextlib.suppress(LDAPException, OSError):
        connection.unbind()
    with contextlib.suppress(AttributeError):
        connection.socket.close()


MHS_ATTRIBUTES = [
    *("nhsEPInteractionType", "nhsIDCode", "nhsMhsCPAId", "nhsMHSEndPoint", "nhsMhsFQDN"),
    *("nhsMhsIN", "nhsMHSIsAuthenticated", "nhsMHSPartyKey", "nhsMHsSN", "nhsMhsSvcIA"),
    *("nhsProductKey", "uniqueIdentifier", "nhsMHSAckRequested", "nhsMHSActor"),
    *("nhsMHSDuplicateElimination", "nhsMHSPersistDuration", "nhsMHSRetries"),
    *("nhsMHSRetryInterval", "nhsMHSSyncReplyMode"),
]

ASKED = {
    # NHSDigital/integration-adaptor-mhs, spineroutelookup/lookup/sds_client.py
    "mhs adaptor, system": (
        "ou=services,o=nhs",
        f"(&(nhsIDCode=B82001) (objectClass=nhsAs) (nhsAsSvcIA={GP2GP}))",
        ["nhsMHSPartyKey", "uniqueIdentifier"],
    ),
    "mhs adaptor, contract": (
        "ou=services,o=nhs",
        f"(&(objectClass=nhsMhs) (nhsMHSPartyKey={PARTY}) (nhsMhsSvcIA={GP2GP}))",
        MHS_ATTRIBUTES,
    ),
    # NHSDigital/spine-directory-service-api, sds/lookup/sds_client.py
    "directory API, contract": (
        "ou=services,o=nhs",
        f"(&(nhsIDCode=B82001) (objectClass=nhsMhs) (nhsMhsSvcIA={GP2GP}))",
        [*MHS_ATTRIBUTES, "nhsMhsActor"],
    ),
    "directory API, system": (
        "ou=services,o=nhs",
        f"(&(nhsIDCode=B82001) (objectClass=nhsAs) (nhsAsSvcIA={GP2GP}) (nhsMHSPartyKey={PARTY}))",
        ["uniqueIdentifier", "nhsIdCode", "nhsAsClient", "nhsMhsPartyKey", "nhsAsSvcIA"],
    ),
    # nhsdigitalmait/SpineTools, SDSSpineEndpointResolver.java (TKW): all attributes
    "TKW, contract": (
        "o=nhs",
        f"(&(objectclass=nhsMHS)(nhsMHSSvcIA={GP2GP})(nhsIDcode=B82001)(nhsMhsPartyKey={PARTY}))",
        ["*"],
    ),
    "TKW, system": (
        "ou=services,o=nhs",
        f"(&(objectclass=nhsAS)(nhsASSvcIA={GP2GP})(nhsIDcode=B82001)(nhsMhsPartyKey={PARTY}))",
        ["*"],
    ),
    # nhsconnect/gpconnect, integration_spine_directory_service.md
    "GP Connect, system": (
        "ou=services,o=nhs",
        f"(&(nhsIDCode=B82001) (objectClass=nhsAS)(nhsAsSvcIA={GP2GP}))",
        ["uniqueIdentifier", "nhsMhsPartyKey"],
    ),
}


@pytest.mark.parametrize("who", ASKED)
def test_each_message_handler_finds_one_entry_over_mutual_tls(
    served: LdapServed, files: ClientFiles, who: str
) -> None:
    base, text, attributes = ASKED[who]
    connection = connected(served.port, files)
    connection.search(base, text, attributes=attributes)
    found = connection.response
    connection.unbind()
    (entry,) = (one for one in found if one["type"] == "searchResEntry")
    said = entry["attributes"]
    assert said["nhsMHSPartyKey"] in (PARTY, [PARTY])
    if "ontract" in who:
        assert said["nhsMHSEndPoint"] in (
            "https://hill.spine.test/reliablemessaging",
            ["https://hill.spine.test/reliablemessaging"],
        )
        assert said["nhsMhsCPAId"] in ("S2009999A999001", ["S2009999A999001"])


IN_BACKGROUND = """
import os, ssl, sys, warnings
import ldap3
warnings.simplefilter("ignore")
port, ca, certificate, key, *texts = sys.argv[1:]
tls = ldap3.Tls(
    key, certificate, ssl.CERT_REQUIRED, ssl.PROTOCOL_TLSv1_2, ca_certs_file=ca
)
server = ldap3.Server("127.0.0.1", int(port), use_ssl=True, tls=tls, connect_timeout=5)
connection = ldap3.Connection(
    server, lazy=True, auto_bind=ldap3.AUTO_BIND_NO_TLS, client_strategy=ldap3.ASYNC
)
for text in texts:
    connection.bind()
    asked = connection.search("ou=services,o=nhs", text, attributes=["nhsMHSPartyKey"])
    found, _ = connection.get_response(asked, 20)
    print(len(found), found[0]["attributes"]["nhsMHSPartyKey"], flush=True)
os._exit(0)
"""
"""As the MHS adaptor asks: one lazy connection, read in the background, bound before each search.

In a process of its own, that ends: ldap3 goes on reading for ever from one that it has let go of.
"""


def test_a_message_handler_that_reads_in_the_background_finds_them_too(
    served: LdapServed, files: ClientFiles
) -> None:
    texts = [text for base, text, _ in ASKED.values() if base != "o=nhs"]
    done = subprocess.run(
        [
            *(sys.executable, "-c", IN_BACKGROUND, str(served.port)),
            *(str(files.ca), str(files.certificate), str(files.key), *texts),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.splitlines() == [f"1 {PARTY}"] * len(texts), done.stderr


def test_ldap3_reads_the_root_and_the_schema_and_asks_by_them(
    served: LdapServed, files: ClientFiles
) -> None:
    connection = connected(served.port, files, info=ldap3.ALL, raise_exceptions=True)
    assert connection.server.info.naming_contexts == ["o=nhs"]
    assert "nhsAsSvcIA" in connection.server.schema.object_classes["nhsAs"].may_contain
    assert connection.server.schema.attribute_types["nhsIDCode"].single_value
    connection.search("o=nhs", "(nhsIDCode=B82001)", attributes=["*", "+"])
    assert len(connection.entries) == 5
    pages = connection.extend.standard.paged_search(
        "o=nhs", "(nhsIDCode=B82001)", attributes=["nhsIDCode"], paged_size=2, generator=False
    )
    assert len(pages) == 5
    connection.unbind()


def test_a_certificate_is_who_binds(served: LdapServed, files: ClientFiles) -> None:
    connection = connected(
        served.port, files, authentication=ldap3.SASL, sasl_mechanism=ldap3.EXTERNAL
    )
    assert connection.bound
    who = connection.extend.standard.who_am_i()
    assert who == "dn:nhsMHSPartyKey=T99999-9900001,ou=parties,o=nhs"
    connection.unbind()


def test_tls_begins_where_a_client_asks_for_it(served: LdapServed, files: ClientFiles) -> None:
    server = ldap3.Server("127.0.0.1", port=served.plain_port, tls=tls(files))
    connection = ldap3.Connection(server, receive_timeout=20)
    connection.open()
    assert connection.start_tls()
    assert connection.bind()
    assert connection.search("ou=services,o=nhs", "(nhsIDCode=B82001)")
    connection.unbind()


@needs_ldapsearch
def test_ldapsearch_finds_over_mutual_tls(served: LdapServed, files: ClientFiles) -> None:
    asked = (
        *("-x", "-b", "ou=services, o=nhs"),
        f"(&(nhsIDCode=B82001) (objectClass=nhsAS)(nhsAsSvcIA={GP2GP}))",
        *("uniqueIdentifier", "nhsMhsPartyKey"),
    )
    done = ldapsearch(f"ldaps://127.0.0.1:{served.port}", files, *asked)
    assert done.stdout.split("\n")[:3] == [
        "dn: uniqueIdentifier=990000000077,ou=services,o=nhs",
        "uniqueIdentifier: 990000000077",
        f"nhsMHSPartyKey: {PARTY}",
    ]
    assert done.returncode == 0, done.stderr


@needs_ldapsearch
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("-b", "ou=zork,o=nhs"), 32, "Matched DN: o=nhs"),
        (("-b", "zork"), 34, "invalid DN"),
        (("-b", "o=nhs", "-z", "3"), 4, "Size limit exceeded"),
        (("-b", "o=nhs", "-E", "!1.2.3"), 12, "critical"),
        (("-b", "o=nhs", "-D", "cn=a,o=nhs", "-w", "x"), 49, "Invalid credentials"),
        (("-b", "o=nhs", "-D", "cn=a,o=nhs"), 53, "a name without a password"),
    ],
)
def test_ldapsearch_is_told_the_protocols_own_codes(
    served: LdapServed, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = ldapsearch(f"ldap://127.0.0.1:{served.plain_port}", None, "-x", *arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr + done.stdout


@needs_ldapsearch
def test_ldapsearch_pages_through_the_directory(served: LdapServed) -> None:
    url = f"ldap://127.0.0.1:{served.plain_port}"
    asked = ("-x", "-b", "o=nhs", "-E", "pr=3/noprompt", "(objectClass=*)", "1.1")
    paged = ldapsearch(url, None, *asked)
    whole = ldapsearch(url, None, "-x", "-b", "o=nhs", "(objectClass=*)", "1.1")
    names = [line for line in paged.stdout.splitlines() if line.startswith("dn:")]
    assert names == [line for line in whole.stdout.splitlines() if line.startswith("dn:")]
    assert len(names) > 10


def _refused(port: int, files: ClientFiles) -> bool:
    try:
        connection = connected(port, files)
    except (LDAPException, OSError):
        return True
    connection.unbind()
    return False


def test_a_certificate_of_another_authority_or_out_of_its_time_is_refused(
    served: LdapServed, folder: Path, files: ClientFiles
) -> None:
    foreign = client(folder, certificates.make_authority("x", now()), "client.spine.test")
    expired = client(folder, authority_of(folder), "client.spine.test", days=(-30, -1))
    early = client(folder, authority_of(folder), "client.spine.test", days=(1, 30))
    assert [_refused(served.port, one) for one in (foreign, expired, early)] == [True] * 3
    assert not _refused(served.port, files)


def _without_certificate(port: int, files: ClientFiles) -> bool:
    server = ldap3.Server(
        "127.0.0.1",
        port=port,
        use_ssl=True,
        tls=ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(files.ca)),
    )
    connection = ldap3.Connection(server, receive_timeout=20)
    try:
        return bool(connection.bind() and connection.search("o=nhs", "(o=nhs)"))
    except (LDAPException, OSError):
        return False
    finally:
        part(connection)


def test_a_client_without_a_certificate_is_let_in_only_where_that_is_said(
    served: LdapServed, folder: Path, files: ClientFiles
) -> None:
    assert not _without_certificate(served.port, files)
    with serving_ldap(folder, SPINE_LDAP_CLIENT_CERTIFICATES="optional") as optional:
        assert _without_certificate(optional.port, files)
        assert not _refused(optional.port, files)


def test_many_clients_at_once_find_what_each_asked_for(
    served: LdapServed, files: ClientFiles
) -> None:
    wrong: list[object] = []

    def ask(number: int) -> None:
        connection = connected(served.port, files)
        for _ in range(10):
            kind = ("nhsAs", "nhsMhs")[number % 2]
            connection.search("o=nhs", f"(&(nhsIDCode=B82001)(objectClass={kind}))")
            if len(connection.entries) != (1, 2)[number % 2]:
                wrong.append(connection.result)
        connection.unbind()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_beside_the_facade_it_is_started_again_when_it_is_killed(folder: Path) -> None:
    port = free_ports(1)[0]
    environ = {"SPINE_LDAP_PLAIN_PORT": str(port), "SPINE_DELIVERY_WORKERS": "0"}
    with serving(folder, **environ) as running:
        await_port(port, running.process, running.log)
        with wired(port) as wire:
            assert len(wire.found("(nhsIDCode=B82001)")) == 4
            killed = _ldap_process(running)
            os.kill(killed, signal.SIGKILL)
            assert wire.answer() is None
        deadline = time.monotonic() + 15
        while _ldap_process(running) in (0, killed):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with wired(port) as wire:
            assert len(wire.found("(nhsIDCode=B82001)")) == 4
    done = spine("check", "--audit", "--config", f"{folder}/spine.toml")
    assert done.returncode == 0, done.stdout + done.stderr


def _ldap_process(served: Served) -> int:
    """Give the child that does not hold the facade's own address, 0 while there is none."""
    parent = served.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    listening = _listening(served.port)
    held = {int(one): _held(one) for one in children}
    return next((pid for pid, names in held.items() if names and listening not in names), 0)


def _listening(port: int) -> str:
    lines = Path("/proc/net/tcp").read_text().splitlines()
    inode = next(line.split()[9] for line in lines if f":{port:04X} 00000000:0000 0A" in line)
    return f"socket:[{inode}]"


def _held(pid: str) -> list[str]:
    try:
        return [_target(one) for one in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def test_without_the_extra_serving_says_so_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "argon2.py").write_text("raise ImportError('not installed')\n")
    done = spine(
        *("ldap", "--config", f"{folder}/spine.toml"),
        SPINE_LDAP_PLAIN_PORT=str(free_ports(1)[0]),
        PYTHONPATH=str(tmp_path),
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'spine-facade[ldap]'" in done.stderr


def test_where_nothing_is_configured_serving_ldap_says_what_to_set(folder: Path) -> None:
    done = spine("ldap", "--config", f"{folder}/spine.toml")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "set ldap.port" in done.stderr


def test_a_user_of_the_file_binds(folder: Path, files: ClientFiles) -> None:
    line = spine("ldap", "password", "cn=reader,o=nhs", "--password", "secret").stdout
    (folder / "ldap-users.toml").write_text(f"[users]\n{line}")
    with serving_ldap(
        folder, SPINE_LDAP_USERS="ldap-users.toml", SPINE_LDAP_ANONYMOUS="false"
    ) as running:
        told = []
        for who in (("cn=reader,o=nhs", "secret"), ("cn=reader,o=nhs", "wrong"), (None, None)):
            connection = connected(running.port, files, user=who[0], password=who[1])
            told.append(connection.result["description"])
            found = connection.search("o=nhs", "(nhsIDCode=B82001)")
            assert found is (told[-1] == "success")
            connection.unbind()
        assert told == ["success", "invalidCredentials", "inappropriateAuthentication"]
