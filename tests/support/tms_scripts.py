"""What happens in the recordings of what the hub answers itself: alerts, batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from batches import (
    ITEM,
    PAYLOAD_ID,
    SEQUENCE,
    Asked,
    Break,
    sent,
    setting,
)
from ebxml_messages import (
    NEXT_MSH,
    RELIABLE,
    SERVICES,
    SOAP_NEXT,
    TO_PARTY_MSH,
    Message,
    new_id,
)
from hub_messages import (
    TO_THE_HUB,
    alert,
    attachment,
)
from lxml import etree
from msgspec.structs import replace
from receiving import (
    close,
    take_in_silence,
)
from recording_cases import OPEN
from scripted import (
    LESS_ALLOWED_ASID,
    OTHER,
    THIRD,
    THIRD_PARTY,
    Comes,
    Made,
    Passes,
    Script,
    acknowledging,
    fetched,
    once,
    posted,
    raw,
    sent_by,
    spoilt,
    twice,
    wrong,
)
from wire_requests import HL7_ID, Details
from wrapped_messages import OTHER_ASID, Route

from operations.setup import SAMPLE_ASID

THIRD_ROUTE: Final = replace(TO_THE_HUB, from_party=THIRD_PARTY, from_asid="990000000005")
LESS_ALLOWED: Final = replace(TO_THE_HUB, from_asid=LESS_ALLOWED_ASID)
POLLED: Final = "/clinical"


def _same_hl7_id() -> Script:
    first = alert()
    second = replace(alert(), payload=first.payload)
    return Script((posted(first), posted(second)))


def _polled_twice() -> Script:
    came = posted(alert(), path=POLLED)
    return Script((came, replace(came, after=1), Comes(fetched)))


ALERTS: Final[Mapping[str, Made]] = {
    "accepted": once(alert),
    "answer-needs-no-acknowledgment": lambda: Script(
        (posted(alert(THIRD_ROUTE), by=THIRD),), take_in_silence
    ),
    "answer-acknowledged-later": lambda: Script(
        (posted(alert()), Comes(acknowledging, after=5)), take_in_silence
    ),
    "answer-is-never-taken": lambda: Script((posted(alert()), Passes(60), Passes(60)), close),
    "duplicate-message-id": twice(alert),
    "duplicate-hl7-id": _same_hl7_id,
    "polled": lambda: Script((posted(alert(), path=POLLED), Comes(fetched))),
    "polled-twice": _polled_twice,
    "polled-by-another": lambda: Script((posted(alert(), path=POLLED), Comes(fetched, by=OTHER))),
    "no-such-poll": lambda: Script(
        (
            Comes(
                b"GET /_poll/20140825093000000000_000000_1 HTTP/1.1\r\nHost: spine.example\r\n\r\n"
            ),
        )
    ),
    # AE: the alert's own checks
    "broken-alert": spoilt(alert, r"<effectiveTime [^>]*/>", ""),
    "several-faults": spoilt(
        alert, r"<effectiveTime [^>]*/>(.*)<name>Front desk</name>", r"\1<name/>"
    ),
    # AR: the wrapper, the systems, the payload's id
    "no-creation-time": spoilt(alert, r"<creationTime [^>]*/>", ""),
    "another-interaction-in-payload": spoilt(alert, r"(<interactionId[^>]*extension=\")", r"\1X"),
    "no-system-author": spoilt(alert, r"<author1 .*?</author1>", ""),
    "author-without-job-role": spoilt(alert, r"<part .*?</part>", ""),
    "no-subject": spoilt(alert, r"<subject .*</subject>", ""),
    "payload-not-xml": spoilt(alert, r"</COMT_IN000001UK01>", ""),
    "system-of-another-party": once(lambda: alert(replace(TO_THE_HUB, from_asid=OTHER_ASID))),
    "system-not-allowed": once(lambda: alert(LESS_ALLOWED)),
    # MessageError: the header, the contract, the sender
    "access-refused": sent_by(alert, OTHER),
    "unknown-certificate": sent_by(alert, "stranger.spine.test"),
    "unknown-cpa": wrong(alert, cpa_id="S9999999A9999999"),
    "unknown-interaction": wrong(alert, action="COMT_IN000002UK01"),
    "no-ack-requested": wrong(alert, ack_actor=None),
    "ack-requested-of-next-msh": wrong(alert, ack_actor=NEXT_MSH),
    "no-duplicate-elimination": wrong(alert, duplicate_elimination=None),
    "no-sync-reply": wrong(alert, sync_actor=None),
    "older-ebxml": wrong(alert, version="1.0"),
    "no-message-id": wrong(alert, message_id=None),
    "two-references": once(lambda: replace(alert(), attachments=(attachment(b"A letter"),))),
    "time-to-live-expired": wrong(alert, time_to_live="2014-08-25T09:29:59Z"),
    "no-mime": lambda: Script((Comes(raw(b"<a/>", ("Content-Type", "text/xml"), path=RELIABLE)),)),
    "not-xml": lambda: Script((Comes(raw(b"A letter", ("Content-Type", "text/xml"))),)),
}


def batch(root: etree._Element | None = None, route: Route = TO_THE_HUB) -> Message:
    """Give a batch as it travels; of one retrieval, where nothing else is said."""
    made = etree.tostring(sent(RETRIEVAL) if root is None else root, encoding="unicode")
    own_id = new_id()
    if route != TO_THE_HUB:
        made = made.replace(f'"{SAMPLE_ASID}"', f'"{route.from_asid}"')
    return Message(
        f"{SERVICES}tms",
        "MCCI_IN200001UK02",
        made.replace(HL7_ID, own_id),
        from_party=route.from_party,
        to_party=route.to_party,
        cpa_id=route.cpa_id,
        message_id=own_id,
        conversation_id=own_id,
        ack_actor=TO_PARTY_MSH,
        sync_actor=SOAP_NEXT,
        path=RELIABLE,
    )


RETRIEVAL: Final = Asked("QUPA_IN000008UK02", OPEN)
OLD_RETRIEVAL: Final = Asked("QUPA_IN040000UK32", OPEN)
TRACE: Final = Asked("QUPA_IN000005UK01", OPEN)
OLD_TRACE: Final = Asked("QUPA_IN010000UK32", OPEN)
NOT_FOUND: Final = Asked("QUPA_IN000008UK02", Details(nhs_number="9990000085"))
NO_MATCH: Final = Asked("QUPA_IN000005UK01", replace(OPEN, family="NOBODY"))
SUPERSEDED: Final = Asked("QUPA_IN000008UK02", replace(OPEN, nhs_number="9990000026"))
NO_NUMBER: Final = Asked("QUPA_IN000008UK02", replace(OPEN, nhs_number="999000001"))
CROSS_CHECK: Final = Asked("QUPA_IN000014UK01", OPEN)


def asking(*asked: Asked) -> Made:
    """Give a script of one batch."""
    return once(lambda: batch(sent(*asked)))


def broken(change: Break, *asked: Asked) -> Made:
    """Give a script of one batch with one thing wrong."""

    def message() -> Message:
        root = sent(*(asked or (RETRIEVAL, TRACE)))
        change(root)
        return batch(root)

    return once(message)


BATCHES: Final[Mapping[str, Made]] = {
    "all-answered": asking(RETRIEVAL, OLD_RETRIEVAL, TRACE, OLD_TRACE),
    "mixed": asking(RETRIEVAL, NOT_FOUND, NO_MATCH, SUPERSEDED),
    "item-breaks-a-rule": asking(RETRIEVAL, NO_NUMBER),
    "duplicate-message-id": twice(batch),
    "polled": lambda: Script((posted(batch(), path=POLLED), Comes(fetched))),
    "polled-by-another": lambda: Script((posted(batch(), path=POLLED), Comes(fetched, by=OTHER))),
    # AR: the batch as a whole
    "empty": asking(),
    "counts-disagree": broken(setting("hl7:transmissionQuantity", "value", "3")),
    "sequence-number-invalid": broken(setting(SEQUENCE, "extension", "seven")),
    "message-ids-alike": broken(setting(ITEM, "messageId", "1D0E7A40-0000-4000-8000-000000000002")),
    "manifest-names-another": broken(
        setting(PAYLOAD_ID, "root", "1D0E7A40-0000-4000-8000-000000000009")
    ),
    "no-payload-id": broken(setting(PAYLOAD_ID, "root", "")),
    "no-item-id": broken(setting(ITEM, "messageId", "")),
    "not-batchable": asking(RETRIEVAL, CROSS_CHECK),
    "query-not-allowed": once(lambda: batch(route=LESS_ALLOWED)),
    # MessageError
    "access-refused": sent_by(batch, OTHER),
    "unknown-cpa": wrong(batch, cpa_id="S9999999A9999999"),
}

PLACES: Final[Mapping[str, Mapping[str, Made]]] = {
    "tms/COMT_IN000001UK01": ALERTS,
    "tms/MCCI_IN200001UK02": BATCHES,
}
