"""Requests of the mini services, broken at random, and what any answer to them must be.

A case is its seed and its number and nothing else. It is broken as bytes, or as a tree: its SOAP
header, its envelope or its payload.
"""

from __future__ import annotations

import base64
import gzip
import random
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Final

import fuzzing
from fuzzing import Failure, Wrong
from itk_messages import Parts, code_of, fault_of, services_on
from msgspec import Struct
from serving import core_on
from smsp_asking import Asked, payload

from adapters.itk import PATHS
from adapters.pipeline import Answered, Request
from core.store.memory import MemoryStore
from facade.itk import Services
from legacy_contracts.smsp.codes import Code
from legacy_contracts.smsp.operations import OPERATIONS
from operations import loading, patients
from operations.setup import SAMPLE_CLIENT

CASES_PER_STORE: Final = 1_000
_PACKINGS: Final = (("", ""), ("true", ""), ("true", "true"))


class Case(Struct, frozen=True):
    """One broken request, where it is sent, and by which changes."""

    request: Request
    path: str
    changes: tuple[str, ...]


@cache
def golden() -> tuple[bytes, ...]:
    """Give a request of every operation in every packing."""
    asked = Asked(
        birth_date="19700101",
        gender="2",
        nhs_number=next(iter(patients.numbers())),
        family="SMITH",
        given="ANN",
        postcode="LS1 4AP",
    )
    return tuple(
        _request(name, payload(name, asked).decode(), encoded, compressed)
        for name in OPERATIONS
        for encoded, compressed in _PACKINGS
    )


def _request(operation: str, asking: str, encoded: str, compressed: str) -> bytes:
    row = OPERATIONS[operation]
    content = gzip.compress(asking.encode(), mtime=0) if compressed else asking.encode()
    text = base64.b64encode(content).decode() if encoded else asking
    flags = f'base64="{encoded or "false"}" compressed="{compressed or "false"}"'
    return Parts(
        message_id="MESSAGE",
        tracking_id="0A0B0C0D-0000-4000-8000-00000000AAAA",
        service=row.action,
        action=row.action,
        items=f'<itk:manifestitem id="uuid_1" mimetype="text/xml" {flags} '
        f'profileid="{row.request_profile}"/>',
        payloads=f'<itk:payload id="uuid_1">{text}</itk:payload>',
    ).message()


def case_of(seed: int, number: int) -> Case:
    """Give a case, the same for the same seed and number."""
    chance = random.Random(f"itk/{seed}/{number}")  # noqa: S311 - a game, no secret
    body = chance.choice(golden())
    # No two cases are the same message, unless what makes them so is broken.
    body = body.replace(b"MESSAGE", f"M-{number}".encode())
    body = body.replace(b"00000000AAAA", f"{number:012d}".encode())
    changes = []
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 8))):
        change = chance.choice(fuzzing.OF_BYTES if chance.random() < 0.25 else fuzzing.OF_TREES)
        body = change(chance, body)
        changes.append(change.__name__)
    charset = chance.choice((None,) * 20 + ("utf-8", "utf-16", "klingon", "rot13"))
    action = chance.choice((None, None, '""', "urn:x", *(f'"{one.action}"' for one in _ROWS)))
    names = chance.choice(((SAMPLE_CLIENT,),) * 20 + ((), ("nobody",), ("\0",)))
    path = chance.choice(("/smsp/pds",) * 6 + tuple(sorted(PATHS)))
    return Case(Request(body, charset, action, names), path, tuple(changes))


_ROWS: Final = tuple(OPERATIONS.values())


def judge(answered: Answered) -> str:
    """Give the kind of an answer; raise `Wrong` for what no client could know."""
    if answered.status == 200:
        code = code_of(answered.body)
        if code not in set(Code) or code in {Code.FAILED, Code.NOT_CONNECTED}:
            raise Wrong(f"an answer with the code {code!r}")
        return code
    if answered.status != 500:
        raise Wrong(f"HTTP {answered.status}")
    fault = fault_of(answered.body)
    if answered.outcome in {"OURS", "STORE"}:
        raise Wrong(f"a fault of ours: {answered.outcome}")
    return f"{fault.kind} {fault.code}"


def _services() -> Services:
    core = core_on(MemoryStore())
    known = patients.population(6, 2014)
    loading.load(core.store, known, source="test", at="20140101", progress=lambda _count: None)
    return services_on(core)


def run(seed: int, numbers: Iterable[int]) -> tuple[Counter[str], list[Failure]]:
    """Give how often each kind of answer was given, and every case that went wrong."""
    kinds: Counter[str] = Counter()
    failures: list[Failure] = []
    services = _services()
    for count, number in enumerate(numbers, 1):
        case = case_of(seed, number)
        try:
            kinds[judge(services.answer(case.request, case.path))] += 1
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            failures.append(Failure(number, f"{type(error).__name__}: {error} {case.changes}"))
        if count % CASES_PER_STORE == 0:
            services = _services()
    return kinds, failures
