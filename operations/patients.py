"""Synthetic patients: seeded, spread like a population, valid numbers of the 999 test range.

No name, address or number is a real person's: names come from short lists of ours, streets are
made up, and the 999 range is never issued.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from core.values.demographics import (
    Address,
    AddressUse,
    CareProvision,
    CareProvisionKind,
    Consent,
    ConsentKind,
    ContactPreference,
    Death,
    Language,
    Name,
    NameUse,
    Patient,
    Period,
    RecordStatus,
    RelatedPerson,
    RelatedRole,
    ReplacedNumber,
    Sensitivity,
    Telecom,
    TelecomUse,
)
from core.values.identity import NhsNumber, check_digit

MAX_PATIENTS: Final = 900_000
"""The 999 range has some 909,000 valid numbers."""

_SURNAMES: Final = tuple(
    """
    ABBOTT ADAMS AHMED ALI ALLEN ANDREWS ARMSTRONG ATKINSON BAILEY BAKER BALL BARKER BARNES
    BEGUM BELL BENNETT BIRD BOOTH BRADLEY BROOKS BROWN BURNS BURTON BUTLER CARR CARTER
    CHAMBERS CHAPMAN CLARKE COLE COLLINS COOK COOPER COX CRAWFORD CUNNINGHAM DAVIES DAVIS
    DAWSON DAY DEAN DIXON EDWARDS ELLIS EVANS FISHER FLETCHER FORD FOSTER FOX FRANCIS GARDNER
    GEORGE GIBSON GILL GORDON GRAHAM GRANT GRAY GREEN GRIFFITHS HALL HAMILTON HARPER HARRIS
    HARRISON HART HARVEY HAWKINS HENDERSON HILL HOLMES HOPKINS HOWARD HUGHES HUNT HUNTER
    HUSSAIN JACKSON JAMES JENKINS JOHNSON JONES JORDAN KAUR KELLY KENNEDY KHAN KING KNIGHT
    LANE LAWRENCE LAWSON LEE LEWIS LLOYD MARSHALL MARTIN MASON MATTHEWS MILLER MILLS MITCHELL
    MOORE MORGAN MORRIS MURPHY MURRAY NEWMAN NICHOLS O'BRIEN O'CONNOR OWEN PALMER PARKER PATEL
    PAYNE PEARCE PEARSON PERRY PHILLIPS PORTER POWELL PRICE REID REYNOLDS RICHARDS ROBERTS
    ROBINSON ROGERS ROSE ROSS RUSSELL RYAN SAUNDERS SCOTT SHAW SIMPSON SINGH SMITH SPENCER
    STEVENS STEWART STONE TAYLOR THOMAS THOMPSON TURNER WALKER WALSH WARD WATSON WATTS WEBB
    WELLS WEST WHITE WILKINSON WILLIAMS WILSON WOOD WRIGHT YOUNG
    """.split()
)
_GIVEN: Final = {
    "1": tuple(
        """
    JAMES JOHN DAVID MICHAEL PETER PAUL ANDREW MARK STEPHEN THOMAS GEORGE HARRY JACK OLIVER
    MOHAMMED DANIEL SAMUEL JOSEPH ADAM RYAN LUKE NATHAN OSCAR ALBERT ARTHUR FRED KEITH BRIAN
    KEVIN GARETH
    """.split()
    ),
    "2": tuple(
        """
    MARY SUSAN MARGARET SARAH JANE ELIZABETH EMMA LAURA HELEN RACHEL OLIVIA AMELIA ISLA AVA
    FATIMA AISHA GRACE CHLOE LUCY HANNAH JOAN DOROTHY EDITH ROSE IRENE PATRICIA LINDA CAROL
    NICOLA SIAN
    """.split()
    ),
}
_STREETS: Final = tuple(
    """
    ALMA ASHFIELD BEECH BIRCH BRIDGE CANAL CASTLE CEDAR CHAPEL CHURCH CLIFTON CROFT DOVE EAST
    ELM FERN FIELD GARDEN GRANGE HAWTHORN HAZEL HEATH HILL HOLLY KILN LAKE LIME MAPLE MARKET
    MEADOW MILL NORTH OAK ORCHARD PARK POPLAR QUARRY ROWAN SCHOOL SOUTH SPRING STATION
    SYCAMORE WEST WILLOW WOOD
    """.split()
)
_ENDINGS: Final = ("AVENUE", "CLOSE", "DRIVE", "LANE", "ROAD", "STREET", "TERRACE", "WAY")
_TOWNS: Final = (
    ("LEEDS", "WEST YORKSHIRE", "LS"),
    ("EXETER", "DEVON", "EX"),
    ("LEICESTER", "LEICESTERSHIRE", "LE"),
    ("PRESTON", "LANCASHIRE", "PR"),
    ("NORWICH", "NORFOLK", "NR"),
    ("HULL", "EAST YORKSHIRE", "HU"),
    ("CREWE", "CHESHIRE", "CW"),
    ("TRURO", "CORNWALL", "TR"),
)
_LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def numbers() -> Iterator[NhsNumber]:
    """Give the valid numbers of the 999 range, in a fixed order that looks scattered."""
    for index in range(1_000_000):
        nine = f"999{index * 617_283 % 1_000_000:06d}"
        digit = check_digit(nine)
        if digit is not None:
            yield NhsNumber(nine + digit)


def population(count: int, seed: int) -> Iterator[Patient]:
    """Give so many patients, the same for the same seed.

    In a hundred: about three deceased, one restricted, one superseded by the patient before it,
    a fifth with an earlier address or practice, a tenth with a related person.
    """
    kept: Patient | None = None
    for index, (number, following) in zip(range(count), pairwise(numbers()), strict=False):
        dice = random.Random(f"{seed}/{index}")  # noqa: S311 - synthetic data, repeatable
        if index % 1000 == 777:
            yield Patient(number, status=RecordStatus.INVALID)
        elif index % 100 == 57 and kept is not None:
            yield _superseded(number, kept)
        else:
            kept = _patient(number, dice)
            yield _having_replaced(kept, following) if index % 100 == 56 else kept


def _superseded(number: NhsNumber, by: Patient) -> Patient:
    """Give the record of a number that another one replaced."""
    return Patient(
        number,
        serial_change_number=2,
        status=RecordStatus.SUPERSEDED,
        superseded_by=by.nhs_number,
    )


def _having_replaced(patient: Patient, number: NhsNumber) -> Patient:
    """Give the record with the number that it took over."""
    return replace(patient, replaced=(ReplacedNumber(number, Period("20140824")),))


def _patient(number: NhsNumber, dice: random.Random) -> Patient:
    gender = dice.choice("12")
    birth = _date(dice, 1926, 2024)
    family = dice.choice(_SURNAMES)
    today = _date(dice, 2025, 2025)
    return Patient(
        nhs_number=number,
        serial_change_number=dice.randrange(1, 30),
        sensitivity=Sensitivity.SENSITIVE if dice.random() < 0.01 else None,
        gender=gender,
        birth_time=birth,
        death=_death(dice, birth),
        language=Language("pl", interpreter="1") if dice.random() < 0.03 else None,
        names=_names(dice, gender, family, birth),
        addresses=_addresses(dice, birth),
        telecoms=_telecoms(dice),
        care_provisions=_provisions(dice, birth),
        related_persons=_related(dice, family) if dice.random() < 0.1 else (),
        consents=(Consent(ConsentKind.RECORD_SHARING, "5"),) if dice.random() < 0.3 else (),
        contact=ContactPreference(method="3") if dice.random() < 0.05 else None,
        written_format="11" if dice.random() < 0.02 else None,
        previous_contact=dice.choice("01"),
        recorded_at=f"{today}120000",
    )


def _date(dice: random.Random, first_year: int, last_year: int) -> str:
    year = dice.randrange(first_year, last_year + 1)
    return f"{year:04d}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"


def _object_id(dice: random.Random) -> str:
    return "".join(dice.choices(_DIGITS, k=4))


def _death(dice: random.Random, birth: str) -> Death | None:
    if dice.random() >= 0.03:
        return None
    year = max(int(birth[:4]) + 1, 2015)
    return Death(_date(dice, min(year, 2025), 2025), dice.choice("12"))


def _names(dice: random.Random, gender: str, family: str, birth: str) -> tuple[Name, ...]:
    given = tuple(dice.sample(_GIVEN[gender], dice.choice((1, 1, 2))))
    usual = Name(
        NameUse.USUAL,
        prefix=dice.choice(("MR", "DR") if gender == "1" else ("MRS", "MS", "MISS")),
        given=given,
        family=family,
        period=Period(birth),
        object_id=_object_id(dice),
    )
    if dice.random() < 0.1:
        former = replace(
            usual,
            use=NameUse.BIRTH,
            family=dice.choice(_SURNAMES),
            object_id=_object_id(dice),
        )
        return usual, former
    return (usual,)


def _addresses(dice: random.Random, birth: str) -> tuple[Address, ...]:
    moved = _date(dice, 2005, 2024)
    home = replace(_address(dice), period=Period(max(moved, birth)))
    if moved > birth and dice.random() < 0.15:
        return home, replace(_address(dice), period=Period(birth, moved))
    if dice.random() < 0.02:
        return home, replace(_address(dice), use=AddressUse.CORRESPONDENCE, period=Period(moved))
    return (home,)


def _address(dice: random.Random) -> Address:
    town, county, area = dice.choice(_TOWNS)
    street = f"{dice.randrange(1, 120)} {dice.choice(_STREETS)} {dice.choice(_ENDINGS)}"
    end = "".join(dice.choices(_LETTERS, k=2))
    return Address(
        AddressUse.HOME,
        lines=("", street, "", town, county),
        postcode=f"{area}{dice.randrange(1, 20)} {dice.randrange(1, 10)}{end}",
        paf_key=str(dice.randrange(10_000_000, 99_999_999)),
        object_id=_object_id(dice),
    )


def _telecoms(dice: random.Random) -> tuple[Telecom, ...]:
    """Give telephones of the range that is kept for fiction (Ofcom: 01632 960, 07700 900)."""
    if dice.random() < 0.2:
        return ()
    home = f"tel:01632960{dice.randrange(1000):03d}"
    mobile = f"tel:07700900{dice.randrange(1000):03d}"
    return (
        Telecom(TelecomUse.HOME, home, Period("20100101"), _object_id(dice)),
        Telecom(TelecomUse.MOBILE, mobile, Period("20150101"), _object_id(dice)),
    )[: dice.choice((1, 2))]


def _provisions(dice: random.Random, birth: str) -> tuple[CareProvision, ...]:
    registered = max(_date(dice, 2005, 2024), birth)
    practice = CareProvision(
        CareProvisionKind.PRIMARY_CARE,
        _practice(dice),
        period=Period(registered),
        object_id=_object_id(dice),
    )
    found = [practice]
    if registered > birth and dice.random() < 0.1:
        found.append(replace(practice, provider=_practice(dice), period=Period(birth, registered)))
    if dice.random() < 0.3:
        found.append(
            CareProvision(
                CareProvisionKind.PHARMACY,
                f"F{dice.choice(_LETTERS)}{dice.randrange(100, 999)}",
                object_id=_object_id(dice),
            )
        )
    return tuple(found)


def _practice(dice: random.Random) -> str:
    return f"{dice.choice('ABCDEFGHJKLMNPWY')}99{dice.randrange(1000):03d}"


def _related(dice: random.Random, family: str) -> tuple[RelatedPerson, ...]:
    gender = dice.choice("12")
    return (
        RelatedPerson(
            relationship=dice.choice(("01", "03", "12", "13", "16")),
            role=RelatedRole.AGENT,
            name=Name(given=(dice.choice(_GIVEN[gender]),), family=family),
            address=_address(dice),
            next_of_kin="1",
            period=Period("20120101"),
            object_id=_object_id(dice),
        ),
    )
