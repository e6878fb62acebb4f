"""The hub killed under load: what it acknowledged has its effect, and has it once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import faulting
import pytest
from ebxml_messages import Message, new_id
from ebxml_signals import Header
from faulting import CLUSTER, KILL_NODE, START_NODE
from faulting_ledger import ANSWER, Count, Kept, Ledger, count
from hub_messages import alert, forwarded

SECONDS = 60
SEED = 2015
YES = b'<acknowledgement typeCode="AA"/>'
NO = b'<acknowledgement typeCode="AE"/>'

STORES = (
    "sqlite",
    *(["riak"] if all(map(os.environ.get, (CLUSTER, KILL_NODE, START_NODE))) else []),
)


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES)
def test_nothing_acknowledged_is_lost_or_done_twice(store: str, lines: list[str]) -> None:
    environ = dict(os.environ)
    if store == "sqlite":
        environ.pop(CLUSTER, None)
    done = subprocess.run(
        [
            *(sys.executable, str(Path(faulting.__file__)), "--seconds", str(SECONDS)),
            *("--seed", str(SEED), "--rate", {"sqlite": "100", "riak": "30"}[store]),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        timeout=SECONDS + 600,
    )
    assert done.stdout, done.stderr
    *_, killed, line = done.stdout.splitlines()
    lines.append(f"{line} ({store})")
    assert done.returncode == 0, done.stderr
    found = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", line)}
    assert (found["lost"], found["twice"]) == (0, 0)
    assert found["in"] == found["out"] > SECONDS
    assert found["kills"] > SECONDS / 6
    assert "node" in killed or store == "sqlite"


def sent(message: Message) -> Ledger:
    """Give the book of a message that was sent and acknowledged."""
    ledger = Ledger()
    ledger.sends(message)
    ledger.acknowledges(message.message_id, "of it")
    return ledger


def delivered(ledger: Ledger, header: Header, body: bytes = YES) -> None:
    """Note a message that its receiver took in."""
    ledger.arrives(header, body)
    ledger.takes(header.message_id)


def of(message: Message) -> Header:
    return Header(action=message.action, message_id=message.message_id)


def answer(message: Message) -> Header:
    return Header(action=ANSWER, message_id=new_id(), ref_to=message.message_id)


def counted(ledger: Ledger, times: int = 1) -> Count:
    """Give the count where the hub has every alert so many times, and the audit has all."""
    kept = tuple(ledger.alerts.values()) * times
    return count(ledger, Kept(kept, frozenset(ledger.acknowledged)))


def in_short(found: Count) -> tuple[int, ...]:
    return found.taken_in, found.out, found.redelivered, found.twice, found.lost


def test_what_arrived_is_out_and_a_second_delivery_is_no_second_effect() -> None:
    asked, passed_on = alert(message_id=new_id()), forwarded(message_id=new_id())
    ledger = sent(asked)
    ledger.sends(passed_on)
    ledger.acknowledges(passed_on.message_id, "another")
    answered = answer(asked)
    for one in (answered, of(passed_on), of(passed_on)):
        delivered(ledger, one)
    found = counted(ledger)
    assert in_short(found) == (2, 2, 1, 0, 0)
    assert found.faults == ()


def test_what_was_acknowledged_and_is_nowhere_is_lost() -> None:
    assert in_short(counted(sent(forwarded(message_id=new_id())))) == (1, 0, 0, 0, 1)
    found = counted(sent(alert(message_id=new_id())), times=0)
    assert in_short(found) == (1, 0, 0, 0, 1)
    assert [one.partition(":")[0] for one in found.faults] == [
        "acknowledged and without effect",
        "an alert without its answer taken in",
    ]


def test_two_records_two_answers_or_two_bodies_of_one_message_are_twice() -> None:
    asked = alert(message_id=new_id())
    ledger = sent(asked)
    delivered(ledger, answer(asked))
    assert in_short(counted(ledger, times=2)) == (1, 1, 0, 1, 0)
    delivered(ledger, answer(asked))
    assert in_short(counted(ledger)) == (1, 1, 0, 1, 0)
    passed_on = forwarded(message_id=new_id())
    ledger = sent(passed_on)
    delivered(ledger, of(passed_on), b"one")
    delivered(ledger, of(passed_on), b"other")
    assert in_short(counted(ledger)) == (1, 1, 1, 1, 0)


def test_an_alert_refused_and_a_message_out_of_the_audit_are_faults() -> None:
    asked = alert(message_id=new_id())
    ledger = sent(asked)
    delivered(ledger, answer(asked), NO)
    found = count(ledger, Kept(tuple(ledger.alerts.values()), frozenset()))
    assert in_short(found) == (1, 1, 0, 0, 0)
    assert [one.partition(":")[0] for one in found.faults] == [
        "acknowledged and not in the audit",
        "an alert was not answered with AA",
    ]


def test_an_acknowledgment_that_changes_is_a_fault() -> None:
    message = forwarded(message_id=new_id())
    ledger = sent(message)
    ledger.acknowledges(message.message_id, "of another")
    delivered(ledger, of(message))
    assert counted(ledger).faults == ("a message was acknowledged under two ids: 1",)
