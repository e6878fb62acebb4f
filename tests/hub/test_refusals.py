"""What the hub refuses in the HTTP answer: each fault of each form by its code, nothing is kept.

All goes through the WSGI application, as a server hands it over. The codes are those of
docs/decisions/0014; of several faults the first in the legacy's order is shown.
"""

from __future__ import annotations

from typing import Final

import pytest
from ebxml_messages import Message, element, under
from ebxml_signals import header_of
from hub_messages import alert, ehr_request, forwarded, itk_trunk
from hub_web import HubWeb, WebAnswer, error_of
from hubs import CONTRACTS, NAMES, US, TestHub, contract
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from wrapped_messages import OTHER_PARTY

from adapters.courier import HttpReply
from core.errors import StoreError
from core.store.memory import MemoryStore
from operations.setup import SAMPLE_PARTY

EB: Final = "{http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd}"
SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"

MALFORMED: Final = ("201", "The message is not well formed")
UNKNOWN_CPA: Final = ("ValueNotRecognized", "501319:Unknown eb:CPAId")
UNKNOWN_TO: Final = ("ValueNotRecognized", "501314:Invalid To Party Type attribute")
NO_CONTRACT: Final = ("402005", "An error occurred while finding the defined contract")
UNSUPPORTED: Final = ("101", "The service/interaction is not supported for the requested URI")
EXPIRED: Final = ("TimeToLiveExpired", "Message Time To Live Expired")
INSECURE: Final = ("SecurityFailure", "Message Security Checks Failed")


def named(name: str) -> tuple[str, str]:
    """Give the code and words of a fault whose number no source shows."""
    return "300", f"Application Exception: {name}"


EXPRESS: Final = replace(
    contract(OTHER_PARTY, "ebs", "PRSC_IN040000UK03"), ack_requested=False, sync_reply=True
)


@pytest.fixture
def hub() -> TestHub:
    return TestHub(contracts=(*CONTRACTS, EXPRESS), reply=lambda *_: HttpReply(200, b""))


@pytest.fixture
def web(hub: TestHub) -> HubWeb:
    return HubWeb(hub)


def express() -> Message:
    message = forwarded("ebs", "PRSC_IN040000UK03", ack_actor=None)
    return replace(message, duplicate_elimination=None)


RELIABLE: Final = alert()
HOP: Final = ehr_request()
END: Final = itk_trunk()
PLAIN: Final = forwarded("ebs", "PRSC_IN040000UK08", ack_actor=None)
QUERY: Final = express()

HEADER: Final = '<eb:MessageHeader SOAP:mustUnderstand="1" eb:version="2.0">'
NO_VERSION: Final = '<eb:MessageHeader SOAP:mustUnderstand="1">'
OTHER_VERSION: Final = '<eb:MessageHeader SOAP:mustUnderstand="1" eb:version="1.0">'
ONCE: Final = "<eb:DuplicateElimination></eb:DuplicateElimination>"
ACK: Final = '<eb:AckRequested SOAP:mustUnderstand="1" eb:version="2.0" eb:signed="false" '
SYNC: Final = '<eb:SyncReply SOAP:mustUnderstand="1" eb:version="2.0" '
SYNC_REPLY: Final = SYNC + 'SOAP:actor="http://schemas.xmlsoap.org/soap/actor/next"/>'
MANIFEST: Final = '<eb:Manifest SOAP:mustUnderstand="1" eb:version="2.0">'
NO_MANIFEST_VERSION: Final = '<eb:Manifest SOAP:mustUnderstand="1">'
END_OF_HEADER: Final = "</SOAP:Header>"
END_OF_MESSAGE_HEADER: Final = "</eb:MessageHeader>"

