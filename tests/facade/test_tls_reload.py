"""Certificates change under a running server, break, and come to their end."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from peers import asked, authority_of, client, connected, http, message, metrics, now, trusting
from serving import Served, serving, workers

from facade.tls import FollowedContext, TlsFiles, server_context
from operations import certificates

SOON = 8.0
"""Seconds in which a change must be seen."""

DAY = 86400.0


@pytest.fixture
def folder(sample_folder: Path, tmp_path: Path) -> Path:
    """Give a folder whose files a test may change."""
    return Path(shutil.copytree(sample_folder, tmp_path / "data"))


@pytest.fixture
def facade(folder: Path) -> Iterator[Served]:
    with serving(folder) as running:
        yield running


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happens():
            return True
        time.sleep(0.1)
    return False


def serial_shown(facade: Served) -> int:
    with connected(facade) as sock:
        shown = sock.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def new_server_certificate(folder: Path, days: float = 825) -> int:
    """Write a server certificate of the folder's authority and give its serial number."""
    valid = (now() - dt.timedelta(days=60), now() + dt.timedelta(days=days))
    issued = certificates.issue(
        authority_of(folder), "localhost", server=True, valid=valid, addresses=("127.0.0.1",)
    )
    certificates.write_private(folder / "tls/server.pem", issued.certificate)
    certificates.write_private(folder / "tls/server.key", issued.key)
    return x509.load_pem_x509_certificate(issued.certificate).serial_number


def test_a_new_server_certificate_is_served_without_a_restart(facade: Served) -> None:
    wanted = new_server_certificate(facade.folder)
    assert within(SOON, lambda: {serial_shown(facade) for _ in range(6)} == {wanted})


def test_a_new_authority_is_accepted_without_a_restart(facade: Served) -> None:
    authority = certificates.make_authority("A new authority", now())
    files = client(facade.folder, authority, "client.spine.test")
    ca = facade.folder / "tls/ca.pem"
    ca.write_bytes(ca.read_bytes() + certificates.certificate_pem(authority))

    def is_answered() -> bool:
        try:
            answer = asked(facade, http(message()), trusting(files))
        except OSError:
            return False
        return answer is not None and answer.status == 200

    assert within(SOON, is_answered)


@pytest.mark.parametrize("what", ["nonsense", "another key", "nothing"])
def test_broken_files_leave_what_worked(facade: Served, what: str) -> None:
    before = serial_shown(facade)
    certificate = facade.folder / "tls/server.pem"
    kept = certificate.read_bytes()
    if what == "nonsense":
        certificate.write_text("nonsense")
    elif what == "nothing":
        certificate.unlink()
    else:
        certificate.write_bytes((facade.folder / "tls/client.pem").read_bytes())

    assert within(SOON, lambda: "certificates.kept" in facade.log.read_text())
    assert {serial_shown(facade) for _ in range(6)} == {before}
    certificate.write_bytes(kept)
    assert within(SOON, lambda: "certificates.reloaded" in facade.log.read_text())


def test_a_new_process_serves_although_the_files_are_broken(facade: Served) -> None:
    (facade.folder / "tls/server.key").write_text("nonsense")
    assert within(SOON, lambda: "certificates.kept" in facade.log.read_text())
    for pid in workers(facade):
        os.kill(pid, signal.SIGKILL)
    assert within(SOON, lambda: _answers(facade))


def _answers(facade: Served) -> bool:
    try:
        return asked(facade, http(message())) is not None
    except OSError:
        return False


def test_a_certificate_near_its_end_is_warned_of_and_measured(folder: Path) -> None:
    new_server_certificate(folder, days=10)
    with serving(folder) as facade:
        assert asked(facade, http(message())) is not None
        log = facade.log.read_text()
        left = metrics(facade)["spine_certificate_seconds_left"]
    assert '"days": 9' in log
    assert "certificate.expires_soon" in log
    assert 9 * DAY < left < 10 * DAY


def test_a_running_server_warns_every_day(folder: Path) -> None:
    new_server_certificate(folder, days=40)
    tls = folder / "tls"
    said: list[tuple[str, object]] = []
    today = [now().timestamp()]
    followed = FollowedContext(
        TlsFiles(tls / "ca.pem", tls / "server.pem", tls / "server.key", strict=True),
        make=partial(server_context, read_seconds=1.0),
        report=lambda event, **what: said.append((event, what.get("days"))),
        now=lambda: today[0],
    )
    for _ in range(14):
        followed.current()
        today[0] += DAY / 2 - 1
        followed.current()
        today[0] += DAY / 2 + 1
    assert said == [("certificate.expires_soon", days) for days in (29, 28, 27, 26)]


def test_a_renewed_certificate_ends_the_warning(folder: Path) -> None:
    new_server_certificate(folder, days=10)
    tls = folder / "tls"
    said: list[str] = []
    today = [now().timestamp()]
    followed = FollowedContext(
        TlsFiles(tls / "ca.pem", tls / "server.pem", tls / "server.key", strict=True),
        make=partial(server_context, read_seconds=1.0),
        report=lambda event, **_: said.append(event),
        now=lambda: today[0],
    )
    followed.current()
    new_server_certificate(folder)
    today[0] += 2
    followed.current()
    today[0] += DAY + 2
    followed.current()
    assert said == ["certificate.expires_soon", "certificates.reloaded"]
    assert followed.seconds_left() > 800 * DAY
