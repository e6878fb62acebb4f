"""What an import brought is found by every value that it says, and by nothing that it does not."""

from __future__ import annotations

import time

import pytest
from directory_tables import Table

from adapters.sds_searching import Query, is_in, plan, steps
from core.context import system_context
from core.directory import Directory
from core.store.memory import MemoryStore
from legacy_contracts.sds.entry import Entry
from legacy_contracts.sds.filters import Equality, Filter, Present, Substrings, matches
from legacy_contracts.sds.ldap_codes import Scope
from legacy_contracts.sds.ldap_names import read_name
from operations import importing, national

ODD = """
dn: uniqueIdentifier=200000000999,ou=Services,o=nhs
objectClass: nhsAS
objectClass: top
nhsAsClient: A81001
nhsAsClient: B82002
nhsAsSvcIA: urn:nhs:names:services:pds:QUPA_IN040000UK01
nhsAsSvcIA: urn:nhs:names:services:gp2gp:RCMR_IN010000UK05
nhsIDCode: RVL
nhsMhsPartyKey: RVL-806539
nhsProductName: Some  Product
description: A system, of no great size
uniqueIdentifier: 200000000999

dn: uniqueIdentifier=472b35d4641b76454b13, ou=Services, o=nhs
objectClass: nhsMhs
objectClass: top
uniqueIdentifier: 472b35d4641b76454b13
nhsIDCode: RVL
nhsMHSPartyKey: RVL-806539
nhsMhsSvcIA: urn:nhs:names:services:gp2gp:RCMR_IN010000UK05
nhsMHsSN: urn:nhs:names:services:gp2gp
nhsMHsIN: RCMR_IN010000UK05
nhsMhsCPAId: 472b35d4641b76454b13
nhsMHSEndPoint: https://pcs.example.test/T99999/DSTU2/1
nhsMhsFQDN: other.example.test
nhsEPInteractionType: HL7

"""


@pytest.fixture(scope="module")
def listed() -> Table:
    store = MemoryStore()
    text = "".join(national.as_ldif(6, 7)).replace("version: 1\n", "version: 1\n\n", 1) + ODD
    with importing.spooling() as spool:
        checked = importing.read(iter(text.encode().splitlines(keepends=True)), store, spool)
        assert checked.faults == []
        importing.write(checked, store, system_context())
    return Table(store, Directory(store, time.monotonic))


def _found(listed: Table, term: Filter, base: str) -> list[str]:
    walked = plan(Query(read_name(base), Scope.SUB, term), listed.find)
    return sorted(step.entry.dn for step in steps(walked, listed.find) if step.entry)


def _naive(everything: list[Entry], term: Filter, base: str) -> list[str]:
    query = Query(read_name(base), Scope.SUB, term)
    return sorted(
        one.dn
        for one in everything
        if is_in(read_name(one.dn), query) and matches(term, one) is True
    )


def test_every_value_of_every_entry_leads_to_it(listed: Table) -> None:
    everything = listed.entries()
    assert len(everything) > 45
    asked: dict[Filter, None] = {}
    for entry in everything:
        for name, values in entry.attributes:
            asked[Present(name)] = None
            for value in values:
                asked[Equality(name, value.encode())] = None
                asked[Equality(name.upper(), f" {value.upper()} ".encode())] = None
                asked[Substrings(name, value[:4].encode(), (), None)] = None
    for term in asked:
        for base in ("o=nhs", "ou=services,o=nhs", "ou=people,o=nhs"):
            assert _found(listed, term, base) == _naive(everything, term, base), (term, base)


def test_an_entry_of_another_spelling_is_found_by_its_own_name(listed: Table) -> None:
    name = "UNIQUEIDENTIFIER=472B35D4641B76454B13,OU=services,O=NHS"
    assert len(_found(listed, Present("objectClass"), name)) == 1