NOT_ONCE: Final = named("DUPLICATE_ELIMINATION_INCONSISTENT_WITH_CONTRACT")
ACK_COUNT: Final = named("ACK_REQUESTED_INCONSISTENT_WITH_CONTRACT")
SYNC_COUNT: Final = named("SYNCREPLY_INCONSISTENT_WITH_CONTRACT")
SYNC_VERSION: Final = named("SYNCREPLY_VERSION_INVALID")
SYNC_ACTOR: Final = named("SYNCREPLY_ACTOR_INVALID")
ACK_VERSION: Final = named("ACK_REQUESTED_VERSION_INVALID")
ACK_SIGNED: Final = named("ACK_REQUESTED_SIGNED_INVALID")
ACK_ACTOR: Final = named("ACK_REQUESTED_ACTOR_INVALID")
VERSION: Final = named("INVALID_MESSAGE_HEADER_VERSION")
REFERENCE: Final = named("INVALID_MANIFEST_REFERENCE")

FIELDS: Final = (
    "from_party",
    "to_party",
    "cpa_id",
    "conversation_id",
    "service",
    "action",
    "message_id",
    "timestamp",
)


class Broken(Struct, frozen=True):
    """A message in which one text is another, and how it is refused."""

    message: Message
    was: str
    now: str
    error: tuple[str, str]

    @property
    def body(self) -> bytes:
        """Give the bytes of the broken message."""
        written = self.message.bytes()
        assert written.count(self.was.encode()) == 1, self.was
        return written.replace(self.was.encode(), self.now.encode())


BROKEN: Final[dict[str, Broken]] = {
    "reliable: version": Broken(RELIABLE, HEADER, OTHER_VERSION, VERSION),
    "reliable: no elimination": Broken(RELIABLE, ONCE, "", NOT_ONCE),
    "reliable: elimination twice": Broken(RELIABLE, ONCE, ONCE * 2, NOT_ONCE),
    "reliable: other ack": Broken(RELIABLE, "<eb:AckRequested", "<eb:Other", ACK_COUNT),
    "reliable: other sync": Broken(RELIABLE, "<eb:SyncReply", "<eb:Other", SYNC_COUNT),
    "reliable: sync version": Broken(RELIABLE, SYNC, SYNC.replace("2.0", "1.0"), SYNC_VERSION),
    "reliable: sync actor": Broken(RELIABLE, "/soap/actor/next", "/soap/actor/last", SYNC_ACTOR),
    "reliable: ack version": Broken(RELIABLE, ACK, ACK.replace("2.0", "1.0"), ACK_VERSION),
    "reliable: ack signed": Broken(RELIABLE, 'signed="false"', 'signed="true"', ACK_SIGNED),
    "reliable: ack actor": Broken(RELIABLE, "actor:toPartyMSH", "actor:nextMSH", ACK_ACTOR),
    "reliable: manifest version": Broken(
        RELIABLE, MANIFEST, MANIFEST.replace("2.0", "1.0"), REFERENCE
    ),
    "reliable: two references": Broken(
        RELIABLE, "</eb:Manifest>", '<eb:Reference xlink:href="cid:x"/></eb:Manifest>', REFERENCE
    ),
    "reliable: no reference": Broken(RELIABLE, 'xlink:href="cid:', 'xlink:other="cid:', REFERENCE),
    "express: version": Broken(QUERY, HEADER, OTHER_VERSION, VERSION),
    "express: elimination": Broken(
        QUERY, END_OF_MESSAGE_HEADER, ONCE + END_OF_MESSAGE_HEADER, NOT_ONCE
    ),
    "express: ack": Broken(
        QUERY, END_OF_HEADER, f'{ACK}SOAP:actor="x"/>{END_OF_HEADER}', ACK_COUNT
    ),
    "express: two references": Broken(
        QUERY, "</eb:Manifest>", '<eb:Reference xlink:href="cid:x"/></eb:Manifest>', REFERENCE
    ),
    "hop: no elimination": Broken(HOP, ONCE, "", NOT_ONCE),
    "hop: no version": Broken(HOP, HEADER, NO_VERSION, VERSION),
    "hop: version": Broken(HOP, HEADER, OTHER_VERSION, VERSION),
    "hop: other ack": Broken(HOP, "<eb:AckRequested", "<eb:Other", ACK_COUNT),
    "hop: sync": Broken(HOP, END_OF_HEADER, SYNC_REPLY + END_OF_HEADER, SYNC_COUNT),
    "hop: ack version": Broken(HOP, ACK, ACK.replace("2.0", "1.0"), ACK_VERSION),
    "hop: ack signed": Broken(HOP, 'signed="false"', 'signed="true"', ACK_SIGNED),
    "hop: ack actor": Broken(HOP, "actor:nextMSH", "actor:toPartyMSH", ACK_ACTOR),
    "hop: manifest version": Broken(HOP, MANIFEST, NO_MANIFEST_VERSION, REFERENCE),
    "end: no version": Broken(END, HEADER, NO_VERSION, SYNC_VERSION),
    "end: sync": Broken(END, END_OF_HEADER, SYNC_REPLY + END_OF_HEADER, SYNC_COUNT),
    "end: other ack": Broken(END, "<eb:AckRequested", "<eb:Other", SYNC_COUNT),
    "end: ack version": Broken(END, ACK, ACK.replace("2.0", "1.0"), SYNC_VERSION),
    "end: ack signed": Broken(END, 'signed="false"', 'signed="true"', SYNC_VERSION),
    "end: ack actor": Broken(END, "actor:toPartyMSH", "actor:nextMSH", SYNC_VERSION),
    "end: manifest version": Broken(END, MANIFEST, NO_MANIFEST_VERSION, REFERENCE),
    "none: no version": Broken(PLAIN, HEADER, NO_VERSION, SYNC_VERSION),
    "none: sync": Broken(PLAIN, END_OF_HEADER, SYNC_REPLY + END_OF_HEADER, SYNC_COUNT),
    "none: ack": Broken(PLAIN, END_OF_HEADER, f'{ACK}SOAP:actor="x"/>{END_OF_HEADER}', SYNC_COUNT),
    "none: manifest version": Broken(PLAIN, MANIFEST, NO_MANIFEST_VERSION, REFERENCE),
    # Of several faults the first in order: here the elimination's, then AckRequested's three.
    "hop: all gone": Broken(HOP, ONCE + END_OF_MESSAGE_HEADER, END_OF_MESSAGE_HEADER, NOT_ONCE),
    # The two forms without checks of fields leave them to the routing.
    "end: no CPA id": Broken(END, element("eb:CPAId", END.cpa_id), "", UNKNOWN_CPA),
    "none: no CPA id": Broken(PLAIN, element("eb:CPAId", PLAIN.cpa_id), "", UNKNOWN_CPA),
}


