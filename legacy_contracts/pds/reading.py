"""The items of a demographic record as messages bring them: names, addresses, telecoms, and so on.

Every reader gives what stands in an element, in plain words, of a message that broke no rule; the
modes of updates are read elsewhere. Of what may stand once and stands twice the first is read, as
the stylesheets do (`string()` of a set of nodes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lxml import etree

from core.values.demographics import (
    Address,
    Birthplace,
    CareProvision,
    ContactPreference,
    Language,
    Name,
    Period,
    Telecom,
)
from legacy_contracts import ns, oids
from legacy_contracts.hl7 import values
from legacy_contracts.pds import codes

Node = etree._Element  # noqa: SLF001 - lxml has no other name for its type

NAME_USES: Final = {code: use for use, code in codes.NAME_USE.items()}
ADDRESS_USES: Final = {code: use for use, code in values.ADDRESS_USE.items()}
TELECOM_USES: Final = {code: use for use, code in values.TELECOM_USE.items()}
CARE_PROVISIONS: Final = {code: kind for kind, code in codes.CARE_PROVISION.items()}

_SCHEME: Final = re.compile(r"[-a-z0-9+]+", re.ASCII | re.IGNORECASE)

NO_ADDRESS_KEY: Final = "0"
"""What the oldest generation sends in place of no key: it is dropped, with a warning."""


def every(node: Node, path: str) -> list[Node]:
    """Give the elements at a path."""
    return node.findall(path, ns.PREFIXES)


def maybe(node: Node, path: str) -> Node | None:
    """Give the first element at a path, or None."""
    return node.find(path, ns.PREFIXES)


def text(node: Node, path: str) -> str | None:
    """Give the text of the first element at a path; None where there is none."""
    found = maybe(node, path)
    return None if found is None else words(found)


def words(node: Node) -> str:
    """Give all that is written in an element, whatever elements it is written in."""
    return "".join(node.itertext()) if len(node) else node.text or ""


def attribute(node: Node, path: str, name: str) -> str | None:
    """Give the first attribute of elements at a path; None where none has it, or it is empty."""
    values = (one.get(name) for one in node.iterfind(path, ns.PREFIXES))
    return next((one for one in values if one is not None), None) or None


def value(node: Node, path: str) -> str | None:
    """Give the value of the first element at a path (TS, INT, BL)."""
    return attribute(node, path, "value")


def code(node: Node, path: str) -> str | None:
    """Give the code of the first element at a path (CV, CS)."""
    return attribute(node, path, "code")


def extension(node: Node, path: str) -> str | None:
    """Give the extension of the first identifier at a path (II)."""
    return attribute(node, path, "extension")


def period(node: Node, path: str) -> Period | None:
    """Give an interval of time (IVL_TS), or None where it says nothing."""
    start, end = value(node, f"{path}/hl7:low"), value(node, f"{path}/hl7:high")
    return None if start is None and end is None else Period(start, end)


def object_id(node: Node) -> str | None:
    """Give an item's own id, as a retrieval showed it."""
    return extension(node, f"hl7:id[@root='{oids.OBJECT_ID}']")


def name(node: Node) -> Name:
    """Give a person's name (PN); one without use is the usual one."""
    return Name(
        use=NAME_USES[node.get("use") or "L"],
        prefix=text(node, "hl7:prefix"),
        given=tuple(words(one) for one in every(node, "hl7:given")),
        family=text(node, "hl7:family"),
        suffix=text(node, "hl7:suffix"),
        period=period(node, "hl7:validTime"),
        object_id=object_id(node),
    )


def address(node: Node) -> Address:
    """Give a postal address (AD), its lines in their places."""
    key = text(node, "hl7:addressKey")
    return Address(
        use=ADDRESS_USES[node.get("use") or "H"],
        lines=tuple(words(one) for one in every(node, "hl7:streetAddressLine")),
        postcode=text(node, "hl7:postalCode"),
        paf_key=None if key == NO_ADDRESS_KEY else key,
        description=text(node, "hl7:desc"),
        period=period(node, "hl7:useablePeriod"),
        object_id=object_id(node),
    )


def telecom(node: Node) -> Telecom:
    """Give a telecommunication address (TEL); a plain number is a telephone's (pds.md 3.3).

    No address of the schemas has a space in it, whatever a client wrote for the eye.
    """
    written = (node.get("value") or "").replace(" ", "")
    scheme, mark, rest = written.partition(":")
    is_plain = not mark or _SCHEME.fullmatch(scheme) is None
    return Telecom(
        use=TELECOM_USES[node.get("use") or "H"],
        value=f"tel:{written}" if is_plain and written else f"{scheme.lower()}{mark}{rest}",
        period=period(node, "hl7:useablePeriod"),
        object_id=object_id(node),
    )


def names(nodes: Iterable[Node]) -> tuple[Name, ...]:
    """Give names, in their order."""
    return tuple(name(one) for one in nodes)


def addresses(nodes: Iterable[Node]) -> tuple[Address, ...]:
    """Give addresses, in their order."""
    return tuple(address(one) for one in nodes)


def telecoms(nodes: Iterable[Node]) -> tuple[Telecom, ...]:
    """Give telecoms, in their order."""
    return tuple(telecom(one) for one in nodes)


def care_provision(node: Node, provider: str) -> CareProvision:
    """Give what an organisation provides; `provider` is the path to its id."""
    return CareProvision(
        kind=CARE_PROVISIONS[code(node, "hl7:code") or "1"],
        provider=extension(node, provider) or "",
        practitioner=attribute(node, provider, "root") == oids.PRACTITIONER,
        period=period(node, "hl7:effectiveTime"),
        object_id=object_id(node),
    )


def language(node: Node, path: str) -> Language | None:
    """Give the language to speak with a person, or None."""
    found = maybe(node, path)
    spoken = None if found is None else code(found, "hl7:languageCode")
    if found is None or spoken is None:
        return None
    return Language(
        code=spoken,
        preferred=value(found, "hl7:preferenceInd") == "true",
        interpreter=code(found, "hl7:proficiencyLevelCode") or "0",
    )


def contact(node: Node, path: str) -> ContactPreference | None:
    """Give how and when to reach a person, or None."""
    found = maybe(node, path)
    if found is None:
        return None
    times = text(found, "hl7:pertinentInformation/hl7:pertinentPreferredContactTimes/hl7:value")
    return ContactPreference(code(found, "hl7:value"), times)


def birthplace(node: Node, path: str) -> Birthplace | None:
    """Give where a person was born, of an address whose country may be coded; or None."""
    found = maybe(node, path)
    if found is None:
        return None
    country = code(found, "hl7:country/hl7:code") or text(found, "hl7:country")
    place = Birthplace(
        city=text(found, "hl7:city"),
        county=text(found, "hl7:county"),
        country=country,
        lines=tuple(one.text or "" for one in every(found, "hl7:streetAddressLine")),
        postcode=text(found, "hl7:postalCode"),
    )
    return None if place == Birthplace() else place
