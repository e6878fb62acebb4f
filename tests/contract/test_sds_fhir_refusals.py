"""The directory over FHIR: what is refused, and in which words, as clients expect.

The words are those of NHSDigital/spine-directory-service-api, whose own tests ask for them.
"""

from __future__ import annotations

import json

import pytest
from fhir_web import (
    ASID,
    EXTRACT,
    GPCONNECT,
    PRACTICE,
    PRACTICE_PARTY,
    SYSTEMS,
    UUID,
    DirectoryWeb,
    FhirAnswer,
    identifiers,
    interaction,
    organization,
)

from adapters import sds_fhir
from core.directory import System
from core.errors import StoreError
from core.store.port import Store
from core.values.identity import Asid

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SERVICE = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
KEY = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
BASE = "/spine-directory/FHIR/R4"
CORRELATION = "b23ee5c7-126f-401b-9bfa-a0d36f72119e"


@pytest.fixture(scope="module")
def web() -> DirectoryWeb:
    return DirectoryWeb()


BAD_ORGANIZATION = (
    f"Missing or invalid 'organization' query parameter. Should be 'organization={ODS}|value'"
)
BAD_MANUFACTURER = (
    "Missing or invalid 'manufacturing-organization' query parameter. "
    f"Should be 'manufacturing-organization={ODS}|value'"
)
NO_SERVICE = (
    f"Missing or invalid 'identifier' query parameter. Should be 'identifier={SERVICE}|value'"
)
BAD_IDENTIFIER = (
    "Missing or invalid 'identifier' query parameter. Should be one or both of: "
    f"['identifier={SERVICE}|value', 'identifier={KEY}|value'"
)
BAD_COMBINATION = (
    "Missing or invalid query parameters. Should one of following combinations: ["
    f"'organization={ODS}|value&identifier={SERVICE}|value&identifier={KEY}|value'"
    f"'organization={ODS}|value&identifier={SERVICE}|value'"
    f"'organization={ODS}|value&identifier={KEY}|value'"
    f"'identifier={SERVICE}|value&identifier={KEY}|value']"
)


def asids(answer: FhirAnswer) -> list[str]:
    return [identifiers(one)["nhsSpineASID"] for one in answer.resources]


@pytest.mark.parametrize(
    ("resource", "query", "why"),
    [
        ("Device", "", BAD_ORGANIZATION),
        ("Device", f"organization={ODS}|&identifier={SERVICE}|x", BAD_ORGANIZATION),
        ("Device", f"organization={ODS}|%20&identifier={SERVICE}|x", BAD_ORGANIZATION),
        ("Device", f"organization=fhir|YES&identifier={SERVICE}|x", BAD_ORGANIZATION),
        ("Device", f"organization=&identifier={SERVICE}|x", BAD_ORGANIZATION),
        ("Device", f"organization={ODS}|YES", NO_SERVICE),
        ("Device", f"organization={ODS}|YES&identifier={KEY}|x", NO_SERVICE),
        ("Device", f"organization={ODS}|YES&identifier={SERVICE}|", NO_SERVICE),
        *(
            ("Device", f"organization={ODS}|YES&identifier={SERVICE}|x&identifier={one}", why)
            for one in ("", "fhir", "fhir|", "fhir|value")
            for why in (BAD_IDENTIFIER,)
        ),
        ("Device", f"organization={ODS}|YES&manufacturing-organization=fhir|x", BAD_MANUFACTURER),
        ("Device", f"organization={ODS}|YES&_count=5", "Illegal query parameter '_count'"),
        (
            "Device",
            f"managing-organization={ODS}|YES",
            "Illegal query parameter 'managing-organization'",
        ),
        ("Device", "use-cases=x", "Illegal query parameter 'use-cases'"),
        ("Device", "_format=json", "Illegal query parameter '_format'"),
        # What stands first is refused first.
        ("Device", "organization=x&_count=5", BAD_ORGANIZATION),
        ("Device", "_count=5&organization=x", "Illegal query parameter '_count'"),
        ("Endpoint", "", BAD_COMBINATION),
        ("Endpoint", f"organization={ODS}|YES", BAD_COMBINATION),
        ("Endpoint", f"identifier={SERVICE}|x", BAD_COMBINATION),
        ("Endpoint", f"identifier={KEY}|x", BAD_COMBINATION),
        ("Endpoint", f"identifier={KEY}|x&identifier={KEY}|y", BAD_COMBINATION),
        ("Endpoint", f"organization={ODS}|&identifier={KEY}|y", BAD_COMBINATION),
        ("Endpoint", f"organization=YES&identifier={KEY}|y", BAD_ORGANIZATION),
        ("Endpoint", f"organization={ODS}|YES&identifier=y", BAD_IDENTIFIER),
        (
            "Endpoint",
            f"manufacturing-organization={ODS}|YES",
            "Illegal query parameter 'manufacturing-organization'",
        ),
        ("Endpoint", f"identifier={KEY}|%FF", "Invalid unicode in identifier"),
    ],
)
def test_a_query_that_is_wrong_is_refused_in_the_words_of_the_reference(
    web: DirectoryWeb, resource: str, query: str, why: str
) -> None:
    for base in ("", BASE):
        answer = web.request(f"{base}/{resource}", query, HTTP_X_CORRELATION_ID=CORRELATION)
        assert answer.status == 400
        assert answer.headers["Content-Type"] == "application/fhir+json"
        assert answer.headers["X-Correlation-ID"] == CORRELATION
        assert answer.json == {
            "resourceType": "OperationOutcome",
            "id": CORRELATION,
            "issue": [
                {
                    "severity": "error",
                    "code": "required",
                    "details": {
                        "coding": [
                            {
                                "system": "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1",
                                "code": "BAD_REQUEST",
                                "display": "Bad request",
                            }
                        ]
                    },
                    "diagnostics": f"HTTP 400: Bad Request ({why})",
                }
            ],
        }
        assert answer.body == json.dumps(answer.json, indent=4).encode()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/fhir+JSON", "application/fhir+json"),
        (",  ,  text/plain , application/fhir+JSON", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/fhir+json"),
        ("text/plain,application/xml", None),
        ("", None),
        # The reference reads no parameters of a type.
        ("application/fhir+json;q=0.9", None),
    ],
)
def test_the_answer_has_a_type_that_is_accepted(
    web: DirectoryWeb, accept: str | None, content_type: str | None
) -> None:
    said = {} if accept is None else {"HTTP_ACCEPT": accept}
    answer = web.ask("/Device", organization(PRACTICE), interaction(GPCONNECT), **said)
    if content_type is None:
        assert (answer.status, answer.diagnostics) == (406, "Accept type not supported")
        coding = answer.json["issue"][0]["details"]["coding"][0]
        assert coding["code"] == "MISSING_OR_INVALID_HEADER"
    else:
        assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/Device", f"{BASE}/Endpoint", "/metadata"])
