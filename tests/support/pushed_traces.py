"""Synthetic traces that are answered by a message, as clients of each generation send them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast
from xml.sax.saxutils import escape, quoteattr

from ebxml_messages import EXPRESS, SOAP_NEXT, Message
from hub_messages import TO_THE_HUB
from lxml import etree
from msgspec import Struct
from msgspec.structs import replace
from serving import NOW, core_on
from wire_requests import NHS_NUMBER_ROOT
from wrapped_messages import CODES, Route, person, system, wrapped_message

from adapters import tms
from adapters.opening import Opened
from adapters.ourselves import Ourselves
from adapters.services import Handled
from core.context import Context
from core.demographics.records import Policy
from core.directory import System, list_entries
from core.messaging.records import Message as Kept
from core.store.memory import MemoryStore
from core.values.demographics import Patient
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import xml
from legacy_contracts.hl7 import payload
from operations import loading
from operations.setup import SAMPLE_ASID, SAMPLE_PARTY

ADVANCED: Final = (
    "QUPA_IN020000UK14",
    "QUPA_IN020000UK31",
    "QUPA_IN000006UK02",
    "QUPA_IN000006UK05",
)
BATCH: Final = ("QUPA_IN000012UK02", "QUPA_IN000012UK04")
ANSWERS: Final = {
    "QUPA_IN020000UK14": "QUPA_IN030000UK15",
    "QUPA_IN020000UK31": "QUPA_IN030000UK32",
    "QUPA_IN000006UK02": "QUPA_IN000011UK02",
    "QUPA_IN000006UK05": "QUPA_IN000011UK05",
    "QUPA_IN000012UK02": "QUPA_IN000013UK01",
    "QUPA_IN000012UK04": "QUPA_IN000013UK03",
}
"""Which interaction answers which (pds.md 1.1), told apart here and not by our registry."""

VALUE_FIRST: Final = frozenset({"QUPA_IN020000UK14", "QUPA_IN020000UK31"})
"""Generations that write a parameter's value before what it means."""

HL7: Final = "{urn:hl7-org:v3}"


class Asked(Struct, frozen=True):
    """What a trace asks with; None leaves a parameter out. Dates as the elements of an interval."""

    family: str | None = "O'CARTER & DAY"
    given: tuple[str, ...] = ("EDITH",)
    born: str | None = '<center value="19500203"/>'
    died: str | None = None
    gender: str | None = "2"
    postcode: str | None = None
    lines: tuple[str, ...] = ()
    practice: str | None = None
    number: str | None = None
    number_root: str = NHS_NUMBER_ROOT
    search: str | None = "2"
    history: str | None = "0"
    ignore_history: str | None = None


def query(interaction_id: str, asked: Asked) -> str:
    """Give the query as its generation orders it."""
    advanced = interaction_id in ADVANCED
    parts = (
        ("historicDataIndicator", _coded(asked.history if advanced else None, ".17.36")),
        ("ignoreHistoryIndicator", _coded(asked.ignore_history if advanced else None, ".17.169")),
        ("person.address", _place(asked)),
        (
            "person.administrativeGenderCode",
            asked.gender and f"<value code={quoteattr(asked.gender)}/>",
        ),
        ("person.birthTime", _born(asked.born, advanced=advanced)),
        ("person.deceasedTime", asked.died and f"<value>{asked.died}</value>"),
        ("person.id", _identified(asked)),
        ("person.name", _named(asked)),
        (
            "primaryCare.id",
            asked.practice
            and f'<value root="2.16.840.1.113883.2.1.4.3" extension={quoteattr(asked.practice)}/>',
        ),
        ("searchParameter", _coded(asked.search if advanced else None, ".17.39")),
    )
    first = interaction_id in VALUE_FIRST
    written = "".join(_parameter(name, value, first) for name, value in parts if value)
    return f"<query>{written}</query>"


def _parameter(name: str, value: str, value_first: bool) -> str:  # noqa: FBT001
    meaning = f"<semanticsText>{name[0].upper()}{name[1:]}</semanticsText>"
    return f"<{name}>{f'{value}{meaning}' if value_first else f'{meaning}{value}'}</{name}>"


