"""Alerts: a privacy officer is told that somebody opened a record, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from core.store.port import Bucket, Span, Store, Update

BY_TIME: Final = "time_bin"
_PAGE: Final = 500


class Alert(Struct, frozen=True):
    """One alert, as it was raised: who opened whose record, when, where, for what reason."""

    alert_id: str
    code: str
    at: str
    nhs_number: str
    user: str
    system: str
    reason: str
    reason_text: str | None
    notification: str | None
    organisation: str
    organisation_name: str
    person: str
    person_name: str
    person_description: str
    device: str


class Raised(Struct, frozen=True):
    """The fact that an alert was received."""

    received_at: str
    sender: str
    alert: Alert


def _first(facts: Mapping[str, Raised]) -> Raised:
    return min(facts.items(), key=lambda item: (item[1].received_at, item[0]))[1]


ALERTS: Final[Bucket[Raised, Raised]] = Bucket(
    name="alert",
    fact=Raised,
    state=Raised,
    fold=_first,
    whole=lambda fact: fact,
    terms=lambda raised: {
        BY_TIME: (raised.received_at,),
        "patient_bin": (f"{raised.alert.nhs_number}|{raised.received_at}",),
        "organisation_bin": (f"{raised.alert.organisation}|{raised.received_at}",),
    },
)


class RaiseAlert(Struct, frozen=True):
    """Keep an alert that a message brought; the same message again changes nothing.

    When it was received is when its message was accepted: done once more by somebody who has not
    seen the first time, it is the same fact.
    """

    key: str
    sender: str
    received_at: str
    alert: Alert

    @property
    def nhs_number(self) -> str:
        """Whose record the alert is about."""
        return self.alert.nhs_number


def keeping(command: RaiseAlert) -> Update:
    """Give the write that keeps an alert."""
    raised = Raised(command.received_at, command.sender, command.alert)
    return Update(ALERTS, command.key, lambda _record: {command.key: raised})


class Wanted(Struct, frozen=True):
    """Which alerts to list: of a patient or an organisation, or all; in a span of time."""

    nhs_number: str | None = None
    organisation: str | None = None
    since: str = ""
    until: str = "~"


def listed(store: Store, wanted: Wanted) -> Iterator[Raised]:
    """Give alerts in the order in which they were received."""
    span = _span(wanted)
    after: str | None = None
    while True:
        page = store.find(ALERTS, span, limit=_PAGE, after=after)
        for term, key in page.entries:
            raised = store.read(ALERTS, key)
            # Copies that a cluster has not merged yet may stand at other places of the index too.
            own = () if raised is None else ALERTS.terms(raised)[span.index]
            if raised is not None and term in own and _is_wanted(raised, wanted):
                yield raised
        after = page.after
        if after is None:
            return


def _span(wanted: Wanted) -> Span:
    for index, who in (
        ("patient_bin", wanted.nhs_number),
        ("organisation_bin", wanted.organisation),
    ):
        if who is not None:
            return Span(index, f"{who}|{wanted.since}", f"{who}|{wanted.until}")
    return Span(BY_TIME, wanted.since, wanted.until)


def _is_wanted(raised: Raised, wanted: Wanted) -> bool:
    return wanted.organisation in {None, raised.alert.organisation} and wanted.nhs_number in {
        None,
        raised.alert.nhs_number,
    }
