"""What an id is that an answer may repeat: by the rule, and by the reader, alike."""

from __future__ import annotations

from typing import Final

import pytest
from lxml import etree

from legacy_contracts.hl7.rules import Group, Rule, Rules, once_id, uuid_in

OWN: Final = "9D2C7B10-1D5F-4E0A-8C44-0A7F6C1B5E22"
RULES: Final = Rules((Group("/*", (Rule(once_id(), "INVALID_ID"),)),))


def accepted(*ids: str) -> bool:
    """Say whether a message with these ids breaks no rule."""
    root = etree.Element("{urn:hl7-org:v3}any")
    for one in ids:
        etree.SubElement(root, "{urn:hl7-org:v3}id", root=one)
    return not RULES.faults(root)


@pytest.mark.parametrize("sent", [OWN, OWN.lower(), "0" * 8 + OWN[8:], f"uuid:{OWN}"])
def test_a_uuid_is_an_id_and_is_repeated_bare(sent: str) -> None:
    assert accepted(sent)
    assert uuid_in(sent) == sent.removeprefix("uuid:")


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "message-1",
        OWN[:-1],
        f"{OWN}0",
        f" {OWN}",
        f"{OWN}\n",
        OWN.replace("-", ""),
        OWN.replace("9D2C7B10-", "9D2C7B1-0"),
        OWN.replace("9", "G"),
        f"{{{OWN}}}",
        f"urn:uuid:{OWN}",
        f"uui0:{OWN}",
        "1.2.826.0.1285.0.2.0.107",
    ],
)
def test_anything_else_is_none(sent: str) -> None:
    assert not accepted(sent)
    assert uuid_in(sent) == ""


def test_there_is_one_id_and_no_more() -> None:
    assert not accepted()
    assert not accepted(OWN, OWN)
