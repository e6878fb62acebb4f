"""A synthetic directory as large as the national one, as LDIF: the same seed gives the same file.

For each organisation there are seven and a half entries: itself, its accredited system, what its
message handler agreed on for four interactions, and half a person with a membership and a role
profile. Forty thousand organisations make 300,000 entries. Everything is invented: no code, name
or address is a real one but by chance, and every endpoint is of `example.test`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from adapters import sds
from legacy_contracts.sds import ldif
from legacy_contracts.sds.entry import Entry

ORGANISATIONS: Final = 40_000

_SERVICE: Final = "urn:nhs:names:services:gp2gp"
_INTERACTIONS: Final = (
    *("RCMR_IN010000UK05", "RCMR_IN030000UK06", "COPC_IN000001UK01", "MCCI_IN010000UK13"),
)
_QUERIES: Final = (
    *("QUPA_IN000005UK01", "QUPA_IN000006UK02", "QUPA_IN000008UK02", "QUPA_IN000011UK02"),
)
_TOWNS: Final = ("Ashby", "Burford", "Calne", "Dore", "Eyam", "Frome", "Goole", "Hythe", "Ilkley")
_KINDS: Final = ("Surgery", "Health Centre", "Pharmacy", "Hospital", "Clinic", "Practice")
_FAMILIES: Final = ("Archer", "Baker", "Carter", "Dyer", "Fletcher", "Glover", "Mason", "Turner")
_GIVEN: Final = ("Alex", "Chris", "Drew", "Jo", "Kim", "Lee", "Max", "Pat", "Robin", "Sam")
_ROLES: Final = (("Clerical", "R8010"), ("General Practitioner", "R0260"), ("Nurse", "R8001"))
_TYPES: Final = (("GP PRACTICE", "RO177"), ("PHARMACY", "RO182"), ("NHS TRUST", "RO197"))
_URP: Final = "uniqueIdentifier=555000000001,uniqueIdentifier=555000000002,uid=555000000003"


def as_ldif(organisations: int, seed: int) -> Iterator[str]:
    """Give the table, an entry at a time."""
    for container in sds.CONTAINERS:
        yield ldif.written(container)
    drawn = random.Random(seed)  # noqa: S311 - nothing here is secret
    for number in range(organisations):
        for entry in _entries(number, drawn):
            yield ldif.written(entry)


def code_of(number: int) -> str:
    """Give the ODS code of the organisation with a number."""
    return f"{chr(ord('A') + number // 100_000)}{number % 100_000:05d}"


def _entries(number: int, drawn: random.Random) -> Iterator[Entry]:
    code = code_of(number)
    key = f"{code}-{drawn.randrange(800_000, 900_000)}"
    yield _organisation(code, drawn)
    if number % 2:
        yield from _person(number, code, drawn)
    yield _system(number, code, key)
    host = f"mhs{number}.example.test"
    for interaction in _INTERACTIONS:
        yield _contract((code, key, host), interaction, drawn)


def _organisation(code: str, drawn: random.Random) -> Entry:
    town = drawn.choice(_TOWNS)
    kind, kind_code = drawn.choice(_TYPES)
    return _entry(
        f"uniqueIdentifier={code},{sds.ORGANISATIONS}",
        objectClass=("top", "organization", "nhsOrg"),
        uniqueIdentifier=code,
        nhsIDCode=code,
        o=f"{town} {drawn.choice(_KINDS)} {code}",
        nhsOrgType=kind,
        nhsOrgTypeCode=kind_code,
        postalAddress=f"{drawn.randrange(1, 200)} High Street${town}",
        postalCode=f"ZZ{drawn.randrange(1, 99)} {drawn.randrange(1, 9)}ZZ",
        l=town,
        nhsOrgOpenDate=f"{drawn.randrange(1974, 2020)}0401",
    )


def _person(number: int, code: str, drawn: random.Random) -> Iterator[Entry]:
    user = f"{555_100_000_000 + number}"
    member = f"{555_200_000_000 + number}"
    family = drawn.choice(_FAMILIES)
    name = f"{drawn.choice(_GIVEN)} {family}"
    role, role_code = drawn.choice(_ROLES)
    above = f"uid={user},{sds.PEOPLE}"
    people = ("top", "person", "organizationalPerson", "inetOrgPerson")
    yield _entry(
        above, objectClass=(*people, "nhsPerson"), uid=user, cn=name, sn=family, nhsPersonStatus="1"
    )
    yield _entry(
        f"uniqueIdentifier={member},{above}",
        objectClass=(*people, "nhsOrgPerson"),
        uniqueIdentifier=member,
        uid=user,
        cn=name,
        sn=family,
        nhsIDCode=code,
    )
    yield _entry(
        f"uniqueIdentifier={555_300_000_000 + number},uniqueIdentifier={member},{above}",
        objectClass=("top", "nhsOrgPersonRole"),
        uniqueIdentifier=f"{555_300_000_000 + number}",
        nhsIDCode=code,
        nhsJobRole=role,
        nhsJobRoleCode=role_code,
    )


def _system(number: int, code: str, key: str) -> Entry:
    asid = f"{200_000_000_000 + number}"
    return _entry(
        f"uniqueIdentifier={asid},{sds.SERVICES}",
        objectClass=("top", "nhsAs"),
        uniqueIdentifier=asid,
        nhsIDCode=code,
        nhsMHSPartyKey=key,
        nhsAsClient=code,
        nhsAsSvcIA=(
            *(f"{_SERVICE}:{one}" for one in _INTERACTIONS),
            *(f"urn:nhs:names:services:pdsquery:{one}" for one in _QUERIES),
        ),
        nhsProductKey="10830",
        nhsProductName="Synthetic Records",
        nhsProductVersion="1.0",
        **_approved(),
    )


def _contract(party: tuple[str, str, str], interaction: str, drawn: random.Random) -> Entry:
    code, key, host = party
    identifier = f"S{code}{drawn.randrange(10**11):011d}"
    return _entry(
        f"uniqueIdentifier={identifier},{sds.SERVICES}",
        objectClass=("top", "nhsMhs"),
        uniqueIdentifier=identifier,
        nhsIDCode=code,
        nhsMHSPartyKey=key,
        nhsMhsSvcIA=f"{_SERVICE}:{interaction}",
        nhsMHsSN=_SERVICE,
        nhsMHsIN=interaction,
        nhsMhsCPAId=identifier,
        nhsMHSEndPoint=f"https://{host}/reliablemessaging/forwardreliable",
        nhsMhsFQDN=host,
        nhsMHSIsAuthenticated="transient",
        nhsMHSAckRequested="always",
        nhsMHSDuplicateElimination="always",
        nhsMHSSyncReplyMode="None",
        nhsMHSActor=f"{sds.ACTOR}nextMSH",
        nhsMHSRetries="2",
        nhsMHSRetryInterval="PT1M",
        nhsMHSPersistDuration="PT4H10M",
        nhsProductKey="10830",
        nhsEPInteractionType="HL7",
        nhsContractPropertyTemplateKey="28",
        nhsDNSApprover=f"{_URP},{sds.PEOPLE}",
        nhsDateDNSApproved="20150302145732",
        **_approved(),
    )


def _approved() -> dict[str, str]:
    return {
        "nhsRequestorURP": f"{_URP},{sds.PEOPLE}",
        "nhsDateRequested": "20150302141231",
        "nhsApproverURP": f"{_URP},{sds.PEOPLE}",
        "nhsDateApproved": "20150302145732",
    }


def _entry(dn: str, **attributes: str | tuple[str, ...]) -> Entry:
    return Entry(
        dn,
        tuple(
            (name, (said,) if isinstance(said, str) else said) for name, said in attributes.items()
        ),
    )
