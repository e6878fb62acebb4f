"""How a message handler finds its receiver: over LDAP, over FHIR, and as the hub itself does.

The two lookups of either route, their filters and queries, and what is read out of the answers are
those of integration-adaptor-mhs (spineroutelookup's sds_client.py, mhs_common's sds_api_client.py).
"""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from fhir_web import FhirAnswer, identifiers, interaction, organization, party, reliability
from hub_web import HubWeb
from hubs import TestHub
from msgspec import Struct

from adapters.sds_ldap import SearchLimits
from adapters.sds_paging import Cookies
from core.values.identity import PartyKey
from facade.ldap_connection import Listening, Patience
from facade.ldap_server import Door, Server
from facade.ldap_session import Served
from facade.ldap_users import Passwords
from legacy_contracts.sds import durations
from legacy_contracts.sds.ldap_filters import FilterLimits

with warnings.catch_warnings():
    # It names things of pyasn1 that have other names now.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3

SEARCH_BASE: Final = "ou=services,o=nhs"
_LDAP_VALUES: Final = (
    "nhsMHSEndPoint nhsMHSPartyKey nhsMhsCPAId nhsMhsFQDN nhsMHSAckRequested "
    "nhsMHSDuplicateElimination nhsMHSPersistDuration nhsMHSRetries nhsMHSRetryInterval "
    "nhsMHSSyncReplyMode"
).split()


class Route(Struct, frozen=True):
    """Where a message goes and what was agreed on it, as a message handler works with it."""

    asid: str
    party_key: str
    endpoint: str
    cpa_id: str
    ack_requested: str
    duplicate_elimination: str
    sync_reply: str
    retries: int
    retry_seconds: float | None
    persist_seconds: float | None


@contextmanager
def served(hub: TestHub) -> Iterator[int]:
    """Serve a hub's directory over LDAP on a socket of this process, and give its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = SearchLimits(size=500, examined=5_000, seconds=5.0)
    shared = Served(
        hub.us.core, Passwords({}), Cookies(b"k" * 32), limits, time.monotonic, anonymous=True
    )
    patience = Patience(5.0, 5.0, 60.0, 100_000, FilterLimits(32, 1000))

    def listening(is_tls: bool, woken: socket.socket) -> Listening:  # noqa: FBT001 - the server's
        return Listening(shared, patience, None, is_tls, woken)

    server = Server((Door(listener, is_tls=False),), listening, 4)
    running = threading.Thread(target=server.run, args=(lambda: True, 5.0), daemon=True)
    running.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.stop()
        running.join(10)
        listener.close()
        server._woken.close()


def over_ldap(port: int, ods_code: str, service_id: str) -> Route:
    """Give what two searches of LDAP find."""
    server = ldap3.Server("127.0.0.1", port, get_info=ldap3.ALL)
    connection = ldap3.Connection(server, auto_bind=True)
    try:
        system = _searched(
            connection,
            f"(&(nhsIDCode={ods_code}) (objectClass=nhsAs) (nhsAsSvcIA={service_id}))",
            ["nhsMHSPartyKey", "uniqueIdentifier"],
        )
        found = _searched(
            connection,
            f"(&(objectClass=nhsMhs) (nhsMHSPartyKey={system['nhsMHSPartyKey']})"
            f" (nhsMhsSvcIA={service_id}))",
            _LDAP_VALUES,
        )
    finally:
        connection.unbind()
    (asid,) = system["uniqueIdentifier"]
    (endpoint,) = found["nhsMHSEndPoint"]
    return _route(asid, {**found, "nhsMHSEndPoint": endpoint})


def _searched(connection: Any, term: str, attributes: list[str]) -> Any:  # noqa: ANN401 - ldap3's
    assert connection.search(SEARCH_BASE, term, attributes=attributes), connection.result
    (found,) = connection.response
    return found["attributes"]


def over_fhir(web: HubWeb, ods_code: str, service_id: str) -> Route:
    """Give what a /Device and an /Endpoint say."""
    (device,) = _asked(web, "/Device", organization(ods_code), interaction(service_id))
    said = identifiers(device)
    (found,) = _asked(web, "/Endpoint", interaction(service_id), party(said["nhsMhsPartyKey"]))
    told = identifiers(found)
    values = {
        **reliability(found),
        "nhsMHSEndPoint": found["address"],
        "nhsMHSPartyKey": told["nhsMhsPartyKey"],
        "nhsMhsCPAId": told["nhsMhsCPAId"],
    }
    return _route(said["nhsSpineASID"], values)


def _asked(web: HubWeb, path: str, *parameters: tuple[str, str]) -> list[Any]:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/spine-directory/FHIR/R4{path}",
        "QUERY_STRING": "&".join(f"{name}={quote(value)}" for name, value in parameters),
        "HTTP_HOST": "spine.test",
        "wsgi.url_scheme": "https",
    }
    answer = web.post(environ, b"", names=())
    return FhirAnswer(answer.status, answer.headers, answer.body).resources


def _route(asid: str, values: Any) -> Route:  # noqa: ANN401 - of ldap3, or a dict
    return Route(
        asid=asid,
        party_key=values["nhsMHSPartyKey"],
        endpoint=values["nhsMHSEndPoint"],
        cpa_id=values["nhsMhsCPAId"],
        ack_requested=values["nhsMHSAckRequested"],
        duplicate_elimination=values["nhsMHSDuplicateElimination"],
        sync_reply=values["nhsMHSSyncReplyMode"],
        retries=int(values["nhsMHSRetries"]),
        retry_seconds=durations.seconds_of(values["nhsMHSRetryInterval"]),
        persist_seconds=durations.seconds_of(values["nhsMHSPersistDuration"]),
    )


def of_the_hub(hub: TestHub, asid: str, party_key: PartyKey, service_id: str) -> Route:
    """Give what the hub itself goes by for a receiver: its contract, and its party's endpoint."""
    directory = hub.us.core.directory
    service, _, action = service_id.rpartition(":")
    agreed, receiver = directory.contract(party_key, service, action), directory.party(party_key)
    assert agreed is not None
    assert receiver is not None
    always = {True: "always", False: "never"}
    return Route(
        asid=asid,
        party_key=agreed.party_key,
        endpoint=agreed.endpoint or receiver.endpoint,
        cpa_id=agreed.cpa_id,
        ack_requested=always[agreed.ack_requested],
        duplicate_elimination=always[agreed.duplicate_elimination],
        sync_reply={True: "MSHSignalsOnly", False: "None"}[agreed.sync_reply],
        retries=agreed.retries,
        retry_seconds=agreed.retry_seconds,
        persist_seconds=agreed.persist_seconds,
    )
