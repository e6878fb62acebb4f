"""What happens in the recordings of what the hub forwards: GP2GP, appointments, letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ebxml_messages import (
    SOAP_NEXT,
    TO_PARTY_MSH,
    External,
    Message,
    new_id,
)
from ebxml_signals import acknowledgment, message_error
from hub_messages import (
    BETWEEN_PARTIES,
    application_ack,
    attachment,
    continue_transfer,
    ehr_extract,
    ehr_request,
    forwarded,
    fragment,
    itk_trunk,
)
from msgspec.structs import replace
from receiving import (
    Behave,
    Behaviour,
    Got,
    acknowledge,
    answer,
    close,
    fail,
    in_turn,
    refuse,
    take_in_silence,
)
from scripted import (
    FOURTH,
    LESS_ALLOWED_ASID,
    OTHER,
    THIRD,
    THIRD_PARTY,
    Made,
    Passes,
    Script,
    once,
    posted,
    sent_by,
    signalled,
    spoilt,
    to_other,
    twice,
    wrong,
)
from wrapped_messages import OTHER_ASID

from operations.setup import SAMPLE_ASID


def followed(make: Callable[[Message], bytes], *, by: str = OTHER, after: float = 5.0) -> Made:
    """Give a script of a request that is taken in silence, and a signal about it."""

    def script() -> Script:
        request = ehr_request()
        return Script(
            (posted(request), signalled(make(request), by=by, after=after)), take_in_silence
        )

    return script


def _acknowledged_twice() -> Script:
    request = ehr_request()
    return Script((posted(request), signalled(acknowledgment(request), by=OTHER, after=5)))


def tried(behave: Behave, *passing: float, make: Callable[[], Message] = ehr_request) -> Made:
    """Give a script of one message, the time that passes, and a receiver with its ways."""
    return lambda: Script((posted(make()), *map(Passes, passing)), behave)


def _whole_transfer() -> Script:
    request = ehr_request()
    extract = ehr_extract(request)
    return Script(
        (
            posted(request),
            replace(posted(extract, by=OTHER), after=30),
            replace(posted(to_other(application_ack(extract))), after=30),
        )
    )


def _large_transfer() -> Script:
    request = ehr_request()
    letter = new_id()
    extract = ehr_extract(request, externals=(External(letter),))
    part = attachment(b"A letter of ours")
    return Script(
        (
            posted(request),
            posted(extract, by=OTHER),
            posted(to_other(continue_transfer(extract))),
            posted(fragment(extract, message_id=letter, attachments=(part,)), by=OTHER),
            posted(to_other(application_ack(extract))),
        )
    )


def _extract(version: str = "UK06") -> Message:
    parts = (
        attachment(b"A letter of ours"),
        attachment(b"\xff\xd8 an image \xff\xd9", name="scan.jpg", content_type="image/jpeg"),
        attachment(b"Plain words", name="note.txt", encoding="8bit"),
    )
    return ehr_extract(ehr_request(), version=version, attachments=parts)


def _fragment() -> Message:
    return fragment(_extract(), attachments=(attachment(b"A letter of ours"),))


def _same_extract_in_another_message() -> Script:
    first = _extract()
    second = replace(_extract(), payload=first.payload)
    return Script((posted(first, by=OTHER), posted(second, by=OTHER)))


REQUESTS: Final[Mapping[str, Made]] = {
    "forwarded": once(ehr_request),
    "duplicate-message-id": twice(ehr_request),
    "acknowledged-later": followed(acknowledgment),
    "acknowledged-in-the-answer": sent_by(
        lambda: ehr_request(
            replace(BETWEEN_PARTIES, from_party="T66666-9900004", from_asid="990000000009")
        ),
        FOURTH,
    ),
    "acknowledged-twice": _acknowledged_twice,
    "acknowledged-by-another": followed(acknowledgment, by=THIRD),
    "refused": tried(refuse()),
    "refused-later": followed(message_error),
    "refused-for-good": tried(fail("300")),
    "closed-then-acknowledged": tried(in_turn(close, acknowledge), 60),
    "failed-then-acknowledged": tried(in_turn(fail("200"), acknowledge), 60),
    "silent-then-acknowledged": tried(in_turn(take_in_silence, acknowledge), 60),
    "receiver-dead": tried(close, 60, 60),
    "receiver-fails": tried(answer(500), 60, 60),
    "never-acknowledged": tried(take_in_silence, 60, 60, 60),
    "time-to-live-ends-the-tries": tried(
        close, 60, 60, make=lambda: replace(ehr_request(), time_to_live="2014-08-25T09:31:30Z")
    ),
    "whole-transfer": _whole_transfer,
    "large-transfer": _large_transfer,
    # AR: the systems, the wrapper
    "receiving-system-of-another-party": once(
        lambda: ehr_request(replace(BETWEEN_PARTIES, to_asid=SAMPLE_ASID))
    ),
    "sending-system-of-another-party": once(
        lambda: ehr_request(replace(BETWEEN_PARTIES, from_asid=OTHER_ASID))
    ),
    "system-not-allowed": once(
        lambda: ehr_request(replace(BETWEEN_PARTIES, from_asid=LESS_ALLOWED_ASID))
    ),
    "no-version-code": spoilt(ehr_request, r"<versionCode [^>]*/>", ""),
    "payload-not-xml": spoilt(ehr_request, r"</RCMR_IN010000UK05>", ""),
    # MessageError
    "access-refused": sent_by(ehr_request, OTHER),
    "unknown-party": wrong(ehr_request, to_party="T55555-9900005"),
    "no-contract": wrong(ehr_request, to_party=THIRD_PARTY),
    "unknown-cpa": wrong(ehr_request, cpa_id="S9999999A9999999"),
    "no-ack-requested": wrong(ehr_request, ack_actor=None),
    "ack-requested-of-end-party": wrong(ehr_request, ack_actor=TO_PARTY_MSH),
    "sync-reply-asked": wrong(ehr_request, sync_actor=SOAP_NEXT),
    "time-to-live-expired": wrong(ehr_request, time_to_live="2014-08-25T09:30:00Z"),
}

ACKNOWLEDGEMENTS: Final[Mapping[str, Made]] = {
    "forwarded": once(lambda: to_other(application_ack(_extract()))),
    "in-error": once(lambda: to_other(application_ack(_extract(), outcome="AE", code="11"))),
    "rejected": sent_by(lambda: application_ack(ehr_request(), outcome="AR", code="06"), OTHER),
}


def _unacknowledged() -> Message:
    made = forwarded("ebs", "PRSC_IN080000UK03", ack_actor=None)
    return replace(made, duplicate_elimination=None)


def _in_order() -> Script:
    first, second = (forwarded("pat", "POLB_IN020005UK01") for _ in range(2))

    def behave(got: Got) -> Behaviour:
        return (close if (got.message_id, got.nth) == (first.message_id, 1) else acknowledge)(got)

    return Script((posted(first), replace(posted(second), after=1), Passes(59)), behave)


def _end_partys_word_later() -> Script:
    letter = itk_trunk()
    word = signalled(acknowledgment(letter), by=OTHER, after=5)
    return Script((posted(letter), word), take_in_silence)


PLACES: Final[Mapping[str, Mapping[str, Made]]] = {
    "gp2gp/RCMR_IN010000UK05": REQUESTS,
    "gp2gp/RCMR_IN030000UK06": {
        "forwarded": sent_by(_extract, OTHER),
        "duplicate-hl7-id": _same_extract_in_another_message,
    },
    "gp2gp/RCMR_IN030000UK07": {"forwarded": sent_by(lambda: _extract("UK07"), OTHER)},
    "gp2gp/COPC_IN000001UK01": {
        "forwarded": sent_by(_fragment, OTHER),
        "continue": once(lambda: to_other(continue_transfer(_extract()))),
    },
    "gp2gp/MCCI_IN010000UK13": ACKNOWLEDGEMENTS,
    "ebs/PRSC_IN080000UK07": {"forwarded": once(forwarded)},
    "ebs/PRSC_IN080000UK03": {
        "forwarded": tried(take_in_silence, make=_unacknowledged),
        "receiver-dead": tried(close, 60, 60, make=_unacknowledged),
    },
    "pat/POLB_IN020005UK01": {"in-order": _in_order},
    "itk/COPC_IN000001GB01": {
        "forwarded": once(itk_trunk),
        "duplicate-message-id": twice(itk_trunk),
        "acknowledged-later": _end_partys_word_later,
        "refused": tried(refuse(), make=itk_trunk),
        "receiver-dead": tried(close, 60, 60, make=itk_trunk),
    },
}
