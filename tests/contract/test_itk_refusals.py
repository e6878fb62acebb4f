"""Every way in which a request of the Toolkit disagrees with itself, and how each is refused."""

from __future__ import annotations

import base64
import gc
import gzip
import zlib
from pathlib import Path
from typing import Final

import pytest
from itk_messages import (
    ASKING,
    AUDIT,
    ITEM,
    SERVICES,
    TO,
    USER,
    Fault,
    Parts,
    code_of,
    fault_of,
    instant,
    new_id,
    sent,
    services_on,
    stamp,
)
from lxml import etree
from msgspec.structs import replace
from peers import PATIENT
from serving import core_on, fixed_context
from smsp_asking import VERIFY, Asked, payload

from adapters import itk as itk_path
from adapters.pipeline import Request
from core.audit import read_page
from core.errors import StoreError
from core.store.memory import MemoryStore
from facade.itk import Services
from legacy_contracts.envelopes import itk, toolkit
from legacy_contracts.smsp.operations import OPERATIONS


@pytest.fixture(scope="module")
def services() -> Services:
    return services_on(core_on(MemoryStore()))


def invalid(text: str) -> Fault:
    return Fault("Client", "1000", text)


def item(more: str) -> str:
    return ITEM.replace("/>", f" {more}/>")


def packed(content: bytes, *, name: str = "uuid_1") -> str:
    return f'<itk:payload id="{name}">{base64.b64encode(content).decode()}</itk:payload>'


def identities(count: int) -> str:
    ids = '<itk:id uri="urn:nhs-uk:identity:ods:T99999"/>' * count
    return f"<itk:auditIdentity>{ids}</itk:auditIdentity>"


INVALID: Final = invalid("Invalid message")
COUNT: Final = invalid(
    "The number of manifest instances does not match the manifest count specified"
)
DIFFER: Final = invalid("Manifest count does not match payload count")
IDS: Final = invalid("Payload IDs do not map to Manifest IDs")
SERVICE: Final = invalid("Manifest action does not match service action")
DENIED: Final = Fault("Client", "3000", "Access Denied")
PAYLOAD: Final = f'<itk:payload id="uuid_1">{ASKING}</itk:payload>'
BOTH: Final = 'base64="true" compressed="true"'

