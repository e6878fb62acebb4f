"""New records through the hub: done again after a crash, told in the audit, refused in words."""

from __future__ import annotations

import pytest
from creation_messages import ALLOCATIONS, BIRTHS, Baby, allocation, birth
from ebxml_messages import Message
from hubs import CONTRACTS, TestHub, ours, payload_of
from lxml import etree

from core.audit import accesses_to
from core.demographics import numbers
from core.demographics.records import PATIENTS
from core.errors import StoreError
from core.messaging.hub import Hub
from core.values.messaging import Content

HL7 = "{urn:hl7-org:v3}"
NHS_NUMBER = "2.16.840.1.113883.2.1.4.1"


def hub() -> TestHub:
    return TestHub(contracts=(*CONTRACTS, *(ours("pds", one) for one in (*ALLOCATIONS, *BIRTHS))))


def done(our: TestHub, *sent: Message) -> list[etree._Element]:
    """Give what the hub posts in answer to messages."""
    for message in sent:
        our.receive(message)
        our.work()
        our.work()
    return [payload_of(content) for _, content in our.posted]


def given(answer: etree._Element) -> list[str]:
    """Give the numbers of the people that an answer names, their mothers left out."""
    return [
        one.get("extension")
        for role in answer.iter(f"{HL7}patientRole")
        for one in role.findall(f"{HL7}id[@root='{NHS_NUMBER}']")
    ]


def test_an_allocation_is_answered_with_a_number_under_which_the_record_stands() -> None:
    our = hub()
    (answer,) = done(our, allocation("PRPA_IN000200UK03"))
    assert etree.QName(answer).localname == "PRPA_IN000201UK01"
    (number,) = given(answer)
    patient = our.store.read(PATIENTS, number)
    assert patient is not None
    assert patient.names[0].family == "Neuling"
    accesses = [one.command for _, _, one in accesses_to(our.store, number)]
    assert accesses == ["AllocateNumber"]


def test_a_worker_that_dies_before_it_could_answer_is_followed_by_one_that_gives_the_same_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    our = hub()
    our.receive(allocation("PRPA_IN000200UK03"))

    def dies(*_told: object) -> None:
        raise StoreError("the store went away")

    with monkeypatch.context() as broken:
        broken.setattr(Hub, "done", dies)
        with pytest.raises(StoreError):
            our.work()
    (made,) = our.store.keys(PATIENTS)
    our.us.core.numbers._left = iter(())

    our.clock.forward(60)
    our.work()
    our.work()

    assert [given(payload_of(content)) for _, content in our.posted] == [[made]]
    assert list(our.store.keys(PATIENTS)) == [made]


def test_whom_a_possible_duplicate_names_is_in_the_audit_of_each() -> None:
    our = hub()
    first, _, third = done(
        our,
        birth("PRPA_IN000205UK03"),
        birth("PRPA_IN000205UK03", Baby(ignoring="true")),
        birth("PRPA_IN000205UK05"),
    )
    assert etree.QName(third).localname == "PRPA_IN000207UK05"
    assert given(first)[0] in given(third)
    assert len(given(third)) == 2
    for number in given(third):
        assert [one.command for _, _, one in accesses_to(our.store, number)][-1] == "CreateRecord"


def reasons(content: Content) -> list[str | None]:
    return [one.get("displayName") for one in payload_of(content).iter(f"{HL7}code")]


def test_without_a_number_left_the_sender_is_told_and_may_ask_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    our = hub()
    monkeypatch.setattr(our.us.core.numbers, "_pool", (numbers.Span(999_000_000, 999_000_000),))
    done(our, allocation("PRPA_IN000200UK03"), allocation("PRPA_IN000200UK03"))
    assert reasons(our.posted[1][1]) == [
        "Update Failed",
        "Unexpected business error encountered. NHS_NUMBERS_EXHAUSTED",
    ]
    monkeypatch.setattr(our.us.core.numbers, "_pool", numbers.SYNTHETIC)
    answers = done(our, allocation("PRPA_IN000200UK03"))
    assert given(answers[2]) != given(answers[0])