def assert_nothing_kept(hub: TestHub) -> None:
    assert hub.work() == []
    assert hub.posted == []


def assert_about(answer: WebAnswer, message: Message) -> None:
    """Assert that an error turns the parties round and names the message that it is about."""
    said = header_of(answer.body)
    assert said.action == "MessageError"
    assert (said.from_party, said.to_party) == (message.to_party, message.from_party)
    assert said.ref_to == message.message_id
    assert said.conversation_id == message.conversation_id


@pytest.mark.parametrize("message", [RELIABLE, QUERY, HOP, END, PLAIN], ids=lambda one: one.action)
def test_the_messages_that_are_broken_here_are_whole(hub: TestHub, message: Message) -> None:
    assert HubWeb(hub).send(message).status == 202


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_of_each_form_is_refused_by_its_code(
    hub: TestHub, web: HubWeb, name: str
) -> None:
    broken = BROKEN[name]
    answer = web.written(broken.message, broken.body)
    assert error_of(answer) == broken.error
    if "CPA" not in name:
        assert_about(answer, broken.message)
    assert_nothing_kept(hub)


@pytest.mark.parametrize("message", [RELIABLE, HOP], ids=["reliable", "hop"])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["", None])
def test_a_field_that_is_empty_or_not_there_is_refused_as_malformed(
    hub: TestHub, web: HubWeb, message: Message, field: str, value: str | None
) -> None:
    broken = replace(message, **{field: ""})
    body = broken.bytes()
    if value is None:
        name = {"cpa_id": "CPAId", "message_id": "MessageId"}.get(field, field.title())
        name = name.replace("_Id", "Id").replace("From_Party", "PartyId").replace("_", "")
        body = body.replace(f"<eb:{name}></eb:{name}>".encode(), b"")
    answer = web.written(message, body)
    assert error_of(answer) == MALFORMED
    assert_nothing_kept(hub)


