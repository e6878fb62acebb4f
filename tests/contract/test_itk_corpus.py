"""Every public request of the Toolkit is sent: none gets a trace, each its refusal, and why.

No public one asks a mini service (gaps.md): all ask other services, so the best that can become of
one is that everything about it is in order and the service is not provided here. Times are the
test's; placeholders are bound.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from corpus import Corpus
from itk_messages import Parts, fault_of, instant, new_id, sent, services_on
from serving import core_on

from core.store.memory import MemoryStore

BINDINGS = (
    (r"(<(?:\w+:)?Created\b[^>]*>)[^<]*", rf"\g<1>{instant(-60)}"),
    (r"(<(?:\w+:)?Expires\b[^>]*>)[^<]*", rf"\g<1>{instant(540)}"),
    (r"\{\{(?:action|service)\}\}", "urn:nhs-itk:services:201005:SendNHS111Report-v2-0"),
    (r"\{\{(?:manifest|payload)Count\}\}", "1"),
    (r"\{\{[#/]\w+\}\}", ""),
    (r"\{\{id\}\}|__PAYLOAD_ID__", "uuid_1"),
    (r"__MESSAGE_?ID__|@@\w*(?:message|tracking)-?id@@", new_id()),
    (r"__(?:SENDTO|TO_URL|TO_ADDRESS)__", "https://localhost/syncsoap"),
    (r"__(?:TO_)?OID__", 'type="2.16.840.1.113883.2.1.3.2.4.18.22"'),
    (r"__TRACKING_ID__|__TRACKINGID__", new_id()),
    (r"__ERROR_DIAGNOSTICS__|__(?:BASE64|COMPRESSED|PROFILEID|ADDRESS_LIST)__", ""),
    (r"__SOAP_ACTION__|__SERVICE__", "urn:nhs-itk:services:201005:SendCDADocument-v2-0"),
    (r"__[A-Z0-9_]+?__", "x"),
)


KINDS = ("soap-itk", "soap-wsa", "http-capture", "itk-distribution-envelope")


def requests(captured: Corpus) -> dict[str, bytes]:
    """Give every request by its file, a bare envelope in a SOAP header of ours."""
    found = {}
    for entry in captured.entries():
        asks = entry.direction == "request" and entry.envelope in KINDS
        if asks and entry.file.startswith(("itk/", "smsp-")):
            text = captured.text(entry.file)
            if text.startswith("POST "):
                # The answer that was captured with it follows.
                text = re.split(r"\r?\n\r?\n", text, maxsplit=1)[1]
                text, end, _ = text.partition("</soap:Envelope>")
                text += end
            for pattern, value in BINDINGS:
                text = re.sub(pattern, value, text)
            found[entry.file] = whole(text).encode()
    return found


def whole(text: str) -> str:
    """Give a request whole: as it is, or where it is an envelope alone, in ours."""
    if ":Envelope" in text:
        return text
    named = re.search(r'service="([^"]*)"', text)
    assert named is not None
    parts = Parts(action=named[1])
    bare = re.sub(r"<\?xml.*?\?>|<!DOCTYPE[^>]*>", "", text)
    return parts.message().decode().replace(parts.envelope(), bare)


def test_every_public_request_is_sent_and_each_gets_its_refusal(
    captured: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    services = services_on(core_on(MemoryStore()))
    outcomes: Counter[str] = Counter()
    lines = []
    for file, body in requests(captured).items():
        answered = sent(services, body, path="/syncsoap")
        fault = fault_of(answered.body)
        assert (answered.status, fault.kind) == (500, "Client"), file
        outcomes[answered.outcome] += 1
        lines.append(f"{file:90} {fault.code}  {answered.outcome}")
    with capsys.disabled():
        print("\n" + "\n".join(sorted(lines)))  # noqa: T201 - the table is what is asked for
    # Ten senders of NHS 111 leave out what the conformance tests demand; three are bare templates.
    assert outcomes == {
        "UNKNOWN_SERVICE": 28,
        "NO_TO": 5,
        "NO_TIMESTAMP": 5,
        "INVALID_MESSAGE": 3,
    }
