"""The one way into the core: authorise, perform, audit, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, overload

from msgspec import Struct, field
from msgspec.structs import replace

from core import access, alerts
from core.alerts import Alert, RaiseAlert
from core.audit import Access, Audit
from core.context import Context
from core.demographics import back_office, creation, queries, searching, updates
from core.demographics.asking import AdvancedTrace
from core.demographics.back_office import History, Merge, Restrict, ShowHistory, Split
from core.demographics.claiming import Claims
from core.demographics.numbers import Numbers
from core.demographics.records import PATIENTS, Demographics, Found, Policy
from core.demographics.searching import Candidates
from core.demographics.updates import Changing, Updated, UpdateRecord
from core.directory import Directory
from core.directory import finding as entries
from core.directory.finding import FindEntries
from core.errors import CoreError, Duplicate, NotAllowed, NumberSuperseded
from core.messaging.hub import Accept, Admit, Hub, Receipt
from core.messaging.records import Message
from core.messaging.sightings import Once, require_new, sighting
from core.store.gathering import Gathering
from core.store.port import Record, Store, Update, Write
from core.values.identity import Caller, PartyKey, Person

R = TypeVar("R")

Change = UpdateRecord | Merge | Split | Restrict
Query = queries.Command | AdvancedTrace
Command = (
    Query | Change | ShowHistory | creation.Command | Accept | Admit | RaiseAlert | FindEntries
)

ALLOWED: Final = "done"
MAX_NOTED: Final = 200
"""Characters of a caller's text that the audit keeps."""


class Timing(Struct, frozen=True):
    """How long a command took, by stage, in seconds; told to whoever watches the core.

    `audit` is the writing of its audit, with what it wrote itself.
    """

    command: str
    outcome: str
    perform: float
    audit: float


def _unwatched(_timing: Timing) -> None:
    """Watch nothing."""


