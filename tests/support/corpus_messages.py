"""The corpus of public messages as legs of conversations through the hub.

Each file of the hub's folders is either a leg, sent as it was captured or in the least envelope of
ours that it needs, or a receiver's answer, or is told apart with the reason. Nothing is changed in
a message but its placeholders (`corpus_placeholders`); what is odd in it stays odd.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from corpus_placeholders import Own, bound
from ebxml_messages import (
    FORWARD,
    INTERMEDIARY,
    NEXT_MSH,
    QUOTED,
    RELIABLE,
    TO_PARTY_MSH,
    Layout,
    Message,
    Part,
    multipart,
)
from ebxml_signals import SIGNALS, Header, header_of
from msgspec import Struct
from msgspec.structs import replace
from wrapped_messages import Route, wrapped_message

FOLDERS: Final = ("tms", "gp2gp", "ebs", "itk-trunk")
_OUR_LAYOUT: Final = Layout()
_STATUS: Final = {"ebxml-ack": 202, "ebxml-error": 200, "soap-fault": 500}
_SIGNAL: Final = {"ebxml-ack": "Acknowledgment", "ebxml-error": "MessageError"}
_SERVICES: Final = {"PRSC": "ebs", "COPC_IN000001GB01": "itk"}
"""Which service an interaction belongs to, where it is not GP2GP."""

UNDRIVABLE_KINDS: Final = {
    "soap-wsa": "the envelope of the synchronous services, which no hub passes on",
}


class Kind(StrEnum):
    """How a file becomes a leg."""

    HTTP = "whole HTTP message"
    MULTIPART = "multipart body without its HTTP head"
    PAIR = "ebXML envelope with its payload"
    ENVELOPE = "ebXML envelope with a payload of ours"
    PAYLOAD = "HL7 interaction in an envelope of ours"
    ANSWER = "a receiver's answer"


class Leg(Struct, frozen=True):
    """A message to send to the hub, or what a receiver answers."""

    file: str
    kind: Kind
    header: Header
    body: bytes
    content_type: str
    path: str
    soap_action: str
    interaction: str
    to_asid: str = ""
    from_asid: str = ""
    payload_file: str = ""
    step: int = 1
    status: int = 0
    """The HTTP status that an answer comes with."""

    @property
    def from_party(self) -> str:
        """Give the sender's party key."""
        return self.header.from_party

    @property
    def to_party(self) -> str:
        """Give the receiver's party key."""
        return self.header.to_party

    @property
    def service(self) -> str:
        """Give the ebXML service."""
        return self.header.service

    @property
    def action(self) -> str:
        """Give the ebXML action."""
        return self.header.action

    @property
    def message_id(self) -> str:
        """Give the ebXML message id."""
        return self.header.message_id

    @property
    def conversation_id(self) -> str:
        """Give the ebXML conversation id."""
        return self.header.conversation_id

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Give the headers of the HTTP request that belong to the message."""
        return (("SOAPAction", self.soap_action), ("Content-Type", self.content_type))

    def __str__(self) -> str:
        return f"{self.file}#{self.step}"


class Undrivable(Struct, frozen=True):
    """A file that no conversation can hold, and why."""

    file: str
    why: str


class HubCorpus(Struct, frozen=True, dict=True):
    """The files of the hub's folders, as the manifest describes them."""

    place: Path

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, str]]:
        """Give each file's row of the manifest."""
        with (self.place / "MANIFEST.tsv").open(encoding="utf-8") as manifest:
            found = csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE)
            return {row["file"]: row for row in found if row["file"].split("/")[0] in FOLDERS}

    @cached_property
    def payloads(self) -> Mapping[str, str]:
        """Give the payload file that belongs to an envelope file, where there is one.

        The two files of one source say so by their names; else ids that agree count for more.
        """
        found = {}
        for file in self._of_kind("ebxml-soap"):
            header = header_of(self.text(file).encode())
            of_one_id = self._of_one_id.get((header.action, header.message_id.upper()), ())
            beside = self._beside(file)
            if beside and ("--" in file or beside in of_one_id or not of_one_id):
                found[file] = beside
            elif of_one_id:
                found[file] = of_one_id[0]
        return found

    @cached_property
    def _of_one_id(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Give the payloads of an interaction that have an id; those of no pair come first."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for file in sorted(self._of_kind("hl7-interaction"), key=lambda one: ("--" in one, one)):
            own_id = _hl7_id(self.text(file)).upper()
            if own_id and not re.search("[{%_$]", own_id):
                key = (self.rows[file]["interaction"], own_id)
                found[key] = (*found.get(key, ()), file)
        return found

    def text(self, file: str) -> str:
        """Give a file's text with its placeholders in it."""
        return (self.place / file).read_bytes().decode("utf-8-sig", "replace")

    def legs(self) -> Iterator[Leg]:
        """Give what each file becomes, in the manifest's order."""
        used = set(self.payloads.values())
        for file, row in self.rows.items():
            kind = row["envelope_kind"]
            if kind not in UNDRIVABLE_KINDS and file not in used:
                yield from _BY_KIND[kind](self, file)

    def undrivable(self) -> tuple[Undrivable, ...]:
        """Give the files that become nothing."""
        kinds = {file: row["envelope_kind"] for file, row in self.rows.items()}
        return tuple(
            Undrivable(file, UNDRIVABLE_KINDS[kind])
            for file, kind in kinds.items()
            if kind in UNDRIVABLE_KINDS
        )

    def _of_kind(self, kind: str) -> Iterator[str]:
        return (file for file, row in self.rows.items() if row["envelope_kind"] == kind)

    def _beside(self, file: str) -> str | None:
        """Give the payload of an envelope by its name, if it is of the same interaction."""
        folder, _, name = file.rpartition("/")
        other = f"{folder}/{re.sub('(?i)ebxml', 'payload', name)}"
        row = self.rows.get(other)
        if row is None or other == file:
            return None
        return other if row["interaction"] == self.rows[file]["interaction"] else None


def legs(corpus: Path) -> tuple[Leg, ...]:
    """Give every leg of the corpus."""
    return tuple(HubCorpus(corpus).legs())


def undrivable(corpus: Path) -> tuple[Undrivable, ...]:
    """Give the files of the corpus that no conversation can hold."""
    return HubCorpus(corpus).undrivable()


def _from_http(corpus: HubCorpus, file: str) -> Iterator[Leg]:
    """Give the requests of a capture; what was answered to them stands between them."""
    text = corpus.text(file)
    pieces = re.split(r"(?m)^(?=POST \S+ HTTP/1\.1\r?$|HTTP/1\.1 \d{3})", text)
    requests = [one for one in pieces if one.startswith("POST ")]
    for step, one in enumerate(requests, 1):
        head, body = re.split(r"\r?\n\r?\n", one, maxsplit=1)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.splitlines()[1:])
        }
        path = head.split(" ")[1]
        body = bound(body, Own(file))
        yield _leg(
            corpus,
            file,
            Kind.HTTP if "multipart" in headers["content-type"] else Kind.ANSWER,
            _without_log(body, headers["content-type"]),
            step=step,
            content_type=headers["content-type"],
            soap_action=headers["soapaction"],
            path=path if path.startswith("/reliablemessaging/") else "",
            status=0 if "multipart" in headers["content-type"] else 200,
        )


