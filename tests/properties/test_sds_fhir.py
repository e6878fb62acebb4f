"""Whatever is asked of the directory over FHIR is answered by a Bundle or an OperationOutcome."""

from __future__ import annotations

import json
from typing import Any, Final

from fhir_web import (
    EXTRACT,
    GPCONNECT,
    OTHER_PARTY,
    PRACTICE,
    PRACTICE_PARTY,
    UUID,
    DirectoryWeb,
    identifiers,
)
from hypothesis import given
from hypothesis import strategies as st

from legacy_contracts.sds.fhir_asking import ODS_CODE, PARTY_KEY, SERVICE_ID

WEB: Final = DirectoryWeb()
ANY_TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=40)
VALUES: Final = st.one_of(
    st.sampled_from([PRACTICE, PRACTICE_PARTY, OTHER_PARTY, GPCONNECT, EXTRACT, "*", "", "|"]),
    ANY_TEXT,
    st.text("(&|=*)\\", max_size=10),
    st.integers(200, 3000).map("x".__mul__),
)
SYSTEMS: Final = st.one_of(st.sampled_from([ODS_CODE, SERVICE_ID, PARTY_KEY, ""]), ANY_TEXT)
NAMES: Final = st.one_of(
    st.sampled_from(["organization", "identifier", "manufacturing-organization", "_count", ""]),
    ANY_TEXT,
)
PARAMETERS: Final = st.lists(
    st.tuples(NAMES, st.one_of(st.builds("{}|{}".format, SYSTEMS, VALUES), ANY_TEXT)), max_size=5
)
ASKED: Final = st.lists(
    st.one_of(
        st.builds(lambda one: ("organization", f"{ODS_CODE}|{one}"), VALUES),
        st.builds(lambda one: ("identifier", f"{SERVICE_ID}|{one}"), VALUES),
        st.builds(lambda one: ("identifier", f"{PARTY_KEY}|{one}"), VALUES),
    ),
    min_size=2,
    max_size=4,
)
PATHS: Final = st.sampled_from(
    ["/Device", "/Endpoint", "/spine-directory/FHIR/R4/Device", "/spine-directory/FHIR/R4/Endpoint"]
)
ISSUES: Final = {400: "required", 404: "not-found", 405: "not-supported", 406: "not-supported"}


def is_right(answer: Any) -> bool:  # noqa: ANN401 - a FhirAnswer
    """Say whether an answer is one that clients can read; what is wrong with it is raised."""
    assert answer.headers["Content-Type"] in {"application/fhir+json", "application/json"}
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    found = json.loads(answer.body.decode("ascii"))
    if answer.status == 200:
        assert (found["resourceType"], found["type"]) == ("Bundle", "searchset")
        assert found["total"] == len(found["entry"])
        assert len({one["resource"]["id"] for one in found["entry"]}) == found["total"]
        return True
    (issue,) = found["issue"]
    assert found["resourceType"] == "OperationOutcome"
    assert issue["code"] == ISSUES[answer.status]
    assert issue["severity"] == "error"
    assert issue["diagnostics"]
    (coding,) = issue["details"]["coding"]
    assert coding["code"]
    assert coding["display"]
    return found["id"] == answer.headers["X-Correlation-ID"]


@given(PATHS, st.one_of(PARAMETERS, ASKED))
def test_any_parameters_are_answered(path: str, parameters: list[tuple[str, str]]) -> None:
    answer = WEB.ask(path, *parameters)
    assert answer.status in {200, 400}
    assert is_right(answer)


@given(PATHS, st.binary(max_size=60))
def test_any_bytes_of_a_query_are_answered(path: str, query: bytes) -> None:
    answer = WEB.request(path, query.decode("latin-1"))
    assert answer.status in {200, 400}
    assert is_right(answer)


@given(
    path=st.one_of(PATHS, ANY_TEXT.map("/spine-directory/{}".format)),
    method=st.one_of(st.sampled_from(["GET", "POST"]), st.text("ABCXYZ", min_size=1, max_size=8)),
    accept=st.one_of(st.just("*/*"), ANY_TEXT),
    correlation_id=st.one_of(st.uuids().map(str), ANY_TEXT),
)
def test_any_headers_methods_and_addresses_are_answered(
    path: str, method: str, accept: str, correlation_id: str
) -> None:
    answer = WEB.request(
        path.encode().decode("latin-1"),
        f"organization={ODS_CODE}|{PRACTICE}&identifier={SERVICE_ID}|{GPCONNECT}",
        REQUEST_METHOD=method,
        HTTP_ACCEPT=accept,
        HTTP_X_CORRELATION_ID=correlation_id,
    )
    assert is_right(answer)
    given_back = answer.headers["X-Correlation-ID"]
    assert given_back == correlation_id or UUID.fullmatch(given_back)
    if answer.status == 200:
        (found,) = answer.resources
        assert identifiers(found)["nhsMhsPartyKey"] == PRACTICE_PARTY
