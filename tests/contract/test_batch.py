"""What refuses a batch as a whole, and who may send one (tms-rules.md 4, transport.md 1.12)."""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import pytest
from asking import spine_with
from batches import (
    AT,
    HL7,
    ITEM,
    NS,
    PAYLOAD_ID,
    SEQUENCE,
    VALUE,
    Break,
    answer_id,
    answered,
    audited,
    caller,
    item_id,
    items,
    refusal,
    setting,
    two,
)
from lxml import etree
from rich_patients import FULL
from schemas import only

from adapters import batch as adapter
from core import directory
from core.errors import NotAllowed, StoreError
from core.values.identity import Asid, PartyKey
from legacy_contracts import xml
from legacy_contracts.errors import MEANINGS, ContractError, Kind
from legacy_contracts.tms import batch
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

# What refuses a whole batch.


def _emptied(root: etree._Element) -> None:
    for item in items(root):
        item.getparent().remove(item)


def _drop_all(root: etree._Element) -> None:
    _emptied(root)
    for one in root.findall("hl7:manifestItem", NS):
        root.remove(one)
    setting("hl7:transmissionQuantity", "value", "0")(root)


def _same_ids(root: etree._Element) -> None:
    for path, name in (("hl7:manifestItem/hl7:payloadId", "root"), (ITEM, "messageId")):
        first, second = root.findall(path, NS)
        second.set(name, first.get(name, ""))
    for one in root.findall(VALUE, NS):
        one.set("extension", "QUPA_IN000008UK02")
    for item in items(root):
        item.set("interaction", "QUPA_IN000008UK02")


def _no_number(root: etree._Element) -> None:
    root.remove(only(root, f"{{{HL7}}}batchSequenceNo"))


def _one_declared_twice(root: etree._Element) -> None:
    first, second = root.findall("hl7:manifestItem", NS)
    root.replace(second, deepcopy(first))


def _declared_too_often(root: etree._Element) -> None:
    first = root.find("hl7:manifestItem", NS)
    assert first is not None
    first.addnext(deepcopy(first))


def _not_batchable(root: etree._Element) -> None:
    setting(ITEM, "interaction", "QUPA_IN000006UK02")(root)
    setting(VALUE, "extension", "QUPA_IN000006UK02")(root)


