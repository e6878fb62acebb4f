"""What the five operations ask: their payloads read, and what is wrong with one as a code.

The parameters are those of QUPA_MT000001GB01 to QUPA_MT000005GB01. Their order is not asked: a
public client (TimCoates/SMSPMock, its SoapUI project) sends another than the schema's. A parameter
that the operation does not know is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from lxml import etree
from msgspec import Struct

from core.values.identity import is_nhs_number, is_oid
from legacy_contracts import ns, oids, xml
from legacy_contracts.errors import MalformedMessage
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import Operation

GENDERS: Final = frozenset("0129")
"""The codes of …16.25 that the request schemas list."""


class LocalIdentifier(Struct, frozen=True):
    """A patient's identifier at an organisation: which scheme it is of, and the identifier."""

    root: str
    extension: str


class Question(Struct, frozen=True):
    """Whom an operation asks about; what was not sent is None."""

    birth_date: str
    nhs_number: str | None = None
    gender: str | None = None
    family: str | None = None
    given: str | None = None
    postcode: str | None = None
    local: LocalIdentifier | None = None


class Unanswerable(Exception):
    """The request gets a code and nothing else; `why` names no value, and is for the log."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


def _invalid(why: str) -> Unanswerable:
    return Unanswerable(Code.INPUT_NOT_VALID, why)


_BIRTH: Final = "Person.DateOfBirth"
_NUMBER: Final = "Person.NHSNumber"
_GENDER: Final = "Person.Gender"
_NAME: Final = "Person.Name"
_POSTCODE: Final = "Person.Postcode"
_LOCAL: Final = "Person.LocalIdentifier"

_SEARCH: Final = (frozenset((_BIRTH, _GENDER, _NAME)), frozenset((_POSTCODE, _LOCAL)))

PARAMETERS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "verifyNHSNumber-v1-0": (frozenset((_BIRTH, _NUMBER)), frozenset((_NAME,))),
    "getNHSNumber-v1-0": _SEARCH,
    "getPatientDetails-v1-0": (
        frozenset((_BIRTH,)),
        frozenset((_NUMBER, _GENDER, _NAME, _POSTCODE, _LOCAL)),
    ),
    "getPatientDetailsByNHSNumber-v1-0": (
        frozenset((_BIRTH, _NUMBER)),
        frozenset((_NAME, _LOCAL)),
    ),
    "getPatientDetailsBySearch-v1-0": _SEARCH,
}
"""What each operation must have, and what it may."""

_IDENTIFYING: Final = frozenset((_NUMBER, _LOCAL))
"""What a patient is found by without a family name."""

_HL7: Final = f"{{{ns.HL7}}}"
_QUERY: Final = f"{_HL7}queryEvent"
_VALUE: Final = f"{_HL7}value"


Payload = bytes | etree._Element  # noqa: SLF001 - lxml names its type so
"""A payload as it came: bytes, or an element of a document that was parsed already."""


def parse(operation: Operation, payload: Payload) -> Question:
    """Give what a payload asks of an operation; raise `Unanswerable` with the code it gets."""
    root = _parsed(payload) if isinstance(payload, bytes) else payload
    values = _values(operation, _query(operation, root))
    family = _family(operation, values)
    local, gender = values.get(_LOCAL), values.get(_GENDER)
    return Question(
        birth_date=_date(values[_BIRTH]),
        gender=None if gender is None else _gender(gender),
        family=family,
        given=_part(values.get(_NAME), "given"),
        postcode=_part(values.get(_POSTCODE), "postalCode"),
        local=None if local is None else _local(local),
        # Last: a request that is not valid otherwise is that first.
        nhs_number=_number(values[_NUMBER]) if _NUMBER in values else None,
    )


def _parsed(payload: bytes) -> etree._Element:
    try:
        return xml.parse(payload)
    except MalformedMessage as error:
        raise _invalid("the payload is not XML") from error


def _query(operation: Operation, root: etree._Element) -> etree._Element:
    """Give the element that holds the parameters of a payload that is of its operation."""
    if root.tag != f"{_HL7}{operation.request_element}":
        raise _invalid("the payload is not of the operation")
    code = root.find(f"{_HL7}code")
    # A public client (elementechemlyn/smsp-adaptor) names the operation where the schema has it
    # name the request.
    if code is None or code.get("code") not in {operation.code, operation.name}:
        raise _invalid("the code is not of the operation")
    queries = root.findall(_QUERY)
    if len(queries) != 1:
        raise _invalid(f"{len(queries)} queryEvent")
    return queries[0]


def _values(operation: Operation, query: etree._Element) -> dict[str, etree._Element]:
    """Give the value of each parameter that the operation knows."""
    required, optional = PARAMETERS[operation.name]
    values: dict[str, etree._Element] = {}
    seen: set[str] = set()
    for name, parameter in _named(query):
        if name not in required and name not in optional:
            continue
        if name in seen:
            raise _invalid(f"{name} twice")
        seen.add(name)
        value = parameter.find(_VALUE)
        if value is not None:
            values[name] = value
        elif name in required or len(parameter):
            raise _invalid(f"{name} without value")
    for name in sorted(required - values.keys()):
        raise _invalid(f"no {name}")
    return values


def _named(query: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Give the parameters with their names; an optional one may be empty (it is nillable)."""
    for one in query:
        tag = one.tag
        if isinstance(tag, str) and tag.startswith(_HL7):
            yield tag[len(_HL7) :], one


