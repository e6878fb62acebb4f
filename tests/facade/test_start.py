"""What stops a server from starting: one clear line each, with the cure, and an exit code."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as pem
from peers import PATIENT, asked, audited, authority_of, http, message, now
from room import small_disk
from serving import free_ports, serving, spine

from operations import certificates


@pytest.fixture
def folder(sample_folder: Path, tmp_path: Path) -> Path:
    """Give a folder whose files a test may change."""
    return Path(shutil.copytree(sample_folder, tmp_path / "data"))


def serve(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    port, admin_port = free_ports(2)
    settings = {
        "SPINE_SERVER_HOST": "127.0.0.1",
        "SPINE_SERVER_PORT": str(port),
        "SPINE_ADMIN_PORT": str(admin_port),
        **environ,
    }
    return spine("serve", "--config", str(folder / "spine.toml"), **settings)


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """Give the one line that a failed start says."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    assert lines[0].startswith("spine: ")
    return lines[0]


@pytest.fixture
def taken() -> Iterator[str]:
    """Give a port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def test_a_port_in_use_is_named_with_its_setting(folder: Path, taken: str) -> None:
    done = serve(folder, SPINE_SERVER_PORT=taken)
    assert done.returncode == 1
    line = only_line(done)
    assert f"127.0.0.1:{taken} is in use: stop what uses it, or set server.port" in line


def test_an_admin_port_in_use_is_named_with_its_setting(folder: Path, taken: str) -> None:
    done = serve(folder, SPINE_ADMIN_PORT=taken)
    assert done.returncode == 1
    line = only_line(done)
    assert f"127.0.0.1:{taken} is in use: stop what uses it, or set admin.port" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host", "999.1.1.1"])
def test_an_address_that_is_not_ours_is_named_with_its_setting(folder: Path, host: str) -> None:
    done = serve(folder, SPINE_SERVER_HOST=host)
    assert done.returncode == 1
    assert host in only_line(done)
    assert only_line(done).endswith("set server.host")


def test_a_configuration_that_is_not_there_is_said_with_its_cure(tmp_path: Path) -> None:
    done = serve(tmp_path)
    assert done.returncode == 2
    assert "run `spine init`" in only_line(done)


def test_a_configuration_that_cannot_be_read_is_said(folder: Path) -> None:
    config = folder / "spine.toml"
    config.unlink()
    config.mkdir()
    done = serve(folder)
    assert done.returncode == 2
    assert "cannot be read" in only_line(done)


@pytest.mark.parametrize("content", [b"\xff\xfe[server]", b"[server\nport=1", b"\x00"])
def test_a_configuration_that_is_no_toml_is_said(folder: Path, content: bytes) -> None:
    (folder / "spine.toml").write_bytes(content)
    done = serve(folder)
    assert done.returncode == 2
    assert "spine.toml" in only_line(done)


def test_a_bad_configuration_says_all_its_faults_at_once(folder: Path) -> None:
    with (folder / "spine.toml").open("a") as config:
        config.write('\n[colour]\nof = "money"\n')
    done = serve(
        folder,
        SPINE_SERVER_PORT="70000",
        SPINE_SERVER_THREADS="many",
        SPINE_SERVER_WORKERS="0",
        SPINE_SERVER_DRAIN_SECONDS="0",
        SPINE_SERVER_READ_SECONDS="nan",
        SPINE_TLS_HANDSHAKE_SECONDS="-1",
        SPINE_TLS_STRICT="perhaps",
        SPINE_TLS_KEY="tls/nowhere.key",
        SPINE_STORE_URL="mysql:spine",
        SPINE_STORE_LIMIT_BYTES="-1",
        SPINE_LOG_LEVEL="loud",
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    wanted = (
        *("server.port", "SERVER_THREADS", "server.workers", "server.drain_seconds"),
        *("server.read_seconds", "tls.handshake_seconds", "TLS_STRICT", "tls.key", "colour.of"),
        *("store.url", "store.limit_bytes", "log.level"),
    )
    assert [name for name in wanted if not any(name in line for line in lines)] == []
    assert len(lines) == len(wanted), done.stderr


def test_a_missing_certificate_is_named(folder: Path) -> None:
    (folder / "tls/server.pem").unlink()
    done = serve(folder)
    assert done.returncode == 2
    assert "tls.certificate: there is no file" in only_line(done)


def server_certificate(folder: Path, days: float) -> certificates.Issued:
    valid = (now() - dt.timedelta(days=60), now() + dt.timedelta(days=days))
    return certificates.issue(authority_of(folder), "localhost", server=True, valid=valid)


def test_an_expired_certificate_is_said_with_its_cure(folder: Path) -> None:
    issued = server_certificate(folder, days=-1)
    (folder / "tls/server.pem").write_bytes(issued.certificate)
    (folder / "tls/server.key").write_bytes(issued.key)
    done = serve(folder)
    assert done.returncode == 1
    assert "server.pem has expired: put a new one in its place" in only_line(done)


def test_a_key_of_another_certificate_is_said(folder: Path) -> None:
    (folder / "tls/server.key").write_bytes(server_certificate(folder, days=1).key)
    done = serve(folder)
    assert done.returncode == 1
    assert "server.key" in only_line(done)


def test_an_encrypted_key_is_refused_without_asking_for_a_password(folder: Path) -> None:
    key = folder / "tls/server.key"
    plain = pem.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        plain.private_bytes(
            pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.BestAvailableEncryption(b"secret")
        )
    )
    done = serve(folder)
    assert done.returncode == 1
    assert "server.key" in only_line(done)


def write_version(folder: Path) -> None:
    with sqlite3.connect(folder / "spine.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def damage(folder: Path) -> None:
    for left in folder.glob("spine.db-*"):
        left.unlink()
    (folder / "spine.db").write_bytes(b"this is no database" * 1000)


def nothing(_folder: Path) -> None:
    """Change nothing."""


@pytest.mark.parametrize(
    ("prepare", "url", "words"),
    [
        (nothing, "sqlite:nowhere/spine.db", "check that its folder exists and is writable"),
        (nothing, "sqlite:/proc/spine.db", "check that its folder exists and is writable"),
        (nothing, "sqlite:", "cannot be opened"),
        (damage, "sqlite:spine.db", "is damaged"),
        (write_version, "sqlite:spine.db", "was written in form 99"),
    ],
    ids=["no folder", "not writable", "a folder", "damaged", "another version"],
)
def test_a_store_that_is_away_is_said_with_its_cure(
    folder: Path, prepare: Callable[[Path], None], url: str, words: str
) -> None:
    prepare(folder)
    done = serve(folder, SPINE_STORE_URL=url)
    assert done.returncode == 1
    assert words in only_line(done)


def test_a_full_disk_is_said_with_its_cure(folder: Path) -> None:
    with small_disk(folder / "disk", 400_000) as disk:
        disk.fill()
        done = serve(folder, SPINE_STORE_URL="sqlite:disk/spine.db")
    assert done.returncode == 1
    assert "disk/spine.db" in only_line(done)
    assert "disk" in only_line(done).rpartition(": ")[2]


def test_a_store_without_room_is_said_when_it_is_made(tmp_path: Path) -> None:
    done = spine("init", str(tmp_path / "data"), SPINE_STORE_LIMIT_BYTES="8192")
    assert done.returncode == 1
    assert "is full: free room on its disk, or raise store.limit_bytes" in done.stderr


def test_a_second_start_keeps_the_data(folder: Path) -> None:
    ids = []
    for _ in range(2):
        ids.append(message_id := f"2D8E0B5C-0000-4000-8000-{len(ids):012d}")
        with serving(folder) as facade:
            answer = asked(facade, http(message(message_id)))
        assert answer is not None
        assert PATIENT.encode() in answer.body
    assert audited(folder)[-2:] == ids


def test_a_second_init_and_load_keep_the_data(folder: Path) -> None:
    before = (folder / "tls/server.pem").read_bytes()
    again = spine("init", str(folder))
    loaded = spine("load", "--config", str(folder / "spine.toml"), "--patients", "200")
    assert (again.returncode, loaded.returncode) == (0, 0)
    assert "made" not in again.stdout
    assert (folder / "tls/server.pem").read_bytes() == before
