"""A facade in this process, whose records and directory are those of the mini services' cases."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.ourselves import Ourselves
from core.audit import Audit
from core.context import Context
from core.directory import Directory, list_entries, list_organisations
from core.door import Core
from core.store.memory import MemoryStore
from core.values.identity import PartyKey
from facade.config import NATIONAL_HUB
from facade.metrics import Metrics
from facade.web import Application
from facade.wiring import Spine
from operations import listing, loading, recordings

_FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
_LISTED: Final = {"at": "", "import_id": "test"}


def provider(names_of: Callable[[dict[str, Any]], tuple[str, ...]] | None = None) -> Application:
    """Give the application; where `names_of` is None, a certificate says who sends."""
    store = MemoryStore()
    listed = listing.read(_FIXTURES / "directories" / "hospital.toml")
    list_organisations(store, listed.organisations, **_LISTED)
    list_entries(store, listed.parties, listed.systems, **_LISTED)
    people = recordings.records(_FIXTURES / "records" / "smsp.toml")
    loading.load(store, people, source="test", at="", progress=lambda _count: None)
    context = Context(now=lambda: datetime.now(UTC), new_id=lambda: str(uuid.uuid4()).upper())
    audit = Audit(store, writer="test", now=lambda: context.now().isoformat())
    directory = Directory(store, time.monotonic)
    core = Core(store=store, context=context, directory=directory, audit=audit)
    us = Ourselves(core, context, PartyKey(NATIONAL_HUB))
    spine = Spine(core, store, context, audit, us)
    told = {} if names_of is None else {"names_of": names_of}
    return Application(spine, Metrics(), limit_bytes=5_000_000, **told)
