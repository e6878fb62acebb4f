"""Synthetic batches of queries, sent to a Spine in memory, and readers of what comes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import pytest
from asking import Spine, details_of
from lxml import etree
from msgspec import Struct
from rich_patients import FULL
from schemas import only
from wire_requests import HL7_ID, SPINE_ASID, Details, request

from adapters import batch as adapter
from core import audit
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import xml
from legacy_contracts.errors import ContractError
from legacy_contracts.hl7.wrappers import Moment
from legacy_contracts.tms import batch
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

HL7: Final = "urn:hl7-org:v3"
NPFIT: Final = "urn:cfh-nhs-uk:npfit"
NS: Final = {"hl7": HL7, "npfit": NPFIT}
INTERACTIONS: Final = "2.16.840.1.113883.2.1.3.2.4.12"
ASIDS: Final = "1.2.826.0.1285.0.2.0.107"
WRAPPER_CODES: Final = "2.16.840.1.113883.2.1.3.2.4.17.32"
BUSINESS_CODES: Final = "2.16.840.1.113883.2.1.3.2.4.17.42"
AT: Final = Moment("5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A", "20140825093000")
RETRIEVALS: Final = ("QUPA_IN040000UK32", "QUPA_IN000008UK02")
TRACES: Final = ("QUPA_IN010000UK32", "QUPA_IN000005UK01")

ITEM: Final = "npfit:batchControlActEvent/npfit:batchControlActItem"
VALUE: Final = "hl7:manifestItem/hl7:manifestValue/hl7:manifestItemValue"
PAYLOAD_ID: Final = "hl7:manifestItem/hl7:payloadId"
SEQUENCE: Final = "hl7:batchSequenceNo/hl7:value"

Break = Callable[[etree._Element], None]
"""What spoils a batch or an item."""


class Asked(Struct, frozen=True):
    """One query of a batch."""

    interaction_id: str
    details: Details


def item_id(index: int) -> str:
    """Give the message id of an item."""
    return f"1D0E7A40-0000-4000-8000-{index:012d}"


def answer_id(index: int) -> str:
    """Give the message id of an item's answer."""
    return f"00000000-0000-4000-8000-{index:012d}"


def sent(*asked: Asked) -> etree._Element:
    """Give a well-formed batch."""
    listed = tuple(enumerate(asked, 1))
    manifest = "".join(_manifest(item_id(index), one) for index, one in listed)
    text = (
        f'<npfit:MCCI_IN200001UK02 xmlns:npfit="{NPFIT}" xmlns="{HL7}"><id root="{HL7_ID}"/>'
        f'<creationTime value="20140825092900"/><transmissionQuantity value="{len(asked)}"/>'
        '<versionCode code="3NPfIT7.2.02"/>'
        f'<interactionId root="{INTERACTIONS}" extension="MCCI_IN200001UK02"/>'
        f'<batchSequenceNo><value extension="7"/></batchSequenceNo>{manifest}'
        f"{_device('Rcv', SPINE_ASID)}{_device('Snd', SAMPLE_ASID)}"
        f"<npfit:batchControlActEvent>{_authors()}"
        + "".join(_item(item_id(index), one) for index, one in listed)
        + "</npfit:batchControlActEvent></npfit:MCCI_IN200001UK02>"
    )
    return xml.parse(text.encode())


def _manifest(message_id: str, asked: Asked) -> str:
    return (
        f'<manifestItem><payloadId root="{message_id}"/><manifestValue>'
        f'<manifestItemKey code="interactionId"/><manifestItemValue root="{INTERACTIONS}" '
        f'extension="{asked.interaction_id}"/></manifestValue></manifestItem>'
    )


def _device(way: str, asid: str) -> str:
    name = f"communicationFunction{way}"
    return f'<{name}><device><id root="{ASIDS}" extension="{asid}"/></device></{name}>'


def _authors() -> str:
    return (
        '<author><AgentPersonSDS><id root="1.2.826.0.1285.0.2.0.67" extension="990000000067"/>'
        '<agentPersonSDS><id root="1.2.826.0.1285.0.2.0.65" extension="990000000065"/>'
        '</agentPersonSDS><part typeCode="PART"><partSDSRole>'
        '<id root="1.2.826.0.1285.0.2.1.104" extension="S0080:G0450:R5080"/></partSDSRole></part>'
        f'</AgentPersonSDS></author><author1><AgentSystemSDS><agentSystemSDS><id root="{ASIDS}" '
        f'extension="{SAMPLE_ASID}"/></agentSystemSDS></AgentSystemSDS></author1>'
    )


def _item(message_id: str, asked: Asked) -> str:
    return (
        f'<npfit:batchControlActItem interaction="{asked.interaction_id}" '
        f'messageId="{message_id}"><subject><controlAct><id root="{message_id}"/><component>'
        f'<payloadInteraction><id root="{message_id}"/><code code="{asked.interaction_id}" '
        f'codeSystem="{INTERACTIONS}"/></payloadInteraction></component>'
        f"<subject>{_query(asked)}</subject></controlAct></subject></npfit:batchControlActItem>"
    )


def _query(asked: Asked) -> str:
    """Give the query of a single request, as it stands there."""
    alone = etree.fromstring(request(asked.interaction_id, asked.details))
    return etree.tostring(only(alone, f".//{{{HL7}}}query"), encoding="unicode")


def caller(item: batch.Item, asid: str = SAMPLE_ASID) -> Caller:
    """Give who asks an item."""
    return Caller(PartyKey(SAMPLE_PARTY), Asid(asid), item.interaction_id, item.message_id)


def answered(spine: Spine, root: etree._Element) -> etree._Element:
    """Give the answer to a batch, its items' ids counted."""
    ids = map(answer_id, itertools.count(1))
    body = adapter.answer(root, caller, core=spine.core, at=AT, new_id=lambda: next(ids))
    return etree.fromstring(body)


def refusal(spine: Spine, root: etree._Element) -> ContractError:
    """Give the refusal of a whole batch."""
    with pytest.raises(ContractError) as caught:
        answered(spine, root)
    return caught.value


def items(message: etree._Element) -> list[etree._Element]:
    """Give the items of a request or an answer."""
    return message.findall("npfit:batchControlActEvent/npfit:batchControlActItem", NS)


def codes(item: etree._Element) -> list[tuple[str, str, str]]:
    """Give the reasons of an item: system, code, level."""
    found = item.iterfind(".//hl7:reasonOf/hl7:justifyingDetectedIssueEvent/hl7:code", NS)
    return [
        (
            one.get("codeSystem", ""),
            one.get("code", ""),
            only(one, f"{{{HL7}}}qualifier").get("code", ""),
        )
        for one in found
    ]


def audited(spine: Spine) -> list[tuple[str, str]]:
    """Give what was audited: the command and how it went."""
    pages = (audit.read_page(spine.core.store, "test", index) for index in itertools.count())
    written = itertools.takewhile(lambda page: page is not None, pages)
    return [(one.command, one.outcome) for page in written if page for one in page.entries]


def two() -> etree._Element:
    """Give a good batch of two items."""
    return sent(
        Asked("QUPA_IN000008UK02", details_of(FULL)), Asked("QUPA_IN000005UK01", details_of(FULL))
    )


def setting(path: str, attribute: str, value: str) -> Break:
    """Give what sets an attribute of the first element at a path."""

    def change(root: etree._Element) -> None:
        found = root.find(path, NS)
        assert found is not None
        found.set(attribute, value)

    return change
