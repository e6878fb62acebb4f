"""The hub killed under load: what it acknowledged has its effect, and has it once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import faulting
import faulting_processes
import pytest
from ebxml_messages import Message, new_id
from ebxml_signals import Header
from faulting import CLUSTER, KILL_NODE, START_NODE
from faulting_ledger import ANSWER, Count, Kept, Ledger, count
from hub_messages import alert, forwarded
from hubs import TestHub

from core.values.identity import PartyKey

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
    words = [
        *(sys.executable, str(Path(faulting.__file__)), "--seconds", str(SECONDS)),
        *("--seed", str(SEED), "--rate", {"sqlite": "100", "riak": "30"}[store]),
    ]
    code, counted, why = run(words, environ)
    assert counted, why
    *_, killed, line = counted.splitlines()
    lines.append(f"{line} ({store})")
    assert code == 0, why
    found = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", line)}
    assert (found["lost"], found["twice"]) == (0, 0), why
    assert found["in"] == found["out"] > SECONDS, why
    assert found["kills"] > SECONDS / 6, why
    assert "node" in killed or store == "sqlite", why


def run(words: list[str], environ: dict[str, str]) -> tuple[int, str, str]:
    """Give a command's exit code and what it said; one that does not end is told to, and says so.

    It is interrupted, not killed: the processes that it looks after are others' children then.
    """
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as running:
        try:
            counted, why = running.communicate(timeout=SECONDS + 600)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
            counted, why = running.communicate(timeout=300)
            why = f"it did not end in time\n{why}"
    return running.returncode, counted, f"{why}\n{counted}"


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


def test_what_went_wrong_is_told_event_by_event_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = TestHub()
    asked = alert(message_id=new_id())
    hub.receive(asked)
    hub.work()
    (key, _message) = hub.us.core.hub.latest(PartyKey(asked.from_party), asked.message_id) or (
        "",
        0,
    )
    history = faulting._history(hub.store, key)
    assert re.fullmatch(rf"{re.escape(key)}: accepted \S+; done \S+ handled", history)

    found = counted(sent(asked), times=2)
    assert found.named == (asked.message_id,)
    faulting._say(faulting.Outcome(found, {}, found.faults, (history,)), tmp_path)

    said = capsys.readouterr().err
    assert said.startswith(f"WRONG had its effect twice: 1, as {asked.message_id}\n")
    assert f"KEPT {history}\n" in said
    assert said.endswith(f"this and what the processes said: {tmp_path}\n")
    assert (tmp_path / "wrong.txt").read_text() + said.splitlines()[-1] + "\n" == said


def test_a_node_that_does_not_start_ends_the_run_with_what_its_command_said() -> None:
    with pytest.raises(RuntimeError, match="exit 3: no room"):
        faulting_processes._command("sh -c 'echo no room >&2; exit 3'")
