"""The hub as parties meet it: over mutual TLS, with processes of its own that deliver."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import http_sender
import pytest
import receiving
from ebxml_messages import Message
from ebxml_signals import header_of
from http_sender import Sender
from hub_messages import (
    BETWEEN_PARTIES,
    TO_THE_HUB,
    alert,
    attachment,
    ehr_extract,
    ehr_request,
)
from mhs import Mhs, party_files
from msgspec import Struct
from msgspec.structs import replace
from serving import Served, spine, start, stop, workers

from operations.sending import ClientFiles
from operations.setup import SAMPLE_PARTY, SECOND_ASID, SECOND_PARTY

GP2GP = replace(
    BETWEEN_PARTIES, to_party=SECOND_PARTY, to_asid=SECOND_ASID, cpa_id="S9999999A9900821"
)


class Field(Struct, frozen=True):
    """A served hub, and the message handlers of the two sample practices."""

    served: Served
    sample: Mhs
    second: Mhs
    files: ClientFiles

    def send(self, message: Message) -> http_sender.HttpAnswer:
        """Give the HTTP answer to a message from the sample practice."""
        return http_sender.send(self.served.port, message, self.files)

    def told(self, *command: str) -> str:
        """Give what a command prints."""
        done = spine(*command, "--config", str(self.served.folder / "spine.toml"))
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Give a hub whose sample practices receive on this machine."""
    folder = tmp_path_factory.mktemp("hub") / "data"
    assert spine("init", str(folder)).returncode == 0
    files = ClientFiles(*(folder / "tls" / name for name in ("ca.pem", "client.pem", "client.key")))
    with Mhs(party_files(folder, "one")) as sample, Mhs(party_files(folder, "two")) as second:
        listed = folder / "directory.toml"
        text = listed.read_text()
        for port, mhs in (("9443", sample), ("9444", second)):
            text = text.replace(f"https://localhost:{port}/reliablemessaging", mhs.url())
        # Short intervals, so that a test need not wait.
        listed.write_text(text.replace("[[contract]]", '[[contract]]\nretry_interval = "PT1S"'))
        config = ("--config", str(folder / "spine.toml"))
        imported = spine("directory", "import", str(listed), *config)
        assert imported.returncode == 0, imported.stderr
        served = start(folder)
        yield Field(served, sample, second, files)
        stop(served)
        assert sample.troubles == second.troubles == []


def to_hub(**changes: str) -> Message:
    return replace(alert(replace(TO_THE_HUB, cpa_id="S9999999A9900801")), **changes)


