"""The audit: who looked at whom, when, doing what; append-only, numbered, hash-chained.

Each writing process has a chain of its own. An entry's hash covers the entry and the hash before
it, numbers have no gaps, and pages (the entries written together) are numbered too: an entry that
is changed, removed or put in breaks the chain from there on. A chain that opens names the ends of
the chains before it, so that a missing last page shows as well.

`record` returns when the entry is durable, `beside` when it is together with what it tells of.
Entries that arrive while a page is being written go into the next page together, so a busy process
pays a share of one write for each. The embedded store writes the page in the transaction of what it
tells of; on any other store the page is a write of its own, after the others.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from core.errors import Duplicate, StoreError
from core.store.port import (
    Bucket,
    Document,
    Documents,
    Note,
    Page,
    Put,
    Reading,
    Record,
    Span,
    Store,
    Write,
)
from core.store.turns import Turns

PAGES: Final = Documents("audit")
BY_PATIENT: Final = "patient_bin"
MAX_PAGE_ENTRIES: Final = 64


class Access(Struct, frozen=True):
    """One access: who (party, system, person and role), what, whom, when, and how it ended."""

    at: str
    party_key: str
    asid: str
    activity: str
    command: str
    outcome: str
    message_id: str
    patients: tuple[str, ...] = ()
    user: str | None = None
    role_profile: str | None = None
    job_role: str | None = None


class Opening(Struct, frozen=True):
    """The first thing a chain says: where the chains before it stood (writer, page, hash)."""

    at: str
    before: tuple[tuple[str, int, str], ...]


class AuditPage(Struct, frozen=True):
    """Entries written together: `first` is the number of the first, `hash` covers the last."""

    writer: str
    page: int
    first: int
    previous: str
    entries: tuple[Access, ...]
    hash: str
    opening: Opening | None = None


class Chain(Struct, frozen=True):
    """The fact that a process began, or ended, a chain."""

    writer: str
    ended_page: int | None = None
    ended_hash: str | None = None


class Chains(Struct, frozen=True):
    """Every chain there is; its end where it was ended in order."""

    chains: tuple[Chain, ...]


def _fold_chains(facts: Mapping[str, Chain]) -> Chains:
    known: dict[str, Chain] = {}
    for _, fact in sorted(facts.items()):
        if fact.ended_page is not None or fact.writer not in known:
            known[fact.writer] = fact
    return Chains(tuple(known.values()))


CHAINS: Final[Bucket[Chains, Chain]] = Bucket(
    name="audit-chain", fact=Chain, state=Chains, fold=_fold_chains
)
ALL_CHAINS: Final = "all"

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(AuditPage).decode

FIRST_HASH: Final = "0" * 64


class PageDamaged(StoreError):
    """What stands where a page of the audit should stand is not one."""


def chained(previous: str, entry: Access | Opening) -> str:
    """Give the hash of an entry that follows another."""
    return hashlib.sha256(previous.encode() + _encode(entry)).hexdigest()


class _Head(Struct):
    page: int = 0
    number: int = 1
    hash: str = FIRST_HASH


class Audit:
    """One process's chain, shared by its threads."""

    def __init__(self, store: Store, *, writer: str, now: Callable[[], str]) -> None:
        self._store = store
        self._writer = writer
        self._now = now
        self._head = _Head()
        self._opening: Opening | None = None
        self._opened = False
        self._ended = False
        self._given: AuditPage | None = None
        self._tried: AuditPage | None = None
        self._turn = threading.Lock()
        self._turns = Turns(self._write_together, limit=MAX_PAGE_ENTRIES)
        self.pages_written = 0
        self.failing = False

    def record(self, entry: Access, store: Store | None = None) -> None:
        """Return when the entry is durable; raise `StoreError` when it could not be made so."""
        self.beside(entry, (), store)

    def beside(
        self, entry: Access, writes: Iterable[Write], store: Store | None = None
    ) -> list[Record[Any, Any]]:
        """Do some writes and record the entry: both are durable when this gives their records.

        Raises what the writes raise, and then the entry is not recorded. On a `store` that
        gathers what is done, both are durable once that is written.
        """
        try:
            self._open()
            records = (store or self._store).apply(writes, Note(self, entry))
        except StoreError:
            self.failing = True
            raise
        self.failing = False
        return records

    def probe(self) -> None:
        """Return when an entry that says so could be written; raise `StoreError` when not."""
        self.record(Access(self._now(), "", "", "", "Probe", "done", ""))

    def end(self) -> None:
        """End the chain in order, so that what was its last page is known."""
        with self._turn:
            if self._ended:
                return
            self._ended = True
            if self._tried is not None:
                self._append(self._tried)
        self._find_given(self._store.document)
        if self._opened:
            self._store.update(CHAINS, ALL_CHAINS, lambda _: {f"{self._writer}/ended": self._end()})

    def page(self, notes: tuple[Access, ...], read: Reading) -> Put:
        """Give the write of the page that follows the last that stands.

        One that was given before and does not stand went with the writes that it told of.
        """
        self._find_given(read)
        self._given = self._next(notes)
        return Put(PAGES, as_document(self._given))

    def stands(self) -> None:
        """Take note that the page given last is durable."""
        if self._given is not None:
            self._advance(self._given)

    def _find_given(self, read: Reading) -> None:
        """Take note of the page given last where it stands though nobody said so."""
        if self._given is not None:
            given = as_document(self._given)
            if read(PAGES, given.key) == given.value:
                self.stands()

    def keep(self, note: Access) -> None:
        """Return when an entry is durable, on a page with those that waited with it."""
        self._turns.take(note)

    def _write_together(self, entries: tuple[Access, ...]) -> list[None]:
        """Write entries that waited onto one page; one that seemed to fail is written before it.

        It may have been written all the same, or may yet be: no other page may take its place.
        """
        with self._turn:
            if self._tried is not None:
                self._append(self._tried)
            self._tried = self._next(entries)
            self._append(self._tried)
        return [None] * len(entries)

    def _next(self, entries: tuple[Access, ...]) -> AuditPage:
        if self._ended:
            raise StoreError(f"audit chain {self._writer} was ended: this process stops")
        opening = None if self._opened else self._opening
        head = self._head
        link = head.hash if opening is None else chained(head.hash, opening)
        for entry in entries:
            link = chained(link, entry)
        return AuditPage(self._writer, head.page, head.number, head.hash, entries, link, opening)

    def _append(self, page: AuditPage) -> None:
        try:
            self._store.write_once(PAGES, as_document(page))
        except Duplicate as error:
            raise StoreError(f"audit chain {self._writer} has another writer") from error
        self._advance(page)

    def _advance(self, page: AuditPage) -> None:
        self._given = self._tried = None
        self._head = _Head(page.page + 1, page.first + len(page.entries), page.hash)
        self._opened = True
        self.pages_written += 1

    def _end(self) -> Chain:
        return Chain(self._writer, self._head.page - 1, self._head.hash)

    def _open(self) -> None:
        """Find out, once, where the chains before this one stood."""
        if self._opening is None:
            with self._turn:
                if self._opening is None:
                    self._opening = self._looked_around()

    def _looked_around(self) -> Opening:
        chains = self._store.update(
            CHAINS, ALL_CHAINS, lambda _: {f"{self._writer}/began": Chain(self._writer)}
        ).state
        # A chain that was ended in order has its end on record; the others are looked for.
        open_ended = (chain for chain in chains.chains if chain.ended_page is None)
        ends = (end_of(self._store, chain) for chain in open_ended)
        return Opening(
            self._now(),
            tuple((p.writer, p.page, p.hash) for p in ends if p and p.writer != self._writer),
        )


