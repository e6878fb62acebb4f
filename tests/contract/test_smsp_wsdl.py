"""Our WSDL of the mini services is the published contract, and shares no words with it but names.

The published one is read where it lies, by `SPINE_SCHEMAS`; nothing of it is in this repository.
"""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from canonical import differences
from described import contract, documents_of, from_file, phrases, prose, words_of
from lxml import etree
from msgspec import Struct
from served_documents import HOST, WSDL, at, loader, ours

from legacy_contracts.smsp.types import read
from legacy_contracts.smsp.wsdl import ADDRESSES, PAYLOADS, documents

NAME: Final = "PDSMiniServices-v1-0.wsdl"
XS: Final = "{http://www.w3.org/2001/XMLSchema}"
REPOSITORY: Final = Path(__file__).parents[2]
SEVEN: Final = (
    "/smsp/pds",
    "/syncsoap",
    "/interoperability.toolkit/HL7v3/verifyNHSNumber-v1-0",
    "/interoperability.toolkit/HL7v3/getNHSNumber-v1-0",
    "/interoperability.toolkit/HL7v3/getPatientDetailsByNHSNumber-v1-0",
    "/interoperability.toolkit/HL7v3/getPatientDetailsBySearch-v1-0",
    "/interoperability.toolkit/HL7v3/getPatientDetails-v1-0",
)
SERVED: Final = documents(HOST)
WITHOUT_MEANING: Final = frozenset(
    {
        ("_set", "elementFormDefault"),  # no schema's without elements inside types
        ("_unset", "elementFormDefault"),  # the same; where it has a meaning, a test below has it
        ("_unset", "namespace"),  # of `any`: it says what goes without saying
    }
)
"""Changes of an attribute that leave what is meant."""


@pytest.fixture(scope="module")
def theirs(published: Path) -> etree._Element:
    """Give what the published WSDL says, with all that it imports."""
    return contract((published / "wsdl" / NAME).as_uri(), from_file)


@pytest.mark.parametrize("address", SEVEN)
def test_what_each_address_gives_is_the_published_contract(
    theirs: etree._Element, address: str
) -> None:
    assert _shown(theirs, contract(f"https://{HOST}{address}?wsdl", ours())) == ()


def test_the_wsdl_is_given_at_the_seven_addresses_and_at_no_other() -> None:
    assert {each for each in documents(HOST) if each.endswith("?wsdl")} == {
        f"{address}?wsdl" for address in SEVEN
    }
    assert ADDRESSES == SEVEN


def test_the_published_contract_is_not_empty(theirs: etree._Element) -> None:
    """The comparison compares something: five of each, and every type of both schemas."""
    (wsdl,) = (one for one in theirs if str(one.tag).startswith("definitions"))
    kinds = [str(one.tag).partition(".")[0] for one in (*wsdl, *theirs)]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    assert counts == {
        "binding": 5,
        "complexType": 13,
        "definitions": 1,
        "element": 5,
        "message": 9,
        "portType": 5,
        "schema": 4,
        "service": 5,
        "simpleType": 3,
    }


def test_only_the_addresses_of_the_ports_follow_the_host() -> None:
    one, other = documents("spine.example:8443"), documents("10.0.0.1")
    assert one.keys() == other.keys()
    for address in one:
        text = one[address].replace(b'"https://spine.example:8443/', b'"https://10.0.0.1/')
        assert text == other[address], address
    described = etree.fromstring(other[f"{ADDRESSES[0]}?wsdl"])
    told = [str(one.get("location")) for one in described.iter("{*}address")]
    assert told == [f"https://10.0.0.1{address}" for address in SEVEN[2:]]
    assert other[f"{ADDRESSES[0]}?wsdl"].count(b"10.0.0.1") == 5


def test_the_documents_are_the_same_bytes_each_time() -> None:
    assert documents(HOST) == documents(HOST)


