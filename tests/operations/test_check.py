"""`spine check`: every fault of a facade is found, named, and comes with its cure."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from commanding import config_of, made_folder, run, told
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from serving import Served, core_on, free_ports, spine

from core import audit
from core.context import system_context
from core.store.memory import MemoryStore
from facade.wiring import open_store
from legacy_contracts import registry
from legacy_contracts.errors import MEANINGS
from legacy_contracts.smsp.operations import OPERATIONS
from operations import certificates, checking
from operations.checking import Finding, Level

NOW = datetime.now(UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made_folder(tmp_path / "data")


def check(file: Path, *options: str, **environ: str) -> Result:
    """Check a folder on ports that are free."""
    port, admin_port = free_ports(2)
    settings = {"SPINE_SERVER_PORT": str(port), "SPINE_ADMIN_PORT": str(admin_port), **environ}
    return run("check", "--config", str(file), *options, **settings)


def findings(result: Result) -> list[Finding]:
    """Give what a check found, as a machine reads it."""
    return [
        Finding(Level(one["level"]), one["what"], one["says"])
        for one in json.loads(result.stdout)["findings"]
    ]


def faults(result: Result) -> list[Finding]:
    return [one for one in findings(result) if one.level is Level.FAULT]


def the_fault(file: Path, **environ: str) -> Finding:
    """Give the one fault of a folder, which a check must also exit by."""
    result = check(file, "--json", **environ)
    assert result.exit_code == 1
    (fault,) = faults(result)
    return fault


def test_a_fresh_folder_is_fit_to_serve(file: Path) -> None:
    result = check(file, "--audit")

    assert result.exit_code == 0
    words = [line.split()[0] for line in result.stdout.splitlines()]
    assert set(words) == {"ok"}
    for what in (
        "configuration",
        "ca.pem",
        "server.pem",
        "client.pem",
        "store",
        "directory",
        "audit",
    ):
        assert what in result.stdout
    assert result.stdout.count("is free") == 2
    assert "824 days left" in result.stdout


def reissue(file: Path, *, days: int, name: str = "server") -> None:
    """Put a certificate that is valid for some more days in a folder's place."""
    tls = file.parent / "tls"
    authority = certificates.make_authority("Other CA", NOW - timedelta(days=100))
    valid = (NOW - timedelta(days=100), NOW + timedelta(days=days, hours=1))
    issued = certificates.issue(authority, "localhost", server=True, valid=valid)
    (tls / "ca.pem").write_bytes(certificates.certificate_pem(authority))
    (tls / f"{name}.pem").write_bytes(issued.certificate)
    (tls / f"{name}.key").write_bytes(issued.key)


def test_a_certificate_that_expires_soon_is_a_warning(file: Path) -> None:
    reissue(file, days=29)

    result = check(file, "--json")

    assert result.exit_code == 0
    (warning,) = [one for one in findings(result) if one.level is Level.WARNING]
    assert warning.what.endswith("tls/server.pem")
    assert warning.says == "CN=localhost expires in 29 days: put a new one in its place"


def test_an_expired_certificate_is_a_fault(file: Path) -> None:
    reissue(file, days=-2)
    fault = the_fault(file)
    assert fault.what.endswith("tls/server.pem")
    assert "has expired: put a new one" in fault.says


def test_a_key_of_another_certificate_is_a_fault(file: Path) -> None:
    tls = file.parent / "tls"
    (tls / "server.key").write_bytes((tls / "client.key").read_bytes())
    fault = the_fault(file)
    assert fault.what == "tls"
    assert "the certificates do not work" in fault.says


