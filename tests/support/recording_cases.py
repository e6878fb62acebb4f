"""Writes the synthetic recordings of the demographics queries; `spine replay --accept` ends them.

Each case is one request that a well-behaved client sends, or that request with one thing wrong.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from wire_requests import KINDS, OLDEST, Details, Frame, Kind, request

from legacy_contracts import registry
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

FOLDER: Final = Path(__file__).parents[2] / "fixtures/recordings/pds"

OPEN: Final = Details(
    nhs_number="9990000018",
    gender="2",
    birth_time="19500203",
    family="O'Carter & Day",
)
_BY_NUMBER: Final = frozenset({Kind.RETRIEVAL, Kind.CROSS_CHECK, Kind.CONFIRMATION})


class Made(Struct, frozen=True):
    """One case: its name and its request's bytes."""

    name: str
    body: bytes


Wrong = Callable[[str], str]


def changed(pattern: str, new: str, *, everywhere: bool = False) -> Wrong:
    """Give what changes a request where a pattern is found; it must be found."""

    def change(text: str) -> str:
        result, count = re.subn(pattern, new, text, count=0 if everywhere else 1, flags=re.DOTALL)
        if not count:
            raise ValueError(f"{pattern} is not in the request")
        return result

    return change


def in_body(pattern: str, new: str) -> Wrong:
    """Give what changes the body of a request and leaves its header."""

    def change(text: str) -> str:
        head, mark, body = text.partition(":Body>")
        return head + mark + changed(pattern, new)(body)

    return change


FRAME: Final[Mapping[str, Wrong]] = {
    "no-soap-header": changed(r"<soap:Header>.*</soap:Header>", ""),
    "two-soap-bodies": changed(r"</soap:Envelope>", "<soap:Body/></soap:Envelope>"),
    "not-xml": changed(r"</soap:Envelope>", ""),
    "message-id-without-prefix": changed(r"uuid:", ""),
    "no-action": changed(r"<wsa:Action>.*?</wsa:Action>", ""),
    "unknown-action": changed(r"(<wsa:Action>[^<]*)", r"\g<1>X"),
    "empty-to": changed(r"<wsa:To>.*?</wsa:To>", "<wsa:To/>"),
    "no-receiver-in-header": changed(r"<hl7:communicationFunctionRcv.*?Rcv>", ""),
    "no-sender-in-header": changed(r"<hl7:communicationFunctionSnd.*?Snd>", ""),
}

WRAPPER: Final[Mapping[str, Wrong]] = {
    "no-message-id": in_body(r"<id root=\"[^\"]*\"/>", ""),
    "empty-creation-time": in_body(r"<creationTime value=\"[^\"]*\"", '<creationTime value=""'),
    "two-version-codes": in_body(r"(<versionCode[^>]*/>)", r"\1\1"),
    "no-control-act": in_body(r"<ControlActEvent.*</ControlActEvent>", ""),
    "two-authors": in_body(r"(<author .*?</author>)", r"\1\1"),
    "no-system-author": in_body(r"<author1.*?</author1>", ""),
    "empty-query": in_body(r"<query>.*</query>", "<query/>"),
    "another-interaction-id": in_body(r"(<interactionId[^>]*extension=\")", r"\1X"),
    "another-receiver-in-body": in_body(
        r"(<communicationFunctionRcv.*?extension=\")[0-9]+", r"\g<1>990000000099"
    ),
    "another-sender-in-body": in_body(
        r"(<communicationFunctionSnd.*?extension=\")[0-9]+", r"\g<1>990000000099"
    ),
    "author-without-job-role": in_body(r"<part .*?</part>", ""),
    "system-author-without-asid": in_body(r"(<agentSystemSDS [^>]*>)<id[^>]*>", r"\1"),
}

OLD_FRAME: Final[Mapping[str, Wrong]] = {
    "no-soap-body": changed(r"<soap:Body>.*</soap:Body>", ""),
    "another-interaction-in-header": changed(r"(<interactionId[^>]*extension=\")", r"\1X"),
    "no-id-in-header": changed(r"<id root=\"[^\"]*\"/>", ""),
    "no-receiver-in-header": changed(r"<communicationFunctionRcv.*?Rcv>", ""),
    "no-sender-in-header": changed(r"<communicationFunctionSnd.*?Snd>", ""),
}

OLD_WRAPPER: Final[Mapping[str, Wrong]] = {
    "no-message-id": in_body(r"<id root=\"[^\"]*\"/>", ""),
    "no-creation-time": in_body(r"<creationTime[^>]*/>", ""),
    "no-version-code": in_body(r"<versionCode[^>]*/>", ""),
    "no-receiver-in-body": in_body(r"<communicationFunctionRcv.*?Rcv>", ""),
    "another-interaction-in-body": in_body(r"(<interactionId[^>]*extension=\")", r"\1X"),
}


def made(interaction_id: str) -> Iterator[Made]:
    """Give every case of an interaction."""
    kind = KINDS[interaction_id]
    for name, details in _asked(kind):
        yield Made(name, request(interaction_id, details))
    yield Made("unattended", request(interaction_id, OPEN, Frame(with_person=False)))
    good = request(interaction_id, OPEN).decode()
    for name, wrong in _wrongs(interaction_id, kind).items():
        yield Made(name, wrong(good).encode())
    stranger = Frame(from_asid="990000000077", from_party="T99999-9900077")
    yield Made("access-refused", request(interaction_id, OPEN, stranger))