class Core(Struct, frozen=True):
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
    def perform(self, command: AdvancedTrace, *, by: Caller) -> Candidates: ...

    @overload
    def perform(self, command: Accept, *, by: Caller) -> Receipt: ...

    @overload
    def perform(self, command: Admit, *, by: Caller) -> Message: ...

    @overload
    def perform(self, command: RaiseAlert, *, by: Caller) -> Alert: ...

    @overload
    def perform(self, command: FindEntries, *, by: Caller) -> entries.Found: ...

    def perform(self, command: Command, *, by: Caller) -> Any:
        """Do what is asked if the caller may, and give the result once its audit is durable.

        Raises `CoreError` for what the core refuses (audited like the rest), `StoreError` when
        nothing was decided. What is asked of the directory is open to whoever may connect, touches
        no patient, and is neither authorised nor audited by itself: `witness` is for a question as
        a whole, which may come to many of these.
        """
        started = time.perf_counter()
        name = type(command).__name__
        if isinstance(command, FindEntries):
            found = entries.find(command, self.store, self.directory)
            self._timed(name, ALLOWED, started, 0.0)
            return found
        asked = _patient_asked_for(command)
        doing = Doing(self, by, name, asked)
        try:
            access.authorise(by, self.directory)
            result = _HANDLERS[type(command)](doing, command)
        except CoreError as refusal:
            told = (*asked, *_patients_told_of(refusal))
            self._note(by, name, type(refusal).__name__, told, started)
            raise
        shown = tuple(dict.fromkeys((*asked, *_patients_in(result))))
        if doing.is_noted and set(shown) <= set(doing.patients):
            self._timed(name, ALLOWED, started, doing.written)
        else:
            self._note(by, name, ALLOWED, shown, started)
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

    def witness(self, *, by: Caller, command: str, outcome: str) -> None:
        """Audit a question to the directory as a whole; raise `StoreError` where that fails."""
        self._note(by, command, outcome, (), time.perf_counter())

    def once(self, once: Once, command: str, answer: Callable[[Core], R], *, by: Caller) -> R:
        """Give what `answer` gives on this core, once for the ids: then they are spent.

        Raises `Duplicate`, audited, for what was received before, and what `answer` raises, which
        spends nothing. What was audited stands in either case. On the embedded store all is one
        write; on a cluster two at the same moment may both be answered.
        """
        now = self.context.now()
        try:
            writes = sighting(by.party_key, once, now, self.context.new_id())
            if self.store.is_exclusive:
                return self._gathered(answer, writes)
            require_new(self.store, by.party_key, once, now)
            given = answer(self)
            self.store.apply(writes)
        except Duplicate as refusal:
            self.decline(by=by, command=command, why=type(refusal).__name__)
            raise
        return given

    def _gathered(self, answer: Callable[[Core], R], writes: Iterable[Write]) -> R:
        gathering = Gathering(self.store)
        try:
            given = answer(replace(self, store=gathering))
        except Exception:
            gathering.commit()
            raise
        # The sightings look for themselves as they are written: nothing is shown where they raise.
        gathering.commit(*writes)
        return given

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
        noting = time.perf_counter()
        self.audit.record(self.entry(by, command, outcome, patients), self.store)
        self._timed(command, outcome, started, time.perf_counter() - noting)

    def _timed(self, command: str, outcome: str, started: float, written: float) -> None:
        performed = time.perf_counter() - started - written
        self.watch(Timing(command, outcome, performed, written))

    def entry(self, by: Caller, command: str, outcome: str, patients: tuple[str, ...]) -> Access:
        """Give what the audit says of an access."""
        return Access(
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


class Doing(Struct):
    """A command that is being performed: what it writes is written with the audit of it."""

    core: Core
    by: Caller
    command: str
    patients: tuple[str, ...]
    written: float = 0.0
    is_noted: bool = False

    def apply(self, writes: Iterable[Write]) -> list[Record[Any, Any]]:
        """Do the writes that the command comes to, and audit that it was done, in one.

        It is the last that the command does: what raises after it was audited as done. Whose
        records it writes is audited with whom it was asked about: a number leads to another.
        """
        writes = tuple(writes)
        self.patients = tuple(dict.fromkeys((*self.patients, *_patients_written(writes))))
        entry = self.core.entry(self.by, self.command, ALLOWED, self.patients)
        began = time.perf_counter()
        records = self.core.audit.beside(entry, writes, self.core.store)
        self.written = time.perf_counter() - began
        self.is_noted = True
        return records

    def make(self, writes: list[Write]) -> None:
        """Do the writes that make a record, and audit it before anyone sees it.

        Where a store writes one after the other, the entry comes before the last write: who dies
        in between leaves an entry of a record that the message, done again, makes visible.
        """
        if self.core.store.is_exclusive:
            self.apply(writes)
            return
        *before, visible = writes
        self.core.store.apply(before)
        self.patients = (*self.patients, *_patients_written((visible,)))
        self.apply(())
        self.core.store.apply((visible,))

    @property
    def hub(self) -> Hub:
        """The messages between parties, as this command changes them."""
        return Hub(self.core.store, self.core.context.now, self.apply)


def _demographics(doing: Doing, command: queries.Command) -> Found:
    return queries.HANDLERS[type(command)](command, _records(doing.core))


def _advanced_trace(doing: Doing, command: AdvancedTrace) -> Candidates:
    return searching.advanced_trace(command, _records(doing.core))


def _records(core: Core) -> Demographics:
    now = core.context.now()
    today = f"{now.year:04d}{now.month:02d}{now.day:02d}"
    return Demographics(core.store, today, core.policy)


def _changed(doing: Doing, command: Change | ShowHistory) -> Updated | History:
    if type(command) in back_office.HANDLERS and not doing.by.by_hand:
        raise NotAllowed("only an operator of this facade may do this")
    return _CHANGES[type(command)](command, _changing(doing.core, doing.apply))


def _create(doing: Doing, command: creation.Command) -> object:
    """Make a record; whom a sender is told of instead is known only after it: audited then."""
    core = doing.core
    changing = _changing(core, core.store.apply)
    creating = creation.Creating(core.context.new_id, core.numbers, changing, doing.make)
    return creation.HANDLERS[type(command)](command, creating)


def _changing(core: Core, apply: Callable[[Iterable[Write]], object]) -> Changing:
    return Changing(
        Claims(core.store, apply),
        core.context.now(),
        core.policy,
        lambda code: core.directory.organisation(code) is not None,
    )


_CHANGES: Final[dict[type, Callable[..., Updated | History]]] = {
    **updates.HANDLERS,
    **back_office.HANDLERS,
}


def _accept(doing: Doing, command: Accept) -> Receipt:
    return doing.hub.accept(command, doing.core.context.new_id())


def _admit(doing: Doing, command: Admit) -> Message:
    return doing.hub.admit(command)


def _raise_alert(doing: Doing, command: RaiseAlert) -> Alert:
    (kept,) = doing.apply([alerts.keeping(command)])
    alert: Alert = kept.state.alert
    return alert


_HANDLERS: Final[dict[type, Callable[[Doing, Any], Any]]] = {
    **dict.fromkeys(queries.HANDLERS, _demographics),
    AdvancedTrace: _advanced_trace,
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
    if isinstance(result, Candidates):
        return tuple(one.found.patient.nhs_number for one in result.candidates)
    if isinstance(result, Found | Updated | creation.Created):
        return (result.patient.nhs_number,)
    return ()


def _patients_written(writes: Iterable[Write]) -> tuple[str, ...]:
    return tuple(one.key for one in writes if isinstance(one, Update) and one.bucket is PATIENTS)


def _patients_told_of(refusal: CoreError) -> tuple[str, ...]:
    """Give whom a refusal tells of beside whom it was asked about."""
    replacement = refusal.replacement if isinstance(refusal, NumberSuperseded) else None
    return (replacement,) if replacement is not None else ()


def _patient_asked_for(command: Command) -> tuple[str, ...]:
    if isinstance(command, Merge):
        return command.nhs_numbers
    number = getattr(command, "nhs_number", None)
    return (number,) if number is not None else ()
