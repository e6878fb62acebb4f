"""What an answer costs in process: no TLS, no disk, one fixed patient of about 105 elements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from adapters import pipeline
from adapters.pipeline import Request
from core.audit import Audit
from core.context import system_context
from core.directory import Directory, Party, System, list_entries
from core.door import Core
from core.store.memory import MemoryStore
from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    Name,
    NameUse,
    Patient,
    Period,
    RelatedPerson,
    RelatedRole,
    Telecom,
    TelecomUse,
)
from core.values.identity import Asid, NhsNumber, PartyKey
from legacy_contracts import registry
from legacy_contracts.hl7.wrappers import Correlation, Moment
from legacy_contracts.pds.queries import PatientReply
from operations import loading, sending
from operations.setup import SAMPLE_ASID, SAMPLE_CLIENT, SAMPLE_PARTY

RUNS: Final = 10_000


class Inside(Struct, frozen=True):
    """Medians in milliseconds of CPU: a whole answer, and building it; and its elements."""

    answer: float
    building: float
    elements: int


def fixed_patient() -> Patient:
    """Give the patient that is always measured."""
    home = Address(
        AddressUse.HOME,
        ("", "1 MILL LANE", "", "LEEDS", "WEST YORKSHIRE"),
        "LS1 1AA",
        "12345678",
        period=Period("20100101"),
        object_id="a1b2",
    )
    usual = Name(
        NameUse.USUAL, "MRS", ("EDITH", "ROSE"), "CARTER", period=Period("1950"), object_id="n1"
    )
    return Patient(
        nhs_number=NhsNumber("9990000018"),
        serial_change_number=7,
        gender="2",
        birth_time="19500203",
        names=(usual,),
        addresses=(home,),
        telecoms=(Telecom(TelecomUse.HOME, "tel:01632960001", Period("2010"), "t1"),),
        care_provisions=(
            CareProvision(
                CareProvisionKind.PRIMARY_CARE, "A99001", period=Period("2010"), object_id="g1"
            ),
        ),
        related_persons=(
            RelatedPerson("03", RelatedRole.AGENT, name=usual, next_of_kin="1", object_id="r1"),
        ),
        consents=(Consent(ConsentKind.RECORD_SHARING, "5"),),
        previous_contact="1",
    )


def measure() -> Inside:
    """Give the medians of ten thousand answers."""
    store, context = MemoryStore(), system_context()
    list_entries(
        store,
        [Party(PartyKey(SAMPLE_PARTY), "Sample", (SAMPLE_CLIENT,))],
        [System(Asid(SAMPLE_ASID), PartyKey(SAMPLE_PARTY), "Sample", (sending.RETRIEVAL,))],
        at="",
        import_id="bench",
    )
    patient = fixed_patient()
    loading.load(store, [patient], source="bench", at="", progress=lambda _count: None)
    core = Core(
        store=store,
        context=context,
        directory=Directory(store, time.monotonic),
        audit=Audit(store, writer="bench", now=lambda: context.now().isoformat()),
    )
    body = sending.retrieval(patient.nhs_number, context)
    request = Request(body, None, None, (SAMPLE_CLIENT,))
    answered = pipeline.answer(request, core, context)
    return Inside(
        answer=_median(lambda: pipeline.answer(request, core, context)),
        building=_median(_builder(patient)),
        elements=answered.body.count(b"<") - answered.body.count(b"</") - 1,
    )


def _builder(patient: Patient) -> Callable[[], object]:
    """Give what builds the whole answer from the record."""
    row = registry.BY_ID[sending.RETRIEVAL]
    reply = PatientReply(patient, ("person.allData",))
    to = Correlation("0" * 36, "0" * 36, "990000000000", SAMPLE_ASID)
    at = Moment("0" * 36, "20140825093000")
    return lambda: row.envelope.success(row, to, at, row.build(reply), ())


def _median(act: Callable[[], object]) -> float:
    """Give the median of the CPU time of one run, in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.thread_time_ns()
        act()
        times.append(time.thread_time_ns() - started)
    return statistics.median(times) / 1e6
