"""HTTP as legacy clients speak it: every variant that must be answered, each answered alike."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import wire_requests
from lxml import etree
from peers import (
    ACTION,
    PATIENT,
    Answer,
    Reader,
    asked,
    audited,
    connected,
    http,
    message,
    metrics,
)
from serving import Served, workers

HL7 = "{urn:hl7-org:v3}"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
NASP = "{http://national.carerecords.nhs.uk/schema/}"
LIMIT = 5_000_000


def found(answer: Answer | None) -> bool:
    """Say whether an answer is the record that was asked for."""
    assert answer is not None
    assert answer.headers["content-type"] == "text/xml"
    root = etree.fromstring(answer.body)
    patient = root.find(f".//{HL7}patientRole/{HL7}id")
    return answer.status == 200 and patient is not None and patient.get("extension") == PATIENT


def fault(answer: Answer | None) -> tuple[int, str, str]:
    """Give an answer that is a SOAP fault as (HTTP status, code, location)."""
    assert answer is not None
    assert answer.headers["content-type"] == "text/xml"
    errors = etree.fromstring(answer.body).findall(f"{SOAP}Body/{SOAP}Fault/detail//{NASP}error")
    assert len(errors) == 1
    code, where = (errors[0].findtext(f"{NASP}{name}") for name in ("errorCode", "location"))
    return answer.status, code or "", where or ""


MALFORMED = (500, "201", "Not Supported")
UNSUPPORTED = (500, "101", "Not Supported")
DISAGREES = (500, "101", "HTTP Header - SOAPAction")


@pytest.mark.parametrize("path", ["/sync-service", "/syncservice-pds/pds"])
def test_both_addresses_answer(served: Served, path: str) -> None:
    assert found(asked(served, http(message(), first=f"POST {path} HTTP/1.1")))


@pytest.mark.parametrize(
    "path", ["/", "/sync-service/", "/sync-service/x", "/syncservice-mm/mm", "/%00", "/metrics"]
)
def test_another_address_is_not_supported(served: Served, path: str) -> None:
    assert fault(asked(served, http(message(), first=f"POST {path} HTTP/1.1"))) == UNSUPPORTED


@pytest.mark.parametrize("value", [f'"{ACTION}"', ACTION, f' "{ACTION}" ', '""', "", ": -"])
def test_the_soap_action_may_be_quoted_unquoted_empty_or_absent(served: Served, value: str) -> None:
    line = "SOAPAction: -" if value == ": -" else f"SOAPAction: {value}"
    assert found(asked(served, http(message(), line)))


@pytest.mark.parametrize("name", ["soapaction", "SOAPACTION", "SoapAction"])
def test_the_soap_action_is_known_in_any_case(served: Served, name: str) -> None:
    wrong = f"{name}: urn:nhs:names:services:pdsquery/QUPA_IN000005UK01"
    assert fault(asked(served, http(message(), wrong))) == DISAGREES


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ('"urn:nhs:names:services:pdsquery/QUPA_IN000005UK01"', DISAGREES),
        ("urn:nhs:names:services:mm/PORX_IN000006UK98", UNSUPPORTED),
        (f"{ACTION},{ACTION}", UNSUPPORTED),
        ("\xe9", UNSUPPORTED),
    ],
)
def test_a_soap_action_that_disagrees_is_refused(
    served: Served, value: str, refusal: tuple[int, str, str]
) -> None:
    raw = http(message(), "SOAPAction: @").replace(
        b"SOAPAction: @", f"SOAPAction: {value}".encode()
    )
    assert fault(asked(served, raw)) == refusal


def chunked(body: bytes, size: int, *, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_a_chunked_request_is_answered(served: Served, size: int) -> None:
    raw = http(chunked(message(), size), "Transfer-Encoding: chunked")
    assert found(asked(served, raw))


@pytest.mark.parametrize("end", [b"0;last\r\n\r\n", b"000\r\n\r\n", b"0\r\nX-Trailer: 1\r\n\r\n"])
def test_a_chunked_request_may_end_in_each_way_of_the_standard(served: Served, end: bytes) -> None:
    raw = http(chunked(message(), 500, end=end), "Transfer-Encoding: chunked")
    assert found(asked(served, raw))


def test_a_client_that_expects_to_be_told_is_told_to_go_on(served: Served) -> None:
    body = message()
    raw = http(body, "Expect: 100-continue", f"Content-Length: {len(body)}")
    head, _, _ = raw.partition(b"\r\n\r\n")
    with connected(served) as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        sock.sendall(body)
        assert found(Reader(sock).answer())


def test_a_client_that_expects_but_does_not_wait_is_answered(served: Served) -> None:
    assert found(asked(served, http(message(), "Expect: 100-continue")))


def test_http_1_0_is_answered_and_the_connection_closed(served: Served) -> None:
    with connected(served) as sock:
        sock.sendall(http(message(), first="POST /sync-service HTTP/1.0"))
        reader = Reader(sock)
        assert found(reader.answer())
        assert reader.answer() is None


def test_one_connection_carries_many_requests(served: Served) -> None:
    with connected(served) as sock:
        reader = Reader(sock)
        for _ in range(60):
            sock.sendall(http(message()))
            assert found(reader.answer())


def test_a_connection_outlives_a_refusal(served: Served) -> None:
    with connected(served) as sock:
        reader = Reader(sock)
        for raw in (http(b"<broken"), http(b""), http(message(), first="GET / HTTP/1.1")):
            sock.sendall(raw)
            assert reader.answer() is not None
            sock.sendall(http(message()))
            assert found(reader.answer())


def test_requests_sent_together_are_answered_in_order(served: Served) -> None:
    ids = [str(uuid.uuid4()).upper() for _ in range(12)]
    with connected(served) as sock:
        sock.sendall(b"".join(http(message(one)) for one in ids))
        reader = Reader(sock)
        answers = [reader.answer() for _ in ids]
    named = [
        etree.fromstring(answer.body).find(f".//{HL7}messageRef/{HL7}id").get("root")
        for answer in answers
        if answer
    ]
    assert named == ids


def test_a_request_in_many_pieces_is_answered(served: Served) -> None:
    raw = http(message())
    with connected(served) as sock:
        for at in range(0, len(raw), 97):
            sock.sendall(raw[at : at + 97])
        assert found(Reader(sock).answer())


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"])
def test_only_post_is_a_message(served: Served, method: str) -> None:
    message_id = str(uuid.uuid4()).upper()
    answer = asked(served, http(message(message_id), first=f"{method} /sync-service HTTP/1.1"))
    assert answer is not None
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", b"")
    assert message_id not in audited(served.folder)


def declared(encoding: str, body: bytes | None = None) -> str:
    return (body or message()).decode().replace('encoding="utf-8"', f'encoding="{encoding}"')


CHARSETS = {
    "utf-8": ("text/xml; charset=utf-8", message()),
    "quoted, upper case": ('text/xml; charset="UTF-8"', message()),
    "utf8": ("text/xml;charset=utf8", message()),
    "none said": ("text/xml", message()),
    "another type": ("application/soap+xml; charset=utf-8", message()),
    "no type": ("", message()),
    "empty": ('text/xml; charset=""', message()),
    "byte order mark": ("text/xml; charset=utf-8", b"\xef\xbb\xbf" + message()),
    "us-ascii": ("text/xml; charset=us-ascii", message()),
    "latin, both say": (
        "text/xml; charset=iso-8859-1",
        declared("iso-8859-1").encode("iso-8859-1"),
    ),
    "latin, http says": ("text/xml; charset=ISO-8859-1", message()),
    "latin, the document says": ("text/xml", declared("ISO-8859-1").encode("iso-8859-1")),
    "windows, both say": ("text/xml; charset=windows-1252", declared("windows-1252").encode()),
    "utf-16, both say": ("text/xml; charset=utf-16", declared("utf-16").encode("utf-16")),
    "utf-16, the mark says": ("text/xml", declared("utf-16").encode("utf-16")),
    "utf-16le, no mark": ("text/xml; charset=utf-16le", declared("utf-16").encode("utf-16-le")),
    "utf-16be, unsaid": ("text/xml", declared("utf-16").encode("utf-16-be")),
    "held as utf-16, sent as utf-8": ("text/xml", declared("utf-16").encode()),
    "held as utf-16, said as utf-8": ("text/xml; charset=utf-8", declared("utf-16").encode()),
    "http before the document": ("text/xml; charset=utf-8", declared("iso-8859-1").encode()),
}


@pytest.mark.parametrize("case", CHARSETS)
def test_a_charset_is_read(served: Served, case: str) -> None:
    said, body = CHARSETS[case]
    assert found(asked(served, http(body, f"Content-Type: {said}")))


def with_name(family: str) -> str:
    """Give a trace by a family name."""
    details = wire_requests.Details(family=family)
    return wire_requests.request("QUPA_IN000005UK01", details).decode()


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"),
        ("iso-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
def test_a_name_outside_ascii_is_read_in_its_charset(
    served: Served, charset: str, codec: str
) -> None:
    body = with_name("BRÜHL").encode(codec)
    action = "SOAPAction: "
    answer = asked(served, http(body, f"Content-Type: text/xml; charset={charset}", action))
    assert answer is not None
    assert answer.status == 200


WRONG_CHARSETS = {
    "unknown": ("text/xml; charset=klingon", message()),
    "unknown, the document says": ("text/xml", declared("klingon").encode()),
    "hides what it holds": ("text/xml; charset=utf-7", message()),
    "hides, the document says": ("text/xml", declared("utf-7").encode()),
    "ebcdic": ("text/xml", declared("ibm037").encode("cp037")),
    "a codec that is no charset": ("text/xml; charset=rot13", message()),
    "a codec that compresses": ("text/xml; charset=zlib", message()),
    "a path": ("text/xml; charset=../../etc/passwd", message()),
    "utf-16, but it is not": ("text/xml; charset=utf-16", message()),
    "utf-8, but it is not": (
        "text/xml; charset=utf-8",
        with_name("BRÜHL").encode("latin-1"),
    ),
    "us-ascii, but it is not": ("text/xml; charset=us-ascii", with_name("BRÜHL").encode()),
    "utf-16, cut in a character": (
        "text/xml; charset=utf-16",
        declared("utf-16").encode("utf-16")[:-1],
    ),
}


@pytest.mark.parametrize("case", WRONG_CHARSETS)
def test_a_charset_that_is_unknown_or_untrue_is_malformed(served: Served, case: str) -> None:
    said, body = WRONG_CHARSETS[case]
    assert fault(asked(served, http(body, f"Content-Type: {said}"))) == MALFORMED


def prefixed(soap: str, hl7: str) -> bytes:
    """Give the message with other prefixes; the empty one is the default namespace."""
    text = message().decode()
    if soap != "soap":
        text = text.replace("soap:", f"{soap}:" if soap else "").replace(
            "xmlns:soap=", f"xmlns:{soap}=" if soap else "xmlns="
        )
    if hl7 != "hl7":
        text = text.replace("hl7:", f"{hl7}:").replace("xmlns:hl7=", f"xmlns:{hl7}=")
        text = text.replace(f"urn:{hl7}:", "urn:hl7:")
    return text.encode()


@pytest.mark.parametrize("soap", ["SOAP", "soap", "SOAP-ENV", "soap-env", "S", "env", ""])
@pytest.mark.parametrize("hl7", ["hl7", "v3", "n1"])
def test_a_prefix_is_only_a_name(served: Served, soap: str, hl7: str) -> None:
    assert found(asked(served, http(prefixed(soap, hl7))))


def test_the_message_may_carry_a_prefix(served: Served) -> None:
    root = etree.fromstring(message())
    body = root.find(f"{SOAP}Body")
    assert body is not None
    rebuilt = etree.tostring(body[0]).decode()
    inner = etree.fromstring(rebuilt)
    prefixed_inner = etree.Element(inner.tag, nsmap={"hl7": "urn:hl7-org:v3"})
    prefixed_inner.extend(list(inner))
    etree.cleanup_namespaces(prefixed_inner)
    body[0] = prefixed_inner
    assert found(asked(served, http(etree.tostring(root))))


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.w3.org/2003/05/soap-envelope",
        "http://schemas.xmlsoap.org/soap/envelope",
        "",
    ],
)
def test_another_envelope_is_malformed(served: Served, namespace: str) -> None:
    body = message().replace(b"http://schemas.xmlsoap.org/soap/envelope/", namespace.encode())
    assert fault(asked(served, http(body))) == MALFORMED


@pytest.fixture
def memory(served: Served) -> Iterator[None]:
    """Hold that the server's processes never grow by much during a test."""

    def peak() -> int:
        said = "".join(Path(f"/proc/{pid}/status").read_text() for pid in workers(served))
        return sum(int(line.split()[1]) for line in said.splitlines() if line.startswith("VmHWM"))

    before = peak()
    yield
    assert peak() - before < 100_000


