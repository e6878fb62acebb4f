"""Trunk messages and acknowledgements: what public ones hold is read, and built again to the same.

The captured ones stay outside the repository (SPINE_CORPUS); what stands here is ours.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from canonical import canonical
from corpus import Corpus
from hub_messages import itk_trunk
from lxml import etree
from msgspec.structs import replace

from legacy_contracts import xml
from legacy_contracts.envelopes import (
    itk,
    itk_business,
    itk_infrastructure,
    mime,
)
from legacy_contracts.envelopes import (
    itk_trunk as trunk,
)
from legacy_contracts.envelopes.ebxml import Outgoing
from legacy_contracts.envelopes.itk import Address, Envelope, ManifestItem, Payload, Spec
from legacy_contracts.envelopes.itk_business import BusinessAck, Device, Entity, Trouble
from legacy_contracts.envelopes.itk_infrastructure import ErrorInfo, InfrastructureAck, Reporting
from legacy_contracts.envelopes.itk_trunk import Author, Shell
from legacy_contracts.envelopes.toolkit import REFUSALS, ItkError, refusal
from legacy_contracts.errors import MalformedMessage
from legacy_contracts.hl7.wrappers import Moment

ID = "0A0B0C0D-0000-4000-8000-000000000001"
OTHER = "0A0B0C0D-0000-4000-8000-000000000002"
ITK_NS = "urn:nhs-itk:ns:201005"
LETTER = f'<letter xmlns:itk="{ITK_NS}">A &amp; B</letter>'.encode()
ACKS = {
    "{urn:nhs-itk:ns:201005}InfrastructureResponse": itk_infrastructure,
    "{urn:hl7-org:v3}BusinessResponseMessage": itk_business,
}
PLACEHOLDERS = (
    (r"__(?:TO_)?OID__", 'type="2.16.840.1.113883.2.1.3.2.4.18.22"'),
    (r"__ERROR_DIAGNOSTICS__", "<itk:ErrorDiagnosticText>Ours</itk:ErrorDiagnosticText>"),
    (r"__(?:BASE64|COMPRESSED|PROFILEID|ADDRESS_LIST|HANDLING_SPECIFICATION)__", ""),
    (r"__TRACKING_ID__|__TRACKINGID__|__INTERNAL_TRACKING_ID__", ID),
    (r"__[A-Z0-9_]+?__", "x"),
)
"""What the templates' placeholders stand for: the last for any text."""


def bound(text: str) -> str:
    for pattern, value in PLACEHOLDERS:
        text = re.sub(pattern, value, text)
    return text


def parsed(text: bytes | str) -> etree._Element:
    return xml.parse(text if isinstance(text, bytes) else text.encode())


