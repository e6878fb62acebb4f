"""Who may do what, and how each is reached: organisations, parties, systems, contracts.

The table is imported (`spine directory import`) and read on every request, so it is kept in
memory for a few seconds; a change is seen by every process within `CACHE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from core.store.port import Bucket, Change, Span, Store
from core.values.identity import Asid, PartyKey, is_asid

CACHE_SECONDS: Final = 5.0
MAX_KEPT: Final = 100_000
"""How many entries, found or not, are kept: callers choose what is asked for."""
MAX_KEY: Final = 255
"""No key that is listed is longer, so a longer one is not looked up: callers choose ids."""

BY_PARTY: Final = "party_bin"
"""The index of contracts by their party."""
BY_INTERACTION: Final = "interaction_bin"
"""The index of contracts by what they are for."""
BY_ORGANISATION: Final = "organisation_bin"
"""The index of parties by their organisation."""

_PAGE: Final = 500


class Acknowledging(StrEnum):
    """How what a party sends is acknowledged to it: real message handlers do both."""

    REQUESTED = "requested"
    """In the answer to the sending where the message asks for that, posted back where not."""
    ANSWERED = "answered"
    """Always in the answer."""
    POSTED = "posted"
    """Always posted back."""


class Actor(StrEnum):
    """Who acknowledges a message: the next message handler on its way, or the last."""

    NEXT_MSH = "nextMSH"
    TO_PARTY_MSH = "toPartyMSH"


Attributes = tuple[tuple[str, tuple[str, ...]], ...]
"""What the national directory's entry says beyond its row, by name, values in order."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation: its code in the national directory (ODS), its name."""

    ods_code: str
    name: str
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation's message handler: its party key, its certificates' names, its systems.

    `organisation` is an ODS code; `endpoint` is where messages for the party are posted, unless
    a contract says otherwise. Either may be empty.
    """

    party_key: PartyKey
    name: str
    certificate_names: tuple[str, ...]
    asids: tuple[Asid, ...] = ()
    organisation: str = ""
    endpoint: str = ""
    acknowledgments: Acknowledging = Acknowledging.REQUESTED


@dataclass(frozen=True, slots=True)
class System:
    """An accredited system: its ASID, the party that runs it, what it may do."""

    asid: Asid
    party_key: PartyKey
    name: str
    activities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContractProperties:
    """What was agreed with a party on receiving one kind of message, by service and interaction.

    An empty `endpoint` means the party's own. A message that is not acknowledged is sent again
    `retries` times, `retry_seconds` apart; it is remembered for `persist_seconds`.
    """

    party_key: PartyKey
    service: str
    interaction: str
    cpa_id: str
    endpoint: str
    ack_requested: bool
    duplicate_elimination: bool
    sync_reply: bool
    actor: Actor
    retries: int
    retry_seconds: float
    persist_seconds: float
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class CertificateName:
    """Which party a certificate's name belongs to."""

    name: str
    party_key: PartyKey


@dataclass(frozen=True, slots=True)
class Listed:
    """The fact that an import listed an entry; the import listed last is right."""

    at: str
    party: Party | None = None
    system: System | None = None
    certificate: CertificateName | None = None
    contract: ContractProperties | None = None
    organisation: Organisation | None = None


Terms = Mapping[str, tuple[str, ...]]


def _last(facts: Mapping[str, Listed]) -> Listed:
    return max(facts.items(), key=lambda item: (item[1].at, item[0]))[1]


def _no_terms(_listed: Listed) -> Terms:
    return {}


def _party_terms(listed: Listed) -> Terms:
    party = listed.party
    return {BY_ORGANISATION: (party.organisation,)} if party and party.organisation else {}


def _contract_terms(listed: Listed) -> Terms:
    contract = listed.contract
    if contract is None:
        return {}
    return {BY_PARTY: (contract.party_key,), BY_INTERACTION: (contract.interaction,)}


def _bucket(name: str, terms: Callable[[Listed], Terms] = _no_terms) -> Bucket[Listed, Listed]:
    return Bucket(
        name=name, fact=Listed, state=Listed, fold=_last, whole=lambda fact: fact, terms=terms
    )


PARTIES: Final = _bucket("party", _party_terms)
SYSTEMS: Final = _bucket("system")
CERTIFICATES: Final = _bucket("certificate")
CONTRACTS: Final = _bucket("contract", _contract_terms)
ORGANISATIONS: Final = _bucket("organisation")


def contract_key(party_key: str, service: str, interaction: str) -> str:
    """Give the key that a contract is listed under."""
    return f"{party_key}|{service}:{interaction}"