@pytest.mark.usefixtures("memory")
def test_a_body_over_the_limit_is_refused_before_it_is_sent_whole(served: Served) -> None:
    begun = time.monotonic()
    for _ in range(10):
        with connected(served) as sock:
            head = http(b"", f"Content-Length: {LIMIT + 1}")
            sock.sendall(head + b" " * 20_000)
            assert fault(Reader(sock).answer()) == (500, "300", "Not Supported")
    assert time.monotonic() - begun < 5


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_client_that_sends_a_body_over_the_limit_whole_reads_the_refusal(
    served: Served, framing: str
) -> None:
    body = b" " * (3 * LIMIT)
    raw = http(body)
    if framing == "chunks":
        raw = http(chunked(body, 60_000), "Transfer-Encoding: chunked")
    with connected(served) as sock:
        for at in range(0, len(raw), 100_000):
            try:
                sock.sendall(raw[at : at + 100_000])
            except OSError:
                break
        assert fault(Reader(sock).answer()) == (500, "300", "Not Supported")


def test_a_body_at_the_limit_is_read(served: Served) -> None:
    body = message()
    padded = body + b" " * (LIMIT - len(body))
    assert found(asked(served, http(padded)))


def test_each_message_is_counted_once(served: Served) -> None:
    def counted() -> float:
        return sum(
            value
            for name, value in metrics(served).items()
            if name.startswith("spine_messages_total")
        )

    before = counted()
    assert found(asked(served, http(message())))
    assert counted() - before == 1
