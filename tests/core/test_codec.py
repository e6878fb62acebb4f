"""Records as bytes, read by many threads at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from totals import Counted, totals_named

from core.demographics.records import PATIENTS
from core.errors import StoreError
from core.store import codec, facts
from core.values.demographics import Patient
from core.values.identity import NhsNumber

TOTALS = totals_named("total")

_FIRST_READS: Final = """
import dataclasses, sys, threading
from core.store import codec, facts
from core.store.port import Bucket

sys.setswitchinterval(1e-6)
for turn in range(60):
    parts = [dataclasses.make_dataclass(f"Part{turn}x{n}", [("text", str)]) for n in range(12)]
    whole = dataclasses.make_dataclass("Whole", [(p.__name__.lower(), p) for p in parts])
    fact = whole(*(part("a") for part in parts))
    bucket = Bucket("b", fact=whole, state=whole, fold=lambda found: next(iter(found.values())))
    value = codec.encode(bucket, facts.folded(bucket, {"m": fact}))
    ready = threading.Barrier(8)

    def read(bucket=bucket, value=value, ready=ready):
        ready.wait()
        codec.decode(bucket, value)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("all read")
"""


def test_threads_that_read_a_kind_for_the_first_time_together_do_not_end_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_READS],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "all read\n", "")


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"v":1}', b'{"v":1,"f":{"m":{"amount":"x"}}}']
)
def test_a_damaged_record_is_told_in_words(damage: bytes) -> None:
    with pytest.raises(StoreError, match="damaged"):
        codec.decode(TOTALS, damage)


def test_a_record_of_a_newer_form_is_refused_in_words() -> None:
    written = codec.encode(TOTALS, facts.folded(TOTALS, {"m": Counted(1)}))
    with pytest.raises(StoreError, match="written in form 5"):
        codec.decode(TOTALS, written.replace(b'"v":4', b'"v":5'))


def test_a_record_of_the_form_before_is_read_and_what_it_lacks_has_its_default() -> None:
    written = (
        b'{"v":1,"f":{"m":{"patient":{"nhs_number":"9990000018","gender":"1"},"at":"2014",'
        b'"by":"loaded"}}}'
    )
    read = codec.decode(PATIENTS, written).state
    assert read == Patient(nhs_number=NhsNumber("9990000018"), gender="1")
    assert read.birth is None
    third = written.replace(b'"v":1', b'"v":3')
    assert codec.decode(PATIENTS, third).state == read
    assert (read.identifiers, read.registered, read.past_registrations) == ((), None, ())
