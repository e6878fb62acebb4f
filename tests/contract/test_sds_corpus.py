"""Every public answer and table of the directory, made again from a row that was read out of it.

A row is listed, the directory is asked for it over FHIR as clients ask, and the answer is written
back into the kind of file that it came from. A table of counts is printed at the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from corpus import Corpus, Outcome
from fhir_web import PARTIES, DirectoryWeb, interaction, organization, party
from sds_corpus import (
    DEVICE,
    ENDPOINT,
    Read,
    Said,
    as_cached,
    as_dumped,
    as_routes,
    cached,
    devices_and_endpoints,
    dumped,
    routes,
    row_of,
    said_by,
)

from core.directory import ContractProperties, System
from legacy_contracts.sds import durations

ANSWERS: Final = (
    "sds_device_response",
    "sds_device_multiple_results_response",
    "sds_endpoint_response",
    "sds_endpoint_multiple_results_response",
)
NOTHING: Final = "sds/mhs-adaptor/sds_zero_results_response.json"
ROUTES: Final = ("routing", "reliability")
ENTRIES: Final = "sds/mhs-adaptor/my_real_server_entries.json"
DUMPS: Final = ("sds/tkw-mth/siab-test-sds-ref.xml", "sds/tkw-mth/siab-test-sds-ref_mth.xml")
DURATIONS: Final = "sds/tkw-mth/persistDurations.txt"
NO_ANSWERS: Final = {
    "sds/mhs-adaptor/interactions.json": "a list of interactions",
    "sds/mhs-adaptor/my_real_server_info.json": "a root DSE: LDAP",
    "sds/mhs-adaptor/my_real_server_schema.json": "a subschema: LDAP",
    "sds/mhs-adaptor/sds_unexpected_response.json": "no answer of the directory's: a client's test",
}
DEVICE_SHOWS: Final = frozenset(
    "uniqueIdentifier nhsMHSPartyKey nhsAsSvcIA nhsAsClient nhsMhsManufacturerOrg".split()
)


def answer_path(name: str) -> str:
    return f"sds/mhs-adaptor/{name}.json"


def caches(captured: Corpus) -> list[str]:
    return [
        one.file
        for one in captured.entries()
        if one.file.startswith("sds/tkw-") and one.file.endswith(".json")
    ]


def asked_for(read: Read) -> Any:  # noqa: ANN401 - JSON
    """List a row in a directory of its own, and give the one resource that is found of it."""
    row = read.row
    if isinstance(row, System):
        web = DirectoryWeb(systems=(row,), contracts=())
        path, service = "/Device", row.interactions[0]
    else:
        web = DirectoryWeb(systems=(), contracts=(row,))
        path, service = "/Endpoint", f"{row.service}:{row.interaction}"
    answer = web.ask(path, organization(row.organisation), interaction(service))
    (found,) = answer.resources
    same = web.ask(path, organization(row.organisation), interaction(service), party(row.party_key))
    assert same.resources == [found]
    return found


def note(outcomes: list[Outcome], file: str, rows: Iterable[Read], what: str) -> None:
    rows = tuple(rows)
    otherwise = sum(one.otherwise for one in rows)
    why = f"{otherwise} values that an import refuses" if otherwise else ""
    outcomes.append(Outcome("sds", file, f"{what}, rebuilt: {len(rows)}", why))


@pytest.mark.parametrize("name", ANSWERS)
def test_each_resource_of_an_answer_is_made_again(
    captured: Corpus, outcomes: list[Outcome], name: str
) -> None:
    bundle = json.loads(captured.text(answer_path(name)))
    kind = DEVICE if "device" in name else ENDPOINT
    rows = []
    for resource in devices_and_endpoints(bundle):
        read = row_of(kind, {**_of_its_organisation(bundle), **said_by(resource)})
        assert resource == {key: value for key, value in asked_for(read).items() if key != "id"}
        rows.append(read)
    assert len(rows) == bundle["total"] == (2 if "multiple" in name else 1)
    note(outcomes, answer_path(name), rows, "resources")


def _of_its_organisation(bundle: Any) -> Said:  # noqa: ANN401 - JSON
    (link,) = bundle["link"]
    query = urlsplit(link["url"]).query
    return {"nhsIDCode": (query.partition("|")[2].partition("&")[0],)}


@pytest.mark.parametrize("name", [one for one in ANSWERS if "device_multiple" not in one])
def test_a_whole_answer_is_made_again_to_the_same_question(captured: Corpus, name: str) -> None:
    # The answer left out has one ASID twice, which no directory has: its resources alone are made.
    bundle = json.loads(captured.text(answer_path(name)))
    kind = DEVICE if "device" in name else ENDPOINT
    rows = [
        row_of(kind, {**_of_its_organisation(bundle), **said_by(one)}).row
        for one in devices_and_endpoints(bundle)
    ]
    web = DirectoryWeb(
        PARTIES,
        [one for one in rows if isinstance(one, System)],
        [one for one in rows if isinstance(one, ContractProperties)],
    )
    url = urlsplit(bundle["link"][0]["url"])
    answer = web.request(
        url.path, url.query, HTTP_HOST=url.netloc, **{"wsgi.url_scheme": url.scheme}
    )
    assert canonical(answer.json) == canonical(bundle)


def canonical(bundle: Any) -> Any:  # noqa: ANN401 - JSON
    """Give a searchset without ids; its entries have no order."""
    entries = [
        {
            **one,
            "fullUrl": one["fullUrl"].rpartition("/")[0],
            "resource": {key: value for key, value in one["resource"].items() if key != "id"},
        }
        for one in bundle["entry"]
    ]
    return {**bundle, "id": "", "entry": sorted(entries, key=json.dumps)}


def test_an_answer_that_found_nothing_is_made_again(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    # This one was written by hand: it has no link and no entry, the reference's have both.
    expected = json.loads(captured.text(NOTHING))
    found = DirectoryWeb().ask("/Endpoint", organization("T0"), interaction("x")).json
    assert found.pop("entry") == []
    assert len(found.pop("link")) == 1
    assert {**found, "id": ""} == {**expected, "id": ""}
    note(outcomes, NOTHING, (), "resources")


@pytest.mark.parametrize("name", ROUTES)
def test_each_answer_of_the_route_lookup_is_made_again(
    captured: Corpus, outcomes: list[Outcome], name: str
) -> None:
    text = captured.text(answer_path(name))
    read = row_of(ENDPOINT, routes(text))
    assert as_routes(said_by(asked_for(read)), text) == json.loads(text)
    note(outcomes, answer_path(name), [read], "routes")


def test_each_entry_of_the_cache_of_a_message_handler_is_made_again(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    made_by_the_client = {"Service", "InteractionId", "IsSynchronous", "Asid"}
    files = caches(captured)
    for file in files:
        text = captured.text(file)
        read = row_of(ENDPOINT, cached(text))
        expected = {
            name: one for name, one in json.loads(text).items() if name not in made_by_the_client
        }
        assert as_cached(said_by(asked_for(read)), text) == expected
        for asid in json.loads(text)["Asid"]:
            said = {"uniqueIdentifier": (asid,), "nhsAsSvcIA": cached(text)["nhsMhsSvcIA"]}
            assert said_by(asked_for(row_of(DEVICE, said)))["uniqueIdentifier"] == (asid,)
        note(outcomes, file, [read], "contracts")
    assert len(files) == 22


@pytest.mark.parametrize(("file", "count"), [(DUMPS[0], 93), (DUMPS[1], 82)])
def test_each_entry_of_a_reference_file_is_made_again(
    captured: Corpus, outcomes: list[Outcome], file: str, count: int
) -> None:
    rows = []
    for said, found in dumped(captured.place / file):
        read = row_of(ENDPOINT, said)
        expected = as_dumped(said)
        assert expected["service:interaction"] == f"{found['service']}:{found['interaction']}"
        assert as_dumped(said_by(asked_for(read))) == expected
        rows.append(read)
    assert len(rows) == count
    note(outcomes, file, rows, "contracts")


def test_each_persist_duration_is_given_as_it_is_listed(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    rows = []
    lengths: Counter[str] = Counter()
    for line in captured.text(DURATIONS).splitlines():
        service_id, length = line.split()
        assert durations.seconds_of(length)
        read = row_of(ENDPOINT, {"nhsMhsSvcIA": (service_id,), "nhsMHSPersistDuration": (length,)})
        assert said_by(asked_for(read))["nhsMHSPersistDuration"] == (length,)
        lengths[length] += 1
        rows.append(read)
    assert lengths.total() == 255
    note(outcomes, DURATIONS, rows, "persist durations")


def test_each_entry_of_the_real_directory_is_shown(
    captured: Corpus, outcomes: list[Outcome]
) -> None:
    rows = []
    for entry in json.loads(captured.text(ENTRIES))["entries"]:
        raw: Said = {name: tuple(values) for name, values in entry["raw"].items()}
        kind = ENDPOINT if ENDPOINT in raw["objectClass"] else DEVICE
        read = row_of(kind, _respelt(raw))
        shown = said_by(asked_for(read))
        expected = {name: values for name, values in _respelt(raw).items() if name in shown}
        assert shown == expected
        if kind == DEVICE:
            assert set(shown) == {one for one in _respelt(raw) if one in DEVICE_SHOWS}
        else:
            assert len(shown) == 14
        rows.append(read)
    assert len(rows) == 2
    note(outcomes, ENTRIES, rows, "entries")


def _respelt(raw: Said) -> Said:
    """Give the names as those of the other class are spelt: names have no case."""
    return {
        "nhsMHSPartyKey" if name.lower() == "nhsmhspartykey" else name: values
        for name, values in raw.items()
    }


def test_no_file_of_the_corpus_was_left_out(captured: Corpus, outcomes: list[Outcome]) -> None:
    files = {one.file for one in captured.entries() if one.file.startswith("sds/")}
    made = {
        *map(answer_path, (*ANSWERS, *ROUTES)),
        NOTHING,
        ENTRIES,
        *DUMPS,
        DURATIONS,
        *caches(captured),
    }
    assert files == made | set(NO_ANSWERS)
    assert (len(files), len(made), len(NO_ANSWERS)) == (37, 33, 4)
    outcomes += [Outcome("sds", file, "no answer", why) for file, why in NO_ANSWERS.items()]
