"""Our schemas of the mini services take what the published ones take, and refuse what they refuse.

Two validators are asked, libxml2 and xmlschema, which share no code; the messages are the public
ones of the corpus, whole and changed a little.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import xmlschema
from corpus import Corpus
from lxml import etree
from msgspec import Struct
from mutated import mutated
from served_documents import combined, file_of, written

from legacy_contracts import ns

ENVELOPE: Final = f"{{{ns.ITK}}}DistributionEnvelope"
SEED: Final = 201005


class Both(Struct, frozen=True):
    """One schema of all that envelopes and payloads may hold, of ours and of the published."""

    ours: Path
    theirs: Path

    def by_libxml2(self) -> tuple[etree.XMLSchema, etree.XMLSchema]:
        """Give the two as libxml2 reads them."""
        return etree.XMLSchema(etree.parse(self.ours)), etree.XMLSchema(etree.parse(self.theirs))


@pytest.fixture(scope="module")
def both(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Give the schemas of envelope and payloads in one, ours and the published."""
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    return Both(combined(written(ours), ours), combined(published, theirs))


@pytest.fixture(scope="module")
def envelopes(captured: Corpus) -> list[etree._Element]:
    """Give every public answer of the mini services."""
    return list(_envelopes(captured, "smsp-pds/"))


def test_the_public_answers_are_taken_and_refused_alike(
    both: Both, envelopes: list[etree._Element]
) -> None:
    """The answers of verifyNHSNumber are templates, whose placeholders no schema takes."""
    ours, theirs = both.by_libxml2()
    verdicts = [(ours.validate(one), theirs.validate(one)) for one in envelopes]
    assert Counter(verdicts) == {(True, True): 67, (False, False): 14}


def test_the_public_envelopes_of_every_service_are_taken_and_refused_alike(
    both: Both, captured: Corpus
) -> None:
    """By the envelope's schema alone: what they carry is of other services too."""
    ours, theirs = (
        etree.XMLSchema(etree.parse(whole.parent / file_of(ns.ITK)))
        for whole in (both.ours, both.theirs)
    )
    many = list(_envelopes(captured, "smsp-pds/", "smsp-other/", "itk/", "itk-trunk/"))
    verdicts = [(ours.validate(one), theirs.validate(one)) for one in _changed(many, 5_000)]
    assert set(verdicts) == {(True, True), (False, False)}
    assert len(many) > 150


def test_changed_answers_are_taken_and_refused_alike(
    both: Both, envelopes: list[etree._Element]
) -> None:
    ours, theirs = both.by_libxml2()
    verdicts: Counter[tuple[bool, bool]] = Counter()
    for number, message in enumerate(_changed(envelopes, 10_000)):
        verdict = ours.validate(message), theirs.validate(message)
        verdicts[verdict] += 1
        assert verdict[0] == verdict[1], f"message {number} of seed {SEED}: {verdict}"
    assert min(verdicts[True, True], verdicts[False, False]) > 500, verdicts


def test_another_validator_finds_ours_and_the_published_alike(
    both: Both, envelopes: list[etree._Element]
) -> None:
    """Where the published one restricts what it may not, both are read leniently."""
    ours, theirs = (
        xmlschema.XMLSchema10(str(one), validation="lax") for one in (both.ours, both.theirs)
    )
    verdicts: Counter[tuple[bool, bool]] = Counter()
    for number, message in enumerate([*envelopes, *_changed(envelopes, 300)]):
        verdict = ours.is_valid(message), theirs.is_valid(message)
        verdicts[verdict] += 1
        assert verdict[0] == verdict[1], f"message {number} of seed {SEED}: {verdict}"
    assert min(verdicts[True, True], verdicts[False, False]) > 50, verdicts


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("distributionEnvelope-v2-0", 'name="senderAddress" ', 'name="sender" '),
        ("distributionEnvelope-v2-0", 'name="uri" type="xs:anyURI" use="required"', 'name="uri"'),
        ("COMT_MT000016GB01", 'name="subject"', 'name="subjects"'),
        ("datatypeflavours", 'minOccurs="5" maxOccurs="5"', 'minOccurs="4" maxOccurs="5"'),
        ("datatypes", 'enumeration value="HP"', 'enumeration value="HQ"'),
    ],
)
def test_a_schema_that_is_another_gives_itself_away(
    both: Both, envelopes: list[etree._Element], name: str, before: str, after: str
) -> None:
    """The comparison of verdicts can fail: each of these changes of ours is noticed."""
    path = both.ours.parent / f"{name}.xsd"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    try:
        ours, theirs = both.by_libxml2()
    finally:
        path.write_text(text, "utf-8")
    many = _changed(envelopes, 10_000)
    assert any(ours.validate(one) != theirs.validate(one) for one in many)


def _changed(messages: list[etree._Element], count: int) -> Iterator[etree._Element]:
    """Give so many changed messages, always the same."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    return (mutated(dice.choice(messages), dice) for _ in range(count))


def _envelopes(captured: Corpus, *folders: str) -> Iterator[etree._Element]:
    for entry in captured.entries():
        if not entry.file.startswith(folders):
            continue
        try:
            root = etree.fromstring(captured.text(entry.file).strip().encode())
        except etree.XMLSyntaxError:
            continue  # a whole HTTP message, or a template whose placeholders are no XML
        for found in root.iter(ENVELOPE):
            yield etree.fromstring(etree.tostring(found, with_tail=False))
