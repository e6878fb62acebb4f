"""Entries of a directory for tests, all synthetic, and how two sets of them are compared."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from adapters import sds
from core.context import system_context
from core.directory import Directory
from core.store.port import Store
from legacy_contracts.sds import ldif
from legacy_contracts.sds.entry import Entry
from operations import exporting, importing

Said = dict[str, tuple[str, ...]]
Set = dict[str, dict[str, list[str]]]

ORGANISATION: Final = """dn: uniqueIdentifier=A12345,ou=organisations,o=nhs
objectClass: top
objectClass: nhsGPPractice
uniqueIdentifier: A12345
nhsIDCode: A12345
o: Hill practice
nhsOrgTypeCode: RO177
postalAddress: 1 High Street$Ashby
"""
PERSON: Final = """dn: uid=555000000003,ou=people,o=nhs
objectClass: top
objectClass: nhsPerson
uid: 555000000003
cn: Ann Hill
sn: Hill
"""
MEMBERSHIP: Final = """dn: uniqueIdentifier=555000000002,uid=555000000003,ou=people,o=nhs
objectClass: top
objectClass: nhsOrgPerson
uniqueIdentifier: 555000000002
uid: 555000000003
cn: Ann Hill
sn: Hill
nhsIDCode: A12345
"""
ROLE_PROFILE: Final = (
    "dn: uniqueIdentifier=555000000001,uniqueIdentifier=555000000002,uid=555000000003,\n"
    " ou=people,o=nhs\n"
    """objectClass: top
objectClass: nhsOrgPersonRole
uniqueIdentifier: 555000000001
nhsIDCode: A12345
nhsJobRole: "Clinical":"Clinical Provision":"General Medical Practitioner"
nhsJobRoleCode: S8000:G8000:R8000
"""
)
SYSTEM: Final = """dn: uniqueIdentifier=100000000001,ou=Services,o=nhs
objectClass: nhsas
objectClass: top
nhsProductName: Hill records
nhsMhsPartyKey: A12345-0000001
NHSIDCODE: A12345
nhsAsClient: A12345
nhsAsSvcIA: urn:nhs:names:services:pdsquery:QUPA_IN000008UK02
nhsAsSvcIA: urn:nhs:names:services:gp2gp:RCMR_IN010000UK05
uniqueIdentifier: 100000000001
entryUUID: e1b20fa5-8857-4189-93ab-f2f7552d7060
createTimestamp: 20150302145733Z
"""
CONTRACT: Final = """dn: uniqueIdentifier=S9999999A9999999,ou=services,o=nhs
objectClass: top
objectClass: nhsMhs
uniqueIdentifier: S9999999A9999999
nhsIDCode: A12345
nhsMHSPartyKey: A12345-0000001
nhsMhsSvcIA: urn:nhs:names:services:gp2gp:RCMR_IN010000UK05
nhsMHsSN: urn:nhs:names:services:gp2gp
nhsMHsIN: RCMR_IN010000UK05
nhsMhsCPAId: S9999999A9999999
nhsMHSEndPoint: https://mhs.hill.example.test:4433/in
nhsMhsFQDN: mhs.hill.example.test
nhsMHSIsAuthenticated: transient
nhsMHSAckRequested: always
nhsMHSDuplicateElimination: never
nhsMHSSyncReplyMode: None
nhsMHSActor: urn:oasis:names:tc:ebxml-msg:actor:nextMSH
nhsMHSRetries: 3
nhsMHSRetryInterval: PT90S
nhsMHSPersistDuration: P1DT4H10M
nhsMHSServiceDescription:: SGlsbCDDqQ==
"""
ALL: Final = (ORGANISATION, PERSON, MEMBERSHIP, ROLE_PROFILE, SYSTEM, CONTRACT)
WHOLE: Final = "version: 1\n\n" + "\n".join(ALL)
"""One entry of each kind, as a real server writes them."""


def imported(store: Store, text: str) -> importing.Checked:
    """Import an LDIF that has no fault, and give what was read."""
    with importing.spooling() as spool:
        checked = importing.read(text.encode().splitlines(keepends=True), store, spool)
        assert checked.faults == []
        importing.write(checked, store, system_context())
    return checked


def faults_of(text: str, store: Store | None = None) -> list[str]:
    """Give every fault of an LDIF."""
    with importing.spooling() as spool:
        return importing.read(text.encode().splitlines(keepends=True), store, spool).faults


def exported(store: Store) -> str:
    """Give the table as LDIF."""
    return "".join(exporting.as_ldif(store))


def entries_in(text: str) -> Set:
    """Give the entries of an LDIF as a set: no order, names without case, no containers."""
    return as_set(
        Entry(one.dn, one.attributes)
        for one in ldif.records(text.encode().splitlines(keepends=True))
        if isinstance(one, ldif.Record)
    )


def as_set(entries: Iterable[Entry]) -> Set:
    """Give entries as a set."""
    containers = {one.dn.lower() for one in sds.CONTAINERS}
    return {
        one.dn.lower().replace(" ", ""): {
            name.lower(): sorted(
                value.lower() if name.lower() == "objectclass" else value for value in values
            )
            for name, values in one.attributes
        }
        for one in entries
        if one.dn.lower() not in containers
    }


def directory_of(store: Store) -> Directory:
    """Give the directory as a request reads it, with nothing remembered."""
    return Directory(store, time.monotonic)
