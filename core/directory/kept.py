"""What the store keeps of the directory: one bucket a kind, its indexes, how a table is written.

An import writes each row as a fact; the fact that was written last is right, and the only one that
is kept. A row that was taken out is a fact with nothing in it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.directory.rows import (
    CertificateName,
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
)
from core.store.port import Bucket, Change, Store

MAX_KEY: Final = 255
"""No key that is listed is longer, so a longer one is not looked up: callers choose ids."""

BY_PARTY: Final = "party_bin"
"""The index of contracts by their party."""
BY_INTERACTION: Final = "interaction_bin"
"""The index of contracts by what they are for."""
BY_ORGANISATION: Final = "organisation_bin"
"""The index of parties by their organisation."""

# The indexes that finding goes by: their terms are folded, since clients write names in any case.
KEYS: Final = "key_bin"
"""Every row of a kind under its own key: what gives a kind in order."""
IDENTIFIERS: Final = "identifier_bin"
"""Contracts by their identifier; memberships and role profiles have it as their key."""
PLACES: Final = "place_bin"
"""Rows by the ODS code that they themselves name."""
UNPLACED: Final = "unplaced_bin"
"""Systems and contracts that name no organisation, by their party: theirs is the party's."""
RUNNERS: Final = "runner_bin"
"""Systems by their party."""
SERVICES: Final = "service_bin"
"""Systems and contracts by `service:interaction`."""
NAMES: Final = "name_bin"
"""Organisations, people and systems by name."""
USERS: Final = "user_bin"
"""Memberships and role profiles by the user's id."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The fact that an import listed an entry; the import listed last is right."""

    at: str
    party: Party | None = None
    system: System | None = None
    certificate: CertificateName | None = None
    contract: ContractProperties | None = None
    organisation: Organisation | None = None
    person: Person | None = None
    membership: Membership | None = None
    role_profile: RoleProfile | None = None

    @property
    def row(self) -> Row | None:
        """The row that was listed, None where it was taken out."""
        return (
            self.contract
            or self.system
            or self.party
            or self.organisation
            or self.role_profile
            or self.membership
            or self.person
        )


Terms = Mapping[str, tuple[str, ...]]


def folded(text: str) -> str:
    """Give a text as the indexes of finding hold it: without case, its spaces made one, cut.

    What clients call equal has one term: they compare as RFC 4518 tells, and any text is cut where
    no key goes on.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.split()).casefold()[:MAX_KEY]


def contract_key(party_key: str, service: str, interaction: str) -> str:
    """Give the key that a contract is listed under."""
    return f"{party_key}|{service}:{interaction}"


def identifier_of(contract: ContractProperties) -> str:
    """Give a contract's identifier: the one it was listed with, or one that follows from its key.

    A derived one begins with S, as those of the national directory's own do, and is as long as no
    collision is to be feared.
    """
    if contract.identifier:
        return contract.identifier
    key = contract_key(contract.party_key, contract.service, contract.interaction)
    return "S" + hashlib.sha256(key.encode()).hexdigest()[:20].upper()


def _latest(facts: Mapping[str, Listed]) -> tuple[str, Listed]:
    return max(facts.items(), key=lambda item: (item[1].at, item[0]))


def _last(facts: Mapping[str, Listed]) -> Listed:
    return _latest(facts)[1]


def _only_last(facts: Mapping[str, Listed]) -> Mapping[str, Listed]:
    return dict((_latest(facts),))


def _some(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folded(one) for one in texts if one))


def _full(terms: Mapping[str, tuple[str, ...]]) -> Terms:
    return {index: some for index, some in terms.items() if some}


def _no_terms(_listed: Listed) -> Terms:
    return {}


def _organisation_terms(listed: Listed) -> Terms:
    row = listed.organisation
    if row is None:
        return {}
    return _full({KEYS: _some(row.ods_code), NAMES: _some(row.name)})


def _party_terms(listed: Listed) -> Terms:
    party = listed.party
    if party is None:
        return {}
    return _full(
        {
            BY_ORGANISATION: (party.organisation,) if party.organisation else (),
            # A derived one has no entry of its own, so it is not among those that are found.
            KEYS: () if party.derived else _some(party.party_key),
            PLACES: _some(party.organisation),
        }
    )


def _system_terms(listed: Listed) -> Terms:
    row = listed.system
    if row is None:
        return {}
    return _full(
        {
            KEYS: _some(row.asid),
            RUNNERS: _some(row.party_key),
            PLACES: _some(row.organisation),
            UNPLACED: () if row.organisation else _some(row.party_key),
            SERVICES: _some(*(row.interactions or row.activities)),
            NAMES: _some(row.name),
        }
    )


def _contract_terms(listed: Listed) -> Terms:
    row = listed.contract
    if row is None:
        return {}
    key = contract_key(row.party_key, row.service, row.interaction)
    return _full(
        {
            BY_PARTY: (row.party_key,),
            BY_INTERACTION: (row.interaction,),
            KEYS: _some(key),
            IDENTIFIERS: _some(identifier_of(row)),
            PLACES: _some(row.organisation),
            UNPLACED: () if row.organisation else _some(row.party_key),
            SERVICES: _some(f"{row.service}:{row.interaction}"),
        }
    )


def _person_terms(listed: Listed) -> Terms:
    row = listed.person
    return _full({KEYS: _some(row.user), NAMES: _some(row.name)}) if row else {}


def _membership_terms(listed: Listed) -> Terms:
    row = listed.membership
    return _standing_terms(row) if row else {}


def _role_profile_terms(listed: Listed) -> Terms:
    row = listed.role_profile
    return _standing_terms(row) if row else {}


def _standing_terms(row: Membership | RoleProfile) -> Terms:
    return _full(
        {
            KEYS: _some(row.identifier),
            USERS: _some(row.user),
            PLACES: _some(row.organisation),
        }
    )


def _bucket(name: str, terms: Callable[[Listed], Terms] = _no_terms) -> Bucket[Listed, Listed]:
    return Bucket(
        name=name,
        fact=Listed,
        state=Listed,
        fold=_last,
        whole=lambda fact: fact,
        terms=terms,
        keep=_only_last,
    )


PARTIES: Final = _bucket("party", _party_terms)
SYSTEMS: Final = _bucket("system", _system_terms)
CERTIFICATES: Final = _bucket("certificate")
CONTRACTS: Final = _bucket("contract", _contract_terms)
ORGANISATIONS: Final = _bucket("organisation", _organisation_terms)
PEOPLE: Final = _bucket("person", _person_terms)
MEMBERSHIPS: Final = _bucket("membership", _membership_terms)
ROLE_PROFILES: Final = _bucket("role_profile", _role_profile_terms)


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


def list_people(
    store: Store, rows: Iterable[Person | Membership | RoleProfile], *, at: str, import_id: str
) -> None:
    """Write people, their memberships and role profiles into the table, durably."""
    rows = tuple(rows)
    people = [one for one in rows if isinstance(one, Person)]
    memberships = [one for one in rows if isinstance(one, Membership)]
    profiles = [one for one in rows if isinstance(one, RoleProfile)]
    store.update_many(
        PEOPLE, [(one.user, _lists(import_id, Listed(at, person=one))) for one in people]
    )
    store.update_many(
        MEMBERSHIPS,
        [(one.identifier, _lists(import_id, Listed(at, membership=one))) for one in memberships],
    )
    store.update_many(
        ROLE_PROFILES,
        [(one.identifier, _lists(import_id, Listed(at, role_profile=one))) for one in profiles],
    )
