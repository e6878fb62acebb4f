"""The one way into the core: authorise, perform, audit, time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, overload

from core import access, alerts
from core.alerts import Alert, RaiseAlert
from core.audit import Access, Audit
from core.context import Context
from core.demographics import back_office, creation, queries, updates
from core.demographics.back_office import History, Merge, Restrict, ShowHistory, Split
from core.demographics.claiming import Claims
from core.demographics.numbers import Numbers
from core.demographics.records import Demographics, Found, Policy
from core.demographics.updates import Changing, Updated, UpdateRecord
from core.directory import Directory
from core.errors import CoreError, NotAllowed
from core.messaging.hub import Accept, Admit, Hub, Receipt
from core.messaging.keeping import iso
from core.messaging.records import Message
from core.store.port import Store
from core.values.identity import Caller, PartyKey, Person

Change = UpdateRecord | Merge | Split | Restrict
Command = queries.Command | Change | ShowHistory | creation.Command | Accept | Admit | RaiseAlert

ALLOWED: Final = "done"
MAX_NOTED: Final = 200
"""Characters of a caller's text that the audit keeps."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a command took, by stage, in seconds; told to whoever watches the core."""

    command: str
    outcome: str
    perform: float
    audit: float


def _unwatched(_timing: Timing) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True)
class Core:
    """The new Spine: give it a command and say who asks."""

    store: Store
    context: Context
    directory: Directory
    audit: Audit
    policy: Policy = field(default_factory=Policy)
    numbers: Numbers = field(default_factory=Numbers)
    watch: Callable[[Timing], None] = _unwatched

    @overload
    def perform(self, command: queries.Command, *, by: Caller) -> Found: ...

    @overload
    def perform(self, command: creation.AllocateNumber, *, by: Caller) -> creation.Created: ...

    @overload
    def perform(
        self, command: creation.CreateRecord, *, by: Caller
    ) -> creation.Created | creation.PossibleDuplicates: ...

    @overload
    def perform(self, command: Change, *, by: Caller) -> Updated: ...

    @overload
    def perform(self, command: ShowHistory, *, by: Caller) -> History: ...

    @overload
    def perform(self, command: Accept, *, by: Caller) -> Receipt: ...

    @overload
    def perform(self, command: Admit, *, by: Caller) -> Message: ...

    @overload
    def perform(self, command: RaiseAlert, *, by: Caller) -> Alert: ...

    def perform(self, command: Command, *, by: Caller) -> Any:
        """Do what is asked if the caller may, and give the result once its audit is durable.

        Raises `CoreError` for what the core refuses (audited like the rest), `StoreError` when
        nothing was decided.
        """
        started = time.perf_counter()
        name = type(command).__name__
        asked = _patient_asked_for(command)
        try:
            access.authorise(by, self.directory)
            result = _HANDLERS[type(command)](self, command)
        except CoreError as refusal:
            self._note(by, name, type(refusal).__name__, asked, started)
            raise
        shown = dict.fromkeys((*asked, *_patients_in(result)))
        self._note(by, name, ALLOWED, tuple(shown), started)
        return result

    def decline(self, *, by: Caller, command: str, why: str) -> None:
        """Audit that a caller's request broke the rules of its message and was not performed.

        Raises `NotAllowed`, audited, when the caller might not have asked at all.
        """
        started = time.perf_counter()
        try:
            access.authorise(by, self.directory)
        except NotAllowed as refusal:
            self._note(by, command, type(refusal).__name__, (), started)
            raise
        self._note(by, command, why, (), started)

    def end(self) -> None:
        """End this process's audit chain in order."""
        self.audit.end()

    @property
    def hub(self) -> Hub:
        """The messages between parties."""
        return Hub(self.store, self.context.now)

    def by_hand(self, command: str, message_id: str, *, operator: str, outcome: str) -> None:
        """Audit what an operator of this facade did by hand."""
        by = Caller(PartyKey(""), None, "by hand", message_id, Person("", operator, ""))
        self._note(by, command, outcome, (), time.perf_counter())

    def _note(
        self, by: Caller, command: str, outcome: str, patients: tuple[str, ...], started: float
    ) -> None:
        performed = time.perf_counter()
        self.audit.record(
            Access(
                at=self.context.now().isoformat(timespec="microseconds"),
                party_key=by.party_key,
                asid=_noted(by.asid or ""),
                activity=by.activity,
                command=command,
                outcome=outcome,
                message_id=_noted(by.message_id),
                patients=tuple(map(_noted, patients)),
                user=_noted(by.person.user) if by.person else None,
                role_profile=_noted(by.person.role_profile) if by.person else None,
                job_role=_noted(by.person.job_role) if by.person else None,
            )
        )
        self.watch(Timing(command, outcome, performed - started, time.perf_counter() - performed))


def _demographics(core: Core, command: queries.Command) -> Found:
    now = core.context.now()
    today = f"{now.year:04d}{now.month:02d}{now.day:02d}"
    records = Demographics(core.store, today, core.policy)
    return queries.HANDLERS[type(command)](command, records)


def _create(core: Core, command: creation.Command) -> object:
    creating = creation.Creating(core.context.new_id, core.numbers, _changing(core))
    return creation.HANDLERS[type(command)](command, creating)


def _changed(core: Core, command: Change | ShowHistory) -> Updated | History:
    return _CHANGES[type(command)](command, _changing(core))


def _changing(core: Core) -> Changing:
    return Changing(
        Claims(core.store, core.store.apply),
        core.context.now(),
        core.policy,
        lambda code: core.directory.organisation(code) is not None,
    )


_CHANGES: Final[dict[type, Callable[..., Updated | History]]] = {
    **updates.HANDLERS,
    **back_office.HANDLERS,
}


def _accept(core: Core, command: Accept) -> Receipt:
    return core.hub.accept(command, core.context.new_id())


def _admit(core: Core, command: Admit) -> Message:
    return core.hub.admit(command)


def _raise_alert(core: Core, command: RaiseAlert) -> Alert:
    return alerts.keep(command, core.store, iso(core.context.now()))


_HANDLERS: Final[dict[type, Callable[[Core, Any], Any]]] = {
    **dict.fromkeys(queries.HANDLERS, _demographics),
    **dict.fromkeys(creation.HANDLERS, _create),
    **dict.fromkeys(_CHANGES, _changed),
    Accept: _accept,
    Admit: _admit,
    RaiseAlert: _raise_alert,
}


def _noted(text: str) -> str:
    """Give a caller's text as it is audited: cut off where it is longer than any id can be.

    A caller chooses it, refused or not: uncut, each message could grow the audit by megabytes,
    and be too large a page together with those of others.
    """
    return text if len(text) <= MAX_NOTED else text[:MAX_NOTED]


def _patients_in(result: object) -> tuple[str, ...]:
    if isinstance(result, creation.PossibleDuplicates):
        return tuple(one.nhs_number for one in result.candidates)
    if isinstance(result, Found | Updated | creation.Created):
        return (result.patient.nhs_number,)
    return ()


def _patient_asked_for(command: Command) -> tuple[str, ...]:
    if isinstance(command, Merge):
        return command.nhs_numbers
    number = getattr(command, "nhs_number", None)
    return (number,) if number is not None else ()