def _from_mime(corpus: HubCorpus, file: str) -> Iterator[Leg]:
    """Give a multipart body; some name no envelope of their own and get one of ours."""
    text = corpus.text(file)
    ids = re.findall(r"(?im)^content-id:\s*<([^>]*)>", text)
    own = Own(file, action=corpus.rows[file]["interaction"])
    if "{{ebxml}}" in text:
        message = _bare(own, Route())
        references = "".join(f'<eb:Reference xlink:href="cid:{one}"/>' for one in ids[1:])
        envelope = message.parts()[0].body.decode()
        envelope = re.sub(r"<eb:Reference .*</eb:Reference>", references, envelope)
        own = replace(own, envelope=envelope)
    if "{{action}}" in text:
        own = replace(own, action="RCMR_IN010000UK05")
    text = bound(text, own)
    found = re.search(r"--([\w=.:'()+,/?-]+)\r?\nContent-", text)
    assert found is not None, file
    start = re.findall(r"(?im)^content-id:\s*<([^>]*)>", text)[0]
    yield _leg(
        corpus,
        file,
        Kind.MULTIPART,
        text[found.start() :],
        content_type=QUOTED.format(boundary=found[1], start=start),
    )


def _from_envelope(corpus: HubCorpus, file: str) -> Iterator[Leg]:
    """Give an envelope with its payload, or with one of ours, and parts for its attachments."""
    own = Own(file)
    envelope = bound(corpus.text(file), own)
    header = header_of(envelope.encode())
    payload_file = corpus.payloads.get(file, "")
    if payload_file:
        payload = bound(corpus.text(payload_file), own).encode()
    else:
        bare = _bare(replace(own, action=header.action or own.action), Route())
        payload = bare.payload.replace(bare.message_id, header.message_id).encode()
    first, *others = re.findall(r'href="cid:([^"]*)"', envelope) or ["payload"]
    parts = (
        Part(_OUR_LAYOUT.root_id, envelope.encode()),
        Part(first, payload, "application/xml; charset=UTF-8"),
        *(Part(one, b"An attachment of ours", "text/plain", "base64") for one in others),
    )
    yield replace(
        _leg(
            corpus,
            file,
            Kind.PAIR if payload_file else Kind.ENVELOPE,
            multipart(parts, _OUR_LAYOUT).decode(),
        ),
        payload_file=payload_file,
    )


