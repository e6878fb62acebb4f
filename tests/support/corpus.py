"""The corpus of public messages, for holding ours against them: found by SPINE_CORPUS.

Most files are templates. What each placeholder stands for is one table here, for requests
(`REQUEST_BINDINGS`) and for answers (`ANSWER_BINDINGS`); nothing else is changed in a file, except
that NHS numbers no patient can have (12 digits, a wrong check digit) become one of the 999 range,
and an answer whose envelope was cut away gets back the namespace that it inherited.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asking import ANSWER_ID
from lxml import etree
from msgspec import Struct
from rich_patients import ASKED
from wire_requests import (
    HL7_ID,
    KINDS,
    MESSAGE_ID,
    SPINE_ASID,
    Details,
    Frame,
    enveloped,
    in_soap,
)

from core.values.identity import is_nhs_number
from operations.setup import SAMPLE_ASID

VARIABLE: Final = "SPINE_CORPUS"
TIME: Final = "20140825093000"
_NHS_NUMBERS: Final = "//*[@root='2.16.840.1.113883.2.1.4.1']"

QUERY_OF_NO_INTERACTION: Final = {"pds/tkw-itk-trunk/retrieval_payload.xml": "QUPA_IN000008UK02"}
"""A query alone: its remark says it serves MIM 6 and 7, so it is sent as MIM 6."""


@dataclass(frozen=True, slots=True, order=True)
class Outcome:
    """What came of a file: whether it was a request or an answer, and how it went."""

    part: str
    file: str
    came: str
    why: str = ""

    def __str__(self) -> str:
        why = f"  ({self.why})" if self.why else ""
        return f"{self.part:8} {self.file:66} {self.came}{why}"


class Binding(Struct, frozen=True):
    """What a placeholder stands for."""

    pattern: str
    value: str
    why: str = ""


_A_PATIENT: Final = Details(
    nhs_number=ASKED, gender="2", birth_time="19700101", family="O'BRIEN & SONS", given=("ADA",)
)

REQUEST_BINDINGS: Final = (
    Binding(r"uuid:\{\{\{messageGUID\}\}\}", f"uuid:{MESSAGE_ID}"),
    Binding(r"\{\{uuid\}\}|\$\{UUID\}|\{\{\$guid\}\}", HL7_ID),
    Binding(r"\{\{timestamp\}\}|\$\{CREATION_TIME\}|TIMESTAMP_PLACEHOLDER", TIME),
    Binding(r"\{\{to_party_id\}\}|\{\{to_asid\}\}|\{\{\{toASID\}\}\}", SPINE_ASID),
    Binding(
        r"\{\{asid\}\}|\{\{ASID\}\}|\$\{FROM_ASID\}|\{\{\{fromASID\}\}\}|ASID_PLACEHOLDER",
        SAMPLE_ASID,
    ),
    Binding(r"\{\{patient_nhs_number\}\}|\{\{\{nhsNumber\}\}\}|NHS_NUMBER_PLACEHOLDER", ASKED),
    # pslink: a language of templates with paths into the caller's document, and conditions.
    Binding(r"\{\$in\.headers\.msgId\}", f"uuid:{MESSAGE_ID}", "it fills wsa:MessageID as it is"),
    Binding(r"\{\$in\.headers\.currentDateTime\}", TIME),
    Binding(r"\{/ps:RetrievalQuery/ps:historicDataIndicator\}", "0"),
    Binding(r"\{/ps:RetrievalQuery/ps:NHSNumber/ps:value\}", ASKED),
    Binding(r"\{/ps:SimpleTraceQuery/ps:gender\}", _A_PATIENT.gender),
    Binding(r"\{/ps:SimpleTraceQuery/ps:birthTime\}", _A_PATIENT.birth_time),
    Binding(r"\{/ps:SimpleTraceQuery/ps:deceasedTime\}", "20140801"),
    Binding(r"\{/ps:SimpleTraceQuery/ps:address/ps:postalCode/text\(\)\}", "LS1 4HY"),
    Binding(r"\{/ps:SimpleTraceQuery/ps:address/ps:addressKey/text\(\)\}", "12345678"),
    Binding(r"\{/ps:SimpleTraceQuery/ps:name/ps:family/text\(\)\}", "O'BRIEN &amp; SONS"),
    Binding(r"\{\s*for .*?\sreturn (<given>)\{.*?\}(</given>)\s*\}", r"\1ADA\2", "one given name"),
    Binding(
        r"if \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\) then \(([^()]*)\)\s*else \([^()]*\)",
        r"\1",
        "every condition holds",
    ),
)
"""Placeholders of requests; the values fit the record `rich_patients.FULL`."""

ANSWER_BINDINGS: Final = (
    Binding(r"\{\{message_id\}\}|__MSGID_UUID__|__MESSAGEID__", ANSWER_ID),
    Binding(r"\{\{ref_to_message_id\}\}|__ORIGINAL_MSGID_XPATH__|__ORIG_MESSAGEID__", MESSAGE_ID),
    Binding(r"__CREATION_TIMESTAMP__|__CREATION_TIME__", TIME),
    Binding(r"__A?SYNC_RCV_ASID__|__ORIGINAL_SND_XPATH__", SAMPLE_ASID),
    Binding(r"__PATIENT_NHS_NO__", ASKED),
    Binding(r"__SCN_\d+_SYSTEMPROPERTY__", "7"),
)
"""Placeholders of answers, but for the answering system's ASID: see `_sender_bound`."""


