"""Every variant of the wire that clients were seen to send: accepted, and passed on to the letter.

The variants are those of transport.md 1.2 and 1.10, measured on captured messages; each goes
through the receiving path and through the WSGI application. What is delivered is compared with what
was sent byte for byte, and the acknowledgment repeats the ids as they were written.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Final

import pytest
from ebxml_messages import (
    INTERMEDIARY,
    QUOTED,
    SPINES_OWN,
    TO_PARTY_MSH,
    UNQUOTED,
    Attachment,
    External,
    Layout,
    Message,
    Part,
    new_id,
    under,
)
from ebxml_signals import Header, header_of
from hub_messages import BETWEEN_PARTIES, alert, attachment, ehr_request, forwarded, itk_trunk
from hub_web import HubWeb
from hubs import ENDPOINTS, NAMES, US, TestHub, contract
from msgspec import Struct
from msgspec.structs import replace
from serving import NOW
from wrapped_messages import OTHER_PARTY

from adapters import receiving
from adapters.reading import Sent
from adapters.receiving import Address
from core.values.messaging import Content
from operations.setup import SAMPLE_PARTY

LOWER: Final = "7b1e0c52-7a64-4c0b-9c9b-6b3d0e6e2a01"
MIXED: Final = "7b1E0c52-7A64-4c0B-9c9b-6B3d0e6E2a01"
ALL_BYTES: Final = bytes(range(256)) * 4 + b"\r\n--\r\n\n--=_MIME\r"
A_TIFF: Final = b"II*\x00" + bytes(range(255, -1, -1))


class Way(Struct, frozen=True):
    """How a message comes in: gives the HTTP status and body of the answer."""

    name: str
    send: Callable[[TestHub, Message], tuple[int, bytes]]


def _received(hub: TestHub, message: Message) -> tuple[int, bytes]:
    answered = hub.receive(message)
    return answered.status, answered.body


def _served(hub: TestHub, message: Message) -> tuple[int, bytes]:
    answered = HubWeb(hub).send(message)
    return answered.status, answered.body


WAYS: Final = (Way("receiving", _received), Way("WSGI", _served))


def laid_out(**changes: object) -> Message:
    """Give a forwarded message with something else in how it is put on the wire."""
    return replace(forwarded(), layout=replace(Layout(), **changes))  # type: ignore[arg-type]


def changed(**changes: object) -> Message:
    """Give a forwarded message with something else in its header."""
    return replace(forwarded(), **changes)  # type: ignore[arg-type]


def typed(content_type: str) -> Message:
    """Give a forwarded message under a Content-Type of its own."""
    return laid_out(content_type=content_type)


def with_parts(*parts: Attachment) -> Message:
    """Give a forwarded message with attachments."""
    return changed(attachments=parts)


def encoded(charset: str, payload_type: str = "application/xml; charset={charset}") -> Message:
    """Give a message whose two XML parts are in a charset, with a name that needs it."""
    message = laid_out(charset=charset, payload_type=payload_type)
    return replace(message, payload=message.payload.replace("<act ", "<!-- José --><act "))


VARIANTS: Final[dict[str, Message]] = {
    "as an adaptor sends it": forwarded(),
    # The boundary: 114 files, then those of EMIS, TPP and others.
    "boundary: Boundary_uuid": laid_out(boundary=f"Boundary_{LOWER}"),
    "boundary: Part": laid_out(boundary="----=_Part_13_1234567.1408959000000"),
    "boundary: uuid": laid_out(boundary=LOWER),
    "boundary: 70 characters": laid_out(boundary="b" * 70),
    "boundary: every character": laid_out(boundary="'()+_,-./:=? 0aZ"),
    # The Content-Type of the request.
    "type: unquoted, no brackets": typed(UNQUOTED),
    "type: the Spine's own": typed(SPINES_OWN),
    "type: no start": typed('multipart/related; boundary="{boundary}"; type="text/xml"'),
    "type: no type": typed('multipart/related; boundary="{boundary}"; start="<{start}>"'),
    "type: boundary alone": typed('multipart/related; boundary="{boundary}"'),
    "type: start quoted, no brackets": typed(
        'multipart/related; boundary="{boundary}"; type="text/xml"; start="{start}"'
    ),
    "type: no blanks": typed('multipart/related;boundary="{boundary}";start="<{start}>"'),
    "type: upper case": typed('Multipart/Related; BOUNDARY="{boundary}"; TYPE="text/xml"'),
    "type: start that names no part": typed(
        'multipart/related; boundary="{boundary}"; start="<nobody>"'
    ),
    "type: mixed": typed('multipart/mixed; boundary="{boundary}"'),
    "type: more parameters": typed(QUOTED + '; action="urn:x/y"; start-info="text/xml"'),
    # Content-Ids: TKW, an unknown client, EMIS; the payload's of Vision, TPP, EMIS.
    "root id: uuid": laid_out(root_id=LOWER),
    "root id: soappart": laid_out(root_id="soappart"),
    "root id: ContentRoot": laid_out(root_id="ContentRoot"),
    "payload id: bare uuid": changed(payload_id=LOWER.upper()),
    "payload id: lower case uuid": changed(payload_id=LOWER),
    "payload id: Vision": changed(payload_id=f"{MIXED}@inps.co.uk/Vision/3"),
    "payload id: TPP": changed(payload_id="payload@tpp-uk.com/SystmOne/GP2GP1"),
    "payload id: EMIS": changed(payload_id="Content2@e-mis.com/EMISWeb/GP2GP2.2A"),
    "id header: Content-ID": laid_out(id_header="Content-ID"),
    "id header: content-id": laid_out(id_header="content-id"),
    # Part types, encodings and charsets.
    "payload: text/xml with charset": laid_out(payload_type="text/xml; charset={charset}"),
    "payload: text/xml": laid_out(payload_type="text/xml"),
    "payload: application/xml": laid_out(payload_type="application/xml"),
    "payload: application/xml, quoted charset": laid_out(
        payload_type='application/xml; charset="utf-8"'
    ),
    "payload: text/plain": laid_out(payload_type="text/plain"),
    "payload: ISO-8859-1": encoded("ISO-8859-1"),
    "payload: ISO-8859-1, text/xml": encoded("ISO-8859-1", "text/xml; charset={charset}"),
    "payload: UTF-8 beyond ASCII": encoded("UTF-8"),
    "payload: charset by its declaration alone": encoded("ISO-8859-1", "text/xml"),
    "encoding: 7bit": laid_out(encoding="7bit"),
    "encoding: binary": laid_out(encoding="binary"),
    "encoding: none named": laid_out(encoding=None),
    "encoding: base64": laid_out(encoding="base64"),
    "encoding: quoted-printable": laid_out(encoding="quoted-printable"),
    "encoding: upper case": laid_out(encoding="8BIT"),
    # Attachments.
    "attachment: base64": with_parts(attachment(ALL_BYTES)),
    "attachment: binary": with_parts(attachment(ALL_BYTES, encoding="binary")),
    "attachment: 8bit": with_parts(attachment("Zoë\r\n".encode(), encoding="8bit")),
    "attachment: 7bit": with_parts(attachment(b"seven\r\n\r\nbit\r\n", encoding="7bit")),
    "attachment: quoted-printable": with_parts(
        attachment("Zoë = é".encode(), encoding="quoted-printable")
    ),
    "attachment: empty": with_parts(attachment(b"", encoding="8bit")),
    "attachment: octet-stream": with_parts(
        attachment(ALL_BYTES, content_type="application/octet-stream", encoding="binary")
    ),
    "attachment: gzip": with_parts(
        attachment(gzip.compress(b"a letter", mtime=0), content_type="application/x-gzip")
    ),
    "attachment: image and video": with_parts(
        attachment(A_TIFF, content_type="image/tiff"),
        attachment(ALL_BYTES, content_type="video/mpeg", encoding="binary"),
    ),
    "attachment: id of a name": with_parts(
        attachment(b"x", content_id="Attachment0@e-mis.com/EMISWeb/GP2GP2.2A")
    ),
    "attachment: no encoding named": with_parts(
        Attachment(Part(new_id(), b"Plain", "text/plain", None))
    ),
    "attachments: thirty": with_parts(*(attachment(b"%d" % one) for one in range(30))),
    # References: by part, to other messages, with ids.
    "reference: mid": changed(externals=(External(LOWER), External(MIXED))),
    "reference: mid and cid": changed(
        externals=(External(LOWER),), attachments=(attachment(b"here"),)
    ),
    "reference: eb:id uuid": with_parts(
        replace(attachment(b"x"), document_id=LOWER.upper()),
        replace(attachment(b"y"), document_id=f"_{MIXED}"),
    ),
    # The line ends of senders that are not careful.
    "line feeds alone": laid_out(newline=b"\n"),
    "an empty line first": laid_out(preamble=b"\r\n"),
    "a preamble": laid_out(preamble=b"This is a multi-part message in MIME format.\r\n"),
    "line feeds alone, an empty line first": laid_out(newline=b"\n", preamble=b"\n"),
    # Prefixes and namespaces.
    "prefix: soap": laid_out(soap="soap"),
    "prefix: SOAP-ENV": laid_out(soap="SOAP-ENV"),
    "prefix: soap-env": laid_out(soap="soap-env"),
    "prefix: other for ebXML": laid_out(eb="ebxml"),
    "hl7ebxml: capitals": laid_out(payload_namespace="urn:hl7-org:transport/ebXML/DSTUv1.0"),
    # Times.
    "timestamp: no zone": changed(timestamp="2014-08-25T09:30:00"),
    "timestamp: milliseconds": changed(timestamp="2014-08-25T09:30:00.123Z"),
    "timestamp: seven digits": changed(timestamp="2014-08-25T09:30:00.1234567Z"),
    "timestamp: of HL7": changed(timestamp="20140825093000"),
    "timestamp: an offset": changed(timestamp="2014-08-25T10:30:00+01:00"),
    "timestamp: null": changed(timestamp="null"),
    "time to live: four hours": changed(time_to_live="2014-08-25T13:40:00Z"),
    "time to live: milliseconds": changed(time_to_live="2014-08-25T13:40:00.682Z"),
    "time to live: no zone": changed(time_to_live="2014-08-25T13:40:00"),
    "time to live: an offset": changed(time_to_live="2014-08-25T13:40:00+01:00"),
    "time to live: of HL7": changed(time_to_live="20140825134000"),
    "time to live: far away": changed(time_to_live="9999-12-31T23:59:59Z"),
    "time to live: no time": changed(time_to_live="in a while"),
    "time to live: empty": changed(time_to_live=""),
    # Ids as they are written.
    "ids: lower case": under(changed(conversation_id=LOWER), LOWER),
    "ids: mixed case": under(changed(conversation_id=MIXED), MIXED),
    "ids: no uuid": under(changed(conversation_id="conversation 1"), "message-1@client"),
    "ids: a reference": changed(ref_to=MIXED),
    "DuplicateElimination: always": changed(duplicate_elimination="always"),
    "path: intermediary": changed(path=INTERMEDIARY),
    "path: of another pattern": changed(path="/reliablemessaging/reliablerequest"),
    "party type: another": changed(party_type="urn:oasis:names:tc:ebxml-cppa:partyid-type:duns"),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_accepted_and_passed_on_to_the_letter(name: str, way: Way) -> None:
    hub, sent = TestHub(), VARIANTS[name]
    assert way.send(hub, sent) == (202, b"")
    assert_passed_on(hub, sent)


def assert_passed_on(hub: TestHub, sent: Message) -> None:
    """Assert that a message came to its receiver as it was, and its sender was told of it."""
    while hub.work():
        pass
    content = Content(sent.bytes(), sent.content_type, f"{sent.service}/{sent.action}")
    delivered, told = (
        [one for endpoint, one in hub.posted if endpoint == ENDPOINTS[party]]
        for party in (OTHER_PARTY, SAMPLE_PARTY)
    )
    assert delivered == [content]
    (acknowledged,) = (header_of(one.body) for one in told)
    assert_repeats(acknowledged, sent)


def assert_repeats(acknowledged: Header, sent: Message) -> None:
    assert acknowledged.action == "Acknowledgment"
    assert (acknowledged.from_party, acknowledged.to_party) == (sent.to_party, sent.from_party)
    assert acknowledged.ref_to == sent.message_id
    assert acknowledged.conversation_id == sent.conversation_id
    assert acknowledged.cpa_id == sent.cpa_id
    assert acknowledged.timestamp == sent.timestamp


CPA_IDS: Final = (
    "S9999999A9999999",
    "0a1b2c3d4e5f60718293",
    "S9999A9999",
    "S999999999999",
    "S99999A999999",
    "s9999999a9999999",
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("cpa_id", CPA_IDS)
def test_a_contract_has_an_id_of_any_form(cpa_id: str, way: Way) -> None:
    agreed = contract(OTHER_PARTY, "ebs", "PRSC_IN080000UK07", cpa_id)
    hub, sent = TestHub(contracts=(agreed,)), changed(cpa_id=cpa_id)
    assert way.send(hub, sent) == (202, b"")
    assert_passed_on(hub, sent)


SOAP_ACTIONS: Final = {
    "quoted": '"urn:nhs:names:services:ebs/PRSC_IN080000UK07"',
    "unquoted": "urn:nhs:names:services:ebs/PRSC_IN080000UK07",
    "empty": '""',
    "of a colon": "urn:nhs:names:services:ebs:PRSC_IN080000UK07",
}


@pytest.mark.parametrize("name", SOAP_ACTIONS)
def test_the_soap_action_is_passed_on_as_the_message_has_it(name: str) -> None:
    hub, sent = TestHub(), forwarded()
    assert HubWeb(hub).send(sent, HTTP_SOAPACTION=SOAP_ACTIONS[name]).status == 202
    assert_passed_on(hub, sent)


def test_the_payload_may_be_named_by_an_id_that_no_part_has() -> None:
    """Medicus sends so: the second part is the payload."""
    hub, sent = TestHub(), forwarded()
    written = sent.bytes().replace(b"cid:" + sent.content_id.encode(), b"cid:Content1@nowhere")
    names = (NAMES[SAMPLE_PARTY],)
    came = receiving.receive(Sent(written, sent.content_type, names), Address.FORWARD, hub.us)
    assert came.status == 202
    while hub.work():
        pass
    assert written in [one.body for endpoint, one in hub.posted if "other" in endpoint]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("name", [name for name in VARIANTS if "reference" not in name])
def test_every_variant_of_a_reliable_message_is_acknowledged_in_the_answer(
    name: str, way: Way
) -> None:
    variant, plain = VARIANTS[name], alert()
    sent = replace(
        plain,
        layout=variant.layout,
        timestamp=variant.timestamp,
        time_to_live=variant.time_to_live,
        payload_id=variant.payload_id,
        duplicate_elimination=variant.duplicate_elimination,
        party_type=variant.party_type,
        ref_to=variant.ref_to,
    )
    if name.startswith("ids"):
        own = replace(sent, conversation_id=variant.conversation_id)
        sent = under(own, variant.message_id)
    if name == "ids: no uuid":
        # What a header's id looks like no rule says; a payload's is a UUID.
        sent = replace(sent, payload=plain.payload)
    hub = TestHub()
    status, body = way.send(hub, sent)
    assert status == 202
    assert_repeats(header_of(body), sent)
    while hub.work():
        pass
    ((endpoint, content),) = hub.posted
    assert endpoint == ENDPOINTS[SAMPLE_PARTY]
    answered = header_of(content.body)
    assert (answered.from_party, answered.action) == (US, "MCCI_IN010000UK13")
    assert (answered.ref_to, answered.conversation_id) == (sent.message_id, sent.conversation_id)
    assert b'typeCode="AA"' in content.body


def test_a_time_to_live_that_is_the_timestamp_lives_until_the_hubs_clock_is_there() -> None:
    sent = ehr_request()
    sent = replace(sent, time_to_live=sent.timestamp)
    hub = TestHub()
    hub.clock.forward(-1)
    assert hub.receive(sent).status == 202
    assert_passed_on(hub, sent)

    late = TestHub()
    assert sent.time_to_live == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert late.receive(sent).outcome == "TIME_TO_LIVE_EXPIRED"


FORMS: Final = {
    "each hop acknowledges": forwarded(),
    "the end party acknowledges": itk_trunk(),
    "nobody acknowledges": forwarded("ebs", "PRSC_IN040000UK08", ack_actor=None),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_forwarding_arrives_to_the_letter(form: str, way: Way) -> None:
    hub, sent = TestHub(), FORMS[form]
    assert way.send(hub, sent) == (202, b"")
    while hub.work():
        pass
    content = Content(sent.bytes(), sent.content_type, f"{sent.service}/{sent.action}")
    assert hub.posted.count((ENDPOINTS[OTHER_PARTY], content)) == 1


def test_a_message_that_asks_the_end_party_has_no_acknowledgment_of_ours() -> None:
    hub, sent = TestHub(), itk_trunk()
    assert sent.ack_actor == TO_PARTY_MSH
    assert hub.receive(sent).body == b""
    while hub.work():
        pass
    told = [one for endpoint, one in hub.posted if endpoint == ENDPOINTS[SAMPLE_PARTY]]
    assert [header_of(one.body).from_party for one in told] == [BETWEEN_PARTIES.to_party]