def test_an_authority_that_strict_clients_checks_refuse_is_a_fault(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old CA")])
    old = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    with (file.parent / "tls/ca.pem").open("ab") as bundle:
        bundle.write(old.public_bytes(certificates.serialization.Encoding.PEM))

    assert "CN=Old CA has no keyUsage" in the_fault(file).says
    assert check(file, SPINE_TLS_STRICT="false").exit_code == 0


def test_a_store_that_is_not_there_is_a_fault_and_stays_away(file: Path) -> None:
    (file.parent / "spine.db").unlink()
    assert "there is no store" in the_fault(file).says
    assert not (file.parent / "spine.db").exists()


def test_a_damaged_store_is_a_fault(file: Path) -> None:
    (file.parent / "spine.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    assert "is damaged" in the_fault(file).says


def test_an_empty_directory_is_a_fault(file: Path) -> None:
    (file.parent / "spine.db").unlink()
    open_store(config_of(file)).close()
    fault = the_fault(file)
    assert fault.what == "directory"
    assert "nobody may ask: `spine directory import FILE`" in fault.says


def test_what_a_store_lacks_is_a_fault_each() -> None:
    class Lacking(MemoryStore):
        def faults(self) -> tuple[str, ...]:
            """Lack two things."""
            return ("first: do this", "second: do that")

    found = checking.records(Lacking())
    assert [(one.level, one.says) for one in found] == [
        (Level.FAULT, "first: do this"),
        (Level.FAULT, "second: do that"),
    ]


def test_a_store_that_is_away_is_a_fault() -> None:
    store = MemoryStore()
    store.away = True
    (found,) = checking.records(store)
    assert (found.level, found.what) == (Level.FAULT, "store")


def test_a_port_of_another_program_is_a_fault(file: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        fault = the_fault(file, SPINE_SERVER_HOST="127.0.0.1", SPINE_SERVER_PORT=str(port))
    assert fault.says == "is used by another program: stop it, or set server.port"


@pytest.mark.parametrize("setting", ["port", "plain_port"])
def test_the_ports_of_ldap_are_looked_at_where_it_is_configured(file: Path, setting: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = {f"SPINE_LDAP_{setting.upper()}": str(other.getsockname()[1])}
        fault = the_fault(file, SPINE_LDAP_HOST="127.0.0.1", **taken)
    assert fault.says == f"is used by another program: stop it, or set ldap.{setting}"


def test_ldap_without_what_it_needs_is_a_fault(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    (port,) = free_ports(1)
    assert "pip install 'spine-facade[ldap]'" in the_fault(file, SPINE_LDAP_PORT=str(port)).says
    assert faults(check(file, "--json")) == []


def test_an_address_of_another_machine_is_a_fault(file: Path) -> None:
    assert "set server.port" in the_fault(file, SPINE_SERVER_HOST="192.0.2.1").says


def test_a_serving_facade_is_said_to_serve(served: Served) -> None:
    result = run(
        "check",
        "--audit",
        "--config",
        str(served.folder / "spine.toml"),
        SPINE_SERVER_HOST="127.0.0.1",
        SPINE_SERVER_PORT=str(served.port),
        SPINE_ADMIN_PORT=str(served.admin_port),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.count("is served") == 2


def audited(file: Path, *, ended: bool) -> None:
    """Write a chain of four pages, ended in order or left as a kill leaves it."""
    with closing(open_store(config_of(file))) as store:
        core = core_on(store, system_context())
        for number in range(4):
            entry = audit.Access("2014", "P", "A", "I", "Retrieve", "done", f"m{number}")
            core.audit.record(entry)
        if ended:
            core.end()


def tamper(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file.parent / "spine.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_every_break_of_the_audit_is_a_fault(file: Path) -> None:
    audited(file, ended=True)
    tamper(file, "DELETE FROM value WHERE kind = 'audit' AND key LIKE '%.000000002'")

    result = check(file, "--audit", "--json")

    assert result.exit_code == 1
    proof = json.loads(result.stdout)["audit"]
    assert (proof["entries"], proof["pages"], proof["chains"]) == (2, 2, 1)
    assert proof["breaks"] == [
        "chain test ended at page 3, not here",
        "pages behind a gap, or in no chain: 1",
    ]
    said = [one.says for one in faults(result)]
    assert said[0] == "chains: 1, pages: 2, entries: 2, breaks: 2"
    assert said[1].startswith("chain test ended at page 3, not here: keep the store as it is")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "DELETE FROM value WHERE kind = 'audit' AND key LIKE '%.000000001'",
            "pages behind a gap, or in no chain: 2",
        ),
        (
            "DELETE FROM value WHERE kind = 'audit-chain'",
            "pages behind a gap, or in no chain: 4",
        ),
        (
            "UPDATE value SET value = '{' WHERE kind = 'audit' AND key LIKE '%.000000001'",
            "chain test, page 1 cannot be read",
        ),
        (
            """UPDATE value
            SET value = CAST(REPLACE(CAST(value AS TEXT), 'Retrieve', 'Trace') AS BLOB)
            WHERE kind = 'audit' AND key LIKE '%.000000001'""",
            "chain test, page 1 was changed",
        ),
    ],
    ids=["a page gone", "a chain gone", "a page destroyed", "a page changed"],
)
def test_what_was_done_to_the_chain_of_a_killed_process_shows(
    file: Path, statement: str, said: str
) -> None:
    audited(file, ended=False)
    assert check(file, "--audit").exit_code == 0
    tamper(file, statement)

    result = check(file, "--audit", "--json")

    assert result.exit_code == 1
    assert any(said in one for one in json.loads(result.stdout)["audit"]["breaks"])


def test_records_of_another_release_are_refused_in_words_by_every_command(file: Path) -> None:
    with closing(sqlite3.connect(file.parent / "spine.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    arguments = ("--config", str(file))

    for command in (
        ("check", *arguments),
        ("load", *arguments),
        ("backup", *arguments, str(file.parent / "b.zip")),
        ("audit", *arguments, "--nhs-number", "9992345667"),
        ("directory", "list", *arguments),
        ("init", str(file.parent)),
    ):
        result = run(*command)
        assert result.exit_code == 1, command
        said = [line for line in result.output.splitlines() if "was written in form 99" in line]
        assert len(said) == 1, command
        assert "run the release that wrote it, or restore a backup" in said[0]


def test_a_facade_does_not_serve_records_of_another_release(file: Path) -> None:
    with closing(sqlite3.connect(file.parent / "spine.db")) as connection:
        connection.execute("PRAGMA user_version = 99")

    refused = spine("serve", "--config", str(file), SPINE_SERVER_PORT="0", SPINE_ADMIN_PORT="0")

    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "was written in form 99" in refused.stderr


def test_everything_inferred_is_listed() -> None:
    rows = told("check", "--inferred")

    refusals = {row["name"] for row in rows if row["place"] == "refusal"}
    assert refusals == {name for name, meaning in MEANINGS.items() if meaning.inferred}
    answers = [(row["name"], row["says"]) for row in rows if row["place"] == "interaction"]
    rows_of_all = (*registry.INTERACTIONS, *registry.HUB_INTERACTIONS)
    assert answers == [
        *((i.interaction_id, s) for i in rows_of_all for s in i.inferred),
        *((one.name, said) for one in OPERATIONS.values() for said in one.inferred),
    ]
    printed = run("check", "--inferred").stdout
    assert all(row["says"] in printed for row in rows)