NOBODY: Final = "T77777-9900009"
UNROUTED: Final[dict[str, tuple[Message, tuple[str, str]]]] = {
    "unknown CPA id": (replace(HOP, cpa_id="S0000000A0000000"), UNKNOWN_CPA),
    "another contract's CPA id": (replace(HOP, cpa_id="S9999999A9999903"), UNKNOWN_CPA),
    "CPA id in other case": (replace(HOP, cpa_id=HOP.cpa_id.lower()), UNKNOWN_CPA),
    "unknown party": (replace(HOP, to_party=NOBODY), UNKNOWN_TO),
    "no party key": (replace(HOP, to_party="a practice"), UNKNOWN_TO),
    "no contract for the action": (replace(HOP, action="RCMR_IN010000UK99"), NO_CONTRACT),
    "no contract for the service": (replace(HOP, service="urn:nhs:names:services:am"), NO_CONTRACT),
    "a query that the hub does not answer": (
        replace(RELIABLE, action="COMT_IN000099UK01"),
        UNSUPPORTED,
    ),
    "a colon in the service": (
        replace(HOP, service=f"{HOP.service}:{HOP.action}", action="x"),
        NO_CONTRACT,
    ),
    "past its time to live": (replace(HOP, time_to_live="2014-08-25T09:29:59Z"), EXPIRED),
    "years past its time to live": (replace(HOP, time_to_live="2013-01-01T00:00:00"), EXPIRED),
    "at its time to live": (replace(HOP, time_to_live="2014-08-25T09:30:00Z"), EXPIRED),
    "past by the offset": (replace(HOP, time_to_live="2014-08-25T10:29:00+01:00"), EXPIRED),
    "an alert past its time": (replace(RELIABLE, time_to_live="2014-08-25T09:00:00Z"), EXPIRED),
}


@pytest.mark.parametrize("name", UNROUTED)
def test_what_cannot_be_routed_is_refused_by_its_code(hub: TestHub, web: HubWeb, name: str) -> None:
    message, error = UNROUTED[name]
    answer = web.send(message)
    assert error_of(answer) == error
    assert_about(answer, message)
    assert_nothing_kept(hub)


@pytest.mark.parametrize("message", [RELIABLE, QUERY, HOP, END, PLAIN], ids=lambda one: one.action)
@pytest.mark.parametrize("names", [(NAMES[OTHER_PARTY],), ("nobody.spine.test",), ()])
def test_a_certificate_of_another_party_or_of_none_is_refused(
    hub: TestHub, web: HubWeb, message: Message, names: tuple[str, ...]
) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": message.path,
        "CONTENT_TYPE": message.content_type,
    }
    answer = web.post(environ, message.bytes(), names=names)
    assert error_of(answer) == INSECURE
    assert_nothing_kept(hub)


def test_a_party_cannot_send_in_the_hubs_own_name(hub: TestHub, web: HubWeb) -> None:
    answer = web.send(replace(HOP, from_party=US), by=SAMPLE_PARTY)
    assert error_of(answer) == INSECURE
    assert_nothing_kept(hub)


@pytest.mark.parametrize("message", [RELIABLE, HOP], ids=["reliable", "hop"])
def test_what_is_over_the_limit_is_refused_and_the_connection_closed(
    hub: TestHub, message: Message
) -> None:
    body = message.bytes()
    just = HubWeb(hub, limit_bytes=len(body))
    over = HubWeb(hub, limit_bytes=len(body) - 1)
    unsaid = over.written(message, body, CONTENT_LENGTH="")
    for answer in (over.send(message), unsaid):
        assert error_of(answer) == named("MESSAGE_TOO_LARGE")
        assert answer.headers["Connection"] == "close"
        assert header_of(answer.body).ref_to == "Not Known"
    assert_nothing_kept(hub)
    assert just.send(message).status == 202


