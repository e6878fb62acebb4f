"""Golden messages of the hub, broken at random, and what any answer to them must be.

A case is its seed and its number and nothing else. A message may be broken as bytes, in the tree of
its ebXML header, or in that of its payload; a broken one that is accepted all the same is worked
on too, and what the hub then posts must be whole.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Final

import batches
import fuzzing
from asking import details_of
from ebxml_messages import RELIABLE, Message, under
from ebxml_signals import acknowledgment, message_error
from fuzzing import Failure, Wrong
from hub_messages import (
    TO_THE_HUB,
    alert,
    application_ack,
    attachment,
    continue_transfer,
    ehr_extract,
    ehr_request,
    forwarded,
    fragment,
    itk_trunk,
)
from hubs import ADDRESSES, NAMES, TestHub
from lxml import etree
from msgspec import Struct
from wrapped_messages import OTHER_PARTY, wrapped_message

from adapters import receiving
from adapters.pipeline import Answered
from adapters.reading import Sent
from core.values.messaging import Content
from legacy_contracts.envelopes import mime
from operations import patients

SEED: Final = 2014
CASES_PER_HUB: Final = 250
EB: Final = "{http://www.oasis-open.org/committees/ebxml-msg/schema/msg-header-2_0.xsd}"
_TYPES: Final = (None,) * 20 + (
    "text/xml",
    "multipart/related",
    "multipart/related; boundary=x",
    'multipart/related; boundary="--=_MIME-Boundary"; start="<nobody>"',
    "application/octet-stream",
    "",
)


class Golden(Struct, frozen=True):
    """A good message: its body, its id in it, its Content-Type, its path, and who sends it."""

    body: bytes
    message_id: str
    content_type: str
    path: str
    party: str


class Case(Struct, frozen=True):
    """A broken message, and by which changes."""

    sent: Sent
    path: str
    changes: tuple[str, ...]


@cache
def golden() -> tuple[Golden, ...]:
    """Give a message of each kind that the hub takes."""
    request = ehr_request()
    extract = ehr_extract(request, attachments=[attachment(b"A letter of ours. " * 50)])
    messages = (
        alert(),
        under(_batch(), "4B3C1E50-0000-4000-8000-000000000001"),
        request,
        extract,
        continue_transfer(extract),
        fragment(extract, attachments=[attachment(b"A part of ours. " * 50)]),
        application_ack(extract),
        application_ack(request, outcome="AE", code="06"),
        forwarded(),
        itk_trunk(),
    )
    signals = (acknowledgment(forwarded()), message_error(forwarded(), "Inconsistent", "no"))
    return (
        *(
            Golden(one.bytes(), one.message_id, one.content_type, one.path, one.from_party)
            for one in messages
        ),
        *(Golden(one, "none", "text/xml", forwarded().path, OTHER_PARTY) for one in signals),
    )


def _batch() -> Message:
    """Give a batch of two queries in an envelope."""
    asked = [
        batches.Asked(interaction_id, details_of(patient))
        for interaction_id, patient in zip(
            (batches.RETRIEVALS[0], batches.TRACES[0]), patients.population(2, 2014), strict=True
        )
    ]
    made = wrapped_message(TO_THE_HUB, "tms", "MCCI_IN200001UK02", "", None)
    shape = alert()
    payload = etree.tostring(batches.sent(*asked), encoding="unicode")
    return Message(
        **{
            **{name: getattr(shape, name) for name in Message.__slots__},
            "service": made.service,
            "action": made.action,
            "payload": payload,
            "path": RELIABLE,
        }
    )


def case_of(seed: int, number: int) -> Case:
    """Give a case, the same for the same seed and number."""
    chance = random.Random(f"hub/{seed}/{number}")  # noqa: S311 - a game, no secret
    good = chance.choice(golden())
    # Each is a message of its own: under one id all but the first would be duplicates.
    own = f"{number:08X}{good.message_id[8:]}"
    body, changes = good.body.replace(good.message_id.encode(), own.encode()), []
    for _ in range(chance.choice(fuzzing._HOW_MANY)):
        if chance.random() < 0.3:
            change = chance.choice(fuzzing.OF_BYTES)
            body = change(chance, body)
        else:
            change = chance.choice(fuzzing.OF_TREES)
            body = _in_part(chance, body, change)
        changes.append(change.__name__)
    content_type = chance.choice(_TYPES)
    names = (NAMES[good.party],) if chance.random() < 0.95 else ("nobody",)
    sent = Sent(body, good.content_type if content_type is None else content_type, names)
    return Case(sent, good.path, tuple(changes))


def _in_part(chance: random.Random, body: bytes, change: object) -> bytes:
    """Give a body with one of its XML documents changed."""
    begins = list(_each(body, b"<?xml")) or list(_each(body, b"<"))[:1]
    if not begins:
        return body
    begin = chance.choice(begins)
    ends = [at for at in _each(body, b"\r\n--") if at > begin]
    end = ends[0] if ends else len(body)
    return body[:begin] + change(chance, body[begin:end]) + body[end:]  # type: ignore[operator]


def _each(body: bytes, word: bytes) -> Iterable[int]:
    at = body.find(word)
    while at >= 0:
        yield at
        at = body.find(word, at + 1)


def judge(answered: Answered) -> str:
    """Give the kind of an HTTP answer; raise `Wrong` for what no sender could know."""
    if not answered.body:
        if answered.status not in {200, 202}:
            raise Wrong(f"nothing, with HTTP {answered.status}")
        return f"empty {answered.status}"
    try:
        root = etree.fromstring(answered.body)
    except etree.XMLSyntaxError as error:
        raise Wrong(f"not well formed: {error}") from error
    action = root.findtext(f".//{EB}Action")
    codes = [one.get(f"{EB}errorCode") for one in root.iter(f"{EB}Error")]
    if (answered.status, action, len(codes)) == (202, "Acknowledgment", 0):
        return "acknowledged"
    if (answered.status, action, len(codes)) != (200, "MessageError", 1):
        raise Wrong(f"HTTP {answered.status}, action {action}, codes {codes}")
    if codes[0] in fuzzing.RETRIED_FOR_EVER:
        raise Wrong(f"a permanent refusal with code {codes[0]}")
    return f"error {codes[0]}"


def judge_post(content: Content) -> str:
    """Give the kind of what the hub posts of its own; raise `Wrong` where it is not whole."""
    if not content.content_type.startswith("multipart/"):
        root = etree.fromstring(content.body)
        return str(root.findtext(f".//{EB}Action"))
    package = mime.split(content.body, content.content_type)
    payload = etree.fromstring(bytes(package.parts[1].content))
    kinds = {one.get("typeCode") for one in payload.iter("{urn:hl7-org:v3}acknowledgement")}
    return "/".join(sorted(map(str, kinds)))


def run(seed: int, numbers: Iterable[int]) -> tuple[Counter[str], list[Failure]]:
    """Give how often each kind of answer was given, and every case that went wrong."""
    kinds: Counter[str] = Counter()
    failures: list[Failure] = []
    hub = TestHub()
    for count, number in enumerate(numbers, 1):
        case = case_of(seed, number)
        try:
            kinds[judge(receiving.receive(case.sent, ADDRESSES[case.path], hub.us))] += 1
            hub.posted.clear()
            hub.work()
            # What was accepted is forwarded as it came; what is ours is judged.
            for place, content in hub.posted:
                if "sample" in place or content.content_type == mime.CONTENT_TYPE:
                    kinds[f"posted {judge_post(content)}"] += 1
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            failures.append(Failure(number, f"{type(error).__name__}: {error} {case.changes}"))
        if count % CASES_PER_HUB == 0:
            hub = TestHub()
    return kinds, failures