def folder() -> Path | None:
    """Give the folder of the corpus, or None where the variable is not set."""
    place = os.environ.get(VARIABLE)
    return Path(place) if place else None


class Entry(Struct, frozen=True):
    """A file as the manifest describes it."""

    file: str
    interactions: tuple[str, ...]
    direction: str
    envelope: str


class Corpus(Struct, frozen=True):
    """The messages of one folder."""

    place: Path

    def entries(self) -> Iterator[Entry]:
        """Give every file's description."""
        with (self.place / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
            for row in csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield Entry(
                    row["file"],
                    tuple(row["interaction"].split(",")),
                    row["direction"],
                    row["envelope_kind"],
                )

    def text(self, file: str) -> str:
        """Give a file's text."""
        return (self.place / file).read_text(encoding="utf-8-sig")

    def request(self, entry: Entry) -> bytes:
        """Give the bytes to send for a request, in an envelope of ours where it has none."""
        text = self.text(entry.file)
        if entry.envelope == "text-with-xml":
            text = json.loads(text[text.index("{\n") : text.rindex("}") + 1])["payload"]
        text = _bound(text, REQUEST_BINDINGS)
        if entry.file in QUERY_OF_NO_INTERACTION:
            parameters = "".join(_inside(etree.fromstring(text.encode())))
            return enveloped(QUERY_OF_NO_INTERACTION[entry.file], parameters, Frame())
        if entry.envelope == "soap-wsa":
            return text.encode()
        return _in_its_envelope(entry.interactions[0], text)

    def answer(self, entry: Entry) -> etree._Element:
        """Give an answer with everything bound: the envelope, or the wrapper that it stands in."""
        text = _bound(self.text(entry.file), ANSWER_BINDINGS).strip()
        if entry.envelope == "hl7-sync-wrapper":
            text = re.sub(r"^<(\w+)", r'<\1 xmlns="urn:hl7-org:v3"', text, count=1)
        root = etree.fromstring(_sender_bound(text).encode())
        for number in root.xpath(_NHS_NUMBERS):
            if not is_nhs_number(number.get("extension")):
                number.set("extension", ASKED)
        return root


def numbers_in(body: bytes) -> tuple[str, ...]:
    """Give the NHS numbers that a message names."""
    return tuple(one.get("extension", "") for one in etree.fromstring(body).xpath(_NHS_NUMBERS))


def sender_of(body: bytes) -> str:
    """Give the ASID that a message says it comes from."""
    found = etree.fromstring(body).xpath(
        "string(//*[local-name() = 'communicationFunctionSnd']//*/@extension)"
    )
    return str(found)


def _bound(text: str, bindings: tuple[Binding, ...]) -> str:
    for one in bindings:
        text = re.sub(one.pattern, one.value, text, flags=re.DOTALL)
    return text


def _sender_bound(text: str) -> str:
    """Put the author's id in for the sender's: both are the answering system, one is fixed."""
    author = re.search(r'<agentSystemSDS[^>]*>\s*<id[^>]*extension="([^"]*)"', text)
    asid = author[1] if author else SPINE_ASID
    return re.sub(r"__SYNC_SND_ASID__|__SIAB_ASID_SYSTEMPROPERTY__", asid, text)


def _inside(query: etree._Element) -> list[str]:
    return [etree.tostring(one, encoding="unicode", with_tail=False) for one in query]


def _in_its_envelope(interaction_id: str, message: str) -> bytes:
    """Give a bare HL7 request in an envelope that agrees with it."""
    root = etree.fromstring(message.encode())
    ways = ("communicationFunctionRcv", "communicationFunctionSnd")
    to_asid, from_asid = (
        str(root.xpath(f"string(*[local-name()='{way}']//*/@extension)")) for way in ways
    )
    return in_soap(interaction_id, message, Frame(to_asid=to_asid, from_asid=from_asid))


def is_request(entry: Entry) -> bool:
    """Say whether a file is a request to an interaction that is asked synchronously."""
    if entry.file in QUERY_OF_NO_INTERACTION:
        return True
    return entry.direction == "request" and bool(set(entry.interactions) & set(KINDS))