def envelope(**changes: object) -> Envelope:
    made = Envelope(
        service=f"{itk.SERVICES}SendDocument-v1-0",
        tracking_id=ID,
        manifest=(ManifestItem("uuid_1", profile_id=f"{itk.PROFILES}letter-v1-0"),),
        payloads=(Payload("uuid_1", LETTER),),
        audit_identities=(Address(f"{itk.IDENTITIES}ods:T99999"),),
        addresses=(Address(f"{itk.ADDRESSES}ods:T88888:letters", "2.16.840.1.113883.19.5"),),
        sender=Address(f"{itk.ADDRESSES}ods:T99999:ward7"),
        handling=(Spec(f"{itk.KEYS}{itk_infrastructure.REQUESTED}", "true"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "payload"),
    [
        (ManifestItem("uuid_1"), Payload("uuid_1", LETTER)),
        (ManifestItem("uuid_1", base64=True), Payload("uuid_1", LETTER, "letter.xml")),
        (ManifestItem("uuid_1", base64=True, compressed=True), Payload("uuid_1", LETTER)),
        (ManifestItem("uuid_1", "text/plain"), Payload("uuid_1", b"A & B <C>")),
        (ManifestItem("uuid_1", "image/png", base64=True), Payload("uuid_1", bytes(range(256)))),
        (
            ManifestItem("uuid_1", "application/octet-stream", base64=True, encrypted=True),
            Payload("uuid_1", b"\x00secret"),
        ),
        (ManifestItem("uuid_1", metadata=True), Payload("uuid_1", LETTER)),
    ],
)
def test_an_envelope_is_opened_as_it_was_built(item: ManifestItem, payload: Payload) -> None:
    made = envelope(manifest=(item,), payloads=(payload,))
    assert itk.opened(parsed(itk.built(made))) == made


@pytest.mark.parametrize("before", [b"", b"<?xml version='1.0' encoding='UTF-8'?>\r\n", b" \n"])
def test_only_the_declaration_of_a_payload_itself_is_left_out(before: bytes) -> None:
    document = b"<letter><![CDATA[<?xml version='1.0'?><inner/>]]></letter>"
    made = envelope(payloads=(Payload("uuid_1", before + document),))
    assert document.decode() in itk.built(made)
    assert itk.built(made).count("<?xml") == 1


def test_an_envelope_says_what_it_asks_of_whoever_handles_it() -> None:
    assert envelope().specified(itk_infrastructure.REQUESTED) == "true"
    assert envelope().specified(itk_business.REQUESTED) is None


def test_all_payloads_together_are_no_more_than_one_may_be() -> None:
    items = tuple(ManifestItem(f"uuid_{n}", base64=True, compressed=True) for n in range(3))
    payloads = tuple(Payload(one.id, bytes(itk.MAX_UNPACKED // 2)) for one in items)
    made = envelope(manifest=items, payloads=payloads)
    with pytest.raises(ItkError, match="PAYLOAD_TOO_LARGE"):
        itk.opened(parsed(itk.built(made)))


DEVICE = Device("T88888-1", "Letters", "Letters 1", "T88888", "A practice & partners")
BUSINESS = BusinessAck(
    message_id=ID,
    time="20140825093000",
    interaction_id="urn:nhs-itk:interaction:letter-v1-0",
    tracking_id=OTHER,
    payload_id=ID,
    sender=Entity("2.16.840.1.113883.19.5", "urn:nhs-uk:addressing:ods:T88888"),
    receiver=Entity("2.16.840.1.113883.19.5", "urn:nhs-uk:addressing:ods:T99999"),
    device=DEVICE,
)


@pytest.mark.parametrize(
    "ack",
    [BUSINESS, replace(BUSINESS, trouble=Trouble("T1", "Not for us", "no such patient <here>"))],
)
def test_a_business_acknowledgement_is_opened_as_it_was_built(ack: BusinessAck) -> None:
    assert itk_business.opened(parsed(itk_business.built(ack))) == ack
    assert ack.type_code == ("AA" if ack.trouble is None else "AE")


BY = Reporting(
    Address(f"{itk.IDENTITIES}ods:T88888"),
    Address(f"{itk.ADDRESSES}ods:T88888"),
    "2014-08-25T09:30:00Z",
    OTHER,
    ID,
)


def test_an_infrastructure_acknowledgement_goes_to_the_sender_and_names_the_envelope() -> None:
    answer = itk.opened(parsed(itk.built(itk_infrastructure.acknowledging(envelope(), BY))))
    assert answer.service == f"{itk.SERVICES}SendInfrastructureAck-v1-0"
    assert answer.addresses == (envelope().sender,)
    ack = itk_infrastructure.opened(parsed(answer.payloads[0].content))
    assert ack.is_positive
    assert (ack.service, ack.tracking_id) == (envelope().service, ID)


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_can_be_told_by_an_infrastructure_acknowledgement(name: str) -> None:
    told = itk_infrastructure.error_of(refusal(name, "this part"), ID)
    answer = itk_infrastructure.acknowledging(envelope(), BY, (told,))
    ack = itk_infrastructure.opened(parsed(answer.payloads[0].content))
    assert not ack.is_positive
    (error,) = ack.errors
    assert error.text == itk_infrastructure.ERRORS[error.code]
    assert (error.diagnostic, error.code_system) == (
        "this part",
        "2.16.840.1.113883.2.1.3.2.4.17.516",
    )


@pytest.mark.parametrize(
    "ack",
    [
        InfrastructureAck("2014-08-25T09:30:00Z", "urn:x", ID, (Address("urn:y"),), (), "Failure"),
        InfrastructureAck(
            "2014-08-25T09:30:00Z", "urn:x", ID, (), (ErrorInfo(ID, "DE0001", "x"),), "OK"
        ),
        InfrastructureAck("2014-08-25T09:30:00Z", "urn:x", ID, (), (), "Perhaps"),
        InfrastructureAck("", "urn:x", ID, ()),
    ],
)
def test_an_acknowledgement_that_says_nothing_clear_is_refused(ack: InfrastructureAck) -> None:
    with pytest.raises(ItkError):
        itk_infrastructure.opened(parsed(itk_infrastructure.built(ack)))


SAID = Outgoing(
    from_party="T99999-9900001",
    to_party="T88888-9900002",
    cpa_id="S9999999A9900001",
    conversation_id=ID,
    service=trunk.SERVICE,
    action=trunk.INTERACTION,
    message_id=ID,
    timestamp="2014-08-25T09:30:00Z",
)


@pytest.mark.parametrize("author", [None, Author("990000000067", "990000000065", "S0080:G0450")])
def test_a_trunk_message_is_opened_as_it_was_built(author: Author | None) -> None:
    shell = Shell(Moment(ID, "20140825093000"), "990000000002", "990000000001", author)
    body = trunk.built(SAID, shell, envelope(), OTHER)
    found = trunk.opened(body, mime.CONTENT_TYPE)
    assert (found.shell, found.envelope) == (shell, envelope())
    assert found.header.descriptions == ("The HL7 payload", "ITK Trunk Message")
    assert found.header.ack_actor == "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"


def test_the_trunk_messages_that_the_hub_forwards_can_be_opened() -> None:
    sent = itk_trunk()
    found = trunk.opened(sent.bytes(), sent.content_type)
    assert found.envelope.payloads[0].content == b"A letter of ours"


def test_a_message_of_another_kind_is_no_trunk_message() -> None:
    body = trunk.built(
        replace(SAID, action="COPC_IN000001UK01"),
        Shell(Moment(ID, "20140825093000"), "990000000002", "990000000001"),
        envelope(),
        OTHER,
    )
    with pytest.raises(MalformedMessage):
        trunk.opened(body, mime.CONTENT_TYPE)


def test_every_captured_trunk_message_is_opened_and_built_again(captured: Corpus) -> None:
    files = sorted(path for path in (captured.place / "itk-trunk").rglob("*.*") if path.is_file())
    services: Counter[str] = Counter()
    for path in files:
        head, _, body = path.read_bytes().partition(b"----=_MIME-Boundary")
        named = re.search(rb"(?im)^Content-Type: (.*?)\r?$", head)
        kind = named[1].decode() if named else 'multipart/related; boundary="--=_MIME-Boundary"'
        body = b"----=_MIME-Boundary" + body
        found = trunk.opened(body, kind)
        package = mime.split(body, kind)
        shell, sent = (package.referenced(one) for one in found.header.references)
        assert shell is not None
        assert sent is not None
        rebuilt = canonical(parsed(trunk.shell_text(found.shell)))
        assert rebuilt == canonical(parsed(shell.decoded())), path.name
        assert itk.opened(parsed(itk.built(found.envelope))) == found.envelope, path.name
        services[found.envelope.service.removeprefix(itk.SERVICES)] += 1
    assert services == {
        "SendInfrastructureAck-v1-0": 9,
        "SendBusinessAck-v1-0": 2,
        "SendCDADocument-v2-0": 3,
    }


def test_every_captured_acknowledgement_is_read_and_built_again(captured: Corpus) -> None:
    """Templates are bound first: a placeholder stands for any text."""
    counts: Counter[str] = Counter()
    for folder in ("itk", "itk-trunk"):
        for path in sorted((captured.place / folder).rglob("*.*")):
            text = bound(path.read_text(encoding="utf-8", errors="replace"))
            for found in re.findall(
                r"<((?:\w+:)?(?:InfrastructureResponse|BusinessResponseMessage))\b.*?</\1>",
                text,
                re.DOTALL,
            ):
                whole = re.search(rf"<{found}\b.*?</{found}>", text, re.DOTALL)
                assert whole is not None
                element = parsed(whole[0])
                kind = ACKS[element.tag]
                again = parsed(kind.built(kind.opened(element)))
                assert canonical(again) == canonical(element), path.name
                counts[etree.QName(element).localname] += 1
    assert counts == {"InfrastructureResponse": 15, "BusinessResponseMessage": 5}


def test_every_captured_envelope_is_opened_and_built_again(captured: Corpus) -> None:
    """Of files that are templates the placeholders are bound; one counts nothing by numbers."""
    counts: Counter[str] = Counter()
    for path in sorted(captured.place.glob("[is][tm]*/**/*.*")):
        text = bound(path.read_text(encoding="utf-8", errors="replace"))
        found = re.search(
            r"<(\w+:)?DistributionEnvelope\b.*?</(\w+:)?DistributionEnvelope>", text, re.DOTALL
        )
        if found is None or "{{manifestCount}}" in text:
            continue
        prefix = (found[1] or "").rstrip(":")
        declared = "" if "urn:nhs-itk:ns:201005" in found[0] else f' xmlns:{prefix}="{ITK_NS}"'
        whole = found[0].replace("DistributionEnvelope", f"DistributionEnvelope{declared}", 1)
        opened = itk.opened(parsed(whole))
        again = itk.opened(parsed(itk.built(opened)))
        assert replace(again, payloads=()) == replace(opened, payloads=()), path.name
        assert len(again.payloads) == len(opened.payloads)
        counts[path.relative_to(captured.place).parts[0]] += 1
    assert counts == {"itk": 42, "itk-trunk": 14, "smsp-other": 91, "smsp-pds": 81}
