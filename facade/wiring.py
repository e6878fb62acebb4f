"""The composition root: configuration to store, core and application. Nothing else makes these."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

from msgspec import Struct

from adapters.courier import Courier
from adapters.ourselves import Ourselves
from core.audit import Audit
from core.context import Context, system_context
from core.demographics.numbers import Numbers, pool_of
from core.demographics.records import Policy
from core.directory import Directory
from core.door import Core, Timing
from core.store.memory import MemoryStore
from core.store.port import Store
from core.store.riak import Pace, RiakStore
from core.store.sqlite import SqliteStore
from core.values.identity import PartyKey
from facade.config import Config, riak_addresses
from facade.posting import Poster
from facade.tls import FollowedContext, TlsFiles, client_context


class Spine(Struct, frozen=True):
    """What one process answers with."""

    core: Core
    store: Store
    context: Context
    audit: Audit
    ourselves: Ourselves


def open_store(config: Config, *, gives_way: bool = False) -> Store:
    """Give the store that the configuration names; raise `StoreError` with the cure.

    Whoever `gives_way` lets others write first, where writers take turns.
    """
    scheme, _, rest = config.store_url.partition(":")
    limit = config.store_limit_bytes or None
    if scheme == "memory":
        return MemoryStore(limit_bytes=limit)
    if scheme == "riak":
        pace = Pace(deadline_seconds=config.store_deadline_seconds)
        return RiakStore(riak_addresses(config.store_url), pace)
    return SqliteStore(config.home / rest, limit_bytes=limit, gives_way=gives_way)


def tls_files(config: Config) -> TlsFiles:
    """Give the files of our own TLS, as a server and towards others."""
    return TlsFiles(config.tls_ca, config.tls_certificate, config.tls_key, config.tls_strict)


def courier(config: Config, made: Spine, *, worker: str, report: Callable[..., None]) -> Courier:
    """Give what delivers for a worker of this name: over mutual TLS, with our own certificate."""
    followed = FollowedContext(tls_files(config), make=client_context, report=report)
    poster = Poster(followed.current, seconds=config.delivery_post_seconds)
    return Courier(made.ourselves, poster, worker, threading.Lock())


def policy(config: Config) -> Policy:
    """Give what was chosen where the sources leave it open."""
    return Policy(
        restricted_found_by_place=config.demographics_restricted_found_by_place,
        restricted_updated=config.demographics_restricted_updated,
        next_serial_change_number_accepted=(config.demographics_next_serial_change_number_accepted),
        practices_known=config.demographics_practices_known,
        later_rules=config.demographics_later_rules,
        max_matches=config.demographics_max_matches,
        max_candidates=config.demographics_max_candidates,
    )


def spine(config: Config, store: Store, *, watch: Callable[[Timing], None]) -> Spine:
    """Give the core on a store, with an audit chain of this process's own."""
    context = system_context()
    writer = f"{socket.gethostname()}-{os.getpid()}-{context.new_id()[:8]}"
    audit = Audit(
        store,
        writer=writer,
        now=lambda: context.now().isoformat(timespec="microseconds"),
    )
    core = Core(
        store=store,
        context=context,
        directory=Directory(store, time.monotonic),
        audit=audit,
        policy=policy(config),
        numbers=Numbers(pool_of(config.demographics_number_pool), writer=writer),
        watch=watch,
    )
    ourselves = Ourselves(core, context, PartyKey(config.hub_party_key))
    return Spine(core, store, context, audit, ourselves)
