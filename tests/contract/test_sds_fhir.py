"""The directory over FHIR: what is found, and how it is shown, as clients expect."""

from __future__ import annotations

import json

import pytest
from fhir_web import (
    ASID,
    EXTRACT,
    GPCONNECT,
    INTERMEDIARY,
    LATER_EXTRACT,
    OTHER,
    OTHER_PARTY,
    PRACTICE,
    PRACTICE_PARTY,
    SECOND_ASID,
    UUID,
    DirectoryWeb,
    FhirAnswer,
    contract,
    identifiers,
    interaction,
    manufacturer,
    organization,
    party,
    reliability,
)

from core.audit import Access, read_page

ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
SERVICE = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
KEY = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
CORRELATION = "b23ee5c7-126f-401b-9bfa-a0d36f72119e"
BASE = "/spine-directory/FHIR/R4"
CORRELATION = "b23ee5c7-126f-401b-9bfa-a0d36f72119e"


@pytest.fixture(scope="module")
def web() -> DirectoryWeb:
    return DirectoryWeb()


def asids(answer: FhirAnswer) -> list[str]:
    return [identifiers(one)["nhsSpineASID"] for one in answer.resources]


def test_a_device_says_who_a_system_is_and_what_it_may_do(web: DirectoryWeb) -> None:
    (found,) = web.ask("/Device", organization(PRACTICE), interaction(GPCONNECT)).resources
    extension = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-"
    assert {name: value for name, value in found.items() if name != "id"} == {
        "resourceType": "Device",
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/nhsSpineASID", "value": ASID},
            {"system": KEY, "value": PRACTICE_PARTY},
        ],
        "extension": [
            {
                "url": f"{extension}ManufacturingOrganisation",
                "valueReference": {"identifier": {"system": ODS, "value": "T77777"}},
            },
            *(
                {
                    "url": f"{extension}NhsServiceInteractionId",
                    "valueReference": {"identifier": {"system": SERVICE, "value": one}},
                }
                for one in (GPCONNECT, EXTRACT)
            ),
        ],
        "owner": {"identifier": {"system": ODS, "value": PRACTICE}},
    }


def test_devices_are_found_by_all_that_is_asked_together(web: DirectoryWeb) -> None:
    place, service = organization(PRACTICE), interaction(EXTRACT)
    assert asids(web.ask("/Device", place, service)) == [ASID, SECOND_ASID]
    assert asids(web.ask("/Device", service, place, party(PRACTICE_PARTY))) == [ASID, SECOND_ASID]
    assert asids(web.ask("/Device", place, service, manufacturer("t77777"))) == [ASID]
    assert asids(web.ask("/Device", place, service, manufacturer("T66666"))) == []
    assert asids(web.ask("/Device", place, service, party(OTHER_PARTY))) == []
    assert asids(web.ask("/Device", organization("T0"), service)) == []
    assert asids(web.ask("/Device", place, interaction(LATER_EXTRACT))) == []


@pytest.mark.parametrize(
    "parameters",
    [
        (organization(PRACTICE), interaction(GPCONNECT), party(PRACTICE_PARTY)),
        (organization(PRACTICE), interaction(GPCONNECT)),
        (interaction(GPCONNECT), party(PRACTICE_PARTY)),
        (interaction(GPCONNECT), party(PRACTICE_PARTY.lower())),
    ],
)
def test_an_endpoint_says_where_and_how_a_message_is_sent(
    web: DirectoryWeb, parameters: tuple[tuple[str, str], ...]
) -> None:
    (found,) = web.ask("/Endpoint", *parameters).resources
    assert found["status"] == "active"
    assert found["address"] == "https://sample.spine.test/T99999/STU3/1"
    assert found["managingOrganization"] == {"identifier": {"system": ODS, "value": PRACTICE}}
    terminology = "http://terminology.hl7.org/CodeSystem/endpoint"
    assert found["connectionType"] == {
        "system": f"{terminology}-connection-type",
        "code": "hl7-fhir-msg",
        "display": "HL7 FHIR Messaging",
    }
    assert found["payloadType"] == [
        {"coding": [{"system": f"{terminology}-payload-type", "code": "any", "display": "Any"}]}
    ]
    said = identifiers(found)
    assert said.pop("nhsMHSId").startswith("S")
    assert said == {
        "nhsMhsFQDN": "sample.spine.test",
        "nhsMhsPartyKey": PRACTICE_PARTY,
        "nhsMhsCPAId": "S9999999A9999911",
    }
    assert reliability(found) == {
        "nhsMHSSyncReplyMode": "MSHSignalsOnly",
        "nhsMHSRetryInterval": "PT1M",
        "nhsMHSRetries": 2,
        "nhsMHSPersistDuration": "PT5M",
        "nhsMHSDuplicateElimination": "always",
        "nhsMHSAckRequested": "always",
        "nhsMHSActor": "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH",
    }
    assert found["extension"][-1]["valueReference"]["identifier"]["value"] == GPCONNECT


def test_an_organisation_and_a_party_give_all_that_it_takes(web: DirectoryWeb) -> None:
    found = web.ask("/Endpoint", organization(PRACTICE), party(PRACTICE_PARTY)).resources
    services = [one["extension"][-1]["valueReference"]["identifier"]["value"] for one in found]
    assert sorted(services) == sorted([GPCONNECT, EXTRACT, LATER_EXTRACT])
    assert web.ask("/Endpoint", organization(OTHER), party(PRACTICE_PARTY)).resources == []


