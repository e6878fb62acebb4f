"""The two routes of a message handler, LDAP and FHIR, find what the hub itself delivers by."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pytest
from directory_routes import Route, of_the_hub, over_fhir, over_ldap, served
from ebxml_messages import SERVICES
from hub_messages import forwarded
from hub_web import HubWeb
from hubs import CONTRACTS, ENDPOINTS, NAMES, US, TestHub, contract
from msgspec.structs import replace
from wrapped_messages import OTHER_ASID, OTHER_PARTY

from core.directory import ContractProperties, Party, System, list_entries
from core.messaging.keeping import iso, later
from core.values.identity import Asid, PartyKey
from legacy_contracts.sds.fhir_forwarding import RELIABLE

PLACE: Final = "T88888"
RECEIVER: Final = PartyKey(OTHER_PARTY)
INTERMEDIARY: Final = "https://hub.spine.test/reliablemessaging/intermediary"

AGREED: Final = (
    # An endpoint of its own; a duration in hours; one with a fraction; many tries; none.
    replace(
        contract(OTHER_PARTY, "gp2gp", "RCMR_IN030000UK07"),
        endpoint="https://other.spine.test/gp2gp",
        persist_seconds=4 * 3600 + 600,
    ),
    replace(
        contract(OTHER_PARTY, "ebs", "PRSC_IN080000UK07", "S9999999A9999977"),
        retries=5,
        retry_seconds=90.5,
        persist_seconds=2 * 86400.0,
    ),
    replace(
        contract(OTHER_PARTY, "ebs", "PRSC_IN040000UK08"),
        ack_requested=False,
        duplicate_elimination=False,
        retries=0,
    ),
    replace(contract(OTHER_PARTY, "pat", "POLB_IN020005UK01"), duplicate_elimination=True),
)
"""What was agreed with the receiver, each in another way."""


def hub_with(*agreed: ContractProperties) -> TestHub:
    """Give a hub that has agreed on this, and whose receiver is where clients look for it."""
    keys = {(one.party_key, one.service, one.interaction) for one in agreed}
    kept = [one for one in CONTRACTS if (one.party_key, one.service, one.interaction) not in keys]
    hub = TestHub(contracts=(*kept, *agreed))
    services = tuple(f"{one.service}:{one.interaction}" for one in (*kept, *agreed))
    name, activities = NAMES[OTHER_PARTY], tuple(one.interaction for one in (*kept, *agreed))
    list_entries(
        hub.store,
        [Party(RECEIVER, "", (name,), organisation=PLACE, endpoint=ENDPOINTS[OTHER_PARTY])],
        [System(Asid(OTHER_ASID), RECEIVER, "", activities, tuple(dict.fromkeys(services)))],
        at="2014-01-02",
        import_id="place",
    )
    return hub


def routes_to(hub: TestHub, service_id: str) -> tuple[Route, Route]:
    """Give what is found over LDAP, and over FHIR."""
    with served(hub) as port:
        return over_ldap(port, PLACE, service_id), over_fhir(HubWeb(hub), PLACE, service_id)


@pytest.mark.parametrize("agreed", AGREED, ids=[one.interaction for one in AGREED])
def test_both_routes_find_what_the_hub_delivers_by(agreed: ContractProperties) -> None:
    hub = hub_with(*AGREED)
    service_id = f"{agreed.service}:{agreed.interaction}"

    over_ldap_found, over_fhir_found = routes_to(hub, service_id)

    expected = of_the_hub(hub, OTHER_ASID, RECEIVER, service_id)
    assert over_ldap_found == expected
    assert over_fhir_found == expected


@pytest.mark.parametrize("agreed", [one for one in AGREED if one.ack_requested])
def test_a_message_by_what_both_routes_say_is_delivered_so(agreed: ContractProperties) -> None:
    hub = hub_with(*AGREED)
    service = agreed.service.removeprefix(SERVICES)
    found, also = routes_to(hub, f"{agreed.service}:{agreed.interaction}")
    assert found == also
    is_eliminated = found.duplicate_elimination == "always"
    sent = replace(
        forwarded(service, agreed.interaction),
        to_party=found.party_key,
        cpa_id=found.cpa_id,
        duplicate_elimination="" if is_eliminated else None,
    )

    answered = hub.receive(sent)
    hub.work()

    assert (answered.status, answered.outcome) == (202, "accepted"), answered.body
    # The rest is its acknowledgment, on its way back.
    back = ENDPOINTS[sent.from_party]
    assert [endpoint for endpoint, _ in hub.posted if endpoint != back] == [found.endpoint]
    message = hub.us.core.hub.message(f"{sent.from_party}|{sent.message_id}")
    assert message is not None
    terms = message.accepted.terms
    assert (terms.retries, terms.retry_seconds) == (found.retries, found.retry_seconds)
    assert found.persist_seconds is not None
    assert terms.until == later(hub.clock.now, found.persist_seconds)
    assert iso(datetime.fromisoformat(message.accepted_at)) == iso(hub.clock.now)


def test_only_fhir_names_the_hub_for_what_it_passes_on_and_nothing_else_differs() -> None:
    # As the reference does; a handler that asks LDAP looks the intermediary up by itself.
    service, _, interaction = RELIABLE.rpartition(":")
    intermediary = replace(
        contract(US, "tms", "x"), service=service, interaction=interaction, endpoint=INTERMEDIARY
    )
    hub = hub_with(*AGREED, intermediary)

    over_ldap_found, over_fhir_found = routes_to(hub, f"{SERVICES}ebs:PRSC_IN080000UK07")

    assert over_ldap_found.endpoint == ENDPOINTS[OTHER_PARTY]
    assert over_fhir_found == replace(over_ldap_found, endpoint=INTERMEDIARY)
