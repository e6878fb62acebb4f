"""The directory's FHIR face: what is asked over HTTP, found through the core, shown as a Bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from adapters import sds
from adapters.ourselves import Ourselves
from adapters.pipeline import Answered
from core.directory.finding import By, FindEntries, Found, Kind, exactly
from core.door import ALLOWED
from core.values.identity import Caller, PartyKey
from legacy_contracts.sds import fhir, fhir_asking, fhir_forwarding
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.fhir import Resource
from legacy_contracts.sds.fhir_asking import Wanted
from legacy_contracts.sds.fhir_outcomes import NO_PATH, NOT_GET, TOO_MANY, Outcome, Refused
from legacy_contracts.sds.filters import And, Equality, Filter, matches

BASE: Final = "/spine-directory/FHIR/R4"
"""Where clients of the national service are configured to find it; the bare paths are its own."""

MAX_LOOKED_AT: Final = 5_000
"""How many entries one search looks at, at most: what an index gives, before the rest is asked."""

FOUND: Final = "found"


class Asked(Struct, frozen=True):
    """A request: `origin` is the scheme and host that it was sent to, `query` what follows "?"."""

    method: str
    origin: str
    path: str
    query: str
    accept: str | None
    correlation_id: str | None
    certificate_names: tuple[str, ...]

    @property
    def resource(self) -> str:
        """The path below the base; clients whose base ends in a slash write two."""
        if not self.path.startswith(f"{BASE}/"):
            return self.path
        return f"/{self.path.removeprefix(BASE).lstrip('/')}"

    @property
    def url(self) -> str:
        """The whole address, as the reference gives it back: with nothing escaped."""
        query = f"?{self.query}" if self.query else ""
        return unquote(f"{self.origin}{self.path}{query}")


Find = Callable[[FindEntries], Found]


def is_ours(path: str) -> bool:
    """Say whether an address is the directory's, of what it has or of what it has not."""
    return path == _METADATA or path in _SEARCHES or path.startswith(_OUTSIDE)


def answer(asked: Asked, us: Ourselves) -> Answered:
    """Give the answer to a request to the directory; raise `StoreError` where none was decided."""
    if asked.resource not in _SEARCHES and asked.resource != _METADATA:
        return refused(asked, NO_PATH, us)
    if asked.method != "GET":
        return refused(asked, NOT_GET, us, (("Allow", "GET"),))
    try:
        correlation_id = fhir_asking.correlation_id(asked.correlation_id) or us.context.new_id()
        body, content_type = _body(asked, us, correlation_id)
    except Refused as error:
        return refused(asked, error.outcome, us)
    headers = (_correlation(correlation_id),)
    return Answered(200, body, _name(asked), FOUND, headers=headers, content_type=content_type)


def refused(
    asked: Asked, outcome: Outcome, us: Ourselves, headers: tuple[tuple[str, str], ...] = ()
) -> Answered:
    """Give an OperationOutcome, under the caller's correlation id where that is one."""
    try:
        correlation_id = fhir_asking.correlation_id(asked.correlation_id)
    except Refused:
        correlation_id = None
    correlation_id = correlation_id or us.context.new_id()
    return Answered(
        outcome.status,
        outcome.json(correlation_id),
        _name(asked),
        outcome.code,
        headers=(_correlation(correlation_id), *headers),
        content_type=fhir_asking.FHIR_JSON,
    )


def _correlation(correlation_id: str) -> tuple[str, str]:
    return ("X-Correlation-ID", correlation_id)


def _name(asked: Asked) -> str:
    known = asked.resource in _SEARCHES or asked.resource == _METADATA
    return f"SDS FHIR {asked.resource}" if known else "SDS FHIR"


def _body(asked: Asked, us: Ourselves, correlation_id: str) -> tuple[bytes, str]:
    if asked.resource == _METADATA:
        accepted = fhir_asking.content_type(asked.accept)
        return fhir.capability(asked.origin + asked.path.removesuffix(_METADATA)), accepted
    caller = Caller(
        party_key=us.core.directory.party_of(asked.certificate_names) or PartyKey(""),
        asid=None,
        activity="directory",
        message_id=correlation_id,
    )
    try:
        found, accepted = _found(asked, us, caller)
    except Refused as error:
        us.core.witness(by=caller, command=_COMMAND, outcome=error.outcome.code)
        raise
    us.core.witness(by=caller, command=_COMMAND, outcome=ALLOWED)
    bundle_id, base = us.context.new_id(), asked.origin + asked.path
    return fhir.searchset(found, bundle_id=bundle_id, base=base, asked=asked.url), accepted


