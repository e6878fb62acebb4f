"""The directory over FHIR on the wire: the served facade, over mutual TLS, as clients ask it."""

from __future__ import annotations

import json
from typing import Any

from peers import RETRIEVAL, Answer, Reader, asked, connected, http, message
from serving import Served

from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SERVICE = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
SERVICE_ID = f"urn:nhs:names:services:pdsquery:{RETRIEVAL}"
QUERY = f"organization={ODS}|T99999&identifier={SERVICE}|{SERVICE_ID}"
CORRELATION = "b23ee5c7-126f-401b-9bfa-a0d36f72119e"


def get(target: str, *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def resource(answer: Answer | None, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    assert answer is not None
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/fhir+json"
    return json.loads(answer.body)


def test_a_client_finds_a_system_at_the_address_it_is_configured_with(served: Served) -> None:
    escaped = QUERY.replace("|", "%7C").replace(":", "%3A").replace("/", "%2F")
    for path in ("/Device", "/spine-directory/FHIR/R4/Device"):
        for query in (QUERY, escaped):
            answer = asked(served, get(f"{path}?{query}", f"X-Correlation-Id: {CORRELATION}"))
            bundle = resource(answer)
            assert answer is not None
            assert answer.headers["x-correlation-id"] == CORRELATION
            assert bundle["link"][0]["url"] == f"https://localhost{path}?{QUERY}"
            (device,) = [one["resource"] for one in bundle["entry"]]
            assert [one["value"] for one in device["identifier"]] == [SAMPLE_ASID, SAMPLE_PARTY]


def test_one_connection_carries_what_is_found_refused_and_sent(served: Served) -> None:
    with connected(served) as sock:
        answers = Reader(sock)
        sock.sendall(get(f"/Device?{QUERY}"))
        assert resource(answers.answer())["total"] == 1
        sock.sendall(get("/Endpoint?_count=1"))
        assert resource(answers.answer(), 400)["resourceType"] == "OperationOutcome"
        sock.sendall(http(b"<x/>" * 1000, first="POST /Device HTTP/1.1"))
        refused = answers.answer()
        assert resource(refused, 405)["issue"][0]["code"] == "not-supported"
        assert refused is not None
        assert refused.headers["allow"] == "GET"
        sock.sendall(get("/spine-directory/FHIR/R4/metadata"))
        assert resource(answers.answer())["resourceType"] == "CapabilityStatement"
        sock.sendall(http(message()))
        answered = answers.answer()
        assert answered is not None
        assert (answered.status, answered.headers["content-type"]) == (200, "text/xml")


def test_head_is_refused_without_a_body(served: Served) -> None:
    with connected(served) as sock:
        sock.sendall(get(f"/Device?{QUERY}", "Connection: close", method="HEAD"))
        sent = b""
        while more := sock.recv(65536):
            sent += more
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET" in head
    assert body == b""
