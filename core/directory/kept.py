"""What the store keeps of the directory: one bucket a kind, its indexes, how a table is written.

An import writes each row as a fact; the fact that was written last is right, and the only one that
is kept. A row that was taken out is a fact with nothing in it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

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
from core.values.identity import Asid

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
ENTRIES: Final = "entry_bin"
"""Parties that have an entry of their own, by key; those that are derived have none."""
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


class Listed(Struct, frozen=True):
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
            KEYS: _some(party.party_key),
            ENTRIES: () if party.derived else _some(party.party_key),
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


_Lists = Callable[[str, Any], Listed]

_PLACES: Final[Mapping[type, tuple[Bucket[Listed, Listed], _Lists, str]]] = {
    Organisation: (ORGANISATIONS, lambda at, row: Listed(at, organisation=row), "ods_code"),
    Person: (PEOPLE, lambda at, row: Listed(at, person=row), "user"),
    Membership: (MEMBERSHIPS, lambda at, row: Listed(at, membership=row), "identifier"),
    RoleProfile: (ROLE_PROFILES, lambda at, row: Listed(at, role_profile=row), "identifier"),
    Party: (PARTIES, lambda at, row: Listed(at, party=row), "party_key"),
    System: (SYSTEMS, lambda at, row: Listed(at, system=row), "asid"),
    ContractProperties: (CONTRACTS, lambda at, row: Listed(at, contract=row), ""),
}
"""How rows of each kind are kept: the bucket, the fact, the field that is the key."""


def key_of(row: Row) -> str:
    """Give the key that a row is listed under."""
    if isinstance(row, ContractProperties):
        return contract_key(row.party_key, row.service, row.interaction)
    return str(getattr(row, _PLACES[type(row)][2]))


def list_rows(store: Store, rows: Sequence[Row], *, at: str, import_id: str) -> None:
    """Write rows of one kind into the table, durably; parties have their systems in them."""
    if not rows:
        return
    bucket, lists, _ = _PLACES[type(rows[0])]
    store.update_many(
        bucket,
        [(key_of(row), _lists(import_id, lists(at, row))) for row in rows],
    )
    store.update_many(
        CERTIFICATES,
        [
            (
                name.lower(),
                _lists(import_id, Listed(at, certificate=CertificateName(name, row.party_key))),
            )
            for row in rows
            if isinstance(row, Party)
            for name in row.certificate_names
        ],
    )


def list_contracts(
    store: Store, contracts: Iterable[ContractProperties], *, at: str, import_id: str
) -> None:
    """Write contracts into the table, durably."""
    list_rows(store, tuple(contracts), at=at, import_id=import_id)


def list_organisations(
    store: Store, organisations: Iterable[Organisation], *, at: str, import_id: str
) -> None:
    """Write organisations into the table, durably."""
    list_rows(store, tuple(organisations), at=at, import_id=import_id)


def list_entries(
    store: Store, parties: Iterable[Party], systems: Iterable[System], *, at: str, import_id: str
) -> None:
    """Write parties and systems into the table, durably, as one import."""
    systems = tuple(systems)
    run: dict[str, list[Asid]] = {}
    for one in systems:
        run.setdefault(one.party_key, []).append(one.asid)
    listed = [with_systems(store, one, run.get(one.party_key, ())) for one in parties]
    list_rows(store, listed, at=at, import_id=import_id)
    list_rows(store, systems, at=at, import_id=import_id)


def with_systems(store: Store, party: Party, asids: Iterable[Asid]) -> Party:
    """Give the party with the systems that it runs, those of earlier imports among them."""
    listed = store.read(PARTIES, party.party_key)
    known = listed.party.asids if listed and listed.party else ()
    return replace(party, asids=tuple(sorted({*known, *asids})))


def take_out(store: Store, rows: Iterable[Row], *, at: str, import_id: str) -> None:
    """Take rows out of the table, durably; a party is told which systems it still has."""
    gone = tuple(rows)
    for row in gone:
        bucket = _PLACES[type(row)][0]
        store.update(bucket, key_of(row), _lists(import_id, Listed(at)))
    left: dict[str, set[Asid]] = {}
    for row in gone:
        if isinstance(row, System):
            left.setdefault(row.party_key, set()).add(row.asid)
    for key, asids in left.items():
        listed = store.read(PARTIES, key)
        if listed is not None and listed.party is not None:
            kept = tuple(one for one in listed.party.asids if one not in asids)
            list_rows(store, [replace(listed.party, asids=kept)], at=at, import_id=import_id)


def _lists(import_id: str, listed: Listed) -> Change[Listed, Listed]:
    return lambda _record: {import_id: listed}
