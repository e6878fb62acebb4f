"""The directory as every request reads it: through a memory of a few seconds.

The table is imported (`spine directory import`) and read on every request, so it is kept in
memory for a few seconds; a change is seen by every process within `CACHE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from core.directory.kept import (
    BY_INTERACTION,
    BY_ORGANISATION,
    BY_PARTY,
    CERTIFICATES,
    CONTRACTS,
    MAX_KEY,
    ORGANISATIONS,
    PARTIES,
    SYSTEMS,
    Listed,
    contract_key,
)
from core.directory.rows import ContractProperties, Organisation, Party, System
from core.store.port import Bucket, Span, Store
from core.values.identity import Asid, PartyKey, is_asid

CACHE_SECONDS: Final = 5.0
MAX_KEPT: Final = 100_000
"""How many entries, found or not, are kept: callers choose what is asked for."""

_PAGE: Final = 500


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