def page_key(writer: str, page: int) -> str:
    """Give the key of a chain's page."""
    return f"{writer}.{page:09d}"


def read_page(store: Store, writer: str, page: int) -> AuditPage | None:
    """Give one page of a chain, or None past its end; raise `PageDamaged` where it is no page."""
    value = store.document(PAGES, page_key(writer, page))
    try:
        return None if value is None else _decode(value)
    except msgspec.MsgspecError as error:
        raise PageDamaged(f"chain {writer}, page {page} cannot be read: {error}") from error


def end_of(store: Store, chain: Chain) -> AuditPage | None:
    """Give the last page of a chain, found in a number of reads that grows with its logarithm."""
    if chain.ended_page is not None:
        return read_page(store, chain.writer, chain.ended_page)
    step, low = 1, -1
    while read_page(store, chain.writer, low + step) is not None:
        low, step = low + step, step * 2
    while step > 1:
        step //= 2
        if read_page(store, chain.writer, low + step) is not None:
            low += step
    return None if low < 0 else read_page(store, chain.writer, low)


def accesses_to(store: Store, nhs_number: str) -> Iterator[tuple[str, int, Access]]:
    """Give every access to a patient as (writer, number, access), oldest first, each once."""
    after: str | None = None
    span = Span(BY_PATIENT, f"{nhs_number}|", f"{nhs_number}|~")
    read = lru_cache(maxsize=64)(lambda key: _indexed_page(store, key))
    while True:
        found: Page = store.find(PAGES, span, limit=500, after=after)
        for term, key in found.entries:
            page = read(key)
            for number, entry in enumerate(page.entries, page.first):
                if nhs_number in entry.patients and term == f"{nhs_number}|{entry.at}":
                    yield page.writer, number, entry
        after = found.after
        if after is None:
            return


