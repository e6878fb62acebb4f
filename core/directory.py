"""Who may do what: parties known by their certificates, and the systems they run.

The table is imported (`spine directory import`) and read on every request, so it is kept in
memory for a few seconds; a change is seen by every process within `CACHE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.store.port import Bucket, Change, Store
from core.values.identity import Asid, PartyKey, is_asid

CACHE_SECONDS: Final = 5.0
MAX_KEPT: Final = 100_000
"""How many entries, found or not, are kept: callers choose what is asked for."""
MAX_KEY: Final = 255
"""A longer key is looked up and not remembered: callers choose ids, and could fill memory."""


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation's message handler: its party key, its certificates' names, its systems."""

    party_key: PartyKey
    name: str
    certificate_names: tuple[str, ...]
    asids: tuple[Asid, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """An accredited system: its ASID, the party that runs it, what it may do."""

    asid: Asid
    party_key: PartyKey
    name: str
    activities: tuple[str, ...]


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


def _last(facts: Mapping[str, Listed]) -> Listed:
    return max(facts.items(), key=lambda item: (item[1].at, item[0]))[1]


def _bucket(name: str) -> Bucket[Listed, Listed]:
    return Bucket(name=name, fact=Listed, state=Listed, fold=_last, whole=lambda fact: fact)


PARTIES: Final = _bucket("party")
SYSTEMS: Final = _bucket("system")
CERTIFICATES: Final = _bucket("certificate")


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

    def _listed(self, bucket: Bucket[Listed, Listed], key: str) -> Listed | None:
        now = self._monotonic()
        kept = self._kept.get((bucket.name, key))
        if kept is not None and kept[0] > now:
            return kept[1]
        found = self._store.read(bucket, key)
        if len(self._kept) >= MAX_KEPT:
            self._kept = {}
        if len(key) <= MAX_KEY:
            self._kept[(bucket.name, key)] = (now + CACHE_SECONDS, found)
        return found


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