def _coded(code: str | None, system_of: str) -> str | None:
    return code and f'<value code={quoteattr(code)} codeSystem="{CODES}{system_of}"/>'


def _born(born: str | None, *, advanced: bool) -> str | None:
    """Give a date of birth: an interval, or one date where the batch trace has room for no more."""
    if born is None or advanced:
        return born and f"<value>{born}</value>"
    return born.replace("<center", "<value")


def _place(asked: Asked) -> str | None:
    lines = "".join(f"<streetAddressLine>{escape(one)}</streetAddressLine>" for one in asked.lines)
    postcode = f"<postalCode>{escape(asked.postcode)}</postalCode>" if asked.postcode else ""
    return f'<value use="H">{lines}{postcode}</value>' if lines or postcode else None


def _identified(asked: Asked) -> str | None:
    number = asked.number
    return number and f'<value root="{asked.number_root}" extension={quoteattr(number)}/>'


def _named(asked: Asked) -> str | None:
    family = "" if asked.family is None else f"<family>{escape(asked.family)}</family>"
    given = "".join(f"<given>{escape(one)}</given>" for one in asked.given)
    return f'<value use="L">{given}{family}</value>' if family or given else None


def trace(interaction_id: str, asked: Asked | None = None, route: Route = TO_THE_HUB) -> Message:
    """Give a trace as a message: express, and for the hub itself."""
    content = person() + system(route) + query(interaction_id, asked or Asked())
    return replace(
        wrapped_message(route, "pdsquery", interaction_id, content, None),
        ack_actor=None,
        duplicate_elimination=None,
        sync_actor=SOAP_NEXT,
        path=EXPRESS,
    )


def hub_with(
    patients: Iterable[Patient], *, policy: Policy | None = None, asids: Iterable[str] = ()
) -> Ourselves:
    """Give a hub whose core has these patients, and whose sample party may send everything."""
    store = MemoryStore()
    context = Context(now=lambda: NOW, new_id=lambda: "5C1A7E90-44D2-4E7B-9A33-0F0E0D0C0B0A")
    core = replace(core_on(store, context), policy=policy or Policy())
    systems = [
        System(Asid(one), PartyKey(SAMPLE_PARTY), "Another system", (*ADVANCED, *BATCH))
        for one in (SAMPLE_ASID, *asids)
    ]
    list_entries(store, [], systems, at="2014-01-02", import_id="more")
    loading.load(store, patients, source="test", at="20140101", progress=lambda _count: None)
    return Ourselves(core, context, PartyKey("YES-0000806"))


def answered(us: Ourselves, sent: bytes | str) -> etree._Element:
    """Give the answer to a payload whose wrapper is right."""
    root = xml.parse(sent.encode() if isinstance(sent, str) else sent)
    interaction_id = etree.QName(root).localname
    service = tms.SERVICES[interaction_id]
    assert service.rules.faults(root) == []
    fields = payload.fields(root)
    caller = Caller(
        PartyKey(SAMPLE_PARTY), Asid(fields.from_asid), interaction_id, fields.message_id
    )
    # How the message was kept decides nothing of its answer.
    handled = Handled("key", cast("Kept", None), Opened(root, fields, caller))
    name, body = service.answer(handled, us)
    answer = etree.fromstring(body)
    assert answer.tag == HL7 + name
    return answer


def codes(answer: etree._Element) -> list[str]:
    """Give the codes of an answer's reasons."""
    return [str(one) for one in answer.xpath("//*[local-name()='reason']//*[@displayName]/@code")]


def listed(answer: etree._Element) -> list[tuple[str, str]]:
    """Give the numbers and levels of an answer's patients; no level where none is shown."""
    roles = answer.iterfind(f".//{HL7}patientRole")
    return [
        (
            str(one.xpath("string(*[local-name()='id']/@extension)")),
            str(one.xpath("string(*/*[local-name()='matchingLevel']/*[@unit='%']/@value)")),
        )
        for one in roles
    ]