def until(condition: object, seconds: float = 15.0) -> None:
    """Wait until a condition holds, and no longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_an_alert_is_acknowledged_at_once_and_answered_by_a_message(field: Field) -> None:
    sent = to_hub()
    answer = field.send(sent)
    assert answer.status == 202
    assert header_of(answer.body).ref_to == sent.message_id

    until(lambda: any(sent.message_id.encode() in got.body for got in field.sample.requests))
    got = next(one for one in field.sample.requests if sent.message_id.encode() in one.body)
    names = [name for name, _ in got.headers]
    assert names == [
        "Host",
        "User-Agent",
        "Accept-Encoding",
        "Soapaction",
        "Accept",
        "Connection",
        "Content-Type",
        "Content-Length",
    ]
    assert got.header("Soapaction") == "urn:nhs:names:services:alerts/MCCI_IN010000UK13"
    assert b'typeCode="AA"' in got.body


def test_a_record_with_its_attachments_arrives_to_the_letter(field: Field) -> None:
    request = ehr_request(GP2GP)
    extract = ehr_extract(request, attachments=[attachment(os.urandom(200_000))])
    # The second practice holds the record, and answers the first.
    second = ClientFiles(
        field.files.ca,
        field.served.folder / "tls/second.pem",
        field.served.folder / "tls/second.key",
    )
    extract = replace(extract, cpa_id=_cpa(field, SAMPLE_PARTY), time_to_live=None)
    request = replace(request, cpa_id=_cpa(field, SECOND_PARTY), time_to_live=None)

    assert field.send(request).status == 202
    until(lambda: field.second.received(request.message_id) == 1)
    assert http_sender.send(field.served.port, extract, second).status == 202
    until(lambda: field.sample.received(extract.message_id) == 1)

    got = next(one for one in field.sample.requests if one.message_id == extract.message_id)
    assert got.body == extract.bytes()
    assert got.header("Content-Type") == extract.content_type
    told = json.loads(field.told("transfers", "--json"))
    mine = next(one for one in told if one["conversation"] == request.conversation_id)
    assert (mine["stage"], mine["requester"]) == ("extract sent", SAMPLE_PARTY)


def _cpa(field: Field, party: str) -> str:
    shown = json.loads(field.told("directory", "show", party, "--json"))
    return str(
        next(
            one["cpa_id"]
            for one in shown["contracts"]
            if one["interaction"] in {"RCMR_IN010000UK05", "RCMR_IN030000UK06"}
        )
    )


def test_an_answer_is_fetched_where_it_was_asked_so(field: Field) -> None:
    sent = to_hub(path="/clinical")
    with Sender(field.served.port, field.files) as sender:
        first = sender.send(sent)
        assert (first.status, first.body) == (202, b"")
        place = first.header("Content-Location")
        assert place is not None
        assert place.startswith("/_poll/")
        assert first.header("Retry-After") == "500"
        again = sender.send(sent)
        assert again.header("Content-Location") == place
        deadline = time.monotonic() + 15
        while (polled := sender.get(place)).status == 202:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert polled.status == 200
        assert b'typeCode="AA"' in polled.body
        assert header_of(polled.body).ref_to == sent.message_id
        assert sender.get("/_poll/20140825093000000000_000000_1").status == 404
    stranger = ClientFiles(
        field.files.ca,
        field.served.folder / "tls/second.pem",
        field.served.folder / "tls/second.key",
    )
    with Sender(field.served.port, stranger) as other:
        assert other.get(place).status == 404


def test_a_message_that_is_not_registered_has_no_poll(field: Field) -> None:
    answer = field.send(to_hub(path="/Prescription", action="PORX_IN020101SM31"))
    assert answer.status == 200
    assert b"101" in answer.body


def test_a_body_over_the_limit_is_refused_before_it_is_read(field: Field) -> None:
    with Sender(field.served.port, field.files) as sender:
        answer = sender.post(
            "/reliablemessaging/forwardreliable",
            [("Content-Type", "multipart/related; boundary=a")],
            bytes(5_000_001),
        )
    assert answer.status == 200
    assert b"MESSAGE_TOO_LARGE" in answer.body


def delivering(field: Field) -> int:
    """Give the process that delivers: the one with the lock of the first name."""
    locks = Path("/proc/locks").read_text()
    inode = (field.served.folder / ".deliver-0.lock").stat().st_ino
    owners = {int(line.split()[4]) for line in locks.splitlines() if f":{inode} " in line}
    (pid,) = owners & set(workers(field.served, 3))
    return pid


def test_a_delivering_process_that_is_killed_is_started_again(field: Field) -> None:
    os.kill(delivering(field), signal.SIGKILL)
    sent = to_hub()
    assert field.send(sent).status == 202
    until(lambda: any(sent.message_id.encode() in got.body for got in field.sample.requests))


def test_a_dead_letter_is_seen_sent_again_and_closed(field: Field) -> None:
    cpa = _cpa(field, SECOND_PARTY)
    sent = [replace(ehr_request(GP2GP), cpa_id=cpa, time_to_live=None) for _ in range(2)]
    behave, field.second.behave = field.second.behave, receiving.refuse("Inconsistent", "no")
    for one in sent:
        assert field.send(one).status == 202

    def failed() -> list[str]:
        told = json.loads(field.told("messages", "--state", "failed", "--json"))
        return [one["key"] for one in told]

    until(lambda: len(failed()) == 2)
    field.second.behave = behave
    one, other = failed()
    told = [got for got in field.sample.requests if b"DeliveryFailure" in got.body]
    assert {header_of(got.body).ref_to for got in told} == {m.message_id for m in sent}
    field.told("messages", "close", other, "--why", "on paper")
    field.told("messages", "resend", one)
    until(lambda: failed() == [])
    by_id = {key: key.rpartition("|")[2] for key in (one, other)}
    until(lambda: _state(field, by_id[one]) == "done")
    assert _state(field, by_id[other]) == "closed"
    refused = spine(
        *("messages", "close", other, "--why", "again"),
        *("--config", str(field.served.folder / "spine.toml")),
    )
    assert refused.returncode == 1
    assert "the message is closed" in refused.stderr


def _state(field: Field, message_id: str) -> str:
    (found,) = json.loads(field.told("messages", "--id", message_id, "--json"))
    return str(found["state"])


def test_alerts_are_listed_and_looking_is_audited(field: Field) -> None:
    told = json.loads(field.told("alerts", "--nhs-number", "9990000018", "--json"))
    assert {one["alert"]["organisation"] for one in told} == {"T99999"}
    audit = field.told("check", "--audit")
    assert "breaks: 0" in audit
