"""Questions for the mini services, and a Spine in memory that answers them.

The requests have the parameters in the order of QUPA_MT000001GB01 to QUPA_MT000005GB01.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import quoteattr

from lxml import etree
from msgspec import Struct
from msgspec.structs import fields
from serving import core_on

from adapters import smsp
from adapters.smsp import Answered
from core.directory import Organisation, Party, list_entries, list_organisations
from core.door import Core
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.demographics import Patient
from core.values.identity import Asid, Caller, PartyKey
from legacy_contracts import oids
from legacy_contracts.smsp.operations import OPERATIONS, Operation
from operations import loading
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

HOSPITAL: Final = "T99999"
"""The organisation of the sample party."""

PRACTICE: Final = Organisation(
    "A99001",
    "HIGH STREET SURGERY",
    (
        ("postalAddress", ("HIGH STREET SURGERY$1 HIGH STREET$$LEEDS",)),
        ("postalCode", ("LS1 1AA",)),
        ("telephoneNumber", ("01632 960000",)),
    ),
)

SCHEME: Final = "2.16.840.1.113883.19.5"
"""An OID that is kept for examples."""

VERIFY: Final = "verifyNHSNumber-v1-0"
NUMBER: Final = "getNHSNumber-v1-0"
DETAILS: Final = "getPatientDetails-v1-0"
BY_NUMBER: Final = "getPatientDetailsByNHSNumber-v1-0"
BY_SEARCH: Final = "getPatientDetailsBySearch-v1-0"


class Asked(Struct, frozen=True):
    """What a request says, parameter by parameter; None is not sent."""

    birth_date: str | None = None
    gender: str | None = None
    local: str | None = None
    nhs_number: str | None = None
    family: str | None = None
    given: str | None = None
    postcode: str | None = None
    scheme: str = SCHEME
    root: str = oids.NHS_NUMBER


def payload(operation: str, asked: Asked) -> bytes:
    """Give the payload that asks so."""
    row = OPERATIONS[operation]
    inner = "".join(_parameters(asked))
    return (
        f'<{row.request_element} xmlns="urn:hl7-org:v3" moodCode="EVN" classCode="CACT">'
        '<id root="3E25ACE2-23F8-4A37-B446-6A37F31BF77C"/>'
        f'<code codeSystem="{oids.SMSP_MESSAGE}" code="{row.code}"/>'
        f"<queryEvent>{inner}</queryEvent></{row.request_element}>"
    ).encode()


def _parameters(asked: Asked) -> Iterable[str]:
    if asked.birth_date is not None:
        yield _parameter("DateOfBirth", f"<value value={quoteattr(asked.birth_date)}/>")
    if asked.gender is not None:
        code = f"code={quoteattr(asked.gender)}"
        yield _parameter("Gender", f'<value {code} codeSystem="{oids.GENDER}"/>')
    if asked.local is not None:
        yield _parameter("LocalIdentifier", _id(asked.scheme, asked.local))
    if asked.nhs_number is not None:
        yield _parameter("NHSNumber", _id(asked.root, asked.nhs_number))
    if asked.family is not None or asked.given is not None:
        parts = _part("given", asked.given) + _part("family", asked.family)
        yield _parameter("Name", f"<value>{parts}</value>")
    if asked.postcode is not None:
        yield _parameter("Postcode", f"<value>{_part('postalCode', asked.postcode)}</value>")


def _parameter(name: str, value: str) -> str:
    return f"<Person.{name}>{value}<semanticsText>Person.{name}</semanticsText></Person.{name}>"


def _id(root: str, extension: str) -> str:
    return f"<value root={quoteattr(root)} extension={quoteattr(extension)}/>"


def _part(name: str, text: str | None) -> str:
    if text is None:
        return ""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f"<{name}>{escaped}</{name}>"


PARAMETERS: Final = tuple(one.name for one in fields(Asked))

FITTING: Final[dict[str, frozenset[str]]] = {
    VERIFY: frozenset(("birth_date", "nhs_number", "family", "given")),
    NUMBER: frozenset(("birth_date", "gender", "local", "family", "given", "postcode")),
    BY_SEARCH: frozenset(("birth_date", "gender", "local", "family", "given", "postcode")),
    BY_NUMBER: frozenset(("birth_date", "local", "nhs_number", "family", "given")),
    DETAILS: frozenset(PARAMETERS),
}
"""What each operation may ask with."""


class Service(Struct, frozen=True):
    """A core, and who asks it."""

    core: Core
    asid: str = SAMPLE_ASID

    def caller(self, operation: Operation) -> Caller:
        """Give the sample system as it asks an operation."""
        return Caller(PartyKey(SAMPLE_PARTY), Asid(self.asid), operation.name, "message-1")

    def ask(self, operation: str, asked: Asked) -> Answered:
        """Give the answer to a question."""
        return self.send(operation, payload(operation, asked))

    def send(self, operation: str, body: bytes) -> Answered:
        """Give the answer to the bytes of a payload."""
        row = OPERATIONS[operation]
        return smsp.answered(self.core, row, body, self.caller(row))


def service_with(
    *patients: Patient, store: Store | None = None, asid: str = SAMPLE_ASID
) -> Service:
    """Give mini services over these patients, asked by a hospital that the directory knows."""
    store = store or MemoryStore()
    core = core_on(store)
    party = Party(
        PartyKey(SAMPLE_PARTY),
        "Sample practice",
        (SAMPLE_CLIENT,),
        (Asid(SAMPLE_ASID),),
        organisation=HOSPITAL,
    )
    list_entries(store, [party], [], at="2014-01-02", import_id="hospital")
    list_organisations(store, [PRACTICE], at="2014-01-02", import_id="practice")
    loading.load(store, patients, source="test", at="20140101", progress=lambda _count: None)
    return Service(core, asid)


def root_of(given: Answered) -> etree._Element:
    """Give the answer as a document."""
    return etree.fromstring(given.payload)