@pytest.mark.parametrize(
    "host", ["", "a b", 'x"y', "http://x", "x/y", "x:port", "x\n", "<x>", "h" * 260]
)
def test_what_is_no_host_never_stands_in_a_wsdl(host: str) -> None:
    with pytest.raises(ValueError, match="is no host: write a name with or without a port"):
        documents(host)


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_payloads_schema_is_the_published_one_as_far_as_the_message_reaches(
    published: Path, name: str
) -> None:
    told = contract((published / f"{name}.xsd").as_uri(), from_file)
    known = {(one.tag, one.get("in")): one for one in told}
    said = contract(at(name), ours())
    assert [_shown(known[one.tag, one.get("in")], one) for one in said] == [()] * len(said)
    roots = [one.tag for one in said if str(one.tag).startswith("element.")]
    assert roots == [one.tag for one in told if f"}}{name}." in str(one.get("type"))]


# The comparison can fail: whatever is changed in ours, by itself, is seen.


def test_a_changed_or_lost_attribute_is_seen_wherever_it_stands(theirs: etree._Element) -> None:
    changes = [
        Change(address, place, change, str(name))
        for address, place, element in _places()
        for name in element.attrib
        for change in (_set, _unset)
        if (change.__name__, name) not in WITHOUT_MEANING
    ]
    assert [str(one) for one in changes if not one.is_seen(theirs)] == []
    assert len(changes) > 500


def test_a_lost_or_doubled_element_is_seen_wherever_it_stands(theirs: etree._Element) -> None:
    changes = [
        Change(address, place, change)
        for address, place, element in _places()
        for change in (_drop, _double)
        # A schema that is included twice is included once.
        if place and not (change is _double and element.tag == f"{XS}include")
    ]
    assert [str(one) for one in changes if not one.is_seen(theirs)] == []
    assert len(changes) > 300


def test_two_elements_that_change_places_are_seen(theirs: etree._Element) -> None:
    changes = [
        Change(address, place, _swap)
        for address, place, element in _places()
        # What a schema declares has no order, and where the types stand says nothing.
        if element.getnext() is not None
        and element.getparent().tag != f"{XS}schema"
        and etree.QName(element).localname != "types"
    ]
    assert [str(one) for one in changes if not one.is_seen(theirs)] == []
    assert len(changes) > 50


@pytest.mark.parametrize(
    ("address", "before", "after", "seen"),
    [
        ("?wsdl", 'name="verifyNHSNumber-v1-0_ptt"', 'name="verify_ptt"', "portType"),
        ("?wsdl", 'soapAction="urn:nhs-itk:services:201005:', 'soapAction="', "@soapAction"),
        ("?wsdl", 'use="literal"', 'use="encoded"', "@use"),
        ("Envelope-v2-0.xsd", ' minOccurs="0"', "", "@minOccurs"),
        ("Envelope-v2-0.xsd", 'maxOccurs="4"', 'maxOccurs="5"', "@maxOccurs"),
        ("Envelope-v2-0.xsd", ' use="required"', "", "@use"),
        ("Envelope-v2-0.xsd", '"tns:uuid"', '"xs:string"', "@type"),
        ("Envelope-v2-0.xsd", '="lax"', '="skip"', "@processContents"),
        ("Envelope-v2-0.xsd", ' mixed="true"', "", "@mixed"),
        ("Envelope-v2-0.xsd", '"qualified"', '"unqualified"', "@form"),
        ("Envelope-v2-0.xsd", '="urn:nhs-itk:ns:201005" ele', '="urn:other" ele', "@in"),
        ("Datatypes-2010-05.xsd", ".268", ".267", "@default"),
        ("Datatypes-2010-05.xsd", "{10}", "{9}", "@value"),
    ],
)
def test_a_change_of_the_contract_is_named(
    theirs: etree._Element, address: str, before: str, after: str, seen: str
) -> None:
    served = dict(documents(HOST))
    for each in [one for one in served if one.endswith(address)]:
        assert before.encode() in served[each]
        served[each] = served[each].replace(before.encode(), after.encode(), 1)
    told = _shown(theirs, contract(WSDL, loader(served)))
    assert any(seen in one for one in told), told


# Words: ours has none, and what the published one says in words is nowhere here.


def test_ours_has_no_comment_and_no_documentation() -> None:
    for address, content in documents(HOST).items():
        assert words_of(etree.fromstring(content)) == [], address


