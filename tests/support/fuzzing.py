"""Golden requests of every interaction, broken at random, and what any answer must be.

A case is its seed and its number and nothing else, so that one that fails is run again alone:
`make fuzz SEED=… ONLY=…`.
"""

from __future__ import annotations

import copy
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from typing import Final

import click
import wire_requests
from asking import Spine, details_of, spine_with
from lxml import etree
from msgspec import Struct
from wire_requests import Details, Frame

from adapters import pipeline
from adapters.pipeline import Answered, Request
from legacy_contracts import registry
from operations import patients
from operations.setup import SAMPLE_CLIENT

SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
NASP: Final = "{http://national.carerecords.nhs.uk/schema/}"
HL7: Final = "{urn:hl7-org:v3}"

CASES_PER_SPINE: Final = 2_000
"""So many cases share a store: it is in memory, and audits each."""

SECONDS_PER_CASE: Final = 3.0

RETRIED_FOR_EVER: Final = frozenset({"200", "206", "208"})

_WORDS: Final = (
    *(b"", b" ", b"\0", b"\r\n", b"<", b">", b"&", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--"),
    *(b"-->", b"<?a b?>", b"&amp;", b"&lt;", b"&#0;", b"&#10;", b"&#x10FFFF;", b"&nobody;"),
    *(b"<!DOCTYPE a>", b"<a/>", b"</a>", b'xmlns=""', b'xmlns="urn:x"', b'xmlns:hl7="urn:x"'),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", b"\xed\xa0\x80", b"\xe2\x82\xac", b"\xc2\xa0"),
    *(b"\xf0\x9f\x99\x82", b"\xe2\x80\xae", b"9" * 40, b"-1", b"0", b"1e9", b"NaN", b"%s%n"),
    *(b"../", b"' or 1=1", b"soap:", b"hl7:", b"extension", b"root", b"code", b"value", b"null"),
    b"A" * 3000,
)

_VALUES: Final = (
    *("", " ", "0", "1", "2", "9", "-1", "00000000", "99999999", "20140230", "2014", "19", "*"),
    *("9" * 300, "x" * 41, "9990000018", "9434765919", "999000001", "9990000018 ", "%", "_"),
    *("\u0669" * 10, "\uff19" * 10, "a\nb\tc", "\u202e", "\U0001f600", "\u0130", "\u00df", "SM*"),
    *("QUPA_IN000008UK02", "QUPA_IN010000UK01", "MCCI_IN010000UK13", "uuid:", "Z" * 5000),
    *("urn:nhs:names:services:pdsquery/QUPA_IN000005UK01", "person.allData", "S0080:G0450:R5080"),
    *("1.2.826.0.1285.0.2.0.107", "2.16.840.1.113883.2.1.4.1", "2.16.840.1.113883.2.1.3.2.4.10"),
)

_NAMES: Final = (
    *("a", f"{SOAP}Body", f"{SOAP}Header", f"{SOAP}Fault"),
    *(
        f"{HL7}{name}"
        for name in "id value query author1 person.id given family ControlActEvent device".split()
    ),
)

_CHARSETS: Final = (None,) * 20 + ("utf-8", "UTF-8", "iso-8859-1", "utf-16", "klingon", "rot13")
_CLIENTS: Final = ((SAMPLE_CLIENT,),) * 20 + ((), ("nobody",), ("\0", ""))
_HOW_MANY: Final = (1, 1, 1, 1, 2, 2, 3, 8)


class Wrong(Exception):
    """An answer is not what any answer must be."""


class Case(Struct, frozen=True):
    """One broken request, and by which changes."""

    request: Request
    changes: tuple[str, ...]


@cache
def golden() -> tuple[bytes, ...]:
    """Give a request of every interaction for each kind of outcome."""
    known = tuple(patients.population(6, 2014))
    asked = (
        *map(details_of, known),
        Details(nhs_number="9999999999"),
        Details(nhs_number="1234567890", family="NOBODY", items=()),
        Details(given=("ANN", "B"), deceased_time="2010", postcode="LS1 4AP", paf_key="123"),
    )
    frames = (Frame(), Frame(), Frame(with_person=False), Frame(), Frame(from_asid="999999999999"))
    return tuple(
        wire_requests.request(row.interaction_id, details, frames[number % len(frames)])
        for row in registry.INTERACTIONS
        for number, details in enumerate(asked)
    )


def case_of(seed: int, number: int) -> Case:
    """Give a case, the same for the same seed and number."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a game, no secret
    body = chance.choice(golden())
    changes = []
    for _ in range(chance.choice(_HOW_MANY)):
        change = chance.choice(OF_BYTES if chance.random() < 0.25 else OF_TREES)
        body = change(chance, body)
        changes.append(change.__name__)
    odd = chance.random() < 0.2
    action = chance.choice(('""', *registry.BY_ACTION, chance.choice(_VALUES))) if odd else None
    request = Request(body, chance.choice(_CHARSETS), action, chance.choice(_CLIENTS))
    return Case(request, tuple(changes))


def change_byte(chance: random.Random, body: bytes) -> bytes:
    """Set some byte to another."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def cut_out(chance: random.Random, body: bytes) -> bytes:
    """Take some bytes away."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + body[at + chance.choice((1, 2, 10, 100, 1000)) :]


def cut_off(chance: random.Random, body: bytes) -> bytes:
    """Take the end away."""
    return body[: chance.randrange(len(body) + 1)]


def put_in(chance: random.Random, body: bytes) -> bytes:
    """Put a word in that parsers stumble over."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(_WORDS) * chance.choice((1, 1, 1, 50)) + body[at:]


def say_again(chance: random.Random, body: bytes) -> bytes:
    """Put some part in a second time, elsewhere."""
    begin, at = chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)
    part = body[begin : begin + chance.choice((5, 50, 500, 5000))]
    return body[:at] + part + body[at:]