def test_what_goes_by_way_of_the_hub_is_sent_to_the_hub(web: DirectoryWeb) -> None:
    # RCMR_IN030000UK07 is not in the reference's list, so its receiver's own address is given.
    for service_id, address in (
        (EXTRACT, INTERMEDIARY),
        (LATER_EXTRACT, "https://sample.spine.test/inbound"),
    ):
        (found,) = web.ask("/Endpoint", interaction(service_id), party(PRACTICE_PARTY)).resources
        assert found["address"] == address
        assert identifiers(found)["nhsMhsPartyKey"] == PRACTICE_PARTY


def test_where_no_intermediary_is_listed_a_receiver_keeps_its_own_address() -> None:
    web = DirectoryWeb(contracts=(contract(OTHER_PARTY, EXTRACT),))
    (found,) = web.ask("/Endpoint", interaction(EXTRACT), party(OTHER_PARTY)).resources
    assert found["address"] == "https://other.spine.test/inbound"


def test_an_answer_is_a_searchset_that_says_what_was_asked(web: DirectoryWeb) -> None:
    # A public configuration of integration-adaptor-mhs has a base that ends in a slash.
    for path in ("/Device", f"{BASE}/Device", f"{BASE}//Device"):
        answer = web.ask(path, organization(PRACTICE), interaction(GPCONNECT))
        bundle = answer.json
        assert list(bundle) == ["resourceType", "id", "type", "total", "link", "entry"]
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
        assert UUID.fullmatch(bundle["id"])
        asked = f"https://spine.test{path}?organization={ODS}|{PRACTICE}"
        assert bundle["link"] == [
            {"relation": "self", "url": f"{asked}&identifier={SERVICE}|{GPCONNECT}"}
        ]
        (entry,) = bundle["entry"]
        assert entry["fullUrl"] == f"https://spine.test{path}/{entry['resource']['id']}"
        assert entry["search"] == {"mode": "match"}
        assert answer.body == json.dumps(bundle, indent=2).encode()


def test_nothing_found_is_an_empty_searchset(web: DirectoryWeb) -> None:
    bundle = web.ask("/Endpoint", organization("T0"), party("T0-1")).json
    assert (bundle["total"], bundle["entry"]) == (0, [])


def test_the_id_of_a_resource_is_the_same_each_time_and_its_own(web: DirectoryWeb) -> None:
    asked = (organization(PRACTICE), interaction(EXTRACT))
    once, again = ([one["id"] for one in web.ask("/Device", *asked).resources] for _ in range(2))
    endpoint = [one["id"] for one in web.ask("/Endpoint", *asked).resources]
    assert once == again
    assert len({*once, *endpoint}) == 3
    assert all(UUID.fullmatch(one) for one in (*once, *endpoint))


def test_the_last_of_several_values_counts(web: DirectoryWeb) -> None:
    asked = (organization("T0"), organization(PRACTICE), interaction("x"), interaction(GPCONNECT))
    assert asids(web.ask("/Device", *asked)) == [ASID]


def test_spaces_around_a_value_do_not_count(web: DirectoryWeb) -> None:
    # Public clients send a space after the bar (connecting-party-manager, sds_data_tests).
    assert asids(web.ask("/Device", organization(f" {PRACTICE} "), interaction(GPCONNECT))) == [
        ASID
    ]
    asked = (interaction(f" {GPCONNECT}"), party(f" {PRACTICE_PARTY}"))
    assert len(web.ask("/Endpoint", *asked).resources) == 1


def test_a_code_and_a_service_are_compared_to_the_letter(web: DirectoryWeb) -> None:
    assert asids(web.ask("/Device", organization("t99999"), interaction(GPCONNECT))) == []
    assert asids(web.ask("/Device", organization(PRACTICE), interaction(GPCONNECT.upper()))) == []


@pytest.mark.parametrize("text", ["*", "T9*", "T99999)(x=*", "\\2a"])
def test_a_value_is_no_filter(web: DirectoryWeb, text: str) -> None:
    assert asids(web.ask("/Device", organization(text), interaction(GPCONNECT))) == []
    assert web.ask("/Endpoint", interaction("*"), party("*")).resources == []


def test_the_capability_statement_names_what_may_be_searched(web: DirectoryWeb) -> None:
    answer = web.request(f"{BASE}/metadata", "_format=json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/fhir+json")
    said = answer.json
    assert (said["resourceType"], said["fhirVersion"], said["kind"]) == (
        "CapabilityStatement",
        "4.0.1",
        "instance",
    )
    assert said["implementation"]["url"] == f"https://spine.test{BASE}"
    (rest,) = said["rest"]
    named = {
        one["type"]: {parameter["name"] for parameter in one["searchParam"]}
        for one in rest["resource"]
    }
    assert named == {
        "Device": {"organization", "identifier", "manufacturing-organization"},
        "Endpoint": {"organization", "identifier"},
    }


def test_each_search_is_audited_and_what_it_found_is_not() -> None:
    web = DirectoryWeb()
    asked = (organization(PRACTICE), interaction(EXTRACT))
    assert len(web.ask("/Device", *asked, HTTP_X_CORRELATION_ID=CORRELATION).resources) == 2
    assert web.request("/Endpoint", "_count=1").status == 400
    assert web.request("/metadata", "").status == 200
    entries: list[Access] = []
    while (page := read_page(web.us.core.store, "test", len(entries))) is not None:
        entries += page.entries
    assert [(one.command, one.outcome, one.patients) for one in entries] == [
        ("SearchDirectory", "done", ()),
        ("SearchDirectory", "BAD_REQUEST", ()),
    ]
    assert entries[0].message_id == CORRELATION
