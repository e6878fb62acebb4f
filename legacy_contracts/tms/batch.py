"""Batches of queries: MCCI_IN200001UK02, answered item by item with MCCI_IN200002UK03.

The wrapper: tms-rules.md 4 and the official schemas of both messages (BatchCommon_7202,
BatchMapping_7202); the fields as stage 1 reads them (mcci_in200001uk02_stage1), which compares no
roots. The numbers of what refuses a batch: transport.md 1.12.

Nobody has published a batch, so much of this is inferred: the row at the end says what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from typing import Final

from lxml import etree
from msgspec import Struct

from legacy_contracts import ns, oids
from legacy_contracts.envelopes.soap import APPLICATION_ACK
from legacy_contracts.errors import MEANINGS, Advice, Fault, Kind
from legacy_contracts.hl7 import wrappers
from legacy_contracts.hl7.rim import NOTHING, Xml, escape, instance, valued
from legacy_contracts.hl7.rules import uuid_in
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.interaction import Generation, HubInteraction, Pattern

REQUEST: Final = "MCCI_IN200001UK02"
ANSWER: Final = "MCCI_IN200002UK03"
VERSION: Final = "3NPfIT7.2.02"

BATCHABLE: Final = frozenset(
    {"QUPA_IN040000UK32", "QUPA_IN000008UK02", "QUPA_IN010000UK32", "QUPA_IN000005UK01"}
)
"""Retrieval and simple trace of two generations (mcci_in200001uk02_stage2i5, the second check)."""


class Item(Struct, frozen=True):
    """One query of a batch: its own message id, its interaction, and the element it stands in."""

    message_id: str
    interaction_id: str
    root: etree._Element


class Declared(Struct, frozen=True):
    """What the manifest says of one item; its interaction is empty where it says none."""

    message_id: str
    interaction_id: str


class Batch(Struct, frozen=True):
    """A batch as it was sent; every text is empty where the message has none.

    `person` is the author's role profile, user and job role, or None without author.
    """

    message_id: str
    to_asid: str
    from_asid: str
    sequence_number: str
    quantity: str
    manifest: tuple[Declared, ...]
    items: tuple[Item, ...]
    person: tuple[str, str, str] | None


class Outcome(Struct, frozen=True):
    """What came of an item: the payload that answers it with its advice, or what refuses it.

    `message_id` and `interaction_id` are those of the answer or refusal.
    """

    item: Item
    message_id: str
    interaction_id: str
    payload: Xml = NOTHING
    advice: tuple[Advice, ...] = ()
    faults: tuple[Fault, ...] = ()


def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=ns.PREFIXES, smart_strings=False)


def _device(way: str) -> etree.XPath:
    return _compiled(f"string(hl7:communicationFunction{way}/hl7:device/hl7:id/@extension)")


_message_id: Final = _compiled("string(hl7:id/@root)")
_to_asid: Final = _device("Rcv")
_from_asid: Final = _device("Snd")
_sequence_number: Final = _compiled("string(hl7:batchSequenceNo/hl7:value/@extension)")
_quantity: Final = _compiled("string(hl7:transmissionQuantity/@value)")
_manifest: Final = _compiled("hl7:manifestItem")
_items: Final = _compiled("npfit:batchControlActEvent/npfit:batchControlActItem")
_author: Final = _compiled("npfit:batchControlActEvent/hl7:author/hl7:AgentPersonSDS")
_author_ids: Final = tuple(
    _compiled(f"string({path}/@extension)")
    for path in ("hl7:id", "hl7:agentPersonSDS/hl7:id", "hl7:part/hl7:partSDSRole/hl7:id")
)
_payload_id: Final = _compiled("string(hl7:payloadId/@root)")
# An interaction has the root of interactions wherever HL7 names one; a value with another root
# says nothing of it (inferred: no source shows the manifest's keys).
_declared_interaction: Final = _compiled(
    f"string(hl7:manifestValue/hl7:manifestItemValue[@root='{oids.INTERACTION}']/@extension)"
)
# The stylesheet looks for a query below the item's subject, the schema has room for it in the
# controlAct below that: both are read.
_queries: Final = _compiled(
    "hl7:subject/hl7:query"
    " | hl7:subject/hl7:controlAct/hl7:subject/hl7:query"
    " | hl7:subject/hl7:controlAct/hl7:queryByParameter/hl7:query"
)


def parse(root: etree._Element) -> Batch:
    """Give the batch in a document, whatever is wrong with it."""
    authors = _author(root)
    return Batch(
        message_id=_bare(str(_message_id(root))),
        to_asid=str(_to_asid(root)),
        from_asid=str(_from_asid(root)),
        sequence_number=str(_sequence_number(root)),
        quantity=str(_quantity(root)),
        manifest=tuple(
            Declared(str(_payload_id(one)), str(_declared_interaction(one)))
            for one in _manifest(root)
        ),
        items=tuple(
            Item(one.get("messageId", ""), one.get("interaction", ""), one) for one in _items(root)
        ),
        person=_ids(authors[0]) if authors else None,
    )


def _bare(message_id: str) -> str:
    """Give an id as an answer repeats it; one that is none as it is, to be told so."""
    return uuid_in(message_id) or message_id


def _ids(author: etree._Element) -> tuple[str, str, str]:
    role_profile, user, job_role = (str(read(author)) for read in _author_ids)
    return role_profile, user, job_role


def query_of(item: Item) -> etree._Element | None:
    """Give what holds the item's query as a document, or None without one query that asks."""
    queries = _queries(item.root)
    if len(queries) != 1 or not len(queries[0]):
        return None
    holder: etree._Element = queries[0].getparent()
    return deepcopy(holder)