def _found(asked: Asked, us: Ourselves, caller: Caller) -> tuple[tuple[Resource, ...], str]:
    """Give what is found, and the type to give it in; the query is looked at before the type."""
    search = _SEARCHES[asked.resource]
    wanted = search.read(asked.query)
    accepted = fhir_asking.content_type(asked.accept)
    found = search.find(wanted, us.party_key, lambda one: us.core.perform(one, by=caller))
    return tuple(found), accepted


def _devices(wanted: Wanted, _us: PartyKey, find: Find) -> Iterable[Resource]:
    """Give the accredited systems: of a party where one is named, else of the organisation."""
    if wanted.party_key:
        found = _entries(Kind.SYSTEM, By.PARTY, wanted.party_key, find)
    else:
        found = _entries(Kind.SYSTEM, By.ORGANISATION, wanted.organisation or "", find)
    term = _filter(wanted, "nhsAsSvcIA")
    return [fhir.device(one) for one in found if matches(term, one)]


def _endpoints(wanted: Wanted, us: PartyKey, find: Find) -> Iterable[Resource]:
    """Give the contracts, each by way of the hub where its messages go that way."""
    if wanted.party_key and wanted.service_id:
        found = _entries(Kind.CONTRACT, By.KEY, f"{wanted.party_key}|{wanted.service_id}", find)
    elif wanted.party_key:
        found = _entries(Kind.CONTRACT, By.PARTY, wanted.party_key, find)
    else:
        found = _entries(Kind.CONTRACT, By.ORGANISATION, wanted.organisation or "", find)
    term = _filter(wanted, "nhsMhsSvcIA")
    entries = [one for one in found if matches(term, one)]
    through = _addresses(entries, us, find)
    return [
        resource
        for one in entries
        for resource in fhir.endpoints(one, through=through.get(_intermediary(one), ""))
    ]


def _intermediary(entry: Entry) -> str | None:
    return fhir_forwarding.intermediary(entry.first("nhsMhsSvcIA"))


def _addresses(entries: Iterable[Entry], us: PartyKey, find: Find) -> dict[str | None, str]:
    """Give the address of each of the hub's intermediaries that entries go through.

    One that the directory does not list has none, and its receivers keep their own: the reference
    fails there.
    """
    services = {one for one in map(_intermediary, entries) if one}
    found = {
        one: list(_entries(Kind.CONTRACT, By.KEY, f"{us}|{one}", find)) for one in sorted(services)
    }
    return {one: listed[0].first("nhsMHSEndPoint") for one, listed in found.items() if listed}


def _entries(kind: Kind, by: By, term: str, find: Find) -> Iterator[Entry]:
    """Give the entries with a term, page by page; raise `Refused` where they are too many."""
    asked = exactly(kind, by, term)
    looked_at = 0
    while True:
        page = find(asked)
        looked_at += len(page.rows)
        if looked_at > MAX_LOOKED_AT:
            raise Refused(TOO_MANY)
        yield from (sds.entry_of(one) for one in page.rows)
        if page.after is None:
            return
        asked = replace(asked, after=page.after)


def _filter(wanted: Wanted, service: str) -> Filter:
    """Give all that is wanted as LDAP would be asked for it; the index may be asked for less.

    So each value is compared by the rule of its attribute: codes and services to the letter, party
    keys without case, and what would be a wildcard in a filter's text is only itself.
    """
    asked = (
        ("nhsIDCode", wanted.organisation),
        (service, wanted.service_id),
        ("nhsMHSPartyKey", wanted.party_key),
        ("nhsMhsManufacturerOrg", wanted.manufacturer),
    )
    return And(tuple(Equality(name, value.encode()) for name, value in asked if value))


class _Search(Struct, frozen=True):
    """How a resource is searched for: how its query is read, how what it wants is found."""

    read: Callable[[str], Wanted]
    find: Callable[[Wanted, PartyKey, Find], Iterable[Resource]]


_COMMAND: Final = "SearchDirectory"
"""What the audit calls a question to the directory, over LDAP as over FHIR."""

_METADATA: Final = "/metadata"
_OUTSIDE: Final = ("/spine-directory/", "/Device/", "/Endpoint/")
"""Where there is nothing but what the base and the bare paths have."""
_SEARCHES: Final = {
    "/Device": _Search(fhir_asking.device, _devices),
    "/Endpoint": _Search(fhir_asking.endpoint, _endpoints),
}
