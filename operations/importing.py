"""An LDIF read into the table: everything is checked before anything is written.

The file is read once, an entry at a time. The rows of entries that are right wait in temporary
files, one for each kind, until the whole file was read; what is kept in memory of an entry is its
key and its line. A file with a fault writes nothing.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from adapters import sds, sds_rows
from core.context import Context
from core.directory import (
    CERTIFICATES,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTIES,
    PEOPLE,
    ContractProperties,
    Membership,
    Organisation,
    Party,
    Person,
    RoleProfile,
    Row,
    System,
    contracts_of,
    key_of,
    list_rows,
    take_out,
    with_systems,
)
from core.store.port import Store
from core.values.identity import Asid, PartyKey, is_asid
from legacy_contracts.sds import ldif
from legacy_contracts.sds.ldif import Fault, Record
from operations import removing, same_names

BATCH: Final = 1000
MOST_FAULTS: Final = 1000
"""After so many the rest of the file is not read: one cause gives as many faults as entries."""

ORDER: Final = (Organisation, Person, Membership, RoleProfile, ContractProperties)
"""In what order kinds are written; parties and systems, which let callers in, come last."""

_UNSAID: Final = {
    System: {"organisation": "nhsIDCode", "interactions": "nhsAsSvcIA"},
    ContractProperties: {"organisation": "nhsIDCode", "endpoint": "nhsMHSEndPoint"},
}
"""What an entry may leave to its party where that has an entry of its own."""


class SpoolError(Exception):
    """The folder of temporary files cannot be written."""


class Spool:
    """Rows that wait in temporary files, a file for each kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[type, IO[bytes]] = {}
        self._encode = msgspec.json.Encoder().encode

    def add(self, row: Row) -> None:
        """Keep a row; raise `SpoolError` where there is no room for it."""
        try:
            file = self._files.get(type(row))
            if file is None:
                file = self._files[type(row)] = (self._folder / type(row).__name__).open("w+b")
            file.write(self._encode(row) + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> SpoolError:
        return SpoolError(
            f"temporary files cannot be written ({self._folder}: {error.strerror}): make room "
            "there, or name another folder in TMPDIR"
        )

    def rows(self, kind: type) -> Iterator[Any]:
        """Give the rows of a kind in the order they came."""
        file = self._files.get(kind)
        if file is None:
            return
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
        try:
            file.seek(0)
        except OSError as error:
            # What was still held in memory is written now.
            raise self._failed(error) from error
        for line in file:
            yield decode(line)

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            # Nobody needs any more what could not be written.
            with contextlib.suppress(OSError):
                file.close()


class Run(Struct):
    """What entries of a file say of a party that may have none of its own."""

    organisation: str = ""
    names: dict[str, None] = field(default_factory=dict)
    asids: list[Asid] = field(default_factory=list)


class Checked(Struct):
    """What was read of a file: its rows, its faults, and what a person should know."""

    spool: Spool
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[type] = field(default_factory=Counter)
    gone: list[Row] = field(default_factory=list)
    parties: dict[str, Party] = field(default_factory=dict)
    """Those with an entry of their own."""
    standing: dict[str, Party | None] = field(default_factory=dict)
    """Those of the store that have one, as far as they were asked for."""
    runs: dict[str, Run] = field(default_factory=dict)
    lines: dict[tuple[object, str], int] = field(default_factory=dict)
    """Where the entry with a key, and the one with a DN, begins."""
    waiting: list[tuple[type, str, int, str]] = field(default_factory=list)
    """Entries that name another which was not there yet: its kind and key, the line, the fault."""
    unsaid: list[tuple[str, int, str]] = field(default_factory=list)
    """Parties to which entries leave something, the line, the fault where they cannot."""

    @property
    def is_full(self) -> bool:
        """Say whether there are more faults than anyone reads."""
        return len(self.faults) >= MOST_FAULTS


@contextlib.contextmanager
def spooling() -> Iterator[Spool]:
    """Give a place where rows wait, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="spine-directory-") as folder:
        spool = Spool(Path(folder))
        try:
            yield spool
        finally:
            spool.close()


def read(lines: Iterable[bytes], store: Store | None, spool: Spool) -> Checked:
    """Read an LDIF and check all of it, against what stands in the store where one is given."""
    checked = Checked(spool)
    for record in ldif.records(lines):
        if isinstance(record, Fault):
            checked.faults.append(str(record))
        elif record.change == ldif.DELETE:
            _delete(record, checked, store)
        else:
            _take(record, checked)
        if checked.is_full:
            checked.faults.append(f"more than {MOST_FAULTS} faults: the rest was not read")
            return checked
    _settle(checked, store)
    return checked


def _delete(record: Record, checked: Checked, store: Store | None) -> None:
    row = removing.standing(store, record.dn) if store is not None else None
    if row is None:
        fault = f"{record.dn} is not in the directory, so it cannot be deleted: take it out here"
        checked.faults.append(str(Fault(record.line, fault)))
        return
    checked.gone.append(row)


def _take(record: Record, checked: Checked) -> None:
    row, faults = sds_rows.read(record)
    checked.faults += (str(one) for one in faults)
    if row is None or not _is_new(record, row, checked):
        return
    checked.counts[type(row)] += 1
    _note_party(row, record.line, checked)
    if isinstance(row, Membership | RoleProfile):
        _wait(row, record, checked)
    if isinstance(row, Party):
        checked.parties[row.party_key] = row
    else:
        checked.spool.add(row)


def _is_new(record: Record, row: Row, checked: Checked) -> bool:
    """Say whether no other entry of the file is the same, or has the same name."""
    for place in ((type(row), key_of(row)), ("dn", record.dn.lower().replace(" ", ""))):
        line = checked.lines.setdefault(place, record.line)
        if line != record.line:
            what = f"{record.dn}: {_what(row)} is also in the entry of line {line}: leave one"
            checked.faults.append(str(Fault(record.line, what)))
            return False
    return True


def _what(row: Row) -> str:
    if isinstance(row, ContractProperties):
        return f"party {row.party_key} with {row.service}:{row.interaction}"
    return key_of(row)


def _wait(row: Membership | RoleProfile, record: Record, checked: Checked) -> None:
    """Remember what an entry stands under, where that was not read yet."""
    kind: type = Person
    key = row.user
    if isinstance(row, RoleProfile) and row.membership:
        kind, key = Membership, row.membership
    if (kind, key) not in checked.lines:
        above = record.dn.partition(",")[2].strip()
        fault = f"{record.dn}: {above} is neither in this file nor in the store: add its entry"
        checked.waiting.append((kind, key, record.line, fault))


def _note_party(row: Row, line: int, checked: Checked) -> None:
    """Gather what an entry says of its party, and what it leaves to it."""
    if not isinstance(row, System | ContractProperties):
        return
    run = checked.runs.setdefault(row.party_key, Run())
    if isinstance(row, System):
        # It may be for a practice that the party only runs it for.
        run.asids.append(row.asid)
        if not is_asid(row.asid):
            checked.notes.append(
                f"line {line}: {row.asid} is no ASID of 12 digits, so no message can name it"
            )
    else:
        run.organisation = run.organisation or row.organisation
        run.names |= dict.fromkeys(filter(None, (sds.host_of(row).lower(),)))
    for name, attribute in _UNSAID[type(row)].items():
        if not getattr(row, name):
            fault = (
                f"{_what(row)}: {attribute} is missing, and party {row.party_key} has no entry "
                "that says it: add it"
            )
            checked.unsaid.append((row.party_key, line, fault))


def _settle(checked: Checked, store: Store | None) -> None:
    """Check what entries say of each other, now that all are there."""
    _note_absent(checked, store)
    for party, line, fault in checked.unsaid:
        if _stated(party, checked, store) is None:
            checked.faults.append(str(Fault(line, fault)))
    owners: dict[str, str] = {}
    for one in checked.parties.values():
        for name in one.certificate_names:
            owner = owners.setdefault(name.lower(), one.party_key)
            if owner != one.party_key:
                checked.faults.append(
                    f"spineCertificateName {name} is of two parties: {owner}, {one.party_key}"
                )
    if store is not None:
        _replace(checked, store)
    _share(checked, store, owners)
    _note_spellings(checked)


def _note_spellings(checked: Checked) -> None:
    """Note party keys that differ by case alone: messages are compared to the letter."""
    known: dict[str, str] = {}
    for key in dict.fromkeys((*checked.parties, *checked.runs)):
        other = known.setdefault(key.casefold(), key)
        if other != key:
            checked.notes.append(
                f"{other} and {key} are one party to clients, and two to the hub: write them alike"
            )


def _note_absent(checked: Checked, store: Store | None) -> None:
    """Note the entries that stand under another that is neither in the file nor in the store."""
    going = {same_names.place_of(one) for one in checked.gone}
    for kind, key, line, fault in checked.waiting:
        if (kind, key) in checked.lines:
            continue
        if (kind, key) in going or not _stands(store, kind, key):
            checked.faults.append(str(Fault(line, fault)))


def _replace(checked: Checked, store: Store) -> None:
    """Let the contracts of the store go whose name others of the file have; note what clashes."""
    waiting = (row for kind in (*ORDER, System) for row in checked.spool.rows(kind))
    rows = chain(checked.parties.values(), waiting)
    found = same_names.in_store(rows, store, _leaving(checked))
    checked.gone += found.replaced.values()
    for row, fault in found.faults:
        checked.faults.append(str(Fault(checked.lines[same_names.place_of(row)], fault)))


def _leaving(checked: Checked) -> Callable[[Row], bool]:
    """Give what says whether a row of the store goes, or is written anew."""
    going = {same_names.place_of(one) for one in checked.gone}

    def leaves(row: Row) -> bool:
        place = same_names.place_of(row)
        return place in going or place in checked.lines

    return leaves


def _stands(store: Store | None, kind: type, key: str) -> bool:
    """Say whether the store has what others stand under; one that was taken out has no row."""
    bucket = PEOPLE if kind is Person else MEMBERSHIPS
    listed = store.read(bucket, key) if store is not None else None
    return listed is not None and listed.row is not None


def _stated(key: str, checked: Checked, store: Store | None) -> Party | None:
    """Give the party that was listed itself, in the file or in the store."""
    party = checked.parties.get(key)
    if party is not None or store is None:
        return party
    if key not in checked.standing:
        listed = store.read(PARTIES, key)
        party = listed.party if listed else None
        checked.standing[key] = party if party is not None and not party.derived else None
    return checked.standing[key]


def _share(checked: Checked, store: Store | None, owners: dict[str, str]) -> None:
    """Take from derived parties the names of hosts that several of them share.

    A certificate proves one party. Who runs the message handlers of many on one host must say
    which of them its certificate is.
    """
    leaves = _leaving(checked)
    parties: dict[str, set[str]] = {}
    for key, run in checked.runs.items():
        if _stated(key, checked, store) is not None:
            continue
        for name in run.names:
            parties.setdefault(name, set()).add(key)
    for name, keys in parties.items():
        owner = owners.get(name)
        if owner is None and store is not None:
            owner = _standing_owner(name, keys, checked, store, leaves)
        if len(keys | ({owner} if owner else set())) > 1:
            for key in keys - {owner}:
                checked.runs[key].names.pop(name)
            whose = f"it proves {owner}" if owner else "it proves none of them"
            count = len(keys | ({owner} if owner else set()))
            checked.notes.append(
                f"{name} is the nhsMhsFQDN of {count} parties: {whose}; a party's own entry with "
                "spineCertificateName lets it in"
            )


def _standing_owner(
    name: str, keys: set[str], checked: Checked, store: Store, leaves: Callable[[Row], bool]
) -> str | None:
    """Give the party of the store that a certificate's name proves, unless the file lists it.

    A derived one whose contracts with that name all go, and that the file does not give it again,
    proves nothing more by it.
    """
    listed = store.read(CERTIFICATES, name)
    if listed is None or listed.certificate is None:
        return None
    key = listed.certificate.party_key
    standing = store.read(PARTIES, key)
    party = standing.party if standing else None
    if key in checked.parties or party is None:
        return None
    if party.derived and key not in keys and not _goes_on(key, name, store, leaves):
        return None
    return key if name in {one.lower() for one in party.certificate_names} else None


def _goes_on(key: PartyKey, name: str, store: Store, leaves: Callable[[Row], bool]) -> bool:
    """Say whether a contract of a party that the import leaves alone has a host's name."""
    return any(
        sds.host_of(one).lower() == name and not leaves(one) for one in contracts_of(store, key)
    )


def write(checked: Checked, store: Store, context: Context) -> int:
    """Write what was read as one import; give how many parties there are.

    What is deleted goes first; what lets callers in comes last.
    """
    if checked.gone:
        at, import_id = _moment(context)
        take_out(store, checked.gone, at=at, import_id=import_id)
    at, import_id = _moment(context)

    def batches(rows: Iterable[Row]) -> None:
        waiting = iter(rows)
        while batch := tuple(islice(waiting, BATCH)):
            list_rows(store, batch, at=at, import_id=import_id)

    for kind in ORDER:
        batches(_resolved(one, checked, store) for one in checked.spool.rows(kind))
    parties = dict.fromkeys((*checked.parties, *checked.runs))
    bereft = {one.party_key: one for one in _bereft(checked, store)}
    moved = {asid for run in checked.runs.values() for asid in run.asids}
    empty = [
        one
        for key, one in bereft.items()
        if key not in parties and moved.issuperset(one.asids) and not contracts_of(store, key)
    ]
    take_out(store, empty, at=at, import_id=import_id)
    left = dict.fromkeys((*parties, *(bereft.keys() - {one.party_key for one in empty})))
    batches(_party(PartyKey(key), checked, store) for key in left)
    batches(_resolved(one, checked, store) for one in checked.spool.rows(System))
    return len(parties)


def _bereft(checked: Checked, store: Store) -> Iterator[Party]:
    """Give the derived parties that a deleted system or contract told something of."""
    for row in checked.gone:
        if isinstance(row, System | ContractProperties):
            listed = store.read(PARTIES, row.party_key)
            if listed is not None and listed.party is not None and listed.party.derived:
                yield listed.party


def _moment(context: Context) -> tuple[str, str]:
    return context.now().isoformat(timespec="microseconds"), context.new_id()


def _resolved(row: Row, checked: Checked, store: Store) -> Row:
    """Give a row that leaves to its party what that says itself: each fact has one place."""
    if not isinstance(row, System | ContractProperties):
        return row
    party = _stated(row.party_key, checked, store)
    if party is None:
        return row
    if row.organisation == party.organisation:
        row = replace(row, organisation="")
    if isinstance(row, ContractProperties) and row.endpoint == party.endpoint:
        row = replace(row, endpoint="")
    return row


def _party(key: PartyKey, checked: Checked, store: Store) -> Party:
    """Give a party as it is to stand: as it was listed, or as its entries have it."""
    run = checked.runs.get(key, Run())
    party = _stated(key, checked, store) or _derived(key, run, store)
    return with_systems(store, party, run.asids)


def _derived(key: PartyKey, run: Run, store: Store) -> Party:
    names = dict(run.names)
    listed = store.read(PARTIES, key)
    before = listed.party if listed else None
    if before is not None:
        standing = {sds.host_of(one).lower() for one in contracts_of(store, key)}
        names |= {one: None for one in before.certificate_names if one in standing}
    # Without a contract its key tells: an organisation's code, a dash, a number.
    code = run.organisation or (before.organisation if before else key.rpartition("-")[0])
    organisation = store.read(ORGANISATIONS, code) if code else None
    named = organisation.organisation if organisation else None
    return Party(
        key, named.name if named else key, tuple(sorted(names)), organisation=code, derived=True
    )