def _cut(message: Message, at: bytes) -> bytes:
    return message.bytes().partition(at)[0]


BYTES: Final = HOP.bytes()
UNREADABLE: Final[dict[str, tuple[str, bytes]]] = {
    "empty": (HOP.content_type, b""),
    "no boundary": ("multipart/related; type=text/xml", BYTES),
    "another boundary": ('multipart/related; boundary="other"', BYTES),
    "two boundaries": (HOP.content_type + '; boundary="other"', BYTES),
    "no closing delimiter": (HOP.content_type, BYTES[: BYTES.rindex(b"--=_MIME") - 2]),
    "cut in the payload": (HOP.content_type, _cut(HOP, b"<ControlActEvent")),
    "no blank line": (HOP.content_type, BYTES.replace(b"8bit\r\n\r\n", b"8bit\r\n", 1)),
    "a header twice": (
        HOP.content_type,
        BYTES.replace(b"Content-Id", b"Content-Id: <x>\r\nContent-Id", 1),
    ),
    "an unknown encoding": (HOP.content_type, BYTES.replace(b": 8bit", b": uuencode", 1)),
    "no base64": (HOP.content_type, BYTES.replace(b": 8bit", b": base64", 1)),
    "header not XML": (HOP.content_type, BYTES.replace(b"</SOAP:Header>", b"", 1)),
    "a prefix not declared": (HOP.content_type, BYTES.replace(b"xmlns:eb=", b"xmlns:be=", 1)),
    "a document type": (
        HOP.content_type,
        BYTES.replace(b"<SOAP:Envelope", b"<!DOCTYPE x [<!ENTITY a 'b'>]><SOAP:Envelope", 1),
    ),
    "not in its charset": (HOP.content_type, BYTES.replace(b"urn:nhs", b"\xff\xfe", 1)),
    "no envelope": (HOP.content_type, BYTES.replace(b"SOAP:Envelope", b"SOAP:Letter")),
    "SOAP 1.2": (
        HOP.content_type,
        BYTES.replace(
            b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
        ),
    ),
    "XML of something else": ("text/xml", b"<other/>"),
    "no XML": ("text/xml", b"hello"),
    "JSON": ("application/json", b"{}"),
    "no type": ("", BYTES),
}


@pytest.mark.parametrize("path", [HOP.path, RELIABLE.path])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_message_is_refused_as_malformed(
    hub: TestHub, web: HubWeb, name: str, path: str
) -> None:
    content_type, body = UNREADABLE[name]
    answer = web.written(HOP, body, CONTENT_TYPE=content_type, PATH_INFO=path)
    assert error_of(answer) == MALFORMED
    assert_nothing_kept(hub)


@pytest.mark.parametrize("message", [RELIABLE, HOP], ids=["reliable", "hop"])
def test_a_store_that_is_away_is_a_soap_fault_that_clients_try_again(
    hub: TestHub, web: HubWeb, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> None:
        raise StoreError("nobody there")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryStore, "apply", away)
        answer = web.send(message)
    assert (answer.status, answer.headers["Content-Type"]) == (500, "text/xml")
    root = etree.fromstring(answer.body)
    assert root.findtext(f".//{SOAP}Fault/faultcode", "").endswith(":Server")
    assert [one.text for one in root.iter("{*}errorCode")] == ["200"]
    assert_nothing_kept(hub)
    assert web.send(message).status == 202


@pytest.mark.parametrize("message", [END, PLAIN], ids=["end", "none"])
def test_a_message_without_an_id_is_malformed_where_its_form_does_not_ask_either(
    hub: TestHub, web: HubWeb, message: Message
) -> None:
    assert error_of(web.written(message, under(message, "").bytes())) == MALFORMED
    assert_nothing_kept(hub)
