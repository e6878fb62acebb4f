"""The captured answers of the mini services, each built again from the record in it.

None of the corpus is in this repository: SPINE_CORPUS names its folder.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from corpus import Corpus, Outcome
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from smsp_reading import reply_of

from legacy_contracts.envelopes.itk import SERVICES
from legacy_contracts.smsp import answers
from legacy_contracts.smsp.answers import Reply
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS, Operation

ITK: Final = {"itk": "urn:nhs-itk:ns:201005"}
COUNTS: Final = {
    "verifyNHSNumber-v1-0": 15,
    "getNHSNumber-v1-0": 15,
    "getPatientDetails-v1-0": 21,
    "getPatientDetailsByNHSNumber-v1-0": 15,
    "getPatientDetailsBySearch-v1-0": 15,
}


class Captured(Struct, frozen=True):
    """A captured answer: where it is, what it answers, its payload."""

    file: str
    operation: Operation
    payload: etree._Element

    @property
    def reply(self) -> Reply:
        """The reply that it shows."""
        return reply_of(self.payload)

    def rebuilt(self, reply: Reply) -> etree._Element:
        """Give what we build of a reply."""
        return etree.fromstring(answers.build(self.operation, reply))

    def is_like(self, other: etree._Element) -> bool:
        """Say whether a payload is this one, canonically."""
        return canonical(other) == canonical(self.payload)


def answers_of(captured: Corpus) -> Iterator[Captured]:
    """Give every captured answer of the mini services for demographics."""
    for file in sorted((captured.place / "smsp-pds").rglob("*.xml")):
        root = etree.parse(file).getroot()
        (payload,) = root.xpath("//itk:payload/*", namespaces=ITK)
        service = str(root.xpath("string(//itk:header/@service)", namespaces=ITK))
        name = service.removeprefix(SERVICES).removesuffix("Response")
        yield Captured(str(file.relative_to(captured.place)), OPERATIONS[name], payload)


def canonical(root: etree._Element) -> bytes:
    """Give a payload as exclusive C14N has it, without the white space between elements."""
    alone = etree.fromstring(etree.tostring(root, with_tail=False))
    for one in alone.iter():
        one.tail = None
        if len(one):
            one.text = None
    return etree.tostring(alone, method="c14n", exclusive=True)


def attributes(root: etree._Element) -> list[tuple[str, list[str]]]:
    """Give every element with its attributes as they stand."""
    return [(str(one.tag), list(map(str, one.attrib))) for one in root.iter(etree.Element)]


def test_every_captured_answer_is_built_again_to_the_letter(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    for one in answers_of(captured):
        built = one.rebuilt(one.reply)
        came = "built again" if one.is_like(built) else "DIFFERENT"
        in_order = attributes(built) == attributes(one.payload)
        why = f"{one.operation.name} {one.reply.code}{'' if in_order else ', attributes elsewhere'}"
        outcomes.append(Outcome("smsp", one.file, came, why))
    smsp = [one for one in outcomes if one.part == "smsp"]
    assert [one for one in smsp if one.came != "built again" or "elsewhere" in one.why] == []
    assert len(smsp) == sum(COUNTS.values()) == 81


def test_the_comparison_tells_another_answer_apart(captured: Corpus) -> None:
    for one in answers_of(captured):
        reply = one.reply
        other = Code.FAILED if reply.code is not Code.FAILED else Code.SUCCESS
        assert not one.is_like(one.rebuilt(replace(reply, answer_id="X"))), one.file
        assert not one.is_like(one.rebuilt(replace(reply, code=other))), one.file


def test_every_code_of_every_operation_was_captured(captured: Corpus) -> None:
    table: dict[str, Counter[Code]] = {name: Counter() for name in OPERATIONS}
    for one in answers_of(captured):
        table[one.operation.name][one.reply.code] += 1
    assert {name: sum(codes.values()) for name, codes in table.items()} == COUNTS
    assert all(set(codes) == set(Code) for codes in table.values())


def test_no_request_of_the_mini_services_was_captured(captured: Corpus) -> None:
    """The day there is one it must be asked too: this names it."""
    with Path(captured.place / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    asked = [row["file"] for row in rows if row["direction"] == "request"]
    assert [one for one in asked if one.startswith("smsp-pds/")] == []
    named = [row for row in rows if any(one in row["interaction"] for one in OPERATIONS)]
    assert {row["direction"] for row in named} == {"response"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_answer_is_called_as_its_captured_envelope_calls_it(captured: Corpus, name: str) -> None:
    operation = OPERATIONS[name]
    files = [
        captured.place / one.file for one in answers_of(captured) if one.operation is operation
    ]
    for file in files:
        header = etree.parse(file).getroot().find("itk:header", ITK)
        assert header is not None
        item = header.find("itk:manifest/itk:manifestitem", ITK)
        assert header.get("service") == operation.response_action
        assert item is not None
        assert item.get("profileid") == operation.response_profile
