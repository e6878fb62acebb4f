"""Documents made to harm a parser: what each hopes for stands in its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import wire_requests
from peers import message

Attack = Callable[[], bytes]

LIMIT: Final = 5_000_000
"""The largest body that is read; every document here is within it."""

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'


def with_doctype(subset: str, *, reference: str = "") -> bytes:
    """Give the message with a document type, and a reference in a text that is read."""
    text = message().decode().replace(_HEAD, f"{_HEAD}<!DOCTYPE Envelope {subset}>")
    assert "<!DOCTYPE" in text
    return text.replace("person.allData", f"person.allData{reference}").encode()


def in_attribute(subset: str, reference: str) -> bytes:
    """Give the same with the reference in the attribute that holds the NHS number."""
    body = with_doctype(subset).decode()
    at = body.rindex('extension="') + len('extension="')
    return (body[:at] + reference + body[at:]).encode()


def _laughs(kind: str = "", levels: int = 30, width: int = 10) -> str:
    prefix = f"{kind} " if kind else ""
    mark = "%" if kind else "&"
    lines = [f"<!ENTITY {prefix}a0 'ha'>"]
    for level in range(1, levels):
        again = f"{mark}a{level - 1};" * width
        lines.append(f'<!ENTITY {prefix}a{level} "{again}">')
    if kind:
        lines.append(f"%a{levels - 1};")
    return "[" + "".join(lines) + "]"


def _quadratic() -> bytes:
    return with_doctype(f'[<!ENTITY a "{"a" * 100_000}">]', reference="&a;" * 100_000)


def _cyclic() -> str:
    return '[<!ENTITY a "&b;"><!ENTITY b "&a;">]'


def _nested(depth: int) -> bytes:
    return message().replace(b"<query>", b"<query>" + b"<a>" * depth + b"</a>" * depth)


def _siblings(count: int, one: bytes = b"<a/>") -> bytes:
    body = message()
    return body.replace(b"<query>", b"<query>" + one * count)[:LIMIT]


def _attributes(count: int) -> bytes:
    many = "".join(f' a{number}=""' for number in range(count))
    return message().replace(b"<query>", f"<query{many}>".encode())


def _same_attribute(count: int) -> bytes:
    return message().replace(b"<query>", b"<query" + b' a=""' * count + b">")


def _namespaces(count: int) -> bytes:
    many = "".join(f' xmlns:n{number}="urn:{number}"' for number in range(count))
    return message().replace(b"<query>", f"<query{many}>".encode())


def _nested_namespaces(depth: int) -> bytes:
    begin = "".join(f'<a xmlns:n{number}="urn:{number}">' for number in range(depth))
    return message().replace(b"<query>", b"<query>" + begin.encode() + b"</a>" * depth)


def _text(size: int) -> bytes:
    return message().replace(b"person.allData", b"a" * size)


def _attribute(size: int) -> bytes:
    return message().replace(b'extension="', b'extension="' + b"9" * size)


def _ids(prefix: bytes, count: int) -> bytes:
    """Give thousands of sender ids in header and body: rules that compare each with each suffer."""
    root = b"1.2.826.0.1285.0.2.0.107"
    many = b"".join(
        b'<%sid root="%s" extension="%06d"/>' % (prefix, root, number) for number in range(count)
    )
    marker = b"<%sdevice " % prefix
    head, _, tail = message().partition(marker)
    device, _, rest = tail.partition(b">")
    return head + marker + device + b">" + many + rest


def _oldest_ids(count: int) -> bytes:
    """Give the same to the oldest envelope, whose rules ask whether any of them agree."""
    body = wire_requests.request("QUPA_IN010000UK01", wire_requests.Details())
    for part in (b"<soap:Header>", b"<soap:Body>"):
        at = body.index(part)
        begin = body.index(b"<id root=", body.index(b"communicationFunctionRcv", at))
        end = body.index(b"/>", begin) + 2
        offset = 0 if part == b"<soap:Header>" else count
        root = body[begin:end].split(b'"')[1]
        many = b"".join(
            b'<id root="%s" extension="%07d"/>' % (root, offset + number) for number in range(count)
        )
        body = body[:begin] + many + body[end:]
    return body


def _oldest_message_ids(count: int) -> bytes:
    """Give the same with the ids of the message."""
    body = wire_requests.request("QUPA_IN010000UK01", wire_requests.Details())
    for offset, part in ((0, b"<soap:Header>"), (count, b"<soap:Body>")):
        begin = body.index(b"<id root=", body.index(part))
        many = b"".join(b'<id root="%08d"/>' % (offset + number) for number in range(count))
        body = body[:begin] + many + body[begin:]
    return body


def _authors(count: int) -> bytes:
    body = message()
    return body.replace(b"<author1 ", b"<author/>" * count + b"<author1 ")


def _headers(count: int) -> bytes:
    return message().replace(b"<wsa:To>", b"<wsa:Action>x</wsa:Action>" * count + b"<wsa:To>")


def _cycle() -> bytes:
    body = message().replace(b"<query>", b'<query id="a" href="#b"><x id="b" href="#a"/>')
    return body.replace(b"<soap:Body>", b'<soap:Body id="b" href="#a">')


def _included(what: str) -> bytes:
    element = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{what}" parse="text"/>'
    return message().replace(b"<query>", b"<query>" + element.encode())


def _wrapped(before: bytes, after: bytes = b"") -> bytes:
    body = message()
    start = body.index(b"?>") + 2
    return body[:start] + before + body[start:] + after


REFUSED: Final[dict[str, Attack]] = {
    "billion laughs": lambda: with_doctype(_laughs(), reference="&a29;"),
    "billion laughs, unused": lambda: with_doctype(_laughs()),
    "billion laughs in an attribute": lambda: in_attribute(_laughs(), "&a29;"),
    "billion laughs in a default": lambda: with_doctype(
        _laughs()[:-1] + '<!ATTLIST query a CDATA "&a29;">]'
    ),
    "billion laughs of parameters": lambda: with_doctype(_laughs("%")),
    "quadratic": _quadratic,
    "quadratic in an attribute": lambda: in_attribute(
        f'[<!ENTITY a "{"a" * 100_000}">]', "&a;" * 100_000
    ),
    "cyclic entities": lambda: with_doctype(_cyclic(), reference="&a;"),
    "cyclic entities in an attribute": lambda: in_attribute(_cyclic(), "&a;"),
    "an entity of markup": lambda: with_doctype('[<!ENTITY a "<b/>">]', reference="&a;"),
    "an entity unbalanced": lambda: with_doctype('[<!ENTITY a "</query>">]', reference="&a;"),
    "an entity not declared": lambda: message().replace(b"person.allData", b"&nobody;"),
    "a doctype and no more": lambda: with_doctype(""),
    "a doctype that defaults": lambda: with_doctype('[<!ATTLIST id extension CDATA "9">]'),
    "a doctype with a notation": lambda: with_doctype('[<!NOTATION n SYSTEM "file:///bin/sh">]'),
    "a doctype for html": lambda: _wrapped(b"<!DOCTYPE html>"),
    "a doctype late": lambda: _wrapped(b"", b"<!DOCTYPE html>"),
    "depth 100,000": lambda: _nested(100_000),
    "depth 500,000, never closed": lambda: message() + b"<a>" * 500_000,
    "depth without end": lambda: b"<a>" * (LIMIT // 3),
    "a million elements": lambda: _siblings(1_200_000),
    "two million tags": lambda: b"<a>" + b"</a><a>" * 700_000,
    "two million angles": lambda: b"<" * 2_000_000,
    "huge text, never closed": lambda: b"<a>" + b"a" * (LIMIT - 10),
    "huge name": lambda: b"<" + b"a" * (LIMIT - 10) + b"/>",
    "one attribute 100,000 times": lambda: _same_attribute(100_000),
    "broken utf-8": lambda: message().replace(b"person.allData", b"person\xc3\x28allData"),
    "overlong utf-8": lambda: message().replace(b"<query>", b"<query>\xc0\xbc"),
    "utf-8 surrogates": lambda: message().replace(b"person.allData", b"\xed\xa0\x80"),
    "utf-8 cut": lambda: message()[:-1] + b"\xe2\x82",
    "utf-16 cut": lambda: message().decode().replace("utf-8", "utf-16").encode("utf-16")[:-1],
    "utf-16 surrogates": lambda: (
        b"\xff\xfe" + message().decode().encode("utf-16-le").replace(b"q\0", b"\0\xd8")
    ),
    "utf-32": lambda: message().decode().replace("utf-8", "utf-32").encode("utf-32"),
    "a nul": lambda: message().replace(b"person.allData", b"person\0allData"),
    "a nul at the end": lambda: message() + b"\0",
    "nothing but nuls": lambda: b"\0" * 1000,
    "a nul by reference": lambda: message().replace(b"person.allData", b"&#0;"),
    "a character that is none": lambda: message().replace(b"person.allData", b"&#xFFFF;"),
    "a character beyond all": lambda: message().replace(b"person.allData", b"&#x110000;"),
    "a control": lambda: message().replace(b"person.allData", b"\x07"),
    "xml 1.1 controls": lambda: (
        message().replace(b'version="1.0"', b'version="1.1"').replace(b"person.allData", b"&#1;")
    ),
    "a prefix not declared": lambda: message().replace(b"<query>", b"<query><nobody:a/>"),
    "a prefix declared as nothing": lambda: message().replace(
        b"<query>", b'<query xmlns:hl7=""><hl7:a/>'
    ),
    "the xml prefix rebound": lambda: message().replace(b"<query>", b'<query xmlns:xml="urn:x">'),
    "the xmlns prefix bound": lambda: message().replace(b"<query>", b'<query xmlns:xmlns="urn:x">'),
    "the soap prefix rebound": lambda: message().replace(
        b"<soap:Body>", b'<soap:Body xmlns:soap="urn:x">'
    ),
    "nothing": lambda: b"",
    "space": lambda: b" \r\n\t" * 1000,
    "space before the declaration": lambda: b"\n" + message(),
    "two documents": lambda: message() + message(),
    "text after the end": lambda: message() + b"more",
    "no xml": lambda: b"\x1f\x8b\x08" + bytes(range(256)) * 100,
    "json": lambda: b'{"a": 1}',
    "html": lambda: b"<html><body><p>Hello<br></body></html>",
    "a processing instruction alone": lambda: b"<?xml-stylesheet href='http://x.test/a'?>",
    "a comment without end": lambda: message() + b"<!-- " + b"-" * 1_000_000,
    "cdata without end": lambda: b"<a><![CDATA[" + b"]" * 4_000_000,
    "a declaration twice": lambda: b'<?xml version="1.0"?>' + message(),
    "a declaration without end": lambda: b"<?xml " + b'a="b" ' * 500_000,
    "an encoding without end": lambda: (
        b'<?xml version="1.0" encoding="' + b"a" * 4_000_000 + b'"?><a/>'
    ),
    "no envelope": lambda: b"<a/>",
    "an envelope in an envelope": lambda: _wrapped(b"<a>", b"</a>"),
    "two bodies": lambda: message().replace(b"</soap:Envelope>", b"<soap:Body/></soap:Envelope>"),
    "two headers": lambda: message().replace(b"<soap:Body>", b"<soap:Header/><soap:Body>"),
}
"""What is answered with the SOAP fault for a message that is not well formed (201)."""

ANSWERED: Final[dict[str, Attack]] = {
    "depth 200": lambda: _nested(200),
    "100,000 elements": lambda: _siblings(100_000),
    "100,000 elements with namespaces": lambda: _siblings(100_000, b'<a xmlns="urn:x" b="1"/>'),
    "100,000 attributes": lambda: _attributes(100_000),
    "100,000 namespaces": lambda: _namespaces(100_000),
    "200 namespaces in each other": lambda: _nested_namespaces(200),
    "huge text": lambda: _text(4_900_000),
    "huge attribute": lambda: _attribute(1_000_000),
    "thousands of sender ids in the header": lambda: _ids(b"hl7:", 60_000),
    "thousands of sender ids in the body": lambda: _ids(b"", 60_000),
    "thousands of sender ids in both": lambda: _oldest_ids(40_000),
    "thousands of message ids in both": lambda: _oldest_message_ids(90_000),
    "thousands of authors": lambda: _authors(100_000),
    "thousands of actions": lambda: _headers(100_000),
    "thousands of items": lambda: _siblings(
        50_000, b"<retrievalItem><semanticsText>person.allData</semanticsText></retrievalItem>"
    ),
    "thousands of numbers": lambda: _siblings(
        50_000, b'<person.id><value extension="9990000018"/></person.id>'
    ),
    "thousands of indicators": lambda: _siblings(
        50_000, b'<historicDataIndicator><value code="9"/></historicDataIndicator>'
    ),
    "ids and references in a circle": _cycle,
    "xinclude of a file": lambda: _included("file:///etc/passwd"),
    "a stylesheet": lambda: _wrapped(b'<?xml-stylesheet type="text/xsl" href="http://x.test/a"?>'),
    "100,000 processing instructions": lambda: _wrapped(b"<?a b?>" * 100_000),
    "100,000 comments": lambda: _wrapped(b"<!--a-->" * 100_000),
    "100,000 cdata sections": lambda: message().replace(
        b"person.allData", b"<![CDATA[a]]>" * 100_000
    ),
    "100,000 references": lambda: message().replace(b"person.allData", b"&#97;" * 100_000),
    "space of four million": lambda: message() + b" " * 4_000_000,
    "the default namespace undeclared": lambda: message().replace(b"<query>", b'<query xmlns="">'),
    "the default namespace rebound": lambda: message().replace(b"<query>", b'<query xmlns="u:x">'),
    "the hl7 prefix rebound": lambda: message().replace(
        b"<soap:Header>", b'<soap:Header xmlns:hl7="urn:x">'
    ),
    "a schema to fetch": lambda: message().replace(
        b"<query>",
        b'<query xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:schemaLocation="urn:hl7-org:v3 http://x.test/a.xsd">',
    ),
    "a base elsewhere": lambda: message().replace(
        b"<query>", b'<query xml:base="http://x.test/" xml:space="preserve">'
    ),
    "mustUnderstand of what nobody does": lambda: message().replace(
        b"<wsa:To>", b'<x:a xmlns:x="urn:x" soap:mustUnderstand="1"/><wsa:To>'
    ),
}
"""What is well formed, and so is judged by the rules of messages."""