BROKEN: Final[dict[str, tuple[Break, tuple[int, ...]]]] = {
    "no item, none declared": (_drop_all, (525,)),
    "no item, two declared": (_emptied, (525, 526, 529)),
    "another quantity": (setting("hl7:transmissionQuantity", "value", "3"), (526,)),
    "a quantity that is no number": (setting("hl7:transmissionQuantity", "value", "two"), (526,)),
    "an item declared twice over": (_declared_too_often, (526, 529)),
    "no sequence number": (_no_number, (527,)),
    "an empty sequence number": (setting(SEQUENCE, "extension", ""), (527,)),
    "a negative sequence number": (setting(SEQUENCE, "extension", "-1"), (527,)),
    "a word for a sequence number": (setting(SEQUENCE, "extension", "7A"), (527,)),
    "digits of another script": (
        setting(SEQUENCE, "extension", "\N{ARABIC-INDIC DIGIT SEVEN}"),
        (527,),
    ),
    "an endless sequence number": (setting(SEQUENCE, "extension", "7" * 5000), (527,)),
    "two items of one id": (_same_ids, (528,)),
    "an id that no item has": (setting(PAYLOAD_ID, "root", item_id(9)), (529,)),
    "one item declared for two": (_one_declared_twice, (529,)),
    "an empty payload id": (setting(PAYLOAD_ID, "root", ""), (531,)),
    "an empty message id": (setting(ITEM, "messageId", ""), (532,)),
    "another interaction declared": (setting(VALUE, "extension", "QUPA_IN000005UK01"), (533,)),
    "an interaction that is not batched": (_not_batchable, (534,)),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_batch_that_breaks_one_rule_is_refused_with_its_number(broken: str) -> None:
    root = two()
    change, numbers = BROKEN[broken]
    change(root)
    spine = spine_with([FULL])
    error = refusal(spine, root)
    found = [int(MEANINGS[fault.name].code) for fault in batch.faults(root)]
    assert found == list(numbers)
    assert MEANINGS[error.faults[0].name].code == str(numbers[0])
    assert error.kind is Kind.WRAPPER
    assert audited(spine) == []


def test_every_number_of_a_whole_batch_but_access_is_broken_by_these_tests() -> None:
    broken = {numbers[0] for _, numbers in BROKEN.values()}
    assert broken == {525, 526, 527, 528, 529, 531, 532, 533, 534}
    assert [int(MEANINGS[name].code) for name, _ in batch.CHECKS] == sorted(broken)


def test_everything_broken_is_told_in_the_order_of_the_numbers() -> None:
    root = two()
    for change in (
        setting("hl7:transmissionQuantity", "value", "3"),
        _no_number,
        setting(PAYLOAD_ID, "root", ""),
        setting(ITEM, "messageId", ""),
        _not_batchable,
    ):
        change(root)
    found = [MEANINGS[fault.name].code for fault in batch.faults(root)]
    assert found == ["526", "527", "531", "532", "534"]


@pytest.mark.parametrize("digits", ["0", "7", "000000012", "999999999"])
def test_a_sequence_number_is_digits_and_is_repeated_as_sent(digits: str) -> None:
    root = two()
    setting(SEQUENCE, "extension", digits)(root)
    message = answered(spine_with([FULL]), root)
    assert only(message, f"{{{HL7}}}batchSequenceNo/{{{HL7}}}value").get("extension") == digits


def test_a_manifest_value_that_is_no_interaction_says_nothing_of_one() -> None:
    root = two()
    for one in root.findall(VALUE, NS):
        one.set("root", "2.16.840.1.113883.2.1.3.2.4.18.1")
        one.set("extension", "something else")
    assert batch.faults(root) == []


def test_a_document_of_anything_is_a_batch_without_items() -> None:
    faults = batch.faults(xml.parse(b"<anything/>"))
    assert [one.name for one in faults[:2]] == ["INVALID_ID", "BATCH_EMPTY"]


# Who may ask.


def test_a_batch_with_an_item_that_its_sender_may_not_ask_is_refused_and_nothing_performed() -> (
    None
):
    spine = spine_with([FULL])
    granted = directory.System(
        Asid(SAMPLE_ASID), PartyKey(SAMPLE_PARTY), "Retrieval only", ("QUPA_IN000008UK02",)
    )
    directory.list_entries(spine.core.store, [], [granted], at="2014-02-01", import_id="less")
    error = refusal(spine, two())
    assert [fault.name for fault in error.faults] == ["BATCH_ACCESS_CONTROL_VIOLATION"]
    assert isinstance(error.__cause__, NotAllowed)
    assert audited(spine) == [("PDS simple trace", "NotAllowed")]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (setting(PAYLOAD_ID, "root", item_id(9)), "529"),
        (setting(PAYLOAD_ID, "root", ""), "530"),
        (_not_batchable, "530"),
    ],
)
def test_refused_access_is_told_in_its_place_among_the_numbers(change: Break, shown: str) -> None:
    root = two()
    change(root)
    with pytest.raises(ContractError) as caught:
        adapter.answer(
            root,
            lambda item: caller(item, asid="990000000999"),
            core=spine_with([FULL]).core,
            at=AT,
            new_id=lambda: answer_id(1),
        )
    assert MEANINGS[caught.value.faults[0].name].code == shown


def test_a_batch_is_not_answered_when_the_store_is_away() -> None:
    spine = spine_with([FULL])
    spine.core.directory.system(Asid(SAMPLE_ASID))
    spine.core.store.away = True
    with pytest.raises(StoreError):
        answered(spine, two())