def splice(chance: random.Random, body: bytes) -> bytes:
    """Go on with another request."""
    other = chance.choice(golden())
    return body[: chance.randrange(len(body) + 1)] + other[chance.randrange(len(other)) :]


def recode(chance: random.Random, body: bytes) -> bytes:
    """Say it in another charset."""
    codec = chance.choice(("utf-16", "utf-16-le", "utf-32", "cp037", "utf-7", "latin-1"))
    return body.decode("utf-8", "replace").encode(codec, "replace")


TreeChange = Callable[[random.Random, list["etree._Element"]], None]


def _in_tree(change: TreeChange) -> Callable[[random.Random, bytes], bytes]:
    """Give a change of the tree as one of the bytes; what is no tree any more stays as it is."""

    def changed(chance: random.Random, body: bytes) -> bytes:
        try:
            root = etree.fromstring(body)
        except (etree.XMLSyntaxError, ValueError):
            return body
        change(chance, [one for one in root.iter() if isinstance(one.tag, str)])
        return etree.tostring(root)

    changed.__name__ = change.__name__
    return changed


def remove(chance: random.Random, elements: list[etree._Element]) -> None:
    """Take an element away."""
    one = chance.choice(elements)
    parent = one.getparent()
    if parent is not None:
        parent.remove(one)


def repeat(chance: random.Random, elements: list[etree._Element]) -> None:
    """Say an element several times."""
    one = chance.choice(elements)
    parent = one.getparent()
    if parent is not None and len(elements) < 2_000:
        for _ in range(chance.choice((1, 1, 2, 30))):
            parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(one))


def move(chance: random.Random, elements: list[etree._Element]) -> None:
    """Put an element elsewhere."""
    one, to = chance.choice(elements), chance.choice(elements)
    if one.getparent() is not None and one not in (to, *to.iterancestors()):
        to.insert(chance.randrange(len(to) + 1), one)


def rename(chance: random.Random, elements: list[etree._Element]) -> None:
    """Give an element another name."""
    chance.choice(elements).tag = chance.choice((*_NAMES, chance.choice(elements).tag))


def set_value(chance: random.Random, elements: list[etree._Element]) -> None:
    """Give an attribute an odd value."""
    named = [one for one in elements if one.attrib]
    if named:
        one = chance.choice(named)
        one.set(chance.choice(list(one.attrib)), chance.choice(_VALUES))


def add_value(chance: random.Random, elements: list[etree._Element]) -> None:
    """Give an element an attribute that it should not have."""
    name = chance.choice(("root", "extension", "code", "value", "nullFlavor", f"{SOAP}actor"))
    chance.choice(elements).set(name, chance.choice(_VALUES))


def take_value(chance: random.Random, elements: list[etree._Element]) -> None:
    """Take an attribute away."""
    named = [one for one in elements if one.attrib]
    if named:
        one = chance.choice(named)
        del one.attrib[chance.choice(list(one.attrib))]


def set_text(chance: random.Random, elements: list[etree._Element]) -> None:
    """Give an element an odd text."""
    chance.choice(elements).text = chance.choice(_VALUES)


OF_BYTES: Final = (change_byte, cut_out, cut_off, put_in, say_again, splice, recode)
OF_TREES: Final = tuple(
    map(_in_tree, (remove, repeat, move, rename, set_value, add_value, take_value, set_text))
)


