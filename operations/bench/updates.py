"""Updates of demographics end to end: over ebXML in, done, and the answer posted to who asked.

Two practices send. Each connection has patients of its own and changes one address after the other,
under the serial change number that the last change led to; so every update is one that must be
done.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from ctypes import c_int64
from itertools import count
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from core.demographics.records import PATIENTS
from core.directory import Acknowledging, ContractProperties
from core.store.port import Store
from core.values.demographics import AddressUse, Patient, RecordStatus
from facade import config as configs
from facade.wiring import open_store
from legacy_contracts import oids
from operations import loading, patients
from operations.bench import hub_messages, load
from operations.bench.hub_messages import Template
from operations.bench.hub_place import ARRIVAL_SECONDS, RELIABLE, Place, Window, placed
from operations.bench.load import Shape, Tally
from operations.bench.measuring import Bench, Report, measured
from operations.bench.served import Watched
from operations.setup import HUB_PARTY

INTERACTION: Final = "PRPA_IN000203UK03"
PATIENTS_CHANGED: Final = 4000
SEED: Final = 2014
RATE: Final = 300
CLIENTS: Final = 8
WARM: Final = Shape(processes=1, connections=CLIENTS, seconds=1.5)
LOAD: Final = Shape(processes=1, connections=CLIENTS, seconds=12.0)


class Changed(Struct, frozen=True):
    """A patient whose address is changed: the number, the first serial change number, the id."""

    nhs_number: str
    serial_change_number: int
    object_id: str


def measure(report: Report, bench: Bench) -> None:
    """Send as many updates as are answered, and count what the records say of them."""
    bench.say("updates of demographics end to end")
    with placed(bench) as place, place.store("sqlite:updates.db", Acknowledging.ANSWERED):
        changed = _loaded(place)
        warm, measuring = changed[: PATIENTS_CHANGED // 8], changed[PATIENTS_CHANGED // 8 :]
        with place.serving() as server:
            _sent(place, server, WARM, warm)
            first, started = place.receiver.different.value, time.monotonic()
            ended = started

            def sending() -> Tally:
                nonlocal ended
                tally = _sent(place, server, LOAD, measuring)
                ended = time.monotonic()
                return tally

            tally = measured(report, server, "update", sending)
            answered = place.receiver.different.value - first
        made = _made(place, measuring)
    accepted = len(tally.seconds) - tally.failed
    report.least("updates end to end", answered / (ended - started), "updates/s", RATE)
    report.most("  accepted and not answered", accepted - answered, "updates", 0)
    report.most("  answered and not made", answered - made, "updates", 0)


def _loaded(place: Place) -> tuple[Changed, ...]:
    """Load patients, and give those whose address can be changed."""
    store = open_store(configs.load(place.bench.config))
    people = [*patients.population(PATIENTS_CHANGED + PATIENTS_CHANGED // 4, SEED)]
    loading.load(store, iter(people), source="bench", at="", progress=lambda _count: None)
    store.close()
    found = [one for one in map(_changed, people) if one is not None]
    return tuple(found[:PATIENTS_CHANGED])


def _changed(patient: Patient) -> Changed | None:
    home = [one for one in patient.addresses if one.use is AddressUse.HOME and not _closed(one)]
    if patient.status is not RecordStatus.ACTIVE or patient.sensitivity or len(home) != 1:
        return None
    number = patient.serial_change_number
    return Changed(patient.nhs_number, number, home[0].object_id or "")


def _closed(item: object) -> bool:
    period = getattr(item, "period", None)
    return period is not None and period.end is not None


def _sent(place: Place, server: Watched, shape: Shape, changed: tuple[Changed, ...]) -> Tally:
    """Send updates until the time is over and all that were accepted have been answered."""
    receiver, context = place.receiver, place.bench.context
    first = update(place.contract(HUB_PARTY, INTERACTION), place)
    templates = (first, UpdateTemplate(first.template.by_the_second()))
    files = place.bench.files
    second = replace(
        files, certificate=files.ca.with_name("second.pem"), key=files.ca.with_name("second.key")
    )
    before = receiver.different.value
    window = Window(receiver, multiprocessing.get_context("fork").Value(c_int64), before)

    def bodies(client: int) -> Iterator[bytes]:
        own, ids = changed[client % CLIENTS :: CLIENTS], hub_messages.ids(context)
        return window.paced(
            templates[client % 2].about(one, one.serial_change_number + turn, next(ids))
            for turn in count()
            for one in own
        )

    target = replace(place.target(server.port, RELIABLE), more=(second,))
    tally = load.run(target, shape, bodies)
    receiver.wait_for(before + len(tally.seconds) - tally.failed, ARRIVAL_SECONDS)
    return tally


def _made(place: Place, changed: tuple[Changed, ...]) -> int:
    """Give how many changes the records have had."""
    store: Store = open_store(configs.load(place.bench.config))
    made = 0
    for one in changed:
        patient = store.read(PATIENTS, one.nhs_number)
        made += patient.serial_change_number - one.serial_change_number if patient else 0
    store.close()
    return made


_NUMBER: Final = "9990000000"
_SERIAL: Final = "000000000"
_OBJECT: Final = "ffffffff"


class UpdateTemplate(Struct, frozen=True):
    """An update without its id, its patient and its serial change number."""

    template: Template

    def about(self, changed: Changed, serial_change_number: int, message_id: str) -> bytes:
        """Give the update's bytes."""
        body = self.template.under(message_id)
        for placeholder, value in (
            (_NUMBER, changed.nhs_number),
            (_SERIAL, f"{serial_change_number}"),
            (_OBJECT, changed.object_id),
        ):
            body = body.replace(f'"{placeholder}"'.encode(), f'"{value}"'.encode())
        return body


def update(contract: ContractProperties, place: Place) -> UpdateTemplate:
    """Give an update that alters a home address, some six kilobytes (pds.md A.13)."""
    lines = "".join(
        f"<streetAddressLine>{line}</streetAddressLine>"
        for line in ("", "12 Sample Street", "", "Sampleton", "")
    )
    number = "pertinentSerialChangeNumber"
    asked = (
        '<PdsUpdateRequest classCode="REG" moodCode="RQO">'
        f'<code code="1" codeSystem="{oids.NPFIT}.17.40"/>'
        f'<pertinentInformation typeCode="PERT"><{number} classCode="OBS" moodCode="EVN">'
        f'<code code="2" codeSystem="{oids.NPFIT}.17.35"/><value value="{_SERIAL}"/></{number}>'
        '</pertinentInformation><subject typeCode="SBJ"><patientRole classCode="PAT">'
        f'<addr use="H" updateMode="altered">{lines}<postalCode>SA1 1AA</postalCode>'
        f'<id root="{oids.NPFIT}.18.1" extension="{_OBJECT}"/></addr>'
        f'<id root="{oids.NHS_NUMBER}" extension="{_NUMBER}"/>'
        "</patientRole></subject></PdsUpdateRequest>"
    )
    made = hub_messages.to_the_hub(contract, place.bench.context, asked)
    return UpdateTemplate(made)
