"""A directory of two practices behind its WSGI application, asked over FHIR as clients ask it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from hubs import US
from msgspec import Struct
from msgspec.structs import replace
from serving import core_on, fixed_context

from adapters.ourselves import Ourselves
from core.directory import (
    Actor,
    ContractProperties,
    Organisation,
    Party,
    System,
    list_contracts,
    list_entries,
    list_organisations,
)
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.identity import Asid, PartyKey
from facade.metrics import Metrics
from facade.web import Application
from facade.wiring import Spine
from legacy_contracts.sds.fhir_asking import ODS_CODE, PARTY_KEY, SERVICE_ID

PRACTICE: Final = "T99999"
OTHER: Final = "T88888"
PRACTICE_PARTY: Final = PartyKey("T99999-9900011")
OTHER_PARTY: Final = PartyKey("T88888-9900012")
ASID: Final = Asid("990000000011")
SECOND_ASID: Final = Asid("990000000012")
OTHER_ASID: Final = Asid("990000000013")
GPCONNECT: Final = "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getstructuredrecord-1"
EXTRACT: Final = "urn:nhs:names:services:gp2gp:RCMR_IN030000UK06"
LATER_EXTRACT: Final = "urn:nhs:names:services:gp2gp:RCMR_IN030000UK07"
INTERMEDIARY: Final = "https://hub.spine.test/reliablemessaging/intermediary"

UUID: Final = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}")

ORGANISATIONS: Final = (
    Organisation(PRACTICE, "Sample practice"),
    Organisation(OTHER, "Other practice"),
)
PARTIES: Final = (
    Party(PRACTICE_PARTY, "Sample practice", (), organisation=PRACTICE),
    Party(
        OTHER_PARTY,
        "Other practice",
        (),
        organisation=OTHER,
        endpoint="https://other.spine.test/inbound",
    ),
)
SYSTEMS: Final = (
    System(
        ASID,
        PRACTICE_PARTY,
        "Sample records",
        ("gpc.getstructuredrecord-1",),
        (GPCONNECT, EXTRACT),
        attributes=(("nhsMhsManufacturerOrg", ("T77777",)), ("nhsAsClient", (PRACTICE,))),
    ),
    System(SECOND_ASID, PRACTICE_PARTY, "Front desk", (), (EXTRACT,)),
    System(OTHER_ASID, OTHER_PARTY, "Other records", (), (GPCONNECT, EXTRACT)),
)


def contract(party: PartyKey, service_id: str, endpoint: str = "") -> ContractProperties:
    """Give a contract on one service and interaction."""
    service, _, interaction = service_id.rpartition(":")
    return ContractProperties(
        party_key=party,
        service=service,
        interaction=interaction,
        cpa_id="S9999999A9999911",
        endpoint=endpoint,
        ack_requested=True,
        duplicate_elimination=True,
        sync_reply=True,
        actor=Actor.TO_PARTY_MSH,
        retries=2,
        retry_seconds=60.0,
        persist_seconds=300.0,
    )


CONTRACTS: Final = (
    contract(PRACTICE_PARTY, GPCONNECT, "https://sample.spine.test/T99999/STU3/1"),
    contract(PRACTICE_PARTY, EXTRACT, "https://sample.spine.test/inbound"),
    contract(PRACTICE_PARTY, LATER_EXTRACT, "https://sample.spine.test/inbound"),
    contract(OTHER_PARTY, EXTRACT),
    contract(US, "urn:nhs:names:services:tms:ReliableIntermediary", INTERMEDIARY),
)


class FhirAnswer(Struct, frozen=True):
    """What the application answers to one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The resource."""
        return json.loads(self.body)

    @property
    def resources(self) -> list[Any]:
        """The resources that were found."""
        assert self.status == 200, self.body
        assert self.json["total"] == len(self.json["entry"])
        return [one["resource"] for one in self.json["entry"]]

    @property
    def diagnostics(self) -> str:
        """What an OperationOutcome says, and nothing else does."""
        assert self.json["resourceType"] == "OperationOutcome"
        (issue,) = self.json["issue"]
        return str(issue["diagnostics"])


@dataclass(slots=True)
class DirectoryWeb:
    """The application of a directory; `wrap` may put something between it and its store."""

    parties: Iterable[Party] = PARTIES
    systems: Iterable[System] = SYSTEMS
    contracts: Iterable[ContractProperties] = CONTRACTS
    organisations: Iterable[Organisation] = ORGANISATIONS
    wrap: Callable[[Store], Store] = field(default=lambda store: store)
    us: Ourselves = field(init=False)
    _application: Application = field(init=False)

    def __post_init__(self) -> None:
        store, context = MemoryStore(), fixed_context()
        at = {"at": "2014-01-02", "import_id": "fhir"}
        core = core_on(store, context)
        list_organisations(store, self.organisations, **at)
        list_entries(store, [*self.parties, Party(US, "Hub", ())], self.systems, **at)
        list_contracts(store, self.contracts, **at)
        core = replace(core, store=self.wrap(store))
        self.us = Ourselves(core, context, US)
        made = Spine(core, core.store, context, core.audit, self.us)
        self._application = Application(
            made, Metrics(), limit_bytes=5_000_000, names_of=lambda _environ: ()
        )

    def ask(self, path: str, *parameters: tuple[str, str], **environ: str) -> FhirAnswer:
        """Give the answer to a GET with these parameters."""
        return self.request(path, urlencode(parameters, quote_via=quote), **environ)

    def request(self, path: str, query: str, **environ: str) -> FhirAnswer:
        """Give the answer to a request as a server hands it over."""
        given = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "spine.test",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(b""),
            **environ,
        }
        said: list[Any] = []
        body = b"".join(self._application(given, lambda *one: said.extend(one)))
        status, headers = said
        return FhirAnswer(int(status.split(" ")[0]), dict(headers), body)


def organization(code: str) -> tuple[str, str]:
    """Give the parameter that names an organisation."""
    return "organization", f"{ODS_CODE}|{code}"


def interaction(service_id: str) -> tuple[str, str]:
    """Give the parameter that names a service and interaction."""
    return "identifier", f"{SERVICE_ID}|{service_id}"


def party(key: str) -> tuple[str, str]:
    """Give the parameter that names a message handler."""
    return "identifier", f"{PARTY_KEY}|{key}"


def manufacturer(code: str) -> tuple[str, str]:
    """Give the parameter that names who makes a system."""
    return "manufacturing-organization", f"{ODS_CODE}|{code}"


def identifiers(resource: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    """Give a resource's identifiers by the last part of their systems."""
    return {one["system"].rpartition("/")[2]: one["value"] for one in resource["identifier"]}


def reliability(resource: Any) -> dict[str, str | int]:  # noqa: ANN401 - JSON
    """Give an Endpoint's reliability values as a message handler reads them."""
    (found,) = [one for one in resource["extension"] if "extension" in one]
    return {
        one["url"]: value
        for one in found["extension"]
        for name, value in one.items()
        if name != "url"
    }