def _indexed_page(store: Store, key: str) -> AuditPage:
    writer, _, page = key.rpartition(".")
    read = read_page(store, writer, int(page))
    if read is None:
        raise StoreError(f"the audit's index names a page that is not there: {key}")
    return read


class Proof(Struct):
    """What checking the chains found: how much was read, and every break, in words."""

    chains: int = 0
    pages: int = 0
    entries: int = 0
    breaks: list[str] = field(default_factory=list)


class _Walk(Struct):
    """A chain as far as it was read: the next page and number, and the hash so far."""

    chain: Chain
    page: int = 0
    number: int = 1
    link: str = FIRST_HASH


def prove(store: Store) -> Proof:
    """Check every chain from its first page to its last, and each against what follows it."""
    proof = Proof()
    known = store.read(CHAINS, ALL_CHAINS)
    walks = {chain.writer: _Walk(chain) for chain in (known.chains if known else ())}
    witnessed: list[tuple[str, int, str]] = []
    for walk in walks.values():
        proof.chains += 1
        witnessed += _prove_on(store, walk, proof)
        _prove_end(walk, proof)
    for writer, page, digest in witnessed:
        walk = walks.get(writer) or _Walk(Chain(writer))
        if walk.page <= page:
            # It was still being written when it was read.
            _prove_on(store, walk, proof)
        standing = read_page(store, writer, page) if page < walk.page else None
        if standing is None or standing.hash != digest:
            proof.breaks.append(f"chain {writer} stood at page {page} and no longer does")
    return proof


def _prove_on(store: Store, walk: _Walk, proof: Proof) -> list[tuple[str, int, str]]:
    """Check a chain from where the walk stands as far as it goes; give what it witnessed."""
    witnessed: list[tuple[str, int, str]] = []
    writer = walk.chain.writer
    while (read := _read_to_prove(store, walk.chain, walk.page, proof)) is not None:
        follows = (writer, walk.page, walk.number, walk.link)
        if (read.writer, read.page, read.first, read.previous) != follows:
            proof.breaks.append(f"chain {writer}, page {walk.page} does not follow the one before")
        link = read.previous
        if read.opening is not None:
            witnessed += read.opening.before
            link = chained(link, read.opening)
        for entry in read.entries:
            link = chained(link, entry)
        if link != read.hash:
            proof.breaks.append(f"chain {writer}, page {walk.page} was changed")
        walk.link, walk.page = read.hash, walk.page + 1
        walk.number += len(read.entries)
        proof.pages, proof.entries = proof.pages + 1, proof.entries + len(read.entries)
    return witnessed


def _prove_end(walk: _Walk, proof: Proof) -> None:
    chain = walk.chain
    if chain.ended_page is None:
        return
    if (walk.page - 1, walk.link) != (chain.ended_page, chain.ended_hash):
        proof.breaks.append(f"chain {chain.writer} ended at page {chain.ended_page}, not here")


def _read_to_prove(store: Store, chain: Chain, page: int, proof: Proof) -> AuditPage | None:
    try:
        return read_page(store, chain.writer, page)
    except PageDamaged as damaged:
        proof.breaks.append(str(damaged))
        return None


def as_document(page: AuditPage) -> Document:
    """Give a page as a document, findable by each patient in it."""
    found = sorted({f"{who}|{entry.at}" for entry in page.entries for who in entry.patients})
    return Document(
        page_key(page.writer, page.page),
        _encode(page),
        {BY_PATIENT: tuple(found)} if found else {},
    )
