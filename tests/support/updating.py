"""Somebody whose record is changed, and what changes are performed with: all of it made up."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from core.demographics import back_office, updates
from core.demographics.back_office import History
from core.demographics.claiming import Claims
from core.demographics.records import PATIENTS, Policy
from core.demographics.updates import Changing, Updated, UpdateRecord
from core.store.memory import MemoryStore
from core.store.port import Store
from core.values.changes import Change, ChangeList, Kind
from core.values.demographics import (
    Address,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    Name,
    Patient,
    Period,
    Provenance,
    RelatedPerson,
    Telecom,
    TelecomUse,
)
from core.values.identity import NhsNumber, check_digit
from operations import loading

NUMBER, OTHER = NhsNumber("9990000018"), NhsNumber("9990000026")
NOW = datetime(2014, 8, 25, 12, 0, 0, tzinfo=UTC)
AT, TODAY = "20140825120000", "20140825"
ASID = "200000000205"
NAME = Name(given=("EDITH",), family="CARTER", period=Period("19500203"), object_id="n1")
HOME = Address(lines=("1 MILL LANE",), postcode="LS1 1AA", period=Period("2005"), object_id="a1")
PHONE = Telecom(TelecomUse.HOME, "tel:01632960001", Period("20100101"), "t1")
PRACTICE = CareProvision(
    CareProvisionKind.PRIMARY_CARE, "A99001", period=Period("20050101"), object_id="g1"
)
PHARMACY = CareProvision(CareProvisionKind.PHARMACY, "FA123", object_id="p1")
KIN = RelatedPerson("01", name=Name(family="CARTER"), object_id="r1")
PATIENT = Patient(
    NUMBER,
    serial_change_number=7,
    gender="2",
    birth_time="19500203",
    names=(NAME,),
    addresses=(HOME,),
    telecoms=(PHONE,),
    care_provisions=(PRACTICE, PHARMACY),
    related_persons=(KIN,),
    consents=(Consent(ConsentKind.RECORD_SHARING, "5"),),
)
NOW_WRITTEN = Provenance(system=ASID, recorded=Period(AT))


class World(Struct, frozen=True):
    """A store with people in it, and what updates are performed with."""

    store: Store
    changing: Changing

    def update(
        self,
        *changes: Change,
        scn: int = 7,
        kind: Kind = Kind.CHANGE,
        message: str = "m1",
        number: str = NUMBER,
    ) -> Patient:
        """Give the record after an update."""
        asked = ChangeList(number, scn, kind, changes)
        return updates.update(UpdateRecord(asked, message, ASID), self.changing).patient

    def by_hand(self, command: object) -> Updated | History:
        """Give what an operator's command comes to."""
        return back_office.HANDLERS[type(command)](command, self.changing)

    def read(self, number: NhsNumber = NUMBER) -> Patient:
        """Give the record as it stands."""
        patient = self.store.read(PATIENTS, number)
        assert patient is not None
        return patient


def somebody() -> Patient:
    """Give a patient whose number no other test uses: a real cluster keeps them."""
    while True:
        nine = f"999{random.randrange(1_000_000):06d}"  # noqa: S311 - a test's number
        digit = check_digit(nine)
        if digit is not None:
            return replace(PATIENT, nhs_number=NhsNumber(nine + digit))


def unwaiting(_attempt: int) -> None:
    """Wait for nothing."""


def world(*people: Patient, policy: Policy | None = None, store: Store | None = None) -> World:
    """Give a world with these people in it, on a day in 2014."""
    store = store or MemoryStore()
    loading.load(store, people, source="test", at="", progress=lambda _count: None)
    claims = Claims(store, store.apply, unwaiting)
    changing = Changing(claims, NOW, policy or Policy(), lambda code: code == "A99001")
    return World(store, changing)
