"""What a request to the directory's FHIR face asks for, or what refuses it.

Each check, its order and its words are those of NHSDigital/spine-directory-service-api
(request/base_handler.py, accredited_system_handler.py, routing_reliability_handler.py,
content_type_validator.py, tracking_ids_headers_reader.py).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs

from msgspec import Struct

from legacy_contracts.sds.fhir_outcomes import NOT_ACCEPTED, Refused, bad_request

ODS_CODE: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
SERVICE_ID: Final = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
PARTY_KEY: Final = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"

ORGANIZATION: Final = "organization"
IDENTIFIER: Final = "identifier"
MANUFACTURER: Final = "manufacturing-organization"

FHIR_JSON: Final = "application/fhir+json"
_PLAIN_JSON: Final = "application/json"

_UUID: Final = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""What the reference's server makes a space of in a parameter."""


class Wanted(Struct, frozen=True):
    """What the entries must say that are searched for; None is not asked."""

    organisation: str | None = None
    service_id: str | None = None
    party_key: str | None = None
    manufacturer: str | None = None


Given = dict[str, list[str]]
"""The parameters of a query, by name in the order of their first appearance."""

_DEVICE: Final = {
    ORGANIZATION: (ODS_CODE,),
    IDENTIFIER: (SERVICE_ID, PARTY_KEY),
    MANUFACTURER: (ODS_CODE,),
}
_ENDPOINT: Final = {ORGANIZATION: (ODS_CODE,), IDENTIFIER: (SERVICE_ID, PARTY_KEY)}


def device(query: str) -> Wanted:
    """Give what the query of a /Device asks for; raise `Refused`."""
    given = _checked(query, _DEVICE)
    return Wanted(
        organisation=_required(given, ORGANIZATION, ODS_CODE),
        service_id=_required(given, IDENTIFIER, SERVICE_ID),
        party_key=_last(given, IDENTIFIER, PARTY_KEY),
        manufacturer=_last(given, MANUFACTURER, ODS_CODE),
    )


def endpoint(query: str) -> Wanted:
    """Give what the query of an /Endpoint asks for; raise `Refused`.

    Two of the three must be there: fewer would not be searched by an index.
    """
    given = _checked(query, _ENDPOINT)
    wanted = Wanted(
        organisation=_last(given, ORGANIZATION, ODS_CODE),
        service_id=_last(given, IDENTIFIER, SERVICE_ID),
        party_key=_last(given, IDENTIFIER, PARTY_KEY),
    )
    if [wanted.organisation, wanted.service_id, wanted.party_key].count(None) > 1:
        raise bad_request(_COMBINATIONS)
    return wanted


def correlation_id(text: str | None) -> str | None:
    """Give the caller's X-Correlation-ID, None where it sent none; raise `Refused` if malformed."""
    if text and not re.fullmatch(_UUID, text):
        raise bad_request(
            f"Invalid X-Correlation-ID header. Should be an UUIDv4 matching regex '{_UUID}'"
        )
    return text or None


def content_type(accept: str | None) -> str:
    """Give the media type to answer with; raise `Refused` where none of ours is accepted.

    Types are compared to the letter, parameters and all: so does the reference.
    """
    types = [one.strip() for one in (FHIR_JSON if accept is None else accept).lower().split(",")]
    if "*/*" in types or FHIR_JSON in types:
        return FHIR_JSON
    if _PLAIN_JSON in types:
        return _PLAIN_JSON
    raise Refused(NOT_ACCEPTED)


def _checked(query: str, parameters: dict[str, tuple[str, ...]]) -> Given:
    """Give the parameters of a query that has none but these, each of its systems."""
    given: Given = {}
    # As the reference's server reads them: a byte is a character until a value is looked at.
    for name, texts in parse_qs(query, keep_blank_values=True, encoding="latin-1").items():
        if name not in parameters:
            raise bad_request(f"Illegal query parameter '{name}'")
        given[name] = [_value(name, text, parameters[name]) for text in texts]
    return given


def _value(name: str, text: str, systems: tuple[str, ...]) -> str:
    try:
        value = text.encode("latin-1").decode()
    except UnicodeError as error:
        raise bad_request(f"Invalid unicode in {name}") from error
    if not value.startswith(tuple(f"{system}|" for system in systems)):
        raise bad_request(_should_be(name, systems))
    return _CONTROLS.sub(" ", value).strip()


def _last(given: Given, name: str, system: str) -> str | None:
    """Give what follows a system in the last value that has both, or None.

    Spaces around it count for nothing, as in an LDAP filter's value; public clients send some.
    """
    split = (one.partition("|") for one in given.get(name, ()))
    found = [value.strip() for named, _, value in split if named == system and value.strip()]
    return found[-1] if found else None


def _required(given: Given, name: str, system: str) -> str:
    found = _last(given, name, system)
    if found is None:
        raise bad_request(_should_be(name, (system,)))
    return found


def _should_be(name: str, systems: tuple[str, ...]) -> str:
    begins = f"Missing or invalid '{name}' query parameter. Should be "
    each = ", ".join(f"'{name}={system}|value'" for system in systems)
    # The bracket is not closed in the reference either.
    return begins + (each if len(systems) == 1 else f"one or both of: [{each}")


def _combinations() -> str:
    organisation = f"{ORGANIZATION}={ODS_CODE}|value"
    service = f"{IDENTIFIER}={SERVICE_ID}|value"
    party = f"{IDENTIFIER}={PARTY_KEY}|value"
    each = (
        (organisation, service, party),
        (organisation, service),
        (organisation, party),
        (service, party),
    )
    joined = "".join(f"'{'&'.join(one)}'" for one in each)
    return f"Missing or invalid query parameters. Should one of following combinations: [{joined}]"


_COMBINATIONS: Final = _combinations()
