"""Documents made to harm: each has a legacy answer, in time, and touches nothing outside."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Spine, spine_with
from attacks import ANSWERED, REFUSED, in_attribute, with_doctype
from lxml import etree
from msgspec import Struct
from peers import Reader, asked, connected, http, message
from serving import Served, workers

from adapters.pipeline import Answered
from operations import patients

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
NASP = "{http://national.carerecords.nhs.uk/schema/}"
HL7 = "{urn:hl7-org:v3}"
IN_TIME = 2.0
"""Seconds of this process's own time that any answer may take, on a busy machine."""

RETRIED_FOR_EVER = {"200", "206", "208"}


@pytest.fixture(scope="module")
def spine() -> Spine:
    return spine_with(patients.population(20, 2014))


def fault_code(body: bytes) -> str | None:
    """Give the code of a SOAP fault, or None for another answer."""
    return etree.fromstring(body).findtext(f"{SOAP}Body/{SOAP}Fault/detail//{NASP}errorCode")


def answer_in_time(spine: Spine, document: bytes) -> Answered:
    begun = time.process_time()
    answer = spine.send(document)
    assert time.process_time() - begun < IN_TIME
    assert len(answer.body) < len(document) + 10_000
    return answer


@pytest.mark.parametrize("attack", REFUSED)
def test_a_harmful_document_is_not_well_formed(spine: Spine, attack: str) -> None:
    answer = answer_in_time(spine, REFUSED[attack]())
    assert (answer.status, fault_code(answer.body)) == (500, "201")


@pytest.mark.parametrize("attack", ANSWERED)
def test_a_large_or_odd_document_is_judged_as_a_message(spine: Spine, attack: str) -> None:
    answer = answer_in_time(spine, ANSWERED[attack]())
    assert answer.status in {200, 500}
    assert fault_code(answer.body) not in RETRIED_FOR_EVER


class Canaries(Struct, frozen=True):
    """A file, a pipe and a port that nobody may touch."""

    file: Path
    pipe: Path
    port: socket.socket

    def addresses(self) -> list[str]:
        """Give every way to name them."""
        host, port = self.port.getsockname()
        return [
            *(str(self.file), f"file://{self.file}", f"file://{self.pipe}"),
            *(f"http://{host}:{port}/a", f"ftp://{host}:{port}/a", f"https://{host}:{port}/a"),
            f"//{host}:{port}/a",
        ]

    def are_untouched(self) -> bool:
        """Say whether nobody has connected, nor waits at the other end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            self.port.accept()[0].close()
            return False
        try:
            os.close(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            return error.errno == errno.ENXIO
        return False


CANARY = "canary-7f3a"


@pytest.fixture
def canaries(tmp_path: Path) -> Iterator[Canaries]:
    file, pipe = tmp_path / "canary.txt", tmp_path / "canary.pipe"
    file.write_text(CANARY)
    os.mkfifo(pipe)
    with socket.create_server(("127.0.0.1", 0)) as port:
        port.settimeout(0)
        yield Canaries(file, pipe, port)


def outward(address: str) -> list[bytes]:
    """Give the documents that try to make a parser fetch an address."""
    included = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{address}"/>'
    ).encode()
    located = (
        '<query xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:hl7-org:v3 {address}">'
    ).encode()
    return [
        with_doctype(f'SYSTEM "{address}"'),
        with_doctype(f'PUBLIC "-//X//Y" "{address}"'),
        with_doctype(f'[<!ENTITY a SYSTEM "{address}">]', reference="&a;"),
        with_doctype(f'[<!ENTITY a PUBLIC "x" "{address}">]', reference="&a;"),
        in_attribute(f'[<!ENTITY a SYSTEM "{address}">]', "&a;"),
        with_doctype(f'[<!ENTITY % a SYSTEM "{address}"> %a;]'),
        with_doctype(f'[<!ENTITY % a PUBLIC "x" "{address}"> %a;]'),
        with_doctype(f'[<!ENTITY % a SYSTEM "{address}"> <!ENTITY b "%a;">]', reference="&b;"),
        with_doctype(f'SYSTEM "{address}" [<!ENTITY % a SYSTEM "{address}"> %a;]', reference="&x;"),
        with_doctype(f'[<!ENTITY a SYSTEM "{address}" NDATA n><!NOTATION n SYSTEM "{address}">]'),
        message().replace(b"<query>", b"<query>" + included),
        message().replace(b"<query>", located),
        message().replace(b"<soap:Env", f'<?xml-stylesheet href="{address}"?><soap:Env'.encode()),
    ]


def test_nothing_outside_is_read_or_called(spine: Spine, canaries: Canaries) -> None:
    for address in canaries.addresses():
        for document in outward(address):
            sent = _answer_elsewhere(spine, document)
            assert canaries.are_untouched(), document[:400]
            assert CANARY.encode() not in sent.body
            assert fault_code(sent.body) in {"201", None}


def _answer_elsewhere(spine: Spine, document: bytes) -> Answered:
    """Give an answer made in a thread, which a pipe would hold for ever."""
    made: list[Answered] = []
    thread = threading.Thread(target=lambda: made.append(spine.send(document)), daemon=True)
    thread.start()
    thread.join(10)
    assert made, document[:400]
    return made[0]


@pytest.mark.parametrize(
    "text",
    [
        "person.<!-- a comment -->allData",
        "<!---->person.allData",
        "<![CDATA[person.allData]]>",
        "person.<![CDATA[all]]>Data",
        "person.&#97;llData",
        "person.&#x61;ll<?a b?>Data",
        "\n  person.allData\t",
    ],
)
def test_what_does_not_count_inside_a_value_is_left_out(spine: Spine, text: str) -> None:
    plain = spine.send(message()).body
    answer = spine.send(message().replace(b"person.allData", text.encode()))
    assert answer.outcome == "AA"
    assert _payload(answer.body) == _payload(plain)


def _payload(body: bytes) -> bytes:
    payload = etree.fromstring(body).find(f".//{HL7}PDSResponse")
    assert payload is not None
    return etree.tostring(payload)


def test_a_comment_does_not_cut_a_name_short(spine: Spine) -> None:
    whole = spine.send(message().replace(b"pdsquery/QUPA", b"pdsquery<!-- -->/QUPA"))
    assert whole.outcome == "AA"


def test_the_facade_outlives_them_all(served: Served) -> None:
    begun, resident = workers(served), _peak_kilobytes(served)
    for document in (make() for make in (*REFUSED.values(), *ANSWERED.values())):
        with connected(served) as sock:
            sock.settimeout(10)
            sock.sendall(http(document))
            answer = Reader(sock).answer()
        assert answer is not None
        assert answer.status in {200, 500}
        assert fault_code(answer.body) not in RETRIED_FOR_EVER
        etree.fromstring(answer.body)
    final = asked(served, http(message()))
    assert final is not None
    assert final.status == 200
    assert workers(served) == begun
    assert _peak_kilobytes(served) - resident < 600_000
    log = served.log.read_text()
    assert "Traceback" not in log
    assert "answer.failed" not in log
    assert CANARY not in log


def _peak_kilobytes(served: Served) -> int:
    said = "".join(Path(f"/proc/{pid}/status").read_text() for pid in workers(served))
    return sum(int(line.split()[1]) for line in said.splitlines() if line.startswith("VmHWM"))


def test_this_process_stayed_small_too(spine: Spine) -> None:
    assert spine.send(message()).outcome == "AA"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_500_000