class Directory:
    """The table, read through a short-lived memory."""

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], tuple[float, Listed | None]] = {}

    def party_of(self, names: Iterable[str]) -> PartyKey | None:
        """Give the party that one of a certificate's names belongs to, or None.

        A name that the party's last import left out proves nothing any more.
        """
        for name in names:
            listed = self._listed(CERTIFICATES, name.lower())
            certificate = listed.certificate if listed else None
            party = self.party(certificate.party_key) if certificate else None
            if party and name.lower() in {one.lower() for one in party.certificate_names}:
                return party.party_key
        return None

    def system(self, asid: Asid) -> System | None:
        """Give the system with an ASID, or None; what is no ASID is not looked up."""
        if not is_asid(asid):
            return None
        listed = self._listed(SYSTEMS, asid)
        return listed.system if listed else None

    def party(self, party_key: PartyKey) -> Party | None:
        """Give the party with a party key, or None."""
        listed = self._listed(PARTIES, party_key)
        return listed.party if listed else None

    def organisation(self, ods_code: str) -> Organisation | None:
        """Give the organisation with an ODS code, or None."""
        listed = self._listed(ORGANISATIONS, ods_code)
        return listed.organisation if listed else None

    def contract(
        self, party_key: PartyKey, service: str, interaction: str
    ) -> ContractProperties | None:
        """Give what was agreed with a receiver on one kind of message, or None."""
        listed = self._listed(CONTRACTS, contract_key(party_key, service, interaction))
        found = listed.contract if listed else None
        # Other parts may join to the same key: names come from the wire, colons and all.
        agreed = found and (found.party_key, found.service, found.interaction)
        return found if agreed == (party_key, service, interaction) else None

    def _listed(self, bucket: Bucket[Listed, Listed], key: str) -> Listed | None:
        if not 0 < len(key) <= MAX_KEY:
            return None
        now = self._monotonic()
        kept = self._kept.get((bucket.name, key))
        if kept is not None and kept[0] > now:
            return kept[1]
        found = self._store.read(bucket, key)
        if len(self._kept) >= MAX_KEPT:
            self._kept = {}
        self._kept[(bucket.name, key)] = (now + CACHE_SECONDS, found)
        return found


def contracts_of(store: Store, party_key: PartyKey) -> tuple[ContractProperties, ...]:
    """Give the contracts of a party, by service and interaction."""
    listed = (store.read(CONTRACTS, key) for key in _found(store, CONTRACTS, BY_PARTY, party_key))
    return tuple(one.contract for one in listed if one and one.contract)


def parties_of(store: Store, ods_code: str) -> tuple[PartyKey, ...]:
    """Give the parties of an organisation, in order."""
    return tuple(PartyKey(key) for key in _found(store, PARTIES, BY_ORGANISATION, ods_code))


def is_contracted(store: Store, interaction: str) -> bool:
    """Say whether a contract of any party names an interaction."""
    return bool(
        store.find(CONTRACTS, Span(BY_INTERACTION, interaction, interaction), limit=1).entries
    )


def _found(store: Store, bucket: Bucket[Listed, Listed], index: str, term: str) -> Iterator[str]:
    """Give every key under a term of an index, page by page."""
    after: str | None = None
    while True:
        page = store.find(bucket, Span(index, term, term), limit=_PAGE, after=after)
        yield from (key for _, key in page.entries)
        if page.after is None:
            return
        after = page.after


def list_contracts(
    store: Store, contracts: Iterable[ContractProperties], *, at: str, import_id: str
) -> None:
    """Write contracts into the table, durably."""
    store.update_many(
        CONTRACTS,
        [
            (
                contract_key(one.party_key, one.service, one.interaction),
                _lists(import_id, Listed(at, contract=one)),
            )
            for one in contracts
        ],
    )


def list_organisations(
    store: Store, organisations: Iterable[Organisation], *, at: str, import_id: str
) -> None:
    """Write organisations into the table, durably."""
    store.update_many(
        ORGANISATIONS,
        [(one.ods_code, _lists(import_id, Listed(at, organisation=one))) for one in organisations],
    )


def list_entries(
    store: Store, parties: Iterable[Party], systems: Iterable[System], *, at: str, import_id: str
) -> None:
    """Write parties and systems into the table, durably, as one import."""
    systems = tuple(systems)
    parties = tuple(_with_systems(store, party, systems) for party in parties)
    store.update_many(
        PARTIES, [(one.party_key, _lists(import_id, Listed(at, party=one))) for one in parties]
    )
    store.update_many(
        CERTIFICATES,
        [
            (
                name.lower(),
                _lists(import_id, Listed(at, certificate=CertificateName(name, one.party_key))),
            )
            for one in parties
            for name in one.certificate_names
        ],
    )
    store.update_many(
        SYSTEMS, [(one.asid, _lists(import_id, Listed(at, system=one))) for one in systems]
    )


def _with_systems(store: Store, party: Party, systems: tuple[System, ...]) -> Party:
    """Give the party with the systems that it runs, those of earlier imports first."""
    listed = store.read(PARTIES, party.party_key)
    known = listed.party.asids if listed and listed.party else ()
    new = (one.asid for one in systems if one.party_key == party.party_key)
    return replace(party, asids=tuple(dict.fromkeys((*known, *new))))


def _lists(import_id: str, listed: Listed) -> Change[Listed, Listed]:
    return lambda _record: {import_id: listed}