def _from_payload(corpus: HubCorpus, file: str) -> Iterator[Leg]:
    """Give an interaction in an envelope that agrees with it."""
    own = Own(file, action=corpus.rows[file]["interaction"] or "RCMR_IN030000UK06")
    text = corpus.text(file)
    if corpus.rows[file]["envelope_kind"] == "text-with-xml":
        text = json.loads(text[text.index("{\n") : text.rindex("}") + 1])["payload"]
    text = bound(text, own)
    message = replace(_bare(own, Route()), message_id=_hl7_id(text) or own.id_of("message"))
    envelope, payload = message.parts()
    body = multipart((envelope, replace(payload, body=text.encode())), message.layout)
    yield _leg(corpus, file, Kind.PAYLOAD, body.decode())


def _from_answer(corpus: HubCorpus, file: str) -> Iterator[Leg]:
    kind = corpus.rows[file]["envelope_kind"]
    own = Own(file, service=SIGNALS, action=_SIGNAL.get(kind, ""))
    yield _leg(
        corpus,
        file,
        Kind.ANSWER,
        bound(corpus.text(file), own),
        content_type="text/xml",
        status=_STATUS[kind],
    )


_BY_KIND: Final = {
    "http+mime-ebxml": _from_http,
    "mime-ebxml": _from_mime,
    "mime-other": _from_mime,
    "ebxml-soap": _from_envelope,
    "hl7-interaction": _from_payload,
    "hl7-payload": _from_payload,
    "text-with-xml": _from_payload,
    "ebxml-ack": _from_answer,
    "ebxml-error": _from_answer,
    "soap-fault": _from_answer,
}


def _leg(
    corpus: HubCorpus,
    file: str,
    kind: Kind,
    body: str,
    *,
    step: int = 1,
    content_type: str = "",
    soap_action: str = "",
    path: str = "",
    status: int = 0,
) -> Leg:
    header = header_of(body.encode())
    to_asid, from_asid = (_system(body, way) for way in ("Rcv", "Snd"))
    return Leg(
        file,
        kind,
        header,
        body.encode(),
        content_type
        or _OUR_LAYOUT.content_type.format(
            boundary=_OUR_LAYOUT.boundary, start=_OUR_LAYOUT.root_id
        ),
        path or _path(body),
        soap_action or f"{header.service}/{header.action}",
        header.action
        if "{" in corpus.rows[file]["interaction"]
        else corpus.rows[file]["interaction"],
        to_asid,
        from_asid,
        step=step,
        status=status,
    )


def _bare(own: Own, route: Route) -> Message:
    """Give a message of ours around nothing, for a payload of the corpus to take its place."""
    service = _SERVICES.get(own.action) or _SERVICES.get(own.action.partition("_")[0]) or "gp2gp"
    message = wrapped_message(route, service, own.action, "", own.id_of("message"))
    actor = TO_PARTY_MSH if service == "itk" else NEXT_MSH
    return replace(message, conversation_id=own.id_of("conversation"), ack_actor=actor)


def _without_log(body: str, content_type: str) -> str:
    """Give a captured body without what the capturing program wrote after it."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if boundary is None:
        return body[: body.rindex(">") + 1]
    end = f"--{boundary[1]}--"
    return body[: body.rindex(end) + len(end)] + "\r\n" if end in body else body


def _path(body: str) -> str:
    """Give where a message is sent by the reliability that it asks for (transport.md 1.2)."""
    if re.search(r"<(\w+:)?SyncReply\b", body):
        return RELIABLE
    return INTERMEDIARY if TO_PARTY_MSH in body else FORWARD


def _hl7_id(text: str) -> str:
    found = re.search(r"<(?:hl7:)?id\s[^>]*?root=\"([^\"]*)\"", text)
    return found[1] if found else ""


def _system(body: str, way: str) -> str:
    found = re.search(
        rf"<(?:\w+:)?communicationFunction{way}\b.*?extension=\"([^\"]*)\"", body, re.DOTALL
    )
    return found[1] if found else ""
