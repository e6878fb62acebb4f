"""The web services of the Toolkit as clients reach them: over mutual TLS, at every address."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from itk_messages import ITK, SERVICES, asked_now, code_of, fault_of
from lxml import etree
from peers import (
    Answer,
    Reader,
    asked,
    audited,
    authority_of,
    client,
    connected,
    http,
    metrics,
    trusting,
)
from serving import Served, serving, spine
from smsp_asking import VERIFY

from adapters.itk import PATHS
from legacy_contracts.smsp.operations import OPERATIONS

LIMIT = 5_000_000
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
PUBLISHED = f"/interoperability.toolkit/HL7v3/{VERIFY}"


def fresh(**changes: str) -> bytes:
    """Give a request under ids that no other test of this facade has."""
    ids = {"message_id": str(uuid.uuid4()).upper(), "tracking_id": str(uuid.uuid4()).upper()}
    return asked_now(**{**ids, **changes})


def posted(served: Served, body: bytes, path: str = "/smsp/pds", *lines: str) -> Answer:
    """Give the answer to a request of the sample client."""
    lines = lines or (f'SOAPAction: "{SERVICES}{VERIFY}"',)
    answer = asked(served, http(body, *lines, first=f"POST {path} HTTP/1.1"))
    assert answer is not None
    assert answer.headers["content-type"] == "text/xml"
    return answer


def got(served: Served, path: str, host: str = "localhost") -> Answer:
    raw = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    answer = asked(served, raw)
    assert answer is not None
    return answer


@pytest.mark.parametrize("path", ["/smsp/pds", "/syncsoap", PUBLISHED])
def test_every_address_of_an_operation_answers_it(served: Served, path: str) -> None:
    answer = posted(served, fresh(), path)
    assert (answer.status, code_of(answer.body)[:5]) == (200, "DEMOG")


def test_an_address_of_another_operation_does_not(served: Served) -> None:
    other = PUBLISHED.replace(VERIFY, "getNHSNumber-v1-0")
    assert posted(served, fresh(), other).status == 500


def test_a_connection_answers_one_request_after_another(served: Served) -> None:
    with connected(served) as sock:
        reader = Reader(sock)
        for _ in range(5):
            sock.sendall(http(fresh(), "SOAPAction: nothing", first="POST /smsp/pds HTTP/1.1"))
            answer = reader.answer()
            assert answer is not None
            assert answer.status == 500
            sock.sendall(http(fresh(), 'SOAPAction: ""', first="POST /smsp/pds HTTP/1.1"))
            answer = reader.answer()
            assert answer is not None
            assert answer.status == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"manifest_count": "2"}, "1000"),
        ({"payloads": '<itk:payload id="uuid_2"/>'}, "1000"),
        ({"audit": ""}, "1000"),
        ({"user": ""}, "3000"),
        ({"timestamp": ""}, "1000"),
        ({"service": f"{SERVICES}nothing", "action": f"{SERVICES}nothing"}, "1000"),
        ({"soap": "http://www.w3.org/2003/05/soap-envelope"}, "1000"),
    ],
)
def test_a_refusal_is_a_fault_with_its_code(
    served: Served, changes: dict[str, str], code: str
) -> None:
    answer = posted(served, fresh(**changes), "/smsp/pds", 'SOAPAction: ""')
    assert (answer.status, fault_of(answer.body).code) == (500, code)


def test_a_request_sent_twice_is_refused_whichever_process_gets_it(served: Served) -> None:
    body = fresh()
    assert posted(served, body).status == 200
    for _ in range(8):
        answer = posted(served, body)
        assert (answer.status, fault_of(answer.body).code) == (500, "2200")


def test_a_restart_does_not_forget_what_was_answered(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert spine("init", str(folder)).returncode == 0
    body = fresh()
    with serving(folder) as first:
        assert posted(first, body).status == 200
    with serving(folder) as second:
        assert fault_of(posted(second, body).body).code == "2200"


def test_a_client_that_nobody_knows_gets_no_patient(served: Served) -> None:
    files = client(served.folder, authority_of(served.folder), "stranger.test")
    raw = http(fresh(), 'SOAPAction: ""', first="POST /smsp/pds HTTP/1.1")
    answer = asked(served, raw, trusting(files))
    assert answer is not None
    assert code_of(answer.body) == "SMSP-0005"


def test_an_answer_is_audited_under_its_tracking_id(served: Served) -> None:
    tracking_id = str(uuid.uuid4()).upper()
    posted(served, fresh(tracking_id=tracking_id))
    assert tracking_id in audited(served.folder)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no XML",
        b"<!DOCTYPE x><x/>",
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
        fresh().replace(b"Ward", b"W\xe9rd"),
    ],
)
def test_what_is_malformed_is_a_fault_and_leaves_no_trace(served: Served, body: bytes) -> None:
    answer = posted(served, body)
    assert (answer.status, fault_of(answer.body).code) == (500, "1000")
    assert "Traceback" not in served.log.read_text()


def test_an_unknown_charset_is_a_fault(served: Served) -> None:
    answer = posted(served, fresh(), "/smsp/pds", "Content-Type: text/xml; charset=klingon")
    assert fault_of(answer.body).code == "1000"


def test_a_request_over_the_limit_is_a_fault_before_it_is_read(served: Served) -> None:
    head = (
        "POST /smsp/pds HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {LIMIT + 1}\r\n\r\n"
    )
    with connected(served) as sock:
        sock.sendall(head.encode())
        sock.settimeout(30)
        answer = Reader(sock).answer()
        assert answer is not None
        assert fault_of(answer.body).text == "The message is too large"


def test_every_answer_is_counted_by_operation_and_code(served: Served) -> None:
    before = metrics(served)
    posted(served, fresh())
    posted(served, fresh(manifest_count="2"))
    after = metrics(served)
    grown = {name for name, count in after.items() if count > before.get(name, 0)}
    counted = {name for name in grown if name.startswith("spine_messages_total")}
    assert any(f'interaction="{VERIFY}"' in name and 'status="200"' in name for name in counted)
    assert any('outcome="MANIFEST_COUNT"' in name for name in counted)


@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_wsdl_is_given_at_every_address(served: Served, path: str) -> None:
    answer = got(served, f"{path}?wsdl", "spine.test:8443")
    root = etree.fromstring(answer.body)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    services = [one.get("name") for one in root.findall(f"{WSDL}service")]
    assert sorted(services) == sorted(OPERATIONS)
    places = re.findall(rb'location="([^"]+)"', answer.body)
    assert {place.partition(b"/interop")[0] for place in places} == {b"https://spine.test:8443"}


def test_what_the_wsdl_includes_is_given_at_its_address(served: Served) -> None:
    wsdl = got(served, "/smsp/pds?wsdl").body
    wanted = [address.decode() for address in re.findall(rb'schemaLocation="([^"]+)"', wsdl)]
    seen = set()
    while wanted:
        address = wanted.pop()
        if address not in seen:
            seen.add(address)
            answer = got(served, address)
            assert answer.status == 200, address
            root = etree.fromstring(answer.body)
            wanted += [
                str(one) if str(one).startswith("/") else f"{address.rpartition('/')[0]}/{one}"
                for one in root.xpath("//@schemaLocation")
            ]
            if address.endswith("distributionEnvelope-v2-0.xsd"):
                assert root.get("targetNamespace") == ITK
    assert len(seen) >= 2


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /smsp/pds", 404),
        ("GET /smsp/pds?wsdl=x", 404),
        ("GET /smsp/pds/schemas/nothing.xsd", 404),
        ("GET /smsp/pds/schemas/nothing.xsd?wsdl", 404),
        ("GET /smsp/pds/schemas/voc.xsd?wsdl", 200),
        ("POST /smsp/pds/schemas/voc.xsd", 405),
        ("PUT /smsp/pds", 405),
        ("GET /sync-service?wsdl", 405),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(
    served: Served, request_line: str, status: int
) -> None:
    raw = f"{request_line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
    answer = asked(served, raw)
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize("host", ['"><x', "a b", "x/y", ""])
def test_a_host_that_is_none_gets_into_no_wsdl(served: Served, host: str) -> None:
    answer = got(served, "/smsp/pds?wsdl", host)
    assert answer.status in {400, 404} or b"localhost" in answer.body
    assert b"><x" not in answer.body
