"""The corpus's messages as conversations through the hub: each arrives or is refused for cause.

All run in this process, each conversation in a hub of its own whose clock goes by the timestamps
of its messages. Those of whole HTTP messages and of multipart bodies run once more over mutual TLS
against a served facade, its parties' message handlers at both ends
(`test_the_captured_conversations_arrive_over_tls`).
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

import conversations
from conversations import DELIVERED, Conversation, Talk
from corpus import Corpus, Outcome
from corpus_messages import Kind, Leg, undrivable
from hub_messages import forwarded
from hubs import TestHub, contract, list_directory
from msgspec import Struct
from msgspec.structs import replace
from wrapped_messages import OTHER_ASID, OTHER_PARTY, Route

from adapters import receiving
from adapters.courier import HttpReply
from adapters.reading import Sent
from adapters.receiving import Address
from core import transfers
from core.directory import Party, list_entries
from core.messaging.keeping import Outgoing, later
from core.values.identity import PartyKey
from core.values.messaging import Content, Envelope, Terms
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

NOT_DRIVEN: Final = 5
NO_ASID: Final = "AR 506"
EXPIRED: Final = "TIME_TO_LIVE_EXPIRED"
MALFORMED: Final = "MESSAGE_NOT_WELL_FORMED"
REQUESTING: Final = "gp2gp/gp2gp-requesting-adaptor/"
SENDING: Final = "gp2gp/gp2gp-sending-adaptor/"


class Refused(Struct, frozen=True):
    """Files that are refused: by their names, how, how many of them, and why that is right."""

    files: str
    came: str
    count: int
    why: str


TEST_WORDS: Final = "its systems are words of a test, no ASIDs"
OTHER_ROOT: Final = "its systems stand under another root than that of ASIDs"
REFUSED: Final = (
    # All 668 ids of systems in the whole corpus that are not such words have 12 digits.
    Refused(REQUESTING + "PWTP*.xml", NO_ASID, 8, TEST_WORDS),
    Refused(REQUESTING + "RCMR_IN030000UK06.xml", NO_ASID, 1, TEST_WORDS),
    Refused(REQUESTING + "index-message-*", NO_ASID, 7, TEST_WORDS),
    Refused(REQUESTING + "payload_part_with_confidentiality_code.xml", NO_ASID, 1, TEST_WORDS),
    Refused(SENDING + "TC[47]-*", NO_ASID, 21, TEST_WORDS),
    Refused(SENDING + "complete-and-validated-xml-test-file-*", NO_ASID, 2, OTHER_ROOT),
    Refused(SENDING + "[Ee]xpected*", NO_ASID, 8, TEST_WORDS),
    Refused(SENDING + "sampleJson2.xml", NO_ASID, 1, TEST_WORDS),
    Refused(
        REQUESTING + "payload_part*.xml", NO_ASID, 2, "one system for both: no system has 2 parties"
    ),
    Refused(SENDING + "MCCI_IN010000UK13--ebXML.xml", NO_ASID, 1, "one system for both"),
    Refused("gp2gp/mhs-adaptor/forward-reliable*", NO_ASID, 2, "one system for both"),
    Refused(
        REQUESTING + "Scenario_[78]-copc?--payload.xml",
        NO_ASID,
        2,
        "its envelope is lost, and its systems are those of other parties than our envelope's",
    ),
    Refused(SENDING + "Medicus*item_0_request*", EXPIRED, 15, "TimeToLive is the Timestamp"),
    Refused(REQUESTING + "Daisy*item_0_request*", EXPIRED, 1, "TimeToLive is the Timestamp"),
    Refused(SENDING + "RCMR_IN010000UK05_ebxml~2.xml", EXPIRED, 1, "TimeToLive is the Timestamp"),
    Refused(REQUESTING + "Scenario_10-*", MALFORMED, 1, "its namespaces were lost in a log"),
    Refused(REQUESTING + "Scenario_6-copc*", MALFORMED, 3, "its namespaces were lost in a log"),
    Refused("gp2gp/prm/*Small_Message_Example*", MALFORMED, 1, "its namespaces were lost in a log"),
    Refused("gp2gp/mhs-adaptor/INBOUND_*_INVALID_*", MALFORMED, 1, "no Action; the case says so"),
    Refused("tms/mhs-adaptor/ebxml_header_empty.xml", MALFORMED, 1, "an empty header, a test case"),
    Refused("tms/*_invalid_binary_ebxml_header.mime", MALFORMED, 1, "a header of bytes, a case"),
    Refused("tms/*_one_external_attachment.mime", MALFORMED, 1, "no closing delimiter"),
    Refused(
        "tms/mhs-adaptor/ebxml_request.mime",
        "SYNCREPLY_INCONSISTENT_WITH_CONTRACT",
        1,
        "a template with every condition on: SyncReply is in no form with nextMSH",
    ),
    Refused("tms/mhs-adaptor/ebxml_request*.mime", "AR 501", 10, "its payload is an empty element"),
)
"""Every leg that does not arrive. The first row that a file fits is its row."""

ARRIVED: Final = {
    Kind.HTTP: 20,
    Kind.MULTIPART: 12,
    Kind.PAIR: 37,
    Kind.ENVELOPE: 11,
    Kind.PAYLOAD: 33,
}
"""How many legs of each kind arrive to the letter."""


def driven(captured: Corpus) -> tuple[Conversation, ...]:
    """Give the conversations that have a message to send."""
    found = conversations.conversations(captured.place)
    return tuple(one for one in found if one.messages)


def row_of(leg: Leg) -> Refused | None:
    return next((one for one in REFUSED if fnmatchcase(leg.file, one.files)), None)


def test_every_leg_arrives_to_the_letter_or_is_refused_for_a_reason_that_is_known(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    arrived: Counter[Kind] = Counter()
    refused: Counter[Refused] = Counter()
    passed_on = 0
    for conversation in driven(captured):
        talk = Talk(conversation)
        for leg in conversation.legs:
            came = talk.come_of(leg)
            row = row_of(leg) if came != DELIVERED else None
            if came == DELIVERED:
                arrived[leg.kind] += 1
            elif leg.kind is Kind.ANSWER:
                passed_on += came == "passed on"
            else:
                assert (str(leg), row and row.came) == (str(leg), came)
                assert row is not None
                refused[row] += 1
            outcomes.append(Outcome("hub", str(leg), came, row.why if row else ""))
    assert arrived == ARRIVED
    assert refused == {one: one.count for one in REFUSED}
    assert passed_on == 2


def test_what_no_conversation_can_hold_is_named(captured: Corpus, outcomes: list[Outcome]) -> None:
    found = undrivable(captured.place)
    outcomes += [Outcome("hub", one.file, "not driven", one.why) for one in found]
    assert len(found) == NOT_DRIVEN


def test_a_time_to_live_that_is_the_timestamp_is_alive_for_a_hub_whose_clock_is_behind(
    captured: Corpus,
) -> None:
    arrived = 0
    for conversation in driven(captured):
        if any(_comes(leg, EXPIRED) for leg in conversation.messages):
            talk = Talk(conversation, early=timedelta(seconds=1))
            comes = [talk.come_of(leg) for leg in conversation.legs]
            assert comes == [DELIVERED] * len(comes)
            arrived += len(comes)
    assert arrived == 24


_SYSTEMS: Final = re.compile(
    rb"(<(?:\w+:)?communicationFunction(Rcv|Snd)\b.*?<(?:\w+:)?id\b[^>]*?)"
    rb"(?:extension=\"[^\"]*\"|extension='[^']*')",
    re.DOTALL,
)


def test_what_is_refused_for_its_systems_alone_arrives_between_systems_that_are_listed(
    captured: Corpus,
) -> None:
    arrived = 0
    for conversation in driven(captured):
        found = [leg for leg in conversation.messages if _comes(leg, NO_ASID)]
        for leg in map(_between_listed, found):
            if row_of(leg).why == OTHER_ROOT:
                continue
            assert Talk(replace(conversation, legs=(leg,))).come_of(leg) == DELIVERED, leg.file
            arrived += 1
    assert arrived == 54


def _comes(leg: Leg, came: str) -> bool:
    row = row_of(leg)
    return row is not None and row.came == came


def _between_listed(leg: Leg) -> Leg:
    """Give a leg whose payload names two systems that there are, one of each party."""
    named = {b"Rcv": OTHER_ASID.encode(), b"Snd": SAMPLE_ASID.encode()}
    body = _SYSTEMS.sub(lambda found: found[1] + b'extension="' + named[found[2]] + b'"', leg.body)
    assert body != leg.body
    if leg.to_party != leg.from_party:
        return replace(leg, body=body, to_asid=OTHER_ASID, from_asid=SAMPLE_ASID)
    before, party, rest = body.partition(f">{leg.from_party}<".encode())
    rest = rest.replace(party, f">{OTHER_PARTY}<".encode(), 1)
    header = replace(leg.header, to_party=OTHER_PARTY)
    body = before + party + rest
    return replace(leg, body=body, header=header, to_asid=OTHER_ASID, from_asid=SAMPLE_ASID)


ACKNOWLEDGED: Final = ("done", "acknowledged")
NO: Final = ("failed", "refused by its receiver")
AGAIN: Final = ("waiting", "HTTP 500")
AWAITED: Final = ("sent", "the acknowledgment is awaited")
MHS: Final = "tms/mhs-adaptor/"
MTH: Final = "tms/tkw-mth/"
ANSWERED: Final = {
    MHS + "ebxml_ack.xml": ACKNOWLEDGED,
    MHS + "ebxml_ack~2.xml": ACKNOWLEDGED,
    MHS + "ebxml_ack~3.xml": ACKNOWLEDGED,
    MTH + "ebxmlacktemplate.xml": ACKNOWLEDGED,
    MTH + "spine-ebxmlack-template.xml": ACKNOWLEDGED,
    MHS + "ebxml_fault_single_error.xml": NO,
    MHS + "ebxml_nack.xml": NO,
    MHS + "ebxml_nack~2.xml": NO,
    MHS + "ebxml_response_error_empty.xml": NO,
    MHS + "ebxml_response_error_multiple.xml": NO,
    # Neither is XML (a prefix that is not declared), so neither says anything.
    MTH + "ebXMLError_template.xml": AWAITED,
    MTH + "ebXMLError_template~2.xml": AWAITED,
    # SOAP faults: only codes that may pass are worth another try (transport.md 1.6).
    MHS + "soap_fault_single_error.xml": AGAIN,
    MHS + "soap_fault_that_should_be_retried.xml": AGAIN,
    MHS + "soapfault_response_single_error_208.xml": AGAIN,
    MTH + "SoapFault_Template.xml": AGAIN,
    MHS + "soapfault_response_multiple_errors.xml": NO,
    MHS + "soapfault_response_single_error_300.xml": NO,
    # Faults that name no code say nothing of another try; it costs a few tries to ask again.
    MHS + "base_error_template.xml": AGAIN,
    MHS + "basic_fault_response.xml": AGAIN,
    MHS + "invalid_action_service_values_response.xml": AGAIN,
    MHS + "invalid_manifest_instances.xml": AGAIN,
    MHS + "manifest_not_equal_to_payload_count.xml": AGAIN,
    MHS + "payloadID_does_not_match_manifestID.xml": AGAIN,
    MHS + "soapfault_response_empty.xml": AGAIN,
}
"""What a message comes to whose receiver answers so: how it stands, and why."""


def answers(captured: Corpus) -> dict[str, Leg]:
    """Give the captured answers of receivers that stand alone."""
    found = conversations.conversations(captured.place)
    return {one.name: one.legs[0] for one in found if not one.messages}


def test_every_captured_answer_of_a_receiver_ends_its_message_or_has_it_tried_again(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    found = answers(captured)
    assert set(found) == set(ANSWERED)
    for file, leg in found.items():
        hub = waiting(leg, HttpReply(leg.status, leg.body))
        assert standing(hub, leg) == ANSWERED[file]
        outcomes.append(Outcome("hub", file, ": ".join(ANSWERED[file]), "as an HTTP answer"))


def test_every_captured_signal_that_is_posted_ends_its_message(captured: Corpus) -> None:
    found = [leg for leg in answers(captured).values() if leg.message_id]
    assert len(found) == 12
    for leg in found:
        hub = waiting(leg, HttpReply(200, b""))
        assert standing(hub, leg) == AWAITED
        names = (conversations.certificate_name(leg.from_party),)
        answered = receiving.receive(Sent(leg.body, "text/xml", names), Address.FORWARD, hub.us)
        assert (answered.status, answered.body == b"") == (200, ANSWERED[leg.file] != AWAITED)
        assert standing(hub, leg) == ANSWERED[leg.file]


def waiting(leg: Leg, reply: HttpReply) -> TestHub:
    """Give a hub that has delivered the message that an answer answers, and got this reply."""
    sender, receiver = leg.to_party or SAMPLE_PARTY, leg.from_party or OTHER_PARTY
    hub = TestHub(contracts=(), reply=lambda _endpoint, _content: reply)
    service, activity = "ebs", "PRSC_IN080000UK07"
    list_directory(hub.store, (contract(receiver, service, activity),))
    parties = [
        Party(
            PartyKey(key),
            key,
            (conversations.certificate_name(key),),
            endpoint=conversations.endpoint_of(key),
        )
        for key in (sender, receiver)
    ]
    list_entries(hub.store, parties, (), at="2014-01-02", import_id="corpus")
    sent = forwarded(service, activity, route=Route(sender, receiver), message_id=ref_of(leg))
    envelope = Envelope(
        sender=PartyKey(sender),
        receiver=PartyKey(receiver),
        message_id=sent.message_id,
        conversation_id=sent.conversation_id,
        service=sent.service,
        activity=sent.action,
        agreement=sent.cpa_id,
    )
    until = later(hub.clock.now, 300)
    terms = Terms(
        retries=2, retry_seconds=60.0, until=until, eliminated_until=until, acknowledged=True
    )
    hub.us.core.hub.send(
        Outgoing(envelope, Content(sent.bytes(), sent.content_type, sent.action), terms)
    )
    hub.work()
    return hub


def ref_of(leg: Leg) -> str:
    """Give the id of the message that an answer is about; a SOAP fault names none."""
    return leg.header.ref_to or "7B1E0C52-7A64-4C0B-9C9B-6B3D0E6E2A02"


def standing(hub: TestHub, leg: Leg) -> tuple[str, str]:
    """Give how the message that an answer is about stands, and why, without the particulars."""
    found = hub.us.core.hub.latest(PartyKey(leg.to_party or SAMPLE_PARTY), ref_of(leg))
    assert found is not None
    return found[1].standing.value, re.split(r"[:,]", found[1].why)[0]


STAGES: Final = {"requested": 23, "extract sent": 32, "transferring": 25, "failed": 6}
"""How the transfers stand: a conversation of the corpus is mostly one step of one."""


def test_a_transfer_of_the_corpus_is_followed_through_its_conversation(captured: Corpus) -> None:
    stages: Counter[str] = Counter()
    for conversation in driven(captured):
        talk = Talk(conversation)
        comes = [talk.come_of(leg) for leg in conversation.messages]
        for _key, transfer in transfers.listed(talk.hub.store):
            stages[transfer.stage.value] += 1
            assert transfer.messages <= comes.count(DELIVERED)
            assert transfer.under_way == 0
    assert stages == STAGES