def _wrongs(interaction_id: str, kind: Kind) -> dict[str, Wrong]:
    if interaction_id in OLDEST:
        return {**OLD_FRAME, **OLD_WRAPPER}
    return {**FRAME, **WRAPPER, **_BUSINESS[kind]}


_BUSINESS: Final[Mapping[Kind, Mapping[str, Wrong]]] = {
    Kind.TRACE: {
        "no-birth-time": in_body(r"<person\.birthTime>.*?</person\.birthTime>", ""),
        "two-family-names": in_body(r"(<family>.*?</family>)", r"\1\1"),
        "gender-not-known-to-the-legacy": in_body(r"(GenderCode>.*?code=\")2", r"\g<1>3"),
        "nothing-to-search-by": in_body(r"<query>.*</query>", "<query><other/></query>"),
    },
    Kind.RETRIEVAL: {
        "history-neither-yes-nor-no": in_body(r"(<historicDataIndicator>.*?code=\")0", r"\g<1>2"),
        "no-number": in_body(r"<person\.id>.*?</person\.id>", ""),
        "number-of-nine-digits": in_body("9990000018", "999000001"),
    },
    Kind.CROSS_CHECK: {
        "no-birth-time": in_body(r"<person\.birthTime>.*?</person\.birthTime>", ""),
        "no-number": in_body(r"<person\.id>.*?</person\.id>", ""),
        "old-format-number": in_body(
            r"root=\"2\.16\.840\.1\.113883\.2\.1\.4\.1\"", 'root="2.16.840.1.113883.2.1.3.2.4.3"'
        ),
        "two-family-names": in_body(r"(<family>.*?</family>)", r"\1\1"),
    },
    Kind.CONFIRMATION: {
        "no-number": in_body(r"<person\.id>.*?</person\.id>", ""),
        "empty-number": in_body("9990000018", ""),
    },
}


def _asked(kind: Kind) -> Iterator[tuple[str, Details]]:
    """Give what is asked of the records, well formed, by the outcome it should have."""
    yield "single-match", OPEN
    if kind in _BY_NUMBER:
        restricted = replace(
            OPEN, nhs_number="9990000042", birth_time="19610716", family="HIDDEN", gender="1"
        )
        yield "restricted", restricted
        yield (
            "deceased",
            replace(
                OPEN, nhs_number="9990000050", birth_time="19380101", family="LATE", gender="1"
            ),
        )
        yield "superseded", replace(OPEN, nhs_number="9990000026")
        yield "no-longer-in-use", replace(OPEN, nhs_number="9990000034")
        yield "not-found", replace(OPEN, nhs_number="9990000085")
        yield "wrong-check-digit", replace(OPEN, nhs_number="9990000019")
    yield from _ASKED_BY_KIND[kind]


_ASKED_BY_KIND: Final[Mapping[Kind, tuple[tuple[str, Details], ...]]] = {
    Kind.TRACE: (
        ("narrowed", replace(OPEN, given=("EDITH",), postcode="ls11aa")),
        ("narrowed-by-address-key", replace(OPEN, paf_key="12345678")),
        ("narrowed-to-nobody", replace(OPEN, given=("ETHEL",))),
        ("no-match", replace(OPEN, family="NOBODY")),
        ("former-address", replace(OPEN, postcode="HU1 2BB")),
        ("several", replace(OPEN, birth_time="19900909", family="TWIN")),
        ("one-of-several", replace(OPEN, birth_time="19900909", family="TWIN", given=("BETH",))),
        ("restricted", replace(OPEN, birth_time="19610716", family="HIDDEN", gender="1")),
        (
            "restricted-by-postcode",
            replace(OPEN, birth_time="19610716", family="HIDDEN", gender="1", postcode="YO1 1ZZ"),
        ),
        (
            "deceased",
            replace(
                OPEN, birth_time="19380101", family="LATE", gender="1", deceased_time="20140110"
            ),
        ),
    ),
    Kind.RETRIEVAL: (
        ("with-history", replace(OPEN, history="1")),
        ("number-and-serial-change-number", replace(OPEN, items=())),
        ("registered-practice", replace(OPEN, items=("person.primaryCareAllData",))),
    ),
    Kind.CROSS_CHECK: (
        ("other-birth-date", replace(OPEN, birth_time="19500204")),
        ("other-family-name", replace(OPEN, family="OTHER")),
        ("birth-date-alone", replace(OPEN, family=None)),
    ),
    Kind.CONFIRMATION: (),
}


def write(interaction_id: str) -> int:
    """Write the cases of one interaction; give how many."""
    count = 0
    for case in made(interaction_id):
        folder = FOLDER / interaction_id / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "01-in.http").write_bytes(_posted(case.body))
        (folder / "case.toml").write_text(_CASE, encoding="utf-8")
        count += 1
    return count


def _posted(body: bytes) -> bytes:
    lines = (
        "POST /sync-service HTTP/1.1",
        "Host: spine.example",
        "Content-Type: text/xml; charset=utf-8",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


_CASE: Final = f"""\
source = "synthetic"
now = "2014-08-25T09:30:00Z"
ids = ["5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A"]
records = "../../../../records/people.toml"
compare = "exact"

[caller]
certificate_name = "{SAMPLE_CLIENT}"
party_key = "{SAMPLE_PARTY}"
asid = "{SAMPLE_ASID}"
"""


if __name__ == "__main__":
    total = sum(write(row.interaction_id) for row in registry.INTERACTIONS)
    sys.stdout.write(f"{total} cases\n")