def test_nothing_but_get_is_answered(web: DirectoryWeb, path: str, method: str) -> None:
    answer = web.request(path, "", REQUEST_METHOD=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")
    if method == "HEAD":
        assert answer.body == b""
        assert int(answer.headers["Content-Length"]) > 0
        return
    assert answer.diagnostics == "HTTP operation not supported"
    assert answer.json["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    "path", ["/spine-directory/", "/Device/1", f"{BASE}/", f"{BASE}/Patient", f"{BASE}/Device/1"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_address_of_the_directory_is_not_found(
    web: DirectoryWeb, path: str, method: str
) -> None:
    answer = web.request(path, "", REQUEST_METHOD=method)
    assert (answer.status, answer.diagnostics) == (404, "HTTP endpoint not found")


def test_a_correlation_id_is_given_back_and_made_where_there_is_none(web: DirectoryWeb) -> None:
    asked = (organization(PRACTICE), interaction(GPCONNECT))
    for given in (CORRELATION, CORRELATION.upper()):
        answer = web.ask("/Device", *asked, HTTP_X_CORRELATION_ID=given)
        assert answer.headers["X-Correlation-ID"] == given
    for said in ({}, {"HTTP_X_CORRELATION_ID": ""}):
        answer = web.ask("/Device", *asked, **said)
        assert answer.status == 200
        assert UUID.fullmatch(answer.headers["X-Correlation-ID"])


def test_a_malformed_correlation_id_is_refused_before_the_query(web: DirectoryWeb) -> None:
    answer = web.request("/Device", "_count=1", HTTP_X_CORRELATION_ID="invalid")
    assert answer.status == 400
    assert answer.diagnostics == (
        "HTTP 400: Bad Request (Invalid X-Correlation-ID header. Should be an UUIDv4 "
        "matching regex "
        "'^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$')"
    )
    assert answer.json["id"] == answer.headers["X-Correlation-ID"]
    assert UUID.fullmatch(answer.json["id"])


def test_a_search_that_would_look_at_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [
        System(Asid(f"9900001{number:05d}"), PRACTICE_PARTY, "Many", (), (EXTRACT,))
        for number in range(1200)
    ]
    web = DirectoryWeb(systems=(*SYSTEMS, *many))
    asked = (organization(PRACTICE), interaction(GPCONNECT))
    # More than one page of the core's is looked at for what stands among them.
    assert asids(web.ask("/Device", *asked)) == [ASID]
    assert len(web.ask("/Device", organization(PRACTICE), interaction(EXTRACT)).resources) == 1202
    monkeypatch.setattr(sds_fhir, "MAX_LOOKED_AT", 1000)
    answer = web.ask("/Device", *asked)
    assert (answer.status, answer.json["issue"][0]["code"]) == (400, "too-costly")


class _Failing:
    """A store of which everything fails in one way."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        raise self._error(f"{name} of a store")


@pytest.mark.parametrize(
    ("error", "status", "issue"), [(StoreError, 504, "timeout"), (RuntimeError, 500, "exception")]
)
def test_what_fails_here_is_said_in_the_same_form_and_no_word_of_it_leaves(
    error: type[Exception], status: int, issue: str
) -> None:
    def failing(_store: Store) -> Store:
        return _Failing(error)  # type: ignore[return-value]

    answer = DirectoryWeb(wrap=failing).ask("/Device", organization(PRACTICE), interaction(EXTRACT))
    assert (answer.status, answer.json["issue"][0]["code"]) == (status, issue)
    assert answer.json["issue"][0]["details"]["coding"][0]["code"] == "INTERNAL_SERVER_ERROR"
    assert "of a store" not in answer.body.decode()