REFUSED: Final[dict[str, tuple[dict[str, str], Fault]]] = {
    # Counts and ids: the captured answers, to the letter.
    "the manifest counts more than it lists": ({"manifest_count": "2"}, COUNT),
    "the manifest counts fewer than it lists": ({"items": ITEM + ITEM}, COUNT),
    "the payloads count otherwise than the manifest": ({"payloads_count": "2"}, DIFFER),
    "the payloads are fewer than they count": (
        {"manifest_count": "2", "items": ITEM + ITEM.replace("_1", "_2"), "payloads_count": "2"},
        INVALID,
    ),
    "the payloads are more than they count": ({"payloads": PAYLOAD + PAYLOAD}, INVALID),
    "a payload's id is not the manifest's": ({"payloads": PAYLOAD.replace("_1", "_9")}, IDS),
    "two payloads share an id": (
        {
            "manifest_count": "2",
            "items": ITEM + ITEM,
            "payloads_count": "2",
            "payloads": PAYLOAD + PAYLOAD,
        },
        IDS,
    ),
    "a payload has no id": ({"payloads": PAYLOAD.replace(' id="uuid_1"', "", 1)}, INVALID),
    "a count is no number": ({"manifest_count": "one"}, INVALID),
    "a count is a number of Arabic digits": ({"manifest_count": "١"}, INVALID),  # noqa: RUF001
    "a count is negative": ({"manifest_count": "-1"}, INVALID),
    "nothing is sent": (
        {"manifest_count": "0", "items": "", "payloads_count": "0", "payloads": ""},
        INVALID,
    ),
    "two payloads are sent": (
        {
            "manifest_count": "2",
            "items": ITEM + ITEM.replace("_1", "_2"),
            "payloads_count": "2",
            "payloads": PAYLOAD + PAYLOAD.replace("_1", "_2"),
        },
        invalid("Exactly one payload is expected"),
    ),
    # What the manifest says of the payload.
    "the payload is of another type": (
        {"items": ITEM.replace("text/xml", "text/plain")},
        invalid("The payload's MIME type is not that of XML"),
    ),
    "there is no type": ({"items": ITEM.replace(' mimetype="text/xml"', "")}, INVALID),
    "there is no profile": (
        {"items": ITEM.partition(" profileid")[0] + "/>"},
        invalid("Profile ID is missing"),
    ),
    "the profile is empty": (
        {"items": ITEM.replace("urn:nhs-en:profile:verifyNHSNumberRequest-v1-0", "")},
        invalid("Profile ID is missing"),
    ),
    "the profile is that of another operation": (
        {"items": ITEM.replace("verifyNHSNumber", "getNHSNumber")},
        invalid("The profile ID is not that of the service"),
    ),
    "the payload is encrypted": (
        {"items": item('encrypted="true"')},
        Fault("Client", "2200", "Encrypted payloads are not read here"),
    ),
    "a flag is neither true nor false": ({"items": item('base64="yes"')}, INVALID),
    "an element is said to be base64": (
        {"items": item('base64="true"')},
        invalid("The payload is not in base64"),
    ),
    "text is said to be base64": (
        {"items": item('base64="true"'), "payloads": PAYLOAD.replace(ASKING, "not*base64")},
        invalid("The payload is not in base64"),
    ),
    "what is compressed is no base64": (
        {"items": item('compressed="true"'), "payloads": PAYLOAD.replace(ASKING, "text")},
        invalid("The payload is not compressed as it says"),
    ),
    "what is compressed is not": (
        {"items": item(BOTH), "payloads": packed(ASKING.encode())},
        invalid("The payload is not compressed as it says"),
    ),
    "what is compressed ends too early": (
        {"items": item(BOTH), "payloads": packed(gzip.compress(ASKING.encode())[:-9])},
        invalid("The payload is not compressed as it says"),
    ),
    "something follows what is compressed": (
        {"items": item(BOTH), "payloads": packed(gzip.compress(ASKING.encode()) + b"more")},
        invalid("The payload is not compressed as it says"),
    ),
    "what is compressed is a bomb of gzip": (
        {"items": item(BOTH), "payloads": packed(gzip.compress(bytes(500_000_000), 9))},
        invalid("The payload is too large"),
    ),
    "what is compressed is a bomb of zlib": (
        {"items": item(BOTH), "payloads": packed(zlib.compress(bytes(500_000_000), 9))},
        invalid("The payload is too large"),
    ),
    "the payload is empty": ({"payloads": '<itk:payload id="uuid_1"/>'}, INVALID),
    "the payload is an element and text": (
        {"payloads": PAYLOAD.replace(ASKING, f"{ASKING}and more")},
        INVALID,
    ),
    "the payload is two elements": ({"payloads": PAYLOAD.replace(ASKING, ASKING * 2)}, INVALID),
    # The header of the envelope.
    "the tracking id is no UUID": (
        {"tracking_id": "1234"},
        invalid("The tracking ID is not a UUID"),
    ),
    "the audit identity is missing": ({"audit": ""}, invalid("The audit identity is missing")),
    "the audit identity is empty": ({"audit": "<itk:auditIdentity/>"}, INVALID),
    "the audit identity has no URI": ({"audit": AUDIT.replace("uri=", "type=")}, INVALID),
    "the audit identity has five ids": (
        {"audit": identities(5)},
        INVALID,
    ),
    "the address list is empty": ({"before": "<itk:addresslist/>"}, INVALID),
    "an address has no URI": (
        {"before": "<itk:addresslist><itk:address/></itk:addresslist>"},
        INVALID,
    ),
    "the sender has no URI": ({"after": "<itk:senderAddress/>"}, INVALID),
    "a handling specification has no key": (
        {"after": '<itk:handlingSpecification><itk:spec value="x"/></itk:handlingSpecification>'},
        INVALID,
    ),
    "something stands in the header that breaks the schema": (
        {"after": "<itk:breakSchema/>"},
        INVALID,
    ),
    "the manifest is there twice": (
        {"after": f'<itk:manifest count="1">{ITEM}</itk:manifest>'},
        INVALID,
    ),
    # The service.
    "the service is not the action": ({"service": f"{SERVICES}getNHSNumber-v1-0"}, SERVICE),
    "the action is not the service": ({"action": f"{SERVICES}getNHSNumber-v1-0"}, SERVICE),
    "the service is unknown": (
        {"service": f"{SERVICES}sendDistEnvelope", "action": f"{SERVICES}sendDistEnvelope"},
        invalid("The service is not provided here"),
    ),
    # Addressing.
    "there is no To": ({"to": ""}, invalid("The To address is missing")),
    "To is no URI": (
        {"to": "<wsa:To>http//:this.is.invalid/address</wsa:To>"},
        invalid("The To address is not a URI"),
    ),
    "To is a path": ({"to": "<wsa:To>/smsp/pds</wsa:To>"}, invalid("The To address is not a URI")),
    "To is there twice": ({"to": TO + TO}, invalid("The To address is missing")),
    "there is no message id": ({"message_id": " "}, invalid("The message ID is missing")),
    "the message id is endless": ({"message_id": "x" * 256}, invalid("The message ID is missing")),
    "there is no action": ({"action": ""}, invalid("The action is missing or said twice")),
    "the answer is wanted elsewhere": (
        {"more": "<wsa:ReplyTo><wsa:Address>http://elsewhere</wsa:Address></wsa:ReplyTo>"},
        invalid("Only anonymous replies are given"),
    ),
    "the fault is wanted elsewhere": (
        {"more": "<wsa:FaultTo><wsa:Address>http://elsewhere</wsa:Address></wsa:FaultTo>"},
        invalid("Only anonymous replies are given"),
    ),
    # Security.
    "there is no security": ({"security": ""}, invalid("The security timestamp is missing")),
    "there is no timestamp": ({"timestamp": ""}, invalid("The security timestamp is missing")),
    "security is there twice": (
        {"security": "<wsse:Security>{0}</wsse:Security><wsse:Security/>"},
        INVALID,
    ),
    "the timestamp does not say until when": (
        {"timestamp": stamp(expires="")},
        invalid("The security timestamp is not a date and time"),
    ),
    "the timestamp is a day of no month": (
        {"timestamp": stamp(created="2014-02-30T09:00:00Z")},
        invalid("The security timestamp is not a date and time"),
    ),
    "the timestamp is of the last hour of all": (
        {"timestamp": stamp(expires="9999-12-31T23:59:59-14:00")},
        invalid("The security timestamp is not a date and time"),
    ),
    "the timestamp ends before it begins": (
        {"timestamp": stamp(instant(60), instant(0))},
        invalid("The security timestamp expires before it is made"),
    ),
    "the timestamp has expired": (
        {"timestamp": stamp(instant(-900), instant(-301))},
        invalid("The security timestamp has expired"),
    ),
    "the timestamp is of the future": (
        {"timestamp": stamp(instant(301), instant(900))},
        invalid("The security timestamp is of the future"),
    ),
    "there is no user": ({"user": ""}, DENIED),
    "the user has no name": ({"user": USER.replace("Ward 7", " ")}, DENIED),
    # SOAP.
    "a header that nobody knows must be understood": (
        {"more": '<x:Local xmlns:x="urn:x" soap:mustUnderstand="1"/>'},
        Fault("MustUnderstand", "1000", "A header was not understood"),
    ),
    "a header of the old addressing must be understood": (
        {
            "more": '<a:To xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
            'soap:mustUnderstand="true"/>'
        },
        Fault("MustUnderstand", "1000", "A header was not understood"),
    ),
    "it is SOAP 1.2": (
        {"soap": "http://www.w3.org/2003/05/soap-envelope"},
        Fault(
            "VersionMismatch", "1000", "Version Error, namespace must be a proper SOAP namespace."
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_request_that_disagrees_with_itself_is_refused(services: Services, case: str) -> None:
    changes, fault = REFUSED[case]
    answered = sent(services, Parts(**changes).message())
    assert (answered.status, fault_of(answered.body)) == (500, fault)


ANSWERED: Final[dict[str, dict[str, str]]] = {
    "as it is": {},
    "the address list is left out": {"before": ""},
    "the sender is left out": {"after": ""},
    "the audit identity comes after the manifest": {
        "audit": "",
        "after": AUDIT + '<itk:senderAddress uri="urn:nhs-uk:addressing:ods:T99999"/>',
    },
    "the audit identity has four ids": {"audit": identities(4)},
    "the tracking id is in lower case": {"tracking_id": "0a0b0c0d-aaaa-4aaa-8aaa-aaaaaaaaaaaa"},
    "the flags are said and false": {
        "items": item('base64="false" compressed="0" encrypted="false" metadata="false"')
    },
    "the payload is in base64": {
        "items": item('base64="true"'),
        "payloads": packed(ASKING.encode()),
    },
    "the base64 has line ends": {
        "items": item('base64="1"'),
        "payloads": f'<itk:payload id="uuid_1">\r\n{base64.encodebytes(ASKING.encode()).decode()}'
        "</itk:payload>",
    },
    "the payload is compressed by gzip": {
        "items": item(BOTH),
        "payloads": packed(gzip.compress(ASKING.encode())),
    },
    "the payload is compressed by zlib": {
        "items": item(BOTH),
        "payloads": packed(zlib.compress(ASKING.encode())),
    },
    "the payload has a declaration": {
        "items": item('base64="true"'),
        "payloads": packed(b"<?xml version='1.0' encoding='UTF-8'?>" + ASKING.encode()),
    },
    "the payload is application/xml": {
        "items": ITEM.replace("text/xml", "application/xml; charset=UTF-8")
    },
    "blanks stand around the payload": {"payloads": PAYLOAD.replace(ASKING, f"\n  {ASKING}\n")},
    "the answer is wanted here": {
        "more": "<wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous"
        "</wsa:Address></wsa:ReplyTo>"
    },
    "To is a host alone": {"to": "<wsa:To>192.168.128.11</wsa:To>"},
    "To is a host and a port": {"to": "<wsa:To>spine.test:443</wsa:To>"},
    "the profile names the operation and not its request": {
        "items": ITEM.replace("verifyNHSNumberRequest-v1-0", "verifyNHSNumber-v1-0")
    },
    "addressing must be understood": {"to": TO.replace(">", ' soap:mustUnderstand="1">', 1)},
    "another's header must be understood by another": {
        "more": '<x:Local xmlns:x="urn:x" soap:mustUnderstand="1" soap:actor="urn:elsewhere"/>'
    },
    "a header that nobody knows need not be understood": {"more": '<x:Local xmlns:x="urn:x"/>'},
    "the timestamp has just expired": {"timestamp": stamp(instant(-900), instant(-299))},
    "the timestamp is a little ahead": {"timestamp": stamp(instant(299), instant(900))},
    "the timestamp has a zone and fractions": {
        "timestamp": stamp("2014-08-25T10:29:00.1234567+01:00", "2014-08-25T09:39:00.000Z")
    },
    "the timestamp has no zone": {
        "timestamp": stamp(instant(-60).rstrip("Z"), instant(60).rstrip("Z"))
    },
    "a password comes with the user": {
        "user": USER.replace(
            "</wsse:UsernameToken>", "<wsse:Password>x</wsse:Password></wsse:UsernameToken>"
        )
    },
}


@pytest.mark.parametrize("case", ANSWERED, ids=str)
def test_a_request_in_order_is_answered_however_it_is_written(
    services: Services, case: str
) -> None:
    answered = sent(services, Parts(**ANSWERED[case]).message())
    assert (answered.status, code_of(answered.body)) == (200, "DEMOG-0001")


@pytest.mark.parametrize("written", ['"{}"', "{}", "", '""'])
def test_the_soap_action_may_be_quoted_bare_or_empty(services: Services, written: str) -> None:
    action = written.format(SERVICES + VERIFY)
    assert sent(services, Parts().message(), soap_action=action).status == 200


def test_a_soap_action_that_says_otherwise_is_refused(services: Services) -> None:
    action = f'"{SERVICES}getNHSNumber-v1-0"'
    answered = sent(services, Parts().message(), soap_action=action)
    assert fault_of(answered.body) == invalid("The SOAPAction does not match the action")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_answered(services: Services, operation: str) -> None:
    row = OPERATIONS[operation]
    asked = payload(operation, Asked(birth_date="19700101", nhs_number=PATIENT)).decode()
    parts = Parts(
        service=row.action,
        action=row.action,
        items=ITEM.replace("urn:nhs-en:profile:verifyNHSNumberRequest-v1-0", row.request_profile),
        payloads=PAYLOAD.replace(ASKING, asked),
    )
    answered = sent(services, parts.message())
    assert answered.status == 200
    assert code_of(answered.body) in {"SMSP-0001", "DEMOG-0001"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_address_of_one_operation_answers_that_alone(services: Services, operation: str) -> None:
    path = f"/interoperability.toolkit/HL7v3/{operation}"
    answered = sent(services, Parts().message(), path=path)
    if operation == VERIFY:
        assert answered.status == 200
    else:
        refused = invalid("The service is not provided at this address")
        assert fault_of(answered.body) == refused


def test_an_answer_says_what_it_answers_and_agrees_with_itself(services: Services) -> None:
    parts = Parts()
    root = etree.fromstring(sent(services, parts.message()).body)
    header = root.find("{http://schemas.xmlsoap.org/soap/envelope/}Header")
    assert header is not None
    said = {etree.QName(one).localname: one.text for one in header}
    assert said["RelatesTo"] == parts.message_id
    assert said["Action"] == f"{SERVICES}{VERIFY}Response"
    (element,) = root.iter("{urn:nhs-itk:ns:201005}DistributionEnvelope")
    envelope = itk.opened(element)
    assert envelope.service == said["Action"]
    assert envelope.manifest[0].profile_id == "urn:nhs-en:profile:verifyNHSNumberResponse-v1-0"
    ids = {parts.message_id, parts.tracking_id, said["MessageID"], envelope.tracking_id}
    assert len(ids) == 4


def test_a_message_id_or_a_tracking_id_is_answered_once() -> None:
    services = services_on(core_on(MemoryStore()))
    first = Parts()
    assert sent(services, first.message()).status == 200
    replayed = Fault("Client", "2200", "The message was received before")
    for again in (
        first,
        Parts(message_id=first.message_id),
        Parts(tracking_id=first.tracking_id),
        Parts(tracking_id=first.tracking_id.lower()),
    ):
        assert fault_of(sent(services, again.message()).body) == replayed
    assert sent(services, Parts().message()).status == 200


def test_what_was_refused_may_be_mended_and_sent_under_the_same_ids() -> None:
    services = services_on(core_on(MemoryStore()))
    broken = Parts(manifest_count="2")
    assert sent(services, broken.message()).status == 500
    mended = Parts(message_id=broken.message_id, tracking_id=broken.tracking_id)
    assert sent(services, mended.message()).status == 200


def test_another_process_and_a_restart_know_what_was_answered() -> None:
    store = MemoryStore()
    parts = Parts()
    assert sent(services_on(core_on(store)), parts.message()).status == 200
    # No two processes give the same ids.
    another = core_on(store, replace(fixed_context(), new_id=new_id))
    assert fault_of(sent(services_on(another), parts.message()).body).code == "2200"


def test_while_the_store_is_away_nothing_is_spent() -> None:
    store = MemoryStore()
    failures: list[Exception] = []
    services = services_on(core_on(store), failures)
    sent(services, Parts().message())
    parts = Parts()
    store.away = True
    assert code_of(sent(services, parts.message()).body) == "SMSP-0004"
    store.away = False
    assert sent(services, parts.message()).status == 200


def test_a_store_that_was_never_there_is_a_fault_that_may_pass() -> None:
    store = MemoryStore()
    failures: list[Exception] = []
    services = services_on(core_on(store), failures)
    store.away = True
    refused = fault_of(sent(services, Parts().message()).body)
    assert refused == Fault("Server", "2100", "The message cannot be processed at the moment")
    assert [type(one) for one in failures] == [StoreError]


def test_what_fails_within_is_a_fault_that_says_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("a patient")

    failures: list[Exception] = []
    services = services_on(core_on(MemoryStore()), failures)
    monkeypatch.setattr("adapters.itk._dressed", broken)
    answered = sent(services, Parts().message())
    refused = Fault("Server", "2200", "The message could not be processed")
    assert fault_of(answered.body) == refused
    assert b"patient" not in answered.body
    assert [type(one) for one in failures] == [ZeroDivisionError]


def test_on_a_cluster_too_a_message_is_answered_once() -> None:
    class Cluster(MemoryStore):
        is_exclusive = False

    services = services_on(core_on(Cluster()))
    parts = Parts()
    assert sent(services, parts.message()).status == 200
    assert fault_of(sent(services, parts.message()).body).code == "2200"


def test_a_timestamp_that_never_ends_is_as_good_as_any() -> None:
    services = services_on(core_on(MemoryStore()))
    parts = Parts(timestamp=stamp(expires="9999-12-31T23:59:59Z"))
    assert sent(services, parts.message()).status == 200
    assert fault_of(sent(services, parts.message()).body).code == "2200"


def test_the_audit_tells_of_a_request_and_of_its_replay() -> None:
    core = core_on(MemoryStore())
    services = services_on(core)
    parts = Parts()
    sent(services, parts.message())
    sent(services, parts.message())
    pages = (read_page(core.store, "test", number) for number in range(9))
    noted = [entry for page in pages if page for entry in page.entries]
    assert {entry.message_id for entry in noted} == {parts.tracking_id}
    assert [entry.outcome for entry in noted] == ["NotFound", "Duplicate"]
    assert {entry.user for entry in noted} == {"urn:nhs-uk:identity:ods:T99999:ward7"}
    assert {entry.activity for entry in noted} == {VERIFY}


ROLE: Final = '<itk:id type="1.2.826.0.1285.0.2.0.67" uri="100000000001"/>'
OF_USER: Final = '<itk:id type="1.2.826.0.1285.0.2.0.65" uri="200000000002"/>'
JOB: Final = '<itk:id type="1.2.826.0.1285.0.2.1.104" uri="R8000"/>'
SYSTEM: Final = '<itk:id type="1.2.826.0.1285.0.2.0.107" uri="990000000000"/>'
WARD: Final = '<itk:id type="2.16.840.1.113883.2.1.3.2.4.18.27" uri="urn:nhs-uk:identity:ods:T9"/>'


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        (ROLE + OF_USER, ("200000000002", "100000000001", "")),
        (WARD + JOB + OF_USER + ROLE, ("200000000002", "100000000001", "R8000")),
        (
            WARD + ROLE + OF_USER + JOB.replace("2.1.104", "2.0.108"),
            ("200000000002", "100000000001", "R8000"),
        ),
        (WARD, ("urn:nhs-uk:identity:ods:T9", "", "")),
        (SYSTEM + WARD, ("urn:nhs-uk:identity:ods:T9", "", "")),
        (SYSTEM, ("990000000000", "", "")),
    ],
)
def test_the_audit_names_the_person_by_the_ids_of_a_smartcard(
    ids: str, named: tuple[str, str, str]
) -> None:
    core = core_on(MemoryStore())
    audit = f"<itk:auditIdentity>{ids}</itk:auditIdentity>"
    assert sent(services_on(core), Parts(audit=audit).message()).status == 200
    page = read_page(core.store, "test", 0) or read_page(core.store, "test", 1)
    assert page is not None
    (entry,) = page.entries
    assert (entry.user, entry.role_profile, entry.job_role) == named


@pytest.mark.parametrize("manifest_count", ["1", "2"])
def test_a_request_is_let_go_once_it_is_answered_or_refused(manifest_count: str) -> None:
    """Spyne's contexts are cycles: with what they hold they stay until garbage is looked for."""
    services = services_on(core_on(MemoryStore()))
    parts = Parts(manifest_count=manifest_count)
    gc.disable()
    try:
        answered = sent(services, parts.message())
        held = gc.get_objects()
    finally:
        gc.enable()
    assert answered.status == (200 if manifest_count == "1" else 500)
    named = parts.message_id.encode()
    assert not [one for one in held if isinstance(one, Request) and named in one.body]
    assert not [
        one
        for one in held
        if isinstance(one, itk_path.Asked) and one.header.message_id == parts.message_id
    ]


def test_whose_certificate_nobody_knows_is_not_answered(services: Services) -> None:
    answered = services.answer(Request(Parts().message(), None, None, ("nobody",)), "/smsp/pds")
    assert code_of(answered.body) == "SMSP-0005"


def test_every_refusal_of_the_table_has_words_and_a_code() -> None:
    for name, meaning in toolkit.REFUSALS.items():
        assert meaning.text, name
        assert meaning.code in {"1000", "2100", "2200", "3000"}, name


NAMESPACE: Final = b'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
NO_CONTENT: Final = b"<s:Envelope " + NAMESPACE + b"><s:Header/><s:Body/></s:Envelope>"
NO_HEADER: Final = b"<s:Envelope " + NAMESPACE + b"><s:Body><x/></s:Body></s:Envelope>"
NO_ENVELOPE: Final = b"<s:Body " + NAMESPACE + b"/>"
CIRCLE: Final = '<a id="a" href="#a"/>'

MALFORMED: Final[dict[str, tuple[bytes, str | None]]] = {
    # The six that escape from spyne's own protocols as exceptions.
    "references in a circle": (
        Parts().message().replace(Parts().envelope().encode()[:5], CIRCLE.encode() + b"<itk:", 1),
        None,
    ),
    "a reference to an attachment": (
        Parts(payloads='<itk:payload id="uuid_1" href="cid:none"/>').message(),
        None,
    ),
    "an empty body": (NO_CONTENT, None),
    "nothing": (b"", None),
    "an unknown charset": (Parts().message(), "klingon"),
    "a charset that the body is not in": (
        Parts(user=USER.replace("Ward", "Station")).message().replace(b"Station", b"St\xe9"),
        "utf-8",
    ),
    # And others.
    "blanks": (b"  \n", None),
    "no XML": (b"certainly not", None),
    "half an envelope": (Parts().message()[:500], None),
    "no header": (NO_HEADER, None),
    "a charset of two bytes": (Parts().message(), "utf-16"),
    "a DOCTYPE": (b"<!DOCTYPE x>" + Parts().message(), None),
    "an entity": (b'<!DOCTYPE x [<!ENTITY a "b">]>' + Parts(after="&a;").message(), None),
    "another document": (b"<html/>", None),
    "SOAP, but no envelope": (NO_ENVELOPE, None),
    "two bodies": (
        Parts().message().replace(b"</soap:Envelope>", b"<soap:Body/></soap:Envelope>"),
        None,
    ),
}


@pytest.mark.parametrize("case", MALFORMED, ids=str)
def test_what_is_malformed_is_answered_by_a_fault(services: Services, case: str) -> None:
    body, charset = MALFORMED[case]
    answered = services.answer(Request(body, charset, None, ("client.spine.test",)), "/smsp/pds")
    assert answered.status == 500
    assert fault_of(answered.body).code == "1000"


def test_a_payload_that_refers_to_itself_asks_nothing(services: Services) -> None:
    parts = Parts(payloads=f'<itk:payload id="uuid_1">{CIRCLE}</itk:payload>')
    answered = sent(services, parts.message())
    assert (answered.status, code_of(answered.body)) == (200, "SMSP-0001")


def test_what_is_too_large_to_be_read_is_answered_by_a_fault(services: Services) -> None:
    answered = services.answer(None, "/smsp/pds")
    assert fault_of(answered.body) == invalid("The message is too large")


def test_the_page_lists_every_refusal_as_it_is_given() -> None:
    page = (Path(__file__).parents[2] / "docs/smsp.md").read_text(encoding="utf-8")
    for name, meaning in toolkit.REFUSALS.items():
        marked = "*inferred*" if meaning.inferred else ""
        assert f"| {name} | {meaning.code} | {meaning.text} | {marked} |\n" in page
