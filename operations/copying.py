"""Everything a store holds, kind by kind, out of one store and into another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from core import alerts, audit, directory, transfers
from core.demographics import births, claiming, creation, numbers, records
from core.errors import StoreError
from core.messaging import records as messages
from core.store.port import Bucket, Change, Document, Documents, Store

BUCKETS: Final[tuple[Bucket[Any, Any], ...]] = (
    audit.CHAINS,
    records.PATIENTS,
    records.TRACES,
    births.BIRTHS,
    numbers.CURSORS,
    alerts.ALERTS,
    transfers.TRANSFERS,
    messages.PAYLOADS,
    messages.MESSAGES,
    directory.ORGANISATIONS,
    directory.PEOPLE,
    directory.MEMBERSHIPS,
    directory.ROLE_PROFILES,
    directory.CONTRACTS,
    directory.SYSTEMS,
    directory.CERTIFICATES,
    directory.PARTIES,
)
"""The chains' list first, so that no chain is listed whose pages were not yet there to copy; the
directory last, so that a store that is still being filled lets nobody ask."""

DOCUMENTS: Final = (
    messages.BODIES,
    messages.POLLS,
    numbers.RANGES,
    creation.BIRTH_CLAIMS,
    creation.CREATIONS,
)
"""What is written once and says nothing by itself; copied before the records that name it."""

HISTORY: Final = (claiming.CHANGES,)
"""What tells of records and is copied after them: a change that is made meanwhile is then carried
out by whoever finds it, where a record without its change would be history lost."""

KINDS: Final[tuple[Bucket[Any, Any] | Documents, ...]] = (
    *BUCKETS,
    audit.PAGES,
    *DOCUMENTS,
    *HISTORY,
)
"""Everything that the core keeps, but who delivers what: that is true for seconds only."""

_BATCH: Final = 500

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


def counts(store: Store) -> dict[str, int]:
    """Give how many keys of each kind there are."""
    return {kind.name: sum(1 for _ in store.keys(kind)) for kind in KINDS}


def has_data(store: Store) -> bool:
    """Say whether anything at all is kept there."""
    return any(True for kind in KINDS for _ in store.keys(kind))


def copy(source: Store, target: Store, progress: Progress) -> None:
    """Write all that is in one store into another; what stands there already stays.

    Doing it again changes nothing, so an interrupted copy is finished by another.
    """
    first, *rest = BUCKETS
    _copy_bucket(source, target, first, progress)
    _copy_pages(source, target, progress)
    for documents in DOCUMENTS:
        _copy_documents(source, target, documents, progress)
    for bucket in rest:
        _copy_bucket(source, target, bucket, progress)
    for documents in HISTORY:
        _copy_documents(source, target, documents, progress)


def _copy_bucket(
    source: Store, target: Store, bucket: Bucket[Any, Any], progress: Progress
) -> None:
    keys = list(source.keys(bucket))
    done = 0
    for batch in _batches(keys):
        target.update_many(bucket, [(key, _as_in(source, bucket, key)) for key in batch])
        done += len(batch)
        progress(f"Copying {bucket.name}", done, len(keys))


def _as_in(source: Store, bucket: Bucket[Any, Any], key: str) -> Change[Any, Any]:
    record = source.record(bucket, key)
    if record is None:
        raise StoreError(f"a listed record of bucket {bucket.name} is not there: try again")
    facts: Mapping[str, Any] = record.facts
    return lambda _record: facts


def _copy_documents(source: Store, target: Store, documents: Documents, progress: Progress) -> None:
    keys = list(source.keys(documents))
    for done, key in enumerate(keys, 1):
        value = source.document(documents, key)
        if value is not None:
            target.write_once(documents, Document(key, value))
        if done % _BATCH == 0 or done == len(keys):
            progress(f"Copying {documents.name}", done, len(keys))


def _copy_pages(source: Store, target: Store, progress: Progress) -> None:
    """Write every page; of a chain that goes on meanwhile, no page without those before it."""
    last: dict[str, int] = {}
    for key in source.keys(audit.PAGES):
        writer, _, number = key.rpartition(".")
        last[writer] = max(int(number), last.get(writer, 0))
    done, whole = 0, sum(page + 1 for page in last.values())
    for writer, end in last.items():
        for page in range(end + 1):
            _copy_page(source, target, writer, page)
            done += 1
            if done % _BATCH == 0 or done == whole:
                progress("Copying audit", done, whole)


def _copy_page(source: Store, target: Store, writer: str, number: int) -> None:
    """Write a page as it stands; one that is missing is for the proof to say."""
    value = source.document(audit.PAGES, audit.page_key(writer, number))
    if value is None:
        return
    try:
        page = audit.read_page(source, writer, number)
    except audit.PageDamaged:
        page = None
    terms = audit.as_document(page).terms if page is not None else {}
    target.write_once(audit.PAGES, Document(audit.page_key(writer, number), value, terms))


def _batches(keys: list[str]) -> Iterator[list[str]]:
    source = iter(keys)
    while batch := list(islice(source, _BATCH)):
        yield batch