def _family(operation: Operation, values: dict[str, etree._Element]) -> str | None:
    """Give the family name; None where it was not sent and need not be."""
    required, _ = PARAMETERS[operation.name]
    family = _part(values.get(_NAME), "family")
    if family is None and (_NAME in required or not values.keys() & _IDENTIFYING):
        raise _invalid("no family name")
    return family


def _date(value: etree._Element) -> str:
    """Give a full date.

    The test patients of OpenTest (nhsconnect/spine-smsp, open_test_data.csv) expect SMSP-0001 for
    a birth date that is too short, and for one with a time of day.
    """
    text = value.get("value", "")
    if len(text) == 8 and text.isascii() and text.isdigit() and _is_day(text):
        return text
    raise _invalid(f"{_BIRTH} is no full date")


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _gender(value: etree._Element) -> str:
    code = value.get("code", "")
    if code not in GENDERS or not code:
        raise _invalid(f"{_GENDER} is not of the list")
    return code


def _local(value: etree._Element) -> LocalIdentifier:
    """Give a local identifier, whose root is an OID: the answer repeats it (II.NPfIT.root.oid)."""
    root, extension = value.get("root", ""), value.get("extension", "")
    if not is_oid(root):
        raise _invalid(f"{_LOCAL} has a root that is no OID")
    if not extension:
        raise _invalid(f"{_LOCAL} is empty")
    return LocalIdentifier(root, extension)


def _number(value: etree._Element) -> str:
    """Give an NHS number: ten digits of its own root (DEMOG-0042), with their check digit."""
    text = value.get("extension", "")
    if not text:
        raise _invalid(f"{_NUMBER} is empty")
    ten = len(text) == 10 and text.isascii() and text.isdigit()
    if value.get("root") != oids.NHS_NUMBER or not ten:
        raise Unanswerable(Code.NOT_NEW_STYLE, f"{_NUMBER} is not a new style number")
    if not is_nhs_number(text):
        raise _invalid(f"{_NUMBER} has a wrong check digit")
    return text


def _part(value: etree._Element | None, name: str) -> str | None:
    """Give the text of a part of a name or address; None where it says nothing."""
    if value is None:
        return None
    parts = value.findall(f"{_HL7}{name}")
    if len(parts) > 1:
        raise _invalid(f"{name} twice")
    return ((parts[0].text or "").strip() or None) if parts else None