def test_the_published_documentation_is_nowhere_in_this_repository(published: Path) -> None:
    told = _published_phrases(published)
    assert len(told) > 3000
    files = _tracked()
    assert len(files) > 300
    shared = {
        str(path.relative_to(REPOSITORY)): {" ".join(one) for one in found}
        for path in files
        if (found := told & phrases(path.read_text("utf-8", errors="replace")))
    }
    # The disclaimer of damages is a sentence of every licence, and ours has one.
    assert set(shared) <= {"LICENSE"}
    served = b" ".join(documents(HOST).values()).decode()
    assert told & phrases(served) == frozenset()


def test_a_word_that_is_taken_from_the_published_one_is_found(published: Path) -> None:
    """Each comment and documentation, put into ours, is found both as words and as theirs."""
    location = (published / "wsdl" / NAME).as_uri()
    told, taken = _published_phrases(published), prose(location, from_file)
    assert len(taken) == 4
    for text in taken:
        root = etree.fromstring(documents(HOST)[f"{ADDRESSES[0]}?wsdl"])
        etree.SubElement(root, "{http://schemas.xmlsoap.org/wsdl/}documentation").text = text
        root.addprevious(etree.Comment(text.replace("--", "- -")))
        assert len(words_of(root)) == 2
        if len(text.split()) > 8:
            assert told & phrases(" ".join(words_of(root)))


# The table.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type X", r"t\.types:2: no declaration opens with type"),
        ("complex X\n  <a> b", r"t\.types:3: indent by four spaces"),
        ("complex X\n    <a> b 0-1", r"t\.types:3: not a type, a count or a value: b 0-1"),
        ("complex X\n    <a>b", r"t\.types:3: no declaration opens with <a>b"),
        ("complex X\n    @a b requred", r"t\.types:3: more than one type: b requred"),
        ("complex X\n        <a> b", r"t\.types:3: indent by four spaces"),
    ],
)
def test_a_fault_in_a_table_is_named_by_its_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read("t", f"namespace urn:x\n{text}\n")


def test_a_table_without_its_namespace_is_refused() -> None:
    with pytest.raises(ValueError, match=r"t\.types:2: a table opens with its namespace"):
        read("t", "# words\nelement a b\n")


def _shown(wanted: etree._Element, got: etree._Element) -> tuple[str, ...]:
    return tuple(str(one) for one in differences(wanted, got))


class Change(Struct, frozen=True):
    """One change of one element of one of our documents, by the element's place in it."""

    address: str
    place: int
    change: Callable[..., None]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.change.__name__} {self.name} of {self._element().tag} in {self.address}"

    def is_seen(self, theirs: etree._Element) -> bool:
        """Say whether ours, so changed, is another contract, or none that can be read."""
        changed = self._element()
        self.change(changed, *filter(None, [self.name]))
        content = etree.tostring(changed.getroottree())
        try:
            got = contract(WSDL, loader({**SERVED, self.address: content}))
        except KeyError:
            return True
        return differences(theirs, got) != ()

    def _element(self) -> etree._Element:
        root = etree.fromstring(SERVED[self.address])
        return list(root.iter("*"))[self.place]


def _places() -> Iterator[tuple[str, int, etree._Element]]:
    """Give every element of the WSDL and of each schema that it imports."""
    for document in documents_of(WSDL, ours()):
        address = document.location.removeprefix(f"https://{HOST}")
        for place, element in enumerate(document.root.iter("*")):
            yield address, place, element


def _set(element: etree._Element, name: str) -> None:
    element.set(name, f"{element.get(name)}x")


def _unset(element: etree._Element, name: str) -> None:
    del element.attrib[name]


def _drop(element: etree._Element) -> None:
    above = element.getparent()
    assert above is not None
    above.remove(element)


def _double(element: etree._Element) -> None:
    element.addnext(copy.deepcopy(element))


def _swap(element: etree._Element) -> None:
    following = element.getnext()
    assert following is not None
    following.addnext(element)


def _published_phrases(published: Path) -> frozenset[tuple[str, ...]]:
    """Give every run of eight words in what the published files say in words."""
    files = [path for path in published.parent.rglob("*") if path.suffix in {".xsd", ".wsdl"}]
    texts = [text for path in files for text in words_of(etree.parse(path).getroot())]
    return frozenset[tuple[str, ...]]().union(*map(phrases, texts))


def _tracked() -> list[Path]:
    """Give every file of the repository, committed or about to be, that people read as text."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", ":!fixtures"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    )
    return [path for name in done.stdout.splitlines() if (path := REPOSITORY / name).is_file()]