def faults(root: etree._Element) -> list[Fault]:
    """Give what refuses a batch as a whole, in the order of the numbers (tms-rules.md 4).

    530, access, is not among them: no document tells it.
    """
    batch = parse(root)
    return [Fault(name) for name, holds in (*IDS, *CHECKS) if not holds(batch)]


def _counts_agree(batch: Batch) -> bool:
    """Say whether manifest, items and transmissionQuantity count alike.

    The stylesheet compares the first two; that the third counts the items too is inferred.
    """
    return len(batch.manifest) == len(batch.items) and _number(batch.quantity) == len(batch.items)


def _number(text: str) -> int | None:
    """Give a whole number of at most nine digits, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _ids_differ(batch: Batch) -> bool:
    given = [item.message_id for item in batch.items if item.message_id]
    return len(given) == len(set(given))


def _manifest_agrees(batch: Batch) -> bool:
    """Say whether manifest and items name the same messages; an empty id is its own fault."""
    declared = [one.message_id for one in batch.manifest]
    given = [item.message_id for item in batch.items]
    return not all((*declared, *given)) or Counter(declared) == Counter(given)


def _interactions_agree(batch: Batch) -> bool:
    declared = {one.message_id: one.interaction_id for one in batch.manifest if one.interaction_id}
    return all(
        declared.get(item.message_id, item.interaction_id) == item.interaction_id
        for item in batch.items
    )


def _ids_are_ids(batch: Batch) -> bool:
    """Say whether items and manifest have ids that an answer can repeat, or are empty.

    531 and 532 are of empty ids, so what is wrong with another is its schema (inferred).
    """
    given = {one.message_id for one in batch.items} | {one.message_id for one in batch.manifest}
    return all(uuid_in(one) == one for one in given)


_Checks = tuple[tuple[str, Callable[[Batch], bool]], ...]

IDS: Final[_Checks] = (
    ("INVALID_ID", lambda batch: bool(uuid_in(batch.message_id))),
    ("HL7_VALIDATION_ERROR", _ids_are_ids),
)
"""What must hold of ids before anything is said of them."""

CHECKS: Final[_Checks] = (
    # mcci_in200001uk02_stage2i5 has three of these: the counts of manifest and items, the
    # batchable interactions, the message ids. The others are inferred from the published words.
    ("BATCH_EMPTY", lambda batch: bool(batch.items)),
    ("BATCH_INCONSISTENT_WITH_MANIFEST", _counts_agree),
    ("BATCH_SEQUENCE_NUMBER_INVALID", lambda batch: _number(batch.sequence_number) is not None),
    ("BATCH_MESSAGE_ID_DUPLICATE", _ids_differ),
    ("BATCH_MANIFEST_DISAGREES", _manifest_agrees),
    ("PAYLOAD_ID_EMPTY", lambda batch: all(one.message_id for one in batch.manifest)),
    ("MESSAGE_ID_EMPTY", lambda batch: all(item.message_id for item in batch.items)),
    ("BATCH_INTERACTIONS_DISAGREE", _interactions_agree),
    (
        "BATCH_CONTAINS_NON_BATCHABLE_INTERACTION",
        lambda batch: all(item.interaction_id in BATCHABLE for item in batch.items),
    ),
)
"""What must hold of a batch, and the fault if it does not: 525 to 534 without 530."""


def answer(batch: Batch, outcomes: tuple[Outcome, ...], at: Moment) -> bytes:
    """Give the answer to a batch: what came of each item, in the order of the outcomes."""
    to = Correlation("", batch.message_id, batch.to_asid, batch.from_asid)
    number = _instance("value", extension=batch.sequence_number)
    return (
        f'<npfit:{ANSWER} xmlns:npfit="{ns.NPFIT}" xmlns="{ns.HL7}">'
        f'<id root="{at.message_id}"/><creationTime value="{at.time}"/>'
        f"{valued('transmissionQuantity', str(len(outcomes)))}"
        f'<versionCode code="{VERSION}"/>{instance(oids.INTERACTION, ANSWER, "interactionId")}'
        f'<acknowledgement typeCode="AA"><transmission>{_instance("id", root=batch.message_id)}'
        f"</transmission></acknowledgement><batchSequenceNo>{number}</batchSequenceNo>"
        f"{''.join([_manifest_item(one) for one in outcomes])}{wrappers.devices(to)}"
        '<npfit:batchControlActEvent classCode="CACT" moodCode="EVN">'
        f"{wrappers.system_author(batch.to_asid)}{''.join([_item(one) for one in outcomes])}"
        f"</npfit:batchControlActEvent></npfit:{ANSWER}>"
    ).encode()


def _instance(name: str, **parts: str) -> str:
    """Give an instance identifier of the parts it has, each as it was sent."""
    attributes = "".join([f' {part}="{escape(text)}"' for part, text in parts.items()])
    return f"<{name}{attributes}/>"


def _manifest_item(outcome: Outcome) -> str:
    """Give what the manifest says of an answer: the schema wants two values of each."""
    interaction = instance(oids.INTERACTION, outcome.interaction_id, "manifestItemValue")
    answers = _instance("manifestItemValue", root=outcome.item.message_id)
    return (
        f'<manifestItem><payloadId root="{outcome.message_id}"/>'
        f'<manifestValue><manifestItemKey code="interactionId"/>{interaction}</manifestValue>'
        f'<manifestValue><manifestItemKey code="refToMessageId"/>{answers}</manifestValue>'
        "</manifestItem>"
    )


def _item(outcome: Outcome) -> str:
    item = outcome.item
    response = "ID" if outcome.faults else "OK"
    subject = f'<subject typeCode="SUBJ">{outcome.payload}</subject>' if outcome.payload else ""
    return (
        f'<npfit:batchControlActItem interaction="{outcome.interaction_id}" '
        f'messageId="{outcome.message_id}" refToMessageId="{escape(item.message_id)}">'
        '<subject typeCode="SUBJ"><controlAct classCode="CACT" moodCode="EVN">'
        f'<id root="{outcome.message_id}"/><component typeCode="COMP">'
        f"{_message('payloadInteraction', outcome.message_id, outcome.interaction_id)}</component>"
        '<pertinentInformation typeCode="PERT">'
        f"{_message('pertinentRefToMessage', item.message_id, item.interaction_id)}"
        f"</pertinentInformation>{subject}{_reasons(outcome)}"
        f'<queryAck type="QueryAck"><queryResponseCode code="{response}"/></queryAck>'
        "</controlAct></subject></npfit:batchControlActItem>"
    )


def _message(name: str, message_id: str, interaction_id: str) -> str:
    """Give the observation that names a message: its id, and its interaction as a code."""
    return (
        f'<{name} classCode="OBS" moodCode="EVN">{_instance("id", root=message_id)}'
        f'<code code="{escape(interaction_id)}" codeSystem="{oids.INTERACTION}"/></{name}>'
    )


_SYSTEMS: Final = {Kind.WRAPPER: oids.WRAPPER_ERROR, Kind.BUSINESS: oids.BUSINESS_ERROR}


def _reasons(outcome: Outcome) -> str:
    """Give one reason for each advice, each fault: with 535 the codes of the wrapper."""
    advised = [_reason(oids.BUSINESS_ERROR, one.code, one.text, "WG") for one in outcome.advice]
    refused = [
        _reason(_SYSTEMS[meaning.kind], meaning.code, wrappers.worded(meaning.text, fault), "ER")
        for fault in outcome.faults
        for meaning in (MEANINGS[fault.name],)
    ]
    return "".join((*advised, *refused))


def _reason(system: str, code: str, text: str, level: str) -> str:
    return (
        '<reasonOf typeCode="RSON"><justifyingDetectedIssueEvent classCode="ALRT" moodCode="EVN">'
        f'<code code="{code}" codeSystem="{system}" displayName="{escape(text)}">'
        f'<qualifier code="{level}"/></code></justifyingDetectedIssueEvent></reasonOf>'
    )


# The ids: tms-rules.md 4; the schemas are of the manual's release 7.2.02.
INTERACTIONS: Final = (
    HubInteraction(
        interaction_id=REQUEST,
        name="Batch of queries",
        service="tms",
        pattern=Pattern.ASYNC_RELIABLE,
        generation=Generation.V2008B,
        answers=(ANSWER, APPLICATION_ACK),
        inferred=(
            "no public example: the service, the pattern, the answer's version code",
            "a batch is acknowledged with AA whatever became of its items",
            "what the manifest's keys are called",
            "an item is refused with the interaction that its query alone would be refused with",
        ),
    ),
)
