"""The captured answers of the mini services, each built again from the record in it.

None of the corpus is in this repository: SPINE_CORPUS names its folder.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from lxml import etree
from smsp_reading import reply_of

from legacy_contracts.smsp import answers
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS, SERVICES

CORPUS: Final = os.environ.get("SPINE_CORPUS")
pytestmark = pytest.mark.skipif(CORPUS is None, reason="SPINE_CORPUS is not set")

FILES: Final = sorted(Path(CORPUS or "/none").glob("smsp-pds/**/*.xml"))
ITK: Final = {"itk": "urn:nhs-itk:ns:201005"}


def canonical(root: etree._Element) -> bytes:
    """Give a payload as exclusive C14N has it, without the white space between elements."""
    alone = etree.fromstring(etree.tostring(root, with_tail=False))
    for one in alone.iter():
        one.tail = None
        if len(one):
            one.text = None
    return etree.tostring(alone, method="c14n", exclusive=True)


def payload_of(file: Path) -> tuple[str, etree._Element]:
    """Give the operation that a captured answer answers, and its payload."""
    root = etree.parse(file).getroot()
    (payload,) = root.xpath("//itk:payload/*", namespaces=ITK)
    service = str(root.xpath("string(//itk:header/@service)", namespaces=ITK))
    return service.removeprefix(SERVICES).removesuffix("Response"), payload


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_captured_answer_is_built_again_to_the_letter(file: Path) -> None:
    operation, payload = payload_of(file)
    built = answers.build(OPERATIONS[operation], reply_of(payload))
    assert canonical(etree.fromstring(built)) == canonical(payload)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_attributes_stand_in_the_order_of_the_captured_answer(file: Path) -> None:
    operation, payload = payload_of(file)
    built = etree.fromstring(answers.build(OPERATIONS[operation], reply_of(payload)))
    captured = [(one.tag, one.keys()) for one in payload.iter(etree.Element)]
    assert [(one.tag, one.keys()) for one in built.iter(etree.Element)] == captured


def test_the_comparison_sees_a_letter(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Counter[str]()
    for file in FILES:
        operation, payload = payload_of(file)
        reply = reply_of(payload)
        for other in (replace(reply, answer_id="X"), replace(reply, code=Code.FAILED)):
            built = answers.build(OPERATIONS[operation], other)
            seen["other"] += canonical(etree.fromstring(built)) != canonical(payload)
    with capsys.disabled():
        print(f"\nsmsp-pds: {len(FILES)} captured answers, {seen['other']} broken ones told apart")
    # Five of them carry SMSP-9999, which the second break leaves as it is.
    assert seen["other"] == 2 * len(FILES) - 5


def test_every_operation_and_code_was_captured(capsys: pytest.CaptureFixture[str]) -> None:
    table: dict[str, Counter[str]] = {name: Counter() for name in OPERATIONS}
    for file in FILES:
        operation, payload = payload_of(file)
        table[operation][reply_of(payload).code] += 1
    with capsys.disabled():
        print()
        for operation, codes in table.items():
            counts = "  ".join(f"{code} {count}" for code, count in sorted(codes.items()))
            print(f"{operation:34} {sum(codes.values()):3}  {counts}")
    assert {name: sum(codes.values()) for name, codes in table.items()} == {
        "verifyNHSNumber-v1-0": 15,
        "getNHSNumber-v1-0": 15,
        "getPatientDetails-v1-0": 21,
        "getPatientDetailsByNHSNumber-v1-0": 15,
        "getPatientDetailsBySearch-v1-0": 15,
    }
    assert all(set(codes) == set(Code) for codes in table.values())


def test_no_request_of_the_mini_services_was_captured() -> None:
    """The day there is one, it must be sent: this fails and says which."""
    with (Path(CORPUS or "") / "MANIFEST.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    asked = [
        row["file"]
        for row in rows
        if row["direction"] == "request"
        and row["interaction"].partition("/")[2] in OPERATIONS
        or (row["direction"] == "request" and any(one in row["interaction"] for one in OPERATIONS))
    ]
    assert asked == []
