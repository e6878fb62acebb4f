"""What becomes of the items of a batch, each as its query alone would be answered."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Final

import pytest
from asking import details_of, spine_with
from batches import (
    AT,
    BUSINESS_CODES,
    HL7,
    ITEM,
    NPFIT,
    NS,
    PAYLOAD_ID,
    RETRIEVALS,
    TRACES,
    WRAPPER_CODES,
    Asked,
    answer_id,
    answered,
    audited,
    codes,
    item_id,
    items,
    sent,
    setting,
    two,
)
from canonical import differences
from lxml import etree
from msgspec.structs import replace
from rich_patients import FULL, GALLERY, SUPERSEDED, WITHDRAWN, number
from schemas import Schemas, hl7_message, only
from wire_requests import HL7_ID, SPINE_ASID, Details

from adapters import batch as adapter
from core.demographics import queries
from core.errors import CoreError
from core.values.demographics import Patient
from legacy_contracts.errors import ContractError
from legacy_contracts.registry import BY_ID
from legacy_contracts.tms import batch
from operations.setup import SAMPLE_ASID

# What becomes of the items.

TWIN: Final = replace(FULL, nhs_number=number(40))
NOBODY: Final = replace(details_of(FULL), nhs_number=number(700), family="NOBODY")
CASES: Final[dict[str, tuple[Asked, tuple[Patient, ...]]]] = {
    **{f"{each} finds": (Asked(each, details_of(FULL)), (FULL,)) for each in RETRIEVALS + TRACES},
    **{f"{each} finds nobody": (Asked(each, NOBODY), (FULL,)) for each in RETRIEVALS + TRACES},
    **{
        f"{each} without items": (Asked(each, replace(details_of(FULL), items=())), (FULL,))
        for each in RETRIEVALS
    },
    **{
        f"{each} of a sensitive record": (Asked(each, details_of(FULL)), (GALLERY["sensitive"],))
        for each in RETRIEVALS + TRACES
    },
    "superseded": (
        Asked(RETRIEVALS[1], replace(details_of(FULL), nhs_number=SUPERSEDED.nhs_number)),
        (FULL, SUPERSEDED),
    ),
    "withdrawn": (
        Asked(RETRIEVALS[1], replace(details_of(FULL), nhs_number=WITHDRAWN.nhs_number)),
        (WITHDRAWN,),
    ),
    "two rules broken": (
        Asked(RETRIEVALS[1], Details(nhs_number="9990000019", history="2")),
        (FULL,),
    ),
    "a number of another kind": (
        Asked(RETRIEVALS[1], replace(details_of(FULL), number_root=WRAPPER_CODES)),
        (FULL,),
    ),
    "no family name": (Asked(TRACES[1], replace(details_of(FULL), family=None)), (FULL,)),
    "no such gender": (Asked(TRACES[0], replace(details_of(FULL), gender="7")), (FULL,)),
    "two of them": (Asked(TRACES[1], details_of(FULL)), (FULL, TWIN)),
}


@pytest.mark.parametrize("case", CASES)
def test_an_item_is_answered_as_its_query_is_alone(case: str) -> None:
    asked, patients = CASES[case]
    alone = hl7_message(spine_with(patients).ask(asked.interaction_id, asked.details).body)
    (item,) = items(answered(spine_with(patients), sent(asked)))
    assert item.get("interaction") == etree.QName(alone).localname
    act = only(item, f"{{{HL7}}}subject/{{{HL7}}}controlAct")
    for name in ("subject", "queryAck"):
        wanted, got = alone.find(f".//hl7:{name}", NS), act.find(f"hl7:{name}", NS)
        assert (wanted is None) == (got is None)
        if wanted is not None and got is not None:
            assert differences(wanted, got) == ()
    reasons = alone.findall(".//hl7:reason/*", NS)
    ours = act.findall("hl7:reasonOf/*", NS)
    assert len(ours) == len(reasons)
    assert [differences(*pair) for pair in zip(reasons, ours, strict=True)] == [()] * len(ours)


def test_the_items_of_a_batch_have_fates_of_their_own() -> None:
    message = answered(
        spine_with([FULL, SUPERSEDED]),
        sent(
            Asked("QUPA_IN040000UK32", details_of(FULL)),
            Asked("QUPA_IN010000UK32", NOBODY),
            Asked("QUPA_IN000008UK02", Details(nhs_number="9990000019")),
            Asked("QUPA_IN000005UK01", details_of(FULL)),
        ),
    )
    assert [
        (
            one.get("interaction"),
            one.get("messageId"),
            one.get("refToMessageId"),
            [code for _, code, _ in codes(one)],
        )
        for one in items(message)
    ] == [
        ("QUPA_IN050000UK32", answer_id(1), item_id(1), []),
        ("QUQI_IN010000UK14", answer_id(2), item_id(2), ["1", "ST004"]),
        ("QUQI_IN010000UK14", answer_id(3), item_id(3), ["GE002"]),
        ("QUPA_IN000007UK01", answer_id(4), item_id(4), ["3"]),
    ]


def test_an_answer_says_which_batch_it_answers_and_goes_back_where_that_came_from() -> None:
    message = answered(spine_with([FULL]), two())
    head = {etree.QName(one).localname: one for one in message}
    assert etree.QName(message) == etree.QName(NPFIT, "MCCI_IN200002UK03")
    assert head["id"].get("root") == AT.message_id
    assert head["creationTime"].get("value") == AT.time
    assert head["transmissionQuantity"].get("value") == "2"
    assert head["interactionId"].get("extension") == "MCCI_IN200002UK03"
    assert head["acknowledgement"].get("typeCode") == "AA"
    assert only(head["acknowledgement"], "{*}transmission/{*}id").get("root") == HL7_ID
    for way, asid in (("Rcv", SAMPLE_ASID), ("Snd", SPINE_ASID)):
        device = only(head[f"communicationFunction{way}"], "{*}device/{*}id")
        assert device.get("extension") == asid
    declared = [one.get("root") for one in message.iterfind("hl7:manifestItem/hl7:payloadId", NS)]
    assert declared == [answer_id(1), answer_id(2)]


def test_each_item_is_audited_by_itself() -> None:
    spine = spine_with([FULL])
    answered(
        spine,
        sent(
            Asked("QUPA_IN000008UK02", details_of(FULL)),
            Asked("QUPA_IN000008UK02", Details(history="2")),
            Asked("QUPA_IN000005UK01", NOBODY),
        ),
    )
    assert audited(spine) == [
        ("Retrieve", "done"),
        ("PDS retrieval", "INVALID_HISTORIC_DATA_INDICATOR"),
        ("Trace", "NotFound"),
    ]


def _without_query(item: etree._Element) -> None:
    query = only(item, f".//{{{HL7}}}query")
    query.getparent().remove(query)


def _with_two_queries(item: etree._Element) -> None:
    query = only(item, f".//{{{HL7}}}query")
    query.addnext(deepcopy(query))


def _with_an_empty_query(item: etree._Element) -> None:
    query = only(item, f".//{{{HL7}}}query")
    for one in list(query):
        query.remove(one)


@pytest.mark.parametrize("spoil", [_without_query, _with_two_queries, _with_an_empty_query])
def test_an_item_without_one_query_fails_and_the_others_do_not(
    spoil: Callable[[etree._Element], None],
) -> None:
    root = two()
    spoil(items(root)[0])
    spine = spine_with([FULL])
    failed, other = items(answered(spine, root))
    assert codes(failed) == [(WRAPPER_CODES, "535", "ER")]
    assert failed.find(".//hl7:queryResponseCode", NS).get("code") == "ID"
    assert other.get("interaction") == "QUPA_IN000007UK01"
    assert audited(spine)[0] == ("PDS retrieval", "BATCH_ITEM_SCHEMA_INVALID")


def test_an_item_that_the_core_refuses_for_a_reason_without_a_code_fails_with_535(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_command: object, _records: object) -> None:
        raise CoreError

    spine = spine_with([FULL])
    monkeypatch.setitem(queries.HANDLERS, queries.Retrieve, refuse)
    failed, other = items(answered(spine, two()))
    assert codes(failed) == [(WRAPPER_CODES, "535", "ER")]
    assert codes(other) == [(BUSINESS_CODES, "3", "WG")]


def _below_the_subject(item: etree._Element) -> None:
    """Put the query where the stylesheet looks for it."""
    query, act = only(item, f".//{{{HL7}}}query"), only(item, f"{{{HL7}}}subject/*")
    act.getparent().replace(act, query)


def _as_parameters(item: etree._Element) -> None:
    holder = only(item, f"{{{HL7}}}subject/*/{{{HL7}}}subject")
    holder.tag = etree.QName(HL7, "queryByParameter")


@pytest.mark.parametrize("move", [_below_the_subject, _as_parameters])
@pytest.mark.parametrize("interaction_id", RETRIEVALS + TRACES)
def test_a_query_is_read_wherever_a_source_has_it(
    interaction_id: str, move: Callable[[etree._Element], None]
) -> None:
    root = sent(Asked(interaction_id, details_of(FULL)))
    move(items(root)[0])
    (item,) = items(answered(spine_with([FULL]), root))
    assert item.get("interaction") == BY_ID[interaction_id].reply.interaction_id


def test_the_author_of_a_batch_is_read() -> None:
    assert batch.parse(two()).person == ("990000000067", "990000000065", "S0080:G0450:R5080")
    unsigned = two()
    author = only(unsigned, f"{{{NPFIT}}}batchControlActEvent/{{{HL7}}}author")
    author.getparent().remove(author)
    assert batch.parse(unsigned).person is None


def test_what_can_be_batched_can_be_read() -> None:
    assert set(adapter.READINGS) == batch.BATCHABLE == {*RETRIEVALS, *TRACES}


# The official schemas.


def test_the_batches_of_these_tests_are_what_a_client_may_send(official: Schemas) -> None:
    root = sent(*(Asked(each, details_of(FULL)) for each in RETRIEVALS + TRACES))
    assert official.complaints(root) == ()


@pytest.mark.parametrize("case", CASES)
def test_an_answer_is_right_by_its_schema(case: str, official: Schemas) -> None:
    asked, patients = CASES[case]
    root = sent(asked, *(Asked(each, details_of(FULL)) for each in RETRIEVALS + TRACES))
    assert official.complaints(answered(spine_with(patients), root)) == ()


def test_an_answer_with_a_failed_item_is_right_by_its_schema(official: Schemas) -> None:
    root = two()
    _without_query(items(root)[1])
    assert official.complaints(answered(spine_with([FULL]), root)) == ()


@pytest.mark.parametrize(
    ("path", "attribute", "refused"),
    [
        ("hl7:id", "root", "INVALID_ID"),
        (ITEM, "messageId", "HL7_VALIDATION_ERROR"),
        (PAYLOAD_ID, "root", "HL7_VALIDATION_ERROR"),
    ],
)
def test_an_id_that_no_answer_could_repeat_refuses_the_batch(
    path: str, attribute: str, refused: str
) -> None:
    root = sent(Asked("QUPA_IN000008UK02", details_of(FULL)))
    setting(path, attribute, 'a <b> & "c"')(root)
    with pytest.raises(ContractError) as error:
        answered(spine_with([FULL]), root)
    assert error.value.faults[0].name == refused
