"""Writers that race for numbers and births, on each home of the store."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from core.context import system_context
from core.demographics.claiming import Claims
from core.demographics.creation import (
    NOT_YET,
    AllocateNumber,
    Created,
    CreateRecord,
    Creating,
    PossibleDuplicates,
    allocate,
    create,
)
from core.demographics.numbers import Numbers, Span
from core.demographics.records import PATIENTS, Policy
from core.demographics.updates import Changing
from core.store.port import Store
from core.values.demographics import Birth, Mother, Name, Patient

WRITERS = 6
R = TypeVar("R")


def fresh() -> str:
    """Give a word that no other test has used, on a cluster that is never emptied either."""
    return uuid.uuid4().hex[:8]


def writers(store: Store) -> list[Creating]:
    """Give processes that share a store and a pool that is all theirs."""
    start = int(fresh(), 16) % 900_000 * 1000
    pool = (Span(start, start + 99_999),)
    context = system_context()
    changing = Changing(Claims(store, store.apply), context.now(), Policy(), lambda _code: True)
    return [
        Creating(
            context.new_id,
            Numbers(pool, writer=f"w{number}"),
            changing,
            store.apply,
        )
        for number in range(WRITERS)
    ]


def together(acts: list[Callable[[], R]]) -> list[R]:
    with ThreadPoolExecutor(len(acts)) as threads:
        return [one.result() for one in [threads.submit(act) for act in acts]]


def person(**more: object) -> Patient:
    made = Patient(
        nhs_number=NOT_YET,
        gender="1",
        birth_time="201402191530",
        names=(Name(family=f"T{fresh()}"),),
    )
    return replace(made, **more)


def born(child: Patient) -> CreateRecord:
    return CreateRecord(f"birth|{fresh()}", "990000000001", child, ignore_duplicates=False)


def test_writers_that_race_give_no_number_twice(store: Store) -> None:
    each = 20

    def works(creating: Creating) -> list[str]:
        return [
            allocate(
                AllocateNumber(f"race|{fresh()}", "990000000001", person()), creating
            ).patient.nhs_number
            for _ in range(each)
        ]

    given = Counter(itertools.chain(*together([partial(works, one) for one in writers(store)])))
    assert len(given) == WRITERS * each
    assert set(given.values()) == {1}
    assert len({number[:6] for number in given}) == WRITERS, "each has a range of its own"


def test_one_message_done_by_several_at_once_has_one_number(store: Store) -> None:
    for _ in range(5):
        command = AllocateNumber(f"same|{fresh()}", "990000000001", person())
        made = together([partial(allocate, command, one) for one in writers(store)])
        given = {one.patient.nhs_number for one in made}
        assert len(given) == 1
        standing = store.read(PATIENTS, given.pop())
        assert standing == made[0].patient


def test_of_several_who_notify_one_birth_at_once_one_makes_the_record(store: Store) -> None:
    for _ in range(5):
        child = person(birth_order=1, birth=Birth(Mother(fresh())))
        told = together([partial(create, born(child), one) for one in writers(store)])
        made = [one for one in told if isinstance(one, Created)]
        others = [one for one in told if isinstance(one, PossibleDuplicates)]
        assert len(made) == 1
        assert len(others) == WRITERS - 1
        assert {one.candidates for one in others} == {(made[0].patient,)}