def judge(answer: Answered) -> str:
    """Give the kind of an answer; raise `Wrong` for what no client of the legacy could know."""
    try:
        root = etree.fromstring(answer.body)
    except etree.XMLSyntaxError as error:
        raise Wrong(f"not well formed: {error}") from error
    fault = root.find(f"{SOAP}Body/{SOAP}Fault")
    return _judge_fault(answer, fault) if fault is not None else _judge_message(answer, root)


def _judge_fault(answer: Answered, fault: etree._Element) -> str:
    codes = [one.text or "" for one in fault.findall(f"detail//{NASP}error/{NASP}errorCode")]
    if answer.status != 500 or len(codes) != 1:
        raise Wrong(f"a fault with HTTP {answer.status} and codes {codes}")
    if codes[0] in RETRIED_FOR_EVER:
        raise Wrong(f"a permanent refusal with code {codes[0]}, which clients retry for ever")
    return f"fault {codes[0]}"


def _judge_message(answer: Answered, root: etree._Element) -> str:
    body = root.find(f"{SOAP}Body")
    named = {one.get("extension") for one in root.iterfind(f".//{HL7}interactionId")}
    types = {one.get("typeCode") for one in root.iterfind(f".//{HL7}acknowledgement")}
    if answer.status != 200 or body is None or len(named) != 1 or len(types) != 1:
        raise Wrong(f"HTTP {answer.status}, interactions {named}, acknowledgements {types}")
    kind = str(types.pop()), str(named.pop())
    if kind not in _KINDS:
        raise Wrong(f"acknowledgement {kind[0]} in {kind[1]}")
    if (answer.outcome == "AA") != (kind[0] == "AA"):
        raise Wrong(f"counted as {answer.outcome}, answered with {kind[0]}")
    return kind[0]


_KINDS: Final = {
    ("AR", "MCCI_IN010000UK13"),
    *(("AA", row.reply.interaction_id) for row in registry.INTERACTIONS),
    *(("AE", row.refusal_id) for row in registry.INTERACTIONS),
}


class Failure(Struct, frozen=True):
    """A case whose answer is wrong: its number and why."""

    number: int
    why: str


def run(seed: int, numbers: Iterable[int]) -> tuple[Counter[str], list[Failure]]:
    """Give how often each kind of answer was given, and every case whose answer was wrong."""
    kinds: Counter[str] = Counter()
    failures: list[Failure] = []
    spine = spine_with(patients.population(6, 2014))
    for number in numbers:
        case = case_of(seed, number)
        begun = time.process_time()
        try:
            kinds[judge(_answered(spine, case))] += 1
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            failures.append(Failure(number, f"{type(error).__name__}: {error} {case.changes}"))
        if time.process_time() - begun > SECONDS_PER_CASE:
            failures.append(Failure(number, f"took too long {case.changes}"))
    return kinds, failures


def _answered(spine: Spine, case: Case) -> Answered:
    return pipeline.answer(case.request, spine.core, spine.context)


@click.command()
@click.option("--count", default=10_000, show_default=True, help="How many cases.")
@click.option("--seed", type=int, help="The seed; a new one unless given.")
@click.option("--only", type=int, help="The number of the one case to run and show.")
def main(count: int, seed: int | None, only: int | None) -> None:
    """Break requests at random and judge every answer; exit 1 where one is wrong."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    if only is not None:
        _show(seed, only)
        return
    kinds: Counter[str] = Counter()
    failures: list[Failure] = []
    click.echo(f"seed {seed}, {len(golden())} golden requests")
    spans = [
        range(start, min(start + CASES_PER_SPINE, count))
        for start in range(0, count, CASES_PER_SPINE)
    ]
    with (
        ProcessPoolExecutor(os.cpu_count()) as pool,
        click.progressbar(length=count, label="Fuzzing", file=sys.stderr) as bar,
    ):
        running = {pool.submit(run, seed, span): len(span) for span in spans}
        for done in as_completed(running):
            counted, failed = done.result()
            kinds += counted
            failures += failed
            bar.update(running[done])
    for kind, times in sorted(kinds.items()):
        click.echo(f"{kind:12} {times:>9}")
    for failure in sorted(failures, key=lambda one: one.number)[:20]:
        click.echo(f"WRONG {failure.why}: make fuzz SEED={seed} ONLY={failure.number}", err=True)
    click.echo(f"{len(failures)} wrong answers of {count}")
    sys.exit(1 if failures else 0)


def _show(seed: int, number: int) -> None:
    case = case_of(seed, number)
    click.echo(f"changes {case.changes}, {case.request.charset=}, {case.request.soap_action=}")
    click.echo(case.request.body)
    spine = spine_with(patients.population(6, 2014))
    answer = _answered(spine, case)
    click.echo(answer.body)
    click.echo(judge(answer))


if __name__ == "__main__":
    main()
